//! Contacts, which exercise every shared mechanism: bodies, patches, versions, idempotency keys, lists, pages.
use crate::support::{Client, events, id, key, unique, user, workspace};
use serde_json::{Value as Json, json};

fn contact(client: &Client, body: Json) -> Json {
    client.post("/contacts", body).created()
}

#[test]
fn a_contact_is_returned_as_created() {
    let owner = workspace();
    let made = contact(
        &owner,
        json!({ "first_name": "  Anna ", "email": "Anna@Example.COM", "phone": "+372 5550 1011", "tags": ["vip", "vip", "north"],
            "preferred_channel": "phone", "birthday": "1990-02-28",
            "consents": [{ "channel": "email", "granted": true, "at": "2026-01-31T10:00:00+02:00", "how": "form" }] }),
    );
    assert_eq!(made["first_name"], "Anna");
    assert_eq!(made["email"], "anna@example.com");
    assert_eq!(made["phone"], "+37255501011");
    assert_eq!(made["phones"][0], json!({ "phone": "+372 5550 1011", "e164": "+37255501011", "kind": "work" }));
    assert_eq!(made["tags"], json!(["vip", "north"]));
    assert_eq!(made["consents"][0]["at"], "2026-01-31T08:00:00.000Z");
    assert_eq!(owner.get(&format!("/contacts/{}", id(&made))).ok(), made);
    let tags: Vec<Json> =
        owner.get("/tags").ok()["data"].as_array().unwrap().iter().map(|t| t["name"].clone()).collect();
    assert_eq!(tags, [json!("north"), json!("vip")]);
}

#[test]
fn a_client_may_choose_the_id() {
    let (owner, other) = (workspace(), workspace());
    let chosen = "0192f0c1-2d3e-7a4b-8c5d-6e7f80910213";
    contact(&owner, json!({ "id": chosen, "first_name": "A" }));
    owner.post("/contacts", json!({ "id": chosen, "first_name": "B" })).problem(409, "id_taken");
    contact(&other, json!({ "id": chosen, "first_name": "C" }));
}

#[test]
fn all_errors_are_reported_at_once() {
    let owner = workspace();
    let body =
        json!({ "firstname": "A", "email": "nobody", "birthday": "2026-02-30", "owner_id": 5, "tags": ["x\u{0}"] });
    let problem = owner.post("/contacts", body).problem(400, "unknown_member");
    let errors = problem["errors"].as_array().unwrap();
    let named: Vec<(&str, &str)> =
        errors.iter().map(|e| (e["pointer"].as_str().unwrap(), e["code"].as_str().unwrap())).collect();
    assert!(named.contains(&("/firstname", "unknown_member")), "{named:?}");
    assert!(named.contains(&("/email", "invalid_format")));
    assert!(named.contains(&("/birthday", "invalid_format")));
    assert!(named.contains(&("/owner_id", "invalid_type")));
    assert!(named.contains(&("/tags/0", "invalid_character")));
    assert!(errors.iter().any(|e| e["detail"].as_str().unwrap().contains("did you mean first_name?")));
    owner.post("/contacts", json!({ "position": "CEO" })).problem(422, "validation_failed");
    let long = "x".repeat(101);
    let problem = owner.post("/contacts", json!({ "first_name": long })).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "too_long");
    let missing = "0192f0c1-2d3e-7a4b-8c5d-6e7f80910000";
    for member in ["company_id", "owner_id", "source_id"] {
        let problem =
            owner.post("/contacts", json!({ "first_name": "A", member: missing })).problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], format!("/{member}"));
        assert_eq!(problem["errors"][0]["code"], "reference_not_found");
    }
}

#[test]
fn null_means_absent_in_a_create() {
    let made = contact(&workspace(), json!({ "first_name": "A", "email": null, "tags": null, "do_not_contact": null }));
    assert_eq!(made["email"], Json::Null);
}

