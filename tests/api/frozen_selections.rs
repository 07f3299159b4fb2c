//! A job works on the selection as it was requested, although segments and views change before it runs.
use crate::imports::finished;
use crate::support::server::server;
use crate::support::{Client, id, user, workspace};
use diesel::prelude::*;
use serde_json::{Value as Json, json};
use voronka::db::queue::{JobResult, JobStatus};
use voronka::kernel::values::time::DateTime;
use voronka::schema::jobs;

fn cond(field: &str, op: &str, value: &str) -> Json {
    json!({ "field": field, "op": op, "values": [value] })
}

fn fill(owner: &Client) -> Vec<String> {
    ["Old one", "Old two", "New one", "New two"]
        .map(|title| id(&owner.post("/deals", json!({ "title": title })).created()))
        .to_vec()
}

fn count(owner: &Client, list: &str) -> i64 {
    owner.get(&format!("/{list}?include_total=true&limit=1")).ok()["page"]["total"].as_i64().unwrap()
}

fn narrow() -> Json {
    json!({ "all": [cond("title", "starts_with", "Old")] })
}

fn wide() -> Json {
    json!({ "any": [cond("title", "starts_with", "Old"), cond("title", "starts_with", "New")] })
}

/// Requests a job and changes its segment or view before a worker runs it: resets the finished job and restores the
/// records it deleted, makes the change, and waits for the second run. Returns the job.
fn meanwhile(owner: &Client, selection: &Json, change: impl FnOnce()) -> Json {
    let answer = owner.post("/deals/bulk-delete", json!({ "selection": selection })).expect(202);
    assert_eq!(answer["total"], 2);
    let job: uuid::Uuid = id(&answer).parse().unwrap();
    finished(owner, &id(&answer));
    for deal in owner.get("/deals?only_deleted=true").ok()["data"].as_array().unwrap() {
        owner.post(&format!("/deals/{}/restore", id(deal)), json!({})).ok();
    }
    change();
    let (nothing, free): (Option<JobResult>, Option<DateTime>) = (None, None);
    let anew = (jobs::status.eq(JobStatus::Queued), jobs::done.eq(0), jobs::position.eq(None::<uuid::Uuid>));
    let anew = (anew, jobs::result.eq(nothing), jobs::lease_until.eq(free), jobs::attempts.eq(0));
    server().db.run_blocking(|conn| Ok(diesel::update(jobs::table.find(job)).set(anew).execute(conn)?)).unwrap();
    finished(owner, &id(&answer))
}

#[test]
fn a_changed_segment_or_view_does_not_change_a_queued_job() {
    for kept in ["segments", "views"] {
        let owner = workspace();
        let seller = user(&owner, "seller");
        fill(&owner);
        let mut body = json!({ "resource": "deals", "name": "Old", "selection": narrow() });
        match kept {
            "segments" => body["kind"] = json!("dynamic"),
            _ => body["shared"] = json!(true),
        }
        let path = format!("/{kept}/{}", id(&owner.post(&format!("/{kept}"), body).created()));
        let member = format!("{}_id", kept.trim_end_matches('s'));
        let selection = json!({ member: path.split('/').next_back().unwrap() });
        let widened = meanwhile(&owner, &selection, || {
            let client = if kept == "segments" { &seller } else { &owner };
            client.patch(&path, json!({ "selection": wide() })).ok();
            if kept == "views" {
                owner.delete(&path).gone();
            }
        });
        assert_eq!(widened["status"], "succeeded", "{widened}");
        assert_eq!(widened["result"]["succeeded"], 2, "{widened}");
        assert_eq!(count(&owner, "deals"), 2);
        assert_eq!(widened["total"], 2);
    }
}

