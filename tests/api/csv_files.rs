//! Lists and reports as CSV, with columns that do not depend on the data.
use crate::support::{Answer, Client, client::DOCUMENT, id, user_with, workspace};
use serde_json::{Value as Json, json};

const LISTS: [&str; 5] = ["contacts", "companies", "leads", "deals", "tasks"];
const REPORTS: [&str; 6] = ["funnel", "win-rate", "cycle-time", "loss-reasons", "forecast", "leaderboard"];

struct Sheet {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Sheet {
    fn of(answer: &Answer) -> Sheet {
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8", "{}", answer.text);
        let mut lines = csv::Reader::from_reader(answer.text.as_bytes());
        let texts = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
        let head = texts(lines.headers().unwrap());
        Sheet { head, rows: lines.records().map(|row| texts(&row.unwrap())).collect() }
    }

    fn cell(&self, row: usize, column: &str) -> &str {
        let at = self.head.iter().position(|name| name == column);
        &self.rows[row][at.unwrap_or_else(|| panic!("no {column} in {:?}", self.head))]
    }
}

fn list(client: &Client, path: &str) -> Sheet {
    Sheet::of(&client.with("Accept", "text/csv").get(path))
}

fn own_fields(owner: &Client) {
    for resource in ["contacts", "companies", "leads", "deals"] {
        for (key, kind) in [("budget", "money"), ("hull", "text")] {
            owner
                .post("/custom-fields", json!({ "resource": resource, "key": key, "name": key, "kind": kind }))
                .created();
        }
    }
}

#[test]
fn columns_do_not_depend_on_the_data() {
    let owner = workspace();
    own_fields(&owner);
    let heads: Vec<Vec<String>> = LISTS.iter().map(|path| list(&owner, &format!("/{path}")).head).collect();
    for (path, head) in LISTS.iter().zip(&heads) {
        assert_eq!(head[0], "id", "{path}: {head:?}");
        assert_eq!(head.iter().any(|name| name == "cf.budget.currency"), *path != "tasks", "{path}: {head:?}");
        let mut names = head.clone();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), head.len(), "{path}: duplicate column in {head:?}");
    }
    let eve = json!({ "first_name": "Eve", "emails": [{ "email": "e@x.example", "kind": "work" }, { "email": "f@x.example", "kind": "home" }],
        "consents": [{ "channel": "email", "granted": true, "at": "2026-01-31T10:00:00Z" }, { "channel": "phone", "granted": false, "at": "2026-01-31T10:00:00Z" }],
        "custom_fields": [{ "key": "budget", "money": { "amount": 1999, "currency": "EUR" } }] });
    let eve = id(&owner.post("/contacts", eve).created());
    owner
        .post("/contacts", json!({ "last_name": "Bob", "custom_fields": [{ "key": "hull", "text": "a;=1+1" }] }))
        .created();
    owner.post("/companies", json!({ "name": "Acme" })).created();
    owner.post("/leads", json!({ "title": "L", "value": { "amount": 500, "currency": "JPY" } })).created();
    owner.post("/deals", json!({ "title": "D", "contacts": [{ "contact_id": eve }] })).created();
    owner.post("/tasks", json!({ "title": "T", "contact_id": eve })).created();
    for (path, head) in LISTS.iter().zip(&heads) {
        let sheet = list(&owner, &format!("/{path}?sort=created_at"));
        assert_eq!(&sheet.head, head, "{path}");
        assert!(!sheet.rows.is_empty(), "{path}");
    }
    let people = list(&owner, "/contacts?sort=created_at");
    assert_eq!(people.cell(0, "emails"), "e@x.example, f@x.example");
    assert_eq!(people.cell(0, "consents"), "email");
    assert_eq!(people.cell(0, "cf.budget"), "19.99");
    assert_eq!(people.cell(0, "cf.budget.currency"), "EUR");
    assert_eq!(people.cell(1, "cf.hull"), "a;'=1+1");
    assert_eq!(people.cell(0, "cf.hull"), "");
    assert_eq!(people.cell(0, "next_task.state"), "planned");
    assert_eq!(people.cell(1, "next_task.state"), "");
    let leads = list(&owner, "/leads");
    assert_eq!(leads.cell(0, "value"), "500");
    assert_eq!(leads.cell(0, "value.currency"), "JPY");
    assert_eq!(list(&owner, "/deals").cell(0, "contacts"), eve);
}

