//! Amounts are compared within one currency: nobody knows what a dollar is worth in yen, so a question about amounts must name the
//! currency, beside the amount (`50000 EUR`) or as a condition that always holds with it (`currency=EUR`).
use crate::kernel::cond::{Cond, Op};
use crate::kernel::custom::CustomKind;
use crate::kernel::field::{FieldRef, Fields, Values};
use crate::kernel::money;

impl FieldRef {
    /// Whether it holds amounts of money.
    pub fn is_amount(&self) -> bool {
        match self {
            FieldRef::Built(field) => field.currency.is_some(),
            FieldRef::Custom(field) => field.kind == CustomKind::Money,
            FieldRef::Currency(_) => false,
        }
    }

    fn is_currency_of(&self, amount: &FieldRef) -> bool {
        match (self, amount) {
            (FieldRef::Built(this), FieldRef::Built(amount)) => amount.currency == Some(this.name),
            (FieldRef::Currency(this), FieldRef::Custom(amount)) => this.key == amount.key,
            _ => false,
        }
    }

    /// How a caller says which currency is meant.
    pub fn how_to_name_currency(&self) -> String {
        match self {
            FieldRef::Built(field) => {
                let name = field.currency.unwrap_or_default();
                format!("amounts of different currencies cannot be compared: give {name} too, one alone, such as {name}=EUR")
            }
            _ => "amounts of different currencies cannot be compared: give the currency with the amount, such as 50000 EUR".into(),
        }
    }
}

impl<T> Fields<T> {
    /// The field that holds the currency of an amount.
    pub(in crate::kernel) fn currency_of(&'static self, amount: &FieldRef) -> Option<FieldRef> {
        match amount {
            FieldRef::Built(field) => self.get(field.currency?).map(FieldRef::Built),
            FieldRef::Custom(field) => amount.is_amount().then(|| FieldRef::Currency(field.clone())),
            FieldRef::Currency(_) => None,
        }
    }
}

/// Cuts `50000 EUR` into the amount and the currency; there may be none.
pub(in crate::kernel) fn cut(text: &str) -> (&str, Option<String>) {
    let at = text.len().saturating_sub(3);
    let cut = text.split_at_checked(at).map(|(amount, code)| (amount, code.to_uppercase()));
    match cut {
        Some((amount, code)) if money::known(&code) => (amount.trim_end(), Some(code)),
        _ => (text, None),
    }
}

/// Whether a condition holds for amounts of one currency alone.
pub(in crate::kernel) fn fixes(cond: &Cond, amount: &FieldRef) -> bool {
    match cond {
        Cond::All(list) => list.iter().any(|cond| fixes(cond, amount)),
        Cond::Is(field, Op::Eq, Values::Text(list)) => list.len() == 1 && field.is_currency_of(amount),
        _ => false,
    }
}

/// The first amount that is asked about with no currency named. `around` are conditions that always hold with this one.
pub(in crate::kernel) fn unnamed<'c>(cond: &'c Cond, around: &[&'c Cond]) -> Option<&'c FieldRef> {
    match cond {
        Cond::All(list) => {
            let around: Vec<&Cond> = around.iter().copied().chain(list).collect();
            list.iter().find_map(|cond| unnamed(cond, &around))
        }
        Cond::Any(list) => list.iter().find_map(|cond| unnamed(cond, around)),
        Cond::Not(cond) => unnamed(cond, around),
        Cond::Is(field, ..) if field.is_amount() && !around.iter().any(|cond| fixes(cond, field)) => Some(field),
        _ => None,
    }
}
