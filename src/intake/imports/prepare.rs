//! Converts the rows of a file to drafts of records.
use crate::db::tx::Tx;
use crate::intake::imports::cell_reader::{CellError, CellReader, FilledCell};
use crate::intake::imports::changes::Policy;
use crate::intake::imports::claims::{Claims, Stated};
use crate::intake::imports::column::Column;
use crate::intake::imports::decide::FileEvidence;
use crate::intake::imports::draft::Draft;
use crate::intake::imports::file::{self, File};
use crate::intake::imports::findings::{self, ImportWarning, Warned};
use crate::intake::imports::full_name;
use crate::intake::imports::funnel::Funnel;
use crate::intake::imports::known::Matching;
use crate::intake::imports::mapped_columns;
use crate::intake::imports::meaning::conventions::Conventions;
use crate::intake::imports::meaning::decisions::Decisions;
use crate::intake::imports::meaning::lists;
use crate::intake::imports::meaning::names::NameEvidence;
use crate::intake::imports::meaning::numerals::Decimal;
use crate::intake::imports::meaning::tidy::{self, Content};
use crate::intake::imports::outcome::{Contradiction, Witness};
use crate::intake::imports::overview::{self, ColumnReport, PreviewedMembers, PreviewedRecord, Reading};
use crate::intake::imports::reading::row::{CellKind, Row};
use crate::intake::imports::reading::rows::Rows;
use crate::intake::imports::references::References;
use crate::intake::imports::report::ImportReport;
use crate::intake::imports::resource::ImportResource;
use crate::intake::imports::settings::{BlankRows, EmptyCells, ImportMode, ImportSettings, TagsMode, UnknownNames};
use crate::intake::imports::settle::settle;
use crate::intake::imports::stage_names;
use crate::intake::imports::targets::{self, Target};
use crate::intake::imports::typed;
use crate::kernel::error::{Error, FieldCode, Result};
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::address;
use crate::kernel::values::hex::hex;
use crate::kernel::values::phones;
use crate::sales::stages::Stage;
use serde_json::{Value as Json, json};
use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use uuid::Uuid;

/// Converts the rows of one import.
#[derive(Debug)]
pub struct RowReader {
    pub resource: ImportResource,
    pub mode: ImportMode,
    pub matching: Matching,
    pub policy: Policy,
    /// The records of the rows so far.
    pub claims: Claims,
    pub columns: Vec<Column>,
    /// The columns in which each row of a record adds its values.
    pub additive: Vec<u16>,
    /// Whether an empty cell clears its member.
    clears: bool,
    /// Whether rows without a value for the record itself are left out.
    leaves_out_blank: bool,
    pub decisions: Decisions,
    /// The conventions for the numbers of a spreadsheet.
    typed: Conventions,
    names: NameEvidence,
    pub funnel: Funnel,
    pub references: References,
    pub unknown_names: UnknownNames,
    /// The stages that the file calls by other names, in lower case.
    stage_names: HashMap<String, Stage>,
    /// The tag for all records.
    pub tag: Option<String>,
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
    fn of_cell(line: u64, column: &str, (code, detail): (FieldCode, String), raw: &str) -> RowProblem {
        RowProblem {
            line,
            column: Some(column.to_owned()),
            code: code.as_str(),
            detail,
            value: Some(raw.chars().take(200).collect()),
        }
    }

    fn of_width(line: u64, width: usize, wanted: usize) -> RowProblem {
        let detail = format!(
            "the row has {width} cells, but the table has {wanted} columns; texts with the delimiter must be in quotation marks"
        );
        RowProblem { line, column: None, code: "row_width", detail, value: None }
    }
}

