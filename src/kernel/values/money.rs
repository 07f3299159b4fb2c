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
        pub struct $name(pub $crate::kernel::values::money::MoneyColumns);
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
                        .map(|(amount, currency)| $crate::kernel::values::money::Money { amount, currency })
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

/// Formats an amount in minor units: 125000 EUR as 1250.00.
pub fn decimal(amount: i64, currency: &str) -> String {
    let digits = usize::try_from(exponent(currency)).unwrap_or(2);
    let sign = if amount < 0 { "-" } else { "" };
    let text = format!("{:0>width$}", amount.unsigned_abs(), width = digits + 1);
    let (whole, part) = text.split_at(text.len() - digits);
    if digits == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
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
    use super::*;

    #[test]
    fn decimals_become_minor_units() {
        for (case, text, decimal, exponent, expected) in [
            ("blanks between thousands", "1 234,50", ',', 2, Some(123_450)),
            ("narrow blanks between thousands", "1\u{202f}234,50", ',', 2, Some(123_450)),
            ("points between thousands", "1.234.567,5", ',', 2, Some(123_456_750)),
            ("commas between thousands", "1,234.5", '.', 2, Some(123_450)),
            ("apostrophes between thousands", "1'234.50", '.', 2, Some(123_450)),
            ("less than nothing", "-0.07", '.', 2, Some(-7)),
            ("minus nothing", "-0", '.', 2, Some(0)),
            ("zeros in front", "007.10", '.', 2, Some(710)),
            ("a point at the end", "5.", '.', 2, Some(500)),
            ("no digits after the point", "500", '.', 0, Some(500)),
            ("zeros that say nothing", "500.00", '.', 0, Some(500)),
            ("three digits after the point", "1.2", '.', 3, Some(1200)),
            ("more zeros than digits", "1.2300", '.', 2, Some(123)),
            ("more digits than the currency has", "1.234", '.', 2, None),
            ("a fraction where there is none", "1.5", '.', 0, None),
            ("nothing before the point", ".5", '.', 2, None),
            ("two points", "1.2.3", '.', 2, None),
            ("two signs", "--5", '.', 2, None),
            ("a plus", "+5", '.', 2, None),
            ("a sign alone", "-", '.', 2, None),
            ("letters", "12a", '.', 2, None),
            ("digits of another script", "１２", '.', 2, None),
            ("nothing", "", '.', 2, None),
            ("the largest of 64 bits", "92233720368547758.07", '.', 2, Some(i64::MAX)),
            ("beyond 64 bits", "92233720368547758.08", '.', 2, None),
        ] {
            assert_eq!(parse_decimal(text, decimal, exponent), expected, "{case}: {text}");
        }
    }

    #[test]
    fn currencies_have_exponents() {
        for (code, known, digits) in [
            ("EUR", true, 2),
            ("USD", true, 2),
            ("JPY", true, 0),
            ("KRW", true, 0),
            ("KWD", true, 3),
            ("CLF", true, 4),
            ("XAU", false, 2),
            ("XTS", false, 2),
            ("eur", false, 2),
            ("EURO", false, 2),
            ("", false, 2),
        ] {
            assert_eq!(is_currency(code), known, "{code}");
            assert_eq!(exponent(code), digits, "{code}");
        }
    }

    #[test]
    fn an_amount_is_in_both_columns_or_in_none() {
        let money = Money { amount: -5, currency: "EUR".into() };
        let both = MoneyColumns::from(Some(money.clone()));
        assert_eq!(both.get(), Some(money.clone()));
        assert_eq!(serde_json::to_value(&both).unwrap(), serde_json::json!({ "amount": -5, "currency": "EUR" }));
        let neither = MoneyColumns::from(None);
        assert_eq!(neither.get(), None);
        assert_eq!(serde_json::to_value(&neither).unwrap(), serde_json::Value::Null);
        assert_eq!(columns(Some(&money)), (Some(-5), Some("EUR".to_owned())));
        assert_eq!(columns(None), (None, None));
        assert_eq!(MoneyColumns { currency: None, ..both.clone() }.get(), None, "without a currency");
        assert_eq!(MoneyColumns { amount: None, ..both }.get(), None, "without an amount");
    }
}
