//! What a run did, or a dry run would do.
use crate::intake::imports::findings::{self, ImportWarning, Warned};
use crate::intake::imports::overview::{ColumnReport, ColumnTotal, PreviewedRecord, StageTotal};
use crate::intake::imports::resource::{ImportPart, ImportResource};
use crate::jsonb;
use crate::kernel::values::decision::Decision;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The result of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Jsonb)]
pub struct ImportReport {
    pub dry_run: bool,
    pub rows: i64,
    pub created: i64,
    pub updated: i64,
    /// Rows whose record exists and already has these values.
    pub unchanged: i64,
    /// Rows that were not written because of the `mode`: their record exists with `create`, or does not with `update`.
    pub skipped: i64,
    /// The skipped rows without a record. `/imports/{import_id}/problems` lists them.
    #[serde(default)]
    #[schema(required = true)]
    pub without_record: i64,
    /// Rows that mean the same record as an earlier row of the file. They are also counted by their outcome: `updated`
    /// if they add something, `unchanged` if they state the same, `failed` if they contradict.
    #[serde(default)]
    #[schema(required = true)]
    pub repeated: i64,
    /// The first of the repeated rows.
    #[serde(default)]
    #[schema(required = true)]
    pub repeated_rows: Vec<RepeatedRow>,
    /// Refused rows. `/imports/{import_id}/problems` lists the reasons.
    pub failed: i64,
    pub columns: Vec<ColumnReport>,
    /// Values that were replaced according to the mapping.
    pub mapped_values: Vec<MappedValue>,
    /// Values that match no record, the most frequent first.
    pub unknown_values: Vec<UnknownValue>,
    /// Companies, teams, sources and loss reasons that the import created because the file names them.
    pub added_names: Vec<String>,
    /// Rows without a start date. Their records start at the time of the import.
    pub without_date: i64,
    /// Questions about the file that the settings do not answer. Unless `accept_guesses` is set, only a dry run has
    /// them.
    #[serde(default)]
    pub decisions: Vec<Decision>,
    /// What was guessed, and cells that were changed or left out.
    #[serde(default)]
    pub warnings: Vec<ImportWarning>,
    /// The first 20 rows as the records that they become.
    #[serde(default)]
    pub preview: Vec<PreviewedRecord>,
    /// The amounts of each column, by currency.
    #[serde(default)]
    pub totals: Vec<ColumnTotal>,
    /// The leads or deals in each stage.
    #[serde(default)]
    pub stages: Vec<StageTotal>,
    /// Rows that were left out, because they have no value for this kind of record.
    #[serde(default)]
    #[schema(required = true)]
    pub blank: i64,
    /// What the parts did. The report of the import has the sums of their counts; values, warnings and questions are in
    /// the report of each part.
    #[serde(default)]
    #[schema(required = true)]
    pub parts: Vec<PartReport>,
    /// Rows whose records have the tag of the settings.
    #[serde(default)]
    pub tagged: i64,
}

/// What a part of an import did.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PartReport {
    pub import_id: Uuid,
    pub resource: ImportResource,
    pub sheet: Option<String>,
    pub rows: i64,
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub skipped: i64,
    pub blank: i64,
    pub failed: i64,
    /// The number of kinds of warnings.
    pub warnings: i64,
    /// The number of open questions.
    pub decisions: i64,
}

/// Unknown values that a report lists.
const UNKNOWN_MAX: usize = 200;
/// Repeated rows that a report lists.
const REPEATED_MAX: usize = 200;

impl ImportReport {
    /// Adds the report of a part.
    pub fn add_part(&mut self, part: &ImportPart, report: &ImportReport) {
        self.dry_run = report.dry_run;
        for (sum, count) in [
            (&mut self.rows, report.rows),
            (&mut self.created, report.created),
            (&mut self.updated, report.updated),
            (&mut self.unchanged, report.unchanged),
            (&mut self.skipped, report.skipped),
            (&mut self.without_record, report.without_record),
            (&mut self.repeated, report.repeated),
            (&mut self.failed, report.failed),
            (&mut self.without_date, report.without_date),
            (&mut self.blank, report.blank),
            (&mut self.tagged, report.tagged),
        ] {
            *sum += count;
        }
        let count = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
        self.parts.push(PartReport {
            import_id: part.import_id,
            resource: part.resource,
            sheet: part.sheet.clone(),
            rows: report.rows,
            created: report.created,
            updated: report.updated,
            unchanged: report.unchanged,
            skipped: report.skipped,
            blank: report.blank,
            failed: report.failed,
            warnings: count(report.warnings.len()),
            decisions: count(report.decisions.len()),
        });
    }

    pub fn count_repeated(&mut self, row: u64, first_row: u64) {
        self.repeated += 1;
        if self.repeated_rows.len() < REPEATED_MAX {
            let line = |line: u64| i64::try_from(line).unwrap_or(i64::MAX);
            self.repeated_rows.push(RepeatedRow { row: line(row), first_row: line(first_row) });
        }
    }

    /// Returns the number of rows with a problem.
    pub fn with_problems(&self) -> i64 {
        self.failed + self.without_record
    }

    pub fn count_mapped(&mut self, column: &str, from: &str, to: &str) {
        match self.mapped_values.iter_mut().find(|m| m.column == column && m.from == from) {
            Some(known) => known.rows += 1,
            None => {
                let (column, from, to) = (column.to_owned(), from.to_owned(), to.to_owned());
                self.mapped_values.push(MappedValue { column, from, to, rows: 1 });
            }
        }
    }

    pub fn warn(&mut self, cell: &Warned<'_>) {
        findings::warn(&mut self.warnings, cell);
    }

    pub fn count_unknown(&mut self, column: &str, value: &str, nearest: Option<String>) {
        let full = self.unknown_values.len() >= UNKNOWN_MAX;
        match self.unknown_values.iter_mut().find(|u| u.column == column && u.value == value) {
            Some(known) => known.rows += 1,
            None if full => {}
            None => {
                let (column, value) = (column.to_owned(), value.to_owned());
                self.unknown_values.push(UnknownValue { column, value, rows: 1, nearest });
            }
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MappedValue {
    pub column: String,
    pub from: String,
    pub to: String,
    pub rows: i64,
}

/// A row that means the same record as an earlier one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RepeatedRow {
    /// The line of the file on which the row begins.
    pub row: i64,
    /// The line of the first row of the record.
    pub first_row: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UnknownValue {
    pub column: String,
    pub value: String,
    pub rows: i64,
    /// The most similar existing name.
    pub nearest: Option<String>,
}

jsonb!(ImportReport);
