//! Rows of an older version are converted once, even if the conversion is killed halfway.
use crate::support::database_url;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection};
use std::process::{Command, Stdio};
use std::time::Duration;
use voronka::db::migrations;

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    what: String,
}

/// Creates a separate database that other tests do not use.
fn database(name: &str) -> (String, PgConnection) {
    let mut conn = PgConnection::establish(database_url()).unwrap();
    conn.batch_execute(&format!("drop database if exists {name}; ")).unwrap();
    conn.batch_execute(&format!("create database {name}")).unwrap();
    let url = database_url().replace("/postgres?", &format!("/{name}?"));
    migrations::run(&url).unwrap();
    let conn = PgConnection::establish(&url).unwrap();
    (url, conn)
}

#[expect(clippy::disallowed_methods, reason = "the rows are asked in SQL")]
fn ask(conn: &mut PgConnection, sql: &str) -> Vec<String> {
    let rows: Vec<Found> = diesel::sql_query(sql).load(conn).unwrap();
    rows.into_iter().map(|row| row.what).collect()
}

const ACME: &str = "insert into workspaces (id, name, country, created_at, updated_at)
    values ('00000000-0000-7000-8000-000000000001', 'Acme', 'US', now(), now());
    update backfills set workspace_id = null, record_id = null, done_at = null;";

/// Writes rows as the previous version left them: French numbers without their first digit, addresses in two forms.
const OLD: &str = r#"
insert into contacts (workspace_id, id, first_name, email, phone, emails, phones, created_at, updated_at)
select '00000000-0000-7000-8000-000000000001', ('00000000-0000-7000-8000-1' || lpad(n::text, 11, '0'))::uuid, name, email, e164,
    case when email is null then '[]' else jsonb_build_array(jsonb_build_object('email', email, 'kind', 'work')) end,
    case when phone is null then '[]' else jsonb_build_array(jsonb_build_object('phone', phone, 'e164', e164, 'kind', 'work')) end, now(), now()
from (values
    (1, 'Jeanne', 'jeanne@xn--bcher-kva.example', '+33 1 42 68 53 00', '+3342685300'),
    (2, 'Igor', null, '+7 800 555-35-35', '+7005553535'),
    (3, 'Ann', 'ann@x.example', '(212) 736-5000', '+12127365000'),
    (4, 'Mart', null, '5550 1011', '+37255501011'),
    (5, 'Double', 'jeanne@bücher.example', null, null),
    (6, 'Desk', null, 'ask at the desk', null)
) as old (n, name, email, phone, e164);
insert into contact_emails select workspace_id, email, id from contacts where email is not null;
insert into companies (workspace_id, id, name, domain, created_at, updated_at) values
    ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-200000000001', 'A', 'https://www.A.example/', now(), now()),
    ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-200000000002', 'B', 'b.example', now(), now());
insert into logins (id, email, created_at) values
    ('00000000-0000-7000-8000-300000000001', 'anna@xn--bcher-kva.example', now()),
    ('00000000-0000-7000-8000-300000000002', 'bob@xn--bcher-kva.example', now()),
    ('00000000-0000-7000-8000-300000000003', 'bob@bücher.example', now()),
    ('00000000-0000-7000-8000-300000000004', 'cid@x.example', now());
insert into roles (workspace_id, id, key, name, builtin, created_at, updated_at)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-400000000001', 'seller', 'Seller', true, now(), now());
insert into users (workspace_id, id, login_id, name, email, role, status, created_at, updated_at)
select '00000000-0000-7000-8000-000000000001', id, id, split_part(email, '@', 1), email, 'seller', 'active', now(), now() from logins;
"#;

#[test]
fn existing_rows_are_normalized() {
    let (url, mut conn) = database("voronka_backfill");
    conn.batch_execute(&format!("{ACME}{OLD}")).unwrap();
    assert!(!migrations::is_current(&mut conn).unwrap());
    migrations::run(&url).unwrap();
    assert!(migrations::is_current(&mut conn).unwrap());
    let rows = "select concat_ws('|', first_name, email, phone, phones -> 0 ->> 'e164',
        (select string_agg(key, ' ') from jsonb_array_elements_text(phone_keys) key), version) as what from contacts order by id";
    let first = ask(&mut conn, rows);
    // A number parsed with the old country stays as it is; so does an address that another row has in another form.
    assert_eq!(
        first,
        [
            "Jeanne|jeanne@xn--bcher-kva.example|+33142685300|+33142685300|0142685300 33142685300|2",
            "Igor|+78005553535|+78005553535|78005553535 88005553535|2",
            "Ann|ann@x.example|+12127365000|+12127365000|12127365000 2127365000|1",
            "Mart|+37255501011|+37255501011|37255501011 55501011|1",
            "Double|jeanne@bücher.example|1",
            "Desk|ask at the desk|ask_at_the_desk|1",
        ]
    );
    let firms = "select concat_ws('|', name, domain, version) as what from companies order by id";
    assert_eq!(ask(&mut conn, firms), ["A|a.example|2", "B|b.example|1"]);
    let logins = "select email as what from logins order by id";
    let mended = ["anna@bücher.example", "bob@xn--bcher-kva.example", "bob@bücher.example", "cid@x.example"];
    assert_eq!(ask(&mut conn, logins), mended);
    let users = "select concat_ws('|', email, version) as what from users order by id";
    assert_eq!(
        ask(&mut conn, users),
        ["anna@bücher.example|2", "bob@xn--bcher-kva.example|1", "bob@bücher.example|1", "cid@x.example|1"]
    );
    let events = "select concat_ws('|', type, record_version, changes #>> '{phones,1,0,e164}', changes #>> '{domain,1}', changes #>> '{email,1}') as what from events order by type, record_id";
    let told = [
        "company.updated|2|a.example",
        "contact.updated|2|+33142685300",
        "contact.updated|2|+78005553535",
        "user.updated|2|anna@bücher.example",
    ];
    assert_eq!(ask(&mut conn, events), told);
    // A second run changes nothing.
    conn.batch_execute("update backfills set workspace_id = null, record_id = null, done_at = null").unwrap();
    migrations::run(&url).unwrap();
    assert_eq!(ask(&mut conn, rows), first);
    assert_eq!(ask(&mut conn, events), told);
}

