//! Contacts and companies: every way to write them stores all given members, and they are matched in normalized form.
use crate::imports::import;
use crate::support::{Client, id, user_with, workspace};
use serde_json::{Value as Json, json};

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn at_home(country: &str) -> Client {
    let owner = workspace();
    owner.patch("/workspaces/current", json!({ "country": country })).ok();
    owner
}

fn rows(client: &Client, path: &str) -> Vec<Json> {
    client.get(path).ok()["data"].as_array().unwrap().clone()
}

fn ids(client: &Client, path: &str) -> Vec<String> {
    rows(client, path).iter().map(id).collect()
}

/// Returns the results of the items of an upsert.
fn upsert(client: &Client, list: &str, items: Json) -> Vec<Json> {
    let done = client.post(&format!("/{list}/batch-upsert"), json!({ "items": items })).ok();
    done["results"].as_array().unwrap().clone()
}

fn define(owner: &Client, resource: &str, key: &str, kind: &str) {
    owner.post("/custom-fields", json!({ "resource": resource, "key": key, "name": key, "kind": kind })).created();
}

fn own(record: &Json, key: &str) -> Json {
    let values = record["custom_fields"].as_array().unwrap();
    values.iter().find(|value| value["key"] == key).map_or(Json::Null, |value| value["text"].clone())
}

fn counts(report: &Json) -> [i64; 4] {
    ["created", "updated", "unchanged", "failed"].map(|name| report[name].as_i64().unwrap())
}

#[test]
fn an_upsert_changes_all_given_members() {
    let owner = at_home("EE");
    ["contacts", "companies", "leads", "deals"].iter().for_each(|list| define(&owner, list, "note", "text"));
    let note = |text: &str| json!([{ "key": "note", "text": text }]);
    let consent = |granted: bool| json!([{ "channel": "email", "granted": granted, "at": "2031-01-31T09:00:00Z" }]);
    let first = json!({ "external_id": "w", "last_name": "W", "email": "w@x.example", "consents": consent(true), "custom_fields": note("a") });
    assert_eq!(upsert(&owner, "contacts", json!([first]))[0]["status"], 201);
    let eve = id(&owner.post("/contacts", json!({ "last_name": "Eve" })).created());
    let more = json!({ "external_id": "w", "emails": [{ "email": "W@x.example" }, { "email": "v@x.example" }],
        "phones": [{ "phone": "5550 1011", "kind": "home" }], "consents": consent(false), "custom_fields": note("b") });
    assert_eq!(upsert(&owner, "contacts", json!([more.clone()]))[0]["unchanged"], false);
    let now = rows(&owner, "/contacts?external_id=w")[0].clone();
    assert_eq!(now["emails"].as_array().unwrap().len(), 2);
    assert_eq!(now["phones"], json!([{ "phone": "5550 1011", "e164": "+37255501011", "kind": "home" }]));
    assert_eq!(now["consents"][0]["granted"], false);
    assert_eq!(own(&now, "note"), json!("b"));
    assert_eq!(upsert(&owner, "contacts", json!([more]))[0]["unchanged"], true);
    // Null and empty values are ignored, also in custom fields.
    let silent = json!({ "external_id": "w", "last_name": "W", "phones": null, "consents": null, "custom_fields": [{ "key": "note", "text": "" }] });
    assert_eq!(upsert(&owner, "contacts", json!([silent]))[0]["unchanged"], true);
    let lead = |person: Json, text: &str| json!([{ "external_id": "l", "title": "L", "person": person, "custom_fields": note(text) }]);
    upsert(&owner, "leads", lead(json!({ "name": "Kim" }), "a"));
    let done = upsert(&owner, "leads", lead(json!({ "name": "Kim", "phone": "5550 1012" }), "b"));
    assert_eq!(done[0]["status"], 200);
    assert_eq!(done[0]["unchanged"], false);
    let now = rows(&owner, "/leads?external_id=l")[0].clone();
    assert_eq!(now["person"]["phone"], "5550 1012");
    assert_eq!(own(&now, "note"), json!("b"));
    assert_eq!(upsert(&owner, "leads", lead(json!({ "name": null }), "b"))[0]["unchanged"], true);
    let deal = |contacts: Json, text: &str| json!([{ "external_id": "d", "title": "D", "contacts": contacts, "custom_fields": note(text) }]);
    upsert(&owner, "deals", deal(json!([]), "a"));
    let done = upsert(&owner, "deals", deal(json!([{ "contact_id": eve, "role": "pays" }]), "b"));
    assert_eq!(done[0]["unchanged"], false);
    let now = rows(&owner, "/deals?external_id=d")[0].clone();
    assert_eq!(now["contacts"][0]["role"], "pays");
    assert_eq!(own(&now, "note"), json!("b"));
    assert_eq!(ids(&owner, &format!("/deals?contact_id={eve}")).len(), 1);
    let firm = |text: &str| json!([{ "external_id": "c", "name": "C", "custom_fields": note(text) }]);
    upsert(&owner, "companies", firm("a"));
    assert_eq!(upsert(&owner, "companies", firm("b"))[0]["unchanged"], false);
    assert_eq!(own(&rows(&owner, "/companies?external_id=c")[0], "note"), "b");
}

