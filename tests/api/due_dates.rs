//! Callback tasks, all-day tasks in other time zones, one definition of today, and filters on consents and sources.
use crate::imports::import;
use crate::support::{Client, id, stage, user, workspace};
use chrono_tz::Tz;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use voronka::kernel::values::time::{DateTime, day_start, today};

/// Returns the title, day and status of the tasks of a lead.
fn tasks(owner: &Client, lead: &str) -> Vec<(String, Json, Json)> {
    let list = owner.get(&format!("/tasks?lead_id={lead}&sort=created_at")).ok()["data"].as_array().unwrap().clone();
    let one =
        |task: &Json| (task["title"].as_str().unwrap().to_owned(), task["due_date"].clone(), task["status"].clone());
    list.iter().map(one).collect()
}

#[test]
fn a_callback_is_one_task_that_moves_and_ends() {
    let owner = workspace();
    let lead = id(&owner.post("/leads", json!({ "title": "Boat" })).created());
    let path = format!("/leads/{lead}");
    let open = |day: &str| ("Come back to Boat".to_owned(), json!(day), json!("open"));
    let done = |day: &str| ("Come back to Boat".to_owned(), json!(day), json!("done"));
    let set = |body: Json| owner.patch(&path, body).ok();
    let steps = [
        (json!({ "come_back_on": "2031-03-01" }), vec![open("2031-03-01")], json!("2031-03-01")),
        (json!({ "come_back_on": "2031-03-01" }), vec![open("2031-03-01")], json!("2031-03-01")),
        (json!({ "come_back_on": "2031-05-01", "title": "Boat" }), vec![open("2031-05-01")], json!("2031-05-01")),
        (json!({ "clear": ["come_back_on"] }), vec![], Json::Null),
        (json!({ "come_back_on": "2031-06-01" }), vec![open("2031-06-01")], json!("2031-06-01")),
    ];
    for (body, expected, next) in steps {
        let lead_now = set(body.clone());
        assert_eq!(tasks(&owner, &lead), expected, "{body}");
        assert_eq!(lead_now["next_task"]["due_date"], next, "{body}");
    }
    // A completed task stays unchanged.
    let task = id(&owner.get(&format!("/tasks?lead_id={lead}")).ok()["data"][0]);
    owner.post(&format!("/tasks/{task}/complete"), json!({})).ok();
    set(json!({ "come_back_on": "2031-07-01" }));
    assert_eq!(tasks(&owner, &lead), [done("2031-06-01"), open("2031-07-01")]);
    set(json!({ "come_back_on": null }));
    assert_eq!(tasks(&owner, &lead), [done("2031-06-01")]);
    // A manually created task on the same day is not a callback task.
    owner.post("/tasks", json!({ "title": "Mine", "lead_id": lead, "due_date": "2031-08-01" })).created();
    set(json!({ "come_back_on": "2031-08-01" }));
    set(json!({ "come_back_on": null }));
    assert_eq!(tasks(&owner, &lead).len(), 2);
}

#[test]
fn callbacks_of_many_leads_use_few_statements() {
    let owner = workspace();
    let items: Vec<Json> = (0..60)
        .map(|n| json!({ "title": format!("L{n}"), "come_back_on": "2031-03-01", "external_id": format!("x{n}") }))
        .collect();
    let made = owner.post("/leads/batch-create", json!({ "items": items }));
    assert!(made.statements() < 30, "{}", made.statements());
    let ids: Vec<String> = made.ok()["results"].as_array().unwrap().iter().map(id).collect();
    let change = |changes: &dyn Fn(usize) -> Json| {
        let items: Vec<Json> =
            ids.iter().enumerate().map(|(n, id)| json!({ "id": id, "changes": changes(n) })).collect();
        let answer = owner.post("/leads/batch-update", json!({ "items": items }));
        assert!(answer.statements() < 60, "{}", answer.statements());
        assert_eq!(answer.ok()["failed"], 0);
    };
    let count =
        |query: &str| owner.get(&format!("/tasks?include_total=true&limit=1&{query}")).ok()["page"]["total"].clone();
    change(&|n| json!({ "come_back_on": format!("2031-04-{:02}", n % 28 + 1) }));
    assert_eq!(count(""), json!(60));
    assert_eq!(count("due_date=2031-04-01"), json!(3));
    change(&|n| json!({ "come_back_on": if n % 2 == 0 { json!("2031-05-01") } else { Json::Null } }));
    assert_eq!(count(""), json!(30));
    assert_eq!(count("due_date=2031-05-01"), json!(30));
}

