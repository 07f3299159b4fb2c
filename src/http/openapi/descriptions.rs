//! The descriptions of operations.
use serde_json::{Map, Value as Json, json};

/// Adds a description to an operation that still has none.
pub fn complete(operation: &mut Json) {
    if operation.get("description").is_none() {
        operation["description"] = operation["summary"].clone();
    }
}

/// Appends a paragraph to the description.
pub fn append(operation: &mut Json, paragraph: &str) {
    let before = operation["description"].as_str().map(|d| format!("{d}\n\n")).unwrap_or_default();
    operation["description"] = json!(format!("{before}{paragraph}"));
}

/// Replaces a placeholder in the descriptions of all operations.
pub fn fill_in(document: &mut Json, placeholder: &str, text: &str) {
    let items = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for operation in items.filter_map(Json::as_object_mut).flat_map(Map::values_mut) {
        if let Some(description) = operation["description"].as_str().filter(|text| text.contains(placeholder)) {
            operation["description"] = json!(description.replace(placeholder, text));
        }
    }
}
