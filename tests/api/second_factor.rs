//! Two-factor authentication with TOTP codes and recovery codes, each valid once.
use crate::support::{Answer, Client, key, register, unique};
use serde_json::{Value as Json, json};
use std::time::{SystemTime, UNIX_EPOCH};
use totp_rs::{Builder, Secret};

const PASSWORD: &str = "a-long-password";

/// Returns the TOTP code some steps of 30 seconds ahead.
pub fn code(secret: &str, ahead: u64) -> String {
    let totp =
        Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).with_account_name("a").build().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    totp.generate(now + ahead * 30).to_string()
}

fn login(email: &str, code: Option<&str>) -> Answer {
    let mut body = json!({ "email": email, "password": PASSWORD });
    if let Some(code) = code {
        body["code"] = json!(code);
    }
    Client::anonymous().post("/auth/login", body)
}

#[test]
fn signing_in_needs_a_code_once_enabled() {
    let email = format!("{}@example.com", unique("careful"));
    let (owner, _) = register(&email, PASSWORD);
    owner.post("/auth/totp/begin", json!({ "password": "wrong-password" })).problem(422, "validation_failed");
    owner.post("/auth/totp/confirm", json!({ "code": "123456" })).problem(409, "conflict");
    let begun = owner.post("/auth/totp/begin", json!({ "password": PASSWORD })).ok();
    let secret = begun["secret"].as_str().unwrap();
    assert!(begun["uri"].as_str().unwrap().starts_with("otpauth://totp/Voronka"), "{begun}");
    login(&email, None).ok();
    owner.post("/auth/totp/confirm", json!({ "code": "000000" })).problem(401, "totp_invalid");
    let codes = owner.post("/auth/totp/confirm", json!({ "code": code(secret, 0) })).ok();
    let recovery: Vec<&str> = codes["recovery_codes"].as_array().unwrap().iter().map(|c| c.as_str().unwrap()).collect();
    assert_eq!(recovery.len(), 10);
    assert_eq!(owner.get("/me").ok()["second_factor"], true);
    owner.post("/auth/totp/begin", json!({ "password": PASSWORD })).problem(409, "conflict");
    login(&email, None).problem(401, "totp_required");
    login(&email, Some(&code(secret, 0))).problem(401, "totp_invalid");
    let next = code(secret, 1);
    login(&email, Some(&next)).ok();
    login(&email, Some(&next)).problem(401, "totp_invalid");
    login(&email, Some(&recovery[0].to_uppercase())).ok();
    login(&email, Some(recovery[0])).problem(401, "totp_invalid");
    // The other operations that take a password require the code too.
    let again = json!({ "workspace_name": "Second", "name": "A", "email": email, "password": PASSWORD });
    Client::anonymous().post("/auth/register", again).problem(401, "totp_required");
    let end = |code: &str| owner.post("/auth/totp/end", json!({ "password": PASSWORD, "code": code }));
    end("000000").problem(401, "totp_invalid");
    end(recovery[1]).gone();
    login(&email, None).ok();
    key(&owner, &["users:read"]).post("/auth/totp/begin", json!({ "password": PASSWORD })).problem(403, "forbidden");
    let told = owner.get("/audit-events?record_kind=user&limit=100").ok().to_string();
    assert!(told.contains("user.second_factor_on") && told.contains("user.second_factor_off"), "{told}");
}

#[test]
fn a_missing_provider_configuration_is_reported() {
    let problem = Client::anonymous().post("/auth/oidc/begin", json!({})).problem(401, "oidc_failed");
    assert!(problem["detail"].as_str().unwrap().contains("no provider is configured"), "{problem}");
    let unknown = json!({ "code": "x", "state": "y" });
    Client::anonymous().post("/auth/oidc/complete", unknown).problem(401, "oidc_failed");
    assert_ne!(Json::Null, problem["request_id"]);
}
