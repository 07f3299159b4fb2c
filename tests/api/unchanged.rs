//! A change without effect raises no version and emits no event, and the answer says so.
use crate::every_operation::records;
use crate::support::{Client, events, id, stage, workspace};
use serde_json::{Value as Json, json};

/// Returns the current values of members that a change can repeat.
fn said_again(record: &Json, members: &[&str]) -> Json {
    Json::Object(members.iter().map(|name| ((*name).to_owned(), record[*name].clone())).collect())
}

fn same(owner: &Client, path: &str, body: &Json) {
    let before = owner.get(path).ok();
    let after = owner.patch(path, body.clone()).ok();
    assert_eq!(after, before, "PATCH {path} {body}");
    assert_eq!(owner.get(path).ok(), before, "{path}");
}

/// Changes each resource with its current values, and with an empty body.
#[test]
fn equal_values_raise_no_version() {
    let owner = workspace();
    let ids = records(&owner);
    let pipeline = owner.with("If-Match", "*");
    owner
        .patch(
            &format!("/contacts/{}", ids["contact_id"]),
            json!({ "email": "Eve@Example.com", "phone": "+1 202 555 0101", "tags": ["b", "a"] }),
        )
        .ok();
    for (path, members) in [
        ("/contacts", vec!["first_name", "email", "tags", "owner_id", "lifecycle"]),
        ("/companies", vec!["name", "tags", "address"]),
        ("/leads", vec!["title", "rating", "value", "tags"]),
        ("/deals", vec!["title", "value", "tags", "contacts", "owner_id"]),
        ("/tasks", vec!["title", "due_date", "priority"]),
        ("/activities", vec!["text"]),
        ("/products", vec!["name"]),
        ("/users", vec!["name"]),
        ("/roles", vec!["name"]),
        ("/teams", vec!["name"]),
        ("/tags", vec!["name"]),
        ("/sources", vec!["name"]),
        ("/loss-reasons", vec!["name"]),
        ("/stages", vec!["name"]),
        ("/views", vec!["name"]),
        ("/segments", vec!["name"]),
        ("/retention-rules", vec!["name", "reason"]),
        ("/files", vec!["name"]),
    ] {
        let singular = match path {
            "/companies" => "company_id".to_owned(),
            "/activities" => "activity_id".to_owned(),
            path => format!("{}_id", path[1..].trim_end_matches('s').replace('-', "_")),
        };
        let one = format!("{path}/{}", ids[singular.as_str()]);
        let record = owner.get(&one).ok();
        same(&owner, &one, &json!({}));
        same(&owner, &one, &said_again(&record, &members));
    }
    let one = format!("/pipelines/{}", ids["pipeline_id"]);
    let before = owner.get(&one).ok();
    let tag = format!("\"{}\"", before["version"]);
    assert_eq!(owner.with("If-Match", &tag).patch(&one, said_again(&before, &["name", "is_default"])).ok(), before);
    let order: Vec<String> = before["stages"].as_array().unwrap().iter().map(id).collect();
    let order = owner.with("If-Match", &tag).put(&format!("{one}/stage-order"), json!({ "stage_ids": order })).ok();
    assert_eq!(order, before);
    same(&owner, "/workspaces/current", &json!({ "name": "Acme" }));
    drop(pipeline);
}

