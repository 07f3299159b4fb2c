//! Custom fields: defined, filled, filtered, sorted, required, hidden, archived, imported.
use crate::imports::finished;
use crate::support::{Client, id, key, stage, user_with, workspace};
use serde_json::{Value as Json, json};

/// Defines a field and returns its id.
fn define(owner: &Client, resource: &str, key: &str, kind: &str, more: Json) -> String {
    let mut body = json!({ "resource": resource, "key": key, "name": key, "kind": kind });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    id(&owner.post("/custom-fields", body).created())
}

fn titles(page: &Json) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|row| row["title"].as_str().unwrap()).collect()
}

#[test]
fn every_kind_of_value_is_returned_as_sent() {
    let owner = workspace();
    let me = owner.get("/me").ok()["user"]["id"].clone();
    let company = id(&owner.post("/companies", json!({ "name": "Acme" })).created());
    let options = json!({ "options": ["a", "b"] });
    for (key, kind, more) in [
        ("t", "text", json!({})),
        ("n", "number", json!({})),
        ("m", "money", json!({})),
        ("d", "date", json!({})),
        ("f", "boolean", json!({})),
        ("c", "choice", options.clone()),
        ("mc", "multi_choice", options),
        ("u", "url", json!({})),
        ("e", "email", json!({})),
        ("p", "phone", json!({})),
        ("who", "user", json!({})),
        ("firm", "reference", json!({ "refers_to": "companies" })),
    ] {
        define(&owner, "contacts", key, kind, more);
    }
    let values = json!([
        { "key": "t", "text": "Hello" }, { "key": "n", "number": 2.5 }, { "key": "m", "money": { "amount": 5, "currency": "EUR" } },
        { "key": "d", "date": "2026-01-31" }, { "key": "f", "flag": false }, { "key": "c", "text": "a" }, { "key": "mc", "options": ["a", "b"] },
        { "key": "u", "text": "https://x.io" }, { "key": "e", "text": "ANN@x.io" }, { "key": "p", "text": "+372 555" },
        { "key": "who", "id": me }, { "key": "firm", "id": company },
    ]);
    let ann = owner.post("/contacts", json!({ "first_name": "Ann", "custom_fields": values })).created();
    let of = |key: &str| ann["custom_fields"].as_array().unwrap().iter().find(|v| v["key"] == key).unwrap().clone();
    assert_eq!(ann["custom_fields"].as_array().unwrap().len(), 12);
    assert_eq!(
        of("n"),
        json!({ "key": "n", "text": null, "number": 2.5, "money": null, "date": null, "flag": null, "id": null, "options": [] })
    );
    assert_eq!(of("f")["flag"], false);
    assert_eq!(of("e")["text"], "ann@x.io");
    assert_eq!(of("mc")["options"], json!(["a", "b"]));
    let wrong = json!([
        { "key": "t", "number": 1 }, { "key": "c", "text": "z" }, { "key": "u", "text": "ftp://x" }, { "key": "firm", "text": "x" },
        { "key": "tt", "text": "x" }, { "key": "mc", "options": ["a", "z"] }, { "key": "n", "number": 1, "text": "1" }, { "key": "d", "flag": true },
        { "key": "t", "text": "again" },
    ]);
    let problem =
        owner.post("/contacts", json!({ "first_name": "X", "custom_fields": wrong })).problem(422, "validation_failed");
    let pointers: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    let at = |n: usize, member: &str| format!("/custom_fields/{n}/{member}");
    assert_eq!(
        pointers,
        [
            at(0, "number"),
            at(1, "text"),
            at(2, "text"),
            at(3, "text"),
            at(4, "key"),
            at(5, "options"),
            at(6, "text"),
            at(7, "flag"),
            at(8, "key")
        ]
    );
    let nobody = json!([{ "key": "t", "text": "x" }, { "key": "firm", "id": "0192f0c1-2d3e-7a4b-8c5d-6e7f80910000" }]);
    let problem = owner
        .post("/contacts", json!({ "first_name": "X", "custom_fields": nobody }))
        .problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/custom_fields/1/id");
    assert_eq!(problem["errors"][0]["code"], "reference_not_found");
}

