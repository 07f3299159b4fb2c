//! Properties of the database schema: separated workspaces, and migrations that run in both directions.
use crate::support::{database_url, server};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection};
use voronka::db::migrations;

/// Tables that do not belong to one workspace, and the reason.
const SHARED: [(&str, &str); 13] = [
    ("workspaces", "it is the tenant"),
    ("logins", "a person may belong to several workspaces"),
    ("sessions", "they belong to a login"),
    ("login_tokens", "they belong to a login"),
    ("login_identities", "they belong to a login"),
    ("recovery_codes", "they belong to a login"),
    ("oidc_sign_ins", "nobody knows yet whose they are"),
    ("refresh_tokens", "they belong to a session"),
    ("jobs", "the queue is read across workspaces"),
    ("__diesel_schema_migrations", "the schema's own history"),
    ("backfills", "they go through all workspaces"),
    ("server_secrets", "the secret of the server seals for all workspaces"),
    ("letter_counts", "an address may be invited by several workspaces"),
];

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    what: String,
}

#[expect(clippy::disallowed_methods, reason = "the catalogue is asked in SQL")]
fn ask(sql: &str) -> Vec<String> {
    let rows: Vec<Found> = server().db.run_blocking(|conn| Ok(diesel::sql_query(sql).load(conn)?)).unwrap();
    rows.into_iter().map(|row| row.what).collect()
}

#[test]
fn every_key_of_a_workspace_table_starts_with_the_workspace() {
    let shared = SHARED.map(|(table, _)| format!("'{table}'")).join(", ");
    let tables = format!("t.relnamespace = 'public'::regnamespace and t.relkind = 'r' and t.relname not in ({shared})");
    let without = ask(&format!(
        "select t.relname::text as what from pg_class t where {tables} and not exists (select 1 from pg_attribute a \
         where a.attrelid = t.oid and a.attname = 'workspace_id' and a.attnotnull)"
    ));
    assert!(without.is_empty(), "no workspace_id: {without:?}");
    let indexes = ask(&format!(
        "select i.indexrelid::regclass::text as what from pg_index i join pg_class t on t.oid = i.indrelid \
         join pg_attribute a on a.attrelid = t.oid and a.attname = 'workspace_id' \
         where {tables} and i.indisunique and i.indkey[0] <> a.attnum"
    ));
    assert!(indexes.is_empty(), "indexes without workspace_id: {indexes:?}");
    let links = ask(&format!(
        "select c.conname::text as what from pg_constraint c join pg_class t on t.oid = c.conrelid join pg_class r on r.oid = c.confrelid \
         join pg_attribute a on a.attrelid = t.oid and a.attname = 'workspace_id' \
         where c.contype = 'f' and {tables} and c.conkey[1] <> a.attnum and r.relname not in ('logins')"
    ));
    assert!(links.is_empty(), "foreign keys that could cross workspaces: {links:?}");
    let triggers = ask("select g.tgname::text as what from pg_trigger g where not g.tgisinternal order by g.tgname");
    // They keep what reports need of histories (decision 0045); nothing else is written by a trigger.
    let known =
        ["deals_enter_stage", "leads_enter_stage", "stage_spans_added", "stage_spans_removed", "stage_spans_rewritten"];
    assert_eq!(triggers, known);
}

#[test]
fn every_table_has_at_most_sixty_four_columns() {
    let wide = ask(
        "select t.relname::text as what from pg_class t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped \
         where t.relkind = 'r' and t.relnamespace = 'public'::regnamespace group by 1 having count(*) > 64",
    );
    assert!(wide.is_empty(), "{wide:?}");
}

#[test]
fn migrations_run_up_down_and_up_again() {
    let name = "voronka_migrations";
    let mut conn = PgConnection::establish(database_url()).unwrap();
    conn.batch_execute(&format!("drop database if exists {name}; ")).unwrap();
    conn.batch_execute(&format!("create database {name}")).unwrap();
    let url = database_url().replace("/postgres?", &format!("/{name}?"));
    let shape = |url: &str| -> Vec<String> {
        let mut conn = PgConnection::establish(url).unwrap();
        #[expect(clippy::disallowed_methods, reason = "the catalogue is asked in SQL")]
        let rows: Vec<Found> = diesel::sql_query(
            "select format('%s.%s %s %s', table_name, column_name, data_type, is_nullable) as what from information_schema.columns \
             where table_schema = 'public' union all select indexdef from pg_indexes where schemaname = 'public' \
             union all select conname || pg_get_constraintdef(oid) from pg_constraint where connamespace = 'public'::regnamespace order by 1",
        )
        .load(&mut conn)
        .unwrap();
        rows.into_iter().map(|row| row.what).collect()
    };
    let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap();
    let known = folders.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
    assert_eq!(migrations::run(&url).unwrap().len(), known);
    let first = shape(&url);
    assert!(migrations::run(&url).unwrap().is_empty());
    migrations::revert_all(&url).unwrap();
    assert!(shape(&url).iter().all(|what| what.contains("__diesel")), "{:?}", shape(&url));
    migrations::run(&url).unwrap();
    assert_eq!(shape(&url), first);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "what a dump brings is written in SQL")]
fn event_numbers_continue_after_a_restore() {
    let name = "voronka_dump";
    let mut conn = PgConnection::establish(database_url()).unwrap();
    conn.batch_execute(&format!("drop database if exists {name}; ")).unwrap();
    conn.batch_execute(&format!("create database {name}")).unwrap();
    let url = database_url().replace("/postgres?", &format!("/{name}?"));
    migrations::run(&url).unwrap();
    let mut conn = PgConnection::establish(&url).unwrap();
    assert_eq!(migrations::counted_elsewhere(&mut conn).unwrap(), None);
    // The dump comes from a PostgreSQL with higher transaction ids.
    let workspace = "00000000-0000-7000-8000-000000000001";
    let event = |xid: &str, n: u32| {
        format!(
            "insert into events (workspace_id, id, xid, at, type, record_kind, record_id, actor_kind, request_id, changes) \
             values ('{workspace}', '00000000-0000-7000-8000-00000000000{n}', {xid}, now(), 'deal.created', 'deal', '{workspace}', 'user', '', '{{}}')"
        )
    };
    let tenant = format!(
        "insert into workspaces (id, name, created_at, updated_at) values ('{workspace}', 'Moved', now(), now())"
    );
    conn.batch_execute(&tenant).unwrap();
    conn.batch_execute(&event("5000000000", 1)).unwrap();
    let mut feed = || -> Vec<String> {
        let sql = "select right(id::text, 1) as what from events where settled(xid) order by xid, seq";
        let rows: Vec<Found> = diesel::sql_query(sql).load(&mut conn).unwrap();
        rows.into_iter().map(|row| row.what).collect()
    };
    assert_eq!(feed(), [""; 0], "the feed must be empty");
    assert_eq!(
        migrations::counted_elsewhere(&mut PgConnection::establish(&url).unwrap()).unwrap(),
        Some(5_000_000_000)
    );
    migrations::run(&url).unwrap();
    PgConnection::establish(&url).unwrap().batch_execute(&event("default", 2)).unwrap();
    // Other tests have open transactions in the same PostgreSQL.
    let told = (0..800).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        feed() == ["1", "2"]
    });
    assert!(told, "{:?}", feed());
    assert_eq!(migrations::counted_elsewhere(&mut PgConnection::establish(&url).unwrap()).unwrap(), None);
}
