//! Runs behind a real PgBouncer in transaction mode, where each transaction may use another connection.
use crate::examples;
use crate::support::process::{Process, folder};
use crate::support::{Client, database_url, id, unique};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::json;
use std::fs::{self, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use voronka::db::{migrations, pooler, roles};

const SECRET: &str = "q7Zt0mW4nYx2Kc9LrB6vTgHs8DfJpEuA";

/// A running PgBouncer in front of the PostgreSQL of the tests.
struct Pooler {
    process: Child,
    port: u16,
    dir: PathBuf,
}

impl Pooler {
    fn start(mode: &str) -> Pooler {
        let dir = std::env::temp_dir().join(format!("voronka-{}-{}", unique("pooler"), std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        fs::set_permissions(&dir, Permissions::from_mode(0o777)).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let socket = database_url().split("host=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        fs::write(dir.join("users"), format!("\"{}\" \"\"\n\"voronka\" \"\"\n", roles::SERVER)).unwrap();
        let settings = format!(
            "[databases]\n* = host={socket} port=5432\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = trust\nauth_file = {0}/users\nlogfile = {0}/log\npidfile = {0}/pid\npool_mode = {mode}\ndefault_pool_size = 4\n\
             server_round_robin = 1\nmax_client_conn = 500\n",
            dir.display()
        );
        fs::write(dir.join("ini"), settings).unwrap();
        let process = program().arg("-q").arg(dir.join("ini")).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let process = process.expect("pgbouncer; scripts/install test installs it");
        let pooler = Pooler { process, port, dir };
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = || fs::read_to_string(pooler.dir.join("log")).unwrap_or_default();
            assert!(begin.elapsed() < Duration::from_secs(20), "pgbouncer did not start: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
        pooler
    }

    fn url(&self, database: &str) -> String {
        format!("postgresql://{}@127.0.0.1:{}/{database}", roles::SERVER, self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// PgBouncer refuses to run as root, as PostgreSQL does.
fn program() -> Command {
    let found = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer"];
    let mut command = Command::new(found.iter().find(|path| fs::metadata(path).is_ok()).unwrap_or(&"pgbouncer"));
    if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
        command.args(["-u", "postgres"]);
    }
    command
}

/// Creates a separate database for a server; returns its name and the owner's URL.
fn database() -> (String, String) {
    let name = unique("pooled");
    PgConnection::establish(database_url()).unwrap().batch_execute(&format!("create database {name}")).unwrap();
    let owner = database_url().replace("/postgres?", &format!("/{name}?"));
    migrations::run(&owner).unwrap();
    assert_eq!(roles::grant(&owner, roles::SERVER, true).unwrap(), None);
    (name, owner)
}

fn serve(url: &str, more: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_voronka"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(folder(&unique("refused")));
    command.env("DATABASE_URL", url).env("VORONKA_SECRET", SECRET).envs(more.iter().copied()).output().unwrap()
}

#[test]
fn a_pooler_is_detected() {
    let (name, owner) = database();
    let server = owner.replace("user=voronka", &format!("user={}", roles::SERVER));
    for (mode, shares) in [("transaction", true), ("session", false)] {
        let pooler = Pooler::start(mode);
        for _ in 0..5 {
            assert_eq!(pooler::shares_connections(&pooler.url(&name)).unwrap(), shares, "{mode}");
            assert!(!pooler::shares_connections(&server).unwrap());
        }
    }
    let pooler = Pooler::start("transaction");
    let refused = serve(&pooler.url(&name), &[]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("VORONKA_TRANSACTION_POOLER"), "{words}");
    let migrated = Command::new(env!("CARGO_BIN_EXE_voronka"))
        .args(["migrate", "--database-url", &pooler.url(&name)])
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&migrated.stderr).into_owned();
    assert!(!migrated.status.success() && words.contains("PostgreSQL itself"), "{words}");
}

/// The session settings come from the role, since a pooler does not pass them on at connect.
#[test]
fn the_settings_come_from_the_role() {
    let (name, owner) = database();
    let server = owner.replace("user=voronka", &format!("user={}", roles::SERVER));
    let mut conn = PgConnection::establish(&server).unwrap();
    for (setting, value) in pooler::SESSION {
        let show = format!("current_setting('{setting}')");
        let found: String = diesel::select(diesel::dsl::sql::<Text>(&show)).get_result(&mut conn).unwrap();
        assert_eq!(found, value, "{setting}");
    }
    assert_eq!(pooler::unset(&mut conn).unwrap(), Vec::<String>::new());
    // A role may set them itself, even where the table owner may not.
    conn.batch_execute(&pooler::defaults(roles::SERVER, &name)).unwrap();
    conn.batch_execute(&format!("alter role {} in database {name} reset lock_timeout", roles::SERVER)).unwrap();
    let pooler = Pooler::start("transaction");
    let refused = serve(&pooler.url(&name), &[("VORONKA_TRANSACTION_POOLER", "true")]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("lacks lock_timeout;"), "{words}");
    // The printed statements fix the problem.
    let lines = words.split_once("alter role").map(|(_, rest)| format!("alter role{rest}")).unwrap();
    assert_eq!(
        lines.matches(&format!("alter role {} in database \"{name}\" set ", roles::SERVER)).count(),
        4,
        "{words}"
    );
    let lines: Vec<&str> = lines.lines().take(4).collect();
    PgConnection::establish(&server).unwrap().batch_execute(&lines.join("\n")).unwrap();
    assert_eq!(pooler::unset(&mut PgConnection::establish(&server).unwrap()).unwrap(), Vec::<String>::new());
    let pooler = Pooler::start("statement");
    let refused = serve(&pooler.url(&name), &[("VORONKA_TRANSACTION_POOLER", "true")]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("pool_mode = statement"), "{words}");
}

/// Sends queries of different shapes at once; a prepared statement of another client would return its result.
#[test]
fn answers_are_right_behind_a_pooler() {
    const CLIENTS: usize = 8;
    let (name, _) = database();
    let pooler = Pooler::start("transaction");
    let url = pooler.url(&name);
    let settings = [
        ("DATABASE_URL", url.as_str()),
        ("VORONKA_SECRET", SECRET),
        ("VORONKA_TRANSACTION_POOLER", "true"),
        ("VORONKA_DB_CONNECTIONS", "8"),
    ];
    let process = Process::start_with(&folder("pooled"), &settings);
    let owner = examples::small_spreadsheet(&process.address, "pooled-spreadsheet");
    let company = id(&owner.post("/companies", json!({ "name": "Pooled" })).created());
    std::thread::scope(|scope| {
        for n in 0..CLIENTS {
            let (client, company) = (owner.clone(), company.clone());
            scope.spawn(move || ask(&client, &company, n));
        }
    });
    let made = owner.get("/contacts?q=Pooled&include_total=true&limit=1").ok();
    assert_eq!(made["page"]["total"], CLIENTS * ROUNDS);
}

const ROUNDS: usize = 25;

fn ask(client: &Client, company: &str, n: usize) {
    for round in 0..ROUNDS {
        let name = format!("Pooled{n}x{round}");
        let body = json!({ "last_name": name, "company_id": company });
        let keyed = client.with("Idempotency-Key", &name);
        let made = id(&keyed.post("/contacts", body.clone()).created());
        assert_eq!(id(&keyed.post("/contacts", body).created()), made);
        let read = client.get(&format!("/contacts/{made}")).ok();
        assert_eq!(read["id"], json!(made));
        assert_eq!(read["last_name"], json!(name));
        let found = client.get(&format!("/contacts?last_name={name}&include=company")).ok();
        assert_eq!(found["data"][0]["id"], json!(made));
        assert_eq!(found["data"].as_array().unwrap().len(), 1);
        assert_eq!(found["included"]["companies"][0]["name"], "Pooled");
        let searched = client
            .post("/contacts/search", json!({ "any": [{ "field": "last_name", "op": "contains", "values": [name] }] }))
            .ok();
        assert_eq!(searched["data"][0]["id"], made);
        let deals = client.get("/deals?sort=title&include_total=true&limit=2").ok();
        assert_eq!(deals["page"]["total"], 4);
        assert_eq!(deals["data"].as_array().unwrap().len(), 2);
        let companies = client.get("/companies?name=Beta").ok();
        assert_eq!(companies["data"][0]["name"], "Beta");
        let timeline = client.get(&format!("/contacts/{made}/timeline")).ok();
        assert_eq!(timeline["data"][0]["type"], "contact.created");
        let rate = client.get("/analytics/win-rate").ok();
        assert!(rate["groups"].is_array());
        client.get(&format!("/contacts/{company}")).problem(404, "not_found");
    }
}
