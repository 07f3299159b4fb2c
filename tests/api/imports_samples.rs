//! Files that people bring, imported as suggested: `tests/import-samples/expected.json` has the records that must come
//! out of each. `UPDATE=1` writes what comes out, to be compared by eye. Each file is imported twice, and undone.
use crate::imports::finished;
use crate::imports_meaning;
use crate::support::{Client, id, unique};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use voronka::kernel::values::time::DateTime;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/import-samples");
/// Members that differ from run to run, or that no file sets.
const OF_THE_SERVER: [&str; 17] = [
    "board_position",
    "first_response_at",
    "id",
    "number",
    "version",
    "pipeline_id",
    "created_at",
    "updated_at",
    "deleted_at",
    "last_activity_at",
    "stage_entered_at",
    "next_task",
    "forecast_category",
    "line_items",
    "person_id",
    "first_touch",
    "closed_by_id",
];

/// A German workspace with two sellers.
fn home() -> Client {
    let owner = imports_meaning::home();
    for name in ["Ines Moreau", "Hugo Lang"] {
        let email = format!("{}@x.example", unique("seller"));
        owner.post("/users", json!({ "name": name, "email": email, "role": "seller" })).created();
    }
    owner
}

/// The names of all records to which a page refers, by id.
fn names(page: &Json) -> BTreeMap<String, Json> {
    let lists = page["included"].as_object().into_iter().flatten().flat_map(|(_, list)| list.as_array().unwrap());
    lists.map(|one| (one["id"].as_str().unwrap().to_owned(), one["name"].clone())).collect()
}

/// A record without the members that no file sets, with names instead of ids.
fn shown(record: &Json, names: &BTreeMap<String, Json>, of_the_test: &RangeInclusive<String>) -> Json {
    let mut shown = Map::new();
    for (member, value) in record.as_object().unwrap() {
        let text = value.as_str().unwrap_or_default().to_owned();
        let dull = value.is_null() || *value == json!([]) || *value == json!(false) || text.starts_with("csv:");
        if dull || of_the_test.contains(&text) || OF_THE_SERVER.contains(&member.as_str()) && member != "created_at" {
            continue;
        }
        shown.insert(member.clone(), names.get(&text).unwrap_or(value).clone());
    }
    Json::Object(shown)
}

fn records(owner: &Client, resource: &str) -> Vec<Json> {
    let include = match resource {
        "deals" => "company,owner,stage,loss_reason,source",
        "leads" => "company,owner,stage,loss_reason,source",
        "contacts" => "company,owner,source",
        _ => "owner",
    };
    let page = owner.get(&format!("/{resource}?include={include}&sort=created_at&limit=10")).ok();
    // Times the server set itself. Times in the files lie before or after, whenever the test runs.
    let began = owner.get("/me").ok()["workspace"]["created_at"].as_str().unwrap().to_owned();
    let of_the_test = began..=DateTime::now().utc().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    let names = names(&page);
    let mut all: Vec<Json> =
        page["data"].as_array().unwrap().iter().map(|one| shown(one, &names, &of_the_test)).collect();
    all.sort_by_key(Json::to_string);
    all
}

fn run(owner: &Client, import: &str) -> Json {
    let body = json!({ "settings": { "accept_guesses": true } });
    let answer = owner.post(&format!("/imports/{import}/run"), body);
    if answer.status != 202 {
        return json!({ "error": answer.json()["errors"][0]["detail"] });
    }
    assert_eq!(finished(owner, &id(&answer.json()))["status"], "succeeded");
    owner.get(&format!("/imports/{import}")).ok()["report"].clone()
}

/// Imports a file twice and undoes it. Returns what came out.
fn outcome(file: &str, resource: &str) -> Json {
    let owner = home();
    let content = std::fs::read(format!("{FOLDER}/{file}")).unwrap();
    let import = owner.upload(resource, file, &content).created();
    let report = run(&owner, &id(&import));
    let kinds =
        |list: &Json| -> Vec<Json> { list.as_array().into_iter().flatten().map(|one| one["kind"].clone()).collect() };
    let questions = report["decisions"].as_array().into_iter().flatten().map(|one| one["key"].clone());
    let found = json!({
        "resource": resource,
        "origin": import["detected"]["origin"],
        "findings": kinds(&import["detected"]["findings"]),
        "warnings": kinds(&report["warnings"]),
        "questions": questions.collect::<Vec<Json>>(),
        "failed": report["failed"],
        "error": report["error"],
        "records": records(&owner, resource),
    });
    let again = run(&owner, &id(&import));
    assert_eq!([&again["created"], &again["updated"]], [&json!(0), &json!(0)], "{file} again: {again}");
    let undo = owner.post(&format!("/imports/{}/undo", id(&import)), json!({})).expect(202);
    assert_eq!(finished(&owner, &id(&undo))["status"], "succeeded", "{file}");
    assert_eq!(records(&owner, resource), Vec::<Json>::new(), "{file} undone");
    found
}

#[test]
fn the_right_records_come_out_of_each_file() {
    let path = format!("{FOLDER}/expected.json");
    let mut expected: BTreeMap<String, Json> = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for (file, right) in &mut expected {
        let found = outcome(file, right["resource"].as_str().unwrap());
        if std::env::var_os("UPDATE").is_some() {
            *right = found;
        } else if found != *right {
            wrong.push(format!("{file}: {found}\nexpected: {right}"));
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&expected).unwrap() + "\n").unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
