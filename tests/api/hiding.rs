//! Searches every answer for every hideable field, with the usual and unusual spellings of the path.
use crate::every_operation::{Operation, filled, operations, records, send};
use crate::support::scopes::scopes;
use crate::support::{Client, id, stage, unique, user_with, workspace};
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use voronka::kernel::access::resource;

/// What roles can hide: the resource, the field, and the members that show it.
pub fn hideable() -> Vec<(&'static str, &'static str, &'static [&'static str])> {
    voronka::resources::install();
    let fields = resource::hideable().map(|one| one.hideable.iter().map(|field| (one.name, field.name, field.members)));
    fields.flatten().collect()
}

/// Text that shows up where a field is visible, by resource and field.
const TRACES: [(&str, &str, &str); 21] = [
    ("contacts", "email", "trace.mail@hidden.example"),
    ("contacts", "phone", "5558765"),
    ("contacts", "accounts", "trace_handle"),
    ("contacts", "address", "Trace street"),
    ("contacts", "birthday", "1911-03-07"),
    ("contacts", "consents", "trace of a consent"),
    ("contacts", "first_touch", "trace of a touch"),
    ("contacts", "cf.trace", "own contact trace"),
    ("companies", "revenue", "7654321"),
    ("companies", "employees", "7351246"),
    ("companies", "address", "Trace yard"),
    ("companies", "cf.trace", "own company trace"),
    ("leads", "person", "Trace Personson"),
    ("leads", "value", "5432167"),
    ("leads", "cf.trace", "own lead trace"),
    ("deals", "value", "8765432"),
    ("deals", "probability_percent", "\"probability_percent\":37"),
    ("deals", "loss_note", "trace of a loss"),
    ("deals", "competitor", "Trace Rivals"),
    ("deals", "next_step", "trace of a step"),
    ("deals", "cf.trace", "own deal trace"),
];

/// Creates records with a trace in each field and changes them once, so that events mention it. Returns ids for paths.
fn traced(owner: &Client) -> HashMap<&'static str, String> {
    let mut ids = records(owner);
    for resource in ["contacts", "companies", "leads", "deals"] {
        let field = json!({ "resource": resource, "key": "trace", "name": "Trace", "kind": "text" });
        owner.post("/custom-fields", field).created();
    }
    let own = |text: &str| json!([{ "key": "trace", "text": text }]);
    let made = |path: &str, body: Json| id(&owner.post(path, body).created());
    let at = "2026-01-02T03:04:05.000Z";
    let company = made(
        "/companies",
        json!({ "name": "Traced", "employees": 7_351_246, "revenue": { "amount": 7_654_321, "currency": "USD" }, "address": "Trace yard",
            "custom_fields": own("own company trace") }),
    );
    let contact = made(
        "/contacts",
        json!({ "first_name": "Traced", "email": "trace.mail@hidden.example", "phone": "+1 202 555 8765", "address": "Trace street",
            "accounts": [{ "kind": "telegram", "handle": "trace_handle" }],
            "birthday": "1911-03-07", "company_id": company, "custom_fields": own("own contact trace"),
            "consents": [{ "channel": "email", "granted": true, "at": at, "text": "trace of a consent" }],
            "first_touch": { "campaign": "trace of a touch", "at": at } }),
    );
    let lead = made(
        "/leads",
        json!({ "title": "Traced", "person": { "name": "Trace Personson", "company_name": "Trace Personson Ltd" },
            "value": { "amount": 5_432_167, "currency": "USD" }, "custom_fields": own("own lead trace") }),
    );
    // A lead without a title is named after its person; a role that hides the person must not see that name.
    let hidden = json!([{ "resource": "leads", "field": "person" }]);
    let role = json!({ "key": "blind", "name": "Blind", "grants": [], "hidden_fields": hidden });
    owner.post("/roles", role).created();
    made(
        "/leads",
        json!({ "person": { "name": "Trace Personson", "company_name": "Trace Personson Ltd" }, "come_back_on": "2031-03-01" }),
    );
    let deal = made(
        "/deals",
        json!({ "title": "Traced", "value": { "amount": 8_765_432, "currency": "USD" }, "probability_percent": 37, "company_id": company,
            "contacts": [{ "contact_id": contact }], "competitor": "Trace Rivals", "next_step": "trace of a step",
            "custom_fields": own("own deal trace") }),
    );
    let lost = json!({ "loss_reason_id": ids["loss_reason_id"], "loss_note": "trace of a loss" });
    owner.post(&format!("/deals/{deal}/lose"), lost).ok();
    let open = stage(owner, "deal", "Active inquiry");
    owner.post(&format!("/deals/{deal}/move"), json!({ "stage_id": open })).ok();
    let other = made(
        "/deals",
        json!({ "title": "Traced too", "company_id": company, "contacts": [{ "contact_id": contact }] }),
    );
    let lost = json!({ "loss_reason_id": ids["loss_reason_id"], "loss_note": "trace of a loss", "competitor": "Trace Rivals" });
    owner.post(&format!("/deals/{other}/lose"), lost).ok();
    ids.extend([("company_id", company), ("contact_id", contact), ("lead_id", lead), ("deal_id", deal)]);
    ids
}

