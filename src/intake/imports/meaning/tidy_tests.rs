use super::*;
use proptest::prelude::*;

fn form(raw: &str) -> String {
    match content(raw) {
        Content::Empty => "empty".to_owned(),
        Content::Nothing(nothing) => nothing.as_str().to_owned(),
        Content::Text(text) => format!("\"{text}\""),
    }
}

#[test]
fn guards_are_taken_off() {
    for (case, raw, expected) in [
        ("a phone number", "'+49 170 1234567", "\"+49 170 1234567\""),
        ("a leading zero", "'0170 1234568", "\"0170 1234568\""),
        ("an e-mail address", "'ina@ok.example", "\"ina@ok.example\""),
        ("a formula with text", "=\"007\"", "\"007\""),
        ("a formula with quotation marks", "=\"a \"\"b\"\"\"", "\"a \"b\"\""),
        ("our own guard", "'=1+1", "\"=1+1\""),
        ("our own guards behind a separator", "'+43 664;'+43 1", "\"+43 664;+43 1\""),
        ("a Dutch name", "'t Hooft", "\"'t Hooft\""),
        ("a Dutch town", "'s-Gravenhage", "\"'s-Gravenhage\""),
        ("quotation marks", "'Sole Mio'", "\"'Sole Mio'\""),
        ("an apostrophe inside", "O'Neil", "\"O'Neil\""),
        ("blanks around", " \u{a0}Ann ", "\"Ann\""),
        ("nothing behind the guard", "'", "\"'\""),
        ("nothing in the formula", "=\"\"", "empty"),
        ("nothing", " ", "empty"),
    ] {
        assert_eq!(form(raw), expected, "{case}: {raw}");
    }
}

#[test]
fn words_for_nothing_are_told() {
    for (raw, expected) in [
        ("NULL", "empty_word"),
        ("null", "empty_word"),
        ("n/a", "empty_word"),
        ("N/A", "empty_word"),
        ("None", "empty_word"),
        ("NaN", "empty_word"),
        ("-", "empty_word"),
        ("—", "empty_word"),
        ("...", "empty_word"),
        ("(leer)", "empty_word"),
        ("не указано", "empty_word"),
        ("\\N", "empty_word"),
        ("#N/A", "spreadsheet_error"),
        ("#REF!", "spreadsheet_error"),
        ("#WERT!", "spreadsheet_error"),
        ("#¿NOMBRE?", "spreadsheet_error"),
        ("#DIV/0!", "spreadsheet_error"),
        ("#Н/Д", "spreadsheet_error"),
        ("#######", "spreadsheet_error"),
        ("=SUM(A1:A3)", "formula"),
        ("=A1+B2", "formula"),
        ("=$B$2*1.19", "formula"),
        ("=HYPERLINK(\"https://x.example/a/rather/long/address\",\"x\")", "formula"),
    ] {
        assert_eq!(form(raw), expected, "{raw}");
    }
}

#[test]
fn texts_that_mean_something_stay() {
    for raw in [
        "Null",
        "Nan",
        "no",
        "нет",
        "NA",
        "ND",
        "0",
        "#1",
        "#vip",
        "#ABC",
        "+49 170",
        "=> see below",
        "= 5",
        "Blank",
        "Leer",
        "N",
        "x",
        "unknown",
        "@anna",
        "+1 (212) 555-0123",
    ] {
        assert_eq!(form(raw), format!("\"{raw}\""), "{raw}");
    }
}

/// Like `kernel::answers::csv::harmless`.
fn guarded(text: &str) -> String {
    let mut harmless = String::new();
    for part in text.split_inclusive(SEPARATORS) {
        let begin = part.trim_start_matches(|c: char| c.is_whitespace() || c == '"');
        if begin.starts_with(FORMULA) {
            harmless.push('\'');
        }
        harmless.push_str(part);
    }
    harmless
}

proptest! {
    #[test]
    fn the_guards_of_an_export_are_taken_off(text in "[-+=@a-z0-9;|]{1,20}") {
        prop_assert_eq!(unguarded(&guarded(&text)).into_owned(), text);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}", odd in "['=#\"+(A-Z0-9)!?;-]{0,20}") {
        let _ = (content(&text), content(&odd), unguarded(&text), unguarded(&odd));
    }
}
