//! What the card of a record shows: included records one step further, the timeline, pins, visits and call links.
use crate::support::{Client, id, user_with, workspace};
use serde_json::{Value as Json, json};

fn timeline(client: &Client, path: &str, query: &str) -> Vec<Json> {
    client.get(&format!("{path}/timeline?{query}")).ok()["data"].as_array().unwrap().clone()
}

fn texts(items: &[Json]) -> Vec<&str> {
    items.iter().map(|item| item["text"].as_str().unwrap_or_default()).collect()
}

fn note(client: &Client, on: &str, record: &str, text: &str, more: Json) -> String {
    let mut body = json!({ "type": "note", "text": text, on: record });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    id(&client.post("/activities", body).created())
}

#[test]
fn a_record_includes_records_one_step_further() {
    let owner = workspace();
    let [firm, other] = ["Firm", "Other"].map(|name| id(&owner.post("/companies", json!({ "name": name })).created()));
    let person = |name: &str, firm: &str| {
        id(&owner.post("/contacts", json!({ "first_name": name, "company_id": firm })).created())
    };
    let deal_with = |people: &[&String]| {
        let people: Vec<Json> = people.iter().map(|id| json!({ "contact_id": id })).collect();
        id(&owner.post("/deals", json!({ "title": "Boat", "company_id": firm, "contacts": people })).created())
    };
    let (ann, bob) = (person("Ann", &firm), person("Bob", &other));
    let (one, two) = (deal_with(&[&ann]), deal_with(&[&ann, &bob]));
    let include = "include=company,stage,contacts,contacts.company,contacts.owner";
    let answers = [&one, &two].map(|deal| owner.get(&format!("/deals/{deal}?{include}")));
    assert_eq!(answers[0].statements(), answers[1].statements());
    let [_, shown] = answers.map(crate::support::Answer::ok);
    let names =
        |list: &str| shown["included"][list].as_array().unwrap().iter().map(|r| r["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names("companies"), [json!("Firm"), json!("Other")]);
    assert_eq!(names("contacts"), [json!("Ann"), json!("Bob")]);
    let links = [(&ann, &firm), (&bob, &other)]
        .map(|(from, to)| json!({ "from_id": from, "field": "company_id", "to_id": to }));
    assert_eq!(shown["included"]["links"], json!(links));
    assert_eq!(owner.get(&format!("/deals/{two}?include=company")).ok()["included"]["links"], json!([]));
    // Two steps are the most, and lists take one.
    for bad in ["contacts.company.owner", "contacts.colour", "colour.company"] {
        owner.get(&format!("/deals/{two}?include={bad}")).problem(400, "invalid_parameter");
    }
    owner.get("/deals?include=contacts.company").problem(400, "invalid_parameter");
    // What the caller does not see is not included.
    let grants = [
        ["deals", "all", "all", "all", "all", "all"],
        ["contacts", "own", "own", "own", "own", "own"],
        ["companies", "all", "all", "all", "all", "all"],
    ];
    let (seller, _) = user_with(&owner, &grants, json!({}));
    let shown = seller.get(&format!("/deals/{two}?include=contacts.company")).ok();
    assert_eq!(shown["included"]["companies"], json!([]));
    seller.get(&format!("/deals/{two}?include=contacts.owner")).problem(403, "forbidden");
}

#[test]
fn a_timeline_is_filtered_and_names_its_records() {
    let owner = workspace();
    let (other, other_id) = user_with(
        &owner,
        &["contacts", "deals", "activities", "tasks"].map(|of| [of, "all", "all", "all", "all", "all"]),
        json!({}),
    );
    let person = id(&owner.post("/contacts", json!({ "first_name": "Ann" })).created());
    let deal = json!({ "title": "Boat", "contacts": [{ "contact_id": person }] });
    let deal = id(&owner.post("/deals", deal).created());
    note(&owner, "contact_id", &person, "mine", json!({}));
    note(&other, "deal_id", &deal, "theirs", json!({}));
    owner.post("/tasks", json!({ "title": "Call", "due_date": "2031-01-01", "deal_id": deal })).created();
    owner.post(&format!("/deals/{deal}/win"), json!({})).ok();
    let path = format!("/contacts/{person}");
    let kinds =
        |query: &str| -> Vec<Json> { timeline(&owner, &path, query).iter().map(|item| item["kind"].clone()).collect() };
    assert_eq!(kinds("kind=activity"), ["activity", "activity"]);
    assert_eq!(kinds("kind=task"), ["task"]);
    assert_eq!(kinds("kind=stage_move"), ["stage_move"]);
    assert_eq!(kinds("kind=change"), ["change", "change"]);
    assert_eq!(kinds("kind=task,stage_move").len(), 2);
    assert_eq!(texts(&timeline(&owner, &path, &format!("author_id={other_id}"))), ["theirs"]);
    assert_eq!(texts(&timeline(&owner, &path, &format!("author_id={other_id}&kind=change"))), Vec::<&str>::new());
    let page = owner.get(&format!("{path}/timeline?include=actor,record&kind=activity")).ok();
    let note = page["data"].as_array().unwrap().iter().find(|item| item["text"] == "theirs").unwrap();
    assert_eq!(note["deal_id"], json!(deal));
    assert_eq!(note["contact_id"], Json::Null);
    assert_eq!(page["included"]["deals"], json!([{ "id": deal, "name": "Boat" }]));
    assert_eq!(page["included"]["contacts"], json!([{ "id": person, "name": "Ann" }]));
    for query in ["kind=colour", "author_id=me2"] {
        owner.get(&format!("{path}/timeline?{query}")).problem(400, "invalid_parameter");
    }
}

#[test]
fn pinned_activities_come_first() {
    let owner = workspace();
    let person = id(&owner.post("/contacts", json!({ "first_name": "Ann" })).created());
    let path = format!("/contacts/{person}");
    let notes: Vec<String> =
        (0..8).map(|n| note(&owner, "contact_id", &person, &format!("note {n}"), json!({}))).collect();
    for pinned in [1, 4] {
        let changed = owner.patch(&format!("/activities/{}", notes[pinned]), json!({ "pinned": true })).ok();
        assert_eq!(changed["edited_at"], Json::Null);
    }
    let all = timeline(&owner, &path, "kind=activity");
    assert_eq!(texts(&all)[..3], ["note 4", "note 1", "note 7"]);
    assert_eq!(all.len(), 8);
    let (mut paged, mut next) = (Vec::new(), format!("{path}/timeline?kind=activity&limit=1"));
    loop {
        let page = owner.get(&next).ok();
        paged.extend(page["data"].as_array().unwrap().clone());
        let Some(cursor) = page["page"]["next_cursor"].as_str() else { break };
        next = format!("{path}/timeline?kind=activity&limit=1&cursor={cursor}");
    }
    assert_eq!(paged, all);
    // Five on a record are the most.
    for pinned in [0, 2, 3] {
        owner.patch(&format!("/activities/{}", notes[pinned]), json!({ "pinned": true })).ok();
    }
    let sixth = format!("/activities/{}", notes[5]);
    let refused = owner.patch(&sixth, json!({ "pinned": true })).problem(422, "validation_failed");
    assert_eq!(refused["errors"][0]["code"], "too_many");
    assert_eq!(refused["errors"][0]["pointer"], "/pinned");
    owner
        .post("/activities", json!({ "type": "call", "contact_id": person, "pinned": true }))
        .problem(422, "validation_failed");
    // A pinned one can be pinned again, and makes room when it is unpinned or deleted.
    owner.patch(&format!("/activities/{}", notes[0]), json!({ "pinned": true })).ok();
    owner.patch(&format!("/activities/{}", notes[0]), json!({ "pinned": false })).ok();
    owner.patch(&sixth, json!({ "pinned": true })).ok();
    owner.delete(&sixth).gone();
    owner.patch(&format!("/activities/{}", notes[6]), json!({ "pinned": true })).ok();
    assert_eq!(
        owner.get(&format!("/activities?contact_id={person}&pinned=true&include_total=true")).ok()["page"]["total"],
        5
    );
}

#[test]
fn an_edited_activity_keeps_its_earlier_versions() {
    let owner = workspace();
    let person = id(&owner.post("/contacts", json!({ "first_name": "Ann" })).created());
    let first = note(&owner, "contact_id", &person, "first", json!({}));
    let path = format!("/activities/{first}");
    assert_eq!(owner.get(&path).ok()["edited_at"], Json::Null);
    let same = owner.patch(&path, json!({ "text": "first" })).ok();
    assert_eq!((&same["edited_at"], &same["version"]), (&Json::Null, &json!(1)));
    let edited = owner.patch(&path, json!({ "text": "second" })).ok();
    assert_eq!(edited["edited_at"], edited["updated_at"]);
    let history = owner.get(&format!("{path}/history?in_words=en")).ok();
    assert_eq!(history["data"][0]["changes"].as_array().unwrap().len(), 1);
    assert_eq!(history["data"][0]["changes"][0]["in_words"], "Text: first → second");
    let item = timeline(&owner, &format!("/contacts/{person}"), "kind=activity")[0].clone();
    assert_eq!(item["edited_at"], edited["edited_at"]);
    let pinned = owner.patch(&path, json!({ "pinned": true })).ok();
    assert_eq!(pinned["edited_at"], edited["edited_at"]);
}

#[test]
fn a_visit_is_reported_in_one_call() {
    let owner = workspace();
    let me = owner.get("/me").ok()["user"]["id"].clone();
    let firm = id(&owner.post("/companies", json!({ "name": "Firm" })).created());
    let [ann, bob] = ["Ann", "Bob"].map(|name| id(&owner.post("/contacts", json!({ "first_name": name })).created()));
    let boat = id(&owner.post("/products", json!({ "name": "Boat" })).created());
    let report = json!({ "type": "visit", "company_id": firm, "place": "Their office", "outcome": "wants an offer",
        "participants": [{ "contact_id": ann }, { "user_id": me }], "product_ids": [boat],
        "next_task": { "title": "Send the offer", "type": "email", "due_date": "2031-04-01" } });
    let visit = owner.post("/activities", report).created();
    assert_eq!(
        visit["participants"],
        json!([{ "contact_id": ann, "user_id": null }, { "contact_id": null, "user_id": me }])
    );
    assert_eq!(visit["product_ids"], json!([boat]));
    let task = owner.get(&format!("/tasks/{}", visit["next_task_id"].as_str().unwrap())).ok();
    assert_eq!(
        (&task["title"], &task["company_id"], &task["type"]),
        (&json!("Send the offer"), &json!(firm), &json!("email"))
    );
    let shown = |record: &str| {
        timeline(&owner, record, "kind=activity").iter().map(|item| item["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(shown(&format!("/contacts/{ann}")), [visit["id"].clone()]);
    assert_eq!(shown(&format!("/companies/{firm}")), [visit["id"].clone()]);
    assert_eq!(shown(&format!("/contacts/{bob}")), Vec::<Json>::new());
    let path = format!("/activities/{}", id(&visit));
    owner.patch(&path, json!({ "participants": [{ "contact_id": bob }], "product_ids": [] })).ok();
    assert_eq!(shown(&format!("/contacts/{bob}")), [visit["id"].clone()]);
    let history = owner.get(&format!("{path}/history?in_words=en&field=participants")).ok();
    assert_eq!(history["data"][0]["changes"][0]["in_words"], "Participants: Ann, Owner → Bob");
    // A record that refers to nothing is refused, and then no task is created.
    for (member, value, code) in [
        ("participants", json!([{ "contact_id": boat }]), "reference_not_found"),
        ("participants", json!([{}]), "required"),
        ("participants", json!([{ "contact_id": ann, "user_id": me }]), "required"),
        ("participants", json!([{ "contact_id": ann }, { "contact_id": ann }]), "stated_twice"),
        ("product_ids", json!([ann]), "reference_not_found"),
        (
            "next_task",
            json!({ "title": "T", "due_date": "2031-04-01", "due_at": "2031-04-01T00:00:00Z" }),
            "stated_twice",
        ),
    ] {
        let body = json!({ "type": "visit", "company_id": firm, member: value });
        let refused = owner.post("/activities", body);
        assert_eq!(refused.status, 422, "{member}: {}", refused.text);
        assert!(refused.text.contains(code), "{member} {code}: {}", refused.text);
    }
    assert_eq!(owner.get("/tasks?include_total=true").ok()["page"]["total"], 1);
    let (noter, _) =
        user_with(&owner, &["companies", "activities"].map(|of| [of, "all", "all", "all", "all", "all"]), json!({}));
    let body = json!({ "type": "visit", "company_id": firm, "next_task": { "title": "T" } });
    noter.post("/activities", body).problem(403, "forbidden");
}

#[test]
fn a_workspace_calls_by_its_own_pattern() {
    let owner = workspace();
    let body = json!({ "first_name": "Ann", "phones": [{ "phone": "+372 5550101" }, { "phone": "desk 12" }] });
    let person = id(&owner.post("/contacts", body).created());
    let path = format!("/contacts/{person}/call-links");
    let urls =
        || owner.get(&path).ok()["data"].as_array().unwrap().iter().map(|link| link["url"].clone()).collect::<Vec<_>>();
    assert_eq!(urls(), ["tel:+3725550101", "tel:12"]);
    owner.patch("/workspaces/current", json!({ "call_url": "https://pbx.example/call?to={phone}" })).ok();
    assert_eq!(urls(), ["https://pbx.example/call?to=%2B3725550101", "https://pbx.example/call?to=desk%2012"]);
    for bad in ["javascript:call({phone})", "https://pbx.example/call", "tel:{phone}{phone}", "{phone}"] {
        let refused = owner.patch("/workspaces/current", json!({ "call_url": bad })).problem(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], "/call_url", "{bad}");
    }
    let hidden = json!({ "hidden_fields": [{ "resource": "contacts", "field": "phone" }] });
    let (seller, _) = user_with(&owner, &[["contacts", "all", "all", "all", "all", "all"]], hidden);
    seller.get(&path).problem(403, "forbidden");
}
