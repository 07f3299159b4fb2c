//! Tables of injection attempts in queries, texts, numbers, money and times.
use crate::attacks::{expect, why};
use crate::support::{Answer, Client, id, workspace};
use serde_json::{Value as Json, json};

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Builds a query with one parameter.
fn asked(name: &str, value: &str) -> String {
    format!("{}={}", encoded(name), encoded(value))
}

/// Quotes a value so that its comma does not separate values.
fn literal(text: &str) -> String {
    encoded(&text.replace('\\', "\\\\").replace(',', "\\,"))
}

fn send(client: &Client, path: &str, text: &str) -> Answer {
    client.send("POST", path, Some(text.as_bytes().to_vec()), "application/json")
}

fn ids(page: &Json) -> Vec<String> {
    let mut ids: Vec<String> = page["data"].as_array().unwrap().iter().map(id).collect();
    ids.sort();
    ids
}

#[test]
fn query_names_are_valid_or_refused() {
    let owner = workspace();
    for (key, kind) in [("region", "text"), ("seats", "number")] {
        let field = json!({ "resource": "contacts", "key": key, "name": key, "kind": kind });
        owner.post("/custom-fields", field).created();
    }
    for (name, value, code) in [
        ("sort", "id;drop table contacts", "invalid_parameter"),
        ("sort", "(select pg_sleep(5))", "invalid_parameter"),
        ("sort", "first_name--", "invalid_parameter"),
        ("sort", "created_at desc", "invalid_parameter"),
        ("sort", "workspace_id", "invalid_parameter"),
        ("sort", "-", "invalid_parameter"),
        ("sort", "", "invalid_parameter"),
        ("sort", "first_name,first_name", "invalid_parameter"),
        ("sort", "cf.region'--", "invalid_parameter"),
        ("owner_id__gte'--", "1", "unknown_parameter"),
        ("owner_id__gte", "1", "unknown_parameter"),
        ("first_name__like", "x", "unknown_parameter"),
        ("first_name__regex", "(a+)+$", "unknown_parameter"),
        ("first_name[$ne]", "x", "unknown_parameter"),
        ("first_name[]", "x", "unknown_parameter"),
        ("tags__all__all", "x", "unknown_parameter"),
        ("workspace_id", "x", "unknown_parameter"),
        ("deleted_by__empty", "false", "unknown_parameter"),
        ("fields", "id", "unknown_parameter"),
        ("", "x", "unknown_parameter"),
        ("cf", "x'))--:eq:1", "invalid_parameter"),
        ("cf", "a.b->>c:eq:1", "invalid_parameter"),
        ("cf", "region:eq'--:1", "invalid_parameter"),
        ("cf", "REGION:eq:1", "invalid_parameter"),
        ("cf", "seats:gt:1;select 1", "invalid_parameter"),
        ("cf", "seats:gt:NaN", "invalid_parameter"),
        ("cf", "seats:gt:1e309", "invalid_parameter"),
        ("cf", ":eq:1", "invalid_parameter"),
        ("cf", "", "invalid_parameter"),
        ("include", "owner;--", "invalid_parameter"),
        ("include", "*", "invalid_parameter"),
        ("limit", "10;select 1", "invalid_parameter"),
        ("created_at__gte", "now()", "invalid_parameter"),
        ("created_at__gte", "infinity", "invalid_parameter"),
        ("do_not_contact", "true;--", "invalid_parameter"),
        ("owner_id", "' or 1=1--", "invalid_parameter"),
        ("lifecycle", "x' or '1'='1", "invalid_parameter"),
    ] {
        expect(&format!("{name}={value}"), &owner.get(&format!("/contacts?{}", asked(name, value))), 400, code);
    }
    for (field, op, refusal) in [
        ("first_name'--", "eq", "/all/0/field invalid_choice"),
        ("workspace_id", "eq", "/all/0/field invalid_choice"),
        ("cf.region'--", "eq", "/all/0/field invalid_choice"),
        ("cf.", "eq", "/all/0/field invalid_choice"),
        ("first_name", "eq'--", "/all/0/op invalid_choice"),
        ("first_name", "regex", "/all/0/op invalid_choice"),
        ("owner_id", "gte", "/all/0/op invalid_choice"),
    ] {
        let body = json!({ "all": [{ "field": field, "op": op, "values": ["x"] }] });
        let answer = owner.post("/contacts/search", body);
        assert_eq!(answer.status, 422, "{field} {op}: {}", answer.text);
        assert_eq!(why(&answer).as_str(), refusal, "{field} {op}: {}", answer.text);
    }
    for (name, value) in [
        ("group_by", "owner_id'--"),
        ("group_by", "(select 1)"),
        ("time_zone", "' or 1"),
        ("from", "2026-02-30"),
        ("pipeline_id", "x"),
        ("owner_id", "x"),
        ("value__gte", "' or 1=1"),
    ] {
        for report in ["funnel", "win-rate", "forecast", "cycle-time", "leaderboard", "loss-reasons"] {
            let path = format!("/analytics/{report}?{}", asked(name, value));
            let refusal =
                if (report, name) == ("leaderboard", "group_by") { "unknown_parameter" } else { "invalid_parameter" };
            expect(&path, &owner.get(&path), 400, refusal);
        }
    }
    // A report refuses unknown parameters like any other operation.
    for report in ["win-rate", "forecast", "cycle-time", "leaderboard", "loss-reasons"] {
        for parameter in ["kind=cohort", "at=2026-01-01T00:00:00Z"] {
            let path = format!("/analytics/{report}?{parameter}");
            expect(&path, &owner.get(&path), 400, "unknown_parameter");
        }
    }
    let patterns = json!({ "resource": "deals", "key": "p", "name": "P", "kind": "text", "pattern": "(a+)+$" });
    owner.post("/custom-fields", patterns).problem(400, "unknown_member");
}

