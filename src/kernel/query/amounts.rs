//! Amounts are compared only within one currency, because there are no exchange rates. A condition on an amount must
//! name the currency, in the value (`50000 EUR`) or in another condition that always applies (`currency=EUR`).
use crate::kernel::fields::cond::{Cond, Op};
use crate::kernel::fields::custom::CustomKind;
use crate::kernel::fields::field::FieldRef;
use crate::kernel::query::fields::Fields;
use crate::kernel::values::money;
use crate::kernel::values::typed::Values;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::fields::custom::{CustomField, CustomKind};
    use crate::kernel::samples::{BOAT, custom_field};
    use std::sync::Arc;

    fn of(name: &str) -> FieldRef {
        BOAT.get(name).unwrap().into()
    }

    fn amount() -> Cond {
        Cond::Is(of("price"), Op::Gte, Values::Int(vec![5]))
    }

    fn currency(codes: &[&str]) -> Cond {
        Cond::Is(of("currency"), Op::Eq, Values::Text(codes.iter().map(|code| (*code).to_owned()).collect()))
    }

    fn budget(key: &str) -> Arc<CustomField> {
        Arc::new(custom_field(key, CustomKind::Money, &[]))
    }

    fn is(field: FieldRef) -> Cond {
        Cond::Is(field, Op::Eq, Values::Text(vec!["EUR".into()]))
    }

    #[test]
    fn amount_and_currency_are_split() {
        for (text, amount, code) in [
            ("50000 EUR", "50000", Some("EUR")),
            ("50000eur", "50000", Some("EUR")),
            ("-5  JPY", "-5", Some("JPY")),
            ("50000", "50000", None),
            ("500", "500", None),
            ("EUR", "", Some("EUR")),
            ("EU", "EU", None),
            ("", "", None),
            ("5 XAU", "5 XAU", None),
            ("5 EURO", "5 EURO", None),
            ("5 €", "5 €", None),
            ("5 ж€", "5 ж€", None),
        ] {
            assert_eq!(cut(text), (amount, code.map(str::to_owned)), "{text}");
        }
    }

    #[test]
    fn one_currency_fixes_an_amount() {
        for (case, cond, expected) in [
            ("one currency", currency(&["EUR"]), true),
            ("two currencies", currency(&["EUR", "USD"]), false),
            ("no currency", currency(&[]), false),
            ("not a currency", !currency(&["EUR"]), false),
            ("one among conditions", Cond::All(vec![amount(), currency(&["EUR"])]), true),
            ("one or another condition", Cond::Any(vec![currency(&["EUR"])]), false),
            ("another text", is(of("name")), false),
            ("the currency of another amount", is(FieldRef::Currency(budget("budget"))), false),
        ] {
            assert_eq!(fixes(&cond, &of("price")), expected, "{case}");
        }
        let own = FieldRef::Custom(budget("budget"));
        assert!(fixes(&is(FieldRef::Currency(budget("budget"))), &own), "the currency of a custom amount");
        assert!(!fixes(&is(FieldRef::Currency(budget("other"))), &own), "the currency of another custom amount");
    }

    #[test]
    fn an_amount_without_a_currency_is_found() {
        let eur = currency(&["EUR"]);
        for (case, cond, around, expected) in [
            ("alone", amount(), vec![], true),
            ("denied", !amount(), vec![], true),
            ("with a currency beside it", amount(), vec![&eur], false),
            ("with a currency in the same list", Cond::All(vec![amount(), eur.clone()]), vec![], false),
            ("with a currency in a list around it", Cond::Any(vec![!amount()]), vec![&eur], false),
            ("with a currency as another choice", Cond::Any(vec![amount(), eur.clone()]), vec![], true),
            (
                "with a currency in another branch",
                Cond::Any(vec![Cond::All(vec![eur.clone()]), amount()]),
                vec![],
                true,
            ),
            ("empty or not", Cond::Empty(of("price")), vec![], false),
            ("no amount", Cond::Is(of("length"), Op::Gt, Values::Int(vec![1])), vec![], false),
        ] {
            let found = unnamed(&cond, &around).map(|field| field.name().to_owned());
            assert_eq!(found, expected.then(|| "price".to_owned()), "{case}");
        }
    }

    #[test]
    fn amounts_know_their_currency() {
        let own = FieldRef::Custom(budget("budget"));
        for (case, field, is_amount, currency) in [
            ("an amount", of("price"), true, Some("currency")),
            ("a currency", of("currency"), false, None),
            ("a number", of("length"), false, None),
            ("a custom amount", own, true, Some("cf.budget")),
            ("a custom text", FieldRef::Custom(Arc::new(custom_field("x", CustomKind::Text, &[]))), false, None),
            ("the currency of a custom amount", FieldRef::Currency(budget("budget")), false, None),
        ] {
            assert_eq!(field.is_amount(), is_amount, "{case}");
            assert_eq!(BOAT.currency_of(&field).map(|field| field.name().to_owned()).as_deref(), currency, "{case}");
        }
    }
}
