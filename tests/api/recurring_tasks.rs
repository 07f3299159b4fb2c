//! Duration, place and reminders of tasks; series of tasks that repeat; reopened tasks.
use crate::support::{Client, id, workspace};
use serde_json::{Value as Json, json};
use voronka::kernel::values::time::DateTime;

fn task(owner: &Client, body: Json) -> Json {
    owner.post("/tasks", body).created()
}

fn complete(owner: &Client, task: &Json) -> Json {
    owner.post(&format!("/tasks/{}/complete", id(task)), json!({})).ok()
}

/// The task that followed a completed one.
fn follower(owner: &Client, completed: &Json) -> Json {
    owner.get(&format!("/tasks/{}", completed["next_instance_id"].as_str().unwrap())).ok()
}

fn day(days: i64) -> String {
    (DateTime::now().utc() + chrono::Duration::days(days)).date_naive().to_string()
}

#[test]
fn a_task_has_a_duration_a_place_and_reminders() {
    let owner = workspace();
    let reminders =
        json!([{ "minutes_before": 30, "at": null }, { "minutes_before": null, "at": "2031-01-01T08:00:00.000Z" }]);
    let body = json!({ "title": "Visit", "type": "visit", "due_at": "2031-01-01T10:00:00Z", "duration_minutes": 90,
        "place": "Harbour 1", "reminders": reminders });
    let made = task(&owner, body);
    assert_eq!(
        [&made["duration_minutes"], &made["place"], &made["reminders"]],
        [&json!(90), &json!("Harbour 1"), &reminders]
    );
    let path = format!("/tasks/{}", id(&made));
    let changed = owner.patch(&path, json!({ "place": null, "reminders": [] })).ok();
    assert_eq!([&changed["place"], &changed["reminders"]], [&Json::Null, &json!([])]);
    let due = json!("2031-01-01T10:00:00Z");
    for (body, pointer, code) in [
        (json!({ "title": "T", "due_at": due, "duration_minutes": 0 }), "/duration_minutes", "out_of_range"),
        (json!({ "title": "T", "due_at": due, "reminders": [{}] }), "/reminders/0", "invalid"),
        (
            json!({ "title": "T", "due_at": due, "reminders": [{ "minutes_before": 5, "at": due }] }),
            "/reminders/0",
            "invalid",
        ),
        (json!({ "title": "T", "reminders": [{ "minutes_before": 5 }] }), "/reminders/0/minutes_before", "required"),
        (json!({ "title": "T", "recurrence": "FREQ=DAILY" }), "/recurrence", "required"),
        (json!({ "title": "T", "due_at": due, "recurrence": "FREQ=HOURLY" }), "/recurrence", "invalid_format"),
        (json!({ "title": "T", "due_at": due, "recurrence": "every day" }), "/recurrence", "invalid_format"),
    ] {
        let refused = owner.post("/tasks", body.clone()).problem(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}");
        assert_eq!(refused["errors"][0]["code"], code, "{body}");
    }
    let refused = owner.patch(&path, json!({ "recurrence": "x" })).problem(422, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/recurrence");
    let undated = format!("/tasks/{}", id(&task(&owner, json!({ "title": "T" }))));
    let refused = owner.patch(&undated, json!({ "recurrence": "FREQ=DAILY" })).problem(422, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/recurrence");
}

#[test]
fn a_completed_task_is_followed_by_the_next_one() {
    let owner = workspace();
    let lead = id(&owner.post("/leads", json!({ "title": "Boat" })).created());
    let reminders =
        json!([{ "minutes_before": 60, "at": null }, { "minutes_before": null, "at": "2031-03-03T07:00:00.000Z" }]);
    let first = task(
        &owner,
        json!({ "title": "Call", "type": "call", "lead_id": lead, "due_at": "2031-03-03T09:00:00Z", "duration_minutes": 15,
            "recurrence": "FREQ=WEEKLY;BYDAY=MO,TH;COUNT=3", "recurrence_exceptions": ["2031-03-06"], "reminders": reminders }),
    );
    assert_eq!([&first["series_id"], &first["occurrence"]], [&first["id"], &json!(1)]);
    let done = complete(&owner, &first);
    let second = follower(&owner, &done);
    // Thursday the 6th is left out.
    assert_eq!(second["due_at"], "2031-03-10T09:00:00.000Z");
    for member in ["title", "type", "lead_id", "duration_minutes", "recurrence", "series_id", "assignee_id"] {
        assert_eq!(second[member], first[member], "{member}");
    }
    assert_eq!([&second["occurrence"], &second["status"]], [&json!(2), &json!("open")]);
    assert_eq!(second["reminders"], json!([reminders[0]]), "an instant does not repeat");
    assert_eq!(owner.get(&format!("/leads/{lead}")).ok()["next_task"]["id"], second["id"]);
    // An instance that was moved does not move the others.
    let second = owner.patch(&format!("/tasks/{}", id(&second)), json!({ "due_at": "2031-03-11T15:00:00Z" })).ok();
    let third = follower(&owner, &complete(&owner, &second));
    assert_eq!(third["due_at"], "2031-03-13T09:00:00.000Z");
    let last = complete(&owner, &third);
    assert_eq!(last["next_instance_id"], Json::Null, "the third of three");
    let series = owner.get(&format!("/tasks?series_id={}&sort=due_end", id(&first))).ok();
    assert_eq!(series["data"].as_array().unwrap().len(), 3);
}

#[test]
fn missed_times_are_left_out() {
    let owner = workspace();
    let first = task(&owner, json!({ "title": "Weekly", "due_date": day(-22), "recurrence": "FREQ=WEEKLY" }));
    assert_eq!(follower(&owner, &complete(&owner, &first))["due_date"], json!(day(6)), "four weeks after");
    // One that is due today is not too late.
    let first = task(&owner, json!({ "title": "Weekly", "due_date": day(-7), "recurrence": "FREQ=WEEKLY" }));
    assert_eq!(follower(&owner, &complete(&owner, &first))["due_date"], json!(day(0)));
    // Counted from the completion.
    let body = json!({ "title": "Water", "due_date": day(-22), "recurrence": "FREQ=DAILY;INTERVAL=10", "recurrence_from": "completion" });
    let first = task(&owner, body);
    assert_eq!(follower(&owner, &complete(&owner, &first))["due_date"], json!(day(10)));
}

#[test]
fn a_series_can_change_and_end() {
    let owner = workspace();
    let first = task(&owner, json!({ "title": "T", "due_at": "2031-03-03T09:00:00Z", "recurrence": "FREQ=DAILY" }));
    let second = follower(&owner, &complete(&owner, &first));
    // A new rule begins with the task that gets it.
    let path = format!("/tasks/{}", id(&second));
    let changed = owner.patch(&path, json!({ "recurrence": "FREQ=MONTHLY;COUNT=2" })).ok();
    assert_eq!([&changed["occurrence"], &changed["series_id"]], [&json!(1), &first["id"]]);
    let third = follower(&owner, &complete(&owner, &second));
    assert_eq!(third["due_at"], "2031-04-04T09:00:00.000Z");
    let ended = owner.patch(&format!("/tasks/{}", id(&third)), json!({ "recurrence": null })).ok();
    assert_eq!(ended["recurrence"], Json::Null);
    assert_eq!(complete(&owner, &third)["next_instance_id"], Json::Null);
}

#[test]
fn a_completed_task_can_be_reopened() {
    let owner = workspace();
    let first = task(&owner, json!({ "title": "T", "due_at": "2031-03-03T09:00:00Z", "recurrence": "FREQ=DAILY" }));
    let reopen = |task: &Json| owner.post(&format!("/tasks/{}/reopen", id(task)), json!({}));
    reopen(&first).problem(409, "not_completed");
    let done = complete(&owner, &first);
    let open = reopen(&first).ok();
    assert_eq!(
        [&open["status"], &open["completed_at"], &open["next_instance_id"]],
        [&json!("open"), &Json::Null, &Json::Null]
    );
    owner.get(&format!("/tasks/{}", done["next_instance_id"].as_str().unwrap())).problem(404, "not_found");
    // Completed again, it is followed again.
    let second = follower(&owner, &complete(&owner, &first));
    owner.patch(&format!("/tasks/{}", id(&second)), json!({ "title": "Changed" })).ok();
    let open = reopen(&first).ok();
    assert_eq!(open["recurrence"], Json::Null, "the series goes on with the changed task");
    owner.get(&format!("/tasks/{}", id(&second))).ok();
    owner
        .with("If-Match", "\"1\"")
        .post(&format!("/tasks/{}/reopen", id(&first)), json!({}))
        .problem(412, "version_conflict");
}

/// The clocks in Berlin go forward on 2031-03-30.
#[test]
fn the_time_of_day_is_kept_across_a_change_of_the_clocks() {
    let owner = workspace();
    owner.patch("/workspaces/current", json!({ "time_zone": "Europe/Berlin" })).ok();
    let first = task(&owner, json!({ "title": "T", "due_at": "2031-03-29T08:00:00Z", "recurrence": "FREQ=DAILY" }));
    let second = follower(&owner, &complete(&owner, &first));
    assert_eq!(second["due_at"], "2031-03-30T07:00:00.000Z", "nine o'clock on both days");
}

#[test]
fn a_completion_sent_twice_is_followed_once() {
    let owner = workspace();
    let first = task(&owner, json!({ "title": "T", "due_at": "2031-03-03T09:00:00Z", "recurrence": "FREQ=DAILY" }));
    let path = format!("/tasks/{}/complete", id(&first));
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let send = || owner.post(&path, json!({})).status;
        let sent: Vec<_> = (0..8).map(|_| scope.spawn(send)).collect();
        sent.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    assert_eq!(owner.get(&format!("/tasks?series_id={}", id(&first))).ok()["data"].as_array().unwrap().len(), 2);
}

#[test]
fn an_unchanged_rule_does_not_begin_a_new_series() {
    let owner = workspace();
    let first = task(&owner, json!({ "title": "T", "due_date": "2031-03-03", "recurrence": "FREQ=DAILY;COUNT=3" }));
    let second = follower(&owner, &complete(&owner, &first));
    let path = format!("/tasks/{}", id(&second));
    let sent_back = owner.patch(&path, owner.get(&path).ok()).ok();
    assert_eq!([&sent_back["occurrence"], &sent_back["version"]], [&json!(2), &json!(1)]);
    // A moved task that is sent back stays a moved one.
    let weekly = task(&owner, json!({ "title": "W", "due_at": "2031-03-03T14:00:00Z", "recurrence": "FREQ=WEEKLY" }));
    let path = format!("/tasks/{}", id(&weekly));
    owner.patch(&path, json!({ "due_at": "2031-03-05T14:00:00Z" })).ok();
    owner.patch(&path, owner.get(&path).ok()).ok();
    assert_eq!(follower(&owner, &complete(&owner, &weekly))["due_at"], "2031-03-10T14:00:00.000Z");
    // An all-day series whose task gets a time goes on at that time.
    let day = task(&owner, json!({ "title": "D", "due_date": "2031-03-03", "recurrence": "FREQ=WEEKLY" }));
    owner.patch(&format!("/tasks/{}", id(&day)), json!({ "due_at": "2031-03-03T14:00:00Z" })).ok();
    let second = follower(&owner, &complete(&owner, &day));
    assert_eq!(second["due_at"], "2031-03-10T14:00:00.000Z");
    assert_eq!(follower(&owner, &complete(&owner, &second))["due_at"], "2031-03-17T14:00:00.000Z", "and stays there");
}

#[test]
fn rules_that_fit_no_day_are_refused() {
    let owner = workspace();
    for rule in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYWEEKNO=3",
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "FREQ=MONTHLY;BYYEARDAY=100",
        "FREQ=WEEKLY;BYDAY=2MO",
        "FREQ=DAILY;UNTIL=20310101",
    ] {
        let body = json!({ "title": "T", "due_date": "2031-03-03", "recurrence": rule });
        let refused = owner.post("/tasks", body).problem(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], "/recurrence", "{rule}");
    }
    // A series ends before the years that dates cannot show.
    let last = task(&owner, json!({ "title": "T", "due_date": "9998-06-01", "recurrence": "FREQ=YEARLY" }));
    assert_eq!(complete(&owner, &last)["next_instance_id"], Json::Null);
    let undated = task(&owner, json!({ "title": "T" }));
    let path = format!("/tasks/{}", id(&undated));
    let refused =
        owner.patch(&path, json!({ "reminders": [{ "minutes_before": 5 }] })).problem(422, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/reminders/0/minutes_before");
}

#[test]
fn an_all_day_series_survives_a_new_time_zone() {
    let owner = workspace();
    let monday = task(&owner, json!({ "title": "T", "due_date": "2031-03-03", "recurrence": "FREQ=WEEKLY" }));
    owner.patch("/workspaces/current", json!({ "time_zone": "America/New_York" })).ok();
    assert_eq!(follower(&owner, &complete(&owner, &monday))["due_date"], "2031-03-10");
}

#[test]
fn a_series_is_neither_doubled_nor_lost() {
    let owner = workspace();
    let series =
        |title: &str| task(&owner, json!({ "title": title, "due_date": "2031-03-03", "recurrence": "FREQ=DAILY" }));
    let reopen = |task: &Json| owner.post(&format!("/tasks/{}/reopen", id(task)), json!({})).ok();
    // The next task was deleted by the reopening, and is restored: it is no part of the series any more.
    let first = series("restored");
    let next = complete(&owner, &first)["next_instance_id"].as_str().unwrap().to_owned();
    assert_eq!(reopen(&first)["recurrence"], "FREQ=DAILY");
    let restored = owner.post(&format!("/tasks/{next}/restore"), json!({})).ok();
    assert_eq!(restored["recurrence"], Json::Null);
    // The next task was deleted by hand: the series goes on with the reopened one.
    let first = series("deleted");
    let next = complete(&owner, &first)["next_instance_id"].as_str().unwrap().to_owned();
    owner.delete(&format!("/tasks/{next}")).gone();
    let restored = owner.post(&format!("/tasks/{next}/restore"), json!({})).ok();
    assert_eq!(restored["recurrence"], "FREQ=DAILY", "nothing replaces it");
    owner.delete(&format!("/tasks/{next}")).gone();
    assert_eq!(reopen(&first)["recurrence"], "FREQ=DAILY");
}
