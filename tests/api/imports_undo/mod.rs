//! Undo of imports.
mod round_trip;
mod scale;

use crate::imports::finished;
use crate::support::{Client, id, server, stage, user, user_with, workspace};
use diesel::RunQueryDsl;
use serde_json::{Value as Json, json};
use voronka::db::sql::{Part, Statement};

/// Uploads a file and runs the import. Returns its id and the report.
pub fn import(client: &Client, resource: &str, csv: &str, settings: Json) -> (String, Json) {
    let import = id(&client.upload(resource, "file.csv", csv.as_bytes()).created());
    let body = json!({ "dry_run": false, "settings": settings });
    let job = id(&client.post(&format!("/imports/{import}/run"), body).expect(202));
    assert_eq!(finished(client, &job)["status"], "succeeded");
    let report = client.get(&format!("/imports/{import}")).ok()["report"].clone();
    (import, report)
}

/// Undoes an import and returns the report.
pub fn undo(client: &Client, import: &str, dry_run: bool) -> Json {
    let job = id(&client.post(&format!("/imports/{import}/undo"), json!({ "dry_run": dry_run })).expect(202));
    let job = finished(client, &job);
    assert_eq!(job["status"], "succeeded", "{job}");
    client.get(&format!("/imports/{import}")).ok()["undo"].clone()
}

pub fn counts(report: &Json) -> [i64; 3] {
    ["deleted", "changed_back", "left"].map(|count| report[count].as_i64().unwrap())
}

pub fn all(client: &Client, path: &str) -> Vec<Json> {
    let separator = if path.contains('?') { '&' } else { '?' };
    client.get(&format!("{path}{separator}limit=500")).ok()["data"].as_array().unwrap().clone()
}

pub fn one(client: &Client, path: &str) -> Json {
    let found = all(client, path);
    assert_eq!(found.len(), 1, "{path}: {found:?}");
    found[0].clone()
}

pub const LISTS: [&str; 11] = [
    "companies",
    "contacts",
    "leads",
    "deals",
    "products",
    "users",
    "tasks",
    "tags",
    "sources",
    "loss-reasons",
    "teams",
];

/// Returns every record of a workspace, without what each change moves.
pub fn state(client: &Client) -> Json {
    let list = |name: &&str| {
        let mut records = all(client, &format!("/{name}"));
        records.sort_by_key(id);
        for record in records.iter_mut().filter_map(Json::as_object_mut) {
            record.remove("version");
            record.remove("updated_at");
        }
        ((*name).to_owned(), Json::Array(records))
    };
    Json::Object(LISTS.iter().map(list).collect())
}

/// Compares list by list, so that a failure shows the difference.
#[track_caller]
pub fn assert_same_state(before: &Json, after: &Json, what: &str) {
    for name in LISTS {
        assert_eq!(before[name], after[name], "{what}: {name}");
    }
}

/// Creates a workspace with a custom field and a company and contact to which files refer.
pub fn prepared() -> Client {
    let owner = workspace();
    let field = json!({ "resource": "contacts", "key": "region", "name": "Region", "kind": "text" });
    owner.post("/custom-fields", field).created();
    owner.post("/companies", json!({ "name": "Acme", "domain": "acme.example" })).created();
    owner.post("/contacts", json!({ "last_name": "Pre", "email": "pre@x.example" })).created();
    owner
}

#[test]
fn a_dry_run_of_an_undo_changes_nothing() {
    let owner = workspace();
    let (import, _) = import(&owner, "contacts", "first_name,email\nAnn,ann@x.example\n", json!({ "tag": "fair" }));
    let before = (state(&owner), all(&owner, "/audit-events").len());
    let report = undo(&owner, &import, true);
    assert_eq!(report["dry_run"], true);
    assert_eq!(counts(&report), [2, 0, 0], "the contact and the tag");
    assert_eq!((state(&owner), all(&owner, "/audit-events").len()), before);
    assert_eq!(owner.get(&format!("/imports/{import}")).ok()["status"], "done");
}

