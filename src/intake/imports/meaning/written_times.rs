//! Times as people and programs write them.
use crate::intake::imports::meaning::date_tokens::Token;
use crate::intake::imports::meaning::month_names::Word;
use chrono::{FixedOffset, NaiveTime};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrittenTime {
    pub time: NaiveTime,
    /// The time was 24:00.
    pub next_day: bool,
    pub zone: Zone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// The time is in the zone of the workspace.
    Local,
    Offset(FixedOffset),
    /// An abbreviation of several zones.
    Unclear,
}
/// Hours, minutes, seconds and milliseconds.
pub struct Clock {
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub millis: u32,
}

impl Clock {
    /// Returns the time, with `true` for 24:00, which is midnight of the next day.
    pub fn time(&self, half: Option<Word>) -> Option<(NaiveTime, bool)> {
        let hour = match (half, self.hour) {
            (Some(_), 13..) if half == Some(Word::Am) => return None,
            (Some(Word::Am), 12) => 0,
            (Some(Word::Pm), hour @ 1..=11) => hour + 12,
            (_, hour) => hour,
        };
        if hour == 24 && self.minute == 0 && self.second == 0 && half.is_none() {
            return Some((NaiveTime::MIN, true));
        }
        // A leap second is read as the last second of its minute.
        let second = if self.second == 60 { 59 } else { self.second };
        Some((NaiveTime::from_hms_milli_opt(hour, self.minute, second, self.millis)?, false))
    }
}

/// Reads the tokens of a time one after the other.
pub struct Cursor<'s, 't> {
    pub left: &'s [Token<'t>],
    /// The half of the day, where it was read.
    pub half: Option<Word>,
}

impl<'s, 't> Cursor<'s, 't> {
    fn next(&mut self) -> Option<Token<'t>> {
        let (first, rest) = self.left.split_first()?;
        self.left = rest;
        Some(*first)
    }

    fn skip(&mut self, wanted: impl Fn(Token<'t>) -> bool) -> bool {
        let found = self.left.first().is_some_and(|token| wanted(*token));
        if found {
            self.next();
        }
        found
    }

    fn skip_spaces(&mut self) {
        while self.skip(|token| token == Token::Space || token == Token::Word(Word::Filler)) {}
    }

    pub fn clock(&mut self) -> Option<Clock> {
        let hour = self.next()?.small()?;
        let mut clock = Clock { hour, minute: 0, second: 0, millis: 0 };
        let more = self.skip(|token| token.is_mark(':') || token == Token::Word(Word::Hour));
        if let Some(minute) = more.then(|| self.number()).flatten() {
            clock.minute = minute;
            self.seconds(&mut clock)?;
        }
        self.read_half();
        Some(clock)
    }

    /// Takes the seconds behind the minutes, if there are any.
    fn seconds(&mut self, clock: &mut Clock) -> Option<()> {
        let more = self.skip(|token| token.is_mark(':') || token == Token::Word(Word::Minute));
        if let Some(second) = more.then(|| self.number()).flatten() {
            clock.second = second;
            clock.millis = self.fraction()?;
            self.skip(|token| token == Token::Word(Word::Second));
        }
        Some(())
    }

    /// Takes a number of one or two digits.
    fn number(&mut self) -> Option<u32> {
        let number = self.left.first()?.small()?;
        self.next();
        Some(number)
    }

    /// Takes the fraction of a second, in milliseconds.
    pub fn fraction(&mut self) -> Option<u32> {
        let [Token::Mark('.' | ',' | ':'), Token::Number(digits), ..] = self.left else { return Some(0) };
        self.next();
        self.next();
        let millis: String = digits.chars().chain("000".chars()).take(3).collect();
        millis.parse().ok()
    }

    fn read_half(&mut self) {
        let before = self.left;
        self.skip_spaces();
        match self.left.first() {
            Some(Token::Word(half @ (Word::Am | Word::Pm))) if self.half.is_none() => {
                self.half = Some(*half);
                self.next();
                self.skip(|token| token.is_mark('.'));
            }
            _ => self.left = before,
        }
    }

    /// Takes the time zone behind a time. Returns `None` for what is not one.
    pub fn zone(&mut self) -> Option<Zone> {
        self.skip_spaces();
        match self.left {
            [Token::Mark('+' | '-'), Token::Number(_), ..] => self.offset(0),
            [Token::Word(Word::UnclearZone), ..] => {
                self.next();
                Some(Zone::Unclear)
            }
            [Token::Word(Word::Zone(minutes)), ..] => {
                self.next();
                self.offset(*minutes)
            }
            _ => Some(Zone::Local),
        }
    }

    /// Takes an offset such as `+0100`, `+01:00` or `+1`, if there is one.
    fn offset(&mut self, minutes: i32) -> Option<Zone> {
        let (sign, digits) = match self.left {
            [Token::Mark('+'), Token::Number(digits), ..] => (1, *digits),
            [Token::Mark('-'), Token::Number(digits), ..] => (-1, *digits),
            _ => return Some(Zone::Offset(FixedOffset::east_opt(minutes * 60)?)),
        };
        self.next();
        self.next();
        let (hours, mut more) =
            digits.split_at_checked(if digits.len() > 2 { digits.len() - 2 } else { digits.len() })?;
        if let ([Token::Mark(':'), Token::Number(digits), ..], "") = (self.left, more) {
            more = digits;
            self.next();
            self.next();
        }
        let hours: i32 = hours.parse().ok().filter(|hours| *hours <= 15)?;
        let more: i32 = if more.is_empty() { 0 } else { more.parse().ok().filter(|more| *more < 60)? };
        FixedOffset::east_opt(sign * (hours * 60 + more) * 60).map(Zone::Offset)
    }
}
