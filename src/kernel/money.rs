//! Money: integer minor units and an ISO 4217 code. Amounts are never floats, and amounts in different currencies are
//! never added.
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

/// The largest amount, and negated the smallest: the limit up to which a client's double is exact.
pub const AMOUNT_MAX: i64 = 9_007_199_254_740_991;

/// An amount in the minor unit of its currency (cents for EUR, yen for JPY); `GET /currencies` returns the exponents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Money {
    #[schema(minimum = -9_007_199_254_740_991_i64, maximum = 9_007_199_254_740_991_i64)]
    pub amount: i64,
    /// ISO 4217 code in upper case.
    #[schema(format = "currency", pattern = "^[A-Z]{3}$")]
    pub currency: String,
}

/// The two nullable columns of an optional amount; a table constraint ensures that both or neither are null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MoneyColumns {
    amount: Option<i64>,
    currency: Option<String>,
}

impl MoneyColumns {
    pub fn get(&self) -> Option<Money> {
        Some(Money { amount: self.amount?, currency: self.currency.clone()? })
    }
}

impl From<Option<Money>> for MoneyColumns {
    fn from(money: Option<Money>) -> MoneyColumns {
        let (amount, currency) = columns(money.as_ref());
        MoneyColumns { amount, currency }
    }
}

impl Serialize for MoneyColumns {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.get().serialize(s)
    }
}

/// Returns the values of the two columns.
pub fn columns(money: Option<&Money>) -> (Option<i64>, Option<String>) {
    money.map(|m| (m.amount, m.currency.clone())).unzip()
}

/// Makes `MoneyColumns` selectable from the amount and currency columns of one table.
#[macro_export]
macro_rules! money_columns {
    ($name:ident = $table:ident($amount:ident, $currency:ident)) => {
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(pub $crate::kernel::money::MoneyColumns);
        impl<DB: diesel::backend::Backend> diesel::Selectable<DB> for $name {
            type SelectExpression = ($table::$amount, $table::$currency);
            fn construct_selection() -> Self::SelectExpression {
                ($table::$amount, $table::$currency)
            }
        }
        impl diesel::Queryable<diesel::dsl::SqlTypeOf<($table::$amount, $table::$currency)>, diesel::pg::Pg> for $name {
            type Row = (Option<i64>, Option<String>);
            fn build((amount, currency): Self::Row) -> diesel::deserialize::Result<Self> {
                Ok($name(
                    amount
                        .zip(currency)
                        .map(|(amount, currency)| $crate::kernel::money::Money { amount, currency })
                        .into(),
                ))
            }
        }
    };
}

/// Checks whether the code is an ISO 4217 currency with minor units, unlike gold (XAU), test codes (XTS) and the like.
pub fn is_currency(code: &str) -> bool {
    iso_currency::Currency::from_code(code).is_some_and(|currency| currency.exponent().is_some())
}

/// Returns the number of decimal digits: 2 for EUR, 0 for JPY, 3 for KWD.
pub fn exponent(code: &str) -> u32 {
    iso_currency::Currency::from_code(code).and_then(|c| c.exponent()).map_or(2, u32::from)
}

/// Parses a decimal number ("1 234,50", "1,234.50") in the given notation as minor units; refuses more digits than the
/// currency has.
pub fn parse_decimal(text: &str, decimal: char, exponent: u32) -> Option<i64> {
    let group = if decimal == ',' { '.' } else { ',' };
    let plain: String = text.chars().filter(|c| !c.is_whitespace() && *c != group && *c != '\'').collect();
    let (sign, digits) = plain.strip_prefix('-').map_or((1, plain.as_str()), |rest| (-1, rest));
    let (whole, part) = digits.split_once(decimal).unwrap_or((digits, ""));
    let part = part.trim_end_matches('0');
    let exponent = usize::try_from(exponent).ok()?;
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(part) || part.len() > exponent {
        return None;
    }
    format!("{whole}{part:0<exponent$}").parse::<i64>().ok().map(|amount| sign * amount)
}

#[cfg(test)]
mod tests {
    use super::parse_decimal;

    #[test]
    fn decimals_become_minor_units() {
        assert_eq!(parse_decimal("1 234,50", ',', 2), Some(123_450));
        assert_eq!(parse_decimal("1,234.5", '.', 2), Some(123_450));
        assert_eq!(parse_decimal("-0.07", '.', 2), Some(-7));
        assert_eq!(parse_decimal("1100.04", '.', 2), Some(110_004));
        assert_eq!(parse_decimal("500", '.', 0), Some(500));
        assert_eq!(parse_decimal("1.234", '.', 2), None);
        assert_eq!(parse_decimal("12a", '.', 2), None);
        assert_eq!(parse_decimal("", '.', 2), None);
        assert_eq!(parse_decimal("99999999999999999999", '.', 2), None);
    }
}
