//! Calls every operation without a token, without the scope, with a foreign id and with invalid input. New operations
//! are included automatically; exceptions are listed here, and the list may only shrink.
use crate::support::scopes::scopes;
use crate::support::{Answer, Client, client::DOCUMENT, id, key, server, workspace};
use diesel::RunQueryDsl;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use voronka::db::sql::{Part, Statement};

pub struct Operation {
    pub id: &'static str,
    pub method: String,
    pub path: &'static str,
    scope: Option<&'static str>,
    permission: Option<(&'static str, &'static str)>,
    pub public: bool,
    pub has_body: bool,
    form: bool,
}

pub fn operations() -> Vec<Operation> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let of = |(path, item): (&'static String, &'static Json)| -> Vec<Operation> {
        let one = |(method, op): (&String, &'static Json)| Operation {
            id: op["operationId"].as_str().unwrap(),
            method: method.to_uppercase(),
            path: path.strip_prefix("/api/v1").unwrap(),
            scope: op["x-required-scope"].as_str(),
            permission: op["x-required-permission"].as_str().and_then(|right| right.split_once(':')),
            public: op["security"] == json!([]),
            has_body: op.get("requestBody").is_some(),
            form: op["requestBody"]["content"].get("multipart/form-data").is_some(),
        };
        item.as_object().unwrap().iter().map(one).collect()
    };
    paths.iter().flat_map(of).collect()
}

pub fn send(client: &Client, op: &Operation, path: &str, body: &str) -> Answer {
    let body = op.has_body.then(|| body.as_bytes().to_vec());
    let content_type = if op.has_body { "application/json" } else { "" };
    client.send(&op.method, path, body, content_type)
}

/// Links an identity of a provider to a user in the database, since only a provider could create one otherwise.
fn identity(user: &str) -> String {
    let made = server().db.run_blocking(|conn| {
        let text = "insert into login_identities (issuer, subject, login_id, created_at) \
            select 'https://id.example', gen_random_uuid()::text, login_id, now() from users where id = :user returning id";
        Ok(Statement::new(text).set("user", Part::Id(user.parse().unwrap())).get_result::<Made>(conn)?)
    });
    made.unwrap().id.to_string()
}

#[derive(diesel::QueryableByName)]
struct Made {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: uuid::Uuid,
}

/// Creates a record of each kind, for the paths.
pub fn records(owner: &Client) -> HashMap<&'static str, String> {
    let made = |path: &str, body: Json| id(&owner.post(path, body).created());
    let pipeline = owner.get("/pipelines").ok()["data"][0].clone();
    let import = id(&owner.upload("contacts", "x.csv", b"first_name\nAnn\n").created());
    let job = id(&owner.post(&format!("/imports/{import}/run"), json!({})).expect(202));
    let contact = made("/contacts", json!({ "first_name": "A" }));
    let file = id(&crate::files::upload(owner, "a.txt", b"words", &[("contact_id", &contact)]).created());
    HashMap::from([
        ("user_id", id(&owner.get("/me").ok()["user"])),
        ("session_id", id(&owner.get("/auth/sessions").ok()["data"][0])),
        ("identity_id", identity(&id(&owner.get("/me").ok()["user"]))),
        ("role_id", made("/roles", json!({ "key": "walker", "name": "W", "grants": [] }))),
        ("team_id", made("/teams", json!({ "name": "T" }))),
        ("api_key_id", made("/api-keys", json!({ "name": "K", "scopes": ["contacts:read"] }))),
        (
            "custom_field_id",
            made("/custom-fields", json!({ "resource": "deals", "key": "walked", "name": "W", "kind": "text" })),
        ),
        ("resource", "deals".to_owned()),
        ("feed", "unknown.ics".to_owned()),
        ("file_id", file),
        (
            "erasure_id",
            made(
                "/erasures",
                json!({ "contact_id": made("/contacts", json!({ "first_name": "E" })), "reason": "Asked" }),
            ),
        ),
        (
            "retention_rule_id",
            made(
                "/retention-rules",
                json!({ "name": "W", "resource": "contacts", "action": "delete", "reason": "Old",
            "selection": { "all": [{ "field": "updated_at", "op": "lt", "values": ["today-9y"] }] } }),
            ),
        ),
        ("view_id", made("/views", json!({ "resource": "deals", "name": "W" }))),
        ("segment_id", made("/segments", json!({ "resource": "deals", "name": "W", "kind": "static" }))),
        ("tag_id", made("/tags", json!({ "name": "T" }))),
        ("source_id", made("/sources", json!({ "name": "S" }))),
        ("company_id", made("/companies", json!({ "name": "C" }))),
        ("product_id", made("/products", json!({ "name": "P" }))),
        ("pipeline_id", id(&pipeline)),
        ("stage_id", id(&pipeline["stages"][0])),
        ("loss_reason_id", made("/loss-reasons", json!({ "name": "L" }))),
        ("lead_id", made("/leads", json!({ "title": "L" }))),
        ("deal_id", made("/deals", json!({ "title": "D" }))),
        ("task_id", made("/tasks", json!({ "title": "T" }))),
        ("activity_id", made("/activities", json!({ "type": "call", "contact_id": contact }))),
        ("import_id", import),
        ("job_id", job),
        ("contact_id", contact),
    ])
}

