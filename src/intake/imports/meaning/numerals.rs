//! Decimal numbers in the notation of any country: digits with group marks and a decimal sign.
use std::borrow::Cow;
use std::cmp::Ordering;

/// The decimal sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decimal {
    Point,
    Comma,
}

impl Decimal {
    pub const BOTH: [Decimal; 2] = [Decimal::Point, Decimal::Comma];

    pub fn as_str(self) -> &'static str {
        match self {
            Decimal::Point => ".",
            Decimal::Comma => ",",
        }
    }

    pub fn parse(text: &str) -> Option<Decimal> {
        Decimal::BOTH.into_iter().find(|decimal| decimal.as_str() == text)
    }

    pub fn other(self) -> Decimal {
        match self {
            Decimal::Point => Decimal::Comma,
            Decimal::Comma => Decimal::Point,
        }
    }

    fn mark(self) -> Mark {
        match self {
            Decimal::Point => Mark::Point,
            Decimal::Comma => Mark::Comma,
        }
    }
}

/// A mark between digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Point,
    Comma,
    Apostrophe,
    Space,
}

impl Mark {
    fn of(c: char) -> Option<Mark> {
        Some(match c {
            '.' => Mark::Point,
            ',' => Mark::Comma,
            '\'' | '\u{2018}' | '\u{2019}' | '\u{2bc}' | '\u{b4}' | '`' => Mark::Apostrophe,
            c if c.is_whitespace() => Mark::Space,
            _ => return None,
        })
    }
}

/// More characters than any number that is stored.
const LONGEST: usize = 64;

/// A number as it is written, without sign and unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numeral<'t> {
    /// The digits before the first mark, and those behind each mark.
    first: &'t str,
    rest: Vec<(Mark, &'t str)>,
}

/// What the notation of a number shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// Both decimal signs give the same number.
    Nothing,
    /// Only one decimal sign gives a number.
    Only(Decimal),
    /// Both give a number, but not the same: 1.500.
    Either,
}

impl<'t> Numeral<'t> {
    /// Divides a text of digits and marks. Other texts are no numerals.
    pub fn of(text: &'t str) -> Option<Numeral<'t>> {
        if text.len() > LONGEST {
            return None;
        }
        let end = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (first, mut left) = text.split_at(end(text));
        let mut rest = Vec::new();
        while let Some(c) = left.chars().next() {
            let mark = Mark::of(c)?;
            left = left.get(c.len_utf8()..)?;
            let (digits, behind) = left.split_at(end(left));
            rest.push((mark, digits));
            left = behind;
        }
        let numeral = Numeral { first, rest };
        numeral.has_digits().then_some(numeral)
    }

    fn has_digits(&self) -> bool {
        !self.first.is_empty() || self.rest.iter().any(|(_, digits)| !digits.is_empty())
    }

    /// Checks whether this is a number if `decimal` divides the decimals.
    fn fits(&self, decimal: Decimal) -> bool {
        let groups = self.groups(decimal);
        let Some((mark, _)) = groups.first() else { return !self.first.is_empty() || !self.rest.is_empty() };
        let alike = groups.iter().all(|(other, _)| other == mark && *mark != decimal.mark());
        let first = (1..=3).contains(&self.first.len()) && !(self.first.starts_with('0'));
        alike && first && (in_threes(groups) || *mark == Mark::Comma && self.is_indian(groups))
    }

    /// The groups behind the first one.
    fn groups(&self, decimal: Decimal) -> &[(Mark, &'t str)] {
        match self.rest.split_last() {
            Some(((mark, _), groups)) if *mark == decimal.mark() => groups,
            _ => &self.rest,
        }
    }

    /// Checks for groups of two before the last three digits: 1,00,000.
    fn is_indian(&self, groups: &[(Mark, &str)]) -> bool {
        let Some(((_, last), before)) = groups.split_last() else { return false };
        self.first.len() <= 2
            && last.len() == 3
            && !before.is_empty()
            && before.iter().all(|(_, group)| group.len() == 2)
    }

    pub fn shows(&self) -> Option<Shows> {
        match (self.fits(Decimal::Point), self.fits(Decimal::Comma)) {
            (true, true) if self.has_sign() => Some(Shows::Either),
            (true, true) => Some(Shows::Nothing),
            (true, false) => Some(Shows::Only(Decimal::Point)),
            (false, true) => Some(Shows::Only(Decimal::Comma)),
            (false, false) => None,
        }
    }

    fn has_sign(&self) -> bool {
        self.last_sign().is_some()
    }

    /// Returns the last point or comma.
    pub fn last_sign(&self) -> Option<Decimal> {
        self.rest.iter().rev().find_map(|(mark, _)| Decimal::BOTH.into_iter().find(|decimal| decimal.mark() == *mark))
    }

    /// Returns the value with this decimal sign.
    pub fn value(&self, decimal: Decimal) -> Option<Value> {
        if !self.fits(decimal) {
            return None;
        }
        let groups = self.groups(decimal);
        let fraction = self.rest.get(groups.len()).map_or("", |(_, digits)| *digits);
        let mut whole = self.first.to_owned();
        groups.iter().for_each(|(_, group)| whole.push_str(group));
        Some(Value { negative: false, whole, fraction: fraction.to_owned() })
    }
}

fn in_threes(groups: &[(Mark, &str)]) -> bool {
    groups.iter().all(|(_, group)| group.len() == 3)
}

/// A decimal number, as digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    negative: bool,
    whole: String,
    fraction: String,
}

/// A number with more decimals than wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    TooPrecise,
    TooLarge,
}

