//! Concurrent requests: one wins, the others get an error, and nothing is lost or doubled.
use crate::attacks::together;
use crate::support::{Client, events, id, stage, unique, workspace};
use serde_json::{Value as Json, json};

/// Runs the same function on many threads and counts the statuses.
fn at_once(times: usize, act: impl Fn(usize) -> u16 + Sync) -> Vec<(u16, usize)> {
    let barrier = std::sync::Barrier::new(times);
    let run = |n| {
        barrier.wait();
        act(n)
    };
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        (0..times)
            .map(|n| {
                scope.spawn({
                    let run = &run;
                    move || run(n)
                })
            })
            .collect::<Vec<_>>()
            .into_iter()
            .map(|t| t.join().unwrap())
            .collect()
    });
    statuses.sort_unstable();
    statuses.chunk_by(|a, b| a == b).map(|same| (same[0], same.len())).collect()
}

fn count(client: &Client, path: &str) -> Json {
    client.get(&format!("{path}?include_total=true")).ok()["page"]["total"].clone()
}

#[test]
fn of_fifty_changes_with_one_etag_one_succeeds() {
    let owner = workspace();
    let deal = format!("/deals/{}", id(&owner.post("/deals", json!({ "title": "D" })).created()));
    let locked = owner.with("If-Match", "\"1\"");
    let statuses = at_once(50, |n| locked.patch(&deal, json!({ "title": format!("D{n}") })).status);
    assert_eq!(statuses, [(200, 1), (412, 49)]);
    assert_eq!(owner.get(&deal).ok()["version"], 2);
}

#[test]
fn of_fifty_posts_with_one_key_one_has_an_effect() {
    let owner = workspace();
    let keyed = owner.with("Idempotency-Key", "once");
    let statuses = at_once(50, |_| keyed.post("/deals", json!({ "title": "D" })).status);
    assert!(statuses.iter().all(|(status, _)| matches!(status, 201 | 409)), "{statuses:?}");
    assert_eq!(count(&owner, "/deals"), 1);
    let events = events(&owner, "&type=deal.created", 1).len();
    assert_eq!(events, 1);
}

#[test]
fn of_twenty_contacts_with_one_address_one_is_created() {
    let owner = workspace();
    let statuses = at_once(20, |n| {
        owner.post("/contacts", json!({ "first_name": format!("N{n}"), "email": "one@example.com" })).status
    });
    assert_eq!(statuses, [(201, 1), (409, 19)]);
}

#[test]
fn concurrent_upserts_of_one_contact_agree() {
    let owner = workspace();
    let items = |n: usize| json!({ "items": [{ "email": "one@example.com", "position": format!("P{n}") }] });
    let statuses = at_once(20, |n| {
        let result = owner.post("/contacts/batch-upsert", items(n)).ok();
        u16::try_from(result["results"][0]["status"].as_u64().unwrap()).unwrap()
    });
    assert!(statuses.iter().all(|(status, _)| matches!(status, 200 | 201 | 409)), "{statuses:?}");
    assert_eq!(count(&owner, "/contacts"), 1);
}

/// After concurrent moves each deal is in one stage, and its spans follow each other without a gap.
#[test]
fn concurrent_moves_leave_contiguous_spans() {
    let owner = workspace();
    let deal = id(&owner.post("/deals", json!({ "title": "D" })).created());
    let names = ["Quote sent", "Agreed and invoiced", "Active inquiry", "Payment received"];
    let stages: Vec<String> = names.iter().map(|name| stage(&owner, "deal", name)).collect();
    at_once(16, |n| owner.post(&format!("/deals/{deal}/move"), json!({ "stage_id": stages[n % 4] })).status);
    let moves = owner.get(&format!("/deals/{deal}/timeline?limit=100")).ok();
    let moves = moves["data"].as_array().unwrap().iter().filter(|item| item["kind"] == "stage_move").count();
    let version = owner.get(&format!("/deals/{deal}")).ok()["version"].as_u64().unwrap();
    assert_eq!(version, u64::try_from(moves).unwrap() + 1);
    let flow = owner.get("/analytics/funnel?kind=snapshot").ok()["groups"][0]["total"].as_i64().unwrap();
    assert!(flow <= 1, "{flow}");
}

