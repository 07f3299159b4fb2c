//! Suspended users get no new work, and hidden members accept no values.
use crate::hiding::hideable;
use crate::imports::{finished, import};
use crate::support::client::DOCUMENT;
use crate::support::{Answer, Client, events, id, stage, unique, user, user_with, workspace};
use serde_json::{Value as Json, json};

/// Creates a suspended seller and returns the user's id.
fn suspended(owner: &Client) -> String {
    let seller = user(owner, "seller");
    let seller = id(&seller.get("/me").ok()["user"]);
    owner.patch(&format!("/users/{seller}"), json!({ "status": "suspended" })).ok();
    seller
}

#[track_caller]
fn refused(answer: Answer, pointer: &str, code: &str) {
    let problem = answer.problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], json!(pointer));
    assert_eq!(problem["errors"][0]["code"], json!(code));
}

#[track_caller]
fn item_refused(answer: Answer, code: &str) {
    let result = answer.ok()["results"][0].clone();
    assert_eq!(result["status"], 422, "{result}");
    assert_eq!(result["error"]["errors"][0]["code"], json!(code), "{result}");
}

/// The resources with an owner or assignee, that member, and a body that creates a record.
fn owned() -> [(&'static str, &'static str, Json); 5] {
    [
        ("contacts", "owner_id", json!({ "first_name": "C" })),
        ("companies", "owner_id", json!({ "name": unique("Company") })),
        ("leads", "owner_id", json!({ "title": "L" })),
        ("deals", "owner_id", json!({ "title": "D" })),
        ("tasks", "assignee_id", json!({ "title": "T" })),
    ]
}

fn everything() -> Json {
    json!({ "everything": true })
}

#[test]
fn a_suspended_user_gets_no_new_work() {
    let owner = workspace();
    let gone = suspended(&owner);
    for (resource, member, body) in owned() {
        let pointer = format!("/{member}");
        let mut theirs = body.clone();
        theirs[member] = json!(gone);
        refused(owner.post(&format!("/{resource}"), theirs.clone()), &pointer, "suspended_user");
        let batch = json!({ "items": [theirs] });
        item_refused(owner.post(&format!("/{resource}/batch-create"), batch), "suspended_user");
        let made = id(&owner.post(&format!("/{resource}"), body).created());
        let change = json!({ member: gone });
        refused(owner.patch(&format!("/{resource}/{made}"), change.clone()), &pointer, "suspended_user");
        let batch = json!({ "items": [{ "id": made, "changes": change }] });
        item_refused(owner.post(&format!("/{resource}/batch-update"), batch), "suspended_user");
        let bulk = json!({ "selection": everything(), "changes": change });
        let job = finished(&owner, &id(&owner.post(&format!("/{resource}/bulk-update"), bulk).expect(202)));
        assert_eq!(job["result"]["succeeded"], 0, "{job}");
        assert_eq!(job["result"]["failed"], 1, "{job}");
    }
}

#[test]
fn every_way_to_assign_work_refuses_suspended_users() {
    let owner = workspace();
    let gone = suspended(&owner);
    let me = owner.get("/me").ok()["user"]["id"].clone();
    for resource in ["leads", "deals", "companies", "contacts"] {
        let mut item =
            json!({ "external_id": "x1", "title": "T", "name": unique("N"), "first_name": "F", "owner_id": gone });
        let has = |member: &str| match resource {
            "leads" | "deals" => member == "title",
            "companies" => member == "name",
            _ => member == "first_name",
        };
        item.as_object_mut().unwrap().retain(|member, _| member.ends_with("_id") || has(member));
        let upsert = json!({ "items": [item] });
        item_refused(owner.post(&format!("/{resource}/batch-upsert"), upsert), "suspended_user");
    }
    let lead = id(&owner.post("/leads", json!({ "title": "L", "person": { "name": "Eva" } })).created());
    let convert = json!({ "deal": { "title": "D", "owner_id": gone } });
    refused(owner.post(&format!("/leads/{lead}/convert"), convert), "/deal/owner_id", "suspended_user");
    let over = json!({ "to_user_id": gone });
    refused(owner.post(&format!("/users/{}/hand-over", me.as_str().unwrap()), over), "/to_user_id", "suspended_user");
    let email = owner.get(&format!("/users/{gone}")).ok()["email"].as_str().unwrap().to_owned();
    let file = format!("last_name,owner\nStone,{email}\nTamm,\n");
    let mapping = json!([{ "column": "last_name", "field": "last_name" }, { "column": "owner", "field": "owner" }]);
    let report = import(&owner, "contacts", &file, json!({ "mapping": mapping }));
    assert_eq!(report["created"], 1, "{report}");
    assert_eq!(report["failed"], 1, "{report}");
}

