//! Counts what the values of a column look like, so that the recognition can compare them with the header.
use crate::intake::imports::file::File;
use crate::intake::imports::reading::row::CellKind;
use crate::intake::imports::recognition::content::Content;
use crate::kernel::error::Result;

/// The number of values of a column that are looked at.
const VALUES: usize = 2_000;
/// The number of different values that are kept.
const SAMPLES: usize = 50;
/// Longer values are texts.
const LONG: usize = 200;
const NO_VALUES: [&str; 5] = ["n/a", "#N/A", "#REF!", "NULL", "null"];
const BOOLEANS: [&str; 22] = [
    "0", "1", "true", "false", "yes", "no", "y", "n", "ja", "nein", "oui", "non", "sí", "sim", "não", "wahr", "falsch",
    "vrai", "faux", "да", "нет", "vero",
];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The first values of a column.
#[derive(Debug, Default)]
struct Counter {
    seen: usize,
    content: Content,
}

impl Counter {
    fn add(&mut self, text: &str) {
        self.seen += 1;
        let text = text.trim().trim_start_matches('\'');
        if !text.is_empty() && !NO_VALUES.contains(&text) {
            add(&mut self.content, text);
        }
    }
}

/// Counts the first values of each column.
pub fn count(file: &File) -> Result<Vec<Content>> {
    let mut counters: Vec<Counter> = file.header.iter().map(|_| Counter::default()).collect();
    let mut rows = file.rows.reader();
    while let Some(row) = rows.next_row()? {
        for (counter, cell) in counters.iter_mut().zip(row.cells()) {
            if counter.seen < VALUES && !matches!(cell.kind, CellKind::Empty | CellKind::Error) {
                counter.add(cell.text);
            }
        }
        if counters.iter().all(|counter| counter.seen >= VALUES) {
            break;
        }
    }
    Ok(counters.into_iter().map(|counter| counter.content).collect())
}

fn add(content: &mut Content, text: &str) {
    content.filled += 1;
    if content.samples.len() < SAMPLES && !content.samples.iter().any(|known| known == text) {
        content.samples.push(text.chars().take(LONG).collect());
    }
    if text.len() > LONG {
        return;
    }
    content.emails += u64::from(is_email(text));
    content.phones += u64::from(is_phone(text));
    content.dates += u64::from(is_date(text));
    content.times += u64::from(text.len() <= 8 && text.contains(':') && !text.contains(char::is_alphabetic));
    content.numbers += u64::from(is_number(text));
    content.booleans += u64::from(BOOLEANS.contains(&text.to_lowercase().as_str()));
    content.urls += u64::from(is_url(text));
    content.currencies += u64::from(text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()));
    content.uuids += u64::from(text.len() == 36 && text.matches('-').count() == 4);
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(before, after)| !before.is_empty() && after.contains('.'))
}

fn is_url(text: &str) -> bool {
    !is_email(text) && !text.contains(' ') && text.contains('.') && text.chars().any(char::is_alphabetic)
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['.', '-', '/', ' ', 'T', ':', ',']).filter(|part| !part.is_empty()).collect();
    let number = |part: &&str| part.chars().all(|letter| letter.is_ascii_digit());
    let month = parts.iter().any(|part| MONTHS.contains(&part.to_lowercase().as_str()));
    let year = parts.iter().take(3).any(|part| part.len() == 4 && number(part));
    let short = parts.len() == 2 && text.contains('/') && parts.iter().all(number);
    let two_digits = parts.len() == 3 && parts.iter().all(|part| part.len() <= 2 && number(part));
    let plain = text.len() == 8 && number(&text) && (text.starts_with("19") || text.starts_with("20"));
    plain || short || two_digits || (parts.len() >= 3 && year && (month || parts.iter().take(3).all(number)))
}

fn is_number(text: &str) -> bool {
    let plain: String = text.chars().filter(|letter| !"€$£¥₽%., '\u{a0}()-+EeR".contains(*letter)).collect();
    let lead = text.trim_start_matches(['€', '$', '£', '-', '(', ' ']).chars().next();
    !plain.is_empty() && plain.chars().all(|letter| letter.is_ascii_digit()) && lead.is_some_and(|l| l.is_ascii_digit())
}

fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (6..=40).contains(&digits) && text.chars().all(|l| l.is_ascii_digit() || " +-()/.'\"=;,:".contains(l))
}

/// Counts texts, for the tests of the recognition.
#[cfg(test)]
pub fn content(values: &[String]) -> Content {
    let mut counter = Counter::default();
    values.iter().for_each(|text| counter.add(text));
    counter.content
}

#[cfg(test)]
#[path = "contents_tests.rs"]
mod tests;
