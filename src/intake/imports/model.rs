//! An import in the API: the file and the detected format, with its settings and report.
use crate::db::visibility;
use crate::intake::imports::findings::ImportWarning;
use crate::intake::imports::report::ImportReport;
use crate::intake::imports::resource::{ImportPart, ImportParts, ImportResource};
use crate::intake::imports::settings::ImportSettings;
use crate::intake::imports::undo_report::UndoReport;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::Action;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::resource::{Builtin, Descriptor, Resource};
use crate::kernel::answers::page::{Page, Paged};
use crate::kernel::error::Result;
use crate::kernel::fields::cond::Cond;
use crate::kernel::fields::field::{Field, field};
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::kernel::query::plan::PageInfo;
use crate::kernel::values::decision::Decision;
use crate::kernel::values::time::DateTime;
use crate::people::contacts::reach::AddressKind;
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
    pub enum ImportStatus { Uploaded = "uploaded", Queued = "queued", Running = "running", Rehearsed = "rehearsed", Done = "done", Failed = "failed", Undone = "undone", }
}
impl ImportStatus {
    /// The statuses in which a job is waiting or running.
    pub const UNDER_WAY: [ImportStatus; 2] = [ImportStatus::Queued, ImportStatus::Running];
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
    /// The kind of the addresses or numbers that the header names, such as `mobile`; null if it names none.
    #[serde(default)]
    pub suggested_kind: Option<AddressKind>,
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
    /// Whether several columns can be mapped to the field.
    #[serde(default)]
    #[schema(required = true)]
    pub takes_several: bool,
    /// A description of the values that the column must contain.
    pub hint: String,
}

jsonb!(DetectedFile);

/// An imported file.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = imports)]
pub struct Import {
    pub id: Uuid,
    /// Null if the import has parts.
    pub resource: Option<ImportResource>,
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
    /// The import of which this one is a part.
    pub parent_id: Option<Uuid>,
    /// The parts of an import of several tables or kinds of records, in the order in which they run. Each is an import
    /// of its own, with what was detected in it, its settings, its report and its problems.
    #[schema(value_type = Vec<ImportPart>)]
    pub parts: ImportParts,
}
record!(Import, IMPORT);

impl Import {
    /// Returns the import that has the file, and that the records came in with: the import itself, if it is no part.
    pub fn root(&self) -> Uuid {
        self.parent_id.unwrap_or(self.id)
    }

    /// Returns the kinds of records that the rows become.
    pub fn resources(&self) -> Vec<ImportResource> {
        self.resource.into_iter().chain(self.parts.0.iter().map(|part| part.resource)).collect()
    }
}

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
        field("parent_id", &imports::parent_id),
        field("created_at", &imports::created_at),
    ],
    default_sort: "-created_at",
    id: field("id", &imports::id),
    search: None,
    derived: &[],
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

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
