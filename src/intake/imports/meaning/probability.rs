//! Probabilities: 0.9, 90 or 90 %, by what the whole column shows.
use crate::intake::imports::meaning::amounts::WrittenAmount;
use crate::intake::imports::meaning::doubt::{Choice, Doubt, Evidence, Read, Refusal, RefusalKind, Verdict, Witnesses};
use crate::intake::imports::meaning::numerals::Decimal;
use std::cmp::Ordering;

/// What 1 means in a column without percent signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// 1 is certain.
    One,
    /// 100 is certain.
    Hundred,
}

impl Scale {
    pub fn as_str(self) -> &'static str {
        match self {
            Scale::One => "one",
            Scale::Hundred => "hundred",
        }
    }

    pub fn parse(text: &str) -> Option<Scale> {
        [Scale::One, Scale::Hundred].into_iter().find(|scale| scale.as_str() == text)
    }
}

/// The numbers of a column, by what they show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScaleEvidence {
    fractions: Witnesses,
    ones: Witnesses,
    percents: Witnesses,
}

/// Compares a number with 1. A sign can only divide decimals, because no probability has thousands, so the smaller
/// reading of 0,500 and of 1.000 counts. Returns `None` for zero and for other texts.
fn compared(written: &WrittenAmount) -> Option<Ordering> {
    let numeral =
        written.numeral().filter(|_| written.currency.is_none() && !written.percent && !written.is_negative())?;
    let values = Decimal::BOTH.iter().filter_map(|decimal| numeral.value(*decimal));
    let (smallest, is_zero) = values.map(|value| (value.compared_with_one(), value.is_zero())).min()?;
    (!is_zero).then_some(smallest)
}

impl ScaleEvidence {
    pub fn note(&mut self, line: u64, text: &str, written: &WrittenAmount) {
        match compared(written) {
            Some(Ordering::Less) => self.fractions.add(line, text),
            Some(Ordering::Equal) => self.ones.add(line, text),
            Some(Ordering::Greater) => self.percents.add(line, text),
            None => {}
        }
    }

    /// Returns the scale of this column.
    pub fn decide(&self, given: Option<Scale>, column: &str) -> Verdict<Scale> {
        if let Some(given) = given {
            return Verdict::Decided(given);
        }
        match (self.fractions.is_empty(), self.percents.is_empty(), self.ones.is_empty()) {
            (false, true, _) => Verdict::Decided(Scale::One),
            (true, false, _) => Verdict::Decided(Scale::Hundred),
            (true, true, true) => Verdict::Decided(Scale::Hundred),
            (true, true, false) => Verdict::Guessed(Scale::One, self.doubt(Scale::One, column)),
            (false, false, _) => Verdict::Asked(Scale::Hundred, self.doubt(Scale::Hundred, column)),
        }
    }

    fn doubt(&self, guess: Scale, column: &str) -> Doubt {
        let mut choices = [
            Choice::new(Scale::One.as_str(), "1 is certain: 0.9 is 90 %"),
            Choice::new(Scale::Hundred.as_str(), "100 is certain: 0.9 is less than 1 %"),
        ];
        choices.sort_by_key(|choice| choice.value != guess.as_str());
        let of = |cells: &Witnesses, choice: Option<Scale>| -> Vec<Evidence> {
            cells.evidence(column, choice.map(Scale::as_str)).collect()
        };
        let parts =
            [of(&self.fractions, Some(Scale::One)), of(&self.ones, None), of(&self.percents, Some(Scale::Hundred))];
        Doubt {
            key: "probability_scale".to_owned(),
            question: format!("Which number in the column {column} means that a deal is certain?"),
            choices: choices.into(),
            evidence: parts.concat(),
        }
    }
}

/// Returns a probability in percent.
pub fn percent(text: &str, scale: Scale) -> Result<Read<i64>, Refusal> {
    let unreadable = || Refusal::new(RefusalKind::Unreadable, format!("{text} is not a probability"));
    let written = WrittenAmount::of(text).filter(|written| written.currency.is_none()).ok_or_else(unreadable)?;
    let values = || Decimal::BOTH.iter().filter_map(|decimal| written.value(*decimal));
    let value = values().min_by(|a, b| a.float().total_cmp(&b.float())).ok_or_else(unreadable)?;
    let exponent = if written.percent || scale == Scale::Hundred { 0 } else { 2 };
    let rounded = value.scaled(exponent).map(|(number, _)| number).or_else(|_| nearest(value.float(), exponent));
    let number = rounded.map_err(|()| unreadable())?;
    if (0..=100).contains(&number) {
        Ok(Read::plain(number))
    } else {
        Err(Refusal::new(RefusalKind::OutOfRange, format!("{text} is not a probability between 0 and 100 %")))
    }
}

/// Rounds to a whole percent: 33.3 is 33.
fn nearest(number: f64, exponent: usize) -> Result<i64, ()> {
    let scaled = if exponent == 0 { number } else { number * 100.0 };
    format!("{scaled:.0}").parse().map_err(|_| ())
}

#[cfg(test)]
#[path = "probability_tests.rs"]
mod tests;
