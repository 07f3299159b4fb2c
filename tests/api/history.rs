//! How reports treat moved, created-as-closed and imported records.
use crate::imports::import;
use crate::report_figures::{counts, deal, go, group, pipeline, reason};
use crate::support::{Client, id, stage, workspace};
use serde_json::{Value as Json, json};

fn count_of(owner: &Client, report: &str, name: &str) -> i64 {
    let found = group(owner, report);
    counts(&found).into_iter().find(|(known, _)| *known == name).map_or(0, |(_, count)| count)
}

fn of_stage(owner: &Client, report: &str, name: &str) -> Json {
    let found = group(owner, report);
    found["stages"].as_array().unwrap().iter().find(|stage| stage["name"] == name).unwrap().clone()
}

#[test]
fn a_record_moved_by_a_stage_removal_passes_no_stage() {
    let owner = workspace();
    let [first, last] = ["Active inquiry", "Agreed and invoiced"].map(|name| stage(&owner, "deal", name));
    let (moved, restored) = (deal(&owner, json!({})), deal(&owner, json!({})));
    owner.delete(&format!("/deals/{restored}")).gone();
    owner.delete(&format!("/stages/{first}?move_to={last}")).gone();
    assert_eq!(go(&owner, &restored, "restore", json!({}))["stage_id"], stage(&owner, "deal", "Quote sent"));
    for (name, reached) in
        [("Active inquiry", 2), ("Quote sent", 1), ("Agreed and invoiced", 1), ("Payment received", 0)]
    {
        assert_eq!(count_of(&owner, "funnel", name), reached, "{name}");
    }
    let gone = of_stage(&owner, "funnel?kind=flow", "Active inquiry");
    assert_eq!(gone["left"], 2);
    assert_eq!(gone["left_forward"], 0);
    // After that they progress like any other deal.
    go(&owner, &moved, "win", json!({}));
    let agreed = of_stage(&owner, "funnel?kind=flow", "Agreed and invoiced");
    assert_eq!(agreed["left"], 1);
    assert_eq!(agreed["left_forward"], 1);
    assert_eq!(count_of(&owner, "funnel", "Quote sent"), 2);
    // Leads too.
    let lead = id(&owner.post("/leads", json!({ "title": "L" })).created());
    let (new, interested) = (stage(&owner, "lead", "New"), stage(&owner, "lead", "Interested"));
    owner.delete(&format!("/stages/{new}?move_to={interested}")).gone();
    let funnel = format!("funnel?pipeline_id={}", id(&pipeline(&owner, "lead")));
    for (name, reached) in [("New", 1), ("Not yet interested", 0), ("Interested", 1)] {
        assert_eq!(count_of(&owner, &funnel, name), reached, "{name}");
    }
    owner.get(&format!("/leads/{lead}")).ok();
}

#[test]
fn won_and_lost_are_alternatives() {
    let owner = workspace();
    let body = json!({ "pipeline_id": id(&pipeline(&owner, "deal")), "name": "Bartered", "category": "won" });
    let other = id(&owner.post("/stages", body).created());
    let straight = deal(&owner, json!({}));
    go(&owner, &straight, "move", json!({ "stage_id": other }));
    assert_eq!(count_of(&owner, "funnel", "Payment received"), 0);
    assert_eq!(count_of(&owner, "funnel", "Bartered"), 1);
    assert_eq!(count_of(&owner, "funnel", "Agreed and invoiced"), 1);
    let both = deal(&owner, json!({}));
    go(&owner, &both, "win", json!({}));
    go(&owner, &both, "move", json!({ "stage_id": other }));
    assert_eq!(count_of(&owner, "funnel", "Payment received"), 1);
    assert_eq!(count_of(&owner, "funnel", "Bartered"), 2);
    let paid = of_stage(&owner, "funnel?kind=flow", "Payment received");
    assert_eq!(paid["left"], 1);
    assert_eq!(paid["left_forward"], 0);
}

