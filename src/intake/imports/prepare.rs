//! From a row of cells to the body of a creation: the same body that the API takes, so that the same rules hold.
use crate::db::tx::Tx;
use crate::intake::imports::cells;
use crate::intake::imports::custom;
use crate::intake::imports::model::{
    ColumnReport, ImportReport, ImportResource, ImportSettings, MappedValue, UnknownValue,
};
use crate::intake::imports::references::References;
use crate::intake::imports::table::{Row, Table};
use crate::intake::imports::targets::{self, Target};
use crate::kernel::address;
use crate::kernel::error::{Bad, Error, FieldCode, Result};
use crate::kernel::kind::Kind;
use crate::kernel::money;
use crate::kernel::shape::Cell;
use crate::kernel::time::{DateTime, day_start};
use crate::sales::pipelines::{self, PipelineKind};
use crate::sales::stages::{self, Category, Stage};
use serde_json::{Map, Value as Json, json};
use std::collections::HashMap;
use uuid::Uuid;

/// A mapped column.
#[derive(Debug)]
struct Column {
    index: usize,
    name: String,
    target: Target,
    values: HashMap<String, String>,
    multiply: i64,
}

/// Everything that is needed to read rows.
#[derive(Debug)]
pub struct RowReader {
    pub resource: ImportResource,
    columns: Vec<Column>,
    date_format: Option<String>,
    decimal: char,
    currency: String,
    pub stages: Vec<Stage>,
    pub pipeline: Option<Uuid>,
    zone: chrono_tz::Tz,
    pub references: References,
    width: usize,
    /// By line: which of the rows with the same cells this one is, where it is not the first.
    twins: HashMap<u64, u32>,
}

/// A row that has been understood.
#[derive(Debug)]
pub struct Prepared {
    pub line: u64,
    pub body: Json,
    pub external_id: Option<String>,
    pub stage: Option<Stage>,
    pub created_at: Option<DateTime>,
    pub closed_at: Option<DateTime>,
    pub entered: Vec<(Stage, DateTime)>,
    pub loss_reason: Option<Uuid>,
}

/// Why a cell is refused: a code, and words.
pub type Refusal = (FieldCode, String);

/// Why a column cannot become what its mapping names.
fn no_target(field: &str, names: &[&str], hidden: bool) -> Bad {
    if hidden {
        return Bad::new(FieldCode::Hidden, format!("{field} is hidden from your role, so it cannot be imported"));
    }
    let detail = crate::kernel::error::not_known(field, names.iter().copied());
    Bad::new(FieldCode::InvalidChoice, format!("{field} {detail}")).among(names.iter().copied())
}

/// One thing that is wrong in a row.
#[derive(Debug)]
pub struct RowProblem {
    pub line: u64,
    pub column: Option<String>,
    pub code: String,
    pub detail: String,
    pub value: Option<String>,
}

