//! After a crash nothing acknowledged is lost and nothing is done twice.
use crate::imports::finished;
use crate::support::client::Client;
use crate::support::id;
use crate::support::process::{Process, folder};
use serde_json::json;
use std::time::{Duration, Instant};

fn owner(process: &Process) -> Client {
    let at = Client::at(&process.address);
    let body =
        json!({ "workspace_name": "Acme", "name": "Ann", "email": "ann@example.com", "password": "a-long-password" });
    let answer = at.post("/auth/register", body).created();
    at.with("Authorization", &format!("Bearer {}", answer["access_token"].as_str().unwrap()))
}

fn again(process: &Process) -> Client {
    let at = Client::at(&process.address);
    let answer = at.post("/auth/login", json!({ "email": "ann@example.com", "password": "a-long-password" })).ok();
    at.with("Authorization", &format!("Bearer {}", answer["access_token"].as_str().unwrap()))
}

/// Uses rows without an external id, each twice, so that a restarted run would mistake one for the other.
#[test]
fn an_import_resumes_after_its_server_is_killed() {
    const ROWS: i64 = 6_000;
    let dir = folder("killed-import");
    let mut process = Process::start(&dir);
    let client = owner(&process);
    let rows: String = (0..ROWS).map(|n| format!("Person {}\n", n % (ROWS / 2))).collect();
    let import = id(&client.upload("contacts", "c.csv", format!("last_name\n{rows}").as_bytes()).created());
    let job = id(&client.post(&format!("/imports/{import}/run"), json!({})).expect(202));
    let begun = || client.get(&format!("/jobs/{job}")).ok()["done"].as_i64().unwrap();
    while begun() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    process.kill();
    let process = Process::start(&dir);
    let client = again(&process);
    let before = client.get(&format!("/jobs/{job}")).ok();
    assert_eq!(before["status"], "running", "the import ended before the server was killed: {before}");
    let done = finished(&client, &job);
    assert_eq!(done["status"], "succeeded");
    assert_eq!(done["done"], json!(ROWS));
    let report = client.get(&format!("/imports/{import}")).ok()["report"].clone();
    assert_eq!(report["created"], json!(ROWS), "{report}");
    assert_eq!(report["failed"], 0, "{report}");
    let total = client.get("/contacts?include_total=true&limit=1").ok()["page"]["total"].clone();
    assert_eq!(total, ROWS);
    let twins = client.get("/contacts?last_name=Person%207").ok()["data"].as_array().unwrap().len();
    assert_eq!(twins, 2);
}

/// While PostgreSQL is down the server answers only 503; afterwards everything acknowledged is there.
#[test]
fn the_server_survives_a_database_crash() {
    // Uses a directory that PostgreSQL's own user can access.
    let dir = std::env::temp_dir().join(format!("voronka-killed-database-{}", std::process::id()));
    let process = Process::start(&dir);
    let client = owner(&process);
    let pid = || {
        let text = std::fs::read_to_string(dir.join("postgres/data/postmaster.pid")).unwrap_or_default();
        text.lines().next().map(str::to_owned).unwrap_or_default()
    };
    for turn in 1..=2 {
        client.post("/contacts", json!({ "first_name": format!("C{turn}") })).created();
        let killed = pid();
        assert!(std::process::Command::new("kill").args(["-9", &killed]).status().unwrap().success());
        let begin = Instant::now();
        loop {
            let answer = client.get("/contacts?include_total=true");
            assert!(matches!(answer.status, 200 | 503), "{}", answer.text);
            // A backend may outlive its postmaster for a moment, so the new postmaster must be running too.
            if answer.status == 200 && !["", &killed].contains(&pid().as_str()) {
                assert_eq!(answer.ok()["page"]["total"], turn);
                break;
            }
            assert!(begin.elapsed() < Duration::from_secs(40), "the database did not come back");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    drop(process);
    let _ = std::fs::remove_dir_all(&dir);
}
