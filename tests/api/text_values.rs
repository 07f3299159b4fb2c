//! Normalization of texts: empty texts are null, tags have one spelling, and lists sort by the rules of the language.
use crate::imports::{finished, import};
use crate::support::{Client, events, id, workspace};
use serde_json::{Value as Json, json};

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn texts(client: &Client, path: &str, member: &str) -> Vec<String> {
    let rows = client.get(path).ok()["data"].as_array().unwrap().clone();
    rows.iter().map(|row| row[member].as_str().unwrap_or("-").to_owned()).collect()
}

/// The lists, a body that creates a record, and the members that may be empty.
fn optional() -> [(&'static str, Json, &'static [&'static str]); 6] {
    [
        ("/companies", json!({ "name": "A" }), &["domain", "sector", "address", "country", "external_id"]),
        (
            "/contacts",
            json!({ "last_name": "A" }),
            &["first_name", "email", "phone", "position", "address", "locale", "time_zone", "external_id"],
        ),
        ("/leads", json!({ "title": "A" }), &["description", "external_id"]),
        ("/deals", json!({ "title": "A" }), &["competitor", "next_step", "external_id"]),
        ("/products", json!({ "name": "A" }), &["sku", "series", "unit", "external_id"]),
        ("/tasks", json!({ "title": "A" }), &["notes"]),
    ]
}

#[test]
fn an_empty_text_is_null() {
    let owner = workspace();
    for (list, body, members) in optional() {
        for empty in ["", "  ", "\u{200b}", " \u{feff}\u{2060} "] {
            let mut first = body.clone();
            members.iter().for_each(|member| first[*member] = json!(empty));
            let made = [owner.post(list, first.clone()).created(), owner.post(list, first).created()];
            for made in &made {
                for member in members {
                    assert_eq!(made[*member], Json::Null, "{list} {member} {empty:?}");
                }
            }
            let path = format!("{list}/{}", id(&made[0]));
            let text = |member: &str| match member {
                "email" => "some@x.example",
                "time_zone" => "Europe/Tallinn",
                "phone" => "+37255501011",
                _ => "some.example",
            };
            for member in members {
                assert_eq!(owner.patch(&path, json!({ *member: text(member) })).ok()[*member], text(member));
                assert_eq!(owner.patch(&path, json!({ *member: empty })).ok()[*member], Json::Null, "{list} {member}");
            }
            made.iter().for_each(|made| owner.delete(&format!("{list}/{}", id(made))).gone());
        }
    }
    let nameless = owner.post("/companies", json!({ "name": "\u{200b} " })).problem(422, "validation_failed");
    assert_eq!(nameless["errors"][0]["code"], "too_short");
    owner.post("/contacts", json!({ "first_name": "", "email": "" })).problem(422, "validation_failed");
    owner.post("/tasks", json!({ "title": "T", "due_date": "" })).problem(422, "validation_failed");
    assert_eq!(owner.post("/companies", json!({ "name": "Ac\u{200b}me\u{feff}" })).created()["name"], "Acme");
    let persian = "می\u{200c}خواهم";
    assert_eq!(owner.post("/companies", json!({ "name": persian })).created()["name"], persian);
}

#[test]
fn an_empty_key_matches_no_record() {
    let owner = workspace();
    for (list, title) in [("deals", "title"), ("leads", "title"), ("companies", "name"), ("products", "name")] {
        if list != "products" {
            let item = |key: &str| json!({ title: format!("A{key}"), "external_id": key });
            let done = owner
                .post(&format!("/{list}/batch-upsert"), json!({ "items": [item(""), item(" "), item("K1")] }))
                .ok();
            let statuses: Vec<&Json> = done["results"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
            assert_eq!(statuses, [&json!(422), &json!(422), &json!(201)], "{list}: {done}");
            // An upsert does not clear empty members.
            let item = json!({ title: "A2", "external_id": "K1", "tags": ["t"] });
            owner.post(&format!("/{list}/batch-upsert"), json!({ "items": [item] })).ok();
        }
        let report =
            import(&owner, list, &format!("{title},external_id\nB1,\nB2,\u{200b}\nB3,K9\u{feff}\n"), json!({}));
        assert_eq!(report["created"], 3, "{list}: {report}");
        assert_eq!(report["failed"], 0, "{list}: {report}");
        let report = import(&owner, list, &format!("{title},external_id\nB4, K9\u{200b}\n"), json!({}));
        assert_eq!(report["created"], 0, "{list}: {report}");
        assert_eq!(report["updated"], 1, "{list}: {report}");
    }
    let eve =
        id(&owner.post("/contacts", json!({ "first_name": "Eve", "external_id": "E", "position": "CEO" })).created());
    let items = json!([{ "external_id": "E", "position": "", "first_name": "  " }]);
    owner.post("/contacts/batch-upsert", json!({ "items": items })).ok();
    let kept = owner.get(&format!("/contacts/{eve}")).ok();
    assert_eq!(kept["position"], "CEO");
    assert_eq!(kept["first_name"], "Eve");
}

#[test]
fn a_reference_is_accepted_only_where_an_id_is_expected() {
    let owner = workspace();
    let create = |name: &str, resource: &str, body: Json| json!({ "ref": name, "action": "create", "resource": resource, "body": body });
    let items = json!([
        create(
            "acme",
            "companies",
            json!({ "name": "@acme", "external_id": "@acme", "sector": "@x", "tags": ["@acme"] })
        ),
        create("eve", "contacts", json!({ "last_name": "@eve", "external_id": "@x", "company_id": "@acme" })),
        create(
            "boat",
            "deals",
            json!({ "title": "@x", "external_id": "", "company_id": "@acme", "contacts": [{ "contact_id": "@eve" }] })
        ),
    ]);
    let done = owner.post("/composite", json!({ "items": items })).ok();
    let got = |n: usize, list: &str| owner.get(&format!("/{list}/{}", done["results"][n]["id"].as_str().unwrap())).ok();
    let (acme, eve, boat) = (got(0, "companies"), got(1, "contacts"), got(2, "deals"));
    assert_eq!(acme["external_id"], "@acme");
    assert_eq!(acme["sector"], "@x");
    assert_eq!(acme["tags"], json!(["@acme"]));
    assert_eq!(eve["external_id"], "@x");
    assert_eq!(eve["company_id"], acme["id"]);
    assert_eq!(boat["external_id"], Json::Null);
    assert_eq!(boat["contacts"][0]["contact_id"], eve["id"]);
    let items = json!([create("a", "companies", json!({ "name": "A", "parent_id": "@nobody" }))]);
    let problem = owner.post("/composite", json!({ "items": items })).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/items/0/body/parent_id");
}

#[test]
fn a_tag_is_the_same_in_all_spellings() {
    let owner = workspace();
    for (list, body) in [
        ("/contacts", json!({ "first_name": "A" })),
        ("/companies", json!({ "name": "A" })),
        ("/leads", json!({ "title": "A" })),
        ("/deals", json!({ "title": "A" })),
    ] {
        let with = |tags: Json| {
            let mut body = body.clone();
            body["tags"] = tags;
            body
        };
        let made = owner.post(list, with(json!(["VIP", "vip", "ＶＩＰ", "Café"]))).created();
        assert_eq!(made["tags"], json!(["VIP", "Café"]), "{list}");
        let other = owner.post(list, with(json!(["vip", "CAFE\u{301}", "Straße"]))).created();
        assert_eq!(other["tags"], json!(["VIP", "Café", "Straße"]), "{list}");
        for word in ["vip", "Vip", "café", "ＣＡＦÉ"] {
            let word = encoded(word);
            for (query, count) in
                [(format!("tags={word}"), 2), (format!("tags__ne={word}"), 0), (format!("tags__all={word},STRASSE"), 1)]
            {
                assert_eq!(
                    owner.get(&format!("{list}?{query}")).ok()["data"].as_array().unwrap().len(),
                    count,
                    "{list} {query}"
                );
            }
        }
        let condition = json!({ "all": [{ "field": "tags", "op": "all", "values": ["cafÉ", "vip"] }] });
        assert_eq!(owner.post(&format!("{list}/search"), condition).ok()["data"].as_array().unwrap().len(), 2);
        let path = format!("{list}/{}", id(&made));
        assert_eq!(owner.patch(&path, json!({ "tags": ["new", "NEW", "vip"] })).ok()["tags"], json!(["new", "VIP"]));
        let changed =
            owner.patch(&path, json!({ "tags_add": ["Vip", "north"], "tags_remove": ["NEW", "absent"] })).ok();
        assert_eq!(changed["tags"], json!(["VIP", "north"]), "{list}");
        let items = json!([{ "id": id(&made), "changes": { "tags_add": ["east"] } }, { "id": id(&other), "changes": { "tags_remove": ["vip"] } }]);
        owner.post(&format!("{list}/batch-update"), json!({ "items": items })).ok();
        assert_eq!(owner.get(&path).ok()["tags"], json!(["VIP", "north", "east"]), "{list}");
        let all = json!({ "everything": true });
        let order = json!({ "selection": all, "changes": { "tags_add": ["both"], "tags_remove": ["East", "café"] } });
        let job = owner.post(&format!("{list}/bulk-update"), order).expect(202);
        assert_eq!(finished(&owner, &id(&job))["status"], "succeeded");
        assert_eq!(owner.get(&path).ok()["tags"], json!(["VIP", "north", "both"]), "{list}");
        assert_eq!(owner.get(&format!("{list}/{}", id(&other))).ok()["tags"], json!(["Straße", "both"]), "{list}");
        let many: Vec<String> = (0..50).map(|n| format!("t{n}")).collect();
        let problem = owner.patch(&path, json!({ "tags_add": many })).problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/tags_add");
    }
    owner.post("/tags", json!({ "name": "vIp" })).problem(409, "duplicate_name");
    let names = texts(&owner, "/tags?limit=500&name=VIP,vip,new", "name");
    assert_eq!(names, ["new", "VIP"]);
}

#[test]
fn renaming_or_deleting_a_tag_updates_all_records() {
    let owner = workspace();
    let bodies = [("contacts", "last_name"), ("companies", "name"), ("leads", "title"), ("deals", "title")];
    let make = |(list, name): (&str, &str)| {
        let items: Vec<Json> = (0..700).map(|n| json!({ name: format!("A{n}"), "tags": ["old", "stays"] })).collect();
        let done = owner.post(&format!("/{list}/batch-create"), json!({ "items": items })).ok();
        format!("/{list}/{}", done["results"][699]["id"].as_str().unwrap())
    };
    let paths = bodies.map(make);
    let tag = |name: &str| id(&owner.get(&format!("/tags?name={name}")).ok()["data"][0]);
    let (old, stays) = (format!("/tags/{}", tag("old")), tag("stays"));
    owner.patch(&old, json!({ "name": "STAYS" })).problem(409, "duplicate_name");
    let selection = json!({ "all": [{ "field": "title", "op": "ne", "values": ["old"] }], "any": [{ "field": "tags", "op": "in", "values": ["x", "OLD"] }] });
    let view = owner.post("/views", json!({ "resource": "deals", "name": "V", "selection": selection })).created();
    owner.patch(&old, json!({ "name": "new" })).ok();
    let everywhere = |word: &str| -> u64 {
        let count = |(list, _): (&str, &str)| {
            owner.get(&format!("/{list}?tags={word}&include_total=true&limit=1")).ok()["page"]["total"]
                .as_u64()
                .unwrap()
        };
        bodies.map(count).iter().sum()
    };
    let until = |word: &str, count: u64| {
        for _ in 0..400 {
            if everywhere(word) == count {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("{word} is still used by {}", everywhere(word));
    };
    until("old", 0);
    assert_eq!(everywhere("new"), 2_800);
    assert_eq!(everywhere("stays"), 2_800);
    for path in &paths {
        let row = owner.get(path).ok();
        assert_eq!(row["tags"], json!(["new", "stays"]), "{path}");
        assert_eq!(row["version"], 2, "{path}");
    }
    let view = owner.get(&format!("/views/{}", id(&view))).ok();
    assert_eq!(view["selection"]["any"][0]["values"], json!(["x", "new"]));
    assert_eq!(view["selection"]["all"][0]["values"], json!(["old"]), "{view}");
    assert_eq!(view["version"], 2, "{view}");
    let told = events(&owner, "&type=deal.updated", 1);
    assert_eq!(told[0]["changes"][0]["member"], "tags", "{}", told[0]);
    // The rename also replaces other spellings.
    owner.patch(&old, json!({ "name": "New" })).ok();
    let spelled = || owner.get(&paths[0]).ok()["tags"][0] == "New" && owner.get(&paths[3]).ok()["tags"][0] == "New";
    while !spelled() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    owner.delete(&old).problem(409, "in_use");
    owner.delete(&format!("{old}?from_records=maybe")).problem(400, "invalid_parameter");
    owner.delete(&format!("{old}?from=true")).problem(400, "unknown_parameter");
    owner.delete(&format!("{old}?from_records=true")).gone();
    until("new", 0);
    assert_eq!(everywhere("stays"), 2_800);
    let unused = id(&owner.post("/tags", json!({ "name": "unused" })).created());
    owner.delete(&format!("/tags/{unused}")).gone();
    owner.get(&format!("/tags/{stays}")).ok();
}

#[test]
fn lists_are_sorted_by_the_rules_of_the_language() {
    let words = [
        "zebra", "Äpfel", "apfel", "Zeta", "Item 10", "item 2", "Öl", "Ost", "łódź", "lato", "Lutz", "Яна", "ель",
        "Ёж", "Ель",
    ];
    for (country, expected) in [
        (
            "DE",
            [
                "apfel", "Äpfel", "item 2", "Item 10", "lato", "łódź", "Lutz", "Öl", "Ost", "zebra", "Zeta", "Ёж",
                "ель", "Ель", "Яна",
            ],
        ),
        (
            "SE",
            [
                "apfel", "item 2", "Item 10", "lato", "łódź", "Lutz", "Ost", "zebra", "Zeta", "Äpfel", "Öl", "Ёж",
                "ель", "Ель", "Яна",
            ],
        ),
        (
            "PL",
            [
                "apfel", "Äpfel", "item 2", "Item 10", "lato", "Lutz", "łódź", "Öl", "Ost", "zebra", "Zeta", "Ёж",
                "ель", "Ель", "Яна",
            ],
        ),
        (
            "EE",
            [
                "apfel", "item 2", "Item 10", "lato", "łódź", "Lutz", "Ost", "zebra", "Zeta", "Äpfel", "Öl", "Ёж",
                "ель", "Ель", "Яна",
            ],
        ),
        (
            "RU",
            [
                "Ёж", "ель", "Ель", "Яна", "apfel", "Äpfel", "item 2", "Item 10", "lato", "łódź", "Lutz", "Öl", "Ost",
                "zebra", "Zeta",
            ],
        ),
    ] {
        let owner = workspace();
        owner.patch("/workspaces/current", json!({ "country": country })).ok();
        owner
            .post("/custom-fields", json!({ "resource": "companies", "key": "motto", "name": "M", "kind": "text" }))
            .created();
        let own = |word: &str| json!([{ "key": "motto", "text": word }]);
        let items: Vec<Json> =
            words.iter().map(|word| json!({ "name": word, "sector": word, "custom_fields": own(word) })).collect();
        owner.post("/companies/batch-create", json!({ "items": items })).ok();
        for sort in ["name", "sector", "cf.motto"] {
            assert_eq!(texts(&owner, &format!("/companies?sort={sort}"), "name"), expected, "{country} {sort}");
            let mut back = expected;
            back.reverse();
            assert_eq!(texts(&owner, &format!("/companies?sort=-{sort}"), "name"), back, "{country} -{sort}");
            let (mut walked, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = owner.get(&format!("/companies?sort={sort}&limit=2{cursor}")).ok();
                walked.extend(
                    page["data"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()),
                );
                let Some(next) = page["page"]["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            assert_eq!(walked, expected, "{country} {sort} by pages");
        }
        let cursor = owner.get("/companies?sort=name&limit=2").ok()["page"]["next_cursor"].as_str().unwrap().to_owned();
        owner.patch("/workspaces/current", json!({ "country": "IS" })).ok();
        owner.get(&format!("/companies?sort=name&limit=2&cursor={cursor}")).problem(400, "cursor_mismatch");
    }
}

#[test]
fn numbers_are_sorted_numerically() {
    let owner = workspace();
    for list in ["deals", "leads"] {
        let items: Vec<Json> = (0..12).map(|n| json!({ "title": format!("T{n}") })).collect();
        owner.post(&format!("/{list}/batch-create"), json!({ "items": items })).ok();
        let mut expected: Vec<String> = (1..=12).map(|n| format!("{}-{n}", list[..1].to_uppercase())).collect();
        assert_eq!(texts(&owner, &format!("/{list}?sort=number"), "number"), expected);
        expected.reverse();
        assert_eq!(texts(&owner, &format!("/{list}?sort=-number"), "number"), expected);
    }
}

#[test]
fn a_full_name_without_a_space_is_found() {
    let owner = workspace();
    for (first, last) in
        [("太郎", "山田"), ("花子", "山田"), ("さくら", "たなか"), ("小明", "王"), ("철수", "김"), ("太郎", "山本")]
    {
        owner.post("/contacts", json!({ "first_name": first, "last_name": last })).created();
    }
    for (q, first, last) in [
        ("山田太郎", "太郎", "山田"),
        ("山田 太郎", "太郎", "山田"),
        ("山田\u{3000}太郎", "太郎", "山田"),
        ("太郎 山田", "太郎", "山田"),
        ("たなかさくら", "さくら", "たなか"),
        ("王小明", "小明", "王"),
        ("김철수", "철수", "김"),
    ] {
        let typed = encoded(q);
        let found = owner.get(&format!("/contacts?q={typed}")).ok()["data"].as_array().unwrap().clone();
        assert_eq!(found.len(), 1, "{q}");
        assert_eq!(found[0]["first_name"], json!(first), "{q}");
        assert_eq!(found[0]["last_name"], json!(last), "{q}");
        let hits = owner.get(&format!("/search?q={typed}")).ok()["contacts"].as_array().unwrap().clone();
        assert_eq!(hits.len(), 1, "{q}");
        assert_eq!(hits[0]["id"], found[0]["id"], "{q}");
    }
    assert_eq!(
        texts(&owner, &format!("/contacts?q={}&sort=first_name", encoded("山田")), "last_name"),
        ["山田", "山田"]
    );
}

#[test]
fn exact_matches_come_first() {
    let owner = workspace();
    let contact = |first: &str, last: &str, email: &str| {
        let mut body = json!({ "first_name": first, "last_name": last });
        if !email.is_empty() {
            body["emails"] = json!([{ "email": format!("1{email}") }, { "email": email }]);
        }
        owner.post("/contacts", body).created();
    };
    contact("Ann", "Lee", "ann@x.example");
    contact("Leo", "Ann", "");
    for n in 0..30 {
        contact("Hanna", &format!("Annson{n}"), &format!("hann{n}-ann@x.example"));
    }
    assert_eq!(texts(&owner, "/contacts?q=ann&limit=3", "first_name"), ["Leo", "Ann", "Hanna"]);
    assert_eq!(texts(&owner, "/contacts?q=ann%20lee", "last_name"), ["Lee"]);
    assert_eq!(texts(&owner, "/contacts?q=ANN@x.example&limit=1", "last_name"), ["Lee"]);
    assert_eq!(texts(&owner, "/contacts?q=ann&sort=first_name&limit=1", "first_name"), ["Ann"]);
    let body = json!({ "q": "ann", "limit": 1 });
    assert_eq!(owner.post("/contacts/search", body).ok()["data"][0]["first_name"], "Leo");
    // The concatenated pages equal the list: each record once, exact matches first.
    for limit in [1, 2, 3, 7] {
        let (mut walked, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = owner.get(&format!("/contacts?q=ann&limit={limit}{cursor}")).ok();
            walked.extend(page["data"].as_array().unwrap().iter().map(id));
            let Some(next) = page["page"]["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let whole: Vec<String> =
            owner.get("/contacts?q=ann&limit=500").ok()["data"].as_array().unwrap().iter().map(id).collect();
        assert_eq!(walked.len(), 32, "by {limit}");
        assert_eq!(walked, whole, "by {limit}");
    }
    for (list, name, others) in [
        ("companies", "name", "Acme Holding"),
        ("deals", "title", "Acme Boat"),
        ("leads", "title", "About Acme"),
        ("tasks", "title", "Call Acme"),
    ] {
        owner.post(&format!("/{list}"), json!({ name: "ACMÉ" })).created();
        owner.post(&format!("/{list}"), json!({ name: others })).created();
        assert_eq!(texts(&owner, &format!("/{list}?q=acme"), name), ["ACMÉ", others], "{list}");
    }
    for name in ["a vip", "vip", "b vip"] {
        owner.post("/tags", json!({ "name": name })).created();
    }
    assert_eq!(texts(&owner, "/tags?q=VIP", "name"), ["vip", "a vip", "b vip"]);
    owner.post("/deals", json!({ "title": "About D-1" })).created();
    assert_eq!(texts(&owner, "/deals?q=d-1&limit=1", "number"), ["D-1"]);
    assert!(owner.get("/contacts?q=ann").statements() <= 2);
}

/// A lead has its name in one member; its contact stores the family name as the last name.
#[test]
fn a_full_name_is_found_before_and_after_a_conversion() {
    let owner = workspace();
    let found = |list: &str, q: &str| {
        let typed = encoded(q);
        let listed = owner.get(&format!("/{list}?q={typed}")).ok()["data"].as_array().unwrap().len();
        (listed, owner.get(&format!("/search?q={typed}")).ok()[list].as_array().unwrap().len())
    };
    for (name, together, first, last) in [
        ("山田 太郎", "山田太郎", "太郎", "山田"),
        ("佐々木\u{3000}花子", "佐々木花子", "花子", "佐々木"),
        ("王 小明", "王小明", "小明", "王"),
        ("김 철수", "김철수", "철수", "김"),
        ("たなか さくら", "たなかさくら", "さくら", "たなか"),
    ] {
        let lead = id(&owner.post("/leads", json!({ "title": "Wish", "person": { "name": name } })).created());
        for q in [together, name] {
            assert_eq!(found("leads", q), (1, 1), "{q}");
        }
        let made = owner.post(&format!("/leads/{lead}/convert"), json!({ "without_deal": true })).ok();
        let contact = &made["contact"];
        assert_eq!(contact["first_name"], json!(first));
        assert_eq!(contact["last_name"], json!(last));
        for q in [together, name] {
            assert_eq!(found("contacts", q), (1, 1), "{q}");
        }
    }
    // The search also works when the family name is in the wrong member.
    owner.post("/contacts", json!({ "first_name": "鈴木", "last_name": "一郎" })).created();
    owner.post("/contacts", json!({ "first_name": "高橋 次郎" })).created();
    owner.post("/users", json!({ "name": "伊藤 三郎", "role": "seller" })).created();
    assert_eq!(found("contacts", "鈴木一郎"), (1, 1));
    assert_eq!(found("contacts", "高橋次郎"), (1, 1));
    assert_eq!(texts(&owner, &format!("/users?q={}", encoded("伊藤三郎")), "name"), ["伊藤 三郎"]);
    // In other scripts the last word is the last name, and words stay separate.
    let lead = id(&owner.post("/leads", json!({ "person": { "name": "Anna Maria Tamm" } })).created());
    let made = owner.post(&format!("/leads/{lead}/convert"), json!({ "without_deal": true })).ok();
    assert_eq!(made["contact"]["first_name"], "Anna Maria");
    assert_eq!(made["contact"]["last_name"], "Tamm");
    assert_eq!(found("contacts", "MariaTamm"), (0, 0));
}
