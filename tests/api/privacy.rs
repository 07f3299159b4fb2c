//! What is known of a person: the history of consents, taken out, taken away with proof, and not kept too long.
use crate::files::upload;
use crate::imports::finished;
use crate::support::{Client, database_url, id, key, user, user_with, workspace};
use diesel::{Connection, PgConnection, RunQueryDsl};
use serde_json::{Value as Json, json};

fn consent(channel: &str, granted: bool, at: &str) -> Json {
    json!({ "channel": channel, "granted": granted, "at": at, "how": "form" })
}

#[test]
fn consents_are_remembered_as_they_were() {
    let owner = workspace();
    let day = |n: u32| format!("2026-01-0{n}T00:00:00.000Z");
    let ann = id(&owner
        .post("/contacts", json!({ "first_name": "Ann", "consents": [consent("email", true, &day(1))] }))
        .created());
    let path = format!("/contacts/{ann}");
    owner.patch(&path, json!({ "consents": [consent("email", true, &day(1)), consent("phone", true, &day(2))] })).ok();
    owner.patch(&path, json!({ "consents": [consent("email", false, &day(3)), consent("phone", true, &day(2))] })).ok();
    owner.patch(&path, json!({ "position": "CEO" })).ok();
    owner.patch(&path, json!({ "consents": [consent("email", false, &day(3))] })).ok();
    let history = owner.get(&format!("{path}/consents")).ok();
    let told: Vec<(&str, bool)> = history["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["channel"].as_str().unwrap(), c["granted"].as_bool().unwrap()))
        .collect();
    assert_eq!(told, [("phone", false), ("email", false), ("phone", true), ("email", true)]);
    let hidden = json!({ "hidden_fields": [{ "resource": "contacts", "field": "consents" }] });
    let (blind, _) = user_with(&owner, &[["contacts", "all", "none", "none", "none", "none"]], hidden);
    blind.get(&format!("{path}/consents")).problem(403, "forbidden");
}

/// A person with everything that can be known of them, each text marked, and the ids of their records.
fn known(owner: &Client, mark: &str) -> (String, Vec<String>) {
    let email = format!("{}@example.com", mark.to_lowercase());
    owner.post("/custom-fields", json!({ "resource": "contacts", "key": "note", "name": "Note", "kind": "text" }));
    let body = json!({ "first_name": mark, "last_name": mark, "email": email, "phone": "+37255501011", "address": mark, "position": mark,
        "tags": [mark], "external_id": mark, "custom_fields": [{ "key": "note", "text": mark }], "consents": [{ "channel": "email", "granted": true, "at": "2026-01-01T00:00:00Z", "text": mark }] });
    let contact = id(&owner.post("/contacts", body).created());
    owner.patch(&format!("/contacts/{contact}"), json!({ "position": format!("{mark} too") })).ok();
    let lead = id(&owner
        .post(
            "/leads",
            json!({ "title": mark, "description": mark, "contact_id": contact, "person": { "name": mark } }),
        )
        .created());
    let deal = id(&owner.post("/deals", json!({ "title": "D", "contacts": [{ "contact_id": contact }], "value": { "amount": 5, "currency": "EUR" } })).created());
    let task = id(&owner.post("/tasks", json!({ "title": mark, "notes": mark, "contact_id": contact })).created());
    let note = id(&owner.post("/activities", json!({ "type": "note", "text": mark, "contact_id": contact })).created());
    let file = id(&upload(owner, &format!("{mark}.txt"), mark.as_bytes(), &[("contact_id", &contact)]).created());
    (contact, vec![lead, deal, task, note, file])
}

#[test]
fn everything_about_a_person_can_be_taken_out() {
    let owner = workspace();
    let (contact, others) = known(&owner, "Exported");
    let export = owner.get(&format!("/contacts/{contact}/export")).ok();
    for (list, record) in ["leads", "deals", "tasks", "activities", "files"].iter().zip(&others) {
        assert_eq!(&export[list][0]["id"], record, "{list}");
    }
    assert_eq!((&export["contact"]["id"], &export["consents"][0]["text"]), (&json!(contact), &json!("Exported")));
    assert_eq!(export["changes"][1]["changes"][0]["member"], "position");
    let log = owner.get(&format!("/audit-events?record_id={contact}&type=contact.exported")).ok();
    assert_eq!(log["data"].as_array().unwrap().len(), 1);
    // Only what one may see, and only with the right to take it out.
    let grants = [["contacts", "all", "none", "none", "none", "all"], ["deals", "own", "own", "own", "own", "none"]];
    let (ann, _) = user_with(&owner, &grants, json!({}));
    let export = ann.get(&format!("/contacts/{contact}/export")).ok();
    assert_eq!((&export["leads"], &export["deals"], &export["files"]), (&json!([]), &json!([]), &json!([])));
    user(&owner, "viewer").get(&format!("/contacts/{contact}/export")).problem(403, "forbidden");
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = diesel::sql_types::Text)]
    what: String,
}

