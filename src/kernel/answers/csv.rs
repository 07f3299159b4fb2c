//! CSV files. The columns depend only on the type of the rows, in the order of its members: nested members as `a.b`, an
//! amount and its currency in two columns, lists separated by commas, and custom fields as `cf.key`. A report is written
//! from its table.
use crate::kernel::access::actor::Actor;
use crate::kernel::access::hide::Hide;
use crate::kernel::answers::columns::{Member, at, members_of};
use crate::kernel::answers::included::Included;
use crate::kernel::answers::reply::{Answer, CSV, Content};
use crate::kernel::answers::table::{self, Table};
use crate::kernel::error::{Error, FieldCode, FieldError, Result, not_known};
use crate::kernel::fields::custom::{CustomField, CustomKind, OWN_FIELD};
use crate::kernel::fields::field::Field;
use crate::kernel::values::money::decimal;
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::HashMap;
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// Where a column finds its text in a row.
#[derive(Clone, Debug)]
enum Cell {
    Value(String),
    Amount(String),
    List(String),
    /// The name of the record that the value at this path refers to.
    Name(String),
    /// The names of the records that a list refers to.
    Names(&'static Field),
    /// A custom field: its key, and the member of its value.
    Own(String, &'static str),
    OwnAmount(String),
    OwnCurrency(String),
}

/// The columns of a file.
#[derive(Debug)]
pub struct Sheet(Vec<(String, Cell)>);

impl Sheet {
    /// Returns the columns of a type of records, without `hidden` members, with the `own` custom fields and a name next
    /// to the id of each `included` field.
    pub fn new<R: ToSchema>(hidden: &[&str], own: &[Arc<CustomField>], included: &[&'static Field]) -> Sheet {
        let mut columns = Vec::new();
        for member in members_of::<R>() {
            let name = match &member {
                Member::Value(name)
                | Member::Instant(name)
                | Member::Money(name)
                | Member::Sums(name)
                | Member::List(name) => name.as_str(),
                Member::OwnFields => "custom_fields",
            };
            if hidden.contains(&name.split('.').next().unwrap_or(name)) {
                continue;
            }
            let with_name = included.iter().find(|field| field.name == name).and_then(|field| field.include_name());
            match member {
                Member::Value(name) | Member::Instant(name) => {
                    columns.push((name.clone(), Cell::Value(name.clone())));
                    columns.extend(with_name.map(|of| (of.to_owned(), Cell::Name(name))));
                }
                Member::Money(name) => {
                    columns.push((name.clone(), Cell::Amount(name.clone())));
                    columns.push((format!("{name}.currency"), Cell::Value(format!("{name}.currency"))));
                }
                Member::List(name) | Member::Sums(name) => {
                    columns.push((name.clone(), Cell::List(name.clone())));
                    columns.extend(included.iter().filter(|field| field.member() == name).map(|field| named(field)));
                }
                Member::OwnFields => columns.extend(own.iter().flat_map(own_columns)),
            }
        }
        Sheet(columns)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Keeps only the requested columns, in the requested order.
    pub fn only(self, names: &[String]) -> Result<Sheet, FieldError> {
        let known = || self.names();
        let find = |name: &String| {
            let found = self.0.iter().find(|(column, _)| column == name);
            let wrong =
                || FieldError::member("/columns", FieldCode::InvalidChoice, not_known(name, known())).among(known());
            found.cloned().ok_or_else(wrong)
        };
        names.iter().map(find).collect::<Result<Vec<_>, FieldError>>().map(Sheet)
    }

    /// The file of these rows. It has a header even without rows.
    pub fn file<R: Serialize + Hide + 'static>(self, rows: Vec<R>, included: Included) -> Answer {
        Answer::file(CSV, File { sheet: self, rows, included })
    }
}

/// Rows that become lines after their hidden fields are cleared.
struct File<R> {
    sheet: Sheet,
    rows: Vec<R>,
    included: Included,
}

impl<R: Serialize + Hide> Content for File<R> {
    fn hide(&mut self, actor: &Actor) {
        Hide::hide(&mut self.rows, actor);
    }

    fn write(&self) -> Result<Vec<u8>> {
        let (columns, names) = (&self.sheet.0, self.included.names());
        let mut text = String::new();
        line(&mut text, columns.iter().map(|(name, _)| name.as_str()));
        for row in &self.rows {
            let row = serde_json::to_value(row).map_err(Error::internal)?;
            let cells: Vec<String> = columns.iter().map(|(_, cell)| cell.text(&row, &names)).collect();
            line(&mut text, cells.iter().map(String::as_str));
        }
        Ok(text.into_bytes())
    }
}

/// The lines of a report, which hold no records.
struct Lines(String);

impl Content for Lines {
    fn hide(&mut self, _: &Actor) {}

    fn write(&self) -> Result<Vec<u8>> {
        Ok(self.0.clone().into_bytes())
    }
}

/// Returns the column with the names of the records that a list refers to, or of its first record.
fn named(field: &'static Field) -> (String, Cell) {
    let of_all = field.member() == field.name;
    (if of_all { format!("{}.name", field.name) } else { field.name.to_owned() }, Cell::Names(field))
}

/// Returns the ids in a member: its value, or one id of each item of a list.
fn ids(member: &Json) -> Vec<Uuid> {
    let id = |value: &Json| value.as_str()?.parse::<Uuid>().ok();
    let of_item =
        |item: &Json| item.as_object()?.iter().find(|(name, _)| name.ends_with("_id")).and_then(|(_, value)| id(value));
    match member {
        Json::Array(list) => list.iter().filter_map(of_item).collect(),
        one => id(one).into_iter().collect(),
    }
}

fn own_columns(field: &Arc<CustomField>) -> Vec<(String, Cell)> {
    let (name, key) = (format!("{OWN_FIELD}{}", field.key), field.key.clone());
    match field.kind {
        CustomKind::Money => {
            let currency = (format!("{name}.currency"), Cell::OwnCurrency(key.clone()));
            vec![(name, Cell::OwnAmount(key)), currency]
        }
        kind => vec![(name, Cell::Own(key, kind.member()))],
    }
}

/// Writes rows as CSV, one line each.
pub fn answer<R: Serialize + ToSchema + Hide + 'static>(rows: Vec<R>) -> Answer {
    Sheet::new::<R>(&[], &[], &[]).file(rows, Included::default())
}

/// Writes a table of texts as CSV. Cells that a spreadsheet could read as formulas get an apostrophe.
pub fn table<'t, R: Iterator<Item = &'t str>>(
    header: impl Iterator<Item = &'t str>,
    rows: impl Iterator<Item = R>,
) -> Answer {
    let mut text = String::new();
    line(&mut text, header);
    for row in rows {
        let cells: Vec<String> = row.map(harmless).collect();
        line(&mut text, cells.iter().map(String::as_str));
    }
    Answer::file(CSV, Lines(text))
}

/// Writes a report as CSV.
pub fn report(table: &Table) -> Answer {
    let mut text = String::new();
    line(&mut text, table.columns.iter().map(|column| column.name.as_str()));
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(written).collect();
        line(&mut text, cells.iter().map(String::as_str));
    }
    Answer::file(CSV, Lines(text))
}

fn written(cell: &table::Cell) -> String {
    match cell {
        table::Cell::Empty => String::new(),
        table::Cell::Text(text) => harmless(text),
        table::Cell::Count(count) => count.to_string(),
        // As in JSON.
        table::Cell::Number(number) => Json::from(*number).to_string(),
        table::Cell::Money(money) => decimal(money.amount, &money.currency),
        table::Cell::Instant(at) => at.to_string(),
    }
}

impl Cell {
    fn text(&self, row: &Json, names: &HashMap<Uuid, &str>) -> String {
        let own = |key: &str, part: &str| {
            let fields = row.get("custom_fields").and_then(Json::as_array);
            fields?.iter().find(|field| field.get("key").and_then(Json::as_str) == Some(key))?.get(part).cloned()
        };
        let found = match self {
            Cell::Value(path) => at(row, path).map(plain),
            Cell::Amount(path) => at(row, path).and_then(amount),
            Cell::List(path) => at(row, path).map(|list| several(path, list)),
            Cell::Name(path) => {
                let id = at(row, path).and_then(Json::as_str).and_then(|id| id.parse().ok());
                id.and_then(|id: Uuid| names.get(&id)).map(|name| harmless(name))
            }
            Cell::Names(field) => field.of(row).map(|member| {
                let name = |id: &Uuid| quoted(names.get(id).copied().unwrap_or_default().to_owned());
                let all: Vec<String> = ids(member).iter().map(name).collect();
                harmless(&all.join(", "))
            }),
            Cell::Own(key, part) => own(key, part).map(|value| several(key, &value)),
            Cell::OwnAmount(key) => own(key, "money").and_then(|money| amount(&money)),
            Cell::OwnCurrency(key) => own(key, "money").and_then(|money| money.get("currency").map(plain)),
        };
        found.unwrap_or_default()
    }
}

/// The members that represent an object in a list.
const TOLD: [&str; 6] = ["email", "phone", "contact_id", "channel", "name", "key"];

/// Joins a list with commas: words, and objects by the member that represents them. What an import would divide is in
/// quotation marks.
fn several(path: &str, value: &Json) -> String {
    let Some(list) = value.as_array() else { return plain(value) };
    let part = |one: &Json| TOLD.iter().find_map(|part| one.get(*part)?.as_str().map(str::to_owned));
    let text = |one: &Json| one.as_str().map(str::to_owned).or_else(|| part(one).filter(|_| granted(path, one)));
    harmless(&list.iter().filter_map(text).map(quoted).collect::<Vec<_>>().join(", "))
}

fn quoted(word: String) -> String {
    let divides = word.contains([',', ';', '|', '\n', '"', '、', '，']) || word.contains(" / ") || word.contains(":::");
    if divides || word.starts_with(['[', '{']) { format!("\"{}\"", word.replace('"', "\"\"")) } else { word }
}

/// Checks that a consent is granted; other objects always count.
fn granted(path: &str, one: &Json) -> bool {
    path != "consents" || one.get("granted").and_then(Json::as_bool) == Some(true)
}

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => harmless(text),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

fn amount(money: &Json) -> Option<String> {
    Some(decimal(money.get("amount")?.as_i64()?, money.get("currency")?.as_str()?))
}

/// Writes one line. A cell with a character that some reader takes for a separator is quoted.
fn line<'c>(out: &mut String, cells: impl Iterator<Item = &'c str>) {
    for (n, cell) in cells.enumerate() {
        if n > 0 {
            out.push(',');
        }
        if cell.contains(SEPARATORS) || cell.contains([',', '"']) || cell.trim() != cell {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(cell);
        }
    }
    out.push('\n');
}

/// Characters that start a new cell in spreadsheets with another separator than the comma, even inside quotes.
const SEPARATORS: [char; 8] = [';', '\t', '|', '\n', '\r', '\u{b}', '\u{c}', '\u{2028}'];
/// Characters that start a formula; some keyboards write the wide forms.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// Prefixes an apostrophe to each part of a cell that a spreadsheet could read as a formula.
pub fn harmless(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len() + 1);
    for (n, part) in text.split_inclusive(SEPARATORS).enumerate() {
        // Leading spaces, quotes and empty cells do not prevent a formula.
        let begin = part.trim_start_matches(|c: char| c.is_whitespace() || c == '"');
        let separated = part.starts_with(['\t', '\r']) && n == 0;
        if begin.starts_with(FORMULA) || separated {
            harmless.push('\'');
        }
        harmless.push_str(part);
    }
    harmless
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
