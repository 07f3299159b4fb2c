//! Filters that are computed from several columns or tables, such as `rotting`.
use crate::kernel::access::actor::Actor;
use crate::kernel::access::resource::DerivedFilter;
use crate::kernel::error::{FieldCode, FieldError};
use crate::kernel::fields::cond::Cond;
use crate::kernel::values::relative;
use crate::kernel::values::time::{DateTime, day_start, parse_date};
use crate::kernel::values::value_type::ValueType;
use uuid::Uuid;

/// A filter that no single field answers.
#[derive(Debug)]
pub struct Derived {
    pub name: &'static str,
    /// What it says of a record, for the document.
    pub meaning: &'static str,
    pub by: DerivedBy,
}

/// The values that a derived filter takes, and the condition that it becomes.
#[derive(Debug)]
pub enum DerivedBy {
    /// `true` or `false`.
    Flag(fn(&Actor) -> Cond),
    /// One or more of these words.
    Choice(&'static [&'static str], fn(&Actor, &str) -> Cond),
    /// One instant, or a day in the time zone of the caller.
    Since(fn(DateTime) -> Cond),
    /// One or more ids, or `none`.
    Ids(fn(&Actor, Vec<Uuid>) -> Cond, fn(&Actor) -> Cond),
    /// An id, a first instant and the instant after the last one.
    Within(fn(&Actor, Uuid, [DateTime; 2]) -> Cond),
}

/// The value of a filter by ids for records without one.
const NONE: &str = "none";

impl Derived {
    pub fn value_type(&self) -> ValueType {
        match self.by {
            DerivedBy::Flag(_) => ValueType::Bool,
            DerivedBy::Choice(..) | DerivedBy::Ids(..) | DerivedBy::Within(_) => ValueType::Text,
            DerivedBy::Since(_) => ValueType::Time,
        }
    }

    pub fn choices(&self) -> &'static [&'static str] {
        match self.by {
            DerivedBy::Choice(choices, _) => choices,
            DerivedBy::Flag(_) | DerivedBy::Since(_) | DerivedBy::Ids(..) | DerivedBy::Within(_) => &[],
        }
    }

    /// Whether the filter takes several values, separated by commas.
    pub(in crate::kernel) fn takes_many(&self) -> bool {
        matches!(self.by, DerivedBy::Choice(..) | DerivedBy::Ids(..) | DerivedBy::Within(_))
    }

    pub fn described(&self) -> DerivedFilter {
        DerivedFilter { name: self.name, meaning: self.meaning, value_type: self.value_type(), choices: self.choices() }
    }

    /// Builds the condition; the error has no location yet.
    pub(in crate::kernel) fn condition(&self, texts: &[String], actor: &Actor) -> Result<Cond, FieldError> {
        match self.by {
            DerivedBy::Flag(make) => match one(texts)? {
                "true" => Ok(make(actor)),
                "false" => Ok(!make(actor)),
                _ => Err(FieldError::new(FieldCode::InvalidFormat, "must be true or false")),
            },
            DerivedBy::Choice(choices, make) => {
                let named = texts.iter().map(|text| {
                    let known = choices.contains(&text.as_str());
                    known.then(|| make(actor, text)).ok_or_else(|| {
                        let detail = format!("must be one of {}", choices.join(", "));
                        FieldError::new(FieldCode::InvalidChoice, detail).among(choices.iter().copied())
                    })
                });
                named.collect::<Result<_, _>>().map(Cond::Any)
            }
            DerivedBy::Since(make) => {
                let (text, zone) = (one(texts)?, actor.settings.own_time_zone);
                let day = || parse_date(text).map(|day| day_start(day, zone));
                let instant = relative::instant(text, zone).or_else(day).map_or_else(|| text.parse(), Ok);
                let detail =
                    "must be a day such as 2026-01-31, an instant with an offset, or relative such as today-7d";
                instant.map(make).map_err(|_| FieldError::new(FieldCode::InvalidFormat, detail))
            }
            DerivedBy::Ids(make, none) => ids(texts, |ids| make(actor, ids), || none(actor)),
            DerivedBy::Within(make) => {
                let detail =
                    "must be an id and two instants, such as 01997b6a-…,2026-01-01T00:00:00Z,2026-02-01T00:00:00Z";
                let [id, from, to] = texts else {
                    return Err(FieldError::new(FieldCode::InvalidFormat, detail));
                };
                let bad = |_| FieldError::new(FieldCode::InvalidFormat, detail);
                let instant = |text: &str| {
                    text.parse::<DateTime>().map_err(|_| FieldError::new(FieldCode::InvalidFormat, detail))
                };
                Ok(make(actor, id.parse().map_err(bad)?, [instant(from)?, instant(to)?]))
            }
        }
    }
}