/// Returns the body if the operation can be called without changing much.
fn asked(op: &Operation) -> Option<&'static str> {
    match (op.method.as_str(), op.id) {
        ("GET", _) => Some("{}"),
        (_, "convert_lead") => Some(r#"{"dry_run":true}"#),
        ("POST", id) if id.starts_with("search_") => Some("{}"),
        ("PATCH", "update_contact" | "update_company" | "update_lead" | "update_deal") => Some("{}"),
        _ => None,
    }
}

/// Another spelling of the same path.
type Spelling = fn(&str) -> String;

/// Returns the answers to these operations, or to all: each as JSON, lists as CSV, and searches for the record names.
fn told(client: &Client, ids: &HashMap<&'static str, String>, spelt: Spelling, of: &[String]) -> Vec<(String, String)> {
    let mut answers = Vec::new();
    let wanted =
        |op: &&Operation| !op.public && (of.is_empty() || of.iter().any(|id| id.split(' ').next() == Some(op.id)));
    for op in operations().iter().filter(wanted) {
        let Some(body) = asked(op) else { continue };
        let query = match op.id {
            "search" => "?q=traced",
            "list_events" | "list_audit_events" => "?limit=500",
            "get_funnel" => "?kind=snapshot",
            _ => "",
        };
        let path = spelt(&format!("{}{query}", filled(op, ids)));
        answers.push((op.id.to_owned(), send(client, op, &path, body).text));
        if op.method == "GET" && op.id.starts_with("list_") {
            answers.push((format!("{} as CSV", op.id), send(&client.with("Accept", "text/csv"), op, &path, body).text));
        }
    }
    answers
}

/// Percent-encodes a path: actix decodes it before matching.
fn encoded(path: &str) -> String {
    let (first, rest) = path[1..].split_at(1);
    format!("/%{:02x}{rest}", first.as_bytes()[0])
}

/// Percent-encodes the API prefix too.
fn encoded_api(path: &str) -> String {
    format!("//%61pi/v1{path}")
}

/// Writes the path with an upper-case escape and a segment `.`.
fn dotted(path: &str) -> String {
    format!("//api/v1/./%{:02X}{}", path.as_bytes()[1], &path[2..])
}

/// Writes the path with double slashes and a slash at the end.
fn slashed(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    format!("//api//v1/{path}/?{query}")
}

fn plain(path: &str) -> String {
    path.to_owned()
}

#[test]
fn every_hideable_field_has_a_trace() {
    let traced: Vec<(&str, &str)> = TRACES.iter().map(|(resource, field, _)| (*resource, *field)).collect();
    for (resource, field, _) in hideable() {
        assert!(traced.contains(&(resource, field)), "{resource}.{field} has no trace");
    }
}

#[test]
fn a_hidden_field_is_in_no_answer() {
    let owner = workspace();
    let ids = traced(&owner);
    // The feed shows the events of the new records once every earlier transaction has ended.
    crate::support::events(&owner, &format!("&record_id={}", ids["deal_id"]), 3);
    let shown = told(&owner, &ids, plain, &[]);
    let all: Vec<[&str; 6]> = scopes()
        .iter()
        .filter_map(|scope| scope.strip_suffix(":read"))
        .map(|resource| [resource, "all", "all", "all", "all", "all"])
        .collect();
    for (resource, field, trace) in TRACES {
        let places: Vec<String> =
            shown.iter().filter(|(_, text)| text.contains(trace)).map(|(id, _)| id.clone()).collect();
        assert!(places.len() > 2, "{resource}.{field} appears in too few answers: {places:?}");
        let hidden = json!({ "hidden_fields": [{ "resource": resource, "field": field }] });
        let (client, _) = user_with(&owner, &all, hidden);
        // Unusual paths are only checked where another caller sees the field.
        let spellings: [(Spelling, &[String]); 5] =
            [(plain, &[]), (encoded, &places), (encoded_api, &places), (dotted, &places), (slashed, &places)];
        for (spelt, of) in spellings {
            for (operation, text) in told(&client, &ids, spelt, of) {
                assert!(!text.contains(trace), "{operation} shows {resource}.{field} at {}: {text}", spelt("/x"));
            }
        }
    }
}

#[test]
fn an_encoded_path_is_the_same_path() {
    let owner = workspace();
    let name = unique("Acme");
    let company = id(&owner.post("/companies", json!({ "name": name })).created());
    for path in ["//api/v1/%63ompanies", "//%61pi/v1/companies", "//api/%76%31/co%6dpanies"] {
        let list = owner.get(path);
        assert_eq!(list.header("cache-control"), "private, no-cache", "{path}");
        assert_eq!(list.ok()["data"][0]["name"], json!(name), "{path}");
        owner.get(&format!("{path}/{company}?surely_not_a_parameter=1")).problem(400, "unknown_parameter");
        owner.send("PUT", path, None, "").problem(405, "method_not_allowed");
    }
    assert_eq!(owner.get("//api/v1/%61uth/sessions").header("cache-control"), "no-store");
    assert_eq!(owner.get("//api/v1/%61pi-keys").header("cache-control"), "no-store");
}

