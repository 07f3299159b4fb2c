use super::{Epoch, Format, number_text};
use crate::intake::imports::reading::row::{CellKind, Row};
use proptest::prelude::*;

#[test]
fn formats_are_recognised() {
    for (code, format) in [
        ("General", Format::Plain),
        ("0.00", Format::Plain),
        ("#,##0.00", Format::Plain),
        ("0.00E+00", Format::Plain),
        ("@", Format::Plain),
        ("yyyy-mm-dd", Format::Date),
        ("dd.mm.yyyy", Format::Date),
        ("[$-407]d. mmmm yyyy;@", Format::Date),
        ("mmm\\-yy", Format::Date),
        ("yyyy\"年\"m\"月\"d\"日\"", Format::Date),
        ("dd.mm.yyyy hh:mm", Format::DateTime),
        ("m/d/yy h:mm AM/PM", Format::DateTime),
        ("hh:mm:ss", Format::Time),
        ("[h]:mm", Format::Time),
        ("mm:ss.0", Format::Time),
        ("0%", Format::Percent),
        ("#,##0.00 €", Format::Money("€".into())),
        ("#,##0.00 [$€-407]", Format::Money("€".into())),
        ("[$USD] #,##0.00", Format::Money("USD".into())),
        ("\"$\"#,##0.00_);[Red](\"$\"#,##0.00)", Format::Money("$".into())),
        ("#,##0 \"CHF\"", Format::Money("CHF".into())),
        ("[Red]0.00", Format::Plain),
        ("00000", Format::Padded(5)),
        ("0", Format::Plain),
    ] {
        assert_eq!(Format::parse(code), format, "{code}");
    }
    assert_eq!(Format::builtin(14), Format::Date);
    assert_eq!(Format::builtin(22), Format::DateTime);
    assert_eq!(Format::builtin(9), Format::Percent);
    assert_eq!(Format::builtin(0), Format::Plain);
}

#[test]
fn numbers_are_shown_as_formatted() {
    for (case, code, value, epoch, kind, text, shown) in [
        ("a date", "yyyy-mm-dd", 45363.0, Epoch::Y1900, CellKind::Date, "2024-03-12", None),
        ("a date of a Mac", "yyyy-mm-dd", 43901.0, Epoch::Y1904, CellKind::Date, "2024-03-12", None),
        ("the first day", "yyyy-mm-dd", 1.0, Epoch::Y1900, CellKind::Date, "1900-01-01", None),
        ("before the day that was not", "yyyy-mm-dd", 59.0, Epoch::Y1900, CellKind::Date, "1900-02-28", None),
        ("after the day that was not", "yyyy-mm-dd", 61.0, Epoch::Y1900, CellKind::Date, "1900-03-01", None),
        (
            "a time in a date column",
            "yyyy-mm-dd",
            45363.5,
            Epoch::Y1900,
            CellKind::DateTime,
            "2024-03-12T12:00:00",
            None,
        ),
        (
            "a rounded second",
            "dd.mm.yyyy hh:mm",
            45627.39583333334,
            Epoch::Y1900,
            CellKind::DateTime,
            "2024-12-01T09:30:00",
            None,
        ),
        ("midnight", "dd.mm.yyyy hh:mm", 45627.0, Epoch::Y1900, CellKind::DateTime, "2024-12-01T00:00:00", None),
        (
            "nearly midnight",
            "dd.mm.yyyy hh:mm",
            45626.9999999,
            Epoch::Y1900,
            CellKind::DateTime,
            "2024-12-01T00:00:00",
            None,
        ),
        ("a time", "hh:mm", 0.375, Epoch::Y1900, CellKind::Time, "09:00:00", None),
        ("a duration", "[h]:mm", 1.5, Epoch::Y1900, CellKind::Time, "36:00:00", None),
        ("not a date", "yyyy-mm-dd", -5.0, Epoch::Y1900, CellKind::Number, "-5", None),
        ("too far", "yyyy-mm-dd", 1e9, Epoch::Y1900, CellKind::Number, "1000000000", None),
        ("money", "#,##0.00 €", 12500.5, Epoch::Y1900, CellKind::Number, "12500.5", Some("12500.5 €")),
        ("percent", "0%", 0.9, Epoch::Y1900, CellKind::Number, "0.9", Some("90%")),
        ("a postcode", "00000", 1067.0, Epoch::Y1900, CellKind::Number, "1067", Some("01067")),
        ("a plain number", "General", 491701234567.0, Epoch::Y1900, CellKind::Number, "491701234567", None),
    ] {
        let mut row = Row::default();
        Format::parse(code).push(&mut row, &value.to_string(), epoch);
        let cell = row.cell(0);
        assert_eq!((cell.kind, cell.text, cell.shown), (kind, text, shown), "{case}");
    }
}

#[test]
fn numbers_have_no_noise_and_no_exponent() {
    for (value, text) in [
        (0.1 + 0.2, "0.3"),
        (0.1, "0.1"),
        (1234.56, "1234.56"),
        (1e15, "1000000000000000"),
        (1_000_000_000_000_001.0, "1000000000000001"),
        (4.91701234567e11, "491701234567"),
        (-0.0, "0"),
        (1e-7, "0.0000001"),
        (-12.5, "-12.5"),
    ] {
        assert_eq!(number_text(value), text);
    }
}

#[test]
fn plain_numbers_are_taken_as_they_are_written() {
    for (written, plain) in [
        ("0", true),
        ("-12.5", true),
        ("491701234567", true),
        ("0.5", true),
        ("-0", false),
        ("1.50", false),
        ("007", false),
        ("1E5", false),
        ("12345678901234567", true),
        ("1.2345678901234567", false),
        (".5", false),
        ("5.", false),
        ("", false),
        ("-", false),
    ] {
        assert_eq!(super::is_plain(written), plain, "{written}");
    }
}

proptest! {
    #[test]
    fn plain_numbers_are_written_alike(written in "-?[0-9]{1,15}([.][0-9]{1,6})?") {
        if super::is_plain(&written) {
            prop_assert_eq!(number_text(written.parse().unwrap()), written);
        }
    }
}
