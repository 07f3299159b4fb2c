//! The history of a record by field, in the words of the reader, and the record as it was.
use crate::support::{Client, id, key, stage, unique, user_with, workspace};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use voronka::kernel::values::time::DateTime;
use voronka::records::event_types;
use voronka::records::history::language::Language;

const RESOURCES: [(&str, &str); 7] = [
    ("contacts", "Contact"),
    ("companies", "Company"),
    ("leads", "Lead"),
    ("deals", "Deal"),
    ("tasks", "CrmTask"),
    ("activities", "Activity"),
    ("products", "Product"),
];

fn history(client: &Client, path: &str, query: &str) -> Vec<Json> {
    client.get(&format!("{path}/history?{query}")).ok()["data"].as_array().unwrap().clone()
}

fn change<'e>(entry: &'e Json, field: &str) -> &'e Json {
    let found = entry["changes"].as_array().unwrap().iter().find(|change| change["field"] == field);
    found.unwrap_or_else(|| panic!("{field}: {entry}"))
}

fn fields(entry: &Json) -> Vec<&str> {
    entry["changes"].as_array().unwrap().iter().map(|change| change["field"].as_str().unwrap()).collect()
}

#[test]
fn a_change_names_its_author_its_fields_and_their_records() {
    let owner = workspace();
    let firm = id(&owner.post("/companies", json!({ "name": "Sail & Co" })).created());
    let field = json!({ "resource": "deals", "key": "berth", "name": "Berth no.", "kind": "text" });
    owner.post("/custom-fields", field).created();
    let deal = json!({ "title": "Boat", "company_id": firm, "value": { "amount": 120_000, "currency": "EUR" } });
    let deal = id(&owner.post("/deals", deal).created());
    let path = format!("/deals/{deal}");
    let value = json!({ "value": { "amount": 150_000, "currency": "EUR" }, "expected_close_date": "2026-03-31",
        "custom_fields": [{ "key": "berth", "text": "A7" }], "company_id": null });
    owner.patch(&path, value).ok();
    let quoted = stage(&owner, "deal", "Quote sent");
    let script = key(&owner, &["deals:write"]);
    script.post(&format!("{path}/move"), json!({ "stage_id": quoted })).ok();

    let answer = owner.get(&format!("{path}/history?in_words=en"));
    assert_eq!(answer.statements(), 3);
    let entries = answer.ok()["data"].as_array().unwrap().clone();
    let types: Vec<_> = entries.iter().map(|entry| (&entry["type"], &entry["label"])).collect();
    assert_eq!(
        json!(types),
        json!([["deal.stage_changed", "Moved"], ["deal.updated", "Changed"], ["deal.created", "Created"]])
    );
    let [moved, changed, created] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!(moved["author"]["kind"], "api_key");
    assert_eq!(moved["author"]["name"], "Owner");
    assert!(moved["author"]["api_key"]["name"].is_string(), "{moved}");
    let stages = change(moved, "stage_id");
    assert_eq!(stages["label"], "Stage");
    assert_eq!(stages["to"], format!("\"{quoted}\""));
    assert_eq!(stages["to_records"], json!([{ "kind": "stage", "id": quoted, "name": "Quote sent" }]));
    assert_eq!(stages["in_words"], "Stage: Active inquiry → Quote sent");
    assert_eq!(changed["author"]["kind"], "user");
    assert_eq!(changed["author"]["api_key"], Json::Null);
    assert_eq!(fields(changed), ["cf.berth", "company_id", "expected_close_date", "value"]);
    for (field, words) in [
        ("cf.berth", "Berth no.: — → A7"),
        ("company_id", "Company: Sail & Co → —"),
        ("expected_close_date", "Expected close: — → 31 March 2026"),
        ("value", "Value: €1,200.00 → €1,500.00"),
    ] {
        assert_eq!(change(changed, field)["in_words"], words);
    }
    assert_eq!(change(created, "owner_id")["in_words"], "Owner: — → Owner");
    assert_eq!(created["record_version"], 1);

    let german = history(&owner, &path, "in_words=de&field=value,expected_close_date");
    assert_eq!(german[0]["label"], "Geändert");
    assert_eq!(change(&german[0], "value")["in_words"], "Wert: 1.200,00\u{a0}€ → 1.500,00\u{a0}€");
    assert_eq!(change(&german[0], "expected_close_date")["in_words"], "Erwarteter Abschluss: — → 31. März 2026");
    let russian = history(&owner, &path, "in_words=ru&field=value");
    assert_eq!(change(&russian[0], "value")["in_words"], "Сумма: 1\u{a0}200,00\u{a0}€ → 1\u{a0}500,00\u{a0}€");
    assert_eq!(fields(&russian[0]), ["value"]);
    let plain = history(&owner, &path, "limit=1");
    assert_eq!(change(&plain[0], "stage_id")["in_words"], Json::Null);
    assert_eq!(change(&plain[0], "stage_id")["label"], "Stage");
}