/// Fills the ids into the path; every parameter needs a record.
pub fn filled(op: &Operation, records: &HashMap<&'static str, String>) -> String {
    let part = |part: &str| match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
        Some(name) => records.get(name).unwrap_or_else(|| panic!("{}: no record for {name}", op.id)).clone(),
        None => part.to_owned(),
    };
    op.path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[test]
fn operations_need_a_token() {
    let records = records(&workspace());
    for op in operations().iter().filter(|op| !op.public) {
        let path = filled(op, &records);
        let answer = send(&Client::anonymous(), op, &path, "{}");
        assert_eq!(answer.status, 401, "{}", op.id);
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{}", op.id);
        assert_eq!(send(&Client::with_token("x.y.z"), op, &path, "{}").status, 401, "{}", op.id);
    }
}

#[test]
fn operations_need_exactly_their_declared_scope() {
    let owner = workspace();
    let records = records(&owner);
    let mut keys: HashMap<&str, Client> = HashMap::new();
    for op in operations() {
        let Some(scope) = op.scope else { continue };
        let others: Vec<&str> = scopes().iter().copied().filter(|s| *s != scope).collect();
        let lacking = keys.entry(scope).or_insert_with(|| key(&owner, &others)).clone();
        let problem = send(&lacking, &op, &filled(&op, &records), "{}").problem(403, "insufficient_scope");
        assert_eq!(problem["required_scope"], scope, "{}", op.id);
    }
}

/// Returns the grants of a role with every permission except one.
fn all_but(resource: &str, action: &str) -> Vec<Json> {
    let resources = scopes().iter().filter_map(|scope| scope.strip_suffix(":read"));
    let far = |r: &str, a: &str| match r == resource && (a == action || action == "read") {
        true => "none",
        false => "all",
    };
    let grant = |r: &str| json!({ "resource": r, "read": far(r, "read"), "create": far(r, "create"), "update": far(r, "update"), "delete": far(r, "delete"), "export": far(r, "export") });
    resources.map(grant).collect()
}

#[test]
fn operations_need_exactly_their_declared_permission() {
    let owner = workspace();
    let records = records(&owner);
    let mut users: HashMap<(&str, &str), Client> = HashMap::new();
    for op in operations() {
        let Some((resource, action)) = op.permission else { continue };
        let lacking = users.entry((resource, action)).or_insert_with(|| {
            let key = crate::support::unique("lacking");
            let role = json!({ "key": key, "name": key, "grants": all_but(resource, action) });
            owner.post("/roles", role).created();
            crate::support::user(&owner, &key)
        });
        let problem = send(lacking, &op, &filled(&op, &records), &valid_body(&op, &records)).problem(403, "forbidden");
        let said = problem["detail"].as_str().unwrap();
        assert!(said.ends_with(&format!("{action} {resource}")), "{}: {said}", op.id);
    }
}

/// The grants of the built-in roles are enforced.
#[test]
fn built_in_roles_allow_what_they_declare() {
    let owner = workspace();
    let records = records(&owner);
    let roles = owner.get("/roles").ok();
    for role in
        roles["data"].as_array().unwrap().iter().filter(|role| role["builtin"] == json!(true) && role["key"] != "owner")
    {
        let key = role["key"].as_str().unwrap();
        let client = crate::support::user(&owner, key);
        for op in operations() {
            let Some((resource, action)) = op.permission else { continue };
            let grant = role["grants"].as_array().unwrap().iter().find(|g| g["resource"] == resource).unwrap();
            // The body is refused before anything happens.
            let status = send(&client, &op, &filled(&op, &records), "{\"surely_not_a_member\":1}").status;
            if grant[action] == "none" {
                assert_eq!(status, 403, "{key} {}", op.id);
            } else if op.has_body || op.method == "GET" {
                assert_ne!(status, 403, "{key} {}", op.id);
            }
        }
    }
}

