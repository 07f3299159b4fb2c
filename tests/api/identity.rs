//! Registration, sessions, users, keys.
use crate::support::mail::await_email;
use crate::support::{Client, events, id, key, register, unique, user, workspace};
use serde_json::{Value as Json, json};

const PASSWORD: &str = "a-long-password";

fn login(email: &str, password: &str) -> crate::support::Answer {
    Client::anonymous().post("/auth/login", json!({ "email": email, "password": password }))
}

fn bearer(pair: &Json) -> Client {
    Client::with_token(pair["access_token"].as_str().unwrap())
}

fn refresh(pair: &Json) -> crate::support::Answer {
    Client::anonymous().post("/auth/refresh", json!({ "refresh_token": pair["refresh_token"] }))
}

#[test]
fn a_workspace_starts_with_an_owner_and_two_pipelines() {
    let owner = workspace();
    let me = owner.get("/me").ok();
    assert_eq!(me["user"]["role"], "owner");
    assert_eq!(me["workspace"]["base_currency"], "USD");
    let pipelines = owner.get("/pipelines?sort=created_at").ok();
    let names = |n: usize| -> Vec<String> {
        let stages = pipelines["data"][n]["stages"].as_array().unwrap();
        stages.iter().map(|s| format!("{}:{}", s["name"].as_str().unwrap(), s["category"].as_str().unwrap())).collect()
    };
    assert_eq!(
        names(0),
        ["New:open", "Not yet interested:open", "Interested:open", "Qualified:won", "Disqualified:lost"]
    );
    assert_eq!(
        names(1),
        ["Active inquiry:open", "Quote sent:open", "Agreed and invoiced:open", "Payment received:won", "Lost:lost"]
    );
}

#[test]
fn signing_in_needs_the_right_password() {
    let email = format!("{}@example.com", unique("login"));
    register(&email.to_uppercase(), PASSWORD);
    let pair = login(&email, PASSWORD).ok();
    assert_eq!(pair["token_type"], "Bearer");
    assert_eq!(pair["expires_in"], 900);
    let wrong = login(&email, "another-password").problem(401, "credentials_invalid");
    let nobody = login("nobody@example.com", PASSWORD).problem(401, "credentials_invalid");
    assert_eq!(wrong["detail"], nobody["detail"]);
    let body = json!({ "workspace_name": "B", "name": "B", "email": "b@example.com", "password": "s3cr3t" });
    let problem = Client::anonymous().post("/auth/register", body).problem(422, "validation_failed");
    assert!(!problem.to_string().contains("s3cr3t"), "the answer must not contain the password: {problem}");
}

#[test]
fn a_refresh_token_works_once() {
    let (_, first) = register(&format!("{}@example.com", unique("refresh")), PASSWORD);
    let second = refresh(&first).ok();
    // A client that lost the response retries at once and gets another successor.
    let third = refresh(&first).ok();
    refresh(&second).problem(401, "refresh_invalid");
    let fourth = refresh(&third).ok();
    bearer(&fourth).get("/me").ok();
    // The first token is now too old to retry; it may be stolen, so the session ends.
    refresh(&first).problem(401, "refresh_reused");
    refresh(&fourth).problem(401, "refresh_invalid");
    bearer(&fourth).get("/me").problem(401, "session_revoked");
}

#[test]
fn signing_out_ends_the_session() {
    let (client, pair) = register(&format!("{}@example.com", unique("out")), PASSWORD);
    Client::anonymous().post("/auth/logout", json!({ "refresh_token": pair["refresh_token"] })).gone();
    client.get("/me").problem(401, "session_revoked");
    refresh(&pair).problem(401, "refresh_invalid");
    Client::anonymous().post("/auth/logout", json!({ "refresh_token": "rt_unknown" })).gone();
}

#[test]
fn one_login_has_several_workspaces() {
    let email = format!("{}@example.com", unique("several"));
    let (first, pair) = register(&email, PASSWORD);
    let (second, other) = register(&email, PASSWORD);
    assert_ne!(pair["workspace_id"], other["workspace_id"]);
    assert_eq!(first.get("/me").ok()["memberships"].as_array().unwrap().len(), 2);
    let contact = first.post("/contacts", json!({ "first_name": "A" })).created();
    second.get(&format!("/contacts/{}", id(&contact))).problem(404, "not_found");
    let back = second.post("/auth/switch", json!({ "workspace_id": pair["workspace_id"] })).ok();
    bearer(&back).get(&format!("/contacts/{}", id(&contact))).ok();
    let stranger = register(&format!("{}@example.com", unique("stranger")), PASSWORD).1;
    second.post("/auth/switch", json!({ "workspace_id": stranger["workspace_id"] })).problem(404, "not_found");
}

