//! An import in the API: the file, the detected format, the settings and the report.
use crate::db::visibility;
use crate::intake::imports::date_formats::DATE_FORMATS;
use crate::intake::imports::findings::{self, ImportWarning, Warned};
use crate::intake::imports::overview::{ColumnReport, ColumnTotal, PreviewedRecord, StageTotal};
use crate::intake::imports::undo_report::UndoReport;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::Action;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::resource::{Builtin, Descriptor, Resource};
use crate::kernel::answers::page::{Page, Paged};
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{FieldCode, FieldError, Result};
use crate::kernel::fields::cond::Cond;
use crate::kernel::fields::field::{Field, field};
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::kernel::query::plan::PageInfo;
use crate::kernel::values::decision::Decision;
use crate::kernel::values::time::DateTime;
use crate::schema::imports;
use crate::{jsonb, list_params, record, text_enum};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use uuid::Uuid;

text_enum! {
    /// The resource that the rows are imported to.
    pub enum ImportResource {
        Users = "users",
        Companies = "companies",
        Contacts = "contacts",
        Products = "products",
        Leads = "leads",
        Deals = "deals",
    }
}
impl ImportResource {
    pub const fn kind(self) -> Kind {
        match self {
            ImportResource::Users => Kind::USER,
            ImportResource::Companies => Kind::COMPANY,
            ImportResource::Contacts => Kind::CONTACT,
            ImportResource::Products => Kind::PRODUCT,
            ImportResource::Leads => Kind::LEAD,
            ImportResource::Deals => Kind::DEAL,
        }
    }

    /// Returns whether the records have tags.
    pub const fn has_tags(self) -> bool {
        !matches!(self, ImportResource::Users | ImportResource::Products)
    }

    /// Checks that the caller may create, and with `changes` also update, records of this resource.
    pub fn authorize(self, actor: &Actor, changes: bool) -> Result<()> {
        let path = self.kind().path();
        actor.require_action(Action::Create, path)?;
        if changes { actor.require_action(Action::Update, path) } else { Ok(()) }
    }
}
text_enum! {
    pub enum ImportStatus { Uploaded = "uploaded", Queued = "queued", Running = "running", Rehearsed = "rehearsed", Done = "done", Failed = "failed", Undone = "undone", }
}
impl ImportStatus {
    /// The statuses in which a job is waiting or running.
    pub const UNDER_WAY: [ImportStatus; 2] = [ImportStatus::Queued, ImportStatus::Running];
}
text_enum! {
    /// What happens to a row whose record exists already.
    pub enum OnExisting { Update = "update", Skip = "skip", }
}
text_enum! {
    /// The order of day, month and year in dates that consist of numbers. With `per_column`, each column has the order
    /// that its own dates show.
    pub enum ImportDateOrder { DayFirst = "dmy", MonthFirst = "mdy", YearFirst = "ymd", PerColumn = "per_column", }
}
text_enum! {
    /// The number that means certainty in a column of probabilities.
    pub enum ProbabilityScale { One = "one", Hundred = "hundred", }
}

/// What was detected in the file.
#[derive(Clone, Debug, Serialize, Deserialize, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Jsonb)]
pub struct DetectedFile {
    /// `csv`, `xlsx`, `ods` or `vcard`: the kind of the file, or of the file in the archive.
    #[serde(default = "csv")]
    pub kind: String,
    /// The encoding of a text file; `utf-8` for a workbook.
    pub encoding: String,
    /// An empty text if the file has no delimiter.
    pub delimiter: String,
    /// The sheet of the workbook, or the file in the archive, that was read; null if the file is one table.
    #[serde(default)]
    pub sheet: Option<String>,
    /// The sheets of the workbook, or the files in the archive. Empty if the file is one table.
    #[serde(default)]
    pub sheets: Vec<DetectedSheet>,
    /// The line of the header; null if the file has none.
    #[serde(default)]
    pub header_line: Option<i64>,
    /// The program whose export the file seems to be, such as `HubSpot`; null if none was recognised.
    #[serde(default)]
    pub origin: Option<String>,
    /// The resource that the rows most likely are.
    #[serde(default)]
    pub likely_resource: Option<ImportResource>,
    /// What was left out, filled in or read in a doubtful way.
    #[serde(default)]
    pub findings: Vec<FileFinding>,
    /// For example `dd.mm.yyyy`; null if no column contains dates.
    pub date_format: Option<String>,
    /// `.` or `,`.
    pub decimal: String,
    pub rows: i64,
    /// Questions about the file. A run, except for a dry run, needs settings that answer them, or `accept_guesses`.
    #[serde(default)]
    pub decisions: Vec<Decision>,
    /// What the file does not show, so that the country or the currency of the workspace decides.
    #[serde(default)]
    pub warnings: Vec<ImportWarning>,
    pub columns: Vec<DetectedColumn>,
    /// The fields to which a column can be mapped.
    pub fields: Vec<ImportField>,
}

fn csv() -> String {
    "csv".into()
}

