use super::*;
use crate::intake::imports::meaning::serials;
use proptest::prelude::*;

fn evidence(texts: &[&str]) -> DateEvidence {
    let mut evidence = DateEvidence::default();
    for (line, text) in (2..).zip(texts) {
        evidence.note(line, text, Written::of(text).as_ref(), serials::serial(text));
    }
    evidence
}

fn decided(columns: &[(&str, &[&str])], country: &str) -> Verdict<FileOrders> {
    let all: Vec<(&str, DateEvidence)> = columns.iter().map(|(name, texts)| (*name, evidence(texts))).collect();
    let named: Vec<_> = all.iter().map(|(column, evidence)| Named { column, evidence }).collect();
    decide(None, &named, country)
}

/// Returns the decision in a short form: the order of dates without points, and how sure it is.
fn short(verdict: &Verdict<FileOrders>, dotted: bool) -> (&'static str, &'static str, &'static str) {
    let orders = if dotted { verdict.value().dotted } else { verdict.value().other };
    let sure = match verdict {
        Verdict::Decided(_) => "decided",
        Verdict::Guessed(..) => "guessed",
        Verdict::Asked(..) => "asked",
    };
    (orders.long.order().as_str(), orders.short.as_str(), sure)
}

#[test]
fn all_columns_together_decide_the_order() {
    for (case, columns, country, expected) in [
        (
            "one column shows it for the other",
            vec![("Created", vec!["1/13/2024", "2/5/2024"]), ("Closed", vec!["4/3/2024"])],
            "DE",
            ("mdy", "mdy", "decided"),
        ),
        ("day first in the US", vec![("Created", vec!["13/1/2024", "2/5/2024"])], "US", ("dmy", "dmy", "decided")),
        ("ambiguous in Germany", vec![("Created", vec!["01/02/2024"])], "DE", ("dmy", "dmy", "guessed")),
        ("ambiguous in the US", vec![("Created", vec!["01/02/2024"])], "US", ("mdy", "mdy", "guessed")),
        ("ISO", vec![("Created", vec!["2024-01-02"])], "US", ("mdy", "mdy", "decided")),
        ("no dates", vec![], "GB", ("dmy", "dmy", "decided")),
        ("short years", vec![("Created", vec!["20-10-16", "01-03-17"])], "DE", ("dmy", "dmy", "decided")),
        ("short years in front, unusual", vec![("Created", vec!["99-10-16"])], "DE", ("dmy", "ymd", "decided")),
        ("short years in Japan", vec![("Created", vec!["24/03/12"])], "JP", ("mdy", "ymd", "guessed")),
        (
            "a short year shows it for long years",
            vec![("A", vec!["12/31/20"]), ("B", vec!["01/02/2020"])],
            "DE",
            ("mdy", "mdy", "decided"),
        ),
    ] {
        let columns: Vec<(&str, &[&str])> = columns.iter().map(|(name, texts)| (*name, texts.as_slice())).collect();
        assert_eq!(short(&decided(&columns, country), false), expected, "{case}");
    }
}

#[test]
fn points_mean_the_day_first() {
    for (case, texts, country, expected) in [
        ("in Germany", vec!["01.02.2024"], "DE", ("dmy", "dmy", "decided")),
        ("in Germany, short", vec!["01.02.24"], "DE", ("dmy", "dmy", "decided")),
        ("in the US", vec!["01.02.2024"], "US", ("dmy", "dmy", "guessed")),
        ("in the US, clear", vec!["13.02.2024"], "US", ("dmy", "dmy", "decided")),
        ("with the month first", vec!["02.13.2024"], "DE", ("mdy", "mdy", "decided")),
        ("in Hungary", vec!["24.02.13"], "HU", ("dmy", "ymd", "decided")),
    ] {
        assert_eq!(short(&decided(&[("Created", &texts)], country), true), expected, "{case}");
    }
    let both = decided(&[("A", &["13.02.2024"]), ("B", &["03/04/2024"])], "US");
    assert_eq!(short(&both, false), ("dmy", "dmy", "decided"), "points show it for slashes");
    let both = decided(&[("A", &["01.02.2024"]), ("B", &["3/27/2024"])], "DE");
    assert_eq!(short(&both, true), ("dmy", "dmy", "decided"), "slashes do not show it for points");
}

#[test]
fn a_guess_says_what_it_means() {
    let verdict = decided(&[("Created", &["03/04/2024"])], "US");
    let doubt = verdict.doubt().unwrap();
    assert_eq!(doubt.key, "date_order");
    assert_eq!(
        doubt.choices,
        [Choice::new("mdy", "03/04/2024 is 2024-03-04"), Choice::new("dmy", "03/04/2024 is 2024-04-03")]
    );
    assert_eq!(doubt.evidence.len(), 1);
    assert_eq!((doubt.evidence[0].column.as_str(), doubt.evidence[0].line), ("Created", 2));
}