impl RowReader {
    pub fn new(
        tx: &mut Tx<'_>,
        resource: ImportResource,
        settings: &ImportSettings,
        table: &Table,
    ) -> Result<RowReader> {
        let (pipeline, stages) = funnel(tx, resource, settings)?;
        let open: Vec<String> =
            stages.iter().filter(|s| s.category == Category::Open).map(|s| s.name.clone()).collect();
        let known = targets::shown(tx.actor, resource, &open);
        let mut columns = Vec::new();
        let mut bad = Vec::new();
        for (n, one) in settings.mapping.iter().flatten().enumerate() {
            let index = table.header.iter().position(|name| name.eq_ignore_ascii_case(&one.column));
            let target = known.iter().find(|(name, ..)| name.eq_ignore_ascii_case(&one.field));
            if index.is_none() {
                let detail = crate::kernel::error::not_known(&one.column, table.header.iter().map(String::as_str));
                let detail = format!("{} {detail}", one.column);
                let wrong = Bad::member(format!("/settings/mapping/{n}/column"), FieldCode::InvalidChoice, detail);
                bad.push(wrong.among(table.header.iter().cloned()));
            }
            if target.is_none() {
                let names: Vec<&str> = known.iter().map(|(name, ..)| name.as_str()).collect();
                let hidden = targets::is_hidden(tx.actor, resource, &one.field);
                bad.push(no_target(&one.field, &names, hidden).at_member(format!("/settings/mapping/{n}/field")));
            }
            if let (Some(index), Some((_, target, _))) = (index, target) {
                let values = one.values.iter().map(|v| (v.from.clone(), v.to.clone())).collect();
                columns.push(Column {
                    index,
                    name: one.column.clone(),
                    target: target.clone(),
                    values,
                    multiply: one.multiply.unwrap_or(1),
                });
            }
        }
        if columns.is_empty() && bad.is_empty() {
            bad.push(Bad::member(
                "/settings/mapping",
                FieldCode::Required,
                "no column is mapped, and none could be guessed from its name",
            ));
        }
        if !bad.is_empty() {
            return Err(Error::members(bad));
        }
        Ok(RowReader {
            resource,
            columns,
            date_format: settings.date_format.clone(),
            decimal: settings.decimal.as_ref().and_then(|d| d.chars().next()).unwrap_or('.'),
            currency: settings.currency.clone().unwrap_or_else(|| tx.actor.settings.base_currency.clone()),
            stages,
            pipeline,
            zone: tx.zone(),
            references: References::default(),
            width: table.header.len(),
            twins: table.twins.clone(),
        })
    }

    /// The rows in chunks, by their index. A company comes in a later chunk than the parent that the same file names.
    pub fn chunks(&self, rows: &[Row], size: usize) -> Vec<Vec<usize>> {
        let mut waiting: Vec<usize> = (0..rows.len()).collect();
        let column =
            |target: &dyn Fn(&Target) -> bool| self.columns.iter().find(|c| target(&c.target)).map(|c| c.index);
        let parent = column(&|t| matches!(t, Target::Reference(member, _) if member == "parent_id"));
        let name = column(&|t| matches!(t, Target::Member(member, _) if member == "name"));
        let mut chunks = Vec::new();
        if let (Some(parent), Some(name)) = (parent, name) {
            let cell =
                |row: &usize, column: usize| rows.get(*row).and_then(|row| row.cell(column)).map(str::to_lowercase);
            loop {
                let names: std::collections::HashSet<_> = waiting.iter().filter_map(|row| cell(row, name)).collect();
                let own = |row: &usize| cell(row, parent) == cell(row, name);
                let ready = |row: &usize| own(row) || !cell(row, parent).is_some_and(|parent| names.contains(&parent));
                let (now, later): (Vec<usize>, Vec<usize>) = waiting.iter().partition(|row| ready(row));
                if now.is_empty() || later.is_empty() {
                    break;
                }
                chunks.extend(now.chunks(size).map(<[usize]>::to_vec));
                waiting = later;
            }
        }
        chunks.extend(waiting.chunks(size).map(<[usize]>::to_vec));
        chunks
    }

    /// An empty report with the columns in it.
    pub fn report(&self, settings: &ImportSettings) -> ImportReport {
        let field =
            |c: &Column| settings.mapping.iter().flatten().find(|m| m.column == c.name).map(|m| m.field.clone());
        let column = |c: &Column| ColumnReport {
            column: c.name.clone(),
            field: field(c).unwrap_or_default(),
            filled: 0,
            empty: 0,
        };
        ImportReport { columns: self.columns.iter().map(column).collect(), ..ImportReport::default() }
    }

