use super::*;
use serde_json::{Value as Json, json};

fn matching(resource: ImportResource) -> Matching {
    Matching::new(resource, None, "EE").unwrap()
}

fn draft(line: u64, body: &Json) -> Draft {
    Draft { body: body.as_object().cloned().unwrap(), ..Draft::new(line) }
}

/// The lines of the rows that wait for an earlier one, if no record exists.
fn waiting(resource: ImportResource, rows: &[Json]) -> Vec<u64> {
    let rows = (2..).zip(rows).map(|(line, body)| draft(line, body)).collect();
    let (_, later) = Existing::default().ready(&matching(resource), rows);
    later.iter().map(|row| row.line).collect()
}

#[test]
fn rows_of_one_name_mean_one_record() {
    let rows = [json!({ "name": "Acme" }), json!({ "name": "ACME" }), json!({ "name": "Beta" })];
    assert_eq!(waiting(ImportResource::Companies, &rows), [3]);
}

#[test]
fn rows_of_one_name_with_external_ids_of_their_own_are_two_records() {
    let row = |id: &str| json!({ "name": "Acme", "external_id": id });
    assert_eq!(waiting(ImportResource::Companies, &[row("1"), row("2")]), [0_u64; 0]);
}

#[test]
fn a_domain_decides_before_a_name() {
    let row = |domain: &str, name: &str| json!({ "domain": domain, "name": name });
    let rows = [row("acme.io", "Acme"), row("acme.io", "Acme Inc"), row("other.io", "Acme")];
    assert_eq!(waiting(ImportResource::Companies, &rows), [3]);
}

#[test]
fn a_unique_key_means_one_record() {
    let row = || json!({ "sku": "A1", "name": "Screw" });
    assert_eq!(waiting(ImportResource::Products, &[row(), row()]), [3]);
    let row = |id: &str| json!({ "email": "a@x.example", "external_id": id });
    assert_eq!(waiting(ImportResource::Contacts, &[row("1"), row("2")]), [3]);
}

/// What a row finds among holders of a key: name and external id.
fn found(key: Key, holders: &[(&str, Option<&str>)], row: &Json) -> Found {
    let holder = |(n, (person, external_id)): (u128, &(&str, Option<&str>))| Holder {
        key: key.1.clone(),
        id: Uuid::from_u128(n),
        external_id: external_id.map(str::to_owned),
        person: Some((*person).to_owned()),
    };
    let mut existing = Existing::default();
    existing.add(key.0, (1..).zip(holders).map(holder).collect());
    existing.find(&matching(ImportResource::Contacts), &draft(2, row))
}

#[test]
fn an_email_address_of_another_person_is_told() {
    let email = || (KeyKind::Given(MatchKey::Email), "info@x.example".to_owned());
    let row = |first: &str| json!({ "first_name": first, "email": "Info@x.example" });
    let holder = [("Anna One", None)];
    assert_eq!(
        found(email(), &holder, &row("Anna")),
        Found::Record(Uuid::from_u128(1), KeyKind::Given(MatchKey::Email))
    );
    assert_eq!(found(email(), &holder, &row("Bert")), Found::Another("Anna One".into()));
    let unnamed = json!({ "email": "info@x.example" });
    assert_eq!(found(email(), &holder, &unnamed), Found::Record(Uuid::from_u128(1), KeyKind::Given(MatchKey::Email)));
}

#[test]
fn a_phone_number_finds_one_person_of_the_same_name() {
    let phone = || (KeyKind::Given(MatchKey::Phone), phones::search_keys("5550 1011", "EE").pop().unwrap());
    let row = json!({ "first_name": "Bob", "phone": "5550 1011" });
    let bob = Found::Record(Uuid::from_u128(1), KeyKind::Given(MatchKey::Phone));
    assert_eq!(
        found(phone(), &[("Ann", None), ("Bob", None)], &row),
        Found::Record(Uuid::from_u128(2), KeyKind::Given(MatchKey::Phone))
    );
    assert_eq!(found(phone(), &[("Bob", None)], &row), bob);
    assert_eq!(found(phone(), &[("Ann", None)], &row), Found::Nothing);
    assert_eq!(found(phone(), &[("Bob", None), ("Bob", None)], &row), Found::Nothing);
    let with_email = json!({ "first_name": "Bob", "phone": "5550 1011", "email": "bob@x.example" });
    assert_eq!(found(phone(), &[("Bob", None)], &with_email), Found::Nothing);
    let with_id = json!({ "first_name": "Bob", "phone": "5550 1011", "external_id": "7" });
    assert_eq!(found(phone(), &[("Bob", Some("8"))], &with_id), Found::Nothing);
    assert_eq!(found(phone(), &[("Bob", Some("7"))], &with_id), bob);
}

#[test]
fn a_key_that_the_resource_lacks_is_refused() {
    let refused = Matching::new(ImportResource::Deals, Some(&[MatchKey::ExternalId, MatchKey::Email]), "EE");
    assert_eq!(crate::kernel::samples::refusals(&refused.unwrap_err()), ["/settings/match_by/1 invalid_choice"]);
}