#[test]
fn an_upsert_keeps_hidden_members() {
    let owner = workspace();
    define(&owner, "contacts", "note", "text");
    owner.post("/contacts", json!({ "external_id": "e", "last_name": "E", "email": "e@x.example" })).created();
    owner.post("/leads", json!({ "external_id": "e", "title": "E", "person": { "name": "E" } })).created();
    let consents = json!([{ "channel": "email", "granted": false, "at": "2031-01-31T09:00:00Z" }]);
    for (list, hidden, member, value) in [
        ("contacts", "phone", "phones", json!([{ "phone": "+37255501011" }])),
        ("contacts", "consents", "consents", consents),
        ("contacts", "cf.note", "custom_fields", json!([{ "key": "note", "text": "b" }])),
        ("leads", "person", "person", json!({ "name": "F" })),
    ] {
        let (client, _) = user_with(
            &owner,
            &[[list, "all", "all", "all", "none", "none"]],
            json!({ "hidden_fields": [{ "resource": list, "field": hidden }] }),
        );
        let before = rows(&owner, &format!("/{list}?external_id=e"));
        let title = if list == "leads" { "title" } else { "last_name" };
        let done = upsert(&client, list, json!([{ "external_id": "e", title: "New", member: value }]));
        assert_eq!(done[0]["status"], 422);
        assert_eq!(done[0]["error"]["errors"][0]["code"], "hidden");
        assert_eq!(rows(&owner, &format!("/{list}?external_id=e")), before, "{list} {hidden}");
    }
}

#[test]
fn an_import_adds_to_existing_contacts() {
    let owner = at_home("EE");
    ["contacts", "leads"].iter().for_each(|list| define(&owner, list, "note", "text"));
    let person = json!({ "name": "Kim", "email": "kim@x.example", "phone": "5550 1011" });
    owner.post("/leads", json!({ "external_id": "l", "title": "L", "person": person })).created();
    let file = "external_id,title,person.phone,person.company_name,note\nl,L,+372 5550-1011,Acme,seen\n";
    assert_eq!(counts(&import(&owner, "leads", file, json!({}))), [0, 1, 0, 0]);
    let now = rows(&owner, "/leads?external_id=l")[0].clone();
    let expected = json!({ "name": "Kim", "email": "kim@x.example", "phone": "5550 1011", "company_name": "Acme" });
    assert_eq!(now["person"], expected);
    assert_eq!(own(&now, "note"), json!("seen"));
    assert_eq!(counts(&import(&owner, "leads", file, json!({}))), [0, 0, 1, 0]);
    let [eve, tom] = ["eve", "tom"].map(|name| {
        let body = json!({ "last_name": name, "email": format!("{name}@x.example"), "tags": ["VIP"] });
        id(&owner.post("/contacts", body).created())
    });
    let contacts = json!([{ "contact_id": eve, "role": "pays" }]);
    owner.post("/deals", json!({ "external_id": "d", "title": "D", "contacts": contacts })).created();
    for (name, expected) in [("tom", [0, 1, 0, 0]), ("eve", [0, 0, 1, 0])] {
        let file = format!("external_id,title,contact\nd,D,{name}@x.example\n");
        assert_eq!(counts(&import(&owner, "deals", &file, json!({}))), expected, "{name}");
    }
    let now = rows(&owner, "/deals?external_id=d")[0]["contacts"].clone();
    assert_eq!(now, json!([{ "contact_id": eve, "role": "pays" }, { "contact_id": tom, "role": null }]));
    assert_eq!(counts(&import(&owner, "contacts", "email,tags\neve@x.example,vip\n", json!({}))), [0, 0, 1, 0]);
    assert_eq!(counts(&import(&owner, "contacts", "email,note\neve@x.example,seen\n", json!({}))), [0, 1, 0, 0]);
}