/// A table in a file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DetectedSheet {
    /// The name for the setting `sheet`.
    pub name: String,
    /// Whether the sheet is hidden in the workbook.
    pub hidden: bool,
    /// The number of rows with the lines above and below the data; null if only reading the whole table would tell.
    pub rows: Option<i64>,
}

/// What was noticed while the file was read.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FileFinding {
    /// Such as `preamble`, `footer` or `short_row`.
    pub kind: String,
    pub detail: String,
    pub count: i64,
    /// The first ones.
    pub examples: Vec<FindingExample>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FindingExample {
    /// The line of a text file, or the row of a sheet. Counts from 1.
    pub line: Option<i64>,
    pub text: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DetectedColumn {
    pub name: String,
    /// A few different values of the column.
    pub samples: Vec<String>,
    /// Number of rows in which the column is not empty.
    pub filled: i64,
    /// The field that the column seems to contain; null if no field matches.
    pub suggested_field: Option<String>,
    /// Why the field is suggested.
    #[serde(default)]
    pub reason: Option<String>,
    /// Why no field is suggested, so that the column is not read unless you map it.
    #[serde(default)]
    pub unread: Option<String>,
}

/// A field to which a column can be mapped.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportField {
    pub name: String,
    /// `text`, `number`, `boolean`, `date`, `instant`, `money`, `words`, `reference`.
    pub kind: String,
    pub required: bool,
    /// A description of the values that the column must contain.
    pub hint: String,
}

/// How to read the file. What is absent is taken from the file, and what the file does not show from the country and the
/// currency of the workspace.
#[derive(Clone, Debug, Default, Serialize, Deserialize, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Jsonb)]
pub struct ImportSettings {
    /// The mapped columns. Other columns are ignored. If absent, the suggested fields are used.
    #[schema(max_items = 200)]
    pub mapping: Option<Vec<ColumnMapping>>,
    /// The pipeline of imported leads or deals. If absent, the default pipeline.
    pub pipeline_id: Option<Uuid>,
    /// The currency of amounts that name none and have none in a column `….currency`. If absent, the base currency of
    /// the workspace.
    #[schema(format = "currency", pattern = "^[A-Z]{3}$")]
    pub currency: Option<String>,
    /// The sheet of a workbook or the file in an archive: a name from `sheets`. If absent, the first visible one.
    #[schema(max_length = 300)]
    pub sheet: Option<String>,
    /// The line of the header; 0 if the file has none, so that its columns are called A, B and so on. If absent, it is
    /// found.
    #[schema(minimum = 0, maximum = 1_000)]
    pub header_line: Option<i64>,
    #[schema(max_length = 40)]
    pub encoding: Option<String>,
    #[schema(min_length = 1, max_length = 1)]
    pub delimiter: Option<String>,
    /// For example `dd-mm-yy`. Sets the order of day, month and year; `date_order` takes precedence.
    #[schema(max_length = 10)]
    pub date_format: Option<String>,
    pub date_order: Option<ImportDateOrder>,
    /// The sign before the decimals of numbers and amounts.
    #[schema(pattern = "^[.,]$", min_length = 1, max_length = 1)]
    pub decimal: Option<String>,
    /// The currencies of signs that several currencies have, such as `$` and `kr`.
    #[schema(max_items = 20)]
    pub currency_signs: Option<Vec<CurrencySign>>,
    pub probability_scale: Option<ProbabilityScale>,
    /// Whether dates that are numbers count the days since 1904, as Excel did on the Macintosh.
    pub since_1904: Option<bool>,
    /// With `true`, open questions about the file are answered with their first choice.
    pub accept_guesses: Option<bool>,
    /// `update` if absent.
    pub on_existing: Option<OnExisting>,
    /// A tag for every record that the import creates or changes. It is added to the list of tags if it is new. Users
    /// and products have no tags.
    #[schema(min_length = 1, max_length = 200)]
    pub tag: Option<String>,
}

/// A currency sign and what it means in the file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CurrencySign {
    #[schema(min_length = 1, max_length = 10)]
    pub sign: String,
    #[schema(format = "currency", pattern = "^[A-Z]{3}$")]
    pub currency: String,
}

impl ImportSettings {
    /// Checks whether other settings read the same table in the same way.
    pub fn reads_alike(&self, other: &ImportSettings) -> bool {
        self.sheet == other.sheet
            && self.header_line == other.header_line
            && self.encoding == other.encoding
            && self.delimiter == other.delimiter
    }
}

/// A column and the field to which it is mapped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ColumnMapping {
    #[schema(min_length = 1, max_length = 300)]
    pub column: String,
    /// The name of one of the `fields` of the import.
    #[schema(min_length = 1, max_length = 300)]
    pub field: String,
    /// Values to replace, for example "GTXPro" with "GTX Pro".
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub values: Vec<ValueMapping>,
    /// A factor for amounts and numbers, for example 1000000 for a column in millions.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub multiply: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ValueMapping {
    #[schema(max_length = 1000)]
    pub from: String,
    /// An empty text means an empty cell.
    #[schema(max_length = 1000)]
    pub to: String,
}

