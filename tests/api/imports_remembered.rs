//! What a person mapped once is suggested for later files with the same header.
use crate::imports::{finished, import};
use crate::support::{Client, id, workspace};
use serde_json::{Value as Json, json};

const FILE: &str = "Surname,Mail address,Remark\nBerg,anna@x.example,GTXPro\n";

fn mapping() -> Json {
    let values = json!([{ "from": "GTXPro", "to": "GTX Pro" }]);
    json!([{ "column": "Mail address", "field": "email", "values": [] }, { "column": "Surname", "field": "last_name", "values": [] },
        { "column": "Remark", "field": "position", "values": values }])
}

/// Returns the suggested field of each column of an upload.
fn suggested(upload: &Json) -> Vec<Json> {
    upload["detected"]["columns"].as_array().unwrap().iter().map(|column| column["suggested_field"].clone()).collect()
}

fn upload(client: &Client, resource: &str, csv: &str) -> Json {
    client.upload(resource, "file.csv", csv.as_bytes()).created()
}

#[test]
fn a_mapping_is_suggested_again() {
    let owner = workspace();
    let before = suggested(&upload(&owner, "contacts", FILE));
    assert_ne!(before[2], "position");
    import(&owner, "contacts", FILE, json!({ "mapping": mapping() }));
    // The order of the columns does not matter.
    let later = upload(&owner, "contacts", "Remark,Surname,Mail address\nGTXPro,Cole,bob@x.example\n");
    assert_eq!(suggested(&later), ["position", "last_name", "email"]);
    let reason = later["detected"]["columns"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("an earlier file"), "{reason}");
    let run = owner.post(&format!("/imports/{}/run", id(&later)), json!({})).expect(202);
    assert_eq!(finished(&owner, &id(&run))["status"], "succeeded");
    assert_eq!(owner.get("/contacts?email=bob@x.example").ok()["data"][0]["position"], "GTX Pro");
    // Another kind of record, another header and another workspace know nothing of it.
    assert_ne!(suggested(&upload(&owner, "leads", FILE))[2], "position");
    assert_ne!(suggested(&upload(&owner, "contacts", "Surname,Remark\nBerg,GTXPro\n"))[1], "position");
    assert_eq!(suggested(&upload(&workspace(), "contacts", FILE)), before);
}

#[test]
fn a_column_that_was_left_out_stays_out() {
    let owner = workspace();
    let only = json!([{ "column": "Surname", "field": "last_name" }]);
    import(&owner, "contacts", FILE, json!({ "mapping": only }));
    let later = upload(&owner, "contacts", FILE);
    assert_eq!(suggested(&later), [json!("last_name"), Json::Null, Json::Null]);
    assert!(later["detected"]["columns"][1]["unread"].as_str().unwrap().contains("earlier"));
}

#[test]
fn a_dry_run_and_a_file_without_a_header_leave_no_mapping() {
    let owner = workspace();
    let first = upload(&owner, "contacts", FILE);
    let body = json!({ "dry_run": true, "settings": { "mapping": mapping() } });
    finished(&owner, &id(&owner.post(&format!("/imports/{}/run", id(&first)), body).expect(202)));
    assert_ne!(suggested(&upload(&owner, "contacts", FILE))[2], "position");
    let bare = "Berg,anna@x.example\nCole,bob@x.example\n";
    let settings = json!({ "header_line": 0, "mapping": [{ "column": "A", "field": "position" }, { "column": "B", "field": "last_name" }] });
    import(&owner, "contacts", bare, settings);
    assert_ne!(suggested(&upload(&owner, "contacts", bare))[0], "position");
}

#[test]
fn an_erasure_forgets_mappings() {
    let owner = workspace();
    import(&owner, "contacts", FILE, json!({ "mapping": mapping() }));
    let anna = owner.get("/contacts?email=anna@x.example").ok()["data"][0]["id"].clone();
    owner.post("/erasures", json!({ "contact_id": anna, "reason": "Asked" })).expect(201);
    assert_ne!(suggested(&upload(&owner, "contacts", FILE))[2], "position");
}
