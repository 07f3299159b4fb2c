//! Attacks across workspaces, generated from the document, so that new members are covered automatically.
use crate::attacks::{expect, why};
use crate::bodies::{NOBODY, Taking, body, filled, made_of, places, pointer, schemas, taking};
use crate::imports::finished;
use crate::support::client::operation;
use crate::support::{Answer, Client, id, stage, unique, user, user_with, workspace};
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// Creates a record of each kind that other records can reference.
fn records(owner: &Client) -> HashMap<&'static str, String> {
    let made = |path: &str, body: Json| id(&owner.post(path, body).created());
    let won = made("/deals", json!({ "title": "Won" }));
    owner.post(&format!("/deals/{won}/win"), json!({})).ok();
    let pipeline = |kind: &str| id(&owner.get(&format!("/pipelines?kind={kind}")).ok()["data"][0]);
    HashMap::from([
        ("user", id(&owner.get("/me").ok()["user"])),
        ("team", made("/teams", json!({ "name": "T" }))),
        ("company", made("/companies", json!({ "name": "C" }))),
        ("contact", made("/contacts", json!({ "first_name": "A" }))),
        ("source", made("/sources", json!({ "name": "S" }))),
        ("product", made("/products", json!({ "name": "P", "price": { "amount": 5, "currency": "USD" } }))),
        ("lead", made("/leads", json!({ "title": "L" }))),
        ("deal", made("/deals", json!({ "title": "D" }))),
        ("won deal", won),
        ("task", made("/tasks", json!({ "title": "T" }))),
        ("loss_reason", made("/loss-reasons", json!({ "name": "L" }))),
        ("view", made("/views", json!({ "resource": "deals", "name": "V" }))),
        ("segment", made("/segments", json!({ "resource": "deals", "name": "S", "kind": "static" }))),
        (
            "custom_field",
            made("/custom-fields", json!({ "resource": "deals", "key": "f", "name": "F", "kind": "text" })),
        ),
        ("retention_rule", made("/retention-rules", body("RetentionRuleCreate", &[], &Json::Null, &|_: &str| None))),
        ("import", id(&owner.upload("deals", "x.csv", b"title\nD\n").created())),
        ("pipeline", pipeline("deal")),
        ("lead pipeline", pipeline("lead")),
        ("stage", stage(owner, "deal", "Quote sent")),
        ("lead stage", stage(owner, "lead", "Interested")),
        ("lost stage", stage(owner, "deal", "Lost")),
        ("lost lead stage", stage(owner, "lead", "Disqualified")),
    ])
}

/// Returns the kind of record that a member of an operation references.
fn kind(op: &Taking, member: &str) -> String {
    let of_leads = op.id.contains("lead") && op.id != "convert_lead";
    let kind = match member {
        "owner_id" | "assignee_id" | "to_user_id" => "user",
        "deal_id" if op.id == "reopen_deal" => "won deal",
        "parent_id" if op.path.starts_with("/teams") => "team",
        "parent_id" => "company",
        "record_ids" => "deal",
        "product_ids" => "product",
        "required_stage_ids" | "stage_ids" => "stage",
        "mentioned_user_ids" => "user",
        "before_id" | "after_id" if of_leads => "lead",
        "before_id" | "after_id" => "deal",
        "stage_id" if of_leads => "lead stage",
        "pipeline_id" if of_leads => "lead pipeline",
        other => other.trim_end_matches("_id"),
    };
    kind.to_owned()
}

/// Returns whether the answer refuses the reference at this pointer: for the request, for an item, or in a job.
fn refuses(owner: &Client, answer: &Answer, pointer: &str) -> bool {
    let listed = |problem: &Json| {
        let first = &problem["errors"][0];
        let place = first["pointer"].as_str().unwrap_or_default();
        let known = ["reference_not_found", "stage_not_in_pipeline"].iter().any(|code| first["code"] == *code);
        known && !place.is_empty() && pointer.starts_with(place)
    };
    match answer.status {
        404 => true,
        422 => listed(&answer.json()),
        200 => listed(&answer.json()["results"][0]["error"]),
        202 => {
            let done = finished(owner, &id(&answer.json()));
            let said = done["result"]["problems"][0]["detail"].as_str().unwrap_or_default().to_owned();
            done["result"]["succeeded"] == 0 && pointer.starts_with(said.split(' ').next().unwrap()) && !said.is_empty()
        }
        _ => false,
    }
}