#[test]
fn values_match_literally() {
    const TEXTS: [&str; 22] = [
        "' or 1=1--",
        "%",
        "_",
        "\\",
        "abc\\",
        "\\%",
        "\\,",
        "a,b",
        "$1",
        "{\"$ne\":null}",
        "100%",
        "a_b",
        "o'brien",
        "\"quoted\"",
        "; drop table",
        "null",
        "[]",
        "&amp;",
        "%27",
        "e'x'",
        "/*x*/",
        "--",
    ];
    let owner = workspace();
    let body = |text: &&str| json!({ "name": "C", "sector": text });
    let made: Vec<(String, &str)> =
        TEXTS.iter().map(|text| (id(&owner.post("/companies", body(text)).created()), *text)).collect();
    for text in TEXTS {
        let holding = |fits: &dyn Fn(&str) -> bool| {
            let mut ids: Vec<String> = made.iter().filter(|(_, t)| fits(t)).map(|(id, _)| id.clone()).collect();
            ids.sort();
            ids
        };
        let list = |query: String| ids(&owner.get(&format!("/companies?{query}")).ok());
        assert_eq!(list(format!("sector={}", literal(text))), holding(&|t: &str| t == text), "eq {text:?}");
        assert_eq!(list(format!("sector__ne={}", literal(text))).len(), TEXTS.len() - 1, "ne {text:?}");
        let (contains, starts) = (holding(&|t: &str| t.contains(text)), holding(&|t: &str| t.starts_with(text)));
        assert_eq!(list(asked("sector__contains", text)), contains, "with {text:?} in it");
        assert_eq!(list(asked("sector__starts_with", text)), starts, "starts_with {text:?}");
        let cond = json!({ "all": [{ "field": "sector", "op": "contains", "values": [text] }] });
        assert_eq!(ids(&owner.post("/companies/search", cond).ok()), contains, "contains {text:?} in a body");
        owner.get(&format!("/companies?{}", asked("q", text))).ok();
        owner.get(&format!("/search?{}", asked("q", text))).ok();
    }
}

#[test]
fn any_words_can_be_searched_for() {
    let owner = workspace();
    owner.post("/contacts", json!({ "first_name": "the", "last_name": "of" })).created();
    let many = ["a"; 120].join(" ");
    let (long, digits) = ("é".repeat(256), "0".repeat(256));
    for words in [
        "& | !",
        "( ) :",
        "*",
        "\"",
        "<->",
        "!!",
        "\"unclosed",
        "it's",
        ":*",
        "a:*",
        "&&&",
        "(((",
        "\\",
        "the",
        "of the",
        "😀",
        "-",
        "+",
        "' or 1=1--",
        long.as_str(),
        digits.as_str(),
        many.as_str(),
    ] {
        for path in ["/contacts", "/search"] {
            expect(words, &owner.get(&format!("{path}?{}", asked("q", words))), 200, "");
        }
        expect(words, &owner.post("/contacts/search", json!({ "q": words })), 200, "");
    }
    expect("blank", &owner.get("/contacts?q=%20%09"), 200, "");
    let long = "x".repeat(257);
    expect("long", &owner.get(&format!("/search?q={long}")), 400, "invalid_parameter");
    expect("long", &owner.post("/contacts/search", json!({ "q": long })), 422, "validation_failed");
}

