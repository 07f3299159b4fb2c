//! Timelines and next tasks, which include related records and respect visibility.
use crate::files::upload;
use crate::support::{Client, database_url, events, id, key, user_with, workspace};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use voronka::db::sql::{Part, Statement};
use voronka::kernel::access::actor::{Actor, Settings};
use voronka::kernel::access::grants::Access;
use voronka::kernel::access::resource::Builtin;
use voronka::kernel::fields::kind::Kind;
use voronka::work::timeline;

/// A company, its contact, their lead that became a deal, and tasks and activities on each.
struct Story {
    firm: String,
    person: String,
    lead: String,
    deal: String,
}

fn note(client: &Client, on: &str, record: &str, text: &str) -> String {
    id(&client.post("/activities", json!({ "type": "note", "text": text, on: record })).created())
}

fn task(client: &Client, on: &str, record: &str, title: &str, due: &str) -> String {
    id(&client.post("/tasks", json!({ "title": title, "due_date": due, on: record })).created())
}

fn story(owner: &Client) -> Story {
    let firm = id(&owner.post("/companies", json!({ "name": "Firm" })).created());
    let person = id(&owner.post("/contacts", json!({ "first_name": "Ann", "company_id": firm })).created());
    let lead =
        id(&owner.post("/leads", json!({ "title": "Wish", "contact_id": person, "company_id": firm })).created());
    for (on, record) in [("company_id", &firm), ("contact_id", &person), ("lead_id", &lead)] {
        note(owner, on, record, &format!("note {on}"));
        task(owner, on, record, &format!("task {on}"), "2031-05-01");
        upload(owner, &format!("{on}.txt"), b"words", &[(on, record)]).created();
    }
    let deal = id(&owner.post(&format!("/leads/{lead}/convert"), json!({})).ok()["deal"]);
    note(owner, "deal_id", &deal, "note deal_id");
    task(owner, "deal_id", &deal, "task deal_id", "2031-05-02");
    upload(owner, "deal_id.txt", b"words", &[("deal_id", &deal)]).created();
    Story { firm, person, lead, deal }
}

fn timeline_of(client: &Client, path: &str) -> Vec<Json> {
    client.get(&format!("{path}/timeline?limit=500")).ok()["data"].as_array().unwrap().clone()
}

