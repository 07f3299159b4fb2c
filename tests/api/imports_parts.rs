//! Imports with parts: a whole export in one archive, and rows that hold several records.
use crate::imports::finished;
use crate::imports_files::zip;
use crate::support::{Client, id, workspace};
use serde_json::{Value as Json, json};

const ACCOUNTS: &str = "Id,Account Name,Website,Industry\n\
    001A,Nordwind GmbH,nordwind.example,Energy\n001B,Acme Ltd,acme.example,Retail\n";
const CONTACTS: &str = "Id,AccountId,First Name,Last Name,Email,Phone\n\
    003A,001A,Anna,Berg,anna@nordwind.example,+49 30 1234567\n003B,001B,Bob,Cole,bob@acme.example,\n";
const OPPORTUNITIES: &str = "Id,AccountId,Opportunity Name,Stage,Amount,Close Date\n\
    006A,001A,Turbines,Closed Won,12500.50,2025-03-14\n006B,001B,Shelves,Prospecting,800.00,2027-01-31\n";
const EVENTS: &str = "Subject,Activity Type,Duration,Activity Date\nCall,Call,15,2025-03-01\n";

fn archive() -> Vec<u8> {
    zip(&[
        ("Opportunity.csv", OPPORTUNITIES.as_bytes()),
        ("Contact.csv", CONTACTS.as_bytes()),
        ("Event.csv", EVENTS.as_bytes()),
        ("Account.csv", ACCOUNTS.as_bytes()),
    ])
}

fn pipeline(owner: &Client) {
    let stages = json!([{ "name": "Prospecting", "probability_percent": 10 }, { "name": "Closed Won", "category": "won" },
        { "name": "Closed Lost", "category": "lost" }]);
    owner
        .post("/pipelines", json!({ "name": "Opportunities", "kind": "deal", "is_default": true, "stages": stages }))
        .expect(201);
}

/// Runs an import and returns it.
fn run(owner: &Client, import: &str, body: Json) -> Json {
    let job = finished(owner, &id(&owner.post(&format!("/imports/{import}/run"), body).expect(202)));
    assert_eq!(job["status"], "succeeded", "{job}");
    owner.get(&format!("/imports/{import}")).ok()
}

/// Returns `resource created updated unchanged failed` of each part.
fn counts(import: &Json) -> Vec<String> {
    let line = |part: &Json| {
        let counts = ["created", "updated", "unchanged", "failed"].map(|name| part[name].to_string());
        format!("{} {}", part["resource"].as_str().unwrap(), counts.join(" "))
    };
    import["report"]["parts"].as_array().unwrap().iter().map(line).collect()
}

fn all(owner: &Client, path: &str) -> Vec<Json> {
    owner.get(path).ok()["data"].as_array().unwrap().clone()
}

#[test]
fn a_whole_export_comes_in_as_one_import() {
    let owner = workspace();
    pipeline(&owner);
    let uploaded = owner.upload("", "export.zip", &archive()).created();
    assert_eq!(uploaded["resource"], Json::Null);
    let skipped = &uploaded["detected"]["findings"][0];
    assert_eq!(skipped["kind"], "skipped_table");
    let text = skipped["examples"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("Event.csv: its rows seem to be activities"), "{text}");
    let import = id(&uploaded);
    let dry = run(&owner, &import, json!({ "dry_run": true }));
    assert_eq!(counts(&dry), ["companies 2 0 0 0", "contacts 2 0 0 0", "deals 2 0 0 0"]);
    assert!(all(&owner, "/companies").is_empty());
    // The dry run of the deals knows the companies of the same archive.
    let deals = owner.get(&format!("/imports/{}", dry["parts"][2]["import_id"].as_str().unwrap())).ok();
    assert_eq!(deals["report"]["unknown_values"], json!([]));
    assert_eq!(deals["parent_id"], json!(import));
    let done = run(&owner, &import, json!({}));
    assert_eq!(counts(&done), counts(&dry));
    assert_eq!([&done["report"]["rows"], &done["report"]["created"]], [&json!(6), &json!(6)]);
    let won = &all(&owner, "/deals?status=won&include=company")[0];
    assert_eq!([&won["title"], &won["value"]["amount"]], [&json!("Turbines"), &json!(1_250_050)]);
    let companies = all(&owner, "/companies?sort=name");
    assert_eq!(won["company_id"], companies[1]["id"]);
    assert_eq!(all(&owner, "/contacts?email=anna@nordwind.example")[0]["company_id"], companies[1]["id"]);
    // What came in with the file, whatever its kind.
    for path in ["/companies", "/contacts", "/deals"] {
        assert_eq!(all(&owner, &format!("{path}?import_id={import}")).len(), 2, "{path}");
    }
    let again = id(&owner.upload("", "export.zip", &archive()).created());
    let again = run(&owner, &again, json!({}));
    assert_eq!(counts(&again), ["companies 0 0 2 0", "contacts 0 0 2 0", "deals 0 0 2 0"]);
    let undone = owner.post(&format!("/imports/{import}/undo"), json!({})).expect(202);
    assert_eq!(finished(&owner, &id(&undone))["status"], "succeeded");
    for path in ["/companies", "/contacts", "/deals"] {
        assert!(all(&owner, path).is_empty(), "{path}");
    }
    assert_eq!(owner.get(&format!("/imports/{import}")).ok()["status"], "undone");
}

