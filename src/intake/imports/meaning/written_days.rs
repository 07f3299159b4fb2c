//! Dates without a time as people and programs write them.
use crate::intake::imports::meaning::date_tokens::Token;
use crate::intake::imports::meaning::dates::Triple;
use crate::intake::imports::meaning::month_names::Word;
use chrono::NaiveDate;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenDay {
    Known(NaiveDate),
    /// Eight digits, such as 20240312.
    Compact(NaiveDate),
    /// A month without a day.
    Month(NaiveDate),
    /// A named month and a year of two digits, as day, month and year.
    ShortYear(Triple),
    Numbers(Triple),
}
/// A part of a date that has a meaning.
#[derive(Clone, Copy)]
enum Item<'t> {
    Number(&'t str),
    Month(u32),
}

/// Reads the date in tokens without a time.
pub fn written_day(tokens: &[Token<'_>]) -> Option<WrittenDay> {
    let era =
        tokens.iter().find_map(|token| if let Token::Word(Word::Era(before)) = token { Some(*before) } else { None });
    let items = items(tokens)?;
    let mark = mark(tokens);
    match (era, items.as_slice()) {
        (Some(before), [Item::Number(year), Item::Number(month), Item::Number(day)]) => {
            let year = before + year.parse::<i32>().ok().filter(|year| (1..=99).contains(year))?;
            NaiveDate::from_ymd_opt(year, month.parse().ok()?, day.parse().ok()?).map(WrittenDay::Known)
        }
        (None, [Item::Number(a), Item::Number(b), Item::Number(c)]) => numbers([a, b, c], mark?),
        (None, [Item::Number(a), Item::Month(month), Item::Number(b)]) => named(a, *month, b),
        (None, [Item::Month(month), Item::Number(day), Item::Number(year)]) => named(day, *month, year),
        (None, [Item::Number(year), Item::Number(day), Item::Month(month)]) if year.len() == 4 => {
            named(year, *month, day)
        }
        (None, [Item::Month(month), Item::Number(year)] | [Item::Number(year), Item::Month(month)]) => {
            month_of(year, *month)
        }
        (None, [Item::Number(a), Item::Number(b)]) if mark.is_some_and(|mark| mark != ' ' && mark != ',') => {
            if a.len() == 4 { month_of(a, b.parse().ok()?) } else { month_of(b, a.parse().ok()?) }
        }
        _ => None,
    }
}

/// Returns what is meant in a date; `None` if something else is in it.
fn items<'t>(tokens: &[Token<'t>]) -> Option<Vec<Item<'t>>> {
    let mut items = Vec::with_capacity(3);
    for token in tokens {
        match token {
            Token::Number(digits) => items.push(Item::Number(digits)),
            Token::Word(Word::Month(month)) => {
                // `mar` before a date is also a Tuesday: mar. 12 nov. 2024.
                if matches!(items.first(), Some(Item::Month(_))) {
                    items.remove(0);
                }
                items.push(Item::Month(*month));
            }
            Token::Word(Word::Filler | Word::Time | Word::Era(_) | Word::Year | Word::MonthUnit | Word::Day) => {}
            Token::Space | Token::Mark('.' | '/' | '-' | ',' | '\'' | '’' | 'º' | '°') => {}
            Token::Word(_) | Token::Mark(_) => return None,
        }
        if items.len() > 3 {
            return None;
        }
    }
    Some(items)
}

/// Returns the one mark between the first three numbers, `年` for the Japanese units.
fn mark(tokens: &[Token<'_>]) -> Option<char> {
    let mut between: Option<char> = None;
    let mut before = None;
    let mut gap: Option<char> = None;
    for token in tokens {
        match token {
            Token::Number(_) => {
                if before.is_some() && between.is_some_and(|mark| Some(mark) != gap) {
                    return None;
                }
                between = if before.is_some() { gap } else { between };
                (before, gap) = (Some(()), None);
            }
            Token::Mark(c) => gap = Some(*c),
            Token::Word(Word::Year | Word::MonthUnit | Word::Day) => gap = Some('年'),
            Token::Space => gap = gap.or(Some(' ')),
            Token::Word(_) => {}
        }
    }
    between
}

/// Reads three numbers with the same mark between them.
fn numbers([a, b, c]: [&str; 3], mark: char) -> Option<WrittenDay> {
    if !matches!(mark, '.' | '/' | '-' | ' ' | '年') {
        return None;
    }
    let number = |digits: &str| digits.parse::<u32>().ok();
    let numbers = [number(a)?, number(b)?, number(c)?];
    match [a.len(), b.len(), c.len()] {
        [4, 1 | 2, 1 | 2] => {
            let [year, month, day] = numbers;
            known(year, month, day)
        }
        // Three numbers with blanks between them are rather a phone number than a date.
        [1 | 2, 1 | 2, 4] => triple(numbers, true, mark),
        [1 | 2, 1 | 2, 2] | [2, 1 | 2, 1 | 2] if mark != ' ' => triple(numbers, false, mark),
        _ => None,
    }
}

fn triple(numbers: [u32; 3], long: bool, mark: char) -> Option<WrittenDay> {
    let triple = Triple { numbers, long, dotted: mark == '.' };
    triple.orders().next().map(|_| WrittenDay::Numbers(triple))
}

/// Checks for years that no calendar in a business has.
fn is_year_of_people(year: u32) -> bool {
    (1000..=9999).contains(&year)
}

fn known(year: u32, month: u32, day: u32) -> Option<WrittenDay> {
    let fits = is_year_of_people(year);
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day).filter(|_| fits)?;
    Some(WrittenDay::Known(date))
}

/// Reads a date with a named month: the year has four digits, or is behind.
fn named(one: &str, month: u32, other: &str) -> Option<WrittenDay> {
    let (a, b): (u32, u32) = (one.parse().ok()?, other.parse().ok()?);
    match (one.len(), other.len()) {
        (4, 1 | 2) => known(a, month, b),
        (1 | 2, 4) => known(b, month, a),
        (1 | 2, 2) => {
            let triple = Triple { numbers: [a, month, b], long: false, dotted: false };
            Some(WrittenDay::ShortYear(triple))
        }
        _ => None,
    }
}

fn month_of(year: &str, month: u32) -> Option<WrittenDay> {
    let year: u32 = year.parse().ok().filter(|_| year.len() == 4)?;
    let fits = is_year_of_people(year);
    let first = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, 1).filter(|_| fits)?;
    Some(WrittenDay::Month(first))
}
