//! Requests over many records, and conditions in a body.
use crate::support::{Client, events, id, stage, user, user_with, workspace};
use serde_json::{Value as Json, json};

fn total(client: &Client, path: &str) -> i64 {
    client.get(&format!("{path}?include_total=true")).ok()["page"]["total"].as_i64().unwrap()
}

fn statuses(result: &Json) -> Vec<i64> {
    result["results"].as_array().unwrap().iter().map(|r| r["status"].as_i64().unwrap()).collect()
}

#[test]
fn each_item_has_its_own_result() {
    let owner = workspace();
    let items = json!([
        { "first_name": "Ann", "email": "ann@x.io" },
        { "email": "not an address" },
        { "first_name": "Twin", "email": "ANN@x.io" },
        { "first_name": "Bob", "surname": "x" },
        { "first_name": "Eve", "company_id": "0192f0c1-2d3e-7a4b-8c5d-6e7f80910000" },
        7,
        { "first_name": "Dan", "last_name": null },
    ]);
    let result = owner.post("/contacts/batch-create", json!({ "items": items })).ok();
    assert_eq!(statuses(&result), [201, 422, 409, 400, 422, 422, 201], "{result}");
    assert_eq!(result["succeeded"], 2);
    assert_eq!(result["failed"], 5);
    assert_eq!(result["results"][1]["error"]["errors"][0]["pointer"], "/email");
    assert_eq!(result["results"][2]["error"]["code"], "duplicate_email");
    assert_eq!(total(&owner, "/contacts"), 2);
    let (ann, dan) = (&result["results"][0]["id"], &result["results"][6]["id"]);
    let changes = json!([
        { "id": ann, "version": 1, "changes": { "position": "CEO" } },
        { "id": dan, "version": 7, "changes": { "position": "CTO" } },
        { "id": "0192f0c1-2d3e-7a4b-8c5d-6e7f80910000", "changes": {} },
    ]);
    let result = owner.post("/contacts/batch-update", json!({ "items": changes })).ok();
    assert_eq!(statuses(&result), [200, 412, 404]);
    assert_eq!(result["results"][0]["version"], 2);
    assert_eq!(result["results"][1]["error"]["current_version"], 1);
    let cleared =
        json!([{ "id": ann, "changes": { "clear": ["position"] } }, { "id": dan, "changes": { "position": "CFO" } }]);
    owner.post("/contacts/batch-update", json!({ "items": cleared })).ok();
    assert_eq!(owner.get(&format!("/contacts/{}", ann.as_str().unwrap())).ok()["position"], Json::Null);
    let gone = owner.post("/contacts/batch-delete", json!({ "items": [{ "id": ann }, { "id": ann }] })).ok();
    assert_eq!(statuses(&gone), [204, 422], "the same record twice");
    assert_eq!(total(&owner, "/contacts"), 1);
}

