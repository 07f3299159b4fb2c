use super::*;
use proptest::prelude::*;

fn evidence(texts: &[&str]) -> DecimalEvidence {
    let mut evidence = DecimalEvidence::default();
    for (line, text) in (2..).zip(texts) {
        if let Some(amount) = WrittenAmount::of(text) {
            evidence.note(line, text, &amount);
        }
    }
    evidence
}

fn decided(texts: &[&str], country: &str) -> Verdict<Decimal> {
    decide(None, &[Named { column: "Amount", evidence: &evidence(texts) }], country)
}

#[test]
fn one_clear_number_decides() {
    for (case, texts, expected) in [
        ("a comma before two digits", vec!["1.500", "99,90"], Decimal::Comma),
        ("groups of three twice", vec!["1.500", "1.500.000"], Decimal::Comma),
        ("a point before two digits", vec!["1,500", "99.90"], Decimal::Point),
        ("Indian groups", vec!["1,00,000"], Decimal::Point),
        ("euros", vec!["1.234,56 €"], Decimal::Comma),
    ] {
        assert_eq!(decided(&texts, "US"), Verdict::Decided(expected), "{case}");
        assert_eq!(decided(&texts, "DE"), Verdict::Decided(expected), "{case}");
    }
}

#[test]
fn the_country_decides_with_a_warning() {
    let verdict = decided(&["1.500", "12.500", "980"], "DE");
    let Verdict::Guessed(Decimal::Comma, doubt) = verdict else { panic!("{verdict:?}") };
    assert_eq!(doubt.key, "decimal");
    assert_eq!(doubt.choices[0], Choice::new(",", "1.500 is 1500"));
    assert_eq!(doubt.choices[1], Choice::new(".", "1.500 is 1.5"));
    assert_eq!(
        doubt.evidence.iter().map(|e| (e.line, e.text.as_str())).collect::<Vec<_>>(),
        [(2, "1.500"), (3, "12.500")]
    );
    assert!(matches!(decided(&["1.500"], "US"), Verdict::Guessed(Decimal::Point, _)));
}

#[test]
fn a_currency_makes_thousands_likely() {
    assert!(matches!(decided(&["1.500 €", "980 €"], "US"), Verdict::Guessed(Decimal::Comma, _)));
    assert!(matches!(decided(&["$1,500"], "DE"), Verdict::Guessed(Decimal::Point, _)));
    assert!(matches!(decided(&["1.500 KWD"], "US"), Verdict::Guessed(Decimal::Point, _)), "it has three decimals");
    assert!(matches!(decided(&["1.500 €", "1,500 €"], "US"), Verdict::Guessed(Decimal::Point, _)), "both");
    assert_eq!(decided(&["1.500 €", "0.899 €"], "DE"), Verdict::Decided(Decimal::Point), "a clear number counts more");
}

#[test]
fn whole_numbers_need_no_decision() {
    assert_eq!(decided(&["1500", "1 500", "7"], "DE"), Verdict::Decided(Decimal::Comma));
    assert_eq!(decided(&[], "US"), Verdict::Decided(Decimal::Point));
}

#[test]
fn numbers_in_two_notations_are_a_question() {
    let verdict = decided(&["1,50", "2.50", "3.75"], "DE");
    let Verdict::Asked(Decimal::Point, doubt) = verdict else { panic!("{verdict:?}") };
    let cells: Vec<_> = doubt.evidence.iter().map(|e| (e.line, e.text.as_str(), e.choice.as_deref())).collect();
    assert_eq!(cells, [(3, "2.50", Some(".")), (4, "3.75", Some(".")), (2, "1,50", Some(","))]);
}

#[test]
fn a_setting_decides() {
    let evidence = evidence(&["1,50", "2.50"]);
    assert_eq!(
        decide(Some(Decimal::Comma), &[Named { column: "A", evidence: &evidence }], "US"),
        Verdict::Decided(Decimal::Comma)
    );
}

#[test]
fn dates_and_phone_numbers_say_nothing() {
    for text in ["12.03.2024", "01.23.45.67.89", "52.52000x", "+49 170 1234567"] {
        assert_eq!(evidence(&[text]), DecimalEvidence::default(), "{text}");
    }
}

proptest! {
    #[test]
    fn the_order_of_rows_does_not_matter(texts in proptest::collection::vec("[0-9]{1,3}[.,][0-9]{1,3}", 0..12), seed: u64) {
        let mut shuffled = texts.clone();
        shuffled.sort_by_key(|text| text.bytes().fold(seed, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte))));
        let verdict = |texts: &[String]| {
            let verdict = decided(&texts.iter().map(String::as_str).collect::<Vec<_>>(), "DE");
            (*verdict.value(), verdict.is_question(), verdict.doubt().is_some())
        };
        prop_assert_eq!(verdict(&texts), verdict(&shuffled));
    }
}
