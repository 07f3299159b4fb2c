//! Reports over data with a history, case by case.
use crate::imports::import;
use crate::support::{Client, database_url, id, stage, user, workspace};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use serde_json::{Value as Json, json};

pub fn deal(owner: &Client, body: Json) -> String {
    let mut deal = json!({ "title": "D" });
    deal.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    id(&owner.post("/deals", deal).created())
}

pub fn go(owner: &Client, deal: &str, what: &str, body: Json) -> Json {
    owner.post(&format!("/deals/{deal}/{what}"), body).ok()
}

pub fn reason(owner: &Client) -> String {
    id(&owner.post("/loss-reasons", json!({ "name": "Dear" })).created())
}

/// The first group of a report, without the list queries of its figures.
pub fn group(owner: &Client, report: &str) -> Json {
    without_lists(owner.get(&format!("/analytics/{report}")).ok()["groups"][0].clone())
}

pub fn without_lists(value: Json) -> Json {
    match value {
        Json::Array(list) => list.into_iter().map(without_lists).collect(),
        Json::Object(members) => {
            let kept = members.into_iter().filter(|(name, _)| name != "drill_down");
            kept.map(|(name, value)| (name, without_lists(value))).collect()
        }
        other => other,
    }
}

pub fn counts(group: &Json) -> Vec<(&str, i64)> {
    let stages = group["stages"].as_array().unwrap().iter();
    stages.map(|stage| (stage["name"].as_str().unwrap(), stage["count"].as_i64().unwrap())).collect()
}

pub fn pipeline(owner: &Client, kind: &str) -> Json {
    owner.get(&format!("/pipelines?kind={kind}&is_default=true")).ok()["data"][0].clone()
}

#[test]
fn reordering_stages_changes_no_past_progress() {
    let owner = workspace();
    let [first, second, third] =
        ["Active inquiry", "Quote sent", "Agreed and invoiced"].map(|name| stage(&owner, "deal", name));
    deal(&owner, json!({}));
    let far = deal(&owner, json!({}));
    go(&owner, &far, "move", json!({ "stage_id": second }));
    let of = |name: &str| {
        let found = group(&owner, "funnel");
        counts(&found).into_iter().find(|(known, _)| *known == name).map(|(_, count)| count)
    };
    assert_eq!([of("Active inquiry"), of("Quote sent"), of("Agreed and invoiced")], [Some(2), Some(1), Some(0)]);
    let pipeline = pipeline(&owner, "deal");
    let (won, lost) = (stage(&owner, "deal", "Payment received"), stage(&owner, "deal", "Lost"));
    let order = json!({ "stage_ids": [third, second, first, won, lost] });
    let path = format!("/pipelines/{}/stage-order", id(&pipeline));
    owner.with("If-Match", &format!("\"{}\"", pipeline["version"])).put(&path, order).ok();
    assert_eq!([of("Active inquiry"), of("Quote sent"), of("Agreed and invoiced")], [Some(2), Some(1), Some(0)]);
    // A deal that begins now begins in the stage that is first now.
    deal(&owner, json!({}));
    assert_eq!([of("Active inquiry"), of("Quote sent"), of("Agreed and invoiced")], [Some(2), Some(1), Some(1)]);
    // Earlier deals did not pass a stage added later; deals that passed a deleted stage still count for it.
    owner.post("/stages", json!({ "pipeline_id": id(&pipeline), "name": "Trial" })).created();
    assert_eq!(of("Trial"), Some(0));
    owner.delete(&format!("/stages/{second}?move_to={first}")).gone();
    // A deal moved because its stage was removed has passed no stage on the way.
    assert_eq!([of("Active inquiry"), of("Quote sent"), of("Agreed and invoiced")], [Some(2), Some(1), Some(1)]);
    let found = group(&owner, "funnel");
    for stage in found["stages"].as_array().unwrap() {
        assert_eq!(stage["deleted_at"].is_null(), stage["name"] != "Quote sent", "{stage}");
    }
    let lines = owner.with("Accept", "text/csv").get("/analytics/funnel?kind=flow").text;
    assert!(lines.lines().any(|line| line.contains("Quote sent")), "{lines}");
    // A deleted stage without a count is not shown.
    assert_eq!(counts(&group(&owner, "funnel?from=2001-01-01&to=2001-02-01")).len(), 5);
}

