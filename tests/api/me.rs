//! The `/me` operation: the current user and their permissions.
use crate::support::scopes::scopes;
use crate::support::{key, unique, user, user_with, workspace};
use serde_json::{Value as Json, json};

fn grant<'a>(me: &'a Json, resource: &str) -> &'a Json {
    let grants = me["grants"].as_array().unwrap();
    grants.iter().find(|grant| grant["resource"] == resource).unwrap_or(&Json::Null)
}

#[test]
fn me_returns_the_permissions() {
    let owner = workspace();
    let me = owner.get("/me").ok();
    assert_eq!(grant(&me, "deals")["delete"], "all");
    assert_eq!(grant(&me, "workspaces")["update"], "all");
    assert_eq!(me["hidden_fields"], json!([]));
    assert_eq!(me["scopes"], json!([]));
    let viewer = user(&owner, "viewer").get("/me").ok();
    assert_eq!(grant(&viewer, "deals")["read"], "all");
    assert_eq!(grant(&viewer, "deals")["create"], "none");
    let hidden = json!([{ "resource": "contacts", "field": "phone" }]);
    // Reading oneself does not need the permission to read users.
    let grants = [["contacts", "team", "own", "own", "none", "none"]];
    let partner = user_with(&owner, &grants, json!({ "hidden_fields": hidden })).0.get("/me").ok();
    assert_eq!(grant(&partner, "contacts")["read"].as_str(), Some("team"));
    assert_eq!(partner["hidden_fields"], hidden);
    assert_eq!(partner["grants"].as_array().unwrap().len(), 1, "{}", partner["grants"]);
}

/// Every key can read itself, whatever its scopes.
#[test]
fn every_key_can_read_me() {
    let owner = workspace();
    let user = owner.get("/me").ok()["user"]["id"].clone();
    for scope in scopes() {
        let me = key(&owner, &[scope]).get("/me").ok();
        assert_eq!(me["user"]["id"], user);
        assert_eq!(me["scopes"], json!([scope]));
        assert_eq!(me["memberships"], json!([]));
    }
}

#[test]
fn users_can_update_their_own_profile() {
    let owner = workspace();
    let viewer = user(&owner, "viewer");
    let before = viewer.get("/me").ok();
    let change =
        json!({ "name": "Anna", "time_zone": "Asia/Tokyo", "language": "et", "avatar_url": "https://p.example/a.png" });
    let changed = viewer.patch("/me", change.clone()).ok();
    for (member, value) in change.as_object().unwrap() {
        assert_eq!(&changed[member], value, "{member}");
    }
    assert_eq!(viewer.get("/me").ok()["user"], changed);
    assert_eq!(changed["role"], before["user"]["role"]);
    assert_eq!(changed["status"], before["user"]["status"]);
    let cleared = viewer.patch("/me", json!({ "clear": ["language"], "avatar_url": null })).ok();
    assert_eq!(cleared["language"], Json::Null);
    assert_eq!(cleared["avatar_url"], Json::Null);
    viewer.with("If-Match", "\"1\"").patch("/me", json!({ "name": "B" })).problem(412, "version_conflict");
    for (body, status) in [
        (json!({ "role": "owner" }), 422),
        (json!({ "status": "suspended" }), 422),
        (json!({ "email": "x@example.com" }), 422),
        (json!({ "name": "" }), 422),
        (json!({ "name": null }), 422),
        (json!({ "clear": ["language", "language", "language", "language"] }), 422),
        (json!({ "time_zone": "Mars/Base" }), 422),
        (json!({ "language": "not a tag" }), 422),
        (json!({ "avatar_url": "javascript:alert(1)" }), 422),
    ] {
        assert_eq!(viewer.patch("/me", body.clone()).status, status, "{body}");
    }
    key(&viewer, &["users:write"]).patch("/me", json!({ "name": "Script" })).problem(403, "forbidden");
    let log = owner.get("/audit-events?type=user.updated").ok();
    assert_eq!(log["data"].as_array().unwrap().len(), 2, "{log}");
}

/// An error never suggests the name that was sent.
#[test]
fn no_error_suggests_the_same_name() {
    let owner = workspace();
    let hidden = json!([{ "resource": "contacts", "field": "email" }, { "resource": "deals", "field": "value" }]);
    let grants = [["contacts", "all", "all", "all", "all", "all"], ["deals", "all", "all", "all", "all", "all"]];
    let (blind, _) = user_with(&owner, &grants, json!({ "hidden_fields": hidden }));
    for (path, name) in [
        ("/contacts?email=a@example.com", "email"),
        ("/contacts?email__ne=a@example.com", "email__ne"),
        ("/deals?value__gte=5", "value__gte"),
        (&format!("/deals?{}=1", unique("nothing")), "nothing"),
    ] {
        let problem = blind.get(path).expect(400);
        let detail = problem["errors"][0]["detail"].as_str().unwrap();
        assert!(!detail.contains(&format!("did you mean {name}?")), "{path}: {detail}");
    }
}
