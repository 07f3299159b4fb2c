//! Saved conditions (views, segments), jobs over a selection, and composite requests.
use crate::imports::finished;
use crate::support::{Client, events, id, key, user, user_with, workspace};
use serde_json::{Value as Json, json};

fn titles(page: &Json) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|row| row["title"].as_str().unwrap()).collect()
}

fn cond(field: &str, op: &str, value: &str) -> Json {
    json!({ "field": field, "op": op, "values": [value] })
}

fn deals(owner: &Client, names: &[(&str, i64)]) -> Vec<String> {
    let deal =
        |(title, amount): &(&str, i64)| json!({ "title": title, "value": { "amount": amount, "currency": "EUR" } });
    names.iter().map(|one| id(&owner.post("/deals", deal(one)).created())).collect()
}

#[test]
fn a_view_is_a_named_search() {
    let owner = workspace();
    deals(&owner, &[("Boat", 900), ("Oar", 20), ("Sail", 500)]);
    let body = json!({ "resource": "deals", "name": "Big", "selection": { "all": [cond("value", "gte", "500 EUR")] }, "sort": "-value", "columns": ["title", "value"] });
    let view = owner.post("/views", body.clone()).created();
    let found = |client: &Client, more: Json| {
        let mut asked = json!({ "view_id": view["id"] });
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        client.post("/deals/search", asked)
    };
    assert_eq!(titles(&found(&owner, json!({})).ok()), ["Boat", "Sail"]);
    assert_eq!(titles(&found(&owner, json!({ "sort": "title", "q": "sai" })).ok()), ["Sail"]);
    assert_eq!(titles(&found(&owner, json!({ "none": [cond("title", "eq", "Boat")] })).ok()), ["Sail"]);
    owner.post("/views", body).problem(409, "duplicate_name");
    // A view is private until it is shared.
    let (seller, admin) = (user(&owner, "seller"), user(&owner, "admin"));
    let path = format!("/views/{}", id(&view));
    seller.get(&path).problem(404, "not_found");
    let problem = found(&seller, json!({})).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/view_id");
    assert_eq!(problem["errors"][0]["code"], "reference_not_found");
    owner.patch(&path, json!({ "shared": true })).ok();
    assert_eq!(titles(&found(&seller, json!({})).ok()), ["Boat", "Sail"]);
    assert_eq!(seller.get("/views").ok()["data"].as_array().unwrap().len(), 1);
    seller.patch(&path, json!({ "name": "Mine" })).problem(403, "forbidden");
    seller.delete(&path).problem(403, "forbidden");
    admin.patch(&path, json!({ "name": "Large" })).ok();
    // A view of deals cannot be used for contacts.
    owner.post("/contacts/search", json!({ "view_id": view["id"] })).problem(422, "validation_failed");
    let wrong = json!({ "resource": "deals", "name": "X", "selection": { "all": [cond("valeu", "gte", "1")], "none": [cond("title", "gt", "1")] }, "sort": "x" });
    let problem = owner.post("/views", wrong).problem(422, "validation_failed");
    let pointers: Vec<&Json> = problem["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
    assert_eq!(pointers, ["/selection/all/0/field", "/selection/none/0/op"]);
    owner
        .post("/views", json!({ "resource": "deals", "name": "X", "sort": "nothing" }))
        .problem(422, "validation_failed");
    admin.delete(&path).gone();
}

#[test]
fn a_segment_is_dynamic_or_static() {
    let owner = workspace();
    let ids = deals(&owner, &[("Boat", 900), ("Oar", 20), ("Sail", 500)]);
    let make = |body: Json| owner.post("/segments", body);
    let big = json!({ "resource": "deals", "name": "Big", "kind": "dynamic", "selection": { "all": [cond("value", "gt", "100 EUR")] } });
    let big = make(big).created();
    let chosen =
        make(json!({ "resource": "deals", "name": "Chosen", "kind": "static", "record_ids": [ids[1]] })).created();
    let found = |segment: &Json| {
        let page = owner.post("/deals/search", json!({ "segment_id": segment["id"], "sort": "title" })).ok();
        titles(&page).concat()
    };
    assert_eq!(found(&big), "BoatSail");
    assert_eq!(found(&chosen), "Oar");
    let members = format!("/segments/{}/members", id(&chosen));
    let result = owner.post(&members, json!({ "add": [ids[0], ids[1]], "remove": [ids[1], ids[2]] })).ok();
    assert_eq!(result, json!({ "added": 1, "removed": 1, "size": 1 }));
    assert_eq!(found(&chosen), "Boat");
    let nobody = "0192f0c1-2d3e-7a4b-8c5d-6e7f80910000";
    let problem = owner.post(&members, json!({ "add": [ids[0], nobody] })).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/add/1");
    owner.post(&format!("/segments/{}/members", id(&big)), json!({ "add": [ids[0]] })).problem(409, "conflict");
    for wrong in [
        json!({ "resource": "deals", "name": "X", "kind": "dynamic" }),
        json!({ "resource": "deals", "name": "X", "kind": "static", "selection": { "all": [cond("value", "gt", "1 EUR")] } }),
        json!({ "resource": "deals", "name": "X", "kind": "dynamic", "selection": { "all": [cond("value", "gt", "1 EUR")] }, "record_ids": [ids[0]] }),
    ] {
        make(wrong).problem(422, "validation_failed");
    }
    // A segment returns only records that the caller may see.
    let own = ["deals", "own", "own", "own", "own", "none"];
    let (ann, ann_id) = user_with(&owner, &[own, ["segments", "all", "none", "none", "none", "none"]], json!({}));
    owner.patch(&format!("/deals/{}", ids[2]), json!({ "owner_id": ann_id })).ok();
    assert_eq!(titles(&ann.post("/deals/search", json!({ "segment_id": big["id"] })).ok()), ["Sail"]);
    owner.delete(&format!("/segments/{}", id(&chosen))).gone();
}

fn job(client: &Client, path: &str, body: Json) -> Json {
    let answer = client.post(path, body);
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.header("location"), format!("/api/v1/jobs/{}", id(&answer.json())));
    finished(client, &id(&answer.expect(202)))
}

