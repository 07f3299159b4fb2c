//! What happens when something dies: nothing that was acknowledged is lost, nothing is done twice.
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

/// Rows without an external id, each of them twice, so that a run that begins anew would mistake one for the other.
#[test]
fn an_import_goes_on_where_its_server_was_killed() {
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
    assert_eq!(before["status"], "running", "the import was over before the server could be killed: {before}");
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

/// PostgreSQL dies under the server: nothing but 503 while it is away, and it comes back with everything that was acknowledged.
#[test]
fn a_database_that_dies_comes_back() {
    // A folder that PostgreSQL's own user can reach, so that the data are where they are looked for.
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
            // A backend may live a moment longer than its server, so the new server must be there too.
            if answer.status == 200 && !["", &killed].contains(&pid().as_str()) {
                assert_eq!(answer.ok()["page"]["total"], turn);
                break;
            }
            assert!(begin.elapsed() < Duration::from_secs(40), "the database does not come back");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    drop(process);
    let _ = std::fs::remove_dir_all(&dir);
}
