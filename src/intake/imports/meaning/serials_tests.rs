use super::*;
use proptest::prelude::*;

fn read(numeric: NumericDates, text: &str) -> Option<String> {
    numeric.read(text).map(|moment| match moment {
        SerialMoment::Local(at, true) => at.to_string(),
        SerialMoment::Local(at, false) => at.date().to_string(),
        SerialMoment::Instant(at) => at.to_rfc3339(),
    })
}

#[test]
fn numbers_are_dates() {
    use NumericDates::{Days1900, Days1904, UnixMillis, UnixSeconds};
    for (case, numeric, text, expected) in [
        ("the first day", Days1900, "1", Some("1900-01-01")),
        ("before the day that never was", Days1900, "59", Some("1900-02-28")),
        ("the day that never was", Days1900, "60", None),
        ("behind the day that never was", Days1900, "61", Some("1900-03-01")),
        ("a day", Days1900, "45363", Some("2024-03-12")),
        ("a day with a time", Days1900, "45363.3851273148", Some("2024-03-12 09:14:35")),
        ("a decimal comma", Days1900, "45363,5", Some("2024-03-12 12:00:00")),
        ("since 1904", Days1904, "43901", Some("2024-03-12")),
        ("the first day since 1904", Days1904, "0", Some("1904-01-01")),
        ("seconds", UnixSeconds, "1710234873", Some("2024-03-12T09:14:33+00:00")),
        ("seconds with decimals", UnixSeconds, "1710234873.25", Some("2024-03-12T09:14:33.250+00:00")),
        ("milliseconds", UnixMillis, "1710234873250", Some("2024-03-12T09:14:33.250+00:00")),
        ("a word", Days1900, "soon", None),
        ("nothing", Days1900, "", None),
        ("too many digits", UnixMillis, "17102348732500000", None),
    ] {
        let read = read(numeric, text);
        let same = read.as_deref().zip(expected).map(|(read, expected)| read.starts_with(expected));
        assert_eq!(same, expected.map(|_| true), "{case}: {read:?}");
    }
}

#[test]
fn numbers_that_can_be_dates_are_recognised() {
    for (text, expected) in [
        ("45363", Some(Serial::Days)),
        ("45363.39", Some(Serial::Days)),
        ("2024", None),
        ("980", None),
        ("1710234873", Some(Serial::UnixSeconds)),
        ("1710234873250", Some(Serial::UnixMillis)),
        ("491701234567", None),
        ("-45363", None),
        ("1.500,00", None),
        ("", None),
    ] {
        assert_eq!(serial(text), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn days_are_read_back(days in 61..109_574_i64) {
        let day = NaiveDate::from_ymd_opt(1899, 12, 30).unwrap() + Duration::days(days);
        prop_assert_eq!(NumericDates::Days1900.read(&days.to_string()), Some(SerialMoment::Local(day.and_hms_opt(0, 0, 0).unwrap(), false)));
    }

    #[test]
    fn no_text_panics(text in "[-0-9.,]{0,40}") {
        for numeric in [NumericDates::Days1900, NumericDates::Days1904, NumericDates::UnixSeconds, NumericDates::UnixMillis] {
            let _ = numeric.read(&text);
        }
        let _ = serial(&text);
    }
}