/// References to a suspended user may be sent back, and new derived work goes to the caller.
#[test]
fn existing_work_of_a_suspended_user_stays() {
    let owner = workspace();
    let seller = user(&owner, "seller");
    let their = id(&seller.get("/me").ok()["user"]);
    let me = owner.get("/me").ok()["user"]["id"].clone();
    let lead = id(&seller.post("/leads", json!({ "title": "L", "person": { "name": "Eva" } })).created());
    let deal = id(&seller.post("/deals", json!({ "title": "D" })).created());
    owner.patch(&format!("/users/{their}"), json!({ "status": "suspended" })).ok();
    let same = json!({ "title": "E", "owner_id": their });
    assert_eq!(owner.patch(&format!("/deals/{deal}"), same).ok()["owner_id"], json!(their));
    owner.patch(&format!("/leads/{lead}"), json!({ "come_back_on": "2031-03-01" })).ok();
    let tasks = owner.get(&format!("/tasks?lead_id={lead}")).ok();
    assert_eq!(tasks["data"][0]["assignee_id"], me);
    let made = owner.post(&format!("/leads/{lead}/convert"), json!({})).ok();
    assert_eq!(made["deal"]["owner_id"], me);
    assert_eq!(made["contact"]["owner_id"], me);
    let won = stage(&owner, "deal", "Payment received");
    owner.post(&format!("/deals/{deal}/move"), json!({ "stage_id": won })).ok();
}

/// Closed records are not work; reopened ones are.
#[test]
fn a_reopened_record_goes_to_the_caller() {
    let owner = workspace();
    let gone = suspended(&owner);
    let me = owner.get("/me").ok()["user"]["id"].clone();
    let [won, open] = ["Payment received", "Active inquiry"].map(|name| stage(&owner, "deal", name));
    let theirs = || {
        let deal = owner.post("/deals", json!({ "title": "D", "owner_id": gone, "stage_id": won })).created();
        assert_eq!(deal["owner_id"], json!(gone));
        id(&deal)
    };
    let deal = theirs();
    assert_eq!(owner.post(&format!("/deals/{deal}/reopen"), json!({})).ok()["owner_id"], me);
    let deal = theirs();
    assert_eq!(owner.post(&format!("/deals/{deal}/move"), json!({ "stage_id": open })).ok()["owner_id"], me);
    let deal = theirs();
    let batch = json!({ "items": [{ "id": deal, "to": { "stage_id": open } }] });
    owner.post("/deals/batch-move", batch).ok();
    let now = owner.get(&format!("/deals/{deal}")).ok();
    assert_eq!(now["owner_id"], me);
    assert_eq!(now["closed_by_id"], Json::Null);
    let told = events(&owner, "&type=deal.reopened", 3);
    let handed = json!({ "member": "owner_id", "before": json!(gone).to_string(), "after": me.to_string() });
    assert!(told.iter().all(|event| event["changes"].as_array().unwrap().contains(&handed)), "{told:?}");
    let [lost, new] = ["Disqualified", "New"].map(|name| stage(&owner, "lead", name));
    let seller = user(&owner, "seller");
    let their = id(&seller.get("/me").ok()["user"]);
    let lead = id(&seller.post("/leads", json!({ "title": "L", "come_back_on": "2031-03-01" })).created());
    let path = format!("/leads/{lead}");
    let promise = || owner.get(&format!("/tasks?lead_id={lead}")).ok()["data"][0].clone();
    owner.patch(&format!("/users/{their}"), json!({ "status": "suspended" })).ok();
    let reason = id(&owner.post("/loss-reasons", json!({ "name": "Gone" })).created());
    owner.post(&format!("{path}/move"), json!({ "stage_id": lost, "loss_reason_id": reason })).ok();
    assert_eq!(promise()["assignee_id"], json!(their));
    assert_eq!(owner.post(&format!("{path}/move"), json!({ "stage_id": new })).ok()["owner_id"], me);
    assert_eq!(promise()["assignee_id"], me);
}

