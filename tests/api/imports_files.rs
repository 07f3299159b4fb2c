//! The kinds of files that an import reads, each with the records that must come out.
use crate::imports::finished;
use crate::support::{Client, id, workspace};
use serde_json::{Value as Json, json};
use std::io::{Cursor, Write};

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/import-samples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Uploads a file, runs the import with these settings and returns the import.
fn imported(client: &Client, resource: &str, name: &str, content: &[u8], settings: Json) -> Json {
    let import = id(&client.upload(resource, name, content).created());
    let job = client.post(&format!("/imports/{import}/run"), json!({ "settings": settings })).expect(202);
    let job = finished(client, &id(&job));
    assert_eq!(job["status"], "succeeded", "{name}: {job}");
    client.get(&format!("/imports/{import}")).ok()
}

/// The contacts as `first last email phone`, in the order of their last names.
fn contacts(client: &Client) -> Vec<String> {
    let page = client.get("/contacts?sort=last_name&limit=100").ok();
    let text = |contact: &Json, member: &str| contact[member].as_str().unwrap_or("-").to_owned();
    let line =
        |contact: &Json| ["first_name", "last_name", "email", "phone"].map(|member| text(contact, member)).join(" ");
    page["data"].as_array().unwrap().iter().map(line).collect()
}

fn finding<'j>(import: &'j Json, kind: &str) -> &'j Json {
    let all = import["detected"]["findings"].as_array().unwrap();
    all.iter().find(|finding| finding["kind"] == kind).unwrap_or_else(|| panic!("no {kind} in {all:?}"))
}

fn mapping(pairs: &[(&str, &str)]) -> Json {
    let pairs = pairs.iter().map(|(column, field)| json!({ "column": column, "field": field }));
    json!({ "mapping": pairs.collect::<Vec<_>>() })
}

pub fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn each_file_becomes_its_contacts() {
    let usual = [("First Name", "first_name"), ("Last Name", "last_name"), ("Email", "email")];
    let german = [("Vorname", "first_name"), ("Nachname", "last_name"), ("E-Mail", "email"), ("Telefon", "phone")];
    let card = [
        ("First Name", "first_name"),
        ("Last Name", "last_name"),
        ("E-mail 1 - Value", "email"),
        ("Phone 1 - Value", "phone"),
    ];
    for (name, columns, expected) in [
        ("cr-only.csv", &usual[..], vec!["A One a@x.example -", "B Two b@x.example -"]),
        ("title-rows-above-header.csv", &german[..], vec!["Karl Schmidt karl@schmidt.example +491701234567"]),
        ("unnamed-column.csv", &usual[..], vec!["A One a@x.example -", "B Two b@x.example -"]),
        ("short-rows.csv", &usual[..], vec!["A One a@x.example -", "C Three c@x.example -", "B Two b@x.example -"]),
        ("contacts.vcf", &card[..], vec!["Jana Nováková jana@novak.example +420603123456"]),
    ] {
        let owner = workspace();
        let import = imported(&owner, "contacts", name, &sample(name), mapping(columns));
        assert_eq!(import["report"]["failed"], 0, "{name}: {import}");
        assert_eq!(contacts(&owner), expected, "{name}");
    }
}

#[test]
fn a_broken_line_is_told_and_read() {
    let owner = workspace();
    let import = imported(
        &owner,
        "contacts",
        "mixed.csv",
        &sample("utf8-with-one-latin1-row.csv"),
        mapping(&[("First Name", "first_name"), ("Last Name", "last_name")]),
    );
    let names = contacts(&owner);
    assert!(names.contains(&"René Dupré - -".to_owned()), "{names:?}");
    assert!(names.contains(&"Łukasz Żółć - -".to_owned()), "{names:?}");
    assert_eq!(finding(&import, "broken_text")["examples"][0]["line"], 4);
}

