//! A server for the whole run, and a client that checks every answer against the OpenAPI document.
pub mod client;
pub mod process;
pub mod server;

pub use client::{Answer, Client};
use serde_json::{Value as Json, json};
pub use server::{database_url, server};
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A word that no other test uses.
pub fn unique(word: &str) -> String {
    format!("{word}{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A fresh workspace with its owner signed in.
pub fn workspace() -> Client {
    register(&format!("{}@example.com", unique("owner")), "a-long-password").0
}

/// Registers and returns the client with the whole answer.
pub fn register(email: &str, password: &str) -> (Client, Json) {
    let body = json!({ "workspace_name": "Acme", "name": "Owner", "email": email, "password": password });
    let answer = Client::anonymous().post("/auth/register", body).created();
    (Client::with_token(answer["access_token"].as_str().unwrap()), answer)
}

/// A user of the workspace with a role, signed in.
pub fn user(owner: &Client, role: &str) -> Client {
    let email = format!("{}@example.com", unique(role));
    let body = json!({ "name": role, "email": email, "role": role, "password": "a-long-password" });
    owner.post("/users", body).created();
    let answer = Client::anonymous().post("/auth/login", json!({ "email": email, "password": "a-long-password" })).ok();
    Client::with_token(answer["access_token"].as_str().unwrap())
}

/// An API key of the owner with these scopes.
pub fn key(owner: &Client, scopes: &[&str]) -> Client {
    let key = owner.post("/api-keys", json!({ "name": "test", "scopes": scopes })).created();
    Client::with_token(key["key"].as_str().unwrap())
}

pub fn id(record: &Json) -> String {
    record["id"].as_str().unwrap().to_owned()
}

/// The stages of the default pipeline of a kind, by name.
pub fn stage(client: &Client, kind: &str, name: &str) -> String {
    let pipelines = client.get(&format!("/pipelines?kind={kind}&is_default=true")).ok();
    let stages = pipelines["data"][0]["stages"].as_array().unwrap();
    id(stages.iter().find(|s| s["name"] == name).unwrap())
}