#[test]
fn records_of_another_workspace_answer_404() {
    let (owner, other) = (workspace(), workspace());
    let (mine, theirs) = (records(&owner), records(&other));
    let random = "0192f0c1-2d3e-7a4b-8c5d-6e7f80910000";
    // A resource is not a record; its description is public.
    for op in operations().iter().filter(|op| op.path.contains("_id}")) {
        let body = valid_body(op, &mine);
        let locked = owner.with("If-Match", "\"1\"");
        let foreign = send(&locked, op, &filled(op, &theirs), &body);
        assert_eq!(foreign.status, 404, "{}: {}", op.id, foreign.text);
        let nowhere: HashMap<_, _> = theirs.keys().map(|name| (*name, random.to_owned())).collect();
        let missing = send(&locked, op, &filled(op, &nowhere), &body);
        assert_eq!(missing.status, 404, "{}", op.id);
        assert_eq!(without_id(&missing), without_id(&foreign), "{}", op.id);
        for rubbish in ["1", "..%2f", "%00", "%ff", "null", "0192F0C1"] {
            let nowhere: HashMap<_, _> = theirs.keys().map(|name| (*name, rubbish.to_owned())).collect();
            let status = send(&locked, op, &filled(op, &nowhere), &body).status;
            assert!(matches!(status, 400 | 404 | 405), "{} with {rubbish}: {status}", op.id);
        }
    }
}

fn without_id(answer: &Answer) -> Json {
    let mut problem = answer.json();
    problem["request_id"] = Json::Null;
    problem
}

/// Returns a body that passes the schema, so that the id decides.
fn valid_body(op: &Operation, records: &HashMap<&'static str, String>) -> String {
    let record = |name: &str| records[name].clone();
    match op.id {
        "move_lead" | "move_deal" => json!({ "stage_id": record("stage_id") }),
        "lose_deal" | "disqualify_lead" => json!({ "loss_reason_id": record("loss_reason_id") }),
        "recycle_lead" => json!({ "come_back_on": "2031-01-01" }),
        "hand_over_records" => json!({ "to_user_id": record("contact_id") }),
        "replace_line_items" => json!({ "line_items": [] }),
        "reorder_stages" => json!({ "stage_ids": [record("stage_id"), record("stage_id"), record("stage_id")] }),
        _ => json!({}),
    }
    .to_string()
}

#[test]
fn invalid_input_is_refused_with_a_problem() {
    let owner = workspace();
    let records = records(&owner);
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    let bodies = [
        "",
        "null",
        "[]",
        "\"x\"",
        "{",
        "{\"a\":1}x",
        "{\"surely_not_a_member\":1}",
        "{\"name\":\"\\u0000\"}",
        "{\"name\":\"\\ud800\"}",
        "{\"title\":1e400}",
        "{\"id\":123456789012345678901234567890}",
        "{\"name\":{\"a\":[]}}",
        deep.as_str(),
    ];
    for op in operations() {
        let path = filled(&op, &records);
        let locked = owner.with("If-Match", "\"1\"");
        if op.has_body && !op.form {
            for body in bodies {
                let status = send(&locked, &op, &path, body).status;
                assert!(matches!(status, 400 | 422), "{} with {body:.40}: {status}", op.id);
            }
            let invalid = locked.send(&op.method, &path, Some(vec![b'{', 0xff, b'}']), "application/json");
            assert_eq!(invalid.status, 400, "{}", op.id);
            let text = locked.send(&op.method, &path, Some(b"{}".to_vec()), "text/plain");
            assert_eq!(text.status, 415, "{}", op.id);
        }
        for query in ["surely_not_a_parameter=1", "limit=-1&limit=2", "cursor=%00", "a=%ff"] {
            let status = send(&locked, &op, &format!("{path}?{query}"), &valid_body(&op, &records)).status;
            assert_eq!(status, 400, "{} with {query}", op.id);
        }
    }
}

#[test]
fn a_wrong_method_names_the_allowed_ones() {
    let records = records(&workspace());
    for op in operations() {
        let path = filled(&op, &records);
        let answer = Client::anonymous().send("TRACE", &path, None, "");
        assert_eq!(answer.status, 405, "{}", op.id);
        assert!(answer.header("allow").split(", ").any(|m| m == op.method), "{}: {}", op.id, answer.header("allow"));
    }
}
