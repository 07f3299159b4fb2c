//! Amounts are compared only within one currency, because there are no exchange rates. A condition on an amount must
//! name the currency, in the value (`50000 EUR`) or in another condition that always applies (`currency=EUR`).
use crate::kernel::cond::{Cond, Op};
use crate::kernel::custom::CustomKind;
use crate::kernel::field::{FieldRef, Fields, Values};
use crate::kernel::money;

impl FieldRef {
    /// Checks whether the field contains amounts of money.
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

    /// Returns the part of an error text that explains how to name the currency.
    pub fn how_to_name_currency(&self) -> String {
        match self {
            FieldRef::Built(field) => {
                let name = field.currency.unwrap_or_default();
                format!(
                    "amounts in different currencies cannot be compared; send {name} with one value, such as {name}=EUR"
                )
            }
            _ => "amounts in different currencies cannot be compared; \
                 add the currency to the amount, such as 50000 EUR"
                .into(),
        }
    }
}

impl<T> Fields<T> {
    /// Returns the field that holds the currency of an amount.
    pub(in crate::kernel) fn currency_of(&'static self, amount: &FieldRef) -> Option<FieldRef> {
        match amount {
            FieldRef::Built(field) => self.get(field.currency?).map(FieldRef::Built),
            FieldRef::Custom(field) => amount.is_amount().then(|| FieldRef::Currency(field.clone())),
            FieldRef::Currency(_) => None,
        }
    }
}

/// Splits `50000 EUR` into the amount and the currency, if there is one.
pub(in crate::kernel) fn cut(text: &str) -> (&str, Option<String>) {
    let at = text.len().saturating_sub(3);
    let cut = text.split_at_checked(at).map(|(amount, code)| (amount, code.to_uppercase()));
    match cut {
        Some((amount, code)) if money::is_currency(&code) => (amount.trim_end(), Some(code)),
        _ => (text, None),
    }
}

/// Checks whether a condition restricts an amount to one currency.
pub(in crate::kernel) fn fixes(cond: &Cond, amount: &FieldRef) -> bool {
    match cond {
        Cond::All(list) => list.iter().any(|cond| fixes(cond, amount)),
        Cond::Is(field, Op::Eq, Values::Text(list)) => list.len() == 1 && field.is_currency_of(amount),
        _ => false,
    }
}

/// Returns the first amount whose currency no condition names. `around` are conditions that always apply with this one.
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
