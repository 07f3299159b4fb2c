use super::{Plan, Write, plan};
use crate::kernel::fields::custom::{CustomField, CustomFields, CustomKind};
use crate::kernel::fields::kind::Kind;
use serde_json::{Value as Json, json};
use std::sync::Arc;

const SETTABLE: [&str; 8] =
    ["last_name", "position", "emails", "phones", "tags", "contacts", "person", "custom_fields"];

fn own() -> CustomFields {
    let field = CustomField {
        record: Kind::CONTACT,
        key: "region".into(),
        path: "cf.region".into(),
        name: "Region".into(),
        description: None,
        group_name: None,
        kind: CustomKind::Text,
        options: Vec::new(),
        refers: None,
        required_stages: Vec::new(),
        archived: false,
    };
    CustomFields(vec![Arc::new(field)])
}

/// The plan for a record after changes, the latest first; the latest has the highest version.
fn planned(record: Json, changes: &[Json]) -> Plan {
    let versions = (1..=i64::try_from(changes.len()).unwrap()).rev();
    let writes: Vec<Write> = versions
        .zip(changes)
        .map(|(version, changes)| Write { version: version + 1, changes: changes.as_object().cloned().unwrap() })
        .collect();
    plan(&record, &writes, &SETTABLE, &own(), Kind::CONTACT)
}

fn changes(record: Json, written: &[Json]) -> Json {
    let plan = planned(record, written);
    assert_eq!(plan.conflicts, []);
    Json::Object(plan.changes)
}

fn conflicts(record: Json, written: &[Json]) -> Vec<(String, i64)> {
    planned(record, written).conflicts
}

#[test]
fn a_member_that_is_as_written_gets_its_former_value() {
    let written = [json!({ "last_name": ["Old", "New"], "position": [null, "CEO"] })];
    let record = json!({ "last_name": "New", "position": "CEO" });
    assert_eq!(changes(record, &written), json!({ "last_name": "Old", "position": null }));
}

#[test]
fn a_member_that_was_changed_since_stays() {
    let written = [json!({ "last_name": ["Old", "New"], "position": [null, "CEO"] })];
    let record = json!({ "last_name": "Newest", "position": "CEO" });
    let plan = planned(record, &written);
    assert_eq!(Json::Object(plan.changes), json!({ "position": null }));
    assert_eq!(plan.conflicts, [("last_name".to_owned(), 2)]);
}

#[test]
fn a_member_that_has_its_former_value_needs_nothing() {
    let written = [json!({ "last_name": ["Old", "New"] })];
    assert!(planned(json!({ "last_name": "Old" }), &written).is_empty());
}

#[test]
fn several_changes_are_taken_back_in_turn() {
    let written = [json!({ "last_name": ["B", "C"] }), json!({ "last_name": ["A", "B"] })];
    assert_eq!(changes(json!({ "last_name": "C" }), &written), json!({ "last_name": "A" }));
}

#[test]
fn a_change_by_somebody_between_two_changes_stays() {
    let written = [json!({ "last_name": ["mine", "C"] }), json!({ "last_name": ["A", "B"] })];
    let plan = planned(json!({ "last_name": "C" }), &written);
    assert_eq!(Json::Object(plan.changes), json!({ "last_name": "mine" }));
    assert_eq!(plan.conflicts, [("last_name".to_owned(), 2)]);
}

#[test]
fn a_change_before_one_that_stays_is_not_taken_back() {
    let written = [json!({ "last_name": ["B", "C"] }), json!({ "last_name": ["A", "B"] })];
    assert_eq!(conflicts(json!({ "last_name": "mine" }), &written), [("last_name".to_owned(), 3)]);
}

#[test]
fn custom_fields_are_members() {
    let written = [json!({ "cf.region": ["north", "south"] })];
    let record = |text: &str| json!({ "custom_fields": [{ "key": "region", "text": text, "options": [] }] });
    let expected = json!({ "custom_fields": [{ "key": "region", "text": "north" }] });
    assert_eq!(changes(record("south"), &written), expected);
    assert_eq!(conflicts(record("west"), &written), [("cf.region".to_owned(), 2)]);
    let added = [json!({ "cf.region": [null, "south"] })];
    assert_eq!(changes(record("south"), &added), json!({ "custom_fields": [{ "key": "region" }] }));
    assert_eq!(
        planned(json!({ "custom_fields": [{ "key": "gone", "text": "x" }] }), &[json!({ "cf.gone": [null, "x"] })])
            .unsettable,
        ["cf.gone"]
    );
}