#[test]
fn an_atomic_batch_is_all_or_nothing() {
    let owner = workspace();
    let items =
        json!([{ "title": "A" }, { "title": "B", "value": { "amount": 1, "currency": "XXXX" } }, { "title": "" }]);
    let problem =
        owner.post("/deals/batch-create", json!({ "atomic": true, "items": items })).problem(422, "validation_failed");
    let pointers: Vec<&Json> = problem["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
    assert_eq!(pointers, ["/items/1/value/currency", "/items/2/title"]);
    let twins = json!([{ "title": "A", "external_id": "1" }, { "title": "B", "external_id": "1" }]);
    let problem =
        owner.post("/deals/batch-create", json!({ "atomic": true, "items": twins })).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/items/1/external_id");
    assert_eq!(problem["errors"][0]["code"], "duplicate_external_id");
    assert_eq!(total(&owner, "/deals"), 0);
    assert_eq!(owner.get("/events?type=deal.created").ok()["data"], json!([]));
}

#[test]
fn a_thousand_items_use_few_statements() {
    let owner = workspace();
    let people: Vec<Json> = (0..1000).map(|n| json!({ "first_name": "P", "email": format!("p{n}@x.io") })).collect();
    let made = owner.with("Idempotency-Key", "thousand").post("/contacts/batch-create", json!({ "items": people }));
    assert!(made.statements() < 20, "{}", made.statements());
    let made = made.ok();
    assert_eq!(made["succeeded"], 1000);
    let again = owner.with("Idempotency-Key", "thousand").post("/contacts/batch-create", json!({ "items": people }));
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.ok(), made);
    let deals: Vec<Json> = (0..1000).map(|n| json!({ "title": format!("D{n}") })).collect();
    let made = owner.post("/deals/batch-create", json!({ "items": deals }));
    assert!(made.statements() < 20, "{}", made.statements());
    made.ok();
    let deal = id(&owner.post("/deals", json!({ "title": "D" })).created());
    for (list, item) in [
        ("/companies", json!({ "name": "C" })),
        ("/leads", json!({ "title": "L", "come_back_on": "2031-03-01" })),
        ("/tasks", json!({ "title": "T", "deal_id": deal, "due_date": "2031-03-01" })),
    ] {
        let made = owner.post(&format!("{list}/batch-create"), json!({ "items": vec![item; 1000] }));
        assert!(made.statements() < 30, "{list}: {}", made.statements());
        assert_eq!(made.ok()["succeeded"], 1000, "{list}");
    }
    let next = owner.get(&format!("/deals/{deal}")).ok()["next_task"].clone();
    assert_eq!(next["id"], owner.get(&format!("/tasks?deal_id={deal}&sort=created_at&limit=1")).ok()["data"][0]["id"]);
    assert_eq!(owner.get("/leads?limit=1").ok()["data"][0]["next_task"]["state"], "planned");
    let many: Vec<Json> = (0..1001).map(|_| json!({ "title": "D" })).collect();
    let problem = owner.post("/deals/batch-create", json!({ "items": many })).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/items");
}

#[test]
fn bulk_updates_and_deletes_use_few_statements() {
    let owner = workspace();
    let (_, seller) = user_with(&owner, &[["deals", "all", "none", "none", "none", "none"]], json!({}));
    let person = id(&owner.post("/contacts", json!({ "first_name": "A" })).created());
    for (list, item, changes, other) in [
        (
            "/contacts",
            json!({ "first_name": "A" }),
            json!({ "owner_id": seller, "tags": ["vip"] }),
            json!({ "last_name": "B#", "email": "b#@x.example", "phone": "+37255500#" }),
        ),
        ("/companies", json!({ "name": "A" }), json!({ "owner_id": seller }), json!({ "name": "B#" })),
        (
            "/leads",
            json!({ "title": "A" }),
            json!({ "rating": "hot", "come_back_on": "2031-03-01" }),
            json!({ "title": "B#" }),
        ),
        (
            "/deals",
            json!({ "title": "A" }),
            json!({ "contacts": [{ "contact_id": person }], "next_step": "Call" }),
            json!({ "title": "B#" }),
        ),
        (
            "/tasks",
            json!({ "title": "A", "contact_id": person }),
            json!({ "due_date": "2031-03-01" }),
            json!({ "title": "B#" }),
        ),
    ] {
        let made = owner.post(&format!("{list}/batch-create"), json!({ "items": vec![item; 300] })).ok();
        let ids: Vec<Json> = made["results"].as_array().unwrap().iter().map(|result| result["id"].clone()).collect();
        // Every third record gets a different change.
        let said = |n: usize| -> Json {
            let text = if n.is_multiple_of(3) {
                other.to_string().replace('#', &format!("{n:03}"))
            } else {
                changes.to_string()
            };
            serde_json::from_str(&text).unwrap()
        };
        let change = |(n, id): (usize, &Json)| json!({ "id": id, "version": 1, "changes": said(n) });
        let items: Vec<Json> = ids.iter().enumerate().map(change).collect();
        let changed = owner.post(&format!("{list}/batch-update"), json!({ "items": items }));
        assert!(changed.statements() < 40, "{list}: {}", changed.statements());
        let changed = changed.ok();
        assert_eq!(changed["succeeded"], 300, "{list}: {changed}");
        for (n, id) in ids.iter().enumerate().step_by(51) {
            assert_eq!(&changed["results"][n]["id"], id, "{list}");
            assert_eq!(changed["results"][n]["version"], 2, "{list}");
            let record = owner.get(&format!("{list}/{}", id.as_str().unwrap())).ok();
            for (member, value) in said(n).as_object().unwrap() {
                match member.as_str() {
                    "contacts" => assert_eq!(record["contacts"][0]["contact_id"], person.as_str()),
                    _ => assert_eq!(&record[member], value, "{list} {member}"),
                }
            }
        }
        let told = events(&owner, &format!("&record_id={}", ids[100].as_str().unwrap()), 2);
        assert_eq!(told.len(), 2, "{list}");
        assert_eq!(told[1]["record_version"], 2, "{list}");
        let items: Vec<Json> = ids.iter().map(|id| json!({ "id": id, "version": 2 })).collect();
        let gone = owner.post(&format!("{list}/batch-delete"), json!({ "items": items }));
        assert!(gone.statements() < 20, "{list}: {}", gone.statements());
        assert_eq!(gone.ok()["succeeded"], 300, "{list}");
        owner.get(&format!("{list}/{}", ids[7].as_str().unwrap())).problem(404, "not_found");
    }
    assert_eq!(owner.get(&format!("/contacts/{person}")).ok()["next_task"], Json::Null);
}

