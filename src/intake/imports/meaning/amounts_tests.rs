use super::*;
use crate::intake::imports::meaning::numerals::Decimal;
use proptest::prelude::*;

fn read(text: &str, decimal: Decimal) -> Option<String> {
    let amount = WrittenAmount::of(text)?;
    let currency = match amount.currency {
        Some(Sign::Code(code)) => format!(" {code}"),
        Some(Sign::Shared(shared)) => format!(" {}", shared.sign),
        None => String::new(),
    };
    Some(format!("{}{currency}{}", amount.value(decimal)?.plain(), if amount.percent { " %" } else { "" }))
}

#[test]
fn amounts_are_read_in_every_dress() {
    let (point, comma) = (Decimal::Point, Decimal::Comma);
    for (case, text, decimal, expected) in [
        ("German", "1.234,56 €", comma, "1234.56 EUR"),
        ("English", "$1,234.56", point, "1234.56 $"),
        ("French", "1\u{202f}234,56\u{a0}€", comma, "1234.56 EUR"),
        ("Swiss", "Fr. 1'234.50", point, "1234.5 CHF"),
        ("Swiss, without a blank", "Fr.5.50", point, "5.5 CHF"),
        ("Swiss, without cents", "CHF 12.–", point, "12 CHF"),
        ("a dash for cents", "12,- €", comma, "12 EUR"),
        ("two dashes for cents", "12,-- EUR", comma, "12 EUR"),
        ("Swedish", "5:-", comma, "5 kr"),
        ("Danish", "kr. 1.234,00", comma, "1234 kr"),
        ("Indian", "₹1,00,000.50", point, "100000.5 INR"),
        ("Brazilian", "R$ 1.234,56", comma, "1234.56 BRL"),
        ("Russian", "1 234,56 руб.", comma, "1234.56 р"),
        ("Polish", "1 234,56 zł", comma, "1234.56 PLN"),
        ("Japanese", "¥5,000,000", point, "5000000 ¥"),
        ("Japanese, wide", "５，０００円", point, "5000 JPY"),
        ("code in front", "USD 1,234.56", point, "1234.56 USD"),
        ("code behind", "1234.56USD", point, "1234.56 USD"),
        ("sign and code", "$1,234.56 CAD", point, "1234.56 CAD"),
        ("brackets", "(1,234.56)", point, "-1234.56"),
        ("brackets around the currency", "($5.00)", point, "-5 $"),
        ("brackets behind the currency", "$(5.00)", point, "-5 $"),
        ("a minus in front", "-5,5", comma, "-5.5"),
        ("a minus before the currency", "-$5", point, "-5 $"),
        ("a minus behind the currency", "€ -5", point, "-5 EUR"),
        ("a typographic minus", "−5", point, "-5"),
        ("a minus at the end", "1.234,56-", comma, "-1234.56"),
        ("a minus before the currency at the end", "5,00- €", comma, "-5 EUR"),
        ("a plus", "+5", point, "5"),
        ("a percentage", "90 %", point, "90 %"),
        ("a wide percentage", "12.5％", point, "12.5 %"),
        ("a zero of accounting", " $ -   ", point, "0 $"),
        ("a zero of accounting, German", "-   € ", comma, "0 EUR"),
        ("no digit before the sign", "$.50", point, "0.5 $"),
        ("a direction mark", "\u{200e}5 €", point, "5 EUR"),
        ("Arabic digits", "٥٫٥", point, "5.5"),
    ] {
        assert_eq!(read(text, decimal).as_deref(), Some(expected), "{case}: {text}");
    }
}

#[test]
fn other_texts_are_no_amounts() {
    for text in [
        "",
        "-",
        "Model 5",
        "5 boats",
        "--5",
        "(5",
        "5)",
        "-5-",
        "-(5)",
        "€5 $",
        "5 EUR USD",
        "1.2.3",
        "12k",
        "5 % €",
        "4,9E+11",
        "NaN",
    ] {
        assert_eq!(read(text, Decimal::Point), None, "{text}");
        assert_eq!(read(text, Decimal::Comma), None, "{text}");
    }
}

proptest! {
    #[test]
    fn a_written_amount_is_read(cents in 0_i64..100_000_000, dress in 0..8_usize, comma: bool) {
        let decimal = if comma { Decimal::Comma } else { Decimal::Point };
        let number = format!("{}{}{:02}", cents / 100, decimal.as_str(), cents % 100);
        let (text, negative) = [
            (format!("{number} €"), false), (format!("€{number}"), false), (format!("EUR {number}"), false), (format!("-{number} EUR"), true),
            (format!("({number} €)"), true), (format!("{number}- €"), true), (format!("€ ({number})"), true), (format!("\u{a0}{number}\u{a0}€"), false),
        ][dress].clone();
        let amount = WrittenAmount::of(&text).unwrap();
        prop_assert_eq!(amount.currency, Some(Sign::Code("EUR")));
        let expected = if negative { -cents } else { cents };
        prop_assert_eq!(amount.value(decimal).unwrap().scaled(2), Ok((expected, false)), "{}", text);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}", odd in "[-0-9.,€$%() '+:]{0,20}") {
        for text in [&text, &odd] {
            if let Some(amount) = WrittenAmount::of(text) {
                let _ = (amount.numeral(), amount.value(Decimal::Comma));
            }
        }
    }
}
