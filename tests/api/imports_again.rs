//! A later export of the same things brings the records up to date, and the same file twice changes nothing.
use crate::imports::{finished, import};
use crate::report_figures::reason;
use crate::support::{Client, id, server, workspace};
use serde_json::{Value as Json, json};
use std::io::Cursor;
use voronka::db::tx::Request;
use voronka::db::watchdog;
use voronka::identity::sign_in::authentication;
use voronka::intake::imports::decide::FileEvidence;
use voronka::intake::imports::prepare::RowReader;
use voronka::intake::imports::report::ImportReport;
use voronka::intake::imports::resource::ImportResource;
use voronka::intake::imports::settings::ImportSettings;
use voronka::intake::imports::{detect, file, run};

/// Makes a default pipeline of deals with the stages New, Proposal, Won and Lost.
fn pipeline(owner: &Client) {
    let stages = json!([{ "name": "New", "probability_percent": 10 }, { "name": "Proposal" },
        { "name": "Won", "category": "won" }, { "name": "Lost", "category": "lost" }]);
    owner
        .post("/pipelines", json!({ "name": "Opportunities", "kind": "deal", "is_default": true, "stages": stages }))
        .expect(201);
}

fn settings(fields: &[(&str, &str)]) -> Json {
    let one = |(column, field): &(&str, &str)| json!({ "column": column, "field": field });
    json!({ "mapping": fields.iter().map(one).collect::<Vec<_>>() })
}

fn with(settings: &Json, name: &str, value: Json) -> Json {
    let mut settings = settings.clone();
    settings[name] = value;
    settings
}

fn all(owner: &Client, resource: &str) -> Vec<Json> {
    owner.get(&format!("/{resource}?limit=200&sort=created_at")).ok()["data"].as_array().unwrap().clone()
}

fn by(owner: &Client, resource: &str, external_id: &str) -> Json {
    owner.get(&format!("/{resource}?external_id={external_id}&include=stage")).ok()
}

/// The stage of a record by its external id, and its status.
fn place(owner: &Client, resource: &str, external_id: &str) -> (String, String) {
    let found = by(owner, resource, external_id);
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    (text(&found["included"]["stages"][0]["name"]), text(&found["data"][0]["status"]))
}

fn events(owner: &Client) -> usize {
    owner.get("/audit-events?limit=500").ok()["data"].as_array().unwrap().len()
}

fn counts(report: &Json) -> [i64; 6] {
    ["created", "updated", "unchanged", "skipped", "failed", "repeated"].map(|count| report[count].as_i64().unwrap())
}

/// The problems of the last import: line, code and detail.
fn problems(owner: &Client) -> Vec<(i64, String, String)> {
    let last = id(&owner.get("/imports?limit=1&sort=-created_at").ok()["data"][0]);
    let list = owner.get(&format!("/imports/{last}/problems")).ok()["data"].as_array().unwrap().clone();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    list.iter().map(|one| (one["row"].as_i64().unwrap(), text(&one["code"]), text(&one["detail"]))).collect()
}

/// Imports a file a second time. Nothing may change, and as many rows are refused as the first time.
fn again(owner: &Client, resource: &str, csv: &str, settings: &Json, failed: i64) {
    let (before, recorded) = (all(owner, resource), events(owner));
    let report = import(owner, resource, csv, settings.clone());
    assert_eq!([report["created"].clone(), report["updated"].clone()], [json!(0), json!(0)], "{csv}: {report}");
    assert_eq!(report["failed"], failed, "{csv}: {report}");
    assert_eq!(all(owner, resource), before, "{csv}");
    assert_eq!(events(owner), recorded, "{csv}");
}