#[test]
fn what_somebody_touched_since_stays_and_is_listed() {
    let owner = workspace();
    let csv = "name,sector\nUsed,a\nChanged,a\nNoted,a\nFree,a\n";
    let (import, _) = import(&owner, "companies", csv, json!({}));
    let company = |name: &str| id(&one(&owner, &format!("/companies?name={name}")));
    let seller = user(&owner, "manager");
    let seller_id = id(&seller.get("/me").ok()["user"]);
    seller.patch(&format!("/companies/{}", company("Changed")), json!({ "sector": "b" })).ok();
    owner.post("/contacts", json!({ "last_name": "Ann", "company_id": company("Used") })).created();
    owner.post("/activities", json!({ "type": "note", "text": "Hello", "company_id": company("Noted") })).created();
    let report = undo(&owner, &import, false);
    assert_eq!(counts(&report), [1, 0, 3], "{report}");
    let remainder = |name: &str| {
        let record = company(name);
        report["remaining"].as_array().unwrap().iter().find(|one| one["record_id"] == json!(record)).unwrap().clone()
    };
    assert_eq!(remainder("Used")["reason"], "in_use");
    assert_eq!(remainder("Noted")["reason"], "in_use");
    let changed = remainder("Changed");
    assert_eq!(changed["reason"], "changed");
    assert_eq!(changed["record_kind"], "company");
    assert_eq!(changed["changed_by"], json!(seller_id));
    assert!(changed["changed_at"].is_string(), "{changed}");
    assert_eq!(all(&owner, "/companies").len(), 3);
}

#[test]
fn changes_are_taken_back_where_nothing_newer_stands_on_them() {
    let owner = workspace();
    let before = "external_id,first_name,last_name,position\na,Ann,Tamm,CEO\nb,Bob,Kask,CEO\n";
    import(&owner, "contacts", before, json!({}));
    let after = "external_id,first_name,last_name,position\na,Anna,Tomm,CTO\nb,Rob,Kask,CEO\n";
    let (changed, _) = import(&owner, "contacts", after, json!({}));
    let contact = |key: &str| one(&owner, &format!("/contacts?external_id={key}"));
    owner.patch(&format!("/contacts/{}", id(&contact("a"))), json!({ "position": "Chair" })).ok();
    let report = undo(&owner, &changed, false);
    assert_eq!(counts(&report), [0, 2, 1], "{report}");
    let left = &report["remaining"][0];
    assert_eq!(left["member"], "position");
    assert_eq!(left["reason"], "changed");
    let ann = contact("a");
    assert_eq!([&ann["first_name"], &ann["last_name"], &ann["position"]], ["Ann", "Tamm", "Chair"]);
    assert_eq!(contact("b")["first_name"], "Bob");
}

#[test]
fn an_undo_leaves_what_a_later_import_changed() {
    let owner = workspace();
    let file = |name: &str, position: &str| format!("external_id,last_name,position\na,{name},{position}\n");
    import(&owner, "contacts", &file("A", "P"), json!({}));
    let (second, _) = import(&owner, "contacts", &file("B", "Q"), json!({}));
    let (third, _) = import(&owner, "contacts", &file("C", "Q"), json!({}));
    let report = undo(&owner, &second, false);
    assert_eq!(counts(&report), [0, 1, 1], "{report}");
    assert_eq!(report["remaining"][0]["member"], "last_name");
    let contact = one(&owner, "/contacts");
    assert_eq!([&contact["last_name"], &contact["position"]], ["C", "P"]);
    undo(&owner, &third, false);
    assert_eq!(one(&owner, "/contacts")["last_name"], "B");
    // The obstacle is gone, so another undo of the second import takes the name back.
    let report = undo(&owner, &second, false);
    assert_eq!(counts(&report), [0, 1, 0], "{report}");
    assert_eq!(one(&owner, "/contacts")["last_name"], "A");
}

