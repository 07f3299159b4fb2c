//! Notifications: who gets which, each once, and how they are read.
use crate::attention::sql;
use crate::support::server::server;
use crate::support::{Client, id, key, stage, user, user_with, workspace};
use serde_json::{Value as Json, json};
use voronka::kernel::values::time::DateTime;

fn list(client: &Client, query: &str) -> Vec<Json> {
    client.get(&format!("/notifications?limit=100{query}")).ok()["data"].as_array().unwrap().clone()
}

/// The kind and the name of the record of each, in the order of creation.
fn told(client: &Client) -> Vec<(String, Json)> {
    let mut all = list(client, "&sort=created_at");
    all.drain(..).map(|one| (one["kind"].as_str().unwrap().to_owned(), one["record_name"].clone())).collect()
}

fn me(client: &Client) -> String {
    id(&client.get("/me").ok()["user"])
}

fn sweep() {
    voronka::jobs::attention::remind(&server().db).unwrap();
    voronka::jobs::attention::tell_owners(&server().db).unwrap();
}

#[test]
fn the_new_owner_of_a_record_is_told() {
    let owner = workspace();
    let seller = user(&owner, "seller");
    let to = me(&seller);
    let lead = id(&owner.post("/leads", json!({ "title": "Boat", "owner_id": to })).created());
    owner.post("/leads", json!({ "title": "Mine" })).created();
    let deal = id(&owner.post("/deals", json!({ "title": "Oars" })).created());
    owner.patch(&format!("/deals/{deal}"), json!({ "owner_id": to })).ok();
    owner.post("/tasks", json!({ "title": "Call", "assignee_id": to })).created();
    owner.patch(&format!("/deals/{deal}"), json!({ "next_step": "x" })).ok();
    // What one does oneself is no news.
    seller.post("/leads", json!({ "title": "Own" })).created();
    let expected = [("new_lead", "Boat"), ("assigned", "Oars"), ("assigned", "Call")];
    let expected: Vec<(String, Json)> = expected.iter().map(|(kind, name)| ((*kind).to_owned(), json!(name))).collect();
    assert_eq!(told(&seller), expected);
    assert_eq!(told(&owner), []);
    let first = &list(&seller, "&kind=new_lead&include=actor")[0];
    assert_eq!(
        [&first["resource"], &first["record_id"], &first["actor_id"]],
        [&json!("leads"), &json!(lead), &json!(me(&owner))]
    );
    // A lead that a form sends with the seller's key is news to the seller.
    let script = key(&seller, &["leads:write"]);
    script.post("/leads", json!({ "title": "From the site" })).created();
    assert_eq!(told(&seller).last().unwrap(), &("new_lead".to_owned(), json!("From the site")));
    // A refused or repeated request tells nothing more.
    let count = told(&seller).len();
    let once = owner.with("Idempotency-Key", "lead-1");
    for _ in 0..3 {
        once.post("/leads", json!({ "title": "Once", "owner_id": to })).created();
    }
    owner.post("/leads", json!({ "title": "", "owner_id": to, "stage_id": to })).problem(422, "validation_failed");
    assert_eq!(told(&seller).len(), count + 1);
}

#[test]
fn many_records_at_once_are_one_notification() {
    let owner = workspace();
    let seller = user(&owner, "seller");
    let from = me(&owner);
    let items: Vec<Json> = (0..20).map(|n| json!({ "title": format!("D{n}") })).collect();
    owner.post("/deals/batch-create", json!({ "items": items })).ok();
    owner.post(&format!("/users/{from}/hand-over"), json!({ "to_user_id": me(&seller) })).ok();
    let all = list(&seller, "");
    assert_eq!(all.len(), 1);
    assert_eq!(
        [&all[0]["kind"], &all[0]["count"], &all[0]["resource"]],
        [&json!("handed_over"), &json!(20), &json!("deals")]
    );
}

#[test]
fn notifications_are_read_on_all_devices() {
    let owner = workspace();
    let seller = user(&owner, "seller");
    for n in 0..4 {
        owner.post("/tasks", json!({ "title": format!("T{n}"), "assignee_id": me(&seller) })).created();
    }
    let unread = || list(&seller, "&unread=true").len();
    assert_eq!(unread(), 4);
    let all = list(&seller, "&sort=created_at");
    let left = seller.post("/notifications/mark-read", json!({ "ids": [all[0]["id"]] })).ok();
    assert_eq!(left["unread"], 3);
    // Until the second, so the last two stay unread.
    let left = seller.post("/notifications/mark-read", json!({ "until": all[1]["created_at"] })).ok();
    assert_eq!(left["unread"], 2);
    assert_eq!(unread(), 2);
    // Those of others cannot be read or marked.
    assert_eq!(list(&owner, "").len(), 0);
    owner.post("/notifications/mark-read", json!({ "ids": [all[2]["id"]] })).ok();
    assert_eq!(unread(), 2);
    assert_eq!(seller.get("/my-day").ok()["unread_notifications"], 2);
    for body in [json!({}), json!({ "ids": [all[0]["id"]], "until": all[0]["created_at"] })] {
        seller.post("/notifications/mark-read", body).problem(422, "validation_failed");
    }
}