#[test]
fn a_patch_changes_only_the_given_fields() {
    let owner = workspace();
    define(&owner, "deals", "region", "choice", json!({ "options": ["north", "south"] }));
    define(&owner, "deals", "seats", "number", json!({}));
    let deal = owner.post("/deals", json!({ "title": "D", "custom_fields": [{ "key": "region", "text": "north" }, { "key": "seats", "number": 4 }] }));
    let path = format!("/deals/{}", id(&deal.created()));
    let changed = owner.patch(&path, json!({ "custom_fields": [{ "key": "region" }] })).ok();
    assert_eq!(changed["custom_fields"].as_array().unwrap().len(), 1);
    assert_eq!(changed["custom_fields"][0]["key"], "seats");
    owner.patch(&path, json!({ "custom_fields": [{ "key": "region", "text": "south" }] })).ok();
    owner.patch(&path, json!({ "title": "E" })).ok();
    assert_eq!(owner.get(&path).ok()["custom_fields"].as_array().unwrap().len(), 2);
    let timeline = owner.get(&format!("{path}/timeline")).ok();
    let told: Vec<(&Json, &Json, &Json)> = timeline["data"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|i| i["changes"].as_array().unwrap())
        .filter(|c| c["member"] == "cf.region")
        .map(|c| (&c["member"], &c["before"], &c["after"]))
        .collect();
    let side = |before: &str, after: &str| (json!(before), json!(after));
    let told: Vec<(Json, Json)> = told.into_iter().map(|(_, before, after)| (before.clone(), after.clone())).collect();
    assert_eq!(told, [side("null", "\"south\""), side("\"north\"", "null"), side("null", "\"north\"")]);
}

#[test]
fn custom_fields_filter_sort_and_search() {
    let owner = workspace();
    define(&owner, "deals", "region", "choice", json!({ "options": ["north", "south", "west"] }));
    define(&owner, "deals", "seats", "number", json!({}));
    define(&owner, "deals", "likes", "multi_choice", json!({ "options": ["sail", "row"] }));
    define(&owner, "deals", "budget", "money", json!({}));
    for (title, values) in [
        (
            "A",
            json!([{ "key": "region", "text": "north" }, { "key": "seats", "number": 4 }, { "key": "likes", "options": ["sail", "row"] }]),
        ),
        (
            "B",
            json!([{ "key": "region", "text": "south" }, { "key": "seats", "number": 2.5 }, { "key": "likes", "options": ["row"] }]),
        ),
        (
            "C",
            json!([{ "key": "region", "text": "north" }, { "key": "budget", "money": { "amount": 700, "currency": "EUR" } }]),
        ),
        ("D", json!([])),
    ] {
        owner.post("/deals", json!({ "title": title, "custom_fields": values })).created();
    }
    let list = |query: &str| -> String { titles(&owner.get(&format!("/deals?{query}")).ok()).concat() };
    assert_eq!(list("cf=region:eq:north&sort=title"), "AC");
    assert_eq!(list("cf=region:eq:north,south&cf=seats:gt:3&sort=title"), "A");
    assert_eq!(list("cf=region:ne:north&sort=title"), "BD");
    assert_eq!(list("cf=region:empty:true"), "D");
    assert_eq!(list("cf=likes:all:sail,row"), "A");
    assert_eq!(list("cf=likes:eq:row&sort=title"), "AB");
    assert_eq!(list("cf=budget:gte:700%20EUR"), "C");
    assert_eq!(list("sort=-cf.seats,title"), "ABCD");
    assert_eq!(list("sort=cf.region,-title"), "CABD");
    let first = owner.get("/deals?sort=-cf.seats,title&limit=1").ok();
    let next = first["page"]["next_cursor"].as_str().unwrap();
    assert_eq!(list(&format!("sort=-cf.seats,title&limit=9&cursor={next}")), "BCD");
    let found = owner.post("/deals/search", json!({ "any": [{ "field": "cf.seats", "op": "lt", "values": ["3"] }, { "field": "cf.budget", "op": "empty", "values": ["false"] }], "sort": "title" }));
    assert_eq!(titles(&found.ok()), ["B", "C"]);
    assert_eq!(owner.get("/analytics/funnel?kind=cohort&cf=region:eq:north").ok()["groups"][0]["total"], 2);
    let problem = owner.get("/deals?cf=regoin:eq:north").problem(400, "invalid_parameter");
    assert!(problem["detail"].as_str().unwrap().contains("did you mean region?"), "{problem}");
    for wrong in [
        "cf=region",
        "cf=region:like:x",
        "cf=region:eq:east",
        "cf=seats:gt:many",
        "cf=region:contains:n",
        "sort=cf.likes",
        "sort=cf.nothing",
    ] {
        assert_eq!(owner.get(&format!("/deals?{wrong}")).status, 400, "{wrong}");
    }
    owner.get("/tasks?cf=region:eq:north").problem(400, "unknown_parameter");
}

