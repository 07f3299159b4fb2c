//! The problems that an operation can return: those that follow from its signature, and those that its own attribute
//! declares, such as the 401 of a sign-in.
use crate::http::openapi::operation_examples::problem;
use crate::http::openapi::permissions;
use crate::web::signature::{Part, Signature};
use serde_json::{Map, Value as Json};

/// Any operation can refuse the query parameters.
const MALFORMED: (u16, &str) = (400, "The request is malformed");
const FORBIDDEN: (u16, &str) = (403, "Your role or scope does not permit this");

/// Adds the problems to the responses of an operation. The problems of other mechanisms, such as rate limits, are the
/// default.
pub fn add(responses: &mut Map<String, Json>, signature: &Signature) {
    for (status, response) in responses.iter_mut().filter(|(status, _)| !status.starts_with('2')) {
        let description = response.get("description").and_then(Json::as_str).unwrap_or_default();
        *response = problem(status.parse().unwrap_or(500), description);
    }
    for (status, description) in of(signature) {
        responses.entry(status.to_string()).or_insert_with(|| problem(status, description));
    }
    responses.insert("default".into(), problem(500, "Any other problem"));
}

fn of(signature: &Signature) -> impl Iterator<Item = (u16, &'static str)> {
    let forbidden = permissions::of(signature).map(|_| FORBIDDEN);
    let parts = signature.parts.iter().flat_map(|part| of_part(*part));
    [MALFORMED].into_iter().chain(forbidden).chain(parts.copied())
}

/// Returns the problems of a part. If two parts have the same status, the description of the first part is used.
const fn of_part(part: Part) -> &'static [(u16, &'static str)] {
    const CONFLICT: (u16, &str) = (409, "The request conflicts with the state of the record");
    const CHANGED: (u16, &str) = (412, "The record has changed since you read it");
    const TOO_LARGE: (u16, &str) = (413, "The body is too large");
    const INVALID: (u16, &str) = (422, "The body is invalid");
    match part {
        Part::Caller => &[(401, "The token is missing or invalid")],
        Part::Session => &[(403, "API keys cannot call this operation")],
        Part::Id => &[(404, "The record does not exist, or you may not see it")],
        Part::JsonBody => &[TOO_LARGE, (415, "The body is not JSON"), INVALID],
        Part::Form => &[TOO_LARGE, (415, "The body is not a form with a file"), INVALID],
        Part::IdempotencyKey => &[CONFLICT, (422, "The Idempotency-Key was used for another request")],
        Part::IfMatch => &[CONFLICT, CHANGED],
        Part::RequiredIfMatch => &[CONFLICT, CHANGED, (428, "The header If-Match with a version is required")],
        Part::Format => &[(406, "The client accepts neither JSON nor CSV")],
        Part::ReportFormat => {
            &[(406, "The client accepts no available media type, or the server lacks fonts for a PNG")]
        }
        Part::Include => &[],
    }
}

#[cfg(test)]
#[path = "problems_tests.rs"]
mod tests;
