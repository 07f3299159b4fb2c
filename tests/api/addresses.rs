//! A contact is found by each of its addresses and numbers in any format; a company is found by its domain.
use crate::imports::import;
use crate::support::{Client, id, key, login, register, unique, user_with, workspace};
use serde_json::{Value as Json, json};

/// Real formats: international, national with trunk prefix, and E.164.
const NUMBERS: [(&str, &str, &str); 14] = [
    ("+33 1 42 68 53 00", "01 42 68 53 00", "+33142685300"),
    ("+7 800 555-35-35", "8-800-555-35-35", "+78005553535"),
    ("+7 912 345-67-89", "8 (912) 345-67-89", "+79123456789"),
    ("+49 30 901820", "030/901820", "+4930901820"),
    ("+49 1512 3456789", "01512 3456789", "+4915123456789"),
    ("+44 20 7946 0958", "(020) 7946 0958", "+442079460958"),
    ("+39 06 6982 1234", "06 6982 1234", "+390669821234"),
    ("+55 11 96123-4567", "(11) 96123-4567", "+5511961234567"),
    ("+81 3-1234-5678", "03-1234-5678", "+81312345678"),
    ("+1 212-736-5000", "(212) 736-5000", "+12127365000"),
    ("+372 5550 1011", "5550 1011", "+37255501011"),
    ("+36 1 268 9900", "06 1 268 9900", "+3612689900"),
    ("+61 2 9374 4000", "02 9374 4000", "+61293744000"),
    ("+54 9 11 2345-6789", "011 15-2345-6789", "+5491123456789"),
];

const HOMES: [(&str, &[usize]); 8] = [
    ("US", &[9]),
    ("RU", &[1, 2]),
    ("DE", &[3, 4]),
    ("FR", &[0]),
    ("GB", &[5]),
    ("IT", &[6]),
    ("BR", &[7]),
    ("JP", &[8]),
];

