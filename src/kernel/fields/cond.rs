//! A condition on one record, evaluated in SQL (`walk_ast`) and in memory (`eval`). A property test compares the two.
//!
//! The logic is two-valued: a comparison with an empty field is false, and `Not` of it is true (so "owner is not Ann"
//! finds records without an owner). In SQL, a leaf may be NULL; AND and OR treat that as false, and `Not` adds
//! `is not true`. So NULL never affects the result, and an index can serve the leaves.
use crate::kernel::fields::field::{AllValues, Field, FieldRef};
use crate::kernel::fields::search::Search;
use crate::kernel::values::typed::{Values, each_type};
use crate::kernel::values::value_type::ValueType;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, Text};
use diesel::{pg::Pg, result::QueryResult};
use serde_json::Value as Json;
use std::cmp::Ordering;
use std::sync::Arc;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Eq,
    Gt,
    Gte,
    Lt,
    Lte,
    Contains,
    StartsWith,
}

#[derive(Clone, Debug)]
pub enum Cond {
    All(Vec<Cond>),
    Any(Vec<Cond>),
    Not(Box<Cond>),
    /// `Eq` matches any of the values; the other operators have exactly one value.
    Is(FieldRef, Op, Values),
    Empty(FieldRef),
    /// The array contains at least one of these words.
    Carries(FieldRef, Vec<String>),
    /// The searchable text of the record contains all of these pieces, ignoring case and accents.
    Mentions(&'static Search, Vec<String>),
    /// The records that a subquery on another table finds for these values, such as the contacts of a deal.
    Within(FieldRef, &'static str, Values),
    /// The records that a statement finds, with the cost of the statement.
    Among(FieldRef, Arc<dyn Found>, usize),
    /// A condition in SQL on the columns of the record, with its cost.
    Holds(Arc<dyn Found>, usize),
}

/// A statement that selects ids, or a condition in SQL.
pub trait Found: QueryFragment<Pg> + std::fmt::Debug + Send + Sync {}
impl<S: QueryFragment<Pg> + std::fmt::Debug + Send + Sync> Found for S {}

impl Cond {
    /// Checks whether the statement may be cached: only without a condition, or for values of hot fields. Other
    /// conditions would create an unlimited number of statements.
    fn is_hot(&self) -> bool {
        match self {
            Cond::All(list) => list.len() <= 2 && list.iter().all(Cond::is_hot),
            Cond::Is(field, Op::Eq, _) => field.hot(),
            _ => false,
        }
    }

    /// Checks whether the condition names specific values: of a field (for a closed set, not all of them) or records.
    /// Ranges, parts of texts, words of a search, flags, currencies and negations may match every record.
    pub fn names_values(&self) -> bool {
        match self {
            Cond::All(list) => list.iter().any(Cond::names_values),
            Cond::Any(list) => !list.is_empty() && list.iter().all(Cond::names_values),
            Cond::Is(field, Op::Eq, Values::Text(named)) if !field.choices().is_empty() => {
                field.choices().iter().any(|choice| !named.iter().any(|value| value == choice))
            }
            // A range of an amount also needs a condition on its currency, so the currency does not count.
            Cond::Is(field, Op::Eq, _) => field.value_type() != ValueType::Bool && !field.is_currency(),
            Cond::Carries(..) | Cond::Within(..) => true,
            Cond::Is(..) | Cond::Not(_) | Cond::Empty(_) | Cond::Mentions(..) | Cond::Among(..) | Cond::Holds(..) => {
                false
            }
        }
    }

    /// Evaluates the condition on a serialized record. `Within`, `Among` and `Holds` need SQL and are false in memory.
    pub fn eval(&self, row: &Json) -> bool {
        match self {
            Cond::All(list) => list.iter().all(|c| c.eval(row)),
            Cond::Any(list) => list.iter().any(|c| c.eval(row)),
            Cond::Not(c) => !c.eval(row),
            Cond::Empty(field) => match field.of(row) {
                Some(Json::Array(words)) => words.is_empty(),
                other => other.is_none_or(Json::is_null),
            },
            Cond::Is(field, op, values) => match field.all_values() {
                Some(all_values) => {
                    (all_values.of)(row).into_iter().any(|one| holds(&Values::Text(vec![one]), *op, values))
                }
                None => Values::of_json(field.value_type(), field.of(row)).is_some_and(|v| holds(&v, *op, values)),
            },
            Cond::Carries(field, words) => field.of(row).and_then(Json::as_array).is_some_and(|has| {
                has.iter().filter_map(Json::as_str).any(|tag| words.iter().any(|w| field.same(w, tag)))
            }),
            Cond::Mentions(search, pieces) => {
                let at = |path: &str| path.split('.').try_fold(row, |value, name| value.get(name));
                let member = |path: &&str| at(path).and_then(Json::as_str).unwrap_or_default();
                let text = fold(&search.members.iter().map(member).collect::<Vec<_>>().join(" "));
                pieces.iter().all(|piece| text.contains(&fold(piece)))
            }
            Cond::Within(..) | Cond::Among(..) | Cond::Holds(..) => false,
        }
    }
}

impl Cond {
    /// Checks whether the condition uses only the searchable text, which means that no part of it is hidden.
    pub fn is_of_words(&self) -> bool {
        match self {
            Cond::Mentions(..) => true,
            Cond::Any(list) => !list.is_empty() && list.iter().all(Cond::is_of_words),
            _ => false,
        }
    }
}

impl std::ops::Not for Cond {
    type Output = Cond;
    fn not(self) -> Cond {
        Cond::Not(Box::new(self))
    }
}

impl Op {
    const fn sql(self) -> &'static str {
        match self {
            Op::Eq => " = ",
            Op::Gt => " > ",
            Op::Gte => " >= ",
            Op::Lt => " < ",
            Op::Lte => " <= ",
            Op::Contains | Op::StartsWith => " ilike ",
        }
    }

    fn admits(self, order: Ordering) -> bool {
        match self {
            Op::Eq => order.is_eq(),
            Op::Gt => order.is_gt(),
            Op::Gte => order.is_ge(),
            Op::Lt => order.is_lt(),
            Op::Lte => order.is_le(),
            Op::Contains | Op::StartsWith => false,
        }
    }
}

/// Builds the ILIKE pattern of `contains` or `starts_with`, in which `%`, `_` and `\` match themselves.
pub fn pattern(op: Op, text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    if op == Op::Contains { format!("%{escaped}%") } else { format!("{escaped}%") }
}

/// Converts to lower case without accents, approximately like the SQL function `fold`, which follows the database's
/// rules.
fn fold(text: &str) -> String {
    let plain = |c: char| match c {
        'ё' | 'Ё' => "е".to_owned(),
        // Other Cyrillic letters are separate letters, not accented ones.
        '\u{400}'..='\u{52f}' => c.to_string(),
        _ => std::iter::once(c).nfd().filter(|c| !is_combining_mark(*c)).collect(),
    };
    text.nfc().map(plain).collect::<String>().to_lowercase()
}

fn like(text: &str, pattern: &str) -> bool {
    // PostgreSQL folds each character to one character; Rust's to_lowercase may turn one into two.
    let lower = |c: char| {
        let mut folded = c.to_lowercase();
        if folded.len() == 1 { folded.next().unwrap_or(c) } else { c }
    };
    let fold = |s: &str| -> String { s.chars().map(lower).collect() };
    let (anywhere, rest) = pattern.strip_prefix('%').map_or((false, pattern), |rest| (true, rest));
    let literal = rest.strip_suffix('%').unwrap_or(rest).replace(r"\%", "%").replace(r"\_", "_").replace(r"\\", r"\");
    let (text, needle) = (fold(text), fold(&literal));
    if anywhere { text.contains(&needle) } else { text.starts_with(&needle) }
}

fn holds(value: &Values, op: Op, limits: &Values) -> bool {
    fn any<T: Ord>(value: &[T], op: Op, limits: &[T]) -> bool {
        value.first().is_some_and(|v| limits.iter().any(|limit| op.admits(v.cmp(limit))))
    }
    match (value, limits) {
        (Values::Text(v), Values::Text(p)) if matches!(op, Op::Contains | Op::StartsWith) => {
            v.iter().zip(p).any(|(v, p)| like(v, p))
        }
        (Values::Text(v), Values::Text(l)) => any(v, op, l),
        (Values::Uuid(v), Values::Uuid(l)) => any(v, op, l),
        (Values::Time(v), Values::Time(l)) => any(v, op, l),
        (Values::Date(v), Values::Date(l)) => any(v, op, l),
        (Values::Int(v), Values::Int(l)) => any(v, op, l),
        (Values::Number(v), Values::Number(l)) => {
            v.first().is_some_and(|v| l.iter().any(|limit| v.partial_cmp(limit).is_some_and(|order| op.admits(order))))
        }
        (Values::Bool(v), Values::Bool(l)) => any(v, op, l),
        _ => false,
    }
}

impl QueryFragment<Pg> for Cond {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if !self.is_hot() {
            out.unsafe_to_cache_prepared();
        }
        // Always in parentheses, because diesel's `.filter(a).filter(b)` writes `a AND b` without any around `b`.
        out.push_sql("(");
        match self {
            Cond::All(list) => joined(list, "true", " and ", &mut out)?,
            Cond::Any(list) => joined(list, "false", " or ", &mut out)?,
            Cond::Not(cond) => {
                cond.walk_ast(out.reborrow())?;
                out.push_sql(" is not true");
            }
            Cond::Empty(field) => {
                field.column(out.reborrow())?;
                out.push_sql(if field.value_type() == ValueType::TextArray { " = '{}'" } else { " is null" });
            }
            Cond::Is(FieldRef::Custom(field), Op::Eq, values) if field.can_contain(values) => {
                field.contains(values, &mut out)?;
            }
            Cond::Is(FieldRef::Built(Field { all_values: Some(all_values), .. }), op, Values::Text(list)) => {
                any_of(all_values, *op, list, &mut out)?;
            }
            Cond::Is(field, op, values) => {
                field.column(out.reborrow())?;
                out.push_sql(op.sql());
                one_or_any(values, &mut out)?;
            }
            Cond::Carries(field, words) => {
                // The same expression as in the index on tags.
                let (before, after) = if field.is_tags() { ("tag_keys(", ")") } else { ("", "") };
                out.push_sql(before);
                field.column(out.reborrow())?;
                out.push_sql(after);
                out.push_sql(" && ");
                out.push_sql(before);
                out.push_bind_param::<Array<Text>, _>(words)?;
                out.push_sql(after);
            }
            Cond::Mentions(search, pieces) => {
                out.push_sql(if pieces.is_empty() { "true" } else { "" });
                for (n, piece) in pieces.iter().enumerate() {
                    out.push_sql(if n > 0 { " and " } else { "" });
                    out.push_sql(search.sql);
                    // The database folds the piece by the same rules as the text. strpos would need no escaping but
                    // would not use the index.
                    out.push_sql(" like '%' || replace(replace(replace(fold(");
                    out.push_bind_param::<Text, _>(piece)?;
                    out.push_sql(r"), '\', '\\'), '%', '\%'), '_', '\_') || '%'");
                }
            }
            Cond::Within(field, subquery, values) => {
                field.column(out.reborrow())?;
                out.push_sql(" in (");
                out.push_sql(subquery);
                one_or_any(values, &mut out)?;
                out.push_sql(")");
            }
            Cond::Among(field, found, _) => {
                field.column(out.reborrow())?;
                out.push_sql(" in (");
                found.walk_ast(out.reborrow())?;
                out.push_sql(")");
            }
            Cond::Holds(condition, _) => condition.walk_ast(out.reborrow())?,
        }
        out.push_sql(")");
        Ok(())
    }
}

/// Compares a field with several values: one of them is in the list, or matches the pattern.
fn any_of<'b>(all_values: &AllValues, op: Op, list: &'b [String], out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    if op == Op::Eq {
        out.push_sql(all_values.is_any);
        return out.push_bind_param::<Array<Text>, [String]>(list);
    }
    for piece in ["exists (select from ", all_values.each, " one where one", op.sql()] {
        out.push_sql(piece);
    }
    list.iter().take(1).try_for_each(|one| out.push_bind_param::<Text, _>(one))?;
    out.push_sql(")");
    Ok(())
}

/// Writes one value or an array. A single value stays a plain bind, because `=` preserves the order of an index.
fn one_or_any<'b>(values: &'b Values, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    each_type!(values, |list, Sql| match list.as_slice() {
        [one] => out.push_bind_param::<Sql, _>(one),
        _ => {
            out.push_sql("any(");
            out.push_bind_param::<Array<Sql>, _>(list)?;
            out.push_sql(")");
            Ok(())
        }
    })
}

fn joined<'b>(list: &'b [Cond], none: &str, between: &str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    if list.is_empty() {
        out.push_sql(none);
    }
    for (n, cond) in list.iter().enumerate() {
        out.push_sql(if n > 0 { between } else { "" });
        cond.walk_ast(out.reborrow())?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "cond_tests.rs"]
mod tests;
