//! Completes the operations with what their signatures say.
use crate::http::openapi::inquiry::Signatures;
use crate::http::openapi::{descriptions, headers, member_examples, permissions, problems, tags};
use crate::web::signature::{Part, Signature};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

/// What the description of a report says about its formats. They are no media types of the response, because clients
/// that are generated for several media types lose the type of the JSON answer.
const OF_REPORTS: &str = "`Accept` chooses the format: JSON, a CSV file (`text/csv`), an Excel workbook with a chart \
                          (`application/vnd.openxmlformats-officedocument.spreadsheetml.sheet`), or a picture of the main \
                          figures (`image/svg+xml`, or `image/png`, for which the server needs fonts). Every format but \
                          JSON requires the permission to export. Only JSON and workbooks have the figures of `compare`.";

/// Completes all operations.
pub fn complete(document: &mut Json, signatures: &Signatures) {
    let versioned = headers::versioned(document);
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            operation["tags"] = json!([tags::of(path)]);
            let signature = signatures.get(&(path.clone(), method.clone())).cloned().unwrap_or_default();
            complete_operation(operation, &signature);
            if let Some(responses) = operation["responses"].as_object_mut() {
                complete_responses(responses, &signature, &versioned, method == "get");
            }
        }
    }
}

fn complete_operation(operation: &mut Json, signature: &Signature) {
    permissions::add(operation, signature);
    descriptions::complete(operation);
    if signature.takes(Part::Format) {
        descriptions::append(operation, "Returns CSV with `Accept: text/csv`.");
    }
    if signature.takes(Part::ReportFormat) {
        descriptions::append(operation, OF_REPORTS);
    }
    headers::add_to_request(operation, signature);
    for parameter in operation.get_mut("parameters").and_then(Json::as_array_mut).into_iter().flatten() {
        member_examples::complete_parameter(parameter);
    }
}

/// Adds the headers of the successful responses, and the problems.
fn complete_responses(
    responses: &mut Map<String, Json>,
    signature: &Signature,
    versioned: &BTreeSet<String>,
    read: bool,
) {
    headers::add_to_responses(responses, versioned, read);
    problems::add(responses, signature);
}
