//! A PATCH accepts the body of a GET, also for records that cannot be changed.
use crate::bodies::{NOBODY, filled, schemas};
use crate::error_details::{only, words};
use crate::support::{Client, client::DOCUMENT, id, unique, user_with, workspace};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// Creates records of the kinds that can be changed, with as many members as possible.
fn changeable(owner: &Client) -> Vec<String> {
    let made = |path: &str, body: Json| format!("{path}/{}", id(&owner.post(path, body).created()));
    for resource in ["contacts", "companies", "leads", "deals"] {
        let field =
            json!({ "resource": resource, "key": "size", "name": "S", "kind": "choice", "options": ["s", "l"] });
        owner.post("/custom-fields", field).created();
    }
    let fields = json!([{ "key": "size", "text": "s" }]);
    let company = made("/companies", json!({ "name": "C", "custom_fields": fields, "tags": ["a"] }));
    let company_id = company.rsplit('/').next().unwrap().to_owned();
    let person = json!({ "first_name": "A", "emails": [{ "email": format!("{}@x.io", unique("a")) }, { "email": format!("{}@x.io", unique("b")) }],
        "phones": [{ "phone": "+1 202 555 0143" }, { "phone": "+49 30 123456" }], "company_id": company_id, "custom_fields": fields,
        "first_touch": { "at": "2026-01-01T00:00:00Z", "channel": "fair" } });
    let contact = made("/contacts", person);
    let contact_id = contact.rsplit('/').next().unwrap().to_owned();
    let deal = json!({ "title": "D", "contacts": [{ "contact_id": contact_id }], "value": { "amount": 5, "currency": "EUR" }, "custom_fields": fields });
    let old = json!({ "all": [{ "field": "updated_at", "op": "lt", "values": ["today-9y"] }] });
    let grant = json!({ "resource": "contacts", "read": "all", "create": "none", "update": "none", "delete": "none", "export": "none" });
    let upload = crate::files::upload(owner, "a.txt", b"words", &[("contact_id", &contact_id)]);
    let pipeline = owner.get("/pipelines").ok()["data"][0].clone();
    vec![
        company,
        made("/deals", deal),
        made(
            "/leads",
            json!({ "title": "L", "person": { "name": "Eva Stone", "phone": "+1 202 555 0143" }, "custom_fields": fields }),
        ),
        made("/tasks", json!({ "title": "T", "due_date": "2026-11-30", "contact_id": contact_id })),
        made("/activities", json!({ "type": "call", "contact_id": contact_id })),
        made("/products", json!({ "name": "P", "price": { "amount": 5, "currency": "EUR" } })),
        made("/teams", json!({ "name": "T" })),
        made("/roles", json!({ "key": "walker", "name": "W", "grants": [grant] })),
        made("/users", json!({ "name": "B", "email": format!("{}@x.io", unique("b")) })),
        made("/views", json!({ "resource": "deals", "name": "V" })),
        made("/segments", json!({ "resource": "contacts", "name": "S", "kind": "dynamic", "selection": old })),
        made(
            "/retention-rules",
            json!({ "name": "R", "resource": "contacts", "action": "delete", "reason": "Old", "selection": old }),
        ),
        made(
            "/custom-fields",
            json!({ "resource": "deals", "key": "more", "name": "M", "kind": "choice", "options": ["x"] }),
        ),
        made("/tags", json!({ "name": "T", "color": "teal" })),
        made("/sources", json!({ "name": "S" })),
        made("/loss-reasons", json!({ "name": "L" })),
        format!("/files/{}", id(&upload.created())),
        format!("/pipelines/{}", id(&pipeline)),
        format!("/stages/{}", id(&pipeline["stages"][0])),
        "/workspaces/current".to_owned(),
        contact,
    ]
}

