//! The decimal sign of a file, from the numbers in its columns.
use crate::intake::imports::meaning::amounts::WrittenAmount;
use crate::intake::imports::meaning::doubt::{Choice, Doubt, Evidence, Named, Verdict, Witnesses};
use crate::intake::imports::meaning::numerals::{Decimal, Shows};
use crate::intake::imports::meaning::regions;

/// The numbers of a column, by what they show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecimalEvidence {
    point: Witnesses,
    comma: Witnesses,
    either: Witnesses,
    /// Numbers of `either` with a currency of at most two decimals, by the decimal sign that makes them thousands.
    thousands: [u64; 2],
}

impl DecimalEvidence {
    pub fn note(&mut self, line: u64, text: &str, amount: &WrittenAmount) {
        match amount.numeral().and_then(|numeral| numeral.shows()) {
            Some(Shows::Only(Decimal::Point)) => self.point.add(line, text),
            Some(Shows::Only(Decimal::Comma)) => self.comma.add(line, text),
            Some(Shows::Either) => {
                self.either.add(line, text);
                self.note_thousands(amount);
            }
            Some(Shows::Nothing) | None => {}
        }
    }

    /// Three decimals are too many for most currencies, so the sign in 1.500 € rather divides the thousands.
    fn note_thousands(&mut self, amount: &WrittenAmount) {
        let [point, comma] = &mut self.thousands;
        let mark = amount.currency.filter(|sign| sign.exponent() < 3).and_then(|_| amount.numeral()?.last_sign());
        match mark {
            Some(Decimal::Point) => *comma += 1,
            Some(Decimal::Comma) => *point += 1,
            None => {}
        }
    }

    fn of(&self, decimal: Decimal) -> &Witnesses {
        match decimal {
            Decimal::Point => &self.point,
            Decimal::Comma => &self.comma,
        }
    }
}

/// Returns the decimal sign of the mapped columns with numbers.
pub fn decide(given: Option<Decimal>, columns: &[Named<'_, DecimalEvidence>], country: &str) -> Verdict<Decimal> {
    if let Some(given) = given {
        return Verdict::Decided(given);
    }
    let usual = regions::decimal(country);
    let count = |decimal: Decimal| columns.iter().map(|c| c.evidence.of(decimal).count).sum::<u64>();
    let doubtful = columns.iter().any(|c| !c.evidence.either.is_empty());
    match (count(Decimal::Point), count(Decimal::Comma)) {
        (0, 0) if doubtful => {
            let guess = thousands(columns).unwrap_or(usual);
            Verdict::Guessed(guess, doubt(guess, columns))
        }
        (0, 0) => Verdict::Decided(usual),
        (_, 0) => Verdict::Decided(Decimal::Point),
        (0, _) => Verdict::Decided(Decimal::Comma),
        (points, commas) => {
            let more = match points.cmp(&commas) {
                std::cmp::Ordering::Less => Decimal::Comma,
                std::cmp::Ordering::Equal => usual,
                std::cmp::Ordering::Greater => Decimal::Point,
            };
            Verdict::Asked(more, doubt(more, columns))
        }
    }
}

/// Returns the decimal sign with which all numbers with a currency are thousands.
fn thousands(columns: &[Named<'_, DecimalEvidence>]) -> Option<Decimal> {
    let sum = |of: fn([u64; 2]) -> u64| columns.iter().map(|c| of(c.evidence.thousands)).sum::<u64>();
    match (sum(|[point, _]| point), sum(|[_, comma]| comma)) {
        (1.., 0) => Some(Decimal::Point),
        (0, 1..) => Some(Decimal::Comma),
        _ => None,
    }
}

fn doubt(guess: Decimal, columns: &[Named<'_, DecimalEvidence>]) -> Doubt {
    let mut evidence: Vec<Evidence> = Vec::new();
    for Named { column, evidence: numbers } in columns {
        for decimal in Decimal::BOTH {
            evidence.extend(numbers.of(decimal).evidence(column, Some(decimal.as_str())));
        }
        evidence.extend(numbers.either.evidence(column, None));
    }
    let doubtful = evidence.iter().find(|e| e.choice.is_none()).or(evidence.first()).map(|e| e.text.clone());
    let mut choices = Decimal::BOTH.map(|decimal| Choice::new(decimal.as_str(), meaning(decimal, doubtful.as_deref())));
    choices.sort_by_key(|choice| choice.value != guess.as_str());
    Doubt {
        key: "decimal".to_owned(),
        question: "Which sign divides the decimals of numbers?".to_owned(),
        choices: choices.into(),
        evidence,
    }
}

/// Returns what the first doubtful number would be.
fn meaning(decimal: Decimal, text: Option<&str>) -> String {
    let value = text.and_then(WrittenAmount::of).and_then(|amount| amount.value(decimal));
    match (text, value) {
        (Some(text), Some(value)) => format!("{text} is {}", value.plain()),
        (Some(text), None) => format!("{text} is not a number"),
        (None, _) => String::new(),
    }
}

#[cfg(test)]
#[path = "decimal_evidence_tests.rs"]
mod tests;
