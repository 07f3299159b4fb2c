//! What a form needs: errors with their numbers and choices, choices that are told, records that can be sent back as they were answered.
use crate::bodies::{NOBODY, body, filled, places, schemas, taking};
use crate::support::{Answer, Client, client::DOCUMENT, events, id, unique, user_with, workspace};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// The one error of a problem.
#[track_caller]
fn only(answer: Answer, status: u16) -> Json {
    let problem = answer.expect(status);
    let errors = problem["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{problem}");
    errors[0].clone()
}

fn words(schema: &Json) -> Option<&'static Json> {
    let one = if schema["type"] == "array" { &schema["items"] } else { schema };
    let name = one["$ref"].as_str()?.rsplit('/').next()?;
    Some(&schemas()[name]["enum"])
}

/// Every query parameter with a closed set, of every operation.
#[test]
fn a_wrong_choice_in_a_query_is_told_with_the_choices() {
    let owner = workspace();
    let (mut tried, mut left) = (0, Vec::new());
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        let Some(operation) = item.get("get") else { continue };
        let parameters = || operation["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == "query");
        let required = parameters().filter(|p| p["required"] == true);
        let required: String =
            required.map(|p| format!("{}={}&", p["name"].as_str().unwrap(), p["example"].as_str().unwrap())).collect();
        let path = filled(path.strip_prefix("/api/v1").unwrap(), &|_| None);
        for parameter in parameters() {
            assert!(parameter["schema"]["pattern"].as_str().is_none_or(|p| !p.starts_with("^(") || p.contains('[')));
            let Some(choices) = words(&parameter["schema"]) else { continue };
            let name = parameter["name"].as_str().unwrap();
            let error = only(owner.get(&format!("{path}?{required}{name}=nosuch")), 400);
            let told: BTreeSet<String> = serde_json::from_value(error["params"]["choices"].clone()).unwrap_or_default();
            if told != serde_json::from_value(choices.clone()).unwrap() {
                left.push(format!("{path} {name}: {error}"));
            }
            assert_eq!((&error["parameter"], &error["code"]), (&json!(name), &json!("invalid_choice")), "{path}");
            tried += 1;
        }
    }
    assert!(left.is_empty() && tried > 60, "{tried}: {left:#?}");
}

/// Names of fields are choices as well, of which the workspace adds some.
#[test]
fn names_that_are_not_known_are_told_with_those_that_are() {
    let owner = workspace();
    let field = json!({ "resource": "deals", "key": "size", "name": "Size", "kind": "choice", "options": ["s", "l"] });
    owner.post("/custom-fields", field).created();
    let search = |condition: Json| owner.post("/deals/search", json!({ "all": [condition] }));
    for (answer, status, code, choice, key) in [
        (owner.get("/deals?sort=colour"), 400, "invalid_choice", "title", Json::Null),
        (owner.get("/deals?cf=size:near:s"), 400, "invalid_choice", "eq", json!("size")),
        (owner.get("/deals?cf=size:eq:xl"), 400, "invalid_choice", "l", json!("size")),
        (owner.get("/analytics/win-rate?group_by=weather"), 400, "invalid_choice", "owner", Json::Null),
        (
            search(json!({ "field": "colour", "op": "eq", "values": ["a"] })),
            422,
            "invalid_choice",
            "cf.size",
            Json::Null,
        ),
        (
            search(json!({ "field": "title", "op": "gt", "values": ["a"] })),
            422,
            "invalid_choice",
            "contains",
            Json::Null,
        ),
        (search(json!({ "field": "status", "op": "eq", "values": ["a"] })), 422, "invalid_choice", "won", Json::Null),
        (
            search(json!({ "field": "cf.size", "op": "eq", "values": ["xl"] })),
            422,
            "invalid_choice",
            "s",
            json!("size"),
        ),
        (
            owner.post("/users", json!({ "name": "B", "email": "b@x.io", "role": "king" })),
            422,
            "invalid_choice",
            "seller",
            Json::Null,
        ),
        (
            owner.post("/api-keys", json!({ "name": "K", "scopes": ["deals:see"] })),
            422,
            "invalid_choice",
            "deals:read",
            Json::Null,
        ),
        (
            owner.post("/deals", json!({ "title": "D", "custom_fields": [{ "key": "size", "text": "xl" }] })),
            422,
            "invalid_choice",
            "s",
            json!("size"),
        ),
        (
            owner.post("/deals", json!({ "title": "D", "custom_fields": [{ "key": "sise", "text": "s" }] })),
            422,
            "invalid_choice",
            "size",
            json!("sise"),
        ),
    ] {
        let error = only(answer, status);
        let choices = error["params"]["choices"].as_array().unwrap_or_else(|| panic!("{error}"));
        assert_eq!(error["code"], code, "{error}");
        assert!(choices.contains(&json!(choice)) && error["params"]["key"] == key, "{error}");
    }
}

