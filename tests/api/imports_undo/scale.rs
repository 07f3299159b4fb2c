//! Many records: the number of statements, and a server that is killed.
use super::{all, counts, import, prepared};
use crate::imports::finished;
use crate::support::process::{Process, folder};
use crate::support::{Client, id, server, unique};
use serde_json::{Value as Json, json};
use uuid::Uuid;
use voronka::db::tx::Request;
use voronka::db::watchdog;
use voronka::identity::sign_in::authentication;
use voronka::intake::imports::undo::{run, steps};
use voronka::intake::imports::undo_report::UndoReport;

/// Counts the statements of the undo of an import, step by step.
fn statements(owner: &Client, import: &str) -> Vec<u32> {
    let me = owner.get("/me").ok();
    let of = |kind: &str| me[kind]["id"].as_str().unwrap().parse::<Uuid>().unwrap();
    let actor = server().db.run_blocking(|conn| authentication::of_user(conn, of("workspace"), of("user"))).unwrap();
    let request = Request::internal(actor, unique("counted"));
    let counted = server().db.rehearse_blocking(&request, |tx| {
        let mut report = UndoReport::new(true, of("user"));
        let mut counts = Vec::new();
        for step in &steps::STEPS {
            let before = watchdog::queries();
            run::undo_next(tx, Uuid::nil(), import.parse().unwrap(), step, &mut report)?;
            counts.push(watchdog::queries().wrapping_sub(before));
        }
        assert_eq!(report.left, 0);
        Ok(counts)
    });
    counted.unwrap()
}

#[test]
fn the_number_of_statements_does_not_grow_with_the_records() {
    let owner = prepared();
    let of = |rows: usize| {
        let word = unique("row");
        let file = |name: &str| {
            (0..rows).fold("external_id,last_name,email,company,tags\n".to_owned(), |file, n| {
                file + &format!("{word}-{n},{name},{word}-{n}@x.example,Acme,vip\n")
            })
        };
        let (created, _) = import(&owner, "contacts", &file("Old"), json!({}));
        let deleted = statements(&owner, &created);
        let (changed, report) = import(&owner, "contacts", &file("New"), json!({}));
        assert_eq!(report["updated"], json!(rows), "{report}");
        (deleted, statements(&owner, &changed))
    };
    // The first import also adds the tag to the list of tags.
    of(1);
    let (few, many) = (of(10), of(100));
    assert_eq!(few, many);
    let most = of(500);
    assert_eq!(most.0, few.0);
    // At most a hundred updates are combined in one statement.
    let sum = |counts: &[u32]| counts.iter().sum::<u32>();
    assert!(sum(&most.1) <= sum(&few.1) + 4, "{few:?} {most:?}");
}

#[test]
fn an_undo_resumes_after_its_server_is_killed() {
    const ROWS: i64 = 6_000;
    let dir = folder("killed-undo");
    let mut process = Process::start(&dir);
    let signed_in = |process: &Process, path: &str, body: Json| {
        let at = Client::at(&process.address);
        let answer = at.post(path, body).json();
        at.with("Authorization", &format!("Bearer {}", answer["access_token"].as_str().unwrap()))
    };
    let (email, password) = ("ann@example.com", "a-long-password");
    let body = json!({ "workspace_name": "Acme", "name": "Ann", "email": email, "password": password });
    let client = signed_in(&process, "/auth/register", body);
    let rows: String = (0..ROWS).map(|n| format!("Person {n}\n")).collect();
    let (import, _) = import(&client, "contacts", &format!("last_name\n{rows}"), json!({}));
    let job = id(&client.post(&format!("/imports/{import}/undo"), json!({ "dry_run": false })).expect(202));
    while client.get(&format!("/jobs/{job}")).ok()["done"] == json!(0) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    process.kill();
    let process = Process::start(&dir);
    let client = signed_in(&process, "/auth/login", json!({ "email": email, "password": password }));
    let before = client.get(&format!("/jobs/{job}")).ok();
    assert_eq!(before["status"], "running", "the undo ended before the server was killed: {before}");
    assert_eq!(finished(&client, &job)["status"], "succeeded");
    let undone = client.get(&format!("/imports/{import}")).ok();
    assert_eq!(undone["status"], "undone");
    assert_eq!(counts(&undone["undo"]), [ROWS, 0, 0]);
    assert_eq!(all(&client, "/contacts").len(), 0);
}