#[test]
fn external_ids_are_case_sensitive() {
    let owner = workspace();
    for (list, name) in [("contacts", "last_name"), ("companies", "name"), ("leads", "title"), ("products", "name")] {
        let file = format!("external_id,{name}\n0015g00000aBcDe,First\n0015g00000AbCdE,Second\n");
        assert_eq!(counts(&import(&owner, list, &file, json!({}))), [2, 0, 0, 0], "{list}");
        let file = format!("external_id,{name}\n0015g00000AbCdE,Third\n0015g00000aBcDe,First\n");
        assert_eq!(counts(&import(&owner, list, &file, json!({}))), [0, 1, 1, 0], "{list}");
        assert_eq!(rows(&owner, &format!("/{list}?external_id=0015g00000AbCdE"))[0][name], "Third", "{list}");
    }
    let file = "email,company\na@x.example,0015g00000aBcDe\nb@x.example,0015g00000AbCdE\nc@x.example,0015G00000ABCDE\n";
    let refuse = json!({ "unknown_names": "refuse" });
    assert_eq!(counts(&import(&owner, "contacts", file, refuse)), [2, 0, 0, 1]);
    let company = |email: &str| {
        let contact = rows(&owner, &format!("/contacts?email={email}&include=company"))[0].clone();
        owner.get(&format!("/companies/{}", contact["company_id"].as_str().unwrap())).ok()["name"].clone()
    };
    assert_eq!([company("a@x.example"), company("b@x.example")], ["First", "Third"].map(Json::from));
    // Two external ids are two companies, whatever their names.
    let file = "external_id,name,domain\n1,Smith,smith.example\n2,Smith,smith.example\n";
    assert_eq!(counts(&import(&owner, "companies", file, json!({}))), [2, 0, 0, 0]);
    assert_eq!(counts(&import(&owner, "companies", file, json!({}))), [0, 0, 2, 0]);
}

#[test]
fn an_invalid_domain_matches_no_company() {
    let owner = workspace();
    let none = ["n/a", "-", "c/o", "c/o Acme Inc.", "https:/acme.example", "[::1]", "tel:+372", "n.a."];
    let lines: String = none.iter().enumerate().map(|(n, text)| format!("Firm {n},{text}\n")).collect();
    for name in ["One", "Two"] {
        let file = format!("name,domain\n{}", lines.replace("Firm", name));
        assert_eq!(counts(&import(&owner, "companies", &file, json!({}))), [8, 0, 0, 0]);
    }
    let domains: Vec<Json> =
        rows(&owner, "/companies?sort=name&limit=8").iter().map(|row| row["domain"].clone()).collect();
    // Words for no value are not stored.
    let stored = none.map(|text| if ["n/a", "-", "n.a."].contains(&text) { Json::Null } else { json!(text) });
    assert_eq!(domains, stored);
    let done = upsert(&owner, "companies", json!([{ "name": "Three", "domain": "n/a" }]));
    assert_eq!(done[0]["error"]["errors"][0]["pointer"], "/external_id");
    assert_eq!(ids(&owner, "/companies?domain=c/o").len(), 2);
}