#[test]
fn a_moved_callback_leaves_a_suspended_user() {
    let owner = workspace();
    let seller = user(&owner, "seller");
    let their = id(&seller.get("/me").ok()["user"]);
    let lead = id(&seller.post("/leads", json!({ "title": "L", "come_back_on": "2031-03-01" })).created());
    owner.patch(&format!("/users/{their}"), json!({ "status": "suspended" })).ok();
    owner.patch(&format!("/leads/{lead}"), json!({ "come_back_on": "2031-04-01" })).ok();
    let task = owner.get(&format!("/tasks?lead_id={lead}")).ok()["data"][0].clone();
    let me = owner.get("/me").ok()["user"]["id"].clone();
    assert_eq!(task["assignee_id"], me);
    assert_eq!(task["due_date"], "2031-04-01");
}

/// The loss note stays as long as the deal is lost, and a caller who cannot see it cannot replace it.
#[test]
fn a_hidden_loss_note_is_kept() {
    let owner = workspace();
    let pipeline = owner.get("/pipelines?kind=deal&is_default=true").ok()["data"][0]["id"].clone();
    let other = json!({ "pipeline_id": pipeline, "name": "Vanished", "category": "lost" });
    let other = id(&owner.post("/stages", other).created());
    let [lost, open] = ["Lost", "Active inquiry"].map(|name| stage(&owner, "deal", name));
    let reason = id(&owner.post("/loss-reasons", json!({ "name": "Price" })).created());
    let client = blind(&owner, "deals", "loss_note");
    let deal = id(&owner.post("/deals", json!({ "title": "D", "competitor": "Rival" })).created());
    let path = format!("/deals/{deal}");
    owner.post(&format!("{path}/lose"), json!({ "loss_reason_id": reason, "loss_note": "secret" })).ok();
    let to = |stage: &str, note: Option<&str>| {
        let mut body = json!({ "stage_id": stage, "loss_reason_id": reason });
        if let Some(note) = note {
            body["loss_note"] = json!(note);
        }
        body
    };
    refused(client.post(&format!("{path}/move"), to(&other, Some("over"))), "/loss_note", "hidden");
    let batch = json!({ "items": [{ "id": deal, "to": to(&other, Some("over")) }] });
    item_refused(client.post("/deals/batch-move", batch), "hidden");
    let note = || owner.get(&path).ok()["loss_note"].clone();
    assert_eq!(note(), "secret");
    assert_eq!(client.post(&format!("{path}/move"), to(&other, None)).ok()["loss_note"], Json::Null);
    assert_eq!(note(), "secret");
    assert_eq!(owner.post(&format!("{path}/move"), to(&lost, Some("said anew"))).ok()["loss_note"], "said anew");
    assert_eq!(owner.post(&format!("{path}/move"), json!({ "stage_id": open })).ok()["loss_note"], Json::Null);
    let loss = json!({ "loss_reason_id": reason, "loss_note": "blind" });
    refused(client.post(&format!("{path}/lose"), loss), "/loss_note", "hidden");
    client.post(&format!("{path}/lose"), json!({ "loss_reason_id": reason })).ok();
}

/// Returns a value for every member that a role can hide.
fn value(member: &str) -> Json {
    match member {
        "email" => json!("new@example.com"),
        "emails" => json!([{ "email": "new@example.com", "kind": "work" }]),
        "phone" => json!("+44 20 7946 0018"),
        "phones" => json!([{ "phone": "+44 20 7946 0018", "kind": "work" }]),
        "accounts" => json!([{ "kind": "telegram", "handle": "new_one" }]),
        "birthday" => json!("1990-01-01"),
        "consents" => json!([{ "channel": "email", "granted": true, "at": "2026-11-01T00:00:00Z" }]),
        "revenue" | "value" => json!({ "amount": 1, "currency": "EUR" }),
        "employees" | "probability_percent" => json!(7),
        "person" => json!({ "name": "Somebody" }),
        "address" | "competitor" | "next_step" => json!("new"),
        other => panic!("no value for {other}"),
    }
}

/// Creates a user who may do everything with records but cannot see one field.
fn blind(owner: &Client, resource: &str, field: &str) -> Client {
    let all = |resource| [resource, "all", "all", "all", "all", "all"];
    let grants = ["contacts", "companies", "leads", "deals", "tasks"].map(all);
    let mut grants = grants.to_vec();
    grants.extend([["imports", "all", "all", "all", "all", "none"], ["jobs", "all", "none", "none", "none", "none"]]);
    user_with(owner, &grants, json!({ "hidden_fields": [{ "resource": resource, "field": field }] })).0
}