#[test]
fn columns_can_be_chosen_and_names_stand_next_to_ids() {
    let owner = workspace();
    own_fields(&owner);
    let acme = id(&owner.post("/companies", json!({ "name": "=Acme" })).created());
    let me = owner.get("/me").ok()["user"].clone();
    owner
        .post("/deals", json!({ "title": "D", "company_id": acme, "value": { "amount": 100, "currency": "EUR" } }))
        .created();
    let sheet = list(&owner, "/deals?columns=title,value,value.currency,id,cf.hull");
    assert_eq!(sheet.head, ["title", "value", "value.currency", "id", "cf.hull"]);
    assert_eq!(sheet.rows[0][..3], ["D", "1.00", "EUR"]);
    let sheet = list(&owner, "/deals?include=company,owner,stage");
    let beside = |name: &str| sheet.head.iter().position(|column| column == name).unwrap();
    assert_eq!(beside("company"), beside("company_id") + 1);
    assert_eq!(sheet.cell(0, "company"), "'=Acme");
    assert_eq!(sheet.cell(0, "owner"), me["name"].as_str().unwrap());
    assert_eq!(sheet.cell(0, "company_id"), acme);
    let sheet = list(&owner, "/deals?include=company&columns=company,title");
    assert_eq!(sheet.head, ["company", "title"]);
    assert_eq!(sheet.rows[0], ["'=Acme", "D"]);
    // An unknown column is an error in every format.
    for client in [owner.clone(), owner.with("Accept", "text/csv")] {
        let problem = client.get("/deals?columns=titel").problem(400, "invalid_parameter");
        assert_eq!(problem["errors"][0]["parameter"], "columns");
        assert_eq!(problem["errors"][0]["code"], "invalid_choice");
        assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("title"), "{problem}");
        // The name of a related record is a column only on request.
        client.get("/deals?columns=company").problem(400, "invalid_parameter");
    }
    owner.get("/users?columns=id").problem(400, "unknown_parameter");
}

#[test]
fn a_limit_applies_and_the_next_page_follows() {
    let owner = workspace();
    let deals: Vec<Json> = (0..7).map(|n| json!({ "title": format!("D{n}") })).collect();
    owner.post("/deals/batch-create", json!({ "items": deals })).ok();
    let file = owner.with("Accept", "text/csv");
    let first = file.get("/deals?limit=3&sort=title");
    let sheet = Sheet::of(&first);
    assert_eq!(sheet.rows.len(), 3);
    assert_eq!(sheet.cell(2, "title"), "D2");
    let cursor = first.header("next-cursor").to_owned();
    assert!(first.header("link").contains(&cursor) && !cursor.is_empty());
    let rest = file.get(&format!("/deals?sort=title&limit=3&cursor={cursor}"));
    assert_eq!(Sheet::of(&rest).cell(0, "title"), "D3");
    assert_eq!(Sheet::of(&file.get("/deals")).rows.len(), 7);
    // A search can be exported too.
    let asked = json!({ "q": "d", "sort": "title", "limit": 3, "columns": ["title"] });
    let found = file.post("/deals/search", asked.clone());
    let sheet = Sheet::of(&found);
    assert_eq!(sheet.head, ["title"]);
    assert_eq!(sheet.rows.len(), 3);
    let mut next = asked;
    next["cursor"] = json!(found.header("next-cursor"));
    assert_eq!(Sheet::of(&file.post("/deals/search", next)).cell(0, "title"), "D3");
    assert_eq!(Sheet::of(&file.post("/deals/search", json!({ "q": "nothing" }))).rows.len(), 0);
    owner.with("Accept", "application/pdf").post("/deals/search", json!({})).problem(406, "not_acceptable");
    let problem = owner.post("/deals/search", json!({ "columns": ["x"] })).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/columns");
}

