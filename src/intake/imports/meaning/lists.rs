//! Several values in one cell: e-mail addresses, phone numbers, tags and persons.
use crate::intake::imports::meaning::tidy;
use crate::kernel::values::address;

/// Marks that always separate values.
const HARD: [&str; 5] = [" ::: ", ":::", ";", "|", "\n"];

/// Longer cells are not lists of persons, in bytes.
const LONGEST: usize = 20_000;

/// An e-mail address, perhaps with the name of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    pub name: Option<String>,
    pub email: Option<String>,
}

/// Divides a text at marks outside of quotation marks. The parts are trimmed; empty parts are left out.
fn divide<'t>(text: &'t str, marks: &[&str]) -> Vec<&'t str> {
    let (mut parts, mut start, mut at, mut quoted) = (Vec::new(), 0, 0, false);
    // A lonely quotation mark, as in 17" or O"Neil, quotes nothing.
    let quotes = text.matches('"').count().is_multiple_of(2);
    while let Some(c) = text.get(at..).and_then(|left| left.chars().next()) {
        quoted ^= c == '"' && quotes;
        let left = text.get(at..).unwrap_or_default();
        let mark = marks.iter().find(|mark| !quoted && left.starts_with(**mark));
        if let Some(mark) = mark {
            parts.push(text.get(start..at).unwrap_or_default());
            at += mark.len();
            start = at;
        } else {
            at += c.len_utf8();
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Divides tags. Commas are part of a tag if other marks divide the tags.
fn divided_tags(text: &str) -> Vec<&str> {
    match divide(text, &HARD).as_slice() {
        [one] => divide(one, &[",", "、", "，", " / "]),
        parts => parts.to_vec(),
    }
}

/// Takes quotation marks around a part off.
fn unquoted(part: &str) -> String {
    let inside = part.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let inside = inside.filter(|inside| !inside.replace("\"\"", "").contains('"'));
    inside.map_or_else(|| part.to_owned(), |inside| inside.replace("\"\"", "\"").trim().to_owned())
}

/// Returns the tags in a cell, also from a list in JSON, Python or PostgreSQL.
pub fn tags(text: &str) -> Vec<String> {
    let text = text.trim();
    let literal = literal(text);
    let guarded = literal.is_none();
    let parts = literal.unwrap_or_else(|| divided_tags(text).into_iter().map(unquoted).collect());
    let tidied = parts.iter().map(|part| if guarded { tidy::unguarded(part) } else { part.as_str().into() });
    // Google marks its own groups with a star.
    let plain = tidied.map(|part| part.trim().trim_start_matches("* ").trim().to_owned());
    let mut tags: Vec<String> = Vec::new();
    let filled = plain.filter(|tag| !tag.is_empty());
    filled.for_each(|tag| {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    });
    tags
}

/// Reads `["a","b"]`, `['a', 'b']` and `{a,"b c"}`.
fn literal(text: &str) -> Option<Vec<String>> {
    if let Ok(list) = serde_json::from_str::<Vec<String>>(text) {
        return Some(list);
    }
    let python = text.strip_prefix("['").and_then(|rest| rest.strip_suffix("']"));
    if let Some(inside) = python {
        return Some(inside.split("', '").map(str::to_owned).collect());
    }
    let inside = text.strip_prefix('{')?.strip_suffix('}')?;
    Some(divide(inside, &[","]).into_iter().map(unquoted).collect())
}

/// Returns the phone numbers in a cell.
pub fn phones(text: &str) -> Vec<String> {
    let hard = divide(text, &HARD);
    let commas = hard.into_iter().flat_map(|part| split_where(part, &[","], |_, right| is_number(right)));
    let slashes = commas.flat_map(|part| split_where(part, &[" / ", "/"], is_next_number));
    slashes.map(|part| tidy::unguarded(&unquoted(part)).into_owned()).collect()
}

/// Splits a text at marks between whole values.
fn split_where<'t>(text: &'t str, marks: &[&str], divides: fn(&str, &str) -> bool) -> Vec<&'t str> {
    let Some(mark) = marks.iter().find(|mark| text.contains(**mark)) else { return vec![text] };
    let (mut parts, mut start) = (Vec::new(), 0);
    for (at, found) in text.match_indices(*mark) {
        let (left, right) = (text.get(start..at).unwrap_or_default(), text.get(at + found.len()..).unwrap_or_default());
        let right = right.split(*mark).next().unwrap_or_default();
        if divides(left.trim(), right.trim()) {
            parts.push(left.trim());
            start = at + found.len();
        }
    }
    parts.push(text.get(start..).unwrap_or_default().trim());
    parts.into_iter().filter(|part| !part.is_empty()).collect()
}

fn digits(text: &str) -> usize {
    text.chars().filter(|c| c.is_numeric()).count()
}

/// Checks whether a text can be a phone number of its own, and not an extension.
fn is_number(text: &str) -> bool {
    digits(text) >= 5 && text.starts_with(|c: char| c.is_numeric() || matches!(c, '+' | '(' | '\'' | '"'))
}

/// Checks whether a slash separates two numbers. In 040/123456 it separates the area code.
fn is_next_number(left: &str, right: &str) -> bool {
    let international = right.starts_with('+') || right.starts_with("00");
    is_number(right) && (international || digits(left) >= 7)
}

/// Returns the persons in a cell, each with name or address: `Ina Ok <ina@ok.example>; uwe@lang.example`.
pub fn mailboxes(text: &str) -> Vec<Mailbox> {
    if text.len() > LONGEST {
        return vec![Mailbox { name: Some(text.to_owned()), email: None }];
    }
    let hard = divide(text, &[" ::: ", ":::", ";", "|", "\n", " / "]);
    let commas = hard.into_iter().flat_map(at_commas);
    commas.flat_map(|part| several(part).unwrap_or_else(|| vec![mailbox(part)])).collect()
}

/// Divides at commas behind an address. In `Ok, Ina <ina@ok.example>` the comma is part of the name.
fn at_commas(text: &str) -> Vec<&str> {
    let parts = divide(text, &[","]);
    let whole = parts.iter().all(|part| part.contains('@')) || !text.contains('@');
    if parts.len() > 1 && whole && text.contains('@') {
        parts
    } else {
        split_where(text, &[","], |left, _| left.contains('@'))
    }
}

/// Divides addresses with nothing but blanks or slashes between them.
fn several(text: &str) -> Option<Vec<Mailbox>> {
    let parts: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c == '/').filter(|part| !part.is_empty()).collect();
    let all = parts.len() > 1 && parts.iter().all(|part| address::is_email(part));
    all.then(|| parts.into_iter().map(mailbox).collect())
}

/// Reads one person: `Name <address>`, `Name (address)`, an address or a name.
fn mailbox(text: &str) -> Mailbox {
    let named = |open: char, close: char| {
        let (name, rest) = text.split_once(open)?;
        let email = plain(rest.strip_suffix(close)?);
        email.contains('@').then(|| Mailbox { name: filled(&unquoted(name.trim())), email: filled(&email) })
    };
    named('<', '>').or_else(|| named('(', ')')).unwrap_or_else(|| {
        let email = plain(text);
        if email.contains('@') {
            Mailbox { name: None, email: Some(email) }
        } else {
            Mailbox { name: filled(&unquoted(text)), email: None }
        }
    })
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn plain(text: &str) -> String {
    let text = tidy::unguarded(text.trim());
    let lower = text.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("mailto:"));
    let text = if lower { text.get(7..).unwrap_or_default() } else { &text };
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | ',' | ';')).to_owned()
}

#[cfg(test)]
#[path = "lists_tests.rs"]
mod tests;