#[test]
fn an_upsert_uses_few_statements() {
    let owner = workspace();
    let people = |name: &str| -> Json {
        (0..300).map(|n| json!({ "external_id": n.to_string(), "last_name": format!("{name} {n}") })).collect()
    };
    owner.post("/contacts/batch-upsert", json!({ "items": people("Old") })).ok();
    let known = owner.post("/contacts/batch-upsert", json!({ "items": people("New") }));
    assert!(known.statements() < 40, "{}", known.statements());
    assert_eq!(known.ok()["succeeded"], 300);
    assert_eq!(owner.get("/contacts?external_id=299").ok()["data"][0]["last_name"], "New 299");
    let twice = json!([{ "external_id": "7", "last_name": "One" }, { "external_id": "7", "last_name": "Two" }]);
    assert_eq!(statuses(&owner.post("/contacts/batch-upsert", json!({ "items": twice })).ok()), [200, 200]);
    assert_eq!(owner.get("/contacts?external_id=7").ok()["data"][0]["last_name"], "Two");
}

#[test]
fn a_batch_cannot_create_a_cycle() {
    let owner = workspace();
    let [a, b] = ["A", "B"].map(|name| id(&owner.post("/companies", json!({ "name": name })).created()));
    let items = json!([
        { "id": a, "version": 1, "changes": { "parent_id": b } },
        { "id": b, "version": 1, "changes": { "parent_id": a } },
    ]);
    assert_eq!(statuses(&owner.post("/companies/batch-update", json!({ "items": items })).ok()), [200, 422]);
}

