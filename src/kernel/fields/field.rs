//! The fields of a resource for filters, sorting, search and imports: declared once, typed by the diesel columns.
use crate::kernel::error::{FieldCode, FieldError};
use crate::kernel::fields::custom::CustomField;
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::choice::Choices;
use crate::kernel::values::money;
use crate::kernel::values::tags;
use crate::kernel::values::text_format::TextFormat;
use crate::kernel::values::time::parse_date;
use crate::kernel::values::typed::Values;
use crate::kernel::values::value_type::{HasValueType, ValueType};
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::{Column, pg::Pg, result::QueryResult};
use serde_json::Value as Json;
use std::fmt;
use std::sync::Arc;

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
    pub(crate) all_values: Option<&'static AllValues>,
    /// For an instant that may be the end of a day, the field that holds the day.
    pub(crate) day: Option<&'static Field>,
    /// The field is only compared together with another field and adds no cost.
    pub(crate) beside: bool,
    /// For an amount, the field that holds its currency.
    pub currency: Option<&'static str>,
}

/// A field with several values, of which the response shows the first under the field's name, such as all e-mail
/// addresses of a contact.
#[derive(Debug)]
pub struct AllValues {
    /// SQL for "one of the values is in the list", up to the array of texts, in the form of an index.
    pub is_any: &'static str,
    /// SQL that returns the set of values.
    pub each: &'static str,
    /// Returns the values in a serialized record.
    pub of: fn(&Json) -> Vec<String>,
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
        all_values: None,
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

/// The column of a field in a statement that is written by hand.
pub struct ColumnOf(pub &'static Field);

impl fmt::Debug for ColumnOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl QueryFragment<Pg> for ColumnOf {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.column.walk_ast(out)
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
        all_values: None,
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
    pub const fn first_of(mut self, all_values: &'static AllValues) -> Self {
        self.all_values = Some(all_values);
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

    pub(in crate::kernel) fn all_values(&self) -> Option<&'static AllValues> {
        match self {
            FieldRef::Built(field) => field.all_values,
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

impl Values {
    /// Parses texts from a query string. The error has no location yet.
    pub fn parse(field: &FieldRef, texts: Vec<String>) -> Result<Values, FieldError> {
        fn all<T>(texts: &[String], read: impl Fn(&str) -> Option<T>, wrong: &str) -> Result<Vec<T>, FieldError> {
            texts
                .iter()
                .map(|t| read(t))
                .collect::<Option<_>>()
                .ok_or_else(|| FieldError::new(FieldCode::InvalidFormat, wrong))
        }
        Ok(match field.value_type() {
            ValueType::Text | ValueType::TextArray => {
                let choices = field.choices();
                if !choices.is_empty() && !texts.iter().all(|t| choices.contains(&t.as_str())) {
                    return Err(FieldError::not_among(&choices));
                }
                if field.text_format() == TextFormat::Currency && !texts.iter().all(|code| money::is_currency(code)) {
                    return Err(FieldError::new(FieldCode::InvalidFormat, "must be an ISO 4217 code such as EUR"));
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
}

#[cfg(test)]
#[path = "field_tests.rs"]
mod tests;
