//! The calendar feed: what calendar programs read without a token, and who can end it.
use crate::attention::sql;
use crate::support::server::server;
use crate::support::{Answer, Client, id, key, user, user_with, workspace};
use chrono::{Datelike, Duration, NaiveDate};
use serde_json::{Value as Json, json};
use voronka::kernel::values::time::DateTime;

fn me(client: &Client) -> String {
    id(&client.get("/me").ok()["user"])
}

/// Creates a feed and returns its path below `/api/v1`.
fn feed(client: &Client) -> String {
    let made = client.post("/me/calendar-feed", json!({})).created();
    made["path"].as_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned()
}

fn read(path: &str) -> String {
    let answer = Client::anonymous().get(path);
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text
}

/// The lines of the events in a calendar, unfolded, by the title of the event.
fn event(calendar: &str, title: &str) -> Vec<String> {
    let unfolded = calendar.replace("\r\n ", "");
    let summary = format!("SUMMARY:{title}");
    let mut events =
        unfolded.split("BEGIN:VEVENT\r\n").skip(1).map(|event| event.split("\r\nEND:VEVENT\r\n").next().unwrap());
    let found = events.find(|event| event.split("\r\n").any(|line| line == summary));
    let found = found.unwrap_or_else(|| panic!("no event {title} in {unfolded}"));
    found.split("\r\n").filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[track_caller]
fn has(event: &[String], lines: &[&str]) {
    for line in lines {
        assert!(event.iter().any(|one| one == line), "no {line} in {event:#?}");
    }
}

fn titles(calendar: &str) -> Vec<String> {
    let unfolded = calendar.replace("\r\n ", "");
    unfolded.split("\r\n").filter_map(|line| line.strip_prefix("SUMMARY:")).map(str::to_owned).collect()
}

/// A day near today, so that it is in the calendar.
fn day(ahead: i64) -> NaiveDate {
    DateTime::now().utc().date_naive() + Duration::days(ahead)
}

fn written(day: NaiveDate) -> String {
    day.format("%Y%m%d").to_string()
}

#[test]
fn tasks_and_absences_are_events() {
    let owner = workspace();
    let path = feed(&owner);
    let (first, second) = (day(10), day(11));
    let visit = id(&owner
        .post(
            "/tasks",
            json!({ "title": "Visit", "due_at": format!("{first}T09:30:00+02:00"), "duration_minutes": 90,
                "place": "Pier 3; left, blue", "notes": "Bring oars",
                "reminders": [{ "minutes_before": 30 }, { "at": format!("{first}T05:00:00Z") }] }),
        )
        .created());
    owner
        .post("/tasks", json!({ "title": "All day", "due_date": first, "reminders": [{ "minutes_before": -540 }] }))
        .created();
    owner.post("/tasks", json!({ "title": "Call", "due_at": format!("{first}T12:00:00Z") })).created();
    owner.post("/tasks", json!({ "title": "Some day" })).created();
    owner.patch(&format!("/users/{}", me(&owner)), json!({ "absences": [{ "from": first, "to": second }] })).ok();
    let calendar = read(&path);
    let (day, next) = (written(first), written(first.succ_opt().unwrap()));
    has(
        &event(&calendar, "Visit"),
        &[
            &format!("UID:{visit}"),
            &format!("DTSTART:{day}T073000Z"),
            &format!("DTEND:{day}T090000Z"),
            "LOCATION:Pier 3\\; left\\, blue",
            "DESCRIPTION:Bring oars",
            "STATUS:CONFIRMED",
            "TRANSP:OPAQUE",
            "SEQUENCE:0",
            "TRIGGER:-PT30M",
            &format!("TRIGGER;VALUE=DATE-TIME:{day}T050000Z"),
        ],
    );
    let all_day = event(&calendar, "All day");
    let dates = [format!("DTSTART;VALUE=DATE:{day}"), format!("DTEND;VALUE=DATE:{next}")];
    has(&all_day, &[&dates[0], &dates[1], "TRANSP:TRANSPARENT", "TRIGGER:PT540M"]);
    let call = event(&calendar, "Call");
    has(&call, &[&format!("DTSTART:{day}T120000Z"), "TRANSP:TRANSPARENT"]);
    assert!(!call.iter().any(|line| line.starts_with("DTEND")), "{call:?}");
    let absent = event(&calendar, "Absent");
    let end = format!("DTEND;VALUE=DATE:{}", written(second.succ_opt().unwrap()));
    has(&absent, &[&dates[0], &end, "TRANSP:OPAQUE"]);
    assert!(!titles(&calendar).contains(&"Some day".to_owned()), "a task without a time");
    // A change keeps the identity.
    owner.patch(&format!("/tasks/{visit}"), json!({ "title": "Visit Bo" })).ok();
    has(&event(&read(&path), "Visit Bo"), &[&format!("UID:{visit}"), "SEQUENCE:1"]);
    owner.post(&format!("/tasks/{visit}/complete"), json!({})).ok();
    let done = event(&read(&path), "✓ Visit Bo");
    has(&done, &[&format!("UID:{visit}"), "SEQUENCE:2", "TRANSP:TRANSPARENT"]);
    assert!(!done.iter().any(|line| line.starts_with("TRIGGER")), "a completed task reminds nobody");
    owner.delete(&format!("/tasks/{visit}")).gone();
    assert!(!titles(&read(&path)).contains(&"✓ Visit Bo".to_owned()));
}

#[test]
fn texts_cannot_add_lines_or_events() {
    let owner = workspace();
    let path = feed(&owner);
    let title = format!("{}🚀, a; b\\c \"d\"", "ж".repeat(31));
    let notes = "one\r\nEND:VEVENT\nBEGIN:VEVENT\nSUMMARY:False\ttab";
    owner.post("/tasks", json!({ "title": title, "notes": notes, "due_date": day(3) })).created();
    let calendar = read(&path);
    assert!(calendar.ends_with("END:VCALENDAR\r\n"));
    assert!(calendar.split("\r\n").all(|line| line.len() <= 75 && !line.contains(['\n', '\r'])), "{calendar}");
    assert_eq!(calendar.matches("BEGIN:VEVENT\r\n").count(), 1, "{calendar}");
    let escaped = title.replace('\\', "\\\\").replace(',', "\\,").replace(';', "\\;");
    let found = event(&calendar, &escaped);
    has(&found, &["DESCRIPTION:one\\nEND:VEVENT\\nBEGIN:VEVENT\\nSUMMARY:False\ttab"]);
}

/// The Sunday on which clocks go forward in Europe.
fn clock_change() -> NaiveDate {
    let today = day(0);
    let last = |year| NaiveDate::from_ymd_opt(year, 3, 31).unwrap();
    let sunday = |day: NaiveDate| day - Duration::days(day.weekday().num_days_from_sunday().into());
    let this = sunday(last(today.year()));
    if this > today { this } else { sunday(last(today.year() + 1)) }
}

#[test]
fn a_change_of_the_clocks_moves_nothing() {
    let owner = workspace();
    owner.patch("/workspaces/current", json!({ "time_zone": "Europe/Tallinn" })).ok();
    let path = feed(&owner);
    let change = clock_change();
    let body = json!({ "title": "Night", "due_at": format!("{change}T02:30:00+02:00"), "duration_minutes": 120 });
    owner.post("/tasks", body).created();
    owner.post("/tasks", json!({ "title": "Sunday", "due_date": change })).created();
    let body = json!({ "title": "Daily", "due_at": format!("{}T09:00:00+02:00", change.pred_opt().unwrap()),
        "recurrence": "FREQ=DAILY" });
    let daily = id(&owner.post("/tasks", body).created());
    let (day, next) = (written(change), written(change.succ_opt().unwrap()));
    let calendar = read(&path);
    let lines = [format!("DTSTART:{day}T003000Z"), format!("DTEND:{day}T023000Z")];
    has(&event(&calendar, "Night"), &[&lines[0], &lines[1]]);
    let lines = [format!("DTSTART;VALUE=DATE:{day}"), format!("DTEND;VALUE=DATE:{next}")];
    has(&event(&calendar, "Sunday"), &[&lines[0], &lines[1]]);
    // The next task of the series is at nine o'clock too, and there is one of it at a time.
    assert_eq!(titles(&calendar).iter().filter(|title| *title == "Daily").count(), 1);
    assert!(!calendar.contains("RRULE"));
    owner.post(&format!("/tasks/{daily}/complete"), json!({})).ok();
    let calendar = read(&path);
    has(&event(&calendar, "Daily"), &[&format!("DTSTART:{day}T060000Z")]);
    has(&event(&calendar, "✓ Daily"), &[&format!("UID:{daily}")]);
}

#[test]
fn the_calendar_has_bounds() {
    let owner = workspace();
    let path = feed(&owner);
    for ahead in [-100, -80, 0, 390, 410] {
        owner.post("/tasks", json!({ "title": format!("D{ahead}"), "due_date": day(ahead) })).created();
    }
    assert_eq!(titles(&read(&path)), ["D-80", "D0", "D390"]);
    let items: Vec<Json> = (0..1000).map(|n| json!({ "title": format!("T{n}"), "due_date": day(1) })).collect();
    for _ in 0..2 {
        owner.post("/tasks/batch-create", json!({ "items": items })).ok();
    }
    let answer = Client::anonymous().get(&path);
    assert_eq!(titles(&answer.text).len(), 2000);
    assert!(answer.statements() < 12, "{}", answer.statements());
}

#[test]
fn names_of_records_follow_the_role_of_the_reader() {
    let owner = workspace();
    let hidden = json!({ "hidden_fields": [{ "resource": "contacts", "field": "email" }] });
    let grant = |resource, read| [resource, read, "own", "own", "own", "none"];
    let (clerk, clerk_id) = user_with(&owner, &[grant("tasks", "own"), grant("contacts", "all")], hidden);
    let contact = id(&owner.post("/contacts", json!({ "email": "bo@secret.example" })).created());
    let named = id(&owner.post("/contacts", json!({ "first_name": "Bo", "last_name": "Berg" })).created());
    let deal = id(&owner.post("/deals", json!({ "title": "Secret deal" })).created());
    for (title, contact) in [("Nameless", &contact), ("Named", &named)] {
        let body = json!({ "title": title, "assignee_id": clerk_id, "contact_id": contact, "deal_id": deal,
            "due_date": day(1) });
        owner.post("/tasks", body.clone()).created();
        let mut own = body;
        own["assignee_id"] = json!(me(&owner));
        owner.post("/tasks", own).created();
    }
    let (of_clerk, of_owner) = (feed(&clerk), feed(&owner));
    let calendar = read(&of_clerk);
    assert!(!calendar.contains("secret.example") && !calendar.contains("Secret deal"), "{calendar}");
    has(&event(&calendar, "Named"), &["DESCRIPTION:Contact: Bo Berg"]);
    has(&event(&read(&of_owner), "Nameless"), &["DESCRIPTION:Contact: bo@secret.example\\nDeal: Secret deal"]);
    // The role changes, and so does the calendar.
    owner.delete(&format!("/contacts/{named}")).gone();
    assert!(!read(&of_clerk).contains("Bo Berg"));
    let role = owner.get("/roles?limit=100").ok();
    let role = role["data"].as_array().unwrap().iter().find(|role| role["builtin"] == json!(false)).unwrap().clone();
    owner.patch(&format!("/roles/{}", id(&role)), json!({ "grants": [] })).ok();
    assert_eq!(titles(&read(&of_clerk)), [""; 0], "a role that may not read tasks");
}

#[test]
fn a_feed_is_of_one_user() {
    let owner = workspace();
    let seller = user(&owner, "seller");
    let task = |client: &Client, title: &str| {
        client.post("/tasks", json!({ "title": title, "due_date": day(1) })).created();
    };
    task(&owner, "Owner's");
    task(&seller, "Seller's");
    task(&workspace(), "Other's");
    let path = feed(&seller);
    assert_eq!(titles(&read(&path)), ["Seller's"]);
    // A suspended user has no feed any more, even when active again.
    let seller_id = me(&seller);
    owner.patch(&format!("/users/{seller_id}"), json!({ "status": "suspended" })).ok();
    Client::anonymous().get(&path).problem(404, "not_found");
    owner.patch(&format!("/users/{seller_id}"), json!({ "status": "active" })).ok();
    Client::anonymous().get(&path).problem(404, "not_found");
    // A user without access, whatever the way.
    let clerk = user(&owner, "viewer");
    let path = feed(&clerk);
    read(&path);
    sql(format!("update users set status = 'invited' where id = '{}'", me(&clerk)));
    Client::anonymous().get(&path).problem(404, "not_found");
}

#[test]
fn the_path_is_shown_once_and_can_be_replaced() {
    let owner = workspace();
    let none = json!({ "active": false, "created_at": null, "last_read_at": null });
    assert_eq!(owner.get("/me/calendar-feed").ok(), none);
    owner.delete("/me/calendar-feed").gone();
    let made = owner.post("/me/calendar-feed", json!({}));
    assert_eq!(made.header("cache-control"), "no-store");
    let first = made.created()["path"].as_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    let state = owner.get("/me/calendar-feed");
    let secret = first.trim_start_matches("/calendar/").trim_end_matches(".ics").to_owned();
    assert!(!state.text.contains(&secret));
    assert_eq!([&state.json()["active"], &state.json()["last_read_at"]], [&json!(true), &Json::Null]);
    read(&first);
    assert!(owner.get("/me/calendar-feed").ok()["last_read_at"].is_string());
    let second = feed(&owner);
    Client::anonymous().get(&first).problem(404, "not_found");
    read(&second);
    owner.delete("/me/calendar-feed").gone();
    Client::anonymous().get(&second).problem(404, "not_found");
    for wrong in ["/calendar/x.ics", "/calendar/.ics", "/calendar/vcal_", "/calendar/%00.ics"] {
        Client::anonymous().get(wrong).problem(404, "not_found");
    }
    Client::anonymous().get(second.trim_end_matches(".ics")).problem(404, "not_found");
    let stored = server().db.run_blocking(move |conn| {
        use diesel::prelude::*;
        use voronka::schema::calendar_feeds::dsl::{calendar_feeds, hash};
        Ok(calendar_feeds.filter(hash.eq(secret.into_bytes())).count().get_result::<i64>(conn)?)
    });
    assert_eq!(stored.unwrap(), 0, "only hashes are stored");
    let log = owner.get("/audit-events?record_kind=user&sort=at").ok();
    let told: Vec<&str> = log["data"].as_array().unwrap().iter().map(|one| one["type"].as_str().unwrap()).collect();
    assert_eq!(told.iter().filter(|name| **name == "user.calendar_feed_created").count(), 2, "{told:?}");
    assert_eq!(told.iter().filter(|name| **name == "user.calendar_feed_ended").count(), 1, "{told:?}");
}

#[test]
fn an_api_key_cannot_create_or_end_a_feed() {
    let owner = workspace();
    let path = feed(&owner);
    let script = key(&owner, &["tasks:read", "tasks:write", "users:read"]);
    script.get("/me/calendar-feed").problem(403, "forbidden");
    script.post("/me/calendar-feed", json!({})).problem(403, "forbidden");
    script.delete("/me/calendar-feed").problem(403, "forbidden");
    read(&path);
}

#[test]
fn programs_ask_whether_something_changed() {
    let owner = workspace();
    owner
        .post("/tasks", json!({ "title": "Call", "due_date": day(1), "reminders": [{ "minutes_before": 10 }] }))
        .created();
    let path = feed(&owner);
    let asked = |client: &Client, method: &str| -> Answer { client.send(method, &path, None, "") };
    let first = asked(&Client::anonymous(), "GET");
    assert_eq!(first.header("content-type"), "text/calendar; charset=utf-8");
    assert_eq!(first.header("cache-control"), "private, no-cache");
    let known = Client::anonymous().with("If-None-Match", first.header("etag"));
    let again = asked(&known, "GET");
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    let head = asked(&Client::anonymous(), "HEAD");
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(head.header("etag"), first.header("etag"));
    asked(&Client::anonymous(), "POST").problem(405, "method_not_allowed");
    owner.post("/tasks", json!({ "title": "Other", "due_date": day(1) })).created();
    assert_eq!(asked(&known, "GET").status, 200);
    // A token that is sent along changes nothing.
    let seller = user(&owner, "seller");
    assert_eq!(titles(&asked(&seller, "GET").text), titles(&asked(&Client::anonymous(), "GET").text));
}
