//! Our own export comes back as it was: into another workspace, and without a change into the same one.
use crate::imports::finished;
use crate::imports_files::zip;
use crate::support::{Client, id, workspace};
use serde_json::{Value as Json, json};

/// The lists with the names that an export shows beside ids.
const EXPORTS: [(&str, &str); 4] = [
    ("companies", "owner,parent"),
    ("contacts", "owner,company,source"),
    ("leads", "owner,company,source,stage,pipeline"),
    ("deals", "owner,company,source,stage,pipeline,contacts"),
];

/// Members that belong to the workspace, or that no import sets.
const OWN: [&str; 19] = [
    "id",
    "number",
    "board_position",
    "first_response_at",
    "version",
    "created_at",
    "updated_at",
    "stage_entered_at",
    "last_activity_at",
    "external_id",
    "first_touch",
    "next_task",
    "closed_by_id",
    "owner_id",
    "pipeline_id",
    "stage_id",
    "source_id",
    "company_id",
    "parent_id",
];

fn all(client: &Client, resource: &str) -> Vec<Json> {
    client.get(&format!("/{resource}?limit=100")).ok()["data"].as_array().unwrap().clone()
}

fn export(client: &Client) -> Vec<u8> {
    let csv = |(resource, include): &(&str, &str)| {
        let answer = client.clone().with("Accept", "text/csv").get(&format!("/{resource}?limit=100&include={include}"));
        (format!("{resource}.csv"), answer.text.into_bytes())
    };
    let files: Vec<(String, Vec<u8>)> = EXPORTS.iter().map(csv).collect();
    zip(&files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect::<Vec<_>>())
}

/// Imports an archive and returns the import.
fn import(client: &Client, archive: &[u8]) -> Json {
    let import = id(&client.upload("", "export.zip", archive).created());
    let job = finished(client, &id(&client.post(&format!("/imports/{import}/run"), json!({})).expect(202)));
    assert_eq!(job["status"], "succeeded", "{job}");
    client.get(&format!("/imports/{import}")).ok()
}

fn fill(owner: &Client) {
    let made = |path: &str, body: Json| owner.post(path, body).created()["id"].clone();
    let source = made("/sources", json!({ "name": "Fair; spring" }));
    for field in [
        json!({ "resource": "contacts", "key": "size", "name": "Size", "kind": "number" }),
        json!({ "resource": "contacts", "key": "likes", "name": "Likes", "kind": "multi_choice", "options": ["Tea", "Cake, big"] }),
        json!({ "resource": "deals", "key": "renewal", "name": "Renewal", "kind": "date" }),
    ] {
        owner.post("/custom-fields", field).created();
    }
    let company = made(
        "/companies",
        json!({ "name": "=Nord \"GmbH\"; Söhne", "domain": "nord.example", "country": "DE",
        "address": "Weg 1, 01067 Berlin", "employees": 12, "tags": ["vip", "a, b", "7\" pipe", "x / y"] }),
    );
    made("/companies", json!({ "name": "Sub", "parent_id": company }));
    let contact = made(
        "/contacts",
        json!({ "first_name": "Änne", "last_name": "O'Neil; Jr", "company_id": company,
        "emails": [{ "email": "a@nord.example" }, { "email": "b@home.example" }], "phones": [{ "phone": "+49301234567" }],
        "position": "+CEO", "birthday": "1980-02-29", "source_id": source, "tags": ["x", "y;z"], "lifecycle": "customer",
        "address": "Weg 1\nBerlin", "locale": "de", "time_zone": "Europe/Berlin", "do_not_contact": true,
        "custom_fields": [{ "key": "size", "number": 4.5 }, { "key": "likes", "options": ["Tea", "Cake, big"] }] }),
    );
    made(
        "/leads",
        json!({ "title": "Boat", "value": { "amount": 123_456, "currency": "USD" }, "source_id": source,
        "person": { "name": "Eva Stone", "email": "eva@x.example", "phone": "+37255501011" }, "tags": ["hot"] }),
    );
    made(
        "/deals",
        json!({ "title": "Engine", "value": { "amount": -5_000, "currency": "JPY" }, "company_id": company,
        "contacts": [{ "contact_id": contact }], "expected_close_date": "2027-01-02", "probability_percent": 40,
        "next_step": "line 1\nline 2", "custom_fields": [{ "key": "renewal", "date": "2028-02-29" }] }),
    );
    let won = made("/deals", json!({ "title": "Hull", "value": { "amount": 100_000, "currency": "EUR" } }));
    let pipeline = owner.get(&format!("/deals/{}", won.as_str().unwrap())).ok()["pipeline_id"].clone();
    let stages = owner.get(&format!("/pipelines/{}", pipeline.as_str().unwrap())).ok()["stages"].clone();
    let won_stage = stages.as_array().unwrap().iter().find(|stage| stage["category"] == "won").unwrap()["id"].clone();
    owner.post(&format!("/deals/{}/move", won.as_str().unwrap()), json!({ "stage_id": won_stage })).ok();
}

