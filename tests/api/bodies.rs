//! Builds a body for every operation from the document, with any value at any place.
use crate::support::client::DOCUMENT;
use crate::support::unique;
use serde_json::{Map, Value as Json, json};

pub const NOBODY: &str = "0192f0c1-2d3e-7a4b-8c5d-6e7f80910000";

/// An operation that takes JSON.
pub struct Taking {
    pub id: &'static str,
    pub method: String,
    /// The path under `/api/v1`, with parameter names.
    pub path: &'static str,
    pub schema: &'static str,
    pub public: bool,
}

pub fn taking() -> Vec<Taking> {
    let mut found = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, op) in item.as_object().unwrap() {
            let body = &op["requestBody"]["content"]["application/json"]["schema"];
            let Some(schema) = named(body) else { continue };
            found.push(Taking {
                id: op["operationId"].as_str().unwrap(),
                method: method.to_uppercase(),
                path: path.strip_prefix("/api/v1").unwrap(),
                schema,
                public: op["security"] == json!([]),
            });
        }
    }
    assert!(found.len() > 80, "{}", found.len());
    found
}

pub fn schemas() -> &'static Map<String, Json> {
    DOCUMENT["components"]["schemas"].as_object().unwrap()
}

fn named(schema: &'static Json) -> Option<&'static str> {
    schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next())
}

/// Returns the named schema of a member: direct, in a list, or nullable.
pub fn made_of(property: &'static Json) -> Option<&'static str> {
    let choice = || property["oneOf"].as_array().into_iter().flatten().find_map(named);
    named(property).or_else(|| named(&property["items"])).or_else(choice)
}

/// Returns the paths of the wanted members, outermost name first.
pub fn places(schema: &str, depth: usize, wanted: &dyn Fn(&str, &'static Json) -> bool) -> Vec<Vec<&'static str>> {
    let mut found = Vec::new();
    for (member, property) in schemas()[schema]["properties"].as_object().into_iter().flatten() {
        if wanted(member, property) {
            found.push(vec![member.as_str()]);
        } else if depth > 0
            && let Some(inner) = made_of(property)
        {
            found.extend(
                places(inner, depth - 1, wanted).into_iter().map(|rest| [vec![member.as_str()], rest].concat()),
            );
        }
    }
    found
}

/// Returns members that a body needs although its schema does not require them.
fn more(schema: &str) -> Json {
    match schema {
        "ContactCreate" => json!({ "first_name": "A" }),
        "LeadCreate" => json!({ "title": "L" }),
        "ActivityCreate" => json!({ "type": "call" }),
        "CustomFieldCreate" => json!({ "resource": "deals", "key": unique("field"), "name": "F", "kind": "text" }),
        "RetentionRuleCreate" => {
            let old = json!({ "field": "updated_at", "op": "lt", "values": ["today-9y"] });
            json!({ "resource": "contacts", "selection": { "all": [old] } })
        }
        "SegmentCreate" => json!({ "resource": "deals", "name": unique("segment"), "kind": "static" }),
        _ => json!({}),
    }
}

/// Builds a body with the required members and `value` at `place`. For a list member, a list replaces it, and any
/// other value becomes its only item. `own` supplies ids for members.
pub fn body(schema: &str, place: &[&str], value: &Json, own: &dyn Fn(&str) -> Option<String>) -> Json {
    let mut body = json!({});
    let properties = &schemas()[schema]["properties"];
    let required = schemas()[schema]["required"].as_array().into_iter().flatten().filter_map(Json::as_str);
    for member in required.filter(|member| place.first() != Some(member)) {
        let property = &properties[member];
        body[member] = match (own(member), property.get("example"), made_of(property)) {
            (Some(id), _, _) => json!(id),
            (None, Some(example), _) => example.clone(),
            (None, None, Some(inner)) => {
                let inner = match schemas()[inner]["enum"].get(0) {
                    Some(first) => first.clone(),
                    None => self::body(inner, &[], value, own),
                };
                if property.get("items").is_some() { json!([inner]) } else { inner }
            }
            (None, None, None) => panic!("no example of {schema}.{member}"),
        };
    }
    body.as_object_mut().unwrap().extend(more(schema).as_object().unwrap().clone());
    if let Some((member, rest)) = place.split_first() {
        let property = &properties[*member];
        let inner = match (rest, made_of(property)) {
            ([], _) => value.clone(),
            (rest, Some(inner)) => self::body(inner, rest, value, own),
            (_, None) => panic!("{schema}.{member} has no members"),
        };
        let wrapped = property.get("items").is_some() && !inner.is_array();
        body[*member] = if wrapped { json!([inner]) } else { inner };
    }
    body
}

/// Returns the JSON pointer of a place in such a body.
pub fn pointer(body: &Json, place: &[&str]) -> String {
    let (mut at, mut pointer) = (body, String::new());
    for member in place {
        pointer.push('/');
        pointer.push_str(member);
        at = &at[*member];
        if at.is_array() {
            pointer.push_str("/0");
            at = &at[0];
        }
    }
    pointer
}

/// Fills an id into the path; uses an unknown id where `own` has none.
pub fn filled(path: &str, own: &dyn Fn(&str) -> Option<String>) -> String {
    let part = |part: &str| match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
        Some(name) => own(name).unwrap_or_else(|| NOBODY.to_owned()),
        None => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}
