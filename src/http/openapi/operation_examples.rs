//! Adds examples of whole request bodies and of problems to the document.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value returns null for an absent member, or adds it")]
use crate::http::openapi::enums::pascal;
use crate::http::openapi::{collection, examples};
use crate::kernel::error::{Code, Error, FieldCode, FieldError};
use serde_json::{Map, Value as Json, json};

/// The example problem for each status.
const SHOWN: [Code; 12] = [
    Code::InvalidParameter,
    Code::Unauthorized,
    Code::Forbidden,
    Code::NotFound,
    Code::NotAcceptable,
    Code::Conflict,
    Code::VersionConflict,
    Code::PayloadTooLarge,
    Code::UnsupportedMediaType,
    Code::ValidationFailed,
    Code::PreconditionRequired,
    Code::Internal,
];

/// Adds the examples of bodies and problems.
pub fn add(document: &mut Json) {
    let whole = document.clone();
    let operations = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for operation in operations.filter_map(Json::as_object_mut).flat_map(Map::values_mut) {
        if let Some(content) = operation.pointer_mut("/requestBody/content/application~1json") {
            content["example"] = collection::example(&whole, &content["schema"]);
        }
        let form = operation.pointer_mut("/requestBody/content/multipart~1form-data");
        if let Some((example, form)) = form.and_then(|form| Some((examples::body(named(&form["schema"])?)?, form))) {
            form["example"] = example;
        }
    }
    let problems =
        SHOWN.iter().map(|code| (pascal(code.as_str()), json!({ "summary": code.title(), "value": shown(*code) })));
    document["components"]["examples"] = Json::Object(problems.collect());
}

fn named(schema: &Json) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// Returns the response of a problem.
pub fn problem(status: u16, description: &str) -> Json {
    let code = SHOWN.iter().find(|code| code.status() == status).unwrap_or(&Code::Internal);
    let example = json!({ "$ref": format!("#/components/examples/{}", pascal(code.as_str())) });
    json!({ "description": description, "content": { "application/problem+json": {
        "schema": { "$ref": "#/components/schemas/Problem" },
        "examples": { code.as_str(): example },
    } } })
}

fn shown(code: Code) -> Json {
    let error = match code {
        Code::InvalidParameter => {
            Error::parameters(vec![FieldError::out_of_range(Some(1), Some(500)).at_parameter("limit")])
        }
        Code::ValidationFailed => {
            let long = FieldError::new(FieldCode::TooLong, "must have at most 200 characters").within(None, Some(200));
            Error::members(vec![long.at_member("/name")])
        }
        Code::VersionConflict => {
            Error::new(code, "expected version 6, but the record has version 7").with(|p| p.current_version = Some(7))
        }
        Code::NotFound => Error::not_found(),
        _ => Error::new(code, code.title()),
    };
    match error {
        Error::Problem(problem) => json!(problem.body("0192f0c1-2d3e-7a4b-8c5d-6e7f8091a1d0")),
        _ => Json::Null,
    }
}