#[test]
fn a_patch_changes_only_its_members() {
    let owner = workspace();
    let made = contact(
        &owner,
        json!({ "first_name": "Anna", "last_name": "Tamm", "phone": "+37255501011", "position": "CEO" }),
    );
    let path = format!("/contacts/{}", id(&made));
    let answer = owner.patch(&path, json!({ "position": null, "last_name": "Kask" }));
    assert!(answer.header("etag").starts_with("\"2-"), "{}", answer.header("etag"));
    let changed = answer.ok();
    assert_eq!(changed["first_name"], "Anna");
    assert_eq!(changed["last_name"], "Kask");
    assert_eq!(changed["position"], Json::Null);
    assert_eq!(changed["version"], 2);
    let cleared = owner.patch(&path, json!({ "clear": ["phone", "last_name"] })).ok();
    assert_eq!(cleared["phone"], Json::Null);
    assert_eq!(cleared["phones"], json!([]));
    assert_eq!(cleared["last_name"], Json::Null);
    let problem = owner.patch(&path, json!({ "lifecycle": null })).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "null_not_allowed");
    owner.patch(&path, json!({ "clear": ["lifecycle"] })).problem(422, "validation_failed");
    let problem =
        owner.patch(&path, json!({ "position": "x", "clear": ["position"] })).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "stated_twice");
    owner.patch(&path, json!({ "first_name": null })).problem(422, "validation_failed");
    assert_eq!(owner.get(&path).ok()["version"], 3);
    // The merge patch content type is accepted too.
    let body = Some(br#"{"position":"CTO"}"#.to_vec());
    assert_eq!(owner.send("PATCH", &path, body, "application/merge-patch+json").ok()["position"], "CTO");
}

#[test]
fn exactly_one_address_is_primary() {
    let owner = workspace();
    let emails = json!([{ "email": "B@x.io", "kind": "home" }, { "email": "a@x.io", "kind": "work" }]);
    let made = contact(&owner, json!({ "first_name": "A", "emails": emails }));
    assert_eq!(made["email"], "b@x.io");
    let path = format!("/contacts/{}", id(&made));
    let changed = owner.patch(&path, json!({ "email": "c@x.io" })).ok();
    assert_eq!(
        changed["emails"],
        json!([{ "email": "c@x.io", "kind": "home" }, { "email": "a@x.io", "kind": "work" }])
    );
    let changed = owner.patch(&path, json!({ "email": null })).ok();
    assert_eq!(changed["email"], "a@x.io");
    owner.post("/contacts", json!({ "email": "d@x.io", "emails": [] })).problem(422, "validation_failed");
}

#[test]
fn an_email_belongs_to_one_contact_in_a_workspace() {
    let (owner, other) = (workspace(), workspace());
    let made = contact(&owner, json!({ "email": "one@x.io" }));
    let problem = owner.post("/contacts", json!({ "email": "ONE@x.io" })).problem(409, "duplicate_email");
    assert_eq!(problem["existing_id"], made["id"]);
    contact(&other, json!({ "email": "one@x.io" }));
    owner.delete(&format!("/contacts/{}", id(&made))).gone();
    contact(&owner, json!({ "email": "one@x.io" }));
}

#[test]
fn if_match_prevents_lost_updates() {
    let owner = workspace();
    let path = format!("/contacts/{}", id(&contact(&owner, json!({ "first_name": "A" }))));
    owner.with("If-Match", "\"1\"").patch(&path, json!({ "first_name": "B" })).ok();
    let problem =
        owner.with("If-Match", "\"1\"").patch(&path, json!({ "first_name": "C" })).problem(412, "version_conflict");
    assert_eq!(problem["current_version"], 2);
    owner.with("If-Match", "\"1\"").delete(&path).problem(412, "version_conflict");
    owner.with("If-Match", "nonsense").delete(&path).problem(400, "bad_request");
    owner.with("If-Match", "\"2\"").delete(&path).gone();
    owner.delete(&path).problem(404, "not_found");
}

#[test]
fn concurrent_changes_of_one_version_have_one_winner() {
    let owner = workspace();
    let path = format!("/contacts/{}", id(&contact(&owner, json!({ "first_name": "A" }))));
    let tries: Vec<_> = (0..20)
        .map(|n| {
            let (owner, path) = (owner.with("If-Match", "\"1\""), path.clone());
            std::thread::spawn(move || owner.patch(&path, json!({ "first_name": format!("B{n}") })).status)
        })
        .collect();
    let statuses: Vec<u16> = tries.into_iter().map(|t| t.join().unwrap()).collect();
    assert_eq!(statuses.iter().filter(|s| **s == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|s| matches!(s, 200 | 412)), "{statuses:?}");
    assert_eq!(owner.get(&path).ok()["version"], 2);
}