#[test]
fn a_later_export_of_deals_moves_them() {
    let owner = workspace();
    pipeline(&owner);
    let settings = settings(&[
        ("Opportunity ID", "external_id"),
        ("Name", "title"),
        ("Stage", "stage"),
        ("Amount", "value"),
        ("Close Date", "closed_at"),
        ("Created Date", "created_at"),
    ]);
    let head = "Opportunity ID,Name,Stage,Amount,Close Date,Created Date\n";
    let first = format!(
        "{head}0061,Perrin cave,Won,15000,2026-03-01,2026-01-05\n0062,Bluebay casino,Proposal,25000,2099-12-01,2026-01-07\n"
    );
    let report = import(&owner, "deals", &first, settings.clone());
    assert_eq!(counts(&report), [2, 0, 0, 0, 0, 0], "{report}");
    let open = by(&owner, "deals", "0062")["data"][0].clone();
    assert_eq!(open["expected_close_date"], "2099-12-01");
    assert_eq!(open["closed_at"], Json::Null);
    again(&owner, "deals", &first, &settings, 0);
    let later = format!(
        "{head}0061,Perrin cave,Won,15000,2026-03-01,2026-01-05\n0062,Bluebay casino,Won,27000,2026-05-20,2026-01-07\n"
    );
    let report = import(&owner, "deals", &later, settings.clone());
    assert_eq!(counts(&report), [0, 1, 1, 0, 0, 0], "{report}");
    let won = by(&owner, "deals", "0062")["data"][0].clone();
    assert_eq!(won["status"], "won");
    assert_eq!(won["closed_at"], "2026-05-20T00:00:00.000Z");
    assert_eq!(won["value"]["amount"], 2_700_000);
    assert_eq!(won["stage_entered_at"], won["closed_at"]);
    let then = owner.get("/analytics/funnel?kind=snapshot&at=2026-05-01T00:00:00Z").ok();
    assert_eq!(then["groups"][0]["stages"][1]["count"], 1, "{then}");
    again(&owner, "deals", &later, &settings, 0);
}

#[test]
fn a_status_moves_leads() {
    let owner = workspace();
    let first = "ID,Name,Email,Status\n1,Eva Stone,eva@stone.example,New\n2,Max Low,max@low.example,Interested\n";
    let later =
        "ID,Name,Email,Status\n1,Eva Stone,eva@stone.example,Qualified\n2,Max Low,max@low.example,Disqualified\n";
    let settings =
        settings(&[("ID", "external_id"), ("Name", "person.name"), ("Email", "person.email"), ("Status", "status")]);
    assert_eq!(counts(&import(&owner, "leads", first, settings.clone())), [2, 0, 0, 0, 0, 0]);
    assert_eq!(place(&owner, "leads", "2"), ("Interested".into(), "open".into()));
    again(&owner, "leads", first, &settings, 0);
    assert_eq!(counts(&import(&owner, "leads", later, settings.clone())), [0, 2, 0, 0, 0, 0]);
    assert_eq!(place(&owner, "leads", "1"), ("Qualified".into(), "won".into()));
    assert_eq!(place(&owner, "leads", "2"), ("Disqualified".into(), "lost".into()));
    again(&owner, "leads", later, &settings, 0);
    // An older status opens the lead again.
    assert_eq!(counts(&import(&owner, "leads", first, settings.clone())), [0, 2, 0, 0, 0, 0]);
    assert_eq!(place(&owner, "leads", "2"), ("Interested".into(), "open".into()));
    let open = "ID,Name,Email,Status\n1,Eva Stone,eva@stone.example,Open\n";
    import(&owner, "leads", later, settings.clone());
    import(&owner, "leads", open, settings);
    assert_eq!(place(&owner, "leads", "1"), ("New".into(), "open".into()));
}

