use super::*;
use proptest::prelude::*;

fn evidence(texts: &[&str]) -> ScaleEvidence {
    let mut evidence = ScaleEvidence::default();
    for (line, text) in (2..).zip(texts) {
        if let Some(written) = WrittenAmount::of(text) {
            evidence.note(line, text, &written);
        }
    }
    evidence
}

#[test]
fn the_column_shows_the_scale() {
    for (case, texts, expected) in [
        ("fractions", vec!["0.9", "1.0", "0.0"], "decided one"),
        ("fractions with commas", vec!["0,9", "0,25"], "decided one"),
        ("percent", vec!["90", "50", "1"], "decided hundred"),
        ("percent with decimals", vec!["33.3"], "decided hundred"),
        ("signs alone", vec!["90 %", "5 %"], "decided hundred"),
        ("zeros alone", vec!["0"], "decided hundred"),
        ("ones", vec!["1", "0"], "guessed one"),
        ("both", vec!["0.9", "90"], "asked hundred"),
        ("fractions of three digits", vec!["0.125", "1.000"], "decided one"),
        ("nothing", vec![], "decided hundred"),
    ] {
        let verdict = evidence(&texts).decide(None, "Probability");
        let sure = match &verdict {
            Verdict::Decided(_) => "decided",
            Verdict::Guessed(..) => "guessed",
            Verdict::Asked(..) => "asked",
        };
        assert_eq!(format!("{sure} {}", verdict.value().as_str()), expected, "{case}");
    }
    assert_eq!(evidence(&["0.9", "90"]).decide(Scale::parse("one"), "P"), Verdict::Decided(Scale::One));
}

#[test]
fn probabilities_become_percent() {
    for (text, scale, expected) in [
        ("0.9", Scale::One, Ok(90)),
        ("0,25", Scale::One, Ok(25)),
        ("1.0", Scale::One, Ok(100)),
        ("0", Scale::One, Ok(0)),
        ("0.333", Scale::One, Ok(33)),
        ("90", Scale::Hundred, Ok(90)),
        ("33.3", Scale::Hundred, Ok(33)),
        ("90 %", Scale::One, Ok(90)),
        ("90%", Scale::Hundred, Ok(90)),
        ("120", Scale::Hundred, Err(RefusalKind::OutOfRange)),
        ("2", Scale::One, Err(RefusalKind::OutOfRange)),
        ("-5", Scale::Hundred, Err(RefusalKind::OutOfRange)),
        ("high", Scale::Hundred, Err(RefusalKind::Unreadable)),
        ("90 €", Scale::Hundred, Err(RefusalKind::Unreadable)),
    ] {
        assert_eq!(percent(text, scale).map(|read| read.value).map_err(|refusal| refusal.kind), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn every_percent_is_read_back(number in 0..=100_i64) {
        let read = |text: &str, scale| percent(text, scale).map(|read| read.value);
        prop_assert_eq!(read(&number.to_string(), Scale::Hundred), Ok(number));
        prop_assert_eq!(read(&format!("{number} %"), Scale::One), Ok(number));
        prop_assert_eq!(read(&format!("{}.{:02}", number / 100, number % 100), Scale::One), Ok(number));
        prop_assert_eq!(read(&format!("{},{:02}", number / 100, number % 100), Scale::One), Ok(number));
    }
}
