//! Lists by id, includes, and conditions on related records.
use crate::support::{Client, client::DOCUMENT, id, user_with, workspace};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

fn names(page: &Json, member: &str) -> BTreeSet<String> {
    page["data"].as_array().unwrap().iter().map(|row| row[member].as_str().unwrap().to_owned()).collect()
}

/// Every list with filters takes ids.
#[test]
fn every_list_takes_ids() {
    let owner = workspace();
    let nobody = "0192f0c1-2d3e-7a4b-8c5d-6e7f80910000";
    let mut asked = 0;
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        let parameters = item["get"]["parameters"].as_array().into_iter().flatten();
        let names: Vec<&str> = parameters.filter_map(|p| p["name"].as_str()).collect();
        let operation = item["get"]["operationId"].as_str().unwrap_or_default();
        if !operation.starts_with("list_") || !names.contains(&"sort") || path.contains('{') {
            continue;
        }
        assert!(names.contains(&"id") && names.contains(&"id__ne"), "{path}");
        let path = path.strip_prefix("/api/v1").unwrap();
        assert_eq!(owner.get(&format!("{path}?id={nobody}")).ok()["data"], json!([]), "{path}");
        owner.get(&format!("{path}?id=x")).problem(400, "invalid_parameter");
        let all = owner.get(path).ok()["data"].as_array().unwrap().clone();
        if let [first, ..] = all.as_slice() {
            let found = owner.get(&format!("{path}?id={nobody},{}", id(first))).ok();
            assert_eq!(found["data"], json!([first]), "{path}");
            let others = owner.get(&format!("{path}?id__ne={}", id(first))).ok()["data"].as_array().unwrap().len();
            assert_eq!(others, all.len() - 1, "{path}");
        }
        asked += 1;
    }
    assert!(asked > 15, "{asked}");
}

struct Scene {
    ann: String,
    boat: String,
}

fn scene(owner: &Client) -> Scene {
    let firm =
        |name: &str, sector: &str| id(&owner.post("/companies", json!({ "name": name, "sector": sector })).created());
    let (steel, milk) = (firm("Steel Ltd", "steel"), firm("Milk Ltd", "food"));
    let person = |name: &str, company: &str| {
        id(&owner.post("/contacts", json!({ "first_name": name, "company_id": company, "tags": [name] })).created())
    };
    let (ann, bob) = (person("Ann", &steel), person("Bob", &milk));
    let deal = |title: &str, company: &str, contacts: &[&str], amount: i64| {
        let contacts: Vec<Json> = contacts.iter().map(|id| json!({ "contact_id": id })).collect();
        let body = json!({ "title": title, "company_id": company, "contacts": contacts, "value": { "amount": amount, "currency": "EUR" } });
        id(&owner.post("/deals", body).created())
    };
    let boat = deal("Boat", &steel, &[&ann, &bob], 900);
    let sail = deal("Sail", &milk, &[&bob], 50);
    owner.post(&format!("/deals/{sail}/win"), json!({})).ok();
    owner.post("/leads", json!({ "title": "Wish", "contact_id": ann, "company_id": milk })).created();
    Scene { ann, boat }
}

