//! Reports over a small funnel whose figures can be checked by hand.
use crate::support::{Client, id, stage, workspace};
use serde_json::{Value as Json, json};

/// Creates six deals: two open, two won, two lost, in two currencies, with two products.
fn funnel() -> Client {
    let owner = workspace();
    let product = |name: &str| id(&owner.post("/products", json!({ "name": name })).created());
    let (boat, oar) = (product("Boat"), product("Oar"));
    let dear = id(&owner.post("/loss-reasons", json!({ "name": "Too dear" })).created());
    let quote = stage(&owner, "deal", "Quote sent");
    let deal = |title: &str, amount: i64, currency: &str, product: &str, tags: Json| {
        let item = json!([{ "product_id": product, "price": { "amount": amount, "currency": currency } }]);
        id(&owner
            .post(
                "/deals",
                json!({ "title": title, "line_items": item, "tags": tags, "expected_close_date": "2020-01-31" }),
            )
            .created())
    };
    let go = |deal: &str, what: &str, body: Json| owner.post(&format!("/deals/{deal}/{what}"), body).ok();
    deal("a", 100, "EUR", &boat, json!(["x"]));
    let b = deal("b", 200, "EUR", &boat, json!([]));
    go(&b, "move", json!({ "stage_id": quote }));
    let c = deal("c", 300, "EUR", &boat, json!(["x", "y"]));
    go(&c, "move", json!({ "stage_id": quote }));
    go(&c, "win", json!({}));
    let d = deal("d", 400, "USD", &oar, json!([]));
    go(&d, "win", json!({}));
    let e = deal("e", 500, "EUR", &oar, json!([]));
    go(&e, "move", json!({ "stage_id": quote }));
    go(&e, "lose", json!({ "loss_reason_id": dear }));
    let f = deal("f", 600, "EUR", &oar, json!([]));
    go(&f, "lose", json!({ "loss_reason_id": dear }));
    owner
}

fn counts(funnel: &Json) -> Vec<i64> {
    funnel["groups"][0]["stages"].as_array().unwrap().iter().map(|s| s["count"].as_i64().unwrap()).collect()
}

