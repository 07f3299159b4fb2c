//! Validators for the schemas of the document, each compiled once with only the schemas that it references.
use super::client::DOCUMENT;
use serde_json::{Map, Value as Json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

const PREFIX: &str = "#/components/schemas/";

pub fn validator(schema: &Json) -> Arc<jsonschema::Validator> {
    static COMPILED: Mutex<Option<HashMap<String, Arc<jsonschema::Validator>>>> = Mutex::new(None);
    let name = schema.to_string();
    let compiled = || COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = compiled().get_or_insert_with(HashMap::new).get(&name) {
        return known.clone();
    }
    let mut reached = Map::new();
    reach(schema, &mut reached);
    let mut whole = schema.clone();
    whole["components"]["schemas"] = Json::Object(reached);
    let new = Arc::new(jsonschema::validator_for(&whole).unwrap());
    compiled().get_or_insert_with(HashMap::new).insert(name, new.clone());
    new
}

/// Collects the referenced schemas.
fn reach(value: &Json, found: &mut Map<String, Json>) {
    match value {
        Json::Object(members) => {
            let name = members.get("$ref").and_then(Json::as_str).and_then(|to| to.strip_prefix(PREFIX));
            if let Some(name) = name.filter(|name| !found.contains_key(*name)) {
                let schema = &DOCUMENT["components"]["schemas"][name];
                found.insert(name.to_owned(), schema.clone());
                reach(schema, found);
            }
            members.values().for_each(|inner| reach(inner, found));
        }
        Json::Array(list) => list.iter().for_each(|inner| reach(inner, found)),
        _ => {}
    }
}
