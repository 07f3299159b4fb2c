//! Accounts of contacts, and when and how a person must not be contacted.
use crate::support::{Client, id, unique, user_with, workspace};
use serde_json::{Value as Json, json};

fn contact(client: &Client, body: Json) -> Json {
    let mut whole = json!({ "first_name": "Ann" });
    whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    client.post("/contacts", whole).created()
}

fn found(client: &Client, query: &str) -> Vec<String> {
    client.get(&format!("/contacts?{query}")).ok()["data"].as_array().unwrap().iter().map(id).collect()
}

#[test]
fn accounts_have_one_form() {
    let owner = workspace();
    owner.patch("/workspaces/current", json!({ "country": "EE" })).ok();
    let accounts = json!([{ "kind": "telegram", "handle": "https://t.me/Anna_B" }, { "kind": "telegram", "handle": "@anna_b" },
        { "kind": "whatsapp", "handle": "5550 101" }, { "kind": "chess_club", "handle": "@Anna" }]);
    let ann = contact(&owner, json!({ "accounts": accounts }));
    let keys = |contact: &Json| {
        contact["accounts"].as_array().unwrap().iter().map(|account| account["key"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&ann), ["telegram:anna_b", "whatsapp:+3725550101", "chess_club:anna"]);
    assert_eq!(ann["accounts"][1]["url"], "https://wa.me/3725550101");
    contact(&owner, json!({ "accounts": [{ "kind": "telegram", "handle": "bob_x" }] }));
    for query in [
        "account=telegram:Anna_B",
        "account=telegram:t.me/anna_b",
        "account=whatsapp:%2B3725550101",
        "account=whatsapp:5550101",
        "account=chess_club:anna",
        "account=vk:nobody,telegram:anna_b",
    ] {
        assert_eq!(found(&owner, query), [id(&ann)], "{query}");
    }
    assert_eq!(found(&owner, "account=telegram:anna").len(), 0);
    assert_eq!(found(&owner, "account__empty=true").len(), 0);
    let asked = json!({ "all": [{ "field": "account", "op": "eq", "values": ["telegram:@ANNA_B"] }] });
    assert_eq!(owner.post("/contacts/search", asked).ok()["data"].as_array().unwrap().len(), 1);
    // What was read can be sent back.
    let path = format!("/contacts/{}", id(&ann));
    let same = owner.patch(&path, json!({ "accounts": ann["accounts"] })).ok();
    assert_eq!((&same["version"], &same["accounts"]), (&ann["version"], &ann["accounts"]));
    for (kind, handle) in
        [("telegram", "two words"), ("Telegram", "anna"), ("whatsapp", "anna"), ("telegram", "https://example.com/x")]
    {
        let refused = owner.patch(&path, json!({ "accounts": [{ "kind": kind, "handle": handle }] }));
        refused.problem(422, "validation_failed");
    }
    let export = owner.with("Accept", "text/csv").get("/contacts?columns=first_name,accounts").text;
    assert!(export.contains("anna_b"), "{export}");
    let history = owner.get(&format!("{path}/history?in_words=en&field=accounts")).ok();
    let words = history["data"][0]["changes"][0]["in_words"].as_str().unwrap().to_owned();
    assert!(words.starts_with("Accounts: — → anna_b"), "{words}");
}

#[test]
fn an_upsert_matches_by_account() {
    let owner = workspace();
    let ann = contact(&owner, json!({ "accounts": [{ "kind": "vk", "handle": "id1" }] }));
    let item = json!({ "last_name": "Berg", "accounts": [{ "kind": "vk", "handle": "https://vk.com/id1" }] });
    let done = owner.post("/contacts/batch-upsert", json!({ "items": [item.clone()] })).ok();
    assert_eq!(done["results"][0]["id"], ann["id"], "{done}");
    assert_eq!(owner.get(&format!("/contacts/{}", id(&ann))).ok()["last_name"], "Berg");
    let other = json!({ "last_name": "Other", "accounts": [{ "kind": "vk", "handle": "id2" }] });
    assert_eq!(owner.post("/contacts/batch-upsert", json!({ "items": [other] })).ok()["results"][0]["status"], 201);
    owner.post("/contacts/batch-upsert", json!({ "items": [{ "last_name": "Nothing" }] })).ok();
    let hidden = json!({ "hidden_fields": [{ "resource": "contacts", "field": "accounts" }] });
    let (seller, _) = user_with(&owner, &[["contacts", "all", "all", "all", "all", "all"]], hidden);
    assert_eq!(seller.get(&format!("/contacts/{}", id(&ann))).ok()["accounts"], json!([]));
    seller.get("/contacts?account=vk:id1").problem(400, "unknown_parameter");
}

#[test]
fn an_erasure_removes_accounts() {
    let owner = workspace();
    let handle = unique("handle").replace('-', "_");
    let ann = contact(&owner, json!({ "accounts": [{ "kind": "telegram", "handle": handle }] }));
    let path = format!("/contacts/{}", id(&ann));
    assert!(owner.get(&format!("{path}/export")).text.contains(&handle));
    owner.post("/erasures", json!({ "contact_id": id(&ann), "reason": "Asked" })).created();
    assert!(!owner.get("/contacts?only_deleted=true").text.contains(&handle));
    assert!(!owner.get(&format!("{path}/history")).text.contains(&handle));
    assert_eq!(found(&owner, &format!("account=telegram:{handle}")).len(), 0);
}

#[test]
fn nothing_is_planned_against_the_wishes_of_a_person() {
    let owner = workspace();
    let wishes = json!({ "do_not_contact_channels": ["email"], "time_zone": "Europe/Tallinn",
        "quiet_hours": { "from": "21:00", "to": "08:00" } });
    let ann = id(&contact(&owner, wishes));
    let task = |type_: &str, more: Json| {
        let mut body = json!({ "title": "T", "type": type_, "contact_id": ann });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        owner.post("/tasks", body)
    };
    let refused = |answer: crate::support::Answer, pointer: &str, code: &str| {
        let problem = answer.problem(422, "validation_failed");
        assert_eq!((&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]), (&json!(pointer), &json!(code)));
    };
    refused(task("email", json!({})), "/contact_id", "do_not_contact");
    // 22:30 in Tallinn.
    refused(task("call", json!({ "due_at": "2031-01-15T20:30:00Z" })), "/due_at", "quiet_hours");
    refused(task("call", json!({ "due_at": "2031-01-15T05:59:00Z" })), "/due_at", "quiet_hours");
    let call = id(&task("call", json!({ "due_at": "2031-01-15T06:00:00Z" })).created());
    task("todo", json!({ "due_at": "2031-01-15T20:30:00Z" })).created();
    task("call", json!({ "due_date": "2031-01-15" })).created();
    let path = format!("/tasks/{call}");
    refused(owner.patch(&path, json!({ "due_at": "2031-01-15T20:30:00Z" })), "/due_at", "quiet_hours");
    refused(owner.patch(&path, json!({ "type": "email" })), "/contact_id", "do_not_contact");
    let noted = |when: &str, direction: &str| {
        owner.post(
            "/activities",
            json!({ "type": "email", "contact_id": ann, "occurred_at": when, "direction": direction }),
        )
    };
    refused(noted("2099-01-15T10:00:00Z", "outbound"), "/contact_id", "do_not_contact");
    noted("2026-01-15T10:00:00Z", "outbound").created();
    noted("2099-01-15T10:00:00Z", "inbound").created();
    owner.patch(&format!("/contacts/{ann}"), json!({ "do_not_contact": true })).ok();
    refused(task("call", json!({})), "/contact_id", "do_not_contact");
    // What is planned stays, and can be changed in other ways and completed.
    owner.patch(&path, json!({ "title": "Other" })).ok();
    owner.post(&format!("{path}/complete"), json!({})).ok();
    let batch = owner
        .post(
            "/tasks/batch-create",
            json!({ "items": [{ "title": "T", "type": "visit", "contact_id": ann }, { "title": "U" }] }),
        )
        .ok();
    assert_eq!((&batch["results"][0]["status"], &batch["results"][1]["status"]), (&json!(422), &json!(201)));
}