#[test]
fn an_upsert_matches_a_company_by_domain() {
    let owner = workspace();
    let acme = id(&owner.post("/companies", json!({ "name": "Acme", "domain": "acme.example" })).created());
    let done =
        upsert(&owner, "companies", json!([{ "external_id": "crm-1", "name": "Acme", "domain": "ACME.example" }]));
    assert_eq!(done[0]["status"], 200);
    assert_eq!(done[0]["id"], json!(acme));
    assert_eq!(rows(&owner, "/companies?external_id=crm-1")[0]["id"], json!(acme));
    // A record with another external id is another company with the same domain.
    let done =
        upsert(&owner, "companies", json!([{ "external_id": "crm-2", "name": "Acme 2", "domain": "acme.example" }]));
    assert_eq!(done[0]["status"], 201);
    let item = |key: Option<&str>, domain: &str| json!({ "external_id": key, "name": "N", "domain": domain });
    for (n, (first, second, statuses)) in [
        (None, None, [201, 200]),
        (Some("a"), None, [201, 200]),
        (None, Some("b"), [201, 200]),
        (Some("c"), Some("d"), [201, 201]),
    ]
    .into_iter()
    .enumerate()
    {
        let domain = format!("batch{n}.example");
        let done = upsert(&owner, "companies", json!([item(first, &domain), item(second, &format!("www.{domain}"))]));
        assert_eq!([&done[0]["status"], &done[1]["status"]], statuses.map(Json::from).each_ref(), "{domain}");
    }
    let file = "name,domain,sector\nBolt,bolt.example,a\nBolt OÜ,www.bolt.example,b\nPlain,,a\nPLAIN,,b\nPlain,,b\n";
    // Rows of one company that contradict an earlier row are refused.
    assert_eq!(counts(&import(&owner, "companies", file, json!({}))), [2, 0, 0, 3]);
    assert_eq!(rows(&owner, "/companies?domain=bolt.example")[0]["sector"], "a");
    // A unique value is refused the second time.
    let file = "email,position\na@x.example,CEO\nA@x.example,CTO\n";
    assert_eq!(counts(&import(&owner, "contacts", file, json!({}))), [1, 0, 0, 1]);
}

#[test]
fn a_company_is_found_by_any_form_of_its_domain() {
    let owner = workspace();
    let books = id(&owner.post("/companies", json!({ "name": "Books", "domain": "bücher.example" })).created());
    owner.post("/companies", json!({ "name": "Shop", "domain": "shop.bücher.example" })).created();
    for text in [
        "https://www.bücher.example",
        "www.BÜCHER.example",
        "xn--bcher-kva.example",
        "http://xn--bcher-kva.example/about",
    ] {
        assert_eq!(ids(&owner, &format!("/companies?q={}", encoded(text)))[0], books, "{text}");
    }
    assert_eq!(ids(&owner, &format!("/companies?q={}", encoded("books www.bücher.example"))), [books.as_str()]);
    let contact = id(&owner.post("/contacts", json!({ "email": "info@bücher.example" })).created());
    for query in [
        "email__contains=@xn--bcher-kva.example",
        "email__starts_with=INFO@xn--bcher-kva.ex",
        "q=info@xn--bcher-kva.example",
    ] {
        assert_eq!(ids(&owner, &format!("/contacts?{query}")), [contact.as_str()], "{query}");
    }
}