/// A run of an import.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ImportRun {
    /// With `true`, the import is performed and rolled back. The report shows what would happen.
    #[serde(default)]
    pub dry_run: bool,
    /// If absent, the settings of the previous run.
    pub settings: Option<ImportSettings>,
}

impl Rules for ImportRun {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        let Some(settings) = &self.settings else { return };
        let mapping = settings.mapping.as_deref().unwrap_or_default();
        for (n, one) in mapping.iter().enumerate() {
            if mapping.iter().take(n).any(|earlier| earlier.column == one.column) {
                bad.push(FieldError::member(
                    format!("/settings/mapping/{n}/column"),
                    FieldCode::StatedTwice,
                    "must not be mapped twice",
                ));
            }
        }
        if settings.date_format.as_ref().is_some_and(|given| !DATE_FORMATS.iter().any(|(name, _)| name == given)) {
            let names: Vec<&str> = DATE_FORMATS.iter().map(|(name, _)| *name).collect();
            bad.push(FieldError::not_among(&names).at_member("/settings/date_format"));
        }
    }
}

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
    /// Rows whose record exists and was not changed because of `on_existing: skip`.
    pub skipped: i64,
    /// Refused rows. `/imports/{import_id}/problems` lists the reasons.
    pub failed: i64,
    pub columns: Vec<ColumnReport>,
    /// Values that were replaced according to the mapping.
    pub mapped_values: Vec<MappedValue>,
    /// Values that match no record, the most frequent first.
    pub unknown_values: Vec<UnknownValue>,
    /// Teams, sources and loss reasons that the import created.
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
    /// Created and updated rows whose records have the tag of the settings.
    #[serde(default)]
    pub tagged: i64,
}

/// Unknown values that a report lists.
const UNKNOWN_MAX: usize = 200;

impl ImportReport {
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

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UnknownValue {
    pub column: String,
    pub value: String,
    pub rows: i64,
    /// The most similar existing name.
    pub nearest: Option<String>,
}
jsonb!(DetectedFile, ImportSettings, ImportReport);

/// An imported file.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = imports)]
pub struct Import {
    pub id: Uuid,
    pub resource: ImportResource,
    pub file_name: String,
    pub status: ImportStatus,
    pub detected: DetectedFile,
    pub settings: ImportSettings,
    /// The report of the last run.
    pub report: Option<ImportReport>,
    /// The job of the last run.
    pub job_id: Option<Uuid>,
    pub created_by: Uuid,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
    /// The time at which the file was removed: 30 days after its last use, or when a person was erased. The import
    /// can then no longer run, and the samples and problems that quote the file are removed too.
    pub file_removed_at: Option<DateTime>,
    /// The report of the last undo since the last run.
    pub undo: Option<UndoReport>,
}
record!(Import, IMPORT);

impl Kind {
    pub const IMPORT: Kind = Kind::new("import", "imports");
}

static CREATED_BY: Field = field("created_by", &imports::created_by);

/// A file may contain anything: its uploader sees it, and whoever may change all users.
fn reach(actor: &Actor, _: Action) -> Cond {
    if actor.manages_users() { Cond::All(Vec::new()) } else { visibility::owned(&CREATED_BY, vec![actor.user]) }
}

impl Resource for Import {
    const DESCRIPTOR: &Descriptor =
        &Descriptor::of(Kind::IMPORT, "Import of CSV files, workbooks, vCards and archives of them.")
            .shared(Builtin::Manager, Builtin::Manager, Builtin::Manager)
            .reached_by(reach)
            .events(&[&["deleted", "undone"]]);
}
pub type ImportPage = Page<Import>;

pub static IMPORT: Fields<imports::table> = Fields {
    kind: Kind::IMPORT,
    all: &[
        field("resource", &imports::resource).one_of(ImportResource::TEXTS),
        field("status", &imports::status).one_of(ImportStatus::TEXTS),
        field("created_by", &imports::created_by).to(Kind::USER),
        field("created_at", &imports::created_at),
    ],
    default_sort: "-created_at",
    id: field("id", &imports::id),
    search: None,
    links: &[],
    table: PhantomData,
};
list_params!(ImportList, IMPORT.parameters());

/// A problem in a row of the file.
#[derive(Debug, Serialize, Queryable, ToSchema)]
pub struct ImportProblem {
    #[serde(skip)]
    pub id: i64,
    /// The line of a text file on which the row begins, or the row of a sheet. Counts from 1.
    pub row: i32,
    /// Null if the problem concerns the whole row.
    pub column: Option<String>,
    pub code: String,
    pub detail: String,
    pub value: Option<String>,
}
/// `hidden_cells::problems` hides them, because only the import knows its columns.
impl NothingHidden for ImportProblem {}

#[derive(Debug, Serialize, ToSchema)]
pub struct ImportProblemPage {
    pub data: Vec<ImportProblem>,
    pub page: PageInfo,
}
impl NothingHidden for ImportProblemPage {}

impl Paged for ImportProblemPage {
    fn info(&self) -> &PageInfo {
        &self.page
    }
}
