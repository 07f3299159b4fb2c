//! Dates and times as people and programs write them.
use crate::intake::imports::meaning::date_tokens::{Token, tokens, with_joined_halves, without_comments};
use crate::intake::imports::meaning::month_names::Word;
use crate::intake::imports::meaning::numerals;
pub use crate::intake::imports::meaning::written_days::WrittenDay;
use crate::intake::imports::meaning::written_days::written_day;
use crate::intake::imports::meaning::written_times::{Clock, Cursor};
pub use crate::intake::imports::meaning::written_times::{WrittenTime, Zone};
use chrono::{Datelike, NaiveDate};

/// A date, perhaps with a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    pub day: WrittenDay,
    pub time: Option<WrittenTime>,
}

/// Longer than every date, in bytes.
const LONGEST: usize = 120;

impl Written {
    pub fn of(text: &str) -> Option<Written> {
        let text = text.trim();
        let numeric = |text: &str| {
            text.bytes().any(|b| b.is_ascii_digit()) || !text.is_ascii() && text.contains(char::is_numeric)
        };
        if text.len() > LONGEST || !numeric(text) {
            return None;
        }
        let text = numerals::in_ascii(text);
        let text = with_joined_halves(without_comments(&text));
        let tokens = tokens(&text)?;
        written(&tokens)
    }
}

fn written(tokens: &[Token<'_>]) -> Option<Written> {
    let (day, time) = match time_place(tokens) {
        Some(place) => parts(tokens, place)?,
        None => return compact(tokens).or_else(|| dotted_time(tokens)).or_else(|| day_alone(tokens)),
    };
    Some(Written { day, time: Some(time) })
}

fn day_alone(tokens: &[Token<'_>]) -> Option<Written> {
    Some(Written { day: written_day(tokens)?, time: None })
}

/// Returns the position of the hour.
fn time_place(tokens: &[Token<'_>]) -> Option<usize> {
    let is_hour = |pair: &[Token<'_>]| match pair {
        [hour, Token::Mark(':') | Token::Word(Word::Hour)] => hour.small().is_some(),
        [hour, Token::Word(Word::Am | Word::Pm)] => hour.small().is_some(),
        _ => false,
    };
    let spaced = |three: &[Token<'_>]| match three {
        [hour, Token::Space, Token::Word(Word::Am | Word::Pm)] => hour.small().is_some(),
        _ => false,
    };
    tokens.windows(2).position(is_hour).or_else(|| tokens.windows(3).position(spaced))
}

/// Divides the tokens at the time into the date before or behind it, and the time.
fn parts(tokens: &[Token<'_>], place: usize) -> Option<(WrittenDay, WrittenTime)> {
    let (before, rest) = tokens.split_at_checked(place)?;
    let mut cursor = Cursor { left: rest, half: None };
    let before = match before {
        [rest @ .., Token::Word(half @ (Word::Am | Word::Pm))] => {
            cursor.half = Some(*half);
            rest
        }
        all => all,
    };
    let clock = cursor.clock()?;
    let zone = cursor.zone()?;
    let (time, next_day) = clock.time(cursor.half)?;
    let date = [before, cursor.left].concat();
    let fits = is_blank(before) || is_year(cursor.left);
    let day = written_day(if is_blank(cursor.left) { before } else { fits.then_some(date.as_slice())? })?;
    Some((day, WrittenTime { time, next_day, zone }))
}

fn is_blank(tokens: &[Token<'_>]) -> bool {
    tokens.iter().all(|token| matches!(token, Token::Space | Token::Mark(',' | '-' | '.') | Token::Word(Word::Filler)))
}

/// Checks for the year at the end of `Tue Mar 12 09:14:33 2024`.
fn is_year(tokens: &[Token<'_>]) -> bool {
    let mut numbers = tokens.iter().filter(|token| !matches!(token, Token::Space));
    numbers.next().and_then(Token::digits).is_some_and(|digits| digits.len() == 4) && numbers.next().is_none()
}

/// Reads 20240312T091433, 20240312091433 and 202403120914, and eight digits alone.
fn compact(tokens: &[Token<'_>]) -> Option<Written> {
    let [Token::Number(digits), rest @ ..] = tokens else { return None };
    let (day, behind) = digits.split_at_checked(8)?;
    // Other numbers of eight digits are ids.
    let date = NaiveDate::parse_from_str(day, "%Y%m%d").ok().filter(|day| (1900..2100).contains(&day.year()))?;
    let day = WrittenDay::Compact(date);
    let (digits, rest) = match (behind, rest) {
        ("", []) => return Some(Written { day, time: None }),
        ("", [Token::Word(Word::Time) | Token::Space, Token::Number(time), rest @ ..]) => (*time, rest),
        (time, rest) => (time, rest),
    };
    let part = |from: usize| digits.get(from..from + 2).and_then(|part| part.parse().ok());
    let second = if digits.len() == 6 { part(4)? } else { 0 };
    let clock = Clock { hour: part(0)?, minute: part(2)?, second, millis: 0 };
    if !matches!(digits.len(), 4 | 6) {
        return None;
    }
    let mut cursor = Cursor { left: rest, half: None };
    cursor.fraction()?;
    let zone = cursor.zone()?;
    let (time, next_day) = clock.time(None)?;
    is_blank(cursor.left).then_some(Written { day, time: Some(WrittenTime { time, next_day, zone }) })
}

/// Reads a time with points behind a date: `12.03.2024 09.14`.
fn dotted_time(tokens: &[Token<'_>]) -> Option<Written> {
    let place = tokens.iter().rposition(|token| *token == Token::Space)?;
    let (before, behind) = tokens.split_at_checked(place)?;
    let numbers = match behind {
        [_, hour, Token::Mark('.'), minute] => [hour.small()?, minute.small()?, 0],
        [_, hour, Token::Mark('.'), minute, Token::Mark('.'), second] => {
            [hour.small()?, minute.small()?, second.small()?]
        }
        _ => return None,
    };
    let [hour, minute, second] = numbers;
    let (time, next_day) = Clock { hour, minute, second, millis: 0 }.time(None)?;
    let day = written_day(before)?;
    Some(Written { day, time: Some(WrittenTime { time, next_day, zone: Zone::Local }) })
}

#[cfg(test)]
#[path = "written_dates_tests.rs"]
mod tests;
