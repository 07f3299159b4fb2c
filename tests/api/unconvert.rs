//! Taking the conversion of a lead back.
use crate::support::{Client, id, stage, user_with, workspace};
use serde_json::{Value as Json, json};

/// A lead with a person, a task and a converted result.
fn converted(owner: &Client, more: Json) -> (String, Json) {
    let interested = stage(owner, "lead", "Interested");
    let person =
        json!({ "name": "Bo Berg", "email": crate::support::unique("bo") + "@x.example", "company_name": "Quay" });
    let lead = json!({ "title": "Seats", "stage_id": interested, "person": person, "value": { "amount": 5, "currency": "EUR" } });
    let lead = id(&owner.post("/leads", lead).created());
    owner.post("/tasks", json!({ "title": "Call", "lead_id": lead, "due_date": "2031-01-01" })).created();
    let result = owner.post(&format!("/leads/{lead}/convert"), more).ok();
    (lead, result)
}

#[test]
fn a_conversion_is_taken_back() {
    let owner = workspace();
    let (lead, result) = converted(&owner, json!({}));
    assert_eq!(result["created"], json!(["company", "contact", "deal"]));
    let path = format!("/leads/{lead}/unconvert");
    let stale = owner.with("If-Match", "\"1\"").post(&path, json!({}));
    stale.problem(412, "version_conflict");
    let back = owner.post(&path, json!({})).ok();
    for member in ["converted_at", "converted_deal_id", "contact_id", "company_id", "closed_at"] {
        assert_eq!(back[member], Json::Null, "{member}");
    }
    assert_eq!([&back["status"], &back["stage_id"]], [&json!("open"), &json!(stage(&owner, "lead", "Interested"))]);
    assert_eq!(back["person"]["name"], "Bo Berg");
    assert_eq!(back["next_task"]["due_date"], "2031-01-01");
    for (kind, path) in [("contact", "contacts"), ("company", "companies"), ("deal", "deals")] {
        owner.get(&format!("/{path}/{}", id(&result[kind]))).problem(404, "not_found");
    }
    // The lead can be changed and converted again.
    owner.patch(&format!("/leads/{lead}"), json!({ "title": "More seats" })).ok();
    let again = owner.post(&format!("/leads/{lead}/convert"), json!({})).ok();
    assert_ne!(again["deal"]["id"], result["deal"]["id"]);
    assert_eq!(again["moved_tasks"], 1);
    let other = id(&owner.post("/leads", json!({ "title": "Other" })).created());
    owner.post(&format!("/leads/{other}/unconvert"), json!({})).problem(409, "not_converted");
    // The time in the stages shows one stay.
    let events = crate::support::events(&owner, &format!("&record_id={lead}"), 1);
    assert!(events.iter().any(|event| event["type"] == "lead.unconverted"));
}

