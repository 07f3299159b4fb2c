//! Number formats of spreadsheets, and the dates that they make of numbers.
use crate::intake::imports::reading::row::{CellKind, Row};
use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};

/// How a format shows a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    Plain,
    Date,
    DateTime,
    Time,
    Percent,
    /// The currency sign or code of the format.
    Money(String),
    /// Leading zeros up to this number of digits.
    Padded(usize),
}

/// The day from which a workbook counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epoch {
    Y1900,
    Y1904,
}

/// The last day of the year 9999, in days since 1900.
const LAST_DAY: f64 = 2_958_466.0;
/// Whole numbers below this are exact.
const WHOLE: f64 = 9_007_199_254_740_992.0;
const DAY_SECONDS: f64 = 86_400.0;

impl Format {
    /// Returns a format that has a number instead of a code.
    pub fn builtin(id: u32) -> Format {
        match id {
            9 | 10 => Format::Percent,
            14..=17 | 27..=31 | 34..=36 | 50..=54 | 57 | 58 => Format::Date,
            18..=21 | 32 | 33 | 45..=47 | 55 | 56 => Format::Time,
            22 => Format::DateTime,
            _ => Format::Plain,
        }
    }

    /// Returns the format with a code such as `dd.mm.yyyy hh:mm` or `#,##0.00 [$€-407]`.
    pub fn parse(code: &str) -> Format {
        let section = first_section(code);
        let parts = Parts::of(section);
        if let Some(format) = parts.date() {
            return format;
        }
        if parts.tokens.contains('%') {
            return Format::Percent;
        }
        if let Some(sign) = parts.currency() {
            return Format::Money(sign);
        }
        let zeros = parts.tokens.trim();
        if zeros.len() > 1 && zeros.bytes().all(|byte| byte == b'0') {
            Format::Padded(zeros.len())
        } else {
            Format::Plain
        }
    }

    /// Adds a number to a row as this format shows it. What is no number becomes a text.
    pub fn push(&self, row: &mut Row, written: &str, epoch: Epoch) {
        let written = written.trim();
        if *self == Format::Plain && is_plain(written) {
            return row.push(CellKind::Number, written);
        }
        let Ok(value) = written.parse::<f64>() else { return row.push(CellKind::Text, written) };
        let dated = match self {
            Format::Date | Format::DateTime | Format::Time => moment(value, self, epoch),
            _ => None,
        };
        if let Some((kind, text)) = dated {
            return row.push(kind, &text);
        }
        let text = if is_plain(written) { written.to_owned() } else { number_text(value) };
        let shown = match self {
            Format::Percent => format!("{}%", number_text(value * 100.0)),
            Format::Money(sign) => format!("{text} {sign}"),
            Format::Padded(digits) if text.len() < *digits && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                format!("{text:0>digits$}", digits = *digits)
            }
            _ => String::new(),
        };
        row.push_shown(CellKind::Number, &text, &shown);
    }
}

/// Whether a number needs no rounding and has no exponent. Long whole numbers are ids, which must keep their digits.
pub fn is_plain(written: &str) -> bool {
    let digits = written.strip_prefix('-').unwrap_or(written);
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let whole_is_plain = |whole: &str| all_digits(whole) && (!whole.starts_with('0') || whole == "0");
    match digits.split_once('.') {
        None => whole_is_plain(digits) && digits.len() <= 30 && written != "-0",
        Some((whole, fraction)) => {
            whole_is_plain(whole) && all_digits(fraction) && !fraction.ends_with('0') && digits.len() <= 16
        }
    }
}

/// The part of a code for positive numbers.
fn first_section(code: &str) -> &str {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in code.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => return code.get(..at).unwrap_or(code),
            _ => {}
        }
    }
    code
}

/// The parts of a format code.
#[derive(Debug, Default)]
struct Parts {
    /// What stands outside of quotes and brackets, in lower case.
    tokens: String,
    quoted: String,
    brackets: Vec<String>,
}

