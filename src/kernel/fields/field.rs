//! The fields of a resource for filters, sorting, search and imports: declared once, typed by the diesel columns.
use crate::kernel::access::actor::Actor;
use crate::kernel::error::{Bad, FieldCode};
use crate::kernel::fields::custom::CustomField;
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::links::Link;
use crate::kernel::query::rank::Exact;
use crate::kernel::values::choice::Choices;
use crate::kernel::values::money;
use crate::kernel::values::tags;
use crate::kernel::values::text_format::{Every, TextFormat};
use crate::kernel::values::time::DateTime;
use crate::kernel::values::value_type::{HasValueType, ValueType};
use chrono::{Datelike, NaiveDate};
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::{Column, pg::Pg, result::QueryResult};
use serde_json::Value as Json;
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// A column that renders itself as SQL. A column, unlike its name, includes its table and is quoted correctly.
pub type Col = &'static (dyn QueryFragment<Pg> + Sync);

/// A field of a resource under its public name.
pub struct Field {
    pub name: &'static str,
    pub value_type: ValueType,
    pub nullable: bool,
    pub(crate) column: Col,
    /// Filtered so often by `=` alone that the statement is kept in the prepared-statement cache.
    pub(crate) hot: bool,
    /// The closed set of values, if there is one.
    pub choices: Choices,
    /// The path of the value in the response, if it differs from the name: `value.amount`.
    path: &'static str,
    /// The kind of record that the field refers to; the name of such a field ends in `_id`, and the record can be
    /// included.
    pub refers: Option<Kind>,
    /// The normal form of the values.
    pub(crate) text_format: TextFormat,
    /// If the field shows the first of several values, access to all of them.
    pub(crate) every: Option<&'static Every>,
    /// For an instant that may be the end of a day, the field that holds the day.
    pub(crate) day: Option<&'static Field>,
    /// The field is only compared together with another field and adds no cost.
    pub(crate) beside: bool,
    /// For an amount, the field that holds its currency.
    pub currency: Option<&'static str>,
}

/// Declares a field: `field("email", &contacts::email)`. The value type and nullability come from the column's SQL
/// type.
pub const fn field<C>(name: &'static str, column: &'static C) -> Field
where
    C: Column + QueryFragment<Pg> + Sync,
    C::SqlType: HasValueType,
{
    Field {
        name,
        value_type: C::SqlType::VALUE_TYPE,
        nullable: C::SqlType::NULLABLE,
        column,
        hot: false,
        choices: Choices::Any,
        path: name,
        refers: None,
        text_format: TextFormat::Text,
        every: None,
        day: None,
        beside: false,
        currency: None,
    }
}

/// A column that is an SQL expression.
#[derive(Debug)]
pub struct Sql(pub &'static str);

impl QueryFragment<Pg> for Sql {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.0);
        Ok(())
    }
}

/// Declares references inside a row, so that the records can be included.
pub const fn inside(name: &'static str, path: &'static str, kind: Kind) -> Field {
    Field { refers: Some(kind), ..expression(name, ValueType::Uuid, &Sql("null")).at(path) }
}

/// Declares a field with an SQL expression of the given type.
pub const fn expression(name: &'static str, value_type: ValueType, column: &'static Sql) -> Field {
    Field {
        name,
        value_type,
        nullable: true,
        column,
        hot: false,
        choices: Choices::Any,
        path: name,
        refers: None,
        currency: None,
        text_format: TextFormat::Text,
        every: None,
        day: None,
        beside: false,
    }
}

impl Field {
    #[must_use]
    pub const fn hot(mut self) -> Self {
        self.hot = true;
        self
    }

    #[must_use]
    pub const fn one_of(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = Choices::Of(choices);
        self
    }

    /// The values are names of kinds of records.
    #[must_use]
    pub const fn one_of_listed(mut self, list: fn() -> Vec<&'static str>) -> Self {
        self.choices = Choices::Listed(list);
        self
    }

    #[must_use]
    pub const fn to(mut self, kind: Kind) -> Self {
        self.refers = Some(kind);
        self
    }

    /// Sets an expression that replaces the column if it depends on the caller.
    #[must_use]
    pub const fn shown(mut self, column: Col) -> Self {
        self.column = column;
        self
    }