/// Returns what must survive: the members of a record, and whether its references are set.
fn kept(record: &Json) -> Json {
    let mut record = record.clone();
    let members = record.as_object_mut().unwrap();
    let set: Vec<Json> =
        OWN.iter().map(|name| json!(members.get(*name).is_some_and(|value| value.is_string()))).collect();
    for name in OWN {
        members.remove(name);
    }
    let contacts = members.get("contacts").and_then(Json::as_array).map(Vec::len);
    members.insert("contacts".into(), json!(contacts));
    let references: Vec<Json> =
        OWN.iter().zip(set).filter(|(name, _)| name.ends_with("_id")).map(|(_, set)| set).collect();
    members.insert("references".into(), json!(references[2..]));
    record
}

#[test]
fn an_export_keeps_every_member_in_another_workspace() {
    let (from, to) = (workspace(), workspace());
    fill(&from);
    for field in all(&from, "custom-fields") {
        let mut field = field;
        let members = field.as_object_mut().unwrap();
        members.retain(|name, value| {
            ["resource", "key", "name", "kind", "options"].contains(&name.as_str()) && !value.is_null()
        });
        if members["options"].as_array().is_some_and(Vec::is_empty) {
            members.remove("options");
        }
        to.post("/custom-fields", field).created();
    }
    let archive = export(&from);
    let first = import(&to, &archive);
    assert_eq!([&first["report"]["created"], &first["report"]["failed"]], [&json!(6), &json!(0)], "{first}");
    for (resource, _) in EXPORTS {
        let title = |record: &Json| ["title", "name", "last_name"].map(|name| record[name].to_string());
        let sorted = |client: &Client| {
            let mut records = all(client, resource);
            records.sort_by_key(title);
            records.iter().map(kept).collect::<Vec<_>>()
        };
        assert_eq!(sorted(&to), sorted(&from), "{resource}");
    }
    assert_eq!(import(&to, &archive)["report"]["unchanged"], 6);
    // A later export finds the records, although they have other ids here.
    let deal = all(&from, "deals").iter().find(|deal| deal["title"] == "Engine").unwrap()["id"].clone();
    from.patch(&format!("/deals/{}", deal.as_str().unwrap()), json!({ "title": "Diesel engine" })).ok();
    let later = import(&to, &export(&from));
    assert_eq!([&later["report"]["created"], &later["report"]["updated"]], [&json!(0), &json!(1)]);
}

#[test]
fn an_export_changes_nothing_in_its_own_workspace() {
    let owner = workspace();
    fill(&owner);
    let before: Vec<Json> = EXPORTS.iter().flat_map(|(resource, _)| all(&owner, resource)).collect();
    let import = import(&owner, &export(&owner));
    assert_eq!([&import["report"]["unchanged"], &import["report"]["failed"]], [&json!(6), &json!(0)], "{import}");
    let after: Vec<Json> = EXPORTS.iter().flat_map(|(resource, _)| all(&owner, resource)).collect();
    assert_eq!(after, before);
}
