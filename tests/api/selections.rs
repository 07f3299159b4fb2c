//! Jobs over many records: a selection that matches every record is refused unless the request allows it.
use crate::imports::finished;
use crate::support::{Client, id, workspace};
use serde_json::{Value as Json, json};

/// Each resource, and the field that holds its name.
const LISTS: [(&str, &str); 5] =
    [("contacts", "last_name"), ("companies", "name"), ("leads", "title"), ("deals", "title"), ("tasks", "title")];

fn cond(field: &str, op: &str, values: &[&str]) -> Json {
    json!({ "field": field, "op": op, "values": values })
}

fn count(client: &Client, list: &str) -> i64 {
    client.get(&format!("/{list}?include_total=true&limit=1")).ok()["page"]["total"].as_i64().unwrap()
}

fn fill(owner: &Client) {
    for (list, name) in LISTS {
        for text in ["Alpha", "Beta", "Gamma"] {
            owner.post(&format!("/{list}"), json!({ name: text })).created();
        }
    }
}

/// Returns conditions that hold for every record, written in many ways.
fn says_nothing(name: &str) -> Vec<Json> {
    let (since, before) = (cond("created_at", "gte", &["1970-01-01T00:00:00Z"]), cond("created_at", "lt", &["now+1h"]));
    vec![
        json!({}),
        json!({ "everything": false }),
        json!({ "all": [], "any": [], "none": [] }),
        json!({ "q": "" }),
        json!({ "q": " " }),
        json!({ "q": "a" }),
        json!({ "all": [cond(name, "contains", &[""])] }),
        json!({ "all": [cond(name, "contains", &[" "])] }),
        json!({ "all": [cond(name, "starts_with", &[""])] }),
        json!({ "any": [cond(name, "contains", &[""]), cond(name, "eq", &["Beta"])] }),
        json!({ "all": [cond(name, "contains", &["a"])] }),
        json!({ "all": [cond(name, "ne", &["nobody is called so"])] }),
        json!({ "all": [cond(name, "not_in", &["x", "y"])] }),
        json!({ "none": [cond(name, "eq", &["nobody is called so"])] }),
        json!({ "none": [cond("created_at", "lt", &["1970-01-01T00:00:00Z"])] }),
        json!({ "all": [since.clone()] }),
        json!({ "all": [since.clone(), before.clone()] }),
        json!({ "any": [since, cond(name, "eq", &["Beta"])] }),
        json!({ "any": [cond(name, "eq", &["Beta"]), cond(name, "ne", &["Beta"])] }),
        json!({ "all": [cond("updated_at", "lte", &["now+1h"])], "q": "a" }),
    ]
}

#[test]
fn a_selection_of_everything_is_refused() {
    let owner = workspace();
    fill(&owner);
    for (list, name) in LISTS {
        for selection in says_nothing(name) {
            for (path, body) in [
                ("bulk-delete", json!({ "selection": selection })),
                ("bulk-delete", json!({ "selection": selection, "dry_run": true })),
                ("bulk-update", json!({ "selection": selection, "changes": { "tags": ["x"] } })),
                ("bulk-update", json!({ "selection": selection, "changes": { "tags": ["x"] }, "dry_run": true })),
            ] {
                let body = if list == "tasks" {
                    json!({ "selection": body["selection"], "changes": { "notes": "x" } })
                } else {
                    body
                };
                let path = if list == "tasks" { "bulk-update" } else { path };
                let problem = owner.post(&format!("/{list}/{path}"), body).problem(422, "validation_failed");
                let pointer = problem["errors"][0]["pointer"].as_str().unwrap();
                assert!(pointer.starts_with("/selection"), "{list} {selection}: {problem}");
            }
            let rule =
                json!({ "name": "N", "resource": list, "action": "delete", "reason": "Old", "selection": selection });
            if list != "tasks" {
                let problem = owner.post("/retention-rules", rule).problem(422, "validation_failed");
                assert!(problem["errors"][0]["pointer"].as_str().unwrap().starts_with("/selection"), "{problem}");
            }
        }
        assert_eq!(count(&owner, list), 3);
    }
    assert_eq!(owner.get("/jobs?kind=bulk").ok()["data"], json!([]));
    assert_eq!(owner.get("/retention-rules").ok()["data"], json!([]));
}

