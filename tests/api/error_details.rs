//! Errors with limits and choices, documented choices, and fields that a stage requires.
use crate::bodies::{NOBODY, body, filled, places, schemas, taking};
use crate::support::{Answer, client::DOCUMENT, events, id, unique, workspace};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// Returns the only error of a problem.
#[track_caller]
pub fn only(answer: Answer, status: u16) -> Json {
    let problem = answer.expect(status);
    let errors = problem["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{problem}");
    errors[0].clone()
}

pub fn words(schema: &Json) -> Option<&'static Json> {
    let one = if schema["type"] == "array" { &schema["items"] } else { schema };
    let name = one["$ref"].as_str()?.rsplit('/').next()?;
    Some(&schemas()[name]["enum"])
}

/// Checks every query parameter with a closed set, for every operation.
#[test]
fn an_invalid_enum_in_a_query_lists_the_choices() {
    let owner = workspace();
    let leads = format!("pipeline_id={}&", id(&owner.get("/pipelines?kind=lead").ok()["data"][0]));
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
            let ask = |of: &str| only(owner.get(&format!("{path}?{required}{of}{name}=nosuch")), 400);
            let mut error = ask("");
            if error["code"] == "unknown_parameter" {
                // Reports take the filters of leads if the pipeline is a lead pipeline.
                error = ask(&leads);
            }
            let told: BTreeSet<String> = serde_json::from_value(error["params"]["choices"].clone()).unwrap_or_default();
            if told != serde_json::from_value(choices.clone()).unwrap() {
                left.push(format!("{path} {name}: {error}"));
            }
            assert_eq!(error["parameter"], json!(name), "{path}");
            assert_eq!(error["code"], "invalid_choice", "{path}");
            tried += 1;
        }
    }
    assert!(left.is_empty() && tried > 60, "{tried}: {left:#?}");
}

/// Field names are choices too, and workspaces add custom ones.
#[test]
fn an_unknown_field_name_lists_the_choices() {
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

/// Sets that a schema cannot express are closed too.
#[test]
fn values_outside_dynamic_sets_are_reported() {
    let owner = workspace();
    for (path, parameter, choice) in [
        ("/audit-events?type=deal.wonn", "type", "deal.won"),
        ("/audit-events?type__ne=deal.wonn", "type__ne", "deal.won"),
        ("/audit-events?record_kind=deals", "record_kind", "deal"),
        ("/audit-events?actor_kind=robot", "actor_kind", "api_key"),
        ("/jobs?kind=bulks", "kind", "bulk"),
        ("/deals?columns=titel", "columns", "title"),
        ("/deals?include=ownr", "include", "owner"),
    ] {
        let error = only(owner.get(path), 400);
        assert_eq!(error["code"], "invalid_choice", "{path}");
        assert_eq!(error["parameter"], json!(parameter), "{path}");
        assert!(error["params"]["choices"].as_array().unwrap().contains(&json!(choice)), "{path}: {error}");
    }
    for path in [
        "/audit-events?type=session.opened,deal.won",
        "/audit-events?record_kind=session&actor_kind=user",
        "/jobs?kind=bulk,import",
    ] {
        owner.get(path).ok();
    }
    for path in ["/erasures", "/imports", "/products", "/pipelines", "/custom-fields"] {
        owner.get(&format!("{path}?include=contact")).problem(400, "unknown_parameter");
    }
    let field = json!({ "resource": "deals", "key": "hull", "name": "Hull", "kind": "money" });
    owner.post("/custom-fields", field).created();
    std::thread::sleep(std::time::Duration::from_secs(3));
    let view =
        |columns: Json| owner.post("/views", json!({ "resource": "deals", "name": unique("V"), "columns": columns }));
    let good = json!([
        "title",
        "value",
        "value.currency",
        "cf.hull",
        "cf.hull.currency",
        "owner",
        "next_task.due_at",
        "contacts"
    ]);
    let path = format!("/views/{}", id(&view(good).created()));
    for answer in [view(json!(["title", "titel"])), owner.patch(&path, json!({ "columns": ["title", "titel"] }))] {
        let error = only(answer, 422);
        assert_eq!(error["pointer"], "/columns/1");
        assert_eq!(error["code"], "invalid_choice");
        assert!(error["detail"].as_str().unwrap().contains("did you mean title?"), "{error}");
    }
    let error = only(owner.get("/deals?title%20=a"), 400);
    assert!(error["detail"].as_str().unwrap().contains("spaces around it"), "{error}");
    // Clearing a read-only member is refused like setting it; clearing an empty one is accepted.
    let deal = owner.post("/deals", json!({ "title": "D" })).created();
    let path = format!("/deals/{}", id(&deal));
    let error = only(owner.patch(&path, json!({ "clear": ["stage_id", "closed_at"] })), 422);
    assert_eq!(error["code"], "read_only");
    assert_eq!(error["pointer"], "/stage_id");
    assert_eq!(owner.patch(&path, json!({ "clear": ["closed_at"] })).ok(), deal);
    assert_eq!(only(owner.patch(&path, json!({ "clear": ["colour"] })), 400)["code"], "unknown_member");
}

/// Every limit of every body: the error names the number in the document.
#[test]
fn errors_name_the_documented_limits() {
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

/// One request enters a stage and fills the fields that it requires.
#[test]
fn a_move_can_fill_required_fields() {
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
            assert_eq!(error["code"], "required", "{path}");
            assert_eq!(error["params"]["key"], json!(key), "{path}");
            given["custom_fields"] = json!([{ "key": key, "number": 1.0 }]);
            let error = only(owner.post(&path, given.clone()), 422);
            assert_eq!(error["pointer"], "/custom_fields/0/number");
            assert_eq!(error["params"]["key"], json!(key));
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
        // A move to the current stage moves nothing, but fills the given fields.
        let again = json!({ "stage_id": required[0], "custom_fields": [{ "key": key, "text": "no" }] });
        let stayed = owner.post(&format!("/{resource}/{record}/move"), again).ok();
        assert_eq!(stayed["custom_fields"][0]["text"], "no");
        assert_eq!(stayed["stage_id"], json!(required[0]));
    }
}
