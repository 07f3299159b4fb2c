use super::*;
use crate::intake::imports::meaning::date_evidence;
use crate::intake::imports::meaning::decimal_evidence;
use crate::intake::imports::meaning::doubt::Verdict;
use crate::intake::imports::meaning::numerals::Decimal;
use crate::intake::imports::meaning::serials::NumericDates;
use proptest::prelude::*;

fn column(cells: &[&str]) -> ColumnEvidence {
    let mut column = ColumnEvidence::default();
    (2..).zip(cells).for_each(|(line, cell)| column.note(line, cell));
    column
}

#[test]
fn columns_are_recognised_by_their_content() {
    for (case, cells, expected) in [
        ("e-mail addresses", vec!["a@x.example", "", "b@x.example; c@x.example"], Some(Kind::Emails)),
        ("phone numbers", vec!["+49 170 1234567", "040 12345678"], Some(Kind::Phone)),
        ("dates and times", vec!["2024-03-12", "2024-03-12 09:14"], Some(Kind::Moment)),
        ("amounts", vec!["1.234,56 €", "99,90", "5"], Some(Kind::Money)),
        ("domains", vec!["https://www.x.example/shop", "y.example"], Some(Kind::Domain)),
        ("numbers", vec!["1,5", "2"], Some(Kind::Number)),
        ("numbers and words", vec!["1", "two"], None),
        ("statuses", vec!["Won", "Lost", "Open"], Some(Kind::Status)),
        ("booleans", vec!["Ja", "Nein", "n/a"], Some(Kind::Boolean)),
        ("texts", vec!["Anna", "Hauptstr. 5\nHamburg"], Some(Kind::Text)),
        ("one other cell of eleven", vec!["a@x.example"; 10].into_iter().chain(["?x"]).collect(), Some(Kind::Emails)),
        ("nothing", vec!["", "-"], None),
    ] {
        assert_eq!(column(&cells).kind(), expected, "{case}");
    }
}

#[test]
fn cells_are_counted() {
    let column = column(&["a", "", "NULL", "#REF!", "n/a", "a", "b"]);
    assert_eq!((column.filled, column.empty), (3, 1));
    assert_eq!(column.nothing.get(&Nothing::Word), Some(&(2, "NULL".to_owned())));
    assert_eq!(column.nothing.get(&Nothing::Error), Some(&(1, "#REF!".to_owned())));
    assert_eq!(column.examples(), [Example { line: 2, text: "a".into() }, Example { line: 8, text: "b".into() }]);
}

#[test]
fn only_the_given_columns_decide() {
    let (dates, amounts) = (column(&["12.03.2024", "02.04.2024"]), column(&["1234,56", "99,90"]));
    let columns = [("amount", &amounts)];
    let verdict = decimal_evidence::decide(None, &parts(columns, |column| &column.decimals), "US");
    assert_eq!(verdict, Verdict::Decided(Decimal::Comma));
    assert_eq!(dates.decimals, DecimalEvidence::default());
    let verdict = date_evidence::decide(None, &parts([("created", &dates)], |column| &column.dates), "DE");
    assert!(verdict.doubt().is_none());
}

#[test]
fn numbers_and_empty_cells_can_be_dates() {
    assert_eq!(column(&["45363", "", "45364.5", "-"]).dates.numeric(false), Some(NumericDates::Days1900));
    assert_eq!(column(&["45363", "soon"]).dates.numeric(false), None);
}

#[test]
fn long_cells_are_kept_short() {
    let long = "x".repeat(10_000);
    let column = column(&[&long, &long]);
    assert_eq!(column.examples().len(), 1);
    assert_eq!(column.examples()[0].text.len(), LONGEST);
}

proptest! {
    /// What is decided and counted does not depend on the order of the rows.
    #[test]
    fn the_order_of_rows_does_not_matter(
        cells in proptest::collection::vec("(|n/a|[0-9]{1,4}[.,][0-9]{1,3}|[0-9]{1,2}/[0-9]{1,2}/2024|kr 5|Ja|[a-z]{3}@x.example)", 0..20),
        seed: u64,
    ) {
        let mut shuffled = cells.clone();
        shuffled.sort_by_key(|text| text.bytes().fold(seed, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte))));
        let of = |cells: &[String]| {
            let column = column(&cells.iter().map(String::as_str).collect::<Vec<_>>());
            let decimal = *decimal_evidence::decide(None, &parts([("a", &column)], |c| &c.decimals), "DE").value();
            let orders = *date_evidence::decide(None, &parts([("a", &column)], |c| &c.dates), "DE").value();
            (column.kind(), column.filled, column.empty, column.kinds, decimal, orders)
        };
        prop_assert_eq!(of(&cells), of(&shuffled));
    }

    #[test]
    fn no_cell_panics(cells in proptest::collection::vec("\\PC{0,60}", 0..20)) {
        let column = column(&cells.iter().map(String::as_str).collect::<Vec<_>>());
        let _ = (column.kind(), column.examples());
    }
}