#[test]
fn all_day_tasks_use_the_time_zone_of_the_workspace() {
    let owner = workspace();
    let deal = id(&owner.post("/deals", json!({ "title": "D" })).created());
    let all_day =
        id(&owner.post("/tasks", json!({ "title": "A", "deal_id": deal, "due_date": "2031-03-09" })).created());
    // In UTC the timed task comes first; in New York the all-day task is due later.
    let timed = json!({ "title": "B", "deal_id": deal, "due_at": "2031-03-09T18:00:00Z" });
    let timed = id(&owner.post("/tasks", timed).created());
    let next = || owner.get(&format!("/deals/{deal}")).ok()["next_task"].clone();
    assert_eq!(next()["id"].as_str(), Some(timed.as_str()));
    assert_eq!(next()["due_date"], Json::Null);
    for (zone, first) in [
        ("Pacific/Kiritimati", &all_day), // fourteen hours ahead
        ("America/New_York", &timed),     // summer time begins on that day
        ("America/Havana", &timed),
        ("Europe/Tallinn", &timed),
        ("UTC", &timed),
    ] {
        owner.patch("/workspaces/current", json!({ "time_zone": zone })).ok();
        let tz: Tz = zone.parse().unwrap();
        let end = day_start("2031-03-10".parse().unwrap(), tz);
        let task = owner.get(&format!("/tasks/{all_day}")).ok();
        assert_eq!(task["due_end"], json!(end), "{zone}");
        assert_eq!(task["due_date"], "2031-03-09", "{zone}");
        assert_eq!(owner.get(&format!("/tasks/{timed}")).ok()["due_end"], "2031-03-09T18:00:00.000Z", "{zone}");
        assert_eq!(next()["id"], json!(first), "{zone}");
    }
}

/// The state of the next task, the filter and the report use the same day.
#[test]
fn today_means_the_same_day_everywhere() {
    let owner = workspace();
    let me = id(&owner.get("/me").ok()["user"]);
    for zone in ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata"] {
        owner.patch(&format!("/users/{me}"), json!({ "time_zone": zone })).ok();
        let tz: Tz = zone.parse().unwrap();
        let day = today(DateTime::now(), tz);
        let tomorrow = day_start(day.succ_opt().unwrap(), tz);
        let before = tomorrow.plus(-chrono::Duration::milliseconds(1));
        for (due, state) in [(before, "today"), (tomorrow, "planned")] {
            let deal = id(&owner.post("/deals", json!({ "title": zone })).created());
            owner.post("/tasks", json!({ "title": "T", "deal_id": deal, "due_at": due })).created();
            assert_eq!(owner.get(&format!("/deals/{deal}")).ok()["next_task"]["state"], state, "{zone} {due}");
            let listed = owner.get("/deals?next_task_at__gte=today&next_task_at__lt=today%2B1d").ok();
            assert_eq!(listed["data"].to_string().contains(&deal), state == "today", "{zone} {due}");
            owner.delete(&format!("/deals/{deal}")).gone();
        }
        all_day_is_of_its_day(&owner, zone, day);
        let won = id(&owner
            .post("/deals", json!({ "title": zone, "stage_id": stage(&owner, "deal", "Payment received") }))
            .created());
        let report = owner.get(&format!("/analytics/win-rate?from={day}&closed_at__gte=today")).ok();
        assert_eq!(report["time_zone"], zone);
        let listed = owner.get("/deals?closed_at__gte=today&status=won").ok()["data"].as_array().unwrap().len();
        assert_eq!(report["groups"][0]["won"], json!(listed), "{zone}");
        owner.delete(&format!("/deals/{won}")).gone();
    }
}

