//! What the rows of a file become: the values of its columns, records, sums and counts.
use crate::kernel::values::money;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Different values that are kept of a column.
const VALUES_MAX: usize = 5;
/// Rows that are shown as records.
pub const PREVIEW_MAX: usize = 20;
/// The longest quote of a cell.
const QUOTE_MAX: usize = 100;

/// How a cell was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// The text as it is.
    Text,
    /// A date, or an instant in RFC 3339.
    Date(String),
    /// In the minor unit of the currency.
    Amount(i64, String),
    Value(Json),
}

impl Reading {
    /// Returns the reading of a value that is a date or time if `is_date` is set.
    pub fn of(value: &Json, is_date: bool) -> Reading {
        let amount = || Some((value.get("amount")?.as_i64()?, value.get("currency")?.as_str()?));
        match (value, amount()) {
            (_, Some((amount, currency))) => Reading::Amount(amount, currency.to_owned()),
            (Json::String(date), None) if is_date => Reading::Date(date.clone()),
            (other, None) => Reading::Value(other.clone()),
        }
    }

    fn shown(&self, text: &str) -> String {
        match self {
            Reading::Text => text.to_owned(),
            Reading::Date(date) => date.clone(),
            Reading::Amount(amount, currency) => format!("{} {currency}", money::decimal(*amount, currency)),
            Reading::Value(value) => plain(value),
        }
    }
}

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Json::Object(members) => members.values().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ColumnReport {
    pub column: String,
    pub field: String,
    /// Cells with a value.
    pub filled: i64,
    /// Cells without a value, or with a word for none.
    pub empty: i64,
    /// The first different values, and how they are read.
    #[serde(default)]
    pub values: Vec<ColumnValue>,
    /// The earliest date in the column; null if the column has no dates.
    #[serde(default)]
    pub earliest: Option<String>,
    /// The latest date in the column.
    #[serde(default)]
    pub latest: Option<String>,
}

/// A value of a column.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ColumnValue {
    /// The line of the first cell with this value.
    pub line: i64,
    pub value: String,
    /// What the value is read as, such as `2026-03-12`, `1234.56 EUR` or `true`; null if it is refused or left out.
    pub reading: Option<String>,
}

impl ColumnReport {
    pub fn new(column: String, field: String) -> ColumnReport {
        ColumnReport { column, field, filled: 0, empty: 0, values: Vec::new(), earliest: None, latest: None }
    }

    /// Adds a cell with its reading, if it has one.
    pub fn add(&mut self, line: u64, text: &str, reading: Option<&Reading>) {
        if let Some(Reading::Date(date)) = reading {
            widen(&mut self.earliest, date, |date, earliest| date < earliest);
            widen(&mut self.latest, date, |date, latest| date > latest);
        }
        if self.values.len() >= VALUES_MAX {
            return;
        }
        let quote: String = text.chars().take(QUOTE_MAX).collect();
        if !self.values.iter().any(|known| known.value == quote) {
            let reading = reading.map(|reading| reading.shown(text).chars().take(QUOTE_MAX).collect());
            self.values.push(ColumnValue { line: i64::try_from(line).unwrap_or(i64::MAX), value: quote, reading });
        }
    }
}

/// Dates and instants have a fixed width, so that their texts are in the order of time.
fn widen(bound: &mut Option<String>, date: &str, beyond: fn(&str, &str) -> bool) {
    if bound.as_deref().is_none_or(|bound| beyond(date, bound)) {
        *bound = Some(date.to_owned());
    }
}

/// The amounts of a column in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ColumnTotal {
    pub column: String,
    /// ISO 4217.
    pub currency: String,
    /// Number of rows.
    pub count: i64,
    /// In the minor unit of the currency; null if it exceeds the largest amount.
    pub sum: Option<i64>,
}

/// Adds an amount to the totals of its column.
pub fn add_amount(totals: &mut Vec<ColumnTotal>, column: &str, amount: i64, currency: &str) {
    match totals.iter_mut().find(|total| total.column == column && total.currency == currency) {
        Some(total) => {
            total.count += 1;
            let sum = total.sum.and_then(|sum| sum.checked_add(amount));
            total.sum = sum.filter(|sum| sum.unsigned_abs() <= money::AMOUNT_MAX.unsigned_abs());
        }
        None => {
            let (column, currency) = (column.to_owned(), currency.to_owned());
            totals.push(ColumnTotal { column, currency, count: 1, sum: Some(amount) });
        }
    }
}

/// The rows in one stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StageTotal {
    pub stage: String,
    /// `open`, `won` or `lost`.
    pub outcome: String,
    pub rows: i64,
}

pub fn add_stage(totals: &mut Vec<StageTotal>, stage: &str, outcome: &str) {
    match totals.iter_mut().find(|total| total.stage == stage) {
        Some(total) => total.rows += 1,
        None => totals.push(StageTotal { stage: stage.to_owned(), outcome: outcome.to_owned(), rows: 1 }),
    }
}

/// A row as the record that it becomes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PreviewedRecord {
    /// The line of the file on which the row begins.
    pub line: i64,
    /// The members that the row sets, as in a request that creates the record, with the name of the `stage`.
    pub record: PreviewedMembers,
}

/// The members of a record by name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PreviewedMembers(pub Map<String, Json>);

impl PartialSchema for PreviewedMembers {
    fn schema() -> RefOr<Schema> {
        let any = AdditionalProperties::FreeForm(true);
        let description = "The members of a record by name.";
        ObjectBuilder::new().additional_properties(Some(any)).description(Some(description)).into()
    }
}
impl ToSchema for PreviewedMembers {}

#[cfg(test)]
#[path = "overview_tests.rs"]
mod tests;
