//! What a query string asks: the questions behind the names of its parameters, and the names and values before anybody has read
//! them. Each is taken by who knows it, so that what is not known is told.
use crate::kernel::cond::Op;
use crate::kernel::error::{Bad, Error, Result, not_known};
use crate::kernel::field::{FieldRef, Kind};
use unicode_normalization::UnicodeNormalization;

pub const LIMIT_MAX: i64 = 500;
pub(in crate::kernel) const LIMIT_DEFAULT: i64 = 50;
pub const Q_MAX: usize = 256;

/// What a parameter asks of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernel) enum Ask {
    AnyOf,
    NoneOf,
    AllOf,
    Op(Op),
    Empty,
}

/// Suffix of the parameter, question, meaning.
pub(in crate::kernel) const ASKS: [(&str, Ask, &str); 10] = [
    ("", Ask::AnyOf, "is one of these"),
    ("__ne", Ask::NoneOf, "is none of these"),
    ("__all", Ask::AllOf, "holds all of these"),
    ("__gt", Ask::Op(Op::Gt), "is greater than"),
    ("__gte", Ask::Op(Op::Gte), "is at least"),
    ("__lt", Ask::Op(Op::Lt), "is less than"),
    ("__lte", Ask::Op(Op::Lte), "is at most"),
    ("__contains", Ask::Op(Op::Contains), "contains, in any case of letters"),
    ("__starts_with", Ask::Op(Op::StartsWith), "starts with, in any case of letters"),
    ("__empty", Ask::Empty, "is empty (true) or filled (false)"),
];

pub(in crate::kernel) fn applies(ask: Ask, field: &FieldRef) -> bool {
    match ask {
        Ask::AnyOf | Ask::NoneOf => true,
        Ask::AllOf => field.kind() == Kind::Words,
        Ask::Op(Op::Contains | Op::StartsWith) => field.kind() == Kind::Text && field.choices().is_empty(),
        Ask::Op(_) => matches!(field.kind(), Kind::Time | Kind::Date | Kind::Int | Kind::Number),
        Ask::Empty => field.nullable() || field.kind() == Kind::Words,
    }
}

/// The question behind the name of an operator, as a condition in words has it: `eq`, `in`, `ne`, `not_in`, `gte`, ….
pub(in crate::kernel) fn ask_named(op: &str) -> Option<Ask> {
    let suffix = match op {
        "eq" | "in" => "",
        "not_in" => "ne",
        other => other,
    };
    ASKS.iter().find(|(known, ..)| known.trim_start_matches("__") == suffix).map(|(_, ask, _)| *ask)
}

/// The names of the operators that a field takes.
pub fn operators(field: &FieldRef) -> Vec<&'static str> {
    let asks = ASKS.iter().filter(|(_, ask, _)| applies(*ask, field));
    let name = |suffix: &'static str| if suffix.is_empty() { "eq" } else { suffix.trim_start_matches("__") };
    asks.map(|(suffix, ..)| name(suffix)).collect()
}

/// The parameter that asks about a workspace's own fields: `cf=region:eq:north`, as often as there are questions.
pub const CUSTOM: &str = "cf";

/// The parameter that asks also for what belongs to a record through another one.
pub(in crate::kernel) const RELATED: &str = "related";

/// Whether a parameter has one value by its nature. The others may be repeated, as some generated clients do with lists.
fn takes_one(name: &str) -> bool {
    let asked = ASKS.iter().find(|(suffix, ..)| !suffix.is_empty() && name.ends_with(suffix)).map(|(_, ask, _)| *ask);
    matches!(name, "q" | "sort" | "cursor" | "limit" | RELATED) || matches!(asked, Some(Ask::Op(_) | Ask::Empty))
}

/// `status=open&status=won` as `status=open,won`.
fn joined(pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    pairs.into_iter().fold(Vec::new(), |mut all: Vec<(String, String)>, (name, value)| {
        match all.iter_mut().find(|(known, _)| *known == name && name != CUSTOM) {
            Some((_, values)) => values.extend([",", &value]),
            None => all.push((name, value)),
        }
        all
    })
}

/// A query string, cut into names and values. Whoever reads a parameter takes it out; what is left is unknown.
#[derive(Debug)]
pub struct Asked(pub(in crate::kernel) Vec<(String, String)>);

impl Asked {
    pub fn read(query: &str) -> Result<Asked> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.nfc().collect()))
            .collect();
        let mut bad = Vec::new();
        for (n, (name, value)) in pairs.iter().enumerate() {
            // The decoder writes U+FFFD for bytes that are not UTF-8.
            if value.contains(['\u{FFFD}', '\0']) {
                bad.push(Bad::parameter(name, "invalid_character", "must be UTF-8 without NUL"));
            }
            if takes_one(name) && pairs.iter().take(n).any(|(earlier, _)| earlier == name) {
                bad.push(Bad::parameter(name, "stated_twice", "is given twice"));
            }
        }
        if bad.is_empty() { Ok(Asked(joined(pairs))) } else { Err(Error::parameters(bad)) }
    }

    /// Of the parameters that nobody has taken yet.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    pub fn take(&mut self, name: &str) -> Option<String> {
        self.0.iter().position(|(n, _)| n == name).map(|at| self.0.remove(at).1)
    }

    /// Takes a parameter and reads it; `what` completes "must be …".
    pub fn parsed<V: std::str::FromStr>(&mut self, name: &str, what: &str) -> Result<Option<V>> {
        self.take(name).map(|text| text.parse().map_err(|_| wrong(name, what))).transpose()
    }

    /// `limit`: the usual one if absent.
    pub fn limit(&mut self, usual: i64, max: i64) -> Result<i64> {
        let Some(text) = self.take("limit") else { return Ok(usual) };
        let within = text.parse().ok().filter(|limit| (1..=max).contains(limit));
        within.ok_or_else(|| Error::parameters(vec![Bad::out_of_range(Some(1), Some(max)).at_parameter("limit")]))
    }

    pub fn date(&mut self, name: &str) -> Result<Option<chrono::NaiveDate>> {
        let read = |text: String| {
            crate::kernel::field::parse_date(&text).ok_or_else(|| wrong(name, "a date such as 2026-01-31"))
        };
        self.take(name).map(read).transpose()
    }

    /// Everything must have been taken.
    pub fn finish(self, known: &[&str]) -> Result<()> {
        let unknown = |(name, _): &(String, String)| {
            Bad::parameter(name, "unknown_parameter", not_known(name, known.iter().copied()))
        };
        let bad: Vec<Bad> = self.0.iter().map(unknown).collect();
        if bad.is_empty() { Ok(()) } else { Err(Error::parameters(bad)) }
    }
}

fn wrong(name: &str, what: &str) -> Error {
    Error::parameters(vec![Bad::parameter(name, "invalid_format", format!("must be {what}"))])
}
