//! The event feed: where to start, which filters it takes, and what it reports about records that become invisible.
use crate::support::{Client, client::DOCUMENT, database_url, events, id, user, user_with, workspace};
use diesel::prelude::*;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use voronka::records::event_types;
use voronka::schema::events as events_table;

/// Waits for the next events and returns them.
fn follow(client: &Client, cursor: &mut String, count: usize) -> Vec<Json> {
    let (mut found, begin) = (Vec::new(), std::time::Instant::now());
    while found.len() < count && begin.elapsed().as_secs() < 20 {
        let page = client.get(&format!("/events?cursor={cursor}")).ok();
        found.extend(page["data"].as_array().unwrap().clone());
        *cursor = page["page"]["next_cursor"].as_str().unwrap().to_owned();
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    found
}

fn enter(client: &Client) -> String {
    let page = client.get("/events?from=now").ok();
    assert_eq!(page["data"], json!([]));
    page["page"]["next_cursor"].as_str().unwrap().to_owned()
}

fn types(events: &[Json]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[test]
fn the_feed_starts_at_any_cursor() {
    let owner = workspace();
    owner.post("/contacts", json!({ "first_name": "Before" })).created();
    events(&owner, "&type=contact.created", 1);
    let mut cursor = enter(&owner);
    let contact = id(&owner.post("/contacts", json!({ "first_name": "After" })).created());
    owner.post("/companies", json!({ "name": "C" })).created();
    let told = follow(&owner, &mut cursor, 2);
    assert_eq!(types(&told), ["contact.created", "company.created"]);
    assert_eq!(told[0]["record_id"], json!(contact));
    let at = told[0]["at"].as_str().unwrap();
    assert_eq!(types(&events(&owner, &format!("&at__gte={at}"), 2)), ["contact.created", "company.created"]);
    assert!(owner.get("/events?at__gte=2100-01-01T00:00:00Z").ok()["data"] == json!([]));
    assert_eq!(
        types(&events(&owner, "&record_kind=contact,company", 3)),
        ["contact.created", "contact.created", "company.created"]
    );
    assert_eq!(types(&events(&owner, "&type=company.created&type=deal.won", 1)), ["company.created"]);
    for (query, near) in [
        ("type=deal.wonn", "did you mean deal.won?"),
        ("type=contact.created,contact.craeted", "did you mean contact.created?"),
        ("record_kind=contacts", "did you mean contact?"),
        ("from=then", "must be one of now"),
        ("from=now&at__gte=2026-01-01T00:00:00Z", "must not be combined with cursor or at__gte"),
        ("at__gte=yesterday", "RFC 3339"),
    ] {
        let problem = owner.get(&format!("/events?{query}")).problem(400, "invalid_parameter");
        assert!(problem.to_string().contains(near), "{query}: {problem}");
    }
}

/// A caller who can no longer see a record gets one event about it; later changes are not reported.
#[test]
fn a_record_that_becomes_invisible_is_reported_as_hidden() {
    let owner = workspace();
    let own = ["contacts", "companies", "leads", "deals", "tasks"].map(|of| [of, "own", "own", "own", "own", "none"]);
    let grants = [&own[..], &[["events", "all", "none", "none", "none", "none"]]].concat();
    let (ann, her) = user_with(&owner, &grants, json!({}));
    let (bob, his) = user_with(&owner, &grants, json!({}));
    for (list, kind, member, body) in [
        ("contacts", "contact", "owner_id", json!({ "first_name": "A" })),
        ("companies", "company", "owner_id", json!({ "name": "A" })),
        ("leads", "lead", "owner_id", json!({ "title": "A" })),
        ("deals", "deal", "owner_id", json!({ "title": "A" })),
        ("tasks", "task", "assignee_id", json!({ "title": "A" })),
    ] {
        let (mut for_ann, mut for_bob) = (enter(&ann), enter(&bob));
        let mut body = body;
        body[member] = json!(her);
        let record = id(&owner.post(&format!("/{list}"), body).created());
        assert_eq!(types(&follow(&ann, &mut for_ann, 1)), [format!("{kind}.created")], "{list}");
        owner.patch(&format!("/{list}/{record}"), json!({ member: his })).ok();
        owner.delete(&format!("/{list}/{record}")).gone();
        let told = follow(&ann, &mut for_ann, 1);
        assert_eq!(types(&told), [format!("{kind}.hidden")], "{list}");
        assert_eq!(told[0]["record_id"], json!(record));
        assert_eq!(told[0]["changes"], json!([]));
        assert_eq!(told[0]["actor_id"], Json::Null);
        let seen = follow(&bob, &mut for_bob, 3);
        assert_eq!(
            types(&seen),
            [format!("{kind}.created"), format!("{kind}.updated"), format!("{kind}.deleted")],
            "{list}"
        );
        // The contact is found by its current name, not by the old one.
        let of = |what: &str| ann.get(&format!("/events?record_id={record}&type={kind}.{what}")).ok()["data"].clone();
        assert_eq!(of("hidden").as_array().unwrap().len(), 1, "{list}");
        assert_eq!(of("updated"), json!([]), "{list}");
        assert_eq!(
            owner.get(&format!("/events?record_id={record}&type={kind}.hidden")).ok()["data"],
            json!([]),
            "{list}"
        );
        ann.get(&format!("/{list}/{record}")).problem(404, "not_found");
    }
}

/// A task visible through a record becomes invisible when it is unlinked, whoever its assignee is.
#[test]
fn an_unlinked_task_is_reported_as_hidden() {
    let owner = workspace();
    let all = ["contacts", "companies", "leads", "deals", "tasks", "activities", "files"];
    let own = all.map(|of| [of, "own", "own", "own", "own", "none"]);
    let grants = [&own[..], &[["events", "all", "none", "none", "none", "none"]]].concat();
    let (ann, her) = user_with(&owner, &grants, json!({}));
    let me = owner.get("/me").ok()["user"]["id"].clone();
    for (list, link, body) in [
        ("deals", "deal_id", json!({ "title": "A" })),
        ("leads", "lead_id", json!({ "title": "A" })),
        ("contacts", "contact_id", json!({ "first_name": "A" })),
        ("companies", "company_id", json!({ "name": "A" })),
    ] {
        let record = |owner_id: &Json| {
            let mut body = body.clone();
            body["owner_id"] = owner_id.clone();
            id(&owner.post(&format!("/{list}"), body).created())
        };
        let (hers, another) = (record(&json!(her)), record(&me));
        let work = |path: &str, body: Json| format!("{path}/{}", id(&owner.post(path, body).created()));
        let task = || work("/tasks", json!({ "title": "T", link: hers, "assignee_id": me }));
        let (off, moved, batch, stays) = (task(), task(), task(), task());
        for path in [&off, &moved, &batch, &stays] {
            ann.get(path).ok();
        }
        // Earlier events are not repeated.
        events(&ann, &format!("&record_id={}", stays.rsplit('/').next().unwrap()), 1);
        let mut cursor = enter(&ann);
        owner.patch(&off, json!({ link: null })).ok();
        owner.patch(&moved, json!({ link: another })).ok();
        let of = |path: &str| path.rsplit('/').next().unwrap().to_owned();
        let items = json!({ "items": [{ "id": of(&batch), "changes": { link: another } }] });
        assert_eq!(owner.post("/tasks/batch-update", items).ok()["succeeded"], 1);
        owner.patch(&stays, json!({ link: another, "assignee_id": her })).ok();
        let told = follow(&ann, &mut cursor, 4);
        let told: Vec<(&str, &str)> =
            told.iter().map(|event| (event["type"].as_str().unwrap(), event["record_id"].as_str().unwrap())).collect();
        let (off, moved, batch, stays) = (of(&off), of(&moved), of(&batch), of(&stays));
        let expected =
            [("task.hidden", off.as_str()), ("task.hidden", &moved), ("task.hidden", &batch), ("task.updated", &stays)];
        assert_eq!(told, expected, "{list}");
        ann.get(&format!("/tasks/{off}")).problem(404, "not_found");
        // Events that were never visible are not reported.
        let mut cursor = enter(&ann);
        owner.patch(&format!("/tasks/{moved}"), json!({ link: null })).ok();
        owner.patch(&format!("/{list}/{hers}"), json!({ "tags": ["x"] })).ok();
        assert_eq!(follow(&ann, &mut cursor, 1).len(), 1, "{list}");
    }
}

#[test]
fn changed_visibility_is_reported_first() {
    let owner = workspace();
    let team = id(&owner.post("/teams", json!({ "name": "T" })).created());
    let grants = [["deals", "team", "own", "own", "own", "none"], ["events", "all", "none", "none", "none", "none"]];
    let (ann, her) = user_with(&owner, &grants, json!({ "team_id": team }));
    let [his, theirs] = [(); 2].map(|()| user_with(&owner, &grants, json!({ "team_id": team })).1);
    for holder in [&his, &theirs] {
        owner.post("/deals", json!({ "title": "of the team", "owner_id": holder })).created();
    }
    let mut cursor = enter(&ann);
    assert_eq!(ann.get(&format!("/events?cursor={cursor}")).ok()["data"], json!([]), "nothing changed");
    let told = |cursor: &mut String, what: &str| {
        let page = ann.get(&format!("/events?cursor={cursor}")).ok();
        *cursor = page["page"]["next_cursor"].as_str().unwrap().to_owned();
        let first = page["data"][0].clone();
        assert_eq!(first["type"], "user.sight_changed", "{what}");
        assert_eq!(first["record_id"], json!(her), "{what}");
        assert_eq!(ann.get(&format!("/events?cursor={cursor}")).ok()["data"], json!([]), "{what}: once");
    };
    owner.patch(&format!("/users/{his}"), json!({ "team_id": null })).ok();
    told(&mut cursor, "somebody left the team");
    let role = owner.get(&format!("/users/{her}")).ok()["role"].as_str().unwrap().to_owned();
    let role =
        owner.get("/roles").ok()["data"].as_array().unwrap().iter().find(|r| r["key"] == json!(role)).unwrap().clone();
    let narrower = json!({ "grants": [
        { "resource": "deals", "read": "own", "create": "own", "update": "own", "delete": "own", "export": "none" },
        { "resource": "events", "read": "all", "create": "none", "update": "none", "delete": "none", "export": "none" } ] });
    owner.patch(&format!("/roles/{}", id(&role)), narrower).ok();
    told(&mut cursor, "the role reaches less far");
    owner.patch(&format!("/users/{her}"), json!({ "role": "viewer" })).ok();
    told(&mut cursor, "another role");
}

/// Every event type written so far is listed, and the document describes its members.
#[test]
fn event_types_are_listed() {
    let owner = workspace();
    let deal = id(&owner.post("/deals", json!({ "title": "D" })).created());
    owner.patch(&format!("/deals/{deal}"), json!({ "title": "E" })).ok();
    let mut conn = PgConnection::establish(database_url()).unwrap();
    let written: Vec<String> = events_table::table.select(events_table::type_).distinct().load(&mut conn).unwrap();
    let known: BTreeSet<String> = event_types::all().map(|(_, name)| name).collect();
    let unknown: Vec<&String> = written.iter().filter(|name| !known.contains(*name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let list = DOCUMENT["paths"]["/api/v1/events"]["get"]["description"].as_str().unwrap();
    assert!(known.iter().all(|name| list.contains(&format!("`{name}`"))), "{list}");
    let deals = list.lines().find(|line| line.contains("`deal.stage_changed`")).unwrap();
    for member in ["stage_id", "value", "owner_id", "loss_reason_id", "cf."] {
        assert!(deals.contains(&format!("`{member}`")), "{deals}");
    }
    assert!(!deals.contains("`next_task`") && !deals.contains("`version`"), "{deals}");
}

/// The events of a view from before and after it was shared stay with its owner.
#[test]
fn private_events_of_a_shared_view_stay_private() {
    let owner = workspace();
    let colleague = user(&owner, "seller");
    let words = |q: &str| json!({ "q": q });
    let body = json!({ "resource": "deals", "name": "secret first", "q": "secret words" });
    let view = id(&owner.post("/views", body).created());
    let path = format!("/views/{view}");
    owner.patch(&path, words("secret second")).ok();
    owner.patch(&path, json!({ "shared": true, "name": "open name", "q": "open words" })).ok();
    owner.patch(&path, words("open second")).ok();
    owner.patch(&path, json!({ "shared": false, "q": "secret third" })).ok();
    owner.patch(&path, words("secret fourth")).ok();
    owner.patch(&path, json!({ "shared": true, "q": "open third" })).ok();
    let query = format!("&record_id={view}");
    let own = events(&owner, &query, 7);
    assert_eq!(own.len(), 7);
    assert_eq!(own[2]["changes"][0]["before"], "\"secret first\"");
    let told = events(&colleague, &query, 4);
    let text = Json::from(told.clone()).to_string();
    assert!(!text.contains("secret"), "{text}");
    assert!(text.contains("open name") && text.contains("open second") && text.contains("open third"), "{text}");
    assert_eq!(told.len(), 4, "{text}");
    assert_eq!(told[2]["changes"], json!([{ "member": "shared", "before": "true", "after": "false" }]));
}