fn home(country: &str) -> Client {
    let owner = workspace();
    owner.patch("/workspaces/current", json!({ "country": country })).ok();
    owner
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn ids(client: &Client, path: &str) -> Vec<String> {
    client.get(path).ok()["data"].as_array().unwrap().iter().map(id).collect()
}

/// Checks that every way to query a number finds it.
fn is_found(owner: &Client, contact: &str, text: &str, of: &str) {
    let typed = encoded(text);
    let asked = json!({ "all": [{ "field": "phone", "op": "eq", "values": [text] }] });
    let found = owner.post("/contacts/search", asked).ok();
    let everywhere = owner.get(&format!("/search?q={typed}&limit=50")).ok();
    for (way, found) in [
        ("phone=", ids(owner, &format!("/contacts?phone={typed}"))),
        ("q=", ids(owner, &format!("/contacts?q={typed}"))),
        ("conditions", found["data"].as_array().unwrap().iter().map(id).collect()),
        ("search", everywhere["contacts"].as_array().unwrap().iter().map(id).collect()),
    ] {
        assert!(found.iter().any(|one| one == contact), "{of} by {way} as {text}: {found:?}");
    }
}

#[test]
fn numbers_are_parsed_and_found_in_every_format() {
    for (country, own) in HOMES {
        let owner = home(country);
        for (n, (international, national, e164)) in NUMBERS.iter().enumerate() {
            let of = format!("{international} in {country}");
            let made = owner.post("/contacts", json!({ "first_name": "A", "phone": international })).created();
            assert_eq!(made["phone"], json!(e164), "{of}");
            assert_eq!(made["phones"][0]["e164"], json!(e164), "{of}");
            let digits = e164.trim_start_matches('+');
            let (abroad, spaced) = (format!("00{digits}"), e164.replace('5', " 5"));
            for text in [*e164, *international, *national, digits, &abroad, &spaced] {
                is_found(&owner, &id(&made), text, &of);
            }
            let path = format!("/contacts/{}", id(&made));
            if own.contains(&n) {
                let changed = owner.patch(&path, json!({ "phone": national })).ok();
                assert_eq!(changed["phone"], json!(e164), "{national} in {country}");
                assert_eq!(changed["phones"][0]["phone"], json!(national));
                for text in [*e164, *international, *national] {
                    is_found(&owner, &id(&made), text, &of);
                }
            }
            owner.delete(&path).gone();
        }
    }
}

#[test]
fn all_numbers_of_a_contact_are_found() {
    let owner = workspace();
    let phones =
        json!([{ "phone": "+372 5550 1011" }, { "phone": "(212) 736-5000 ext. 7" }, { "phone": "ask at the  desk" }]);
    let eve = id(&owner.post("/contacts", json!({ "first_name": "Eve", "phones": phones })).created());
    let tom = id(&owner.post("/contacts", json!({ "first_name": "Tom", "phone": "+372 5550 1012" })).created());
    for text in ["+1 212 736 5000", "2127365000", "55501011", "Ask at the desk"] {
        assert_eq!(ids(&owner, &format!("/contacts?phone={}", encoded(text))), [eve.as_str()], "{text}");
    }
    assert_eq!(ids(&owner, "/contacts?phone=5550"), [""; 0]);
    assert_eq!(ids(&owner, "/contacts?phone=5550%201012,%2B12127365000&sort=first_name"), [eve.as_str(), tom.as_str()]);
    assert_eq!(ids(&owner, "/contacts?phone__ne=212.736.5000"), [tom.as_str()]);
    assert_eq!(ids(&owner, "/contacts?phone__contains=736-50"), [eve.as_str()]);
    assert_eq!(ids(&owner, "/contacts?phone__starts_with=%2B372%205550&sort=-first_name"), [tom.clone(), eve.clone()]);
    owner.patch(&format!("/contacts/{eve}"), json!({ "phones": [] })).ok();
    assert_eq!(ids(&owner, "/contacts?phone=55501011"), [""; 0]);
    let (ann, _) = user_with(
        &owner,
        &[["contacts", "all", "none", "none", "none", "none"], ["search", "all", "none", "none", "none", "none"]],
        json!({ "hidden_fields": [{ "resource": "contacts", "field": "phone" }] }),
    );
    assert_eq!(ids(&ann, "/contacts?q=55501012"), [""; 0]);
    ann.get("/contacts?phone=55501012").problem(400, "unknown_parameter");
    let person = json!({ "name": "Kim", "phone": "8 (212) 736.50.01" });
    let lead = id(&owner.post("/leads", json!({ "person": person })).created());
    for text in ["2127365001", "212 736 50 01", "736-5001"] {
        assert_eq!(ids(&owner, &format!("/leads?q={}", encoded(text))), [lead.as_str()], "{text}");
    }
    // A text that looks like a number is also searched for verbatim.
    let deal = id(&owner.post("/deals", json!({ "title": "Fair 2026-01-31" })).created());
    assert_eq!(ids(&owner, "/deals?q=2026-01-31"), [deal.as_str()]);
}

#[test]
fn an_email_belongs_to_one_contact() {
    let owner = workspace();
    let emails = json!([{ "email": "eve@one.example" }, { "email": "Eve@Two.example", "kind": "home" }]);
    let eve = id(&owner.post("/contacts", json!({ "first_name": "Eve", "emails": emails })).created());
    let tom = id(&owner.post("/contacts", json!({ "first_name": "Tom", "email": "tom@one.example" })).created());
    for query in ["email=eve@two.example", "email=EVE@ONE.example", "email__starts_with=eve@two", "email__contains=TWO"]
    {
        assert_eq!(ids(&owner, &format!("/contacts?{query}")), [eve.as_str()], "{query}");
    }
    assert_eq!(ids(&owner, "/contacts?email__ne=eve@two.example"), [tom.as_str()]);
    let condition = json!({ "none": [{ "field": "email", "op": "eq", "values": ["eve@two.example"] }] });
    assert_eq!(owner.post("/contacts/search", condition).ok()["data"][0]["id"], json!(tom));
    // The address is primary in one list, secondary in the other, and secondary in both.
    for body in [
        json!({ "email": "eve@two.example" }),
        json!({ "emails": [{ "email": "new@x.example" }, { "email": "eve@two.example" }] }),
        json!({ "emails": [{ "email": "new@x.example" }, { "email": "tom@one.example" }] }),
    ] {
        let problem = owner.post("/contacts", body.clone()).problem(409, "duplicate_email");
        let holder = if body.to_string().contains("tom") { &tom } else { &eve };
        assert_eq!(problem["existing_id"], json!(holder), "{body}");
    }
    let path = format!("/contacts/{tom}");
    owner.patch(&path, json!({ "email": "eve@two.example" })).problem(409, "duplicate_email");
    let both = json!([{ "email": "tom@one.example" }, { "email": "eve@two.example" }]);
    owner.patch(&path, json!({ "emails": both })).problem(409, "duplicate_email");
    // A removed address, or one of a deleted contact, is free. Restoring the contact claims it again.
    owner.patch(&format!("/contacts/{eve}"), json!({ "emails": [{ "email": "eve@one.example" }] })).ok();
    owner.patch(&path, json!({ "emails": both })).ok();
    owner.delete(&path).gone();
    let new = id(&owner.post("/contacts", json!({ "email": "eve@two.example" })).created());
    owner.post(&format!("{path}/restore"), json!({})).problem(409, "duplicate_email");
    owner.delete(&format!("/contacts/{new}")).gone();
    owner.post(&format!("{path}/restore"), json!({})).ok();
    owner.post("/contacts", json!({ "email": "eve@two.example" })).problem(409, "duplicate_email");
    // Each contact promotes its own address; neither loses one.
    let promoted = owner.patch(&path, json!({ "email": "eve@two.example" })).ok();
    assert_eq!(promoted["email"], "eve@two.example");
    assert_eq!(promoted["emails"].as_array().unwrap().len(), 2);
}

#[test]
fn concurrent_claims_of_one_address_have_one_winner() {
    let owner = workspace();
    let take = |n: usize| {
        let owner = owner.clone();
        let emails = json!([{ "email": format!("own{n}@x.example") }, { "email": "shared@x.example" }]);
        std::thread::spawn(move || owner.post("/contacts", json!({ "emails": emails })).status)
    };
    let tries: Vec<_> = (0..12).map(take).collect();
    let statuses: Vec<u16> = tries.into_iter().map(|one| one.join().unwrap()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 201 | 409)), "{statuses:?}");
}

