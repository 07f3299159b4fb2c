//! The text of a cell for its target. The cells of a spreadsheet say themselves whether they are numbers or dates.
use crate::intake::imports::reading::row::{Cell, CellKind};
use crate::intake::imports::targets::Target;
use crate::kernel::bodies::shape::Cell as Member;
use std::borrow::Cow;

/// Returns the text of a cell for a target. A number that becomes a text, an amount or a probability is written as the
/// spreadsheet shows it: with its leading zeros, its currency or its percent sign.
pub fn text<'c>(cell: Cell<'c>, target: &Target) -> Cow<'c, str> {
    match cell.kind {
        CellKind::Number if !is_number(target) => Cow::Borrowed(cell.shown.unwrap_or(cell.text)),
        CellKind::DateTime if !is_date(target) => Cow::Owned(cell.text.replace('T', " ")),
        _ => Cow::Borrowed(cell.text),
    }
}

/// Checks for targets that need the plain number, such as 0.5 instead of 50 %.
fn is_number(target: &Target) -> bool {
    match target {
        Target::Member(member, Member::Int) => member != "probability_percent",
        Target::Custom(_) => true,
        _ => is_date(target),
    }
}

fn is_date(target: &Target) -> bool {
    matches!(
        target,
        Target::Member(_, Member::Date | Member::Time)
            | Target::Custom(_)
            | Target::CreatedAt
            | Target::ClosedAt
            | Target::Entered(_)
    )
}

#[cfg(test)]
#[path = "typed_tests.rs"]
mod tests;