#[test]
fn a_restored_record_gets_an_existing_stage() {
    let owner = workspace();
    let reason = reason(&owner);
    let pipeline = id(&pipeline(&owner, "deal"));
    let extra =
        owner.post("/stages", json!({ "pipeline_id": pipeline, "name": "Vanished", "category": "lost" })).created();
    let (quote, first) = (stage(&owner, "deal", "Quote sent"), stage(&owner, "deal", "Active inquiry"));
    let open = deal(&owner, json!({ "stage_id": quote }));
    let lost = deal(&owner, json!({}));
    let closed = go(&owner, &lost, "move", json!({ "stage_id": id(&extra), "loss_reason_id": reason }));
    for deal in [&open, &lost] {
        owner.delete(&format!("/deals/{deal}")).gone();
    }
    for stage in [quote.as_str(), &id(&extra)] {
        owner.delete(&format!("/stages/{stage}")).gone();
    }
    let back = go(&owner, &open, "restore", json!({}));
    assert_eq!(back["stage_id"], json!(first));
    assert_eq!(back["status"], "open");
    assert_eq!(back["deleted_at"], Json::Null);
    let back = go(&owner, &lost, "restore", json!({}));
    assert_eq!(back["stage_id"], json!(stage(&owner, "deal", "Lost")));
    assert_eq!(back["status"], "lost");
    assert_eq!(back["closed_at"], closed["closed_at"]);
    assert_eq!(back["loss_reason_id"], json!(reason));
    assert_eq!(counts(&group(&owner, "funnel?kind=snapshot"))[0], ("Active inquiry", 1));
    let told = owner.get(&format!("/deals/{open}/timeline")).ok()["data"].to_string();
    assert!(told.contains("deal.restored") && told.contains("deal.stage_changed"), "{told}");
    // If the stage still exists, the record stays in it.
    owner.delete(&format!("/deals/{open}")).gone();
    assert_eq!(go(&owner, &open, "restore", json!({}))["stage_id"], first);
    let lead =
        id(&owner.post("/leads", json!({ "title": "L", "stage_id": stage(&owner, "lead", "Interested") })).created());
    owner.delete(&format!("/leads/{lead}")).gone();
    owner.delete(&format!("/stages/{}", stage(&owner, "lead", "Interested"))).gone();
    let back = owner.post(&format!("/leads/{lead}/restore"), json!({})).ok();
    assert_eq!(back["stage_id"], stage(&owner, "lead", "New"));
}

#[test]
fn each_lost_stage_counts_its_own_deals() {
    let owner = workspace();
    let reason = reason(&owner);
    let pipeline = id(&pipeline(&owner, "deal"));
    let extra =
        owner.post("/stages", json!({ "pipeline_id": pipeline, "name": "Vanished", "category": "lost" })).created();
    for _ in 0..2 {
        go(&owner, &deal(&owner, json!({})), "lose", json!({ "loss_reason_id": reason }));
    }
    go(&owner, &deal(&owner, json!({})), "move", json!({ "stage_id": id(&extra), "loss_reason_id": reason }));
    let found = group(&owner, "funnel");
    assert_eq!(counts(&found)[3..], [("Payment received", 0), ("Lost", 2), ("Vanished", 1)]);
    assert_eq!(found["lost"], 3);
}