#[test]
fn a_stage_can_require_custom_fields() {
    let owner = workspace();
    let quote = stage(&owner, "deal", "Quote sent");
    define(&owner, "deals", "seats", "number", json!({ "required_stage_ids": [quote] }));
    let deal = format!("/deals/{}", id(&owner.post("/deals", json!({ "title": "D" })).created()));
    let to = json!({ "stage_id": quote });
    let problem = owner.post(&format!("{deal}/move"), to.clone()).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/custom_fields");
    assert_eq!(problem["errors"][0]["code"], "required");
    owner.post("/deals", json!({ "title": "D", "stage_id": quote })).problem(422, "validation_failed");
    owner.patch(&deal, json!({ "custom_fields": [{ "key": "seats", "number": 4 }] })).ok();
    owner.post(&format!("{deal}/move"), to).ok();
    let lost =
        json!({ "resource": "contacts", "key": "x", "name": "X", "kind": "text", "required_stage_ids": [quote] });
    owner.post("/custom-fields", lost).problem(422, "validation_failed");
}

#[test]
fn a_conversion_copies_custom_fields() {
    let owner = workspace();
    for resource in ["leads", "deals", "contacts"] {
        define(&owner, resource, "region", "text", json!({}));
    }
    define(&owner, "leads", "seats", "number", json!({}));
    define(&owner, "deals", "seats", "text", json!({}));
    let values = json!([{ "key": "region", "text": "north" }, { "key": "seats", "number": 4 }]);
    let lead = id(&owner
        .post("/leads", json!({ "title": "L", "person": { "name": "Eva" }, "custom_fields": values }))
        .created());
    let became = owner.post(&format!("/leads/{lead}/convert"), json!({})).ok();
    for record in ["deal", "contact"] {
        let values = became[record]["custom_fields"].as_array().unwrap();
        assert_eq!(values.len(), 1, "{became}");
        assert_eq!(values[0]["text"], "north", "{became}");
    }
}

#[test]
fn definitions_are_validated() {
    let owner = workspace();
    let field = define(&owner, "leads", "region", "choice", json!({ "options": ["north"] }));
    let path = format!("/custom-fields/{field}");
    owner
        .post("/custom-fields", json!({ "resource": "leads", "key": "region", "name": "R", "kind": "text" }))
        .problem(409, "duplicate_name");
    owner.patch(&path, json!({ "name": "Region" })).problem(428, "precondition_required");
    let locked = owner.with("If-Match", "\"1\"");
    locked.patch(&path, json!({ "name": "Region", "options": ["north", "south"] })).ok();
    locked.patch(&path, json!({ "name": "Again" })).problem(412, "version_conflict");
    let lead = format!(
        "/leads/{}",
        id(&owner
            .post("/leads", json!({ "title": "L", "custom_fields": [{ "key": "region", "text": "south" }] }))
            .created())
    );
    owner.with("If-Match", "\"2\"").delete(&path).problem(409, "in_use");
    owner.with("If-Match", "\"2\"").patch(&path, json!({ "archived": true })).ok();
    owner
        .patch(&lead, json!({ "custom_fields": [{ "key": "region", "text": "north" }] }))
        .problem(422, "validation_failed");
    assert_eq!(owner.get("/leads?cf=region:eq:south").status, 400);
    assert_eq!(owner.get(&lead).ok()["custom_fields"][0]["text"], "south");
    owner.with("If-Match", "\"3\"").patch(&path, json!({ "archived": false })).ok();
    owner.patch(&lead, json!({ "custom_fields": [{ "key": "region" }] })).ok();
    owner.with("If-Match", "\"4\"").delete(&path).gone();
    for body in [
        json!({ "resource": "leads", "key": "Region", "name": "R", "kind": "text" }),
        json!({ "resource": "leads", "key": "r", "name": "R", "kind": "choice" }),
        json!({ "resource": "leads", "key": "r", "name": "R", "kind": "text", "options": ["x"] }),
        json!({ "resource": "leads", "key": "r", "name": "R", "kind": "reference" }),
        json!({ "resource": "tasks", "key": "r", "name": "R", "kind": "text" }),
    ] {
        owner.post("/custom-fields", body).problem(422, "validation_failed");
    }
    let seller = crate::support::user(&owner, "seller");
    seller
        .post("/custom-fields", json!({ "resource": "leads", "key": "r", "name": "R", "kind": "text" }))
        .problem(403, "forbidden");
}