/// Every table in which some row of the workspace holds the words.
#[expect(clippy::disallowed_methods, reason = "every table is looked through, whatever its columns")]
pub fn tables_with(words: &str, workspace: &str) -> Vec<String> {
    let mut conn = PgConnection::establish(database_url()).unwrap();
    let tables: Vec<Row> = diesel::sql_query(
        "select c.relname::text as what from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id' \
         where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by 1",
    )
    .load(&mut conn)
    .unwrap();
    let holds = |table: &String| {
        let sql = format!(
            "select '{table}'::text as what from {table} t where t.workspace_id = '{workspace}' and t::text ilike '%{words}%' limit 1"
        );
        !diesel::sql_query(sql).load::<Row>(&mut conn).unwrap().is_empty()
    };
    let tables: Vec<String> = tables.into_iter().map(|row| row.what).collect();
    let mut holding = Vec::new();
    let mut holds = holds;
    for table in tables {
        if holds(&table) {
            holding.push(table);
        }
    }
    holding
}

/// Waits until the vocabulary holds a word: until no older transaction is under way.
pub fn gathered(word: &str, workspace: &str) {
    for _ in 0..200 {
        while voronka::analytics::vocabulary::gather(&crate::support::server().db).unwrap() {}
        if tables_with(word, workspace).iter().any(|table| table == "words") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("{word} was not gathered");
}

#[test]
fn an_erased_person_is_nowhere_and_the_proof_is_there() {
    let owner = workspace();
    let place = owner.get("/me").ok()["workspace"]["id"].as_str().unwrap().to_owned();
    let (contact, others) = known(&owner, "Forgettable");
    owner.get(&format!("/contacts/{contact}/export")).ok();
    owner.post("/contacts", json!({ "first_name": "Neighbour" })).created();
    gathered("forgettable", &place);
    assert!(tables_with("forgettable", &place).len() > 5);
    let proof = owner.post("/erasures", json!({ "contact_id": contact, "reason": "Asked by letter" })).created();
    assert_eq!(
        (
            &proof["erased"]["leads"],
            &proof["erased"]["activities"],
            &proof["erased"]["tasks"],
            &proof["erased"]["files"]
        ),
        (&json!(1), &json!(1), &json!(1), &json!(1)),
        "{proof}"
    );
    assert!(proof["erased"]["events"].as_i64().unwrap() >= 6, "{proof}");
    // The words live on as a tag of the workspace, which names no person, and as the text of the consent, which is its proof.
    let left = tables_with("forgettable", &place);
    assert_eq!(left, ["consent_records", "tags"]);
    // The words of others are found again, whether they are gathered by now or not.
    assert_eq!(owner.get("/search?q=Neihgbour").ok()["contacts"][0]["name"], "Neighbour");
    owner.get(&format!("/contacts/{contact}")).problem(404, "not_found");
    owner.post(&format!("/contacts/{contact}/restore"), json!({})).problem(404, "not_found");
    owner.get(&format!("/files/{}/content", others[4])).problem(404, "not_found");
    assert_eq!(owner.get(&format!("/leads/{}", others[0])).ok()["title"], "Erased");
    assert_eq!(owner.get(&format!("/deals/{}", others[1])).ok()["value"]["amount"], 5);
    let log = owner.get(&format!("/audit-events?record_id={contact}&sort=at")).ok();
    let told: Vec<(&str, bool)> = log["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["type"].as_str().unwrap(), e["redacted_at"].is_string()))
        .collect();
    assert_eq!(
        told,
        [("contact.created", true), ("contact.updated", true), ("contact.exported", false), ("contact.erased", false)]
    );
    // Once is enough, and who comes back is recognised.
    assert_eq!(
        owner.post("/erasures", json!({ "contact_id": contact, "reason": "Again" })).created()["id"],
        proof["id"]
    );
    let found = owner.post("/erasures/search", json!({ "email": "FORGETTABLE@example.com" })).ok();
    assert_eq!(found["erasure"]["id"], proof["id"]);
    assert_eq!(owner.post("/erasures/search", json!({ "email": "other@example.com" })).ok()["erasure"], Json::Null);
    owner.post("/contacts", json!({ "first_name": "New", "email": "forgettable@example.com" })).created();
    let job = owner.get("/jobs?kind=purge_files").ok()["data"][0].clone();
    assert_eq!(finished(&owner, &id(&job))["status"], "succeeded");
    user(&owner, "manager")
        .post("/erasures", json!({ "contact_id": contact, "reason": "x" }))
        .problem(403, "forbidden");
    let nobody = json!({ "contact_id": others[1], "reason": "x" });
    owner.post("/erasures", nobody).problem(422, "validation_failed");
    key(&owner, &["erasures:write"])
        .post("/erasures", json!({ "contact_id": contact, "reason": "x" }))
        .problem(403, "insufficient_scope");
}

#[test]
fn rules_say_how_long_people_are_kept() {
    let owner = workspace();
    for (name, lifecycle) in [("Ann", "lost"), ("Bob", "customer"), ("Eve", "lost")] {
        owner
            .post(
                "/contacts",
                json!({ "first_name": name, "lifecycle": lifecycle, "email": format!("{}@x.io", name.to_lowercase()) }),
            )
            .created();
    }
    let cond = |field: &str, op: &str, value: &str| json!({ "field": field, "op": op, "values": [value] });
    let selection = json!({ "all": [cond("lifecycle", "eq", "lost"), cond("updated_at", "lt", "now+1h")] });
    let body = json!({ "name": "Lost ones", "resource": "contacts", "action": "erase", "reason": "Not kept longer", "selection": selection });
    let rule = owner.post("/retention-rules", body).created();
    let path = format!("/retention-rules/{}", id(&rule));
    assert_eq!(owner.get(&format!("{path}/preview")).ok()["matching"], 2);
    let job = id(&owner.post(&format!("{path}/run"), json!({})).expect(202));
    let done = finished(&owner, &job);
    assert_eq!((&done["status"], &done["result"]["succeeded"]), (&json!("succeeded"), &json!(2)), "{done}");
    let proofs = owner.get(&format!("/erasures?rule_id={}", id(&rule))).ok();
    assert_eq!(
        (proofs["data"].as_array().unwrap().len(), &proofs["data"][0]["reason"]),
        (2, &json!("Not kept longer"))
    );
    assert_eq!(owner.get("/contacts").ok()["data"].as_array().unwrap().len(), 1);
    // An active rule is started by whoever keeps house, once a day.
    owner.post("/leads", json!({ "title": "Old" })).created();
    let body = json!({ "name": "Leads", "resource": "leads", "action": "delete", "reason": "Old", "active": true, "selection": { "all": [cond("title", "eq", "Old")] } });
    let rule = owner.post("/retention-rules", body).created();
    let started = || voronka::privacy::retention::start_due(&crate::support::server().db).unwrap();
    assert!(started() >= 1);
    let after = owner.get(&format!("/retention-rules/{}", id(&rule))).ok();
    finished(&owner, after["last_job_id"].as_str().unwrap());
    assert_eq!(owner.get("/leads").ok()["data"], json!([]));
    started();
    assert_eq!(owner.get(&format!("/retention-rules/{}", id(&rule))).ok()["last_job_id"], after["last_job_id"]);
    for wrong in [
        json!({ "name": "X", "resource": "leads", "action": "erase", "reason": "x", "selection": { "all": [cond("title", "eq", "x")] } }),
        json!({ "name": "X", "resource": "leads", "action": "delete", "reason": "x", "selection": {} }),
        json!({ "name": "X", "resource": "leads", "action": "delete", "reason": "x", "selection": { "all": [cond("titel", "eq", "x")] } }),
    ] {
        owner.post("/retention-rules", wrong).problem(422, "validation_failed");
    }
    user(&owner, "manager").get("/retention-rules").problem(403, "forbidden");
}
