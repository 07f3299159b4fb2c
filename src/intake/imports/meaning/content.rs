//! The kind of content that a column has, for recognition by content.
use crate::intake::imports::meaning::amounts::WrittenAmount;
use crate::intake::imports::meaning::booleans;
use crate::intake::imports::meaning::currencies;
use crate::intake::imports::meaning::lists;
use crate::intake::imports::meaning::numerals;
use crate::intake::imports::meaning::outcomes;
use crate::intake::imports::meaning::phone_cells;
use crate::intake::imports::meaning::written_dates::{Written, WrittenDay};
use crate::kernel::values::address;

/// What a cell looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Emails,
    Phone,
    Url,
    Domain,
    Date,
    /// A date with a time.
    Moment,
    /// A number with a currency.
    Money,
    Percent,
    Integer,
    /// A number with decimals or group marks.
    Number,
    Scientific,
    Boolean,
    /// An ISO 4217 code.
    Currency,
    /// A word such as `won`.
    Status,
    /// A UUID, or letters mixed with digits without blanks.
    Id,
    /// Several lines, or more than a line holds.
    LongText,
    Text,
}

impl Kind {
    pub const ALL: [Kind; 17] = [
        Kind::Emails,
        Kind::Phone,
        Kind::Url,
        Kind::Domain,
        Kind::Date,
        Kind::Moment,
        Kind::Money,
        Kind::Percent,
        Kind::Integer,
        Kind::Number,
        Kind::Scientific,
        Kind::Boolean,
        Kind::Currency,
        Kind::Status,
        Kind::Id,
        Kind::LongText,
        Kind::Text,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Emails => "emails",
            Kind::Phone => "phones",
            Kind::Url => "urls",
            Kind::Domain => "domains",
            Kind::Date => "dates",
            Kind::Moment => "instants",
            Kind::Money => "amounts",
            Kind::Percent => "percentages",
            Kind::Integer => "integers",
            Kind::Number => "numbers",
            Kind::Scientific => "scientific",
            Kind::Boolean => "booleans",
            Kind::Currency => "currencies",
            Kind::Status => "statuses",
            Kind::Id => "ids",
            Kind::LongText => "long_texts",
            Kind::Text => "texts",
        }
    }
}

/// A cell with what it was found to be, so that it is parsed once.
#[derive(Debug)]
pub struct Seen {
    pub kind: Kind,
    pub date: Option<Written>,
    pub number: Option<WrittenAmount>,
}

impl Seen {
    fn of_kind(kind: Kind) -> Seen {
        Seen { kind, date: None, number: None }
    }
}

/// Longer texts are sentences, in bytes.
const LINE: usize = 120;

/// Finds out what a tidied cell looks like.
pub fn seen(text: &str) -> Seen {
    if text.len() > LINE || text.contains('\n') {
        return Seen::of_kind(if has_email(text) { Kind::Emails } else { Kind::LongText });
    }
    if has_email(text) {
        return Seen::of_kind(Kind::Emails);
    }
    let numeric = text.bytes().any(|b| b.is_ascii_digit()) || !text.is_ascii() && text.contains(char::is_numeric);
    if numeric { with_digits(text) } else { Seen::of_kind(words(text)) }
}

/// Checks for one `@` with a name before it and a host with a point behind it. An import checks the address itself.
fn is_like_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    let Some((domain, top)) = host.rsplit_once('.') else { return false };
    !name.is_empty() && !domain.is_empty() && top.chars().count() > 1 && !host.contains('@')
}

fn has_email(text: &str) -> bool {
    text.contains('@') && text.split([';', ',', ' ', '<', '>', '(', ')', '|', '/', '\n']).any(is_like_email)
}

fn with_digits(text: &str) -> Seen {
    if let Some(date) = Written::of(text) {
        // Eight digits can also be a number.
        let number = matches!(date.day, WrittenDay::Compact(_)).then(|| WrittenAmount::of(text)).flatten();
        let kind = if date.time.is_some() { Kind::Moment } else { Kind::Date };
        return Seen { kind, date: Some(date), number };
    }
    if phone_cells::is_phone(text) || are_phones(text) {
        return Seen { kind: Kind::Phone, date: None, number: WrittenAmount::of(text) };
    }
    if numerals::is_scientific(text) {
        return Seen::of_kind(Kind::Scientific);
    }
    match WrittenAmount::of(text).filter(|number| number.numeral().is_some_and(|numeral| numeral.shows().is_some())) {
        Some(number) => Seen { kind: kind_of_number(&number, text), date: None, number: Some(number) },
        None => Seen::of_kind(mixed(text)),
    }
}

/// Checks for several phone numbers: `+49 170 1234567; +49 40 1`.
fn are_phones(text: &str) -> bool {
    let begins = text.starts_with(['+', '0', '(']) && text.contains([';', ',', '/', '|', '\n', ':']);
    let numbers = if begins { lists::phones(text) } else { Vec::new() };
    let digits = |text: &String| text.chars().all(phone_cells::is_of_phones);
    numbers.len() > 1 && numbers.iter().all(digits) && numbers.iter().any(|number| phone_cells::is_phone(number))
}

fn kind_of_number(number: &WrittenAmount, text: &str) -> Kind {
    if number.currency.is_some() {
        Kind::Money
    } else if number.percent {
        Kind::Percent
    } else if text.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit()) {
        Kind::Integer
    } else {
        Kind::Number
    }
}

/// Texts with digits that are no numbers.
fn mixed(text: &str) -> Kind {
    if is_url(text) {
        return Kind::Url;
    }
    let one = !text.contains(char::is_whitespace);
    let id = one && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if id && text.len() >= 3 {
        Kind::Id
    } else if one && address::domain_in(text).is_some() {
        Kind::Domain
    } else {
        Kind::Text
    }
}

fn is_url(text: &str) -> bool {
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    ["http://", "https://", "www."].iter().any(|start| lower.starts_with(start)) && !text.contains(char::is_whitespace)
}

/// Texts without digits.
fn words(text: &str) -> Kind {
    if is_url(text) {
        Kind::Url
    } else if booleans::is_boolean_word(text) {
        Kind::Boolean
    } else if text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase()) && currencies::code(text).is_some() {
        Kind::Currency
    } else if outcomes::outcome(text).is_some() {
        Kind::Status
    } else if !text.contains(char::is_whitespace) && text.contains('.') && address::domain_in(text).is_some() {
        Kind::Domain
    } else {
        Kind::Text
    }
}

#[cfg(test)]
#[path = "content_tests.rs"]
mod tests;
