//! The server secret: the database verifies it, and it can be rotated without ending sessions.
use crate::second_factor::code;
use crate::support::client::{Answer, Client};
use crate::support::process::{Process, folder};
use serde_json::{Value as Json, json};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

const FIRST: &str = "Zq8vT3nLw0pXc5RbY7mKd2sHf9gJ4uAe";
const SECOND: &str = "u1BhW6kQzE0tNxR8yVfC3oLpM5iGdS7a";
const THIRD: &str = "p9DcY2vJmH4qTzU6wKxA8sNbR0eFlG3i";
const PASSWORD: &str = "a-long-password";

fn start(dir: &Path, current: &str, previous: &str) -> Process {
    Process::start_with(dir, &[("VORONKA_SECRET", current), ("VORONKA_SECRET_PREVIOUS", previous)])
}

/// Runs a command; returns its output and whether it succeeded.
fn run(dir: &Path, command: &str, secret: &str) -> (bool, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_voronka"));
    program.arg(command).arg("--data-dir").arg(dir).env("VORONKA_SECRET", secret).env_remove("VORONKA_SECRET_PREVIOUS");
    if command == "serve" {
        program.args(["--listen", "127.0.0.1:0"]);
    }
    let output = program.output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn login(process: &Process, code: &str) -> Answer {
    let body = json!({ "email": "ann@example.com", "password": PASSWORD, "code": code });
    Client::at(&process.address).post("/auth/login", body)
}

fn with_token(process: &Process, pair: &Json) -> Client {
    let token = pair["access_token"].as_str().unwrap();
    Client::at(&process.address).with("Authorization", &format!("Bearer {token}"))
}

fn is_known_as_erased(client: &Client) -> bool {
    let found = client.post("/erasures/search", json!({ "email": "gone@example.com" })).ok();
    !found["erasure"].is_null()
}

#[test]
fn the_secret_is_rotated_and_others_are_refused() {
    let dir = folder("secrets");
    let mut process = start(&dir, FIRST, "");
    // PostgreSQL runs as another user if the server is root, and must be able to enter the directory.
    let made = std::fs::metadata(&dir).unwrap();
    assert_eq!(made.mode() & 0o777, if made.uid() == 0 { 0o711 } else { 0o700 });
    let new = json!({ "workspace_name": "Acme", "name": "Ann", "email": "ann@example.com", "password": PASSWORD });
    let pair = Client::at(&process.address).post("/auth/register", new).created();
    let client = with_token(&process, &pair);
    let begun = client.post("/auth/totp/begin", json!({ "password": PASSWORD })).ok();
    let app = begun["secret"].as_str().unwrap();
    let codes = client.post("/auth/totp/confirm", json!({ "code": code(app, 0) })).ok()["recovery_codes"].clone();
    let contact = client.post("/contacts", json!({ "first_name": "Gone", "email": "gone@example.com" })).created();
    client.post("/erasures", json!({ "contact_id": contact["id"], "reason": "asked" })).expect(201);
    assert!(is_known_as_erased(&client));
    let cursor = client.get("/events?limit=1").ok()["page"]["next_cursor"].clone();
    process.kill();

    // Another secret is refused with an explanation.
    let (started, words) = run(&dir, "serve", SECOND);
    assert!(!started && words.contains("VORONKA_SECRET_PREVIOUS") && words.contains("adopt-secret"), "{words}");

    // With the previous secret configured as well, everything still works.
    let mut process = start(&dir, SECOND, FIRST);
    with_token(&process, &pair).get("/me").ok();
    let again = login(&process, &code(app, 1)).ok();
    process.kill();
    // From then on the new secret works alone.
    let mut process = start(&dir, SECOND, "");
    with_token(&process, &pair).get("/me").problem(401, "token_invalid");
    let client = with_token(&process, &again);
    client.get("/me").ok();
    assert!(is_known_as_erased(&client), "a person erased under the first secret must still be recognized");
    client.get(&format!("/events?cursor={}", cursor.as_str().unwrap())).ok();
    process.kill();
    let (started, words) = run(&dir, "serve", FIRST);
    assert!(!started && words.contains("VORONKA_SECRET"), "{words}");

    // After the secret is lost, encrypted values fail with a clear problem.
    let (adopted, words) = run(&dir, "adopt-secret", THIRD);
    assert!(adopted, "{words}");
    let process = start(&dir, THIRD, "");
    let problem = login(&process, &code(app, 2)).problem(409, "secret_unknown");
    assert!(problem["detail"].as_str().unwrap().contains("recovery code"), "{problem}");
    login(&process, codes[0].as_str().unwrap()).ok();
}
