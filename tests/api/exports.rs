//! Lists as CSV files, limited to what the caller may export.
use crate::support::{id, user_with, workspace};
use serde_json::json;

#[test]
fn a_list_is_exported_as_csv() {
    let owner = workspace();
    owner
        .post("/custom-fields", json!({ "resource": "deals", "key": "hull", "name": "Hull", "kind": "text" }))
        .created();
    let eve = id(&owner.post("/contacts", json!({ "first_name": "Eve" })).created());
    let deal = json!({ "title": "=Boat", "value": { "amount": 125_050, "currency": "EUR" }, "tags": ["a", "b"],
        "contacts": [{ "contact_id": eve }], "custom_fields": [{ "key": "hull", "text": "steel, grey" }] });
    let deal = owner.post("/deals", deal).created();
    owner.post("/deals", json!({ "title": "Oar" })).created();
    let csv = owner.with("Accept", "text/csv").get("/deals?sort=title&title__contains=Boat");
    assert_eq!(csv.status, 200);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    let mut lines = csv::Reader::from_reader(csv.text.as_bytes());
    let head = lines.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = lines.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1);
    let cell = |name: &str| &rows[0][head.iter().position(|column| column == name).expect(name)];
    assert_eq!(cell("id"), deal["id"].as_str().unwrap());
    assert_eq!(cell("title"), "'=Boat");
    assert_eq!(cell("value"), "1250.50");
    assert_eq!(cell("value.currency"), "EUR");
    assert_eq!(cell("tags"), "a, b");
    assert_eq!(cell("contacts"), eve.as_str());
    assert_eq!(cell("cf.hull"), "steel, grey");
    for list in ["contacts", "companies", "leads", "tasks"] {
        let csv = owner.with("Accept", "text/csv").get(&format!("/{list}"));
        assert_eq!(csv.status, 200, "{list}");
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8", "{list}");
    }
    owner.with("Accept", "application/pdf").get("/deals").problem(406, "not_acceptable");
}

#[test]
fn an_export_holds_only_exportable_records() {
    let owner = workspace();
    let hidden = json!({ "hidden_fields": [{ "resource": "contacts", "field": "phone" }] });
    let grants = [["contacts", "all", "own", "none", "none", "own"], ["deals", "all", "none", "none", "none", "none"]];
    let (ann, ann_id) = user_with(&owner, &grants, hidden);
    let body = json!({ "first_name": "Hers", "phone": "+37255501011", "owner_id": ann_id });
    owner.post("/contacts", body).created();
    owner.post("/contacts", json!({ "first_name": "Another's" })).created();
    assert_eq!(ann.get("/contacts").ok()["data"].as_array().unwrap().len(), 2);
    let file = ann.with("Accept", "text/csv").get("/contacts").text;
    assert!(file.contains("Hers") && !file.contains("Another") && !file.contains("5550"), "{file}");
    ann.with("Accept", "text/csv").get("/deals").problem(403, "forbidden");
    // Where the create permission covers only some owners, a record created without an owner belongs to the caller.
    assert_eq!(ann.post("/contacts", json!({ "first_name": "New" })).created()["owner_id"], ann_id.as_str());
}

#[test]
fn an_import_does_not_reveal_hidden_fields() {
    let owner = workspace();
    owner.post("/contacts", json!({ "first_name": "Eve", "email": "eve@example.com" })).created();
    let hidden = json!({ "hidden_fields": [{ "resource": "contacts", "field": "email" }] });
    let grants = [["contacts", "all", "all", "all", "none", "none"], ["imports", "all", "all", "none", "none", "none"]];
    let (ann, _) = user_with(&owner, &grants, hidden);
    let upload = ann.upload("contacts", "a.csv", b"first_name,email\nEve,eve@example.com\n").created();
    assert_eq!(upload["detected"]["columns"][1]["suggested_field"], serde_json::Value::Null);
    let mapping = json!([{ "column": "email", "field": "email" }]);
    let run = json!({ "dry_run": true, "settings": { "mapping": mapping } });
    ann.post(&format!("/imports/{}/run", id(&upload)), run).problem(422, "validation_failed");
}