/// Creates records in rare states: closed, converted, built in, archived, or with few members.
fn odd(owner: &Client) -> Vec<String> {
    let made = |path: &str, body: Json| format!("{path}/{}", id(&owner.post(path, body).created()));
    let done = |path: &str, verb: &str, body: Json| {
        owner.post(&format!("{path}/{verb}"), body).ok();
        path.to_owned()
    };
    let reason = id(&owner.post("/loss-reasons", json!({ "name": unique("Lost") })).created());
    let boat = id(&owner.post("/products", json!({ "name": "Boat" })).created());
    let field = |more: Json| {
        let mut field = json!({ "resource": "deals", "key": unique("f"), "name": "F" });
        field.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        owner.post("/custom-fields", field).created()
    };
    let words: &Json = &schemas()["CustomKind"]["enum"];
    let kinds = words.as_array().unwrap().iter().filter(|kind| !kind.as_str().unwrap().ends_with("choice"));
    let mut all: Vec<String> = kinds
        .map(|kind| {
            field(if kind == "reference" {
                json!({ "kind": kind, "refers_to": "products" })
            } else {
                json!({ "kind": kind })
            })
        })
        .map(|field| format!("/custom-fields/{}", id(&field)))
        .collect();
    assert!(all.len() > 8, "{all:?}");
    let stages = owner.get("/pipelines?kind=deal").ok()["data"][0]["stages"].clone();
    let last = field(
        json!({ "kind": "multi_choice", "options": ["x", "y"], "required_stage_ids": [stages[1]["id"], stages[2]["id"]] }),
    );
    all.push(format!("/custom-fields/{}", id(&last)));
    let old = format!("/custom-fields/{}", id(&field(json!({ "kind": "number" }))));
    owner.with("If-Match", "1").patch(&old, json!({ "archived": true })).ok();
    all.push(old);
    let boats = field(json!({ "kind": "reference", "refers_to": "products" }))["key"].clone();
    let values = json!([{ "key": boats, "id": boat }, { "key": last["key"], "options": ["y", "x"] }]);
    let settled = std::time::Duration::from_secs(3);
    std::thread::sleep(settled);
    all.push(made("/deals", json!({ "title": "D", "tags": ["b", "a"], "custom_fields": values })));
    owner.delete(&format!("/products/{boat}")).gone();
    all.push(done(&made("/deals", json!({ "title": "D" })), "win", json!({})));
    all.push(done(
        &made("/deals", json!({ "title": "D" })),
        "lose",
        json!({ "loss_reason_id": reason, "competitor": "They" }),
    ));
    all.push(done(&made("/leads", json!({ "title": "L" })), "disqualify", json!({ "loss_reason_id": reason })));
    let person = json!({ "name": "Eve Stone", "email": format!("{}@x.io", unique("e")) });
    all.push(done(
        &made("/leads", json!({ "title": "L", "person": person, "tags": ["z", "a"] })),
        "convert",
        json!({}),
    ));
    all.push(done(&made("/tasks", json!({ "title": "T", "due_date": "2026-11-30" })), "complete", json!({})));
    all.push(made("/pipelines", json!({ "name": "Another", "kind": "deal" })));
    all.push(made("/segments", json!({ "resource": "deals", "name": "By name", "kind": "static" })));
    all.push(made(
        "/views",
        json!({ "resource": "tasks", "name": "Shared", "shared": true, "columns": ["title", "id"], "sort": "-due_at" }),
    ));
    let roles = owner.get("/roles").ok();
    all.extend(roles["data"].as_array().unwrap().iter().map(|role| format!("/roles/{}", id(role))));
    all
}

/// A PATCH accepts the body of a GET, and refuses changes to read-only members.
#[test]
fn an_answer_can_be_sent_back() {
    let owner = workspace();
    let differs = |value: &Json| match value {
        Json::String(text) if text.contains('T') && text.ends_with('Z') => json!("2001-01-01T00:00:00.000Z"),
        Json::Number(_) => json!(77),
        Json::Bool(flag) => json!(!flag),
        Json::Array(_) => json!([{}]),
        _ => json!(NOBODY),
    };
    let mut refused = 0;
    let all = [changeable(&owner), odd(&owner)].concat();
    let tried: BTreeSet<String> = all.iter().map(|path| format!("/api/v1{}", generic(path))).collect();
    let paths = DOCUMENT["paths"].as_object().unwrap().iter().filter(|(_, item)| item["patch"].is_object());
    let missing: Vec<&String> = paths.map(|(path, _)| path).filter(|path| !tried.contains(*path)).collect();
    // `/me` has no version and no id.
    assert!(missing.iter().all(|path| path.ends_with("/me")), "{missing:?}");
    for path in all {
        let read = owner.get(&path).ok();
        let client = owner.with("If-Match", &read["version"].to_string());
        let back = client.patch(&path, read.clone()).ok();
        assert_eq!(back, read, "{path}");
        let schema = DOCUMENT["paths"][format!("/api/v1{}", generic(&path))]["patch"]["requestBody"]["content"]
            ["application/json"]["schema"]["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        for (name, value) in back.as_object().unwrap() {
            if !schemas()[schema]["properties"][name].is_null() {
                continue;
            }
            let client = owner.with("If-Match", &owner.get(&path).ok()["version"].to_string());
            let error = only(client.patch(&path, json!({ name: differs(value) })), 422);
            assert_eq!(error["code"], "read_only", "{path}");
            assert_eq!(error["pointer"], json!(format!("/{name}")), "{path}");
            refused += 1;
        }
        assert_eq!(owner.get(&path).ok(), back, "{path} must not change");
    }
    assert!(refused > 200, "{refused}");
    let me = owner.get("/me").ok()["user"].clone();
    assert_eq!(owner.patch("/me", me.clone()).ok()["email"], me["email"]);
    assert_eq!(only(owner.patch("/me", json!({ "status": "suspended" })), 422)["code"], "read_only");
}

