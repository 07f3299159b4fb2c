//! Interprets comparisons and their values: `me`, relative dates, amounts with a currency.
use crate::kernel::access::actor::Actor;
use crate::kernel::error::{FieldCode, FieldError};
use crate::kernel::fields::cond::{Cond, Op, pattern};
use crate::kernel::fields::field::{Field, FieldRef};
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::amounts;
use crate::kernel::query::fields::Fields;
use crate::kernel::query::params::Comparison;
use crate::kernel::values::relative;
use crate::kernel::values::time::day_start;
use crate::kernel::values::typed::Values;
use crate::kernel::values::value_type::ValueType;
use chrono::NaiveDate;

impl<T> Fields<T> {
    /// Builds the condition that compares a field with values; the error has no location yet.
    pub(in crate::kernel) fn compare(
        &'static self,
        field: FieldRef,
        comparison: Comparison,
        texts: Vec<String>,
        actor: &Actor,
    ) -> Result<Cond, FieldError> {
        compare_in(self.currency_of(&field), field, comparison, texts, actor)
    }
}

/// Compares like `Fields::compare`; `currency` is the field that holds the currency of an amount.
pub(in crate::kernel) fn compare_in(
    currency: Option<FieldRef>,
    field: FieldRef,
    comparison: Comparison,
    texts: Vec<String>,
    actor: &Actor,
) -> Result<Cond, FieldError> {
    let zone = actor.settings.own_time_zone;
    let of_days = matches!(field.value_type(), ValueType::Date | ValueType::Time);
    match (comparison, &currency) {
        (Comparison::AnyOf, Some(currency)) => {
            one_of_each(texts, |text| in_currency(&field, currency, comparison, text, actor))
        }
        (Comparison::Op(_), Some(currency)) => match <[String; 1]>::try_from(texts) {
            Ok([text]) => in_currency(&field, currency, comparison, text, actor),
            Err(_) => Err(FieldError::new(FieldCode::InvalidFormat, "must have exactly one value")),
        },
        (Comparison::NoneOf, Some(_)) => compare_in(currency, field, Comparison::AnyOf, texts, actor).map(|cond| !cond),
        (Comparison::AnyOf, None) if of_days && texts.iter().any(|text| relative::period(text, zone).is_some()) => {
            one_of_each(texts, |text| within_days(&field, text, actor))
        }
        (Comparison::Op(op), None) if of_days => from_day(&field, op, texts, actor),
        (Comparison::NoneOf, None) if of_days => {
            compare_in(None, field, Comparison::AnyOf, texts, actor).map(|cond| !cond)
        }
        _ => compare(field, comparison, texts, actor),
    }
}

/// Builds a condition from each text and combines them with "or".
fn one_of_each(texts: Vec<String>, make: impl Fn(String) -> Result<Cond, FieldError>) -> Result<Cond, FieldError> {
    let mut conds = texts.into_iter().map(make).collect::<Result<Vec<Cond>, FieldError>>()?;
    Ok(if conds.len() == 1 { conds.pop().unwrap_or(Cond::Any(conds)) } else { Cond::Any(conds) })
}

/// Compares with `50000 EUR`, or with an amount whose currency is given elsewhere.
fn in_currency(
    field: &FieldRef,
    currency: &FieldRef,
    comparison: Comparison,
    text: String,
    actor: &Actor,
) -> Result<Cond, FieldError> {
    match amounts::cut(&text) {
        (amount, Some(code)) => Ok(Cond::All(vec![
            Cond::Is(currency.clone(), Op::Eq, Values::Text(vec![code])),
            compare(field.clone(), comparison, vec![amount.to_owned()], actor)?,
        ])),
        (_, None) => compare(field.clone(), comparison, vec![text], actor),
    }
}

/// Compares with a period: `this_month` matches any day of the month, `today` any instant of today.
fn within_days(field: &FieldRef, text: String, actor: &Actor) -> Result<Cond, FieldError> {
    let zone = actor.settings.own_time_zone;
    let Some([first, after]) = relative::period(&text, zone) else {
        return compare(field.clone(), Comparison::AnyOf, vec![text], actor);
    };
    let value = |day| match field.value_type() {
        ValueType::Date => Values::Date(vec![day]),
        _ => Values::Time(vec![day_start(day, zone)]),
    };
    let bound = |op, day| Cond::Is(field.clone(), op, value(day));
    let cond = Cond::All(vec![bound(Op::Gte, first), bound(Op::Lt, after)]);
    Ok(or_all_day(field, cond, &[(Op::Gte, first), (Op::Lt, after)]))
}