/// Anybody can register a login with a foreign address, so only the e-mail link accepts an invitation.
#[test]
fn an_invited_login_needs_the_link_from_the_e_mail() {
    let email = format!("{}@example.com", unique("invited"));
    let (somebody, own) = register(&email, PASSWORD);
    let owner = workspace();
    let invited = owner.post("/users", json!({ "name": "Guest", "email": email, "role": "admin" })).created();
    assert_eq!(invited["status"], "invited");
    assert_eq!(invited["role"], "admin");
    assert_eq!(login(&email, PASSWORD).ok()["workspace_id"], own["workspace_id"]);
    let there = owner.get("/me").ok()["workspace"]["id"].clone();
    let body = json!({ "email": email, "password": PASSWORD, "workspace_id": there });
    Client::anonymous().post("/auth/login", body).problem(401, "credentials_invalid");
    somebody.post("/auth/switch", json!({ "workspace_id": there })).problem(404, "not_found");
    assert_eq!(somebody.get("/me").ok()["memberships"].as_array().unwrap().len(), 1);
    assert_eq!(owner.get(&format!("/users/{}", id(&invited))).ok()["status"], "invited");
}

#[test]
fn a_demotion_takes_effect_at_once() {
    let owner = workspace();
    let seller = user(&owner, "seller");
    let path = format!("/users/{}", id(&seller.get("/me").ok()["user"]));
    seller.post("/contacts", json!({ "first_name": "A" })).created();
    owner.patch(&path, json!({ "role": "viewer" })).ok();
    seller.post("/contacts", json!({ "first_name": "A" })).problem(403, "forbidden");
    owner.patch(&path, json!({ "status": "suspended" })).ok();
    seller.get("/me").problem(401, "session_revoked");
}

#[test]
fn nobody_raises_their_own_role_and_an_owner_remains() {
    let owner = workspace();
    let admin = user(&owner, "admin");
    admin.post("/users", json!({ "name": "X", "email": "x@example.com", "role": "owner" })).problem(403, "forbidden");
    let me = format!("/users/{}", id(&admin.get("/me").ok()["user"]));
    admin.patch(&me, json!({ "role": "owner" })).problem(403, "forbidden");
    let first = format!("/users/{}", id(&owner.get("/me").ok()["user"]));
    admin.patch(&first, json!({ "role": "viewer" })).problem(403, "forbidden");
    owner.patch(&first, json!({ "role": "admin" })).problem(409, "last_owner");
    user(&owner, "manager").post("/users", json!({ "name": "X" })).problem(403, "forbidden");
}

#[test]
fn keys_have_scopes_and_are_shown_once() {
    let owner = workspace();
    let problem =
        owner.post("/api-keys", json!({ "name": "k", "scopes": ["contact:read"] })).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/scopes/0");
    let made = owner.post("/api-keys", json!({ "name": "k", "scopes": ["contacts:read", "users:read"] })).created();
    let text = made["key"].as_str().unwrap();
    assert!(text.starts_with("vrk_"));
    let listed = owner.get("/api-keys").ok();
    assert!(!listed.to_string().contains(text));
    let script = Client::with_token(text);
    assert_eq!(script.get("/me").ok()["scopes"], json!(["contacts:read", "users:read"]));
    script.get("/contacts").ok();
    script.post("/api-keys", json!({ "name": "k2", "scopes": ["contacts:read"] })).problem(403, "insufficient_scope");
    Client::with_token(&text[..text.len() - 1]).get("/me").problem(401, "token_invalid");
    let past = json!({ "name": "k", "scopes": ["contacts:read"], "expires_at": "2020-01-01T00:00:00Z" });
    owner.post("/api-keys", past).problem(422, "validation_failed");
    let seller = user(&owner, "seller");
    assert_eq!(seller.get("/api-keys").ok()["data"], json!([]));
    seller.delete(&format!("/api-keys/{}", id(&made))).problem(404, "not_found");
    owner.delete(&format!("/api-keys/{}", id(&made))).gone();
    script.get("/contacts").problem(401, "token_invalid");
    key(&owner, &["deals:read"]).get("/deals").ok();
}

