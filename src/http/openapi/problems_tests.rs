use super::add;
use crate::web::signature::{Part, Signature};
use serde_json::{Map, Value as Json, json};

/// Returns the responses of an operation that takes these parts.
fn responses(parts: &[Part], declared: &Json) -> Map<String, Json> {
    let signature = Signature { permission: None, parts: parts.iter().copied().collect() };
    let mut responses = declared.as_object().unwrap().clone();
    add(&mut responses, &signature);
    responses
}

#[test]
fn the_parts_decide_which_problems_there_are() {
    for (name, parts, expected) in [
        ("a public read", &[][..], "400 default"),
        ("one record", &[Part::Caller, Part::Id], "400 401 404 default"),
        ("a file for a session", &[Part::Session, Part::Form], "400 403 413 415 422 default"),
        ("a locked change", &[Part::RequiredIfMatch], "400 409 412 428 default"),
        ("a list as CSV", &[Part::Format, Part::Include], "400 406 default"),
        ("a report", &[Part::ReportFormat], "400 406 default"),
    ] {
        let found = responses(parts, &json!({}));
        assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>().join(" "), expected, "{name}");
    }
}

#[test]
fn the_description_of_the_body_comes_before_that_of_the_key() {
    let found = responses(&[Part::IdempotencyKey, Part::JsonBody], &json!({}));
    assert_eq!(found["422"]["description"], "The body is invalid");
    let without_body = responses(&[Part::IdempotencyKey], &json!({}));
    assert_eq!(without_body["422"]["description"], "The Idempotency-Key was used for another request");
}

#[test]
fn a_declared_problem_keeps_its_description() {
    let declared = json!({ "200": { "description": "Signed in" }, "401": { "description": "The password is wrong" } });
    let found = responses(&[Part::Caller], &declared);
    assert_eq!(found["401"]["description"], "The password is wrong");
    assert!(found["401"]["content"]["application/problem+json"].is_object(), "it has the body of a problem");
    assert_eq!(found["200"], declared["200"], "a success is not a problem");
}