/// Checks that an all-day task belongs to its day everywhere, although it ends at the first instant of the next day.
fn all_day_is_of_its_day(owner: &Client, zone: &str, day: chrono::NaiveDate) {
    let next = [-1, 0, 1].map(|shift| {
        let contact = id(&owner.post("/contacts", json!({ "first_name": zone })).created());
        let lead = id(&owner.post("/leads", json!({ "title": zone, "contact_id": contact })).created());
        let due = day + chrono::Duration::days(shift);
        let task = id(&owner.post("/tasks", json!({ "title": zone, "lead_id": lead, "due_date": due })).created());
        (contact, lead, task)
    });
    let without = id(&owner.post("/leads", json!({ "title": zone })).created());
    for (question, expected) in [
        ("=today", [false, true, false]),
        ("=today-1d", [true, false, false]),
        ("=today,today%2B1d", [false, true, true]),
        ("__ne=today", [true, false, true]),
        ("__lt=today", [true, false, false]),
        ("__lte=today", [true, false, false]),
        ("__gte=today", [false, true, true]),
        ("__gt=today", [false, true, true]),
        ("__gte=today%2B1d", [false, false, true]),
        ("=this_year%2B3y", [false; 3]),
    ] {
        for (path, of) in [("contacts?next_task_at", 0), ("leads?next_task_at", 1), ("tasks?due_end", 2)] {
            let found = owner.get(&format!("/{path}{question}&limit=500")).ok()["data"].to_string();
            let found_of =
                |(contact, lead, task): &(String, String, String)| found.contains([contact, lead, task][of].as_str());
            assert_eq!(next.each_ref().map(found_of), expected, "{zone} {path}{question}");
            if of == 1 {
                assert_eq!(found.contains(&without), question.starts_with("__ne"), "{zone} {path}{question}");
            }
        }
    }
    let condition = json!({ "all": [{ "field": "next_task_at", "op": "eq", "values": ["today"] }] });
    let found = owner.post("/leads/search", condition).ok()["data"].to_string();
    assert!(found.contains(&next[1].1) && !found.contains(&next[0].1) && !found.contains(&next[2].1), "{zone}");
    for (_, _, task) in next {
        owner.delete(&format!("/tasks/{task}")).gone();
    }
}

#[test]
fn contacts_are_filtered_by_consent_and_source() {
    let owner = workspace();
    let said = |channel: &str, granted: bool, at: &str| json!({ "channel": channel, "granted": granted, "at": at });
    let (early, late) = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
    let person = |name: &str, consents: Json, touch: Json| {
        owner.post("/contacts", json!({ "first_name": name, "consents": consents, "first_touch": touch })).created();
    };
    let touch = |campaign: &str, at: &str| json!({ "campaign": campaign, "channel": "fair", "at": at });
    person("Ann", json!([said("email", true, early), said("sms", true, early)]), touch("Spring", early));
    person("Bob", json!([said("email", false, early)]), touch("Spring", late));
    person("Cid", json!([said("email", true, early), said("email", false, late)]), touch("Autumn", late));
    person("Dan", json!([said("phone", false, early), said("phone", true, late)]), Json::Null);
    person("Eve", json!([]), Json::Null);
    let cases = [
        ("consents", "eq", json!(["email"]), "consents=email", "Ann"),
        ("consents", "in", json!(["email", "phone"]), "consents=email,phone", "Ann Dan"),
        ("consents", "all", json!(["email", "sms"]), "consents__all=email,sms", "Ann"),
        ("consents", "ne", json!(["email"]), "consents__ne=email", "Bob Cid Dan Eve"),
        ("consents", "empty", json!(["true"]), "consents__empty=true", "Bob Cid Eve"),
        ("first_touch_campaign", "eq", json!(["Spring"]), "first_touch_campaign=Spring", "Ann Bob"),
        ("first_touch_campaign", "starts_with", json!(["aut"]), "first_touch_campaign__starts_with=aut", "Cid"),
        ("first_touch_campaign", "empty", json!(["true"]), "first_touch_campaign__empty=true", "Dan Eve"),
        ("first_touch_channel", "eq", json!(["fair"]), "first_touch_channel=fair", "Ann Bob Cid"),
        (
            "first_touch_at",
            "gte",
            json!(["2026-01-15T00:00:00Z"]),
            "first_touch_at__gte=2026-01-15T00:00:00Z",
            "Bob Cid",
        ),
    ];
    let names = |page: Json| -> BTreeSet<String> {
        page["data"].as_array().unwrap().iter().map(|c| c["first_name"].as_str().unwrap().to_owned()).collect()
    };
    for (n, (field, op, values, query, expected)) in cases.into_iter().enumerate() {
        let expected: BTreeSet<String> = expected.split(' ').map(str::to_owned).collect();
        assert_eq!(names(owner.get(&format!("/contacts?{query}")).ok()), expected, "{query}");
        let condition = json!({ "field": field, "op": op, "values": values });
        assert_eq!(names(owner.post("/contacts/search", json!({ "all": [condition] })).ok()), expected, "{condition}");
        let segment = json!({ "resource": "contacts", "name": format!("S{n}"), "kind": "dynamic", "selection": { "all": [condition] } });
        let segment = id(&owner.post("/segments", segment).created());
        assert_eq!(
            names(owner.post("/contacts/search", json!({ "segment_id": segment })).ok()),
            expected,
            "{condition}"
        );
    }
    owner.get("/contacts?consents=emial").problem(400, "invalid_parameter");
    let sorted = owner.get("/contacts?sort=-first_touch_at&limit=2").ok();
    let next = sorted["page"]["next_cursor"].as_str().unwrap().to_owned();
    let rest = owner.get(&format!("/contacts?sort=-first_touch_at&limit=2&cursor={next}")).ok();
    assert_eq!(names(sorted), BTreeSet::from(["Bob", "Cid"].map(str::to_owned)));
    assert_eq!(rest["data"][0]["first_name"], "Ann");
}