#[test]
fn a_contradiction_is_a_question() {
    let verdict = decided(&[("Created", &["1/13/2024", "2/14/2024", "13/2/2024", "01/02/2024"])], "DE");
    assert_eq!(short(&verdict, false), ("mdy", "mdy", "asked"), "the order of most dates is the best guess");
    let doubt = verdict.doubt().unwrap();
    assert_eq!(doubt.choices.iter().map(|c| c.value.as_str()).collect::<Vec<_>>(), ["mdy", "dmy"]);
    let mut cells: Vec<_> = doubt.evidence.iter().map(|e| (e.line, e.choice.as_deref())).collect();
    cells.sort_unstable();
    assert_eq!(cells, [(2, Some("mdy")), (3, Some("mdy")), (4, Some("dmy")), (5, None)]);
}

#[test]
fn columns_with_different_orders_can_keep_them() {
    let columns: [(&str, &[&str]); 2] = [("Created", &["1/13/2024"]), ("Closed", &["13/2/2024"])];
    let verdict = decided(&columns, "DE");
    assert!(verdict.is_question());
    assert_eq!(verdict.doubt().unwrap().choices[0].value, PER_COLUMN);
    assert_eq!(short(&decided(&columns[..1], "DE"), false).0, "mdy");
    assert_eq!(short(&decided(&columns[1..], "DE"), false).0, "dmy");
}

#[test]
fn a_setting_decides() {
    let dates = evidence(&["1/13/2024", "13/1/2024"]);
    let columns = [Named { column: "A", evidence: &dates }];
    let verdict = decide(DateOrder::parse("mdy"), &columns, "DE");
    assert_eq!(short(&verdict, false), ("mdy", "mdy", "decided"));
    assert_eq!(DateOrder::parse("per_column"), Some(DateOrder::PerColumn));
    assert_eq!(DateOrder::parse("iso"), None);
}

#[test]
fn a_column_of_numbers_is_one_of_dates() {
    for (case, texts, expected) in [
        ("days", vec!["45363", "45364.5"], Some(NumericDates::Days1900)),
        ("seconds", vec!["1710234873"], Some(NumericDates::UnixSeconds)),
        ("milliseconds", vec!["1710234873250"], Some(NumericDates::UnixMillis)),
        ("days and a date", vec!["45363", "2024-03-12"], None),
        ("days and a word", vec!["45363", "soon"], None),
        ("days and seconds", vec!["45363", "1710234873"], None),
        ("nothing", vec![], None),
    ] {
        assert_eq!(evidence(&texts).numeric(false), expected, "{case}");
    }
    assert_eq!(evidence(&["45363"]).numeric(true), Some(NumericDates::Days1904));
}

proptest! {
    #[test]
    fn the_order_of_rows_does_not_matter(texts in proptest::collection::vec("[0-9]{1,2}[./][0-9]{1,2}[./](20)?[0-9]{2}", 0..12), seed: u64) {
        let mut shuffled = texts.clone();
        shuffled.sort_by_key(|text| text.bytes().fold(seed, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte))));
        let verdict = |texts: &[String]| {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let verdict = decided(&[("A", &texts)], "DE");
            (short(&verdict, true), short(&verdict, false))
        };
        prop_assert_eq!(verdict(&texts), verdict(&shuffled));
    }

    /// A decision that is not a guess reads every date of the file as it was meant.
    #[test]
    fn decided_dates_are_right(days in proptest::collection::vec(730_000..745_000_i32, 1..30), month_first: bool, country in "(DE|US|JP)") {
        use chrono::NaiveDate;
        let days: Vec<NaiveDate> = days.into_iter().map(|days| NaiveDate::from_num_days_from_ce_opt(days).unwrap()).collect();
        let format = if month_first { "%m/%d/%Y" } else { "%d/%m/%Y" };
        let texts: Vec<String> = days.iter().map(|day| day.format(format).to_string()).collect();
        let verdict = decided(&[("A", &texts.iter().map(String::as_str).collect::<Vec<_>>())], &country);
        prop_assert!(!verdict.is_question());
        if let Verdict::Decided(orders) = verdict {
            for (day, text) in days.iter().zip(&texts) {
                let Some(WrittenDay::Numbers(triple)) = Written::of(text).map(|w| w.day) else { panic!("{text}") };
                prop_assert_eq!(triple.sample(orders.of(&triple).order_of(&triple)), Some(*day), "{}", text);
            }
        }
    }
}
