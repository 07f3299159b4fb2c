//! The columns that follow from the type of the rows, for files: in the order of its members, nested members as `a.b`.
use serde_json::Value as Json;
use std::collections::HashMap;
use utoipa::ToSchema;

/// The member of figures with the list queries of their records, which files do not contain.
const DRILL_DOWN: &str = "drill_down";

/// A member of the row type, from which columns are made.
#[derive(Debug)]
pub(in crate::kernel) enum Member {
    Value(String),
    Instant(String),
    Money(String),
    /// Amounts in several currencies.
    Sums(String),
    List(String),
    OwnFields,
}

/// Returns the members of a type according to its schema.
pub(in crate::kernel) fn members_of<R: ToSchema>() -> Vec<Member> {
    let mut schemas = Vec::new();
    R::schemas(&mut schemas);
    let json = |schema| serde_json::to_value(schema).unwrap_or_default();
    let known: HashMap<String, Json> = schemas.into_iter().map(|(name, schema)| (name, json(schema))).collect();
    let mut members = Vec::new();
    describe("", &json(R::schema()), &known, &mut members);
    members
}

fn describe(name: &str, property: &Json, known: &HashMap<String, Json>, members: &mut Vec<Member>) {
    let (of, schema) = resolve(property, known);
    let inside = |part: &String| if name.is_empty() { part.clone() } else { format!("{name}.{part}") };
    if name == DRILL_DOWN {
        return;
    }
    if name == "custom_fields" {
        members.push(Member::OwnFields);
    } else if of == Some("Money") {
        members.push(Member::Money(name.to_owned()));
    } else if let Some(items) = schema.get("items") {
        let sums = resolve(items, known).0 == Some("Money");
        members.push(if sums { Member::Sums(name.to_owned()) } else { Member::List(name.to_owned()) });
    } else if let Some(parts) = schema.get("properties").and_then(Json::as_object) {
        parts.iter().for_each(|(part, inner)| describe(&inside(part), inner, known, members));
    } else if schema.get("format").and_then(Json::as_str) == Some("date-time") {
        members.push(Member::Instant(name.to_owned()));
    } else {
        members.push(Member::Value(name.to_owned()));
    }
}

/// Returns the schema of a property and its name, also if the property is nullable.
fn resolve<'s>(property: &'s Json, known: &'s HashMap<String, Json>) -> (Option<&'s str>, &'s Json) {
    let choices = ["oneOf", "allOf", "anyOf"].iter().find_map(|word| property.get(*word)?.as_array());
    let named = choices.and_then(|list| list.iter().find(|one| one.get("$ref").is_some())).unwrap_or(property);
    let name = named.get("$ref").and_then(Json::as_str).and_then(|path| path.rsplit('/').next());
    (name, name.and_then(|name| known.get(name)).unwrap_or(named))
}

/// Returns the value at a path such as `a.b`.
pub(in crate::kernel) fn at<'r>(row: &'r Json, path: &str) -> Option<&'r Json> {
    path.split('.').try_fold(row, |value, part| value.get(part))
}