/// Saved conditions follow the same rule as given ones.
#[test]
fn a_segment_or_view_of_everything_is_refused() {
    let owner = workspace();
    fill(&owner);
    let all = json!({ "all": [cond("created_at", "gte", &["1970-01-01T00:00:00Z"])] });
    let segment = json!({ "resource": "deals", "name": "All", "kind": "dynamic", "selection": all });
    let segment = id(&owner.post("/segments", segment).created());
    let view = |name: &str, q: Json| json!({ "resource": "deals", "name": name, "q": q });
    let views =
        [("V", json!(null)), ("W", json!("a"))].map(|(name, q)| id(&owner.post("/views", view(name, q)).created()));
    for selection in [json!({ "segment_id": segment }), json!({ "view_id": views[0] }), json!({ "view_id": views[1] })]
    {
        let refused = owner.post("/deals/bulk-delete", json!({ "selection": selection }));
        assert_eq!(refused.problem(422, "validation_failed")["errors"][0]["code"], "matches_everything");
        let mut meant = selection;
        meant["everything"] = json!(true);
        assert_eq!(owner.post("/deals/bulk-delete", json!({ "selection": meant, "dry_run": true })).ok()["total"], 3);
    }
    let empty = json!({ "resource": "deals", "name": "X", "kind": "dynamic", "selection": { "all": [cond("title", "contains", &[""])] } });
    let problem = owner.post("/segments", empty).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/selection/all/0/values/0");
    // Explicit ids are a selection.
    let deals = owner.get("/deals").ok()["data"].clone();
    let ids: Vec<Json> = deals.as_array().unwrap().iter().map(|deal| deal["id"].clone()).collect();
    let segment = json!({ "resource": "deals", "name": "Named", "kind": "static", "record_ids": ids });
    let segment = id(&owner.post("/segments", segment).created());
    let body = json!({ "selection": { "segment_id": segment }, "dry_run": true });
    assert_eq!(owner.post("/deals/bulk-delete", body).ok()["total"], 3);
}

