//! The notation of a file: converts the text of a cell to a JSON value.
use crate::intake::imports::reading::cells;
use crate::kernel::bodies::shape::Cell;
use crate::kernel::error::FieldCode;
use crate::kernel::values::money;
use crate::kernel::values::time::{DateTime, day_start};
use chrono::NaiveDate;
use serde_json::{Value as Json, json};

#[derive(Debug)]
pub struct Notation {
    /// `.` or `,`.
    pub decimal: char,
    /// One of `DATE_FORMATS`.
    pub date_format: Option<String>,
    /// The currency of amounts.
    pub currency: String,
    /// The time zone of dates.
    pub zone: chrono_tz::Tz,
}

/// The error code and detail for a refused cell.
#[derive(Debug)]
pub struct Refusal {
    pub code: FieldCode,
    pub detail: String,
}

impl Refusal {
    fn format(detail: String) -> Refusal {
        Refusal { code: FieldCode::InvalidFormat, detail }
    }
}

impl Notation {
    /// Numbers and amounts are multiplied by `multiply`.
    pub fn value(&self, text: &str, cell: Cell, multiply: i64) -> Result<Json, Refusal> {
        Ok(match cell {
            Cell::Text | Cell::Reference => json!(text),
            Cell::Int => json!(self.integer(text, multiply)?),
            Cell::Bool => {
                json!(
                    cells::boolean(text)
                        .ok_or_else(|| Refusal::format(format!("{text} is not a boolean; use yes or no")))?
                )
            }
            Cell::Date => json!(self.date(text)?),
            Cell::Time => json!(self.instant(text)?),
            Cell::Words => json!(text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect::<Vec<_>>()),
            Cell::Money => json!({ "amount": self.amount(text, multiply)?, "currency": self.currency }),
        })
    }

    fn integer(&self, text: &str, multiply: i64) -> Result<i64, Refusal> {
        let number = cells::integer(text, self.decimal).and_then(|n| n.checked_mul(multiply));
        number.ok_or_else(|| Refusal::format(format!("{text} is not an integer")))
    }

    /// Parses an amount in the smallest unit of the currency.
    fn amount(&self, text: &str, multiply: i64) -> Result<i64, Refusal> {
        let amount = money::parse_decimal(text, self.decimal, money::exponent(&self.currency));
        amount.and_then(|amount| amount.checked_mul(multiply)).ok_or_else(|| {
            let Notation { currency, decimal, .. } = self;
            Refusal::format(format!("{text} is not an amount in {currency} with the decimal separator {decimal:?}"))
        })
    }

    /// Parses a number with at most six decimals.
    pub fn number(&self, text: &str) -> Result<f64, Refusal> {
        let millionths = money::parse_decimal(text, self.decimal, 6);
        let number = millionths.map(|n| format!("{n}e-6")).and_then(|text| text.parse().ok());
        number.ok_or_else(|| Refusal::format(format!("{text} is not a number")))
    }

    fn date(&self, text: &str) -> Result<NaiveDate, Refusal> {
        let Some(format) = &self.date_format else {
            return Err(Refusal::format(format!("{text} is not a date in a known format; set date_format")));
        };
        cells::date(text, format).ok_or_else(|| Refusal::format(format!("{text} is not a date in the format {format}")))
    }

    /// Parses a time. A date without a time means midnight in the time zone of the workspace.
    pub fn instant(&self, text: &str) -> Result<DateTime, Refusal> {
        match text.parse() {
            Ok(at) => Ok(at),
            Err(_) => self.date(text).map(|day| day_start(day, self.zone)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Notation;
    use crate::kernel::bodies::shape::Cell;
    use serde_json::{Value as Json, json};

    fn read(text: &str, cell: Cell, multiply: i64) -> Result<Json, String> {
        let notation = Notation {
            decimal: ',',
            date_format: Some("dd.mm.yyyy".into()),
            currency: "EUR".into(),
            zone: chrono_tz::Europe::Tallinn,
        };
        notation.value(text, cell, multiply).map_err(|refusal| refusal.detail)
    }

    #[test]
    fn amounts_are_in_cents_and_can_be_multiplied() {
        assert_eq!(read("1.234,5", Cell::Money, 1), Ok(json!({ "amount": 123_450, "currency": "EUR" })));
        assert_eq!(read("1,5", Cell::Money, 1_000_000), Ok(json!({ "amount": 150_000_000, "currency": "EUR" })));
    }

    #[test]
    fn an_amount_that_does_not_fit_is_refused() {
        let refused = read("92233720368547758", Cell::Money, 1000).unwrap_err();
        assert_eq!(refused, "92233720368547758 is not an amount in EUR with the decimal separator ','");
    }

    #[test]
    fn a_day_begins_at_midnight_in_the_time_zone() {
        assert_eq!(read("01.07.2026", Cell::Time, 1), Ok(json!("2026-06-30T21:00:00Z")));
        assert_eq!(read("2026-07-01T10:00:00Z", Cell::Time, 1), Ok(json!("2026-07-01T10:00:00Z")));
    }

    #[test]
    fn a_date_in_another_notation_is_refused() {
        assert_eq!(read("2026-07-01", Cell::Date, 1), Err("2026-07-01 is not a date in the format dd.mm.yyyy".into()));
    }

    #[test]
    fn words_are_separated_by_commas() {
        assert_eq!(read("a, b,,c ", Cell::Words, 1), Ok(json!(["a", "b", "c"])));
    }
}