/// Unusual characters are kept, normalized, removed from names, or refused; none breaks a list.
#[test]
fn unusual_characters_are_kept_or_refused() {
    let owner = workspace();
    let emoji = "👩‍👩‍👧".repeat(10);
    let (hundred, more) = ("😀".repeat(100), "😀".repeat(101));
    let (accents, too_many) = (format!("a{}", "\u{301}".repeat(99)), format!("a{}", "\u{301}".repeat(1000)));
    let accented = format!("á{}", "\u{301}".repeat(98));
    for (name, text, kept) in [
        ("right to left", "d\u{202e}e", Ok("de")),
        ("no width", "f\u{200b}\u{200b}", Ok("f")),
        ("a joiner", "g\u{200d}h", Ok("g\u{200d}h")),
        ("not a character", "a\u{ffff}b", Ok("a\u{ffff}b")),
        ("a family ten times", emoji.as_str(), Ok(emoji.as_str())),
        ("a hundred emoji", hundred.as_str(), Ok(hundred.as_str())),
        ("a hundred and one", more.as_str(), Err("too_long")),
        ("letter and accent", "Jose\u{301}", Ok("José")),
        ("a tower of accents", accents.as_str(), Ok(accented.as_str())),
        ("a higher one", too_many.as_str(), Err("too_long")),
        ("jamo", "\u{1100}\u{1161}\u{11a8}", Ok("\u{ac01}")),
        ("wide space around", "\u{a0}A\u{a0}", Ok("A")),
        ("NUL", "a\0b", Err("invalid_character")),
        ("escape", "a\u{1b}b", Err("invalid_character")),
        ("delete", "a\u{7f}b", Err("invalid_character")),
        ("next line", "a\u{85}b", Err("invalid_character")),
        ("a line break in a name", "a\nb", Err("invalid_character")),
        ("a return in a name", "a\rb", Err("invalid_character")),
    ] {
        let answer = owner.post("/contacts", json!({ "first_name": text }));
        match kept {
            Ok(kept) => {
                let made = answer.created();
                assert_eq!(made["first_name"], kept, "{name}");
                let again = format!("/contacts/{}", id(&made));
                assert_eq!(owner.get(&again).ok()["first_name"], kept, "{name}");
                let found = owner.get(&format!("/contacts?{}", asked("first_name", kept))).ok();
                assert_eq!(ids(&found), [id(&made)], "{name}");
                owner.get(&format!("/search?{}", asked("q", text))).ok();
                owner.get(&format!("{again}/timeline")).ok();
            }
            Err(code) => {
                expect(name, &answer, 422, "validation_failed");
                assert_eq!(why(&answer), format!("/first_name {code}"), "{name}");
            }
        }
    }
    let unseen = owner.post("/contacts", json!({ "first_name": "\u{200b}\u{200b}" }));
    expect("nothing to see", &unseen, 422, "validation_failed");
    assert_eq!(why(&unseen), "/last_name required");
    let contact = id(&owner.post("/contacts", json!({ "first_name": "A" })).created());
    let decomposed = owner.get(&format!("/contacts?{}", asked("first_name", "Jose\u{301}"))).ok();
    assert_eq!(decomposed["data"][0]["first_name"], "José", "filter values are normalized like stored texts");
    for text in ["one\n\ttwo", "a\u{202e}b"] {
        let note = json!({ "type": "note", "text": text, "contact_id": contact });
        assert_eq!(owner.post("/activities", note).created()["text"], text, "long texts keep invisible characters");
    }
    for email in [
        "\u{430}nn@example.com",
        "a@x.io,b@x.io",
        "a@x.io\nBcc: b@x.io",
        "a b@x.io",
        "<a@x.io>",
        "@x.io",
        "a@",
        "a@x..io",
    ] {
        let answer = owner.post("/contacts", json!({ "first_name": "A", "email": email }));
        expect(email, &answer, 422, "validation_failed");
    }
}