#[test]
fn a_selection_is_updated_by_a_job() {
    let owner = workspace();
    let rows: Vec<Json> =
        (0..450).map(|n| json!({ "title": format!("D{n:03}"), "value": { "amount": n, "currency": "EUR" } })).collect();
    owner.post("/deals/batch-create", json!({ "items": rows })).ok();
    let body = json!({ "selection": { "all": [cond("value", "gte", "50 EUR")] }, "changes": { "next_step": "Call", "clear": ["competitor"] } });
    let done = job(&owner, "/deals/bulk-update", body);
    assert_eq!(done["status"], "succeeded", "{done}");
    assert_eq!(done["done"], 400, "{done}");
    assert_eq!(done["total"], 400, "{done}");
    assert_eq!(done["result"], json!({ "succeeded": 400, "unchanged": 0, "failed": 0, "problems": [] }));
    let total =
        |query: &str| owner.get(&format!("/deals?include_total=true&limit=1{query}")).ok()["page"]["total"].clone();
    assert_eq!(total("&value__lt=50&currency=EUR"), json!(50));
    assert_eq!(total("&q=d"), json!(450));
    assert_eq!(
        owner.post("/deals/search", json!({ "all": [cond("title", "eq", "D049")] })).ok()["data"][0]["next_step"],
        Json::Null
    );
    let events = events(&owner, "&type=deal.updated", 400).len();
    assert_eq!(events, 400);
    // Updating records so that they leave the selection does not affect the rest.
    let done =
        job(&owner, "/deals/bulk-update", json!({ "selection": { "q": "d0" }, "changes": { "title": "Renamed" } }));
    assert_eq!(done["result"]["succeeded"], 100);
    let done = job(&owner, "/deals/bulk-delete", json!({ "selection": { "all": [cond("title", "eq", "Renamed")] } }));
    assert_eq!(done["result"]["succeeded"], 100);
    assert_eq!(total(""), json!(350));
    let problem = owner.post("/deals/bulk-update", json!({ "selection": {}, "changes": { "titel": "x" } }));
    assert_eq!(problem.problem(400, "unknown_member")["errors"][0]["pointer"], "/changes/titel");
    let problem = owner.post("/deals/bulk-update", json!({ "selection": {}, "changes": { "title": "x" } }));
    assert_eq!(problem.problem(422, "validation_failed")["errors"][0]["pointer"], "/selection");
    let wrong = json!({ "selection": { "all": [cond("titel", "eq", "x")] } });
    let problem = owner.post("/deals/bulk-delete", wrong).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/selection/all/0/field");
}

