//! Gives each closed set in the document one name, so that generated clients have one type for it and names do not
//! clash.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value returns null for an absent member, or adds it")]
use crate::kernel::values::choice::choices_of;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

/// Names the sets of parameters, and the values of all sets.
pub fn name(document: &mut Json) {
    let mut schemas = document["components"]["schemas"].take();
    if let (Some(paths), Some(schemas)) = (document["paths"].as_object_mut(), schemas.as_object_mut()) {
        for (path, item) in paths {
            let operations = item.as_object_mut().into_iter().flat_map(Map::values_mut);
            operations.for_each(|operation| name_parameters(path, operation, schemas));
        }
        schemas.iter_mut().for_each(|(name, schema)| name_words(name, schema));
    }
    document["components"]["schemas"] = schemas;
}

fn name_parameters(path: &str, operation: &mut Json, schemas: &mut Map<String, Json>) {
    let tag = operation["tags"][0].as_str().unwrap_or_default().to_owned();
    let parameters = operation.get_mut("parameters").and_then(Json::as_array_mut).into_iter().flatten();
    for parameter in parameters.filter(|parameter| parameter["in"] == "query" || parameter["in"] == "path") {
        let asked = parameter["name"].as_str().unwrap_or_default().to_owned();
        let schema = &mut parameter["schema"];
        let one = if schema["type"] == "array" { &mut schema["items"] } else { schema };
        let Some(words) = words_of(one) else { continue };
        let name = set_of(&words, schemas).unwrap_or_else(|| {
            let name = free_name(path, &tag, &asked, schemas);
            let set = json!({ "type": "string", "enum": words, "example": words.first() });
            schemas.insert(name.clone(), set);
            name
        });
        let usual = one.get("default").cloned();
        *one = json!({ "$ref": format!("#/components/schemas/{name}") });
        if let Some(usual) = usual {
            one["default"] = usual;
        }
    }
}

/// Returns an unused name such as `DealsInclude`, or with the last segment of the path, such as `TimelineInclude`.
fn free_name(path: &str, tag: &str, asked: &str, schemas: &Map<String, Json>) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.starts_with('{')).collect();
    let last = parts.last().copied().unwrap_or_default();
    let names = [pascal(tag), pascal(last), format!("{}{}", pascal(tag), pascal(last))];
    let mut names = names.into_iter().map(|name| format!("{name}{}", pascal(asked)));
    names.find(|name| !schemas.contains_key(name)).unwrap_or_default()
}

/// Returns the values of a closed set, also if it is written as a pattern.
fn words_of(schema: &Json) -> Option<Vec<String>> {
    let text = |word: &Json| word.as_str().map(str::to_owned);
    match schema["enum"].as_array() {
        Some(words) => Some(words.iter().filter_map(text).collect()),
        None => schema["pattern"].as_str().and_then(choices_of),
    }
}

/// Finds an existing schema with the same values.
fn set_of(words: &[String], schemas: &Map<String, Json>) -> Option<String> {
    let wanted: BTreeSet<&str> = words.iter().map(String::as_str).collect();
    let has = |schema: &Json| -> BTreeSet<String> { words_of(schema).unwrap_or_default().into_iter().collect() };
    let same = |schema: &Json| has(schema).iter().map(String::as_str).eq(wanted.iter().copied());
    schemas.iter().find(|(_, schema)| schema["enum"].is_array() && same(schema)).map(|(name, _)| name.clone())
}

/// Names the values of a set. Go has one name space for the values of all sets, so `EMAIL` becomes `CHANNEL_EMAIL`.
fn name_words(name: &str, schema: &mut Json) {
    let words = schema["enum"].as_array().into_iter().flatten().filter_map(Json::as_str);
    let names: Vec<String> = words.map(|word| format!("{}_{}", screaming(name), word.to_uppercase())).collect();
    if !names.is_empty() {
        schema["x-enum-varnames"] = json!(names);
    }
}

/// Converts `TaskStatus` to `TASK_STATUS`.
fn screaming(name: &str) -> String {
    let letter = |(n, letter): (usize, char)| {
        let gap = (n > 0 && letter.is_uppercase()).then_some('_');
        gap.into_iter().chain(letter.to_uppercase())
    };
    name.chars().enumerate().flat_map(letter).collect()
}

/// Converts `api-keys` to `ApiKeys`.
pub fn pascal(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    name.split(['-', '_']).map(word).collect()
}
