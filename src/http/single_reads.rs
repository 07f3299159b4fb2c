//! What a list can include, a read of one of its records can, too: the parameter, and the member of the answer with the names.
#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member it lacks, and takes a new one")]
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// The member of a record that is read by itself.
pub const INCLUDED: &str = "included";

/// Gives the reads of one record the parameter of their list, and returns the schemas that they answer.
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

/// Gives the records their member. It is there when it was asked for, and in no list.
pub fn add_members(schemas: &mut serde_json::Map<String, Json>, answered: &BTreeSet<String>) {
    for (_, schema) in schemas.iter_mut().filter(|(name, _)| answered.contains(*name)) {
        schema["properties"][INCLUDED] = json!({
            "$ref": "#/components/schemas/Included",
            "description": "Of a record that is read by itself with `include`: the names of the records that it names.",
        });
    }
}
