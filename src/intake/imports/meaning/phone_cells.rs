//! The phone number in a cell, as text. `kernel::values::phones` reads it for a country.
use crate::intake::imports::meaning::doubt::{Note, Read, Refusal, RefusalKind};
use crate::intake::imports::meaning::numerals;

/// Labels before a number, in lower case.
const LABELS: [&str; 17] = [
    "tel",
    "tel.",
    "telefon",
    "telephone",
    "phone",
    "mobile",
    "mobil",
    "mob",
    "mob.",
    "handy",
    "fax",
    "тел",
    "тел.",
    "моб",
    "моб.",
    "cell",
    "whatsapp",
];

/// The smallest and the largest number of digits of a phone number with its country code.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Returns the number without its label. A number in scientific notation lost its last digits, so it is refused.
pub fn phone(text: &str) -> Result<Read<String>, Refusal> {
    let text = text.trim();
    if numerals::is_scientific(text) {
        let detail = format!(
            "{text} is a phone number in scientific notation, which lost digits; format the column as text in the spreadsheet"
        );
        return Err(Refusal::new(RefusalKind::Scientific, detail));
    }
    let number = without_label(text);
    // Programs that read the column as numbers write 491701234567.0.
    let whole = number.strip_suffix(".0").filter(|whole| whole.len() >= 7 && whole.bytes().all(|b| b.is_ascii_digit()));
    let note = whole.map(|_| Note::FractionRemoved);
    Ok(Read::plain(whole.unwrap_or(number).to_owned()).noted(note))
}

fn without_label(text: &str) -> &str {
    let split = text.find(|c: char| c == '+' || c == '(' || c.is_ascii_digit());
    let Some((label, rest)) = split.and_then(|at| text.split_at_checked(at)) else { return text };
    let label = label.trim().trim_end_matches(':').trim().to_lowercase();
    if LABELS.contains(&label.as_str()) { rest } else { text }
}

/// Checks whether a text can only be a phone number, and not a count, a date or an id.
pub fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if text.len() > 40 || !DIGITS.contains(&digits) || !text.chars().all(is_of_phones) {
        return false;
    }
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    let international = text.starts_with('+') || text.starts_with("00") && digits >= 9;
    let national = text.starts_with('0') && digits >= 9 || text.starts_with('(');
    let grouped = !plain && digits >= 10 && text.contains(['-', ' ', '(']) && !text.contains([',', ':']);
    international || national || grouped
}

/// Checks for digits and the marks between them.
pub fn is_of_phones(c: char) -> bool {
    c.is_ascii_digit() || c.is_whitespace() || matches!(c, '+' | '-' | '(' | ')' | '.' | '/' | '–' | '‑')
}

#[cfg(test)]
#[path = "phone_cells_tests.rs"]
mod tests;