#[test]
fn a_renamed_tag_is_updated_in_related_conditions() {
    let owner = workspace();
    let field =
        json!({ "resource": "contacts", "key": "tags", "name": "T", "kind": "multi_choice", "options": ["old", "x"] });
    owner.post("/custom-fields", field).created();
    owner.post("/tags", json!({ "name": "old" })).created();
    let asks = |field: &str| json!({ "all": [{ "field": field, "op": "eq", "values": ["OLD", "y"] }] });
    let mut kept = Vec::new();
    for (resource, field) in [
        ("contacts", "deals.tags"),
        ("contacts", "company.tags"),
        ("companies", "contacts.tags"),
        ("deals", "contacts.tags"),
        ("leads", "contact.tags"),
    ] {
        for list in ["views", "segments"] {
            let mut body = json!({ "resource": resource, "name": field, "selection": asks(field) });
            if list == "segments" {
                body["kind"] = json!("dynamic");
            }
            kept.push(format!("/{list}/{}", id(&owner.post(&format!("/{list}"), body).created())));
        }
    }
    let own = json!({ "all": [{ "field": "cf.tags", "op": "eq", "values": ["old"] }, { "field": "tags", "op": "eq", "values": ["old"] }] });
    let own = owner.post("/views", json!({ "resource": "contacts", "name": "Own", "selection": own })).created();
    let tag = format!("/tags/{}", id(&rows(&owner, "/tags?name=old")[0]));
    owner.patch(&tag, json!({ "name": "new" })).ok();
    for path in kept {
        let now = owner.get(&path).ok();
        assert_eq!(now["selection"]["all"][0]["values"], json!(["new", "y"]), "{now}");
    }
    let own = owner.get(&format!("/views/{}", id(&own))).ok()["selection"]["all"].clone();
    assert_eq!(own[0]["values"], json!(["old"]));
    assert_eq!(own[1]["values"], json!(["new"]));
}

#[test]
fn tags_are_plain_words() {
    let owner = workspace();
    let tags = json!(["x", "x\u{200b}", "x\u{feff}", "x\u{ad}", "\u{200b}", " ", "STRAẞE", "straße", "strasse"]);
    for (list, name) in [("/contacts", "last_name"), ("/companies", "name"), ("/leads", "title"), ("/deals", "title")] {
        let made = owner.post(list, json!({ name: "A", "tags": tags })).created();
        assert_eq!(made["tags"], json!(["x", "STRAẞE"]), "{list}");
        let path = format!("{list}/{}", id(&made));
        assert_eq!(ids(&owner, &format!("{list}?tags={}", encoded("Strasse"))), [id(&made)], "{list}");
        for member in ["tags", "tags_add", "tags_remove"] {
            for (wrong, code) in [("a\nb".to_owned(), "invalid_character"), ("a".repeat(201), "too_long")] {
                let problem = owner.patch(&path, json!({ member: ["y", wrong] })).problem(422, "validation_failed");
                let error = &problem["errors"][0];
                assert_eq!(error["pointer"], json!(format!("/{member}/1")), "{list}");
                assert_eq!(error["code"], json!(code), "{list}");
            }
        }
        let changed =
            owner.patch(&path, json!({ "tags_add": ["y\u{200b}", "\u{feff}"], "tags_remove": ["X\u{ad}"] })).ok();
        assert_eq!(changed["tags"], json!(["STRAẞE", "y"]), "{list}");
    }
    owner.post("/tags", json!({ "name": "Straße" })).problem(409, "duplicate_name");
}

#[test]
fn a_number_keeps_its_parsed_form() {
    let owner = at_home("EE");
    let phones = json!([{ "phone": "555 0101" }, { "phone": "+372 555 0102", "kind": "home" }]);
    let made = owner.post("/contacts", json!({ "last_name": "A", "phones": phones })).created();
    let path = format!("/contacts/{}", id(&made));
    owner.patch("/workspaces/current", json!({ "country": "FI" })).ok();
    for body in [
        json!({ "phones": made["phones"] }),
        json!({ "phones": made["phones"], "phone": made["phone"] }),
        json!({ "phone": "+3725550101" }),
        json!({ "phone": "555 0101" }),
        json!({ "phones": phones }),
    ] {
        assert_eq!(owner.patch(&path, body.clone()).ok(), made, "{body}");
    }
    // A new number is parsed with the current country.
    let more = json!([{ "phone": "555 0101" }, { "phone": "555 01012" }]);
    let now = owner.patch(&path, json!({ "phones": more })).ok()["phones"].clone();
    assert_eq!(now[0]["e164"], "+3725550101");
    assert_eq!(now[1]["e164"], "+35855501012");
}