impl RowReader {
    pub fn new(
        tx: &mut Tx<'_>,
        resource: ImportResource,
        settings: &ImportSettings,
        file: &File,
        evidence: &FileEvidence,
    ) -> Result<RowReader> {
        let at_setting = |e: Error| {
            e.with(|p| p.errors.iter_mut().for_each(|bad| bad.pointer = Some("/settings/pipeline_id".into())))
        };
        let funnel = Funnel::load(tx, resource, settings.pipeline_id).map_err(at_setting)?;
        let known = targets::shown(tx.actor, resource, &funnel.open_names());
        let mapping = settings.mapping.as_deref().unwrap_or_default();
        let mut columns = mapped_columns::columns(tx.actor, resource, mapping, &file.header, &known)?;
        let mut decisions = evidence.decide(tx.actor, settings, tx.now);
        let (stage_names, unknown_stages) = stage_names::decide(&evidence.stages, settings, &funnel.stages)?;
        decisions.questions.extend(unknown_stages);
        columns.iter_mut().for_each(|column| column.decide(&decisions));
        let tags = settings.tags.unwrap_or(TagsMode::Add);
        let unknown_names = settings.unknown_names.unwrap_or(UnknownNames::Create);
        let country = &tx.actor.settings.country;
        Ok(RowReader {
            resource,
            mode: settings.mode(),
            matching: Matching::new(resource, settings.match_by.as_deref(), country)?,
            policy: Policy { tags, country: country.clone() },
            claims: Claims::default(),
            additive: (0..).zip(&columns).filter(|(_, column)| column.target.adds(tags)).map(|(n, _)| n).collect(),
            clears: settings.empty_cells == Some(EmptyCells::Clear),
            leaves_out_blank: settings.blank_rows == Some(BlankRows::LeaveOut),
            columns,
            typed: Conventions { decimal: Decimal::Point, ..decisions.conventions.clone() },
            names: evidence.names,
            decisions,
            funnel,
            references: References::new(unknown_names == UnknownNames::Create),
            unknown_names,
            stage_names,
            tag: tag(resource, settings)?,
            width: file.header.len(),
            twins: file.twins.clone(),
        })
    }

    /// Divides the rows into chunks of row indexes. A company comes in a later chunk than its parent company in the
    /// same file.
    pub fn chunks(&self, rows: &Rows, size: usize) -> Result<Vec<Vec<usize>>> {
        let mut waiting: Vec<usize> = (0..rows.len()).collect();
        let column = |member: &str| self.columns.iter().find(|c| c.target.member() == Some(member)).map(|c| c.index);
        let mut chunks = Vec::new();
        if let (Some(parent), Some(name)) = (column("parent_id"), column("name")) {
            let family = family(rows, parent, name)?;
            let of = |row: &usize| family.get(*row).copied().unwrap_or_default();
            loop {
                let names: HashSet<u64> = waiting.iter().map(|row| of(row).1).collect();
                let ready = |row: &usize| {
                    let (parent, name) = of(row);
                    parent == name || !names.contains(&parent)
                };
                let (now, later): (Vec<usize>, Vec<usize>) = waiting.iter().partition(|row| ready(row));
                if now.is_empty() || later.is_empty() {
                    break;
                }
                chunks.extend(now.chunks(size).map(<[usize]>::to_vec));
                waiting = later;
            }
        }
        chunks.extend(waiting.chunks(size).map(<[usize]>::to_vec));
        Ok(chunks)
    }

    /// Checks whether a row is left out, because it only names other records.
    pub fn is_blank(&self, row: &Row) -> bool {
        let own = |column: &&Column| !matches!(column.target, Target::Reference(..) | Target::DealContact);
        let is_empty = |column: &Column| {
            let raw = row.cell(column.index).text;
            let text = column.values.get(raw).map_or(raw, String::as_str);
            !matches!(tidy::content(text), Content::Text(_))
        };
        self.leaves_out_blank && self.columns.iter().filter(own).all(is_empty)
    }

