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

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
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