#[test]
fn a_record_created_as_closed_has_no_duration() {
    let owner = workspace();
    let (won, qualified) = (stage(&owner, "deal", "Payment received"), stage(&owner, "lead", "Qualified"));
    let made = deal(&owner, json!({ "stage_id": won }));
    let upserted = json!({ "items": [{ "title": "U", "external_id": "u", "stage_id": won }] });
    owner.post("/deals/batch-upsert", upserted).ok();
    let lead = id(&owner.post("/leads", json!({ "title": "L" })).created());
    owner.post(&format!("/leads/{lead}/convert"), json!({ "deal": { "title": "C", "stage_id": won } })).ok();
    let cycle = group(&owner, "cycle-time");
    assert_eq!(cycle["won"]["count"], 0);
    assert_eq!(cycle["won"]["mean_days"], Json::Null);
    assert_eq!(cycle["without_beginning"], 3);
    let board = owner.get("/analytics/leaderboard").ok()["sellers"][0]["total"].clone();
    assert_eq!(board["won"], 3);
    assert_eq!(board["won_without_beginning"], 3);
    assert_eq!(board["mean_days_to_win"], Json::Null);
    // It is also unknown how long it was in the stage before it was reopened.
    go(&owner, &made, "reopen", json!({}));
    let stays = |report: &str, name: &str| of_stage(&owner, report, name)["duration"]["count"].clone();
    assert_eq!(stays("cycle-time", "Payment received"), 0);
    // Moves made here have known durations.
    go(&owner, &deal(&owner, json!({})), "win", json!({}));
    assert_eq!(group(&owner, "cycle-time")["won"]["count"], 1);
    assert_eq!(stays("cycle-time", "Active inquiry"), 1);
    owner.post("/leads", json!({ "title": "Q", "stage_id": qualified })).created();
    let leads = format!("cycle-time?pipeline_id={}", id(&pipeline(&owner, "lead")));
    let cycle = group(&owner, &leads);
    // The converted lead began here.
    assert_eq!(cycle["won"]["count"], 1);
    assert_eq!(cycle["without_beginning"], 1);
    assert_eq!(stays(&leads, "New"), 1);
}

#[test]
fn a_lead_needs_both_dates_for_a_duration() {
    let owner = workspace();
    let csv = "title,stage,opened,closed\nA,Qualified,2026-01-01,\nB,Disqualified,2026-01-05,\nC,Qualified,2026-01-01,2026-01-11\n";
    let fields = [("title", "title"), ("stage", "stage"), ("opened", "created_at"), ("closed", "closed_at")];
    assert_eq!(import(&owner, "leads", csv, mapping(&fields))["created"], 3);
    let cycle = group(&owner, &format!("cycle-time?pipeline_id={}", id(&pipeline(&owner, "lead"))));
    assert_eq!(cycle["won"]["count"], 1);
    assert_eq!(cycle["won"]["mean_days"], json!(10.0));
    assert_eq!(cycle["lost"]["count"], 0);
    assert_eq!(cycle["without_beginning"], 2);
    let new = &cycle["stages"][0]["duration"];
    assert_eq!(new["count"], 1);
    assert_eq!(new["median_days"], json!(10.0));
}

fn mapping(fields: &[(&str, &str)]) -> Json {
    let one = |(column, field): &(&str, &str)| json!({ "column": column, "field": field });
    json!({ "mapping": fields.iter().map(one).collect::<Vec<_>>() })
}

/// Imports deals with a start date, a close date, and the dates of two stages.
fn bring_in(owner: &Client, rows: &str) -> Json {
    let fields = [
        ("id", "external_id"),
        ("stage", "stage"),
        ("opened", "created_at"),
        ("closed", "closed_at"),
        ("quote", "entered.Quote sent"),
        ("active", "entered.Active inquiry"),
    ];
    import(owner, "deals", &format!("id,stage,opened,closed,quote,active\n{rows}"), mapping(&fields))
}

#[test]
fn an_open_deal_keeps_its_imported_dates() {
    let owner = workspace();
    let rows = "i1,Agreed and invoiced,2026-01-01,,2026-03-01,\n\
                i2,Active inquiry,2026-01-01,,,2026-01-05\n\
                i3,Quote sent,2026-01-01,,2026-01-11,\n\
                i4,,2026-01-01,,2026-01-21,2026-01-01\n\
                i5,Active inquiry,,,2026-02-01,2026-02-01\n";
    let report = bring_in(&owner, rows);
    assert_eq!(report["created"], 5, "{report}");
    assert_eq!(report["failed"], 0, "{report}");
    let of = |name: &str| owner.get(&format!("/deals?external_id={name}&include=stage")).ok();
    for (name, begin, now) in [
        ("i1", "2026-01-01", "Agreed and invoiced"),
        ("i2", "2026-01-01", "Active inquiry"),
        ("i3", "2026-01-01", "Quote sent"),
        ("i4", "2026-01-01", "Quote sent"),
        ("i5", "2026-02-01", "Active inquiry"),
    ] {
        let found = of(name);
        assert_eq!(found["data"][0]["created_at"], format!("{begin}T00:00:00.000Z"), "{name}");
        assert_eq!(found["included"]["stages"][0]["name"], now, "{name}");
    }
    let on = |day: &str, name: &str| count_of(&owner, &format!("funnel?kind=snapshot&at={day}T12:00:00Z"), name);
    assert_eq!(on("2026-01-03", "Active inquiry"), 4);
    assert_eq!(on("2026-01-15", "Quote sent"), 1);
    assert_eq!(on("2026-02-15", "Active inquiry"), 3);
    // It is unknown when i1 left Quote sent; i5 moved back on the day it entered.
    let cycle = group(&owner, "cycle-time");
    let days = |n: usize| {
        (cycle["stages"][n]["duration"]["count"].clone(), cycle["stages"][n]["duration"]["mean_days"].clone())
    };
    // 59 days for i1, 10 for i3, 20 for i4.
    assert_eq!(days(0).0, 3);
    assert!((days(0).1.as_f64().unwrap() - 89.0 / 3.0).abs() < 1e-9, "{cycle}");
    assert_eq!(days(1), (json!(1), json!(0.0)));
}

