//! Personal data: consent history, export, provable erasure, and retention.
use crate::files::upload;
use crate::imports::finished;
use crate::support::{Client, database_url, id, key, user, user_with, workspace};
use diesel::prelude::*;
use serde_json::{Value as Json, json};

fn consent(channel: &str, granted: bool, at: &str) -> Json {
    json!({ "channel": channel, "granted": granted, "at": at, "how": "form" })
}

#[test]
fn consents_keep_their_history() {
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

/// Creates a contact with all kinds of personal data, each text marked; returns its id and the ids of its records.
fn known(owner: &Client, mark: &str) -> (String, Vec<String>) {
    let email = format!("{}@example.com", mark.to_lowercase());
    owner.post("/custom-fields", json!({ "resource": "contacts", "key": "note", "name": "Note", "kind": "text" }));
    let body = json!({ "first_name": mark, "last_name": mark, "email": email, "phone": "+37255501011", "address": mark, "position": mark,
        "tags": [mark], "external_id": mark, "custom_fields": [{ "key": "note", "text": mark }], "consents": [{ "channel": "email", "granted": true, "at": "2026-01-01T00:00:00Z", "text": mark }] });
    let contact = id(&owner.with("Idempotency-Key", "contact").post("/contacts", body).created());
    owner.patch(&format!("/contacts/{contact}"), json!({ "position": format!("{mark} too") })).ok();
    let lead = json!({ "title": mark, "description": mark, "contact_id": contact, "person": { "name": mark } });
    let lead = id(&owner.with("Idempotency-Key", "lead").post("/leads", lead).created());
    let deal = json!({ "title": mark, "next_step": mark, "contacts": [{ "contact_id": contact }], "value": { "amount": 5, "currency": "EUR" } });
    let deal = id(&owner.post("/deals", deal).created());
    let task = id(&owner.post("/tasks", json!({ "title": mark, "notes": mark, "contact_id": contact })).created());
    let note = id(&owner.post("/activities", json!({ "type": "note", "text": mark, "contact_id": contact })).created());
    let file = id(&upload(owner, &format!("{mark}.txt"), mark.as_bytes(), &[("contact_id", &contact)]).created());
    // Erased leads and deals leave tombstones that do not name the person.
    owner.post("/tasks", json!({ "title": mark, "notes": mark, "deal_id": deal })).created();
    let call = id(&owner.post("/activities", json!({ "type": "call", "text": mark, "lead_id": lead })).created());
    upload(owner, &format!("{mark}.pdf"), mark.as_bytes(), &[("activity_id", &call)]).created();
    (contact, vec![lead, deal, task, note, file])
}

#[test]
fn all_personal_data_can_be_exported() {
    let owner = workspace();
    let (contact, others) = known(&owner, "Exported");
    let export = owner.get(&format!("/contacts/{contact}/export")).ok();
    for ((list, count), record) in
        [("leads", 1), ("deals", 1), ("tasks", 2), ("activities", 2), ("files", 2)].iter().zip(&others)
    {
        assert_eq!(export[list][0]["id"], json!(record), "{list}");
        assert_eq!(export[list].as_array().unwrap().len(), *count, "{list}");
    }
    assert_eq!(export["contact"]["id"], json!(contact));
    assert_eq!(export["consents"][0]["text"], "Exported");
    assert_eq!(export["changes"][1]["changes"][0]["member"], "position");
    let log = owner.get(&format!("/audit-events?record_id={contact}&type=contact.exported")).ok();
    assert_eq!(log["data"].as_array().unwrap().len(), 1);
    // The export holds only visible records and needs the export permission.
    let grants = [["contacts", "all", "none", "none", "none", "all"], ["deals", "own", "own", "own", "own", "none"]];
    let (ann, _) = user_with(&owner, &grants, json!({}));
    let export = ann.get(&format!("/contacts/{contact}/export")).ok();
    assert_eq!(export["leads"], json!([]));
    assert_eq!(export["deals"], json!([]));
    assert_eq!(export["files"], json!([]));
    user(&owner, "viewer").get(&format!("/contacts/{contact}/export")).problem(403, "forbidden");
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = diesel::sql_types::Text)]
    what: String,
}

/// Returns every table with a row of the workspace that contains the words.
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