#[test]
fn a_number_can_move_within_the_list() {
    let owner = at_home("EE");
    let phones = json!([{ "phone": "555 0101" }, { "phone": "555 0102", "kind": "home" }, { "phone": "555-0101" }, { "phone": "5550101 ext 7" }]);
    let made = owner.post("/contacts", json!({ "external_id": "a", "last_name": "A", "phones": phones })).created();
    let path = format!("/contacts/{}", id(&made));
    let written = |record: &Json| -> Vec<String> {
        record["phones"].as_array().unwrap().iter().map(|one| one["phone"].as_str().unwrap().to_owned()).collect()
    };
    // A number appears once; with an extension it is another number.
    assert_eq!(written(&made), ["555 0101", "555 0102", "5550101 ext 7"]);
    for body in [json!({ "phone": made["phone"] }), json!({ "phone": "555 0101" })] {
        assert_eq!(owner.patch(&path, body).ok(), made);
    }
    let done = upsert(&owner, "contacts", json!([{ "external_id": "a", "phone": "+3725550101" }]));
    assert_eq!(done[0]["unchanged"], true);
    let now = owner.patch(&path, json!({ "phone": "+3725550102" })).ok();
    assert_eq!(written(&now), ["555 0102", "555 0101", "5550101 ext 7"]);
    assert_eq!(now["phones"][0]["kind"], "home");
    let now = owner.patch(&path, json!({ "phone": "+372 555-0101" })).ok();
    assert_eq!(written(&now), ["+372 555-0101", "555 0102", "5550101 ext 7"]);
    let now = owner.patch(&path, json!({ "phone": "555 0109" })).ok();
    assert_eq!(written(&now), ["555 0109", "555 0102", "5550101 ext 7"]);
    assert_eq!(written(&owner.patch(&path, json!({ "phone": null })).ok()), ["555 0102", "5550101 ext 7"]);
}

#[test]
fn numbers_are_found_as_typed() {
    let owner = at_home("US");
    for text in [
        "(212) 555-0123 x5",
        "212-555-0124 ext 9",
        "1-800-flowers",
        "*67",
        "212\u{202f}555\u{2009}0125",
        "212'555'0126",
        "212·555·0127",
    ] {
        let made = id(&owner.post("/contacts", json!({ "last_name": "A", "phone": text })).created());
        for way in ["q", "phone"] {
            let found = ids(&owner, &format!("/contacts?{way}={}", encoded(text)));
            assert_eq!(found.first(), Some(&made), "{way} {text}");
        }
        let lead = id(&owner
            .post("/leads", json!({ "title": text.replace(char::is_numeric, ""), "person": { "phone": text } }))
            .created());
        assert!(ids(&owner, &format!("/leads?q={}", encoded(text))).contains(&lead), "{text}");
    }
    assert!(rows(&owner, "/contacts?phone=2125550126")[0]["phones"][0]["e164"] == "+12125550126");
}

