use super::{ColumnReport, ColumnTotal, Reading, add_amount};
use crate::kernel::values::money::AMOUNT_MAX;
use serde_json::json;

fn readings(cells: &[(&str, Option<Reading>)]) -> ColumnReport {
    let mut report = ColumnReport::new("C".into(), "field".into());
    for (line, (text, reading)) in (2..).zip(cells) {
        report.add(line, text, reading.as_ref());
    }
    report
}

#[test]
fn readings_are_shown_as_text() {
    let cells = [
        ("1.234,5 €", Some(Reading::Amount(123_450, "EUR".into()))),
        ("Ja", Some(Reading::Value(json!(true)))),
        ("a;b", Some(Reading::Value(json!(["a", "b"])))),
        ("Acme", Some(Reading::Text)),
        ("soon", None),
        ("a sixth", Some(Reading::Text)),
    ];
    let shown: Vec<Option<String>> = readings(&cells).values.into_iter().map(|value| value.reading).collect();
    let expected = [Some("1234.50 EUR"), Some("true"), Some("a, b"), Some("Acme"), None];
    assert_eq!(shown, expected.map(|text| text.map(str::to_owned)));
}

#[test]
fn a_value_is_shown_once() {
    let twice = [("Acme", Some(Reading::Text)), ("Acme", Some(Reading::Text))];
    assert_eq!(readings(&twice).values.len(), 1);
}

#[test]
fn the_earliest_and_the_latest_date_are_kept() {
    let date = |date: &str| ("…", Some(Reading::Date(date.to_owned())));
    let report = readings(&[date("2026-03-12"), date("2025-12-31"), date("2026-04-01")]);
    assert_eq!(report.earliest.as_deref(), Some("2025-12-31"));
    assert_eq!(report.latest.as_deref(), Some("2026-04-01"));
}

#[test]
fn amounts_are_added_per_currency() {
    let mut totals = Vec::new();
    for (amount, currency) in [(100, "EUR"), (250, "USD"), (-30, "EUR")] {
        add_amount(&mut totals, "Value", amount, currency);
    }
    let total = |currency: &str, count, sum| ColumnTotal {
        column: "Value".into(),
        currency: currency.into(),
        count,
        sum: Some(sum),
    };
    assert_eq!(totals, [total("EUR", 2, 70), total("USD", 1, 250)]);
}

#[test]
fn a_sum_that_is_too_large_is_unknown() {
    let mut totals = Vec::new();
    for amount in [AMOUNT_MAX, AMOUNT_MAX, -AMOUNT_MAX] {
        add_amount(&mut totals, "Value", amount, "EUR");
    }
    assert_eq!(totals[0].sum, None);
    assert_eq!(totals[0].count, 3);
}
