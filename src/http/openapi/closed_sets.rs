//! Adds patterns for closed sets and single-line texts to the OpenAPI document, so that clients know these rules.
use crate::intake::imports::date_formats::DATE_FORMATS;
use crate::kernel::access::resource::{guarded, hideable, scopes};
use crate::kernel::bodies::shape::LINE_MAX;
use crate::kernel::fields::custom::OWN_FIELD;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

/// Any character except control characters.
const PRINTED: &str = r"[^\u0000-\u001f\u007f-\u009f]";

/// Adds the patterns to the schemas of request bodies.
pub fn add(schemas: &mut Map<String, Json>) {
    let resources = guarded().map(|(name, _)| name);
    let hiding = hideable().map(|resource| resource.name);
    let hideable = hideable().flat_map(|resource| resource.hideable).map(|field| field.name);
    let own = format!("{}{PRINTED}*", OWN_FIELD.replace('.', "\\."));
    for (schema, member, pattern) in [
        ("ApiKeyCreate", "/scopes/items", one_of(scopes().iter().map(String::as_str), None)),
        ("Grant", "/resource", one_of(resources, None)),
        ("HiddenField", "/resource", one_of(hiding, None)),
        ("HiddenField", "/field", one_of(hideable, Some(&own))),
        ("ImportSettings", "/date_format", one_of(DATE_FORMATS.iter().map(|(name, _)| *name), None)),
        ("ImportSettingsInput", "/date_format", one_of(DATE_FORMATS.iter().map(|(name, _)| *name), None)),
    ] {
        let properties = schemas.get_mut(schema).map(|schema| &mut schema["properties"]);
        if let Some(member) = properties.and_then(|properties| properties.pointer_mut(member)) {
            member["pattern"] = json!(pattern);
        }
    }
}

/// Adds the pattern of a single-line text to a short text or a list of such.
pub fn one_line(schema: &mut Json) {
    let schema = if schema["items"].is_object() { &mut schema["items"] } else { schema };
    let short = schema["maxLength"].as_u64().is_some_and(|max| max <= LINE_MAX);
    if short && schema.get("pattern").is_none() && schema.get("format").is_none() {
        schema["pattern"] = json!(format!("^{PRINTED}*$"));
    }
}

fn one_of<'t>(names: impl Iterator<Item = &'t str>, more: Option<&'t str>) -> String {
    // Sorted and without duplicates, so that the document is stable.
    let names: BTreeSet<&str> = names.chain(more).collect();
    format!("^({})$", names.into_iter().collect::<Vec<_>>().join("|"))
}
