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
use crate::intake::imports::reading::row::{CellKind, Row};
use crate::intake::imports::resource::ImportResource;
use crate::intake::imports::settings::{ColumnMapping, ImportDateOrder, ImportSettings, ProbabilityScale};
use crate::intake::imports::stage_names::StageText;
use crate::intake::imports::targets::{self, Target};
use crate::kernel::access::actor::Actor;
use crate::kernel::bodies::shape::Cell;
use crate::kernel::error::Result;
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
    pub fn of(actor: &Actor, resource: ImportResource, mapping: &[ColumnMapping], file: &File) -> Result<FileEvidence> {
        let known = targets::shown(actor, resource, &[]);
        let role = |field: &str| match known.iter().find(|(name, ..)| name.eq_ignore_ascii_case(field)) {
            Some((_, target, _)) => role_of(target),
            None => field.starts_with("entered.").then_some(Role::Date),
        };
        let mut listeners = Vec::new();
        for mapped in mapping {
            let Some(index) = index(file, mapped) else { continue };
            let is_full_name = resource == ImportResource::Contacts && mapped.field == "name";
            let is_stage = matches!(mapped.field.to_lowercase().as_str(), "stage" | "status");
            let role = role(&mapped.field).map(|role| (role, ColumnEvidence::default()));
            if role.is_some() || is_full_name || is_stage {
                listeners.push(Listener { mapped, index, role, is_full_name, is_stage });
            }
        }
        let (mut names, mut stages) = (NameEvidence::default(), Vec::new());
        let mut rows = file.rows.reader();
        while let Some(row) = rows.next_row()? {
            listeners.iter_mut().for_each(|listener| listener.hear(row, &mut names, &mut stages));
        }
        let columns = listeners.into_iter().filter_map(Listener::column).collect();
        Ok(FileEvidence { columns, names, stages })
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

/// A mapped column whose cells are evidence.
struct Listener<'m> {
    mapped: &'m ColumnMapping,
    index: usize,
    role: Option<(Role, ColumnEvidence)>,
    is_full_name: bool,
    is_stage: bool,
}

impl Listener<'_> {
    fn hear(&mut self, row: &Row, names: &mut NameEvidence, stages: &mut Vec<StageText>) {
        if let Some((_, evidence)) = &mut self.role {
            note(evidence, row, self.index, self.mapped);
        }
        if self.is_full_name {
            names.note(row.cell(self.index).text);
        }
        if self.is_stage {
            self.note_stage(row, stages);
        }
    }

    /// Collects the different texts of stages. A value that the mapping replaces counts as replaced.
    fn note_stage(&self, row: &Row, stages: &mut Vec<StageText>) {
        let raw = row.cell(self.index).text;
        let replaced = self.mapped.values.iter().find(|value| value.from == raw);
        let Content::Text(text) = tidy::content(replaced.map_or(raw, |value| value.to.as_str())) else { return };
        if stages.len() < STAGE_TEXTS_MAX && !stages.iter().any(|known| known.text == text) {
            stages.push(StageText { column: self.mapped.column.clone(), line: row.line, text });
        }
    }

    fn column(self) -> Option<RoledColumn> {
        let (role, evidence) = self.role?;
        Some(RoledColumn { name: self.mapped.column.clone(), role, evidence })
    }
}

fn index(file: &File, mapped: &ColumnMapping) -> Option<usize> {
    file.header.iter().position(|name| name.eq_ignore_ascii_case(&mapped.column))
}

/// Adds the cell of a column to its evidence.
fn note(evidence: &mut ColumnEvidence, row: &Row, index: usize, mapped: &ColumnMapping) {
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
