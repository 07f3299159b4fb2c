//! Adds the `include` parameter of a list to the operation that gets one record, and the member `included` to its
//! response.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value returns null for an absent member, or adds it")]
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// The member with the included records of a single record.
pub const INCLUDED: &str = "included";

/// Adds the parameter to operations that get one record, and returns their response schemas.
pub fn add_parameters(document: &mut Json) -> BTreeSet<String> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let found: Vec<(String, Json)> = paths
        .filter_map(|(path, item)| {
            let (list, _) = path.strip_suffix('}')?.rsplit_once("/{")?;
            let parameters = document["paths"][list]["get"]["parameters"].as_array()?;
            let include = parameters.iter().find(|parameter| parameter["name"] == "include")?;
            item["get"].is_object().then(|| (path.clone(), include.clone()))
        })
        .collect();
    let mut answered = BTreeSet::new();
    for (path, include) in found {
        let operation = &mut document["paths"][&path]["get"];
        let schema = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].as_str();
        answered.extend(schema.and_then(|name| name.rsplit('/').next()).map(str::to_owned));
        if let Some(list) = operation["parameters"].as_array_mut() {
            list.push(include);
        }
    }
    answered
}

/// Adds the member to the schemas. It is present only if `include` is given, and never in lists.
pub fn add_members(schemas: &mut serde_json::Map<String, Json>, answered: &BTreeSet<String>) {
    for (_, schema) in schemas.iter_mut().filter(|(name, _)| answered.contains(*name)) {
        schema["properties"][INCLUDED] = json!({
            "$ref": "#/components/schemas/Included",
            "description": "The included records. Present only when a single record is requested with `include`.",
        });
    }
}