/// The tag of every answer works as `If-Match` for its change.
#[test]
fn if_match_accepts_the_tag_of_every_changeable_resource() {
    let owner = workspace();
    let deal = format!("/deals/{}", id(&owner.post("/deals", json!({ "title": "D" })).created()));
    let lines = format!("{deal}/line-items");
    let tagged = |path: &str| owner.with("If-Match", owner.get(path).header("etag"));
    assert_eq!(tagged("/me").patch("/me", json!({ "name": "Ann" })).ok()["name"], "Ann");
    let boat =
        id(&owner.post("/products", json!({ "name": "Boat", "price": { "amount": 5, "currency": "EUR" } })).created());
    let old = tagged(&lines);
    let put = old.put(&lines, json!({ "line_items": [{ "product_id": boat }] }));
    assert_eq!(put.status, 200, "{}", put.text);
    assert_eq!(put.header("etag"), owner.get(&lines).header("etag"), "{}", put.text);
    old.put(&lines, json!({ "line_items": [] })).problem(412, "version_conflict");
    assert_eq!(owner.get(&deal).ok()["version"], 2);
    tagged(&deal).put(&lines, json!({ "line_items": [] })).ok();
    let old = tagged("/me");
    owner.patch("/me", json!({ "name": "Bea" })).ok();
    old.patch("/me", json!({ "name": "Cid" })).problem(412, "version_conflict");
}

/// Line items can be sent back as answered, with id and total, in any order.
#[test]
fn line_items_can_be_sent_back() {
    let owner = workspace();
    let product = |amount: i64| {
        id(&owner
            .post("/products", json!({ "name": unique("P"), "price": { "amount": amount, "currency": "EUR" } }))
            .created())
    };
    let items =
        json!([{ "product_id": product(333), "quantity": 3, "discount_percent": 10 }, { "product_id": product(500) }]);
    let deal = format!("/deals/{}", id(&owner.post("/deals", json!({ "title": "D", "line_items": items })).created()));
    let lines = format!("{deal}/line-items");
    let read = owner.get(&lines).ok();
    let version = || owner.get(&deal).ok()["version"].clone();
    let whole = json!({ "line_items": read["data"], "total": read["total"] });
    assert_eq!(owner.put(&lines, whole).ok(), read);
    assert_eq!(version(), json!(1));
    assert_eq!(owner.put(&lines, json!({ "line_items": items })).ok(), read);
    assert_eq!(version(), json!(1));
    // One item is removed and another changed in one request; the computed members of the answer are ignored.
    let mut second = read["data"][1].clone();
    second["quantity"] = json!(2);
    let changed = owner.put(&lines, json!({ "line_items": [second] })).ok();
    assert_eq!(changed["data"][0]["total"]["amount"], 1000);
    assert_eq!(changed["total"]["amount"], 1000);
    assert_eq!(version(), json!(2));
    let mut wrong = changed["data"][0].clone();
    wrong["total"]["amount"] = json!(1);
    let error = only(owner.put(&lines, json!({ "line_items": [wrong] })), 422);
    assert_eq!(error["code"], "read_only");
    assert_eq!(error["pointer"], "/line_items/0/total");
    let mut wrong = changed["data"][0].clone();
    wrong["id"] = json!(NOBODY);
    assert_eq!(only(owner.put(&lines, json!({ "line_items": [wrong] })), 422)["pointer"], "/line_items/0/id");
    assert_eq!(version(), 2, "the version must not change");
    owner.patch(&deal, json!({ "value": { "amount": 1, "currency": "EUR" } })).ok();
    let again = json!({ "line_items": changed["data"] });
    assert_eq!(owner.put(&lines, json!({ "line_items": changed["data"], "set_value": false })).ok(), changed);
    assert_eq!(version(), 3);
    // Sending the line items restores the value of the deal; the items do not change.
    assert_eq!(owner.put(&lines, again).ok(), changed);
    assert_eq!(version(), json!(4));
    for (value, expected) in [(json!({ "amount": 1000, "currency": "EUR" }), 4), (Json::Null, 5), (Json::Null, 5)] {
        owner.patch(&deal, json!({ "value": value })).ok();
        assert_eq!(version(), expected);
    }
    let empty = format!("/deals/{}/line-items", id(&owner.post("/deals", json!({ "title": "E" })).created()));
    owner.put(&empty, json!({ "line_items": [] })).ok();
    assert_eq!(owner.get(empty.trim_end_matches("/line-items")).ok()["version"], 1);
}