#[test]
fn batches_report_unchanged_items() {
    let owner = workspace();
    let deal = |title: &str| id(&owner.post("/deals", json!({ "title": title, "external_id": title })).created());
    let (a, b) = (deal("A"), deal("B"));
    let results = |answer: Json| -> Vec<(Json, Json)> {
        let results = answer["results"].as_array().unwrap().clone();
        results.iter().map(|one| (one["unchanged"].clone(), one["version"].clone())).collect()
    };
    let items = json!([{ "id": a, "changes": { "title": "A" } }, { "id": b, "changes": { "title": "C" } }]);
    let updated = owner.post("/deals/batch-update", json!({ "items": items })).ok();
    assert_eq!(results(updated), [(json!(true), json!(1)), (json!(false), json!(2))]);
    let items = json!([{ "title": "A", "external_id": "A" }, { "title": "D", "external_id": "B" }, { "title": "New", "external_id": "N" }]);
    let upserted = owner.post("/deals/batch-upsert", json!({ "items": items })).ok();
    assert_eq!(results(upserted), [(json!(true), json!(1)), (json!(false), json!(3)), (json!(false), json!(1))]);
    let (first, agreed) = (stage(&owner, "deal", "Active inquiry"), stage(&owner, "deal", "Agreed and invoiced"));
    let items = json!([{ "id": a, "to": { "stage_id": first } }, { "id": b, "to": { "stage_id": agreed } }]);
    let moved = owner.post("/deals/batch-move", json!({ "items": items })).ok();
    assert_eq!(results(moved), [(json!(true), json!(1)), (json!(false), json!(4))]);
    let items = json!([{ "action": "update", "resource": "deals", "id": a, "body": { "title": "A" } },
        { "action": "update", "resource": "deals", "id": b, "body": { "title": "E" } }]);
    let composite = owner.post("/composite", json!({ "items": items })).ok();
    assert_eq!(results(composite), [(json!(true), json!(1)), (json!(false), json!(5))]);
    let told = events(&owner, &format!("&record_id={a}"), 1);
    assert_eq!(told.iter().map(|event| &event["type"]).collect::<Vec<_>>(), ["deal.created"], "{told:?}");
}