#[test]
fn numbers_are_integers_within_bounds() {
    let owner = workspace();
    let contact = id(&owner.post("/contacts", json!({ "first_name": "A" })).created());
    let digits = "1".repeat(400);
    let most = "9007199254740991";
    for (number, money, others) in [
        ("0", 201, 201),
        ("9007199254740991", 201, 422),
        ("-9007199254740991", 201, 422),
        ("9007199254740992", 422, 422),
        ("-9007199254740992", 422, 422),
        ("9223372036854775807", 422, 422),
        ("9223372036854775808", 422, 422),
        ("-9223372036854775809", 422, 422),
        ("1.0", 201, 201),
        ("1e2", 201, 201),
        ("1.5", 422, 422),
        ("1e-3", 422, 422),
        ("9007199254740992.0", 422, 422),
        ("\"5\"", 422, 422),
        ("true", 422, 422),
        ("[]", 422, 422),
        ("1e400", 400, 400),
        ("NaN", 400, 400),
        ("0x10", 400, 400),
        ("+1", 400, 400),
        ("5.", 400, 400),
        (digits.as_str(), 400, 400),
    ] {
        for (path, text, status) in [
            ("/deals", format!("{{\"title\":\"D\",\"value\":{{\"amount\":{number},\"currency\":\"USD\"}}}}"), money),
            ("/deals", format!("{{\"title\":\"D\",\"probability_percent\":{number}}}"), others),
            (
                "/activities",
                format!("{{\"type\":\"call\",\"contact_id\":\"{contact}\",\"duration_seconds\":{number}}}"),
                others,
            ),
        ] {
            let answer = send(&owner, path, &text);
            assert_eq!(answer.status, status, "{path} {text:.80}: {}", answer.text);
        }
    }
    for value in ["9223372036854775808", "1.0", "1e3", "NaN", "", " 1"] {
        expect(value, &owner.get(&format!("/deals?{}", asked("value__gte", value))), 400, "invalid_parameter");
    }
    owner.get(&format!("/deals?currency=USD&value__gte={most}")).ok();
    for value in ["0", "-1", "501", "1e9", "abc", "1.0", "9223372036854775808", ""] {
        expect(value, &owner.get(&format!("/deals?{}", asked("limit", value))), 400, "invalid_parameter");
    }
    for value in ["yes", "1", "TRUE"] {
        expect(value, &owner.get(&format!("/deals?include_total={value}")), 400, "invalid_parameter");
    }
}

#[test]
fn money_is_refused_or_summed() {
    let owner = workspace();
    let most = 9_007_199_254_740_991_i64;
    for (value, refusal) in [
        (json!({ "amount": 1, "currency": "eur" }), "/value/currency invalid_format"),
        (json!({ "amount": 1, "currency": "DEM" }), "/value/currency invalid_format"),
        (json!({ "amount": 1, "currency": "" }), "/value/currency invalid_format"),
        (json!({ "amount": 1, "currency": 840 }), "/value/currency invalid_type"),
        (json!({ "currency": "USD" }), "/value/amount required"),
        (json!({}), "/value/amount required"),
        (json!("100"), "/value invalid_type"),
        (json!([1]), "/value invalid_type"),
    ] {
        let answer = owner.post("/deals", json!({ "title": "D", "value": value }));
        assert_eq!(answer.status, 422, "{}", answer.text);
        assert_eq!(why(&answer).as_str(), refusal, "{}", answer.text);
    }
    let product = id(&owner.post("/products", json!({ "name": "P" })).created());
    let line = |quantity: Json, amount: i64| json!({ "product_id": product, "quantity": quantity, "price": { "amount": amount, "currency": "USD" } });
    for (name, items, status) in [
        ("the most there is", json!([line(json!(1), most)]), 201),
        ("twice the most", json!([line(json!(2), most)]), 422),
        ("the most, in two lines", json!([line(json!(1), most), line(json!(1), most)]), 422),
        ("a quantity without bounds", json!([line(json!(9_223_372_036_854_775_807_i64), 2)]), 422),
        ("none", json!([line(json!(0), 5)]), 422),
        ("less than none", json!([line(json!(-1), 5)]), 422),
        ("a half", json!([line(json!(0.5), 5)]), 422),
    ] {
        expect(
            name,
            &owner.post("/deals", json!({ "title": "D", "line_items": items })),
            status,
            if status == 201 { "" } else { "validation_failed" },
        );
    }
    // The sum exceeds every integer type; the reports still answer.
    for count in [1000, 100] {
        let deal = json!({ "title": "D", "value": { "amount": most, "currency": "USD" } });
        owner.post("/deals/batch-create", json!({ "items": vec![deal; count] })).ok();
    }
    for report in ["forecast", "funnel?kind=snapshot", "funnel?kind=flow", "funnel", "win-rate", "leaderboard"] {
        let status = owner.get(&format!("/analytics/{report}")).status;
        assert!(status < 500, "{report}: {status}");
    }
}