#[test]
fn a_second_undo_changes_nothing_and_says_so() {
    let owner = workspace();
    let csv = "first_name,email,source\nAnn,ann@x.example,Fair\n";
    let (import, _) = import(&owner, "contacts", csv, json!({ "tag": "fair" }));
    let first = undo(&owner, &import, false);
    assert_eq!(first["unchanged"], false);
    assert_eq!(counts(&first), [3, 0, 0], "the contact, the source and the tag: {first}");
    assert_eq!(owner.get(&format!("/imports/{import}")).ok()["status"], "undone");
    let events = all(&owner, "/audit-events").len();
    let second = undo(&owner, &import, false);
    assert_eq!(second["unchanged"], true);
    assert_eq!(counts(&second), [0, 0, 0], "{second}");
    assert_eq!(all(&owner, "/audit-events").len(), events);
}

#[test]
fn an_undone_file_can_be_imported_again() {
    let owner = workspace();
    for (resource, csv) in [
        ("contacts", "first_name,email\nAnn,ann@x.example\nBob,\n"),
        ("deals", "external_id,title\nd,Boat\n,Oar\n"),
        ("users", "name,email\nMoses,moses@x.example\n"),
        ("products", "name,sku\nBoat,B1\n"),
    ] {
        let (import, first) = import(&owner, resource, csv, json!({}));
        undo(&owner, &import, false);
        let job = id(&owner.post(&format!("/imports/{import}/run"), json!({})).expect(202));
        finished(&owner, &job);
        let again = owner.get(&format!("/imports/{import}")).ok();
        assert_eq!(again["report"]["created"], first["created"], "{resource}: {again}");
        assert_eq!(again["status"], "done", "{resource}");
        assert_eq!(again["undo"], Json::Null, "{resource}");
    }
}

#[test]
fn an_undo_takes_back_addresses_tags_and_custom_fields() {
    let owner = prepared();
    let contact = owner.post(
        "/contacts",
        json!({ "last_name": "Ann", "external_id": "a",
        "emails": [{ "email": "a1@x.example", "kind": "work" }, { "email": "a2@x.example", "kind": "home" }],
        "phones": [{ "phone": "+372 5550 1011", "kind": "mobile" }], "tags": ["old"],
        "custom_fields": [{ "key": "region", "text": "north" }] }),
    );
    let contact = id(&contact.created());
    let before = state(&owner);
    let csv = "external_id,email,phone,tags,cf.region\na,new@x.example,+37255501012,\"vip,north\",south\n";
    let (import, report) = import(&owner, "contacts", csv, json!({}));
    assert_eq!(report["updated"], 1, "{report}");
    let shown = owner.get(&format!("/contacts/{contact}")).ok();
    assert_eq!(shown["email"], "new@x.example");
    // Somebody adds a tag, which stays.
    owner.patch(&format!("/contacts/{contact}"), json!({ "tags_add": ["mine"] })).ok();
    let report = undo(&owner, &import, false);
    assert_eq!(report["remaining"], json!([]));
    owner.patch(&format!("/contacts/{contact}"), json!({ "tags_remove": ["mine"] })).ok();
    owner.delete(&format!("/tags/{}", id(&one(&owner, "/tags?name=mine")))).gone();
    assert_same_state(&before, &state(&owner), "addresses");
}

#[test]
fn an_undo_takes_back_the_contacts_of_deals() {
    let owner = prepared();
    let pre = id(&one(&owner, "/contacts?email=pre@x.example"));
    let other = id(&owner.post("/contacts", json!({ "last_name": "Other" })).created());
    let deal = json!({ "title": "Boat", "external_id": "d", "contacts": [{ "contact_id": other, "role": "pays" }] });
    owner.post("/deals", deal).created();
    let before = state(&owner);
    let (import, report) = import(&owner, "deals", "external_id,contact\nd,pre@x.example\n", json!({}));
    assert_eq!(report["updated"], 1, "{report}");
    assert_eq!(all(&owner, &format!("/deals?contact_id={pre}")).len(), 1);
    undo(&owner, &import, false);
    assert_same_state(&before, &state(&owner), "contacts");
    assert_eq!(all(&owner, &format!("/deals?contact_id={pre}")).len(), 0);
}

