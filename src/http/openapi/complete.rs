//! Adds to the document what all operations have in common: tag, scope, problems, headers, required members,
//! examples.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value returns null for an absent member, or adds it")]
use crate::http::openapi::inquiry::Signatures;
use crate::http::openapi::{closed_sets, enums, event_types, examples, operation_examples, single_reads};
use crate::kernel::access::resource;
use crate::kernel::access::resource::scopes;
use crate::kernel::bodies::shape::is_patch;
use crate::web::signature::Signature;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

/// The tags of operations that do not belong to a resource, before and after the resources.
const TAGS_BEFORE: [(&str, &str); 2] =
    [("auth", "Registration, sign-in, token refresh and sign-out."), ("me", "The signed-in user.")];
const TAGS_AFTER: [(&str, &str); 2] =
    [("currencies", "ISO 4217 codes and their exponents."), ("error-codes", "All error codes.")];

/// Returns the tags and their descriptions, in the order of the document. The tag of an operation is the first
/// segment of its path.
fn tags() -> impl Iterator<Item = (&'static str, &'static str)> {
    let resources = resource::all().map(|resource| (resource.name, resource.about));
    TAGS_BEFORE.into_iter().chain(resources).chain(TAGS_AFTER)
}

/// A resource without versions: API keys are created and revoked, but never updated.
const UNVERSIONED: &str = "api-keys";

/// A schema whose members are not all present in a response: each error code has its own parameters.
const SPARSE: &str = "ErrorParams";

/// Adds everything to the document.
pub fn complete(document: &mut Json, signatures: &Signatures) {
    let outputs = reachable(document, "responses");
    split_shared(document, &outputs);
    let inputs = reachable(document, "requestBody");
    let versioned = versioned(document);
    let mut used = BTreeSet::new();
    let single = single_reads::add_parameters(document);
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths.iter_mut() {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                let signature = signatures.get(&(path.clone(), method.clone())).copied().unwrap_or_default();
                used.insert(complete_operation(path, method, operation, signature, &versioned));
            }
        }
    }
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        for (name, schema) in schemas.iter_mut() {
            complete_schema(
                name,
                schema,
                inputs.contains(name),
                outputs.contains(name) || name.ends_with("Error") || name == "Problem",
            );
        }
        for (name, schema) in schemas.iter_mut() {
            add_examples(name, schema, !inputs.contains(name));
        }
        closed_sets::add(schemas);
    }
    let types = event_types::table(document);
    if let Some(list) = document.pointer_mut("/paths/~1api~1v1~1events/get") {
        describe(list, &types);
    }
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        single_reads::add_members(schemas, &single);
    }
    enums::name(document);
    operation_examples::add(document);
    let tags = tags().filter(|(name, _)| used.contains(*name));
    document["tags"] = tags.map(|(name, description)| json!({ "name": name, "description": description })).collect();
    document["components"]["securitySchemes"] = json!({ "bearer_auth": {
        "type": "http", "scheme": "bearer",
        "description": "An access token (JWT) from `/auth/login`, or an API key `vrk_…`."
    } });
    document["security"] = json!([{ "bearer_auth": [] }]);
}

/// Splits a schema that is used in requests and responses and has optional members: they are always present in a
/// response, but not in a request.
fn split_shared(document: &mut Json, outputs: &BTreeSet<String>) {
    let shared: Vec<String> = reachable(document, "requestBody").intersection(outputs).cloned().collect();
    let optional = |schema: &Json| {
        schema["properties"].as_object().map_or(0, Map::len) > schema["required"].as_array().map_or(0, Vec::len)
    };
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    let twins: Vec<String> = shared.into_iter().filter(|name| schemas.get(name).is_some_and(optional)).collect();
    for name in &twins {
        if let Some(schema) = schemas.get(name).cloned() {
            schemas.insert(format!("{name}Input"), schema);
        }
    }
    for (_, schema) in schemas.iter_mut().filter(|(name, _)| !outputs.contains(*name)) {
        for name in &twins {
            redirect(schema, &format!("#/components/schemas/{name}"), &format!("#/components/schemas/{name}Input"));
        }
    }
}

