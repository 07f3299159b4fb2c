//! Notifications by e-mail: at once or once a day, each once, and only what the reader may see and has not read.
use crate::attention::sql;
use crate::support::mail::{Email, await_email, emails_to};
use crate::support::{Client, bearer, id, login, server, unique, workspace};
use chrono::Duration;
use serde_json::{Value as Json, json};
use voronka::jobs::letters;
use voronka::kernel::values::time::DateTime;

const ONE: &str = "You have a new notification";
const TWO: &str = "You have 2 new notifications";

/// A user with an address.
struct Person {
    client: Client,
    id: String,
    email: String,
}

fn person(owner: &Client, letters: Json) -> Person {
    let email = format!("{}@example.com", unique("reader"));
    let body = json!({ "name": "Reader", "email": email, "role": "seller", "password": "a-long-password" });
    let id = id(&owner.post("/users", body).created());
    let client = bearer(&login(&email, "a-long-password").ok());
    client.put("/notifications/preferences", json!({ "muted": [], "letters": letters })).ok();
    Person { client, id, email }
}

fn assign(owner: &Client, to: &Person, title: &str) -> String {
    id(&owner.post("/tasks", json!({ "title": title, "assignee_id": to.id })).created())
}

/// Queues letters on four workers, as if a minute had passed.
fn send_at_once(to: &Person) {
    sql(format!("update notifications set created_at = created_at - interval '1 minute' where user_id = '{}'", to.id));
    let queue = || letters::queue_at_once(&server().db, DateTime::now()).unwrap();
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(queue))));
}

