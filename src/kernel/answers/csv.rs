//! CSV files. The columns depend only on the type of the rows, in the order of its members: nested members as `a.b`, an
//! amount and its currency in two columns, lists separated by commas, custom fields as `cf.key`, and the sums of
//! reports in one column per currency.
use crate::kernel::access::actor::Actor;
use crate::kernel::access::hide::Hide;
use crate::kernel::answers::included::Included;
use crate::kernel::answers::reply::{Answer, CSV, Content};
use crate::kernel::error::{Error, FieldCode, FieldError, Result, not_known};
use crate::kernel::fields::custom::{CustomField, CustomKind, OWN_FIELD};
use crate::kernel::fields::field::Field;
use crate::kernel::values::money::decimal;
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// The member of figures with the list queries of their records, which files do not contain.
const DRILL_DOWN: &str = "drill_down";

/// A member of the row type, from which columns are made.
#[derive(Debug)]
enum Member {
    Value(String),
    Money(String),
    /// Amounts in several currencies.
    Sums(String),
    List(String),
    OwnFields,
}

/// Where a column finds its text in a row.
#[derive(Clone, Debug)]
enum Cell {
    Value(String),
    Amount(String),
    Sum(String, String),
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
                Member::Value(name) | Member::Money(name) | Member::Sums(name) | Member::List(name) => name.as_str(),
                Member::OwnFields => "custom_fields",
            };
            if hidden.contains(&name.split('.').next().unwrap_or(name)) {
                continue;
            }
            let with_name = included.iter().find(|field| field.name == name).and_then(|field| field.include_name());
            match member {
                Member::Value(name) => {
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

/// A line of a report: the values of its keys, and its figures.
pub type Line<'a, F> = (Vec<Option<String>>, &'a F);

/// Writes a report as CSV: `keys` are the names of the key columns. Sums have one column per currency, the workspace's
/// currency first.
pub fn report<F: Serialize + ToSchema>(keys: &[&str], lines: &[Line<'_, F>], currency: &str) -> Result<Answer> {
    report_with(keys, &[], lines, currency)
}

/// Like `report`, with more columns after the figures; their texts follow those of the keys.
pub fn report_with<F: Serialize + ToSchema>(
    keys: &[&str],
    behind: &[&str],
    lines: &[Line<'_, F>],
    currency: &str,
) -> Result<Answer> {
    let figures = lines.iter().map(|(_, figures)| serde_json::to_value(figures)).collect::<Result<Vec<Json>, _>>();
    let figures = figures.map_err(Error::internal)?;
    let mut columns = Vec::new();
    for member in members_of::<F>() {
        match member {
            Member::Sums(name) => {
                let others = currencies(&name, &figures).into_iter().filter(|other| other != currency);
                for currency in std::iter::once(currency.to_owned()).chain(others) {
                    columns.push((format!("{name}_{currency}"), Cell::Sum(name.clone(), currency)));
                }
            }
            Member::Money(name) => columns.push((name.clone(), Cell::Amount(name))),
            Member::Value(name) => columns.push((name.clone(), Cell::Value(name))),
            Member::List(name) => columns.push((name.clone(), Cell::List(name))),
            Member::OwnFields => {}
        }
    }
    let (mut text, none) = (String::new(), HashMap::new());
    let names = columns.iter().map(|(name, _)| name.as_str());
    line(&mut text, keys.iter().copied().chain(names).chain(behind.iter().copied()));
    for ((of, _), figures) in lines.iter().zip(&figures) {
        let mut of = of.iter().map(|key| harmless(key.as_deref().unwrap_or_default()));
        let mut cells: Vec<String> = of.by_ref().take(keys.len()).collect();
        cells.extend(columns.iter().map(|(_, cell)| cell.text(figures, &none)));
        cells.extend(of);
        line(&mut text, cells.iter().map(String::as_str));
    }
    Ok(Answer::file(CSV, Lines(text)))
}

/// Returns the currencies of the sums in a member.
fn currencies(name: &str, figures: &[Json]) -> BTreeSet<String> {
    let sums = figures.iter().filter_map(|row| at(row, name)?.as_array()).flatten();
    sums.filter_map(|money| money.get("currency")?.as_str().map(str::to_owned)).collect()
}

/// Returns the members of a type according to its schema.
fn members_of<R: ToSchema>() -> Vec<Member> {
    let mut schemas = Vec::new();
    R::schemas(&mut schemas);
    let json = |schema| serde_json::to_value(schema).unwrap_or_default();
    let known: HashMap<String, Json> = schemas.into_iter().map(|(name, schema)| (name, json(schema))).collect();
    let mut members = Vec::new();
    describe("", &json(R::schema()), &known, &mut members);
    members
}

fn describe(name: &str, property: &Json, known: &HashMap<String, Json>, members: &mut Vec<Member>) {
    let (of, schema) = resolve(property, known);
    let inside = |part: &String| if name.is_empty() { part.clone() } else { format!("{name}.{part}") };
    if name == DRILL_DOWN {
        return;
    }
    if name == "custom_fields" {
        members.push(Member::OwnFields);
    } else if of == Some("Money") {
        members.push(Member::Money(name.to_owned()));
    } else if let Some(items) = schema.get("items") {
        let sums = resolve(items, known).0 == Some("Money");
        members.push(if sums { Member::Sums(name.to_owned()) } else { Member::List(name.to_owned()) });
    } else if let Some(parts) = schema.get("properties").and_then(Json::as_object) {
        parts.iter().for_each(|(part, inner)| describe(&inside(part), inner, known, members));
    } else {
        members.push(Member::Value(name.to_owned()));
    }
}

/// Returns the schema of a property and its name, also if the property is nullable.
fn resolve<'s>(property: &'s Json, known: &'s HashMap<String, Json>) -> (Option<&'s str>, &'s Json) {
    let choices = ["oneOf", "allOf", "anyOf"].iter().find_map(|word| property.get(*word)?.as_array());
    let named = choices.and_then(|list| list.iter().find(|one| one.get("$ref").is_some())).unwrap_or(property);
    let name = named.get("$ref").and_then(Json::as_str).and_then(|path| path.rsplit('/').next());
    (name, name.and_then(|name| known.get(name)).unwrap_or(named))
}

fn at<'r>(row: &'r Json, path: &str) -> Option<&'r Json> {
    path.split('.').try_fold(row, |value, part| value.get(part))
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
            Cell::Sum(path, currency) => at(row, path).and_then(Json::as_array).and_then(|sums| {
                sums.iter().find(|sum| sum.get("currency").and_then(Json::as_str) == Some(currency)).and_then(amount)
            }),
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