#[test]
fn a_muted_kind_is_not_told() {
    let owner = workspace();
    let seller = user(&owner, "seller");
    assert_eq!(seller.get("/notifications/preferences").ok(), json!({ "muted": [], "letters": [] }));
    seller.put("/notifications/preferences", json!({ "muted": ["assigned"], "letters": [] })).ok();
    assert_eq!(seller.get("/notifications/preferences").ok(), json!({ "muted": ["assigned"], "letters": [] }));
    owner.post("/tasks", json!({ "title": "T", "assignee_id": me(&seller) })).created();
    owner.post("/leads", json!({ "title": "L", "owner_id": me(&seller) })).created();
    assert_eq!(told(&seller), [("new_lead".to_owned(), json!("L"))]);
    seller
        .put("/notifications/preferences", json!({ "muted": ["everything"], "letters": [] }))
        .problem(422, "validation_failed");
}

#[test]
fn names_of_records_that_are_gone_are_not_shown() {
    let owner = workspace();
    let (clerk, clerk_id) = user_with(&owner, &[["tasks", "own", "own", "own", "own", "none"]], json!({}));
    let lead = id(&owner.post("/leads", json!({ "title": "Secret", "owner_id": clerk_id })).created());
    let task = id(&owner.post("/tasks", json!({ "title": "Call", "assignee_id": clerk_id })).created());
    assert_eq!(told(&clerk), [("new_lead".to_owned(), Json::Null), ("assigned".to_owned(), json!("Call"))]);
    owner.delete(&format!("/tasks/{task}")).gone();
    assert_eq!(told(&clerk)[1].1, Json::Null);
    owner.get(&format!("/leads/{lead}")).ok();
}

#[test]
fn a_reminder_is_told_once_by_many_workers() {
    let owner = workspace();
    let soon = |minutes: i64| (DateTime::now().utc() + chrono::Duration::minutes(minutes)).to_rfc3339();
    let reminders = json!([{ "minutes_before": 60, "at": null }, { "minutes_before": 30, "at": null }]);
    let body = json!({ "title": "Call", "due_at": soon(120), "reminders": reminders });
    let task = id(&owner.post("/tasks", body).created());
    sweep();
    assert_eq!(told(&owner), [], "an hour too early");
    // As if 61 and then 91 minutes had passed.
    let due = |minutes: i64| {
        sql(format!("update tasks set next_reminder_at = now() - interval '{minutes} minutes' where id = '{task}'"))
    };
    due(1);
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(sweep))));
    assert_eq!(told(&owner), [("reminder".to_owned(), json!("Call"))]);
    sweep();
    assert_eq!(told(&owner).len(), 1);
    // A completed task reminds nobody.
    owner.post(&format!("/tasks/{task}/complete"), json!({})).ok();
    due(2);
    sweep();
    assert_eq!(told(&owner).len(), 1);
    // A changed due time is reminded of again.
    let other = id(&owner
        .post("/tasks", json!({ "title": "Other", "due_at": soon(90), "reminders": [{ "minutes_before": 60 }] }))
        .created());
    owner.patch(&format!("/tasks/{other}"), json!({ "due_at": soon(600) })).ok();
    sql(format!("update tasks set next_reminder_at = next_reminder_at - interval '9 hours' where id = '{other}'"));
    sweep();
    assert_eq!(told(&owner).last().unwrap().1, "Other");
}

#[test]
fn owners_are_told_what_waits_and_what_rots() {
    let owner = workspace();
    let (new, quoted) = (stage(&owner, "lead", "New"), stage(&owner, "deal", "Quote sent"));
    owner.patch(&format!("/stages/{quoted}"), json!({ "rotting_days": 5 })).ok();
    let lead = id(&owner.post("/leads", json!({ "title": "Waiting", "stage_id": new })).created());
    let answered = id(&owner.post("/leads", json!({ "title": "Answered", "stage_id": new })).created());
    owner.post("/activities", json!({ "type": "call", "lead_id": answered })).created();
    let deal = id(&owner.post("/deals", json!({ "title": "Rotting", "stage_id": quoted })).created());
    let planned = id(&owner.post("/deals", json!({ "title": "Planned", "stage_id": quoted })).created());
    owner.post("/tasks", json!({ "title": "T", "deal_id": planned, "due_date": "2031-01-01" })).created();
    sweep();
    assert_eq!(told(&owner), []);
    for (table, record) in [("leads", &lead), ("leads", &answered)] {
        sql(format!("update {table} set created_at = created_at - interval '90 minutes' where id = '{record}'"));
    }
    for record in [&deal, &planned] {
        sql(format!("update deals set last_activity_at = now() - interval '125 hours' where id = '{record}'"));
    }
    sweep();
    sweep();
    let mut all = told(&owner);
    all.sort_by_key(|(kind, _)| kind.clone());
    assert_eq!(all, [("rotting".to_owned(), json!("Rotting")), ("unanswered".to_owned(), json!("Waiting"))]);
}