#[test]
fn bulk_jobs_respect_permissions() {
    let owner = workspace();
    let (ann, ann_id) = user_with(
        &owner,
        &[["deals", "all", "own", "own", "own", "none"], ["jobs", "all", "none", "none", "none", "none"]],
        json!({}),
    );
    for owner_id in [Json::Null, json!(ann_id)] {
        let mut deal = json!({ "title": "D" });
        if !owner_id.is_null() {
            deal["owner_id"] = owner_id;
        }
        owner.post("/deals", deal).created();
    }
    let done = job(
        &ann,
        "/deals/bulk-update",
        json!({ "selection": { "all": [cond("title", "eq", "D")] }, "changes": { "title": "X" } }),
    );
    assert_eq!(done["result"]["succeeded"], 1, "{done}");
    assert_eq!(done["result"]["failed"], 1, "{done}");
    assert_eq!(done["result"]["problems"][0]["code"], "forbidden", "{done}");
    let leads = json!([{ "title": "A" }, { "title": "B" }]);
    let made = owner.post("/leads/batch-create", json!({ "items": leads })).ok();
    owner.post(&format!("/leads/{}/convert", made["results"][0]["id"].as_str().unwrap()), json!({})).ok();
    let done = job(
        &owner,
        "/leads/bulk-update",
        json!({ "selection": { "everything": true }, "changes": { "rating": "hot" } }),
    );
    assert_eq!(done["result"]["succeeded"], 1, "{done}");
    assert_eq!(done["result"]["problems"][0]["code"], "already_converted", "{done}");
    key(&owner, &["deals:read"])
        .post("/deals/bulk-delete", json!({ "selection": { "q": "x" } }))
        .problem(403, "insufficient_scope");
}