#[test]
fn a_history_is_paged_and_filtered() {
    let owner = workspace();
    let (other, other_id) = user_with(&owner, &[["companies", "all", "all", "all", "all", "all"]], json!({}));
    let firm = id(&owner.post("/companies", json!({ "name": "A" })).created());
    let path = format!("/companies/{firm}");
    for n in 0..5 {
        let client = if n % 2 == 0 { &owner } else { &other };
        client
            .patch(&path, json!({ "employees": n + 1, "sector": if n == 3 { json!("boats") } else { Json::Null } }))
            .ok();
    }
    let all = history(&owner, &path, "limit=500");
    assert_eq!(all.len(), 6);
    let (mut paged, mut next) = (Vec::new(), format!("{path}/history?limit=2"));
    loop {
        let page = owner.get(&next).ok();
        paged.extend(page["data"].as_array().unwrap().clone());
        let Some(cursor) = page["page"]["next_cursor"].as_str() else { break };
        next = format!("{path}/history?limit=2&cursor={cursor}");
    }
    assert_eq!(paged, all);
    assert_eq!(history(&owner, &path, "field=sector").len(), 2);
    assert_eq!(history(&owner, &path, "field=sector,name").len(), 3);
    assert_eq!(history(&owner, &path, &format!("actor_id={other_id}")).len(), 2);
    let third = all[2]["at"].as_str().unwrap();
    assert_eq!(history(&owner, &path, &format!("at__gte={third}")).len(), 3);
    assert_eq!(history(&owner, &path, &format!("at__lt={third}")).len(), 3);
    assert_eq!(history(&owner, &path, "at__gte=today").len(), 6);
    assert_eq!(history(&owner, &path, "at__lt=2026-01-01").len(), 0);
    for (query, parameter) in [
        ("field=colour", "field"),
        ("in_words=fr", "in_words"),
        ("cursor=x", "cursor"),
        ("actor_id=me2", "actor_id"),
        ("at__gte=31.1.", "at__gte"),
        ("sort=at", "sort"),
    ] {
        let problem = owner.get(&format!("{path}/history?{query}"));
        assert_eq!(problem.status, 400, "{query}");
        assert!(problem.text.contains(&format!("\"{parameter}\"")), "{query}: {}", problem.text);
    }
    let cursor = owner.get(&format!("{path}/history?limit=1")).ok()["page"]["next_cursor"].clone();
    let another = id(&owner.post("/companies", json!({ "name": "B" })).created());
    let foreign = format!("/companies/{another}/history?cursor={}", cursor.as_str().unwrap());
    owner.get(&foreign).problem(400, "cursor_invalid");
    // The names of authors take the permission to read users.
    assert_eq!(history(&other, &path, "limit=1")[0]["author"]["name"], Json::Null);
}