/// Waits until no letter of the user is waiting, and returns all that were sent.
fn sent(to: &Person) -> Vec<Email> {
    for _ in 0..400 {
        let jobs = to.client.get("/jobs?kind=notification_letter&status=queued,running").ok();
        if jobs["data"] == json!([]) {
            return emails_to(&to.email);
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("the letters are not sent");
}

#[test]
fn a_letter_is_sent_once_by_many_workers() {
    let owner = workspace();
    let reader = person(&owner, json!([{ "kind": "assigned", "when": "at_once" }]));
    assign(&owner, &reader, "Boat\n- New lead");
    letters::queue_at_once(&server().db, DateTime::now()).unwrap();
    assert_eq!(sent(&reader).len(), 0, "it can still be read");
    assign(&owner, &reader, "Oars");
    send_at_once(&reader);
    let letter = await_email(&reader.email, TWO, 1);
    assert!(letter.text.contains("- Is yours now: Boat - New lead (Owner)"), "{}", letter.text);
    assert!(letter.text.contains("- Is yours now: Oars (Owner)"), "{}", letter.text);
    assert!(letter.text.contains("https://app.example/notifications/preferences"), "{}", letter.text);
    assert!(letter.text.contains("Message-ID: <"), "{}", letter.text);
    send_at_once(&reader);
    assert_eq!(sent(&reader).len(), 1);
    // Kinds that were not asked for do not come by letter.
    owner.post("/leads", json!({ "title": "L", "owner_id": reader.id })).created();
    send_at_once(&reader);
    assert_eq!(sent(&reader).len(), 1);
    assert_eq!(reader.client.get("/notifications?unread=true").ok()["data"].as_array().unwrap().len(), 3);
}

#[test]
fn a_letter_leaves_out_what_was_read_or_is_not_wanted_any_more() {
    let owner = workspace();
    let all = json!([{ "kind": "assigned", "when": "at_once" }, { "kind": "new_lead", "when": "at_once" }]);
    let reader = person(&owner, all.clone());
    assign(&owner, &reader, "Read");
    let first = reader.client.get("/notifications").ok()["data"][0]["id"].clone();
    reader.client.post("/notifications/mark-read", json!({ "ids": [first] })).ok();
    send_at_once(&reader);
    assert_eq!(sent(&reader).len(), 0);
    owner.post("/leads", json!({ "title": "Unwanted", "owner_id": reader.id })).created();
    reader.client.put("/notifications/preferences", json!({ "muted": [], "letters": [] })).ok();
    send_at_once(&reader);
    assert_eq!(sent(&reader).len(), 0, "no letters any more");
    reader.client.put("/notifications/preferences", json!({ "muted": ["assigned"], "letters": all })).ok();
    assign(&owner, &reader, "Muted");
    owner.post("/leads", json!({ "title": "Wanted", "owner_id": reader.id })).created();
    send_at_once(&reader);
    let letter = await_email(&reader.email, ONE, 1);
    assert!(letter.text.contains("- New lead: Wanted") && !letter.text.contains("Muted"), "{}", letter.text);
}

#[test]
fn a_letter_shows_what_the_reader_may_see_when_it_is_sent() {
    let owner = workspace();
    let reader =
        person(&owner, json!([{ "kind": "assigned", "when": "at_once" }, { "kind": "new_lead", "when": "at_once" }]));
    let task = assign(&owner, &reader, "Deleted title");
    owner.delete(&format!("/tasks/{task}")).gone();
    owner.post("/leads", json!({ "title": "Hidden lead", "owner_id": reader.id })).created();
    let role = json!({ "key": unique("narrow"), "name": "Narrow", "grants": [] });
    let role = owner.post("/roles", role).created()["key"].clone();
    owner.patch(&format!("/users/{}", reader.id), json!({ "role": role })).ok();
    send_at_once(&reader);
    let letter = await_email(&reader.email, TWO, 1);
    assert!(!letter.text.contains("Deleted title") && !letter.text.contains("Hidden lead"), "{}", letter.text);
    assert!(!letter.text.contains("(Owner)"), "the role may not read users: {}", letter.text);
}

#[test]
fn only_active_users_with_their_own_address_get_letters() {
    let owner = workspace();
    let letters = json!([{ "kind": "assigned", "when": "at_once" }]);
    // The address belongs to another login; this one has not proven to hold it.
    let holder = person(&owner, letters.clone());
    let other = workspace();
    let body = json!({ "name": "Namesake", "email": holder.email, "role": "seller", "password": "other-password" });
    let namesake = id(&other.post("/users", body).created());
    let client = bearer(&login(&holder.email, "other-password").ok());
    client.put("/notifications/preferences", json!({ "muted": [], "letters": letters })).ok();
    let namesake = Person { client, id: namesake, email: holder.email.clone() };
    assign(&other, &namesake, "Not theirs");
    send_at_once(&namesake);
    sent(&namesake);
    let told = emails_to(&holder.email);
    assert!(told.iter().all(|letter| letter.subject != ONE), "{told:?}");
    // A user who was suspended after the change.
    let leaver = person(&owner, letters);
    assign(&owner, &leaver, "Late");
    owner.patch(&format!("/users/{}", leaver.id), json!({ "status": "suspended" })).ok();
    send_at_once(&leaver);
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert!(emails_to(&leaver.email).iter().all(|letter| letter.subject != ONE));
}

/// The last minute of a day from today on, when the reader of the next test works.
fn last_minute(ahead: i64) -> DateTime {
    let day = DateTime::now().utc().date_naive() + Duration::days(ahead);
    format!("{day}T23:59:30Z").parse().unwrap()
}

#[test]
fn a_daily_letter_collects_the_notifications_of_a_day() {
    let owner = workspace();
    let reader = person(&owner, json!([{ "kind": "assigned", "when": "daily" }]));
    let hours: Vec<Json> =
        (1..=7).map(|weekday| json!({ "weekday": weekday, "from": "23:59", "to": "24:00" })).collect();
    owner.patch(&format!("/users/{}", reader.id), json!({ "working_hours": hours })).ok();
    let queue = |now: DateTime| {
        std::thread::scope(|scope| {
            (0..4).for_each(|_| drop(scope.spawn(|| letters::queue_digests(&server().db, now).unwrap())));
        });
        sent(&reader).len()
    };
    assign(&owner, &reader, "One");
    assign(&owner, &reader, "Two");
    send_at_once(&reader);
    assert_eq!(sent(&reader).len(), 0, "the letter comes once a day");
    assert_eq!(queue(last_minute(1).plus(-Duration::hours(1))), 0, "before work");
    assert_eq!(queue(last_minute(1)), 1);
    let letter = await_email(&reader.email, TWO, 1);
    assert!(letter.text.contains("One") && letter.text.contains("Two"), "{}", letter.text);
    assign(&owner, &reader, "Three");
    assert_eq!(queue(last_minute(1)), 1, "one letter a day");
    assert_eq!(queue(last_minute(2)), 2);
    await_email(&reader.email, ONE, 1);
    assert_eq!(queue(last_minute(3)), 2, "no letter without news");
}

#[test]
fn letters_are_preferences_of_a_kind() {
    let owner = workspace();
    let set = |body: Json| owner.put("/notifications/preferences", body);
    let wanted = json!({ "muted": ["rotting"], "letters": [
        { "kind": "assigned", "when": "daily" }, { "kind": "signed_in", "when": "at_once" }] });
    assert_eq!(set(wanted.clone()).ok(), wanted);
    assert_eq!(owner.get("/notifications/preferences").ok(), wanted);
    set(json!({ "muted": [] })).problem(422, "validation_failed");
    let nothing = json!({ "muted": [], "letters": [] });
    assert_eq!(set(nothing.clone()).ok(), nothing);
    let twice = json!([{ "kind": "assigned", "when": "daily" }, { "kind": "assigned", "when": "at_once" }]);
    set(json!({ "muted": [], "letters": twice })).problem(422, "validation_failed");
    set(json!({ "muted": [], "letters": [{ "kind": "assigned", "when": "hourly" }] }))
        .problem(422, "validation_failed");
}