#[test]
fn a_retry_with_the_same_key_has_one_effect() {
    let owner = workspace();
    let keyed = owner.with("Idempotency-Key", "\"5f0c\"");
    let first = keyed.post("/contacts", json!({ "first_name": "A" }));
    let (etag, location) = (first.header("etag").to_owned(), first.header("location").to_owned());
    let made = first.created();
    let again = owner.with("Idempotency-Key", "5f0c").post("/contacts", json!({ "first_name": "A" }));
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.header("etag"), etag.as_str());
    assert_eq!(again.header("location"), location.as_str());
    assert_eq!(again.created(), made);
    keyed.post("/contacts", json!({ "first_name": "B" })).problem(422, "idempotency_key_reused");
    keyed.post("/companies", json!({ "name": "B" })).problem(422, "idempotency_key_reused");
    owner
        .with("Idempotency-Key", "two words")
        .post("/contacts", json!({ "first_name": "B" }))
        .problem(400, "bad_request");
    let rehearsed = json!({ "selection": { "q": "B" }, "dry_run": true });
    owner.with("Idempotency-Key", "two words").post("/contacts/bulk-delete", rehearsed).problem(400, "bad_request");
    // A refused request is not stored; the corrected one succeeds.
    let keyed = owner.with("Idempotency-Key", "other");
    keyed.post("/contacts", json!({ "email": "no" })).problem(422, "validation_failed");
    keyed.post("/contacts", json!({ "email": "yes@x.io" })).created();
    assert_eq!(owner.get("/contacts?include_total=true").ok()["page"]["total"], 2);
}

#[test]
fn concurrent_requests_with_one_key_have_one_effect() {
    let owner = workspace();
    let tries: Vec<_> = (0..20)
        .map(|_| {
            let owner = owner.with("Idempotency-Key", "twins");
            std::thread::spawn(move || owner.post("/contacts", json!({ "first_name": "A" })).status)
        })
        .collect();
    let statuses: Vec<u16> = tries.into_iter().map(|t| t.join().unwrap()).collect();
    assert!(statuses.iter().all(|s| matches!(s, 201 | 409)) && statuses.contains(&201), "{statuses:?}");
    assert_eq!(owner.get("/contacts?include_total=true").ok()["page"]["total"], 1);
}