    /// Reads one row; what is wrong with it goes into `problems`.
    pub fn row(
        &mut self,
        tx: &mut Tx<'_>,
        source: &Row,
        report: &mut ImportReport,
        problems: &mut Vec<RowProblem>,
    ) -> Result<Option<Prepared>> {
        let (before, line) = (problems.len(), source.line);
        if source.width() != self.width {
            let detail = format!(
                "the row has {} cells, the header {}; is a text with the delimiter not in quotation marks?",
                source.width(),
                self.width
            );
            problems.push(RowProblem { line, column: None, code: "row_width".into(), detail, value: None });
            return Ok(None);
        }
        let mut row = Prepared {
            line,
            body: Json::Null,
            external_id: None,
            stage: None,
            created_at: None,
            closed_at: None,
            entered: Vec::new(),
            loss_reason: None,
        };
        let (mut body, mut names) = (Map::new(), Vec::new());
        for n in 0..self.columns.len() {
            let Some((name, raw, text)) = self.cell(n, source, report) else { continue };
            let outcome = self.assign_cell(tx, n, &text, &mut body, &mut row, &mut names, report)?;
            if let Err((code, detail)) = outcome {
                problems.push(RowProblem {
                    line,
                    column: Some(name),
                    code: code.as_str().into(),
                    detail,
                    value: Some(raw.chars().take(200).collect()),
                });
            }
        }
        if problems.len() > before {
            return Ok(None);
        }
        self.complete(source, &mut body, &names, &mut row);
        row.body = Json::Object(body);
        Ok(Some(row))
    }

