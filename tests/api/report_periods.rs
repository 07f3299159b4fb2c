//! Periods of reports by name, comparisons with earlier periods, and groups by time.
use crate::attention::sql;
use crate::support::{Client, id, workspace};
use serde_json::{Value as Json, json};

/// A deal that was won on a day.
fn won(owner: &Client, day: &str, amount: i64) {
    let deal = json!({ "title": "D", "value": { "amount": amount, "currency": "EUR" } });
    let deal = id(&owner.post("/deals", deal).created());
    owner.post(&format!("/deals/{deal}/win"), json!({})).ok();
    sql(format!("update deals set closed_at = '{day}T12:00:00Z', created_at = '{day}T08:00:00Z' where id = '{deal}'"));
}

fn figures(report: &Json) -> (i64, i64) {
    let group = &report["groups"][0];
    (group["won"].as_i64().unwrap(), group["won_value"][0]["amount"].as_i64().unwrap_or(0))
}

#[test]
fn reports_are_compared_with_earlier_periods() {
    let owner = workspace();
    for (day, amount) in
        [("2026-03-05", 500), ("2026-03-31", 70), ("2026-02-10", 30), ("2025-03-20", 9), ("2025-04-01", 4)]
    {
        won(&owner, day, amount);
    }
    let report = |more: &str| owner.get(&format!("/analytics/win-rate?from=2026-03-01&to=2026-04-01{more}")).ok();
    let alone = report("");
    assert_eq!([&alone["comparison"], &alone["from"]], [&Json::Null, &json!("2026-03-01")]);
    let previous = report("&compare=previous");
    assert_eq!(figures(&previous), (2, 570));
    assert_eq!(figures(&previous["comparison"]), (1, 30));
    assert_eq!(
        [&previous["comparison"]["from"], &previous["comparison"]["to"]],
        [&json!("2026-02-01"), &json!("2026-03-01")]
    );
    let year = report("&compare=year");
    assert_eq!(figures(&year["comparison"]), (1, 9));
    // The comparison has the filters and the grouping of the report.
    let grouped = report("&compare=year&group_by=owner");
    assert_eq!(grouped["comparison"]["groups"][0]["label"], "Owner");
    assert_eq!(figures(&report("&compare=year&value__gte=100&currency=EUR")["comparison"]).0, 0);
    for path in ["cycle-time", "loss-reasons", "leaderboard", "funnel"] {
        let report = owner.get(&format!("/analytics/{path}?from=2026-03-01&to=2026-04-01&compare=previous")).ok();
        assert_eq!(report["comparison"]["from"], "2026-02-01", "{path}");
    }
    for (query, parameter) in [
        ("win-rate?compare=previous", "compare"),
        ("win-rate?from=2026-03-01&compare=year", "compare"),
        ("win-rate?period=last_month&compare=before", "compare"),
        ("win-rate?period=next_month", "period"),
        ("win-rate?period=this_month&to=2026-03-01", "period"),
        ("forecast?period=this_year&compare=year", "compare"),
    ] {
        let answer = owner.get(&format!("/analytics/{query}"));
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(answer.json()["errors"][0]["parameter"], parameter, "{query}");
    }
}

#[test]
fn a_period_has_a_name() {
    let owner = workspace();
    let report = owner.get("/analytics/win-rate?period=last_quarter&compare=previous&time_zone=Asia/Tokyo").ok();
    let day = |text: &Json| text.as_str().unwrap().parse::<chrono::NaiveDate>().unwrap();
    let (from, to) = (day(&report["from"]), day(&report["to"]));
    assert_eq!(from.checked_add_months(chrono::Months::new(3)), Some(to));
    assert_eq!(day(&report["comparison"]["to"]), from);
    let filtered = owner.get("/deals?created_at=last_year").ok();
    assert_eq!(filtered["data"].as_array().unwrap().len(), 0);
}

#[test]
fn groups_by_time_show_empty_ones() {
    let owner = workspace();
    for day in ["2026-01-05", "2026-01-06", "2026-03-05"] {
        won(&owner, day, 100);
    }
    let keys = |query: &str| -> Vec<(String, i64)> {
        let report = owner.get(&format!("/analytics/win-rate?{query}")).ok();
        let group = |group: &Json| (group["key"].as_str().unwrap().to_owned(), group["won"].as_i64().unwrap());
        report["groups"].as_array().unwrap().iter().map(group).collect()
    };
    let named = |list: &[(&str, i64)]| list.iter().map(|(key, won)| ((*key).to_owned(), *won)).collect::<Vec<_>>();
    let months = keys("from=2026-01-01&to=2026-04-01&group_by=month");
    assert_eq!(months, named(&[("2026-01", 2), ("2026-02", 0), ("2026-03", 1)]));
    let weeks = keys("from=2026-01-01&to=2026-01-19&group_by=week");
    assert_eq!(weeks, named(&[("2026-W01", 0), ("2026-W02", 2), ("2026-W03", 0)]));
    let days = keys("from=2026-01-04&to=2026-01-07&group_by=day");
    assert_eq!(days, named(&[("2026-01-04", 0), ("2026-01-05", 1), ("2026-01-06", 1)]));
    assert_eq!(keys("group_by=quarter"), named(&[("2026-Q1", 3)]), "only those with records without a period");
    let refused =
        owner.get("/analytics/win-rate?from=2000-01-01&to=2026-01-01&group_by=day").problem(400, "invalid_parameter");
    assert_eq!(refused["errors"][0]["parameter"], "group_by");
}