#[test]
fn bad_tokens_are_refused() {
    let (client, pair) = register(&format!("{}@example.com", unique("tokens")), PASSWORD);
    let token = pair["access_token"].as_str().unwrap();
    let mut parts = token.split('.');
    let (head, claims) = (parts.next().unwrap(), parts.next().unwrap());
    // {"alg":"none","typ":"JWT"}
    for forged in [
        format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}."),
        format!("{head}.{claims}."),
        format!("{token}x"),
        "x".into(),
    ] {
        Client::with_token(&forged).get("/me").problem(401, "token_invalid");
    }
    let answer = Client::anonymous().get("/me");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    answer.problem(401, "unauthorized");
    client.with("Authorization", "Bearer other").get("/me").problem(401, "token_invalid");
    let lower = Client::anonymous().with("Authorization", &format!("bearer {token}"));
    lower.get("/me").ok();
    Client::with_token(pair["refresh_token"].as_str().unwrap()).get("/me").problem(401, "token_invalid");
}

#[test]
fn sessions_are_listed_and_ended() {
    let email = format!("{}@example.com", unique("sessions"));
    let (here, _) = register(&email, PASSWORD);
    let phone = Client::anonymous().with("User-Agent", "Phone/1");
    let there = phone.post("/auth/login", json!({ "email": email, "password": PASSWORD })).ok();
    let there = bearer(&there);
    let listed = here.get("/auth/sessions").ok()["data"].clone();
    let sessions = listed.as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let other = sessions.iter().find(|s| s["current"] == json!(false)).unwrap();
    assert_eq!(other["user_agent"], "Phone/1");
    assert_eq!(other["address"], "127.0.0.1");
    let stranger = workspace();
    stranger.delete(&format!("/auth/sessions/{}", id(other))).problem(404, "not_found");
    there.get("/me").ok();
    here.delete(&format!("/auth/sessions/{}", id(other))).gone();
    there.get("/me").problem(401, "session_revoked");
    here.delete(&format!("/auth/sessions/{}", id(other))).problem(404, "not_found");
    let third = bearer(&login(&email, PASSWORD).ok());
    here.delete("/auth/sessions").gone();
    third.get("/me").problem(401, "session_revoked");
    here.get("/me").ok();
    key(&here, &["users:read"]).get("/auth/sessions").problem(403, "forbidden");
}

#[test]
fn a_handover_moves_all_records() {
    let owner = workspace();
    let (leaver, heir) = (user(&owner, "seller"), user(&owner, "seller"));
    let of = |client: &Client| id(&client.get("/me").ok()["user"]);
    let (from, to) = (of(&leaver), of(&heir));
    leaver.post("/deals", json!({ "title": "D" })).created();
    leaver.post("/leads", json!({ "title": "L" })).created();
    leaver.post("/contacts", json!({ "first_name": "C", "owner_id": from })).created();
    let done = id(&leaver.post("/tasks", json!({ "title": "Done" })).created());
    leaver.post(&format!("/tasks/{done}/complete"), json!({})).ok();
    leaver.post("/tasks", json!({ "title": "Open" })).created();
    leaver.post(&format!("/users/{from}/hand-over"), json!({ "to_user_id": to })).problem(403, "forbidden");
    let result = owner.post(&format!("/users/{from}/hand-over"), json!({ "to_user_id": to })).ok();
    assert_eq!(result, json!({ "companies": 0, "contacts": 1, "leads": 1, "deals": 1, "tasks": 1 }));
    assert_eq!(heir.get("/deals?owner_id=me").ok()["data"].as_array().unwrap().len(), 1);
    let change = events(&owner, "&type=deal.updated", 1)[0]["changes"][0].clone();
    assert_eq!(change, json!({ "member": "owner_id", "before": format!("\"{from}\""), "after": format!("\"{to}\"") }));
    owner.post(&format!("/users/{from}/hand-over"), json!({ "to_user_id": from })).problem(422, "validation_failed");
}

/// A user set active by hand would have no login, and the invitation link would stop working.
#[test]
fn an_invited_user_becomes_active_only_by_the_link() {
    let owner = workspace();
    let email = format!("{}@example.com", unique("waiting"));
    let path = format!("/users/{}", id(&owner.post("/users", json!({ "name": "W", "email": email })).created()));
    let refused = || {
        let problem = owner.patch(&path, json!({ "status": "active" })).problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/status");
    };
    refused();
    // A suspended user gets no invitation, so the first one must be sent before.
    await_email(&email, "You are invited", 1);
    owner.patch(&path, json!({ "status": "suspended" })).ok();
    refused();
    owner.patch(&path, json!({ "status": "invited" })).ok();
    owner.post(&format!("{path}/invite"), json!({})).ok();
    let token = await_email(&email, "You are invited", 2).token().unwrap();
    let accepted = json!({ "token": token, "password": "a-long-password" });
    Client::anonymous().post("/auth/accept-invitation", accepted).ok();
    owner.patch(&path, json!({ "status": "suspended" })).ok();
    owner.patch(&path, json!({ "status": "active" })).ok();
}