#[test]
fn records_of_another_workspace_cannot_be_referenced() {
    let (owner, other) = (workspace(), workspace());
    let (mine, theirs) = (records(&owner), records(&other));
    let reference = |member: &str, _: &'static Json| {
        (member.ends_with("_id") || member.ends_with("_ids")) && member != "external_id"
    };
    let (mut tried, mut wrong) = (0, Vec::new());
    for op in taking().iter().filter(|op| !op.public && !op.path.starts_with("/auth/")) {
        // The record in the path belongs to the caller; an item of a batch has the same id.
        let resource = op.path.split('/').nth(1).unwrap();
        let singular = match resource {
            "companies" => "company".to_owned(),
            "custom-fields" => "custom_field".to_owned(),
            plural => plural.trim_end_matches('s').to_owned(),
        };
        for place in places(op.schema, 3, &reference) {
            let member = *place.last().unwrap();
            let foreign = theirs.get(kind(op, member).as_str()).unwrap_or_else(|| panic!("{}: no {member}", op.id));
            let own = |name: &str| match name {
                "id" => mine.get(singular.as_str()).cloned(),
                name if name.ends_with("_id") => mine.get(kind(op, name).as_str()).cloned(),
                _ => None,
            };
            let mut body = body(op.schema, &place, &json!(foreign), &own);
            let at = pointer(&body, &place);
            if member == "loss_reason_id" && !matches!(op.id, "lose_deal" | "disqualify_lead") {
                // A loss reason is checked only if the stage is a lost stage.
                let lost = format!("lost {}", kind(op, "stage_id"));
                body.pointer_mut(at.strip_suffix("/loss_reason_id").unwrap()).unwrap()["stage_id"] =
                    json!(mine[lost.as_str()]);
            }
            let linked = place.len() == 1 && ["contact_id", "company_id", "lead_id", "deal_id"].contains(&member);
            if op.id == "create_activity" && !linked {
                body["contact_id"] = json!(mine["contact"]);
            }
            if op.id == "convert_lead" {
                body["dry_run"] = json!(true);
            }
            if op.id.starts_with("batch_upsert") {
                body["items"][0]["external_id"] = json!(unique("external"));
            }
            if op.id.starts_with("bulk_update") && place[0] != "selection" {
                body["selection"] = json!({ "everything": true });
            }
            if op.id == "reorder_stages" {
                let known = owner.get(&format!("/pipelines/{}", mine["pipeline"])).ok();
                body["stage_ids"] = known["stages"].as_array().unwrap().iter().map(|s| s["id"].clone()).collect();
                body["stage_ids"][0] = json!(foreign);
            }
            let locked = op.id == "reorder_stages" || op.id == "update_custom_field";
            let client = if locked { owner.with("If-Match", "\"1\"") } else { owner.clone() };
            let text = body.to_string().into_bytes();
            let answer = client.send(&op.method, &filled(op.path, &own), Some(text), "application/json");
            // Items and changes have their own pointers.
            let short = at.replace("/items/0", "").replace("/changes", "");
            if !refuses(&owner, &answer, &short) {
                wrong.push(format!("{} {at}: {} {}", op.id, answer.status, answer.text));
            }
            tried += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(tried > 180, "{tried}");
}

/// An id, name or number used in another workspace is free here; nothing reveals that it exists there.
#[test]
fn values_used_in_another_workspace_are_free() {
    let clients = [workspace(), workspace()];
    let mine = [records(&clients[0]), records(&clients[1])];
    for op in taking().iter().filter(|op| op.id.starts_with("create_")) {
        if schemas()[op.schema]["properties"].get("id").is_none() {
            continue;
        }
        let chosen = format!("0192f0c1-2d3e-7a4b-8c5d-{:0>12}", unique("").trim_start_matches('0'));
        let make = |n: usize, word: &str| {
            let own =
                |name: &str| name.ends_with("_id").then(|| mine[n].get(kind(op, name).as_str()).cloned()).flatten();
            let mut body = body(op.schema, &["id"], &json!(chosen), &own);
            for member in ["name", "key"] {
                if body.get(member).is_some() {
                    body[member] = json!(word);
                }
            }
            if op.id == "create_activity" {
                body["contact_id"] = json!(mine[n]["contact"]);
            }
            if op.id == "create_user" {
                body["email"] = json!(format!("{word}{n}@example.com"));
            }
            clients[n].post(op.path, body)
        };
        let word = unique("taken");
        expect(op.id, &make(0, &word), 201, "");
        expect(op.id, &make(1, &word), 201, "");
        let again = make(1, &unique("again"));
        assert_eq!(again.status, 409, "{}: {}", op.id, again.text);
    }
    for (path, body, code) in [
        ("/contacts", json!({ "first_name": "A", "email": "same@example.com" }), "duplicate_email"),
        ("/companies", json!({ "name": "A", "external_id": "E1" }), "duplicate_external_id"),
        ("/products", json!({ "name": "A", "sku": "S1" }), "duplicate_sku"),
        ("/tags", json!({ "name": "same" }), "duplicate_name"),
    ] {
        expect(path, &clients[0].post(path, body.clone()), 201, "");
        expect(path, &clients[1].post(path, body.clone()), 201, "");
        expect(path, &clients[1].post(path, body), 409, code);
    }
}

#[test]
fn a_cursor_is_bound_to_its_workspace() {
    let (owner, other) = (workspace(), workspace());
    let (ann, _) = user_with(&owner, &[["contacts", "own", "own", "own", "own", "none"]], json!({}));
    let mut contact = String::new();
    for client in [&other, &owner] {
        for n in 0..3 {
            contact = id(&client.post("/contacts", json!({ "first_name": format!("N{n}") })).created());
            client.post("/deals", json!({ "title": format!("D{n}") })).created();
        }
    }
    owner.patch(&format!("/contacts/{contact}"), json!({ "position": "CEO" })).ok();
    crate::support::events(&owner, "", 7);
    let next = |path: &str| owner.get(path).ok()["page"]["next_cursor"].as_str().unwrap().to_owned();
    for path in ["/contacts", "/deals", "/stages", "/pipelines", "/roles", "/events"] {
        let cursor = next(&format!("{path}?limit=1"));
        let answer = other.get(&format!("{path}?limit=1&cursor={cursor}"));
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        owner.get(&format!("{path}?limit=1&cursor={cursor}")).ok();
    }
    let cursor = next("/contacts?limit=1");
    let body = json!({ "limit": 1, "cursor": cursor });
    expect("in a body", &other.post("/contacts/search", body), 422, "validation_failed");
    for path in ["/deals", "/events", "/contacts?first_name=N1", "/contacts?sort=first_name", "/contacts?q=n"] {
        let joint = if path.contains('?') { '&' } else { '?' };
        let answer = owner.get(&format!("{path}{joint}cursor={cursor}"));
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
    }
    // Another user of the workspace sees no more with this cursor.
    assert_eq!(ann.get(&format!("/contacts?limit=9&cursor={cursor}")).ok()["data"], json!([]));
    let cursor = next(&format!("/contacts/{contact}/timeline?limit=1"));
    let theirs = id(&other.get("/contacts?limit=1").ok()["data"][0]);
    let answer = other.get(&format!("/contacts/{theirs}/timeline?limit=1&cursor={cursor}"));
    assert_eq!(answer.status, 400, "timeline: {}", answer.text);
}

/// Returns whether the answer of an operation has a member.
fn shows(op: &Taking, member: &str) -> bool {
    let known = operation(&op.method, &format!("/api/v1{}", op.path)).unwrap();
    let schema = known["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].as_str().unwrap();
    !schemas()[schema.rsplit('/').next().unwrap()]["properties"][member].is_null()
}

/// No body accepts members that only the server writes, neither alone nor in a batch.
#[test]
fn read_only_members_are_not_accepted() {
    const OURS: &str = "workspace_id number status version created_at updated_at converted_at is_admin score deleted_at login_id __proto__";
    let owner = workspace();
    let locked = owner.with("If-Match", "\"1\"");
    let own = |name: &str| (name == "id" || name.ends_with("_id")).then(|| NOBODY.to_owned());
    for op in taking() {
        let record = |_: &str, property: &'static Json| {
            made_of(property).is_some_and(|schema| schema.ends_with("Create") || schema.ends_with("Update"))
        };
        for around in std::iter::once(Vec::new()).chain(places(op.schema, 2, &record)) {
            let schema =
                around.iter().fold(op.schema, |at, member| made_of(&schemas()[at]["properties"][*member]).unwrap());
            let known = &schemas()[schema]["properties"];
            for member in OURS.split(' ').filter(|member| known.get(*member).is_none()) {
                let mut sent = body(op.schema, &around, &json!({}), &own);
                let at = pointer(&sent, &around);
                sent.pointer_mut(&at).unwrap()[member] = json!("x");
                let text = sent.to_string().into_bytes();
                let answer = locked.send(&op.method, &filled(op.path, &own), Some(text), "application/json");
                let (mut problem, at) = (answer.json(), format!("{at}/{member}"));
                if answer.status == 200 {
                    problem = problem["results"][0]["error"].clone();
                }
                // Unchanged values of the answer may be sent back: the record is looked up first.
                let shown = around.is_empty() && op.method == "PATCH" && shows(&op, member);
                let code = if shown { "read_only" } else { "unknown_member" };
                let named = |bad: &Json| bad["code"] == code && at.ends_with(bad["pointer"].as_str().unwrap());
                let listed = problem["errors"].as_array().is_some_and(|errors| errors.iter().any(named));
                let refused = listed && problem["status"] == if shown { 422 } else { 400 };
                let looked_for = problem["status"] == 404 && (shown || op.id.starts_with("batch_update_"));
                assert!(refused || looked_for, "{} {at}: {}", op.id, answer.text);
            }
        }
    }
}

#[test]
fn unrelated_records_of_one_workspace_cannot_be_combined() {
    let owner = workspace();
    let mine = records(&owner);
    let stages =
        json!([{ "name": "Due" }, { "name": "Won", "category": "won" }, { "name": "Lost", "category": "lost" }]);
    let pipeline = owner.post("/pipelines", json!({ "name": "R", "kind": "deal", "stages": stages })).created();
    let (there, due) = (id(&pipeline), id(&pipeline["stages"][0]));
    let made = |path: &str, body: Json| id(&owner.post(path, body).created());
    let child = made("/companies", json!({ "name": "Child", "parent_id": mine["company"] }));
    made("/deals", json!({ "title": "D", "stage_id": mine["stage"] }));
    let gone = |path: &str, body: Json| {
        let gone = made(path, body);
        owner.delete(&format!("{path}/{gone}")).gone();
        gone
    };
    let price = json!({ "amount": 5, "currency": "USD" });
    let (contact, product) =
        (gone("/contacts", json!({ "first_name": "G" })), gone("/products", json!({ "name": "G", "price": price })));
    let (lead, deal) = (gone("/leads", json!({ "title": "G" })), gone("/deals", json!({ "title": "G" })));
    let at = |kind: &str, path: &str| format!("/{kind}s/{}{path}", mine[kind]);
    let sum = |name: &str| mine[name].clone();
    for (name, path, body, refusal) in [
        (
            "a stage of another pipeline",
            at("deal", "/move"),
            json!({ "stage_id": due }),
            "/stage_id stage_not_in_pipeline",
        ),
        (
            "a pipeline without its stage",
            at("deal", "/move"),
            json!({ "stage_id": sum("stage"), "pipeline_id": there }),
            "/stage_id stage_not_in_pipeline",
        ),
        (
            "a stage of deals for a lead",
            at("lead", "/move"),
            json!({ "stage_id": due }),
            "/stage_id stage_not_in_pipeline",
        ),
        (
            "a new deal in a pipeline of leads",
            "/deals".into(),
            json!({ "title": "D", "pipeline_id": sum("lead pipeline") }),
            "/pipeline_id invalid",
        ),
        (
            "a new deal astride",
            "/deals".into(),
            json!({ "title": "D", "pipeline_id": there, "stage_id": sum("stage") }),
            "/stage_id stage_not_in_pipeline",
        ),
        (
            "reopened elsewhere",
            format!("/deals/{}/reopen", mine["won deal"]),
            json!({ "stage_id": due }),
            "/stage_id stage_not_in_pipeline",
        ),
        (
            "handed over to oneself",
            at("user", "/hand-over"),
            json!({ "to_user_id": sum("user") }),
            "/to_user_id invalid",
        ),
        (
            "a task on a deleted contact",
            "/tasks".into(),
            json!({ "title": "T", "contact_id": contact }),
            "/contact_id reference_not_found",
        ),
        (
            "a call with a deleted lead",
            "/activities".into(),
            json!({ "type": "call", "lead_id": lead }),
            "/lead_id reference_not_found",
        ),
        (
            "a lead about a deleted product",
            "/leads".into(),
            json!({ "title": "L", "product_id": product }),
            "/product_id reference_not_found",
        ),
        (
            "a deal of a deleted product",
            "/deals".into(),
            json!({ "title": "D", "line_items": [{ "product_id": product }] }),
            "/line_items/0/product_id reference_not_found",
        ),
        (
            "converted into a deleted deal",
            at("lead", "/convert"),
            json!({ "deal_id": deal }),
            "/deal_id reference_not_found",
        ),
        (
            "a segment of a deleted deal",
            "/segments".into(),
            json!({ "resource": "deals", "name": "G", "kind": "static", "record_ids": [deal] }),
            "/record_ids/0 reference_not_found",
        ),
    ] {
        let answer = owner.post(&path, body);
        assert_eq!(answer.status, 422, "{name}: {}", answer.text);
        assert_eq!(why(&answer).as_str(), refusal, "{name}: {}", answer.text);
    }
    for (name, parent) in [("its own parent", sum("company")), ("its grandchild's child", child)] {
        let answer = owner.patch(&format!("/companies/{}", mine["company"]), json!({ "parent_id": parent }));
        assert_eq!(answer.status, 422, "{name}: {}", answer.text);
        assert_eq!(why(&answer).as_str(), "/parent_id invalid", "{name}: {}", answer.text);
    }
    for path in ["move", "win", "reopen", "restore"] {
        let body = if path == "move" { json!({ "stage_id": due }) } else { json!({}) };
        let record = if path == "restore" { &mine["deal"] } else { &deal };
        expect(path, &owner.post(&format!("/deals/{record}/{path}"), body), 404, "not_found");
    }
    for (name, target) in [("itself", sum("stage")), ("elsewhere", due), ("a lost one", sum("lost stage"))] {
        let path = format!("/stages/{}?move_to={target}", mine["stage"]);
        expect(name, &owner.delete(&path), 400, "invalid_parameter");
    }
}

/// Two companies that become each other's parent at the same time do not form a cycle.
#[test]
fn almost_valid_ids_find_nothing() {
    let owner = workspace();
    let seller = user(&owner, "seller");
    let import = id(&owner.upload("contacts", "x.csv", b"first_name\nAnn\n").created());
    let job = id(&owner.post(&format!("/imports/{import}/run"), json!({ "dry_run": true })).expect(202));
    finished(&owner, &job);
    let near = |id: &str| {
        let (start, end) = id.split_at(id.len() - 1);
        format!("{start}{}", if end == "0" { "1" } else { "0" })
    };
    for path in [
        format!("/imports/{}", near(&import)),
        format!("/jobs/{}", near(&job)),
        format!("/files/{}/content", near(&import)),
    ] {
        expect(&path, &owner.get(&path), 404, "not_found");
    }
    // The cursor belongs to another user of the same workspace.
    expect("a job", &seller.get(&format!("/jobs/{job}")), 404, "not_found");
    for path in [format!("/imports/{import}"), format!("/imports/{import}/problems")] {
        let answer = seller.get(&path);
        assert!(matches!(answer.status, 403 | 404), "{path}: {}", answer.text);
    }
}

#[test]
fn a_modified_cursor_is_refused() {
    let owner = workspace();
    for n in 0..3 {
        owner.post("/contacts", json!({ "first_name": format!("N{n}") })).created();
    }
    let cursor = owner.get("/contacts?limit=1").ok()["page"]["next_cursor"].as_str().unwrap().to_owned();
    for at in 0..cursor.len() {
        let mut bytes = cursor.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let flipped = String::from_utf8(bytes).unwrap();
        expect(&flipped, &owner.get(&format!("/contacts?limit=1&cursor={flipped}")), 400, "cursor_invalid");
    }
    let reversed: String = cursor.chars().rev().collect();
    let (half, more) = (cursor[..cursor.len() / 2].to_owned(), format!("{cursor}A"));
    for other in ["", "x", "%C3%A9", reversed.as_str(), half.as_str(), more.as_str()] {
        let path = format!("/contacts?limit=1&cursor={other}");
        expect(other, &owner.get(&path), 400, "cursor_invalid");
    }
}

/// Paging returns each record that exists throughout exactly once, despite concurrent writes.
#[test]
fn paging_is_stable_under_writes() {
    let owner = workspace();
    let company = |name: String| id(&owner.post("/companies", json!({ "name": name })).created());
    let mut steady: Vec<String> = (0..40).map(|n| company(format!("S{n:02}"))).collect();
    steady.sort();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for turn in 0..2_usize {
            let (owner, stop) = (&owner, &stop);
            scope.spawn(move || {
                for n in (turn..).step_by(7).take(300) {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let made = owner.post("/companies", json!({ "name": format!("S{:02}x", n % 40) })).created();
                    owner.delete(&format!("/companies/{}", id(&made))).gone();
                }
            });
        }
        let walk = |sort: &str| {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = owner.get(&format!("/companies?limit=3&sort={sort}{cursor}")).ok();
                seen.extend(page["data"].as_array().unwrap().iter().map(id).filter(|one| steady.contains(one)));
                let Some(next) = page["page"]["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            seen.sort();
            seen
        };
        let walked: Vec<(&str, Vec<String>)> =
            ["name", "-name", "created_at", "-created_at", "-updated_at"].map(|sort| (sort, walk(sort))).into();
        stop.store(true, Ordering::Relaxed);
        for (sort, seen) in walked {
            assert_eq!(seen, steady, "{sort}");
        }
    });
}
