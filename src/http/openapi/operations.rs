//! Completes the operations with what their signatures say.
use crate::http::openapi::inquiry::Signatures;
use crate::http::openapi::{descriptions, headers, member_examples, permissions, problems, tags};
use crate::kernel::answers::reply::{PNG, SVG, XLSX};
use crate::web::signature::{Part, Signature};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

/// What the description of a report says about its formats.
const OF_REPORTS: &str = "`Accept` chooses the format: JSON, a CSV file, an Excel workbook with a chart, or a picture \
                          of the main figures as SVG or PNG. Every format but JSON requires the permission to export. \
                          Only JSON and workbooks have the figures of `compare`.";

/// The formats of reports besides JSON: the media type, whether it is text, and what it is.
const FILES: [(&str, bool, &str); 4] = [
    ("text/csv", true, "The figures, one line each."),
    (XLSX, false, "A workbook with the figures, a chart, and what the report is about."),
    (SVG, true, "A chart of the main figures."),
    (PNG, false, "A chart of the main figures. The server needs fonts for it."),
];

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

/// Adds the files of a report to its successful response.
fn add_files(responses: &mut Map<String, Json>) {
    let Some(content) = responses.get_mut("200").and_then(|answer| answer["content"].as_object_mut()) else { return };
    for (media, is_text, description) in FILES {
        let mut schema = json!({ "type": "string", "description": description });
        if let (false, Some(members)) = (is_text, schema.as_object_mut()) {
            members.insert("format".into(), json!("binary"));
        }
        content.insert(media.to_owned(), json!({ "schema": schema }));
    }
}

/// Adds the headers of the successful responses, and the problems.
fn complete_responses(
    responses: &mut Map<String, Json>,
    signature: &Signature,
    versioned: &BTreeSet<String>,
    read: bool,
) {
    if signature.takes(Part::ReportFormat) {
        add_files(responses);
    }
    headers::add_to_responses(responses, versioned, read);
    problems::add(responses, signature);
}
