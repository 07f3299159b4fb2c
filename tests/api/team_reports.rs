//! Reports about the work of users: activity, first response, attention, velocity, and the dashboard.
use crate::report_figures::{deal, go, reason};
use crate::support::{Client, id, user, user_with, workspace};
use serde_json::{Value as Json, json};

fn total(owner: &Client, list: &Json) -> i64 {
    let path = list.as_str().unwrap().strip_prefix("/api/v1").unwrap();
    owner.get(&format!("{path}&include_total=true&limit=1")).ok()["page"]["total"].as_i64().unwrap()
}

fn log(client: &Client, kind: &str, more: Json) {
    let mut body = json!({ "type": kind, "text": "x", "occurred_at": "2026-03-10T10:00:00Z" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    client.post("/activities", body).created();
}

#[test]
fn activity_counts_what_users_did() {
    let owner = workspace();
    let seller = user(&owner, "seller");
    let me = |client: &Client| id(&client.get("/me").ok()["user"]);
    let contact = id(&seller.post("/contacts", json!({ "first_name": "Ann" })).created());
    log(&owner, "call", json!({ "direction": "outbound", "duration_seconds": 60, "contact_id": contact }));
    log(&owner, "call", json!({ "direction": "outbound", "contact_id": contact }));
    log(&seller, "visit", json!({ "contact_id": contact }));
    log(&seller, "note", json!({ "contact_id": contact, "occurred_at": "2026-04-01T00:00:00Z" }));
    for (title, due) in [("late", "2026-03-01T10:00:00Z"), ("in time", "2126-03-01T10:00:00Z")] {
        let task = id(&seller.post("/tasks", json!({ "title": title, "due_at": due })).created());
        seller.post(&format!("/tasks/{task}/complete"), json!({})).ok();
    }
    seller.post("/tasks", json!({ "title": "overdue", "due_at": "2026-03-05T10:00:00Z" })).created();
    let report = owner.get("/analytics/activity?from=2026-03-01&to=2026-04-01&time_zone=UTC").ok();
    assert_eq!(report["definition_name"], "activity");
    let all = &report["groups"][0];
    assert_eq!(all["calls"], 2);
    assert_eq!(all["call_seconds"], 60);
    assert_eq!(all["visits"], 1);
    assert_eq!(all["notes"], 0, "the note is of April");
    assert_eq!(all["tasks_overdue"], 1);
    assert_eq!(total(&owner, &all["drill_down"]["calls"]), 2);
    let done = owner.get("/analytics/activity?period=today&group_by=user").ok()["groups"][0].clone();
    assert_eq!(done["key"], me(&seller));
    assert_eq!(done["tasks_done"], 2);
    assert_eq!(done["tasks_done_late"], 1);
    assert_eq!(total(&owner, &done["drill_down"]["tasks_done"]), 2);
    let months = owner.get("/analytics/activity?from=2026-02-01&to=2026-05-01&group_by=month&time_zone=UTC").ok();
    let calls: Vec<&Json> = months["groups"].as_array().unwrap().iter().map(|group| &group["calls"]).collect();
    assert_eq!(calls, [0, 2, 0], "months without calls are shown");
    let own = format!("user_id={}&from=2026-03-01&to=2026-04-01&compare=previous", me(&seller));
    let own = owner.get(&format!("/analytics/activity?{own}")).ok();
    assert_eq!(own["groups"][0]["calls"], 0);
    assert_eq!(own["groups"][0]["visits"], 1);
    assert_eq!(own["comparison"]["from"], "2026-02-01");
    owner.get("/analytics/activity?group_by=source").problem(400, "invalid_parameter");
    owner.get("/analytics/activity?user_id=x").problem(400, "invalid_parameter");
    owner.get("/analytics/activity?colour=red").problem(400, "unknown_parameter");
    let csv = owner.with("Accept", "text/csv").get("/analytics/activity?from=2026-03-01&to=2026-04-01&time_zone=UTC");
    assert!(csv.text.starts_with("key,label,calls,call_seconds,meetings"), "{}", csv.text);
}

#[test]
fn activity_counts_only_what_the_caller_sees() {
    let owner = workspace();
    let contact = id(&owner.post("/contacts", json!({ "first_name": "Ann" })).created());
    log(&owner, "call", json!({ "direction": "outbound", "contact_id": contact }));
    let (blind, _) = user_with(&owner, &[["analytics", "all", "none", "none", "none", "none"]], json!({}));
    let seen = blind.get("/analytics/activity?from=2026-03-01&to=2026-04-01").ok();
    assert_eq!(seen["groups"][0]["calls"], 0);
    blind.get("/analytics/activity?group_by=user").problem(403, "forbidden");
    blind.get(&format!("/analytics/activity?team_id={}", uuid::Uuid::nil())).problem(403, "forbidden");
}

#[test]
fn first_response_is_measured_in_working_hours() {
    let owner = workspace();
    // Monday to Friday 9 to 18 in UTC; Monday, 9 March, is a holiday.
    let hours: Vec<Json> =
        (1..=5).map(|weekday| json!({ "weekday": weekday, "from": "09:00", "to": "18:00" })).collect();
    let body =
        json!({ "time_zone": "UTC", "working_hours": hours, "holidays": [{ "date": "2026-03-09", "name": "Rest" }] });
    owner.patch("/workspaces/current", body).ok();
    let csv = "id,title,opened\na,A,2026-03-06T17:00:00Z\nb,B,2026-03-10T10:00:00Z\nc,C,2026-03-10T11:00:00Z\n";
    let mapping = json!({ "mapping": [{ "column": "id", "field": "external_id" }, { "column": "title", "field": "title" },
        { "column": "opened", "field": "created_at" }] });
    crate::imports::import(&owner, "leads", csv, mapping);
    let lead = |title: &str| id(&owner.get(&format!("/leads?title={title}")).ok()["data"][0]);
    // On Friday one hour is left; Tuesday begins at 9: two working hours in 90 elapsed ones.
    for (title, at) in [("A", "2026-03-10T10:00:00Z"), ("B", "2026-03-10T10:30:00Z")] {
        log(&owner, "call", json!({ "direction": "outbound", "lead_id": lead(title), "occurred_at": at }));
    }
    let query = "from=2026-03-01&to=2026-04-01&time_zone=UTC";
    let report = owner.get(&format!("/analytics/first-response?{query}&target_minutes=60")).ok();
    let all = &report["groups"][0];
    assert_eq!([&all["leads"], &all["answered"], &all["waiting"]], [3, 2, 1].map(Json::from).each_ref());
    assert_eq!(all["within_target"], 1);
    assert_eq!(all["target_share"], 0.5);
    assert_eq!(all["working"]["mean_seconds"], 4_500.0, "two hours and half an hour");
    assert_eq!(all["elapsed"]["median_seconds"], 161_100.0, "89 hours and half an hour");
    for figure in ["leads", "answered", "waiting"] {
        assert_eq!(Json::from(total(&owner, &all["drill_down"][figure])), all[figure], "{figure}");
    }
    let days = owner.get(&format!("/analytics/first-response?{query}&group_by=day")).ok();
    assert_eq!(days["groups"].as_array().unwrap().len(), 31);
    assert_eq!(days["groups"][9]["leads"], 2);
    assert_eq!(total(&owner, &days["groups"][9]["drill_down"]["leads"]), 2);
    owner.get("/analytics/first-response?target_minutes=0").problem(400, "invalid_parameter");
    let deals = id(&owner.get("/pipelines?kind=deal").ok()["data"][0]);
    owner.get(&format!("/analytics/first-response?pipeline_id={deals}")).problem(400, "invalid_parameter");
}

#[test]
fn attention_and_dashboard_count_what_lists_show() {
    let owner = workspace();
    let me = id(&owner.get("/me").ok()["user"]);
    let why = reason(&owner);
    let won = deal(&owner, json!({ "value": { "amount": 40_000, "currency": "EUR" } }));
    go(&owner, &won, "win", json!({}));
    let lost = deal(&owner, json!({}));
    go(&owner, &lost, "lose", json!({ "loss_reason_id": why }));
    let late = json!({ "expected_close_date": "2026-01-31", "value": { "amount": 70_000, "currency": "EUR" } });
    deal(&owner, late);
    owner.post("/leads", json!({ "title": "L", "rating": "hot" })).created();
    for group in ["none", "owner", "team"] {
        let report = owner.get(&format!("/analytics/attention?group_by={group}")).ok();
        for one in report["groups"].as_array().unwrap().iter().flat_map(|group| group["figures"].as_array().unwrap()) {
            assert_eq!(Json::from(total(&owner, &one["drill_down"])), one["count"], "{one} by {group}");
        }
    }
    let board = owner.get(&format!("/analytics/dashboard?owner_id={me}")).ok();
    assert_eq!(board["win_rate"]["won"], 1);
    assert_eq!(board["win_rate"]["win_rate"], 0.5);
    assert_eq!(board["win_rate_before"]["closed"], 0);
    assert_eq!(board["funnel"]["open"], 1);
    assert_eq!(board["forecast"]["overdue"]["value"][0]["amount"], 70_000);
    assert_eq!(board["velocity"]["values"][0]["mean_won"], 40_000.0);
    let figure = |name: &str| {
        board["attention"].as_array().unwrap().iter().find(|one| one["figure"] == name).unwrap()["count"].clone()
    };
    assert_eq!(figure("past_close_deals"), 1);
    assert_eq!(figure("unanswered_leads"), 1);
    let mine = owner.get("/analytics/dashboard?owner_id=me").ok();
    assert_eq!(mine["win_rate"]["won"], 1);
    let first = owner.get("/analytics/dashboard?from=0001-01-01&to=0001-02-01").ok();
    assert_eq!(first["win_rate_before"], Json::Null);
    let nobody = uuid::Uuid::nil();
    let empty = owner.get(&format!("/analytics/dashboard?owner_id={nobody}&period=last_year")).ok();
    assert_eq!(empty["win_rate"]["closed"], 0);
    assert_eq!(empty["funnel"]["open"], 0);
    owner.get("/analytics/dashboard?group_by=owner").problem(400, "unknown_parameter");
    let wrong = owner.get("/analytics/dashboard?owner_id=x").problem(400, "invalid_parameter");
    assert_eq!(wrong["errors"][0]["parameter"], "owner_id");
}

#[test]
fn a_dashboard_takes_few_statements() {
    let owner = workspace();
    deal(&owner, json!({}));
    let statements = owner.get("/analytics/dashboard").statements();
    assert!(statements <= 30, "{statements} statements");
}

#[test]
fn a_hidden_value_is_in_no_list_query() {
    let owner = workspace();
    let won = deal(&owner, json!({}));
    go(&owner, &won, "win", json!({}));
    let hidden = json!({ "hidden_fields": [{ "resource": "deals", "field": "value" }] });
    let grants = ["analytics", "deals"].map(|resource| [resource, "all", "none", "none", "none", "none"]);
    let (blind, _) = user_with(&owner, &grants, hidden);
    for (client, shown) in [(&owner, true), (&blind, false)] {
        let lists = client.get("/analytics/win-rate").ok()["groups"][0]["drill_down"].clone();
        assert_eq!(lists["without_amount"].is_string(), shown, "{lists}");
        for list in lists.as_object().unwrap().values().filter(|list| list.is_string()) {
            assert_eq!(total(client, list), i64::from(list != &lists["lost"]), "{list}");
        }
    }
}