#[test]
fn exact_name_matches_come_first() {
    let owner = at_home("EE");
    let exact = id(&owner.post("/contacts", json!({ "last_name": "A", "phone": "555 0101" })).created());
    let lead = |person: Json| id(&owner.post("/leads", json!({ "title": "L", "person": person })).created());
    let kim = lead(json!({ "name": "Kim", "email": "kim@x.example", "phone": "555 0101" }));
    for n in 0..5 {
        owner.post("/contacts", json!({ "last_name": "B", "phone": format!("+37255501012{n}") })).created();
        lead(
            json!({ "name": format!("Kim Lee {n}"), "email": format!("{n}kim@x.example"), "phone": format!("+37255501012{n}") }),
        );
    }
    for text in ["555 0101", "+372 5550101", "5550101"] {
        assert_eq!(ids(&owner, &format!("/contacts?q={}&limit=1", encoded(text))), [exact.as_str()], "{text}");
        assert_eq!(ids(&owner, &format!("/leads?q={}&limit=1", encoded(text))), [kim.as_str()], "{text}");
    }
    for text in ["kim", "KIM@x.example"] {
        assert_eq!(ids(&owner, &format!("/leads?q={}&limit=1", encoded(text))), [kim.as_str()], "{text}");
    }
    let (blind, _) = user_with(
        &owner,
        &[["contacts", "all", "none", "none", "none", "none"], ["leads", "all", "none", "none", "none", "none"]],
        json!({ "hidden_fields": [{ "resource": "contacts", "field": "phone" }, { "resource": "leads", "field": "person" }] }),
    );
    assert_eq!(ids(&blind, "/contacts?q=5550101"), [""; 0]);
    assert_eq!(ids(&blind, "/leads?q=kim"), [""; 0]);
}

#[test]
fn custom_addresses_and_numbers_are_normalized() {
    let owner = at_home("EE");
    for list in ["contacts", "companies", "leads", "deals"] {
        define(&owner, list, "em", "email");
        define(&owner, list, "ph", "phone");
        let name = match list {
            "contacts" => "last_name",
            "companies" => "name",
            _ => "title",
        };
        let values = |email: &str, phone: &str| json!([{ "key": "em", "text": email }, { "key": "ph", "text": phone }]);
        let body = json!({ name: "A", "custom_fields": values("Anna@XN--BCHER-KVA.example", "555 0707") });
        let made = owner.post(&format!("/{list}"), body).created();
        assert_eq!(own(&made, "em"), json!("anna@bücher.example"), "{list}");
        assert_eq!(own(&made, "ph"), json!("+3725550707"), "{list}");
        for asked in [
            "em:eq:Anna@XN--BCHER-KVA.example",
            "em:eq:anna@bücher.example",
            "em:contains:@xn--bcher-kva.example",
            "ph:eq:555 0707",
            "ph:eq:5550707",
            "ph:eq:+372 555 0707",
            "ph:eq:00372-555-07-07",
            "ph:contains:555 07 07",
            "ph:starts_with:+372 555",
        ] {
            assert_eq!(ids(&owner, &format!("/{list}?cf={}", encoded(asked))), [id(&made)], "{list} {asked}");
        }
        let path = format!("/{list}/{}", id(&made));
        let same = json!({ "custom_fields": values("anna@BÜCHER.example", "00372 555 0707") });
        assert_eq!(owner.patch(&path, same).ok(), made, "{list}");
        let odd = owner.patch(&path, json!({ "custom_fields": [{ "key": "ph", "text": "112 at the gate" }] })).ok();
        assert_eq!(own(&odd, "ph"), "112 at the gate");
        assert_eq!(ids(&owner, &format!("/{list}?cf={}", encoded("ph:eq:112 at the gate"))), [id(&made)]);
    }
}

#[test]
fn a_name_needs_a_visible_character() {
    let owner = workspace();
    for name in ["\u{200d}", "\u{3164}", "\u{2800}", "\u{200e}", "\u{200e}\u{3164} \u{2800}", "\u{ffa0}", "\u{115f}"] {
        owner.post("/companies", json!({ "name": name })).problem(422, "validation_failed");
        owner.post("/contacts", json!({ "last_name": name })).problem(422, "validation_failed");
        let made = owner.post("/companies", json!({ "name": "A", "sector": name, "tags": [name] })).created();
        assert_eq!(made["sector"], Json::Null);
        assert_eq!(made["tags"], json!([]));
    }
    for name in ["می\u{200c}خواهم", "👨\u{200d}👩", "⠓\u{2800}⠓"] {
        assert_eq!(owner.post("/companies", json!({ "name": name })).created()["name"], name);
    }
}
