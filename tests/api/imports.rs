//! CSV imports: detection, refusals with their messages, and no duplicates.
use crate::support::{Client, id, user, workspace};
use serde_json::{Value as Json, json};

/// Waits for a job to end.
pub fn finished(client: &Client, job: &str) -> Json {
    for _ in 0..600 {
        let job = client.get(&format!("/jobs/{job}")).ok();
        if !matches!(job["status"].as_str(), Some("queued" | "running")) {
            return job;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("the job did not end");
}

fn run(client: &Client, import: &str, settings: &Json, dry_run: bool) -> Json {
    let answer = client.post(&format!("/imports/{import}/run"), json!({ "dry_run": dry_run, "settings": settings }));
    assert_eq!(answer.header("location").split('/').nth(3), Some("jobs"));
    let job = answer.expect(202);
    let job = finished(client, &id(&job));
    assert_eq!(job["status"], "succeeded", "{job}");
    client.get(&format!("/imports/{import}")).ok()["report"].clone()
}

/// Uploads a file, runs the import and returns the report.
pub fn import(client: &Client, resource: &str, csv: &str, settings: Json) -> Json {
    let import = id(&client.upload(resource, "file.csv", csv.as_bytes()).created());
    run(client, &import, &settings, false)
}

fn total(client: &Client, path: &str) -> i64 {
    client.get(&format!("{path}?include_total=true")).ok()["page"]["total"].as_i64().unwrap()
}

#[test]
fn an_upload_is_inspected_before_anything_runs() {
    let owner = workspace();
    let csv =
        "Имя;Фамилия;E-mail;Телефон;Дата рождения\nАнна;Тамм;anna@x.io;+372 5550 1011;01.02.1990\nПётр;Кууск;;;\n";
    let (bytes, ..) = encoding_rs::WINDOWS_1251.encode(csv);
    let answer = owner.upload("contacts", "контакты.csv", &bytes).created();
    assert_eq!(answer["status"], "uploaded");
    let detected = &answer["detected"];
    assert_eq!(detected["encoding"], "windows-1251");
    assert_eq!(detected["delimiter"], ";");
    assert_eq!(detected["date_format"], "dd.mm.yyyy");
    assert_eq!(detected["rows"], 2);
    let suggested: Vec<&Json> = detected["columns"].as_array().unwrap().iter().map(|c| &c["suggested_field"]).collect();
    assert_eq!(
        suggested,
        [&json!("first_name"), &json!("last_name"), &json!("email"), &json!("phone"), &json!("birthday")]
    );
    assert_eq!(total(&owner, "/contacts"), 0);
    let report = run(&owner, &id(&answer), &json!({}), false);
    assert_eq!(report["created"], 2);
    assert_eq!(report["failed"], 0);
    let anna = owner.get("/contacts?email=anna@x.io").ok()["data"][0].clone();
    assert_eq!(anna["first_name"], "Анна");
    assert_eq!(anna["phone"], "+37255501011");
}

#[test]
fn a_dry_run_reports_the_outcome_and_changes_nothing() {
    let owner = workspace();
    let csv = "product,sku,price\nBoat,B,1 000.50\nOar,O,cheap\nSail,B,5\n";
    let import = id(&owner.upload("products", "p.csv", csv.as_bytes()).created());
    let report = run(&owner, &import, &json!({}), true);
    assert_eq!(report["dry_run"], true);
    assert_eq!(report["created"], 1);
    assert_eq!(report["failed"], 2);
    assert_eq!(total(&owner, "/products"), 0);
    let problems = owner.get(&format!("/imports/{import}/problems")).ok()["data"].clone();
    assert_eq!(problems[0]["row"], 3);
    assert_eq!(problems[0]["column"], "price");
    assert_eq!(problems[0]["value"], "cheap");
    assert_eq!(problems[1]["row"], 4);
    assert_eq!(problems[1]["code"], "stated_twice");
    let csv = owner.with("Accept", "text/csv").get(&format!("/imports/{import}/problems"));
    assert!(csv.text.starts_with("row,column,code,detail,value\n3,price,"), "{}", csv.text);
    let report = run(&owner, &import, &json!({}), false);
    assert_eq!(report["created"], 1);
    assert_eq!(report["failed"], 2);
    assert_eq!(owner.get("/products").ok()["data"][0]["price"]["amount"], 100_050);
}

#[test]
fn a_repeated_import_makes_no_duplicates() {
    let owner = workspace();
    let contacts = "first_name,email,phone\nAnn,ann@x.io,+37255501011\nBob,,+37255501012\nBob,,+37255501012\n";
    let deals = "title,stage,opened,closed,value\nA,Active inquiry,2026-01-01,,5\nA,Active inquiry,2026-01-01,,5\nB,Payment received,2026-01-01,2026-02-01,7\n";
    let settings = json!({ "mapping": [{ "column": "title", "field": "title" }, { "column": "stage", "field": "stage" },
        { "column": "opened", "field": "created_at" }, { "column": "closed", "field": "closed_at" }, { "column": "value", "field": "value" }] });
    // Two rows with one name and number are one person, two deals with one title are two.
    for (resource, csv, settings, records) in [("contacts", contacts, json!({}), 2), ("deals", deals, settings, 3)] {
        let first = import(&owner, resource, csv, settings.clone());
        assert_eq!(first["created"], records, "{first}");
        assert_eq!(first["failed"], 0, "{first}");
        let second = import(&owner, resource, csv, settings);
        assert_eq!(second["created"], 0, "{second}");
        assert_eq!(second["unchanged"], 3, "{second}");
        assert_eq!(total(&owner, &format!("/{resource}")), records);
    }
}

#[test]
fn an_import_updates_changed_members_of_known_records() {
    let owner = workspace();
    import(&owner, "companies", "name,domain,sector\nAcme,acme.io,retail\n", json!({}));
    let report = import(&owner, "companies", "name,domain,sector\nACME,acme.io,medical\nBeta,,\n", json!({}));
    assert_eq!(report["updated"], 1);
    assert_eq!(report["created"], 1);
    let acme = owner.get("/companies?domain=acme.io").ok()["data"][0].clone();
    assert_eq!(acme["name"], "ACME");
    assert_eq!(acme["sector"], "medical");
    let report =
        import(&owner, "companies", "name,domain,sector\nAcme,acme.io,retail\n", json!({ "on_existing": "skip" }));
    assert_eq!(report["skipped"], 1);
}

#[test]
fn known_records_are_updated_in_bulk_and_refused_ones_fail_alone() {
    let owner = workspace();
    let file = |columns: &str, line: &dyn Fn(usize) -> String| {
        (0..30).fold(format!("external_id,{columns}\n"), |file, n| file + &line(n) + "\n")
    };
    for (resource, column, member) in [("contacts", "last_name", "last_name"), ("leads", "title", "title")] {
        let first = file(column, &|n| format!("{resource}{n},Old{n}"));
        assert_eq!(import(&owner, resource, &first, json!({}))["created"], 30, "{resource}");
        // Every second row changes something, two contradict earlier rows, and one is invalid.
        let text = |n: usize| match n {
            7 => "x".repeat(1_000),
            _ if n % 2 == 1 => format!("New{n}"),
            _ => format!("Old{n}"),
        };
        let mut second = file(column, &|n| format!("{resource}{n},{}", text(n)));
        second += &format!("{resource}1,Newest\n{resource}2,Newest\n");
        let report = import(&owner, resource, &second, json!({}));
        let counts = ["updated", "unchanged", "failed", "created"].map(|count| report[count].as_i64().unwrap());
        assert_eq!(counts, [14, 15, 3, 0], "{report}");
        let now = |n: usize| owner.get(&format!("/{resource}?external_id={resource}{n}")).ok()["data"][0].clone();
        let versions = [(1, "New1", 2), (2, "Old2", 1), (3, "New3", 2), (4, "Old4", 1), (7, "Old7", 1)];
        for (n, text, version) in versions {
            assert_eq!(now(n)[member], json!(text), "{resource} {n}");
            assert_eq!(now(n)["version"], json!(version), "{resource} {n}");
        }
        let record = id(&now(3));
        let log = owner.get(&format!("/audit-events?record_id={record}&sort=at")).ok();
        assert_eq!(log["data"].as_array().unwrap().len(), 2, "{log}");
    }
}

#[test]
fn known_records_are_updated_in_file_order() {
    let owner = workspace();
    let file = "external_id,email,last_name\n";
    import(&owner, "contacts", &format!("{file}a,a@x.example,A\nb,b@x.example,B\n"), json!({}));
    // The second row claims the address that the first one frees.
    let report = import(&owner, "contacts", &format!("{file}a,p@x.example,A\nb,a@x.example,B\n"), json!({}));
    assert_eq!(report["updated"], 2, "{report}");
    assert_eq!(report["failed"], 0, "{report}");
    assert_eq!(owner.get("/contacts?external_id=b").ok()["data"][0]["email"], "a@x.example");
}

#[test]
fn a_parent_may_follow_in_the_file() {
    let owner = workspace();
    let report =
        import(&owner, "companies", "name,parent\nGrandchild,Child\nChild,Root\nRoot,\nOrphan,Nobody\n", json!({}));
    assert_eq!(report["created"], 4, "{report}");
    assert_eq!(report["added_names"], json!(["company Nobody"]), "{report}");
    let orphan = owner.get("/companies?name=Orphan&include=parent").ok();
    assert_eq!(orphan["included"]["companies"][0]["name"], "Nobody");
}

#[test]
fn names_of_records_that_do_not_exist_are_created_left_out_or_refused() {
    let csv = "last_name,company,owner\nTamm,Acme Rockets,Nobody\n";
    let imported = |unknown: Json| {
        let owner = workspace();
        let report = import(&owner, "contacts", csv, json!({ "unknown_names": unknown }));
        let companies = owner.get("/companies").ok()["data"].as_array().unwrap().len();
        let warned = report["warnings"].as_array().unwrap().iter().filter(|one| one["kind"] == "unknown_name").count();
        (report["created"].clone(), report["failed"].clone(), companies, warned)
    };
    assert_eq!(imported(json!("create")), (json!(1), json!(0), 1, 1));
    assert_eq!(imported(json!("leave_out")), (json!(1), json!(0), 0, 2));
    assert_eq!(imported(json!("refuse")), (json!(0), json!(1), 0, 0));
}

#[test]
fn deals_are_imported_with_their_history() {
    let owner = workspace();
    owner.post("/products", json!({ "name": "GTX Pro" })).created();
    import(&owner, "users", "sales_agent,regional_office\nMoses Frase,Central\n", json!({}));
    let csv = "opportunity_id,sales_agent,product,deal_stage,engage_date,close_date,close_value\n\
        1C,Moses Frase,GTXPro,Payment received,20-10-16,01-03-17,1054\n2D,Moses Frase,GTX Pro,Quote sent,21-10-16,,\n3E,Nobody,GTX Pro,Gone,,,\n";
    let mapping = |values: Json| {
        json!({ "mapping": [{ "column": "opportunity_id", "field": "external_id" }, { "column": "sales_agent", "field": "owner" },
            { "column": "product", "field": "product", "values": values }, { "column": "deal_stage", "field": "stage" },
            { "column": "engage_date", "field": "entered.Quote sent" }, { "column": "close_date", "field": "closed_at" },
            { "column": "close_value", "field": "value" }], "unknown_names": "refuse", "accept_guesses": true })
    };
    let upload = owner.upload("deals", "pipeline.csv", csv.as_bytes()).created();
    assert_eq!(upload["detected"]["date_format"], "dd-mm-yy");
    let report = run(&owner, &id(&upload), &mapping(json!([])), true);
    let unknown = report["unknown_values"].as_array().unwrap();
    let guess = unknown.iter().find(|u| u["value"] == "GTXPro").unwrap();
    assert_eq!(guess["nearest"], "GTX Pro");
    assert_eq!(guess["rows"], 1);
    let problems = owner.get(&format!("/imports/{}/problems", id(&upload))).ok().to_string();
    assert!(problems.contains("to use GTX Pro instead, map the value GTXPro to GTX Pro"), "{problems}");
    let report = run(&owner, &id(&upload), &mapping(json!([{ "from": "GTXPro", "to": "GTX Pro" }])), false);
    assert_eq!(report["created"], 2);
    assert_eq!(report["failed"], 1);
    assert_eq!(report["mapped_values"], json!([{ "column": "product", "from": "GTXPro", "to": "GTX Pro", "rows": 1 }]));
    let won = owner.get("/deals?external_id=1C&include=owner").ok();
    let deal = &won["data"][0];
    assert_eq!(deal["created_at"], "2016-10-20T00:00:00.000Z");
    assert_eq!(deal["closed_at"], "2017-03-01T00:00:00.000Z");
    assert_eq!(deal["value"]["amount"], 105_400);
    assert_eq!(deal["status"], "won");
    assert_eq!(won["included"]["users"][0]["name"], "Moses Frase");
    let then = owner.get("/analytics/funnel?kind=snapshot&at=2017-01-01T00:00:00Z").ok();
    assert_eq!(then["groups"][0]["stages"][1]["count"], 2);
    let agent = owner.get("/users?name=Moses%20Frase&include=team").ok();
    assert_eq!(agent["data"][0]["status"], "invited");
    assert_eq!(agent["included"]["teams"][0]["name"], "Central");
}

#[test]
fn leads_are_imported_with_their_history() {
    let owner = workspace();
    let csv = "name,email,company,status,created,closed,reason,source\nBob,bob@x.io,Stone,Disqualified,2026-01-05,2026-01-09,No money,Fair\nEva,eva@x.io,,Interested,2026-01-06,,,Fair\n";
    let mapping = json!({ "mapping": [{ "column": "name", "field": "person.name" }, { "column": "email", "field": "person.email" },
        { "column": "company", "field": "person.company_name" }, { "column": "status", "field": "stage" }, { "column": "created", "field": "created_at" },
        { "column": "closed", "field": "closed_at" }, { "column": "reason", "field": "loss_reason" }, { "column": "source", "field": "source" }] });
    let report = import(&owner, "leads", csv, mapping);
    assert_eq!(report["created"], 2, "{report}");
    assert_eq!(report["added_names"], json!(["loss reason No money", "source Fair"]), "{report}");
    let bob = owner.get("/leads?status=lost&include=loss_reason").ok();
    assert_eq!(bob["data"][0]["title"], "Bob");
    assert_eq!(bob["included"]["loss_reasons"][0]["name"], "No money");
    assert_eq!(bob["data"][0]["closed_at"], "2026-01-09T00:00:00.000Z");
}

#[test]
fn a_file_that_is_not_a_table_is_refused() {
    let owner = workspace();
    let refused = |bytes: &[u8], words: &str| {
        let problem = owner.upload("contacts", "x.csv", bytes).problem(422, "file_unreadable");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
    };
    refused(b"", "empty");
    refused(b"PK\x03\x04rest", "damaged");
    refused(b"name,email\n", "no rows");
    refused(b"\x89PNG\r\n\x1a\n\0\0\0\0,,,\n1,2,3,4\n", "picture");
    let wide = (0..1_100).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",");
    refused(format!("{wide}\n{wide}x\n").as_bytes(), "1100 columns");
    let upload = owner.upload("contacts", "x.csv", b"first;second\nA;B\n").created();
    let wrong = json!({ "settings": { "delimiter": "," } });
    let problem = owner.post(&format!("/imports/{}/run", id(&upload)), wrong).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/settings/mapping", "{problem}");
    let upload = owner.upload("contacts", "x.csv", b"name;email\nA;a@x.io\n").created();
    let wrong = json!({ "settings": { "mapping": [{ "column": "nme", "field": "first_name" }, { "column": "email", "field": "emial" }] } });
    let problem = owner.post(&format!("/imports/{}/run", id(&upload)), wrong).problem(422, "validation_failed");
    let text = problem.to_string();
    assert!(text.contains("did you mean name?") && text.contains("did you mean email?"), "{text}");
    owner.upload("planets", "x.csv", b"a,b\n1,2\n").problem(422, "validation_failed");
    let ragged = import(&owner, "contacts", "first_name,email\nAnn,ann@x.io,surplus\nBob,bob@x.io\nEve\n", json!({}));
    assert_eq!(ragged["created"], 2);
    assert_eq!(ragged["failed"], 1);
    user(&owner, "seller").upload("contacts", "x.csv", b"a,b\n1,2\n").problem(403, "forbidden");
}

#[test]
fn an_ended_job_cannot_be_cancelled() {
    let owner = workspace();
    let import = id(&owner.upload("contacts", "x.csv", b"first_name\nAnn\n").created());
    let job = owner.post(&format!("/imports/{import}/run"), json!({})).expect(202);
    finished(&owner, &id(&job));
    owner.post(&format!("/jobs/{}/cancel", id(&job)), json!({})).problem(409, "job_finished");
    workspace().get(&format!("/jobs/{}", id(&job))).problem(404, "not_found");
}
