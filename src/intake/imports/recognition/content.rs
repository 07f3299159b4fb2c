//! What the values of a column look like. Another part of the import counts them.
use crate::intake::imports::recognition::fields::Value;

/// The values of a column. A value is counted under every kind that it may be: "20240102" is a number and a date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// Values that are not empty. Values such as "n/a", "NULL" and "#REF!" count as empty.
    pub filled: u64,
    /// E-mail addresses, also several in a cell or with a name ("Ina <ina@ok.example>").
    pub emails: u64,
    /// Texts of 6 to 18 digits with the punctuation of phone numbers.
    pub phones: u64,
    /// Dates and times in any notation.
    pub dates: u64,
    /// Times of day and durations, such as "09:30".
    pub times: u64,
    /// Numbers in any notation, with or without currency or percent sign.
    pub numbers: u64,
    pub booleans: u64,
    /// Web addresses and domains.
    pub urls: u64,
    /// ISO 4217 codes and currency signs.
    pub currencies: u64,
    pub uuids: u64,
    /// Up to 50 different values.
    pub samples: Vec<String>,
}

/// How well the values fit a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// There are no values, or the field takes any text.
    Unknown,
    All,
    /// So many of the values.
    Some(u64),
    None,
}

impl Content {
    /// Compares the values with the kind that a field takes.
    pub fn fit(&self, value: Value) -> Fit {
        let count = match value {
            Value::Email => self.emails,
            // A spreadsheet turns long phone numbers into numbers.
            Value::Phone => self.phones.max(self.numbers),
            // A spreadsheet stores dates as numbers.
            Value::Date | Value::Time => self.dates.max(if self.dates == 0 { self.serials() } else { 0 }),
            Value::Clock => self.times.max(self.dates),
            Value::Duration => self.times.max(self.numbers),
            Value::Money | Value::Percent => self.numbers,
            Value::Integer => self.numbers.max(self.with_digits()),
            Value::Boolean => self.booleans,
            Value::Url => self.urls,
            Value::Currency => self.currencies,
            Value::Uuid => self.uuids,
            Value::Text | Value::Name | Value::Id | Value::Words | Value::Choice => return Fit::Unknown,
        };
        match count {
            _ if self.filled == 0 => Fit::Unknown,
            0 => Fit::None,
            count if count >= self.filled => Fit::All,
            count => Fit::Some(count),
        }
    }

    fn serials(&self) -> u64 {
        let serial =
            |text: &String| text.trim().parse::<f64>().is_ok_and(|number| (10_000.0..80_000.0).contains(&number));
        if !self.samples.is_empty() && self.samples.iter().all(serial) { self.numbers } else { 0 }
    }

    fn with_digits(&self) -> u64 {
        let found = self.samples.iter().any(|text| text.chars().any(|letter| letter.is_ascii_digit()));
        u64::from(found)
    }

    /// Checks whether nine of ten values are of a kind that was counted.
    pub fn nearly_all(&self, count: u64) -> bool {
        self.filled > 0 && count.saturating_mul(10) >= self.filled.saturating_mul(9)
    }
}
