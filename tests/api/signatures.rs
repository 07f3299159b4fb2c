//! The document declares what the operations do: it is read from the signatures of their handlers.
use crate::every_operation::{Operation, filled, operations, records};
use crate::support::{Answer, Client, client::DOCUMENT, client::operation, id, key, workspace};
use serde_json::{Value as Json, json};

/// Returns an operation of the document.
fn documented(op: &Operation) -> &'static Json {
    operation(&op.method, &format!("/api/v1{}", op.path)).unwrap()
}

fn takes(op: &Operation, header: &str) -> bool {
    let parameters = documented(op)["parameters"].as_array().into_iter().flatten();
    parameters.filter(|parameter| parameter["in"] == "header").any(|parameter| parameter["name"] == header)
}

fn answers(op: &Operation, status: &str) -> bool {
    documented(op)["responses"][status].is_object()
}

/// Sends an operation without a body.
fn bare(client: &Client, op: &Operation, path: &str) -> (u16, String) {
    let answer = client.send(&op.method, path, None, "");
    (answer.status, answer.text)
}

#[test]
fn every_change_by_post_takes_a_key_and_nothing_else_does() {
    for op in operations() {
        let right = documented(&op)["x-required-permission"].as_str();
        let changes = op.method == "POST" && right.is_some_and(|right| !right.ends_with(":read"));
        assert_eq!(takes(&op, "Idempotency-Key"), changes, "{}", op.id);
    }
}

#[test]
fn an_invalid_header_is_refused_wherever_it_is_declared() {
    let owner = workspace();
    let records = records(&owner);
    for (header, value) in [("If-Match", "nonsense"), ("Idempotency-Key", "two words")] {
        let sender = owner.with(header, value);
        let declaring: Vec<Operation> = operations().into_iter().filter(|op| takes(op, header)).collect();
        assert!(declaring.len() > 40, "{header}");
        for op in &declaring {
            let (status, text) = bare(&sender, op, &filled(op, &records));
            assert_eq!(status, 400, "{}", op.id);
            assert!(text.contains(&format!("{header} must be")), "{}: {text}", op.id);
        }
    }
}

#[test]
fn an_undeclared_header_is_ignored() {
    let owner = workspace();
    let contact = id(&owner.post("/contacts", json!({ "first_name": "A" })).created());
    let sender = owner.with("If-Match", "nonsense").with("Idempotency-Key", "two words");
    sender.get(&format!("/contacts/{contact}")).ok();
    sender.post("/contacts/search", json!({})).ok();
    owner.with("If-Match", "nonsense").post("/contacts", json!({ "first_name": "B" })).created();
    owner.with("Idempotency-Key", "two words").delete(&format!("/contacts/{contact}")).gone();
}

#[test]
fn a_required_version_is_declared_and_checked() {
    let owner = workspace();
    let records = records(&owner);
    for op in operations() {
        if takes(&op, "If-Match") && answers(&op, "428") {
            for sender in [&owner, &owner.with("If-Match", "*")] {
                locked(sender, &op, &filled(&op, &records)).problem(428, "precondition_required");
            }
        }
        assert_eq!(takes(&op, "If-Match"), answers(&op, "412"), "{}", op.id);
    }
}

/// Sends a valid change of a record whose version must be given.
fn locked(sender: &Client, op: &Operation, path: &str) -> Answer {
    match op.method.as_str() {
        "DELETE" => sender.delete(path),
        "PUT" => {
            let stages = [(); 3].map(|()| uuid::Uuid::now_v7());
            sender.put(path, json!({ "stage_ids": stages }))
        }
        _ => sender.patch(path, json!({ "name": "Renamed" })),
    }
}

#[test]
fn an_invalid_body_is_reported_before_a_missing_version() {
    let owner = workspace();
    let pipeline = id(&owner.post("/pipelines", json!({ "name": "P", "kind": "deal" })).created());
    owner.patch(&format!("/pipelines/{pipeline}"), json!({ "nam": "Q" })).problem(400, "unknown_member");
}

