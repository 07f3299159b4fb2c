use super::*;
use crate::people::contacts::model::ContactUpdate;
use crate::sales::leads::model::LeadUpdate;

fn policy(tags: TagsMode) -> Policy {
    Policy { tags, country: "EE".into() }
}

fn draft(body: &Json) -> Draft {
    Draft { body: body.as_object().cloned().unwrap(), ..Draft::new(2) }
}

/// What a row changes in a contact.
fn changes(record: &Json, row: &Draft, tags: TagsMode) -> Json {
    Json::Object(members(record, row, &Shape::of::<ContactUpdate>(), &policy(tags)))
}

#[test]
fn only_members_that_differ_are_changed() {
    let record = json!({ "first_name": "Ann", "position": null, "email": "ann@x.example",
        "emails": [{ "email": "ann@x.example" }], "external_id": "7", "custom_fields": [{ "key": "a", "text": "x" }] });
    for (case, body, expected) in [
        ("the same", json!({ "first_name": "Ann", "email": "Ann@x.example", "external_id": "7" }), json!({})),
        ("a new value", json!({ "first_name": "Anna" }), json!({ "first_name": "Anna" })),
        ("a value for an empty member", json!({ "position": "CEO" }), json!({ "position": "CEO" })),
        ("a member that only a creation has", json!({ "id": "1" }), json!({})),
        ("a known value of a custom field", json!({ "custom_fields": [{ "key": "a", "text": "x" }] }), json!({})),
    ] {
        assert_eq!(changes(&record, &draft(&body), TagsMode::Add), expected, "{case}");
    }
}

#[test]
fn tags_are_added_or_replaced() {
    let record = json!({ "tags": ["vip", "fair 2024"] });
    for (case, new, added, replaced) in [
        ("a new tag", json!(["newsletter"]), json!({ "tags_add": ["newsletter"] }), json!({ "tags": ["newsletter"] })),
        ("a known tag", json!(["VIP"]), json!({}), json!({ "tags": ["VIP"] })),
        ("all tags in another order", json!(["Fair 2024", "vip"]), json!({}), json!({})),
    ] {
        let row = draft(&json!({ "tags": new }));
        assert_eq!(changes(&record, &row, TagsMode::Add), added, "{case}, added");
        assert_eq!(changes(&record, &row, TagsMode::Replace), replaced, "{case}, replaced");
    }
}

#[test]
fn an_empty_cell_clears_a_member_that_has_a_value() {
    let record = json!({ "first_name": "Ann", "position": null, "do_not_contact": true, "tags": ["vip"],
        "emails": [{ "email": "a@x.example" }, { "email": "b@x.example" }],
        "custom_fields": [{ "key": "a", "text": "x" }] });
    let member = |name: &str| Cleared::Member(name.to_owned());
    for (case, cleared, tags, expected) in [
        ("a text", member("first_name"), TagsMode::Add, json!({ "first_name": null })),
        ("an empty text", member("position"), TagsMode::Add, json!({})),
        ("a member that cannot be null", member("do_not_contact"), TagsMode::Add, json!({})),
        ("tags that are added", member("tags"), TagsMode::Add, json!({})),
        ("tags that are replaced", member("tags"), TagsMode::Replace, json!({ "tags": [] })),
        ("all addresses", member("email"), TagsMode::Add, json!({ "emails": [] })),
        ("a custom field", Cleared::Custom("a".into()), TagsMode::Add, json!({ "custom_fields": [{ "key": "a" }] })),
        ("an empty custom field", Cleared::Custom("b".into()), TagsMode::Add, json!({})),
    ] {
        let row = Draft { cleared: vec![cleared], ..Draft::new(2) };
        assert_eq!(changes(&record, &row, tags), expected, "{case}");
    }
    let lead = json!({ "person": { "name": "Eve", "email": "eve@x.example" } });
    let row = Draft { cleared: vec![Cleared::Person("email")], ..draft(&json!({ "person": { "name": "Eva" } })) };
    let found = members(&lead, &row, &Shape::of::<LeadUpdate>(), &policy(TagsMode::Add));
    assert_eq!(found["person"], json!({ "name": "Eva", "email": null }));
}

