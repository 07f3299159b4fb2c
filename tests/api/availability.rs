//! Working hours, holidays and absences, and when users are free.
use crate::support::{Client, id, user, workspace};
use serde_json::{Value as Json, json};

fn me(client: &Client) -> String {
    id(&client.get("/me").ok()["user"])
}

/// The slots of the first user: `["09:00-12:00", …]`, in UTC.
fn slots(answer: &Json, member: &str) -> Vec<String> {
    let time = |text: &Json| text.as_str().unwrap()[5..16].to_owned();
    let slots = answer["users"][0][member].as_array().unwrap();
    slots.iter().map(|slot| format!("{} {}", time(&slot["from"]), time(&slot["to"]))).collect()
}

/// 2031-03-03 is a Monday.
const MONDAY: &str = "from=2031-03-03T00:00:00Z&to=2031-03-04T00:00:00Z";

#[test]
fn free_times_are_working_times_without_tasks() {
    let owner = workspace();
    let answer = owner.get(&format!("/availability?{MONDAY}")).ok();
    assert_eq!(slots(&answer, "working"), ["03-03T09:00 03-03T18:00"], "by default");
    let task = |due: &str, minutes: Json| {
        let body = json!({ "title": "Visit", "due_at": due, "duration_minutes": minutes });
        id(&owner.post("/tasks", body).created())
    };
    task("2031-03-03T08:30:00Z", json!(60));
    let visit = task("2031-03-03T12:00:00Z", json!(30));
    task("2031-03-03T12:30:00Z", json!(30));
    task("2031-03-03T15:00:00Z", Json::Null);
    let answer = owner.get(&format!("/availability?{MONDAY}")).ok();
    assert_eq!(slots(&answer, "busy"), ["03-03T08:30 03-03T09:30", "03-03T12:00 03-03T13:00"]);
    assert_eq!(slots(&answer, "free"), ["03-03T09:30 03-03T12:00", "03-03T13:00 03-03T18:00"]);
    owner.post(&format!("/tasks/{visit}/complete"), json!({})).ok();
    let answer = owner.get(&format!("/availability?{MONDAY}")).ok();
    assert_eq!(slots(&answer, "busy"), ["03-03T08:30 03-03T09:30", "03-03T12:30 03-03T13:00"]);
}

#[test]
fn hours_holidays_and_absences_can_be_set() {
    let owner = workspace();
    let hours =
        json!([{ "weekday": 1, "from": "08:00", "to": "12:00" }, { "weekday": 1, "from": "13:00", "to": "17:00" }]);
    let changed =
        owner.patch("/workspaces/current", json!({ "working_hours": hours, "time_zone": "Europe/Tallinn" })).ok();
    assert_eq!(changed["working_hours"], hours);
    let seller = user(&owner, "seller");
    let path = format!("/users/{}", me(&seller));
    let of_seller = format!("/availability?{MONDAY}&user_id={}", me(&seller));
    assert_eq!(slots(&owner.get(&of_seller).ok(), "working"), ["03-03T06:00 03-03T10:00", "03-03T11:00 03-03T15:00"]);
    // A user can have own hours, and a zone of one's own.
    let own =
        json!({ "working_hours": [{ "weekday": 1, "from": "22:00", "to": "24:00" }], "time_zone": "Europe/Berlin" });
    owner.patch(&path, own).ok();
    assert_eq!(slots(&owner.get(&of_seller).ok(), "free"), ["03-03T21:00 03-03T23:00"]);
    owner.patch(&path, json!({ "absences": [{ "from": "2031-03-01", "to": "2031-03-03" }] })).ok();
    assert_eq!(slots(&owner.get(&of_seller).ok(), "free"), Vec::<String>::new());
    owner.patch(&path, json!({ "absences": [], "working_hours": null })).ok();
    owner.patch("/workspaces/current", json!({ "holidays": [{ "date": "2031-03-03", "name": "Fair" }] })).ok();
    assert_eq!(slots(&owner.get(&of_seller).ok(), "working"), Vec::<String>::new());
    for (path, body, pointer) in [
        (
            "/workspaces/current",
            json!({ "working_hours": [{ "weekday": 8, "from": "09:00", "to": "10:00" }] }),
            "/working_hours/0/weekday",
        ),
        (
            "/workspaces/current",
            json!({ "working_hours": [{ "weekday": 1, "from": "9:00", "to": "10:00" }] }),
            "/working_hours/0/from",
        ),
        (
            "/workspaces/current",
            json!({ "working_hours": [{ "weekday": 1, "from": "11:00", "to": "10:00" }] }),
            "/working_hours/0/to",
        ),
        (path.as_str(), json!({ "absences": [{ "from": "2031-03-03", "to": "2031-03-01" }] }), "/absences/0/to"),
    ] {
        let refused = owner.patch(path, body.clone()).problem(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}");
    }
}

#[test]
fn a_team_is_asked_together() {
    let owner = workspace();
    let team = id(&owner.post("/teams", json!({ "name": "East" })).created());
    let below = id(&owner.post("/teams", json!({ "name": "North", "parent_id": team })).created());
    let (one, other) = (user(&owner, "seller"), user(&owner, "seller"));
    owner.patch(&format!("/users/{}", me(&one)), json!({ "team_id": team })).ok();
    owner.patch(&format!("/users/{}", me(&other)), json!({ "team_id": below })).ok();
    let answer = owner.get(&format!("/availability?{MONDAY}&team_id={team}"));
    assert!(answer.statements() <= 6, "{}", answer.statements());
    assert_eq!(answer.ok()["users"].as_array().unwrap().len(), 2);
    for (query, parameter) in [
        ("to=2031-03-04", "from"),
        ("from=2031-03-04", "to"),
        ("from=2031-03-04&to=2031-03-03", "to"),
        ("from=2031-01-01&to=2031-06-01", "to"),
        ("from=monday&to=2031-06-01", "from"),
        ("from=2031-03-03&to=2031-03-04&user_id=x", "user_id"),
        ("from=2031-03-03&to=2031-03-04&user_id=01a21f8e-f569-711b-b916-49484df7b903", "user_id"),
        ("from=2031-03-03&to=2031-03-04&team_id=01a21f8e-f569-711b-b916-49484df7b903", "team_id"),
    ] {
        let refused = owner.get(&format!("/availability?{query}")).problem(400, "invalid_parameter");
        assert_eq!(refused["errors"][0]["parameter"], parameter, "{query}");
    }
    let theirs = format!("/availability?{MONDAY}&user_id={}", me(&one));
    workspace().get(&theirs).problem(400, "invalid_parameter");
}