#[test]
fn the_come_back_task_of_an_imported_date_goes_with_it() {
    let owner = workspace();
    owner.post("/leads", json!({ "title": "Hull", "external_id": "l" })).created();
    let before = state(&owner);
    let csv = "external_id,title,come_back_on\nl,Hull,2031-05-01\nm,Mast,2031-05-02\n";
    let (import, _) = import(&owner, "leads", csv, json!({}));
    assert_eq!(all(&owner, "/tasks").len(), 2);
    undo(&owner, &import, false);
    assert_same_state(&before, &state(&owner), "tasks");
}

/// Attributes a change to an import, as if the import had made it.
fn attribute(import: &str, kind: &str, record: &str, version: &Json) {
    let text = "insert into import_records (workspace_id, import_id, kind, record_id, version, created) \
        select workspace_id, id, :kind, :record, :version, false from imports where id = :import";
    let statement = Statement::new(text)
        .set("kind", Part::Text(kind.into()))
        .set("record", Part::Id(record.parse().unwrap()))
        .set("version", Part::Int(version.as_i64().unwrap()))
        .set("import", Part::Id(import.parse().unwrap()));
    server().db.run_blocking(|conn| Ok(statement.execute(conn).map(drop)?)).unwrap();
}

#[test]
fn a_move_to_another_stage_is_taken_back_with_its_history() {
    let owner = workspace();
    let (import, _) = import(&owner, "products", "name\nBoat\n", json!({}));
    let (reason, quote) = (
        id(&owner.post("/loss-reasons", json!({ "name": "Too dear" })).created()),
        stage(&owner, "deal", "Quote sent"),
    );
    let deal = |name: &str| id(&owner.post("/deals", json!({ "title": name })).created());
    let (won, moved, later) = (deal("won"), deal("moved"), deal("later"));
    let lead = id(&owner.post("/leads", json!({ "title": "lost" })).created());
    let before = state(&owner);
    let go = |path: &str, body: Json| owner.post(path, body).ok()["version"].clone();
    attribute(&import, "deal", &won, &go(&format!("/deals/{won}/win"), json!({})));
    attribute(&import, "deal", &moved, &go(&format!("/deals/{moved}/move"), json!({ "stage_id": quote })));
    attribute(&import, "deal", &later, &go(&format!("/deals/{later}/move"), json!({ "stage_id": quote })));
    let lost = json!({ "loss_reason_id": reason });
    attribute(&import, "lead", &lead, &go(&format!("/leads/{lead}/disqualify"), lost));
    go(&format!("/deals/{later}/win"), json!({}));
    let report = undo(&owner, &import, false);
    assert_eq!(report["changed_back"], 3, "{report}");
    assert_eq!(report["remaining"][0]["member"], "stage_id", "{report}");
    assert_eq!(report["remaining"][0]["record_id"], json!(later));
    owner.delete(&format!("/deals/{later}")).gone();
    let types = all(&owner, &format!("/audit-events?record_id={won}"));
    assert_eq!(types[0]["type"], "deal.reopened");
    // The moves were made by a user, which counts as an activity.
    let calm = |mut state: Json| {
        state["products"] = Json::Null;
        for list in ["deals", "leads"] {
            let records = state[list].as_array_mut().unwrap();
            records.retain(|record| record["id"] != json!(later));
            records
                .iter_mut()
                .for_each(|record| (record["last_activity_at"], record["board_position"]) = (Json::Null, Json::Null));
        }
        state
    };
    assert_same_state(&calm(before), &calm(state(&owner)), "moves");
    for record in [&won, &moved, &lead] {
        assert_eq!(stays(record), (1, 1), "all stays and open ones");
    }
}

#[derive(diesel::QueryableByName)]
struct Stays {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    all: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    open: i64,
}