/// Reading one record supports the includes of the list, and the included members can be sent back.
#[test]
fn one_record_has_the_includes_of_the_list() {
    let owner = workspace();
    let ids = crate::every_operation::records(&owner);
    let mut tried = 0;
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        let Some(root) = path.strip_suffix("_id}").and_then(|path| path.rsplit_once("/{")).map(|(root, _)| root) else {
            continue;
        };
        let parameters = |operation: &Json| operation["parameters"].as_array().cloned().unwrap_or_default();
        let include = |operation: &Json| parameters(operation).into_iter().find(|one| one["name"] == "include");
        let of_list = include(&DOCUMENT["paths"][root]["get"]);
        if item["get"].is_null() {
            continue;
        }
        let of_one = include(&item["get"]);
        assert_eq!(of_one.is_some(), of_list.is_some(), "{path}");
        let one = filled(path.strip_prefix("/api/v1").unwrap(), &|name| ids.get(name).cloned());
        let Some(include) = of_list else {
            owner.get(&format!("{one}?include=owner")).problem(400, "unknown_parameter");
            continue;
        };
        let plain = owner.get(&one).ok();
        assert!(plain["included"].is_null(), "{path}");
        let names: Vec<&str> =
            words(&include["schema"]).unwrap().as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        let listed = format!(
            "{}?id={}&include={}",
            root.strip_prefix("/api/v1").unwrap(),
            plain["id"].as_str().unwrap(),
            names.join(",")
        );
        let listed = owner.get(&listed).ok();
        let read = owner.get(&format!("{one}?include={}", names.join(",")));
        let tag = read.header("etag").to_owned();
        let mut record = read.ok();
        assert_eq!(record["included"], listed["included"], "{path}");
        let without = |record: &Json| {
            let mut record = record.clone();
            record.as_object_mut().unwrap().remove("included");
            record
        };
        assert_eq!(without(&record), plain, "{path}");
        if !item["patch"].is_null() {
            assert_eq!(owner.with("If-Match", &tag).patch(&one, record.take()).ok(), plain, "{path}");
        }
        assert_eq!(only(owner.get(&format!("{one}?include=nosuch")), 400)["code"], "invalid_choice", "{path}");
        owner.get(&format!("{one}?includes=owner")).problem(400, "unknown_parameter");
        tried += 1;
    }
    assert!(tried > 10, "{tried}");
    let deal = owner.get(&format!("/deals/{}?include=owner,stage", ids["deal_id"])).ok();
    assert_eq!(deal["included"]["users"].as_array().unwrap().len(), 1);
    assert_eq!(deal["included"]["stages"][0]["id"], deal["stage_id"]);
}

/// "Duplicate role": the grants of a built-in role create a custom one.
#[test]
fn a_custom_role_can_be_created_from_a_built_in_one() {
    let owner = workspace();
    let roles = owner.get("/roles").ok()["data"].as_array().unwrap().clone();
    assert_eq!(roles.len(), 5);
    for role in roles {
        let copy = json!({ "key": unique("copy"), "name": "Copy", "grants": role["grants"], "hidden_fields": role["hidden_fields"] });
        let copy = owner.post("/roles", copy).created();
        assert_eq!(copy["grants"], role["grants"], "{}", role["key"]);
        let path = format!("/roles/{}", id(&role));
        owner.patch(&path, json!({ "name": "Mine" })).problem(409, "conflict");
        owner.patch(&path, json!({ "grants": [] })).problem(409, "conflict");
    }
    let over = json!({ "resource": "contacts", "read": "none", "create": "all", "update": "none", "delete": "none", "export": "none" });
    let error = only(owner.post("/roles", json!({ "key": "over", "name": "O", "grants": [over] })), 422);
    assert_eq!(error["pointer"], "/grants/0/create");
}