#[test]
fn a_workbook_is_read_with_its_types() {
    let owner = workspace();
    let file = sample("customers-de.xlsx");
    let upload = owner.upload("contacts", "customers.xlsx", &file).created();
    let detected = &upload["detected"];
    assert_eq!(detected["kind"], "xlsx");
    assert_eq!(detected["sheet"], "Kunden");
    let names: Vec<&Json> = detected["sheets"].as_array().unwrap().iter().map(|sheet| &sheet["name"]).collect();
    assert_eq!(names, ["Kunden", "Deals"]);
    assert_eq!(detected["header_line"], 3);
    assert_eq!(finding(&upload, "preamble")["examples"][0]["text"], "Kundenliste Stand November");
    let settings = mapping(&[("Name", "last_name"), ("E-Mail", "email"), ("Erstkontakt", "first_touch.at")]);
    let refused = owner.post(&format!("/imports/{}/run", id(&upload)), json!({ "settings": settings }));
    refused.problem(422, "validation_failed");
    let import = imported(&owner, "contacts", "c.xlsx", &file, mapping(&[("Name", "last_name"), ("E-Mail", "email")]));
    assert_eq!(import["report"]["created"], 2, "{import}");
}

#[test]
fn another_sheet_is_chosen_by_name() {
    let owner = workspace();
    let file = sample("customers-de.xlsx");
    let import = id(&owner.upload("deals", "customers.xlsx", &file).created());
    let run = |settings: Json| owner.post(&format!("/imports/{import}/run"), json!({ "settings": settings }));
    let problem = run(json!({ "sheet": "Deal" })).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/settings/sheet");
    assert!(problem.to_string().contains("did you mean Deals?"), "{problem}");
    let upload = owner.get(&format!("/imports/{import}")).ok();
    assert_eq!(upload["detected"]["sheet"], "Kunden");
    let column = |import: &Json, n: usize| import["detected"]["columns"][n]["name"].clone();
    assert_eq!(column(&upload, 0), "Name");
    let job = run(json!({ "sheet": "deals" })).expect(202);
    finished(&owner, &id(&job));
    let upload = owner.get(&format!("/imports/{import}")).ok();
    assert_eq!(upload["detected"]["sheet"], "Deals");
    assert_eq!(upload["settings"]["sheet"], "deals");
}

#[test]
fn a_file_in_an_archive_is_read() {
    let owner = workspace();
    let archive = zip(&[
        ("export/notes.pdf", b"%PDF-1.7 nothing"),
        ("export/people.csv", b"first_name,email\nAnn,ann@x.example\n"),
        ("export/others.csv", b"first_name;email\nBob;bob@x.example\n"),
    ]);
    let upload = owner.upload("contacts", "export.zip", &archive).created();
    assert_eq!(upload["detected"]["sheet"], "people.csv");
    assert!(finding(&upload, "skipped_file")["examples"][0]["text"].as_str().unwrap().starts_with("notes.pdf: "));
    let import = imported(&owner, "contacts", "export.zip", &archive, json!({ "sheet": "others.csv" }));
    assert_eq!(import["report"]["created"], 1, "{import}");
    assert_eq!(import["detected"]["delimiter"], ";");
    assert_eq!(contacts(&owner), ["Bob - bob@x.example -"]);
}

#[test]
fn a_file_without_a_header_has_columns_by_letter() {
    let owner = workspace();
    let mut settings = mapping(&[("A", "first_name"), ("B", "email")]);
    settings["header_line"] = json!(0);
    let import = imported(&owner, "contacts", "x.csv", b"Ann,ann@x.example\nBob,bob@x.example\n", settings);
    assert_eq!(import["report"]["created"], 2, "{import}");
    assert_eq!(import["detected"]["header_line"], Json::Null);
}