#[test]
fn the_closing_date_of_an_open_deal_is_its_expected_close_date() {
    use crate::intake::imports::history::Progress;
    use crate::sales::deals::model::DealUpdate;
    let day = chrono::NaiveDate::from_ymd_opt(2026, 12, 1);
    for (case, status, category, body, expected) in [
        ("an open deal", "open", None, json!({}), json!({ "expected_close_date": "2026-12-01" })),
        ("a closed deal", "won", None, json!({}), json!({})),
        ("a reopened deal", "won", Some(Category::Open), json!({}), json!({ "expected_close_date": "2026-12-01" })),
        (
            "with a date of its own",
            "open",
            None,
            json!({ "expected_close_date": "2026-11-01" }),
            json!({ "expected_close_date": "2026-11-01" }),
        ),
    ] {
        let progress = Progress { expected_close: day, category, ..Progress::default() };
        let row = Draft { progress, ..draft(&body) };
        let record = json!({ "status": status, "expected_close_date": null });
        let found = members(&record, &row, &Shape::of::<DealUpdate>(), &policy(TagsMode::Add));
        assert_eq!(Json::Object(found), expected, "{case}");
    }
}

#[test]
fn a_person_is_updated_member_by_member() {
    let old = json!({ "name": "Eve", "email": "eve@x.example", "phone": "+372 555 01011", "position": "CEO" });
    for (case, new, member, expected) in [
        ("a member that the file leaves out", json!({ "name": "Eva" }), "position", "CEO"),
        ("another name", json!({ "name": "Eva" }), "name", "Eva"),
        ("an address in another form", json!({ "email": "EVE@X.example" }), "email", "eve@x.example"),
        ("another address", json!({ "email": "eva@x.example" }), "email", "eva@x.example"),
        ("a number in another form", json!({ "phone": "5550 1011" }), "phone", "+372 555 01011"),
        ("another number", json!({ "phone": "555 01012" }), "phone", "555 01012"),
    ] {
        assert_eq!(with_person(&old, &new, "EE")[member], expected, "{case}");
    }
}

#[test]
fn contacts_of_a_deal_are_added() {
    let old = json!([{ "contact_id": "a", "role": "pays" }]);
    let new = json!([{ "contact_id": "a" }, { "contact_id": "b" }]);
    assert_eq!(with_contacts(&old, &new), json!([{ "contact_id": "a", "role": "pays" }, { "contact_id": "b" }]));
    assert_eq!(with_contacts(&Json::Null, &new), new);
}

#[test]
fn addresses_of_a_person_match_in_every_form() {
    let record = json!({
        "emails": [{ "email": "a@x.example" }, { "email": "b@x.example" }],
        "phones": [{ "phone": "555 01011", "e164": "+37255501011" }],
    });
    for (member, text, expected) in [
        ("email", "B@X.example", true),
        ("email", "c@x.example", false),
        ("phone", "+372 5550 1011", true),
        ("phone", "555-010-11", true),
        ("phone", "555 01012", false),
    ] {
        assert_eq!(has_address(&record, member, &json!(text), "EE"), expected, "{member} {text}");
    }
}

#[test]
fn texts_match_in_normal_form() {
    for (old, new, expected) in [
        (json!("a@x.example"), json!("A@x.example"), true),
        (json!("acme.example"), json!("https://www.acme.example/"), true),
        (json!("a@x.example"), json!("b@x.example"), false),
        (json!("Acme"), json!("ACME"), false),
        (json!(1), json!("1"), false),
    ] {
        assert_eq!(same_text(&old, &new), expected, "{old} {new}");
    }
}