#[test]
fn a_history_shows_what_the_reader_may_see() {
    let owner = workspace();
    let hidden = json!({ "hidden_fields": [{ "resource": "deals", "field": "value" }] });
    let grants = [["deals", "all", "all", "all", "all", "all"], ["contacts", "own", "own", "own", "own", "own"]];
    let (seller, _) = user_with(&owner, &grants, hidden);
    let person = id(&owner.post("/contacts", json!({ "first_name": "Ann" })).created());
    let deal = json!({ "title": "Boat", "contacts": [{ "contact_id": person, "role": "skipper" }],
        "value": { "amount": 1, "currency": "EUR" } });
    let deal = id(&owner.post("/deals", deal).created());
    let path = format!("/deals/{deal}");
    owner.patch(&path, json!({ "value": { "amount": 2, "currency": "EUR" } })).ok();
    let [changed, created] = &history(&seller, &path, "in_words=en")[..] else { panic!("two changes") };
    assert_eq!(fields(changed), Vec::<&str>::new());
    assert!(!fields(created).contains(&"value"), "{created}");
    let people = change(created, "contacts");
    assert_eq!(people["to_records"], json!([{ "kind": "contact", "id": person, "name": null }]));
    assert_eq!(people["in_words"], "Contacts: — → (not shown) (skipper)");
    seller.get(&format!("{path}/history?field=value")).problem(400, "invalid_parameter");
    let people = history(&owner, &path, "in_words=en&field=contacts");
    assert_eq!(change(&people[0], "contacts")["in_words"], "Contacts: — → Ann (skipper)");
    let was = seller.get(&format!("{path}/history/as-it-was?at={}", created["at"].as_str().unwrap())).ok();
    assert!(!was.to_string().contains("\"value\":\"{"), "{was}");
    assert!(was["fields"].as_array().unwrap().iter().all(|value| value["field"] != "value"), "{was}");
    seller.get(&format!("/contacts/{person}/history")).problem(404, "not_found");
    // The history stays after the deletion, for callers who may delete.
    owner.delete(&path).gone();
    assert_eq!(history(&owner, &path, "")[0]["type"], "deal.deleted");
    let (reader, _) = user_with(&owner, &[["deals", "all", "none", "none", "none", "none"]], json!({}));
    reader.get(&format!("{path}/history")).problem(404, "not_found");
}

/// The names of records that are deleted for good come from their events.
#[test]
fn deleted_records_keep_their_names() {
    let owner = workspace();
    let source = id(&owner.post("/sources", json!({ "name": "Fair" })).created());
    let deal = id(&owner.post("/deals", json!({ "title": "Boat", "source_id": source })).created());
    let path = format!("/deals/{deal}");
    owner.patch(&path, json!({ "source_id": null })).ok();
    owner.patch(&format!("/sources/{source}"), json!({ "name": "Boat fair" })).ok();
    let words = |history: Vec<Json>| change(&history[0], "source_id")["in_words"].clone();
    assert_eq!(words(history(&owner, &path, "in_words=en&field=source_id")), "Source: Boat fair → —");
    owner.delete(&format!("/sources/{source}")).gone();
    assert_eq!(words(history(&owner, &path, "in_words=en&field=source_id")), "Source: Boat fair → —");
    let firm = id(&owner.post("/companies", json!({ "name": "Gone Ltd" })).created());
    owner.patch(&path, json!({ "company_id": firm })).ok();
    owner.patch(&path, json!({ "company_id": null })).ok();
    owner.delete(&format!("/companies/{firm}")).gone();
    let words = change(&history(&owner, &path, "in_words=en&field=company_id")[0], "company_id")["in_words"].clone();
    assert_eq!(words, "Company: Gone Ltd → —");
}

