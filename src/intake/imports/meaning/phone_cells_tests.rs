use super::*;

#[test]
fn numbers_are_kept_as_text() {
    for (text, expected, note) in [
        ("+49 170 1234567", "+49 170 1234567", None),
        ("0170 1234567", "0170 1234567", None),
        ("Tel.: +49 170 1234567", "+49 170 1234567", None),
        ("Mobil 0170 1234567", "0170 1234567", None),
        ("491701234567.0", "491701234567", Some(Note::FractionRemoved)),
        ("01.23.45.67.00", "01.23.45.67.00", None),
        ("ask Anna 5", "ask Anna 5", None),
    ] {
        let read = phone(text).unwrap();
        assert_eq!(read.value, expected, "{text}");
        assert_eq!(read.notes.first().copied(), note, "{text}");
    }
}

#[test]
fn scientific_notation_is_refused() {
    for text in ["4,91705E+11", "4.91705E+11", "4.9e11"] {
        assert_eq!(phone(text).unwrap_err().kind, RefusalKind::Scientific, "{text}");
    }
}

#[test]
fn phone_numbers_are_recognised() {
    for (text, expected) in [
        ("+49 170 1234567", true),
        ("0049 170 1234567", true),
        ("0170/1234567", true),
        ("(212) 555-0123", true),
        ("212-555-0123", true),
        ("01.23.45.67.89", true),
        ("+15551234567", true),
        ("5551234567", false),
        ("1 500 000", false),
        ("2024-03-12", false),
        ("1234,56", false),
        ("007", false),
        ("Anna", false),
    ] {
        assert_eq!(is_phone(text), expected, "{text}");
    }
}