#[test]
fn upserts_imports_and_conversions_match_secondary_addresses() {
    let owner = workspace();
    let emails = json!([{ "email": "eve@one.example" }, { "email": "eve@two.example" }]);
    let eve = id(&owner
        .post("/contacts", json!({ "first_name": "Eve", "emails": emails, "phone": "+37255501011" }))
        .created());
    let items = json!([{ "email": "EVE@two.example", "position": "CEO" }]);
    let done = owner.post("/contacts/batch-upsert", json!({ "items": items })).ok();
    assert_eq!(done["results"][0]["status"], 200);
    assert_eq!(done["results"][0]["id"], json!(eve));
    let now = owner.get(&format!("/contacts/{eve}")).ok();
    assert_eq!(now["position"], "CEO");
    assert_eq!(now["emails"].as_array().unwrap().len(), 2);
    let report = import(&owner, "contacts", "email,phone\neve@one.example,00372 5550-1011\n", json!({}));
    assert_eq!(report["created"], 0, "{report}");
    assert_eq!(report["unchanged"], 1, "{report}");
    let report = import(&owner, "contacts", "email,position\nEve@Two.Example,CTO\n", json!({}));
    assert_eq!(report["created"], 0, "{report}");
    assert_eq!(report["updated"], 1, "{report}");
    assert_eq!(owner.get(&format!("/contacts/{eve}")).ok()["emails"].as_array().unwrap().len(), 2);
    let report = import(&owner, "deals", "title,contact\nBoat,EVE@two.example\n", json!({}));
    assert_eq!(report["created"], 1, "{report}");
    assert_eq!(report["failed"], 0, "{report}");
    for email in ["eve@one.example", "Eve@two.example"] {
        let lead = owner.post("/leads", json!({ "person": { "name": "E", "email": email } })).created();
        let became = owner.post(&format!("/leads/{}/convert", id(&lead)), json!({})).ok();
        assert_eq!(became["contact"]["id"], json!(eve), "{email}");
    }
    assert_eq!(ids(&owner, "/contacts"), [eve]);
}