#[test]
fn a_second_file_finds_deals_by_record_id() {
    let owner = workspace();
    pipeline(&owner);
    let file = |amount: &str| {
        format!(
            "Record ID,Deal Name,Deal Stage,Amount\n7001,Perrin cave,New,15000\n7002,Bluebay casino,Proposal,{amount}\n"
        )
    };
    let settings =
        settings(&[("Record ID", "external_id"), ("Deal Name", "title"), ("Deal Stage", "stage"), ("Amount", "value")]);
    import(&owner, "deals", &file("25000"), settings.clone());
    again(&owner, "deals", &file("25000"), &settings, 0);
    assert_eq!(counts(&import(&owner, "deals", &file("27000"), settings.clone())), [0, 1, 1, 0, 0, 0]);
    assert_eq!(by(&owner, "deals", "7002")["data"][0]["value"]["amount"], 2_700_000);
    assert_eq!(all(&owner, "deals").len(), 2);
    // A file without the names keeps them.
    let stages = "Record ID,Deal Stage\n7001,Lost\n7002,Won\n";
    let fields = [("Record ID", "external_id"), ("Deal Stage", "stage")];
    assert_eq!(counts(&import(&owner, "deals", stages, self::settings(&fields))), [0, 2, 0, 0, 0, 0]);
    let lost = by(&owner, "deals", "7001")["data"][0].clone();
    assert_eq!(lost["title"], "Perrin cave");
    assert_eq!(lost["status"], "lost");
}