/// The order matters in lists, not in sets.
#[test]
fn reordering_a_set_is_no_change() {
    let owner = workspace();
    for resource in ["contacts", "companies", "leads", "deals"] {
        let field = json!({ "resource": resource, "key": "sea", "name": "S", "kind": "multi_choice", "options": ["a", "b", "c"] });
        owner.post("/custom-fields", field).created();
    }
    std::thread::sleep(std::time::Duration::from_secs(3));
    for (resource, more) in [
        ("contacts", json!({ "first_name": "A" })),
        ("companies", json!({ "name": "A" })),
        ("leads", json!({ "title": "A" })),
        ("deals", json!({ "title": "A" })),
    ] {
        let mut body = json!({ "tags": ["north", "VIP", "old"], "external_id": "1", "custom_fields": [{ "key": "sea", "options": ["c", "a"] }] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let record = owner.post(&format!("/{resource}"), body.clone()).created();
        let one = format!("/{resource}/{}", id(&record));
        same(&owner, &one, &json!({ "tags": ["old", "north", "vip"] }));
        same(&owner, &one, &json!({ "custom_fields": [{ "key": "sea", "options": ["a", "c"] }] }));
        let others =
            json!({ "tags": ["vip", "old", "north"], "custom_fields": [{ "key": "sea", "options": ["a", "c"] }] });
        let items = json!({ "items": [{ "id": record["id"], "changes": others }] });
        assert_eq!(owner.post(&format!("/{resource}/batch-update"), items).ok()["results"][0]["unchanged"], true);
        body["tags"] = json!(["vip", "old", "north"]);
        let items = json!({ "items": [body] });
        let result = owner.post(&format!("/{resource}/batch-upsert"), items).ok();
        assert_eq!(result["results"][0]["unchanged"], true, "{result}");
        assert_eq!(owner.get(&one).ok(), record);
        assert_eq!(owner.patch(&one, json!({ "tags": ["old", "north"] })).ok()["tags"], json!(["old", "north"]));
        assert_eq!(owner.patch(&one, json!({ "tags_add": ["vip"] })).ok()["tags"], json!(["old", "north", "VIP"]));
    }
    // A bulk change to an equal set keeps the order of each record.
    let deal =
        |tags: Json| format!("/deals/{}", id(&owner.post("/deals", json!({ "title": "B", "tags": tags })).created()));
    let all = [json!(["x", "y"]), json!(["y", "x"]), json!(["x"])].map(deal);
    let ids: Vec<&str> = all.iter().map(|path| path.rsplit('/').next().unwrap()).collect();
    let items: Vec<Json> = ids.iter().map(|id| json!({ "id": id, "changes": { "tags": ["x", "y"] } })).collect();
    let results = owner.post("/deals/batch-update", json!({ "items": items })).ok()["results"].clone();
    assert_eq!([0, 1, 2].map(|n| results[n]["unchanged"].clone()), [true, true, false].map(|flag| json!(flag)));
    assert_eq!(owner.get(&all[1]).ok()["tags"], json!(["y", "x"]));
    // Permissions are a set.
    let grant = |resource: &str| json!({ "resource": resource, "read": "all", "create": "none", "update": "none", "delete": "none", "export": "none" });
    let hidden = json!([{ "resource": "deals", "field": "value" }, { "resource": "contacts", "field": "phone" }]);
    let role =
        json!({ "key": "r", "name": "R", "grants": [grant("deals"), grant("contacts")], "hidden_fields": hidden });
    let role = format!("/roles/{}", id(&owner.post("/roles", role).created()));
    same(
        &owner,
        &role,
        &json!({ "grants": [grant("contacts"), grant("deals")], "hidden_fields": [hidden[1], hidden[0]] }),
    );
    // The columns of a view are a list.
    let view = json!({ "resource": "deals", "name": "V", "columns": ["title", "id"] });
    let view = format!("/views/{}", id(&owner.post("/views", view).created()));
    assert_eq!(owner.patch(&view, json!({ "columns": ["id", "title"] })).ok()["version"], 2);
}

/// Repeats existing line items in every operation that sets them.
#[test]
fn equal_line_items_are_no_change() {
    let owner = workspace();
    let boat = id(&owner
        .post("/products", json!({ "name": "Boat", "price": { "amount": 700, "currency": "EUR" } }))
        .created());
    for value in [Json::Null, json!({ "amount": 5, "currency": "EUR" })] {
        let key = if value.is_null() { "L" } else { "M" };
        let item = json!({ "title": key, "external_id": key, "value": value, "line_items": [{ "product_id": boat, "quantity": 2 }] });
        let results: Vec<(Json, Json)> = (0..3)
            .map(|_| owner.post("/deals/batch-upsert", json!({ "items": [item] })).ok()["results"][0].clone())
            .map(|result| (result["version"].clone(), result["unchanged"].clone()))
            .collect();
        let again = (json!(1), json!(true));
        assert_eq!(results, [(json!(1), json!(false)), again.clone(), again]);
    }
    let told = events(&owner, "&record_kind=deal", 2);
    assert_eq!(
        told.iter().map(|event| &event["type"]).collect::<Vec<_>>(),
        ["deal.created", "deal.created"],
        "{told:?}"
    );
}

/// Repeating current values does not reset the rotting clock, neither by a key nor by a user.
#[test]
fn a_change_without_effect_does_not_reset_rotting() {
    let owner = workspace();
    let deal = format!("/deals/{}", id(&owner.post("/deals", json!({ "title": "A" })).created()));
    let before = owner.get(&deal).ok();
    std::thread::sleep(std::time::Duration::from_millis(5));
    owner.patch(&deal, json!({ "title": "A" })).ok();
    assert_eq!(owner.get(&deal).ok()["last_activity_at"], before["last_activity_at"]);
    let changed = owner.patch(&deal, json!({ "title": "B" })).ok();
    assert_ne!(changed["last_activity_at"], before["last_activity_at"]);
}

#[test]
fn jobs_count_unchanged_records() {
    let owner = workspace();
    for title in ["A", "B", "C"] {
        owner
            .post("/deals", json!({ "title": title, "next_step": if title == "A" { "Call" } else { "Write" } }))
            .created();
    }
    let body = json!({ "selection": { "everything": true }, "changes": { "next_step": "Call" } });
    let job = owner.post("/deals/bulk-update", body).expect(202);
    let path = format!("/jobs/{}", id(&job));
    let begin = std::time::Instant::now();
    let mut job = owner.get(&path).ok();
    while job["status"] != "succeeded" && begin.elapsed().as_secs() < 30 {
        std::thread::sleep(std::time::Duration::from_millis(50));
        job = owner.get(&path).ok();
    }
    let result = &job["result"];
    assert_eq!(result["succeeded"], 3, "{job}");
    assert_eq!(result["unchanged"], 1, "{job}");
    assert_eq!(result["failed"], 0, "{job}");
}
