//! The headers of requests and of successful responses.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value returns null for an absent member, or adds it")]
use crate::web::signature::{Part, Signature};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

/// Adds the request headers that the handler takes to the parameters of an operation.
pub fn add_to_request(operation: &mut Json, signature: &Signature) {
    let mut headers = signature.parts.iter().filter_map(|part| of_request(*part)).peekable();
    if headers.peek().is_none() {
        return;
    }
    if operation.get("parameters").is_none() {
        operation["parameters"] = json!([]);
    }
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters.extend(headers);
    }
}

fn of_request(part: Part) -> Option<Json> {
    match part {
        Part::IdempotencyKey => Some(idempotency_key()),
        Part::IfMatch => Some(if_match(
            "The ETag of the record as you read it; 412 if the record has changed since. `*` matches any version.",
        )),
        Part::RequiredIfMatch => Some(if_match(
            "The ETag of the record as you read it; 412 if the record has changed since, 428 without a version.",
        )),
        _ => None,
    }
}

fn idempotency_key() -> Json {
    let description = "A key of your choice. A repeated request with the same key within 24 hours has no further effect \
                       and gets the same response.";
    json!({
        "name": "Idempotency-Key", "in": "header", "required": false, "description": description,
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": r#"^([!#-~][!-~]*|"[!#-~]+")$"# },
        "example": "5f0c2f6e",
    })
}

fn if_match(description: &str) -> Json {
    json!({
        "name": "If-Match", "in": "header", "required": false, "description": description,
        "schema": {
            "type": "string", "maxLength": 86, "pattern": r#"^(\*|[0-9]{1,18}|"[0-9]{1,18}(-[0-9a-f]{1,64})?")$"#,
        },
        "example": "\"1\"",
    })
}

/// Returns references to the schemas with a member `version`.
pub fn versioned(document: &Json) -> BTreeSet<String> {
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
    let versioned = schemas.filter(|(_, schema)| schema["properties"]["version"].is_object());
    versioned.map(|(name, _)| format!("#/components/schemas/{name}")).collect()
}

/// Adds the headers of successful responses. `read` is whether the operation is a GET, all of which have an ETag.
pub fn add_to_responses(responses: &mut Map<String, Json>, versioned: &BTreeSet<String>, read: bool) {
    for (status, answer) in responses.iter_mut().filter(|(status, _)| status.starts_with('2')) {
        let mut headers =
            json!({ "X-Request-Id": header("The id of this request, which is also in events and logs.") });
        if let Some(etag) = etag(answer, versioned, read) {
            headers["ETag"] = header(etag);
        }
        if matches!(status.as_str(), "201" | "202") {
            headers["Location"] = header("The URL of the new record.");
        }
        answer["headers"] = headers;
    }
}

/// Describes the ETag of a response: of a record, or of anything else that a GET returns.
fn etag(answer: &Json, versioned: &BTreeSet<String>, read: bool) -> Option<&'static str> {
    let content = &answer["content"];
    let schema = content["application/json"]["schema"]["$ref"].as_str();
    if schema.is_some_and(|name| versioned.contains(name)) {
        return Some(
            "The version of the record and a digest of the response. Send it as `If-Match` or `If-None-Match`.",
        );
    }
    let file = ["application/octet-stream", "text/calendar"].iter().any(|media| content[*media].is_object());
    let tagged = read && (schema.is_some() || file);
    tagged.then_some("A digest of the response. Send it as `If-None-Match` to get 304 while nothing has changed.")
}

fn header(description: &str) -> Json {
    json!({ "description": description, "required": true, "schema": { "type": "string" } })
}
