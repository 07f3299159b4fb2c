use super::*;
use proptest::prelude::*;

fn shows(text: &str) -> Option<Shows> {
    Numeral::of(text).and_then(|numeral| numeral.shows())
}

#[test]
fn the_notation_of_a_number_shows_the_decimal_sign() {
    let (point, comma) = (Some(Shows::Only(Decimal::Point)), Some(Shows::Only(Decimal::Comma)));
    for (case, text, expected) in [
        ("whole", "1234", Some(Shows::Nothing)),
        ("perhaps a thousand with a point", "1.500", Some(Shows::Either)),
        ("perhaps a thousand with a comma", "12,500", Some(Shows::Either)),
        ("nothing before the sign is a thousand", "0.500", point),
        ("zero and a comma", "0,500", comma),
        ("one digit", "1,5", comma),
        ("two digits", "1.50", point),
        ("four digits", "1.5000", point),
        ("four digits before it", "1234,567", comma),
        ("two points", "1.234.567", comma),
        ("two commas", "1,234,567", point),
        ("both", "1.234,56", comma),
        ("both, English", "1,234.56", point),
        ("both, three decimals", "1.234,567", comma),
        ("Indian", "1,00,000", point),
        ("Indian with decimals", "12,34,567.5", point),
        ("Swiss", "1'234.50", point),
        ("Swiss, with another apostrophe", "1’234’567", Some(Shows::Nothing)),
        ("blanks", "1 234", Some(Shows::Nothing)),
        ("thin blanks", "1\u{2009}234,5", comma),
        ("narrow blanks", "1\u{202f}234\u{202f}567.25", point),
        ("blanks and three decimals", "1 234,567", comma),
        ("no digit before it", ".5", point),
        ("no digit behind it", "5,", comma),
        ("a date", "12.03.2024", None),
        ("a French phone number", "01.23.45.67.89", None),
        ("groups of two", "12 34", None),
        ("two kinds of groups", "1'234 567", None),
        ("a group of four", "1,2345,678", None),
        ("signs alone", ".", None),
        ("letters", "12a", None),
        ("nothing", "", None),
    ] {
        assert_eq!(shows(text), expected, "{case}: {text}");
    }
}

fn scaled(text: &str, decimal: Decimal, exponent: usize) -> Option<Result<(i64, bool), Misfit>> {
    Some(Numeral::of(text)?.value(decimal)?.scaled(exponent))
}

#[test]
fn values_are_scaled_exactly() {
    for (case, text, exponent, expected) in [
        ("cents", "1234.56", 2, Ok((123_456, false))),
        ("fewer decimals", "12.5", 2, Ok((1250, false))),
        ("zeros behind", "500.0000", 2, Ok((50_000, false))),
        ("three decimals", "1.234", 3, Ok((1234, false))),
        ("too many decimals", "1.234", 2, Err(Misfit::TooPrecise)),
        ("noise above", "99.90000000000001", 2, Ok((9990, true))),
        ("noise below", "99.89999999999999", 2, Ok((9990, true))),
        ("a third", "33.3333333333333", 2, Err(Misfit::TooPrecise)),
        ("too large", "92233720368547758.08", 2, Err(Misfit::TooLarge)),
        ("no digits before", ".5", 2, Ok((50, false))),
        ("zero", "0.00", 0, Ok((0, false))),
    ] {
        assert_eq!(scaled(text, Decimal::Point, exponent), Some(expected), "{case}: {text}");
    }
}

#[test]
fn values_have_a_plain_form() {
    let plain = |text: &str, decimal| Numeral::of(text).unwrap().value(decimal).unwrap().plain();
    assert_eq!(plain("1.500", Decimal::Comma), "1500");
    assert_eq!(plain("1.500", Decimal::Point), "1.5");
    assert_eq!(plain("007,10", Decimal::Comma), "7.1");
}

#[test]
fn scientific_notation_is_recognised() {
    for (text, expected) in [
        ("4,91705E+11", true),
        ("4.91705e+11", true),
        ("-1E-05", true),
        ("5E+10", true),
        ("1.2e5", true),
        ("12e5", false),
        ("E+5", false),
        ("1E", false),
        ("1e+", false),
        ("Model 1E+5", false),
        ("", false),
    ] {
        assert_eq!(is_scientific(text), expected, "{text}");
    }
}

#[test]
fn digits_of_other_scripts_become_ascii() {
    assert_eq!(in_ascii("１，２３４．５　円"), "1,234.5 円");
    assert_eq!(in_ascii("٣٫٥"), "3.5");
    assert_eq!(in_ascii("१२"), "12");
    assert!(matches!(in_ascii("12 €"), Cow::Borrowed(_)));
}

/// Writes a number of cents with groups.
fn grouped(whole: u64, mark: &str, indian: bool) -> String {
    let digits = whole.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        let left = digits.len() - n;
        let border = if indian { left == 3 || left > 3 && left % 2 == 1 } else { left.is_multiple_of(3) };
        if n > 0 && border {
            text.push_str(mark);
        }
        text.push(digit);
    }
    text
}

proptest! {
    #[test]
    fn what_is_written_is_read(whole in 0_u64..1_000_000_000_000, cents in 0_u64..100, notation in 0..9_usize) {
        let (mark, decimal, indian) = [
            ("", Decimal::Point, false), ("", Decimal::Comma, false), (",", Decimal::Point, false), (".", Decimal::Comma, false),
            (" ", Decimal::Comma, false), ("\u{202f}", Decimal::Comma, false), ("'", Decimal::Point, false), ("’", Decimal::Comma, false),
            (",", Decimal::Point, true),
        ][notation];
        let text = format!("{}{}{cents:02}", grouped(whole, mark, indian), decimal.as_str());
        prop_assert_eq!(shows(&text), Some(Shows::Only(decimal)), "{}", &text);
        let expected = i64::try_from(whole * 100 + cents).unwrap();
        prop_assert_eq!(scaled(&text, decimal, 2), Some(Ok((expected, false))), "{}", &text);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,30}", digits in "[0-9., ']{0,20}") {
        for text in [&text, &digits] {
            let numeral = Numeral::of(text);
            for decimal in Decimal::BOTH {
                if let Some(value) = numeral.as_ref().and_then(|numeral| numeral.value(decimal)) {
                    let _ = (value.scaled(2), value.float(), value.plain());
                }
            }
            let _ = (is_scientific(text), in_ascii(text));
        }
    }
}
