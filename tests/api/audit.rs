//! The audit log, and the database role that cannot rewrite it.
use crate::support::server::SECRET;
use crate::support::{Client, database_url, id, key, register, server, unique, user, workspace};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use serde_json::{Value as Json, json};
use std::process::{Command, Output};
use voronka::db::{migrations, roles};

fn types(page: &Json) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[test]
fn entries_name_the_actor_the_action_and_the_address() {
    let owner = workspace();
    let me = owner.get("/me").ok()["user"]["id"].clone();
    let deal = id(&owner.post("/deals", json!({ "title": "Boat" })).created());
    owner.with("X-Request-Id", "trace-1").patch(&format!("/deals/{deal}"), json!({ "title": "=Big" })).ok();
    let log = owner.get(&format!("/audit-events?record_id={deal}&include=actor")).ok();
    assert_eq!(types(&log), ["deal.updated", "deal.created"]);
    let event = &log["data"][0];
    assert_eq!(event["actor_id"], me);
    assert_eq!(event["address"], "127.0.0.1");
    assert_eq!(event["request_id"], "trace-1");
    assert_eq!(event["changes"], json!([{ "member": "title", "before": "\"Boat\"", "after": "\"=Big\"" }]));
    assert_eq!(log["included"]["users"][0]["id"], me);
    assert_eq!(types(&owner.get("/audit-events?type=session.opened").ok()), ["session.opened"]);
    let csv = owner.with("Accept", "text/csv").get(&format!("/audit-events?record_id={deal}"));
    assert_eq!(csv.status, 200);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.text.starts_with("at,type,record_kind,") && csv.text.contains("deal.updated"), "{}", csv.text);
    let seller = user(&owner, "seller");
    seller.get("/audit-events").problem(403, "forbidden");
    key(&owner, &["events:read"]).get("/audit-events").problem(403, "insufficient_scope");
    assert_eq!(workspace().get(&format!("/audit-events?record_id={deal}")).ok()["data"], json!([]));
}

#[test]
fn sign_ins_and_sign_outs_are_logged() {
    let email = format!("{}@example.com", unique("traced"));
    let (owner, _) = register(&email, "a-long-password");
    let login =
        |password: &str| Client::anonymous().post("/auth/login", json!({ "email": email, "password": password }));
    login("wrong-password").problem(401, "credentials_invalid");
    let pair = login("a-long-password").ok();
    Client::anonymous().post("/auth/logout", json!({ "refresh_token": pair["refresh_token"] })).gone();
    let change = json!({ "current_password": "a-long-password", "new_password": "another-password" });
    owner.post("/auth/change-password", change).gone();
    let log = owner.get("/audit-events?record_kind=session,user&sort=at").ok();
    let told = types(&log);
    for name in ["session.opened", "user.sign_in_refused", "session.ended", "user.password_changed"] {
        assert!(told.contains(&name), "{name}: {told:?}");
    }
}

#[test]
fn the_server_role_can_only_append() {
    let refused = |sql: &str| {
        let outcome = server().db.run_blocking(|conn| Ok(conn.batch_execute(sql).map_err(|error| error.to_string())));
        let message = outcome.unwrap().expect_err(sql);
        assert!(message.contains("permission denied") || message.contains("must be owner"), "{sql}: {message}");
    };
    for table in roles::APPEND_ONLY {
        for sql in [
            format!("delete from {table}"),
            format!("truncate {table}"),
            format!("alter table {table} add column x int"),
        ] {
            refused(&sql);
        }
    }
    refused("update events set type = 'nothing'");
    refused("update __diesel_schema_migrations set version = 'x'");
    refused("create table mine (id int)");
    refused("set session authorization voronka");
    let why = |url: &str| roles::too_powerful(&mut PgConnection::establish(url).unwrap()).unwrap();
    assert!(why(database_url()).unwrap().contains("superuser"));
    assert_eq!(why(&database_url().replace("user=voronka", &format!("user={}", roles::SERVER))), None);
}

fn serve(url: &str, secret: &str) -> Output {
    let folder = crate::support::process::folder("refused");
    Command::new(env!("CARGO_BIN_EXE_voronka"))
        .args(["serve", "--listen", "127.0.0.1:0", "--database-url", url, "--data-dir"])
        .arg(folder)
        .env("VORONKA_SECRET", secret)
        .output()
        .unwrap()
}

/// An unsafe server exits with an explanation.
#[test]
fn an_unsafe_server_does_not_start() {
    server();
    let url = database_url().replace("user=voronka", &format!("user={}", roles::SERVER));
    let refused = |url: &str, secret: &str, words: &str| {
        let output = serve(url, secret);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains(words), "{words}: {told}");
    };
    let good = "jJ8#kd0Qz!m3Vx7Lw5Rt9Yb2Nc4Ph6Sg";
    refused(&url, "short", "at least 32 bytes");
    refused(&url, SECRET, "looks like a sample");
    refused(&url, &"ab".repeat(20), "looks like a sample");
    refused(database_url(), good, "superuser");
    refused("postgresql:///nowhere?host=/nowhere", good, "cannot connect");
    // The database lacks a migration, and the role owns the tables.
    let name = "voronka_unsafe";
    let admin = database_url();
    let mut conn = PgConnection::establish(admin).unwrap();
    conn.batch_execute(&format!("drop database if exists {name}")).unwrap();
    conn.batch_execute(&format!("create database {name}")).unwrap();
    conn.batch_execute(
        "do $$ begin create role voronka_owner login; exception when duplicate_object then null; end $$",
    )
    .unwrap();
    let of = |user: &str| {
        admin.replace("///postgres", &format!("///{name}")).replace("user=voronka", &format!("user={user}"))
    };
    refused(&of("voronka_owner"), good, "is not up to date");
    migrations::run(&of("voronka")).unwrap();
    let mut owner = PgConnection::establish(&of("voronka")).unwrap();
    owner.batch_execute("grant all on all tables in schema public to voronka_owner").unwrap();
    refused(&of("voronka_owner"), good, "may change or delete rows of");
}