#[test]
fn an_upsert_finds_earlier_items() {
    let owner = workspace();
    let first = json!([
        { "external_id": "1", "first_name": "Ann", "phone": "+37255501011" },
        { "first_name": "Bob", "email": "bob@x.io" },
    ]);
    assert_eq!(statuses(&owner.post("/contacts/batch-upsert", json!({ "items": first })).ok()), [201, 201]);
    let second = json!([
        { "external_id": "1", "last_name": "Tamm" },
        { "external_id": "2", "email": "BOB@x.io", "position": "CEO" },
        { "external_id": "3", "first_name": "New" },
        { "first_name": "Nobody" },
    ]);
    assert_eq!(statuses(&owner.post("/contacts/batch-upsert", json!({ "items": second })).ok()), [200, 200, 201, 422]);
    let ann = owner.get("/contacts?external_id=1").ok()["data"][0].clone();
    assert_eq!(ann["first_name"], "Ann");
    assert_eq!(ann["last_name"], "Tamm");
    assert_eq!(ann["phone"], "+37255501011");
    assert_eq!(owner.get("/contacts?external_id=2").ok()["data"][0]["email"], "bob@x.io");
    assert_eq!(total(&owner, "/contacts"), 3);
    let deals = json!([{ "external_id": "d", "title": "A", "stage_id": null }]);
    owner.post("/deals/batch-upsert", json!({ "items": deals })).ok();
    let deals = json!([{ "external_id": "d", "title": "B" }]);
    assert_eq!(statuses(&owner.post("/deals/batch-upsert", json!({ "items": deals })).ok()), [200]);
    assert_eq!(owner.get("/deals").ok()["data"][0]["title"], "B");
}

#[test]
fn bulk_requests_respect_permissions() {
    let owner = workspace();
    let (ann, ann_id) = user_with(&owner, &[["deals", "all", "own", "own", "own", "none"]], json!({}));
    let deal = |owner_id: &str| id(&owner.post("/deals", json!({ "title": "D", "owner_id": owner_id })).created());
    let (hers, other) = (deal(&ann_id), id(&owner.post("/deals", json!({ "title": "D" })).created()));
    let items = json!([{ "id": hers, "changes": { "title": "X" } }, { "id": other, "changes": { "title": "X" } }]);
    assert_eq!(statuses(&ann.post("/deals/batch-update", json!({ "items": items })).ok()), [200, 403]);
    let items = json!([{ "id": hers }, { "id": other }]);
    assert_eq!(statuses(&ann.post("/deals/batch-delete", json!({ "items": items })).ok()), [204, 403]);
}

/// Two batches over the same records in opposite order both finish, and neither loses a change.
#[test]
fn concurrent_batches_do_not_deadlock() {
    let owner = workspace();
    let deals: Vec<Json> = (0..50).map(|n| json!({ "title": format!("D{n}") })).collect();
    let made = owner.post("/deals/batch-create", json!({ "items": deals })).ok();
    let ids: Vec<&Json> = made["results"].as_array().unwrap().iter().map(|r| &r["id"]).collect();
    // Each round writes another value; repeating a value would not raise the version.
    let batch = |member: &str, turn: usize, backwards: bool| {
        let value = format!("X{turn}");
        let mut items: Vec<Json> = ids.iter().map(|id| json!({ "id": id, "changes": { member: value } })).collect();
        if backwards {
            items.reverse();
        }
        let result = owner.post("/deals/batch-update", json!({ "items": items })).ok();
        assert_eq!(result["failed"], 0, "{result}");
    };
    std::thread::scope(|scope| {
        for turn in 0..3 {
            scope.spawn(move || batch("next_step", turn, turn % 2 == 0));
            scope.spawn(move || batch("competitor", turn, turn % 2 == 1));
        }
    });
    let rows = owner.get("/deals?limit=100").ok();
    for row in rows["data"].as_array().unwrap() {
        let written = |member: &str| row[member].as_str().is_some_and(|value| ["X0", "X1", "X2"].contains(&value));
        assert!(written("next_step") && written("competitor"), "{row}");
        assert_eq!(row["version"], 7, "{row}");
    }
}