    /// The text of a mapped cell after its value mapping; nothing for an empty one. Counts both.
    fn cell(&self, n: usize, source: &Row, report: &mut ImportReport) -> Option<(String, String, String)> {
        let column = self.columns.get(n)?;
        let raw = source.cell(column.index).unwrap_or_default();
        let text = match column.values.get(raw) {
            Some(to) => {
                note_mapped(report, &column.name, raw, to);
                to.as_str()
            }
            None => raw,
        };
        let text = address::tidied(text);
        let counted = report.columns.get_mut(n)?;
        if text.is_empty() {
            counted.empty += 1;
            return None;
        }
        counted.filled += 1;
        Some((column.name.clone(), raw.to_owned(), text))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one row that is being built")]
    fn assign_cell(
        &mut self,
        tx: &mut Tx<'_>,
        n: usize,
        text: &str,
        body: &mut Map<String, Json>,
        row: &mut Prepared,
        names: &mut Vec<String>,
        report: &mut ImportReport,
    ) -> Result<Result<(), Refusal>> {
        let Some(column) = self.columns.get(n) else { return Ok(Ok(())) };
        let (name, target, multiply) = (column.name.clone(), column.target.clone(), column.multiply);
        Ok(match target {
            Target::Member(member, cell) => self.value(text, cell, multiply).map(|value| {
                if member == "external_id" {
                    row.external_id = Some(text.to_owned());
                }
                body.insert(member, value);
            }),
            Target::Reference(member, kind) => match self.references.find(tx, kind, text)? {
                Some(id) => {
                    if kind == Kind::COMPANY {
                        names.push(text.to_owned());
                    }
                    if member == "loss_reason_id" {
                        row.loss_reason = Some(id);
                    }
                    if !(member == "loss_reason_id" && self.resource == ImportResource::Leads) {
                        body.insert(member, json!(id));
                    }
                    Ok(())
                }
                None => Err(self.unknown(tx, &name, kind, text, report)),
            },
            Target::Custom(field) => match field.refers {
                None => custom::value(self, &field, text, multiply).map(|value| custom::put(body, &field, value)),
                Some(kind) => match self.references.find(tx, kind, text)? {
                    Some(id) => {
                        custom::put(body, &field, json!(id));
                        Ok(())
                    }
                    None => Err(self.unknown(tx, &name, kind, text, report)),
                },
            },
            Target::Product => match self.references.find(tx, Kind::PRODUCT, text)? {
                Some(id) => {
                    names.insert(0, text.to_owned());
                    body.insert("line_items".into(), json!([{ "product_id": id }]));
                    Ok(())
                }
                None => Err(self.unknown(tx, &name, Kind::PRODUCT, text, report)),
            },
            Target::DealContact => match self.references.find(tx, Kind::CONTACT, text)? {
                Some(id) => {
                    body.insert("contacts".into(), json!([{ "contact_id": id }]));
                    Ok(())
                }
                None => Err(self.unknown(tx, &name, Kind::CONTACT, text, report)),
            },
            Target::Person(member) => {
                let person = body.entry("person").or_insert_with(|| json!({}));
                person[member] = json!(text);
                Ok(())
            }
            Target::Stage => match self.stages.iter().find(|s| s.name.eq_ignore_ascii_case(text)) {
                Some(stage) => {
                    row.stage = Some(stage.clone());
                    Ok(())
                }
                None => {
                    let known = self.stages.iter().map(|s| s.name.as_str());
                    let nearest = known.clone().max_by(|a, b| strsim::jaro(a, text).total_cmp(&strsim::jaro(b, text)));
                    note_unknown(report, &name, text, nearest.map(str::to_owned));
                    let all = known.collect::<Vec<_>>().join(", ");
                    Err((FieldCode::ReferenceNotFound, format!("there is no stage {text}; the pipeline has {all}")))
                }
            },
            Target::CreatedAt => self.instant(text).map(|at| row.created_at = Some(at)),
            Target::ClosedAt => self.instant(text).map(|at| row.closed_at = Some(at)),
            Target::Entered(stage) => self.instant(text).map(|at| {
                row.entered.extend(self.stages.iter().find(|s| s.name == stage).map(|s| (s.clone(), at)));
            }),
        })
    }

    fn unknown(&self, tx: &Tx<'_>, column: &str, kind: Kind, text: &str, report: &mut ImportReport) -> Refusal {
        let what = kind.as_str().replace('_', " ");
        let nearest = self.references.nearest(tx, kind, text);
        let detail = match &nearest {
            Some(name) => format!("there is no {what} {text}; if {name} is meant, map the value {text} to {name}"),
            None => format!("there is no {what} {text}; import the {} first", kind.path()),
        };
        note_unknown(report, column, text, nearest);
        (FieldCode::ReferenceNotFound, detail)
    }

    pub fn decimal(&self) -> char {
        self.decimal
    }

    pub fn value(&self, text: &str, cell: Cell, multiply: i64) -> Result<Json, Refusal> {
        let format = |detail: String| (FieldCode::InvalidFormat, detail);
        Ok(match cell {
            Cell::Text | Cell::Reference => json!(text),
            Cell::Int => json!(
                cells::integer(text, self.decimal)
                    .and_then(|n| n.checked_mul(multiply))
                    .ok_or_else(|| format(format!("{text} is not a whole number")))?
            ),
            Cell::Bool => json!(cells::boolean(text).ok_or_else(|| format(format!("{text} is not yes or no")))?),
            Cell::Date => json!(self.date(text)?),
            Cell::Time => json!(self.instant(text)?),
            Cell::Words => json!(text.split(',').map(str::trim).filter(|w| !w.is_empty()).collect::<Vec<_>>()),
            Cell::Money => {
                let amount = money::parse_decimal(text, self.decimal, money::exponent(&self.currency));
                let amount = amount.and_then(|a| a.checked_mul(multiply));
                let amount = amount.ok_or_else(|| {
                    format(format!(
                        "{text} is not an amount of {} with {:?} before the decimals",
                        self.currency, self.decimal
                    ))
                })?;
                json!({ "amount": amount, "currency": self.currency })
            }
        })
    }

    fn date(&self, text: &str) -> Result<chrono::NaiveDate, Refusal> {
        let Some(format) = &self.date_format else {
            return Err((
                FieldCode::InvalidFormat,
                format!("{text} is no date in a format that is known; set date_format"),
            ));
        };
        cells::date(text, format).ok_or_else(|| (FieldCode::InvalidFormat, format!("{text} is not a date as {format}")))
    }

    /// A day begins at midnight in the workspace's time zone.
    fn instant(&self, text: &str) -> Result<DateTime, Refusal> {
        if let Ok(at) = text.parse::<DateTime>() {
            return Ok(at);
        }
        self.date(text).map(|day| day_start(day, self.zone))
    }

    /// What a row needs and does not say: a title, an external id to know it again by, the price of its product.
    fn complete(&self, source: &Row, body: &mut Map<String, Json>, names: &[String], row: &mut Prepared) {
        let funnel = matches!(self.resource, ImportResource::Leads | ImportResource::Deals);
        if row.external_id.is_none()
            && (funnel || (self.resource == ImportResource::Contacts && !body.contains_key("email")))
        {
            // The same row in the same place of the order of its twins: the same file makes no doubles.
            let twin = self.twins.get(&source.line).copied().unwrap_or(1);
            row.external_id = Some(format!("csv:{}:{twin}", crate::kernel::query::hex(&source.digest())));
            body.insert("external_id".into(), json!(row.external_id));
        }
        if self.resource == ImportResource::Deals {
            if !body.contains_key("title") {
                let title =
                    if names.is_empty() { row.external_id.clone().unwrap_or_default() } else { names.join(" for ") };
                body.insert("title".into(), json!(title.chars().take(300).collect::<String>()));
            }
            let value = body.get("value").cloned();
            if let Some(item) = body.get_mut("line_items").and_then(|l| l.get_mut(0)) {
                // Without a value of the deal the product stands at its own price; the deal's value stays unknown.
                let product = item["product_id"].as_str().and_then(|id| id.parse().ok());
                let listed = product.and_then(|id| self.references.price(id)).map(|price| json!(price));
                item["price"] = value.or(listed).unwrap_or_else(|| json!({ "amount": 0, "currency": self.currency }));
            }
            body.insert("pipeline_id".into(), json!(self.pipeline));
        }
        if self.resource == ImportResource::Leads {
            body.insert("pipeline_id".into(), json!(self.pipeline));
            if let Some(stage) = &row.stage {
                body.insert("stage_id".into(), json!(stage.id));
            }
        }
    }
}

fn funnel(tx: &mut Tx<'_>, resource: ImportResource, settings: &ImportSettings) -> Result<(Option<Uuid>, Vec<Stage>)> {
    let kind = match resource {
        ImportResource::Leads => PipelineKind::Lead,
        ImportResource::Deals => PipelineKind::Deal,
        _ => return Ok((None, Vec::new())),
    };
    let at =
        |e: Error| e.with(|p| p.errors.iter_mut().for_each(|bad| bad.pointer = Some("/settings/pipeline_id".into())));
    let pipeline = pipelines::choose(tx, settings.pipeline_id, kind).map_err(at)?;
    Ok((Some(pipeline), stages::of_pipeline(tx, pipeline)?))
}

fn note_mapped(report: &mut ImportReport, column: &str, from: &str, to: &str) {
    match report.mapped_values.iter_mut().find(|m| m.column == column && m.from == from) {
        Some(known) => known.rows += 1,
        None => {
            report.mapped_values.push(MappedValue { column: column.into(), from: from.into(), to: to.into(), rows: 1 })
        }
    }
}

const UNKNOWN_MAX: usize = 200;

fn note_unknown(report: &mut ImportReport, column: &str, value: &str, nearest: Option<String>) {
    let full = report.unknown_values.len() >= UNKNOWN_MAX;
    match report.unknown_values.iter_mut().find(|u| u.column == column && u.value == value) {
        Some(known) => known.rows += 1,
        None if !full => {
            report.unknown_values.push(UnknownValue { column: column.into(), value: value.into(), rows: 1, nearest });
        }
        None => {}
    }
}
