//! Rate limits: no client starves the others or locks them out.
use crate::support::client::Client;
use crate::support::process::{Process, folder};
use serde_json::json;

#[test]
fn rate_limited_requests_get_a_retry_after() {
    let dir = folder("limits");
    let variables = [("VORONKA_RATE_PER_MINUTE", "60"), ("VORONKA_ORIGINS", "https://app.example,https://b.example")];
    let process = Process::start_with(&dir, &variables);
    let at = Client::at(&process.address);
    let body =
        json!({ "workspace_name": "A", "name": "Ann", "email": "ann@example.com", "password": "a-long-password" });
    let answer = at.post("/auth/register", body).created();
    let ann = at.with("Authorization", &format!("Bearer {}", answer["access_token"].as_str().unwrap()));
    let first = ann.get("/me");
    assert_eq!(first.header("ratelimit-policy"), "\"default\";q=60;w=60");
    assert_eq!(first.header("ratelimit"), "\"default\";r=59;t=1");
    let refused = (0..100).map(|_| ann.get("/me")).find(|answer| answer.status == 429).expect("a limit");
    let wait: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    refused.problem(429, "rate_limited");
    // Other clients are not affected.
    let script = at.get("/currencies");
    assert_eq!(script.status, 200);
    // After five wrong passwords the answer is 429, only for this network address and e-mail address.
    let wrong = json!({ "email": "ann@example.com", "password": "not-the-password" });
    let statuses: Vec<u16> = (0..7).map(|_| at.post("/auth/login", wrong.clone()).status).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
    let right = json!({ "email": "ann@example.com", "password": "a-long-password" });
    at.post("/auth/login", right).problem(429, "rate_limited");
    let other = json!({ "email": "bob@example.com", "password": "not-the-password" });
    assert_eq!(at.post("/auth/login", other).status, 401);
    // Browsers of known origins may call the API, others may not.
    let ask = |origin: &str| {
        let preflight = at.with("Origin", origin).with("Access-Control-Request-Method", "PATCH");
        preflight.with("Access-Control-Request-Headers", "authorization,if-match").send("OPTIONS", "/deals", None, "")
    };
    assert_eq!(ask("https://app.example").header("access-control-allow-origin"), "https://app.example");
    assert_eq!(ask("https://evil.example").header("access-control-allow-origin"), "");
}