/// Waits until the vocabulary holds a word, which needs all older transactions to end.
pub fn gathered(word: &str, workspace: &str) {
    for _ in 0..200 {
        while voronka::analytics::vocabulary::update(&crate::support::server().db).unwrap() {}
        if tables_with(word, workspace).iter().any(|table| table == "words") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("{word} is not in the vocabulary");
}

#[test]
fn an_erased_person_is_in_no_table_and_the_proof_remains() {
    let owner = workspace();
    let place = owner.get("/me").ok()["workspace"]["id"].as_str().unwrap().to_owned();
    let (contact, others) = known(&owner, "Forgettable");
    owner.get(&format!("/contacts/{contact}/export")).ok();
    owner.post("/contacts", json!({ "first_name": "Neighbour" })).created();
    gathered("forgettable", &place);
    assert!(tables_with("forgettable", &place).len() > 5);
    let proof = owner.post("/erasures", json!({ "contact_id": contact, "reason": "Asked by letter" })).created();
    let counts =
        json!({ "leads": 1, "deals": 1, "activities": 2, "tasks": 2, "files": 2, "events": proof["erased"]["events"] });
    assert_eq!(proof["erased"], counts);
    assert!(proof["erased"]["events"].as_i64().unwrap() >= 6, "{proof}");
    // The words remain as a workspace tag, which names no person, and as the consent text, which is its proof.
    let left = tables_with("forgettable", &place);
    assert_eq!(left, ["consent_records", "tags"]);
    // Other records' words are found again, whether they are in the vocabulary yet or not.
    assert_eq!(owner.get("/search?q=Neihgbour").ok()["contacts"][0]["name"], "Neighbour");
    owner.get(&format!("/contacts/{contact}")).problem(404, "not_found");
    owner.post(&format!("/contacts/{contact}/restore"), json!({})).problem(404, "not_found");
    owner.get(&format!("/files/{}/content", others[4])).problem(404, "not_found");
    owner.post(&format!("/files/{}/restore", others[4]), json!({})).problem(404, "not_found");
    assert_eq!(owner.get(&format!("/leads/{}", others[0])).ok()["title"], "Erased");
    assert_eq!(owner.get(&format!("/deals/{}", others[1])).ok()["value"]["amount"], 5);
    // A retry learns that the request was done, not its result.
    let again = json!({ "title": "Forgettable", "description": "Forgettable", "contact_id": contact, "person": { "name": "Forgettable" } });
    owner.with("Idempotency-Key", "lead").post("/leads", again).problem(409, "answer_erased");
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
    // A second erasure is not needed, and a returning person is recognized.
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
fn a_person_known_only_from_leads_is_erased() {
    let owner = workspace();
    let place = owner.get("/me").ok()["workspace"]["id"].as_str().unwrap().to_owned();
    let passer = |address: &str| {
        let person = json!({ "name": "Passer-by", "email": address, "phone": "+37255501011" });
        id(&owner.post("/leads", json!({ "title": "Passer-by", "external_id": address, "person": person })).created())
    };
    // The person left the address twice.
    let (lead, other) = (passer("passer-by@example.com"), passer("Passer-By@Example.com"));
    owner.post("/activities", json!({ "type": "note", "text": "A passer-by", "lead_id": lead })).created();
    gathered("passer", &place);
    let erase = |lead: &str| owner.post("/erasures", json!({ "lead_id": lead, "reason": "Asked on the phone" }));
    let proof = erase(&lead).created();
    assert_eq!(proof["lead_id"], json!(lead));
    assert_eq!(proof["contact_id"], Json::Null);
    assert_eq!(proof["erased"]["leads"], 2);
    assert_eq!(proof["erased"]["activities"], 1);
    assert_eq!(tables_with("passer", &place), Vec::<String>::new());
    for lead in [&lead, &other] {
        let left = owner.get(&format!("/leads/{lead}")).ok();
        assert_eq!(left["title"], "Erased");
        assert_eq!(left["person"], Json::Null);
    }
    let found = owner.post("/erasures/search", json!({ "email": "passer-by@example.com" })).ok();
    assert_eq!(found["erasure"]["id"], proof["id"]);
    assert_eq!(owner.get(&format!("/erasures?lead_id={lead}")).ok()["data"].as_array().unwrap().len(), 1);
    // Later data is erased by a repeated request, under the same proof.
    owner.patch(&format!("/leads/{lead}"), json!({ "person": { "name": "Passer-by" } })).ok();
    assert_eq!(erase(&lead).created()["id"], proof["id"]);
    assert_eq!(tables_with("passer", &place), Vec::<String>::new());
    let ann = id(&owner.post("/contacts", json!({ "first_name": "Ann" })).created());
    let of_ann = id(&owner.post("/leads", json!({ "title": "Boat", "contact_id": ann })).created());
    for (wrong, pointer) in [
        (json!({ "reason": "x" }), "/contact_id"),
        (json!({ "lead_id": lead, "contact_id": ann, "reason": "x" }), "/lead_id"),
        (json!({ "lead_id": proof["id"], "reason": "x" }), "/lead_id"),
        (json!({ "lead_id": of_ann, "reason": "x" }), "/lead_id"),
    ] {
        let problem = owner.post("/erasures", wrong).problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    // A caller who may see but not delete may not erase.
    let grants = [["leads", "all", "none", "none", "own", "none"], ["erasures", "all", "all", "none", "none", "none"]];
    let (bob, _) = user_with(&owner, &grants, json!({}));
    bob.post("/erasures", json!({ "lead_id": other, "reason": "x" })).problem(403, "forbidden");
}

#[test]
fn a_retention_rule_erases_each_lead_once_and_nothing_else() {
    let owner = workspace();
    let lead = |body: Json| id(&owner.post("/leads", body).created());
    let ann = id(&owner.post("/contacts", json!({ "first_name": "Ann" })).created());
    lead(json!({ "title": "Alone", "person": { "name": "Tom" } }));
    let of_ann = lead(json!({ "title": "Ann's", "contact_id": ann }));
    let upload = || id(&owner.upload("contacts", "a.csv", b"first_name\nEve\n").created());
    let removed = |import: &str| owner.get(&format!("/imports/{import}")).ok()["file_removed_at"].is_string();
    let soon = json!({ "all": [{ "field": "created_at", "op": "lt", "values": ["now+1h"] }], "everything": true });
    let rule = json!({ "name": "Old", "resource": "leads", "action": "erase", "reason": "Old", "selection": soon });
    let path = format!("/retention-rules/{}", id(&owner.post("/retention-rules", rule).created()));
    let run = || finished(&owner, &id(&owner.post(&format!("{path}/run"), json!({})).expect(202)))["result"].clone();
    assert_eq!(owner.get(&format!("{path}/preview")).ok()["matching"], 1);
    let first = upload();
    assert_eq!(run()["succeeded"], 1);
    assert!(removed(&first));
    assert_eq!(owner.get(&format!("/leads/{of_ann}")).ok()["title"], "Ann's");
    assert_eq!(owner.get(&format!("{path}/preview")).ok()["matching"], 0);
    let second = upload();
    assert_eq!(run()["succeeded"], 0);
    assert!(!removed(&second));
}

#[test]
fn data_moved_by_a_conversion_is_erased() {
    let owner = workspace();
    let place = owner.get("/me").ok()["workspace"]["id"].as_str().unwrap().to_owned();
    let person = json!({ "name": "Mova Ble", "company_name": "Acme" });
    let lead = id(&owner.post("/leads", json!({ "title": "Boat", "person": person })).created());
    let task = id(&owner.post("/tasks", json!({ "title": "Call Mova", "lead_id": lead })).created());
    let made = owner.post(&format!("/leads/{lead}/convert"), json!({})).ok();
    assert_eq!(made["moved_tasks"], 1, "{made}");
    assert!(made["company"].is_object(), "{made}");
    let contact = id(&made["contact"]);
    assert_eq!(owner.get(&format!("/contacts/{contact}")).ok()["next_task"]["id"], task);
    owner.post("/erasures", json!({ "contact_id": contact, "reason": "x" })).created();
    assert_eq!(tables_with("mova", &place), Vec::<String>::new());
}

#[test]
fn deals_of_other_contacts_keep_their_titles() {
    let owner = workspace();
    let person = |name: &str| id(&owner.post("/contacts", json!({ "first_name": name })).created());
    let (ann, bob) = (person("Ann"), person("Bob"));
    let firm = id(&owner.post("/companies", json!({ "name": "Acme" })).created());
    let deal = |body: Json| id(&owner.post("/deals", body).created());
    let of_two = deal(json!({ "title": "Boat", "contacts": [{ "contact_id": ann }, { "contact_id": bob }] }));
    let of_firm = deal(json!({ "title": "Sail", "company_id": firm, "contacts": [{ "contact_id": ann }] }));
    let alone = deal(json!({ "title": "Oar", "contacts": [{ "contact_id": ann }] }));
    let proof = owner.post("/erasures", json!({ "contact_id": ann, "reason": "x" })).created();
    assert_eq!(proof["erased"]["deals"], 1);
    let titles = [&of_two, &of_firm, &alone].map(|deal| owner.get(&format!("/deals/{deal}")).ok()["title"].clone());
    assert_eq!(titles, ["Boat", "Sail", "Erased"]);
    // The erased person is no longer linked to it.
    owner.post("/erasures", json!({ "contact_id": bob, "reason": "x" })).created();
    assert_eq!(owner.get(&format!("/deals/{of_two}")).ok()["title"], "Erased");
}

#[test]
fn import_files_are_deleted_with_a_person_and_after_a_month() {
    let owner = workspace();
    let place = owner.get("/me").ok()["workspace"]["id"].as_str().unwrap().to_owned();
    let csv = "first_name,email,phone\nQuotable,quotable@x.io,+37255501011\nBad,quotable words,\n";
    let keyed = owner.with("Idempotency-Key", "upload");
    let uploaded = keyed.upload("contacts", "people.csv", csv.as_bytes()).created();
    assert_eq!(uploaded["file_removed_at"], Json::Null);
    let path = format!("/imports/{}", id(&uploaded));
    let done = |path: &str| finished(&owner, &id(&owner.post(&format!("{path}/run"), json!({})).expect(202)));
    assert_eq!(done(&path)["status"], "succeeded");
    assert_eq!(owner.get(&format!("{path}/problems")).ok()["data"].as_array().unwrap().len(), 1);
    assert!(tables_with("quotable", &place).contains(&"imports".to_owned()));
    let contact = id(&owner.get("/contacts?email=quotable@x.io").ok()["data"][0]);
    owner.post("/erasures", json!({ "contact_id": contact, "reason": "x" })).created();
    assert_eq!(tables_with("quotable", &place), Vec::<String>::new());
    let after = owner.get(&path).ok();
    assert!(after["file_removed_at"].is_string(), "{after}");
    assert_eq!(after["report"]["created"], 1);
    assert_eq!(after["detected"]["columns"], json!([]));
    keyed.upload("contacts", "people.csv", csv.as_bytes()).problem(409, "answer_erased");
    owner.post(&format!("{path}/run"), json!({})).problem(409, "file_removed");
    // An unused file is deleted after a month.
    let old = owner.upload("contacts", "people.csv", csv.as_bytes()).created();
    let fresh = owner.upload("contacts", "people.csv", csv.as_bytes()).created();
    use voronka::schema::imports;
    let month = voronka::kernel::values::time::DateTime::now().plus(-chrono::Duration::days(31));
    let mut conn = PgConnection::establish(database_url()).unwrap();
    let row = imports::table.filter(imports::id.eq(id(&old).parse::<uuid::Uuid>().unwrap()));
    diesel::update(row).set(imports::updated_at.eq(month)).execute(&mut conn).unwrap();
    voronka::intake::imports::forget::old(&mut conn).unwrap();
    let removed = |import: &Json| owner.get(&format!("/imports/{}", id(import))).ok()["file_removed_at"].clone();
    assert!(removed(&old).is_string());
    assert_eq!(removed(&fresh), Json::Null);
    // Or immediately on request.
    owner.delete(&format!("/imports/{}", id(&fresh))).gone();
    owner.get(&format!("/imports/{}", id(&fresh))).problem(404, "not_found");
}

#[test]
fn retention_rules_limit_how_long_data_is_kept() {
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
    assert_eq!(done["status"], "succeeded", "{done}");
    assert_eq!(done["result"]["succeeded"], 2, "{done}");
    let proofs = owner.get(&format!("/erasures?rule_id={}", id(&rule))).ok();
    assert_eq!(proofs["data"].as_array().unwrap().len(), 2);
    assert_eq!(proofs["data"][0]["reason"], "Not kept longer");
    assert_eq!(owner.get("/contacts").ok()["data"].as_array().unwrap().len(), 1);
    // The daily housekeeping job starts active rules.
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
        json!({ "name": "X", "resource": "deals", "action": "erase", "reason": "x", "selection": { "all": [cond("title", "eq", "x")] } }),
        json!({ "name": "X", "resource": "leads", "action": "delete", "reason": "x", "selection": {} }),
        json!({ "name": "X", "resource": "leads", "action": "delete", "reason": "x", "selection": { "all": [cond("titel", "eq", "x")] } }),
    ] {
        owner.post("/retention-rules", wrong).problem(422, "validation_failed");
    }
    user(&owner, "manager").get("/retention-rules").problem(403, "forbidden");
}

/// Network addresses of other users need the permission to read the audit log.
#[test]
fn an_export_holds_no_network_addresses() {
    let owner = workspace();
    let contact = id(&owner.post("/contacts", json!({ "first_name": "Ann" })).created());
    let origins = |client: &Client| {
        let export = client.get(&format!("/contacts/{contact}/export")).ok();
        let changes = export["changes"].as_array().unwrap().clone();
        assert_eq!(changes[0]["type"], "contact.created");
        changes.iter().any(|change| !change["address"].is_null() || change["request_id"] != "")
    };
    assert!(origins(&owner));
    assert!(!origins(&user(&owner, "seller")));
}
