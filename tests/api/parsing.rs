//! Tables of malformed requests: JSON, characters, sizes, framing, headers, paths.
use crate::attacks::{expect, why};
use crate::bodies::{NOBODY, body, filled, made_of, places, pointer, schemas, taking};
use crate::files::upload;
use crate::support::{Client, id, register, server, unique, workspace};
use serde_json::{Value as Json, json};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn connected() -> TcpStream {
    let stream = TcpStream::connect(&server().address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    stream
}

/// Sends raw bytes; returns the response and whether the server then closed the connection.
fn raw(bytes: &[u8]) -> (String, bool) {
    let (mut stream, mut answer, mut part) = (connected(), Vec::new(), [0_u8; 4096]);
    // A server that refuses early may close before everything is sent.
    let _ = stream.write_all(bytes);
    let closed = loop {
        match stream.read(&mut part) {
            Ok(0) => break true,
            Ok(read) => answer.extend_from_slice(&part[..read]),
            Err(error) => break !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    };
    (String::from_utf8_lossy(&answer).into_owned(), closed)
}

/// Creates a workspace; returns its owner and a function that starts a request with the token.
fn signed_in() -> (Client, impl Fn(&str) -> String) {
    let (owner, pair) = register(&format!("{}@example.com", unique("raw")), "a-long-password");
    let token = pair["access_token"].as_str().unwrap().to_owned();
    (owner, move |line: &str| format!("{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"))
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or_default()
}

const POST: &str = "POST /api/v1/contacts";
const JSON: &str = "Content-Type: application/json\r\n";

#[test]
fn a_body_is_exactly_one_json_object() {
    let owner = workspace();
    let deep = |n: usize| format!("{{\"tags\":{}{}}}", "[".repeat(n), "]".repeat(n)).into_bytes();
    let ann = r#"{"first_name":"A"}"#;
    for (name, sent, status, code) in [
        ("a byte order mark", [&b"\xef\xbb\xbf"[..], ann.as_bytes()].concat(), 400, "invalid_json"),
        ("UTF-16", ann.encode_utf16().flat_map(u16::to_le_bytes).collect(), 400, "invalid_json"),
        ("two objects", [ann, ann].concat().into_bytes(), 400, "invalid_json"),
        ("a comma at the end", br#"{"first_name":"A",}"#.to_vec(), 400, "invalid_json"),
        ("a comment", br#"{"first_name":"A"/*x*/}"#.to_vec(), 400, "invalid_json"),
        ("single quotes", b"{'first_name':'A'}".to_vec(), 400, "invalid_json"),
        ("a line break in a text", b"{\"first_name\":\"a\nb\"}".to_vec(), 400, "invalid_json"),
        ("an overlong NUL", b"{\"first_name\":\"\xc0\x80\"}".to_vec(), 400, "invalid_json"),
        ("half a surrogate pair in bytes", b"{\"first_name\":\"\xed\xa0\x80\"}".to_vec(), 400, "invalid_json"),
        ("half a surrogate pair", br#"{"first_name":"\ud800"}"#.to_vec(), 400, "invalid_json"),
        ("thirty-three deep", deep(33), 400, "invalid_json"),
        ("ten thousand deep", deep(10_000), 400, "invalid_json"),
        ("opened a hundred thousand times", "[".repeat(100_000).into_bytes(), 400, "invalid_json"),
        ("a list", b"[]".to_vec(), 422, "validation_failed"),
        ("a number", b"1".to_vec(), 422, "validation_failed"),
        ("white space around", format!(" \t\r\n{ann}\n").into_bytes(), 201, ""),
        ("a surrogate pair", br#"{"first_name":"\ud83d\ude00"}"#.to_vec(), 201, ""),
    ] {
        expect(name, &owner.send("POST", "/contacts", Some(sent), "application/json"), status, code);
    }
    // A repeated member is refused, since readers disagree on which value counts.
    for twice in [
        r#"{"first_name":"A","first_name":"B"}"#,
        r#"{"first_name":"A","first\u005fname":"B"}"#,
        r#"{"first_name":"A","emails":[{"email":"a@x.io","email":"b@x.io"}]}"#,
    ] {
        let answer = owner.send("POST", "/contacts", Some(twice.as_bytes().to_vec()), "application/json");
        assert_eq!(answer.status, 400, "{twice}: {}", answer.text);
    }
}

/// A body with many unknown members is refused quickly with a short answer.
#[test]
fn many_unknown_members_are_refused_quickly() {
    let (owner, anybody) = (workspace(), Client::anonymous());
    let long = format!("{{\"{}\":1}}", "x".repeat(1_000_000));
    let many = format!("{{{}}}", (0..20_000).map(|n| format!("\"a{n}\":1")).collect::<Vec<_>>().join(","));
    let inside = format!("{{\"items\":[{long}]}}");
    let clear = json!({ "clear": (0..20_000).map(|n| format!("a{n}")).collect::<Vec<_>>() }).to_string();
    // The largest body that an unauthenticated caller may send.
    let less = format!("{{\"{}\":1}}", "x".repeat(60_000));
    let fewer = format!("{{{}}}", (0..5_000).map(|n| format!("\"a{n}\":1")).collect::<Vec<_>>().join(","));
    for (name, client, method, path, sent, status) in [
        ("too long a name, from anybody", &anybody, "POST", "/auth/login".to_owned(), &long, 413),
        ("a long name, from anybody", &anybody, "POST", "/auth/login".to_owned(), &less, 400),
        ("many names, from anybody", &anybody, "POST", "/auth/login".to_owned(), &fewer, 400),
        ("a long name", &owner, "POST", "/contacts".to_owned(), &long, 400),
        ("many names", &owner, "POST", "/contacts".to_owned(), &many, 400),
        ("a long name in a batch", &owner, "POST", "/deals/batch-create".to_owned(), &inside, 200),
        ("many names to clear", &owner, "PATCH", format!("/contacts/{NOBODY}"), &clear, 400),
    ] {
        let begin = Instant::now();
        let answer = client.send(method, &path, Some(sent.clone().into_bytes()), "application/json");
        assert_eq!(answer.status, status, "{name}");
        assert!(begin.elapsed() < Duration::from_secs(5), "{name}: {:?}", begin.elapsed());
        assert!(answer.text.len() < 100_000, "{name}: {} bytes", answer.text.len());
    }
}

/// Checks every text of every body with NUL, which no text may contain.
#[test]
fn no_text_accepts_nul() {
    let owner = workspace().with("If-Match", "\"1\"");
    let own = |name: &str| (name == "id" || name.ends_with("_id")).then(|| NOBODY.to_owned());
    let has_text = |schema: &Json| {
        schema["type"] == "string" || schema["type"].as_array().is_some_and(|types| types.contains(&json!("string")))
    };
    let wanted = |_: &str, property: &'static Json| {
        let closed = made_of(property).is_some_and(|schema| schemas()[schema].get("enum").is_some());
        has_text(property) || has_text(&property["items"]) || closed
    };
    let mut tried = 0;
    for op in taking().iter().filter(|op| !op.path.contains("/oidc/")) {
        for place in places(op.schema, 3, &wanted) {
            let sent = body(op.schema, &place, &json!("a\0b"), &own);
            let at = pointer(&sent, &place);
            let text = sent.to_string().into_bytes();
            let answer = owner.send(&op.method, &filled(op.path, &own), Some(text), "application/json");
            let mut problem = answer.json();
            if answer.status == 200 {
                problem = problem["results"][0]["error"].clone();
            }
            let refused = matches!(problem["status"].as_u64(), Some(400 | 422)) && problem["errors"][0].is_object();
            assert!(refused, "{} {at}: {} {}", op.id, answer.status, answer.text);
            tried += 1;
        }
    }
    assert!(tried > 400, "{tried}");
}

/// Checks every enum with another case, another word and another type.
#[test]
fn an_enum_accepts_only_its_values() {
    let owner = workspace().with("If-Match", "\"1\"");
    let own = |name: &str| (name == "id" || name.ends_with("_id")).then(|| NOBODY.to_owned());
    let words = |property: &'static Json| made_of(property).and_then(|schema| schemas()[schema]["enum"].as_array());
    let wanted = |_: &str, property: &'static Json| words(property).is_some();
    for op in taking() {
        for place in places(op.schema, 3, &wanted) {
            let (outer, member) = (&place[..place.len() - 1], place[place.len() - 1]);
            let schema = outer.iter().fold(op.schema, |at, name| made_of(&schemas()[at]["properties"][*name]).unwrap());
            let choices = words(&schemas()[schema]["properties"][member]).unwrap();
            let word = choices[0].as_str().unwrap();
            for value in [json!(word.to_uppercase()), json!("no_such_word"), json!(true), json!(7), json!({ "a": 1 })] {
                let sent = body(op.schema, &place, &value, &own);
                let at = pointer(&sent, &place);
                let text = sent.to_string().into_bytes();
                let answer = owner.send(&op.method, &filled(op.path, &own), Some(text), "application/json");
                let mut problem = answer.json();
                if answer.status == 200 {
                    problem = problem["results"][0]["error"].clone();
                }
                let named = |bad: &Json| {
                    let told = bad["params"]["choices"].as_array() == Some(choices);
                    let known = (bad["code"] == "invalid_choice" && told) || bad["code"] == "invalid_type";
                    known && at.ends_with(bad["pointer"].as_str().unwrap())
                };
                let listed = problem["errors"].as_array().is_some_and(|errors| errors.iter().any(named));
                assert!(problem["status"] == 422 && listed, "{} {at} {value}: {}", op.id, answer.text);
            }
        }
    }
}

#[test]
fn a_body_matches_its_content_length() {
    let (_, head) = signed_in();
    let (post, batch) = (head(POST) + JSON, head("POST /api/v1/contacts/batch-create") + JSON);
    let ann = r#"{"first_name":"A"}"#;
    let anybody = format!("{POST} HTTP/1.1\r\nHost: x\r\n{JSON}");
    let chunks = format!("{:x}\r\n{}\r\n", 65_536, " ".repeat(65_536)).repeat(40);
    for (name, sent, expected) in [
        ("a byte too much", format!("{post}Content-Length: 2097153\r\n\r\n{{"), "413"),
        ("a hundred megabytes", format!("{post}Content-Length: 104857600\r\n\r\n"), "413"),
        ("a batch of a byte too much", format!("{batch}Content-Length: 8388609\r\n\r\n{{"), "413"),
        ("chunks without end", format!("{post}Transfer-Encoding: chunked\r\n\r\n{chunks}"), "413"),
        ("chunks without end, from anybody", format!("{anybody}Transfer-Encoding: chunked\r\n\r\n{chunks}"), "401"),
        ("less than it is", format!("{post}Content-Length: 5\r\n\r\n{ann}"), "400"),
        ("less than nothing", format!("{post}Content-Length: -1\r\n\r\n{ann}"), "400"),
        ("with a sign", format!("{post}Content-Length: +18\r\n\r\n{ann}"), "400"),
        ("more than a number holds", format!("{post}Content-Length: 99999999999999999999999\r\n\r\n{ann}"), "400"),
        ("no chunk size", format!("{post}Transfer-Encoding: chunked\r\n\r\nZZ\r\n{ann}\r\n0\r\n\r\n"), "400"),
        ("a chunk without end", format!("{post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{ann}"), "400"),
    ] {
        let (answer, closed) = raw(sent.as_bytes());
        // Unread data resets the connection on close, which may lose the answer.
        assert!(status(&answer) == expected || (answer.is_empty() && closed), "{name}: {answer}");
        assert!(closed, "{name}: the connection must be closed");
    }
}

/// Checks for one 400 answer and that no second request is read from the rest.
#[track_caller]
fn refused_and_closed(what: &str, sent: &str) {
    let (answer, closed) = raw(sent.as_bytes());
    assert!(status(&answer) == "400" && closed && answer.matches("HTTP/1.1 ").count() == 1, "{what}: {answer}");
}

/// Request boundaries must be unambiguous.
#[test]
fn ambiguous_framing_is_refused() {
    let (_, head) = signed_in();
    let post = head(POST) + JSON;
    let (chunked, plain) = ("12\r\n{\"first_name\":\"A\"}\r\n0\r\n\r\n", "{\"first_name\":\"A\"}");
    let second = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    for headers in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: \x0bchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding:",
    ] {
        refused_and_closed(headers, &format!("{post}{headers}\r\n\r\n{chunked}{second}"));
    }
    for headers in [
        "Content-Length: 18\r\nContent-Length: 4",
        "Content-Length: 18, 18",
        "Content-Length : 18",
        "Content-Length:\r\n 18",
        "X-A: b\r\n c",
        "Nonsense",
    ] {
        refused_and_closed(headers, &format!("{post}{headers}\r\n\r\n{plain}{second}"));
    }
    for request in [
        "GET /health/live HTTP/1.1\r\n\r\n",
        "GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /health/live HTTP/1.1\rHost: x\r\r",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let (answer, closed) = raw(request.as_bytes());
        assert!(status(&answer) == "400" && closed, "{request}: {answer}");
    }
}

#[test]
fn large_heads_are_refused() {
    let (_, head) = signed_in();
    let close = "Connection: close\r\n\r\n";
    let headers: String = (0..200).map(|n| format!("X-{n}: 1\r\n")).collect();
    let parameters = (0..10_000).map(|n| format!("a{n}=1")).collect::<Vec<_>>().join("&");
    for (name, sent, expected) in [
        (
            "a megabyte of address",
            head(&format!("GET /api/v1/contacts?q={}", "x".repeat(1_000_000))) + close,
            &["400", "414", "431"][..],
        ),
        (
            "ten thousand parameters",
            head(&format!("GET /api/v1/contacts?{parameters}")) + close,
            &["400", "414", "431"],
        ),
        ("two hundred headers", head("GET /api/v1/me") + &headers + close, &["400", "431"]),
        (
            "a header of two hundred kilobytes",
            format!("{}X-A: {}\r\n{close}", head("GET /api/v1/me"), "x".repeat(200_000)),
            &["400", "431"],
        ),
        (
            "a token of sixty kilobytes",
            format!("GET /api/v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n{close}", "x".repeat(60_000)),
            &["401", "431"],
        ),
    ] {
        let (answer, closed) = raw(sent.as_bytes());
        let refused = expected.contains(&status(&answer)) || answer.is_empty();
        assert!(refused && closed, "{name}: {answer:.200}");
    }
}

#[test]
fn a_path_finds_its_record_or_nothing() {
    let (owner, head) = signed_in();
    let known = id(&owner.post("/contacts", json!({ "first_name": "A" })).created());
    let (upper, bare) = (known.to_uppercase(), known.replace('-', ""));
    for (path, expected) in [
        (format!("/api/v1/contacts/{upper}"), "200"),
        (format!("/api/v1/contacts/{bare}"), "404"),
        (format!("/api/v1/contacts/%7B{known}%7D"), "404"),
        (format!("/api/v1/contacts/urn:uuid:{known}"), "404"),
        (format!("/api/v1/contacts/{known}%00"), "404"),
        (format!("/api/v1/contacts/{known}%2F"), "404"),
        (format!("/api/v1/contacts/{known}%2Ftimeline"), "404"),
        (format!("/api/v1/contacts/%20{known}"), "404"),
        (format!("/api/v1/contacts/%E2%80%8B{known}"), "404"),
        (format!("/api/v1/x/../contacts/{known}"), "404"),
        (format!("/api/v1/./contacts/{known}"), "404"),
        (format!("/api/v1//contacts/{known}"), "404"),
        (format!("/API/v1/contacts/{known}"), "404"),
        (format!("/api/v1/contacts;x=1/{known}"), "404"),
        ("/api/v1/contacts/00000000-0000-0000-0000-000000000000".into(), "404"),
        ("/api/v1/contacts%3Flimit=1".into(), "404"),
        ("/api/v1/schema/..%2fdeals".into(), "404"),
        ("/docs/../../../../etc/passwd".into(), "404"),
        ("/docs/%2e%2e/%2e%2e/etc/passwd".into(), "404"),
        ("/metrics".into(), "404"),
        ("/.env".into(), "404"),
        ("/api/v1/contacts?q=%ff".into(), "400"),
        ("/api/v1/contacts?q=%00".into(), "400"),
        ("/api/v1/contacts?q=%c0%80".into(), "400"),
        ("/api/v1/contacts?%ff=1".into(), "400"),
        ("/api/v1/contacts?q=%25".into(), "200"),
    ] {
        let (answer, _) = raw(format!("{}Connection: close\r\n\r\n", head(&format!("GET {path}"))).as_bytes());
        assert_eq!(status(&answer), expected, "{path}: {answer:.600}");
    }
}

#[test]
fn the_method_is_the_one_in_the_request_line() {
    let (owner, head) = signed_in();
    let contact = format!("/contacts/{}", id(&owner.post("/contacts", json!({ "first_name": "A" })).created()));
    for header in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
        owner.with(header, "DELETE").get(&contact).ok();
        owner.with(header, "DELETE").post("/contacts/search", json!({})).ok();
    }
    owner.get(&format!("{contact}?_method=DELETE")).problem(400, "unknown_parameter");
    owner.get(&contact).ok();
    for method in ["TRACE", "CONNECT", "FOO", "get", "PROPFIND", "PUT", "DELETE"] {
        let (answer, _) =
            raw(format!("{}Connection: close\r\n\r\n", head(&format!("{method} /api/v1/contacts"))).as_bytes());
        assert_eq!(status(&answer), "405", "{method}: {answer}");
        assert!(answer.contains("allow: GET, POST\r\n"), "{method}: {answer}");
    }
    let ask = |method: &str| {
        raw(format!("{}Connection: close\r\n\r\n", head(&format!("{method} /api/v1{contact}"))).as_bytes()).0
    };
    let names = |answer: &str| {
        let head = answer.split("\r\n\r\n").next().unwrap().to_owned();
        let mut names: Vec<String> =
            head.lines().skip(1).map(|line| line.split(':').next().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    let (get, head) = (ask("GET"), ask("HEAD"));
    assert_eq!(names(&head), names(&get));
    assert!(head.ends_with("\r\n\r\n") && status(&head) == "200", "{head}");
}

#[test]
fn only_json_is_parsed_as_json() {
    let owner = workspace();
    let contact = format!("/contacts/{}", id(&owner.post("/contacts", json!({ "first_name": "A" })).created()));
    for (kind, post, patch) in [
        ("application/json", 201, 200),
        ("APPLICATION/JSON; charset=UTF-8", 201, 200),
        ("application/json; charset=\"utf-8\"", 201, 200),
        ("application/merge-patch+json", 415, 200),
        ("application/json-patch+json", 415, 415),
        ("application/json;charset=latin1", 415, 415),
        ("application/json,text/plain", 415, 415),
        ("application/x-www-form-urlencoded", 415, 415),
        ("application/xml", 415, 415),
        ("text/json", 415, 415),
        ("*/*", 415, 415),
        ("", 415, 415),
    ] {
        let send =
            |method: &str, path: &str| owner.send(method, path, Some(br#"{"first_name":"B"}"#.to_vec()), kind).status;
        assert_eq!(send("POST", "/contacts"), post, "{kind}");
        assert_eq!(send("PATCH", &contact), patch, "{kind}");
    }
    for (kind, status) in [
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=", 400),
        ("multipart/mixed; boundary=b", 415),
        ("text/plain", 415),
    ] {
        for path in ["/files", "/imports"] {
            assert_eq!(owner.send("POST", path, Some(b"--b--\r\n".to_vec()), kind).status, status, "{path} {kind}");
        }
    }
}

#[test]
fn no_input_becomes_a_header() {
    let (owner, head) = signed_in();
    let ann = r#"{"first_name":"A"}"#;
    for (name, value) in [
        ("X-Request-Id", "a%0d%0aEvil: 1"),
        ("X-Request-Id", "a\nEvil: 1"),
        ("X-Request-Id", "a\rEvil: 1"),
        ("Idempotency-Key", "a%0d%0aEvil: 1"),
        ("Origin", "https://x\rEvil: 1"),
    ] {
        let sent =
            format!("{}{JSON}{name}: {value}\r\nContent-Length: 18\r\nConnection: close\r\n\r\n{ann}", head(POST));
        let (answer, _) = raw(sent.as_bytes());
        assert!(matches!(status(&answer), "201" | "400"), "{name}: {value:?}: {answer}");
        assert!(!answer.split("\r\n\r\n").next().unwrap().to_lowercase().contains("evil"), "{name}: {answer}");
    }
    for (key, status) in [("x".repeat(255), 201), ("x".repeat(256), 400), ("a b".into(), 400), ("\"\"".into(), 400)] {
        let answer = owner.with("Idempotency-Key", &key).post("/contacts", json!({ "first_name": "A" }));
        assert_eq!(answer.status, status, "{key:.10}: {}", answer.text);
    }
    for (tag, status) in [
        ("*", 200),
        ("W/\"9\"", 412),
        ("\"9\"", 412),
        ("\"x\"", 400),
        ("\"1\",\"2\"", 400),
        ("\"99999999999999999999\"", 400),
    ] {
        let contact = id(&owner.post("/contacts", json!({ "first_name": "A" })).created());
        let answer = owner.with("If-Match", tag).patch(&format!("/contacts/{contact}"), json!({ "first_name": "B" }));
        assert_eq!(answer.status, status, "{tag}: {}", answer.text);
    }
    let deal = id(&owner.post("/deals", json!({ "title": "D" })).created());
    let file = format!("/files/{}", id(&upload(&owner, "a.txt", b"words", &[("deal_id", &deal)]).created()));
    for name in
        ["a\"; filename=\"b.exe", "a%0d%0aEvil: 1", "\u{202e}txt.exe", "\u{43f}\u{440}\u{438}\u{432}\u{435}\u{442}.txt"]
    {
        owner.patch(&file, json!({ "name": name })).ok();
        let answer = owner.get(&format!("{file}/content"));
        let said = answer.header("content-disposition").strip_prefix("attachment; filename*=UTF-8''").unwrap();
        assert!(said.bytes().all(|b| b.is_ascii_alphanumeric() || b"%.-_=+".contains(&b)), "{said}");
    }
    // A new name is cleaned like the name of an upload: no path, no line break.
    for name in ["../../etc/passwd", "a\r\nEvil: 1"] {
        let answer = owner.patch(&file, json!({ "name": name }));
        let kept = answer.json()["name"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status == 422 || !kept.contains(['/', '\r', '\n']), "{kept:?} {}", why(&answer));
    }
}