#[test]
fn contradictory_or_impossible_dates_are_refused() {
    let owner = workspace();
    let problems = |rows: &str| {
        let report = bring_in(&owner, rows);
        let import = id(&owner.get("/imports?limit=1&sort=-created_at").ok()["data"][0]);
        assert_eq!(report["created"], 0, "{rows}: {report}");
        let problems = owner.get(&format!("/imports/{import}/problems")).ok()["data"].clone();
        problems[0]["detail"].as_str().unwrap().to_owned()
    };
    for (row, words) in [
        (
            "a,Active inquiry,2026-01-01,,2026-01-05,2026-01-01\n",
            "stage is Active inquiry, but the deal entered Quote sent later",
        ),
        ("b,Lost,2026-01-01,2099-01-01,,\n", "closed_at 2099-01-01"),
        ("c,Quote sent,2026-01-01,,2099-01-01,\n", "is in the future"),
        ("d,Active inquiry,2099-01-01,,,\n", "created_at 2099-01-01"),
        ("e,Payment received,2026-01-01,2026-01-11,2026-01-20,\n", "is before the deal entered Quote sent"),
        ("f,Payment received,2026-01-12,2026-01-11,,\n", "is before the start of the record"),
    ] {
        let told = problems(row);
        assert!(told.contains(words), "{row}: {told}");
    }
    assert_eq!(owner.get("/deals?include_total=true").ok()["page"]["total"], 0);
    let csv = "title,stage,closed\nA,Qualified,2099-01-11\n";
    let fields = [("title", "title"), ("stage", "stage"), ("closed", "closed_at")];
    let report = import(&owner, "leads", csv, mapping(&fields));
    assert_eq!(report["created"], 0);
    assert_eq!(report["failed"], 1);
}

#[test]
fn a_closed_deal_without_a_closing_date_has_no_duration() {
    let owner = workspace();
    assert_eq!(bring_in(&owner, "g,Payment received,2026-01-12,,,\n")["created"], 1);
    let deal = owner.get("/deals?external_id=g").ok()["data"][0].clone();
    assert_eq!(deal["status"], "won");
    assert_eq!(deal["created_at"], "2026-01-12T00:00:00.000Z");
    let cycle = group(&owner, "cycle-time");
    assert_eq!(cycle["won"]["count"], 0);
    assert_eq!(cycle["without_beginning"], 1);
    assert_eq!(of_stage(&owner, "cycle-time", "Active inquiry")["duration"]["count"], 0);
}

#[test]
fn a_snapshot_uses_the_stages_of_its_time() {
    let owner = workspace();
    let [first, second] = ["Active inquiry", "Quote sent"].map(|name| stage(&owner, "deal", name));
    let (on, won) = (deal(&owner, json!({})), deal(&owner, json!({})));
    let pause = || std::thread::sleep(std::time::Duration::from_millis(3));
    pause();
    let at = owner.get("/analytics/funnel?kind=snapshot").ok()["at"].as_str().unwrap().to_owned();
    pause();
    go(&owner, &on, "move", json!({ "stage_id": second }));
    go(&owner, &won, "win", json!({}));
    let groups = owner.get(&format!("/analytics/funnel?kind=snapshot&at={at}&group_by=stage")).ok()["groups"].clone();
    assert_eq!(groups.as_array().unwrap().len(), 1, "{groups}");
    assert_eq!(groups[0]["key"], json!(first));
    assert_eq!(groups[0]["label"], "Active inquiry");
    assert_eq!(groups[0]["total"], 2);
    assert_eq!(groups[0]["stages"][0]["count"], 2);
    let now = owner.get("/analytics/funnel?kind=snapshot&group_by=stage").ok()["groups"].clone();
    assert_eq!(now[0]["label"], "Quote sent");
    assert_eq!(now[0]["total"], 1);
    for (query, parameter) in [
        (format!("stage_id={first}"), "stage_id"),
        (format!("stage_id__ne={first}"), "stage_id__ne"),
        ("status=open".into(), "status"),
        ("status__ne=won".into(), "status__ne"),
        ("closed_at__empty=true".into(), "closed_at__empty"),
        ("stage_entered_at__gte=today".into(), "stage_entered_at__gte"),
        ("at=2100-01-01T00:00:00Z".into(), "at"),
    ] {
        let problem = owner.get(&format!("/analytics/funnel?kind=snapshot&{query}")).problem(400, "invalid_parameter");
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{query}");
    }
    for kind in ["cohort", "flow"] {
        owner.get(&format!("/analytics/funnel?kind={kind}&status=open&stage_id={second}")).ok();
    }
}

