//! Converts the document to OpenAPI 3.0.3 for older tools. Only the notation of nullability and references differs.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value returns null for an absent member, or adds it")]
use serde_json::{Value as Json, json};

pub fn down_convert(document: &Json) -> Json {
    let mut old = document.clone();
    old["openapi"] = json!("3.0.3");
    if let Some(license) = old["info"]["license"].as_object_mut() {
        license.remove("identifier");
    }
    convert(&mut old);
    old
}

fn convert(value: &mut Json) {
    match value {
        Json::Object(members) => {
            members.values_mut().for_each(convert);
            // type: [T, "null"] → type: T, nullable
            if let Some(types) = members.get("type").and_then(Json::as_array).cloned() {
                let rest = types.into_iter().find(|t| t != "null").unwrap_or_default();
                members.insert("type".into(), rest);
                members.insert("nullable".into(), json!(true));
            }
            // oneOf: [$ref, null] → allOf: [$ref], nullable
            let null = |option: &Json| option.get("type").is_some_and(|t| t == "null");
            if members.get("oneOf").and_then(Json::as_array).is_some_and(|options| options.iter().any(null)) {
                let options = members.remove("oneOf").unwrap_or_default();
                let rest: Vec<Json> = options.as_array().into_iter().flatten().filter(|o| !null(o)).cloned().collect();
                members.insert("allOf".into(), rest.into());
                members.insert("nullable".into(), json!(true));
            }
            // OpenAPI 3.0 ignores members beside a $ref.
            if let Some(reference) = members.get("$ref").cloned().filter(|_| members.len() > 1) {
                members.remove("$ref");
                members.insert("allOf".into(), json!([{ "$ref": reference }]));
            }
        }
        Json::Array(list) => list.iter_mut().for_each(convert),
        _ => {}
    }
}