#[test]
fn hidden_members_cannot_be_overwritten() {
    let owner = workspace();
    let schemas = &DOCUMENT["components"]["schemas"];
    let mut asked = 0;
    for (resource, field, members) in hideable() {
        let name = match resource {
            "contacts" => "ContactUpdate",
            "companies" => "CompanyUpdate",
            "leads" => "LeadUpdate",
            _ => "DealUpdate",
        };
        let client = blind(&owner, resource, field);
        let (_, _, body) = owned().into_iter().find(|(owned, ..)| *owned == resource).unwrap();
        let record = id(&owner.post(&format!("/{resource}"), body).created());
        let path = format!("/{resource}/{record}");
        let before = owner.get(&path).ok();
        for member in members.iter().filter(|member| schemas[name]["properties"].get(**member).is_some()) {
            let change = json!({ *member: value(member) });
            refused(client.patch(&path, change.clone()), &format!("/{member}"), "hidden");
            let batch = json!({ "items": [{ "id": record, "changes": change }] });
            item_refused(client.post(&format!("/{resource}/batch-update"), batch), "hidden");
            let bulk = json!({ "selection": everything(), "changes": change });
            let job = finished(&client, &id(&client.post(&format!("/{resource}/bulk-update"), bulk).expect(202)));
            assert_eq!(job["result"]["succeeded"], 0, "{job}");
            assert_eq!(job["result"]["failed"], job["total"], "{job}");
            asked += 1;
        }
        assert_eq!(owner.get(&path).ok(), before, "{resource} {field}");
        client.patch(&path, json!({ "tags": ["seen"] })).ok();
    }
    assert!(asked >= 12, "{asked}");
}

#[test]
fn upserts_imports_and_conversions_keep_hidden_members() {
    let owner = workspace();
    let client = blind(&owner, "contacts", "phone");
    let contact =
        json!({ "first_name": "Eva", "external_id": "e1", "email": "eva@stone.example", "phone": "+1 212 555 0101" });
    let contact = id(&owner.post("/contacts", contact).created());
    let phone = || owner.get(&format!("/contacts/{contact}")).ok()["phone"].clone();
    let before = phone();
    let item = json!({ "items": [{ "external_id": "e1", "first_name": "Eva", "phone": "+1 212 555 0199" }] });
    item_refused(client.post("/contacts/batch-upsert", item), "hidden");
    let mapping = json!([{ "column": "key", "field": "external_id" }, { "column": "phone", "field": "phone" }]);
    let file = client.upload("contacts", "a.csv", b"key,phone\ne1,+1 212 555 0199\n").created();
    let run = json!({ "settings": { "mapping": mapping } });
    refused(client.post(&format!("/imports/{}/run", id(&file)), run), "/settings/mapping/1/field", "hidden");
    let person = json!({ "name": "Eva", "email": "eva@stone.example", "phone": "+1 212 555 0199" });
    let lead = || id(&owner.post("/leads", json!({ "title": "L", "person": person })).created());
    let convert = |mode: &str| client.post(&format!("/leads/{}/convert", lead()), json!({ "on_conflict": mode }));
    refused(convert("overwrite"), "/phone", "hidden");
    let filled = convert("fill_empty").ok();
    assert!(!filled["filled"].to_string().contains("phone"), "{filled}");
    assert_eq!(phone(), before);
    // A new contact has no hidden value to overwrite.
    client.post("/contacts", json!({ "first_name": "New", "phone": "+1 212 555 0177" })).created();
    let deal =
        id(&owner.post("/deals", json!({ "title": "D", "value": { "amount": 5, "currency": "EUR" } })).created());
    let seller = blind(&owner, "deals", "value");
    let won = json!({ "value": { "amount": 1, "currency": "EUR" } });
    refused(seller.post(&format!("/deals/{deal}/win"), won), "/value", "hidden");
    seller.post(&format!("/deals/{deal}/win"), json!({})).ok();
}

#[test]
fn hidden_custom_fields_cannot_be_overwritten() {
    let owner = workspace();
    owner
        .post("/custom-fields", json!({ "resource": "contacts", "key": "region", "name": "Region", "kind": "text" }))
        .created();
    let client = blind(&owner, "contacts", "cf.region");
    let own = |value: &str| json!({ "first_name": "A", "custom_fields": [{ "key": "region", "text": value }] });
    let contact = id(&owner.post("/contacts", own("north")).created());
    let path = format!("/contacts/{contact}");
    refused(client.patch(&path, own("south")), "/custom_fields/0", "hidden");
    assert_eq!(owner.get(&path).ok()["custom_fields"][0]["text"], "north");
}