#[test]
fn changed_segment_members_end_a_queued_job() {
    let owner = workspace();
    let seller = user(&owner, "seller");
    let deals = fill(&owner);
    let segment = json!({ "resource": "deals", "name": "Named", "kind": "static", "record_ids": [deals[0], deals[1]] });
    let segment = owner.post("/segments", segment).created();
    let path = format!("/segments/{}", id(&segment));
    let members = |body: Json| seller.post(&format!("{path}/members"), body).ok();
    // A change without effect does not raise the version.
    members(json!({ "add": [deals[0]], "remove": [deals[3]] }));
    assert_eq!(owner.get(&path).ok()["version"], segment["version"]);
    let chosen = json!({ "segment_id": segment["id"] });
    let ended = meanwhile(&owner, &chosen, || drop(members(json!({ "add": [deals[2]] }))));
    assert_eq!(ended["status"], "failed", "{ended}");
    assert!(ended["error"].as_str().unwrap().contains("segment was changed"), "{ended}");
    assert_eq!(count(&owner, "deals"), 4);
    assert_eq!(owner.get(&path).ok()["version"], 2);
    members(json!({ "remove": [deals[2]] }));
    let done = meanwhile(&owner, &chosen, || ());
    assert_eq!(done["result"]["succeeded"], 2, "{done}");
}

#[test]
fn a_retention_rule_uses_its_conditions_at_saving() {
    let owner = workspace();
    let seller = user(&owner, "seller");
    let deals = fill(&owner);
    let make = |path: &str, body: Json| id(&owner.post(path, body).created());
    let dynamic =
        make("/segments", json!({ "resource": "deals", "name": "Old", "kind": "dynamic", "selection": narrow() }));
    let named =
        make("/segments", json!({ "resource": "deals", "name": "Named", "kind": "static", "record_ids": [deals[0]] }));
    let view = make("/views", json!({ "resource": "deals", "name": "Old", "shared": true, "selection": narrow() }));
    let widen = |path: String, body: Json| seller.post(&path, body);
    for (name, selection) in [
        ("dynamic", json!({ "segment_id": dynamic })),
        ("static", json!({ "segment_id": named })),
        ("view", json!({ "view_id": view })),
    ] {
        let rule =
            json!({ "name": name, "resource": "deals", "action": "delete", "reason": "Old", "selection": selection });
        let path = format!("/retention-rules/{}", make("/retention-rules", rule));
        let refused = || owner.get(&format!("{path}/preview")).ok()["refused"].clone();
        assert_eq!(refused(), false, "{name}");
        match name {
            "dynamic" => seller.patch(&format!("/segments/{dynamic}"), json!({ "selection": wide() })).ok(),
            "static" => widen(format!("/segments/{named}/members"), json!({ "add": [deals[1], deals[2]] })).ok(),
            _ => owner.patch(&format!("/views/{view}"), json!({ "selection": wide() })).ok(),
        };
        assert_eq!(refused(), true, "{name}");
        let run = || finished(&owner, &id(&owner.post(&format!("{path}/run"), json!({})).expect(202)));
        let ended = run();
        assert_eq!(ended["status"], "failed", "{name} {ended}");
        assert!(ended["error"].as_str().unwrap().contains("save the rule again"), "{name} {ended}");
        assert_eq!(count(&owner, "deals"), 4, "{name}");
        // Changing another member of the rule does not confirm its selection.
        owner.patch(&path, json!({ "reason": "Older" })).ok();
        assert_eq!(refused(), true, "{name}");
        let before = owner.get(&path).ok();
        let narrowed = json!({ "all": [cond("title", "eq", "nothing")], "segment_id": before["selection"]["segment_id"],
            "view_id": before["selection"]["view_id"] });
        let saved = owner.patch(&path, json!({ "selection": narrowed })).ok();
        assert_eq!(refused(), false, "{name} {saved}");
        assert_eq!(run()["status"], "succeeded", "{name}");
        // Saving the same selection again confirms its current meaning.
        let shared = json!({ "selection": saved["selection"] });
        assert_eq!(owner.patch(&path, shared).ok()["version"], saved["version"], "{name}");
        owner.delete(&path).gone();
    }
}

/// Search words combined with a view only narrow its result.
#[test]
fn search_words_narrow_a_view() {
    let owner = workspace();
    fill(&owner);
    let view = id(&owner.post("/views", json!({ "resource": "deals", "name": "V", "q": "old" })).created());
    let total = |selection: Json| {
        owner.post("/deals/bulk-delete", json!({ "selection": selection, "dry_run": true })).ok()["total"].clone()
    };
    assert_eq!(total(json!({ "view_id": view })), 2);
    assert_eq!(total(json!({ "view_id": view, "q": "one" })), 1);
    assert_eq!(total(json!({ "view_id": view, "q": "new" })), 0);
}
