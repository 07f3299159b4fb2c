//! A server for the whole run, and a client that checks every answer against the OpenAPI document.
pub mod client;
pub mod mail;
pub mod process;
pub mod schemas;
pub mod scopes;
pub mod server;

pub use client::{Answer, Client};
use serde_json::{Value as Json, json};
pub use server::{database_url, server};
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Returns a word that no other test uses.
pub fn unique(word: &str) -> String {
    format!("{word}{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Creates a workspace and returns its owner, signed in.
pub fn workspace() -> Client {
    register(&format!("{}@example.com", unique("owner")), "a-long-password").0
}

/// Registers and returns the client with the whole answer.
pub fn register(email: &str, password: &str) -> (Client, Json) {
    let body = json!({ "workspace_name": "Acme", "name": "Owner", "email": email, "password": password });
    let answer = Client::anonymous().post("/auth/register", body).created();
    (Client::with_token(answer["access_token"].as_str().unwrap()), answer)
}

/// Signs in without authentication.
pub fn login(email: &str, password: &str) -> Answer {
    Client::anonymous().post("/auth/login", json!({ "email": email, "password": password }))
}

/// Returns a client with a token pair.
pub fn bearer(pair: &Json) -> Client {
    Client::with_token(pair["access_token"].as_str().unwrap())
}

/// Creates a user with a role and returns the signed-in client.
pub fn user(owner: &Client, role: &str) -> Client {
    let email = format!("{}@example.com", unique(role));
    let body = json!({ "name": role, "email": email, "role": role, "password": "a-long-password" });
    owner.post("/users", body).created();
    let answer = Client::anonymous().post("/auth/login", json!({ "email": email, "password": "a-long-password" })).ok();
    Client::with_token(answer["access_token"].as_str().unwrap())
}

/// Creates a user with a custom role: `[resource, read, create, update, delete, export]` for each resource.
pub fn user_with(owner: &Client, grants: &[[&str; 6]], more: Json) -> (Client, String) {
    let key = unique("role");
    let grant = |g: &[&str; 6]| json!({ "resource": g[0], "read": g[1], "create": g[2], "update": g[3], "delete": g[4], "export": g[5] });
    let mut role = json!({ "key": key, "name": key, "grants": grants.iter().map(grant).collect::<Vec<_>>() });
    role["hidden_fields"] = more.get("hidden_fields").cloned().unwrap_or(json!([]));
    owner.post("/roles", role).created();
    let email = format!("{key}@example.com");
    let mut body = json!({ "name": key, "email": email, "role": key, "password": "a-long-password" });
    if let Some(team) = more.get("team_id") {
        body["team_id"] = team.clone();
    }
    let user = id(&owner.post("/users", body).created());
    let answer = Client::anonymous().post("/auth/login", json!({ "email": email, "password": "a-long-password" })).ok();
    (Client::with_token(answer["access_token"].as_str().unwrap()), user)
}

/// Creates an API key of the owner with these scopes.
pub fn key(owner: &Client, scopes: &[&str]) -> Client {
    let key = owner.post("/api-keys", json!({ "name": "test", "scopes": scopes })).created();
    Client::with_token(key["key"].as_str().unwrap())
}

/// Waits until the feed holds `count` events. An event appears once every earlier transaction has ended.
pub fn events(client: &Client, query: &str, count: usize) -> Vec<Json> {
    let begin = std::time::Instant::now();
    loop {
        let found = client.get(&format!("/events?limit=500{query}")).ok()["data"].as_array().unwrap().clone();
        if found.len() >= count || begin.elapsed().as_secs() > 60 {
            return found;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

pub fn id(record: &Json) -> String {
    record["id"].as_str().unwrap().to_owned()
}

/// Returns the stage of the default pipeline of a kind, by name.
pub fn stage(client: &Client, kind: &str, name: &str) -> String {
    let pipelines = client.get(&format!("/pipelines?kind={kind}&is_default=true")).ok();
    let stages = pipelines["data"][0]["stages"].as_array().unwrap();
    id(stages.iter().find(|s| s["name"] == name).unwrap())
}