/// From this number of decimals on, zeros and nines at the end are noise of binary fractions.
const NOISE: usize = 9;

impl Value {
    #[must_use]
    pub fn negated(self, negative: bool) -> Value {
        Value { negative, ..self }
    }

    /// Returns the number multiplied by ten to the power of `exponent`, with `true` if it was rounded because of binary
    /// noise.
    pub fn scaled(&self, exponent: usize) -> Result<(i64, bool), Misfit> {
        let fraction = self.fraction.trim_end_matches('0');
        let (kept, lost) = fraction.split_at(exponent.min(fraction.len()));
        let up = match lost {
            "" => None,
            _ if fraction.len() < NOISE => return Err(Misfit::TooPrecise),
            lost => Some(noise(lost).ok_or(Misfit::TooPrecise)?),
        };
        let digits = format!("{}{kept:0<exponent$}", self.whole);
        let number: i64 = digits.parse().or(if digits.is_empty() { Ok(0) } else { Err(Misfit::TooLarge) })?;
        let number = number.checked_add(i64::from(up == Some(true))).ok_or(Misfit::TooLarge)?;
        Ok((if self.negative { -number } else { number }, up.is_some()))
    }

    /// Returns the number with up to 17 significant digits.
    pub fn float(&self) -> f64 {
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{}.{}", zero_if_empty(&self.whole), zero_if_empty(&self.fraction)).parse().unwrap_or(0.0)
    }

    /// Returns the digits with a point, and a fraction without zeros at its end.
    pub fn plain(&self) -> String {
        let whole = zero_if_empty(self.whole.trim_start_matches('0'));
        let (sign, fraction) = (if self.negative { "-" } else { "" }, self.fraction.trim_end_matches('0'));
        if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }

    pub fn is_zero(&self) -> bool {
        !self.whole.contains(|c| c != '0') && !self.has_fraction()
    }

    fn has_fraction(&self) -> bool {
        self.fraction.contains(|c| c != '0')
    }

    /// Compares the digits with 1, whatever the sign.
    pub fn compared_with_one(&self) -> Ordering {
        match self.whole.trim_start_matches('0') {
            "" => Ordering::Less,
            "1" if !self.has_fraction() => Ordering::Equal,
            _ => Ordering::Greater,
        }
    }
}

fn zero_if_empty(digits: &str) -> &str {
    if digits.is_empty() { "0" } else { digits }
}

/// Checks whether the lost digits are nearly nothing, or nearly one. Returns `true` for one.
fn noise(lost: &str) -> Option<bool> {
    let head = lost.get(..lost.len().saturating_sub(2).max(1))?;
    let all = |digit: char| head.chars().all(|c| c == digit);
    if head.len() < 5 {
        None
    } else if all('0') {
        Some(false)
    } else {
        all('9').then_some(true)
    }
}

/// Checks for a number in scientific notation: 4,91705E+11.
pub fn is_scientific(text: &str) -> bool {
    let text = text.trim().trim_start_matches(['-', '+', '\u{2212}']);
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let signed = exponent.strip_prefix(['+', '-']);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    // 12e5 without a sign can be an id, but 1.2e5 cannot.
    let sure = signed.is_some() || mantissa.contains(['.', ',']);
    sure && digits(whole) && digits(fraction) && digits(signed.unwrap_or(exponent)) && exponent.len() <= 4
}

/// Replaces digits of other scripts and their marks with ASCII.
pub fn in_ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.chars().any(is_foreign) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(ascii).collect())
}

fn is_foreign(c: char) -> bool {
    matches!(c, '\u{ff01}'..='\u{ff5e}' | '\u{660}'..='\u{66c}' | '\u{6f0}'..='\u{6f9}' | '\u{966}'..='\u{96f}' | '\u{3000}')
}

fn ascii(c: char) -> char {
    let digit = |zero: u32| char::from_digit(u32::from(c).wrapping_sub(zero), 10);
    match c {
        '\u{660}'..='\u{669}' => digit(0x660).unwrap_or(c),
        '\u{6f0}'..='\u{6f9}' => digit(0x6f0).unwrap_or(c),
        '\u{966}'..='\u{96f}' => digit(0x966).unwrap_or(c),
        '\u{66b}' => '.',
        '\u{66c}' => ',',
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    }
}

#[cfg(test)]
#[path = "numerals_tests.rs"]
mod tests;