#[test]
fn an_erasure_removes_what_the_history_said() {
    let owner = workspace();
    let email = format!("{}@example.com", unique("erased"));
    let person = id(&owner.post("/contacts", json!({ "first_name": "Zelda", "email": email })).created());
    let firm = id(&owner.post("/companies", json!({ "name": "Firm" })).created());
    let deal = json!({ "title": "Boat", "company_id": firm, "contacts": [{ "contact_id": person }] });
    let deal = id(&owner.post("/deals", deal).created());
    let note = json!({ "type": "note", "text": "Zelda likes blue", "contact_id": person });
    let note = id(&owner.post("/activities", note).created());
    owner.patch(&format!("/activities/{note}"), json!({ "text": "Zelda likes red" })).ok();
    owner.patch(&format!("/contacts/{person}"), json!({ "last_name": "Quist" })).ok();
    assert!(owner.get(&format!("/deals/{deal}/history?in_words=en")).text.contains("Zelda"));
    owner.post("/erasures", json!({ "contact_id": person, "reason": "Asked" })).created();
    for path in [format!("/contacts/{person}"), format!("/deals/{deal}"), format!("/activities/{note}")] {
        let answer = owner.get(&format!("{path}/history?in_words=en"));
        for word in ["Zelda", "Quist", email.as_str()] {
            assert!(!answer.text.contains(word), "{path}: {}", answer.text);
        }
        assert!(!answer.ok()["data"].as_array().unwrap().is_empty());
    }
    let entries = history(&owner, &format!("/contacts/{person}"), "");
    assert!(entries.iter().any(|entry| entry["redacted_at"].is_string() && entry["changes"] == json!([])));
    // What is unknown is named.
    let at = entries.last().unwrap()["at"].as_str().unwrap();
    let was = owner.get(&format!("/contacts/{person}/history/as-it-was?at={at}")).ok();
    assert_eq!(was["fields"], json!([]));
    assert!(was["unknown"].as_array().unwrap().contains(&json!("first_name")), "{was}");
}

#[test]
fn jobs_and_imports_are_named_as_authors() {
    let owner = workspace();
    let firm = id(&owner.post("/companies", json!({ "name": "Bulk" })).created());
    let body = json!({ "selection": { "all": [{ "field": "name", "op": "eq", "values": ["Bulk"] }] },
        "changes": { "sector": "boats" } });
    let job = id(&owner.post("/companies/bulk-update", body).expect(202));
    let path = format!("/companies/{firm}");
    let entry = (0..200).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        history(&owner, &path, "field=sector").into_iter().next()
    });
    let entry = entry.unwrap();
    assert_eq!(entry["author"]["kind"], "bulk_job");
    assert_eq!(entry["author"]["job_id"], json!(job));
    assert_eq!(entry["author"]["name"], "Owner");
    crate::imports::import(
        &owner,
        "companies",
        "name\nBrought\n",
        json!({ "mapping": [{ "column": "name", "field": "name" }] }),
    );
    let brought = id(&owner.get("/companies?name=Brought").ok()["data"][0]);
    assert_eq!(history(&owner, &format!("/companies/{brought}"), "")[0]["author"]["kind"], "import");
}

#[test]
fn a_record_did_not_exist_before_its_creation() {
    let owner = workspace();
    let deal = id(&owner.post("/deals", json!({ "title": "Boat" })).created());
    let was = format!("/deals/{deal}/history/as-it-was");
    owner.get(&format!("{was}?on=2026-01-01")).problem(404, "not_found");
    owner.get(&format!("{was}?at=2026-01-01T00:00:00Z")).problem(404, "not_found");
    let zone = owner.get("/workspaces/current").ok()["time_zone"].as_str().unwrap().to_owned();
    let today = DateTime::now().utc().with_timezone(&zone.parse::<chrono_tz::Tz>().unwrap()).date_naive();
    let found = owner.get(&format!("{was}?on={today}&in_words=de"));
    assert_eq!(found.statements(), 4);
    let found = found.ok();
    let title = found["fields"].as_array().unwrap().iter().find(|value| value["field"] == "title").unwrap().clone();
    assert_eq!(
        title,
        json!({ "field": "title", "label": "Titel", "value": "\"Boat\"", "records": [], "in_words": "Boat" })
    );
    assert_eq!(found["unknown"], json!(["board_position", "last_activity_at", "next_task", "updated_at", "version"]));
    assert_eq!(found["deleted"], false);
    for query in ["on=2026-01-01&at=2026-01-01T00:00:00Z", "on=2999-01-01", "at=2999-01-01T00:00:00Z", "on=today"] {
        owner.get(&format!("{was}?{query}")).problem(400, "invalid_parameter");
    }
    owner.delete(&format!("/deals/{deal}")).gone();
    assert_eq!(owner.get(&format!("{was}?on={today}")).ok()["deleted"], true);
    owner.post(&format!("/deals/{deal}/restore"), json!({})).ok();
    assert_eq!(owner.get(&format!("{was}?on={today}")).ok()["deleted"], false);
}

