//! What a question and its values mean: the caller, days that move, amounts with their currency.
use crate::kernel::actor::Actor;
use crate::kernel::amounts;
use crate::kernel::asked::Ask;
use crate::kernel::cond::{Cond, Op, pattern};
use crate::kernel::error::Bad;
use crate::kernel::field::{Field, FieldRef, Fields, Kind, Values};
use crate::kernel::kind::Kind as RecordKind;
use crate::kernel::relative;
use crate::kernel::time::day_start;
use chrono::NaiveDate;

impl<T> Fields<T> {
    /// The condition that a question and its values make of a field; the error does not say where.
    pub(in crate::kernel) fn question(
        &'static self,
        field: FieldRef,
        ask: Ask,
        texts: Vec<String>,
        actor: &Actor,
    ) -> Result<Cond, Bad> {
        asked_in(self.currency_of(&field), field, ask, texts, actor)
    }
}

/// As `Fields::question`; `currency` is the field that holds the currency of an amount.
pub(in crate::kernel) fn asked_in(
    currency: Option<FieldRef>,
    field: FieldRef,
    ask: Ask,
    texts: Vec<String>,
    actor: &Actor,
) -> Result<Cond, Bad> {
    let zone = actor.settings.own_time_zone;
    let of_days = matches!(field.kind(), Kind::Date | Kind::Time);
    match (ask, &currency) {
        (Ask::AnyOf, Some(currency)) => one_of_each(texts, |text| in_currency(&field, currency, ask, text, actor)),
        (Ask::Op(_), Some(currency)) => match <[String; 1]>::try_from(texts) {
            Ok([text]) => in_currency(&field, currency, ask, text, actor),
            Err(_) => Err(Bad::new("invalid_format", "takes exactly one value")),
        },
        (Ask::NoneOf, Some(_)) => asked_in(currency, field, Ask::AnyOf, texts, actor).map(|cond| !cond),
        (Ask::AnyOf, None) if of_days && texts.iter().any(|text| relative::period(text, zone).is_some()) => {
            one_of_each(texts, |text| within_days(&field, text, actor))
        }
        (Ask::Op(op), None) if of_days => from_day(&field, op, texts, actor),
        (Ask::NoneOf, None) if of_days => asked_in(None, field, Ask::AnyOf, texts, actor).map(|cond| !cond),
        _ => question(field, ask, texts, actor),
    }
}

/// Any of the conditions that texts make, each for itself.
fn one_of_each(texts: Vec<String>, make: impl Fn(String) -> Result<Cond, Bad>) -> Result<Cond, Bad> {
    let mut conds = texts.into_iter().map(make).collect::<Result<Vec<Cond>, Bad>>()?;
    Ok(if conds.len() == 1 { conds.pop().unwrap_or(Cond::Any(conds)) } else { Cond::Any(conds) })
}

/// `50000 EUR`, or an amount whose currency is named elsewhere.
fn in_currency(field: &FieldRef, currency: &FieldRef, ask: Ask, text: String, actor: &Actor) -> Result<Cond, Bad> {
    match amounts::cut(&text) {
        (amount, Some(code)) => Ok(Cond::All(vec![
            Cond::Is(currency.clone(), Op::Eq, Values::Text(vec![code])),
            question(field.clone(), ask, vec![amount.to_owned()], actor)?,
        ])),
        (_, None) => question(field.clone(), ask, vec![text], actor),
    }
}

/// `this_month` is any day of the month; `today` any instant of today.
fn within_days(field: &FieldRef, text: String, actor: &Actor) -> Result<Cond, Bad> {
    let zone = actor.settings.own_time_zone;
    let Some([first, after]) = relative::period(&text, zone) else {
        return question(field.clone(), Ask::AnyOf, vec![text], actor);
    };
    let value = |day| match field.kind() {
        Kind::Date => Values::Date(vec![day]),
        _ => Values::Time(vec![day_start(day, zone)]),
    };
    let bound = |op, day| Cond::Is(field.clone(), op, value(day));
    let cond = Cond::All(vec![bound(Op::Gte, first), bound(Op::Lt, after)]);
    Ok(or_all_day(field, cond, &[(Op::Gte, first), (Op::Lt, after)]))
}

/// As `question`, where the value may be a day: an all-day task is later than the beginning of its day.
fn from_day(field: &FieldRef, op: Op, texts: Vec<String>, actor: &Actor) -> Result<Cond, Bad> {
    let day = texts.first().and_then(|text| relative::day(text, actor.settings.own_time_zone));
    let cond = question(field.clone(), Ask::Op(op), texts, actor)?;
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
fn question(field: FieldRef, ask: Ask, texts: Vec<String>, actor: &Actor) -> Result<Cond, Bad> {
    let (zone, kind, form) = (actor.settings.own_time_zone, field.kind(), field.form());
    let meant = |text: String| match kind {
        Kind::Uuid if text == "me" && field.refers() == Some(RecordKind::User) => actor.user.to_string(),
        Kind::Date => relative::day(&text, zone).map_or(text, |day| day.to_string()),
        Kind::Time => relative::instant(&text, zone).map_or(text, |at| at.to_string()),
        _ => text,
    };
    let values = |texts: Vec<String>| Values::parse(&field, texts.into_iter().map(meant).collect());
    let one = |texts: Vec<String>| match <[String; 1]>::try_from(texts) {
        Ok([text]) => Ok(text),
        Err(_) => Err(Bad::new("invalid_format", "takes exactly one value")),
    };
    // The words of a closed set; those of a field of one's own may be fewer than they were.
    if matches!(&field, FieldRef::Built(built) if built.kind == Kind::Words) && ask != Ask::Empty {
        Values::parse(&field, texts.clone())?;
    }
    Ok(match (ask, kind) {
        (Ask::AnyOf, Kind::Words) => Cond::Carries(field, texts),
        (Ask::NoneOf, Kind::Words) => !Cond::Carries(field, texts),
        (Ask::AllOf, _) => Cond::All(texts.into_iter().map(|word| Cond::Carries(field.clone(), vec![word])).collect()),
        (Ask::AnyOf, _) => {
            let values = values(texts.into_iter().flat_map(|text| form.meant(text, actor)).collect())?;
            Cond::Is(field, Op::Eq, values)
        }
        (Ask::NoneOf, _) => {
            let values = values(texts.into_iter().flat_map(|text| form.meant(text, actor)).collect())?;
            !Cond::Is(field, Op::Eq, values)
        }
        (Ask::Op(op @ (Op::Contains | Op::StartsWith)), _) => {
            Cond::Is(field, op, Values::Text(vec![pattern(op, &form.part(&one(texts)?))]))
        }
        (Ask::Op(op), _) => {
            let values = values(vec![one(texts)?])?;
            Cond::Is(field, op, values)
        }
        (Ask::Empty, _) => match one(texts)?.as_str() {
            "true" => Cond::Empty(field),
            "false" => !Cond::Empty(field),
            _ => return Err(Bad::new("invalid_format", "must be true or false")),
        },
    })
}
