//! Roles, visibility and teams: a record that the caller cannot see answers 404 and is left out of counts.
use crate::support::{Client, events, id, key, stage, user, user_with, workspace};
use serde_json::{Value as Json, json};

/// Grants on the caller's own records, with reports and events over them.
fn own() -> Vec<[&'static str; 6]> {
    ["companies", "contacts", "leads", "deals", "tasks", "activities"]
        .map(|resource| [resource, "own", "own", "own", "own", "none"])
        .into_iter()
        .chain(
            ["users", "teams", "pipelines", "stages", "analytics", "events", "sources", "products"]
                .map(|r| [r, "all", "none", "none", "none", "none"]),
        )
        .collect()
}

fn reach(far: &'static str) -> Vec<[&'static str; 6]> {
    own().into_iter().map(|g| if g[1] == "own" { [g[0], far, far, far, far, "none"] } else { g }).collect()
}

fn ids(list: &Json) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect()
}

#[test]
fn invisible_records_answer_404() {
    let owner = workspace();
    let ((ann, ann_id), (bob, bob_id)) = (user_with(&owner, &own(), json!({})), user_with(&owner, &own(), json!({})));
    for (path, body) in [
        ("/companies", json!({ "name": "Acme" })),
        ("/contacts", json!({ "first_name": "Eve", "email": "eve@example.com" })),
        ("/leads", json!({ "title": "Boat" })),
        ("/deals", json!({ "title": "Boat" })),
    ] {
        let mut body = body;
        body["owner_id"] = json!(ann_id);
        let hers = id(&ann.post(path, body).created());
        let one = format!("{path}/{hers}");
        assert_eq!(ids(&ann.get(path).ok()), [&hers], "{path}");
        assert_eq!(ids(&owner.get(path).ok()), [&hers], "{path}");
        let list = bob.get(&format!("{path}?include_total=true&q=a&id__ne=").replace("&id__ne=", "")).ok();
        assert_eq!(list["data"], json!([]), "{path}");
        assert_eq!(list["page"]["total"], 0, "{path}");
        bob.get(&one).problem(404, "not_found");
        bob.patch(&one, json!({})).problem(404, "not_found");
        bob.delete(&one).problem(404, "not_found");
        bob.get(&format!("{one}/timeline")).problem(404, "not_found");
        ann.get(&format!("{one}/timeline")).ok();
        bob.get("/events").ok()["data"].as_array().unwrap().iter().for_each(|e| assert_ne!(e["record_id"], hers));
        assert!(events(&ann, &format!("&record_id={hers}"), 1).iter().any(|e| e["record_id"] == hers));
        // Assigning a record to somebody else changes its visibility at once.
        owner.patch(&one, json!({ "owner_id": bob_id })).ok();
        ann.get(&one).problem(404, "not_found");
        bob.get(&one).ok();
        owner.patch(&one, json!({ "owner_id": null })).ok();
        bob.get(&one).problem(404, "not_found");
    }
}

#[test]
fn reports_count_only_visible_records() {
    let owner = workspace();
    let ((ann, ann_id), (bob, _)) = (user_with(&owner, &own(), json!({})), user_with(&owner, &own(), json!({})));
    for amount in [100, 200] {
        let deal = json!({ "title": "D", "owner_id": ann_id, "value": { "amount": amount, "currency": "USD" } });
        let deal = id(&owner.post("/deals", deal).created());
        owner.post(&format!("/deals/{deal}/win"), json!({})).ok();
    }
    let won = |who: &Client, report: &str| who.get(&format!("/analytics/{report}")).ok();
    assert_eq!(won(&ann, "win-rate")["groups"][0]["won_value"], json!([{ "amount": 300, "currency": "USD" }]));
    assert_eq!(won(&bob, "win-rate")["groups"][0]["won"], 0);
    for kind in ["cohort", "flow", "snapshot"] {
        assert_eq!(bob.get(&format!("/analytics/funnel?kind={kind}")).ok()["groups"][0]["total"], 0, "{kind}");
    }
    assert!(!won(&ann, "leaderboard")["sellers"].as_array().unwrap().is_empty());
    assert_eq!(won(&bob, "leaderboard")["sellers"], json!([]));
    assert_eq!(won(&bob, "cycle-time")["won"]["count"], won(&workspace(), "cycle-time")["won"]["count"]);
    ann.with("Accept", "text/csv").get("/analytics/win-rate").problem(403, "forbidden");
}