#[test]
fn lists_filter_sort_and_page() {
    let owner = workspace();
    let me = id(&owner.get("/me").ok()["user"]);
    for n in 0..7 {
        let owner_id = (n % 2 == 0).then_some(&me);
        let tags = if n < 3 { json!(["a", "b"]) } else { json!(["b"]) };
        contact(&owner, json!({ "first_name": format!("N{n}"), "owner_id": owner_id, "tags": tags }));
    }
    let names = |query: &str| -> Vec<String> {
        let list = owner.get(&format!("/contacts?{query}")).ok();
        list["data"].as_array().unwrap().iter().map(|c| c["first_name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("sort=first_name&limit=2"), ["N0", "N1"]);
    assert_eq!(names("owner_id=me&sort=-first_name"), ["N6", "N4", "N2", "N0"]);
    assert_eq!(names("owner_id__ne=me&sort=first_name"), ["N1", "N3", "N5"]);
    assert_eq!(names("owner_id__empty=true&sort=first_name"), ["N1", "N3", "N5"]);
    assert_eq!(names("first_name=N1,N5&sort=first_name"), ["N1", "N5"]);
    assert_eq!(names("first_name__starts_with=n&sort=first_name").len(), 7);
    assert_eq!(names("tags=a&sort=first_name"), ["N0", "N1", "N2"]);
    assert_eq!(names("tags__all=a,b&first_name__ne=N1&sort=first_name"), ["N0", "N2"]);
    assert_eq!(names("q=n3"), ["N3"]);
    let list = owner.get("/contacts?owner_id=me&include=owner&include_total=true&limit=1").ok();
    assert_eq!(list["included"]["users"], json!([{ "id": me, "name": "Owner" }]));
    assert_eq!(list["page"]["total"], 4);
    assert_eq!(list["page"]["has_more"], true);
}

#[test]
fn a_cursor_pages_through_exactly_one_list() {
    let owner = workspace();
    for n in 0..23 {
        contact(&owner, json!({ "first_name": format!("N{}", n % 3) }));
    }
    let (mut seen, mut path) = (Vec::new(), "/contacts?sort=first_name&limit=5".to_owned());
    loop {
        let answer = owner.get(&path);
        let link = answer.header("link").to_owned();
        let page = answer.ok();
        seen.extend(page["data"].as_array().unwrap().iter().map(id));
        contact(&owner, json!({ "first_name": "A later one, before the rest" }));
        match page["page"]["next_cursor"].as_str() {
            Some(cursor) => {
                assert!(link.contains(cursor) && link.ends_with("rel=\"next\""));
                path = format!("/contacts?sort=first_name&limit=5&cursor={cursor}");
            }
            None => break,
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 23);
    let cursor = owner.get("/contacts?limit=5").ok()["page"]["next_cursor"].as_str().unwrap().to_owned();
    owner.get(&format!("/contacts?limit=5&sort=first_name&cursor={cursor}")).problem(400, "cursor_mismatch");
    owner.get(&format!("/companies?cursor={cursor}")).problem(400, "cursor_mismatch");
    workspace().get(&format!("/contacts?limit=5&cursor={cursor}")).problem(400, "cursor_mismatch");
    for at in [0, 5, cursor.len() / 2, cursor.len() - 1] {
        let mut broken = cursor.clone().into_bytes();
        broken[at] = if broken[at] == b'A' { b'B' } else { b'A' };
        let broken = String::from_utf8(broken).unwrap();
        owner.get(&format!("/contacts?limit=5&cursor={broken}")).problem(400, "cursor_invalid");
    }
}

#[test]
fn an_unknown_query_parameter_is_refused() {
    let owner = workspace();
    let problem = owner.get("/contacts?frist_name=A").problem(400, "unknown_parameter");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("first_name"), "{problem}");
    for query in [
        "limit=0",
        "limit=501",
        "limit=x",
        "created_at__gte=recently",
        "lifecycle=nobody",
        "owner_id=5",
        "include=planet",
        "sort=shoe_size",
        "sort=first_name,-first_name",
        "do_not_contact=maybe",
        "tags__gt=a",
        "q=%FF",
        "first_name=%00",
    ] {
        assert_eq!(owner.get(&format!("/contacts?{query}")).status, 400, "{query}");
    }
}

#[test]
fn search_matches_words_accents_and_digits() {
    let owner = workspace();
    contact(
        &owner,
        json!({ "first_name": "Жанна", "last_name": "Öpik", "email": "zh@x.io", "phone": "+372 5550 1011" }),
    );
    contact(&owner, json!({ "first_name": "Pete", "last_name": "100%_\\" }));
    let found = |q: &str| {
        let q: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
        owner.get(&format!("/contacts?q={q}")).ok()["data"].as_array().unwrap().len()
    };
    for q in ["жанна", "OPIK", "opik zh", "5550 1011", "+372-5550", "100%_", "\\"] {
        assert_eq!(found(q), 1, "{q}");
    }
    assert_eq!(found("nobody"), 0);
    assert_eq!(found("  "), 2);
    assert_eq!(found("'"), 0);
    assert_eq!(found("%%"), 0);
}

#[test]
fn reads_and_lists_use_one_statement() {
    let owner = workspace();
    let made = contact(&owner, json!({ "first_name": "A", "email": format!("{}@x.io", unique("a")) }));
    assert_eq!(owner.get(&format!("/contacts/{}", id(&made))).statements(), 1);
    for _ in 0..5 {
        contact(&owner, json!({ "first_name": "A" }));
    }
    assert_eq!(owner.get("/contacts").statements(), 1);
    assert_eq!(owner.get("/contacts?include=owner,company&include_total=true").statements(), 2);
    let created = owner.post("/contacts", json!({ "first_name": "B" }));
    assert!(created.statements() <= 4, "{}", created.statements());
}

#[test]
fn roles_and_scopes_are_enforced() {
    let owner = workspace();
    let made = contact(&owner, json!({ "first_name": "A" }));
    let path = format!("/contacts/{}", id(&made));
    let viewer = user(&owner, "viewer");
    viewer.get(&path).ok();
    viewer.patch(&path, json!({ "first_name": "B" })).problem(403, "forbidden");
    user(&owner, "seller").patch(&path, json!({ "first_name": "B" })).ok();
    let reader = key(&owner, &["contacts:read"]);
    reader.get(&path).ok();
    let problem = reader.delete(&path).problem(403, "insufficient_scope");
    assert_eq!(problem["required_scope"], "contacts:write");
    reader.get("/deals").problem(403, "insufficient_scope");
    reader.get("/contacts?include=owner").problem(403, "insufficient_scope");
    let importer = key(&owner, &["imports:write", "imports:read"]);
    importer.upload("contacts", "x.csv", b"first_name\nAnn\n").problem(403, "insufficient_scope");
    user(&owner, "manager").upload("users", "x.csv", b"name\nAnn\n").problem(403, "forbidden");
    let lead = owner.post("/leads", json!({ "title": "L" })).created();
    key(&owner, &["leads:write"])
        .post(&format!("/leads/{}/convert", id(&lead)), json!({}))
        .problem(403, "insufficient_scope");
}

#[test]
fn a_deletion_can_be_undone() {
    let owner = workspace();
    let eve = id(&owner.post("/contacts", json!({ "first_name": "Eve", "email": "eve@example.com" })).created());
    let path = format!("/contacts/{eve}");
    owner.post(&format!("{path}/restore"), json!({})).problem(404, "not_found");
    owner.delete(&path).gone();
    owner.get(&path).problem(404, "not_found");
    let back = owner.post(&format!("{path}/restore"), json!({})).ok();
    assert_eq!(back["first_name"], "Eve");
    assert_eq!(back["version"], 3);
    owner.delete(&path).gone();
    owner.post("/contacts", json!({ "first_name": "New", "email": "eve@example.com" })).created();
    owner.post(&format!("{path}/restore"), json!({})).problem(409, "duplicate_email");
    for (list, body) in [
        ("/deals", json!({ "title": "D" })),
        ("/tasks", json!({ "title": "T" })),
        ("/companies", json!({ "name": "C" })),
    ] {
        let one = format!("{list}/{}", id(&owner.post(list, body).created()));
        owner.delete(&one).gone();
        owner.post(&format!("{one}/restore"), json!({})).ok();
        owner.get(&one).ok();
    }
    let deal = id(&owner.post("/deals", json!({ "title": "D" })).created());
    let task = id(&owner.post("/tasks", json!({ "title": "T", "deal_id": deal })).created());
    owner.delete(&format!("/tasks/{task}")).gone();
    assert_eq!(owner.get(&format!("/deals/{deal}")).ok()["next_task"], Json::Null);
    owner.post(&format!("/tasks/{task}/restore"), json!({})).ok();
    assert_eq!(owner.get(&format!("/deals/{deal}")).ok()["next_task"]["id"], task);
    assert_eq!(events(&owner, "&type=deal.restored", 1).len(), 1);
}

#[test]
fn deleted_records_can_be_listed() {
    let owner = workspace();
    let contact = id(&owner.post("/contacts", json!({ "first_name": "A" })).created());
    for (list, body) in [
        ("/companies", json!({ "name": "A" })),
        ("/leads", json!({ "title": "A" })),
        ("/deals", json!({ "title": "A" })),
        ("/tasks", json!({ "title": "A" })),
        ("/activities", json!({ "type": "note", "text": "A", "contact_id": contact })),
        ("/products", json!({ "name": "A" })),
    ] {
        let [kept, first, last] = [1, 2, 3].map(|n| {
            let mut body = body.clone();
            if list == "/products" {
                body["name"] = json!(format!("A{n}"));
            }
            id(&owner.post(list, body).created())
        });
        owner.delete(&format!("{list}/{first}")).gone();
        owner.delete(&format!("{list}/{last}")).gone();
        let ids = |query: &str| -> Vec<String> {
            let page = owner.get(&format!("{list}?{query}")).ok();
            page["data"].as_array().unwrap().iter().map(id).collect()
        };
        assert_eq!(ids("sort=created_at"), [kept.as_str()], "{list}");
        assert_eq!(ids("sort=created_at&include_deleted=true"), [kept.clone(), first.clone(), last.clone()], "{list}");
        assert_eq!(ids("only_deleted=true&sort=-deleted_at"), [last, first.clone()], "{list}");
        let page = owner.get(&format!("{list}?only_deleted=true&limit=1&include_total=true")).ok();
        assert_eq!(page["page"]["total"], 2, "{list}");
        assert!(page["data"][0]["deleted_at"].is_string(), "{list}");
        let cursor = page["page"]["next_cursor"].as_str().unwrap();
        owner.get(&format!("{list}?limit=1&cursor={cursor}")).problem(400, "cursor_mismatch");
        owner.get(&format!("{list}?only_deleted=perhaps")).problem(400, "invalid_parameter");
        user(&owner, "viewer").get(&format!("{list}?include_deleted=true")).problem(403, "forbidden");
        owner.post(&format!("{list}/{first}/restore"), json!({})).ok();
        assert_eq!(owner.get(&format!("{list}/{first}")).ok()["deleted_at"], Json::Null, "{list}");
    }
    owner.get("/tags?include_deleted=true").problem(400, "unknown_parameter");
    key(&owner, &["deals:read"]).get("/deals?only_deleted=true").problem(403, "insufficient_scope");
    let living = json!({ "all": [{ "field": "deleted_at", "op": "empty", "values": ["false"] }] });
    owner.post("/deals/search", living).problem(422, "validation_failed");
}
