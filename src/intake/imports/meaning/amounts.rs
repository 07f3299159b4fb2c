//! Numbers with a sign, a currency or a percent sign: `(1,234.56) €`, `Fr. 12.–`, `90 %`.
use crate::intake::imports::meaning::currencies::Sign;
use crate::intake::imports::meaning::numerals::{self, Decimal, Numeral, Value};
use std::borrow::Cow;

/// More than any amount needs, in bytes.
const LONGEST: usize = 100;

/// Longer than every currency with its signs and blanks, in bytes.
const LONGEST_SIDE: usize = 50;

/// A number as it is written, divided into its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenAmount {
    /// Digits and marks. Empty for the dash that accounting formats write for zero.
    digits: String,
    negative: bool,
    pub currency: Option<Sign>,
    pub percent: bool,
}

impl WrittenAmount {
    pub fn of(text: &str) -> Option<WrittenAmount> {
        let text = text.trim();
        if text.is_empty() || text.len() > LONGEST {
            return None;
        }
        let text = visible(text);
        let is_digit = |c: char| c.is_ascii_digit();
        let Some((first, last)) = text.find(is_digit).zip(text.rfind(is_digit)) else { return zero(&text) };
        let (before, behind) = (text.get(..first)?, text.get(last + 1..)?);
        if before.len() > LONGEST_SIDE || behind.len() > LONGEST_SIDE {
            return None;
        }
        let (before, mark) = without_mark(before);
        let (before, behind) = (Before::of(before)?, Behind::of(behind)?);
        if before.bracket != behind.bracket || before.minus && (behind.minus || before.bracket) {
            return None;
        }
        let digits = format!("{mark}{}", text.get(first..=last)?);
        let negative = before.minus || before.bracket || behind.minus;
        let currency = one_of(before.currency, behind.currency)?;
        Some(WrittenAmount { digits, negative, currency, percent: behind.percent })
    }

    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// Returns the digits and marks; `None` for a dash.
    pub fn numeral(&self) -> Option<Numeral<'_>> {
        Numeral::of(&self.digits)
    }

    pub fn value(&self, decimal: Decimal) -> Option<Value> {
        if self.digits.is_empty() {
            return Numeral::of("0")?.value(decimal);
        }
        self.numeral()?.value(decimal).map(|value| value.negated(self.negative))
    }
}

/// Removes direction marks, and replaces digits of other scripts with ASCII.
fn visible(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}' | '\u{202a}'..='\u{202e}');
    let text = numerals::in_ascii(text);
    if text.contains(hidden) { Cow::Owned(text.chars().filter(|c| !hidden(*c)).collect()) } else { text }
}

/// Reads the dash that accounting formats write for zero, with a currency: `$ -`.
fn zero(text: &str) -> Option<WrittenAmount> {
    let rest = text.replace(is_dash, "");
    let dashes = text.chars().filter(|c| is_dash(*c)).count();
    let currency = Sign::of(&rest).filter(|_| (1..=2).contains(&dashes))?;
    Some(WrittenAmount { digits: String::new(), negative: false, currency: Some(currency), percent: false })
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Takes the decimal sign of `.5` off what is before the digits. The point of `Fr.5` stays.
fn without_mark(before: &str) -> (&str, &str) {
    let rest = before.strip_suffix(['.', ',']);
    match rest.filter(|_| Before::of(before).is_none()) {
        Some(rest) => (rest, before.get(rest.len()..).unwrap_or_default()),
        None => (before, ""),
    }
}

/// What is before the digits.
struct Before {
    minus: bool,
    bracket: bool,
    currency: Option<Sign>,
}

impl Before {
    fn of(text: &str) -> Option<Before> {
        let (mut minus, mut plus, mut brackets) = (0, 0, 0);
        let mut left = String::new();
        for c in text.chars() {
            match c {
                c if is_dash(c) => minus += 1,
                '+' => plus += 1,
                '(' => brackets += 1,
                '\'' if left.is_empty() => {}
                c => left.push(c),
            }
        }
        let currency = currency(&left)?;
        let fits = minus + plus <= 1 && brackets <= 1;
        fits.then_some(Before { minus: minus == 1, bracket: brackets == 1, currency })
    }
}

/// What is behind the digits.
struct Behind {
    minus: bool,
    bracket: bool,
    percent: bool,
    currency: Option<Sign>,
}

impl Behind {
    fn of(text: &str) -> Option<Behind> {
        let (text, whole) = without_empty_decimals(text);
        let (mut minus, mut brackets, mut percents) = (0, 0, 0);
        let mut left = String::new();
        for c in text.chars() {
            match c {
                c if is_dash(c) && !whole => minus += 1,
                ')' => brackets += 1,
                '%' => percents += 1,
                c => left.push(c),
            }
        }
        let currency = currency(left.trim_end_matches('.').trim()).or_else(|| currency(&left))?;
        let fits = minus <= 1 && brackets <= 1 && percents <= 1 && (percents == 0 || currency.is_none());
        fits.then_some(Behind { minus: minus == 1, bracket: brackets == 1, percent: percents == 1, currency })
    }
}

/// Takes off the dash that stands for missing decimals: `12,–`, `12.-` and `12:-`.
fn without_empty_decimals(text: &str) -> (&str, bool) {
    let rest = text.strip_prefix(['.', ',', ':']).map(|rest| rest.trim_start_matches(is_dash));
    match rest.filter(|rest| text.len() > rest.len() + 1) {
        Some("") if text.starts_with(':') => (text, true),
        Some(rest) => (rest, true),
        None => (text.strip_prefix(['.', ',']).filter(|rest| rest.trim().is_empty()).unwrap_or(text), false),
    }
}

/// Returns the currency in what is left of a side; no text is no currency, and another text is `None`.
fn currency(left: &str) -> Option<Option<Sign>> {
    let left = left.trim();
    if left.is_empty() { Some(None) } else { Sign::of(left).map(Some) }
}

/// Returns the currency of both sides: a code counts more than a sign. Two codes are `None`.
fn one_of(before: Option<Sign>, behind: Option<Sign>) -> Option<Option<Sign>> {
    match (before, behind) {
        (Some(Sign::Shared(shared)), Some(Sign::Code(code))) | (Some(Sign::Code(code)), Some(Sign::Shared(shared))) => {
            shared.codes.contains(&code).then_some(Some(Sign::Code(code)))
        }
        (Some(one), Some(other)) => (one == other).then_some(Some(one)),
        (one, other) => Some(one.or(other)),
    }
}

#[cfg(test)]
#[path = "amounts_tests.rs"]
mod tests;
