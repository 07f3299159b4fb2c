//! Equality with `this_month` and similar values means the whole period.
use crate::support::workspace;
use chrono::Datelike;
use serde_json::{Value as Json, json};

#[test]
fn equality_with_a_period_covers_the_whole_period() {
    let owner = workspace();
    let today = voronka::kernel::values::time::DateTime::now().utc().date_naive();
    let day = |shift: i64| (today + chrono::Duration::days(shift)).to_string();
    for shift in [-400, -60, -8, -1, 0, 1, 8, 60, 400] {
        owner.post("/deals", json!({ "title": shift.to_string(), "expected_close_date": day(shift) })).created();
    }
    owner.post("/deals", json!({ "title": "never" })).created();
    let titles = |page: Json| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|row| row["title"].as_str().unwrap().to_owned()).collect()
    };
    let list = |query: &str| titles(owner.get(&format!("/deals?sort=expected_close_date&{query}")).ok());
    type Same = fn(chrono::NaiveDate, chrono::NaiveDate) -> bool;
    let periods: [(&str, Same); 5] = [
        ("today", |a, b| a == b),
        ("this_week", |a, b| a.iso_week() == b.iso_week()),
        ("this_month", |a, b| (a.year(), a.month()) == (b.year(), b.month())),
        ("this_quarter", |a, b| (a.year(), a.month0() / 3) == (b.year(), b.month0() / 3)),
        ("this_year", |a, b| a.year() == b.year()),
    ];
    for beyond in ["today-9999y", "this_year%2B9000y"] {
        for asked in ["expected_close_date", "expected_close_date__gte", "created_at", "created_at__lt"] {
            owner.get(&format!("/deals?{asked}={beyond}")).problem(400, "invalid_parameter");
        }
    }
    for (name, same) in periods {
        let shifts = [-400_i64, -60, -8, -1, 0, 1, 8, 60, 400];
        let is_in = |shift: &i64| same(today + chrono::Duration::days(*shift), today);
        let (within, without): (Vec<i64>, Vec<i64>) = shifts.into_iter().partition(is_in);
        let texts = |shifts: Vec<i64>| shifts.iter().map(i64::to_string).collect::<Vec<_>>();
        assert_eq!(list(&format!("expected_close_date={name}")), texts(within.clone()), "{name}");
        let others = [texts(without), vec!["never".into()]].concat();
        assert_eq!(list(&format!("expected_close_date__ne={name}")), others, "{name}");
        let one = json!([{ "field": "expected_close_date", "op": "in", "values": [name, day(400)] }]);
        let found = titles(owner.post("/deals/search", json!({ "all": one, "sort": "expected_close_date" })).ok());
        let mut either = within;
        either.extend((!either.contains(&400)).then_some(400));
        assert_eq!(found, texts(either), "{name}");
        // Every record was created now, at some instant in the period.
        assert_eq!(list(&format!("created_at={name}")).len(), 10, "{name}");
        assert_eq!(list(&format!("created_at__ne={name}")).len(), 0, "{name}");
        assert_eq!(list(&format!("created_at={name}-1y")).len(), 0, "{name}");
        assert_eq!(owner.get(&format!("/analytics/funnel?created_at={name}")).ok()["groups"][0]["total"], 10, "{name}");
    }
}
