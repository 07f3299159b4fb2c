//! Entity tags: a caller gets 304 only while the body for this caller is identical.
use crate::every_operation::{filled, operations, records};
use crate::support::scopes::scopes;
use crate::support::{Client, id, key, stage, user_with, workspace};
use serde_json::{Value as Json, json};
use std::collections::HashMap;

/// An answer as a browser stores it.
struct Kept {
    tag: String,
    body: String,
}

/// Returns every readable path whose reading changes nothing.
fn readable(ids: &HashMap<&'static str, String>) -> Vec<String> {
    let recorded = ["export_contact", "download_file", "get_import_file"];
    let read = operations().into_iter().filter(|op| op.method == "GET" && !recorded.contains(&op.id));
    let path = |op: crate::every_operation::Operation| match op.id {
        "search" => format!("{}?q=tom", filled(&op, ids)),
        _ => filled(&op, ids),
    };
    read.map(path).chain(["//openapi.json".to_owned(), "/contacts?include=company,owner".to_owned()]).collect()
}

/// Revalidates the stored answers of each caller, and reads again where one has changed.
fn read_again(callers: &[Client], paths: &[String], kept: &mut HashMap<String, Vec<Kept>>, after: &str) {
    for path in paths {
        for caller in callers {
            for old in kept.get(path).into_iter().flatten() {
                let answer = caller.with("If-None-Match", &old.tag).get(path);
                if answer.status == 304 {
                    assert_eq!(answer.header("etag"), old.tag, "{path} after {after}");
                    assert_eq!(caller.get(path).text, old.body, "{path} answered a stale 304 after {after}");
                }
            }
        }
        for caller in callers {
            let answer = caller.get(path);
            if answer.status == 200 && answer.header("content-type") == "application/json" {
                let (tag, body) = (answer.header("etag").to_owned(), answer.text);
                assert!(!tag.is_empty(), "{path} has no tag");
                let known = kept.entry(path.clone()).or_default();
                if !known.iter().any(|one| one.tag == tag) {
                    known.push(Kept { tag, body });
                }
            }
        }
    }
}

#[test]
fn a_304_is_sent_only_for_an_identical_body() {
    let owner = workspace();
    let ids = records(&owner);
    let (contact, deal) = (format!("/contacts/{}", ids["contact_id"]), format!("/deals/{}", ids["deal_id"]));
    owner
        .patch(&contact, json!({ "first_name": "Tom", "phone": "+12025550101", "company_id": ids["company_id"] }))
        .ok();
    let all: Vec<[&str; 6]> = scopes()
        .iter()
        .filter_map(|scope| scope.strip_suffix(":read"))
        .map(|resource| [resource, "all", "all", "all", "all", "all"])
        .collect();
    let hidden = json!({ "hidden_fields": [{ "resource": "contacts", "field": "phone" }, { "resource": "deals", "field": "value" }] });
    let (blind, blind_id) = user_with(&owner, &all, hidden);
    let callers = [owner.clone(), blind, key(&owner, &["contacts:read", "deals:read"])];
    let paths = readable(&ids);
    let mut kept = HashMap::new();
    read_again(&callers, &paths, &mut kept, "nothing");
    let agreed = stage(&owner, "deal", "Agreed and invoiced");
    let writes: Vec<(&str, &str, String, Json)> = vec![
        (
            "a task",
            "POST",
            "/tasks".into(),
            json!({ "title": "Call", "contact_id": ids["contact_id"], "due_date": "2031-01-01" }),
        ),
        ("a call", "POST", "/activities".into(), json!({ "type": "call", "deal_id": ids["deal_id"] })),
        ("a move", "POST", format!("{deal}/move"), json!({ "stage_id": agreed })),
        ("the name of a stage", "PATCH", format!("/stages/{agreed}"), json!({ "name": "Agreed" })),
        ("the name of a company", "PATCH", format!("/companies/{}", ids["company_id"]), json!({ "name": "Tom's" })),
        ("a hidden phone", "PATCH", contact.clone(), json!({ "phone": "+12025550102" })),
        (
            "an own field",
            "POST",
            "/custom-fields".into(),
            json!({ "resource": "contacts", "key": "shoe", "name": "Shoe", "kind": "text" }),
        ),
        ("the name of a user", "PATCH", format!("/users/{blind_id}"), json!({ "name": "Blind" })),
        (
            "a new owner",
            "PATCH",
            deal.clone(),
            json!({ "owner_id": blind_id, "value": { "amount": 5, "currency": "USD" } }),
        ),
    ];
    for (what, method, path, body) in writes {
        let answer = owner.send(method, &path, Some(body.to_string().into_bytes()), "application/json");
        assert!(matches!(answer.status, 200 | 201), "{what}: {}", answer.text);
        read_again(&callers, &paths, &mut kept, what);
    }
    // Answers that no write touched keep their tags.
    assert!(kept["/currencies"].len() == 1 && kept["//openapi.json"].len() == 1 && kept[&contact].len() > 3);
}

#[test]
fn if_match_accepts_the_tag_of_an_answer() {
    let owner = workspace();
    let made = owner.post("/contacts", json!({ "first_name": "Tom" }));
    let (tag, path) = (made.header("etag").to_owned(), format!("/contacts/{}", id(&made.created())));
    assert_eq!(owner.get(&path).header("etag"), tag);
    for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".into()] {
        let answer = owner.with("If-None-Match", &known).get(&path);
        assert_eq!(answer.status, 304, "{known}");
        assert_eq!(answer.text.as_str(), "", "{known}");
    }
    for other in ["\"1\"", "1", "\"1-0\"", ""] {
        assert_eq!(owner.with("If-None-Match", other).get(&path).status, 200, "{other}");
    }
    // The version counts, whatever else the answer showed.
    for (n, accepted) in
        [tag.clone(), format!("W/{}", tag.replacen('1', "2", 1)), "\"3\"".into(), "4".into(), "*".into()]
            .iter()
            .enumerate()
    {
        owner.with("If-Match", accepted).patch(&path, json!({ "first_name": format!("Tom {n}") })).ok();
    }
    owner.with("If-Match", &tag).patch(&path, json!({ "first_name": "Old" })).problem(412, "version_conflict");
    for nonsense in ["\"6-\"", "\"-ab\"", "\"6-xyz\"", "six", "\"6\", \"7\"", ""] {
        owner.with("If-Match", nonsense).patch(&path, json!({ "first_name": "X" })).problem(400, "bad_request");
    }
}