#[test]
fn a_row_can_hold_a_company_a_contact_and_a_deal() {
    let owner = workspace();
    pipeline(&owner);
    let csv = "First Name,Last Name,Email,Phone,Company,Website,Deal Name,Amount,Stage\n\
        Anna,Berg,anna@nordwind.example,+49 30 1234567,Nordwind GmbH,nordwind.example,Turbines,12500.50,Prospecting\n\
        Anna,Berg,anna@nordwind.example,+49 30 1234567,Nordwind GmbH,nordwind.example,Blades,300.00,Prospecting\n\
        Bob,Cole,bob@acme.example,,Acme Ltd,acme.example,,,\n";
    let uploaded = owner.upload("companies,contacts,deals", "all.csv", csv.as_bytes()).created();
    let import = id(&uploaded);
    let dry = run(&owner, &import, json!({ "dry_run": true }));
    let done = run(&owner, &import, json!({}));
    assert_eq!(counts(&done), ["companies 2 0 1 0", "contacts 2 0 1 0", "deals 2 0 0 0"], "{dry}");
    assert_eq!(done["report"]["blank"], 1);
    let anna = &all(&owner, "/contacts?email=anna@nordwind.example")[0];
    let nordwind = &all(&owner, "/companies?domain=nordwind.example")[0];
    assert_eq!([&anna["company_id"], &nordwind["name"]], [&nordwind["id"], &json!("Nordwind GmbH")]);
    for deal in all(&owner, "/deals?include=contacts") {
        assert_eq!(deal["company_id"], nordwind["id"]);
        assert_eq!(deal["contacts"][0]["contact_id"], anna["id"], "{deal}");
    }
    assert_eq!(counts(&run(&owner, &import, json!({}))), ["companies 0 0 3 0", "contacts 0 0 3 0", "deals 0 0 2 0"]);
}

#[test]
fn a_table_of_one_kind_needs_no_resource() {
    let owner = workspace();
    let uploaded = owner.upload("", "contacts.csv", CONTACTS.as_bytes()).created();
    assert_eq!([&uploaded["resource"], &uploaded["parts"]], [&json!("contacts"), &json!([])]);
    let unknown = owner.upload("", "events.csv", EVENTS.as_bytes()).problem(422, "file_unreadable");
    let detail = "no table holds records that can be imported; its rows seem to be activities, which are not imported; \
        name the resource";
    assert_eq!(unknown["detail"], detail);
}

#[test]
fn settings_of_a_table_belong_to_its_part() {
    let owner = workspace();
    pipeline(&owner);
    let uploaded = owner.upload("", "export.zip", &archive()).created();
    let (import, part) = (id(&uploaded), uploaded["parts"][1]["import_id"].as_str().unwrap().to_owned());
    let mapping = json!([{ "column": "Last Name", "field": "last_name" }, { "column": "Email", "field": "email" }]);
    let settings = json!({ "settings": { "mapping": mapping } });
    let refused = owner.post(&format!("/imports/{import}/run"), settings.clone()).problem(422, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/settings/mapping");
    let mut dry = settings;
    dry["dry_run"] = json!(true);
    let alone = run(&owner, &part, dry);
    assert_eq!(alone["report"]["created"], 2);
    run(&owner, &import, json!({ "settings": { "tag": "moved" } }));
    let anna = &all(&owner, "/contacts?email=anna@nordwind.example")[0];
    assert_eq!([&anna["phone"], &anna["tags"]], [&Json::Null, &json!(["moved"])]);
    owner.post(&format!("/imports/{part}/undo"), json!({})).problem(409, "conflict");
    owner.get(&format!("/imports/{import}/refused-rows")).problem(409, "conflict");
    assert_eq!(all(&owner, &format!("/imports?parent_id={import}")).len(), 3);
}

#[test]
fn a_deleted_part_runs_no_more() {
    let owner = workspace();
    pipeline(&owner);
    let uploaded = owner.upload("", "export.zip", &archive()).created();
    let import = id(&uploaded);
    owner.delete(&format!("/imports/{}", uploaded["parts"][2]["import_id"].as_str().unwrap())).expect(204);
    assert_eq!(counts(&run(&owner, &import, json!({}))), ["companies 2 0 0 0", "contacts 2 0 0 0"]);
    owner.delete(&format!("/imports/{import}")).expect(204);
    assert!(all(&owner, "/imports").is_empty());
}

#[test]
fn resources_that_do_not_go_together_are_refused() {
    let owner = workspace();
    for (resource, code) in [
        ("leads,contacts", "invalid_choice"),
        ("users,companies", "invalid_choice"),
        ("deals,deals", "stated_twice"),
        ("deals,tasks", "invalid_choice"),
    ] {
        let refused = owner.upload(resource, "a.csv", CONTACTS.as_bytes()).problem(422, "validation_failed");
        let error = &refused["errors"][0];
        assert_eq!([&error["pointer"], &error["code"]], [&json!("/resource"), &json!(code)], "{resource}");
    }
}