#[test]
fn a_duplicate_hint_names_no_hidden_record() {
    let owner = workspace();
    let ((ann, ann_id), (bob, bob_id)) = (user_with(&owner, &own(), json!({})), user_with(&owner, &own(), json!({})));
    let contact = |owner: &str| json!({ "first_name": "Eve", "email": "eve@example.com", "owner_id": owner });
    let eve = id(&ann.post("/contacts", contact(&ann_id)).created());
    assert_eq!(ann.post("/contacts", contact(&ann_id)).problem(409, "duplicate_email")["existing_id"], eve);
    assert_eq!(bob.post("/contacts", contact(&bob_id)).problem(409, "duplicate_email")["existing_id"], Json::Null);
}

#[test]
fn invisible_records_cannot_be_linked_or_included() {
    let owner = workspace();
    let ((ann, ann_id), (bob, bob_id)) = (user_with(&owner, &own(), json!({})), user_with(&owner, &own(), json!({})));
    let company = id(&ann.post("/companies", json!({ "name": "Acme", "owner_id": ann_id })).created());
    let contact = id(&ann.post("/contacts", json!({ "first_name": "Eve", "owner_id": ann_id })).created());
    let refused = |path: &str, body: Json, pointer: &str| {
        let problem = bob.post(path, body).problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], json!(pointer));
        assert_eq!(problem["errors"][0]["code"], "reference_not_found");
    };
    refused("/deals", json!({ "title": "D", "company_id": company }), "/company_id");
    refused("/deals", json!({ "title": "D", "contacts": [{ "contact_id": contact }] }), "/contacts");
    refused("/leads", json!({ "title": "L", "contact_id": contact }), "/contact_id");
    refused("/contacts", json!({ "first_name": "X", "company_id": company, "owner_id": bob_id }), "/company_id");
    refused("/tasks", json!({ "title": "T", "company_id": company }), "/company_id");
    refused("/activities", json!({ "type": "call", "contact_id": contact }), "/contact_id");
    let deal = json!({ "title": "D", "owner_id": bob_id, "company_id": company });
    let deal = id(&owner.post("/deals", deal).created());
    let seen = bob.get("/deals?include=company,owner").ok();
    assert_eq!(ids(&seen), [deal.as_str()]);
    assert_eq!(seen["included"]["companies"], json!([]));
    assert_eq!(seen["included"]["users"][0]["id"], bob_id);
    // Nobody can link a deleted record.
    owner.delete(&format!("/companies/{company}")).gone();
    let problem =
        owner.post("/deals", json!({ "title": "D", "company_id": company })).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/company_id");
}

#[test]
fn tasks_are_visible_with_their_record() {
    let owner = workspace();
    let ((_, ann_id), (bob, bob_id)) = (user_with(&owner, &own(), json!({})), user_with(&owner, &own(), json!({})));
    let deal = |owner_id: &str| id(&owner.post("/deals", json!({ "title": "D", "owner_id": owner_id })).created());
    let (hers, his) = (deal(&ann_id), deal(&bob_id));
    let task = |deal: &str, assignee: &str| {
        id(&owner.post("/tasks", json!({ "title": "T", "deal_id": deal, "assignee_id": assignee })).created())
    };
    let (on_hers, on_his, for_him) = (task(&hers, &ann_id), task(&his, &ann_id), task(&hers, &bob_id));
    let listed = bob.get("/tasks?sort=created_at").ok();
    assert_eq!(ids(&listed), [&on_his, &for_him]);
    bob.get(&format!("/tasks/{on_hers}")).problem(404, "not_found");
    let note =
        |deal: &str| id(&owner.post("/activities", json!({ "type": "note", "text": "Hm", "deal_id": deal })).created());
    let (_, on_his) = (note(&hers), note(&his));
    assert_eq!(ids(&bob.get("/activities").ok()), [&on_his]);
}

