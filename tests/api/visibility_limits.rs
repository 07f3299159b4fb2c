//! Indirect operations respect visibility: adding users, the event feed, and members of segments.
use crate::imports::import;
use crate::support::{Client, events, id, unique, user, user_with, workspace};
use serde_json::{Value as Json, json};

/// Creates a user who administers users but sees only the contacts of the team.
fn team_lead(owner: &Client, team: &str) -> Client {
    let grants = [
        ["users", "all", "all", "all", "all", "none"],
        ["teams", "all", "all", "all", "none", "none"],
        ["imports", "all", "all", "all", "all", "none"],
        ["jobs", "all", "none", "none", "none", "none"],
        ["contacts", "team", "team", "team", "none", "none"],
    ];
    user_with(owner, &grants, json!({ "team_id": team })).0
}

fn address(word: &str) -> String {
    format!("{}@example.com", unique(word))
}

/// Tries every way to add a user with a team and a role; returns whether each one succeeded.
fn ways(client: &Client, team: &str, team_name: &str, role: &str) -> [bool; 3] {
    let body = |more: Json| {
        let mut body = json!({ "name": "N", "email": address("added"), "team_id": team, "role": role });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let invited = client.post("/users", body(json!({}))).status;
    let active = client.post("/users", body(json!({ "password": "a-long-password" }))).status;
    // Each row has its own name; a row with an existing name would update that user.
    let (name, email) = (unique("Imported"), address("imported"));
    let file = format!("name,email,team,role\n{name},{email},{team_name},{role}\n");
    let mapping = ["name", "email", "team", "role"].map(|column| json!({ "column": column, "field": column }));
    let report = import(client, "users", &file, json!({ "mapping": mapping }));
    assert!([201, 403].contains(&invited) && [201, 403].contains(&active), "{invited} {active}");
    [invited == 201, active == 201, report["created"] == 1]
}

#[test]
fn a_caller_limited_to_a_team_adds_users_only_to_it() {
    let owner = workspace();
    let team = |name: &str, parent: Json| {
        let name = unique(name);
        (id(&owner.post("/teams", json!({ "name": name, "parent_id": parent })).created()), name)
    };
    let (own, own_name) = team("Own", Json::Null);
    let (below, below_name) = team("Below", json!(own));
    let (other, other_name) = team("Other", Json::Null);
    let lead = team_lead(&owner, &own);
    let role = lead.get("/me").ok()["user"]["role"].as_str().unwrap().to_owned();
    assert_eq!(ways(&lead, &own, &own_name, &role), [true; 3]);
    assert_eq!(ways(&lead, &below, &below_name, &role), [true; 3]);
    assert_eq!(ways(&lead, &other, &other_name, &role), [false; 3]);
    // The new user may not have more rights than the caller.
    for stronger in ["owner", "admin", "manager", "seller", "viewer"] {
        assert_eq!(ways(&lead, &own, &own_name, stronger), [false; 3], "{stronger}");
    }
    // As with a change, no user is moved to the team and no user with more rights is touched.
    let member = id(&lead.post("/users", json!({ "name": "N", "email": address("m"), "role": role })).created());
    for team in [&own, &other] {
        lead.patch(&format!("/users/{member}"), json!({ "team_id": team })).problem(403, "forbidden");
    }
    let guest = id(&owner.post("/users", json!({ "name": "G", "email": address("g"), "role": "admin" })).created());
    lead.post(&format!("/users/{guest}/invite"), json!({})).problem(403, "forbidden");
    owner.post(&format!("/users/{guest}/invite"), json!({})).ok();
    // A caller who sees all teams has no such limit.
    assert_eq!(ways(&owner, &other, &other_name, "seller"), [true; 3]);
}

fn types(client: &Client, type_: &str, count: usize) -> usize {
    events(client, &format!("&type={type_}"), count).len()
}

#[test]
fn sign_in_events_of_others_need_the_permission_to_read_the_audit_log() {
    let owner = workspace();
    let email = address("watched");
    let body = json!({ "name": "W", "email": email, "role": "seller", "password": "a-long-password" });
    owner.post("/users", body).created();
    let login =
        |password: &str| Client::anonymous().post("/auth/login", json!({ "email": email, "password": password }));
    login("a-wrong-password").problem(401, "credentials_invalid");
    let watched = Client::with_token(login("a-long-password").ok()["access_token"].as_str().unwrap());
    let change = json!({ "current_password": "a-long-password", "new_password": "another-password" });
    watched.post("/auth/change-password", change).gone();
    let peer = user(&owner, "manager");
    for type_ in ["user.sign_in_refused", "user.password_changed"] {
        assert_eq!(types(&owner, type_, 1), 1, "{type_}");
        assert_eq!(types(&watched, type_, 1), 1, "{type_} is one's own");
        assert_eq!(types(&peer, type_, 0), 0, "{type_}");
    }
    // Other events about users are visible to all who see users.
    assert!(types(&peer, "user.created", 2) >= 2);
}

#[test]
fn events_of_a_private_view_go_only_to_its_owner() {
    let owner = workspace();
    let (mine, peer) = (user(&owner, "seller"), user(&owner, "seller"));
    let view = |name: &str, shared: bool| {
        id(&mine.post("/views", json!({ "resource": "deals", "name": name, "shared": shared })).created())
    };
    let (private, shared) = (view("Private", false), view("Shared", true));
    mine.patch(&format!("/views/{private}"), json!({ "name": "Still private" })).ok();
    mine.patch(&format!("/views/{shared}"), json!({ "name": "Still shared" })).ok();
    let of = |client: &Client, view: &str, count: usize| {
        let found = events(client, &format!("&record_id={view}"), count);
        found.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of(&mine, &private, 2), ["view.created", "view.updated"]);
    assert_eq!(of(&peer, &shared, 2), ["view.created", "view.updated"]);
    for other in [&peer, &owner] {
        assert_eq!(of(other, &private, 0), [""; 0]);
    }
    // After the deletion only those who could see the view get an event.
    mine.delete(&format!("/views/{private}")).gone();
    mine.delete(&format!("/views/{shared}")).gone();
    assert_eq!(of(&mine, &private, 3), ["view.created", "view.updated", "view.deleted"]);
    assert_eq!(of(&peer, &shared, 1).last().map(String::as_str), Some("view.deleted"));
    for other in [&peer, &owner] {
        assert_eq!(of(other, &private, 0), [""; 0]);
    }
}

#[test]
fn invisible_segment_members_are_neither_counted_nor_removed() {
    let owner = workspace();
    let grants = [["contacts", "own", "own", "own", "own", "none"], ["segments", "all", "all", "all", "none", "none"]];
    let (seller, _) = user_with(&owner, &grants, json!({}));
    let theirs: Vec<String> =
        (0..3).map(|_| id(&owner.post("/contacts", json!({ "first_name": "T" })).created())).collect();
    let own = id(&seller.post("/contacts", json!({ "first_name": "O" })).created());
    let segment = json!({ "resource": "contacts", "name": "S", "kind": "static", "record_ids": theirs });
    let segment = id(&owner.post("/segments", segment).created());
    let members = |client: &Client, body: Json| client.post(&format!("/segments/{segment}/members"), body).ok();
    let added = members(&seller, json!({ "add": [own] }));
    assert_eq!(added, json!({ "added": 1, "removed": 0, "size": 1 }));
    let removed = members(&seller, json!({ "remove": [theirs[0], theirs[1], own] }));
    assert_eq!(removed, json!({ "added": 0, "removed": 1, "size": 0 }));
    assert_eq!(members(&owner, json!({})), json!({ "added": 0, "removed": 0, "size": 3 }));
    assert_eq!(members(&owner, json!({ "remove": [theirs[0]] })), json!({ "added": 0, "removed": 1, "size": 2 }));
}
