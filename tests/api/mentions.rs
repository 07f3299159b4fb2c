//! Mentions of users in notes and tasks: who is told, once, and of what.
use crate::support::{Client, id, key, user, user_with, workspace};
use serde_json::{Value as Json, json};

fn me(client: &Client) -> String {
    id(&client.get("/me").ok()["user"])
}

/// The mentions that a user was told of: the kinds of the records, oldest first.
fn told(client: &Client) -> Vec<String> {
    let list = client.get("/notifications?kind=mentioned&sort=created_at&limit=100").ok();
    list["data"].as_array().unwrap().iter().map(|one| one["record_kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_mention_in_a_note_is_told_once() {
    let owner = workspace();
    let (ann, bo) = (user(&owner, "seller"), user(&owner, "seller"));
    let lead = id(&owner.post("/leads", json!({ "title": "Boat" })).created());
    let note =
        json!({ "type": "note", "text": "@Ann please", "lead_id": lead, "mentioned_user_ids": [me(&ann), me(&owner)] });
    let once = owner.with("Idempotency-Key", "note-1");
    let made = once.post("/activities", note.clone()).created();
    once.post("/activities", note).created();
    assert_eq!(made["mentioned_user_ids"], json!([me(&ann), me(&owner)]));
    assert_eq!(told(&ann), ["activity"]);
    assert_eq!(ann.get("/notifications").ok()["data"][0]["record_name"], "@Ann please");
    assert_eq!(told(&owner), [""; 0], "what one does oneself is no news");
    let path = format!("/activities/{}", id(&made));
    owner.patch(&path, json!({ "text": "@Ann @Bo please", "mentioned_user_ids": [me(&ann), me(&bo)] })).ok();
    assert_eq!([told(&ann).len(), told(&bo).len()], [1, 1], "only who is new");
    owner.patch(&path, json!({ "text": "other" })).ok();
    // Whoever was removed and comes back is told again after reading the first mention.
    let again = || {
        owner.patch(&path, json!({ "mentioned_user_ids": [] })).ok();
        owner.patch(&path, json!({ "mentioned_user_ids": [me(&bo)] })).ok();
    };
    again();
    assert_eq!([told(&ann).len(), told(&bo).len()], [1, 1]);
    let last = bo.get("/notifications").ok()["data"][0]["created_at"].clone();
    bo.post("/notifications/mark-read", json!({ "until": last })).ok();
    again();
    assert_eq!([told(&ann).len(), told(&bo).len()], [1, 2]);
    let shown = owner.get(&format!("{path}?include=mentioned_users")).ok();
    assert_eq!(shown["included"]["users"][0]["id"], me(&bo));
    assert_eq!(shown["included"]["users"][0]["name"], "seller");
    let found = owner.get(&format!("/activities?mentioned_user_id={}&include=mentioned_users", me(&bo))).ok();
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    assert_eq!(owner.get(&format!("/activities?mentioned_user_id={}", me(&ann))).ok()["data"], json!([]));
    // A script that acts for somebody tells that person too.
    let script = key(&owner, &["activities:write", "leads:read"]);
    let body = json!({ "type": "note", "text": "x", "lead_id": lead, "mentioned_user_ids": [me(&owner)] });
    script.post("/activities", body).created();
    assert_eq!(told(&owner), ["activity"]);
}

#[test]
fn a_mention_in_a_task_is_told_once() {
    let owner = workspace();
    let ann = user(&owner, "seller");
    let body = |title: &str| json!({ "title": title, "notes": "@Ann", "mentioned_user_ids": [me(&ann)] });
    let task = id(&owner.post("/tasks", body("T")).created());
    assert_eq!(told(&ann), ["task"]);
    owner.patch(&format!("/tasks/{task}"), json!({ "mentioned_user_ids": [me(&ann)], "title": "U" })).ok();
    assert_eq!(told(&ann).len(), 1);
    owner.post("/tasks/batch-create", json!({ "items": [body("V"), body("W")] })).ok();
    assert_eq!(told(&ann).len(), 3);
    // The next task of a series mentions the same users, who know it.
    let mut series = body("Series");
    series["due_date"] = json!("2031-03-03");
    series["recurrence"] = json!("FREQ=DAILY");
    let first = id(&owner.post("/tasks", series).created());
    owner.post(&format!("/tasks/{first}/complete"), json!({})).ok();
    assert_eq!(told(&ann).len(), 4);
    let next = owner.get("/tasks?title=Series&status=open").ok();
    assert_eq!(next["data"][0]["mentioned_user_ids"], json!([me(&ann)]));
    let list = owner.get(&format!("/tasks?mentioned_user_id={}&include_total=true", me(&ann))).ok();
    assert_eq!(list["page"]["total"], 5);
}

#[test]
fn nobody_is_told_of_what_they_may_not_see() {
    let owner = workspace();
    let own = |resource| [resource, "own", "own", "own", "own", "none"];
    let (clerk, clerk_id) = user_with(&owner, &[own("activities"), own("leads")], json!({}));
    let (blind, blind_id) = user_with(&owner, &[own("leads")], json!({}));
    let both = json!([clerk_id, blind_id]);
    let lead = |body: Json| id(&owner.post("/leads", body).created());
    let (hidden, seen) = (lead(json!({ "title": "A" })), lead(json!({ "title": "B", "owner_id": clerk_id })));
    for lead in [&hidden, &seen] {
        let body = json!({ "type": "note", "text": "@", "lead_id": lead, "mentioned_user_ids": both });
        owner.post("/activities", body).created();
    }
    assert_eq!(told(&clerk), ["activity"]);
    assert_eq!(told(&blind), [""; 0]);
    owner.post("/tasks", json!({ "title": "T", "mentioned_user_ids": both })).created();
    assert_eq!([told(&clerk).len(), told(&blind).len()], [1, 0], "no permission to read tasks");
}

#[test]
fn only_existing_active_users_can_be_mentioned() {
    let owner = workspace();
    let (ann, other) = (user(&owner, "seller"), workspace());
    let company = id(&owner.post("/companies", json!({ "name": "C" })).created());
    let send = |users: Json| {
        let body = json!({ "type": "note", "text": "x", "company_id": company, "mentioned_user_ids": users });
        owner.post("/activities", body)
    };
    let problem = send(json!([me(&ann), me(&other)])).problem(422, "validation_failed");
    let error = &problem["errors"][0];
    assert_eq!([&error["pointer"], &error["code"]], ["/mentioned_user_ids/1", "reference_not_found"]);
    let kept = id(&send(json!([me(&ann)])).created());
    let ann_id = me(&ann);
    owner.patch(&format!("/users/{ann_id}"), json!({ "status": "suspended" })).ok();
    let problem = send(json!([ann_id])).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "suspended_user");
    // Whoever is mentioned already may stay.
    owner.patch(&format!("/activities/{kept}"), json!({ "text": "y", "mentioned_user_ids": [ann_id] })).ok();
    let invited = id(&owner.post("/users", json!({ "name": "New" })).created());
    send(json!([invited])).created();
    let many: Vec<String> = (0..21).map(|_| me(&owner)).collect();
    send(json!(many)).problem(422, "validation_failed");
    let task = json!({ "title": "T", "mentioned_user_ids": [me(&other)] });
    let problem = owner.post("/tasks", task).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/mentioned_user_ids/0");
}