#[test]
fn a_snapshot_does_not_change() {
    let owner = workspace();
    let made: Vec<String> = (0..3).map(|_| deal(&owner, json!({}))).collect();
    let gone = made[0].clone();
    let mut asked: Vec<(String, Json)> = Vec::new();
    let mut note = || {
        std::thread::sleep(std::time::Duration::from_millis(3));
        let now = owner.get("/analytics/funnel?kind=snapshot").ok();
        asked.push((now["at"].as_str().unwrap().to_owned(), without_lists(now["groups"][0].clone())));
        std::thread::sleep(std::time::Duration::from_millis(3));
    };
    note();
    for _ in 0..2 {
        owner.delete(&format!("/deals/{gone}")).gone();
        note();
        go(&owner, &gone, "restore", json!({}));
        note();
    }
    owner.delete(&format!("/deals/{gone}")).gone();
    let totals: Vec<&Json> = asked.iter().map(|(_, group)| &group["total"]).collect();
    assert_eq!(totals, [3, 2, 3, 2, 3].map(Json::from).iter().collect::<Vec<_>>());
    for (at, then) in &asked {
        assert_eq!(group(&owner, &format!("funnel?kind=snapshot&at={at}")), *then, "{at}");
    }
}

#[test]
fn a_deal_without_a_start_has_no_duration() {
    let owner = workspace();
    let csv = "id,stage,opened,closed\na,Payment received,2026-01-01,2026-01-11\nb,Payment received,,2026-01-11\nc,Lost,,2026-01-12\n\
               d,Payment received,2026-01-12,2026-01-12\n";
    let mapping = |fields: &[(&str, &str)]| json!({ "mapping": fields.iter().map(|(column, field)| json!({ "column": column, "field": field })).collect::<Vec<_>>() });
    let fields = [("id", "external_id"), ("stage", "stage"), ("opened", "created_at"), ("closed", "closed_at")];
    import(&owner, "deals", csv, mapping(&fields));
    let period = "from=2026-01-01&to=2026-02-01";
    let found = group(&owner, &format!("cycle-time?{period}"));
    assert_eq!(found["won"], json!({ "count": 2, "mean_days": 5.0, "median_days": 5.0, "p75_days": 7.5 }));
    assert_eq!(found["lost"], json!({ "count": 0, "mean_days": null, "median_days": null, "p75_days": null }));
    assert_eq!(found["without_beginning"], 2);
    assert_eq!(found["stages"][0]["duration"]["count"], 2);
    let board = owner.get(&format!("/analytics/leaderboard?{period}")).ok()["sellers"][0]["total"].clone();
    assert_eq!(board["won"], 3);
    assert_eq!(board["won_without_beginning"], 1);
    assert_eq!(board["mean_days_to_win"], json!(5.0));
    assert_eq!(group(&owner, &format!("win-rate?{period}"))["without_amount"], 4);
    // The same holds for leads; the close data in a lead file is kept.
    let csv = "title,stage,closed\nA,Qualified,2026-01-11\nB,Qualified,\n";
    import(&owner, "leads", csv, mapping(&[("title", "title"), ("stage", "stage"), ("closed", "closed_at")]));
    let leads = id(&pipeline(&owner, "lead"));
    let found = group(&owner, &format!("cycle-time?pipeline_id={leads}"));
    assert_eq!(found["won"]["count"], 0);
    assert_eq!(found["without_beginning"], 2);
    let lead = owner.get("/leads?title=A").ok()["data"][0].clone();
    assert_eq!(lead["closed_at"], "2026-01-11T00:00:00.000Z");
}

/// A deal with several products, its value, and the share of each product.
const SPLITS: [(&[i64], i64, &[i64]); 12] = [
    (&[1, 1, 1], 100, &[34, 33, 33]),
    (&[1, 1, 1], 101, &[34, 34, 33]),
    (&[1, 1, 1], 2, &[1, 1, 0]),
    (&[1, 2], 100, &[33, 67]),
    (&[1, 1, 1], -100, &[-33, -33, -34]),
    (&[0, 0], 3, &[2, 1]),
    // A line with a negative total has no share and takes none from the others.
    (&[10_000_000, -9_999_999], 1_000_000_000_000, &[1_000_000_000_000, 0]),
    (&[100, -99], 7, &[7, 0]),
    (&[-5, 30, 10], -100, &[0, -25, -75]),
    (&[-5, -1], 3, &[2, 1]),
    (&[999_999_999_999, 1], 10, &[10, 0]),
    (
        &[3, 3, 3, 1],
        9_007_199_254_740_991,
        &[2_702_159_776_422_298, 2_702_159_776_422_297, 2_702_159_776_422_297, 900_719_925_474_099],
    ),
];