#[test]
fn nothing_enters_a_stage_during_its_removal() {
    let owner = workspace();
    let pipeline = owner.post("/pipelines", json!({ "name": "P", "kind": "deal" })).created();
    for round in 0..5 {
        let stage = json!({ "pipeline_id": pipeline["id"], "name": format!("S{round}") });
        let stage = id(&owner.post("/stages", stage).created());
        let deal = json!({ "title": "D", "pipeline_id": pipeline["id"], "stage_id": stage });
        at_once(12, |n| match n {
            0 => owner.delete(&format!("/stages/{stage}")).status,
            _ => owner.post("/deals", deal.clone()).status,
        });
        let gone = owner.get(&format!("/stages/{stage}")).status == 404;
        let inside = owner.get(&format!("/deals?stage_id={stage}")).ok()["data"].as_array().unwrap().len();
        assert!(!gone || inside == 0, "{inside} deals are in a deleted stage");
    }
    // When two requests remove the last two stages of a category, one is refused.
    let stages = owner.get(&format!("/pipelines/{}", id(&pipeline))).ok()["stages"].clone();
    let open: Vec<String> = stages.as_array().unwrap().iter().filter(|s| s["category"] == "open").map(id).collect();
    for stage in &open {
        let deals = owner.get(&format!("/deals?stage_id={stage}&limit=200")).ok();
        deals["data"].as_array().unwrap().iter().for_each(|deal| owner.delete(&format!("/deals/{}", id(deal))).gone());
    }
    at_once(open.len(), |n| owner.delete(&format!("/stages/{}", open[n])).status);
    let left = owner.get(&format!("/pipelines/{}", id(&pipeline))).ok()["stages"].clone();
    assert_eq!(left.as_array().unwrap().iter().filter(|s| s["category"] == "open").count(), 1);
}

/// Two batches in opposite order, each with a refused item so that both continue item by item, finish quickly.
#[test]
fn batches_with_refused_items_do_not_deadlock() {
    let owner = workspace();
    let items: Vec<Json> = (0..100).map(|n| json!({ "name": format!("C{n}") })).collect();
    let made = owner.post("/companies/batch-create", json!({ "items": items })).ok();
    let ids: Vec<Json> = made["results"].as_array().unwrap().iter().map(|r| r["id"].clone()).collect();
    let nobody = json!("0192f0c1-2d3e-7a4b-8c5d-6e7f80910000");
    let statuses = at_once(8, |n| {
        let mut ids = ids.clone();
        if n % 2 == 0 {
            ids.reverse();
        }
        ids.insert(50, nobody.clone());
        let items: Vec<Json> =
            ids.iter().map(|id| json!({ "id": id, "changes": { "sector": format!("S{n}") } })).collect();
        let answer = owner.post("/companies/batch-update", json!({ "items": items }));
        let status = answer.status;
        assert_eq!(answer.ok()["failed"], 1);
        status
    });
    assert_eq!(statuses, [(200, 8)]);
}

#[test]
fn eight_registrations_of_one_address_make_one_login() {
    let email = format!("{}@example.com", crate::support::unique("race"));
    let body = json!({ "workspace_name": "A", "name": "A", "email": email, "password": "a-long-password" });
    let statuses = at_once(8, |_| Client::anonymous().post("/auth/register", body.clone()).status);
    assert_eq!(statuses, [(201, 8)]);
    let login = json!({ "email": email, "password": "a-long-password" });
    let pair = Client::anonymous().post("/auth/login", login).ok();
    let me = Client::with_token(pair["access_token"].as_str().unwrap()).get("/me").ok();
    assert_eq!(me["memberships"].as_array().unwrap().len(), 8);
}

#[test]
fn concurrent_changes_create_no_parent_cycle() {
    let owner = workspace();
    let made = || id(&owner.post("/companies", json!({ "name": unique("ring") })).created());
    for _ in 0..5 {
        let pair = [made(), made()];
        let answers =
            together(2, |n| owner.patch(&format!("/companies/{}", pair[n]), json!({ "parent_id": pair[1 - n] })));
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 422]);
    }
}

/// The check of a foreign key locks the record that it finds. If a change of that record waited for the lock, two records
/// that get each other as a reference would wait for each other.
#[test]
fn a_record_can_be_changed_while_another_transaction_refers_to_it() {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, PgConnection};
    let owner = workspace();
    let company = id(&owner.post("/companies", json!({ "name": unique("referred") })).created());
    let mut conn = PgConnection::establish(crate::support::database_url()).unwrap();
    conn.batch_execute(&format!("begin; select from companies where id = '{company}' for key share")).unwrap();
    owner.patch(&format!("/companies/{company}"), json!({ "name": unique("changed") })).ok();
    conn.batch_execute("rollback").unwrap();
}