/// The CSV file has the same figures for groups and stages as the JSON answer.
#[test]
fn the_csv_file_equals_the_json_answer() {
    let owner = workspace();
    let (first, second) = (stage(&owner, "deal", "Active inquiry"), stage(&owner, "deal", "Quote sent"));
    deal(&owner, json!({}));
    go(&owner, &deal(&owner, json!({})), "lose", json!({ "loss_reason_id": reason(&owner) }));
    deal(&owner, json!({ "stage_id": stage(&owner, "deal", "Payment received") }));
    owner.delete(&format!("/stages/{first}?move_to={second}")).gone();
    let sheet = |report: &str| -> Vec<Json> {
        let text = owner.with("Accept", "text/csv").get(&format!("/analytics/{report}")).text;
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let head = reader.headers().unwrap().clone();
        let row =
            |row: csv::StringRecord| head.iter().zip(&row).map(|(name, cell)| (name.to_owned(), json!(cell))).collect();
        reader.records().map(|record| Json::Object(row(record.unwrap()))).collect()
    };
    let cycle = group(&owner, "cycle-time");
    for row in sheet("cycle-time") {
        assert_eq!(row["without_beginning"], "1", "{row}");
        let deleted = &cycle["stages"].as_array().unwrap().iter().find(|s| s["stage_id"] == row["stage_id"]);
        let deleted = deleted.map_or("", |stage| stage["deleted_at"].as_str().unwrap_or_default());
        assert_eq!(row["deleted_at"], deleted, "{row}");
        assert_eq!(row["what"] == "Active inquiry", row["deleted_at"] != "", "{row}");
    }
    for row in sheet("funnel?group_by=owner") {
        let told = [&row["total"], &row["open"], &row["won"], &row["lost"]];
        assert_eq!(told, ["3", "1", "1", "1"], "{row}");
    }
    assert!(sheet("loss-reasons").iter().all(|row| row["lost"] == "1" && row["count"] == "1"));
}

#[test]
fn leads_are_grouped_by_product() {
    let owner = workspace();
    let boat = id(&owner.post("/products", json!({ "name": "Boat" })).created());
    for (title, product) in [("A", json!(boat)), ("B", json!(boat)), ("C", Json::Null)] {
        let value = json!({ "amount": 5, "currency": "EUR" });
        owner
            .post("/leads", json!({ "title": title, "product_id": product, "value": value, "rating": "hot" }))
            .created();
    }
    let leads = id(&pipeline(&owner, "lead"));
    for kind in ["cohort", "flow", "snapshot"] {
        let path = format!("/analytics/funnel?kind={kind}&pipeline_id={leads}&group_by=product");
        let groups = owner.get(&path).ok()["groups"].clone();
        assert_eq!(groups[0]["key"], json!(boat));
        assert_eq!(groups[0]["label"], "Boat");
        assert_eq!(groups[0]["total"], 2);
        assert_eq!(groups[1]["key"], Json::Null);
        assert_eq!(groups[1]["total"], 1);
    }
    for report in ["win-rate", "loss-reasons", "cycle-time"] {
        owner.get(&format!("/analytics/{report}?pipeline_id={leads}&group_by=product&rating=hot")).ok();
    }
    assert_eq!(group(&owner, &format!("funnel?pipeline_id={leads}&rating=hot"))["total"], 3);
    let document = &crate::support::client::DOCUMENT["paths"];
    for report in ["funnel", "win-rate", "loss-reasons", "cycle-time"] {
        let parameters = document[format!("/api/v1/analytics/{report}")]["get"]["parameters"].as_array().unwrap();
        assert!(parameters.iter().any(|parameter| parameter["name"] == "rating"), "{report}");
    }
}

/// A rate by value is null when a part of the total is negative.
#[test]
fn a_rate_by_value_needs_values() {
    let owner = workspace();
    let reason = reason(&owner);
    let worth = |amount: i64| json!({ "value": { "amount": amount, "currency": "USD" } });
    go(&owner, &deal(&owner, worth(100)), "win", json!({}));
    go(&owner, &deal(&owner, worth(300)), "lose", json!({ "loss_reason_id": reason }));
    assert_eq!(group(&owner, "win-rate")["win_rate_by_value"], 0.25);
    go(&owner, &deal(&owner, worth(-50)), "lose", json!({ "loss_reason_id": reason }));
    let found = group(&owner, "win-rate");
    assert_eq!(found["win_rate_by_value"], Json::Null);
    assert_eq!(found["lost_value"][0]["amount"], 250);
}