#[test]
fn times_are_valid_or_refused() {
    let owner = workspace();
    for (text, kept) in [
        ("2026-01-01T00:00:00+02:00", Some("2025-12-31T22:00:00.000Z")),
        ("2026-01-01T00:00:00.1239999Z", Some("2026-01-01T00:00:00.123Z")),
        ("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00.000Z")),
        ("9999-12-31T23:59:59Z", Some("9999-12-31T23:59:59.000Z")),
        ("1582-10-10T00:00:00Z", Some("1582-10-10T00:00:00.000Z")),
        ("2016-12-31T23:59:60Z", Some("2017-01-01T00:00:00.000Z")),
        ("2026-02-30T00:00:00Z", None),
        ("2026-13-01T00:00:00Z", None),
        ("2026-01-01T24:00:00Z", None),
        ("2026-01-01T23:60:00Z", None),
        ("2026-01-01T00:00:00+25:00", None),
        ("2026-01-01T00:00:00", None),
        ("2026-01-01", None),
        ("0000-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("10000-01-01T00:00:00Z", None),
        ("+10000-01-01T00:00:00Z", None),
        ("20260101T000000Z", None),
        ("infinity", None),
        ("1700000000", None),
    ] {
        let answer = owner.post("/tasks", json!({ "title": "T", "due_at": text }));
        let filter = owner.get(&format!("/tasks?{}", asked("due_at__gte", text)));
        match kept {
            Some(kept) => {
                assert_eq!(answer.created()["due_at"], kept, "{text}");
                assert_eq!(filter.status, 200, "{text}");
            }
            None => {
                assert_eq!(answer.status, 422, "{text}");
                assert_eq!(why(&answer).as_str(), "/due_at invalid_format", "{text}");
                expect(text, &filter, 400, "invalid_parameter");
            }
        }
    }
    for (text, status) in [
        ("2024-02-29", 201),
        ("0001-01-01", 201),
        ("2023-02-29", 422),
        ("2026-02-30", 422),
        ("10000-01-01", 422),
        ("2026-1-1", 422),
        ("01.02.2026", 422),
        ("today", 422),
        ("", 422),
    ] {
        for (path, body) in [
            ("/tasks", json!({ "title": "T", "due_date": text })),
            ("/contacts", json!({ "first_name": "A", "birthday": text })),
            ("/deals", json!({ "title": "D", "expected_close_date": text })),
        ] {
            let answer = owner.post(path, body);
            assert_eq!(answer.status, status, "{path} {text}: {}", answer.text);
        }
    }
    // The last possible day either has an end after its start or is refused.
    let last = owner.post("/tasks", json!({ "title": "T", "due_date": "9999-12-31" }));
    if last.status != 422 {
        let end = last.created()["due_end"].as_str().unwrap().to_owned();
        assert!(end.as_str() >= "9999-12-31", "{end}");
    }
    for zone in ["Mars/X", "", "utc", "+03:00", "../etc/passwd", "posixrules"] {
        let answer = owner.patch("/workspaces/current", json!({ "time_zone": zone }));
        expect(zone, &answer, 422, "validation_failed");
    }
    for (day, refused) in [("today-1d", false), ("today+9999999999d", true), ("today - 1d", true), ("TODAY", true)] {
        let status = owner.get(&format!("/contacts?{}", asked("birthday__gte", day))).status;
        assert_eq!(status, if refused { 400 } else { 200 }, "{day}");
    }
}
