//! Follows the references between schemas.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value returns null for an absent member, or adds it")]
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// Returns the names of the schemas that are reachable from one part of the operations.
pub fn reachable(document: &Json, part: &str) -> BTreeSet<String> {
    let mut open = Vec::new();
    for operation in operations(document) {
        refs(&operation[part], &mut open);
    }
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        if seen.insert(name.clone()) {
            refs(&document["components"]["schemas"][&name], &mut open);
        }
    }
    seen
}

/// Returns all operations.
pub fn operations(document: &Json) -> impl Iterator<Item = &Json> {
    let items = document["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    items.filter_map(Json::as_object).flat_map(|item| item.values())
}

/// Returns the name of the schema of a JSON response with the status 200.
pub fn answered(operation: &Json) -> Option<&str> {
    name_of(&operation["responses"]["200"]["content"]["application/json"]["schema"])
}

/// Returns the name of a referenced schema.
pub fn name_of(schema: &Json) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

fn refs(value: &Json, found: &mut Vec<String>) {
    match value {
        Json::Object(members) => {
            found.extend(name_of(value).map(str::to_owned));
            members.values().for_each(|v| refs(v, found));
        }
        Json::Array(list) => list.iter().for_each(|v| refs(v, found)),
        _ => {}
    }
}

/// Replaces references to one schema by references to another.
pub fn redirect(value: &mut Json, from: &str, to: &str) {
    match value {
        Json::String(text) if text == from => *text = to.to_owned(),
        Json::Array(list) => list.iter_mut().for_each(|v| redirect(v, from, to)),
        Json::Object(members) => members.values_mut().for_each(|v| redirect(v, from, to)),
        _ => {}
    }
}