#[test]
fn notifications_are_filtered_as_lists_are() {
    let owner = workspace();
    let seller = user(&owner, "seller");
    let mine = |title: &str| json!({ "title": title, "assignee_id": me(&seller), "owner_id": me(&seller) });
    let body = |title: &str, member: &str| json!({ "title": title, member: mine(title)[member] });
    let task = id(&owner.post("/tasks", body("T", "assignee_id")).created());
    owner.post("/tasks", body("U", "assignee_id")).created();
    let lead = id(&owner.post("/leads", body("L", "owner_id")).created());
    let named = |query: &str| -> Vec<String> {
        list(&seller, query).iter().map(|one| one["record_name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(named(&format!("&record_id={task}")), ["T"]);
    assert_eq!(named("&record_kind=task&sort=created_at"), ["T", "U"]);
    assert_eq!(named("&record_kind=task,lead&kind=new_lead"), ["L"]);
    seller.post("/notifications/mark-read", json!({ "ids": [list(&seller, "&kind=new_lead")[0]["id"]] })).ok();
    assert_eq!(named(&format!("&unread=true&record_id={lead}")), [""; 0]);
    assert_eq!(named(&format!("&unread=false&record_id={lead}")), ["L"]);
    assert_eq!(list(&seller, "&kind=new_lead")[0]["record_kind"], "lead");
    seller.get("/notifications?record_kind=tasks").problem(400, "invalid_parameter");
    seller.get("/notifications?kind=news").problem(400, "invalid_parameter");
}

#[test]
fn the_person_who_imports_is_told_of_the_end() {
    let owner = workspace();
    let import = |dry_run: bool| {
        let import = id(&owner.upload("contacts", "people.csv", b"first_name\nAnn\n").created());
        let job = owner.post(&format!("/imports/{import}/run"), json!({ "dry_run": dry_run })).expect(202);
        crate::imports::finished(&owner, &id(&job));
        import
    };
    import(true);
    assert_eq!(list(&owner, "").len(), 0, "whoever tries an import waits for it");
    let done = import(false);
    let all = list(&owner, "");
    assert_eq!(all.len(), 1);
    assert_eq!([&all[0]["kind"], &all[0]["resource"], &all[0]["record_id"]], ["import_done", "imports", done.as_str()]);
}

#[test]
fn a_sign_in_with_a_new_browser_is_told() {
    let email = format!("{}@example.com", crate::support::unique("device"));
    let (owner, _) = crate::support::register(&email, "a-long-password");
    let sign_in = |agent: &str| {
        let body = json!({ "email": email, "password": "a-long-password" });
        Client::anonymous().with("User-Agent", agent).post("/auth/login", body).ok();
        list(&owner, "&kind=signed_in").len()
    };
    assert_eq!(list(&owner, "").len(), 0, "the first sign-in");
    assert_eq!(sign_in("Mozilla/5.0 (X11) Firefox/120.0"), 1);
    assert_eq!(sign_in("Mozilla/5.0 (X11) Firefox/121.0"), 1, "an update of the browser");
    assert_eq!(sign_in("Mozilla/5.0 (Phone) Firefox/121.0"), 2);
    let session = list(&owner, "&kind=signed_in")[0]["record_id"].clone();
    let sessions = owner.get("/auth/sessions").ok();
    assert!(sessions["data"].as_array().unwrap().iter().any(|one| one["id"] == session));
    // Another network.
    sql(format!("update sessions set address = '10.0.0.1' where user_id = '{}'", me(&owner)));
    assert_eq!(sign_in("Mozilla/5.0 (Phone) Firefox/121.0"), 3);
}

#[test]
fn a_script_cannot_read_or_mute_what_its_user_gets() {
    let owner = workspace();
    let script = key(&owner, &["contacts:read"]);
    script.get("/notifications").problem(403, "forbidden");
    script.post("/notifications/mark-read", json!({ "until": "2031-01-01T00:00:00Z" })).problem(403, "forbidden");
    script.put("/notifications/preferences", json!({ "muted": ["assigned"], "letters": [] })).problem(403, "forbidden");
}