/// The document used to declare no `If-Match` for actions, although they check it.
#[test]
fn actions_compare_the_version() {
    let owner = workspace();
    let records = records(&owner);
    let reason = json!({ "loss_reason_id": records["loss_reason_id"] });
    let stage = json!({ "stage_id": records["stage_id"] });
    let stale = owner.with("If-Match", "999");
    for (name, body) in [
        ("move_deal", &stage),
        ("win_deal", &json!({})),
        ("lose_deal", &reason),
        ("reopen_deal", &json!({})),
        ("move_lead", &stage),
        ("disqualify_lead", &reason),
        ("convert_lead", &json!({})),
        ("complete_task", &json!({})),
        ("change_segment_members", &json!({})),
    ] {
        let op = operations().into_iter().find(|op| op.id == name).unwrap();
        assert!(takes(&op, "If-Match"), "{name} declares it");
        let problem = stale.post(&filled(&op, &records), body.clone()).problem(412, "version_conflict");
        assert_eq!(problem["current_version"], 1, "{name}");
    }
}

/// The document used to say that these operations return CSV or 406, 404 or 422 because of the end of their paths.
#[test]
fn problems_follow_from_the_request() {
    for op in operations() {
        let path = op.path.contains('{');
        assert_eq!(answers(&op, "404"), path || op.id == "switch_workspace", "{}: 404", op.id);
        assert_eq!(answers(&op, "415"), op.has_body, "{}: 415", op.id);
        assert!(!op.has_body || answers(&op, "422"), "{}: 422", op.id);
        assert!(answers(&op, "400"), "{}: 400", op.id);
        let sign_in = op.path.starts_with("/auth/");
        assert!(answers(&op, "401") != op.public || sign_in, "{}: 401", op.id);
    }
}

#[test]
fn public_operations_refuse_parameters_too() {
    for path in ["/currencies", "/error-codes"] {
        Client::anonymous().get(path).ok();
        Client::anonymous().get(&format!("{path}?x=1")).problem(400, "unknown_parameter");
    }
}

/// Operations on the caller's sessions and logins refuse API keys, and say so.
#[test]
fn operations_that_need_a_session_refuse_api_keys() {
    let owner = workspace();
    let records = records(&owner);
    let machine = key(&owner, &["contacts:read"]);
    let personal = operations().into_iter().filter(|op| !op.public && op.path.starts_with("/auth/"));
    let mut checked = 0;
    for op in personal.chain(operations().into_iter().filter(|op| op.id == "update_me")) {
        assert!(answers(&op, "403"), "{}", op.id);
        let (status, text) = bare(&machine, &op, &filled(&op, &records));
        assert_eq!(status, 403, "{}: {text}", op.id);
        checked += 1;
    }
    assert!(checked > 10, "{checked}");
    let me = operations().into_iter().find(|op| op.id == "get_me").unwrap();
    assert!(!answers(&me, "403"), "everybody may read their own data");
    machine.get("/me").ok();
}

/// The last way to sign in cannot be unlinked.
#[test]
fn declared_conflicts_of_an_account() {
    let conflict = |name: &str| operations().iter().any(|op| op.id == name && answers(op, "409"));
    for name in ["unlink_identity", "begin_totp", "confirm_totp", "end_totp", "confirm_email", "accept_invitation"] {
        assert!(conflict(name), "{name}");
    }
    for name in ["forgot_password", "reset_password", "logout", "refresh_token", "change_password", "begin_oidc"] {
        assert!(!conflict(name), "{name} conflicts with nothing");
    }
    let owner = workspace();
    owner
        .post("/auth/totp/end", json!({ "password": "wrong password", "code": "123456" }))
        .problem(422, "validation_failed");
    owner.post("/auth/totp/confirm", json!({ "code": "123456" })).problem(409, "conflict");
}

#[test]
fn every_event_type_is_described() {
    let events = DOCUMENT["paths"]["/api/v1/events"]["get"]["description"].as_str().unwrap();
    assert!(events.contains("| Types | Members of `changes` |") && events.contains("`deal.won`"));
    let left = DOCUMENT["paths"].to_string().contains("{event_types}");
    assert!(!left, "the placeholder is replaced");
}