    /// Looks up the records that the rows name, so that the cells find them without further statements.
    pub fn look_up(&mut self, tx: &mut Tx<'_>, rows: &[Row]) -> Result<()> {
        let mut named: HashMap<Kind, Vec<String>> = HashMap::new();
        for column in &self.columns {
            let Some(kind) = column.target.named() else { continue };
            for raw in rows.iter().map(|row| row.cell(column.index).text) {
                let Content::Text(text) = tidy::content(column.values.get(raw).map_or(raw, String::as_str)) else {
                    continue;
                };
                let texts = named.entry(kind).or_default();
                if kind == Kind::CONTACT {
                    let persons = lists::mailboxes(&text).into_iter();
                    texts.extend(persons.flat_map(|person| [person.email, person.name]).flatten());
                }
                texts.push(text);
            }
        }
        named.into_iter().try_for_each(|(kind, texts)| self.references.look_up(tx, kind, texts))
    }

    /// Returns an empty report with the mapped columns.
    pub fn report(&self, settings: &ImportSettings) -> ImportReport {
        let field =
            |c: &Column| settings.mapping.iter().flatten().find(|m| m.column == c.name).map(|m| m.field.clone());
        let column = |c: &Column| ColumnReport::new(c.name.clone(), field(c).unwrap_or_default());
        ImportReport {
            columns: self.columns.iter().map(column).collect(),
            decisions: self.decisions.questions.iter().map(findings::decision).collect(),
            warnings: self.decisions.warnings.iter().map(ImportWarning::of_guess).collect(),
            ..ImportReport::default()
        }
    }

    /// Converts one row, and adds its errors to `problems`.
    pub fn row(
        &mut self,
        tx: &mut Tx<'_>,
        source: &Row,
        report: &mut ImportReport,
        problems: &mut Vec<RowProblem>,
    ) -> Result<Option<Draft>> {
        // Its values would be in the wrong columns.
        if source.used_width() > self.width {
            problems.push(RowProblem::of_width(source.line, source.used_width(), self.width));
            return Ok(None);
        }
        let (before, mut draft) = (problems.len(), Draft::new(source.line));
        draft.tag.clone_from(&self.tag);
        let line = source.line;
        let currencies = self.currencies(source, problems);
        let mut amounts = Vec::new();
        let RowReader {
            resource,
            columns,
            clears,
            decisions,
            typed,
            funnel,
            references,
            unknown_names,
            stage_names,
            ..
        } = self;
        let (resource, unknown_names, stages) = (*resource, *unknown_names, &funnel.stages);
        for (n, column) in columns.iter().enumerate() {
            let cell = source.cell(column.index);
            let conventions = if cell.kind == CellKind::Number { &*typed } else { &decisions.conventions };
            let written = typed::text(cell, &column.target);
            let raw = &*written;
            let Some(text) = cell_text(n, column, (line, raw), report) else {
                draft.cleared.extend(column.target.cleared().filter(|_| *clears));
                continue;
            };
            draft.stated.push(Stated::new(n, &normal(&column.target, &text)));
            let currency = currency_of(&currencies, &column.target);
            let cell = FilledCell { line, raw, text: &text, currency };
            let mut reader =
                CellReader { tx, resource, conventions, unknown_names, stages, stage_names, references, report };
            let reading = reader.read(column, &cell, &mut draft);
            if let Some(counted) = report.columns.get_mut(n) {
                counted.add(line, &text, reading.as_ref().ok());
            }
            match reading {
                Ok(Reading::Amount(amount, currency)) => amounts.push((column.name.clone(), amount, currency)),
                Ok(_) => {}
                Err(CellError::LeftOut(kind)) => report.warn(&Warned { kind, column: &column.name, line, raw }),
                Err(CellError::Refused(code, detail)) => {
                    problems.push(RowProblem::of_cell(line, &column.name, (code, detail), raw));
                }
                Err(CellError::Failed(error)) => return Err(error),
            }
        }
        if problems.len() > before {
            return Ok(None);
        }
        if let Err(Contradiction(one, other)) = settle(&mut draft, self.resource, tx.now, tx.zone()) {
            problems.push(self.contradicting_columns(source.line, one, other));
            return Ok(None);
        }
        for (column, amount, currency) in amounts {
            overview::add_amount(&mut report.totals, &column, amount, &currency);
        }
        draft.join_parts();
        self.divide_name(&mut draft, report);
        self.complete(source, &mut draft);
        self.show(&draft, report);
        Ok(Some(draft))
    }

