//! Limits on the cost of one request: words, conditions, files. The error says what exceeds the limit.
use crate::support::{Client, unique, workspace};
use serde_json::{Value as Json, json};
use std::time::{Duration, Instant};

fn words(count: usize) -> String {
    (0..count).map(|n| format!("w{n}x")).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_search_has_a_word_limit() {
    let owner = workspace();
    let lists: [&dyn Fn(&str) -> String; 4] =
        [&|q| format!("/contacts?q={q}"), &|q| format!("/deals?q={q}"), &|q| format!("/companies?q={q}"), &|q| {
            format!("/search?q={q}")
        }];
    for path in lists {
        let encoded = |text: &str| path(&text.replace(' ', "%20"));
        owner.get(&encoded(&words(12))).ok();
        let refused = owner.get(&encoded(&words(13))).problem(400, "invalid_parameter");
        assert_eq!(refused["errors"][0]["parameter"], "q");
        assert_eq!(refused["errors"][0]["code"], "too_long");
        // A word contained in another one is not searched for and does not count.
        owner.get(&encoded(&"a b c ab bc abc ".repeat(8))).ok();
    }
    let refused = owner.post("/contacts/search", json!({ "q": words(13) })).problem(422, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/q");
}

fn condition(field: &str, op: &str, value: &str) -> Json {
    json!({ "field": field, "op": op, "values": [value] })
}

#[test]
fn conditions_have_a_cost_limit() {
    let owner = workspace();
    let texts =
        |count: usize| (0..count).map(|n| condition("last_name", "contains", &format!("x{n}"))).collect::<Vec<_>>();
    let plain = |count: usize| (0..count).map(|n| condition("last_name", "eq", &format!("x{n}"))).collect::<Vec<_>>();
    for (search, pointer) in [
        (json!({ "any": texts(20) }), None),
        (json!({ "any": texts(21) }), Some("/any/20")),
        (json!({ "any": plain(50), "none": plain(50) }), None),
        (json!({ "any": plain(50), "none": plain(50), "all": plain(1) }), Some("/none/49")),
        (json!({ "any": texts(10), "none": texts(10) }), None),
        (json!({ "all": texts(10), "none": texts(11) }), Some("/none/10")),
    ] {
        let answer = owner.post("/contacts/search", search.clone());
        match pointer {
            None => drop(answer.ok()),
            Some(pointer) => {
                let refused = answer.problem(422, "validation_failed");
                let error = &refused["errors"][0];
                assert_eq!(error["pointer"], json!(pointer), "{search}");
                assert_eq!(error["code"], "too_long", "{search}");
            }
        }
    }
    // Saved conditions are checked when they are saved.
    let body = json!({ "name": unique("view"), "resource": "contacts", "selection": { "any": texts(21) } });
    assert_eq!(owner.post("/views", body).status, 422);
    let everything = json!({ "selection": { "any": texts(21) } });
    owner.post("/contacts/bulk-delete", everything).problem(422, "validation_failed");
}

/// 63 MiB of commas are refused quickly, and other requests are answered meanwhile.
#[test]
fn a_file_of_only_delimiters_is_refused() {
    let (owner, other) = (workspace(), workspace());
    let commas = vec![b','; 63 << 20];
    let narrow: Vec<u8> = b"a,b\n".iter().copied().chain(commas.iter().copied()).collect();
    let quotes: Vec<u8> = b"last_name\n".iter().copied().chain(std::iter::repeat_n(b'"', 63 << 20)).collect();
    for (file, detail) in [(&commas, "16384 cells"), (&narrow, "16384 cells"), (&quotes, "quotation mark")] {
        let begin = Instant::now();
        let refused = std::thread::scope(|scope| {
            let sending = scope.spawn(|| owner.upload("contacts", "c.csv", file));
            while !sending.is_finished() {
                other.get("/contacts?limit=1").ok();
                std::thread::sleep(Duration::from_millis(20));
            }
            sending.join().unwrap()
        });
        let problem = refused.problem(422, "file_unreadable");
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
        assert!(begin.elapsed() < Duration::from_secs(60), "{detail}: {:?}", begin.elapsed());
    }
}

/// Unauthenticated callers may send only small bodies.
#[test]
fn unauthenticated_bodies_are_small() {
    let body = json!({ "email": "ann@example.com", "password": "x".repeat(100_000) }).to_string().into_bytes();
    Client::anonymous().send("POST", "/auth/login", Some(body), "application/json").problem(413, "payload_too_large");
}
