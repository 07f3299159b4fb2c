//! Sums of amounts by currency.
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::values::money::{AMOUNT_MAX, Money};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::Text;
use std::collections::BTreeMap;

/// A sum from the database. It can exceed the limit of an amount.
#[derive(Clone, Copy, Debug, FromSqlRow)]
pub struct Sum(i128);

impl FromSql<Text, Pg> for Sum {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Sum> {
        Ok(Sum(<String as FromSql<Text, Pg>>::from_sql(value)?.parse()?))
    }
}

/// Sums by currency. Amounts of different currencies are never added.
#[derive(Clone, Debug, Default)]
pub struct Sums(BTreeMap<String, i128>);

impl Sums {
    pub fn add(&mut self, currency: Option<&str>, Sum(amount): Sum) {
        if let Some(currency) = currency {
            let sum = self.0.entry(currency.to_owned()).or_default();
            *sum = sum.saturating_add(amount);
        }
    }

    /// Returns the sums as amounts. Refuses a sum that exceeds the limit, because a truncated sum would be wrong.
    pub fn list(&self) -> Result<Vec<Money>> {
        let money = |(currency, sum): (&String, &i128)| {
            let amount = i64::try_from(*sum).ok().filter(|amount| amount.abs() <= AMOUNT_MAX);
            amount.map(|amount| Money { amount, currency: currency.clone() }).ok_or_else(|| too_large(currency, *sum))
        };
        self.0.iter().map(money).collect()
    }
}

fn too_large(currency: &str, sum: i128) -> Error {
    let detail = format!(
        "the sum of the amounts in {currency} is {sum}, but the maximum is {AMOUNT_MAX}; use a \
         shorter period or a narrower filter"
    );
    Error::new(Code::SumTooLarge, detail)
}

#[cfg(test)]
impl From<i128> for Sum {
    fn from(sum: i128) -> Sum {
        Sum(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(amounts: &[(Option<&str>, i128)]) -> Result<Vec<Money>> {
        let mut sums = Sums::default();
        amounts.iter().for_each(|(currency, amount)| sums.add(*currency, Sum(*amount)));
        sums.list()
    }

    fn money(amount: i64, currency: &str) -> Money {
        Money { amount, currency: currency.into() }
    }

    #[test]
    fn sums_are_kept_per_currency() {
        let max = i128::from(AMOUNT_MAX);
        for (case, amounts, expected) in [
            ("nothing", vec![], vec![]),
            ("two of one", vec![(Some("EUR"), 5), (Some("EUR"), -7)], vec![money(-2, "EUR")]),
            (
                "one of two, by their codes",
                vec![(Some("USD"), 1), (Some("EUR"), 2)],
                vec![money(2, "EUR"), money(1, "USD")],
            ),
            ("without a currency", vec![(None, 5)], vec![]),
            ("the largest", vec![(Some("EUR"), max)], vec![money(AMOUNT_MAX, "EUR")]),
            ("the smallest", vec![(Some("EUR"), -max)], vec![money(-AMOUNT_MAX, "EUR")]),
            ("large on the way", vec![(Some("EUR"), max + 5), (Some("EUR"), -5)], vec![money(AMOUNT_MAX, "EUR")]),
        ] {
            assert_eq!(sums(&amounts).unwrap(), expected, "{case}");
        }
    }

    #[test]
    fn oversized_sums_are_rejected() {
        for amounts in [
            vec![(Some("EUR"), i128::from(AMOUNT_MAX)), (Some("EUR"), 1)],
            vec![(Some("EUR"), -i128::from(AMOUNT_MAX) - 1)],
            vec![(Some("EUR"), i128::MAX), (Some("EUR"), i128::MAX)],
        ] {
            assert_eq!(sums(&amounts).unwrap_err().code().as_str(), "sum_too_large", "{amounts:?}");
        }
    }
}
