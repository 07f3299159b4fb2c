//! What a comparison and its values mean: the caller, days that move, amounts with their currency.
use crate::kernel::actor::Actor;
use crate::kernel::amounts;
use crate::kernel::cond::{Cond, Op, pattern};
use crate::kernel::error::Bad;
use crate::kernel::field::{FieldRef, Fields, ValueType, Values};
use crate::kernel::kind::Kind;
use crate::kernel::query_params::Comparison;
use crate::kernel::relative;
use crate::kernel::time::day_start;

impl<T> Fields<T> {
    /// The condition that a comparison and its values make of a field; the error does not say where.
    pub(in crate::kernel) fn compare(
        &'static self,
        field: FieldRef,
        comparison: Comparison,
        texts: Vec<String>,
        actor: &Actor,
    ) -> Result<Cond, Bad> {
        let zone = actor.settings.own_time_zone;
        let of_days = matches!(field.value_type(), ValueType::Date | ValueType::Time);
        match (comparison, self.currency_of(&field)) {
            (Comparison::AnyOf, Some(currency)) => {
                one_of_each(texts, |text| in_currency(&field, &currency, comparison, text, actor))
            }
            (Comparison::Op(_), Some(currency)) => match <[String; 1]>::try_from(texts) {
                Ok([text]) => in_currency(&field, &currency, comparison, text, actor),
                Err(_) => Err(Bad::new("invalid_format", "takes exactly one value")),
            },
            (Comparison::NoneOf, Some(_)) => self.compare(field, Comparison::AnyOf, texts, actor).map(|cond| !cond),
            (Comparison::AnyOf, None) if of_days && texts.iter().any(|text| relative::period(text, zone).is_some()) => {
                one_of_each(texts, |text| within_days(&field, text, actor))
            }
            (Comparison::NoneOf, None) if of_days => {
                self.compare(field, Comparison::AnyOf, texts, actor).map(|cond| !cond)
            }
            _ => compare(field, comparison, texts, actor),
        }
    }
}

/// Any of the conditions that texts make, each for itself.
fn one_of_each(texts: Vec<String>, make: impl Fn(String) -> Result<Cond, Bad>) -> Result<Cond, Bad> {
    let mut conds = texts.into_iter().map(make).collect::<Result<Vec<Cond>, Bad>>()?;
    Ok(if conds.len() == 1 { conds.pop().unwrap_or(Cond::Any(conds)) } else { Cond::Any(conds) })
}

/// `50000 EUR`, or an amount whose currency is named elsewhere.
fn in_currency(
    field: &FieldRef,
    currency: &FieldRef,
    comparison: Comparison,
    text: String,
    actor: &Actor,
) -> Result<Cond, Bad> {
    match amounts::cut(&text) {
        (amount, Some(code)) => Ok(Cond::All(vec![
            Cond::Is(currency.clone(), Op::Eq, Values::Text(vec![code.to_owned()])),
            compare(field.clone(), comparison, vec![amount.to_owned()], actor)?,
        ])),
        (_, None) => compare(field.clone(), comparison, vec![text], actor),
    }
}

/// `this_month` is any day of the month; `today` any instant of today.
fn within_days(field: &FieldRef, text: String, actor: &Actor) -> Result<Cond, Bad> {
    let zone = actor.settings.own_time_zone;
    let Some([first, after]) = relative::period(&text, zone) else {
        return compare(field.clone(), Comparison::AnyOf, vec![text], actor);
    };
    let value = |day| match field.value_type() {
        ValueType::Date => Values::Date(vec![day]),
        _ => Values::Time(vec![day_start(day, zone)]),
    };
    let bound = |op, day| Cond::Is(field.clone(), op, value(day));
    Ok(Cond::All(vec![bound(Op::Gte, first), bound(Op::Lt, after)]))
}

/// As `Fields::question`, of a field whose values need nothing beside them.
fn compare(field: FieldRef, comparison: Comparison, texts: Vec<String>, actor: &Actor) -> Result<Cond, Bad> {
    let (zone, value_type, text_format) = (actor.settings.own_time_zone, field.value_type(), field.text_format());
    let meant = |text: String| match value_type {
        ValueType::Uuid if text == "me" && field.refers() == Some(Kind::User) => actor.user.to_string(),
        ValueType::Date => relative::day(&text, zone).map_or(text, |day| day.to_string()),
        ValueType::Time => relative::instant(&text, zone).map_or(text, |at| at.to_string()),
        _ => text,
    };
    let values = |texts: Vec<String>| Values::parse(&field, texts.into_iter().map(meant).collect());
    let one = |texts: Vec<String>| match <[String; 1]>::try_from(texts) {
        Ok([text]) => Ok(text),
        Err(_) => Err(Bad::new("invalid_format", "takes exactly one value")),
    };
    // The words of a closed set; those of a field of one's own may be fewer than they were.
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
            let values = values(texts.into_iter().flat_map(|text| text_format.normalize(text, actor)).collect())?;
            Cond::Is(field, Op::Eq, values)
        }
        (Comparison::NoneOf, _) => {
            let values = values(texts.into_iter().flat_map(|text| text_format.normalize(text, actor)).collect())?;
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
            _ => return Err(Bad::new("invalid_format", "must be true or false")),
        },
    })
}