#[test]
fn shares_add_up_to_the_whole() {
    for (weights, value, parts) in SPLITS {
        let owner = workspace();
        let product = |n: usize| id(&owner.post("/products", json!({ "name": format!("P{n}") })).created());
        let products: Vec<String> = (0..weights.len()).map(product).collect();
        let items = weights.iter().zip(&products);
        let items: Vec<Json> =
            items.map(|(w, p)| json!({ "product_id": p, "price": { "amount": w, "currency": "EUR" } })).collect();
        let body =
            json!({ "line_items": items, "value": { "amount": value, "currency": "EUR" }, "probability_percent": 50 });
        let won = deal(&owner, body.clone());
        go(&owner, &won, "win", json!({}));
        let open = deal(&owner, body);
        let amounts = |report: &str, at: &str| {
            let groups = owner.get(&format!("/analytics/{report}")).ok()["groups"].as_array().unwrap().clone();
            let mut all: Vec<i64> = groups.iter().map(|group| group.pointer(at).unwrap().as_i64().unwrap()).collect();
            all.sort_unstable_by(|a, b| b.cmp(a));
            all
        };
        let mut expected = parts.to_vec();
        expected.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!(amounts("win-rate?group_by=product", "/won_value/0/amount"), expected, "{weights:?} {value}");
        assert_eq!(amounts("forecast?group_by=product", "/no_date/value/0/amount"), expected, "{weights:?} {value}");
        assert_eq!(expected.iter().sum::<i64>(), value);
        let board = owner.get("/analytics/leaderboard").ok()["sellers"][0]["products"].clone();
        let told = board.as_array().unwrap().iter().map(|p| p["figures"]["won_value"][0]["amount"].as_i64().unwrap());
        assert_eq!(told.sum::<i64>(), value, "{board}");
        owner.delete(&format!("/deals/{open}")).gone();
    }
}

#[test]
fn a_forecast_rounds_once() {
    let owner = workspace();
    let product = |name: &str| id(&owner.post("/products", json!({ "name": name })).created());
    let (a, b) = (product("A"), product("B"));
    let item = |product: &str| json!({ "product_id": product, "price": { "amount": 1, "currency": "EUR" } });
    for _ in 0..10 {
        let body = json!({ "line_items": [item(&a), item(&b)], "value": { "amount": 1, "currency": "EUR" }, "probability_percent": 33 });
        deal(&owner, body);
    }
    // Ten times 1 cent at 33 % is 3.3 cents; each product gets half of it, 1.65.
    assert_eq!(group(&owner, "forecast")["no_date"]["weighted"][0]["amount"], 3);
    let groups = owner.get("/analytics/forecast?group_by=product").ok()["groups"].clone();
    let weighted: Vec<&Json> =
        groups.as_array().unwrap().iter().map(|g| &g["no_date"]["weighted"][0]["amount"]).collect();
    assert_eq!(weighted, [&json!(2), &json!(2)]);
    // A half rounds as a half, whatever the digits of its parts and however large the amount.
    for (value, percent, products, expected) in [
        (25_i64, 6, 3, vec![1, 1, 1]),
        (-25, 6, 3, vec![-1, -1, -1]),
        (7, 50, 7, vec![1; 7]),
        (9_007_199_254_740_991, 50, 1, vec![4_503_599_627_370_496]),
    ] {
        let owner = workspace();
        let product = |n: i32| id(&owner.post("/products", json!({ "name": format!("P{n}") })).created());
        let items: Vec<Json> = (0..products).map(|n| item(&product(n))).collect();
        let body = json!({ "line_items": items, "value": { "amount": value, "currency": "EUR" }, "probability_percent": percent });
        deal(&owner, body);
        let groups = owner.get("/analytics/forecast?group_by=product").ok()["groups"].clone();
        let weighted =
            groups.as_array().unwrap().iter().map(|g| g["no_date"]["weighted"][0]["amount"].as_i64().unwrap());
        assert_eq!(weighted.collect::<Vec<i64>>(), expected, "{value} {percent}");
    }
    let owner = workspace();
    for _ in 0..2 {
        deal(
            &owner,
            json!({ "value": { "amount": 2_251_799_813_685_249_i64, "currency": "EUR" }, "probability_percent": 50 }),
        );
    }
    assert_eq!(group(&owner, "forecast")["no_date"]["weighted"][0]["amount"], 2_251_799_813_685_249_i64);
}

