//! Mails for invitations, password resets and new addresses, read from the mail folder of a server without SMTP.
use crate::support::server::mail_folder;
use crate::support::{Client, id, key, register, unique, workspace};
use serde_json::{Value as Json, json};
use std::time::{Duration, Instant};

const PASSWORD: &str = "a-long-password";

/// Waits for the latest mail to an address and returns its token.
fn token(to: &str, page: &str) -> String {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(20) {
        for file in std::fs::read_dir(mail_folder()).into_iter().flatten() {
            // Quoted-printable breaks long lines with a trailing "=" and writes "=" as "=3D".
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap_or_default();
            let text = text.replace("=\r\n", "").replace("=3D", "=");
            if text.contains(&format!("To: {to}")) && text.contains(&format!("https://app.example/{page}?token=")) {
                return text.split("token=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no mail to {to}");
}

fn post(path: &str, body: Json) -> crate::support::Answer {
    Client::anonymous().post(path, body)
}

fn login(email: &str, password: &str) -> crate::support::Answer {
    post("/auth/login", json!({ "email": email, "password": password }))
}

#[test]
fn an_invitation_is_sent_by_mail() {
    let owner = workspace();
    let email = format!("{}@example.com", unique("guest"));
    let guest = owner.post("/users", json!({ "name": "Guest", "email": email })).created();
    let token = token(&email, "accept-invitation");
    assert!(token.starts_with("lt_"));
    post("/auth/accept-invitation", json!({ "token": token, "password": "short" })).problem(422, "validation_failed");
    let pair = post("/auth/accept-invitation", json!({ "token": token, "password": PASSWORD })).ok();
    let me = Client::with_token(pair["access_token"].as_str().unwrap()).get("/me").ok();
    assert_eq!(me["user"]["id"], guest["id"]);
    assert_eq!(me["user"]["status"], "active");
    post("/auth/accept-invitation", json!({ "token": token, "password": PASSWORD })).problem(401, "link_invalid");
    post("/auth/reset-password", json!({ "token": token, "password": PASSWORD })).problem(401, "link_invalid");
    login(&email, PASSWORD).ok();
    owner.post(&format!("/users/{}/invite", id(&guest)), json!({})).problem(409, "conflict");
    // The database does not contain the token in plain text.
    let jobs = owner.get("/jobs?kind=letter").ok();
    assert!(!jobs.to_string().contains("lt_"));
}

#[test]
fn an_invited_login_keeps_its_password() {
    let email = format!("{}@example.com", unique("known"));
    register(&email, PASSWORD);
    let owner = workspace();
    owner.post("/users", json!({ "name": "Known", "email": email })).created();
    let token = token(&email, "accept-invitation");
    let wrong = json!({ "token": token, "password": "not-the-password" });
    post("/auth/accept-invitation", wrong).problem(401, "credentials_invalid");
    let pair = post("/auth/accept-invitation", json!({ "token": token, "password": PASSWORD })).ok();
    assert_eq!(pair["workspace_id"], owner.get("/me").ok()["workspace"]["id"]);
}

#[test]
fn a_forgotten_password_is_replaced() {
    let email = format!("{}@example.com", unique("forgetful"));
    let (client, _) = register(&email, PASSWORD);
    post("/auth/forgot-password", json!({ "email": "nobody-at-all@example.com" })).gone();
    post("/auth/forgot-password", json!({ "email": email.to_uppercase() })).gone();
    let token = token(&email, "reset-password");
    post("/auth/reset-password", json!({ "token": token, "password": "another-password" })).gone();
    client.get("/me").problem(401, "session_revoked");
    login(&email, PASSWORD).problem(401, "credentials_invalid");
    login(&email, "another-password").ok();
    post("/auth/reset-password", json!({ "token": token, "password": PASSWORD })).problem(401, "link_invalid");
}

#[test]
fn a_mail_does_not_wait_for_an_import() {
    let email = format!("{}@example.com", unique("hurry"));
    let (owner, _) = register(&email, PASSWORD);
    let people: String = (0..20_000).map(|n| format!("Person {n}\n")).collect();
    let import = id(&owner.upload("contacts", "many.csv", format!("last_name\n{people}").as_bytes()).created());
    let job = id(&owner.post(&format!("/imports/{import}/run"), json!({})).expect(202));
    post("/auth/forgot-password", json!({ "email": email })).gone();
    token(&email, "reset-password");
    let job = owner.get(&format!("/jobs/{job}")).ok();
    assert!(matches!(job["status"].as_str(), Some("queued" | "running")), "{job}");
}

#[test]
fn changing_the_password_needs_the_old_one() {
    let email = format!("{}@example.com", unique("changer"));
    let (client, _) = register(&email, PASSWORD);
    let other = Client::with_token(login(&email, PASSWORD).ok()["access_token"].as_str().unwrap());
    let change = |current: &str| json!({ "current_password": current, "new_password": "another-password" });
    let problem = client.post("/auth/change-password", change("not-the-password")).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/current_password");
    client.post("/auth/change-password", change(PASSWORD)).gone();
    client.get("/me").ok();
    other.get("/me").problem(401, "session_revoked");
    login(&email, "another-password").ok();
    key(&client, &["users:read"]).post("/auth/change-password", change("x")).problem(403, "forbidden");
}

#[test]
fn a_new_address_takes_effect_after_confirmation() {
    let email = format!("{}@example.com", unique("old"));
    let (client, _) = register(&email, PASSWORD);
    let new = format!("{}@example.com", unique("new"));
    let ask = |password: &str| client.post("/auth/change-email", json!({ "email": new, "password": password }));
    assert_eq!(ask("wrong-password").problem(422, "validation_failed")["errors"][0]["pointer"], "/password");
    ask(PASSWORD).gone();
    let token = token(&new, "confirm-email");
    login(&new, PASSWORD).problem(401, "credentials_invalid");
    post("/auth/confirm-email", json!({ "token": token })).gone();
    login(&new, PASSWORD).ok();
    login(&email, PASSWORD).problem(401, "credentials_invalid");
    // The workspaces show the new address too, and the audit log records the change.
    assert_eq!(client.get("/me").ok()["user"]["email"], json!(new));
    assert_eq!(client.get(&format!("/users?email={new}")).ok()["data"].as_array().unwrap().len(), 1);
    let log = client.get("/audit-events?type=user.email_changed").ok();
    assert_eq!(log["data"].as_array().unwrap().len(), 1);
    post("/auth/confirm-email", json!({ "token": token })).problem(401, "link_invalid");
}