/// Unchanged values are accepted where a change would be refused.
#[test]
fn unchanged_values_are_accepted_where_changes_are_refused() {
    let owner = workspace();
    let any = owner.with("If-Match", "*");
    let pipelines = owner.get("/pipelines?kind=deal").ok();
    let pipeline = format!("/pipelines/{}", id(&pipelines["data"][0]));
    assert_eq!(
        only(owner.with("If-Match", "1").patch(&pipeline, json!({ "is_default": false })), 422)["pointer"],
        "/is_default"
    );
    let field = json!({ "resource": "deals", "key": "n", "name": "N", "kind": "number" });
    let field = format!("/custom-fields/{}", id(&owner.post("/custom-fields", field).created()));
    assert_eq!(
        only(owner.with("If-Match", "1").patch(&field, json!({ "options": ["a"] })), 422)["pointer"],
        "/options"
    );
    let choice = json!({ "resource": "deals", "key": "c", "name": "C", "kind": "choice", "options": ["a"] });
    let choice = format!("/custom-fields/{}", id(&owner.post("/custom-fields", choice).created()));
    assert_eq!(only(owner.with("If-Match", "1").patch(&choice, json!({ "options": [] })), 422)["pointer"], "/options");
    let segment = json!({ "resource": "deals", "name": "S", "kind": "static" });
    let segment = format!("/segments/{}", id(&owner.post("/segments", segment).created()));
    let open = json!({ "all": [{ "field": "status", "op": "eq", "values": ["open"] }] });
    assert_eq!(only(any.patch(&segment, json!({ "selection": open })), 422)["pointer"], "/selection");
    let lead = owner.post("/leads", json!({ "title": "L", "person": { "name": "Eve" } })).created();
    let (path, stage) = (format!("/leads/{}", id(&lead)), lead["stage_id"].clone());
    owner.post(&format!("{path}/convert"), json!({})).ok();
    let converted = owner.get(&path).ok();
    let stay = json!({ "stage_id": converted["stage_id"] });
    assert_eq!(owner.post(&format!("{path}/move"), stay).ok(), converted);
    owner.post(&format!("{path}/move"), json!({ "stage_id": stage })).problem(409, "already_converted");
    owner.patch(&path, json!({ "title": "M" })).problem(409, "already_converted");
    let items = json!({ "items": [{ "id": id(&lead), "changes": { "title": "L" } }] });
    assert_eq!(owner.post("/leads/batch-update", items).ok()["results"][0]["unchanged"], true);
}

/// The same holds in batches and composite requests.
#[test]
fn answers_can_be_sent_back_in_batches() {
    let owner = workspace();
    let all = changeable(&owner);
    let mut tried = 0;
    for path in &all {
        let (root, one) = path.rsplit_once('/').unwrap();
        if DOCUMENT["paths"].get(format!("/api/v1{root}/batch-update")).is_none() {
            continue;
        }
        let record = owner.get(path).ok();
        let batch = |changes: &Json| {
            let items = json!({ "items": [{ "id": one, "version": record["version"], "changes": changes }] });
            owner.post(&format!("{root}/batch-update"), items).ok()["results"][0].clone()
        };
        let together = |changes: &Json| {
            let item = json!({ "action": "update", "resource": root[1..], "id": one, "version": record["version"], "body": changes });
            owner.post("/composite", json!({ "items": [item] }))
        };
        let result = batch(&record);
        assert_eq!(result["status"], 200, "{root}: {result}");
        assert_eq!(result["unchanged"], true, "{root}: {result}");
        let mut wrong = record.clone();
        wrong["created_at"] = json!("2001-01-01T00:00:00.000Z");
        let error = batch(&wrong)["error"]["errors"][0].clone();
        assert_eq!(error["code"], "read_only", "{root}");
        assert_eq!(error["pointer"], "/changes/created_at", "{root}");
        if words(&json!({ "$ref": "#/components/schemas/CompositeResource" }))
            .unwrap()
            .as_array()
            .unwrap()
            .contains(&json!(root[1..]))
        {
            assert_eq!(together(&record).ok()["results"][0]["unchanged"], true, "{root}");
            let error = only(together(&wrong), 422);
            assert_eq!(error["code"], "read_only");
            assert_eq!(error["pointer"], "/items/0/body/created_at");
        }
        assert_eq!(owner.get(path).ok(), record, "{root}");
        tried += 1;
    }
    assert!(tried >= 5, "{tried}");
}

