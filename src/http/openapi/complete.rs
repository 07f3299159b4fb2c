//! Completes the document that utoipa has collected: with what the signatures of the handlers say, and with what all
//! operations and schemas have in common.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value returns null for an absent member, or adds it")]
use crate::http::openapi::bodies::{self, Use};
use crate::http::openapi::inquiry::Signatures;
use crate::http::openapi::{closed_sets, enums, event_types, operation_examples, single_reads};
use crate::http::openapi::{descriptions, member_examples, operations, permissions, references, tags};
use serde_json::{Map, Value as Json};

/// In the description of an operation: the table of event types.
const EVENT_TYPES: &str = "{event_types}";

/// Adds everything to the document.
pub fn complete(document: &mut Json, signatures: &Signatures) {
    bodies::split_shared(document);
    let single = single_reads::add_parameters(document, signatures);
    operations::complete(document, signatures);
    complete_schemas(document);
    let types = event_types::table(document);
    descriptions::fill_in(document, EVENT_TYPES, &types);
    if let Some(schemas) = schemas(document) {
        single_reads::add_members(schemas, &single);
    }
    enums::name(document);
    operation_examples::add(document);
    tags::describe(document);
    permissions::add_schemes(document);
}

fn schemas(document: &mut Json) -> Option<&mut Map<String, Json>> {
    document["components"]["schemas"].as_object_mut()
}

fn complete_schemas(document: &mut Json) {
    let inputs = references::reachable(document, "requestBody");
    let outputs = references::reachable(document, "responses");
    let Some(schemas) = schemas(document) else { return };
    for (name, schema) in schemas.iter_mut() {
        let usage = Use { in_request: inputs.contains(name), in_response: outputs.contains(name) };
        bodies::complete(name, schema, usage);
        member_examples::complete_schema(name, schema, !usage.in_request);
    }
    closed_sets::add(schemas);
}
