use super::*;
use serde_json::json;

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