#[test]
fn a_role_can_hide_a_custom_field() {
    let owner = workspace();
    define(&owner, "deals", "margin", "number", json!({}));
    define(&owner, "deals", "region", "text", json!({}));
    let values = json!([{ "key": "margin", "number": 77 }, { "key": "region", "text": "north" }]);
    let deal = id(&owner.post("/deals", json!({ "title": "D", "custom_fields": values })).created());
    let all = |resource| [resource, "all", "all", "all", "all", "none"];
    let hidden = json!({ "hidden_fields": [{ "resource": "deals", "field": "cf.margin" }] });
    let (ann, _) = user_with(&owner, &["deals", "events", "schema"].map(all), hidden);
    let shown = ann.get(&format!("/deals/{deal}")).ok();
    assert_eq!(shown["custom_fields"].as_array().unwrap().len(), 1);
    assert_eq!(shown["custom_fields"][0]["key"], "region");
    let told =
        [ann.get(&format!("/deals/{deal}/timeline")).ok(), ann.get("/events").ok(), ann.get("/schema/deals").ok()];
    assert!(told.iter().all(|answer| !answer.to_string().contains("margin")), "{told:?}");
    assert_eq!(ann.get("/deals?cf=margin:gt:1").status, 400);
    assert_eq!(ann.get("/deals?sort=cf.margin").status, 400);
    assert_eq!(ann.get("/deals?cf=region:eq:north").ok()["data"].as_array().unwrap().len(), 1);
}

#[test]
fn an_import_can_fill_custom_fields() {
    let owner = workspace();
    define(&owner, "companies", "region", "choice", json!({ "options": ["north", "south"] }));
    define(&owner, "companies", "seats", "number", json!({}));
    define(&owner, "companies", "likes", "multi_choice", json!({ "options": ["sail", "row"] }));
    define(&owner, "companies", "since", "date", json!({}));
    let rows = "name;Region;seats;likes;since\nAcme;north;4,5;sail, row;31.01.2026\nBeta;east;x;;\nCity;;;;\n";
    let import = owner.upload("companies", "c.csv", rows.as_bytes()).created();
    let suggested: Vec<&str> =
        import["settings"]["mapping"].as_array().unwrap().iter().map(|m| m["field"].as_str().unwrap()).collect();
    assert_eq!(suggested, ["name", "cf.region", "cf.seats", "cf.likes", "cf.since"]);
    let run = |dry: bool| {
        let job = id(&owner.post(&format!("/imports/{}/run", id(&import)), json!({ "dry_run": dry })).expect(202));
        finished(&owner, &job);
        owner.get(&format!("/imports/{}", id(&import))).ok()["report"].clone()
    };
    let report = run(false);
    assert_eq!(report["created"], 2, "{report}");
    assert_eq!(report["failed"], 1, "{report}");
    let acme = owner.get("/companies?name=Acme").ok()["data"][0]["custom_fields"].clone();
    let of = |key: &str| acme.as_array().unwrap().iter().find(|v| v["key"] == key).unwrap();
    assert_eq!(of("region")["text"], "north");
    assert_eq!(of("seats")["number"], json!(4.5));
    assert_eq!(of("likes")["options"], json!(["sail", "row"]));
    assert_eq!(of("since")["date"], "2026-01-31");
    let report = run(false);
    assert_eq!(report["unchanged"], 2, "{report}");
    assert_eq!(report["failed"], 1, "{report}");
}

#[test]
fn a_client_can_list_custom_fields() {
    let owner = workspace();
    define(&owner, "deals", "region", "choice", json!({ "options": ["north", "south"], "group_name": "Place" }));
    let schema = owner.get("/schema/deals").ok();
    let field = |name: &str| {
        schema["fields"]
            .as_array()
            .unwrap()
            .iter()
            .find(|f| f["name"] == name)
            .unwrap_or_else(|| panic!("{name}"))
            .clone()
    };
    assert_eq!(field("cf.region")["choices"], json!(["north", "south"]));
    assert_eq!(field("cf.region")["custom"], true);
    assert_eq!(field("cf.region")["operators"], json!(["eq", "ne", "empty"]));
    assert_eq!(field("owner_id")["refers_to"], "users");
    assert_eq!(field("owner_id")["include"], "owner");
    assert_eq!(field("value")["type"], "money");
    assert_eq!(field("status")["choices"], json!(["open", "won", "lost"]));
    owner.get("/schema/nothing").problem(404, "not_found");
    key(&owner, &["schema:read"]).get("/schema/deals").problem(403, "insufficient_scope");
    let document = owner.send("GET", "//openapi.json?custom=true", None, "").ok();
    let region = &document["components"]["schemas"]["DealCfRegionInput"];
    assert_eq!(region["properties"]["key"]["enum"], json!(["region"]), "{region}");
    assert_eq!(region["properties"]["text"]["enum"], json!(["north", "south"]), "{region}");
    Client::anonymous().send("GET", "//openapi.json?custom=true", None, "").problem(401, "unauthorized");
}