fn ids(texts: &[String], make: impl Fn(Vec<Uuid>) -> Cond, none: impl Fn() -> Cond) -> Result<Cond, FieldError> {
    let bad = |_| FieldError::new(FieldCode::InvalidFormat, "must be ids, or none");
    let named = texts.iter().filter(|text| text.as_str() != NONE);
    let named: Vec<Uuid> = named.map(|text| text.parse().map_err(bad)).collect::<Result<_, _>>()?;
    let mut either = Vec::new();
    if named.len() < texts.len() {
        either.push(none());
    }
    if !named.is_empty() {
        either.push(make(named));
    }
    Ok(Cond::Any(either))
}

fn one(texts: &[String]) -> Result<&str, FieldError> {
    match texts {
        [text] => Ok(text),
        _ => Err(FieldError::new(FieldCode::InvalidFormat, "must have exactly one value")),
    }
}

/// Declares the filters of records with an owner and a next task:
/// `attention_filters!(OWNER, NEXT_TASK, more filters…)`.
#[macro_export]
macro_rules! attention_filters {
    ($owner:ident, $next_task:ident $(, $more:expr)* $(,)?) => {
        &[
            $crate::kernel::query::derived::Derived {
                name: "unassigned",
                meaning: "Whether the record has no owner.",
                by: $crate::kernel::query::derived::DerivedBy::Flag(|_| {
                    $crate::kernel::fields::cond::Cond::Empty((&$owner).into())
                }),
            },
            $crate::kernel::query::derived::Derived {
                name: "has_next_task",
                meaning: "Whether the record or what belongs to it has an open task.",
                by: $crate::kernel::query::derived::DerivedBy::Flag(|_| $next_task.exists()),
            },
            $crate::kernel::query::derived::Derived {
                name: "task_state",
                meaning: "The state of the next task, or `none` without an open task.",
                by: $crate::kernel::query::derived::DerivedBy::Choice(
                    $crate::kernel::access::next_task::TASK_STATES,
                    |actor, state| $next_task.has_state(actor, state),
                ),
            },
            $($more),*
        ]
    };
}

#[cfg(test)]
mod tests {
    use crate::kernel::samples::{BOAT, actor};

    #[test]
    fn values_become_conditions_or_are_refused() {
        for (case, name, texts, expected) in [
            ("a flag", "ownerless", vec!["true"], "Empty(owner_id)"),
            ("its opposite", "ownerless", vec!["false"], "Not(Empty(owner_id))"),
            ("no flag", "ownerless", vec!["yes"], "must be true or false"),
            ("two flags", "ownerless", vec!["true", "false"], "must have exactly one value"),
            ("a word", "state", vec!["sold"], "Any([Not(Empty(sold_on))])"),
            ("two words", "state", vec!["sold", "kept"], "Any([Not(Empty(sold_on)), Empty(sold_on)])"),
            ("another word", "state", vec!["sold", "sunk"], "must be one of kept, sold"),
            // Midnight in Tallinn is 22:00 the day before.
            (
                "a day",
                "unchanged_since",
                vec!["2026-01-31"],
                "Is(created_at, Lt, Time([DateTime(2026-01-30T22:00:00Z)]))",
            ),
            (
                "an instant",
                "unchanged_since",
                vec!["2026-01-31T10:00:00+02:00"],
                "Is(created_at, Lt, Time([DateTime(2026-01-31T08:00:00Z)]))",
            ),
            (
                "neither",
                "unchanged_since",
                vec!["31.1."],
                "must be a day such as 2026-01-31, an instant with an offset, or relative such as today-7d",
            ),
        ] {
            let texts: Vec<String> = texts.into_iter().map(str::to_owned).collect();
            let cond = BOAT.derived(name, &texts, &actor()).unwrap();
            assert_eq!(cond.map_or_else(|bad| bad.detail, |cond| format!("{cond:?}")), expected, "{case}");
        }
        assert!(BOAT.derived("rotting", &["true".into()], &actor()).is_none());
    }
}