#[test]
fn search_takes_conditions_in_a_body() {
    let owner = workspace();
    for (title, amount, tags) in
        [("Boat", 100, json!(["north"])), ("Oar", 50, json!(["north", "vip"])), ("Sail", 10, json!([]))]
    {
        let deal = json!({ "title": title, "tags": tags, "value": { "amount": amount, "currency": "USD" }, "expected_close_date": "2020-01-01" });
        owner.post("/deals", deal).created();
    }
    let found = |body: Json| -> Vec<String> {
        let page = owner.post("/deals/search", body).ok();
        page["data"].as_array().unwrap().iter().map(|d| d["title"].as_str().unwrap().to_owned()).collect()
    };
    let cond = |field: &str, op: &str, values: &[&str]| json!({ "field": field, "op": op, "values": values });
    assert_eq!(found(json!({ "all": [cond("value", "gte", &["50 USD"])], "sort": "title" })), ["Boat", "Oar"]);
    assert_eq!(
        found(json!({ "any": [cond("title", "eq", &["Boat"]), cond("tags", "eq", &["vip"])], "sort": "-title" })),
        ["Oar", "Boat"]
    );
    assert_eq!(found(json!({ "none": [cond("tags", "in", &["north"])] })), ["Sail"]);
    assert_eq!(found(json!({ "all": [cond("tags", "all", &["north", "vip"])] })), ["Oar"]);
    assert_eq!(found(json!({ "all": [cond("owner_id", "eq", &["me"])], "q": "sai" })), ["Sail"]);
    assert_eq!(found(json!({ "all": [cond("created_at", "gte", &["today-1d"]), cond("expected_close_date", "lt", &["this_year"])] })).len(), 3);
    assert_eq!(found(json!({ "all": [cond("created_at", "gte", &["now+1h"])] })), [""; 0]);
    assert_eq!(
        owner.get("/deals?created_at__gte=this_month&expected_close_date__lt=today-1y").ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let page = owner
        .post("/deals/search", json!({ "sort": "title", "limit": 2, "include_total": true, "include": ["owner"] }))
        .ok();
    assert_eq!(page["page"]["total"], 3);
    assert_eq!(page["included"]["users"].as_array().unwrap().len(), 1);
    let next = json!({ "sort": "title", "limit": 2, "cursor": page["page"]["next_cursor"] });
    assert_eq!(found(next), ["Sail"]);
    let other = json!({ "sort": "-title", "cursor": page["page"]["next_cursor"] });
    owner.post("/deals/search", other).problem(422, "validation_failed");
    let bad = json!({ "all": [cond("titel", "eq", &["x"]), cond("title", "gte", &["x"]), cond("created_at", "lt", &["recently"])], "any": [cond("tags", "empty", &["maybe"])] });
    let problem = owner.post("/deals/search", bad).problem(422, "validation_failed");
    let pointers: Vec<&Json> = problem["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
    assert_eq!(pointers, ["/all/0/field", "/all/1/op", "/all/2/values", "/any/0/values"]);
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("did you mean title?"));
}

#[test]
fn an_upsert_can_move_existing_deals() {
    let owner = workspace();
    let pipelines = owner.get("/pipelines").ok();
    let stages = |kind: &str| -> Vec<Json> {
        let of_kind = pipelines["data"].as_array().unwrap().iter().find(|p| p["kind"] == kind).unwrap();
        of_kind["stages"].as_array().unwrap().clone()
    };
    let boat = id(&owner
        .post("/products", json!({ "name": "Boat", "price": { "amount": 100, "currency": "EUR" } }))
        .created());
    let upsert = |path: &str, item: Json| owner.post(&format!("{path}/batch-upsert"), json!({ "items": [item] })).ok();
    let deal = id(&upsert("/deals", json!({ "external_id": "d1", "title": "D" }))["results"][0]);
    let second = id(&stages("deal")[1]);
    let item = json!({ "external_id": "d1", "title": "D", "stage_id": second, "line_items": [{ "product_id": boat, "quantity": 2 }] });
    assert_eq!(upsert("/deals", item)["results"][0]["status"], 200);
    let after = owner.get(&format!("/deals/{deal}")).ok();
    assert_eq!(after["stage_id"], json!(second));
    assert_eq!(after["value"]["amount"], 200);
    // A move to a lost stage needs a reason, and a move to another pipeline needs a stage.
    let lost = stages("deal").into_iter().find(|s| s["category"] == "lost").unwrap();
    let refused = upsert("/deals", json!({ "external_id": "d1", "title": "D", "stage_id": lost["id"] }));
    assert_eq!(refused["results"][0]["status"], 422, "{refused}");
    let other = id(&owner.post("/pipelines", json!({ "name": "Other", "kind": "deal" })).created());
    let refused = upsert("/deals", json!({ "external_id": "d1", "title": "D", "pipeline_id": other }));
    assert_eq!(refused["results"][0]["status"], 422, "{refused}");
    let lead = id(&upsert("/leads", json!({ "external_id": "l1", "title": "L" }))["results"][0]);
    let second = id(&stages("lead")[1]);
    upsert("/leads", json!({ "external_id": "l1", "title": "L", "stage_id": second }));
    assert_eq!(owner.get(&format!("/leads/{lead}")).ok()["stage_id"], json!(second));
}

#[test]
fn many_deals_are_moved_with_one_request() {
    let owner = workspace();
    let (sent, won, lost) =
        (stage(&owner, "deal", "Quote sent"), stage_of(&owner, "deal", "won"), stage_of(&owner, "deal", "lost"));
    let items: Vec<Json> = (0..50).map(|n| json!({ "title": format!("D{n}") })).collect();
    let made = owner.post("/deals/batch-create", json!({ "items": items })).ok();
    let deals: Vec<String> = made["results"].as_array().unwrap().iter().map(id).collect();
    let all = |to: Json| -> Vec<Json> { deals.iter().map(|deal| json!({ "id": deal, "to": to })).collect() };
    let moved = owner.post("/deals/batch-move", json!({ "items": all(json!({ "stage_id": sent })) })).ok();
    assert_eq!(moved["succeeded"], 50, "{moved}");
    assert_eq!(count(&owner, &format!("/deals?stage_id={sent}")), 50);
    // A refused item does not affect the others, unless the batch is `atomic`.
    let mut mixed = all(json!({ "stage_id": won }));
    mixed[1] = json!({ "id": deals[1], "to": { "stage_id": lost } });
    mixed[2] = json!({ "id": deals[2], "version": 1, "to": { "stage_id": won } });
    let whole = json!({ "atomic": true, "items": mixed });
    let problem = owner.post("/deals/batch-move", whole).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/items/1/to/loss_reason_id");
    assert_eq!(count(&owner, "/deals?status=won"), 0);
    let moved = owner.post("/deals/batch-move", json!({ "items": mixed })).ok();
    assert_eq!(moved["succeeded"], 48, "{moved}");
    assert_eq!(moved["results"][2]["status"], 412, "{moved}");
    assert_eq!(count(&owner, "/deals?status=won"), 48);
    let lead = id(&owner.post("/leads", json!({ "title": "L" })).created());
    let next = id(&owner.get("/pipelines?kind=lead").ok()["data"][0]["stages"][1]);
    let moved = owner.post("/leads/batch-move", json!({ "items": [{ "id": lead, "to": { "stage_id": next } }] })).ok();
    assert_eq!(moved["succeeded"], 1);
    user(&owner, "viewer").post("/deals/batch-move", json!({ "items": mixed })).problem(403, "forbidden");
}

fn stage_of(client: &Client, kind: &str, category: &str) -> String {
    let pipeline = client.get(&format!("/pipelines?kind={kind}")).ok()["data"][0].clone();
    id(pipeline["stages"].as_array().unwrap().iter().find(|stage| stage["category"] == category).unwrap())
}

fn count(client: &Client, path: &str) -> usize {
    client.get(&format!("{path}&limit=200")).ok()["data"].as_array().unwrap().len()
}
