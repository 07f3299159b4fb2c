//! What a comparison and its values mean: the caller, days that move, amounts with their currency.
use crate::kernel::actor::Actor;
use crate::kernel::amounts;
use crate::kernel::cond::{Cond, Op, pattern};
use crate::kernel::error::{Bad, FieldCode};
use crate::kernel::field::{Field, FieldRef, Fields, Values};
use crate::kernel::kind::Kind;
use crate::kernel::query_params::Comparison;
use crate::kernel::relative;
use crate::kernel::time::day_start;
use crate::kernel::value_type::ValueType;
use chrono::NaiveDate;

impl<T> Fields<T> {
    /// The condition that a comparison and its values make of a field; the error does not say where.
    pub(in crate::kernel) fn compare(
        &'static self,
        field: FieldRef,
        comparison: Comparison,
        texts: Vec<String>,
        actor: &Actor,
    ) -> Result<Cond, Bad> {
        compare_in(self.currency_of(&field), field, comparison, texts, actor)
    }
}

/// As `Fields::question`; `currency` is the field that holds the currency of an amount.
pub(in crate::kernel) fn compare_in(
    currency: Option<FieldRef>,
    field: FieldRef,
    comparison: Comparison,
    texts: Vec<String>,
    actor: &Actor,
) -> Result<Cond, Bad> {
    let zone = actor.settings.own_time_zone;
    let of_days = matches!(field.value_type(), ValueType::Date | ValueType::Time);
    match (comparison, &currency) {
        (Comparison::AnyOf, Some(currency)) => {
            one_of_each(texts, |text| in_currency(&field, currency, comparison, text, actor))
        }
        (Comparison::Op(_), Some(currency)) => match <[String; 1]>::try_from(texts) {
            Ok([text]) => in_currency(&field, currency, comparison, text, actor),
            Err(_) => Err(Bad::new(FieldCode::InvalidFormat, "takes exactly one value")),
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
            Cond::Is(currency.clone(), Op::Eq, Values::Text(vec![code])),
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
    let cond = Cond::All(vec![bound(Op::Gte, first), bound(Op::Lt, after)]);
    Ok(or_all_day(field, cond, &[(Op::Gte, first), (Op::Lt, after)]))
}

/// As `question`, where the value may be a day: an all-day task is later than the beginning of its day.
fn from_day(field: &FieldRef, op: Op, texts: Vec<String>, actor: &Actor) -> Result<Cond, Bad> {
    let day = texts.first().and_then(|text| relative::day(text, actor.settings.own_time_zone));
    let cond = compare(field.clone(), Comparison::Op(op), texts, actor)?;
    let op = if matches!(op, Op::Gt | Op::Gte) { Op::Gte } else { Op::Lt };
    Ok(day.map(|day| or_all_day(field, cond.clone(), &[(op, day)])).unwrap_or(cond))
}

/// What is asked of days is asked of the day, where the instant is only the end of it: that is the beginning of the next one, in the
/// workspace's time zone.
fn or_all_day(field: &FieldRef, of_instant: Cond, of_day: &[(Op, NaiveDate)]) -> Cond {
    let FieldRef::Built(Field { day: Some(day), .. }) = field else { return of_instant };
    let bound = |(op, date): &(Op, NaiveDate)| Cond::Is((*day).into(), *op, Values::Date(vec![*date]));
    let timed = Cond::All(vec![Cond::Empty((*day).into()), of_instant]);
    Cond::Any(vec![timed, Cond::All(of_day.iter().map(bound).collect())])
}

/// As `Fields::question`, of a field whose values need nothing beside them.
fn compare(field: FieldRef, comparison: Comparison, texts: Vec<String>, actor: &Actor) -> Result<Cond, Bad> {
    let (zone, value_type, text_format) = (actor.settings.own_time_zone, field.value_type(), field.text_format());
    let meant = |text: String| match value_type {
        ValueType::Uuid if text == "me" && field.refers() == Some(Kind::USER) => actor.user.to_string(),
        ValueType::Date => relative::day(&text, zone).map_or(text, |day| day.to_string()),
        ValueType::Time => relative::instant(&text, zone).map_or(text, |at| at.to_string()),
        _ => text,
    };
    let values = |texts: Vec<String>| Values::parse(&field, texts.into_iter().map(meant).collect());
    let one = |texts: Vec<String>| match <[String; 1]>::try_from(texts) {
        Ok([text]) => Ok(text),
        Err(_) => Err(Bad::new(FieldCode::InvalidFormat, "takes exactly one value")),
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
            _ => return Err(Bad::new(FieldCode::InvalidFormat, "must be true or false")),
        },
    })
}