#[test]
fn an_export_shows_only_exportable_values() {
    let owner = workspace();
    own_fields(&owner);
    let hidden = json!({ "hidden_fields": [{ "resource": "contacts", "field": "phone" }, { "resource": "contacts", "field": "cf.hull" }] });
    let (ann, ann_id) = user_with(&owner, &[["contacts", "all", "own", "none", "none", "own"]], hidden);
    let (bob, _) = user_with(&owner, &[["contacts", "all", "own", "none", "none", "none"]], json!({}));
    let body = json!({ "last_name": "Hers", "phone": "+37255501011", "owner_id": ann_id, "custom_fields": [{ "key": "hull", "text": "secret" }] });
    owner.post("/contacts", body).created();
    owner.post("/contacts", json!({ "last_name": "Another's" })).created();
    let file = ann.with("Accept", "text/csv");
    for answer in [file.get("/contacts"), file.post("/contacts/search", json!({ "sort": "last_name" }))] {
        let sheet = Sheet::of(&answer);
        assert_eq!(sheet.rows.len(), 1);
        assert_eq!(sheet.cell(0, "last_name"), "Hers");
        assert!(!sheet.head.iter().any(|name| name.contains("phone") || name == "cf.hull"), "{:?}", sheet.head);
        assert!(!answer.text.contains("secret") && !answer.text.contains("5550"), "{}", answer.text);
    }
    for column in ["phone", "phones", "cf.hull"] {
        file.get(&format!("/contacts?columns={column}")).problem(400, "invalid_parameter");
    }
    bob.with("Accept", "text/csv").get("/contacts").problem(403, "forbidden");
    bob.with("Accept", "text/csv").post("/contacts/search", json!({})).problem(403, "forbidden");
}

/// Requests every read as CSV and as a PDF file: an unsupported format is refused.
#[test]
fn unsupported_formats_are_refused() {
    let owner = workspace();
    let (csv, pdf) = (owner.with("Accept", "text/csv"), owner.with("Accept", "application/pdf;q=0.9, text/html"));
    let (mut files, mut refused) = (0, 0);
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        let path =
            crate::bodies::filled(path.strip_prefix("/api/v1").unwrap(), &|_| Some(crate::bodies::NOBODY.to_owned()));
        let operation = &item["get"];
        if operation.is_null() || operation["responses"]["200"]["content"]["application/json"].is_null() {
            continue;
        }
        pdf.get(&path).problem(406, "not_acceptable");
        let asked = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|p| p["in"] == "query" && p["required"] == true);
        let asked: String =
            asked.map(|p| format!("{}={}&", p["name"].as_str().unwrap(), p["example"].as_str().unwrap())).collect();
        let answer = csv.get(&format!("{path}?{asked}"));
        if operation["responses"]["406"].is_null() {
            answer.problem(406, "not_acceptable");
            refused += 1;
        } else if answer.status != 404 {
            Sheet::of(&answer);
            files += 1;
        }
    }
    assert!(files > 10 && refused > 40, "{files} {refused}");
    csv.post("/search", json!({})).problem(405, "method_not_allowed");
    csv.post("/products", json!({ "name": "P" })).problem(406, "not_acceptable");
    assert_eq!(owner.get("/products").ok()["data"], json!([]), "no product must be created");
    for accept in
        ["*/*", "application/*", "Application/JSON; charset=utf-8", "text/csv, */*;q=0.1", "text/html,application/json"]
    {
        owner.with("Accept", accept).get("/products").ok();
    }
    owner.with("Accept", "application/json;q=0, text/html").get("/products").problem(406, "not_acceptable");
    // Empty answers and file downloads ignore the Accept header.
    let tag = id(&owner.post("/tags", json!({ "name": "T" })).created());
    pdf.delete(&format!("/tags/{tag}")).gone();
    let contact = id(&owner.post("/contacts", json!({ "first_name": "A" })).created());
    let file = id(&crate::files::upload(&owner, "a.txt", b"words", &[("contact_id", &contact)]).created());
    assert_eq!(pdf.get(&format!("/files/{file}/content")).text, "words");
}