#[test]
fn addresses_are_compared_in_normal_form() {
    let owner = workspace();
    for (first, others) in [
        (
            "eve@x.example",
            ["e\u{200b}ve@x.example", "\u{feff}eve@x.example", "eve@x.exam\u{ad}ple", "EVE@\u{2060}X.example"],
        ),
        (
            "info@bücher.example",
            [
                "info@xn--bcher-kva.example",
                "Info@BÜCHER.example",
                "info@bu\u{308}cher.example",
                "info@xn--BCHER-kva.example",
            ],
        ),
        ("anna@xn--80a1acny.xn--p1ai", ["anna@почта.рф", "ANNA@почта.рф", "anna@ПОЧТА.РФ", "anna@поч\u{200d}та.рф"]),
    ] {
        let made = owner.post("/contacts", json!({ "email": first })).created();
        for other in others {
            let problem = owner.post("/contacts", json!({ "email": other })).problem(409, "duplicate_email");
            assert_eq!(problem["existing_id"], made["id"], "{other:?}");
            for way in ["email", "q"] {
                assert_eq!(ids(&owner, &format!("/contacts?{way}={}", encoded(other))), [id(&made)], "{way} {other:?}");
            }
            let done = owner.post("/contacts/batch-upsert", json!({ "items": [{ "email": other }] })).ok();
            assert_eq!(done["results"][0]["id"], made["id"], "{other:?}");
        }
        let shown = owner.get(&format!("/contacts/{}", id(&made))).ok();
        assert!(!shown["email"].as_str().unwrap().contains("xn--"), "{shown}");
    }
}

#[test]
fn a_company_is_matched_by_domain() {
    let owner = workspace();
    let acme =
        owner.post("/companies", json!({ "name": "Acme", "domain": "https://www.Acme.example/about?x" })).created();
    assert_eq!(acme["domain"], "acme.example");
    let forms = ["acme.example", "WWW.ACME.EXAMPLE", "http://acme.example/", "acme.example.", "info@acme.example"];
    for form in forms {
        assert_eq!(ids(&owner, &format!("/companies?domain={}", encoded(form))), [id(&acme)], "{form}");
        let condition = json!({ "all": [{ "field": "domain", "op": "eq", "values": [form] }] });
        assert_eq!(owner.post("/companies/search", condition).ok()["data"][0]["id"], acme["id"], "{form}");
        let items = json!([{ "name": "Acme", "domain": form, "sector": form }]);
        let done = owner.post("/companies/batch-upsert", json!({ "items": items })).ok();
        assert_eq!(done["results"][0]["status"], 200, "{form}");
        assert_eq!(done["results"][0]["id"], acme["id"], "{form}");
        let report = import(&owner, "companies", &format!("name,domain\nAcme,{form}\n"), json!({}));
        assert_eq!(report["created"], 0, "{form}: {report}");
        assert_eq!(report["unchanged"], 1, "{form}: {report}");
        let report =
            import(&owner, "contacts", &format!("email,company\n{}@x.example,{form}\n", encoded(form)), json!({}));
        assert_eq!(report["created"], 1, "{form}: {report}");
        assert_eq!(report["failed"], 0, "{form}: {report}");
    }
    let path = format!("/companies/{}", id(&acme));
    assert_eq!(owner.patch(&path, json!({ "domain": "xn--bcher-kva.example" })).ok()["domain"], "bücher.example");
    assert_eq!(ids(&owner, &format!("/companies?domain={}", encoded("BÜCHER.example"))), [id(&acme)]);
    assert_eq!(owner.patch(&path, json!({ "domain": "" })).ok()["domain"], Json::Null);
    let keyless = owner.post("/companies/batch-upsert", json!({ "items": [{ "name": "No key" }] })).ok();
    assert_eq!(keyless["results"][0]["error"]["errors"][0]["pointer"], "/external_id", "{keyless}");
}

#[test]
fn lookups_use_few_statements() {
    let owner = workspace();
    let emails = json!([{ "email": "a@x.example" }, { "email": "b@x.example" }]);
    let made = owner.post("/contacts", json!({ "emails": emails, "phone": "+37255501011" }));
    assert!(made.statements() <= 5, "{}", made.statements());
    for (query, most) in [("email=b@x.example", 1), ("phone=5550%201011", 1), ("q=5550%201011", 2)] {
        let statements = owner.get(&format!("/contacts?{query}")).statements();
        assert!(statements <= most, "{query}: {statements}");
    }
    let script = key(&owner, &["contacts:read"]);
    assert_eq!(script.get("/contacts?email=b@x.example").ok()["data"].as_array().unwrap().len(), 1);
}