#[test]
fn errors_name_the_place() {
    let form = |sheet: &str| {
        let part = |name: &str, rest: &str, value: &str| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{rest}\r\n\r\n{value}\r\n")
        };
        let file = part("file", "; filename=\"x.csv\"", "name\nAcme");
        let body = format!("{}{}{file}--b--\r\n", part("resource", "", "companies"), part("sheet", "", sheet));
        workspace().send("POST", "/imports", Some(body.into_bytes()), "multipart/form-data; boundary=b")
    };
    for (sheet, code) in [("a\u{1}b", "invalid_character"), (&*"x".repeat(301), "too_long"), ("May", "invalid_choice")]
    {
        let problem = form(sheet).problem(422, "validation_failed");
        assert_eq!([&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]], ["/sheet", code], "{problem}");
    }
    let owner = workspace();
    let refused = |content: &[u8], words: &str| {
        let problem = owner.upload("contacts", "x", content).problem(422, "file_unreadable");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{words}: {problem}");
    };
    let long = format!("a,b\n1,2\n1,{}\n", "x".repeat(200_000));
    refused(long.as_bytes(), "line 3: a cell has more than");
    refused(&zip(&[("one.csv", long.as_bytes())]), "file one.csv, line 3: a cell has more than");
    refused(b"%PDF-1.7", "PDF");
    refused(&zip(&[("one.pdf", b"%PDF-1.7")]), "one.pdf");
}

#[test]
fn refused_rows_are_corrected_and_uploaded_again() {
    let owner = workspace();
    let file = "first_name,last_name,email\nAnn,Tamm,ann@x.example\n\"Bob, Jr.\",Kask,bob at x.example\n";
    let import = imported(&owner, "contacts", "wrong.csv", file.as_bytes(), json!({}));
    assert_eq!(import["report"]["failed"], 1, "{import}");
    let path = format!("/imports/{}/refused-rows", import["id"].as_str().unwrap());
    let refused = owner.with("Accept", "text/csv").get(&path);
    assert_eq!(refused.header("content-type"), "text/csv; charset=utf-8");
    let lines: Vec<&str> = refused.text.lines().collect();
    assert_eq!(lines[0], "first_name,last_name,email,refused_because");
    assert!(lines[1].starts_with("\"Bob, Jr.\",Kask,bob at x.example,"), "{lines:?}");
    assert_eq!(lines.len(), 2, "{lines:?}");
    let rows = owner.get(&path).ok();
    assert_eq!([&rows["rows"][0]["row"], &rows["rows"][0]["cells"][1]], [&json!(3), &json!("Kask")]);
    let corrected = refused.text.replace("bob at x", "bob@x");
    let again = imported(&owner, "contacts", "corrected.csv", corrected.as_bytes(), json!({}));
    assert_eq!([&again["report"]["created"], &again["report"]["failed"]], [&json!(1), &json!(0)], "{again}");
}

fn only(client: &Client, path: &str) -> Json {
    let page = client.get(path).ok();
    assert_eq!(page["data"].as_array().unwrap().len(), 1, "{page}");
    page["data"][0].clone()
}