/// Counts the spans of a record, and those that have not ended.
fn stays(record: &str) -> (i64, i64) {
    let text = "select count(*) as \"all\", count(*) filter (where left_at is null) as open from stage_spans where record_id = :record";
    let stays = server().db.run_blocking(|conn| {
        let text = Statement::new(text).set("record", Part::Id(record.parse().unwrap()));
        Ok(text.get_result::<Stays>(conn)?)
    });
    let stays = stays.unwrap();
    (stays.all, stays.open)
}

#[test]
fn an_undo_needs_the_permissions_to_delete_and_update() {
    let owner = workspace();
    let (created, _) = import(&owner, "contacts", "external_id,last_name\na,A\n", json!({}));
    let (changed, _) = import(&owner, "contacts", "external_id,last_name\na,B\n", json!({}));
    let imports = ["imports", "all", "all", "all", "all", "none"];
    let users = ["users", "all", "none", "all", "none", "none"];
    let jobs = ["jobs", "all", "none", "none", "none", "none"];
    let grants = |update: &'static str, delete: &'static str| {
        [imports, users, jobs, ["contacts", "all", "all", update, delete, "none"]]
    };
    let (deletes_none, _) = user_with(&owner, &grants("all", "none"), json!({}));
    let body = json!({ "dry_run": true });
    deletes_none.post(&format!("/imports/{created}/undo"), body.clone()).problem(403, "forbidden");
    let (updates_none, _) = user_with(&owner, &grants("none", "all"), json!({}));
    updates_none.post(&format!("/imports/{changed}/undo"), body.clone()).problem(403, "forbidden");
    updates_none.post(&format!("/imports/{created}/undo"), body.clone()).expect(202);
    let stranger = workspace();
    stranger.post(&format!("/imports/{created}/undo"), body).problem(404, "not_found");
}

#[test]
fn records_that_the_caller_may_not_delete_stay() {
    let owner = workspace();
    let grants = [
        ["imports", "all", "all", "all", "all", "none"],
        ["users", "all", "none", "none", "none", "none"],
        ["jobs", "all", "none", "none", "none", "none"],
        ["contacts", "all", "all", "all", "own", "none"],
    ];
    let (seller, seller_id) = user_with(&owner, &grants, json!({}));
    let me = id(&owner.get("/me").ok()["user"]);
    let csv = format!("last_name,owner,source\nMine,{seller_id},\nTheirs,{me},\n");
    let (import, report) = import(&seller, "contacts", &csv, json!({ "tag": "fair" }));
    assert_eq!(report["created"], 2, "{report}");
    let report = undo(&seller, &import, false);
    assert_eq!(report["deleted"], 1, "{report}");
    let reasons: Vec<&Json> = report["remaining"].as_array().unwrap().iter().map(|one| &one["reason"]).collect();
    assert_eq!(reasons, ["forbidden", "forbidden"], "the contact and the tag: {report}");
    assert_eq!(one(&owner, "/contacts")["last_name"], "Theirs");
    // Somebody with more permissions can undo the rest.
    assert_eq!(counts(&undo(&owner, &import, false)), [2, 0, 0]);
}

#[test]
fn an_import_that_has_not_run_cannot_be_undone() {
    let owner = workspace();
    let import = id(&owner.upload("contacts", "c.csv", b"last_name\nAnn\n").created());
    owner.post(&format!("/imports/{import}/undo"), json!({ "dry_run": false })).problem(409, "conflict");
}

#[test]
fn an_erased_person_is_not_restored_by_an_undo() {
    let owner = workspace();
    import(&owner, "contacts", "external_id,last_name\na,Before\nb,Before\n", json!({}));
    let (changed, _) = import(&owner, "contacts", "external_id,last_name\na,After\nb,After\n", json!({}));
    let ann = id(&one(&owner, "/contacts?external_id=a"));
    owner.post("/erasures", json!({ "contact_id": ann, "reason": "Asked" })).created();
    let report = undo(&owner, &changed, false);
    assert_eq!(counts(&report), [0, 1, 0], "{report}");
    assert_eq!(one(&owner, "/contacts")["last_name"], "Before");
    let erased = all(&owner, "/contacts?only_deleted=true");
    assert_eq!(erased[0]["last_name"], Json::Null);
}