/// Addresses of users and logins have one normal form too: `bücher` and `xn--bcher-kva` are the same.
#[test]
fn user_addresses_have_one_normal_form() {
    let owner = workspace();
    let host = unique("bücher");
    let puny = idna::domain_to_ascii(&host).unwrap();
    let (readable, typed) = (format!("some.one@{host}.example"), format!("Some.One@{}.example", puny.to_uppercase()));
    let body = |email: &str| json!({ "name": "Some", "role": "seller", "email": email, "password": "a-long-password" });
    let made = owner.post("/users", body(&typed)).created();
    assert_eq!(made["email"], json!(readable));
    for form in [&readable, &typed, &readable.to_uppercase(), &typed.to_lowercase()] {
        login(form, "a-long-password").ok();
        assert_eq!(ids(&owner, &format!("/users?email={}", encoded(form))), [id(&made)], "{form}");
        assert_eq!(ids(&owner, &format!("/users?q={}", encoded(form))), [id(&made)], "{form}");
        owner.post("/users", body(form)).problem(409, "duplicate_email");
    }
    let (boss, _) = register(&format!("boss@{puny}.example"), "a-long-password");
    assert_eq!(boss.get("/me").ok()["user"]["email"], json!(format!("boss@{host}.example")));
    login(&format!("Boss@{host}.example"), "a-long-password").ok();
}

#[test]
fn an_erased_person_is_recognized_in_every_form() {
    let owner = workspace();
    let forms =
        ["anna@bücher.example", "Anna@BÜCHER.example", "anna@xn--bcher-kva.example", "an\u{ad}na@bücher.example"];
    for erased in forms {
        let lead = json!({ "title": "L", "person": { "email": "anna@xn--bcher-kva.example" } });
        let lead = id(&owner.post("/leads", lead).created());
        let contact = id(&owner.post("/contacts", json!({ "first_name": "A", "email": erased })).created());
        let proof = owner.post("/erasures", json!({ "contact_id": contact, "reason": "Asked" })).created();
        assert_eq!(proof["erased"]["leads"], 1, "{erased}");
        assert_eq!(owner.get(&format!("/leads/{lead}")).ok()["person"], Json::Null);
        for form in forms {
            let found = owner.post("/erasures/search", json!({ "email": form })).ok();
            assert_eq!(found["erasure"]["id"], proof["id"], "{erased} {form}");
        }
    }
}

/// The other addresses of a lead become addresses of its contact.
#[test]
fn a_conversion_keeps_all_addresses() {
    let owner = workspace();
    let contact =
        json!({ "first_name": "Eva", "last_name": "Stone", "email": "eva@stone.example", "phone": "+37255501011" });
    let contact = id(&owner.post("/contacts", contact).created());
    owner.post("/contacts", json!({ "first_name": "Other", "email": "taken@stone.example" })).created();
    let convert = |person: Json, mode: &str| {
        let lead = json!({ "title": "L", "contact_id": contact, "person": person });
        let lead = id(&owner.post("/leads", lead).created());
        let asked = json!({ "without_deal": true, "on_conflict": mode });
        let made = owner.post(&format!("/leads/{lead}/convert"), asked).ok();
        (made["filled"].clone(), made["contact"].clone())
    };
    let (filled, now) = convert(json!({ "email": "Eva@Home.example", "phone": "+372 5550 2022" }), "fill_empty");
    assert_eq!(filled, json!(["contact.emails", "contact.phones"]));
    assert_eq!(now["email"], "eva@stone.example");
    assert_eq!(now["phone"], "+37255501011");
    assert_eq!(now["emails"][1]["email"], "eva@home.example");
    assert_eq!(now["phones"][1]["e164"], "+37255502022");
    assert_eq!(ids(&owner, "/contacts?email=eva@home.example"), std::slice::from_ref(&contact));
    let same = json!({ "email": "eva@home.example", "phone": "00372 5550-2022" });
    for (person, mode) in [
        (same.clone(), "fill_empty"),
        (json!({ "email": "third@stone.example", "phone": "+372 5550 3033" }), "keep"),
        (json!({ "email": "taken@stone.example" }), "fill_empty"),
        (json!({ "email": "EVA@stone.example", "phone": "+372 5550-1011" }), "overwrite"),
    ] {
        assert_eq!(convert(person.clone(), mode).0, json!([]), "{person} {mode}");
    }
    let (filled, now) = convert(json!({ "phone": "+372 5550 4044" }), "overwrite");
    assert_eq!(filled, json!(["contact.phone"]));
    assert_eq!(now["phone"], "+37255504044");
}
