//! A client that validates every answer: one that does not follow the document fails the test.
use super::schemas::validator;
use super::server::server;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::sync::LazyLock;
use ureq::http::Response;
use ureq::{Agent, Body};
use voronka::http::app;

pub static DOCUMENT: LazyLock<Json> = LazyLock::new(|| serde_json::from_slice(app::document().text()).unwrap());

static AGENT: LazyLock<Agent> = LazyLock::new(|| {
    Agent::config_builder()
        // The server closes idle connections after five seconds.
        .max_idle_age(std::time::Duration::from_secs(2))
        .http_status_as_error(false)
        .max_redirects(0)
        .allow_non_standard_methods(true)
        .build()
        .into()
});

#[derive(Clone, Debug, Default)]
pub struct Client {
    pub headers: Vec<(String, String)>,
    /// The address of a server other than the shared one.
    address: Option<String>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub text: String,
    pub bytes: Vec<u8>,
    what: String,
}

impl Client {
    pub fn anonymous() -> Client {
        Client::default()
    }

    pub fn with_token(token: &str) -> Client {
        Client::default().with("Authorization", &format!("Bearer {token}"))
    }

    /// Returns a client of another server.
    pub fn at(address: &str) -> Client {
        Client { address: Some(address.into()), ..Client::default() }
    }

    pub fn with(&self, name: &str, value: &str) -> Client {
        let mut client = self.clone();
        client.headers.push((name.into(), value.into()));
        client
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, "")
    }

    pub fn post(&self, path: &str, body: Json) -> Answer {
        self.send("POST", path, Some(body.to_string().into_bytes()), "application/json")
    }

    pub fn patch(&self, path: &str, body: Json) -> Answer {
        self.send("PATCH", path, Some(body.to_string().into_bytes()), "application/json")
    }

    pub fn put(&self, path: &str, body: Json) -> Answer {
        self.send("PUT", path, Some(body.to_string().into_bytes()), "application/json")
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None, "")
    }

    /// Uploads a file for import. The form has no resource if it is an empty text.
    pub fn upload(&self, resource: &str, name: &str, content: &[u8]) -> Answer {
        let mut body = Vec::new();
        let part = |head: &str| format!("--b0undary\r\nContent-Disposition: form-data; {head}\r\n\r\n").into_bytes();
        if !resource.is_empty() {
            body.extend(part("name=\"resource\""));
            body.extend(resource.as_bytes());
            body.extend(b"\r\n");
        }
        body.extend(part(&format!("name=\"file\"; filename=\"{name}\"")));
        body.extend(content);
        body.extend(b"\r\n--b0undary--\r\n");
        self.send("POST", "/imports", Some(body), "multipart/form-data; boundary=b0undary")
    }

    /// Sends any request; `path` is relative to `/api/v1` unless it begins with `//`.
    pub fn send(&self, method: &str, path: &str, body: Option<Vec<u8>>, content_type: &str) -> Answer {
        let full = path
            .strip_prefix('/')
            .filter(|rest| rest.starts_with('/'))
            .map_or_else(|| format!("/api/v1{path}"), str::to_owned);
        let address = self.address.as_ref().map_or_else(|| server().address.as_str(), String::as_str);
        let mut request = ureq::http::Request::builder().method(method).uri(format!("http://{address}{full}"));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if !content_type.is_empty() {
            request = request.header("Content-Type", content_type);
        }
        let response = match body {
            Some(body) => AGENT.run(request.body(body).unwrap()),
            None => AGENT.run(request.body(()).unwrap()),
        };
        let answer = Answer::read(format!("{method} {full}"), response.unwrap());
        answer.conforms(method, full.split('?').next().unwrap());
        answer
    }
}

impl Answer {
    fn read(what: String, mut response: Response<Body>) -> Answer {
        let headers = response
            .headers()
            .iter()
            .map(|(n, v)| (n.to_string(), v.to_str().unwrap_or_default().to_owned()))
            .collect();
        let status = response.status().as_u16();
        let bytes = response.body_mut().with_config().limit(50 << 20).read_to_vec().unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status, headers, text, bytes, what }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{}: {e}: {}", self.what, self.text))
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Json {
        assert_eq!(self.status, status, "{}: {}", self.what, self.text);
        if self.text.is_empty() { Json::Null } else { self.json() }
    }

    #[track_caller]
    pub fn ok(self) -> Json {
        self.expect(200)
    }

    #[track_caller]
    pub fn created(self) -> Json {
        assert!(!self.header("location").is_empty(), "{}: no Location", self.what);
        self.expect(201)
    }

    #[track_caller]
    pub fn gone(self) {
        self.expect(204);
    }

    /// Expects a problem with this status and code.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Json {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}: {}", self.what, self.text);
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{problem}");
        problem
    }

    /// Returns the number of statements that the request sent to the database.
    pub fn statements(&self) -> u32 {
        let timing = self.header("server-timing");
        timing
            .split('"')
            .nth(1)
            .and_then(|text| text.split(' ').next()?.parse().ok())
            .unwrap_or_else(|| panic!("{timing}"))
    }

    /// Checks every answer: it has a request id, is not a 500, and its body follows the document.
    fn conforms(&self, method: &str, path: &str) {
        assert_ne!(self.status, 500, "{}: {}", self.what, self.text);
        assert!(!self.header("x-request-id").is_empty(), "{}: no request id", self.what);
        if self.status >= 400 {
            assert_eq!(self.header("content-type"), "application/problem+json", "{}: {}", self.what, self.text);
            self.matches(&json!({ "$ref": "#/components/schemas/Problem" }));
        }
        let Some(operation) = operation(method, path) else { return };
        let responses = &operation["responses"];
        let response = &responses[self.status.to_string()];
        assert!(
            !response.is_null() || responses.get("default").is_some(),
            "{}: {} is not declared",
            self.what,
            self.status
        );
        if self.status < 300 {
            assert!(!response.is_null(), "{}: {} is not declared", self.what, self.status);
            for name in response["headers"].as_object().into_iter().flat_map(|headers| headers.keys()) {
                assert!(!self.header(&name.to_lowercase()).is_empty(), "{}: {name} is promised", self.what);
            }
            let schema = &response["content"]["application/json"]["schema"];
            if !schema.is_null() && self.header("content-type").starts_with("application/json") {
                self.matches(schema);
            }
        }
    }

    fn matches(&self, schema: &Json) {
        let validator = validator(schema);
        let body = self.json();
        let errors: Vec<String> = validator.iter_errors(&body).map(|e| format!("{}: {e}", e.instance_path)).collect();
        assert!(errors.is_empty(), "{}: the answer violates its schema: {errors:?}\n{body}", self.what);
    }
}

/// Returns the operation for a concrete path.
pub fn operation(method: &str, path: &str) -> Option<&'static Json> {
    let asked: Vec<&str> = path.split('/').collect();
    let fits = |known: &str| {
        let known: Vec<&str> = known.split('/').collect();
        known.len() == asked.len() && known.iter().zip(&asked).all(|(k, a)| k == a || k.starts_with('{'))
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let found = paths.iter().filter(|(known, _)| fits(known)).min_by_key(|(known, _)| known.matches('{').count());
    found.and_then(|(_, item)| item.get(method.to_lowercase()))
}
