use super::*;
use crate::intake::imports::meaning::dates::{DayMonth, Order};
use proptest::prelude::*;

fn conventions(decimal: Decimal, orders: Orders) -> Conventions {
    Conventions {
        decimal,
        currency: "EUR".to_owned(),
        signs: BTreeMap::from([("$", "USD"), ("kr", "SEK"), ("¥", "JPY")]),
        orders: FileOrders { dotted: orders, other: orders },
        zone: chrono_tz::Europe::Berlin,
        today: NaiveDate::from_ymd_opt(2026, 11, 28).unwrap(),
    }
}

fn german() -> Conventions {
    conventions(Decimal::Comma, Orders::DAY_FIRST)
}

fn amount(text: &str, named: Option<&str>) -> std::result::Result<(i64, String, Vec<Note>), RefusalKind> {
    let read = german().amount(text, named, 1).map_err(|refusal| refusal.kind)?;
    Ok((read.value.minor, read.value.currency, read.notes))
}

#[test]
fn the_nearest_currency_counts() {
    for (case, text, named, expected) in [
        ("that of the file", "1.234,56", None, (123_456, "EUR")),
        ("that of the row", "1.234,56", Some("USD"), (123_456, "USD")),
        ("that of the cell", "1.234,56 CHF", Some("USD"), (123_456, "CHF")),
        ("without minor units", "5.000.000", Some("JPY"), (5_000_000, "JPY")),
        ("with three decimals", "1,234", Some("KWD"), (1234, "KWD")),
        ("brackets", "(5,00 €)", None, (-500, "EUR")),
    ] {
        let (minor, currency, notes) = amount(text, named).unwrap();
        assert_eq!((minor, currency.as_str()), expected, "{case}");
        assert!(notes.is_empty(), "{case}");
    }
}

#[test]
fn a_guessed_sign_is_told() {
    assert_eq!(amount("$5,00", None), Ok((500, "USD".into(), vec![Note::SignGuessed])));
    assert_eq!(amount("$5,00", Some("CAD")), Ok((500, "CAD".into(), vec![])), "the row says which dollar");
    assert_eq!(amount("5 kr", Some("EUR")), Ok((500, "SEK".into(), vec![Note::SignGuessed])));
    assert_eq!(german().currency("¥").unwrap().value, "JPY");
    assert_eq!(german().currency("Euro").unwrap(), Read::plain("EUR".to_owned()));
    assert!(german().currency("gold").is_err());
}

#[test]
fn other_amounts_are_refused() {
    for (case, text, named, expected) in [
        ("three decimals", "1,234", None, RefusalKind::TooPrecise),
        ("decimals of a yen", "1,5", Some("JPY"), RefusalKind::TooPrecise),
        ("scientific notation", "4,9E+11", None, RefusalKind::Scientific),
        ("the other decimal sign", "99.90", None, RefusalKind::Unreadable),
        ("a percentage", "90 %", None, RefusalKind::Unreadable),
        ("a word", "much", None, RefusalKind::Unreadable),
        ("too large", "99999999999999999", None, RefusalKind::OutOfRange),
    ] {
        assert_eq!(amount(text, named), Err(expected), "{case}");
    }
    assert!(german().amount("1.000.000", None, i64::MAX).is_err(), "multiplied too much");
}

#[test]
fn numbers_have_no_currency() {
    assert_eq!(german().integer("1.200", 1).unwrap().value, 1200);
    assert_eq!(german().integer("1,5", 1).unwrap_err().kind, RefusalKind::Unreadable);
    assert_eq!(german().integer("5 €", 1).unwrap_err().kind, RefusalKind::Unreadable);
    assert_eq!(german().integer("3", 1000).unwrap().value, 3000);
    assert_eq!(german().number("2,5").unwrap().value, 2.5);
    assert_eq!(german().number("-1.234,5").unwrap().value, -1234.5);
    assert_eq!(german().number("4E+3").unwrap_err().kind, RefusalKind::Scientific);
}

#[test]
fn a_date_column_takes_the_date_of_a_time() {
    for (case, text, expected) in [
        ("a date", "12.03.2024", "2024-03-12"),
        ("a local time", "12.03.2024 23:30", "2024-03-12"),
        ("an instant", "2024-03-12T23:30:00Z", "2024-03-13"),
        ("midnight at the end", "2024-03-12 24:00", "2024-03-13"),
        ("a month", "März 2024", "2024-03-01"),
    ] {
        assert_eq!(german().date(text, DateColumn::default()).unwrap().value.to_string(), expected, "{case}");
    }
    assert_eq!(german().date("03/2024", DateColumn::default()).unwrap().notes, [Note::DayMissing]);
}