#[test]
fn a_restricting_selection_is_accepted() {
    let owner = workspace();
    fill(&owner);
    for (list, name) in LISTS {
        let first = &owner.get(&format!("/{list}?{name}=Beta")).ok()["data"][0];
        for (selection, names) in [
            (json!({ "all": [cond(name, "eq", &["Beta"])] }), vec!["Beta"]),
            (json!({ "q": "bet" }), vec!["Beta"]),
            (json!({ "none": [cond(name, "starts_with", &["b"])] }), vec!["Alpha", "Gamma"]),
            // Listing every existing value is allowed.
            (json!({ "all": [cond(name, "in", &["Alpha", "Beta", "Gamma"])] }), vec!["Alpha", "Beta", "Gamma"]),
            (json!({ "everything": true }), vec!["Alpha", "Beta", "Gamma"]),
            (
                json!({ "all": [cond("created_at", "gte", &["today"])], "everything": true }),
                vec!["Alpha", "Beta", "Gamma"],
            ),
            (json!({ "all": [cond(name, "eq", &["Beta"])], "everything": true }), vec!["Beta"]),
            (json!({ "q": "nothing like that" }), vec![]),
        ] {
            let body = json!({ "selection": selection, "dry_run": true });
            let shown = owner.post(&format!("/{list}/bulk-delete"), body).expect(200);
            let told: Vec<&str> =
                shown["first"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
            assert_eq!(told, names, "{list} {selection}");
            assert_eq!(shown["total"], json!(names.len()), "{list} {selection}");
            assert_eq!(shown["dry_run"], true);
            assert_eq!(shown["done"], 0);
        }
        assert_eq!(count(&owner, list), 3);
        assert_eq!(owner.get(&format!("/{list}/{}", id(first))).ok()["version"], 1);
    }
    assert_eq!(owner.get("/jobs?kind=bulk").ok()["data"], json!([]));
    for (list, name) in LISTS {
        let body = json!({ "selection": { "all": [cond(name, "eq", &["Beta"])] } });
        let answer = owner.post(&format!("/{list}/bulk-delete"), body).expect(202);
        assert_eq!(answer["total"], 1);
        assert_eq!(answer["first"][0]["name"], "Beta");
        assert_eq!(answer["dry_run"], false);
        assert_eq!(finished(&owner, &id(&answer))["result"]["succeeded"], 1, "{list}");
        assert_eq!(count(&owner, list), 2);
    }
}

/// The error shows at most twenty records, all visible to the caller.
#[test]
fn the_preview_is_short_and_visible() {
    let owner = workspace();
    let deals: Vec<Json> = (0..30).map(|n| json!({ "title": format!("D{n}") })).collect();
    owner.post("/deals/batch-create", json!({ "items": deals })).ok();
    let body = json!({ "selection": { "everything": true }, "dry_run": true });
    let shown = owner.post("/deals/bulk-delete", body.clone());
    assert!(shown.statements() < 8, "{}", shown.statements());
    let shown = shown.ok();
    assert_eq!(shown["total"], 30);
    assert_eq!(shown["first"].as_array().unwrap().len(), 20);
    let (ann, ann_id) = crate::support::user_with(&owner, &[["deals", "own", "own", "own", "own", "none"]], json!({}));
    owner.post("/deals", json!({ "title": "Hers", "owner_id": ann_id })).created();
    let shown = ann.post("/deals/bulk-delete", body).ok();
    assert_eq!(shown["total"], 1);
    assert_eq!(shown["first"][0]["name"], "Hers");
}

/// A retention rule may be saved while there is nothing to compare with; it is then refused when it runs.
#[test]
fn a_rule_that_selects_everything_does_not_run() {
    let owner = workspace();
    let since = json!({ "all": [cond("created_at", "gte", &["1970-01-01T00:00:00Z"])] });
    let rule = json!({ "name": "All", "resource": "contacts", "action": "erase", "reason": "Old", "selection": since });
    let path = format!("/retention-rules/{}", id(&owner.post("/retention-rules", rule).created()));
    owner.post("/contacts", json!({ "last_name": "Ann" })).created();
    let preview = owner.get(&format!("{path}/preview")).ok();
    assert_eq!(preview["matching"], 1);
    assert_eq!(preview["first"][0]["name"], "Ann");
    assert_eq!(preview["refused"], true);
    let run = || finished(&owner, &id(&owner.post(&format!("{path}/run"), json!({})).expect(202)));
    let done = run();
    assert_eq!(done["status"], "failed", "{done}");
    assert!(done["error"].as_str().unwrap().contains("everything"), "{done}");
    assert_eq!(count(&owner, "contacts"), 1);
    owner.patch(&path, json!({ "selection": since })).problem(422, "validation_failed");
    let mut meant = since;
    meant["everything"] = json!(true);
    owner.patch(&path, json!({ "selection": meant })).ok();
    assert_eq!(owner.get(&format!("{path}/preview")).ok()["refused"], false);
    assert_eq!(run()["result"]["succeeded"], 1);
    assert_eq!(count(&owner, "contacts"), 0);
}

/// A range of amounts names its currency, which every record may have.
#[test]
fn a_range_over_all_amounts_is_refused() {
    let owner = workspace();
    owner
        .post("/custom-fields", json!({ "resource": "deals", "key": "fee", "name": "Fee", "kind": "money" }))
        .created();
    let amount = json!({ "amount": 700, "currency": "USD" });
    for _ in 0..3 {
        owner.post("/companies", json!({ "name": "C", "revenue": amount })).created();
        owner.post("/leads", json!({ "title": "L", "value": amount })).created();
        let fee = json!([{ "key": "fee", "money": amount }]);
        owner.post("/deals", json!({ "title": "D", "value": amount, "custom_fields": fee })).created();
    }
    let fields = [
        ("companies", "revenue", Some("revenue_currency")),
        ("leads", "value", Some("currency")),
        ("deals", "value", Some("currency")),
        ("deals", "cf.fee", None),
    ];
    let refused = |list: &str, selection: Json| {
        let answer = owner.post(&format!("/{list}/bulk-delete"), json!({ "selection": selection }));
        let problem = answer.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["code"], "matches_everything", "{list} {selection}");
        let rule =
            json!({ "name": "N", "resource": list, "action": "delete", "reason": "Old", "selection": selection });
        owner.post("/retention-rules", rule).problem(422, "validation_failed");
    };
    for (list, field, currency) in fields {
        for (op, limit) in [("gt", "-1"), ("gte", "0"), ("gte", "700"), ("lt", "701"), ("lte", "700")] {
            let range = |value: &str| cond(field, op, &[value]);
            refused(list, json!({ "all": [range(&format!("{limit} USD"))] }));
            refused(list, json!({ "any": [range(&format!("{limit} USD")), cond("created_at", "gte", &["today"])] }));
            if let Some(currency) = currency {
                refused(list, json!({ "all": [range(limit), cond(currency, "eq", &["USD"])] }));
            }
        }
        if let Some(currency) = currency {
            refused(list, json!({ "all": [cond(currency, "in", &["USD", "EUR"])] }));
        }
        // A list of amounts restricts the selection.
        let named = json!({ "selection": { "all": [cond(field, "eq", &["700 USD"])] }, "dry_run": true });
        assert_eq!(owner.post(&format!("/{list}/bulk-delete"), named).ok()["total"], 3, "{list} {field}");
        let some = json!({ "selection": { "all": [cond(field, "gt", &["700 USD"])] }, "dry_run": true });
        assert_eq!(owner.post(&format!("/{list}/bulk-delete"), some).ok()["total"], 0, "{list} {field}");
    }
}
