//! The search over all kinds of records.
use crate::privacy::gathered;
use crate::support::{Client, id, key, user_with, workspace};
use serde_json::{Value as Json, json};

fn names(client: &Client, q: &str, kind: &str) -> Vec<String> {
    let found = client.get(&format!("/search?q={q}")).ok();
    found[kind].as_array().unwrap().iter().map(|hit| hit["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn exact_matches_come_first_and_typos_are_tolerated() {
    let owner = workspace();
    for (first, last, phone) in [
        ("Anna", "Tamm", "+37255501011"),
        ("Hanna", "Kask", ""),
        ("Ann", "Lee", ""),
        ("Анна", "Петрова", ""),
        ("José", "Núñez", ""),
    ] {
        let mut contact = json!({ "first_name": first, "last_name": last });
        if !phone.is_empty() {
            contact["phone"] = json!(phone);
        }
        owner.post("/contacts", contact).created();
    }
    assert_eq!(names(&owner, "anna", "contacts")[..2], ["Anna Tamm", "Hanna Kask"]);
    assert_eq!(names(&owner, "Ann", "contacts")[0], "Ann Lee");
    assert_eq!(names(&owner, "ann%20lee", "contacts"), ["Ann Lee"]);
    assert_eq!(names(&owner, "%D0%B0%D0%BD%D0%BD%D0%B0", "contacts"), ["Анна Петрова"]);
    assert_eq!(names(&owner, "nunez", "contacts"), ["José Núñez"]);
    assert_eq!(names(&owner, "tam", "contacts"), ["Anna Tamm"]);
    assert_eq!(names(&owner, "petrova", "contacts"), [""; 0]);
    assert_eq!(names(&owner, "5550%201011", "contacts"), ["Anna Tamm"]);
    owner.post("/companies", json!({ "name": "Stone Harbour" })).created();
    assert_eq!(names(&owner, "harbor", "companies"), ["Stone Harbour"]);
    let deal = id(&owner.post("/deals", json!({ "title": "Harbour crane 50%" })).created());
    owner.post("/activities", json!({ "type": "note", "text": "Wants the crane in May", "deal_id": deal })).created();
    assert_eq!(names(&owner, "crane", "deals").len(), 1);
    assert_eq!(names(&owner, "crane", "activities").len(), 1);
    assert_eq!(names(&owner, "50%25", "deals").len(), 1);
    let only = owner.get("/search?q=harbour&types=deal&limit=1").ok();
    assert_eq!(only["deals"].as_array().unwrap().len(), 1);
    assert_eq!(only["companies"], json!([]));
    owner.get("/search").problem(400, "invalid_parameter");
    owner.get("/search?q=a&types=ship").problem(400, "invalid_parameter");
    assert_eq!(names(&workspace(), "anna", "contacts"), [""; 0]);
}

#[test]
fn exact_matches_come_first_among_thousands() {
    let owner = workspace();
    for batch in 0..2 {
        let items: Vec<Json> = (0..800)
            .map(|n| json!({ "first_name": "Johanna", "last_name": format!("Rand{n}"), "email": format!("j{n}-{batch}@x.example") }))
            .collect();
        owner.post("/contacts/batch-create", json!({ "items": items })).ok();
    }
    owner.post("/contacts", json!({ "first_name": "Hanna", "email": "hanna_1@x.example" })).created();
    owner.post("/contacts", json!({ "first_name": "Zoe", "last_name": "Hanna" })).created();
    assert_eq!(names(&owner, "hanna", "contacts")[..2], ["Hanna", "Zoe Hanna"]);
    assert_eq!(names(&owner, "HANNA_1@x.example", "contacts"), ["Hanna"]);
    assert_eq!(names(&owner, "hanna_1", "contacts"), ["Hanna"]);
    assert_eq!(names(&owner, "johanna%20rand799", "contacts"), ["Johanna Rand799", "Johanna Rand799"]);
    assert_eq!(names(&owner, "rand799", "contacts"), ["Johanna Rand799", "Johanna Rand799"]);
    assert_eq!(names(&owner, "rannd799", "contacts")[0], "Johanna Rand799");
    assert_eq!(names(&owner, "%25", "contacts"), [""; 0]);
}

#[test]
fn typos_are_tolerated_in_old_and_new_words() {
    let owner = workspace();
    let place = owner.get("/me").ok()["workspace"]["id"].as_str().unwrap().to_owned();
    let slips = [
        ("Jhon", "John Petersen"),
        ("Jhn", "John Petersen"),
        ("Johnn", "John Petersen"),
        ("Joan", "John Petersen"),
        ("Petersne", "John Petersen"),
        ("Petersonn", "John Petersen"),
        ("Jonh%20Petersen", "John Petersen"),
        ("Jonh%20Peter", "John Petersen"),
        ("Jonh%20jonh%20petersne", "John Petersen"),
        ("jonh.petersen@mail.example", "John Petersen"),
        ("%D0%9C%D0%B0%D1%80%D0%B8%D1%8F%20%D0%9F%D0%B5%D1%82%D1%80%D0%BE%D0%B2%D0%B0", "Мария Петрова"),
        ("%D0%9C%D0%B0%D1%80%D0%B8%D1%8F%20%D0%9F%D0%B5%D1%82%D1%80%D0%B2%D0%BE%D0%B0", "Мария Петрова"),
    ];
    let body = json!({ "first_name": "John", "last_name": "Petersen", "email": "john.petersen@mail.example" });
    let john = id(&owner.post("/contacts", body).created());
    owner.post("/contacts", json!({ "first_name": "Мария", "last_name": "Петрова" })).created();
    owner.post("/companies", json!({ "name": "Petersen Smith" })).created();
    let forgiven = |when: &str| {
        for (q, name) in slips {
            assert_eq!(names(&owner, q, "contacts"), [name], "{q} {when}");
        }
        for q in ["Jo", "Jxyn", "Petrification", "1234"] {
            assert_eq!(names(&owner, q, "contacts").len(), usize::from(q == "Jo"), "{q} {when}");
        }
        // The intended text may be longer than the maximum query.
        assert_eq!(names(&owner, &format!("Jhn%20Jhn{}", "%20!".repeat(124)), "contacts"), [""; 0], "{when}");
        // Words that exist, but not in one record.
        assert_eq!(names(&owner, "John%20Smith", "contacts"), [""; 0], "{when}");
        let hit = owner.get("/search?q=Peterson").ok();
        assert!(hit["contacts"][0]["score"].as_f64().unwrap() < 1.0, "{hit}");
        assert_eq!(hit["companies"][0]["name"], "Petersen Smith", "{when}");
    };
    forgiven("when new");
    gathered("john", &place);
    gathered("мария", &place);
    forgiven("when gathered");
    owner.patch(&format!("/contacts/{john}"), json!({ "first_name": "Gregory" })).ok();
    assert_eq!(names(&owner, "Gergory", "contacts"), ["Gregory Petersen"]);
    assert_eq!(names(&owner, "Jonh", "contacts"), ["Gregory Petersen"], "the address still says John");
    owner.delete(&format!("/contacts/{john}")).expect(204);
    assert_eq!(names(&owner, "Gergory", "contacts"), [""; 0]);
}

#[test]
fn search_respects_visibility() {
    let owner = workspace();
    let grants = [
        ["contacts", "own", "own", "own", "own", "none"],
        ["deals", "none", "none", "none", "none", "none"],
        ["search", "all", "none", "none", "none", "none"],
    ];
    let (ann, ann_id) = user_with(&owner, &grants, json!({}));
    owner.post("/contacts", json!({ "first_name": "Eve" })).created();
    owner.post("/deals", json!({ "title": "Eve" })).created();
    assert_eq!(names(&ann, "eve", "contacts"), [""; 0]);
    owner.post("/contacts", json!({ "first_name": "Eve", "last_name": "Hers", "owner_id": ann_id })).created();
    assert_eq!(names(&ann, "eve", "contacts"), ["Eve Hers"]);
    assert_eq!(names(&ann, "eve", "deals"), Vec::<String>::new());
    let script = key(&owner, &["search:read", "deals:read"]);
    let found: Json = script.get("/search?q=eve").ok();
    assert_eq!(found["deals"].as_array().unwrap().len(), 1);
    assert_eq!(found["contacts"], json!([]));
}

#[test]
fn words_are_found_in_any_alphabet() {
    let owner = workspace();
    for name in ["Андрей", "Сергей", "Юрий", "Straße", "Łukasz", "Øyvind", "Æsa", "Đorđe", "Ёлкин", "Żółć"]
    {
        let contact = id(&owner.post("/contacts", json!({ "last_name": name })).created());
        let q = form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>();
        assert_eq!(names(&owner, &q, "contacts"), [name]);
        assert_eq!(owner.get(&format!("/contacts?q={q}")).ok()["data"][0]["id"], json!(contact), "{name}");
    }
    for (plain, name) in [("lukasz", "Łukasz"), ("strasse", "Straße"), ("елкин", "Ёлкин"), ("zolc", "Żółć")]
    {
        let q = form_urlencoded::byte_serialize(plain.as_bytes()).collect::<String>();
        assert_eq!(names(&owner, &q, "contacts"), [name]);
    }
}

#[test]
fn every_address_and_number_is_found() {
    let owner = workspace();
    let contact = json!({ "first_name": "Eve", "emails": [{ "email": "eve@one.example" }, { "email": "eve@two.example" }],
        "phones": [{ "phone": "+372 5550 1011" }, { "phone": "+372 5550 2022" }] });
    let eve = id(&owner.post("/contacts", contact).created());
    for q in ["eve@two.example", "5550%202022", "eve@one.example", "55501011"] {
        assert_eq!(owner.get(&format!("/contacts?q={q}")).ok()["data"][0]["id"], json!(eve), "{q}");
        assert_eq!(names(&owner, q, "contacts"), ["Eve"], "{q}");
    }
    assert_eq!(owner.get("/contacts?q=work").ok()["data"], json!([]));
    let deal = owner.post("/deals", json!({ "title": "Boat" })).created();
    let number = deal["number"].as_str().unwrap();
    assert_eq!(names(&owner, number, "deals"), ["Boat"]);
    assert_eq!(owner.get(&format!("/deals?q={number}")).ok()["data"][0]["id"], deal["id"]);
    let person = json!({ "name": "Tom", "email": "tom@lead.example", "phone": "+37255503033" });
    owner.post("/leads", json!({ "title": "Web form", "person": person })).created();
    assert_eq!(names(&owner, "tom@lead.example", "leads"), ["Web form"]);
    assert_eq!(names(&owner, "55503033", "leads"), ["Web form"]);
}