#[test]
fn reports_group_by_custom_fields() {
    let owner = workspace();
    let (_, seller) = user_with(&owner, &[["deals", "all", "none", "none", "none", "none"]], json!({}));
    define(&owner, "deals", "region", "choice", json!({ "options": ["north", "south"] }));
    define(&owner, "deals", "likes", "multi_choice", json!({ "options": ["sail", "row"] }));
    define(&owner, "deals", "urgent", "boolean", json!({}));
    define(&owner, "deals", "advisor", "user", json!({}));
    define(&owner, "deals", "seats", "number", json!({}));
    define(&owner, "leads", "hall", "text", json!({}));
    for (amount, values) in [
        (100, json!([{ "key": "region", "text": "north" }, { "key": "likes", "options": ["sail", "row"] }])),
        (200, json!([{ "key": "region", "text": "north" }, { "key": "urgent", "flag": true }])),
        (400, json!([{ "key": "region", "text": "south" }, { "key": "advisor", "id": seller }])),
        (800, json!([])),
    ] {
        let value = json!({ "amount": amount, "currency": "EUR" });
        let deal =
            json!({ "title": "D", "value": value, "expected_close_date": "2026-12-01", "custom_fields": values });
        let deal = id(&owner.post("/deals", deal).created());
        owner.post(&format!("/deals/{deal}/win"), json!({})).ok();
    }
    let groups = |report: &str, by: &str, figure: &str| -> Vec<(Json, Json)> {
        let report = owner.get(&format!("/analytics/{report}group_by={by}")).ok();
        assert_eq!(report["group_by"], by);
        let all = report["groups"].as_array().unwrap().iter();
        all.map(|group| (group["label"].clone(), group.pointer(figure).unwrap().clone())).collect()
    };
    let won = |by: &str| groups("win-rate?", by, "/won");
    assert_eq!(won("cf.region"), [(json!("north"), json!(2)), (json!("south"), json!(1)), (Json::Null, json!(1))]);
    assert_eq!(won("cf.likes"), [(json!("row"), json!(1)), (json!("sail"), json!(1)), (Json::Null, json!(3))]);
    assert_eq!(won("cf.urgent"), [(json!("true"), json!(1)), (Json::Null, json!(3))]);
    assert_eq!(won("cf.advisor").len(), 2);
    for report in ["funnel?", "funnel?kind=flow&", "funnel?kind=cohort&"] {
        let totals = groups(report, "cf.region", "/total");
        assert_eq!(
            totals,
            [(json!("north"), json!(2)), (json!("south"), json!(1)), (Json::Null, json!(1))],
            "{report}"
        );
    }
    for report in ["cycle-time?", "forecast?", "loss-reasons?"] {
        owner.get(&format!("/analytics/{report}group_by=cf.region")).ok();
    }
    define(&owner, "deals", "words", "text", json!({}));
    for wrong in ["cf.seats", "cf.words", "cf.nothing", "cf.hall", "cf.", "cf"] {
        owner.get(&format!("/analytics/win-rate?group_by={wrong}")).problem(400, "invalid_parameter");
    }
    owner.get("/analytics/leaderboard?group_by=cf.region").problem(400, "unknown_parameter");
    // Groups show names, so grouping by users needs the permission to read users.
    // Grouping by a hidden field is refused.
    let hidden = json!({ "hidden_fields": [{ "resource": "deals", "field": "cf.region" }] });
    let analyst =
        [["deals", "all", "none", "none", "none", "none"], ["analytics", "all", "none", "none", "none", "none"]];
    let (blind, _) = user_with(&owner, &analyst, hidden);
    blind.get("/analytics/win-rate?group_by=cf.region").problem(400, "invalid_parameter");
    blind.get("/analytics/win-rate?group_by=cf.advisor").problem(403, "forbidden");
}

#[test]
fn an_option_in_use_cannot_be_removed() {
    let owner = workspace();
    let field =
        json!({ "resource": "deals", "key": "side", "name": "Side", "kind": "choice", "options": ["north", "south"] });
    let field = owner.post("/custom-fields", field).created();
    let deal = id(&owner
        .post("/deals", json!({ "title": "D", "custom_fields": [{ "key": "side", "text": "south" }] }))
        .created());
    let (path, any) = (format!("/custom-fields/{}", id(&field)), owner.with("If-Match", "\"1\""));
    any.patch(&path, json!({ "options": ["north"] })).problem(409, "in_use");
    owner.patch(&format!("/deals/{deal}"), json!({ "custom_fields": [{ "key": "side", "text": "north" }] })).ok();
    any.patch(&path, json!({ "options": ["north", "west"] })).ok();
}