#[test]
fn instants_are_in_the_zone() {
    for (case, text, expected, notes) in [
        ("a date", "12.03.2024", "2024-03-11T23:00:00.000Z", vec![]),
        ("a local time", "12.03.2024 09:14:33", "2024-03-12T08:14:33.000Z", vec![]),
        ("an offset", "2024-03-12 09:14:33 +05:30", "2024-03-12T03:44:33.000Z", vec![]),
        ("a zone", "2024-03-12 09:14 PDT", "2024-03-12T16:14:00.000Z", vec![]),
        ("a skipped time", "31.03.2024 02:30", "2024-03-31T01:30:00.000Z", vec![Note::TimeSkipped]),
        ("a doubled time", "27.10.2024 02:30", "2024-10-27T00:30:00.000Z", vec![Note::TimeTwice]),
        ("a short year", "12.03.24 09:14", "2024-03-12T08:14:00.000Z", vec![Note::CenturyGuessed]),
    ] {
        let read = german().instant(text, DateColumn::default()).unwrap();
        assert_eq!(read.value.to_string(), expected, "{case}");
        assert_eq!(read.notes, notes, "{case}");
    }
}

#[test]
fn other_dates_are_refused() {
    let refused = |text: &str, column| german().instant(text, column).unwrap_err().kind;
    for (case, text, expected) in [
        ("a word", "soon", RefusalKind::Unreadable),
        ("the other order", "3/27/2024", RefusalKind::Unreadable),
        ("an unclear zone", "2024-03-12 09:14 CST", RefusalKind::Ambiguous),
        ("a number in a column of dates", "45363", RefusalKind::Unreadable),
    ] {
        assert_eq!(refused(text, DateColumn::default()), expected, "{case}");
    }
}

#[test]
fn some_texts_say_that_there_is_no_date() {
    for text in ["не закрыта", "not closed", "Open", "0000-00-00", "00.00.0000", "0000-00-00 00:00:00"] {
        assert!(is_no_date(text), "{text}");
    }
    for text in ["2024-03-12", "soon", "Closed", "-", ""] {
        assert!(!is_no_date(text), "{text}");
    }
}

#[test]
fn columns_have_notations_of_their_own() {
    let serial = DateColumn { numeric: Some(NumericDates::Days1900), ..DateColumn::default() };
    assert_eq!(german().date("45363", serial).unwrap().value.to_string(), "2024-03-12");
    assert_eq!(german().instant("45363,5", serial).unwrap().value.to_string(), "2024-03-12T11:00:00.000Z");
    let orders = Orders { long: DayMonth::MonthFirst, short: Order::Mdy };
    let american = DateColumn { orders: Some(FileOrders { dotted: orders, other: orders }), ..DateColumn::default() };
    assert_eq!(german().date("3/27/2024", american).unwrap().value.to_string(), "2024-03-27");
    let birthday = DateColumn { past: true, ..DateColumn::default() };
    assert_eq!(german().date("02.04.35", birthday).unwrap().value.to_string(), "1935-04-02");
    assert_eq!(german().date("02.04.35", DateColumn::default()).unwrap().value.to_string(), "2035-04-02");
}

proptest! {
    #[test]
    fn instants_with_offsets_are_read_exactly(millis in 0..4_102_444_800_000_i64, offset in -840..840_i32) {
        let at = chrono::DateTime::from_timestamp_millis(millis).unwrap();
        let text = at.with_timezone(&chrono::FixedOffset::east_opt(offset * 60).unwrap()).to_rfc3339();
        prop_assert_eq!(german().instant(&text, DateColumn::default()).unwrap().value.utc(), at);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}", odd in "[-0-9.,€$% :/TZ]{0,30}") {
        for text in [&text, &odd] {
            let conventions = german();
            let _ = (conventions.amount(text, Some("JPY"), 7), conventions.integer(text, 3), conventions.number(text), conventions.currency(text));
            for numeric in [None, Some(NumericDates::Days1904), Some(NumericDates::UnixMillis)] {
                let column = DateColumn { numeric, past: true, orders: None };
                let _ = (conventions.date(text, column), conventions.instant(text, column));
            }
        }
    }
}