/// Returns the texts, titles and change types of a timeline.
fn told(items: &[Json]) -> BTreeSet<String> {
    let word = |item: &Json| match item["kind"].as_str().unwrap() {
        "activity" => item["text"].clone(),
        "task" | "file" => item["title"].clone(),
        _ => item["type"].clone(),
    };
    items.iter().map(|item| word(item).as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_timeline_includes_related_records() {
    let owner = workspace();
    let Story { firm, person, lead, deal } = story(&owner);
    let work = |names: &[&str]| -> BTreeSet<String> {
        let all = names.iter().flat_map(|on| [format!("note {on}"), format!("task {on}"), format!("{on}.txt")]);
        all.collect()
    };
    for (path, names, changes) in [
        (format!("/leads/{lead}"), &["lead_id"][..], &["lead.created", "lead.converted"][..]),
        (format!("/deals/{deal}"), &["lead_id", "deal_id"], &["lead.created", "lead.converted", "deal.created"]),
        (
            format!("/contacts/{person}"),
            &["contact_id", "lead_id", "deal_id"],
            &["contact.created", "lead.created", "lead.converted", "deal.created"],
        ),
        (
            format!("/companies/{firm}"),
            &["company_id", "contact_id", "lead_id", "deal_id"],
            &["company.created", "contact.created", "lead.created", "lead.converted", "deal.created"],
        ),
    ] {
        let items = timeline_of(&owner, &path);
        let mut expected = work(names);
        if path.starts_with("/leads") {
            // Open tasks move to the deal.
            expected.remove("task lead_id");
        }
        expected.extend(changes.iter().map(|name| (*name).to_owned()));
        let told = told(&items);
        assert!(told.is_superset(&expected), "{path}: {:?}", expected.difference(&told));
        let ids: BTreeSet<&str> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), items.len(), "{path}: duplicate items");
        let sorted = items.windows(2).all(|pair| pair[0]["at"].as_str() >= pair[1]["at"].as_str());
        assert!(sorted, "{path}: items must be sorted newest first");
        // Paging gives the same items, and costs the record and one statement.
        let (mut pages, mut next) = (Vec::new(), format!("{path}/timeline?limit=3"));
        loop {
            let answer = owner.get(&next);
            assert_eq!(answer.statements(), 2, "{path}");
            let page = answer.ok();
            pages.extend(page["data"].as_array().unwrap().clone());
            let Some(cursor) = page["page"]["next_cursor"].as_str() else { break };
            next = format!("{path}/timeline?limit=3&cursor={cursor}");
        }
        assert_eq!(pages, items, "{path}");
    }
    let page = owner.get(&format!("/contacts/{person}/timeline?include=actor,record")).ok();
    let names =
        |list: &str| page["included"][list].as_array().unwrap().iter().map(|r| r["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names("users"), [json!("Owner")]);
    assert_eq!(names("contacts"), [json!("Ann")]);
    assert_eq!(names("leads"), [json!("Wish")]);
    owner.get(&format!("/contacts/{person}/timeline?include=owner")).problem(400, "invalid_parameter");
}

#[test]
fn task_lists_include_related_records() {
    let owner = workspace();
    let Story { firm, person, deal, .. } = story(&owner);
    let count = |path: &str| owner.get(path).ok()["data"].as_array().unwrap().len();
    for (list, related) in [("activities", ""), ("tasks", ""), ("files", "&related=false")] {
        assert_eq!(
            count(&format!("/{list}?contact_id={person}{related}")),
            if list == "tasks" { 2 } else { 1 },
            "{list}"
        );
        assert_eq!(count(&format!("/{list}?contact_id={person}&related=true")), 3, "{list}");
        assert_eq!(count(&format!("/{list}?deal_id={deal}&related=true")), 2, "{list}");
        assert_eq!(count(&format!("/{list}?company_id={firm}&related=true")), 4, "{list}");
        assert_eq!(count(&format!("/{list}?company_id={firm}&deal_id={deal}&related=true")), 2, "{list}");
        assert_eq!(count(&format!("/{list}?company_id={deal}&related=true")), 0, "{list}");
        let first = owner.get(&format!("/{list}?contact_id={person}&related=true&limit=1"));
        assert_eq!(first.statements(), 1, "{list}");
        let cursor = first.ok()["page"]["next_cursor"].as_str().unwrap().to_owned();
        assert_eq!(count(&format!("/{list}?contact_id={person}&related=true&limit=9&cursor={cursor}")), 2, "{list}");
        owner.get(&format!("/{list}?contact_id={person}{related}&cursor={cursor}")).problem(400, "cursor_mismatch");
        owner.get(&format!("/{list}?related=true")).problem(400, "invalid_parameter");
        owner.get(&format!("/{list}?related=perhaps&contact_id={person}")).problem(400, "invalid_parameter");
        owner.get(&format!("/{list}?related=true&contact_id=x")).problem(400, "invalid_parameter");
    }
    // The files of a lead are also files of its deal and contact.
    assert_eq!(count(&format!("/files?deal_id={deal}")), 2);
    assert_eq!(count(&format!("/files?contact_id={person}")), 3);
}

/// A record hidden in lists is also hidden on the timeline of another record.
#[test]
fn a_timeline_respects_visibility() {
    let owner = workspace();
    let all =
        ["companies", "contacts", "tasks", "activities", "files"].map(|of| [of, "all", "all", "all", "all", "all"]);
    let own = ["leads", "deals"].map(|of| [of, "own", "own", "own", "own", "own"]);
    let hidden = json!({ "hidden_fields": [{ "resource": "deals", "field": "value" }] });
    let (seller, me) = user_with(&owner, &[&all[..], &own[..]].concat(), hidden);
    let (no_files, _) = user_with(&owner, &all[..4], json!({}));
    let contacts_only = key(&owner, &["contacts:read", "activities:read", "tasks:read", "files:read"]);
    let person = id(&owner.post("/contacts", json!({ "first_name": "Ann" })).created());
    let deal = |title: &str, owner_id: &Json, due: &str| {
        let body = json!({ "title": title, "owner_id": owner_id, "contacts": [{ "contact_id": person }],
            "value": { "amount": 987_654, "currency": "EUR" } });
        let deal = id(&owner.post("/deals", body).created());
        note(&owner, "deal_id", &deal, &format!("note {title}"));
        upload(&owner, &format!("{title}.txt"), b"words", &[("deal_id", &deal)]).created();
        task(&owner, "deal_id", &deal, &format!("task {title}"), due)
    };
    let (theirs, mine) = (deal("theirs", &Json::Null, "2031-05-01"), deal("mine", &json!(me), "2031-05-02"));
    let path = format!("/contacts/{person}");
    let seen = |client: &Client| told(&timeline_of(client, &path));
    let everything = seen(&owner);
    for title in ["theirs", "mine"] {
        for word in [format!("note {title}"), format!("{title}.txt"), format!("task {title}")] {
            assert!(everything.contains(&word), "{word}");
            assert_eq!(seen(&seller).contains(&word), title == "mine", "{word}");
            assert!(!seen(&no_files).contains(&word) && !seen(&contacts_only).contains(&word), "{word}");
        }
    }
    assert!(owner.get(&format!("{path}/timeline")).text.contains("987654"));
    assert!(!seller.get(&format!("{path}/timeline")).text.contains("987654"), "a hidden field is visible");
    let related = |client: &Client, list: &str| {
        client.get(&format!("/{list}?contact_id={person}&related=true")).ok()["data"].as_array().unwrap().len()
    };
    for list in ["activities", "tasks", "files"] {
        assert_eq!(related(&owner, list), 2, "{list}");
        assert_eq!(related(&seller, list), 1, "{list}");
        assert_eq!(related(&contacts_only, list), 0, "{list}");
    }
    // The next task is the first visible one, in the record, in filters and in the sort order.
    let next = |client: &Client| client.get(&path).ok()["next_task"]["id"].clone();
    assert_eq!(next(&owner), json!(theirs));
    assert_eq!(next(&seller), json!(mine));
    assert_eq!(next(&contacts_only), Json::Null);
    let found = |client: &Client, query: &str| client.get(&format!("/contacts?{query}")).ok()["data"].to_string();
    for (query, for_owner, for_seller, for_key) in [
        ("next_task_at__lt=2031-05-02T12:00:00Z", true, false, false),
        ("next_task_at__gt=2031-05-02T12:00:00Z", false, true, false),
        ("next_task_at__empty=true", false, false, true),
    ] {
        for (client, expected) in [(&owner, for_owner), (&seller, for_seller), (&contacts_only, for_key)] {
            assert_eq!(found(client, query).contains(&person), expected, "{query}");
        }
    }
    let patched = seller.patch(&path, json!({ "position": "CEO" })).ok();
    assert_eq!(patched["next_task"]["id"], json!(mine), "the answer to a PATCH");
    assert!(seller.get("/contacts?sort=-next_task_at&limit=1").ok()["data"][0]["next_task"]["id"] == json!(mine));
}

/// The next task of every record is correct after each step.
#[test]
fn next_tasks_follow_related_records() {
    let owner = workspace();
    let firm = id(&owner.post("/companies", json!({ "name": "Firm" })).created());
    let other = id(&owner.post("/companies", json!({ "name": "Other" })).created());
    let [ann, bob] = ["Ann", "Bob"].map(|name| id(&owner.post("/contacts", json!({ "first_name": name })).created()));
    let lead = id(&owner.post("/leads", json!({ "title": "Wish", "contact_id": ann })).created());
    let records = [("companies", &firm), ("companies", &other), ("contacts", &ann), ("contacts", &bob)];
    let next = |what: &str, expected: [Option<&str>; 4]| {
        let found =
            records.map(|(list, record)| owner.get(&format!("/{list}/{record}")).ok()["next_task"]["id"].clone());
        assert_eq!(found, expected.map(|task| json!(task)), "{what}");
    };
    let late = task(&owner, "lead_id", &lead, "late", "2031-01-01");
    let late = Some(late.as_str());
    next("a task of a lead is one of its contact", [None, None, late, None]);
    owner.patch(&format!("/leads/{lead}"), json!({ "company_id": firm })).ok();
    next("and of its company", [late, None, late, None]);
    owner.patch(&format!("/leads/{lead}"), json!({ "contact_id": bob, "company_id": other })).ok();
    next("it goes with the lead", [None, late, None, late]);
    owner.delete(&format!("/leads/{lead}")).gone();
    next("what is deleted counts nowhere", [None; 4]);
    owner.post(&format!("/leads/{lead}/restore"), json!({})).ok();
    next("until it is back", [None, late, None, late]);
    let made = owner.post(&format!("/leads/{lead}/convert"), json!({})).ok();
    assert_eq!(made["contact"]["next_task"]["id"].as_str(), late);
    assert_eq!(made["company"]["next_task"]["id"].as_str(), late);
    next("a conversion takes it along", [None, late, None, late]);
    let deal = format!("/deals/{}", id(&made["deal"]));
    owner.patch(&deal, json!({ "contacts": [{ "contact_id": ann }] })).ok();
    next("tasks of a deal are those of its contacts, and of whose lead it was", [None, late, late, late]);
    let early_task = task(&owner, "deal_id", &id(&made["deal"]), "early", "2030-01-01");
    let early = Some(early_task.as_str());
    next("the first of all", [None, early, early, early]);
    owner.patch(&format!("/contacts/{ann}"), json!({ "company_id": firm })).ok();
    next("a person's deals are not those of the firm", [None, early, early, early]);
    let own_task = task(&owner, "contact_id", &ann, "own", "2029-01-01");
    let own = Some(own_task.as_str());
    next("but the person's own tasks are", [own, early, own, early]);
    owner.patch(&format!("/contacts/{ann}"), json!({ "company_id": null })).ok();
    next("as long as they work there", [None, early, own, early]);
    owner.post(&format!("/tasks/{}/complete", own_task), json!({})).ok();
    owner.delete(&format!("/tasks/{}", early_task)).gone();
    next("what is done or deleted is not next", [None, late, late, late]);
    owner.delete(&deal).gone();
    next("nor what belongs to a deleted deal, but to the person of the conversion", [None, late, None, late]);
}

#[derive(QueryableByName)]
struct Plan {
    #[diesel(sql_type = diesel::sql_types::Text, column_name = "QUERY PLAN")]
    line: String,
}

/// Collects the number of rows that each plan node read from a large table.
fn read(node: &Json, rows: &mut Vec<(String, f64)>) {
    let large = |table: &&str| ["contacts", "events", "activities", "tasks", "files"].contains(table);
    if let Some(table) = node["Relation Name"].as_str().filter(large) {
        let removed = node["Rows Removed by Filter"].as_f64().unwrap_or(0.0);
        let all = (node["Actual Rows"].as_f64().unwrap() + removed) * node["Actual Loops"].as_f64().unwrap();
        rows.push((format!("{} of {table}", node["Node Type"].as_str().unwrap()), all));
    }
    node["Plans"].as_array().into_iter().flatten().for_each(|inner| read(inner, rows));
}

/// With a hundred thousand rows of other records, the queries use indexes and read few more rows than they show.
#[test]
fn a_timeline_in_a_large_workspace_reads_few_rows() {
    let owner = workspace();
    let Story { firm, person, deal, .. } = story(&owner);
    let workspace: uuid::Uuid = id(&owner.get("/me").ok()["workspace"]).parse().unwrap();
    let mut conn = PgConnection::establish(database_url()).unwrap();
    let strangers = |table: &str, columns: &str, values: &str| {
        format!(
            "insert into {table} (workspace_id, id, {columns}) select '{workspace}', gen_random_uuid(), {values} from generate_series(1, 30000) n;"
        )
    };
    let someone = id(&owner.post("/contacts", json!({ "first_name": "Other" })).created());
    conn.batch_execute(
        &[
            strangers("contacts", "first_name, created_at, updated_at", "'P' || n, now(), now()"),
            strangers(
                "events",
                "at, type, record_kind, record_id, actor_kind, request_id, changes",
                "now(), 'contact.updated', 'contact', gen_random_uuid(), 'user', 'r', '{}'",
            ),
            strangers(
                "activities",
                "type, occurred_at, contact_id, created_at, updated_at",
                &format!("'note', now(), '{someone}', now(), now()"),
            ),
            strangers(
                "tasks",
                "type, title, contact_id, created_at, updated_at",
                &format!("'todo', 'T', '{someone}', now(), now()"),
            ),
            strangers(
                "files",
                "name, content_type, size, sha256, contact_id, created_at, updated_at",
                &format!("'f', 'text/plain', 1, '', '{someone}', now(), now()"),
            ),
            "analyze contacts, events, activities, tasks, files, leads, deals, deal_contacts;".to_owned(),
        ]
        .concat(),
    )
    .unwrap();
    let settings = Settings {
        time_zone: chrono_tz::UTC,
        own_time_zone: chrono_tz::UTC,
        base_currency: "EUR".into(),
        country: "EE".into(),
        custom: Arc::default(),
    };
    let user = uuid::Uuid::now_v7();
    let actor = Actor {
        workspace,
        user,
        actor_kind: voronka::kernel::access::actor::ActorKind::User,
        principal: user,
        session: None,
        access: Arc::new(Access::builtin(Builtin::Owner)),
        team_members: Arc::new(vec![user]),
        scopes: None,
        settings,
    };
    for (kind, record) in [(Kind::CONTACT, &person), (Kind::COMPANY, &firm), (Kind::DEAL, &deal)] {
        let record = record.parse().unwrap();
        let window = timeline::Window::read("limit=50", record).unwrap();
        let shown = timeline::statement(&actor, kind, record, &window);
        let plan: Vec<Plan> = Statement::new("explain (analyze, format json) :shown")
            .set("shown", Part::Nested(Box::new(shown)))
            .load(&mut conn)
            .unwrap();
        let plan: Json = serde_json::from_str(&plan[0].line).unwrap();
        let mut rows = Vec::new();
        read(&plan[0]["Plan"], &mut rows);
        assert!(rows.len() > 10, "{plan}");
        for (node, rows) in rows {
            assert!(rows < 500.0, "{kind:?}: {node} read {rows} rows: {plan:#}");
        }
    }
}

/// A contact without its lead no longer shows the lead's task, and no record shows the task of an erased person.
#[test]
fn next_tasks_leave_unlinked_and_erased_records() {
    let owner = workspace();
    let [x, y] = ["X", "Y"].map(|name| id(&owner.post("/companies", json!({ "name": name })).created()));
    let [ann, bob] = ["Ann", "Bob"].map(|name| id(&owner.post("/contacts", json!({ "first_name": name })).created()));
    let next = |list: &str, record: &str| owner.get(&format!("/{list}/{record}")).ok()["next_task"]["id"].clone();
    let records = [("companies", &x), ("contacts", &ann), ("companies", &y), ("contacts", &bob)];
    for without_deal in [true, false] {
        let lead = json!({ "title": "L", "company_id": x, "contact_id": ann });
        let lead = id(&owner.post("/leads", lead).created());
        let task = task(&owner, "lead_id", &lead, "T", "2031-05-01");
        let asked = json!({ "company_id": y, "contact_id": bob, "without_deal": without_deal });
        let made = owner.post(&format!("/leads/{lead}/convert"), asked).ok();
        let shown = records.map(|(list, record)| next(list, record));
        assert_eq!(shown, [Json::Null, Json::Null, json!(task), json!(task)], "without a deal: {without_deal}");
        assert_eq!(made["contact"]["next_task"]["id"], json!(task));
        assert_eq!(made["company"]["next_task"]["id"], json!(task));
        owner.delete(&format!("/tasks/{task}")).gone();
    }
    let staff = id(&owner.post("/contacts", json!({ "first_name": "Eve", "company_id": x })).created());
    let theirs = task(&owner, "contact_id", &staff, "Theirs", "2031-05-01");
    assert_eq!(next("companies", &x), json!(theirs));
    owner.post("/erasures", json!({ "contact_id": staff, "reason": "Asked" })).created();
    assert_eq!(next("companies", &x), Json::Null);
}

/// The feed reports the tasks that a conversion moves to the deal.
#[test]
fn a_conversion_emits_events_for_moved_tasks() {
    let owner = workspace();
    let contact = id(&owner.post("/contacts", json!({ "first_name": "Ann" })).created());
    let lead = id(&owner.post("/leads", json!({ "title": "L", "contact_id": contact })).created());
    let open = task(&owner, "lead_id", &lead, "Open", "2031-05-01");
    let done = task(&owner, "lead_id", &lead, "Done", "2031-05-01");
    owner.post(&format!("/tasks/{done}/complete"), json!({})).ok();
    let made = owner.post(&format!("/leads/{lead}/convert"), json!({})).ok();
    assert_eq!(made["moved_tasks"], 1);
    let moved = owner.get(&format!("/tasks/{open}")).ok();
    assert_eq!(moved["lead_id"], Json::Null);
    assert_eq!(moved["deal_id"], made["deal"]["id"]);
    assert_eq!(moved["contact_id"], json!(contact));
    assert_eq!(moved["version"], 2);
    let told = events(&owner, "&type=task.updated", 1);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["record_id"], json!(open));
    assert_eq!(told[0]["record_version"], 2);
    let deal = json!({ "member": "deal_id", "before": "null", "after": made["deal"]["id"].to_string() });
    assert!(told[0]["changes"].as_array().unwrap().contains(&deal), "{}", told[0]);
}

/// A caller who may not read tasks sees no next task.
#[test]
fn a_next_task_needs_the_permission_to_read_tasks() {
    let owner = workspace();
    let resources = ["companies", "contacts", "leads", "deals"].map(|of| [of, "all", "all", "all", "all", "all"]);
    let (seller, _) = user_with(&owner, &resources, json!({}));
    let script = key(&owner, &["companies:read", "contacts:read", "leads:read", "deals:read"]);
    let Story { firm, person, deal, .. } = story(&owner);
    for (list, record) in [("companies", &firm), ("contacts", &person), ("deals", &deal)] {
        assert!(owner.get(&format!("/{list}/{record}")).ok()["next_task"].is_object(), "{list}");
        for client in [&seller, &script] {
            assert_eq!(client.get(&format!("/{list}/{record}")).ok()["next_task"], Json::Null, "{list}");
            assert_eq!(client.get(&format!("/{list}?next_task_at__empty=false")).ok()["data"], json!([]), "{list}");
            assert_eq!(client.get(&format!("/{list}?sort=next_task_at")).ok()["data"][0]["next_task"], Json::Null);
        }
        let patched = seller.patch(&format!("/{list}/{record}"), json!({ "tags": ["seen"] })).ok();
        assert_eq!(patched["next_task"], Json::Null, "{list}");
    }
}