    #[must_use]
    pub const fn at(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    #[must_use]
    pub const fn in_currency(mut self, name: &'static str) -> Self {
        self.currency = Some(name);
        self
    }

    #[must_use]
    pub const fn formatted(mut self, text_format: TextFormat) -> Self {
        self.text_format = text_format;
        self
    }

    #[must_use]
    pub const fn first_of(mut self, every: &'static Every) -> Self {
        self.every = Some(every);
        self
    }

    /// Sets the field that holds the day, for an instant that may be the end of that day.
    #[must_use]
    pub const fn of_day(mut self, day: &'static Field) -> Self {
        self.day = Some(day);
        self
    }

    #[must_use]
    pub const fn beside(mut self) -> Self {
        self.beside = true;
        self
    }

    /// Returns the member of the response that contains the field: `value` for `value.amount`.
    pub fn member(&self) -> &'static str {
        self.path.split('.').next().unwrap_or(self.path)
    }

    /// Returns the value in a serialized row.
    pub fn of<'r>(&self, row: &'r Json) -> Option<&'r Json> {
        let inside = |value: &'r Json, name: &str| value.get(name).or_else(|| value.get(name.parse::<usize>().ok()?));
        self.path.split('.').try_fold(row, inside)
    }

    pub fn sortable(&self) -> bool {
        self.value_type != ValueType::TextArray
    }

    /// Returns `owner` for `owner_id` if the field refers to a record.
    pub fn include_name(&self) -> Option<&'static str> {
        self.refers.and(self.name.strip_suffix("_id"))
    }
}

/// A built-in field or a custom field.
#[derive(Clone)]
pub enum FieldRef {
    Built(&'static Field),
    Custom(Arc<CustomField>),
    /// The currency of a custom field with amounts.
    Currency(Arc<CustomField>),
}

impl From<&'static Field> for FieldRef {
    fn from(field: &'static Field) -> FieldRef {
        FieldRef::Built(field)
    }
}

impl FieldRef {
    pub fn name(&self) -> &str {
        match self {
            FieldRef::Built(field) => field.name,
            FieldRef::Custom(field) | FieldRef::Currency(field) => &field.path,
        }
    }

    /// The member of the answer that shows it.
    pub fn member(&self) -> &'static str {
        match self {
            FieldRef::Built(field) => field.member(),
            FieldRef::Custom(_) | FieldRef::Currency(_) => "custom_fields",
        }
    }

    pub fn value_type(&self) -> ValueType {
        match self {
            FieldRef::Built(field) => field.value_type,
            FieldRef::Custom(field) => field.kind.compared_as(),
            FieldRef::Currency(_) => ValueType::Text,
        }
    }

    pub fn nullable(&self) -> bool {
        match self {
            FieldRef::Built(field) => field.nullable,
            FieldRef::Custom(_) | FieldRef::Currency(_) => true,
        }
    }

    /// Returns the closed set of values, if there is one.
    pub fn choices(&self) -> Vec<&str> {
        match self {
            FieldRef::Built(field) => field.choices.list(),
            FieldRef::Custom(field) => field.options.iter().map(String::as_str).collect(),
            FieldRef::Currency(_) => Vec::new(),
        }
    }

    pub fn refers(&self) -> Option<Kind> {
        match self {
            FieldRef::Built(field) => field.refers,
            FieldRef::Custom(field) => field.refers,
            FieldRef::Currency(_) => None,
        }
    }

    pub(in crate::kernel) fn text_format(&self) -> TextFormat {
        match self {
            FieldRef::Built(field) => field.text_format,
            FieldRef::Custom(field) => field.kind.text_format(),
            FieldRef::Currency(_) => TextFormat::Text,
        }
    }

    pub(in crate::kernel) fn every(&self) -> Option<&'static Every> {
        match self {
            FieldRef::Built(field) => field.every,
            FieldRef::Custom(_) | FieldRef::Currency(_) => None,
        }
    }

    /// Checks whether the field contains tags, whose spellings are equivalent. Words of a closed set are compared
    /// literally.
    pub(in crate::kernel) fn is_tags(&self) -> bool {
        matches!(self, FieldRef::Built(Field { value_type: ValueType::TextArray, .. }))
    }

    pub(in crate::kernel) fn same(&self, one: &str, other: &str) -> bool {
        one == other || (self.is_tags() && tags::key(one) == tags::key(other))
    }

    /// Checks whether the field is the currency of an amount: `value.currency`.
    pub(in crate::kernel) fn is_currency(&self) -> bool {
        match self {
            FieldRef::Built(field) => field.path.ends_with(".currency"),
            FieldRef::Custom(_) => false,
            FieldRef::Currency(_) => true,
        }
    }

    pub(in crate::kernel) fn hot(&self) -> bool {
        matches!(self, FieldRef::Built(Field { hot: true, .. }))
    }

    /// Returns the value in a serialized row.
    pub fn of<'r>(&self, row: &'r Json) -> Option<&'r Json> {
        match self {
            FieldRef::Built(field) => field.of(row),
            FieldRef::Custom(field) => field.of(row),
            FieldRef::Currency(field) => field.currency_of(row),
        }
    }

    pub(in crate::kernel) fn column<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self {
            FieldRef::Built(field) => field.column.walk_ast(out),
            FieldRef::Custom(field) => field.walk_ast(out),
            FieldRef::Currency(field) => field.currency(out),
        }
    }
}

