//! The sales process: pipelines, stages, leads and their conversion, deals.
use crate::support::{Client, events, id, key, stage, workspace};
use serde_json::{Value as Json, json};

fn deal(client: &Client, body: Json) -> Json {
    client.post("/deals", body).created()
}

fn reason(client: &Client) -> String {
    id(&client.post("/loss-reasons", json!({ "name": "Too dear" })).created())
}

#[test]
fn a_deal_moves_through_its_pipeline() {
    let owner = workspace();
    let made = deal(&owner, json!({ "title": "Boat", "value": { "amount": 500_000, "currency": "EUR" } }));
    assert_eq!(made["number"], "D-1");
    assert_eq!(made["status"], "open");
    assert_eq!(made["forecast_category"], "pipeline");
    assert_eq!(made["stage_id"], stage(&owner, "deal", "Active inquiry"));
    let path = format!("/deals/{}", id(&made));
    let quote = stage(&owner, "deal", "Quote sent");
    let moved = owner.post(&format!("{path}/move"), json!({ "stage_id": quote })).ok();
    assert_eq!(moved["stage_id"], json!(quote));
    assert_eq!(moved["version"], 2);
    // A move to the current stage changes nothing.
    assert_eq!(owner.post(&format!("{path}/move"), json!({ "stage_id": quote })).ok()["version"], 2);
    let lost = stage(&owner, "deal", "Lost");
    let problem = owner.post(&format!("{path}/move"), json!({ "stage_id": lost })).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/loss_reason_id");
    let reason = reason(&owner);
    let lost = owner.post(&format!("{path}/lose"), json!({ "loss_reason_id": reason, "competitor": "Rival" })).ok();
    assert_eq!(lost["status"], "lost");
    assert_eq!(lost["loss_reason_id"], json!(reason));
    assert_eq!(lost["competitor"], "Rival");
    assert!(lost["closed_at"].is_string());
    owner.post(&format!("{path}/win"), json!({})).problem(409, "already_closed");
    let reopened = owner.post(&format!("{path}/reopen"), json!({})).ok();
    assert_eq!(reopened["stage_id"], json!(quote));
    assert_eq!(reopened["loss_reason_id"], Json::Null);
    assert_eq!(reopened["closed_at"], Json::Null);
    let won = owner.post(&format!("{path}/win"), json!({ "value": { "amount": 450_000, "currency": "EUR" } })).ok();
    assert_eq!(won["status"], "won");
    assert_eq!(won["value"]["amount"], 450_000);
    assert_eq!(won["forecast_category"], "closed");
    let timeline = owner.get(&format!("{path}/timeline")).ok();
    let types: Vec<&str> = timeline["data"].as_array().unwrap().iter().map(|i| i["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["deal.won", "deal.reopened", "deal.lost", "deal.stage_changed", "deal.created"]);
    assert_eq!(events(&owner, &format!("&record_id={}&type=deal.won", id(&made)), 1).len(), 1);
}

#[test]
fn invalid_deals_are_refused() {
    let owner = workspace();
    let lead_stage = stage(&owner, "lead", "New");
    let problem =
        owner.post("/deals", json!({ "title": "A", "stage_id": lead_stage })).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "stage_not_in_pipeline");
    for value in [
        json!({ "amount": 1.5, "currency": "EUR" }),
        json!({ "amount": 1, "currency": "eur" }),
        json!({ "amount": 1, "currency": "XYZ" }),
        json!({ "amount": 9_007_199_254_740_992_i64, "currency": "EUR" }),
        json!({ "amount": 1 }),
    ] {
        owner.post("/deals", json!({ "title": "A", "value": value })).problem(422, "validation_failed");
    }
    let made = deal(&owner, json!({ "title": "A" }));
    owner.post(&format!("/deals/{}/reopen", id(&made)), json!({})).problem(409, "not_closed");
    let problem = owner.patch(&format!("/deals/{}", id(&made)), json!({ "stage_id": lead_stage }));
    assert_eq!(problem.problem(422, "validation_failed")["errors"][0]["code"], "read_only");
}

#[test]
fn a_deal_can_move_to_another_pipeline() {
    let owner = workspace();
    let other = owner
        .post(
            "/pipelines",
            json!({ "name": "Renewals", "kind": "deal", "stages": [
            { "name": "Due" }, { "name": "Renewed", "category": "won" }, { "name": "Gone", "category": "lost" }] }),
        )
        .created();
    let made = deal(&owner, json!({ "title": "A" }));
    let to = json!({ "pipeline_id": id(&other), "stage_id": other["stages"][0]["id"] });
    let moved = owner.post(&format!("/deals/{}/move", id(&made)), to).ok();
    assert_eq!(moved["pipeline_id"], other["id"]);
    let wrong = json!({ "pipeline_id": other["id"], "stage_id": made["stage_id"] });
    owner.post(&format!("/deals/{}/move", id(&made)), wrong).problem(422, "validation_failed");
}

#[test]
fn line_items_determine_the_value() {
    let owner = workspace();
    let boat = owner
        .post("/products", json!({ "name": "Boat", "sku": "B", "price": { "amount": 999, "currency": "EUR" } }))
        .created();
    let made = deal(
        &owner,
        json!({ "title": "A", "line_items": [{ "product_id": id(&boat), "quantity": 3, "discount_percent": 10 }] }),
    );
    assert_eq!(made["value"], json!({ "amount": 2697, "currency": "EUR" }));
    let path = format!("/deals/{}/line-items", id(&made));
    let items = owner.get(&path).ok();
    assert_eq!(items["data"][0]["price"]["amount"], 999);
    assert_eq!(items["total"]["amount"], 2697);
    let mixed = json!({ "line_items": [{ "product_id": id(&boat) }, { "product_id": id(&boat), "price": { "amount": 1, "currency": "USD" } }] });
    let problem = owner.put(&path, mixed).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/line_items/1/price/currency");
    let replaced = owner
        .put(
            &path,
            json!({ "line_items": [{ "product_id": id(&boat), "price": { "amount": 500, "currency": "EUR" } }] }),
        )
        .ok();
    assert_eq!(replaced["total"]["amount"], 500);
    assert_eq!(owner.get(&format!("/deals/{}", id(&made))).ok()["value"]["amount"], 500);
    let found = owner.get(&format!("/deals?product_id={}", id(&boat))).ok();
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    owner.post("/products", json!({ "name": "Other", "sku": "B" })).problem(409, "duplicate_sku");
}

#[test]
fn contacts_have_roles_in_a_deal() {
    let owner = workspace();
    let ann = owner.post("/contacts", json!({ "first_name": "Ann" })).created();
    let link = json!([{ "contact_id": id(&ann), "role": "decides" }]);
    let made = deal(&owner, json!({ "title": "A", "contacts": link }));
    assert_eq!(made["contacts"], link);
    deal(&owner, json!({ "title": "B" }));
    assert_eq!(owner.get(&format!("/deals?contact_id={}", id(&ann))).ok()["data"].as_array().unwrap().len(), 1);
    owner.patch(&format!("/deals/{}", id(&made)), json!({ "contacts": [] })).ok();
    assert_eq!(owner.get(&format!("/deals?contact_id={}", id(&ann))).ok()["data"], json!([]));
    let twice = json!([{ "contact_id": id(&ann) }, { "contact_id": id(&ann) }]);
    owner.patch(&format!("/deals/{}", id(&made)), json!({ "contacts": twice })).problem(422, "validation_failed");
}

#[test]
fn a_move_uses_few_statements() {
    let owner = workspace();
    let made = deal(&owner, json!({ "title": "A" }));
    let to = json!({ "stage_id": stage(&owner, "deal", "Quote sent") });
    let answer = owner.post(&format!("/deals/{}/move", id(&made)), to);
    assert!(answer.statements() <= 7, "{}", answer.statements());
    for n in 0..5 {
        deal(&owner, json!({ "title": format!("{n}") }));
    }
    assert_eq!(owner.get("/deals?status=open").statements(), 1);
}

#[test]
fn stages_are_ordered_with_if_match() {
    let owner = workspace();
    let pipeline = owner.get("/pipelines?kind=deal").ok()["data"][0].clone();
    let path = format!("/pipelines/{}", id(&pipeline));
    let ids: Vec<String> = pipeline["stages"].as_array().unwrap().iter().map(id).collect();
    let swapped = json!([ids[1], ids[0], ids[2], ids[3], ids[4]]);
    let order = format!("{path}/stage-order");
    owner.put(&order, json!({ "stage_ids": swapped })).problem(428, "precondition_required");
    owner.patch(&path, json!({ "name": "B" })).problem(428, "precondition_required");
    let locked = owner.with("If-Match", "\"1\"");
    locked.put(&order, json!({ "stage_ids": [ids[0], ids[1], ids[2]] })).problem(422, "validation_failed");
    locked
        .put(&order, json!({ "stage_ids": [ids[3], ids[0], ids[1], ids[2], ids[4]] }))
        .problem(422, "validation_failed");
    let after = locked.put(&order, json!({ "stage_ids": swapped })).ok();
    assert_eq!(after["stages"][0]["id"], ids[1]);
    locked.put(&order, json!({ "stage_ids": swapped })).problem(412, "version_conflict");
    let renamed = owner.with("If-Match", "\"2\"").patch(&path, json!({ "name": "B" })).ok();
    assert_eq!(renamed["name"], "B");
    let added = owner.post("/stages", json!({ "pipeline_id": id(&pipeline), "name": "Trial" })).created();
    assert_eq!(added["position"], 4);
    assert_eq!(added["probability_percent"], 50);
    owner.post("/stages", json!({ "pipeline_id": id(&pipeline), "name": "Trial" })).problem(409, "duplicate_name");
}

#[test]
fn a_stage_in_use_needs_a_replacement() {
    let owner = workspace();
    let (first, second) = (stage(&owner, "deal", "Active inquiry"), stage(&owner, "deal", "Quote sent"));
    let made = deal(&owner, json!({ "title": "A" }));
    owner.delete(&format!("/stages/{first}")).problem(409, "stage_in_use");
    let won = stage(&owner, "deal", "Payment received");
    let reason = id(&owner.post("/loss-reasons", json!({ "name": "Price" })).created());
    for (path, body) in [
        ("/deals".to_owned(), json!({ "title": "A", "loss_reason_id": reason })),
        (format!("/deals/{}/move", id(&made)), json!({ "stage_id": second, "loss_reason_id": reason })),
    ] {
        owner.post(&path, body).problem(422, "validation_failed");
    }
    owner.delete(&format!("/stages/{first}?move_to={won}")).problem(400, "invalid_parameter");
    owner.delete(&format!("/stages/{won}")).problem(409, "last_stage");
    let empty = stage(&owner, "deal", "Quote sent");
    owner.delete(&format!("/stages/{empty}?move_to={won}")).problem(400, "invalid_parameter");
    owner.delete(&format!("/stages/{first}?move_to={second}")).gone();
    let listed = owner.get(&format!("/stages?id={first}")).ok();
    assert_eq!(listed["data"], json!([]), "a deleted stage is not listed");
    let moved = owner.get(&format!("/deals/{}", id(&made))).ok();
    assert_eq!(moved["stage_id"], json!(second));
    assert_eq!(moved["version"], 2);
    let told = events(&owner, &format!("&record_id={}", id(&made)), 2);
    let told: Vec<&str> = told.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(told, ["deal.created", "deal.stage_changed"]);
    // The history of the deleted stage remains.
    let before = moved["created_at"].as_str().unwrap();
    let funnel = owner.get(&format!("/analytics/funnel?kind=snapshot&at={before}")).ok();
    assert_eq!(funnel["groups"][0]["total"], 1);
}

#[test]
fn a_lead_is_qualified_scheduled_and_disqualified() {
    let owner = workspace();
    let made = owner
        .post(
            "/leads",
            json!({ "person": { "name": "Bob Stone", "phone": "123" }, "rating": "hot", "come_back_on": "2031-03-01" }),
        )
        .created();
    assert_eq!(made["title"], "Bob Stone");
    assert_eq!(made["number"], "L-1");
    assert_eq!(made["rating"], "hot");
    assert_eq!(made["next_task"]["due_at"], "2031-03-02T00:00:00.000Z");
    let task = owner.get(&format!("/tasks?lead_id={}", id(&made))).ok()["data"][0].clone();
    assert_eq!(task["title"], "Come back to Bob Stone");
    assert_eq!(task["due_date"], "2031-03-01");
    owner.post("/leads", json!({ "description": "no name" })).problem(422, "validation_failed");
    let path = format!("/leads/{}", id(&made));
    let moved = owner.post(&format!("{path}/move"), json!({ "stage_id": stage(&owner, "lead", "Interested") })).ok();
    assert_eq!(moved["status"], "open");
    let reason = reason(&owner);
    let gone = owner.post(&format!("{path}/disqualify"), json!({ "loss_reason_id": reason })).ok();
    assert_eq!(gone["status"], "lost");
    assert_eq!(gone["loss_reason_id"], json!(reason));
    owner.post(&format!("{path}/disqualify"), json!({ "loss_reason_id": reason })).problem(409, "already_closed");
    owner.post(&format!("{path}/convert"), json!({})).problem(409, "already_closed");
    owner.post(&format!("{path}/move"), json!({ "stage_id": stage(&owner, "lead", "New") })).ok();
}

#[test]
fn a_lead_converts_once_into_all_records() {
    let owner = workspace();
    let product =
        owner.post("/products", json!({ "name": "Boat", "price": { "amount": 900, "currency": "EUR" } })).created();
    let lead = owner
        .post("/leads", json!({ "title": "Wants a boat", "person": { "name": "Eva Maria Stone", "email": "Eva@stone.io", "company_name": "Stone" },
            "product_id": id(&product), "value": { "amount": 800, "currency": "EUR" }, "tags": ["fair"] }))
        .created();
    let path = format!("/leads/{}", id(&lead));
    owner.post("/tasks", json!({ "title": "Call", "lead_id": id(&lead), "due_at": "2031-01-01T10:00:00Z" })).created();
    owner.post("/activities", json!({ "type": "note", "text": "Keen", "lead_id": id(&lead) })).created();
    let dry = owner.post(&format!("{path}/convert"), json!({ "dry_run": true })).ok();
    assert_eq!(dry["created"], json!(["company", "contact", "deal"]));
    assert_eq!(dry["moved_tasks"], 1);
    assert_eq!(owner.get("/deals?include_total=true").ok()["page"]["total"], 0);
    assert_eq!(owner.get(&path).ok()["status"], "open");
    let done = owner.post(&format!("{path}/convert"), json!({})).ok();
    assert_eq!(done["contact"]["first_name"], "Eva Maria");
    assert_eq!(done["contact"]["last_name"], "Stone");
    assert_eq!(done["contact"]["company_id"], done["company"]["id"]);
    assert_eq!(done["deal"]["company_id"], done["company"]["id"]);
    assert_eq!(done["deal"]["title"], "Wants a boat");
    assert_eq!(done["deal"]["value"]["amount"], 800);
    assert_eq!(done["deal"]["contacts"][0]["contact_id"], done["contact"]["id"]);
    assert!(done["deal"]["next_task"].is_object() && done["lead"]["next_task"].is_null());
    assert_eq!(done["lead"]["status"], "won");
    assert_eq!(done["lead"]["converted_deal_id"], done["deal"]["id"]);
    let again = owner.post(&format!("{path}/convert"), json!({})).ok();
    assert_eq!(again["deal"]["id"], done["deal"]["id"]);
    assert_eq!(owner.get("/deals?include_total=true").ok()["page"]["total"], 1);
    owner.patch(&path, json!({ "title": "B" })).problem(409, "already_converted");
    let timeline = owner.get(&format!("/deals/{}/timeline", id(&done["deal"]))).ok();
    let text = timeline.to_string();
    assert!(text.contains("Keen") && text.contains("lead.converted"), "{text}");
}

#[test]
fn a_conversion_fills_existing_records() {
    let owner = workspace();
    let known = owner.post("/contacts", json!({ "first_name": "Eva", "email": "eva@stone.io" })).created();
    let lead = |email: &str| {
        id(&owner
            .post("/leads", json!({ "person": { "name": "Evelyn Stone", "email": email, "phone": "+37255501011" } }))
            .created())
    };
    let convert = |lead: String, body: Json| owner.post(&format!("/leads/{lead}/convert"), body);
    let first = convert(lead("eva@stone.io"), json!({ "without_deal": true })).ok();
    assert_eq!(first["contact"]["id"], known["id"]);
    assert_eq!(first["deal"], Json::Null);
    assert_eq!(first["contact"]["first_name"], "Eva");
    assert_eq!(first["contact"]["phone"], "+37255501011");
    assert_eq!(first["filled"], json!(["contact.last_name", "contact.phone"]));
    let keep = convert(lead("eva@stone.io"), json!({ "on_conflict": "keep" })).ok();
    assert_eq!(keep["filled"], json!([]));
    let over = convert(lead("eva@stone.io"), json!({ "on_conflict": "overwrite", "deal_id": keep["deal"]["id"] })).ok();
    assert_eq!(over["contact"]["first_name"], "Evelyn");
    assert_eq!(over["deal"]["id"], keep["deal"]["id"]);
    let missing = "0192f0c1-2d3e-7a4b-8c5d-6e7f80910000";
    convert(lead("x@stone.io"), json!({ "contact_id": missing })).problem(422, "validation_failed");
    convert(lead("y@stone.io"), json!({ "contact_id": missing, "contact": { "first_name": "A" } }))
        .problem(422, "validation_failed");
}

#[test]
fn of_two_concurrent_conversions_one_creates_the_records() {
    let owner = workspace();
    let lead = id(&owner.post("/leads", json!({ "person": { "name": "Bob", "email": "bob@x.io" } })).created());
    let tries: Vec<_> = (0..6)
        .map(|_| {
            let (owner, path) = (owner.clone(), format!("/leads/{lead}/convert"));
            std::thread::spawn(move || owner.post(&path, json!({})).ok()["deal"]["id"].clone())
        })
        .collect();
    let deals: Vec<Json> = tries.into_iter().map(|t| t.join().unwrap()).collect();
    assert!(deals.windows(2).all(|pair| pair[0] == pair[1]), "{deals:?}");
    assert_eq!(owner.get("/deals?include_total=true").ok()["page"]["total"], 1);
}

#[test]
fn a_change_by_a_key_does_not_reset_rotting() {
    let owner = workspace();
    let made = deal(&owner, json!({ "title": "A" }));
    let path = format!("/deals/{}", id(&made));
    let script = key(&owner, &["deals:write"]);
    let by_script = script.patch(&path, json!({ "next_step": "x" })).ok();
    assert_eq!(by_script["last_activity_at"], made["last_activity_at"]);
    std::thread::sleep(std::time::Duration::from_millis(5));
    assert_ne!(owner.patch(&path, json!({ "next_step": "y" })).ok()["last_activity_at"], made["last_activity_at"]);
}

#[test]
fn catalogue_names_are_unique_and_kept_while_used() {
    let owner = workspace();
    let fair = owner.post("/sources", json!({ "name": "Fair", "channel": "event" })).created();
    owner.post("/sources", json!({ "name": "Fair" })).problem(409, "duplicate_name");
    owner.post("/contacts", json!({ "first_name": "A", "source_id": id(&fair) })).created();
    let path = format!("/sources/{}", id(&fair));
    owner.delete(&path).problem(409, "in_use");
    assert_eq!(owner.patch(&path, json!({ "name": "Trade fair", "clear": ["channel"] })).ok()["channel"], Json::Null);
    let other = owner.post("/sources", json!({ "name": "Web" })).created();
    owner.delete(&format!("/sources/{}", id(&other))).gone();
}
