//! Adds examples to parameters and to the members of schemas.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value returns null for an absent member, or adds it")]
use crate::http::openapi::bodies::admits_null;
use crate::http::openapi::examples;
use serde_json::{Value as Json, json};

/// Adds an example to a parameter.
pub fn complete_parameter(parameter: &mut Json) {
    let name = parameter["name"].as_str().unwrap_or_default().to_owned();
    // Cursors come only from responses, so an example would be refused.
    if parameter.get("example").is_some() || name == "cursor" {
        return;
    }
    let schema = parameter["schema"].clone();
    let one = if schema["type"] == "array" { &schema["items"] } else { &schema };
    let field = name.split("__").next().unwrap_or_default();
    if let Some(usual) = schema.get("default").filter(|_| name == "sort") {
        parameter["example"] = usual.clone();
        return;
    }
    let example = match one["pattern"].as_str() {
        // Takes the first choice of "^(open|won|lost)$".
        Some(pattern) if pattern.starts_with("^(") => {
            pattern.trim_start_matches("^(").split(['|', ')']).next().map(|c| json!(c.replace('\\', "")))
        }
        _ => examples::of("", field, one),
    };
    if let Some(example) = example {
        parameter["example"] = if schema["type"] == "array" { json!([example]) } else { example };
    }
}

/// Adds examples to the members of a schema; `shown` is whether responses contain it.
pub fn complete_schema(title: &str, schema: &mut Json, shown: bool) {
    for (name, property) in schema.get_mut("properties").and_then(Json::as_object_mut).into_iter().flatten() {
        if let Some(example) = examples::special(title, name, shown.then(|| admits_null(property))) {
            property["example"] = example;
        } else if property.get("example").is_none() && property.get("$ref").is_none() {
            let example =
                if is_array(property) { of_array(title, name, property) } else { examples::of(title, name, property) };
            if let Some(example) = example {
                property["example"] = example;
            }
        }
    }
    if schema.get("enum").is_some() {
        schema["example"] = schema["enum"][0].clone();
    }
}

fn is_array(schema: &Json) -> bool {
    schema["type"] == "array" || schema["type"].as_array().is_some_and(|types| types.contains(&json!("array")))
}

/// Returns an example of an array of plain values, with as many items as it must have.
fn of_array(title: &str, name: &str, schema: &Json) -> Option<Json> {
    let items = &schema["items"];
    if items.get("$ref").is_some() {
        return None;
    }
    let least = schema["minItems"].as_u64().unwrap_or(1).max(1);
    let one = examples::of(title, name, items)?;
    Some((0..least).map(|n| examples::another(&one, n)).collect())
}