#[test]
fn the_contacts_of_a_deal_have_names_in_csv() {
    let owner = workspace();
    let made = |name: &str| id(&owner.post("/contacts", json!({ "first_name": name })).created());
    let (ann, bea) = (made("Ann"), made("Bea"));
    let people = json!([{ "contact_id": bea }, { "contact_id": ann }]);
    owner.post("/deals", json!({ "title": "D", "contacts": people })).created();
    owner.post("/deals", json!({ "title": "E" })).created();
    let sheet = list(&owner, "/deals?sort=title&include=contacts,primary_contact");
    assert_eq!(sheet.cell(0, "contacts"), format!("{bea}, {ann}"));
    assert_eq!(sheet.cell(0, "contacts.name"), "Bea, Ann");
    assert_eq!(sheet.cell(0, "primary_contact"), "Bea");
    assert_eq!(sheet.cell(1, "contacts.name"), "");
    assert_eq!(sheet.cell(1, "primary_contact"), "");
    let chosen = list(&owner, "/deals?sort=title&include=primary_contact&columns=primary_contact,title");
    assert_eq!(chosen.rows[0], ["Bea", "D"]);
}

#[test]
fn reports_without_rows_have_columns() {
    let owner = workspace();
    let currency = owner.get("/workspaces/current").ok()["base_currency"].as_str().unwrap().to_owned();
    let report = |name: &str| list(&owner, &format!("/analytics/{name}"));
    let empty: Vec<Vec<String>> = REPORTS.iter().map(|name| report(name).head).collect();
    let grouped = list(&owner, "/analytics/win-rate?group_by=owner");
    assert!(grouped.rows.is_empty() && grouped.head.contains(&format!("won_value_{currency}")), "{:?}", grouped.head);
    let stages = owner.get("/pipelines?kind=deal").ok()["data"][0]["stages"].clone();
    let of =
        |category: &str| id(stages.as_array().unwrap().iter().find(|stage| stage["category"] == category).unwrap());
    for category in ["open", "won", "lost"] {
        let reason = id(&owner.post("/loss-reasons", json!({ "name": format!("Why {category}") })).created());
        let mut deal =
            json!({ "title": "D", "stage_id": of(category), "value": { "amount": 100, "currency": currency } });
        if category == "lost" {
            deal["loss_reason_id"] = json!(reason);
        }
        owner.post("/deals", deal).created();
    }
    for (name, head) in REPORTS.iter().zip(&empty) {
        let sheet = report(name);
        assert_eq!(&sheet.head, head, "{name}");
        assert!(!sheet.rows.is_empty(), "{name}");
    }
    let me = owner.get("/me").ok()["user"].clone();
    let board = report("leaderboard");
    assert_eq!(board.cell(0, "seller_id"), me["id"].as_str().unwrap());
    assert_eq!(board.cell(0, "seller"), me["name"].as_str().unwrap());
    let grouped = list(&owner, "/analytics/funnel?group_by=owner");
    assert_eq!(grouped.cell(0, "group_id"), me["id"].as_str().unwrap());
    assert_eq!(grouped.cell(0, "group"), me["name"].as_str().unwrap());
    // Other currencies follow the workspace's base currency.
    owner
        .post("/deals", json!({ "title": "E", "stage_id": of("won"), "value": { "amount": 100, "currency": "JPY" } }))
        .created();
    let head = report("win-rate").head;
    let at = |name: &str| head.iter().position(|column| column == name).unwrap();
    assert_eq!(at("won_value_JPY"), at(&format!("won_value_{currency}")) + 1);
}