    /// Adds a row to the stages and the preview of the report.
    fn show(&self, draft: &Draft, report: &mut ImportReport) {
        let stage = draft.progress.destination(&self.funnel).ok().flatten().or(self.funnel.first_open());
        if let Some(stage) = stage {
            overview::add_stage(&mut report.stages, &stage.name, stage.category.as_str());
        }
        if report.preview.len() >= overview::PREVIEW_MAX {
            return;
        }
        let mut record = draft.creation(Uuid::nil());
        record.remove("id");
        let mut set = |member: &str, value: Option<Json>| {
            record.extend(value.map(|value| (member.to_owned(), value)));
        };
        set("stage", stage.map(|stage| json!(stage.name)));
        set("created_at", draft.progress.created_at.map(|at| json!(at)));
        set("closed_at", draft.progress.closed_at.map(|at| json!(at)));
        set("loss_reason_id", draft.loss_reason().map(|id| json!(id)));
        let line = i64::try_from(draft.line).unwrap_or(i64::MAX);
        report.preview.push(PreviewedRecord { line, record: PreviewedMembers(record) });
    }

    /// Divides the full name of a contact.
    fn divide_name(&self, draft: &mut Draft, report: &mut ImportReport) {
        if self.resource != ImportResource::Contacts {
            return;
        }
        let raw = draft.text("name").map(str::to_owned).unwrap_or_default();
        let warning = full_name::divide(draft, &self.names.context(&self.policy.country));
        let column = self.columns.iter().find(|column| column.target.member() == Some("name"));
        if let (Some(kind), Some(column)) = (warning, column) {
            report.warn(&Warned { kind, column: &column.name, line: draft.line, raw: &raw });
        }
    }

    /// Returns the currencies that the row names, with the members whose amounts they belong to.
    fn currencies(&self, source: &Row, problems: &mut Vec<RowProblem>) -> Vec<(String, String)> {
        let mut named = Vec::new();
        for column in &self.columns {
            let Target::Currency(member) = &column.target else { continue };
            let raw = source.cell(column.index).text;
            let text = column.values.get(raw).map_or(raw, String::as_str);
            let Content::Text(text) = tidy::content(text) else { continue };
            match self.decisions.conventions.currency(&text) {
                Ok(read) => named.push((member.clone(), read.value)),
                Err(refusal) => {
                    let why = (FieldCode::InvalidFormat, refusal.detail);
                    problems.push(RowProblem::of_cell(source.line, &column.name, why, raw));
                }
            }
        }
        named
    }

    pub fn column(&self, n: u16) -> Option<&Column> {
        self.columns.get(usize::from(n))
    }

    /// Returns the problem of a row whose outcome is contradictory.
    fn contradicting_columns(&self, line: u64, one: Witness, other: Witness) -> RowProblem {
        let of = |witness| self.columns.iter().find(|column| column.target.testifies(witness));
        // A status column can name a stage, and a stage column a status.
        let column = |witness| of(witness).or_else(|| of(Witness::Stage)).or_else(|| of(Witness::Status));
        let name = |witness| column(witness).map(|column| column.name.clone()).unwrap_or_default();
        let (one, other) = (name(one), name(other));
        let detail = format!("{one} and {other} contradict each other");
        RowProblem { line, column: Some(one), code: FieldCode::Invalid.as_str(), detail, value: None }
    }

