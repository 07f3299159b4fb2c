//! Lists the event types in the document, each with the members that its changes can contain.
use crate::http::openapi::references::{answered, operations};
use crate::kernel::fields::kind::Kind;
use crate::records::event_types;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Members that events do not contain because they change with every write, and the member with custom fields.
const OMITTED: [&str; 6] = ["id", "version", "updated_at", "last_activity_at", "next_task", OWN_FIELDS];
const OWN_FIELDS: &str = "custom_fields";

/// Returns a Markdown table of the event types of each kind of record and the members of `changes`.
pub fn table(document: &Json) -> String {
    let mut verbs: BTreeMap<&str, (Kind, Vec<String>)> = BTreeMap::new();
    for (kind, name) in event_types::all() {
        verbs.entry(kind.as_str()).or_insert_with(|| (kind, Vec::new())).1.push(format!("`{name}`"));
    }
    let line = |(_, (kind, names)): (&str, (Kind, Vec<String>))| {
        format!("| {} | {} |", names.join(", "), members(document, kind).join(", "))
    };
    let lines: Vec<String> = verbs.into_iter().map(line).collect();
    format!("| Types | Members of `changes` |\n|---|---|\n{}", lines.join("\n"))
}

/// Returns the members of the records of a kind, from the schema of the operation that gets one.
fn members(document: &Json, kind: Kind) -> Vec<String> {
    let permission = format!("{}:read", kind.path());
    let reads = operations(document).filter(|operation| {
        operation.get("x-required-permission").and_then(Json::as_str).is_some_and(|required| required == permission)
    });
    let properties = |name: &str| document.pointer(&format!("/components/schemas/{name}/properties"))?.as_object();
    let shown = reads.filter_map(answered).filter_map(properties).find(|properties| properties.contains_key("id"));
    let names: Vec<&String> = shown.into_iter().flat_map(|properties| properties.keys()).collect();
    let own = names.iter().any(|name| *name == OWN_FIELDS).then(|| "`cf.` and the key".to_owned());
    names.iter().filter(|name| !OMITTED.contains(&name.as_str())).map(|name| format!("`{name}`")).chain(own).collect()
}