/// Returns the fields of a record as `as-it-was` names them.
fn flat(record: &Json) -> BTreeMap<String, Json> {
    let own = record["custom_fields"].as_array().into_iter().flatten().map(|value| {
        let held = value.as_object().unwrap().iter().find(|(name, held)| {
            *name != "key" && !held.is_null() && held.as_array().is_none_or(|list| !list.is_empty())
        });
        (format!("cf.{}", value["key"].as_str().unwrap()), held.unwrap().1.clone())
    });
    let silent =
        ["id", "deleted_at", "version", "updated_at", "edited_at", "last_activity_at", "next_task", "board_position"];
    let built = record.as_object().unwrap().iter().filter(|(name, _)| !silent.contains(&name.as_str()));
    built
        .filter(|(name, _)| *name != "custom_fields")
        .map(|(name, value)| (name.clone(), value.clone()))
        .chain(own)
        .collect()
}

fn at_instant(client: &Client, path: &str, at: &str) -> BTreeMap<String, Json> {
    let was = client.get(&format!("{path}/history/as-it-was?at={at}")).ok();
    let field = |value: &Json| {
        (value["field"].as_str().unwrap().to_owned(), serde_json::from_str(value["value"].as_str().unwrap()).unwrap())
    };
    was["fields"].as_array().unwrap().iter().map(field).collect()
}

/// A random change of a contact.
fn contact_change() -> impl Strategy<Value = Json> {
    let text = || prop_oneof![Just(Json::Null), "[a-zж]{1,6}".prop_map(Json::from)];
    let member = prop_oneof![
        ("[a-z]{1,8}").prop_map(|name| ("first_name", json!(name))),
        text().prop_map(|name| ("last_name", name)),
        text().prop_map(|position| ("position", position)),
        proptest::option::of(0..28_u32)
            .prop_map(|day| ("birthday", day.map_or(Json::Null, |day| json!(format!("1990-02-{:02}", day + 1))))),
        any::<bool>().prop_map(|flag| ("do_not_contact", json!(flag))),
        proptest::sample::subsequence(vec!["vip", "north", "Жук"], 0..=3).prop_map(|tags| ("tags", json!(tags))),
        proptest::sample::subsequence(vec!["+372 5550101", "+372 5550102"], 0..=2)
            .prop_map(|phones| { ("phones", phones.into_iter().map(|phone| json!({ "phone": phone })).collect()) }),
        proptest::option::of(-5.0..5.0_f64)
            .prop_map(|size| ("custom_fields", json!([{ "key": "size", "number": size }]))),
        proptest::sample::subsequence(vec!["a", "b"], 0..=2)
            .prop_map(|likes| ("custom_fields", json!([{ "key": "likes", "options": likes }]))),
    ];
    proptest::collection::vec(member, 1..4).prop_map(|members| {
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into()
    })
}

