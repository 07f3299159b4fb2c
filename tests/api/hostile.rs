//! Malformed HTTP: sizes, types, raw bytes.
use crate::support::{Client, server, workspace};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Sends raw bytes and returns the response.
fn raw(bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(&server().address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn an_unknown_path_is_a_problem() {
    for path in ["/nowhere", "//", "//api/v0/contacts", "//debug", "/contacts/"] {
        Client::anonymous().get(path).problem(404, "not_found");
    }
}

#[test]
fn a_wrong_method_lists_the_allowed_ones() {
    let owner = workspace();
    for (method, path, allowed) in [
        ("PUT", "/contacts", "GET, POST"),
        ("GET", "/contacts/batch-create", "POST"),
        ("DELETE", "/deals/search", "POST"),
        ("PATCH", "/leads/bulk-update", "POST"),
        ("POST", "//health/live", "GET, HEAD"),
        ("POST", "//openapi.json", "GET, HEAD"),
    ] {
        let answer = owner.send(method, path, Some(b"{}".to_vec()), "application/json");
        assert_eq!(answer.header("allow"), allowed, "{method} {path}: {}", answer.text);
        answer.problem(405, "method_not_allowed");
    }
    owner.get("/contacts/batch-made").problem(404, "not_found");
}

#[test]
fn a_large_body_is_refused_before_it_is_read() {
    let owner = workspace();
    let body = format!("{{\"first_name\":\"{}\"}}", "x".repeat(3 << 20));
    assert_eq!(owner.send("POST", "/contacts", Some(body.into_bytes()), "application/json").status, 413);
    owner
        .with("Content-Encoding", "gzip")
        .send("POST", "/contacts", Some(b"{}".to_vec()), "application/json")
        .problem(415, "unsupported_media_type");
    owner
        .send("POST", "/contacts", Some(b"{}".to_vec()), "application/json; charset=utf-16")
        .problem(415, "unsupported_media_type");
    owner.send("POST", "/imports", Some(b"{}".to_vec()), "application/json").problem(415, "unsupported_media_type");
    let status = owner.send("POST", "/imports", Some(b"x".to_vec()), "multipart/form-data; boundary=b").status;
    assert!(matches!(status, 400 | 422), "{status}");
}

#[test]
fn long_urls_and_many_parameters_are_refused() {
    let owner = workspace();
    let long = "x".repeat(20_000);
    assert_eq!(owner.get(&format!("/contacts?q={long}")).status, 414);
    let many = (0..1000).map(|n| format!("a{n}=1")).collect::<Vec<_>>().join("&");
    assert_eq!(owner.get(&format!("/contacts?{many}")).status, 400);
    let words = "x".repeat(300);
    assert_eq!(owner.get(&format!("/contacts?q={words}")).status, 400);
}

#[test]
fn a_plain_request_id_is_kept() {
    let owner = workspace();
    assert_eq!(owner.with("X-Request-Id", "abc-1.2_3").get("/me").header("x-request-id"), "abc-1.2_3");
    assert_ne!(owner.with("X-Request-Id", "a b<script>").get("/me").header("x-request-id"), "a b<script>");
    let made =
        owner.with("X-Request-Id", "trace-me").post("/contacts", serde_json::json!({ "first_name": "A" })).created();
    let path = format!("/events?record_id={}", made["id"].as_str().unwrap());
    let event = (0..50).find_map(|_| {
        std::thread::sleep(Duration::from_millis(20));
        owner.get(&path).ok()["data"].get(0).cloned()
    });
    assert_eq!(event.unwrap()["request_id"], "trace-me");
}

#[test]
fn head_equals_get_without_a_body() {
    let head = raw(b"HEAD /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.ends_with("\r\n\r\n"), "{head}");
}

#[test]
fn broken_requests_do_not_break_the_server() {
    for request in [
        &b"GARBAGE\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"GET /api/v1/contacts/%00%ff%2f..%2f HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ] {
        let answer = raw(request);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert!(!answer.contains("panicked"), "{answer}");
    }
    Client::anonymous().send("GET", "//health/live", None, "").ok();
}

#[test]
fn health_reports_readiness() {
    assert_eq!(Client::anonymous().send("GET", "//health/live", None, "").ok()["status"], "live");
    let ready = Client::anonymous().send("GET", "//health/ready", None, "").ok();
    assert_eq!(ready["status"], "ready");
    assert_eq!(ready["checks"]["database"], "up");
}