#[test]
fn a_sum_is_exact_or_refused() {
    let owner = workspace();
    let most = 9_007_199_254_740_991_i64;
    let worth = |amount: i64| json!({ "value": { "amount": amount, "currency": "USD" }, "probability_percent": 100 });
    for amount in [most - 5, 5] {
        go(&owner, &deal(&owner, worth(amount)), "win", json!({}));
        deal(&owner, worth(amount));
    }
    let reports = ["funnel", "funnel?kind=flow", "funnel?kind=snapshot", "win-rate", "forecast", "leaderboard"];
    assert_eq!(group(&owner, "win-rate")["won_value"], json!([{ "amount": most, "currency": "USD" }]));
    assert_eq!(group(&owner, "forecast")["no_date"]["weighted"], json!([{ "amount": most, "currency": "USD" }]));
    go(&owner, &deal(&owner, worth(1)), "win", json!({}));
    deal(&owner, worth(1));
    for report in reports {
        let problem = owner.get(&format!("/analytics/{report}")).problem(422, "sum_too_large");
        assert!(
            problem["detail"].as_str().unwrap().contains("the sum of the amounts in USD is"),
            "{report}: {problem}"
        );
    }
    assert_eq!(group(&owner, "win-rate?value__lt=100&currency=USD")["won_value"][0]["amount"], 6);
    // Fully discounted items whose undiscounted total would overflow.
    let product = id(&owner.post("/products", json!({ "name": "P" })).created());
    let item = json!([{ "product_id": product, "quantity": 1_000_000, "discount_percent": 100, "price": { "amount": most, "currency": "USD" } }]);
    deal(&owner, json!({ "title": "gift", "line_items": item }));
    owner.get("/analytics/forecast?group_by=product&value__lt=1&currency=USD").ok();
}

#[test]
fn the_leaderboard_ranks_by_base_currency() {
    let owner = workspace();
    let sell = |seller: &str, amount: i64, currency: &str| {
        let body = json!({ "owner_id": seller, "value": { "amount": amount, "currency": currency } });
        go(&owner, &deal(&owner, body), "win", json!({}));
    };
    let id_of = |client: &Client| client.get("/me").ok()["user"]["id"].as_str().unwrap().to_owned();
    let (ann, bob) = (id_of(&user(&owner, "seller")), id_of(&user(&owner, "seller")));
    sell(&ann, 900_000, "EUR");
    sell(&ann, 10, "USD");
    sell(&bob, 20, "USD");
    let board = owner.get("/analytics/leaderboard").ok();
    assert_eq!(board["base_currency"], "USD");
    assert_eq!(board["sellers"][0]["user_id"], json!(bob));
    owner.patch("/workspaces/current", json!({ "base_currency": "EUR" })).ok();
    let board = owner.get("/analytics/leaderboard").ok();
    assert_eq!(board["base_currency"], "EUR");
    assert_eq!(board["sellers"][0]["user_id"], json!(ann));
}

