//! The steps of "In production" in the README, with exactly the permissions that they name.
use crate::support::database_url;
use crate::support::process::folder;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use std::process::{Command, Output};

const SECRET: &str = "jJ8#kd0Qz!m3Vx7Lw5Rt9Yb2Nc4Ph6Sg";

fn url(role: &str, database: &str) -> String {
    database_url().replace("///postgres", &format!("///{database}")).replace("user=voronka", &format!("user={role}"))
}

fn sql(role: &str, database: &str, text: &str) {
    PgConnection::establish(&url(role, database)).unwrap().batch_execute(text).unwrap();
}

/// Prepares what an administrator sets up once: two roles, and a database that one of them owns.
fn prepare(database: &str) {
    for role in ["plain_owner", "plain_server"] {
        let make = format!("do $$ begin create role {role} login; exception when duplicate_object then null; end $$");
        sql("voronka", "postgres", &make);
    }
    sql("voronka", "postgres", &format!("drop database if exists {database} with (force)"));
    sql("voronka", "postgres", &format!("create database {database} owner plain_owner"));
}

fn voronka(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_voronka")).args(arguments).env("VORONKA_SECRET", SECRET).output().unwrap()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn migrate(database: &str) {
    let output = voronka(&["migrate", "--database-url", &url("plain_owner", database), "--grant-to", "plain_server"]);
    assert!(output.status.success(), "{}", told(&output));
    assert!(!told(&output).contains("WARNING"), "{}", told(&output));
}

/// Starts the server, checks readiness and writes a record; returns the reason if it does not start.
fn serve(database: &str) -> Result<(), String> {
    let dir = folder(database);
    let url = url("plain_server", database);
    let output = voronka(&["demo", "--database-url", &url, "--data-dir", dir.to_str().unwrap()]);
    if !output.status.success() {
        return Err(told(&output));
    }
    let variables = [("DATABASE_URL", url.as_str()), ("VORONKA_SECRET", SECRET)];
    let process = crate::support::process::Process::start_with(&dir, &variables);
    let ready = ureq::get(format!("http://{}/health/ready", process.address)).call().map_err(|e| e.to_string())?;
    if ready.status() == 200 { Ok(()) } else { Err(ready.status().to_string()) }
}

#[test]
fn an_ordinary_owner_can_run_the_server() {
    let (first, second) = ("plain_first", "plain_second");
    prepare(first);
    let why = serve(first).unwrap_err();
    assert!(why.contains("DATABASE_URL=OWNER_URL voronka migrate --grant-to"), "{why}");
    migrate(first);
    serve(first).unwrap();
    migrate(first);
    // Its owner restores a dump without grants elsewhere; the server prints the command to run.
    prepare(second);
    let bin = std::env::var("PG_BINDIR").unwrap_or_else(|_| "/usr/lib/postgresql/15/bin".into());
    let dir = folder("dump");
    std::fs::create_dir_all(&dir).unwrap();
    let dump = dir.join("dump.sql");
    let run = |program: &str, arguments: &[&str]| {
        let found = std::path::Path::new(&bin).join(program);
        let found = if found.is_file() { found } else { program.into() };
        let output = Command::new(found).args(arguments).output().unwrap();
        assert!(output.status.success(), "{program}: {}", told(&output));
    };
    run("pg_dump", &["--no-acl", "--no-owner", "--file", dump.to_str().unwrap(), &url("plain_owner", first)]);
    run(
        "psql",
        &["--quiet", "--set", "ON_ERROR_STOP=1", "--file", dump.to_str().unwrap(), &url("plain_owner", second)],
    );
    let why = serve(second).unwrap_err();
    assert!(why.contains("plain_server has no access to the tables"), "{why}");
    assert!(why.contains("DATABASE_URL=OWNER_URL voronka migrate --grant-to plain_server"), "{why}");
    migrate(second);
    serve(second).unwrap();
    // A dump restored by a superuser belongs to the superuser.
    let third = "plain_third";
    prepare(third);
    run("psql", &["--quiet", "--set", "ON_ERROR_STOP=1", "--file", dump.to_str().unwrap(), &url("voronka", third)]);
    let output = voronka(&["migrate", "--database-url", &url("plain_owner", third), "--grant-to", "plain_server"]);
    let words = told(&output);
    assert!(!output.status.success() && words.contains("the tables belong to voronka"), "{words}");
    let give = words.split_once("do $own$").and_then(|(_, rest)| rest.split_once("end $own$;")).unwrap().0;
    sql("voronka", third, &format!("do $own$ {give} end $own$;"));
    migrate(third);
    serve(third).unwrap();
}

#[test]
fn a_missing_program_directory_is_refused() {
    let dir = folder("bindir");
    for place in ["/nowhere/at/all", "/tmp", "relative"] {
        let output = Command::new(env!("CARGO_BIN_EXE_voronka"))
            .args(["demo", "--data-dir", dir.to_str().unwrap()])
            .env("PG_BINDIR", place)
            .env_remove("DATABASE_URL")
            .output()
            .unwrap();
        let told = told(&output);
        assert!(!output.status.success() && told.contains(&format!("PG_BINDIR is {place}")), "{told}");
    }
}
