use super::text;
use crate::intake::imports::reading::row::{CellKind, Row};
use crate::intake::imports::targets::Target;
use crate::kernel::bodies::shape::Cell as Member;

fn written(kind: CellKind, value: &str, shown: &str, target: &Target) -> String {
    let mut row = Row::default();
    row.push_shown(kind, value, shown);
    text(row.cell(0), target).into_owned()
}

fn member(cell: Member) -> Target {
    Target::Member("member".into(), cell)
}

#[test]
fn a_number_that_becomes_a_text_or_an_amount_is_written_as_it_is_shown() {
    assert_eq!(written(CellKind::Number, "1067", "01067", &member(Member::Text)), "01067");
    assert_eq!(written(CellKind::Number, "12500.5", "12500.5 €", &member(Member::Money)), "12500.5 €");
}

#[test]
fn a_number_that_becomes_a_number_is_written_without_its_format() {
    assert_eq!(written(CellKind::Number, "7", "007", &member(Member::Int)), "7");
}

#[test]
fn a_time_that_becomes_a_text_has_a_space() {
    let time = "2024-12-01T09:30:00";
    assert_eq!(written(CellKind::DateTime, time, "", &Target::CreatedAt), time);
    assert_eq!(written(CellKind::DateTime, time, "", &member(Member::Text)), "2024-12-01 09:30:00");
}