#[test]
fn a_former_user_keeps_closed_deals() {
    let owner = workspace();
    let me = owner.get("/me").ok()["user"]["id"].as_str().unwrap().to_owned();
    let ann = user(&owner, "seller").get("/me").ok()["user"]["id"].as_str().unwrap().to_owned();
    let reason = reason(&owner);
    let (won, lost, open) = (
        deal(&owner, json!({ "owner_id": ann })),
        deal(&owner, json!({ "owner_id": ann })),
        deal(&owner, json!({ "owner_id": ann })),
    );
    assert_eq!(go(&owner, &won, "win", json!({}))["closed_by_id"], ann);
    go(&owner, &lost, "lose", json!({ "loss_reason_id": reason }));
    let lead = |title: &str| id(&owner.post("/leads", json!({ "title": title, "owner_id": ann })).created());
    let (gone, here) = (lead("gone"), lead("here"));
    owner.post(&format!("/leads/{gone}/disqualify"), json!({ "loss_reason_id": reason })).ok();
    let done = owner.post(&format!("/users/{ann}/hand-over"), json!({ "to_user_id": me })).ok();
    assert_eq!(done["deals"], 1);
    assert_eq!(done["leads"], 1);
    let owner_of = |path: &str| owner.get(path).ok()["owner_id"].clone();
    for (path, expected) in [
        (format!("/deals/{won}"), &ann),
        (format!("/deals/{lost}"), &ann),
        (format!("/deals/{open}"), &me),
        (format!("/leads/{gone}"), &ann),
        (format!("/leads/{here}"), &me),
    ] {
        assert_eq!(owner_of(&path), json!(expected), "{path}");
    }
    let done = owner.post(&format!("/users/{ann}/hand-over"), json!({ "to_user_id": me, "closed_too": true })).ok();
    assert_eq!(done["deals"], 2);
    assert_eq!(done["leads"], 1);
    // The deals count for Ann, whoever owns them now.
    let after = owner.get(&format!("/deals/{won}")).ok();
    assert_eq!(after["owner_id"], json!(me));
    assert_eq!(after["closed_by_id"], json!(ann));
    let board = owner.get("/analytics/leaderboard").ok()["sellers"].clone();
    assert_eq!(board.as_array().unwrap().len(), 1);
    assert_eq!(board[0]["user_id"], json!(ann));
    assert_eq!(board[0]["total"]["won"], 1);
    for report in ["win-rate", "cycle-time", "loss-reasons"] {
        let groups = owner.get(&format!("/analytics/{report}?group_by=closed_by")).ok()["groups"].clone();
        assert_eq!(groups.as_array().unwrap().len(), 1, "{report}");
        assert_eq!(groups[0]["key"], json!(ann), "{report}");
    }
    assert_eq!(
        owner.get(&format!("/deals?closed_by_id={ann}&include=closed_by")).ok()["data"].as_array().unwrap().len(),
        2
    );
    // A reopened deal counts for nobody.
    assert_eq!(go(&owner, &won, "reopen", json!({}))["closed_by_id"], Json::Null);
}

#[test]
fn changing_pipelines_is_not_progress_and_losses_keep_their_stage() {
    let owner = workspace();
    let stages =
        json!([{ "name": "Due" }, { "name": "Renewed", "category": "won" }, { "name": "Gone", "category": "lost" }]);
    let other = owner.post("/pipelines", json!({ "name": "Renewals", "kind": "deal", "stages": stages })).created();
    let (due, gone) = (id(&other["stages"][0]), id(&other["stages"][2]));
    let [quote, agreed] = ["Quote sent", "Agreed and invoiced"].map(|name| stage(&owner, "deal", name));
    let home = id(&pipeline(&owner, "deal"));
    let there = deal(&owner, json!({}));
    // The deal leaves and comes back into a later stage of the first pipeline: it left once for elsewhere.
    go(&owner, &there, "move", json!({ "stage_id": due, "pipeline_id": id(&other) }));
    go(&owner, &there, "move", json!({ "stage_id": quote, "pipeline_id": home }));
    go(&owner, &there, "move", json!({ "stage_id": agreed }));
    let flow = group(&owner, "funnel?kind=flow");
    let left =
        |n: usize| (flow["stages"][n]["left"].as_i64().unwrap(), flow["stages"][n]["left_forward"].as_i64().unwrap());
    assert_eq!(left(0), (1, 0));
    assert_eq!(left(1), (1, 1));
    let reason = reason(&owner);
    go(&owner, &there, "move", json!({ "stage_id": gone, "pipeline_id": id(&other), "loss_reason_id": reason }));
    let losses = group(&owner, &format!("loss-reasons?pipeline_id={}", id(&other)));
    let from = &losses["reasons"][0];
    assert_eq!(from["stage_id"], json!(agreed));
    assert_eq!(from["stage"], "Agreed and invoiced");
    assert_eq!(from["stage_pipeline_id"], json!(home));
    // Leads have loss reasons too.
    let lead =
        id(&owner.post("/leads", json!({ "title": "L", "stage_id": stage(&owner, "lead", "Interested") })).created());
    owner.post(&format!("/leads/{lead}/disqualify"), json!({ "loss_reason_id": reason })).ok();
    let losses = group(&owner, &format!("loss-reasons?pipeline_id={}", id(&pipeline(&owner, "lead"))));
    assert_eq!(losses["lost"], 1);
    assert_eq!(losses["reasons"][0]["reason"], "Dear");
    assert_eq!(losses["reasons"][0]["stage"], "Interested");
}