#[test]
fn several_columns_feed_the_addresses_of_a_contact() {
    let owner = workspace();
    let csv = "Last Name,Email,Email 2,Mobile Phone,Phone,Tags,Labels\n\
        Tamm,a@x.example,b@x.example,+372 5550001,+372 6660002,vip,fair\n";
    let columns = [("Last Name", "last_name"), ("Email", "email"), ("Email 2", "email"), ("Mobile Phone", "phone")];
    let more = [("Phone", "phone"), ("Tags", "tags"), ("Labels", "tags")];
    imported(&owner, "contacts", "x.csv", csv.as_bytes(), mapping(&[&columns[..], &more[..]].concat()));
    let contact = only(&owner, "/contacts?last_name=Tamm");
    let listed = |list: &str, member: &str| -> Vec<String> {
        let items = contact[list].as_array().unwrap().iter();
        items.map(|item| item[member].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed("emails", "email"), ["a@x.example", "b@x.example"]);
    assert_eq!(listed("phones", "phone"), ["+372 5550001", "+372 6660002"]);
    assert_eq!(contact["tags"], json!(["vip", "fair"]));
    let twice = mapping(&[("Email", "last_name"), ("Last Name", "last_name")]);
    let upload = id(&owner.upload("contacts", "x.csv", csv.as_bytes()).created());
    let problem = owner.post(&format!("/imports/{upload}/run"), json!({ "settings": twice }));
    let problem = problem.problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/settings/mapping/1/field", "{problem}");
}

#[test]
fn parts_of_a_text_are_joined() {
    let owner = workspace();
    let contacts = "Name,Street,Zip,City,Country\nAnn Tamm,Pikk 1,10123,Tallinn,Estonia\n";
    imported(&owner, "contacts", "x.csv", contacts.as_bytes(), json!({}));
    assert_eq!(only(&owner, "/contacts?last_name=Tamm")["address"], "Pikk 1, 10123, Tallinn, Estonia");
    let leads = "First Name,Last Name,Company\nBob,Kask,Kask OU\n";
    imported(&owner, "leads", "x.csv", leads.as_bytes(), json!({}));
    assert_eq!(only(&owner, "/leads")["person"]["name"], "Bob Kask");
}

#[test]
fn an_unknown_stage_is_a_question() {
    let owner = workspace();
    let csv = "Title,Stage\nBoat,Negotiation\nOars,Closed Won\n";
    let import = id(&owner.upload("deals", "x.csv", csv.as_bytes()).created());
    let run = |settings: Json| owner.post(&format!("/imports/{import}/run"), json!({ "settings": settings }));
    let problem = run(json!({})).problem(422, "decision_needed");
    let decision = &problem["decisions"][0];
    assert_eq!(decision["key"], "stage_names.Negotiation", "{problem}");
    assert_eq!(problem["decisions"].as_array().unwrap().len(), 1, "{problem}");
    let stages = owner.get("/stages").ok()["data"].as_array().unwrap().clone();
    assert!(decision["choices"].as_array().unwrap().len() > 2, "{decision}");
    let last = decision["choices"][1]["value"].as_str().unwrap();
    assert!(stages.iter().any(|stage| stage["name"] == last), "{last}");
    let wrong = run(json!({ "stage_names": [{ "name": "Negotiation", "stage": "Nowhere" }] }));
    let wrong = wrong.problem(422, "validation_failed");
    assert_eq!(wrong["errors"][0]["pointer"], "/settings/stage_names/0/stage", "{wrong}");
    let job = run(json!({ "stage_names": [{ "name": "negotiation", "stage": last }] })).expect(202);
    assert_eq!(finished(&owner, &id(&job))["status"], "succeeded");
    let boat = owner.get("/deals?title=Boat&include=stage").ok();
    assert_eq!(boat["included"]["stages"][0]["name"], last);
}

/// The columns of an export that an import cannot set.
const OF_THE_SERVER: [&str; 9] = [
    "number",
    "version",
    "created_at",
    "updated_at",
    "last_activity_at",
    "first_response_at",
    "stage_entered_at",
    "next_task",
    "board_position",
];

#[test]
fn an_export_changes_nothing_in_its_workspace() {
    let owner = workspace();
    let company = id(&owner.post("/companies", json!({ "name": "Acme", "domain": "acme.example" })).created());
    let contact = json!({ "first_name": "Ann", "last_name": "Tamm", "emails": [{ "email": "a@x.example" },
        { "email": "b@x.example" }], "phone": "+43 664 1234567", "company_id": company, "tags": ["vip", "=1+1"] });
    owner.post("/contacts", contact).created();
    let deal = json!({ "title": "Boat", "company_id": company, "value": { "amount": 123_456, "currency": "USD" } });
    owner.post("/deals", deal).created();
    owner.post("/leads", json!({ "title": "Seats", "person": { "name": "Eva Stone" }, "rating": "hot" })).created();
    for resource in ["companies", "contacts", "deals", "leads"] {
        let export = || owner.with("Accept", "text/csv").get(&format!("/{resource}")).text;
        let before = export();
        let import = imported(&owner, resource, "export.csv", before.as_bytes(), json!({}));
        assert_eq!(import["report"]["unchanged"], 1, "{resource}: {}", import["report"]);
        assert_eq!(export(), before, "{resource}");
        for column in import["detected"]["columns"].as_array().unwrap() {
            let name = column["name"].as_str().unwrap();
            let is_read = column["suggested_field"].is_string() || column["filled"] == 0;
            assert!(is_read || OF_THE_SERVER.contains(&name) || name.ends_with("_id"), "{resource}: {column}");
        }
    }
}
