//! What is decided about a file: from the evidence in its mapped columns, the settings and the workspace.
use crate::intake::imports::custom;
use crate::intake::imports::date_formats;
use crate::intake::imports::file::File;
use crate::intake::imports::meaning::date_evidence::DateOrder;
use crate::intake::imports::meaning::dates::Order;
use crate::intake::imports::meaning::decisions::{self, Answers, Decisions, MappedColumn, Role, Surroundings};
use crate::intake::imports::meaning::evidence::ColumnEvidence;
use crate::intake::imports::meaning::names::NameEvidence;
use crate::intake::imports::meaning::numerals::Decimal;
use crate::intake::imports::meaning::probability::Scale;
use crate::intake::imports::meaning::tidy::{self, Content};
use crate::intake::imports::model::ImportResource;
use crate::intake::imports::reading::row::CellKind;
use crate::intake::imports::settings::{ColumnMapping, ImportDateOrder, ImportSettings, ProbabilityScale};
use crate::intake::imports::stage_names::StageText;
use crate::intake::imports::targets::{self, Target};
use crate::kernel::access::actor::Actor;
use crate::kernel::bodies::shape::Cell;
use crate::kernel::fields::custom::CustomKind;
use crate::kernel::values::time::{DateTime, today};

/// The evidence in the mapped columns whose cells can be read in several ways.
#[derive(Debug)]
pub struct FileEvidence {
    columns: Vec<RoledColumn>,
    /// The order of the full names of contacts.
    pub names: NameEvidence,
    /// The different texts in the columns with stages.
    pub stages: Vec<StageText>,
}

/// Different texts of stages that are asked for; a column with more is not one of stages.
const STAGE_TEXTS_MAX: usize = 100;

#[derive(Debug)]
struct RoledColumn {
    name: String,
    role: Role,
    evidence: ColumnEvidence,
}

impl FileEvidence {
    /// Collects the evidence. Takes about a second for millions of cells.
    pub fn of(actor: &Actor, resource: ImportResource, mapping: &[ColumnMapping], file: &File) -> FileEvidence {
        let known = targets::shown(actor, resource, &[]);
        let role = |field: &str| match known.iter().find(|(name, ..)| name.eq_ignore_ascii_case(field)) {
            Some((_, target, _)) => role_of(target),
            None => field.starts_with("entered.").then_some(Role::Date),
        };
        let column = |mapped: &ColumnMapping| {
            let evidence = evidence(file, index(file, mapped)?, mapped);
            Some(RoledColumn { name: mapped.column.clone(), role: role(&mapped.field)?, evidence })
        };
        let roled = mapping.iter().filter(|mapped| role(&mapped.field).is_some());
        let columns = roled.filter_map(column).collect();
        FileEvidence { columns, names: names(resource, mapping, file), stages: stage_texts(mapping, file) }
    }

    /// Decides what the settings leave open.
    pub fn decide(&self, actor: &Actor, settings: &ImportSettings, now: DateTime) -> Decisions {
        let columns: Vec<MappedColumn<'_>> = self
            .columns
            .iter()
            .map(|column| MappedColumn { name: &column.name, role: column.role, evidence: &column.evidence })
            .collect();
        let workspace = &actor.settings;
        let around = Surroundings {
            country: &workspace.country,
            currency: &workspace.base_currency,
            zone: workspace.time_zone,
            today: today(now, workspace.time_zone),
        };
        decisions::decide(&columns, &answers(settings), &around)
    }

    /// Returns the first cells of the columns with dates.
    pub fn dates(&self) -> impl Iterator<Item = &str> {
        let dates = self.columns.iter().filter(|column| matches!(column.role, Role::Date | Role::Birthday));
        dates.flat_map(|column| column.evidence.examples()).map(|example| example.text.as_str())
    }
}