/// Imports create callback tasks too, but not for leads that are closed.
#[test]
fn imported_leads_get_callbacks() {
    let owner = workspace();
    let csv = "title,status,created,closed,reason,back\nOpen,Interested,2026-01-05,,,2031-03-01\nPlain,New,2026-01-05,,,\n\
        Lost,Disqualified,2026-01-05,2026-01-09,No money,2031-03-02\n";
    let columns = [
        ("title", "title"),
        ("status", "stage"),
        ("created", "created_at"),
        ("closed", "closed_at"),
        ("reason", "loss_reason"),
    ];
    let columns = columns.iter().chain(&[("back", "come_back_on")]);
    let mapping: Vec<Json> = columns.map(|(column, field)| json!({ "column": column, "field": field })).collect();
    let report = import(&owner, "leads", csv, json!({ "mapping": mapping }));
    assert_eq!(report["created"], 3, "{report}");
    assert_eq!(report["failed"], 0, "{report}");
    for (title, next) in [("Open", json!("2031-03-01")), ("Plain", Json::Null), ("Lost", Json::Null)] {
        let lead = owner.get(&format!("/leads?title={title}")).ok()["data"][0].clone();
        assert_eq!(lead["next_task"]["due_date"], next, "{lead}");
        assert_eq!(tasks(&owner, &id(&lead)).len(), usize::from(title == "Open"), "{title}");
    }
    // A change by the import moves the task.
    let lead = id(&owner.get("/leads?title=Open").ok()["data"][0]);
    owner.patch(&format!("/leads/{lead}"), json!({ "external_id": "x1" })).ok();
    import(&owner, "leads", "external_id,come_back_on\nx1,2031-04-01\n", json!({}));
    assert_eq!(tasks(&owner, &lead), [("Come back to Open".to_owned(), json!("2031-04-01"), json!("open"))]);
}

#[test]
fn a_callback_follows_the_contact_and_the_owner() {
    let owner = workspace();
    let [ann, bob] = ["Ann", "Bob"].map(|name| id(&owner.post("/contacts", json!({ "first_name": name })).created()));
    let [mine, theirs] = ["manager", "seller"].map(|role| id(&user(&owner, role).get("/me").ok()["user"]));
    let lead = json!({ "title": "Boat", "contact_id": ann, "owner_id": mine, "come_back_on": "2031-03-01" });
    let path = format!("/leads/{}", id(&owner.post("/leads", lead).created()));
    let promise = || owner.get("/tasks?title=Come%20back%20to%20Boat").ok()["data"][0].clone();
    let next = |contact: &str| owner.get(&format!("/contacts/{contact}")).ok()["next_task"]["id"].clone();
    let task = promise()["id"].clone();
    assert_eq!(promise()["contact_id"], json!(ann));
    assert_eq!(promise()["assignee_id"], json!(mine));
    owner.patch(&path, json!({ "contact_id": bob })).ok();
    assert_eq!(promise()["contact_id"], json!(bob));
    assert_eq!(next(&ann), Json::Null);
    assert_eq!(next(&bob), task);
    owner.patch(&path, json!({ "owner_id": theirs, "title": "Ship" })).ok();
    assert_eq!(promise()["assignee_id"], json!(theirs));
    assert_eq!(promise()["due_date"], "2031-03-01");
    // A task reassigned to another user stays with that user, but moves to the other contact.
    owner.patch(&format!("/tasks/{}", task.as_str().unwrap()), json!({ "assignee_id": mine })).ok();
    owner.patch(&path, json!({ "owner_id": null, "contact_id": ann })).ok();
    owner.patch(&path, json!({ "owner_id": theirs })).ok();
    assert_eq!(promise()["assignee_id"], json!(mine));
    assert_eq!(promise()["contact_id"], json!(ann));
    // The same holds when the lead gets another owner.
    let made = owner.post(&format!("{path}/convert"), json!({ "contact_id": bob, "without_deal": true })).ok();
    assert_eq!(made["contact"]["next_task"]["id"], task);
    assert_eq!(next(&ann), Json::Null);
    assert_eq!(next(&bob), task);
    assert_eq!(made["lead"]["next_task"]["id"], task);
}
