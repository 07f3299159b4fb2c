//! Tasks, activities, timelines, the event feed.
use crate::support::{id, user, workspace};
use serde_json::{Value as Json, json};

#[test]
fn a_record_shows_its_next_task() {
    let owner = workspace();
    let deal = owner.post("/deals", json!({ "title": "A" })).created();
    let path = format!("/deals/{}", id(&deal));
    let task = |body: Json| owner.post("/tasks", body).created();
    let late =
        task(json!({ "title": "Late", "type": "call", "deal_id": id(&deal), "due_at": "2020-01-01T10:00:00+02:00" }));
    assert_eq!(late["due_at"], "2020-01-01T08:00:00.000Z");
    let far = task(json!({ "title": "Far", "deal_id": id(&deal), "due_date": "2031-05-01" }));
    assert_eq!(far["due_end"], "2031-05-02T00:00:00.000Z");
    assert_eq!(
        owner.get(&path).ok()["next_task"],
        json!({ "id": late["id"], "due_at": "2020-01-01T08:00:00.000Z", "due_date": null, "state": "overdue" })
    );
    let done = owner.post(&format!("/tasks/{}/complete", id(&late)), json!({ "result": "Reached" })).ok();
    assert_eq!(done["status"], "done");
    assert_eq!(done["result"], "Reached");
    owner.post(&format!("/tasks/{}/complete", id(&late)), json!({})).problem(409, "already_completed");
    assert_eq!(owner.get(&path).ok()["next_task"]["state"], "planned");
    let moved = owner.patch(&format!("/tasks/{}", id(&far)), json!({ "due_at": "2021-01-01T00:00:00Z" })).ok();
    assert_eq!(moved["due_date"], Json::Null);
    assert_eq!(owner.get(&path).ok()["next_task"]["state"], "overdue");
    let overdue = owner.get("/deals?next_task_at__lt=2026-01-01T00:00:00Z&sort=next_task_at").ok();
    assert_eq!(overdue["data"].as_array().unwrap().len(), 1);
    owner.delete(&format!("/tasks/{}", id(&far))).gone();
    assert_eq!(owner.get(&path).ok()["next_task"], Json::Null);
    let today = owner.get("/analytics/forecast").header("date").to_owned();
    let today = chrono::DateTime::parse_from_rfc2822(&today).unwrap().format("%Y-%m-%d").to_string();
    task(json!({ "title": "Today", "deal_id": id(&deal), "due_date": today }));
    assert_eq!(owner.get(&path).ok()["next_task"]["state"], "today");
    let both = json!({ "title": "A", "due_at": "2031-01-01T00:00:00Z", "due_date": "2031-01-01" });
    owner.post("/tasks", both).problem(422, "validation_failed");
}

#[test]
fn days_end_in_the_time_zone_of_the_workspace() {
    let owner = workspace();
    owner.patch("/workspaces/current", json!({ "time_zone": "Europe/Tallinn" })).ok();
    std::thread::sleep(std::time::Duration::from_millis(2100)); // settings are reloaded every two seconds
    let task = owner.post("/tasks", json!({ "title": "A", "due_date": "2026-03-28" })).created();
    assert_eq!(task["due_end"], "2026-03-28T22:00:00.000Z");
    // The night in which daylight saving time begins.
    let task = owner.post("/tasks", json!({ "title": "A", "due_date": "2026-03-29" })).created();
    assert_eq!(task["due_end"], "2026-03-29T21:00:00.000Z");
    owner.patch("/workspaces/current", json!({ "time_zone": "Mars/X" })).problem(422, "validation_failed");
}

#[test]
fn one_timeline_is_in_order() {
    let owner = workspace();
    let contact = owner.post("/contacts", json!({ "first_name": "A" })).created();
    let of = id(&contact);
    let call = json!({ "type": "call", "direction": "outbound", "duration_seconds": 60, "outcome": "reached", "contact_id": of });
    owner.post("/activities", call).created();
    owner.post("/tasks", json!({ "title": "Send a quote", "contact_id": of })).created();
    owner.patch(&format!("/contacts/{of}"), json!({ "first_name": "B" })).ok();
    let timeline = owner.get(&format!("/contacts/{of}/timeline")).ok();
    let kinds: Vec<&str> = timeline["data"].as_array().unwrap().iter().map(|i| i["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["change", "task", "activity", "change"]);
    let change = &timeline["data"][0]["changes"][0];
    assert_eq!(change, &json!({ "member": "first_name", "before": "\"A\"", "after": "\"B\"" }));
    let (mut seen, mut path) = (0, format!("/contacts/{of}/timeline?limit=1"));
    while seen < 10 {
        let page = owner.get(&path).ok();
        seen += page["data"].as_array().unwrap().len();
        let Some(cursor) = page["page"]["next_cursor"].as_str() else { break };
        path = format!("/contacts/{of}/timeline?limit=1&cursor={cursor}");
    }
    assert_eq!(seen, 4);
    owner.post("/activities", json!({ "type": "note", "text": "x" })).problem(422, "validation_failed");
    owner.post("/activities", json!({ "type": "note", "contact_id": of })).problem(422, "validation_failed");
    owner
        .post("/activities", json!({ "type": "call", "contact_id": of, "recording_url": "file:///etc/passwd" }))
        .problem(422, "validation_failed");
}

#[test]
fn the_feed_can_be_followed() {
    let owner = workspace();
    let first = owner.get("/events?limit=500").ok();
    let cursor = first["page"]["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(owner.get(&format!("/events?cursor={cursor}")).ok()["data"], json!([]));
    let contact = owner.post("/contacts", json!({ "first_name": "A" })).created();
    let next = (0..50).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        let page = owner.get(&format!("/events?cursor={cursor}")).ok();
        (page["data"] != json!([])).then_some(page)
    });
    let event = next.expect("the event arrives")["data"][0].clone();
    assert_eq!(event["type"], "contact.created");
    assert_eq!(event["record_id"], contact["id"]);
    user(&owner, "viewer").get("/events").ok();
    owner.get("/events?cursor=abc").problem(400, "cursor_invalid");
}

#[test]
fn today_uses_the_time_zone_of_the_user() {
    let owner = workspace();
    owner.patch("/workspaces/current", json!({ "time_zone": "Pacific/Kiritimati" })).ok();
    let me = id(&owner.get("/me").ok()["user"]);
    let day = |zone: chrono_tz::Tz| {
        voronka::kernel::values::time::today(voronka::kernel::values::time::DateTime::now(), zone)
    };
    let far = day(chrono_tz::Pacific::Kiritimati);
    owner.post("/deals", json!({ "title": "D", "expected_close_date": far })).created();
    let today = || owner.get("/deals?expected_close_date=today").ok()["data"].as_array().unwrap().len();
    assert_eq!(today(), usize::from(day(chrono_tz::Pacific::Kiritimati) == far));
    // This time zone is always a day behind.
    owner.patch(&format!("/users/{me}"), json!({ "time_zone": "Pacific/Pago_Pago" })).ok();
    assert_eq!(today(), 0);
}