const OWN: &str = r#"
insert into custom_fields (workspace_id, id, resource, key, name, kind, created_at, updated_at)
select '00000000-0000-7000-8000-000000000001', gen_random_uuid(), resource, key, key, kind, now(), now()
from unnest(array['contacts', 'companies']) resource, (values ('em', 'email'), ('ph', 'phone'), ('note', 'text')) as f (key, kind);
insert into companies (workspace_id, id, name, custom, created_at, updated_at)
select '00000000-0000-7000-8000-000000000001', ('00000000-0000-7000-8000-20000000000' || n)::uuid, n, custom::jsonb, now(), now()
from (values
    (1, '{"em": {"text": "anna@xn--bcher-kva.example"}, "ph": {"text": "(212) 736-5000"}, "note": {"text": "212 736 5000"}}'),
    (2, '{"em": {"text": "ann@x.example"}, "ph": {"text": "ask at the desk"}}'),
    (3, '{"note": {"text": "(212) 736-5000"}}')
) as old (n, custom);
insert into contacts (workspace_id, id, first_name, custom, created_at, updated_at) values
    ('00000000-0000-7000-8000-000000000001', gen_random_uuid(), 'A', '{"ph": {"text": "00372 5550 1011"}}', now(), now());
"#;

#[test]
fn custom_fields_are_normalized() {
    let (url, mut conn) = database("voronka_backfill_own");
    conn.batch_execute(&format!("{ACME}{OWN}")).unwrap();
    let text = |key: &str| format!("custom -> '{key}' ->> 'text'");
    let rows = format!(
        "select concat_ws('|', name, {}, {}, {}, version) as what from companies order by id",
        text("em"),
        text("ph"),
        text("note")
    );
    let numbers = format!("select concat_ws('|', {}, version) as what from contacts", text("ph"));
    for _ in 0..2 {
        migrations::run(&url).unwrap();
        assert_eq!(
            ask(&mut conn, &rows),
            [
                "1|anna@bücher.example|+12127365000|212 736 5000|2",
                "2|ann@x.example|ask at the desk|1",
                "3|(212) 736-5000|1",
            ]
        );
        assert_eq!(ask(&mut conn, &numbers), ["+37255501011|2"]);
        let events = "select concat_ws('|', type, record_version, changes #>> '{cf.ph,0}', changes #>> '{cf.ph,1}') as what from events order by type";
        let told = ["company.updated|2|(212) 736-5000|+12127365000", "contact.updated|2|00372 5550 1011|+37255501011"];
        assert_eq!(ask(&mut conn, events), told);
        conn.batch_execute("update backfills set workspace_id = null, record_id = null, done_at = null").unwrap();
    }
}

const MANY: &str = r#"
insert into contacts (workspace_id, id, phone, emails, phones, created_at, updated_at)
select '00000000-0000-7000-8000-000000000001', gen_random_uuid(), '+3342685300', '[]',
    '[{"phone": "+33 1 42 68 53 00", "e164": "+3342685300", "kind": "work"}]', now(), now() from generate_series(1, 20000)"#;

#[test]
fn a_killed_backfill_resumes() {
    let (url, mut conn) = database("voronka_backfill_killed");
    conn.batch_execute(&format!("{ACME}{MANY}")).unwrap();
    let migrate = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_voronka"));
        command.args(["migrate", "--database-url", &url]).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let done = "select count(*)::text as what from contacts where version = 2";
    let mut kills = 0;
    for _ in 0..4 {
        let mut child = migrate().spawn().unwrap();
        let before = ask(&mut conn, done);
        while child.try_wait().unwrap().is_none() {
            if ask(&mut conn, done) != before {
                child.kill().unwrap();
                kills += 1;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(child.wait().is_ok());
    }
    assert!(kills >= 2, "{kills}");
    assert!(migrate().status().unwrap().success());
    assert_eq!(ask(&mut conn, done), ["20000"]);
    assert_eq!(ask(&mut conn, "select count(*)::text as what from events where record_version = 2"), ["20000"]);
    let left = "select count(*)::text as what from contacts where phone <> '+33142685300' or phone_keys = '[]'";
    assert_eq!(ask(&mut conn, left), ["0"]);
}