#[test]
fn a_composite_creates_a_company_its_contacts_and_their_deal() {
    let owner = workspace();
    let items = json!([
        { "ref": "acme", "action": "create", "resource": "companies", "body": { "name": "Acme" } },
        { "ref": "ann", "action": "create", "resource": "contacts", "body": { "first_name": "Ann", "email": "ann@x.io", "company_id": "@acme" } },
        { "ref": "deal", "action": "create", "resource": "deals", "body": { "title": "D", "company_id": "@acme", "contacts": [{ "contact_id": "@ann" }], "next_step": "@nobody" } },
        { "action": "create", "resource": "tasks", "body": { "title": "Call", "deal_id": "@deal" } },
        { "action": "create", "resource": "activities", "body": { "type": "note", "text": "Hi @ann", "deal_id": "@deal" } },
        { "action": "update", "resource": "companies", "id": "@acme", "version": 1, "body": { "sector": "boats", "clear": ["domain"] } },
    ]);
    let made = owner.with("Idempotency-Key", "all").post("/composite", json!({ "items": items })).ok();
    let statuses: Vec<&Json> = made["results"].as_array().unwrap().iter().map(|r| &r["status"]).collect();
    assert_eq!(statuses, [201, 201, 201, 201, 201, 200]);
    let deal = owner.get(&format!("/deals/{}", made["results"][2]["id"].as_str().unwrap())).ok();
    assert_eq!(deal["company_id"], made["results"][0]["id"]);
    assert_eq!(deal["contacts"][0]["contact_id"], made["results"][1]["id"]);
    assert_eq!(deal["next_step"], "@nobody");
    assert_eq!(owner.with("Idempotency-Key", "all").post("/composite", json!({ "items": items })).ok(), made);
    // All or nothing; the error points at the failing item.
    let again = json!([
        { "ref": "beta", "action": "create", "resource": "companies", "body": { "name": "Beta" } },
        { "action": "create", "resource": "contacts", "body": { "first_name": "Twin", "email": "ann@x.io", "company_id": "@beta" } },
    ]);
    let problem = owner.post("/composite", json!({ "items": again })).problem(409, "duplicate_email");
    assert_eq!(problem["errors"][0]["pointer"], "/items/1/body/email");
    assert_eq!(owner.get("/companies?name=Beta").ok()["data"], json!([]));
    let one = |item: Json| owner.post("/composite", json!({ "items": [item] }));
    let problem =
        one(json!({ "action": "create", "resource": "deals", "body": { "title": "D", "company_id": "@nobody" } }))
            .problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/items/0/body/company_id");
    let nobody = "0192f0c1-2d3e-7a4b-8c5d-6e7f80910000";
    let problem =
        one(json!({ "action": "delete", "resource": "deals", "id": nobody })).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/items/0");
    assert_eq!(problem["errors"][0]["code"], "not_found");
    let problem = one(json!({ "action": "update", "resource": "deals", "id": "@x", "body": {} }))
        .problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/items/0/id");
    let problem = one(json!({ "action": "create", "resource": "deals", "body": { "titel": "D" } }))
        .problem(400, "unknown_member");
    assert_eq!(problem["errors"][0]["pointer"], "/items/0/body/titel");
    one(json!({ "action": "update", "resource": "companies", "id": made["results"][0]["id"], "version": 1, "body": { "name": "X" } })).problem(412, "version_conflict");
    one(json!({ "action": "create", "resource": "deals" })).problem(422, "validation_failed");
    one(json!({ "action": "delete", "resource": "deals", "id": made["results"][2]["id"] })).ok();
    // Each item needs its own permission, and a key its own scope.
    let seller = key(&owner, &["composite:write", "deals:write"]);
    let item = json!({ "action": "create", "resource": "contacts", "body": { "first_name": "A" } });
    seller.post("/composite", json!({ "items": [item] })).problem(403, "insufficient_scope");
    let mut grants = vec![["composite", "all", "all", "none", "none", "none"]];
    grants.push(["deals", "all", "own", "own", "own", "none"]);
    let (ann, _) = user_with(&owner, &grants, json!({}));
    let other = id(&owner.post("/deals", json!({ "title": "D" })).created());
    let problem = ann.post(
        "/composite",
        json!({ "items": [{ "action": "update", "resource": "deals", "id": other, "body": { "title": "X" } }] }),
    );
    problem.problem(403, "forbidden");
}

#[test]
fn a_ref_works_wherever_an_id_is_expected() {
    let owner = workspace();
    let item = |name: &str, resource: &str, body: Json| json!({ "ref": name, "action": "create", "resource": resource, "body": body });
    let items = json!([
        item("eva", "contacts", json!({ "first_name": "Eva" })),
        item("call", "tasks", json!({ "title": "@eva", "contact_id": "@eva" })),
    ]);
    let made = owner.post("/composite", json!({ "items": items })).ok();
    let task = owner.get(&format!("/tasks/{}", made["results"][1]["id"].as_str().unwrap())).ok();
    assert_eq!(task["title"], "@eva");
    assert_eq!(task["contact_id"], made["results"][0]["id"]);
    let unknown = json!([item("call", "tasks", json!({ "title": "T", "contact_id": "@later" }))]);
    let problem = owner.post("/composite", json!({ "items": unknown })).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/items/0/body/contact_id");
    assert_eq!(problem["errors"][0]["detail"], "no earlier item has the ref later");
}