fn redirect(value: &mut Json, from: &str, to: &str) {
    match value {
        Json::String(text) if text == from => *text = to.to_owned(),
        Json::Array(list) => list.iter_mut().for_each(|v| redirect(v, from, to)),
        Json::Object(members) => members.values_mut().for_each(|v| redirect(v, from, to)),
        _ => {}
    }
}

/// Returns the names of the schemas that are reachable from one part of the operations.
fn reachable(document: &Json, part: &str) -> BTreeSet<String> {
    let mut open = Vec::new();
    for item in document["paths"].as_object().into_iter().flatten() {
        for operation in item.1.as_object().into_iter().flatten() {
            refs(&operation.1[part], &mut open);
        }
    }
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        if seen.insert(name.clone()) {
            refs(&document["components"]["schemas"][&name], &mut open);
        }
    }
    seen
}

fn refs(value: &Json, found: &mut Vec<String>) {
    match value {
        Json::Object(members) => {
            if let Some(name) = members.get("$ref").and_then(Json::as_str).and_then(|r| r.rsplit('/').next()) {
                found.push(name.to_owned());
            }
            members.values().for_each(|v| refs(v, found));
        }
        Json::Array(list) => list.iter().for_each(|v| refs(v, found)),
        _ => {}
    }
}

/// Completes one operation and returns its tag.
fn complete_operation(
    path: &str,
    method: &str,
    operation: &mut Json,
    signature: Signature,
    versioned: &BTreeSet<String>,
) -> String {
    let parts: Vec<&str> = path.trim_start_matches("/api/v1/").split('/').collect();
    let tag = parts.first().copied().unwrap_or_default().to_owned();
    operation["tags"] = json!([tag]);
    let public = operation["security"].as_array().is_some_and(|s| s.first().is_some_and(|first| first == &json!({})));
    if public {
        operation["security"] = json!([]);
    } else {
        describe_permission(operation, signature);
    }
    if operation.get("description").is_none() {
        operation["description"] = operation["summary"].clone();
    }
    let nested = path.contains('{');
    // A search changes nothing. Sessions and passwords have neither versions nor saved responses.
    let search = path.ends_with("/search");
    let account = tag == "auth";
    let create = method == "post" && !search;
    let change = matches!(method, "patch" | "delete" | "put") && !account && tag != UNVERSIONED;
    let body = operation.get("requestBody").is_some();
    let mut headers = Vec::new();
    if create && !public && !account {
        headers.push((
            "Idempotency-Key",
            "A key of your choice. A repeated request with the same key within 24 hours has no further effect and gets \
             the same response.",
            json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": r#"^([!#-~][!-~]*|"[!#-~]+")$"# }),
            "5f0c2f6e",
        ));
    }
    if change {
        headers.push((
            "If-Match",
            "The ETag of the record as you read it; 412 if the record has changed since. `*` matches any version.",
            json!({ "type": "string", "maxLength": 86, "pattern": r#"^(\*|[0-9]{1,18}|"[0-9]{1,18}(-[0-9a-f]{1,64})?")$"# }),
            "\"1\"",
        ));
    }
    for (name, description, schema, example) in headers {
        let parameter = json!({ "name": name, "in": "header", "required": false, "description": description,
            "schema": schema, "example": example });
        if let Some(list) = operation.get_mut("parameters").and_then(Json::as_array_mut) {
            list.push(parameter);
        } else {
            operation["parameters"] = json!([parameter]);
        }
    }
    for parameter in operation.get_mut("parameters").and_then(Json::as_array_mut).into_iter().flatten() {
        complete_parameter(parameter);
    }
    let mut problems = vec![
        (400, "The request is malformed"),
        (401, "The token is missing or invalid"),
        (403, "Your role or scope does not permit this"),
    ];
    if public && tag != "auth" {
        problems.clear();
    }
    if nested || tag == "workspaces" || path.ends_with("/switch") {
        problems.push((404, "The record does not exist, or you may not see it"));
    }
    if create || change {
        problems.push((409, "The request conflicts with the state of the record"));
    }
    if create || change || search {
        problems.push((422, "The body is invalid"));
    }
    if change || path.ends_with("/move") {
        problems.push((412, "The record has changed since you read it"));
    }
    if body {
        problems.push((413, "The body is too large"));
        problems.push((415, "The body is not JSON"));
    }
    if only_json(operation) {
        problems.push((406, "The client accepts neither JSON nor CSV"));
        describe(operation, "Returns CSV with `Accept: text/csv`.");
    }
    if change && (path.ends_with("-order") || path.contains("/pipelines/") || path.contains("/custom-fields/")) {
        problems.push((428, "The header If-Match with a version is required"));
    }
    if let Some(responses) = operation["responses"].as_object_mut() {
        complete_success(responses, versioned, method == "get");
        for (status, description) in problems {
            responses.insert(status.to_string(), operation_examples::problem(status, description));
        }
        responses.insert("default".into(), operation_examples::problem(500, "Any other problem"));
    }
    tag
}

/// Appends a sentence to the description.
fn describe(operation: &mut Json, sentence: &str) {
    let before = operation["description"].as_str().map(|d| format!("{d}\n\n")).unwrap_or_default();
    operation["description"] = json!(format!("{before}{sentence}"));
}

/// Removes CSV from the responses, because generated clients support one type per response. Returns whether there was
/// CSV.
fn only_json(operation: &mut Json) -> bool {
    let responses = operation.get_mut("responses").and_then(Json::as_object_mut).into_iter().flatten();
    let mut contents = responses.filter_map(|(_, answer)| answer.get_mut("content").and_then(Json::as_object_mut));
    contents.any(|content| content.remove("text/csv").is_some())
}

/// Adds the scope that an API key requires, and the permission that a role requires, such as `deals:update`.
fn describe_permission(operation: &mut Json, signature: Signature) {
    let Some((resource, action)) = signature.permission else { return };
    let scope = action.scope(resource);
    if scopes().contains(&scope) {
        describe(operation, &format!("Requires the scope `{scope}`."));
        operation["x-required-scope"] = json!(scope);
        operation["x-required-permission"] = json!(format!("{resource}:{}", action.as_str()));
    }
}

/// Returns references to the schemas with a member `version`.
fn versioned(document: &Json) -> BTreeSet<String> {
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
    let versioned = schemas.filter(|(_, schema)| schema["properties"]["version"].is_object());
    versioned.map(|(name, _)| format!("#/components/schemas/{name}")).collect()
}

fn complete_success(responses: &mut Map<String, Json>, versioned: &BTreeSet<String>, read: bool) {
    for (status, answer) in responses.iter_mut() {
        let mut headers =
            json!({ "X-Request-Id": header("The id of this request, which is also in events and logs.") });
        let schema = answer["content"]["application/json"]["schema"]["$ref"].as_str();
        if schema.is_some_and(|name| versioned.contains(name)) {
            headers["ETag"] = header(
                "The version of the record and a digest of the response. Send it as `If-Match` or `If-None-Match`.",
            );
        } else if read && (schema.is_some() || answer["content"]["application/octet-stream"].is_object()) {
            headers["ETag"] =
                header("A digest of the response. Send it as `If-None-Match` to get 304 while nothing has changed.");
        }
        if matches!(status.as_str(), "201" | "202") {
            headers["Location"] = header("The URL of the new record.");
        }
        answer["headers"] = headers;
    }
}

fn header(description: &str) -> Json {
    json!({ "description": description, "required": true, "schema": { "type": "string" } })
}

fn complete_parameter(parameter: &mut Json) {
    let name = parameter["name"].as_str().unwrap_or_default().to_owned();
    // Cursors come only from responses, so an example would be refused.
    if parameter.get("example").is_some() || name == "cursor" {
        return;
    }
    let schema = parameter["schema"].clone();
    let one = if schema["type"] == "array" { &schema["items"] } else { &schema };
    let field = name.split("__").next().unwrap_or_default();
    if let Some(usual) = schema.get("default").filter(|_| name == "sort") {
        parameter["example"] = usual.clone();
        return;
    }
    let example = match one["pattern"].as_str() {
        // Takes the first choice of "^(open|won|lost)$".
        Some(pattern) if pattern.starts_with("^(") => {
            pattern.trim_start_matches("^(").split(['|', ')']).next().map(|c| json!(c.replace('\\', "")))
        }
        _ => examples::of("", field, one),
    };
    if let Some(example) = example {
        parameter["example"] = if schema["type"] == "array" { json!([example]) } else { example };
    }
}

fn complete_schema(name: &str, schema: &mut Json, input: bool, output: bool) {
    if input && schema["type"] == "object" && schema.get("additionalProperties").is_none() {
        schema["additionalProperties"] = json!(false);
    }
    let Some(properties) = schema.get_mut("properties").and_then(Json::as_object_mut) else { return };
    if properties.is_empty() {
        return;
    }
    if input {
        properties.values_mut().for_each(closed_sets::one_line);
    }
    if output && name != SPARSE {
        // A response contains every member, null if empty.
        let all: Vec<String> = properties.keys().cloned().collect();
        schema["required"] = json!(all);
        return;
    }
    if !input {
        return;
    }
    if is_patch(name) {
        let clearable: Vec<String> =
            properties.iter().filter(|(_, s)| admits_null(s)).map(|(n, _)| n.clone()).collect();
        if !clearable.is_empty() {
            properties.insert(
                "clear".into(),
                json!({
                    "type": "array", "maxItems": clearable.len(),
                    "description": "Members to clear, for clients that cannot send null.",
                    "items": { "type": "string", "pattern": format!("^({})$", clearable.join("|")) },
                    "example": [clearable.first()],
                }),
            );
        }
    } else {
        properties.values_mut().for_each(forbid_null);
    }
}

fn admits_null(schema: &Json) -> bool {
    let in_type = schema["type"].as_array().is_some_and(|types| types.contains(&json!("null")));
    in_type || schema["oneOf"].as_array().is_some_and(|options| options.contains(&json!({ "type": "null" })))
}

/// Removes null from a member of a create body: unknown members are omitted.
fn forbid_null(schema: &mut Json) {
    if let Some(types) = schema["type"].as_array() {
        let rest: Vec<&Json> = types.iter().filter(|t| *t != "null").collect();
        if let [one] = rest.as_slice() {
            schema["type"] = (*one).clone();
        }
    } else if let Some(options) = schema["oneOf"].as_array() {
        let rest: Vec<Json> = options.iter().filter(|o| **o != json!({ "type": "null" })).cloned().collect();
        if let ([one], Some(object)) = (rest.as_slice(), schema.as_object_mut()) {
            object.remove("oneOf");
            object.insert("$ref".into(), one["$ref"].clone());
        }
    }
}

fn add_examples(title: &str, schema: &mut Json, shown: bool) {
    for (name, property) in schema.get_mut("properties").and_then(Json::as_object_mut).into_iter().flatten() {
        if let Some(example) = examples::special(title, name, shown.then(|| admits_null(property))) {
            property["example"] = example;
        }
        if property.get("example").is_some() || property.get("$ref").is_some() {
            continue;
        }
        let items = property["items"].clone();
        let example = if property["type"] == "array"
            || property["type"].as_array().is_some_and(|t| t.contains(&json!("array")))
        {
            match items.get("$ref") {
                Some(_) => None,
                None => {
                    let least = property["minItems"].as_u64().unwrap_or(1).max(1);
                    examples::of(title, name, &items)
                        .map(|one| (0..least).map(|n| examples::another(&one, n)).collect())
                }
            }
        } else {
            examples::of(title, name, property)
        };
        if let Some(example) = example {
            property["example"] = example;
        }
    }
    if schema.get("enum").is_some() {
        schema["example"] = schema["enum"][0].clone();
    }
}
