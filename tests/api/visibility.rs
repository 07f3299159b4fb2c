//! Calls every operation on one record with every visibility of its permission: own, team, all.
use crate::files::upload;
use crate::support::scopes::scopes;
use crate::support::{Client, client::DOCUMENT, id, stage, unique, user_with, workspace};
use serde_json::{Value as Json, json};

const OWNED: [&str; 7] = ["companies", "contacts", "leads", "deals", "tasks", "activities", "files"];
const VISIBILITIES: [&str; 4] = ["none", "own", "team", "all"];

/// A user who can create own records.
struct Person {
    client: Client,
    id: String,
}

struct Op {
    id: &'static str,
    method: String,
    path: &'static str,
    action: &'static str,
    has_body: bool,
}

/// Returns the operations on one record of a resource.
fn operations(resource: &str) -> Vec<Op> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let begin = format!("/api/v1/{resource}/{{");
    let mut found = Vec::new();
    for (path, item) in paths.iter().filter(|(path, _)| path.starts_with(&begin)) {
        for (method, op) in item.as_object().unwrap() {
            let (of, action) = op["x-required-permission"].as_str().unwrap().split_once(':').unwrap();
            assert_eq!(of, resource);
            found.push(Op {
                id: op["operationId"].as_str().unwrap(),
                method: method.to_uppercase(),
                path: path.strip_prefix("/api/v1").unwrap(),
                action,
                has_body: op.get("requestBody").is_some(),
            });
        }
    }
    found
}

/// Grants everything, except one action limited to a visibility. For activities and files, contacts are limited too.
fn grants(
    resource: &'static str,
    read: &'static str,
    action: &'static str,
    far: &'static str,
) -> Vec<[&'static str; 6]> {
    let right = |of: &str, wanted: &str, all: &'static str| if of == resource && wanted == action { far } else { all };
    let grant = |of: &'static str| {
        let seen = if of == resource {
            read
        } else if of == "contacts" && matches!(resource, "activities" | "files") {
            "own"
        } else {
            "all"
        };
        let up_to = |wanted: &str| {
            let all = if seen == "all" || of == "contacts" && wanted == "create" { "all" } else { seen };
            right(of, wanted, all)
        };
        [of, seen, if seen == "none" { "none" } else { "all" }, up_to("update"), up_to("delete"), up_to("export")]
    };
    scopes().iter().filter_map(|scope| scope.strip_suffix(":read")).map(grant).collect()
}

/// Creates a record owned by a user.
fn record(person: &Person, resource: &str) -> String {
    let (client, me) = (&person.client, &person.id);
    let post = |path: &str, body: Json| id(&client.post(path, body).created());
    match resource {
        "companies" => post("/companies", json!({ "name": "C", "owner_id": me })),
        "contacts" => post("/contacts", json!({ "first_name": "A", "owner_id": me })),
        "leads" => post("/leads", json!({ "title": "L", "owner_id": me })),
        "deals" => post("/deals", json!({ "title": "D", "owner_id": me })),
        "tasks" => post("/tasks", json!({ "title": "T", "assignee_id": me })),
        "activities" => post("/activities", json!({ "type": "call", "contact_id": record(person, "contacts") })),
        "files" => id(&upload(client, "a.txt", b"x", &[("contact_id", &record(person, "contacts"))]).created()),
        other => panic!("{other}"),
    }
}

/// Returns a valid body.
fn body(op: &Op, owner: &Client, reason: &str) -> Json {
    match op.id {
        "move_deal" => json!({ "stage_id": stage(owner, "deal", "Quote sent") }),
        "move_lead" => json!({ "stage_id": stage(owner, "lead", "Interested") }),
        "lose_deal" | "disqualify_lead" => json!({ "loss_reason_id": reason }),
        "recycle_lead" => json!({ "come_back_on": "2031-01-01" }),
        "replace_line_items" => json!({ "line_items": [] }),
        _ => json!({}),
    }
}

#[test]
fn operations_reach_what_their_permission_reaches() {
    let owner = workspace();
    let team =
        |parent: Json| id(&owner.post("/teams", json!({ "name": unique("team"), "parent_id": parent })).created());
    let above = team(Json::Null);
    let below = team(json!(above));
    let reason = id(&owner.post("/loss-reasons", json!({ "name": "Dear" })).created());
    let everything: Vec<[&str; 6]> = grants("nothing", "all", "read", "all");
    let somebody = |grants: &[[&'static str; 6]], more: Json| {
        let (client, id) = user_with(&owner, grants, more);
        Person { client, id }
    };
    let mate = somebody(&everything, json!({ "team_id": below }));
    let stranger = somebody(&everything, json!({}));
    let mut asked = 0;
    for resource in OWNED {
        for op in operations(resource) {
            for far in VISIBILITIES {
                // Limits the permission and the read visibility; for a change also tries full read visibility with
                // the limited permission.
                let narrow = somebody(&grants(resource, far, op.action, far), json!({ "team_id": above }));
                let wide = (op.action != "read" && op.action != "export")
                    .then(|| somebody(&grants(resource, "all", op.action, far), json!({ "team_id": above })));
                for (me, sees_all) in std::iter::once((&narrow, false)).chain(wide.as_ref().map(|me| (me, true))) {
                    let people = [
                        (far != "none", Some(me)),
                        (matches!(far, "team" | "all"), Some(&mate)),
                        (far == "all", Some(&stranger)),
                    ];
                    for (n, (reached, person)) in people.into_iter().enumerate() {
                        // A caller who may see nothing of a resource cannot create records of it either.
                        let maker = if far == "none" && !sees_all { &stranger } else { person.unwrap() };
                        let made = record(maker, resource);
                        if op.path.ends_with("/restore") {
                            owner.delete(&format!("/{resource}/{made}")).gone();
                        }
                        let path =
                            op.path.split('/').map(|part| if part.starts_with('{') { made.as_str() } else { part });
                        let path = path.collect::<Vec<_>>().join("/");
                        let sent = op.has_body.then(|| body(&op, &owner, &reason).to_string().into_bytes());
                        let kind = if op.has_body { "application/json" } else { "" };
                        let answer = me.client.send(&op.method, &path, sent, kind);
                        let what =
                            format!("{} with {far} (sees all: {sees_all}) on record {n}: {}", op.id, answer.text);
                        match (far, reached) {
                            ("none", _) => assert_eq!(answer.status, 403, "{what}"),
                            // An open deal cannot be reopened, but the error differs from 404.
                            (_, true) => assert!(answer.status < 300 || answer.status == 409, "{what}"),
                            // A caller who could not delete a record gets 404 when restoring it.
                            _ if sees_all && !op.path.ends_with("/restore") => assert_eq!(answer.status, 403, "{what}"),
                            _ => assert_eq!(answer.status, 404, "{what}"),
                        }
                        asked += 1;
                    }
                }
            }
        }
    }
    assert!(asked > 500, "{asked}");
}
