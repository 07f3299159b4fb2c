//! CORS: scripts on allowed origins can read every answer, including errors of every layer.
use crate::support::Client;
use crate::support::process::{Process, folder};
use serde_json::json;

const ORIGIN: &str = "https://app.example";

#[test]
fn scripts_of_an_allowed_origin_can_read_every_answer() {
    let process = Process::start_with(
        &folder("origins"),
        &[("VORONKA_RATE_PER_MINUTE", "60"), ("VORONKA_ORIGINS", "https://app.example,https://b.example")],
    );
    let at = Client::at(&process.address);
    let body =
        json!({ "workspace_name": "A", "name": "Ann", "email": "ann@example.com", "password": "a-long-password" });
    let token = at.post("/auth/register", body).created()["access_token"].as_str().unwrap().to_owned();
    let foreign = at.with("Origin", ORIGIN);
    let ann = foreign.with("Authorization", &format!("Bearer {token}"));
    let large = vec![b' '; 3 << 20];
    let contact = ann.post("/contacts", json!({ "first_name": "A" })).created()["id"].as_str().unwrap().to_owned();
    let one = format!("/contacts/{contact}");
    let answers = [
        (200, ann.get("/contacts")),
        (200, foreign.get("//health/live")),
        (200, foreign.get("//openapi.json")),
        (304, ann.with("If-None-Match", "*").get(&one)),
        (400, ann.get("/contacts?surely_not=1")),
        (400, ann.get("/me?surely_not=1")),
        (400, ann.post("/contacts", json!({ "surely_not": 1 }))),
        (401, foreign.get("/contacts")),
        (401, foreign.with("Authorization", "Bearer x.y.z").get("/contacts")),
        (401, foreign.post("/auth/login", json!({ "email": "ann@example.com", "password": "wrong" }))),
        (404, ann.get("/nowhere")),
        (404, foreign.get("//nowhere")),
        (404, ann.get("/contacts/0192f0c1-2d3e-7a4b-8c5d-6e7f80910000")),
        (405, ann.send("PUT", "/contacts", None, "")),
        (405, foreign.send("POST", "//health/live", None, "")),
        (406, ann.with("Accept", "image/png").get("/contacts")),
        (409, ann.post("/contacts", json!({ "id": contact, "first_name": "B" }))),
        (412, ann.with("If-Match", "\"9\"").patch(&one, json!({ "first_name": "B" }))),
        (413, ann.send("POST", "/contacts", Some(large), "application/json")),
        (414, ann.get(&format!("/contacts?q={}", "x".repeat(17 << 10)))),
        (415, ann.send("POST", "/contacts", Some(b"{}".to_vec()), "text/plain")),
        (422, ann.post("/contacts", json!({ "first_name": "" }))),
        (
            428,
            ann.patch(
                &format!("/pipelines/{}", ann.get("/pipelines").ok()["data"][0]["id"].as_str().unwrap()),
                json!({}),
            ),
        ),
    ];
    let refused = (0..100).map(|_| ann.get("/me")).find(|answer| answer.status == 429).expect("a limit");
    for (status, answer) in answers.into_iter().chain([(429, refused)]) {
        assert_eq!(answer.status, status, "{}", answer.text);
        assert_eq!(answer.header("access-control-allow-origin"), ORIGIN, "{status}: {}", answer.text);
        assert!(answer.header("vary").to_lowercase().contains("origin"), "{status}: {}", answer.header("vary"));
        let exposed = answer.header("access-control-expose-headers").to_lowercase();
        for name in ["etag", "retry-after", "content-disposition", "server-timing", "x-request-id", "location"] {
            assert!(exposed.contains(name), "{status}: {exposed}");
        }
    }
}

#[test]
fn other_origins_get_answers_without_cors_headers() {
    let process = Process::start_with(&folder("foreign"), &[("VORONKA_ORIGINS", ORIGIN)]);
    let at = Client::at(&process.address);
    let preflight = |origin: &str, headers: &str| {
        let asked = at.with("Origin", origin).with("Access-Control-Request-Method", "PATCH");
        asked.with("Access-Control-Request-Headers", headers).send("OPTIONS", "/deals", None, "")
    };
    let answer = preflight(ORIGIN, "authorization,if-match,idempotency-key,traceparent,baggage,sentry-trace");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
    let allowed = answer.header("access-control-allow-headers").to_lowercase();
    assert!(allowed.contains("traceparent") && allowed.contains("if-match"), "{allowed}");
    assert_eq!(preflight("https://evil.example", "authorization").header("access-control-allow-origin"), "");
    // A page on the server's own origin also sends an Origin header.
    let own = at.with("Origin", "https://crm.example").get("/currencies");
    assert_eq!(own.status, 200);
    assert_eq!(own.header("access-control-allow-origin"), "");
}
