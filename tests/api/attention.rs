//! The filters for records that need attention, and the day of a user that is made of them.
use crate::support::server::server;
use crate::support::{Client, id, stage, user, user_with, workspace};
use diesel::connection::SimpleConnection;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use voronka::kernel::values::time::DateTime;

pub fn sql(text: String) {
    server().db.run_blocking(move |conn| Ok(conn.batch_execute(&text)?)).unwrap();
}

/// The titles of a list, sorted.
fn titles(client: &Client, path: &str) -> BTreeSet<String> {
    let list = client.get(path).ok()["data"].as_array().unwrap().clone();
    list.iter().map(|one| one["title"].as_str().unwrap().to_owned()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Sets the last activity of a record some days back, as time would.
fn age(table: &str, record: &str, days: i64) {
    sql(format!("update {table} set last_activity_at = now() - interval '{days} days' where id = '{record}'"));
}

fn in_days(days: i64) -> String {
    (DateTime::now().utc() + chrono::Duration::days(days)).to_rfc3339()
}

fn rotting_after(owner: &Client, stage: &str, days: Option<i64>) {
    owner.patch(&format!("/stages/{stage}"), json!({ "rotting_days": days })).ok();
}

#[derive(Clone, Debug)]
struct Drawn {
    kind: usize,
    idle: i64,
    tasks: Vec<i64>,
    done: bool,
    come_back: Option<i64>,
    closed: bool,
    deleted: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let tasks = prop::collection::vec(prop::sample::select(vec![-3_i64, -1, 2, 9]), 0..3);
    let come_back = prop::option::of(prop::sample::select(vec![-2_i64, 3]));
    (0..2_usize, 0..12_i64, tasks, any::<bool>(), come_back, prop::bool::weighted(0.2), prop::bool::weighted(0.1))
        .prop_map(|(kind, idle, tasks, done, come_back, closed, deleted)| Drawn {
            kind,
            idle,
            tasks,
            done,
            come_back,
            closed,
            deleted,
        })
}

impl Drawn {
    /// The definition of rotting, computed without SQL. Half days keep the comparison away from the limit.
    fn rots(&self, limit: Option<i64>) -> bool {
        let planned = !self.done && self.tasks.iter().any(|due| *due > 0);
        let waits = self.kind == 1 && self.come_back.is_some_and(|day| day > 0);
        !self.closed && !planned && !waits && limit.is_some_and(|limit| self.idle >= limit)
    }
}

#[test]
fn rotting_is_what_its_definition_says() {
    let owner = workspace();
    let stages = [stage(&owner, "deal", "Quote sent"), stage(&owner, "lead", "Interested")];
    let closed = [stage(&owner, "deal", "Payment received"), stage(&owner, "lead", "Qualified")];
    let list = std::cell::RefCell::new(Vec::<(String, Drawn)>::new());
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let make = |one: Drawn| {
        let (path, table) = [("/deals", "deals"), ("/leads", "leads")][one.kind];
        let title = format!("R{}", list.borrow().len());
        let made = id(&owner.post(path, json!({ "title": title, "stage_id": stages[one.kind] })).created());
        let link = ["deal_id", "lead_id"][one.kind];
        for due in &one.tasks {
            let task =
                id(&owner.post("/tasks", json!({ "title": "T", link: made, "due_at": in_days(*due) })).created());
            if one.done {
                owner.post(&format!("/tasks/{task}/complete"), json!({})).ok();
            }
        }
        if let (1, Some(day)) = (one.kind, one.come_back) {
            // Only the date: its task would keep the lead from rotting, too.
            let day = (DateTime::now().utc() + chrono::Duration::days(day)).date_naive();
            sql(format!("update leads set come_back_on = '{day}' where id = '{made}'"));
        }
        if one.closed {
            owner.post(&format!("{path}/{made}/move"), json!({ "stage_id": closed[one.kind] })).ok();
        }
        age(table, &made, one.idle);
        sql(format!(
            "update {table} set last_activity_at = last_activity_at - interval '12 hours' where id = '{made}'"
        ));
        if one.deleted {
            owner.delete(&format!("{path}/{made}")).gone();
        }
        list.borrow_mut().push((title, one));
    };
    runner
        .run(&drawn(), |one| {
            make(one);
            Ok(())
        })
        .unwrap();
    for limit in [Some(5), Some(1), Some(11), None] {
        stages.iter().for_each(|stage| rotting_after(&owner, stage, limit));
        for (kind, path) in ["/deals", "/leads"].into_iter().enumerate() {
            let of = |rots: bool| {
                let here = |(title, one): &(String, Drawn)| {
                    (one.kind == kind && !one.deleted && one.rots(limit) == rots).then(|| title.clone())
                };
                list.borrow().iter().filter_map(here).collect::<BTreeSet<String>>()
            };
            for rots in [true, false] {
                let found = titles(&owner, &format!("{path}?rotting={rots}&limit=500"));
                assert_eq!(found, of(rots), "{path} rotting={rots} after {limit:?} days: {list:?}");
            }
        }
    }
}

#[test]
fn who_resets_the_clock() {
    let owner = workspace();
    let quoted = stage(&owner, "deal", "Quote sent");
    rotting_after(&owner, &quoted, Some(3));
    let deal = id(&owner.post("/deals", json!({ "title": "Boat", "stage_id": quoted })).created());
    let script = crate::support::key(&owner, &["deals:read", "deals:write", "activities:write"]);
    let rots = || owner.get("/deals?rotting=true").ok()["data"].as_array().unwrap().len() == 1;
    let path = format!("/deals/{deal}");
    let steps: [(&str, &dyn Fn(), bool); 4] = [
        ("nobody", &|| {}, true),
        ("a script's edit", &|| drop(script.patch(&path, json!({ "next_step": "x" })).ok()), true),
        ("a person's edit", &|| drop(owner.patch(&path, json!({ "next_step": "y" })).ok()), false),
        (
            "a customer's letter, brought by a script",
            &|| {
                let letter = json!({ "type": "email", "direction": "inbound", "text": "Yes", "deal_id": deal });
                script.post("/activities", letter).created();
            },
            false,
        ),
    ];
    for (who, act, expected) in steps {
        age("deals", &deal, 4);
        assert!(rots(), "aged before {who}");
        act();
        assert_eq!(rots(), expected, "{who}");
    }
}

#[test]
fn attention_filters_select_records() {
    let owner = workspace();
    let (new, interested) = (stage(&owner, "lead", "New"), stage(&owner, "lead", "Interested"));
    let me = id(&owner.get("/me").ok()["user"]);
    let lead = |title: &str, more: Json| {
        let mut body = json!({ "title": title, "stage_id": new });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        id(&owner.post("/leads", body).created())
    };
    let (old, calm) = (lead("Old", json!({})), lead("Calm", json!({ "stage_id": interested })));
    let free = lead("Free", json!({}));
    owner.patch(&format!("/leads/{free}"), json!({ "owner_id": null })).ok();
    age("leads", &old, 10);
    let task = |lead: &str, due: Json| {
        let mut body = json!({ "title": "T", "lead_id": lead });
        body.as_object_mut().unwrap().extend(due.as_object().unwrap().clone());
        id(&owner.post("/tasks", body).created())
    };
    task(&old, json!({ "due_at": in_days(-1) }));
    task(&calm, json!({ "due_at": in_days(30) }));
    let undated = lead("Undated", json!({}));
    task(&undated, json!({}));
    for (query, expected) in [
        ("unassigned=true", vec!["Free"]),
        ("unassigned=false", vec!["Calm", "Old", "Undated"]),
        ("has_next_task=true", vec!["Calm", "Old", "Undated"]),
        ("has_next_task=false", vec!["Free"]),
        ("task_state=none", vec!["Free"]),
        ("task_state=overdue", vec!["Old"]),
        ("task_state=planned", vec!["Calm", "Undated"]),
        ("task_state=none,overdue", vec!["Free", "Old"]),
        ("task_state=today", vec![]),
        ("untouched_since=today-5d", vec!["Old"]),
        ("untouched_since=2000-01-01", vec![]),
        ("unanswered=true", vec!["Calm", "Free", "Old", "Undated"]),
        ("unanswered=true&unassigned=true", vec!["Free"]),
    ] {
        assert_eq!(titles(&owner, &format!("/leads?{query}")), set(&expected), "{query}");
    }
    // The states are those that the records show.
    for state in ["planned", "today", "overdue"] {
        let list = owner.get(&format!("/leads?task_state={state}")).ok();
        for one in list["data"].as_array().unwrap() {
            assert_eq!(one["next_task"]["state"], state);
        }
    }
    // A call, a completed call task, and a contact's visit answer a lead; a note and an incoming letter do not.
    let contact = id(&owner.post("/contacts", json!({ "first_name": "Ann" })).created());
    let known = lead("Known", json!({ "contact_id": contact }));
    let logged = |body: Json| drop(owner.post("/activities", body).created());
    logged(json!({ "type": "note", "text": "x", "lead_id": free }));
    logged(json!({ "type": "email", "direction": "inbound", "lead_id": free }));
    logged(json!({ "type": "call", "direction": "outbound", "lead_id": old }));
    logged(json!({ "type": "visit", "contact_id": contact }));
    let call = id(&owner.post("/tasks", json!({ "title": "Call", "type": "call", "lead_id": calm })).created());
    owner.post(&format!("/tasks/{call}/complete"), json!({})).ok();
    assert_eq!(titles(&owner, "/leads?unanswered=true"), set(&["Free", "Undated"]));
    assert!(owner.get(&format!("/leads/{known}")).ok()["first_response_at"].is_string());
    // Later answers do not change the first one, and one from before the creation counts as immediate.
    let first = owner.get(&format!("/leads/{old}")).ok()["first_response_at"].clone();
    logged(json!({ "type": "call", "lead_id": old }));
    assert_eq!(owner.get(&format!("/leads/{old}")).ok()["first_response_at"], first);
    logged(json!({ "type": "call", "lead_id": undated, "occurred_at": in_days(-3) }));
    let answered = owner.get(&format!("/leads/{undated}")).ok();
    assert_eq!(answered["first_response_at"], answered["created_at"]);
    // They work in conditions too: in searches, segments and bulk changes.
    let search = json!({ "all": [{ "field": "task_state", "op": "in", "values": ["none", "overdue"] }] });
    let found = owner.post("/leads/search", search.clone()).ok()["data"].as_array().unwrap().len();
    assert_eq!(found, titles(&owner, "/leads?task_state=none,overdue").len());
    let segment = json!({ "name": "Lost from sight", "resource": "leads", "kind": "dynamic", "selection": search });
    let segment = id(&owner.post("/segments", segment).created());
    let within = owner.post("/leads/search", json!({ "segment_id": segment })).ok();
    assert_eq!(within["data"].as_array().unwrap().len(), found);
    let both = json!({ "all": [{ "field": "unassigned", "op": "eq", "values": ["true"] },
        { "field": "title", "op": "eq", "values": ["Free"] }] });
    let job = owner.post("/leads/bulk-update", json!({ "selection": both, "changes": { "owner_id": me } })).expect(202);
    crate::imports::finished(&owner, &id(&job));
    assert_eq!(titles(&owner, "/leads?unassigned=true"), set(&[]));
    // Contacts and companies have the filters that concern them.
    for (path, expected) in [("/contacts?has_next_task=false", 1), ("/companies?unassigned=true", 0)] {
        assert_eq!(owner.get(path).ok()["data"].as_array().unwrap().len(), expected, "{path}");
    }
}

#[test]
fn invalid_attention_filters_are_refused() {
    let owner = workspace();
    for (path, parameter, code) in [
        ("/deals?rotting=maybe", "rotting", "invalid_format"),
        ("/deals?rotting=true&rotting=false", "rotting", "invalid_format"),
        ("/deals?rotting__ne=true", "rotting__ne", "unknown_parameter"),
        ("/deals?task_state=late", "task_state", "invalid_choice"),
        ("/deals?untouched_since=recently", "untouched_since", "invalid_format"),
        ("/deals?unanswered=true", "unanswered", "unknown_parameter"),
        ("/companies?rotting=true", "rotting", "unknown_parameter"),
    ] {
        let whole = if code == "unknown_parameter" { code } else { "invalid_parameter" };
        let refused = owner.get(path).problem(400, whole);
        assert_eq!(refused["errors"][0]["parameter"], parameter, "{path}");
        assert_eq!(refused["errors"][0]["code"], code, "{path}");
    }
    let one = |field: &str, op: &str, value: &str| json!({ "all": [{ "field": field, "op": op, "values": [value] }] });
    for (search, pointer) in [
        (one("rotting", "ne", "true"), "/all/0/op"),
        (one("rotting", "eq", "x"), "/all/0/values"),
        (one("unanswered", "eq", "true"), "/all/0/field"),
    ] {
        let refused = owner.post("/deals/search", search).problem(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], pointer);
    }
    // A flag alone may match everything, so a bulk change requires more.
    owner.post("/deals", json!({ "title": "Boat" })).created();
    let body = json!({ "selection": one("unassigned", "eq", "false"), "changes": { "next_step": "x" } });
    owner.post("/deals/bulk-update", body).problem(422, "validation_failed");
    let schema = owner.get("/schema/deals").ok();
    let rotting = schema["fields"].as_array().unwrap().iter().find(|field| field["name"] == "rotting").unwrap().clone();
    assert_eq!([&rotting["type"], &rotting["operators"]], [&json!("boolean"), &json!(["eq"])]);
}

/// Every block of a day.
fn blocks(day: &Json) -> BTreeMap<String, Json> {
    let mut all = BTreeMap::new();
    for part in ["tasks", "leads", "deals"] {
        for (name, block) in day[part].as_object().into_iter().flatten() {
            all.insert(format!("{part}.{name}"), block.clone());
        }
    }
    all
}

/// Fills a workspace so that each block of the day of its owner has records. Returns the totals.
fn fill(owner: &Client) -> Vec<(&'static str, i64)> {
    let (new, quoted) = (stage(owner, "lead", "New"), stage(owner, "deal", "Quote sent"));
    rotting_after(owner, &new, Some(5));
    rotting_after(owner, &quoted, Some(5));
    let company = id(&owner.post("/companies", json!({ "name": "Harbour" })).created());
    let contact = json!({ "first_name": "Ann", "last_name": "Lee", "company_id": company });
    let contact = id(&owner.post("/contacts", contact).created());
    let today = owner.get("/my-day").ok()["date"].clone();
    let task = |body: Json| drop(owner.post("/tasks", body).created());
    for n in 0..7 {
        task(json!({ "title": format!("Late {n}"), "due_at": in_days(-1 - n), "contact_id": contact }));
    }
    task(json!({ "title": "All day", "due_date": today }));
    task(json!({ "title": "Soon", "due_at": in_days(3) }));
    task(json!({ "title": "Far", "due_at": in_days(30) }));
    task(json!({ "title": "Some day" }));
    let lead = |body: Json| id(&owner.post("/leads", body).created());
    lead(json!({ "title": "March", "come_back_on": today }));
    let hot = lead(json!({ "title": "Hot", "rating": "hot", "person": { "name": "Bo" } }));
    age("leads", &hot, 9);
    let deal = |body: Json| {
        let mut body = body;
        body["stage_id"] = json!(quoted);
        id(&owner.post("/deals", body).created())
    };
    let value = json!({ "amount": 5000, "currency": "EUR" });
    let old = json!({ "title": "Old", "value": value, "company_id": company, "contacts": [{ "contact_id": contact }] });
    age("deals", &deal(old), 9);
    deal(json!({ "title": "Late", "expected_close_date": "2026-01-31" }));
    let won = id(&owner.post("/deals", json!({ "title": "Won", "value": value })).created());
    owner.post(&format!("/deals/{won}/win"), json!({})).ok();
    owner.post("/activities", json!({ "type": "call", "contact_id": contact })).created();
    vec![
        ("tasks.overdue", 7),
        ("tasks.today", 2), // and the task of the lead to come back to
        ("tasks.next", 1),
        ("tasks.undated", 1),
        ("leads.come_back", 1),
        ("leads.hot", 1),
        ("leads.unanswered", 2),
        ("leads.rotting", 1),
        ("deals.rotting", 1),
        ("deals.without_next_task", 2),
        ("deals.past_close_date", 1),
    ]
}

#[test]
fn a_day_shows_what_needs_attention() {
    let owner = workspace();
    let expected = fill(&owner);
    let answer = owner.get("/my-day");
    assert!(answer.statements() <= 8, "{} statements", answer.statements());
    let day = answer.ok();
    let found: Vec<(String, i64)> =
        blocks(&day).iter().map(|(name, block)| (name.clone(), block["total"].as_i64().unwrap())).collect();
    let mut expected: Vec<(String, i64)> = expected.iter().map(|(name, total)| ((*name).to_owned(), *total)).collect();
    expected.sort();
    assert_eq!(found, expected);
    // Each block is the beginning of the list that it names.
    for (name, block) in blocks(&day) {
        let list = owner.get(block["list"].as_str().unwrap().strip_prefix("/api/v1").unwrap()).ok();
        let ids = |list: &Json| -> Vec<Json> { list.as_array().unwrap().iter().map(|one| one["id"].clone()).collect() };
        let (all, first) = (ids(&list["data"]), ids(&block["items"]));
        assert_eq!(json!(all.len()), block["total"], "{name}");
        assert_eq!(first, all[..all.len().min(5)], "{name}");
    }
    let first = |part: &str, block: &str| day[part][block]["items"][0].clone();
    let old = first("deals", "rotting");
    assert_eq!(old["company"]["name"], "Harbour");
    assert_eq!(old["contact"]["name"], "Ann Lee");
    assert_eq!(old["value"], json!({ "amount": 5000, "currency": "EUR" }));
    assert_eq!(first("leads", "hot")["person_name"], "Bo");
    assert_eq!(first("tasks", "overdue")["title"], "Late 6");
    assert_eq!(first("tasks", "overdue")["contact"]["name"], "Ann Lee");
    assert_eq!(first("leads", "come_back")["day"], day["date"]);
    // Rotting since the last activity and the days that the stage allows: 9 - 5 days ago.
    let since = chrono::DateTime::parse_from_rfc3339(old["since"].as_str().unwrap()).unwrap();
    assert_eq!((DateTime::now().utc() - since.to_utc()).num_days(), 4);
    let month = &day["month"];
    assert_eq!([&month["deals_won"], &month["calls"], &month["new_leads"]], [&json!(1), &json!(1), &json!(2)]);
    assert_eq!(month["won_value"], json!([{ "amount": 5000, "currency": "EUR" }]));
    assert_eq!(owner.get("/my-day?limit=1").ok()["tasks"]["overdue"]["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_day_shows_what_the_caller_may_see() {
    let owner = workspace();
    fill(&owner);
    let me = id(&owner.get("/me").ok()["user"]);
    // A manager asks for the day of another user and of a team.
    let manager = user(&owner, "manager");
    assert_eq!(blocks(&manager.get("/my-day").ok())["tasks.overdue"]["total"], 0);
    assert_eq!(blocks(&manager.get(&format!("/my-day?user_id={me}")).ok())["tasks.overdue"]["total"], 7);
    let team = id(&owner.post("/teams", json!({ "name": "East" })).created());
    let below = id(&owner.post("/teams", json!({ "name": "North-East", "parent_id": team })).created());
    owner.patch(&format!("/users/{me}"), json!({ "team_id": below })).ok();
    let of_team = manager.get(&format!("/my-day?team_id={team}")).ok();
    assert_eq!(of_team["user_ids"], json!([me]));
    assert_eq!(blocks(&of_team)["tasks.overdue"]["total"], 7);
    // Someone who sees only own records finds nothing of others, and no names.
    let own = |resource: &'static str| [resource, "own", "own", "own", "own", "none"];
    let all = |resource: &'static str| [resource, "all", "none", "none", "none", "none"];
    let seller = [own("tasks"), own("deals"), own("leads"), own("contacts"), all("users")];
    let (seller, _) = user_with(&owner, &seller, json!({}));
    let seen = seller.get(&format!("/my-day?user_id={me}")).ok();
    assert!(blocks(&seen).values().all(|block| block["total"] == 0), "{seen}");
    assert_eq!(seen["month"]["deals_won"], 0);
    // Without the permission to read deals there are none; hidden members are null.
    let (clerk, _) = user_with(&owner, &[all("tasks"), all("leads"), all("users")], json!({}));
    let seen = clerk.get(&format!("/my-day?user_id={me}")).ok();
    assert_eq!(seen["deals"], Json::Null);
    assert_eq!(seen["tasks"]["overdue"]["items"][0]["contact"], Json::Null);
    let hidden = json!({ "hidden_fields": [{ "resource": "deals", "field": "value" }, { "resource": "leads", "field": "person" }] });
    let (blind, _) = user_with(&owner, &[all("tasks"), all("deals"), all("leads"), all("users")], hidden);
    let seen = blind.get(&format!("/my-day?user_id={me}")).ok();
    assert_eq!(seen["deals"]["rotting"]["items"][0]["value"], Json::Null);
    assert_eq!(seen["leads"]["hot"]["items"][0]["person_name"], Json::Null);
    assert_eq!(seen["month"]["won_value"], json!([]));
    // Without the permission to read users, only one's own day.
    let (alone, _) = user_with(&owner, &[all("tasks")], json!({}));
    alone.get("/my-day").ok();
    alone.get(&format!("/my-day?user_id={me}")).problem(403, "forbidden");
    let (nobody, _) = user_with(&owner, &[all("deals")], json!({}));
    assert_eq!(nobody.get("/my-day").ok()["tasks"], Json::Null);
    let key = crate::support::key(&owner, &["tasks:read"]);
    let seen = key.get("/my-day").ok();
    assert_eq!(seen["unread_notifications"], Json::Null, "an API key reads no notifications");
    assert_eq!([&seen["leads"], &seen["deals"]], [&Json::Null, &Json::Null]);
    for (query, parameter) in [
        ("user_id=x", "user_id"),
        ("user_id=01a21f8e-f569-711b-b916-49484df7b903", "user_id"),
        ("team_id=01a21f8e-f569-711b-b916-49484df7b903", "team_id"),
        ("limit=0", "limit"),
        ("limit=51", "limit"),
    ] {
        let refused = owner.get(&format!("/my-day?{query}")).problem(400, "invalid_parameter");
        assert_eq!(refused["errors"][0]["parameter"], parameter, "{query}");
    }
    owner.get("/my-day?from=2026-01-01").problem(400, "unknown_parameter");
    owner.get(&format!("/my-day?user_id={me}&team_id={team}")).problem(400, "invalid_parameter");
    // Another workspace's user is unknown.
    workspace().get(&format!("/my-day?user_id={me}")).problem(400, "invalid_parameter");
    // A team without members has an empty day, and a sum that is too large does not hide the rest.
    let empty = id(&owner.post("/teams", json!({ "name": "Empty" })).created());
    assert_eq!(owner.get(&format!("/my-day?team_id={empty}")).ok()["tasks"]["overdue"]["total"], 0);
    let most = json!({ "amount": 9_007_199_254_740_991_i64, "currency": "EUR" });
    let won = id(&owner.post("/deals", json!({ "title": "Huge", "value": most })).created());
    owner.post(&format!("/deals/{won}/win"), json!({})).ok();
    assert_eq!(owner.get("/my-day?user_id=me").ok()["month"]["won_value"], Json::Null);
}
