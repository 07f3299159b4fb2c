//! A client generated from a released document works with this server (rule G17).
//! Released documents are in `openapi/released/`.
use crate::support::client::DOCUMENT;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// Returns the differences in `new` that would break a client of `old`.
fn breaks(old: &Json, new: &Json) -> Vec<String> {
    let mut found = Vec::new();
    for (path, item) in members(&old["paths"]) {
        for (method, operation) in members(item) {
            let place = format!("{} {path}", method.to_uppercase());
            let now = &new["paths"][path][method];
            if now.is_null() {
                found.push(format!("{place} is gone"));
                continue;
            }
            compare_operation(&place, operation, now, &mut found);
        }
    }
    for (name, schema) in members(&old["components"]["schemas"]) {
        let now = &new["components"]["schemas"][name];
        if now.is_null() {
            found.push(format!("schema {name} is gone"));
        } else {
            compare_schema(name, schema, now, is_input(schema), &mut found);
        }
    }
    found
}

fn members(value: &Json) -> impl Iterator<Item = (&String, &Json)> {
    value.as_object().into_iter().flatten()
}

fn words(value: &Json) -> BTreeSet<&str> {
    value.as_array().into_iter().flatten().filter_map(Json::as_str).collect()
}

/// Request schemas refuse unknown members; response schemas do not say so.
fn is_input(schema: &Json) -> bool {
    schema["additionalProperties"] == json!(false)
}

fn compare_operation(place: &str, old: &Json, new: &Json, found: &mut Vec<String>) {
    if old["operationId"] != new["operationId"] {
        found.push(format!("{place} is called {} now", new["operationId"]));
    }
    let parameters = |operation: &Json| operation["parameters"].as_array().cloned().unwrap_or_default();
    let names: BTreeSet<String> = parameters(old).iter().map(|p| p["name"].to_string()).collect();
    for parameter in parameters(new) {
        if parameter["required"] == json!(true) && !names.contains(&parameter["name"].to_string()) {
            found.push(format!("{place} needs the parameter {}", parameter["name"]));
        }
    }
    let kept: BTreeSet<String> = parameters(new).iter().map(|p| p["name"].to_string()).collect();
    found.extend(names.difference(&kept).map(|name| format!("{place} lacks the parameter {name}")));
    for (status, answer) in members(&old["responses"]).filter(|(status, _)| status.starts_with('2')) {
        if answer["content"] != new["responses"][status]["content"] {
            found.push(format!("{place} answers {status} in another shape"));
        }
    }
    if old["requestBody"].is_null() && new["requestBody"]["required"] == json!(true) {
        found.push(format!("{place} needs a body"));
    }
}

fn compare_schema(name: &str, old: &Json, new: &Json, input: bool, found: &mut Vec<String>) {
    let (before, now) = (words(&old["enum"]), words(&new["enum"]));
    found.extend(before.difference(&now).map(|word| format!("{name} has no {word} any more")));
    if !before.is_empty() {
        found.extend(now.difference(&before).map(|word| format!("{name} is a closed set and has {word} now")));
    }
    for (member, shape) in members(&old["properties"]) {
        let now = &new["properties"][member];
        let shapes = |value: &Json| {
            [&value["type"], &value["$ref"], &value["oneOf"], &value["format"], &value["items"]].map(Json::to_string)
        };
        if now.is_null() {
            found.push(format!("{name}.{member} is gone"));
        } else if shapes(shape) != shapes(now) {
            found.push(format!("{name}.{member} has another type"));
        } else if input && tighter(shape, now) {
            found.push(format!("{name}.{member} admits less"));
        }
    }
    if input {
        let added = words(&new["required"]);
        found.extend(
            added.difference(&words(&old["required"])).map(|member| format!("{name}.{member} is required now")),
        );
    }
}

fn tighter(old: &Json, new: &Json) -> bool {
    let less = |limit: &str| match (old[limit].as_f64(), new[limit].as_f64()) {
        (Some(old), Some(new)) => new < old,
        (before, now) => before.is_none() && now.is_some(),
    };
    let more = |limit: &str| new[limit].as_f64() > old[limit].as_f64();
    ["maximum", "maxLength", "maxItems"].into_iter().any(less)
        || ["minimum", "minLength", "minItems"].into_iter().any(more)
        || (old["pattern"] != new["pattern"] && !new["pattern"].is_null())
}

#[test]
fn released_documents_still_work() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/released");
    for file in std::fs::read_dir(dir).into_iter().flatten() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|e| e == "json") {
            let released = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let breaks = breaks(&released, &DOCUMENT);
            assert!(breaks.is_empty(), "{}: {breaks:#?}", path.display());
        }
    }
}

#[test]
fn a_breaking_change_is_detected() {
    let changed = |change: &dyn Fn(&mut Json)| {
        let mut new = DOCUMENT.clone();
        change(&mut new);
        breaks(&DOCUMENT, &new)
    };
    assert_eq!(changed(&|_| ()), [""; 0]);
    let remove = |value: &mut Json, path: &str, member: &str| {
        value.pointer_mut(path).unwrap().as_object_mut().unwrap().remove(member).unwrap();
    };
    type Change<'a> = &'a dyn Fn(&mut Json);
    let harmful: &[(&str, Change<'_>)] = &[
        ("GET /api/v1/deals is gone", &|d| remove(d, "/paths/~1api~1v1~1deals", "get")),
        ("Deal.title is gone", &|d| remove(d, "/components/schemas/Deal/properties", "title")),
        ("schema Deal is gone", &|d| remove(d, "/components/schemas", "Deal")),
        ("Deal.title has another type", &|d| {
            d["components"]["schemas"]["Deal"]["properties"]["title"]["type"] = json!("integer")
        }),
        ("DealCreate.next_step is required now", &|d| {
            d["components"]["schemas"]["DealCreate"]["required"] = json!(["title", "next_step"]);
        }),
        ("DealCreate.title admits less", &|d| {
            d["components"]["schemas"]["DealCreate"]["properties"]["title"]["maxLength"] = json!(3);
        }),
        ("Rating is a closed set and has boiling now", &|d| {
            d["components"]["schemas"]["Rating"]["enum"].as_array_mut().unwrap().push(json!("boiling"));
        }),
        ("GET /api/v1/deals is called \"deals\" now", &|d| {
            d["paths"]["/api/v1/deals"]["get"]["operationId"] = json!("deals");
        }),
        ("GET /api/v1/deals needs the parameter \"year\"", &|d| {
            let year = json!({ "name": "year", "in": "query", "required": true });
            d["paths"]["/api/v1/deals"]["get"]["parameters"].as_array_mut().unwrap().push(year);
        }),
        ("GET /api/v1/deals answers 200 in another shape", &|d| {
            d["paths"]["/api/v1/deals"]["get"]["responses"]["200"]["content"] = json!({});
        }),
    ];
    for (word, change) in harmful {
        assert!(changed(*change).iter().any(|found| found == word), "{word}: {:?}", changed(*change));
    }
    let harmless: &[Change<'_>] = &[
        &|d| d["components"]["schemas"]["Deal"]["properties"]["mood"] = json!({ "type": "string" }),
        &|d| d["paths"]["/api/v1/moods"] = d["paths"]["/api/v1/deals"].clone(),
        &|d| d["components"]["schemas"]["DealCreate"]["properties"]["title"]["maxLength"] = json!(3000),
    ];
    for change in harmless {
        assert_eq!(changed(*change), [""; 0]);
    }
}
