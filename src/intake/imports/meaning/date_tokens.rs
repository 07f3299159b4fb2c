//! The parts of written dates: numbers, known words and marks.
use crate::intake::imports::meaning::month_names::{Word, word};
use std::borrow::Cow;

/// More than a date with a time has.
const MOST: usize = 40;

/// A part of a written date.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Token<'t> {
    Number(&'t str),
    Word(Word),
    Mark(char),
    Space,
}

impl Token<'_> {
    /// Returns the value of a number with one or two digits.
    pub fn small(self) -> Option<u32> {
        match self {
            Token::Number(digits) if digits.len() <= 2 => digits.parse().ok(),
            _ => None,
        }
    }

    pub fn digits(&self) -> Option<&str> {
        match self {
            Token::Number(digits) => Some(digits),
            _ => None,
        }
    }

    pub fn is_mark(self, wanted: char) -> bool {
        self == Token::Mark(wanted)
    }
}
/// Removes a weekday or a zone in brackets: `09:14:33 GMT+0100 (Central European Standard Time)`.
pub fn without_comments(text: &str) -> &str {
    let end = text.find(['(', '[']).filter(|_| text.ends_with([')', ']']));
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// Divides a text. A text with another word is no date.
pub fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::with_capacity(12);
    let mut left = text;
    while let Some(c) = left.chars().next() {
        if tokens.len() == MOST {
            return None;
        }
        let (token, rest) = token(left, c)?;
        tokens.push(token);
        left = rest;
    }
    Some(tokens)
}

fn token(left: &str, c: char) -> Option<(Token<'_>, &str)> {
    let split = |belongs: fn(char) -> bool| {
        let end = left.find(|c: char| !belongs(c)).unwrap_or(left.len());
        left.split_at(end)
    };
    if c.is_ascii_digit() {
        let (digits, rest) = split(|c| c.is_ascii_digit());
        Some((Token::Number(digits), rest))
    } else if c.is_whitespace() {
        Some((Token::Space, split(char::is_whitespace).1))
    } else if c.is_alphabetic() && c != 'º' {
        let (text, rest) = letters(left);
        Some((Token::Word(word(text)?), rest))
    } else if "./-,:+'’–−º°".contains(c) {
        let mark = if matches!(c, '–' | '−') { '-' } else { c };
        Some((Token::Mark(mark), left.get(c.len_utf8()..)?))
    } else if c == '(' {
        weekday_in_brackets(left)
    } else {
        None
    }
}

/// Takes a word: letters, and the point inside `a.m`.
fn letters(left: &str) -> (&str, &str) {
    let half = |text: &str| matches!(text, "a.m" | "p.m" | "A.M" | "P.M" | "a.M" | "p.M");
    let end = || left.find(|c: char| !c.is_alphabetic() && c != 'ʼ').unwrap_or(left.len());
    left.split_at(left.get(..3).filter(|text| half(text)).map_or_else(end, str::len))
}

/// Joins the Spanish halves of the day: `9:14 a. m.`.
pub fn with_joined_halves(text: &str) -> Cow<'_, str> {
    if !text.contains(". m") && !text.contains(".\u{a0}m") {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(". m", ".m").replace(".\u{a0}m", ".m"))
}

fn weekday_in_brackets(left: &str) -> Option<(Token<'_>, &str)> {
    let (inside, rest) = left.strip_prefix('(')?.split_once(')')?;
    let weekday = "月火水木金土日".contains(inside) || word(inside) == Some(Word::Filler);
    weekday.then_some((Token::Word(Word::Filler), rest))
}