/// Every limit of every body: the error says the number that the document says.
#[test]
fn errors_carry_their_numbers() {
    let owner = workspace().with("If-Match", "\"1\"");
    let own = |name: &str| (name == "id" || name.ends_with("_id")).then(|| NOBODY.to_owned());
    let limits: [(&str, &dyn Fn(i64) -> Json); 4] = [
        ("maxLength", &|max| json!("x".repeat(usize::try_from(max).unwrap() + 1))),
        ("maximum", &|max| json!(max + 1)),
        ("minimum", &|min| json!(min - 1)),
        ("maxItems", &|max| json!(vec![Json::Null; usize::try_from(max).unwrap() + 1])),
    ];
    let mut tried = 0;
    for op in taking().iter().filter(|op| !op.public && !op.id.starts_with("batch_") && op.id != "run_composite") {
        for (limit, beyond) in limits {
            let wanted = |_: &str, property: &'static Json| property[limit].is_number();
            for place in places(op.schema, 1, &wanted).into_iter().filter(|place| place.last() != Some(&"clear")) {
                let schema = &place[..place.len() - 1]
                    .iter()
                    .fold(op.schema, |at, name| crate::bodies::made_of(&schemas()[at]["properties"][*name]).unwrap());
                let bound = schemas()[*schema]["properties"][place[place.len() - 1]][limit].as_f64().unwrap();
                if bound.abs() > 100_000.0 {
                    continue;
                }
                #[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "a whole number")]
                let bound = bound as i64;
                let sent = body(op.schema, &place, &beyond(bound), &own).to_string().into_bytes();
                let answer = owner.send(&op.method, &filled(op.path, &own), Some(sent), "application/json").json();
                let side = if limit == "minimum" { "min" } else { "max" };
                let told = |bad: &Json| {
                    let code = matches!(bad["code"].as_str(), Some("too_long" | "out_of_range"));
                    code && bad["params"][side] == bound
                };
                let listed = answer["errors"].as_array().is_some_and(|errors| errors.iter().any(told));
                assert!(listed, "{} {place:?} {limit} {bound}: {answer}", op.id);
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "{tried}");
    for (path, max) in
        [("/deals", 500), ("/events", 500), ("/search?q=a", 50), (&format!("/contacts/{NOBODY}/timeline"), 500)]
    {
        for given in ["0", &(max + 1).to_string(), "many"] {
            let joint = if path.contains('?') { '&' } else { '?' };
            let error = only(owner.get(&format!("{path}{joint}limit={given}")), 400);
            assert_eq!(error["params"], json!({ "min": 1, "max": max }), "{path} {given}");
        }
    }
    let error = only(owner.get(&format!("/deals?q={}", "x".repeat(300))), 400);
    assert_eq!(error["params"], json!({ "max": 256 }));
    assert_eq!(only(owner.post("/contacts", json!({ "first_name": 7 })), 422)["params"], json!({}));
}

/// A stage that requires fields is entered and they are filled in one call.
#[test]
fn a_move_fills_what_the_stage_requires() {
    let owner = workspace();
    let reason = id(&owner.post("/loss-reasons", json!({ "name": "Price" })).created());
    for (resource, record) in [("deals", json!({ "title": "D" })), ("leads", json!({ "title": "L" }))] {
        let kind = resource.trim_end_matches('s');
        let pipelines = owner.get(&format!("/pipelines?kind={kind}")).ok();
        let stages = pipelines["data"][0]["stages"].as_array().unwrap().clone();
        let of = |category: &str| stages.iter().filter(|s| s["category"] == category).map(id).collect::<Vec<_>>();
        let required: Vec<String> = [&of("open")[1..2], &of("won")[..], &of("lost")[..]].concat();
        let key = unique("field");
        let field =
            json!({ "resource": resource, "key": key, "name": "F", "kind": "text", "required_stage_ids": required });
        owner.post("/custom-fields", field).created();
        let fill = json!([{ "key": key, "text": "yes" }]);
        let made = || id(&owner.post(&format!("/{resource}"), record.clone()).created());
        let mut ways = vec![("move", json!({ "stage_id": required[0] }))];
        if resource == "deals" {
            ways.extend([("win", json!({})), ("lose", json!({ "loss_reason_id": reason }))]);
        } else {
            ways.push(("disqualify", json!({ "loss_reason_id": reason })));
        }
        for (verb, mut given) in ways {
            let record = made();
            let path = format!("/{resource}/{record}/{verb}");
            let error = only(owner.post(&path, given.clone()), 422);
            assert_eq!((&error["code"], &error["params"]["key"]), (&json!("required"), &json!(key)), "{path}");
            given["custom_fields"] = json!([{ "key": key, "number": 1.0 }]);
            let error = only(owner.post(&path, given.clone()), 422);
            assert_eq!((&error["pointer"], &error["params"]["key"]), (&json!("/custom_fields/0/number"), &json!(key)));
            given["custom_fields"] = fill.clone();
            let moved = owner.post(&path, given.clone()).ok();
            assert_eq!(moved["version"], 2, "{path}: one change");
            assert_eq!(moved["custom_fields"][0]["text"], "yes", "{path}");
            let last = events(&owner, &format!("&record_id={record}"), 2).pop().unwrap();
            assert!(last["changes"].to_string().contains(&key), "{path}: {last}");
        }
        let record = made();
        let to = |fields: &Json| json!({ "items": [{ "id": record, "to": { "stage_id": required[0], "custom_fields": fields } }] });
        let path = format!("/{resource}/batch-move");
        assert_eq!(owner.post(&path, to(&json!([]))).ok()["failed"], 1);
        assert_eq!(owner.post(&path, to(&fill)).ok()["succeeded"], 1);
        // To the stage it is in: nothing moves, but what is given is filled.
        let again = json!({ "stage_id": required[0], "custom_fields": [{ "key": key, "text": "no" }] });
        let stayed = owner.post(&format!("/{resource}/{record}/move"), again).ok();
        assert_eq!((&stayed["custom_fields"][0]["text"], &stayed["stage_id"]), (&json!("no"), &json!(required[0])));
    }
}

/// Records of the kinds that can be changed, as rich as they can be.
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

/// What a GET answers, a PATCH takes back; what it cannot change, it refuses.
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
    let all = changeable(&owner);
    let tried: BTreeSet<String> = all.iter().map(|path| format!("/api/v1{}", generic(path))).collect();
    let paths = DOCUMENT["paths"].as_object().unwrap().iter().filter(|(_, item)| item["patch"].is_object());
    let missing: Vec<&String> = paths.map(|(path, _)| path).filter(|path| !tried.contains(*path)).collect();
    // `/me` has no version and no id.
    assert!(missing.iter().all(|path| path.ends_with("/me")), "{missing:?}");
    for path in all {
        let read = owner.get(&path).ok();
        let client = owner.with("If-Match", &read["version"].to_string());
        let back = client.patch(&path, read.clone()).ok();
        let kept = |mut record: Json| {
            for name in ["version", "updated_at", "last_activity_at"] {
                record.as_object_mut().unwrap().remove(name);
            }
            record
        };
        assert_eq!(kept(back.clone()), kept(read), "{path}");
        let schema = DOCUMENT["paths"][format!("/api/v1{}", generic(&path))]["patch"]["requestBody"]["content"]
            ["application/json"]["schema"]["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        for (name, value) in back.as_object().unwrap() {
            if !schemas()[schema]["properties"][name].is_null() {
                continue;
            }
            let client = owner.with("If-Match", &owner.get(&path).ok()["version"].to_string());
            let error = only(client.patch(&path, json!({ name: differs(value) })), 422);
            assert_eq!(
                (&error["code"], &error["pointer"]),
                (&json!("read_only"), &json!(format!("/{name}"))),
                "{path}"
            );
            refused += 1;
        }
        assert_eq!(kept(owner.get(&path).ok()), kept(back), "{path}: nothing was written");
    }
    assert!(refused > 60, "{refused}");
    let me = owner.get("/me").ok()["user"].clone();
    assert_eq!(owner.patch("/me", me.clone()).ok()["email"], me["email"]);
    assert_eq!(only(owner.patch("/me", json!({ "status": "suspended" })), 422)["code"], "read_only");
}

/// `/deals/{deal_id}` for `/deals/0192…`.
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

/// A form that changes one value sends the rest as it was: the change counts, the members that follow from it do not stand against it.
#[test]
fn a_changed_answer_changes_what_was_changed() {
    let owner = workspace();
    let path = changeable(&owner).pop().unwrap();
    let mut contact = owner.get(&path).ok();
    contact["last_name"] = json!("Stone");
    contact["phones"].as_array_mut().unwrap().pop();
    let changed = owner.patch(&path, contact.clone()).ok();
    assert_eq!((&changed["last_name"], changed["phones"].as_array().unwrap().len()), (&json!("Stone"), 1));
    let mut contact = changed;
    contact["phones"][0]["e164"] = json!("+12025550199");
    let error = only(owner.patch(&path, contact.clone()), 422);
    assert_eq!((&error["code"], &error["pointer"]), (&json!("read_only"), &json!("/phones/0/e164")));
    contact["phones"][0]["e164"] = json!("+12025550143");
    contact["phone"] = json!("+12025550199");
    assert_eq!(only(owner.patch(&path, contact.clone()), 422)["code"], "stated_twice");
    contact["phone"] = json!(0);
    assert_eq!(only(owner.patch(&path, contact), 422)["code"], "invalid_type");
    // A value that could not be given any more stays as it is.
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

/// What is hidden from a role is no riddle: a guess that is right is refused as one that is wrong.
#[test]
fn a_hidden_member_is_not_told_by_sending_it_back() {
    let owner = workspace();
    let sight = ["contacts", "all", "none", "all", "none", "none"];
    let hide = |field: &str| json!({ "resource": "contacts", "field": field });
    let hidden = json!({ "hidden_fields": [hide("first_touch"), hide("phone"), hide("consents")] });
    let (blind, _) = user_with(&owner, &[sight], hidden);
    let path = changeable(&owner).pop().unwrap();
    let told = owner.get(&path).ok()["first_touch"].clone();
    assert_eq!(only(blind.patch(&path, json!({ "first_touch": told })), 422)["code"], "read_only");
    let mut shown = blind.get(&path).ok();
    assert_eq!((&shown["first_touch"], &shown["phones"]), (&Json::Null, &json!([])));
    shown["position"] = json!("Captain");
    blind.patch(&path, shown).ok();
    let after = owner.get(&path).ok();
    assert_eq!((&after["first_touch"], after["phones"].as_array().unwrap().len()), (&told, 2));
    assert_eq!(after["position"], "Captain");
}