#[test]
fn the_three_funnels_are_correct() {
    let owner = funnel();
    let cohort = owner.get("/analytics/funnel").ok();
    // Won deals have passed every stage; lost deals count up to their last stage.
    assert_eq!(counts(&cohort), [6, 4, 2, 2, 2]);
    assert_eq!(cohort["groups"][0]["total"], 6);
    assert_eq!(cohort["groups"][0]["open"], 2);
    assert!(cohort["definition"].as_str().unwrap().contains("share = count / total"));
    let flow = owner.get("/analytics/funnel?kind=flow").ok();
    assert_eq!(counts(&flow), [6, 3, 0, 2, 2]);
    let first = &flow["groups"][0]["stages"][0];
    assert_eq!(first["left"], 5);
    assert_eq!(first["left_forward"], 4);
    assert_eq!(first["conversion"], json!(0.8));
    assert_eq!(flow["groups"][0]["stages"][2]["conversion"], Json::Null);
    let snapshot = owner.get("/analytics/funnel?kind=snapshot").ok();
    assert_eq!(counts(&snapshot), [1, 1, 0]);
    assert_eq!(snapshot["groups"][0]["stages"][1]["value"], json!([{ "amount": 200, "currency": "EUR" }]));
    let before = owner.get("/analytics/funnel?kind=snapshot&at=2020-01-01T00:00:00Z").ok();
    assert_eq!(counts(&before), [0, 0, 0]);
    let tagged = owner.get("/analytics/funnel?tags=x").ok();
    assert_eq!(counts(&tagged), [2, 1, 1, 1, 0]);
    let by_tag = owner.get("/analytics/funnel?group_by=tag").ok();
    let labels: Vec<&Json> = by_tag["groups"].as_array().unwrap().iter().map(|g| &g["label"]).collect();
    assert_eq!(labels, [&json!("x"), &json!("y"), &Json::Null]);
    let nothing = owner.get("/analytics/funnel?from=2001-01-01&to=2001-02-01").ok();
    assert_eq!(counts(&nothing), [0, 0, 0, 0, 0]);
    assert_eq!(nothing["groups"][0]["open_share"], Json::Null);
    owner.post("/leads", json!({ "title": "L" })).created();
    let leads = owner.get("/pipelines?kind=lead").ok()["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(counts(&owner.get(&format!("/analytics/funnel?pipeline_id={leads}")).ok()), [1, 0, 0, 0, 0]);
}

#[test]
fn amounts_in_different_currencies_are_not_added() {
    let owner = funnel();
    let rate = owner.get("/analytics/win-rate").ok()["groups"][0].clone();
    assert_eq!(rate["won"], 2);
    assert_eq!(rate["lost"], 2);
    assert_eq!(rate["win_rate"], json!(0.5));
    assert_eq!(rate["won_value"], json!([{ "amount": 300, "currency": "EUR" }, { "amount": 400, "currency": "USD" }]));
    assert_eq!(rate["win_rate_by_value"], Json::Null);
    let euro = owner.get("/analytics/win-rate?currency=EUR").ok()["groups"][0].clone();
    assert_eq!(euro["win_rate_by_value"], json!(300.0 / 1400.0));
    let products = owner.get("/analytics/win-rate?group_by=product").ok();
    let groups = products["groups"].as_array().unwrap();
    assert_eq!(groups[0]["label"], "Boat");
    assert_eq!(groups[0]["win_rate"], json!(1.0));
    assert_eq!(groups[1]["label"], "Oar");
    assert_eq!(groups[1]["win_rate"], json!(1.0 / 3.0));
    let none = owner.get("/analytics/win-rate?from=2001-01-01&to=2001-02-01").ok();
    assert_eq!(none["groups"][0]["win_rate"], Json::Null);
}

#[test]
fn losses_forecast_and_leaderboard_are_correct() {
    let owner = funnel();
    let losses = owner.get("/analytics/loss-reasons").ok()["groups"][0].clone();
    assert_eq!(losses["lost"], 2);
    let stages: Vec<(&Json, &Json)> =
        losses["reasons"].as_array().unwrap().iter().map(|r| (&r["stage"], &r["count"])).collect();
    assert_eq!(stages, [(&json!("Active inquiry"), &json!(1)), (&json!("Quote sent"), &json!(1))]);
    let forecast = owner.get("/analytics/forecast").ok()["groups"][0].clone();
    // 100 × 20 % + 200 × 50 %; both were due in 2020. Lost deals do not count.
    assert_eq!(forecast["overdue"]["weighted"], json!([{ "amount": 120, "currency": "EUR" }]));
    assert_eq!(forecast["months"], json!([]));
    assert_eq!(forecast["overdue"]["count"], 2);
    let made = owner
        .post(
            "/deals",
            json!({ "title": "g", "expected_close_date": "2031-05-05", "probability_percent": 10,
        "value": { "amount": 1000, "currency": "EUR" } }),
        )
        .created();
    owner.post("/deals", json!({ "title": "h" })).created();
    let forecast = owner.get("/analytics/forecast?from=2031-05-01&to=2031-06-01").ok()["groups"][0].clone();
    assert_eq!(forecast["months"][0]["month"], "2031-05");
    assert_eq!(forecast["months"][0]["figures"]["weighted"], json!([{ "amount": 100, "currency": "EUR" }]));
    assert_eq!(forecast["no_date"]["count"], 1);
    assert_eq!(forecast["no_date"]["without_amount"], 1);
    owner.patch(&format!("/deals/{}", id(&made)), json!({ "forecast_category": "omitted" })).ok();
    assert_eq!(owner.get("/analytics/forecast?from=2031-05-01&to=2031-06-01").ok()["groups"][0]["months"], json!([]));
    let board = owner.get("/analytics/leaderboard").ok();
    let seller = &board["sellers"][0];
    assert_eq!(seller["user"], "Owner");
    assert_eq!(seller["total"]["won"], 2);
    assert_eq!(seller["total"]["win_rate"], json!(0.5));
    let products: Vec<&Json> = seller["products"].as_array().unwrap().iter().map(|p| &p["product"]).collect();
    assert_eq!(products, [&json!("Boat"), &json!("Oar")]);
}

#[test]
fn a_deal_with_two_products_is_split() {
    let owner = workspace();
    let product = |name: &str| id(&owner.post("/products", json!({ "name": name })).created());
    let items = json!([{ "product_id": product("A"), "price": { "amount": 300, "currency": "EUR" } },
        { "product_id": product("B"), "price": { "amount": 100, "currency": "EUR" } }]);
    let deal = id(&owner.post("/deals", json!({ "title": "both", "line_items": items })).created());
    owner.post(&format!("/deals/{deal}/win"), json!({})).ok();
    let groups = owner.get("/analytics/win-rate?group_by=product").ok()["groups"].clone();
    let won: Vec<&Json> = groups.as_array().unwrap().iter().map(|g| &g["won_value"][0]["amount"]).collect();
    assert_eq!(won, [&json!(300), &json!(100)]);
    assert_eq!(owner.get("/analytics/leaderboard").ok()["sellers"][0]["total"]["won"], 1);
}

#[test]
fn durations_are_in_days() {
    let owner = workspace();
    let csv = "id,stage,opened,closed\na,Payment received,2026-01-01,2026-01-11\nb,Payment received,2026-01-01,2026-01-31\nc,Lost,2026-01-01,2026-01-03\n";
    crate::imports::import(
        &owner,
        "deals",
        csv,
        json!({ "mapping": [{ "column": "id", "field": "external_id" }, { "column": "stage", "field": "stage" },
        { "column": "opened", "field": "created_at" }, { "column": "closed", "field": "closed_at" }] }),
    );
    let report = crate::report_figures::group(&owner, "cycle-time?from=2026-01-01&to=2026-02-01");
    assert_eq!(report["won"], json!({ "count": 2, "mean_days": 20.0, "median_days": 20.0, "p75_days": 25.0 }));
    assert_eq!(report["lost"]["mean_days"], 2.0);
    assert_eq!(report["stages"][0]["duration"]["count"], 3);
    // The period uses the requested time zone: in New York the last deal closed on the 30th.
    let ny = owner.get("/analytics/cycle-time?from=2026-01-31&to=2026-02-01&time_zone=America/New_York").ok();
    assert_eq!(ny["groups"][0]["won"]["count"], 0);
    let utc = owner.get("/analytics/cycle-time?from=2026-01-31&to=2026-02-01").ok();
    assert_eq!(utc["groups"][0]["won"]["count"], 1);
    assert_eq!(utc["time_zone"], "UTC");
}

#[test]
fn reports_are_available_as_csv() {
    let owner = funnel();
    owner.post("/tags", json!({ "name": "=cmd" })).created();
    for (path, head) in [
        ("funnel", "group_id,group,stage_id,name,category,position,count"),
        ("win-rate?group_by=product", "key,label,closed,won,lost,win_rate"),
        ("cycle-time", "group_id,group,stage_id,what,count"),
        ("loss-reasons", "group_id,group,loss_reason_id,reason"),
        ("forecast", "group_id,group,bucket,count"),
        ("leaderboard", "seller_id,seller,product_id,product,won,lost"),
    ] {
        let answer = owner.with("Accept", "text/csv").get(&format!("/analytics/{path}"));
        assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8", "{}", answer.text);
        assert!(answer.text.starts_with(head), "{}", answer.text);
    }
    owner.with("Accept", "application/pdf").get("/analytics/funnel").problem(406, "not_acceptable");
}

#[test]
fn invalid_report_parameters_are_refused() {
    let owner = workspace();
    for query in [
        "kind=pie",
        "group_by=shoe",
        "from=2026-02-30",
        "from=2026-02-01&to=2026-01-01",
        "time_zone=Mars/X",
        "at=yesterday",
        "stag=1",
        "pipeline_id=x",
    ] {
        assert_eq!(owner.get(&format!("/analytics/funnel?{query}")).status, 400, "{query}");
    }
    let leads = owner.get("/pipelines?kind=lead").ok()["data"][0]["id"].as_str().unwrap().to_owned();
    owner.get(&format!("/analytics/forecast?pipeline_id={leads}")).problem(400, "invalid_parameter");
    let foreign = workspace().get("/pipelines").ok()["data"][0]["id"].as_str().unwrap().to_owned();
    owner.get(&format!("/analytics/funnel?pipeline_id={foreign}")).problem(400, "invalid_parameter");
}
