//! Completes the schemas of request and response bodies: which members are required, unknown members, null.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value returns null for an absent member, or adds it")]
use crate::http::openapi::closed_sets;
use crate::http::openapi::references::{reachable, redirect};
use crate::kernel::bodies::shape::is_patch;
use serde_json::{Map, Value as Json, json};

/// A schema whose members are not all present in a response: each error code has its own parameters.
const SPARSE: &str = "ErrorParams";

/// Splits a schema that is used in requests and responses and has optional members: they are always present in a
/// response, but not in a request.
pub fn split_shared(document: &mut Json) {
    let outputs = reachable(document, "responses");
    let shared: Vec<String> = reachable(document, "requestBody").intersection(&outputs).cloned().collect();
    let optional = |schema: &Json| {
        schema["properties"].as_object().map_or(0, Map::len) > schema["required"].as_array().map_or(0, Vec::len)
    };
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    let twins: Vec<String> = shared.into_iter().filter(|name| schemas.get(name).is_some_and(optional)).collect();
    for name in &twins {
        if let Some(schema) = schemas.get(name).cloned() {
            schemas.insert(format!("{name}Input"), schema);
        }
    }
    for (_, schema) in schemas.iter_mut().filter(|(name, _)| !outputs.contains(*name)) {
        for name in &twins {
            redirect(schema, &format!("#/components/schemas/{name}"), &format!("#/components/schemas/{name}Input"));
        }
    }
}

/// How a schema is used.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    pub in_request: bool,
    pub in_response: bool,
}

/// Completes a schema: in a response every member is present, in a request unknown members are refused.
pub fn complete(name: &str, schema: &mut Json, usage: Use) {
    if usage.in_request && schema["type"] == "object" && schema.get("additionalProperties").is_none() {
        schema["additionalProperties"] = json!(false);
    }
    let Some(properties) = schema.get_mut("properties").and_then(Json::as_object_mut) else { return };
    if properties.is_empty() {
        return;
    }
    if usage.in_request {
        properties.values_mut().for_each(closed_sets::one_line);
    }
    if usage.in_response && name != SPARSE {
        // A response contains every member, null if empty.
        let all: Vec<String> = properties.keys().cloned().collect();
        schema["required"] = json!(all);
    } else if usage.in_request && is_patch(name) {
        add_clear(properties);
    } else if usage.in_request {
        properties.values_mut().for_each(forbid_null);
    }
}

/// Adds the member with which clients that cannot send null clear others.
fn add_clear(properties: &mut Map<String, Json>) {
    let clearable: Vec<String> = properties.iter().filter(|(_, s)| admits_null(s)).map(|(n, _)| n.clone()).collect();
    if clearable.is_empty() {
        return;
    }
    let clear = json!({
        "type": "array", "maxItems": clearable.len(),
        "description": "Members to clear, for clients that cannot send null.",
        "items": { "type": "string", "pattern": format!("^({})$", clearable.join("|")) },
        "example": [clearable.first()],
    });
    properties.insert("clear".into(), clear);
}

pub fn admits_null(schema: &Json) -> bool {
    let in_type = schema["type"].as_array().is_some_and(|types| types.contains(&json!("null")));
    in_type || schema["oneOf"].as_array().is_some_and(|options| options.contains(&json!({ "type": "null" })))
}

/// Removes null from a member of a create body: unknown members are omitted.
fn forbid_null(schema: &mut Json) {
    if let Some(types) = schema["type"].as_array() {
        let rest: Vec<&Json> = types.iter().filter(|t| *t != "null").collect();
        if let [one] = rest.as_slice() {
            schema["type"] = (*one).clone();
        }
    } else if let Some(options) = schema["oneOf"].as_array() {
        let rest: Vec<Json> = options.iter().filter(|o| **o != json!({ "type": "null" })).cloned().collect();
        if let ([one], Some(object)) = (rest.as_slice(), schema.as_object_mut()) {
            object.remove("oneOf");
            object.insert("$ref".into(), one["$ref"].clone());
        }
    }
}