#[test]
fn unsupported_report_parameters_are_refused() {
    let owner = workspace();
    for (query, parameter) in [
        ("kind=snapshot&from=2026-01-01", "from"),
        ("kind=snapshot&to=2026-01-01", "to"),
        ("at=2026-01-01T00:00:00Z", "at"),
        ("kind=cohort&at=2026-01-01T00:00:00Z", "at"),
        ("kind=flow&at=2026-01-01T00:00:00Z", "at"),
    ] {
        let problem = owner.get(&format!("/analytics/funnel?{query}")).problem(400, "invalid_parameter");
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{query}");
    }
    for report in ["cycle-time", "win-rate", "loss-reasons", "forecast", "leaderboard"] {
        owner.get(&format!("/analytics/{report}?at=2026-01-01T00:00:00Z")).problem(400, "unknown_parameter");
    }
    let told = owner.get("/analytics/cycle-time").ok()["definition"].as_str().unwrap().to_owned();
    assert!(told.contains("interpolated linearly") && told.contains("not rounded"), "{told}");
}

#[test]
fn a_skipped_calendar_day_loses_no_deals() {
    let owner = workspace();
    let workspace = owner.get("/me").ok()["workspace"]["id"].as_str().unwrap().to_owned();
    // Checks every hour around the change of the date line.
    let rows: Vec<Json> =
        (0..96).map(|n| json!({ "title": format!("{n:02}"), "expected_close_date": "2011-12-30" })).collect();
    owner.post("/deals/batch-create", json!({ "items": rows })).ok();
    let mut conn = PgConnection::establish(database_url()).unwrap();
    let sql = format!(
        "update deals set created_at = timestamptz '2011-12-28 12:00:00Z' + title::int * interval '1 hour' where workspace_id = '{workspace}'"
    );
    conn.batch_execute(&sql).unwrap();
    let total = |from: &str, to: &str| {
        group(&owner, &format!("funnel?time_zone=Pacific/Apia&from={from}&to={to}"))["total"].as_i64().unwrap()
    };
    let days = ["2011-12-28", "2011-12-29", "2011-12-30", "2011-12-31", "2012-01-01"];
    let each: Vec<i64> = days.windows(2).map(|pair| total(pair[0], pair[1])).collect();
    assert_eq!(each.iter().sum::<i64>(), total("2011-12-28", "2012-01-01"), "{each:?}");
    assert_eq!(each[2], 0, "{each:?}");
    assert_eq!(each[1], 24);
    // A date is a calendar day, independent of the clocks.
    let path = "forecast?time_zone=Pacific/Apia&from=2011-12-30&to=2011-12-31";
    assert_eq!(group(&owner, path)["overdue"]["count"], 96);
    let sql = format!("update deals set expected_close_date = '2099-12-31' where workspace_id = '{workspace}'");
    conn.batch_execute(&sql).unwrap();
    assert_eq!(group(&owner, "forecast?from=2099-12-31&to=2100-01-01")["months"][0]["figures"]["count"], 96);
}