impl fmt::Debug for FieldRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The fields of one resource. `T` is its table, so that a plan for contacts cannot run on deals.
pub struct Fields<T: 'static> {
    pub kind: Kind,
    pub all: &'static [Field],
    pub default_sort: &'static str,
    pub id: Field,
    pub search: Option<Search>,
    pub links: &'static [Link],
    pub table: std::marker::PhantomData<fn() -> T>,
}

/// The text that `q=` searches: the exact SQL expression of a trigram index, and the members it consists of.
pub struct Search {
    pub sql: &'static str,
    pub members: &'static [&'static str],
    /// Texts that have an index: records that are exactly what was searched for come first.
    pub exact: &'static [Exact],
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sql)
    }
}

impl<T> Fields<T> {
    /// Returns all fields that can be filtered by, the id first.
    pub fn filterable(&'static self) -> impl Iterator<Item = &'static Field> {
        std::iter::once(&self.id).chain(self.all)
    }

    pub fn get(&self, name: &str) -> Option<&'static Field> {
        self.all.iter().find(|f| f.name == name)
    }

    /// Checks whether the caller's role shows the field.
    pub fn shows(&self, actor: &Actor, field: &Field) -> bool {
        !actor.access.hides(self.kind.path(), field.member())
    }

    /// Returns the built-in or custom (`cf.…`) field of this name, if the caller may filter by it.
    pub fn named(&self, name: &str, actor: &Actor) -> Option<FieldRef> {
        self.visible_fields(actor).find(|field| field.name() == name)
    }

    /// Returns the id if it has this name.
    pub fn id_named(&'static self, name: &str) -> Option<FieldRef> {
        (name == self.id.name).then_some(FieldRef::Built(&self.id))
    }

    /// Returns all fields that the caller may filter by.
    pub fn visible_fields<'f>(&'f self, actor: &'f Actor) -> impl Iterator<Item = FieldRef> + 'f {
        let built = self.all.iter().filter(|field| self.shows(actor, field)).map(FieldRef::Built);
        let own = actor.settings.custom.active(self.kind);
        let own = own.filter(|field| !actor.access.hides(self.kind.path(), &field.path));
        built.chain(own.map(|field| FieldRef::Custom(Arc::clone(field))))
    }

    /// Returns the fields whose records can be included, by their names in `include=`.
    pub fn includes(&self) -> impl Iterator<Item = (&'static str, &'static Field)> {
        let linked = self.links.iter().flat_map(|link| link.includes).map(|field| (field.name, field));
        self.all.iter().filter_map(|f| Some((f.include_name()?, f))).chain(linked)
    }
}

/// One or more values of one type. Owned, so that binds can borrow them.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    Text(Vec<String>),
    Uuid(Vec<Uuid>),
    Time(Vec<DateTime>),
    Date(Vec<NaiveDate>),
    Int(Vec<i64>),
    Number(Vec<f64>),
    Bool(Vec<bool>),
}