#[test]
fn team_visibility_includes_subteams() {
    let owner = workspace();
    let team =
        |name: &str, parent: Json| id(&owner.post("/teams", json!({ "name": name, "parent_id": parent })).created());
    let sales = team("Sales", Json::Null);
    let north = team("North", json!(sales));
    let (chief, _) = user_with(&owner, &reach("team"), json!({ "team_id": sales }));
    let (ann, ann_id) = user_with(&owner, &reach("team"), json!({ "team_id": north }));
    let (_, other_id) = user_with(&owner, &own(), json!({}));
    let deal = |owner_id: &str| id(&owner.post("/deals", json!({ "title": "D", "owner_id": owner_id })).created());
    let (hers, chiefs) = (deal(&ann_id), id(&chief.post("/deals", json!({ "title": "D" })).created()));
    let elsewhere = deal(&other_id);
    assert_eq!(ids(&chief.get("/deals?sort=created_at").ok()), [&hers, &chiefs]);
    assert_eq!(ids(&ann.get("/deals").ok()), [&hers]);
    chief.patch(&format!("/deals/{hers}"), json!({ "title": "Big" })).ok();
    chief.get(&format!("/deals/{elsewhere}")).problem(404, "not_found");
    let stranger = json!({ "title": "D", "owner_id": other_id });
    let problem = ann.post("/deals", stranger).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/owner_id");
    // Moving a team also moves its members.
    owner.patch(&format!("/teams/{north}"), json!({ "parent_id": null })).ok();
    assert_eq!(ids(&chief.get("/deals").ok()), [&chiefs]);
    let problem =
        owner.patch(&format!("/teams/{sales}"), json!({ "parent_id": sales })).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/parent_id");
    owner.patch(&format!("/teams/{north}"), json!({ "parent_id": sales })).ok();
    owner.patch(&format!("/teams/{sales}"), json!({ "parent_id": north })).problem(422, "validation_failed");
    owner.delete(&format!("/teams/{sales}")).problem(409, "in_use");
}

#[test]
fn read_visibility_grants_no_update() {
    let owner = workspace();
    let grants = [
        ["deals", "all", "own", "own", "none", "none"],
        ["pipelines", "all", "none", "none", "none", "none"],
        ["users", "all", "none", "none", "none", "none"],
    ];
    let (ann, ann_id) = user_with(&owner, &grants, json!({}));
    let others = format!("/deals/{}", id(&owner.post("/deals", json!({ "title": "D" })).created()));
    let hers = format!("/deals/{}", id(&ann.post("/deals", json!({ "title": "D" })).created()));
    ann.get(&others).ok();
    ann.patch(&others, json!({ "title": "Mine" })).problem(403, "forbidden");
    let agreed = stage(&owner, "deal", "Agreed and invoiced");
    ann.post(&format!("{others}/move"), json!({ "stage_id": agreed })).problem(403, "forbidden");
    ann.post(&format!("{hers}/move"), json!({ "stage_id": agreed })).ok();
    ann.delete(&hers).problem(403, "forbidden");
    ann.get("/contacts").problem(403, "forbidden");
    ann.get("/deals?include=company").problem(403, "forbidden");
    assert_eq!(owner.get(&format!("/deals?owner_id={ann_id}")).ok()["data"].as_array().unwrap().len(), 1);
}