impl Parts {
    fn of(section: &str) -> Parts {
        let (mut parts, mut chars) = (Parts::default(), section.chars());
        while let Some(c) = chars.next() {
            match c {
                '"' => parts.quoted.extend(chars.by_ref().take_while(|c| *c != '"')),
                '\\' => parts.quoted.extend(chars.next()),
                // The width or the repetition of the next character.
                '_' | '*' => {
                    chars.next();
                }
                '[' => parts.brackets.push(chars.by_ref().take_while(|c| *c != ']').collect()),
                c => parts.tokens.extend(c.to_lowercase()),
            }
        }
        parts
    }

    fn date(&self) -> Option<Format> {
        let tokens = self.tokens.replace("general", "").replace("standard", "").replace("am/pm", "").replace("a/p", "");
        let exponent = tokens.contains("e+") || tokens.contains("e-");
        let has = |letters: &[char]| tokens.contains(letters);
        let elapsed = |part: &String| {
            let part = part.to_lowercase();
            !part.is_empty()
                && (part.bytes().all(|b| b == b'h')
                    || part.bytes().all(|b| b == b'm')
                    || part.bytes().all(|b| b == b's'))
        };
        let elapsed = self.brackets.iter().any(elapsed);
        let time = elapsed || has(&['h', 's']);
        let day = has(&['y', 'd']) || has(&['e', 'g']) && !exponent || has(&['m']) && !time;
        match (day, time) {
            (true, true) => Some(Format::DateTime),
            (true, false) => Some(Format::Date),
            (false, true) => Some(Format::Time),
            (false, false) => None,
        }
    }

    fn currency(&self) -> Option<String> {
        let bracket = self.brackets.iter().find_map(|part| part.strip_prefix('$'));
        let bracket = bracket.and_then(|part| part.split('-').next()).map(str::trim).filter(|sign| !sign.is_empty());
        let sign = |text: &str| text.chars().find(|c| is_currency_sign(*c)).map(String::from);
        let code = |text: &str| {
            let code = text.trim();
            (code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())).then(|| code.to_owned())
        };
        bracket
            .map(str::to_owned)
            .or_else(|| sign(&self.tokens))
            .or_else(|| sign(&self.quoted))
            .or_else(|| code(&self.quoted))
    }
}

fn is_currency_sign(c: char) -> bool {
    matches!(c, '$' | '¢'..='¥' | '\u{20a0}'..='\u{20cf}')
}

/// Writes a number with up to 15 digits, which is what spreadsheets show, and without an exponent.
pub fn number_text(value: f64) -> String {
    if value.fract() == 0.0 && value != 0.0 && value.abs() < WHOLE {
        return format!("{value:.0}");
    }
    let rounded = format!("{value:.14e}").parse().unwrap_or(value);
    if rounded == 0.0 { "0".to_owned() } else { format!("{rounded}") }
}

/// Returns the date or time that a format makes of a number.
fn moment(value: f64, format: &Format, epoch: Epoch) -> Option<(CellKind, String)> {
    if !(0.0..LAST_DAY).contains(&value) {
        return None;
    }
    let seconds = whole((value * DAY_SECONDS).round())?;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let only_time = matches!(format, Format::Time) || days == 0 && second > 0 && epoch == Epoch::Y1900;
    if only_time {
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        return Some((CellKind::Time, format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)));
    }
    let date = day(days, epoch)?;
    if matches!(format, Format::Date) && second == 0 {
        return Some((CellKind::Date, date.to_string()));
    }
    let time = NaiveTime::from_num_seconds_from_midnight_opt(u32::try_from(second).ok()?, 0)?;
    Some((CellKind::DateTime, NaiveDateTime::new(date, time).format("%Y-%m-%dT%H:%M:%S").to_string()))
}

/// Converts a float that is a whole number.
fn whole(value: f64) -> Option<u64> {
    format!("{value:.0}").parse().ok()
}

fn day(days: u64, epoch: Epoch) -> Option<NaiveDate> {
    let first = match epoch {
        Epoch::Y1904 => NaiveDate::from_ymd_opt(1904, 1, 1),
        // Day 60 is a 29 February 1900, which did not exist.
        Epoch::Y1900 if days < 60 => NaiveDate::from_ymd_opt(1899, 12, 31),
        Epoch::Y1900 => NaiveDate::from_ymd_opt(1899, 12, 30),
    };
    first?.checked_add_days(Days::new(days))
}

#[cfg(test)]
#[path = "number_format_tests.rs"]
mod tests;