/// Collects the different texts in the columns with stages. A value that the mapping replaces counts as replaced.
fn stage_texts(mapping: &[ColumnMapping], file: &File) -> Vec<StageText> {
    let mut texts: Vec<StageText> = Vec::new();
    let is_stage = |mapped: &&ColumnMapping| matches!(mapped.field.to_lowercase().as_str(), "stage" | "status");
    for mapped in mapping.iter().filter(is_stage) {
        let Some(index) = index(file, mapped) else { continue };
        for row in &file.rows {
            let raw = row.cell(index).text;
            let replaced = mapped.values.iter().find(|value| value.from == raw);
            let Content::Text(text) = tidy::content(replaced.map_or(raw, |value| value.to.as_str())) else { continue };
            let is_known = texts.iter().any(|known| known.text == text);
            if !is_known && texts.len() < STAGE_TEXTS_MAX {
                texts.push(StageText { column: mapped.column.clone(), line: row.line, text });
            }
        }
    }
    texts
}

fn index(file: &File, mapped: &ColumnMapping) -> Option<usize> {
    file.header.iter().position(|name| name.eq_ignore_ascii_case(&mapped.column))
}

/// Returns what the order of the full names of contacts is.
fn names(resource: ImportResource, mapping: &[ColumnMapping], file: &File) -> NameEvidence {
    let mut evidence = NameEvidence::default();
    let is_full = |mapped: &&ColumnMapping| resource == ImportResource::Contacts && mapped.field == "name";
    for index in mapping.iter().filter(is_full).filter_map(|mapped| index(file, mapped)) {
        file.rows.iter().for_each(|row| evidence.note(row.cell(index).text));
    }
    evidence
}

fn evidence(file: &File, index: usize, mapped: &ColumnMapping) -> ColumnEvidence {
    let mut evidence = ColumnEvidence::default();
    for row in &file.rows {
        let cell = row.cell(index);
        let raw = cell.shown.unwrap_or(cell.text);
        let replaced = mapped.values.iter().find(|value| value.from == raw);
        match (replaced, cell.kind) {
            (Some(value), _) => evidence.note(row.line, &value.to),
            (None, CellKind::Number) => evidence.note_number(row.line, raw),
            // A date of a spreadsheet shows nothing about the texts of the column.
            (None, CellKind::Date | CellKind::DateTime) => {}
            (None, _) => evidence.note(row.line, raw),
        }
    }
    evidence
}

/// Returns what the cells of a target are; `None` for texts and references.
fn role_of(target: &Target) -> Option<Role> {
    match target {
        Target::Member(member, Cell::Int) if member == "probability_percent" => Some(Role::Probability),
        Target::Member(member, Cell::Date) if member == "birthday" => Some(Role::Birthday),
        Target::Member(_, cell) => role_of_cell(*cell),
        Target::Custom(field) if field.kind == CustomKind::Number => Some(Role::Number),
        Target::Custom(field) => custom::cell(field.kind).and_then(role_of_cell),
        Target::CreatedAt | Target::ClosedAt | Target::Entered(_) => Some(Role::Date),
        _ => None,
    }
}

fn role_of_cell(cell: Cell) -> Option<Role> {
    match cell {
        Cell::Money => Some(Role::Amount),
        Cell::Int => Some(Role::Number),
        Cell::Date | Cell::Time => Some(Role::Date),
        Cell::Text | Cell::Bool | Cell::Words | Cell::Reference => None,
    }
}

/// Returns the answers that the settings give.
fn answers(settings: &ImportSettings) -> Answers {
    let given = settings.date_order.map(|order| match order {
        ImportDateOrder::DayFirst => DateOrder::Of(Order::Dmy),
        ImportDateOrder::MonthFirst => DateOrder::Of(Order::Mdy),
        ImportDateOrder::YearFirst => DateOrder::Of(Order::Ymd),
        ImportDateOrder::PerColumn => DateOrder::PerColumn,
    });
    let format = || settings.date_format.as_deref().and_then(date_formats::order).map(DateOrder::Of);
    let is_currency = |mapped: &ColumnMapping| mapped.field.ends_with(".currency");
    let signs = settings.currency_signs.iter().flatten();
    Answers {
        decimal: settings.decimal.as_deref().and_then(Decimal::parse),
        date_order: given.or_else(format),
        since_1904: settings.since_1904 == Some(true),
        currency: settings.currency.clone(),
        has_currency_column: settings.mapping.iter().flatten().any(is_currency),
        currency_signs: signs.map(|one| (one.sign.clone(), one.currency.clone())).collect(),
        probability_scale: settings.probability_scale.map(|scale| match scale {
            ProbabilityScale::One => Scale::One,
            ProbabilityScale::Hundred => Scale::Hundred,
        }),
    }
}