/// Compares like `compare`, with special handling of days: an all-day task is due after the beginning of its day.
fn from_day(field: &FieldRef, op: Op, texts: Vec<String>, actor: &Actor) -> Result<Cond, FieldError> {
    let day = texts.first().and_then(|text| relative::day(text, actor.settings.own_time_zone));
    let cond = compare(field.clone(), Comparison::Op(op), texts, actor)?;
    let op = if matches!(op, Op::Gt | Op::Gte) { Op::Gte } else { Op::Lt };
    Ok(day.map(|day| or_all_day(field, cond.clone(), &[(op, day)])).unwrap_or(cond))
}

/// For an all-day task, compares the day instead of the instant, which is the beginning of the next day in the
/// workspace's time zone.
fn or_all_day(field: &FieldRef, of_instant: Cond, of_day: &[(Op, NaiveDate)]) -> Cond {
    let FieldRef::Built(Field { day: Some(day), .. }) = field else { return of_instant };
    let bound = |(op, date): &(Op, NaiveDate)| Cond::Is((*day).into(), *op, Values::Date(vec![*date]));
    let timed = Cond::All(vec![Cond::Empty((*day).into()), of_instant]);
    Cond::Any(vec![timed, Cond::All(of_day.iter().map(bound).collect())])
}

/// Compares like `Fields::compare`, for a field without a currency.
fn compare(field: FieldRef, comparison: Comparison, texts: Vec<String>, actor: &Actor) -> Result<Cond, FieldError> {
    let (zone, value_type, text_format) = (actor.settings.own_time_zone, field.value_type(), field.text_format());
    let country = &actor.settings.country;
    let meant = |text: String| match value_type {
        ValueType::Uuid if text == "me" && field.refers() == Some(Kind::USER) => actor.user.to_string(),
        ValueType::Date => relative::day(&text, zone).map_or(text, |day| day.to_string()),
        ValueType::Time => relative::instant(&text, zone).map_or(text, |at| at.to_string()),
        _ => text,
    };
    let values = |texts: Vec<String>| Values::parse(&field, texts.into_iter().map(meant).collect());
    let one = |texts: Vec<String>| match <[String; 1]>::try_from(texts) {
        Ok([text]) => Ok(text),
        Err(_) => Err(FieldError::new(FieldCode::InvalidFormat, "must have exactly one value")),
    };
    // Checks the values of a closed set. The options of a custom field are not checked, because some may have been
    // removed since.
    if matches!(&field, FieldRef::Built(built) if built.value_type == ValueType::TextArray)
        && comparison != Comparison::Empty
    {
        Values::parse(&field, texts.clone())?;
    }
    Ok(match (comparison, value_type) {
        (Comparison::AnyOf, ValueType::TextArray) => Cond::Carries(field, texts),
        (Comparison::NoneOf, ValueType::TextArray) => !Cond::Carries(field, texts),
        (Comparison::AllOf, _) => {
            Cond::All(texts.into_iter().map(|word| Cond::Carries(field.clone(), vec![word])).collect())
        }
        (Comparison::AnyOf, _) => {
            let values = values(texts.into_iter().flat_map(|text| text_format.normalize(text, country)).collect())?;
            Cond::Is(field, Op::Eq, values)
        }
        (Comparison::NoneOf, _) => {
            let values = values(texts.into_iter().flat_map(|text| text_format.normalize(text, country)).collect())?;
            !Cond::Is(field, Op::Eq, values)
        }
        (Comparison::Op(op @ (Op::Contains | Op::StartsWith)), _) => {
            Cond::Is(field, op, Values::Text(vec![pattern(op, &text_format.normalize_part(&one(texts)?))]))
        }
        (Comparison::Op(op), _) => {
            let values = values(vec![one(texts)?])?;
            Cond::Is(field, op, values)
        }
        (Comparison::Empty, _) => match one(texts)?.as_str() {
            "true" => Cond::Empty(field),
            "false" => !Cond::Empty(field),
            _ => return Err(FieldError::new(FieldCode::InvalidFormat, "must be true or false")),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::fields::custom::CustomKind;
    use crate::kernel::samples::{BOAT, actor, custom_field, refusal};
    use std::sync::Arc;

    fn compared(field: FieldRef, comparison: Comparison, texts: &[&str]) -> Result<String, String> {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        let cond = BOAT.compare(field, comparison, texts, &actor());
        cond.map(|cond| format!("{cond:?}")).map_err(|bad| refusal(&bad).trim().to_owned())
    }

    fn of(name: &str) -> FieldRef {
        BOAT.get(name).unwrap().into()
    }

    fn own(kind: CustomKind) -> FieldRef {
        FieldRef::Custom(Arc::new(custom_field("size", kind, &["a", "b"])))
    }

    #[test]
    fn amounts_can_carry_their_currency() {
        let eur = r#"Is(currency, Eq, Text(["EUR"]))"#;
        for (case, comparison, texts, expected) in [
            ("equal", Comparison::AnyOf, vec!["5 EUR"], format!("All([{eur}, Is(price, Eq, Int([5]))])")),
            (
                "one of two",
                Comparison::AnyOf,
                vec!["5 EUR", "6"],
                format!("Any([All([{eur}, Is(price, Eq, Int([5]))]), Is(price, Eq, Int([6]))])"),
            ),
            ("neither", Comparison::NoneOf, vec!["5 EUR"], format!("Not(All([{eur}, Is(price, Eq, Int([5]))]))")),
            ("less", Comparison::Op(Op::Lt), vec!["5eur"], format!("All([{eur}, Is(price, Lt, Int([5]))])")),
            ("without a currency", Comparison::Op(Op::Lt), vec!["5"], "Is(price, Lt, Int([5]))".to_owned()),
            ("empty", Comparison::Empty, vec!["true"], "Empty(price)".to_owned()),
        ] {
            assert_eq!(compared(of("price"), comparison, &texts), Ok(expected), "{case}");
        }
        let own = compared(own(CustomKind::Money), Comparison::Op(Op::Gt), &["5 EUR"]);
        assert_eq!(own, Ok(r#"All([Is(cf.size, Eq, Text(["EUR"])), Is(cf.size, Gt, Int([5]))])"#.to_owned()));
    }

    /// The year of the caller, whose zone is two hours ahead in winter.
    #[test]
    fn relative_dates_use_the_time_zone_of_the_caller() {
        let [first, after] = relative::period("this_year", actor().settings.own_time_zone).unwrap();
        let begin = |day: NaiveDate| format!("{}T22:00:00Z", day.pred_opt().unwrap());
        let time = |op: &str, day| format!("Is(created_at, {op}, Time([DateTime({})]))", begin(day));
        for (case, comparison, expected) in [
            ("in the year", Comparison::AnyOf, format!("All([{}, {}])", time("Gte", first), time("Lt", after))),
            ("not in it", Comparison::NoneOf, format!("Not(All([{}, {}]))", time("Gte", first), time("Lt", after))),
            ("from its first day", Comparison::Op(Op::Gte), time("Gte", first)),
            ("before its first day", Comparison::Op(Op::Lt), time("Lt", first)),
        ] {
            assert_eq!(compared(of("created_at"), comparison, &["this_year"]), Ok(expected), "instants {case}");
        }
        for (case, comparison, expected) in [
            (
                "in the year",
                Comparison::AnyOf,
                format!("All([Is(sold_on, Gte, Date([{first}])), Is(sold_on, Lt, Date([{after}]))])"),
            ),
            ("after its first day", Comparison::Op(Op::Gt), format!("Is(sold_on, Gt, Date([{first}]))")),
            ("until its first day", Comparison::Op(Op::Lte), format!("Is(sold_on, Lte, Date([{first}]))")),
        ] {
            assert_eq!(compared(of("sold_on"), comparison, &["this_year"]), Ok(expected), "days {case}");
        }
    }

    /// What is due all day is asked by its day; its instant is the beginning of the next one.
    #[test]
    fn all_day_tasks_are_compared_by_date() {
        let [first, after] = relative::period("this_year", actor().settings.own_time_zone).unwrap();
        let begin = |day: NaiveDate| format!("DateTime({}T22:00:00Z)", day.pred_opt().unwrap());
        let timed = |cond: &str| format!("All([Empty(due_on), {cond}])");
        let day = |op: &str, day: NaiveDate| format!("Is(due_on, {op}, Date([{day}]))");
        let end = |op: &str, day: NaiveDate| format!("Is(due_end, {op}, Time([{}]))", begin(day));
        for (case, comparison, instant, days) in [
            (
                "in the year",
                Comparison::AnyOf,
                format!("All([{}, {}])", end("Gte", first), end("Lt", after)),
                format!("{}, {}", day("Gte", first), day("Lt", after)),
            ),
            ("from the first day", Comparison::Op(Op::Gte), end("Gte", first), day("Gte", first)),
            ("after its first instant", Comparison::Op(Op::Gt), end("Gt", first), day("Gte", first)),
            ("before it", Comparison::Op(Op::Lt), end("Lt", first), day("Lt", first)),
            ("until its first instant", Comparison::Op(Op::Lte), end("Lte", first), day("Lt", first)),
        ] {
            let expected = format!("Any([{}, All([{days}])])", timed(&instant));
            assert_eq!(compared(of("due_end"), comparison, &["this_year"]), Ok(expected), "{case}");
        }
        let instant = compared(of("due_end"), Comparison::Op(Op::Lt), &["2026-01-31T10:00:00Z"]);
        assert_eq!(instant, Ok("Is(due_end, Lt, Time([DateTime(2026-01-31T10:00:00Z)]))".to_owned()));
    }

    #[test]
    fn invalid_values_are_rejected() {
        let op = Comparison::Op;
        for (case, field, comparison, texts, expected) in [
            ("two values of a range", of("length"), op(Op::Gt), vec!["1", "2"], "invalid_format"),
            ("two amounts of a range", of("price"), op(Op::Gt), vec!["1 EUR", "2 EUR"], "invalid_format"),
            ("two parts of a text", of("name"), op(Op::Contains), vec!["a", "b"], "invalid_format"),
            ("no value of a range", of("length"), op(Op::Gt), vec![], "invalid_format"),
            ("a word for a number", of("length"), op(Op::Gt), vec!["x"], "invalid_format"),
            ("empty or something else", of("hull"), Comparison::Empty, vec!["maybe"], "invalid_format"),
            ("none of a closed set", of("hull"), Comparison::AnyOf, vec!["glass"], "invalid_choice"),
            ("an option that there is not", own(CustomKind::Choice), Comparison::AnyOf, vec!["c"], "invalid_choice"),
            ("an amount with a wrong number", of("price"), Comparison::AnyOf, vec!["x EUR"], "invalid_format"),
        ] {
            assert_eq!(compared(field, comparison, &texts), Err(expected.to_owned()), "{case}");
        }
    }

    #[test]
    fn texts_are_normalised_before_comparison() {
        for (case, field, comparison, text, expected) in [
            (
                "an address",
                of("email"),
                Comparison::AnyOf,
                "ANN@X.example",
                r#"Is(email, Eq, Text(["ann@x.example"]))"#,
            ),
            ("a currency", of("currency"), Comparison::NoneOf, "eur", r#"Not(Is(currency, Eq, Text(["EUR"])))"#),
            (
                "a part of an address",
                of("email"),
                Comparison::Op(Op::Contains),
                "@xn--bcher-kva.example",
                r#"Is(email, Contains, Text(["%@bücher.example%"]))"#,
            ),
            (
                "an option of a custom field",
                own(CustomKind::MultiChoice),
                Comparison::AnyOf,
                "a",
                r#"Carries(cf.size, ["a"])"#,
            ),
            (
                "an option that was taken away",
                own(CustomKind::MultiChoice),
                Comparison::AnyOf,
                "c",
                r#"Carries(cf.size, ["c"])"#,
            ),
            (
                "a custom phone number, also as written",
                FieldRef::Custom(Arc::new(custom_field("size", CustomKind::Phone, &[]))),
                Comparison::AnyOf,
                "555 01011",
                r#"Is(cf.size, Eq, Text(["+37255501011", "555 01011"]))"#,
            ),
        ] {
            assert_eq!(compared(field, comparison, &[text]), Ok(expected.to_owned()), "{case}");
        }
    }
}