#[test]
fn a_deal_that_went_on_keeps_its_lead() {
    let owner = workspace();
    let quoted = stage(&owner, "deal", "Quote sent");
    type Act<'a> = &'a dyn Fn(&str);
    let acts: [(&str, Act<'_>); 5] = [
        ("a move", &|deal| drop(owner.post(&format!("/deals/{deal}/move"), json!({ "stage_id": quoted })).ok())),
        ("a change", &|deal| drop(owner.patch(&format!("/deals/{deal}"), json!({ "next_step": "x" })).ok())),
        ("a call", &|deal| {
            owner.post("/activities", json!({ "type": "call", "deal_id": deal })).created();
        }),
        ("a task", &|deal| {
            owner.post("/tasks", json!({ "title": "T", "deal_id": deal })).created();
        }),
        ("deletion", &|deal| owner.delete(&format!("/deals/{deal}")).gone()),
    ];
    for (what, act) in acts {
        let (lead, result) = converted(&owner, json!({}));
        act(&id(&result["deal"]));
        let refused = owner.post(&format!("/leads/{lead}/unconvert"), json!({})).problem(409, "in_use");
        assert!(refused["detail"].as_str().unwrap().contains("deal"), "{what}: {refused}");
        let now = owner.get(&format!("/leads/{lead}")).ok();
        assert!(now["converted_at"].is_string(), "{what}");
    }
}

#[test]
fn records_that_others_use_stay() {
    let owner = workspace();
    let (lead, result) = converted(&owner, json!({}));
    let contact = id(&result["contact"]);
    owner.post("/activities", json!({ "type": "call", "contact_id": contact })).created();
    owner.post(&format!("/leads/{lead}/unconvert"), json!({})).ok();
    owner.get(&format!("/contacts/{contact}")).ok();
    owner.get(&format!("/companies/{}", id(&result["company"]))).ok();
    owner.get(&format!("/deals/{}", id(&result["deal"]))).problem(404, "not_found");
    // A deal that existed before stays, too; the tasks return to the lead.
    let deal = id(&owner.post("/deals", json!({ "title": "Before" })).created());
    let (lead, result) = converted(&owner, json!({ "deal_id": deal }));
    assert_eq!(result["moved_tasks"], 1);
    let back = owner.post(&format!("/leads/{lead}/unconvert"), json!({})).ok();
    assert_eq!(back["next_task"]["due_date"], "2031-01-01");
    assert_eq!(owner.get(&format!("/deals/{deal}")).ok()["next_task"], Json::Null);
}

#[test]
fn taking_back_needs_the_right_to_delete() {
    let owner = workspace();
    let all = |resource: &'static str, delete: &'static str| [resource, "all", "all", "all", delete, "none"];
    let (clerk, _) = user_with(
        &owner,
        &[
            all("leads", "all"),
            all("deals", "none"),
            all("contacts", "all"),
            all("companies", "all"),
            all("tasks", "all"),
        ],
        json!({}),
    );
    let (lead, result) = converted(&owner, json!({}));
    clerk.post(&format!("/leads/{lead}/unconvert"), json!({})).problem(403, "forbidden");
    owner.get(&format!("/deals/{}", id(&result["deal"]))).ok();
    workspace().post(&format!("/leads/{lead}/unconvert"), json!({})).problem(404, "not_found");
    // A retry with the same key gets the same answer.
    let once = owner.with("Idempotency-Key", "back-1");
    let first = once.post(&format!("/leads/{lead}/unconvert"), json!({})).ok();
    assert_eq!(once.post(&format!("/leads/{lead}/unconvert"), json!({})).ok(), first);
}

#[test]
fn a_disqualified_lead_can_be_recycled() {
    let owner = workspace();
    let reason = id(&owner.post("/loss-reasons", json!({ "name": "No budget" })).created());
    let lead = id(&owner.post("/leads", json!({ "title": "Seats" })).created());
    let path = |verb: &str| format!("/leads/{lead}/{verb}");
    owner.post(&path("recycle"), json!({ "come_back_on": "2031-03-01" })).problem(409, "not_closed");
    owner.post(&path("disqualify"), json!({ "loss_reason_id": reason, "note": "Ask again in spring" })).ok();
    let lost = stage(&owner, "lead", "Disqualified");
    let refused = owner.post(&path("recycle"), json!({ "come_back_on": "2031-03-01", "stage_id": lost }));
    assert_eq!(refused.problem(422, "validation_failed")["errors"][0]["pointer"], "/stage_id");
    let back = owner.post(&path("recycle"), json!({ "come_back_on": "2031-03-01", "note": "Budget is in April" })).ok();
    assert_eq!(
        [&back["status"], &back["loss_reason_id"], &back["closed_at"]],
        [&json!("open"), &Json::Null, &Json::Null]
    );
    assert_eq!(back["next_task"]["due_date"], "2031-03-01");
    let notes = owner.get(&format!("/activities?lead_id={lead}&sort=occurred_at")).ok();
    let texts: Vec<&str> =
        notes["data"].as_array().unwrap().iter().map(|note| note["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["Ask again in spring", "Budget is in April"]);
    // A caller who may not write notes cannot do it this way.
    let all = |resource: &'static str| [resource, "all", "all", "all", "all", "none"];
    let (clerk, _) = user_with(&owner, &[all("leads"), all("tasks")], json!({}));
    clerk.post(&path("disqualify"), json!({ "loss_reason_id": reason, "note": "x" })).problem(403, "forbidden");
    clerk.post(&path("disqualify"), json!({ "loss_reason_id": reason })).ok();
}

#[test]
fn tasks_that_moved_on_stay_where_they_are() {
    let owner = workspace();
    let other = id(&owner.post("/deals", json!({ "title": "Other" })).created());
    let task_of =
        |lead: &str| owner.get(&format!("/tasks?title=Call&include_total=true&related=false&lead_id={lead}")).ok();
    let (lead, result) = converted(&owner, json!({}));
    let deal = id(&result["deal"]);
    let task = id(&owner.get(&format!("/tasks?deal_id={deal}")).ok()["data"][0]);
    owner.patch(&format!("/tasks/{task}"), json!({ "deal_id": other })).ok();
    owner.post(&format!("/leads/{lead}/unconvert"), json!({})).ok();
    assert_eq!(owner.get(&format!("/tasks/{task}")).ok()["deal_id"], json!(other));
    assert_eq!(task_of(&lead)["page"]["total"], 0);
    // A task that was done on the deal returns with its result.
    let (lead, result) = converted(&owner, json!({}));
    let task = id(&owner.get(&format!("/tasks?deal_id={}", id(&result["deal"]))).ok()["data"][0]);
    owner.post(&format!("/tasks/{task}/complete"), json!({ "result": "They said yes" })).ok();
    owner.post(&format!("/leads/{lead}/unconvert"), json!({})).ok();
    let done = owner.get(&format!("/tasks/{task}")).ok();
    assert_eq!(
        [&done["lead_id"], &done["deal_id"], &done["result"]],
        [&json!(lead), &Json::Null, &json!("They said yes")]
    );
    // An open lead does not belong to somebody who has left.
    let seller = crate::support::user(&owner, "seller");
    let left = id(&seller.get("/me").ok()["user"]);
    let (lead, _) = converted(&owner, json!({}));
    crate::attention::sql(format!("update leads set owner_id = '{left}' where id = '{lead}'"));
    owner.patch(&format!("/users/{left}"), json!({ "status": "suspended" })).ok();
    let back = owner.post(&format!("/leads/{lead}/unconvert"), json!({})).ok();
    assert_eq!(back["owner_id"], owner.get("/me").ok()["user"]["id"]);
}