#[test]
fn an_added_tag_is_removed_and_others_stay() {
    let written = [json!({ "tags": [["a", "b"], ["b", "c"]] })];
    assert_eq!(changes(json!({ "tags": ["b", "c"] }), &written), json!({ "tags": ["a", "b"] }));
    assert_eq!(changes(json!({ "tags": ["b", "c", "mine"] }), &written), json!({ "tags": ["b", "mine", "a"] }));
    assert_eq!(changes(json!({ "tags": ["b"] }), &written), json!({ "tags": ["b", "a"] }));
}

#[test]
fn addresses_are_taken_back_one_by_one() {
    let email = |email: &str, kind: &str| json!({ "email": email, "kind": kind });
    let written = [
        json!({ "emails": [[email("a@x", "work")], [email("b@x", "work"), email("a@x", "home")]], "email": ["a@x", "b@x"] }),
    ];
    let with = |list: &[Json]| json!({ "email": "x", "emails": list });
    let former = json!({ "emails": [email("a@x", "work")] });
    assert_eq!(changes(with(&[email("b@x", "work"), email("a@x", "home")]), &written), former);
    let more = with(&[email("b@x", "work"), email("a@x", "home"), email("mine@x", "work")]);
    let expected = json!({ "emails": [email("a@x", "work"), email("mine@x", "work")] });
    assert_eq!(changes(more, &written), expected);
    let other = with(&[email("b@x", "home"), email("a@x", "home")]);
    assert_eq!(conflicts(other, &written), [("emails".to_owned(), 2)]);
}

#[test]
fn phones_are_sent_without_their_parsed_form() {
    let phone = |phone: &str| json!({ "phone": phone, "e164": "+1", "kind": "work" });
    let written = [json!({ "phones": [[phone("1")], [phone("2")]] })];
    let expected = json!({ "phones": [{ "phone": "1", "kind": "work" }] });
    assert_eq!(changes(json!({ "phones": [phone("2")] }), &written), expected);
}

#[test]
fn the_members_of_a_person_are_taken_back_one_by_one() {
    let person = |name: &str, email: Option<&str>| json!({ "name": name, "email": email });
    let written = [json!({ "person": [person("Ann", None), person("Anna", Some("a@x"))] })];
    let plan = planned(json!({ "person": person("Anna", Some("mine@x")) }), &written);
    assert_eq!(Json::Object(plan.changes), json!({ "person": person("Ann", Some("mine@x")) }));
    assert_eq!(plan.conflicts, [("person.email".to_owned(), 2)]);
}

#[test]
fn a_move_is_taken_back_with_what_goes_with_it() {
    let written = [json!({ "stage_id": ["s1", "s2"], "status": ["open", "won"], "closed_at": [null, "t2"],
        "stage_entered_at": ["t1", "t2"], "last_name": ["A", "B"] })];
    let record = json!({ "pipeline_id": "p", "stage_id": "s2", "status": "won", "closed_at": "t2", "stage_entered_at": "t2", "last_name": "B" });
    let plan = planned(record, &written);
    let place =
        json!({ "pipeline_id": "p", "stage_id": "s1", "status": "open", "closed_at": null, "stage_entered_at": "t1" });
    assert_eq!(plan.place.map(Json::Object), Some(place));
    assert_eq!(Json::Object(plan.changes), json!({ "last_name": "A" }));
}

#[test]
fn a_record_that_was_moved_since_stays_in_its_stage() {
    let written = [json!({ "stage_id": ["s1", "s2"], "stage_entered_at": ["t1", "t2"] })];
    let record = json!({ "stage_id": "s3", "stage_entered_at": "t3" });
    let plan = planned(record, &written);
    assert_eq!(plan.place, None);
    assert_eq!(plan.conflicts, [("stage_id".to_owned(), 2)]);
}

#[test]
fn a_member_that_no_request_sets_is_told() {
    assert_eq!(planned(json!({ "number": "2" }), &[json!({ "number": ["1", "2"] })]).unsettable, ["number"]);
}