/// Returns `/deals/{deal_id}` for `/deals/0192…`.
fn generic(path: &str) -> String {
    let root = path.rsplit_once('/').unwrap().0;
    let paths = DOCUMENT["paths"].as_object().unwrap().keys();
    let own = |known: &&String| known.matches('/').count() == 4 && known.starts_with(&format!("/api/v1{root}/"));
    let exact = DOCUMENT["paths"].get(format!("/api/v1{path}")).map(|_| path.to_owned());
    exact.unwrap_or_else(|| {
        let mut found = paths.filter(own).filter(|known| known.ends_with('}'));
        found.next().unwrap().strip_prefix("/api/v1").unwrap().to_owned()
    })
}

/// A form changes one value and sends the rest as answered: derived members do not conflict with the change.
#[test]
fn a_modified_answer_changes_only_the_modified_member() {
    let owner = workspace();
    let path = changeable(&owner).pop().unwrap();
    let mut contact = owner.get(&path).ok();
    contact["last_name"] = json!("Stone");
    contact["phones"].as_array_mut().unwrap().pop();
    let changed = owner.patch(&path, contact.clone()).ok();
    assert_eq!(changed["last_name"], "Stone");
    assert_eq!(changed["phones"].as_array().unwrap().len(), 1);
    let mut contact = changed;
    contact["phones"][0]["e164"] = json!("+12025550199");
    let error = only(owner.patch(&path, contact.clone()), 422);
    assert_eq!(error["code"], "read_only");
    assert_eq!(error["pointer"], "/phones/0/e164");
    contact["phones"][0]["e164"] = json!("+12025550143");
    contact["phone"] = json!("+12025550199");
    assert_eq!(only(owner.patch(&path, contact.clone()), 422)["code"], "stated_twice");
    contact["phone"] = json!(0);
    assert_eq!(only(owner.patch(&path, contact), 422)["code"], "invalid_type");
    // A value that is no longer allowed for new input stays as it is.
    let field = owner.get("/custom-fields?resource=contacts&key=size").ok()["data"][0].clone();
    let client = owner.with("If-Match", &field["version"].to_string());
    let own = format!("/custom-fields/{}", id(&field));
    client.patch(&own, json!({ "options": ["l"] })).problem(409, "in_use");
    client.patch(&own, json!({ "archived": true })).ok();
    std::thread::sleep(std::time::Duration::from_secs(3));
    let other = json!({ "custom_fields": [{ "key": "size", "text": "l" }] });
    assert_eq!(only(owner.patch(&path, other), 422)["code"], "invalid_choice");
    let contact = owner.get(&path).ok();
    assert_eq!(owner.patch(&path, contact).ok()["custom_fields"][0]["text"], "s");
}

/// A hidden member cannot be guessed: a correct guess is refused like a wrong one.
#[test]
fn a_hidden_member_cannot_be_probed_by_sending_it_back() {
    let owner = workspace();
    let sight = ["contacts", "all", "none", "all", "none", "none"];
    let hide = |field: &str| json!({ "resource": "contacts", "field": field });
    let hidden = json!({ "hidden_fields": [hide("first_touch"), hide("phone"), hide("consents")] });
    let (blind, _) = user_with(&owner, &[sight], hidden);
    let path = changeable(&owner).pop().unwrap();
    let told = owner.get(&path).ok()["first_touch"].clone();
    assert_eq!(only(blind.patch(&path, json!({ "first_touch": told })), 422)["code"], "read_only");
    let mut shown = blind.get(&path).ok();
    assert_eq!(shown["first_touch"], Json::Null);
    assert_eq!(shown["phones"], json!([]));
    shown["position"] = json!("Captain");
    blind.patch(&path, shown).ok();
    let after = owner.get(&path).ok();
    assert_eq!(after["first_touch"], told);
    assert_eq!(after["phones"].as_array().unwrap().len(), 2);
    assert_eq!(after["position"], "Captain");
}
