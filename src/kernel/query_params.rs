//! Query parameters: their names and values , and the comparisons behind the suffixes of the names. Each reader removes the ones it//! handles ; what remains is reported as unknown.
use crate::kernel::cond::Op;
use crate::kernel::error::{Bad, Error, FieldCode, Result, not_known};
use crate::kernel::field::FieldRef;
use crate::kernel::value_type::ValueType;
use unicode_normalization::UnicodeNormalization;

pub const LIMIT_MAX: i64 = 500;
pub(in crate::kernel) const LIMIT_DEFAULT: i64 = 50;
pub const Q_MAX: usize = 256;

/// How a parameter compares its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernel) enum Comparison {
    AnyOf,
    NoneOf,
    AllOf,
    Op(Op),
    Empty,
}

/// Suffix of the parameter, comparison, meaning.
pub(in crate::kernel) const OPERATORS: [(&str, Comparison, &str); 10] = [
    ("", Comparison::AnyOf, "is one of these"),
    ("__ne", Comparison::NoneOf, "is none of these"),
    ("__all", Comparison::AllOf, "holds all of these"),
    ("__gt", Comparison::Op(Op::Gt), "is greater than"),
    ("__gte", Comparison::Op(Op::Gte), "is at least"),
    ("__lt", Comparison::Op(Op::Lt), "is less than"),
    ("__lte", Comparison::Op(Op::Lte), "is at most"),
    ("__contains", Comparison::Op(Op::Contains), "contains, in any case of letters"),
    ("__starts_with", Comparison::Op(Op::StartsWith), "starts with, in any case of letters"),
    ("__empty", Comparison::Empty, "is empty (true) or filled (false)"),
];

pub(in crate::kernel) fn applies(comparison: Comparison, field: &FieldRef) -> bool {
    match comparison {
        Comparison::AnyOf | Comparison::NoneOf => true,
        Comparison::AllOf => field.value_type() == ValueType::TextArray,
        Comparison::Op(Op::Contains | Op::StartsWith) => {
            field.value_type() == ValueType::Text && field.choices().is_empty()
        }
        Comparison::Op(_) => {
            matches!(field.value_type(), ValueType::Time | ValueType::Date | ValueType::Int | ValueType::Number)
        }
        Comparison::Empty => field.nullable() || field.value_type() == ValueType::TextArray,
    }
}

/// The comparison behind the name of an operator, as a condition in words has it: `eq`, `in`, `ne`, `not_in`, `gte`, ….
pub(in crate::kernel) fn comparison_named(op: &str) -> Option<Comparison> {
    let suffix = match op {
        "eq" | "in" => "",
        "not_in" => "ne",
        other => other,
    };
    OPERATORS.iter().find(|(known, ..)| known.trim_start_matches("__") == suffix).map(|(_, comparison, _)| *comparison)
}

/// The names of the operators that a field takes.
pub fn operators(field: &FieldRef) -> Vec<&'static str> {
    let applicable = OPERATORS.iter().filter(|(_, comparison, _)| applies(*comparison, field));
    let name = |suffix: &'static str| if suffix.is_empty() { "eq" } else { suffix.trim_start_matches("__") };
    applicable.map(|(suffix, ..)| name(suffix)).collect()
}

/// The parameter that asks about a workspace's own fields: `cf=region:eq:north`, as often as there are questions.
pub const CUSTOM: &str = "cf";

/// The parameter that asks also for what belongs to a record through another one.
pub(in crate::kernel) const RELATED: &str = "related";

/// Whether a parameter has one value by its nature. The others may be repeated, as some generated clients do with lists.
fn takes_one(name: &str) -> bool {
    let comparison = OPERATORS
        .iter()
        .find(|(suffix, ..)| !suffix.is_empty() && name.ends_with(suffix))
        .map(|(_, comparison, _)| *comparison);
    matches!(name, "q" | "sort" | "cursor" | "limit" | RELATED)
        || matches!(comparison, Some(Comparison::Op(_) | Comparison::Empty))
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

/// A query string, cut into names and values. Whoever reads a parameter removes it; what is left is unknown.
#[derive(Debug)]
pub struct QueryParams(pub(in crate::kernel) Vec<(String, String)>);

impl QueryParams {
    pub fn read(query: &str) -> Result<QueryParams> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.nfc().collect()))
            .collect();
        let mut bad = Vec::new();
        for (n, (name, value)) in pairs.iter().enumerate() {
            // The decoder writes U+FFFD for bytes that are not UTF-8.
            if value.contains(['\u{FFFD}', '\0']) {
                bad.push(Bad::parameter(name, FieldCode::InvalidCharacter, "must be UTF-8 without NUL"));
            }
            if takes_one(name) && pairs.iter().take(n).any(|(earlier, _)| earlier == name) {
                bad.push(Bad::parameter(name, FieldCode::StatedTwice, "is given twice"));
            }
        }
        if bad.is_empty() { Ok(QueryParams(joined(pairs))) } else { Err(Error::parameters(bad)) }
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
            Bad::parameter(name, FieldCode::UnknownParameter, not_known(name, known.iter().copied()))
        };
        let bad: Vec<Bad> = self.0.iter().map(unknown).collect();
        if bad.is_empty() { Ok(()) } else { Err(Error::parameters(bad)) }
    }
}

fn wrong(name: &str, what: &str) -> Error {
    Error::parameters(vec![Bad::parameter(name, FieldCode::InvalidFormat, format!("must be {what}"))])
}
