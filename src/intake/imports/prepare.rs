//! Converts the rows of a file to drafts of records.
use crate::db::tx::Tx;
use crate::intake::imports::cell_reader::{CellError, CellReader, Column};
use crate::intake::imports::draft::Draft;
use crate::intake::imports::funnel::Funnel;
use crate::intake::imports::model::{ColumnMapping, ColumnReport, ImportReport, ImportResource, ImportSettings};
use crate::intake::imports::reading::notation::{Notation, Refusal};
use crate::intake::imports::reading::table::{Row, Table};
use crate::intake::imports::references::References;
use crate::intake::imports::targets::{self, Target};
use crate::kernel::access::actor::Actor;
use crate::kernel::error::{Error, FieldCode, FieldError, Result, not_known};
use crate::kernel::values::address;
use crate::kernel::values::hex::hex;
use serde_json::json;
use std::collections::{HashMap, HashSet};

/// Converts the rows of one import.
#[derive(Debug)]
pub struct RowReader {
    pub resource: ImportResource,
    columns: Vec<Column>,
    notation: Notation,
    pub funnel: Funnel,
    pub references: References,
    width: usize,
    /// For each line that repeats an earlier row, its number among the identical rows.
    twins: HashMap<u64, u32>,
}

/// One thing that is wrong in a row.
#[derive(Debug)]
pub struct RowProblem {
    pub line: u64,
    pub column: Option<String>,
    pub code: &'static str,
    pub detail: String,
    pub value: Option<String>,
}

impl RowProblem {
    fn of_cell(line: u64, column: &str, refusal: Refusal, raw: &str) -> RowProblem {
        RowProblem {
            line,
            column: Some(column.to_owned()),
            code: refusal.code.as_str(),
            detail: refusal.detail,
            value: Some(raw.chars().take(200).collect()),
        }
    }

    fn of_width(line: u64, width: usize, wanted: usize) -> RowProblem {
        let detail = format!(
            "the row has {width} cells, but the header has {wanted}; texts with the delimiter must be in quotation marks"
        );
        RowProblem { line, column: None, code: "row_width", detail, value: None }
    }
}

impl RowReader {
    pub fn new(
        tx: &mut Tx<'_>,
        resource: ImportResource,
        settings: &ImportSettings,
        table: &Table,
    ) -> Result<RowReader> {
        let at_setting = |e: Error| {
            e.with(|p| p.errors.iter_mut().for_each(|bad| bad.pointer = Some("/settings/pipeline_id".into())))
        };
        let funnel = Funnel::load(tx, resource, settings.pipeline_id).map_err(at_setting)?;
        let known = targets::shown(tx.actor, resource, &funnel.open_names());
        let columns = columns(tx.actor, resource, settings.mapping.as_deref().unwrap_or_default(), table, &known)?;
        let notation = Notation {
            decimal: settings.decimal.as_ref().and_then(|d| d.chars().next()).unwrap_or('.'),
            date_format: settings.date_format.clone(),
            currency: settings.currency.clone().unwrap_or_else(|| tx.actor.settings.base_currency.clone()),
            zone: tx.zone(),
        };
        Ok(RowReader {
            resource,
            columns,
            notation,
            funnel,
            references: References::default(),
            width: table.header.len(),
            twins: table.twins.clone(),
        })
    }

