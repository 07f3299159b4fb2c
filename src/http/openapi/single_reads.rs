//! Adds the `include` parameter of a list to the operation that gets one record, and the member `included` to its
//! response.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value returns null for an absent member, or adds it")]
use crate::http::openapi::inquiry::Signatures;
use crate::http::openapi::references;
use crate::kernel::access::resource;
use crate::web::signature::Part;
use serde_json::{Value as Json, json};
use std::collections::{BTreeSet, HashMap};

/// The member with the included records of a single record.
pub const INCLUDED: &str = "included";

/// Adds the parameter to the operations whose handlers take it, and returns their response schemas.
pub fn add_parameters(document: &mut Json, signatures: &Signatures) -> BTreeSet<String> {
    let lists = of_lists(document);
    let mut answered = BTreeSet::new();
    for ((path, method), _) in signatures.iter().filter(|(_, signature)| signature.takes(Part::Include)) {
        let operation = &mut document["paths"][path][method];
        let Some(name) = references::answered(operation).map(str::to_owned) else { continue };
        if let (Some(include), Some(parameters)) = (lists.get(&name), operation["parameters"].as_array_mut()) {
            let mut include = include.clone();
            let names = include_names(&name);
            if !names.is_empty() {
                let pattern = format!("^({})$", names.join("|").replace('.', "\\."));
                include["schema"]["items"] = json!({ "type": "string", "pattern": pattern });
                include["description"] = json!(MEANING);
            }
            parameters.push(include);
            answered.insert(name);
        }
    }
    answered
}

const MEANING: &str =
    "Records to add to `included`; with a path such as `contacts.company` also those that they refer to.";

/// Returns what the read of a record with this schema can include.
fn include_names(schema: &str) -> Vec<String> {
    let described = resource::all().filter_map(|resource| resource.described).find(|(_, shown)| *shown == schema);
    described.map(|(fields, _)| fields.include_names()).unwrap_or_default()
}

/// Returns the parameter `include` of each list, by the schema of its records.
fn of_lists(document: &Json) -> HashMap<String, Json> {
    let schemas = &document["components"]["schemas"];
    let of_list = |operation: &Json| {
        let include = operation["parameters"].as_array()?.iter().find(|parameter| parameter["name"] == "include")?;
        let page = &schemas[references::answered(operation)?];
        Some((references::name_of(&page["properties"]["data"]["items"])?.to_owned(), include.clone()))
    };
    references::operations(document).filter_map(of_list).collect()
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