/// Runs an expression for the type of `values`: `$list` is the vector, `$Sql` its SQL type.
macro_rules! each_type {
    (@ $values:expr, $list:ident, $Sql:ident, $body:expr; $($kind:ident)*) => {
        match $values {
            $($crate::kernel::fields::field::Values::$kind($list) => {
                type $Sql = $crate::kernel::fields::field::sql_of::$kind;
                $body
            })*
        }
    };
    ($values:expr, |$list:ident, $Sql:ident| $body:expr) => {
        $crate::kernel::fields::field::each_type!(@ $values, $list, $Sql, $body; Text Uuid Time Date Int Number Bool)
    };
}
pub(crate) use each_type;

/// The SQL type of each variant of `Values`.
pub(crate) mod sql_of {
    pub use diesel::sql_types::{BigInt as Int, Bool, Date, Double as Number, Text, Timestamptz as Time, Uuid};
}

impl Values {
    /// Parses texts from a query string. The error has no location yet.
    pub fn parse(field: &FieldRef, texts: Vec<String>) -> Result<Values, Bad> {
        fn all<T>(texts: &[String], read: impl Fn(&str) -> Option<T>, wrong: &str) -> Result<Vec<T>, Bad> {
            texts
                .iter()
                .map(|t| read(t))
                .collect::<Option<_>>()
                .ok_or_else(|| Bad::new(FieldCode::InvalidFormat, wrong))
        }
        Ok(match field.value_type() {
            ValueType::Text | ValueType::TextArray => {
                let choices = field.choices();
                if !choices.is_empty() && !texts.iter().all(|t| choices.contains(&t.as_str())) {
                    return Err(Bad::not_among(&choices));
                }
                if field.text_format() == TextFormat::Currency && !texts.iter().all(|code| money::is_currency(code)) {
                    return Err(Bad::new(FieldCode::InvalidFormat, "must be an ISO 4217 code such as EUR"));
                }
                // PostgreSQL does not accept NUL in texts.
                Values::Text(all(&texts, |t| (!t.contains('\0')).then(|| t.to_owned()), "must not contain NUL")?)
            }
            ValueType::Uuid => Values::Uuid(all(&texts, |t| t.parse().ok(), "must be a UUID")?),
            ValueType::Time => Values::Time(all(
                &texts,
                |t| t.parse().ok(),
                "must be an RFC 3339 instant such as 2026-01-31T00:00:00Z",
            )?),
            ValueType::Date => Values::Date(all(&texts, parse_date, "must be a date such as 2026-01-31")?),
            ValueType::Int => Values::Int(all(&texts, |t| t.parse().ok(), "must be an integer")?),
            ValueType::Number => {
                let number = |t: &str| t.parse().ok().filter(|n: &f64| n.is_finite());
                Values::Number(all(&texts, number, "must be a number such as 2.5")?)
            }
            ValueType::Bool => Values::Bool(all(&texts, |t| t.parse().ok(), "must be true or false")?),
        })
    }

    /// Reads a member of a serialized row; returns `None` for null and for values of another type.
    pub fn of_json(value_type: ValueType, json: Option<&Json>) -> Option<Values> {
        let json = json?;
        Some(match value_type {
            ValueType::Text => Values::Text(vec![json.as_str()?.to_owned()]),
            ValueType::Uuid => Values::Uuid(vec![json.as_str()?.parse().ok()?]),
            ValueType::Time => Values::Time(vec![json.as_str()?.parse().ok()?]),
            ValueType::Date => Values::Date(vec![parse_date(json.as_str()?)?]),
            ValueType::Int => Values::Int(vec![json.as_i64()?]),
            ValueType::Number => Values::Number(vec![json.as_f64()?]),
            ValueType::Bool => Values::Bool(vec![json.as_bool()?]),
            ValueType::TextArray => {
                Values::Text(json.as_array()?.iter().filter_map(|w| w.as_str().map(str::to_owned)).collect())
            }
        })
    }
}

/// Parses a date such as `2026-01-31`, from 0001-01-01 to 9999-12-30, so that the next day is in range too.
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    // chrono also accepts signs, spaces and single digits.
    let digits = |(n, byte): (usize, u8)| if matches!(n, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    let written = text.len() == 10 && text.bytes().enumerate().all(digits);
    let day = written.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten()?;
    day.succ_opt().filter(|next| (1..=9999).contains(&next.year()) && day.year() > 0).map(|_| day)
}

#[cfg(test)]
#[path = "field_tests.rs"]
mod tests;
