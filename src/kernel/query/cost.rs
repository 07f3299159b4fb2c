//! The cost of a list or a selection. A query that would occupy a thread for seconds is refused.
use crate::kernel::error::{FieldCode, FieldError};
use crate::kernel::fields::cond::{Cond, Op};
use crate::kernel::fields::field::FieldRef;

/// The maximum cost of all conditions of a list or a selection.
const COST_MAX: usize = 100;
/// The cost of a word or of a condition on parts of texts; every other condition costs 1.
const TEXT: usize = 5;
/// Queries that cost more run on the threads for searches.
const LIGHT: usize = 4;

impl Cond {
    pub fn cost(&self) -> usize {
        match self {
            Cond::All(list) | Cond::Any(list) => list.iter().map(Cond::cost).sum(),
            Cond::Not(cond) => cond.cost(),
            Cond::Is(FieldRef::Built(field), ..) | Cond::Empty(FieldRef::Built(field)) if field.beside => 0,
            Cond::Is(_, Op::Contains | Op::StartsWith, _) => TEXT,
            Cond::Mentions(_, words) => TEXT * words.len(),
            Cond::Among(_, _, cost) | Cond::Holds(_, cost) => *cost,
            Cond::Is(..) | Cond::Empty(_) | Cond::Carries(..) | Cond::Within(..) => 1,
        }
    }
}

/// Checks whether the conditions may be slow.
pub fn is_costly(conds: &[Cond]) -> bool {
    conds.iter().map(Cond::cost).sum::<usize>() > LIGHT
}

/// Adds up the cost of conditions.
#[derive(Debug, Default)]
pub struct Spent(usize);

impl Spent {
    /// Adds a condition; returns an error if the sum exceeds the limit.
    pub fn add(&mut self, cond: &Cond) -> Result<(), FieldError> {
        let before = self.0;
        self.0 += cond.cost();
        if before <= COST_MAX && self.0 > COST_MAX {
            let detail = format!(
                "exceeds the cost limit: contains and starts_with cost {TEXT} each, every other condition 1, and all \
                 conditions together at most {COST_MAX}"
            );
            return Err(FieldError::new(FieldCode::TooLong, detail).within(None, i64::try_from(COST_MAX).ok()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::samples::{BOAT, refusal};
    use crate::kernel::values::typed::Values;

    #[test]
    fn conditions_have_a_cost() {
        let of = |name: &str| FieldRef::from(BOAT.get(name).unwrap());
        let text = |op| Cond::Is(of("name"), op, Values::Text(vec!["a".into()]));
        let empty = || Cond::Empty(of("hull"));
        let words = |pieces: &[&str]| {
            Cond::Mentions(BOAT.search.as_ref().unwrap(), pieces.iter().map(|piece| (*piece).to_owned()).collect())
        };
        for (case, cond, expected) in [
            ("a value", text(Op::Eq), 1),
            ("a part of a text", text(Op::Contains), 5),
            ("the beginning of a text", text(Op::StartsWith), 5),
            ("empty", empty(), 1),
            ("three words", words(&["a", "b", "c"]), 15),
            ("a denial", !text(Op::Contains), 5),
            ("all of three", Cond::All(vec![text(Op::Eq), empty(), text(Op::Contains)]), 7),
            ("any of two", Cond::Any(vec![text(Op::Contains), text(Op::Contains)]), 10),
            ("nothing", Cond::All(vec![]), 0),
        ] {
            assert_eq!(cond.cost(), expected, "{case}");
        }
        let four = || vec![empty(), empty(), empty(), empty()];
        assert!(!is_costly(&four()), "four values");
        assert!(is_costly(&[four(), vec![empty()]].concat()), "five values");
    }

    #[test]
    fn exceeding_the_cost_limit_is_reported_once() {
        let empty = Cond::Empty(FieldRef::from(BOAT.get("hull").unwrap()));
        let mut spent = Spent::default();
        for n in 1..=100 {
            assert!(spent.add(&empty).is_ok(), "condition {n}");
        }
        assert_eq!(refusal(&spent.add(&empty).unwrap_err()).trim(), "too_long");
        assert!(spent.add(&empty).is_ok(), "the one after is not refused again");
    }
}