#[test]
fn nobody_grants_more_than_they_have() {
    let owner = workspace();
    let (admin, seller) = (user(&owner, "admin"), user(&owner, "seller"));
    let all = |resource: &str, far: &str| json!({ "resource": resource, "read": far, "create": far, "update": far, "delete": far, "export": far });
    let role = |key: &str, grants: Json| json!({ "key": key, "name": key, "grants": grants });
    admin.post("/roles", role("partner", json!([all("deals", "team")]))).created();
    admin.post("/roles", role("boss", json!([all("workspaces", "all")]))).problem(403, "forbidden");
    seller.post("/roles", role("x", json!([]))).problem(403, "forbidden");
    let problem = owner
        .post("/roles", role("y", json!([all("dealz", "all"), all("sources", "own")])))
        .problem(422, "validation_failed");
    let pointers: Vec<&Json> = problem["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
    assert_eq!(pointers[0], "/grants/0/resource");
    assert!(pointers.contains(&&json!("/grants/1/read")), "{problem}");
    let listed = owner.get("/roles").ok();
    let keys: Vec<&Json> = listed["data"].as_array().unwrap().iter().map(|role| &role["key"]).collect();
    assert_eq!(keys, ["owner", "admin", "manager", "seller", "viewer", "partner"]);
    let viewer = &listed["data"][4];
    let deals = viewer["grants"].as_array().unwrap().iter().find(|g| g["resource"] == "deals").unwrap();
    assert_eq!(deals["read"], "all");
    assert_eq!(deals["update"], "none");
    assert_eq!(deals["export"], "none");
    owner.patch(&format!("/roles/{}", id(viewer)), json!({ "name": "V" })).problem(409, "conflict");
    let partner = id(&listed["data"][5]);
    let body = json!({ "name": "P", "email": "p@example.com", "role": "partner", "password": "a-long-password" });
    owner.post("/users", body).created();
    owner.delete(&format!("/roles/{partner}")).problem(409, "in_use");
    owner.post("/users", json!({ "name": "Q", "role": "nobody" })).problem(422, "validation_failed");
    owner.post("/roles", role("partner", json!([]))).problem(409, "duplicate_name");
}

/// An API key sees what its user sees, limited to its scopes.
#[test]
fn a_key_has_the_visibility_of_its_user() {
    let owner = workspace();
    let mut grants = own();
    grants.push(["api-keys", "all", "all", "all", "all", "none"]);
    let (ann, ann_id) = user_with(&owner, &grants, json!({}));
    let hers = id(&ann.post("/deals", json!({ "title": "D", "owner_id": ann_id })).created());
    owner.post("/deals", json!({ "title": "D" })).created();
    let script = key(&ann, &["deals:read"]);
    assert_eq!(ids(&script.get("/deals").ok()), [&hers]);
    script.get("/contacts").problem(403, "insufficient_scope");
}

#[test]
fn hidden_fields_appear_nowhere() {
    let owner = workspace();
    let hidden = json!({ "hidden_fields": [
        { "resource": "contacts", "field": "phone" }, { "resource": "contacts", "field": "email" }, { "resource": "deals", "field": "value" },
    ] });
    let (ann, _) = user_with(&owner, &reach("all"), hidden);
    let eve = json!({ "first_name": "Eve", "phone": "+37255501011", "emails": [{ "email": "eve@example.com", "kind": "work" }] });
    let eve = id(&owner.post("/contacts", eve).created());
    let nameless = id(&owner.post("/contacts", json!({ "email": "secret@example.com" })).created());
    let contacts = json!([{ "contact_id": nameless }, { "contact_id": eve }]);
    let deal = json!({ "title": "D", "value": { "amount": 987_654_321, "currency": "USD" }, "contacts": contacts });
    let deal = id(&owner.post("/deals", deal).created());
    owner.patch(&format!("/contacts/{eve}"), json!({ "phone": "+37255501012" })).ok();
    owner.patch(&format!("/deals/{deal}"), json!({ "value": { "amount": 987_654_322, "currency": "USD" } })).ok();
    let lead = id(&ann.post("/leads", json!({ "title": "L", "contact_id": eve })).created());
    let answers = [
        ann.get("/contacts"),
        ann.get(&format!("/contacts/{eve}")),
        ann.patch(&format!("/contacts/{eve}"), json!({ "position": "CEO" })),
        ann.get(&format!("/contacts/{eve}/timeline")),
        ann.get("/events?limit=500"),
        ann.get("/deals"),
        ann.get(&format!("/deals/{deal}/timeline")),
        ann.get("/analytics/funnel?kind=snapshot"),
        ann.get("/analytics/forecast"),
        ann.get("/leads?include=contact"),
        ann.post(&format!("/leads/{lead}/convert"), json!({ "deal_id": deal, "dry_run": true })),
    ];
    for answer in answers {
        let text = answer.text.clone();
        answer.ok();
        assert!(!text.contains("5550101") && !text.contains("eve@") && !text.contains("secret@"), "{text}");
        assert!(!text.contains("98765432"), "{text}");
    }
    for query in ["phone=%2B37255501012", "email__starts_with=eve", "sort=phone", "phone__empty=true"] {
        let status = ann.get(&format!("/contacts?{query}")).status;
        assert_eq!(status, 400, "{query}");
    }
    ann.get("/deals?value__gte=1").problem(400, "unknown_parameter");
    ann.get("/analytics/funnel?value__gte=1").problem(400, "unknown_parameter");
    ann.get(&format!("/deals/{deal}/line-items")).problem(403, "forbidden");
    assert_eq!(ids(&ann.get("/contacts?q=eve").ok()), [&eve]);
    assert_eq!(ids(&ann.get("/contacts?q=55501012").ok()), [""; 0]);
    assert_eq!(ids(&ann.get("/contacts?q=secret").ok()), [""; 0]);
    assert_eq!(ids(&owner.get("/contacts?q=55501012").ok()), [&eve]);
    let bad = json!({ "key": "z", "name": "Z", "grants": [], "hidden_fields": [{ "resource": "contacts", "field": "first_name" }] });
    let problem = owner.post("/roles", bad).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/hidden_fields/0/field");
}

#[test]
fn indirect_operations_respect_visibility() {
    let owner = workspace();
    let only = |grants: &[[&'static str; 6]]| user_with(&owner, grants, json!({}));
    let (deals_only, his) = only(&[["deals", "own", "own", "own", "own", "none"]]);
    let deal = id(&deals_only.post("/deals", json!({ "title": "D" })).created());
    owner.post("/activities", json!({ "type": "note", "text": "between us", "deal_id": deal })).created();
    owner.post("/tasks", json!({ "title": "secret task", "deal_id": deal })).created();
    let timeline = deals_only.get(&format!("/deals/{deal}/timeline")).ok().to_string();
    assert!(!timeline.contains("between us") && !timeline.contains("secret task"), "{timeline}");
    // The feed shows the kinds that the caller may read, and a key only those in its scopes.
    let (feed_only, _) = only(&[["events", "all", "none", "none", "none", "none"]]);
    assert_eq!(feed_only.get("/events").ok()["data"], json!([]));
    assert_eq!(key(&owner, &["events:read"]).get("/events").ok()["data"], json!([]));
    let kinds = key(&owner, &["events:read", "deals:read"]).get("/events").ok();
    assert!(kinds["data"].as_array().unwrap().iter().all(|event| event["record_kind"] == "deal"));
    // Seeing other users' tasks through a visible record does not allow changing them.
    let mut grants = own();
    grants.retain(|g| !["tasks", "activities"].contains(&g[0]));
    grants.extend([["tasks", "all", "own", "own", "own", "none"], ["activities", "all", "own", "own", "own", "none"]]);
    let (ann, ann_id) = user_with(&owner, &grants, json!({}));
    let hers = id(&owner.post("/deals", json!({ "title": "D", "owner_id": ann_id })).created());
    let task = id(&owner.post("/tasks", json!({ "title": "T", "deal_id": hers })).created());
    ann.get(&format!("/tasks/{task}")).ok();
    ann.patch(&format!("/tasks/{task}"), json!({ "title": "X" })).problem(403, "forbidden");
    ann.delete(&format!("/tasks/{task}")).problem(403, "forbidden");
    // The permission to update one's own tasks does not allow it either: those tasks belong to other users.
    let (eve, eve_id) = user_with(&owner, &own(), json!({}));
    let deal = id(&owner.post("/deals", json!({ "title": "D", "owner_id": eve_id })).created());
    let task = id(&owner.post("/tasks", json!({ "title": "T", "deal_id": deal })).created());
    eve.get(&format!("/tasks/{task}")).ok();
    eve.patch(&format!("/tasks/{task}"), json!({ "title": "X" })).problem(403, "forbidden");
    let batch = eve.post("/tasks/batch-delete", json!({ "items": [{ "id": task }] })).ok();
    assert_eq!(batch["results"][0]["status"], 403);
    // A caller who may not delete a record may not restore it.
    let (reader, _) = only(&[["companies", "all", "own", "own", "own", "none"]]);
    let gone = id(&owner.post("/companies", json!({ "name": "Gone" })).created());
    owner.delete(&format!("/companies/{gone}")).gone();
    reader.post(&format!("/companies/{gone}/restore"), json!({})).problem(404, "not_found");
    // Reports do not group by a hidden field.
    ann.get("/analytics/win-rate?group_by=sector").problem(400, "invalid_parameter");
    key(&owner, &["analytics:read"]).get("/analytics/win-rate").problem(403, "insufficient_scope");
    let hiding = json!({ "hidden_fields": [{ "resource": "deals", "field": "competitor" }, { "resource": "deals", "field": "probability_percent" }] });
    let (blind, _) = user_with(&owner, &reach("all"), hiding);
    blind.get("/analytics/win-rate?group_by=competitor").problem(400, "invalid_parameter");
    blind.get("/analytics/forecast").problem(403, "forbidden");
    // A conversion does not accept an invisible company.
    owner.post("/companies", json!({ "name": "SecretCorp" })).created();
    let lead = json!({ "title": "L", "person": { "name": "Eve", "company_name": "secretcorp" } });
    let lead = id(&ann.post("/leads", lead).created());
    let result = ann.post(&format!("/leads/{lead}/convert"), json!({ "without_deal": true })).status;
    assert_eq!(result, 200);
    // A caller limited to a team cannot change that limit.
    let mut people = reach("team");
    people.retain(|g| g[0] != "users");
    people.push(["users", "all", "none", "all", "none", "none"]);
    let team = id(&owner.post("/teams", json!({ "name": "Top" })).created());
    let (chief, chief_id) = user_with(&owner, &people, json!({}));
    chief.patch(&format!("/users/{chief_id}"), json!({ "team_id": team })).problem(403, "forbidden");
    // A key cannot grant permissions that it lacks itself.
    let script = key(&owner, &["users:read", "users:write"]);
    let boss = json!({ "name": "B", "email": "boss@example.com", "role": "owner", "password": "a-long-password" });
    script.post("/users", boss).problem(403, "forbidden");
    script.post(&format!("/users/{his}/hand-over"), json!({ "to_user_id": ann_id })).problem(403, "insufficient_scope");
}

#[test]
fn unchanged_references_can_be_sent_back() {
    let owner = workspace();
    let (ann, ann_id) = user_with(&owner, &own(), json!({}));
    let unseen = id(&owner.post("/contacts", json!({ "first_name": "Unseen" })).created());
    let firm = id(&owner.post("/companies", json!({ "name": "Unseen" })).created());
    let mine = id(&ann.post("/contacts", json!({ "first_name": "Mine" })).created());
    let body = json!({ "title": "D", "owner_id": ann_id, "company_id": firm, "contacts": [{ "contact_id": unseen }] });
    let path = format!("/deals/{}", id(&owner.post("/deals", body).created()));
    let both = json!([{ "contact_id": unseen }, { "contact_id": mine }]);
    let after = ann.patch(&path, json!({ "company_id": firm, "contacts": both })).ok();
    assert_eq!(after["contacts"].as_array().unwrap().len(), 2);
    let other = id(&owner.post("/contacts", json!({ "first_name": "Other" })).created());
    let wrong = json!([{ "contact_id": other }]);
    ann.patch(&path, json!({ "contacts": wrong })).problem(422, "validation_failed");
    let lead = json!({ "title": "L", "owner_id": ann_id, "company_id": firm });
    let lead = format!("/leads/{}", id(&owner.post("/leads", lead).created()));
    ann.patch(&lead, json!({ "company_id": firm, "title": "L2" })).ok();
    let contact = json!({ "first_name": "C", "owner_id": ann_id, "company_id": firm });
    let contact = format!("/contacts/{}", id(&owner.post("/contacts", contact).created()));
    ann.patch(&contact, json!({ "company_id": firm, "position": "CEO" })).ok();
    let task = json!({ "title": "T", "assignee_id": ann_id, "company_id": firm });
    let task = format!("/tasks/{}", id(&owner.post("/tasks", task).created()));
    ann.patch(&task, json!({ "company_id": firm, "title": "T2" })).ok();
}

/// The same holds for references in custom fields, for every kind of record.
#[test]
fn unchanged_custom_references_can_be_sent_back() {
    let owner = workspace();
    let (ann, her) = user_with(&owner, &own(), json!({}));
    let made = |name: &str| id(&owner.post("/contacts", json!({ "first_name": name })).created());
    let (unseen, gone, other) = (made("Unseen"), made("Gone"), made("Other"));
    let all = ["contacts", "companies", "leads", "deals"];
    for (resource, key) in all.iter().flat_map(|resource| [(resource, "agent"), (resource, "guest")]) {
        let field =
            json!({ "resource": resource, "key": key, "name": key, "kind": "reference", "refers_to": "contacts" });
        owner.post("/custom-fields", field).created();
    }
    std::thread::sleep(std::time::Duration::from_secs(3));
    let fields = json!([{ "key": "agent", "id": unseen }, { "key": "guest", "id": gone }]);
    let records = all.map(|resource| {
        let mut body = json!({ "owner_id": her, "custom_fields": fields });
        let name = match resource {
            "contacts" => "first_name",
            "companies" => "name",
            _ => "title",
        };
        body[name] = json!("R");
        format!("/{resource}/{}", id(&owner.post(&format!("/{resource}"), body).created()))
    });
    owner.delete(&format!("/contacts/{gone}")).gone();
    for path in records {
        for client in [&ann, &owner] {
            let mut record = client.get(&path).ok();
            assert_eq!(client.patch(&path, record.clone()).ok(), record, "{path}");
            let name = ["first_name", "name", "title"].into_iter().find(|name| record[*name].is_string()).unwrap();
            record[name] = json!(format!("{}!", record[name].as_str().unwrap()));
            assert_eq!(client.patch(&path, record.clone()).ok()[name], record[name], "{path}");
        }
        let wrong = |id: &str| json!({ "custom_fields": [{ "key": "agent", "id": id }] });
        let problem = ann.patch(&path, wrong(&other)).problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/custom_fields/0/id", "{path}");
        ann.patch(&path, wrong(&gone)).problem(422, "validation_failed");
    }
}
