//! The OpenAPI document of one workspace, in which `custom_fields` has the types of the workspace's custom fields.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value returns null for an absent member, or adds it")]
use crate::http::enums::pascal;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::resource;
use crate::kernel::fields::custom::{CustomField, CustomKind};
use serde_json::{Map, Value as Json, json};

/// Replaces the general type of values by one schema per field, with `key` as the discriminator.
pub fn typed(mut document: Json, actor: &Actor) -> Json {
    let with_fields = resource::all().filter(|resource| resource.custom_fields);
    for (record, name) in with_fields.filter_map(|resource| Some((resource.kind?, resource.described?.1))) {
        if actor.require_read(record.path()).is_err() {
            continue;
        }
        let shown = |field: &&CustomField| !actor.access.hides(record.path(), &field.path);
        let all: Vec<&CustomField> = actor.settings.custom.of(record).map(AsRef::as_ref).filter(shown).collect();
        // Archived fields occur in responses but not in requests.
        let living: Vec<&CustomField> = all.iter().copied().filter(|field| !field.archived).collect();
        let schemas = &mut document["components"]["schemas"];
        if let Some(answer) = union(schemas, name, &all, false) {
            schemas[name]["properties"]["custom_fields"]["items"] = reference(&answer);
        }
        if let Some(given) = union(schemas, name, &living, true) {
            for body in [format!("{name}Create"), format!("{name}Update")] {
                schemas[body]["properties"]["custom_fields"]["items"] = reference(&given);
            }
        }
    }
    document
}

fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Adds a schema for each field and a union of them, and returns the name of the union.
fn union(schemas: &mut Json, record: &str, fields: &[&CustomField], input: bool) -> Option<String> {
    if fields.is_empty() {
        return None;
    }
    let end = if input { "Input" } else { "" };
    let (mut options, mut mapping) = (Vec::new(), Map::new());
    for field in fields {
        let name = format!("{record}Cf{}{end}", pascal(&field.key));
        schemas[&name] = value(field, input);
        options.push(reference(&name));
        mapping.insert(field.key.clone(), json!(format!("#/components/schemas/{name}")));
    }
    let name = format!("{record}CustomFields{end}");
    schemas[&name] = json!({ "oneOf": options, "discriminator": { "propertyName": "key", "mapping": mapping } });
    Some(name)
}

fn value(field: &CustomField, input: bool) -> Json {
    let member = field.kind.member();
    let mut held = match field.kind {
        CustomKind::Number => json!({ "type": "number", "format": "double" }),
        CustomKind::Money => reference("Money"),
        CustomKind::Date => json!({ "type": "string", "format": "date" }),
        CustomKind::Boolean => json!({ "type": "boolean" }),
        CustomKind::User | CustomKind::Reference => json!({ "type": "string", "format": "uuid" }),
        CustomKind::MultiChoice => json!({ "type": "array", "items": { "type": "string" } }),
        _ => json!({ "type": "string" }),
    };
    if input {
        // Responses can contain removed options.
        match field.kind {
            CustomKind::Choice => held["enum"] = json!(field.options),
            CustomKind::MultiChoice => held["items"]["enum"] = json!(field.options),
            _ => {}
        }
    }
    let required = if input { json!(["key"]) } else { json!(["key", member]) };
    json!({ "type": "object", "description": field.name, "required": required,
        "properties": { "key": { "type": "string", "enum": [field.key] }, member: held } })
}