    /// Adds what the row lacks: an external id, a title, the price of its product.
    fn complete(&self, source: &Row, draft: &mut Draft) {
        let nameless = match self.resource {
            ImportResource::Leads | ImportResource::Deals => true,
            ImportResource::Contacts => draft.addresses("email").next().is_none(),
            _ => false,
        };
        if nameless && draft.external_id().is_none() {
            // A record of another workspace is known by its id there. The number of another row among identical rows
            // makes its id unique, so that a repeated import creates no duplicates.
            let twin = || self.twins.get(&source.line).copied().unwrap_or(1);
            let of_row = || format!("{}:{}", hex(&file::digest(source)), twin());
            let derived = draft.own_id.map_or_else(of_row, |own| own.to_string());
            draft.derived_id = Some(format!("csv:{derived}"));
        }
        match self.resource {
            ImportResource::Leads => draft.set("pipeline_id", json!(self.funnel.pipeline)),
            ImportResource::Deals => self.complete_deal(draft),
            _ => {}
        }
    }

    fn complete_deal(&self, draft: &mut Draft) {
        draft.needs_title = true;
        let value = draft.body.get("value").cloned();
        if let Some((product, item)) = draft.line_item() {
            // Without a value of the deal, the line item has the price of the product, and the deal gets no
            // value.
            let listed = || self.references.price(product).map(|price| json!(price));
            let unknown = || json!({ "amount": 0, "currency": self.decisions.conventions.currency });
            item["price"] = value.or_else(listed).unwrap_or_else(unknown);
        }
        draft.set("pipeline_id", json!(self.funnel.pipeline));
    }
}

/// Returns digests of the names of the parent and of the company itself in each row.
fn family(rows: &Rows, parent: usize, name: usize) -> Result<Vec<(u64, u64)>> {
    let digest = |row: &Row, column: usize| {
        let mut hasher = DefaultHasher::new();
        row.cell(column).text.to_lowercase().hash(&mut hasher);
        hasher.finish()
    };
    let (mut family, mut rows) = (Vec::with_capacity(rows.len()), rows.reader());
    while let Some(row) = rows.next_row()? {
        family.push((digest(row, parent), digest(row, name)));
    }
    Ok(family)
}

/// Returns the currency for the amounts of a target. A custom field takes the first that the row names.
fn currency_of<'c>(currencies: &'c [(String, String)], target: &Target) -> Option<&'c str> {
    let named = |(member, _): &&(String, String)| match target {
        Target::Member(amount, _) | Target::Currency(amount) => member == amount,
        _ => true,
    };
    currencies.iter().find(named).map(|(_, currency)| currency.as_str())
}

/// Returns the text of a cell in a form that is the same for all notations of its value.
fn normal(target: &Target, text: &str) -> String {
    let member = match target {
        Target::Person(member) => *member,
        _ => target.member().unwrap_or_default(),
    };
    match member {
        "email" => address::email(text),
        "phone" => phones::part(text),
        "domain" => address::domain(text).to_lowercase(),
        _ => text.to_lowercase(),
    }
}

/// Returns the tag of the settings; refuses one for records without tags.
fn tag(resource: ImportResource, settings: &ImportSettings) -> Result<Option<String>> {
    if settings.tag.is_some() && !resource.has_tags() {
        let detail = format!("must be absent, because {} have no tags", resource.as_str());
        return Err(Error::member("/settings/tag", FieldCode::Invalid, detail));
    }
    Ok(settings.tag.clone())
}

/// Returns the text of a cell after the value mapping and without guards, or `None` for a cell without a value. Counts
/// the cell in the report.
fn cell_text(n: usize, column: &Column, (line, raw): (u64, &str), report: &mut ImportReport) -> Option<String> {
    let mapped = column.values.get(raw);
    if let Some(to) = mapped {
        report.count_mapped(&column.name, raw, to);
    }
    let content = tidy::content(mapped.map_or(raw, String::as_str));
    if let Content::Nothing(nothing) = content {
        report.warn(&Warned { kind: nothing.as_str(), column: &column.name, line, raw });
    }
    let counted = report.columns.get_mut(n)?;
    if let Content::Text(text) = content {
        counted.filled += 1;
        return Some(text);
    }
    counted.empty += 1;
    None
}