/// A stored response is sent again only if the role hides no more than before.
#[test]
fn a_stored_response_shows_no_field_that_was_hidden_since() {
    let owner = workspace();
    let all = [["contacts", "all", "all", "all", "all", "all"]];
    let field = |field: &str| json!({ "resource": "contacts", "field": field });
    let (seller, user) = user_with(&owner, &all, json!({ "hidden_fields": [field("address")] }));
    let key = owner.get(&format!("/users/{user}")).ok()["role"].clone();
    let roles = owner.get("/roles?limit=500").ok();
    let role = roles["data"].as_array().unwrap().iter().find(|role| role["key"] == key).map(id).unwrap();
    let hide = |fields: Json| owner.patch(&format!("/roles/{role}"), json!({ "hidden_fields": fields })).ok();
    let body = json!({ "first_name": "Ann", "address": "Trace street", "email": "stored.trace@hidden.example" });
    let create = || seller.with("Idempotency-Key", "stored").post("/contacts", body.clone());
    let first = create().created();
    assert_eq!(first["email"], "stored.trace@hidden.example");
    assert_eq!(first["address"], Json::Null);
    assert_eq!(create().created(), first);
    hide(json!([field("address"), field("email")]));
    create().problem(409, "answer_erased");
    hide(json!([field("address")]));
    assert_eq!(create().created(), first);
    hide(json!([]));
    assert_eq!(create().created(), first);
}

/// The role sees the e-mail address of the lead, but not whose it is.
#[test]
fn a_conversion_dry_run_does_not_reveal_the_owner_of_an_address() {
    let owner = workspace();
    let known = owner.post("/contacts", json!({ "last_name": "Known", "email": "whose@hidden.example" })).created();
    let lead = |email: &str| {
        let person = json!({ "name": "Somebody Else", "email": email, "phone": "+1 202 555 8765" });
        id(&owner.post("/leads", json!({ "title": "L", "person": person })).created())
    };
    let (lead, other) = (lead("whose@hidden.example"), lead("nobodys@hidden.example"));
    let grants = ["contacts", "companies", "leads", "deals"].map(|list| [list, "all", "all", "all", "all", "none"]);
    let hidden = json!({ "hidden_fields": [{ "resource": "contacts", "field": "email" }] });
    let (seller, _) = user_with(&owner, &grants, hidden);
    let rehearsal = json!({ "dry_run": true });
    let told = seller.post(&format!("/leads/{lead}/convert"), rehearsal.clone());
    for trace in [known["id"].as_str().unwrap(), "Known", "contact."] {
        assert!(!told.text.contains(trace), "{trace}: {}", told.text);
    }
    assert_eq!(told.ok()["lead"]["contact_id"], Json::Null);
    let told = seller.post(&format!("/leads/{other}/convert"), rehearsal.clone()).ok();
    assert_eq!(told["contact"]["last_name"], "Else");
    let told = owner.post(&format!("/leads/{lead}/convert"), rehearsal).ok();
    assert_eq!(told["contact"]["id"], known["id"]);
    assert_eq!(told["lead"]["contact_id"], known["id"]);
}

/// An error does not quote another user's import file where the text may belong to a hidden field.
#[test]
fn an_import_does_not_quote_hidden_values() {
    let owner = workspace();
    let csv = "first_name,email,Kontakt\nAnn,ann@hidden.example,ann2@hidden.example\nBob,no-address.hidden.example,\n";
    let import = id(&owner.upload("contacts", "x.csv", csv.as_bytes()).created());
    let run = owner.post(&format!("/imports/{import}/run"), json!({})).expect(202);
    crate::imports::finished(&owner, &id(&run));
    let places = ["/imports".to_owned(), format!("/imports/{import}"), format!("/imports/{import}/problems")];
    let texts = |client: &Client| {
        let plain = places.iter().map(|path| client.get(path).text);
        let csv = client.with("Accept", "text/csv").get(&places[2]).text;
        plain.chain([csv]).collect::<Vec<String>>()
    };
    assert!(texts(&owner).iter().take(2).all(|text| text.contains("hidden.example")));
    let all = ["contacts", "imports", "users"].map(|list| [list, "all", "all", "all", "all", "none"]);
    let hidden = json!({ "hidden_fields": [{ "resource": "contacts", "field": "email" }] });
    let (reader, _) = user_with(&owner, &all, hidden);
    for text in texts(&reader) {
        assert!(!text.contains("hidden.example"), "{text}");
    }
    let shown = reader.get(&places[1]).ok();
    assert_eq!(shown["detected"]["columns"][0]["samples"], json!(["Ann", "Bob"]));
    let (open, _) = user_with(&owner, &all, json!({}));
    assert!(texts(&open).iter().take(2).all(|text| text.contains("hidden.example")));
}