#[test]
fn a_record_was_as_it_was_remembered() {
    let owner = workspace();
    owner
        .post("/custom-fields", json!({ "resource": "contacts", "key": "size", "name": "Size", "kind": "number" }))
        .created();
    let likes = json!({ "resource": "contacts", "key": "likes", "name": "Likes", "kind": "multi_choice", "options": ["a", "b"] });
    owner.post("/custom-fields", likes).created();
    let config = Config { cases: 12, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..Config::default() };
    let changes = proptest::collection::vec(contact_change(), 1..9);
    let outcome = TestRunner::new(config).run(&changes, |changes| {
        let created = owner.post("/contacts", json!({ "first_name": "first", "tags": ["vip"] })).created();
        let path = format!("/contacts/{}", id(&created));
        let mut states = vec![created];
        for change in changes {
            std::thread::sleep(std::time::Duration::from_millis(2));
            states.push(owner.patch(&path, change).ok());
        }
        for state in &states {
            prop_assert_eq!(at_instant(&owner, &path, state["updated_at"].as_str().unwrap()), flat(state));
        }
        Ok(())
    });
    outcome.unwrap();
}

/// A deal through its stages, with contacts and custom fields, also deleted.
#[test]
fn a_deal_was_as_it_was_remembered() {
    let owner = workspace();
    let person = id(&owner.post("/contacts", json!({ "first_name": "Ann" })).created());
    let reason = id(&owner.post("/loss-reasons", json!({ "name": "Price" })).created());
    let mut states = vec![owner.post("/deals", json!({ "title": "Boat" })).created()];
    let path = format!("/deals/{}", id(&states[0]));
    let mut go = |verb: &str, body: Json| {
        std::thread::sleep(std::time::Duration::from_millis(2));
        states.push(if verb.is_empty() {
            owner.patch(&path, body).ok()
        } else {
            owner.post(&format!("{path}/{verb}"), body).ok()
        });
    };
    go("", json!({ "value": { "amount": 5, "currency": "JPY" }, "contacts": [{ "contact_id": person }] }));
    go("move", json!({ "stage_id": stage(&owner, "deal", "Quote sent") }));
    go("lose", json!({ "loss_reason_id": reason, "loss_note": "dear" }));
    go("reopen", json!({}));
    go("win", json!({}));
    go("", json!({ "contacts": [], "value": null }));
    for state in &states {
        assert_eq!(at_instant(&owner, &path, state["updated_at"].as_str().unwrap()), flat(state));
    }
}

/// Every field and every event of the resources with a history has words in every language.
#[test]
fn the_catalogues_are_complete() {
    workspace();
    let schemas = &crate::support::client::DOCUMENT["components"]["schemas"];
    for language in Language::ALL {
        for (resource, schema) in RESOURCES {
            for name in schemas[schema]["properties"].as_object().unwrap().keys() {
                let shown = !["id", "custom_fields", "included"].contains(&name.as_str());
                assert!(!shown || language.word(&format!("field.{name}")).is_some(), "{resource} {name} {language:?}");
            }
            for (_, event) in event_types::all().filter(|(kind, _)| kind.path() == resource) {
                let verb = event.split_once('.').unwrap().1;
                assert!(language.word(&format!("event.{verb}")).is_some(), "{event} {language:?}");
            }
        }
    }
}

#[test]
fn every_kind_of_record_has_a_history() {
    let owner = workspace();
    let person = id(&owner.post("/contacts", json!({ "first_name": "Ann" })).created());
    for (resource, body) in [
        ("contacts", json!({ "first_name": "Ann" })),
        ("companies", json!({ "name": "Firm" })),
        ("leads", json!({ "title": "Wish", "person": { "name": "Bo", "email": "bo@example.com" } })),
        ("deals", json!({ "title": "Boat" })),
        ("tasks", json!({ "title": "Call", "due_date": "2031-01-01" })),
        ("activities", json!({ "type": "call", "contact_id": person })),
        ("products", json!({ "name": "Boat", "price": { "amount": 5, "currency": "CHF" } })),
    ] {
        let record = owner.post(&format!("/{resource}"), body).created();
        let path = format!("/{resource}/{}", id(&record));
        let entries = history(&owner, &path, "in_words=ru");
        assert_eq!(entries.len(), 1, "{resource}");
        let at = record["updated_at"].as_str().unwrap();
        assert_eq!(at_instant(&owner, &path, at), flat(&record), "{resource}");
    }
}
