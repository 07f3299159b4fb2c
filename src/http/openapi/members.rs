//! The members of the records of each resource, as the OpenAPI document describes them.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value returns null for an absent member, or adds it")]
use crate::http::openapi::single_reads::INCLUDED;
use crate::kernel::access::resource;
use crate::kernel::fields::kind::Kind;
use serde::Serialize;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// A field of a resource.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct SchemaField {
    /// The name in filters, sorting and conditions. For a custom field, `cf.` and its key.
    pub name: String,
    /// The display name of a custom field; null for other fields.
    pub label: Option<String>,
    pub description: Option<String>,
    /// One of `text`, `integer`, `number`, `boolean`, `date`, `instant`, `uuid`, `money`, `words`, `list`, `object`.
    /// More types can be added.
    pub r#type: String,
    /// The member of the record that contains the field. Empty for a filter that no member shows, such as `rotting`.
    pub member: String,
    /// Whether it is a custom field.
    pub custom: bool,
    pub nullable: bool,
    /// The allowed values. Empty if there is no closed set.
    pub choices: Vec<String>,
    /// The filter operators. Empty if the field cannot be used in filters.
    pub operators: Vec<String>,
    pub sortable: bool,
    /// The resource to which the field refers.
    pub refers_to: Option<String>,
    /// The name of the referenced record in `include`.
    pub include: Option<String>,
    /// Whether it is required to create a record.
    pub required: bool,
    pub on_create: bool,
    pub on_update: bool,
    pub max_length: Option<i32>,
    /// Fields with the same group name belong together in a form.
    pub group_name: Option<String>,
    /// Stages that require this field.
    pub required_stage_ids: Vec<Uuid>,
}

/// Returns the members of the records of each resource.
pub fn of(document: &Json) -> HashMap<Kind, Vec<SchemaField>> {
    let schemas = &document["components"]["schemas"];
    let described = |(kind, name): (Kind, &str)| {
        let (create, update) = (&schemas[creation(name)], &schemas[format!("{}Update", plain(name))]);
        let shown = schemas[name]["properties"].as_object().into_iter().flatten();
        let shown = shown.filter(|(member, _)| !matches!(member.as_str(), "custom_fields" | INCLUDED));
        (kind, shown.map(|(member, shown)| member_of(schemas, member, shown, create, update)).collect())
    };
    resource::all().filter_map(|resource| Some((resource.kind?, resource.described?.1))).map(described).collect()
}

/// Returns the name without its prefix: the create body of `CrmTask` is `TaskCreate`.
fn plain(name: &str) -> &str {
    name.trim_start_matches("Crm")
}

fn creation(name: &str) -> String {
    format!("{}Create", plain(name))
}

fn member_of(schemas: &Json, name: &str, shown: &Json, create: &Json, update: &Json) -> SchemaField {
    let types = shown["type"].as_array();
    let of_two = shown["oneOf"].as_array();
    let null = |option: &Json| option["type"] == "null";
    let nullable = types.is_some_and(|t| t.contains(&json!("null"))) || of_two.is_some_and(|o| o.iter().any(null));
    let choices = named(shown).map(|inner| &schemas[&inner]["enum"]).and_then(Json::as_array);
    let text = |json: &Json| json.as_str().map(str::to_owned);
    let given = &create["properties"][name];
    SchemaField {
        name: name.to_owned(),
        member: name.to_owned(),
        description: text(&shown["description"]),
        r#type: type_of(shown, choices.is_some()).into(),
        nullable,
        choices: choices.into_iter().flatten().filter_map(text).collect(),
        required: create["required"].as_array().is_some_and(|required| required.contains(&json!(name))),
        on_create: !given.is_null(),
        on_update: !update["properties"][name].is_null(),
        max_length: given["maxLength"].as_i64().and_then(|length| i32::try_from(length).ok()),
        ..SchemaField::default()
    }
}

/// Returns the type of a member as in `SchemaField`.
fn type_of(schema: &Json, chosen: bool) -> &'static str {
    let first = schema["type"].as_array().and_then(|types| types.iter().find(|t| *t != "null"));
    let kind = first.or(Some(&schema["type"])).and_then(Json::as_str).unwrap_or_default();
    match (kind, schema["format"].as_str().unwrap_or_default()) {
        ("string", "uuid") => "uuid",
        ("string", "date") => "date",
        ("string", "date-time") => "instant",
        ("string", _) => "text",
        ("integer", _) => "integer",
        ("number", _) => "number",
        ("boolean", _) => "boolean",
        ("array", _) if schema["items"]["type"] == "string" => "words",
        ("array", _) => "list",
        _ if chosen => "text",
        _ if named(schema).as_deref() == Some("Money") => "money",
        _ => "object",
    }
}

/// Returns the name of the referenced schema: directly, in the items of a list, or in one of two choices.
fn named(schema: &Json) -> Option<String> {
    let of = |schema: &Json| schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()).map(str::to_owned);
    let choice = || schema["oneOf"].as_array().into_iter().flatten().find_map(of);
    of(schema).or_else(|| of(&schema["items"])).or_else(choice)
}