    /// Divides the rows into chunks of row indexes. A company comes in a later chunk than its parent company in the
    /// same file.
    pub fn chunks(&self, rows: &[Row], size: usize) -> Vec<Vec<usize>> {
        let mut waiting: Vec<usize> = (0..rows.len()).collect();
        let column = |member: &str| self.columns.iter().find(|c| c.target.member() == Some(member)).map(|c| c.index);
        let mut chunks = Vec::new();
        if let (Some(parent), Some(name)) = (column("parent_id"), column("name")) {
            let cell =
                |row: &usize, column: usize| rows.get(*row).and_then(|row| row.cell(column)).map(str::to_lowercase);
            loop {
                let names: HashSet<_> = waiting.iter().filter_map(|row| cell(row, name)).collect();
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

    /// Returns an empty report with the mapped columns.
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

    /// Converts one row, and adds its errors to `problems`.
    pub fn row(
        &mut self,
        tx: &mut Tx<'_>,
        source: &Row,
        report: &mut ImportReport,
        problems: &mut Vec<RowProblem>,
    ) -> Result<Option<Draft>> {
        if source.width() != self.width {
            problems.push(RowProblem::of_width(source.line, source.width(), self.width));
            return Ok(None);
        }
        let (before, mut draft) = (problems.len(), Draft::new(source.line));
        let RowReader { columns, notation, funnel, references, .. } = self;
        for (n, column) in columns.iter().enumerate() {
            let raw = source.cell(column.index).unwrap_or_default();
            let Some(text) = cell_text(n, column, raw, report) else { continue };
            let stages = &funnel.stages;
            match (CellReader { tx, notation, stages, references, report }).read(column, &text, &mut draft) {
                Ok(()) => {}
                Err(CellError::Refused(why)) => {
                    problems.push(RowProblem::of_cell(source.line, &column.name, why, raw));
                }
                Err(CellError::Failed(error)) => return Err(error),
            }
        }
        if problems.len() > before {
            return Ok(None);
        }
        self.complete(source, &mut draft);
        Ok(Some(draft))
    }

    /// Adds what the row lacks: an external id, a title, the price of its product.
    fn complete(&self, source: &Row, draft: &mut Draft) {
        let nameless = match self.resource {
            ImportResource::Leads | ImportResource::Deals => true,
            ImportResource::Contacts => draft.text("email").is_none(),
            _ => false,
        };
        if nameless && draft.external_id().is_none() {
            // The number of the row among identical rows makes the id unique, so that a repeated import creates no
            // duplicates.
            let twin = self.twins.get(&source.line).copied().unwrap_or(1);
            draft.set("external_id", json!(format!("csv:{}:{twin}", hex(&source.digest()))));
        }
        match self.resource {
            ImportResource::Leads => self.complete_lead(draft),
            ImportResource::Deals => self.complete_deal(draft),
            _ => {}
        }
    }

    fn complete_lead(&self, draft: &mut Draft) {
        draft.set("pipeline_id", json!(self.funnel.pipeline));
        if let Some(stage) = draft.progress.stage.as_ref().map(|stage| stage.id) {
            draft.set("stage_id", json!(stage));
        }
    }

    fn complete_deal(&self, draft: &mut Draft) {
        draft.set_default_title();
        let value = draft.body.get("value").cloned();
        if let Some((product, item)) = draft.line_item() {
            // Without a value of the deal, the line item has the price of the product, and the deal gets no
            // value.
            let listed = || self.references.price(product).map(|price| json!(price));
            let unknown = || json!({ "amount": 0, "currency": self.notation.currency });
            item["price"] = value.or_else(listed).unwrap_or_else(unknown);
        }
        draft.set("pipeline_id", json!(self.funnel.pipeline));
    }
}

/// Returns the text of a cell after the value mapping, or `None` for an empty cell. Counts the cell in the report.
fn cell_text(n: usize, column: &Column, raw: &str, report: &mut ImportReport) -> Option<String> {
    let mapped = column.values.get(raw);
    if let Some(to) = mapped {
        report.count_mapped(&column.name, raw, to);
    }
    let text = address::tidied(mapped.map_or(raw, String::as_str));
    let counted = report.columns.get_mut(n)?;
    if text.is_empty() {
        counted.empty += 1;
        return None;
    }
    counted.filled += 1;
    Some(text)
}

/// The fields to which a column can be mapped: name, target and hint.
type KnownTargets = [(String, Target, String)];

/// Returns the mapped columns, or all errors of the mapping.
fn columns(
    actor: &Actor,
    resource: ImportResource,
    mapping: &[ColumnMapping],
    table: &Table,
    known: &KnownTargets,
) -> Result<Vec<Column>> {
    let (mut columns, mut bad) = (Vec::new(), Vec::new());
    for (n, one) in mapping.iter().enumerate() {
        let index = column_index(&table.header, &one.column);
        let target = target_of(actor, resource, known, &one.field);
        match (index, target) {
            (Ok(index), Ok(target)) => columns.push(Column {
                index,
                name: one.column.clone(),
                target,
                values: one.values.iter().map(|value| (value.from.clone(), value.to.clone())).collect(),
                multiply: one.multiply.unwrap_or(1),
            }),
            (index, target) => {
                let index = index.err().map(|why| why.at_member(format!("/settings/mapping/{n}/column")));
                let target = target.err().map(|why| why.at_member(format!("/settings/mapping/{n}/field")));
                bad.extend(index.into_iter().chain(target));
            }
        }
    }
    if columns.is_empty() && bad.is_empty() {
        let detail = "must map at least one column, because no column name matches a field";
        bad.push(FieldError::member("/settings/mapping", FieldCode::Required, detail));
    }
    if bad.is_empty() { Ok(columns) } else { Err(Error::members(bad)) }
}

fn column_index(header: &[String], column: &str) -> Result<usize, FieldError> {
    header.iter().position(|name| name.eq_ignore_ascii_case(column)).ok_or_else(|| {
        let detail = format!("{column} {}", not_known(column, header.iter().map(String::as_str)));
        FieldError::new(FieldCode::InvalidChoice, detail).among(header.iter().cloned())
    })
}

fn target_of(actor: &Actor, resource: ImportResource, known: &KnownTargets, field: &str) -> Result<Target, FieldError> {
    if let Some((_, target, _)) = known.iter().find(|(name, ..)| name.eq_ignore_ascii_case(field)) {
        return Ok(target.clone());
    }
    if targets::is_hidden(actor, resource, field) {
        let detail = format!("{field} is hidden from your role, so it cannot be imported");
        return Err(FieldError::new(FieldCode::Hidden, detail));
    }
    let names = || known.iter().map(|(name, ..)| name.as_str());
    let detail = format!("{field} {}", not_known(field, names()));
    Err(FieldError::new(FieldCode::InvalidChoice, detail).among(names()))
}