#[test]
fn conditions_work_on_related_records() {
    let owner = workspace();
    let Scene { ann, boat } = scene(&owner);
    let cases = [
        (
            "contacts",
            "first_name",
            json!({ "all": [{ "field": "company.sector", "op": "eq", "values": ["steel"] }] }),
            "Ann",
        ),
        (
            "contacts",
            "first_name",
            json!({ "all": [{ "field": "deals.status", "op": "eq", "values": ["won"] }] }),
            "Bob",
        ),
        (
            "contacts",
            "first_name",
            json!({ "none": [{ "field": "deals.status", "op": "eq", "values": ["won"] }] }),
            "Ann",
        ),
        (
            "contacts",
            "first_name",
            json!({ "all": [{ "field": "deals.value", "op": "gte", "values": ["900 EUR"] }] }),
            "Ann|Bob",
        ),
        ("contacts", "first_name", json!({ "all": [{ "field": "deal_id", "op": "eq", "values": [boat] }] }), "Ann|Bob"),
        ("contacts", "first_name", json!({ "all": [{ "field": "id", "op": "in", "values": [ann] }] }), "Ann"),
        (
            "companies",
            "name",
            json!({ "all": [{ "field": "contacts.tags", "op": "eq", "values": ["Bob"] }] }),
            "Milk Ltd",
        ),
        (
            "companies",
            "name",
            json!({ "all": [{ "field": "deals.status", "op": "eq", "values": ["open"] }] }),
            "Steel Ltd",
        ),
        ("deals", "title", json!({ "all": [{ "field": "company.sector", "op": "eq", "values": ["food"] }] }), "Sail"),
        (
            "deals",
            "title",
            json!({ "all": [{ "field": "contacts.first_name", "op": "starts_with", "values": ["a"] }] }),
            "Boat",
        ),
        (
            "leads",
            "title",
            json!({ "all": [{ "field": "contact.first_name", "op": "eq", "values": ["Ann"] }] }),
            "Wish",
        ),
        ("leads", "title", json!({ "any": [{ "field": "company.sector", "op": "eq", "values": ["steel"] }] }), ""),
    ];
    for (list, member, selection, expected) in cases {
        let expected: BTreeSet<String> = expected.split('|').filter(|n| !n.is_empty()).map(str::to_owned).collect();
        let answer = owner.post(&format!("/{list}/search"), selection.clone());
        assert_eq!(answer.statements(), 1, "{selection}");
        assert_eq!(names(&answer.ok(), member), expected, "{selection}");
    }
    let wrong = json!({ "all": [{ "field": "company.secter", "op": "eq", "values": ["x"] }] });
    let problem = owner.post("/contacts/search", wrong).problem(422, "validation_failed");
    assert!(problem.to_string().contains("did you mean company.sector?"), "{problem}");
    assert_eq!(names(&owner.get(&format!("/contacts?deal_id={boat}")).ok(), "first_name").len(), 2);
}

/// An invisible or hidden value does not affect the results for other records.
#[test]
fn conditions_reveal_nothing_about_invisible_records() {
    let owner = workspace();
    let Scene { boat, .. } = scene(&owner);
    let grants = [
        ["contacts", "all", "none", "none", "none", "none"],
        ["deals", "own", "none", "none", "none", "none"],
        ["companies", "all", "none", "none", "none", "none"],
    ];
    let hidden = json!({ "hidden_fields": [{ "resource": "companies", "field": "revenue" }, { "resource": "deals", "field": "value" }] });
    let (ann, _) = user_with(&owner, &grants, hidden);
    let found = |client: &Client, list: &str, field: &str, op: &str, value: &str| {
        client.post(&format!("/{list}/search"), json!({ "all": [{ "field": field, "op": op, "values": [value] }] }))
    };
    assert_eq!(found(&owner, "contacts", "deals.status", "eq", "won").ok()["data"].as_array().unwrap().len(), 1);
    assert_eq!(found(&ann, "contacts", "deals.status", "eq", "won").ok()["data"], json!([]));
    assert_eq!(ann.get(&format!("/contacts?deal_id={boat}")).ok()["data"], json!([]));
    found(&ann, "contacts", "deals.value", "gte", "1 EUR").problem(422, "validation_failed");
    found(&ann, "contacts", "company.revenue", "gte", "1 EUR").problem(422, "validation_failed");
    found(&owner, "contacts", "company.revenue", "gte", "1 EUR").ok();
}

#[test]
fn deals_include_their_contacts() {
    let owner = workspace();
    scene(&owner);
    let included = |include: &str| -> Vec<String> {
        let page = owner.get(&format!("/deals?include={include}"));
        assert_eq!(page.statements(), 2, "{include}");
        let page = page.ok();
        let mut found: Vec<String> = page["included"]["contacts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["name"].as_str().unwrap().to_owned())
            .collect();
        found.sort();
        found
    };
    assert_eq!(included("contacts"), ["Ann", "Bob"]);
    // Ann belongs to the boat, Bob to the sail.
    assert_eq!(included("primary_contact"), ["Ann", "Bob"]);
    owner.get("/deals?include=contact").problem(400, "invalid_parameter");
}