#[test]
fn a_status_closes_a_deal_in_an_open_stage() {
    let owner = workspace();
    pipeline(&owner);
    let settings = settings(&[
        ("Title", "title"),
        ("ID", "external_id"),
        ("Stage", "stage"),
        ("Status", "status"),
        ("Lost reason", "loss_reason"),
    ]);
    let file = "ID,Title,Stage,Status,Lost reason\n1,Perrin refit,Proposal,Won,\n2,Bluebay upgrade,Proposal,Open,\n\
        3,Tokyo dock,New,Lost,Too expensive\n4,Riga,Won,Lost,\n5,Oslo,Proposal,,Too late\n";
    let report = import(&owner, "deals", file, settings.clone());
    assert_eq!(counts(&report), [3, 0, 0, 0, 2, 0], "{report}");
    let told = problems(&owner);
    assert_eq!(told[0].0, 5, "{told:?}");
    assert_eq!(told[0].2, "Status and Stage contradict each other");
    assert_eq!(told[1].2, "Stage and Lost reason contradict each other");
    assert_eq!(place(&owner, "deals", "1"), ("Won".into(), "won".into()));
    assert_eq!(place(&owner, "deals", "2"), ("Proposal".into(), "open".into()));
    assert_eq!(place(&owner, "deals", "3"), ("Lost".into(), "lost".into()));
    let reasons = owner.get("/deals?external_id=3&include=loss_reason").ok();
    assert_eq!(reasons["included"]["loss_reasons"][0]["name"], "Too expensive");
    again(&owner, "deals", file, &settings, 2);
    // The same outcome for deals that were open, and those that were won or lost are open again.
    let file = "ID,Title,Stage,Status,Lost reason\n1,Perrin refit,Proposal,Open,\n2,Bluebay upgrade,Proposal,Lost,Too late\n\
        3,Tokyo dock,,Open,\n";
    assert_eq!(counts(&import(&owner, "deals", file, settings.clone())), [0, 3, 0, 0, 0, 0]);
    assert_eq!(place(&owner, "deals", "1"), ("Proposal".into(), "open".into()));
    assert_eq!(place(&owner, "deals", "2"), ("Lost".into(), "lost".into()));
    assert_eq!(place(&owner, "deals", "3"), ("New".into(), "open".into()));
    let verbs = |external_id: &str| {
        let record = id(&by(&owner, "deals", external_id)["data"][0]);
        let log = owner.get(&format!("/audit-events?record_id={record}&sort=at")).ok();
        let name = |event: &Json| event["type"].as_str().unwrap().to_owned();
        log["data"].as_array().unwrap().iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(verbs("1"), ["deal.created", "deal.reopened"]);
    assert_eq!(verbs("2"), ["deal.created", "deal.lost"]);
    again(&owner, "deals", file, &settings, 0);
}

#[test]
fn the_api_and_an_import_agree_on_a_move() {
    let owner = workspace();
    pipeline(&owner);
    let made = |external_id: &str| {
        let body = json!({ "title": "A", "external_id": external_id, "loss_note": null });
        id(&owner.post("/deals", body).created())
    };
    let by_hand = made("hand");
    made("file");
    owner.post(&format!("/deals/{by_hand}/lose"), json!({ "loss_reason_id": reason(&owner) })).ok();
    let fields = [("id", "external_id"), ("status", "status"), ("reason", "loss_reason")];
    let name = owner.get("/loss-reasons").ok()["data"][0]["name"].as_str().unwrap().to_owned();
    import(&owner, "deals", &format!("id,status,reason\nfile,lost,{name}\n"), settings(&fields));
    let of = |external_id: &str| by(&owner, "deals", external_id)["data"][0].clone();
    for member in ["stage_id", "status", "loss_reason_id", "closed_by_id", "forecast_category", "version"] {
        assert_eq!(of("hand")[member], of("file")[member], "{member}");
    }
}

#[test]
fn tags_are_added_or_replaced() {
    let owner = workspace();
    let fields = [("First Name", "first_name"), ("Email", "email"), ("Tags", "tags")];
    let first = "First Name,Email,Tags\nA,a@x.example,\"vip, fair 2024\"\nB,b@x.example,vip\n";
    import(&owner, "contacts", first, settings(&fields));
    let tags = |email: &str| owner.get(&format!("/contacts?email={email}")).ok()["data"][0]["tags"].clone();
    assert_eq!(tags("a@x.example"), json!(["vip", "fair 2024"]));
    again(&owner, "contacts", first, &settings(&fields), 0);
    let update = "Email,Tags\na@x.example,newsletter\n";
    let fields = [("Email", "email"), ("Tags", "tags")];
    assert_eq!(counts(&import(&owner, "contacts", update, settings(&fields))), [0, 1, 0, 0, 0, 0]);
    assert_eq!(tags("a@x.example"), json!(["vip", "fair 2024", "newsletter"]));
    again(&owner, "contacts", update, &settings(&fields), 0);
    let replacing = with(&settings(&fields), "tags", json!("replace"));
    import(&owner, "contacts", update, replacing.clone());
    assert_eq!(tags("a@x.example"), json!(["newsletter"]));
    again(&owner, "contacts", update, &replacing, 0);
    assert_eq!(tags("b@x.example"), json!(["vip"]));
}

#[test]
fn an_empty_cell_keeps_or_clears_the_value() {
    let owner = workspace();
    let fields = [("ID", "external_id"), ("Name", "name"), ("Sector", "sector"), ("Tags", "tags")];
    import(&owner, "companies", "ID,Name,Sector,Tags\n1,Acme,retail,vip\n", settings(&fields));
    let empty = "ID,Name,Sector,Tags\n1,Acme,,\n";
    again(&owner, "companies", empty, &settings(&fields), 0);
    let clearing = with(&settings(&fields), "empty_cells", json!("clear"));
    assert_eq!(counts(&import(&owner, "companies", empty, clearing.clone())), [0, 1, 0, 0, 0, 0]);
    let acme = owner.get("/companies?external_id=1").ok()["data"][0].clone();
    assert_eq!((acme["sector"].clone(), acme["tags"].clone()), (Json::Null, json!(["vip"])));
    again(&owner, "companies", empty, &clearing, 0);
}

#[test]
fn a_mode_limits_what_is_written() {
    let owner = workspace();
    let fields = [("Email", "email"), ("Position", "position")];
    import(&owner, "contacts", "Email,Position\na@x.example,CEO\n", settings(&fields));
    let file = "Email,Position\na@x.example,CFO\nb@x.example,CTO\n";
    let update = with(&settings(&fields), "mode", json!("update"));
    let report = import(&owner, "contacts", file, update);
    assert_eq!(counts(&report), [0, 1, 0, 1, 0, 0], "{report}");
    assert_eq!(report["without_record"], 1);
    let told = problems(&owner);
    assert_eq!((told[0].0, told[0].1.as_str()), (3, "not_found"), "{told:?}");
    let create = with(&settings(&fields), "mode", json!("create"));
    let file = "Email,Position\na@x.example,COO\nb@x.example,CTO\n";
    assert_eq!(counts(&import(&owner, "contacts", file, create)), [1, 0, 0, 1, 0, 0]);
    assert_eq!(owner.get("/contacts?email=a@x.example").ok()["data"][0]["position"], "CFO");
}

#[test]
fn settings_that_contradict_are_refused() {
    let owner = workspace();
    let upload = id(&owner.upload("deals", "d.csv", b"title,stage\nA,Lost\n").created());
    let path = format!("/imports/{upload}/run");
    for (settings, pointer) in [
        (json!({ "mode": "update", "on_existing": "skip" }), "/settings/on_existing"),
        (json!({ "match_by": ["external_id", "external_id"] }), "/settings/match_by/1"),
        (json!({ "match_by": ["email"] }), "/settings/match_by/0"),
        (json!({ "match_by": [] }), "/settings/match_by"),
        (json!({ "tags": "forget" }), "/settings/tags"),
    ] {
        let problem = owner.post(&path, json!({ "settings": settings })).problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
}

/// The rows between two rows of one person.
fn filler(from: usize, count: usize) -> String {
    (from..from + count).fold(String::new(), |rows, n| rows + &format!("P{n},Q{n},p{n}@x.example\n"))
}

#[test]
fn rows_of_one_record_are_treated_alike_near_and_far() {
    let fields = settings(&[("First Name", "first_name"), ("Last Name", "last_name"), ("Email", "email")]);
    for between in [0, 1, 600] {
        let owner = workspace();
        let rows = filler(0, between);
        let file = |second: &str| format!("First Name,Last Name,Email\nAnna,One,info@acme.example\n{rows}{second}\n");
        let line = i64::try_from(between).unwrap() + 3;
        // Another person.
        let other = file("Bert,Two,info@acme.example");
        let report = import(&owner, "contacts", &other, fields.clone());
        assert_eq!(counts(&report)[4..], [1, 0], "{between}: {report}");
        let told = problems(&owner);
        assert_eq!((told[0].0, told[0].1.as_str()), (line, "duplicate_email"), "{told:?}");
        let anna = owner.get("/contacts?email=info@acme.example").ok()["data"][0].clone();
        assert_eq!(anna["first_name"], "Anna");
        again(&owner, "contacts", &other, &fields, 1);
        // The same person in other words.
        let contradiction = file("Anna,Two,info@acme.example");
        let report = import(&owner, "contacts", &contradiction, fields.clone());
        assert_eq!(counts(&report)[4..], [1, 1], "{between}: {report}");
        let told = problems(&owner);
        assert_eq!((told[0].0, told[0].1.as_str()), (line, "stated_twice"), "{told:?}");
        assert!(told[0].2.contains("line 2,") && told[0].2.contains("Last Name"), "{told:?}");
        // The same.
        let same = file("Anna,One,INFO@acme.example");
        let report = import(&owner, "contacts", &same, fields.clone());
        assert_eq!(counts(&report)[4..], [0, 1], "{between}: {report}");
        assert_eq!(report["repeated_rows"], json!([{ "row": line, "first_row": 2 }]));
        assert_eq!(owner.get("/contacts?email=info@acme.example").ok()["data"][0]["version"], anna["version"]);
    }
}

#[test]
fn a_second_row_adds_what_the_first_lacks() {
    let owner = workspace();
    let fields = settings(&[("Email", "email"), ("Phone", "phone"), ("Tags", "tags"), ("Name", "last_name")]);
    let file = "Name,Email,Phone,Tags\nStone,eva@x.example,,vip\nStone,eva@x.example,+37255501011,fair\n\
        stone,EVA@x.example,+372 5550 1011,\n";
    let report = import(&owner, "contacts", file, fields.clone());
    assert_eq!(counts(&report), [1, 1, 1, 0, 0, 2], "{report}");
    let eva = owner.get("/contacts?email=eva@x.example").ok()["data"][0].clone();
    assert_eq!(eva["phone"], "+37255501011");
    assert_eq!(eva["tags"], json!(["vip", "fair"]));
    assert_eq!(eva["last_name"], "Stone");
    again(&owner, "contacts", file, &fields, 0);
}

#[test]
fn two_people_never_become_one_by_an_address_they_share() {
    let owner = workspace();
    let fields = settings(&[
        ("First Name", "first_name"),
        ("Last Name", "last_name"),
        ("Email", "email"),
        ("Phone", "phone"),
        ("Position", "position"),
    ]);
    let file = "First Name,Last Name,Email,Phone,Position\nAnna,One,info@acme.example,,CEO\nBert,Two,info@acme.example,,CFO\n\
        Cleo,Three,,+37255501011,CTO\nDora,Four,,+37255501011,COO\n";
    let report = import(&owner, "contacts", file, fields.clone());
    assert_eq!(counts(&report), [3, 0, 0, 0, 1, 0], "{report}");
    again(&owner, "contacts", file, &fields, 1);
    // A later file finds Cleo by name and number, and changes the position.
    let later = "First Name,Last Name,Email,Phone,Position\nCleo,Three,,5550 1011,CEO\nEmil,Five,,+37255501012,CEO\n";
    assert_eq!(counts(&import(&owner, "contacts", later, fields)), [1, 1, 0, 0, 0, 0]);
}

#[test]
fn companies_are_found_by_domain_and_name() {
    let owner = workspace();
    let fields = settings(&[("Name", "name"), ("Domain", "domain"), ("Country", "country")]);
    let file = "Name,Domain,Country\nBluebay,https://www.Bluebay.example/shop,United Kingdom\n\
        Perrin,fromagerie-perrin.example,France\nBluebay Ltd,bluebay.example,\n";
    let report = import(&owner, "companies", file, fields.clone());
    // The third row has another name for the same domain.
    assert_eq!(counts(&report), [2, 0, 0, 0, 1, 1], "{report}");
    again(&owner, "companies", file, &fields, 1);
    let later = "Name,Domain,Country\nBLUEBAY,bluebay.example,Ireland\nPerrin,,Belgium\n";
    assert_eq!(counts(&import(&owner, "companies", later, fields)), [0, 2, 0, 0, 0, 0]);
    assert_eq!(owner.get("/companies?domain=bluebay.example").ok()["data"][0]["country"], "Ireland");
}

#[test]
fn external_ids_find_records_of_every_resource() {
    let owner = workspace();
    pipeline(&owner);
    for (resource, member) in [
        ("users", "name"),
        ("companies", "name"),
        ("contacts", "last_name"),
        ("products", "name"),
        ("leads", "title"),
        ("deals", "title"),
    ] {
        let fields = settings(&[("Id", "external_id"), ("Name", member)]);
        assert_eq!(counts(&import(&owner, resource, "Id,Name\nx1,One\nx2,Two\n", fields.clone()))[0], 2, "{resource}");
        let report = import(&owner, resource, "Id,Name\nx1,One\nx2,Zwei\n", fields.clone());
        assert_eq!(counts(&report), [0, 1, 1, 0, 0, 0], "{resource}: {report}");
        assert_eq!(by_id(&owner, resource)[member], "Zwei", "{resource}");
        again(&owner, resource, "Id,Name\nx1,One\nx2,Zwei\n", &fields, 0);
    }
}

fn by_id(owner: &Client, resource: &str) -> Json {
    owner.get(&format!("/{resource}?external_id=x2")).ok()["data"][0].clone()
}

#[test]
fn leads_are_matched_by_address_on_demand() {
    let owner = workspace();
    let fields = settings(&[("Name", "person.name"), ("Email", "person.email"), ("Status", "status")]);
    let matching = with(&fields, "match_by", json!(["email"]));
    import(&owner, "leads", "Name,Email,Status\nEva,eva@x.example,New\n", fields);
    let later = "Name,Email,Status\nEva,eva@x.example,Qualified\n";
    assert_eq!(counts(&import(&owner, "leads", later, matching.clone())), [0, 1, 0, 0, 0, 0]);
    again(&owner, "leads", later, &matching, 0);
}

/// Counts the statements of a chunk of 500 rows.
fn statements_of(owner: &Client, resource: ImportResource, csv: &str, settings: &Json) -> (u32, ImportReport) {
    let me = owner.get("/me").ok();
    let uuid = |value: &Json| value.as_str().unwrap().parse::<uuid::Uuid>().unwrap();
    let (workspace, user) = (uuid(&me["workspace"]["id"]), uuid(&me["user"]["id"]));
    let db = &server().db;
    let actor = db.run_blocking(|conn| authentication::of_user(conn, workspace, user)).unwrap();
    let settings: ImportSettings = serde_json::from_value(settings.clone()).unwrap();
    let table =
        file::open(Box::new(Cursor::new(csv.to_owned())), &settings, &detect::context(&actor), "/settings/sheet")
            .unwrap();
    let evidence = FileEvidence::of(&actor, resource, settings.mapping.as_deref().unwrap_or_default(), &table).unwrap();
    let rows = table.rows.some(&(0..table.rows.len()).collect::<Vec<_>>()).unwrap();
    let measured = db.rehearse_blocking(&Request::internal(actor, "measured".into()), |tx| {
        let mut reader = RowReader::new(tx, resource, &settings, &table, &evidence)?;
        let (mut report, begin) = (reader.report(&settings), watchdog::queries());
        run::chunk(tx, &mut reader, &rows, &mut report)?;
        Ok((watchdog::queries() - begin, report))
    });
    measured.unwrap()
}

#[test]
fn known_rows_of_a_chunk_use_few_statements() {
    let owner = workspace();
    pipeline(&owner);
    let fields = settings(&[("Id", "external_id"), ("Title", "title"), ("Stage", "stage"), ("Closed", "closed_at")]);
    let fields = with(&fields, "date_format", json!("yyyy-mm-dd"));
    let file = |stage: &str, closed: &str, title: &str| {
        (0..500).fold("Id,Title,Stage,Closed\n".to_owned(), |file, n| {
            file + &format!("d{n},{title} {n},{stage},{closed}\n")
        })
    };
    let first = file("Proposal", "", "Deal");
    let owned = import(&owner, "deals", &first, fields.clone());
    assert_eq!(counts(&owned)[0], 500, "{owned}");
    for (case, csv, updated, most) in [
        ("nothing changes", first, 0, 6),
        ("the titles change", file("Proposal", "", "Other"), 500, 25),
        ("the stages change", file("New", "", "Deal"), 500, 25),
        ("all are won and renamed", file("Won", "2026-01-01", "Other"), 500, 45),
    ] {
        let (statements, report) = statements_of(&owner, ImportResource::Deals, &csv, &fields);
        assert_eq!(report.updated, updated, "{case}");
        assert!(statements <= most, "{case}: {statements} statements");
    }
}

#[test]
fn an_import_without_changes_writes_no_version() {
    let owner = workspace();
    let import = id(&owner.upload("contacts", "c.csv", b"email,position\na@x.example,CEO\n").created());
    for _ in 0..2 {
        let job = owner.post(&format!("/imports/{import}/run"), json!({})).expect(202);
        finished(&owner, &id(&job));
    }
    assert_eq!(owner.get(&format!("/imports/{import}")).ok()["report"]["unchanged"], 1);
    assert_eq!(owner.get("/contacts?email=a@x.example").ok()["data"][0]["version"], 1);
}
