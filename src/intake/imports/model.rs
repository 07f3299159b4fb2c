//! An import as the API shows it: the file, what was detected in it, the settings, and what came of it.
use crate::kernel::actor::{Action, Actor};
use crate::kernel::error::{Bad, FieldCode, Result};
use crate::kernel::field::{Fields, field};
use crate::kernel::kind::Kind;
use crate::kernel::query::PageInfo;
use crate::kernel::resource::{Builtin, Descriptor, Resource};
use crate::kernel::shape::Rules;
use crate::kernel::time::DateTime;
use crate::schema::imports;
use crate::{jsonb, list_params, page, record, text_enum};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use uuid::Uuid;

text_enum! {
    /// What the rows of a file become.
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

    /// An import does nothing that its user could not do one by one.
    pub fn authorize(self, actor: &Actor, changes: bool) -> Result<()> {
        let path = self.kind().path();
        actor.require_action(Action::Create, path)?;
        if changes { actor.require_action(Action::Update, path) } else { Ok(()) }
    }
}
text_enum! {
    pub enum ImportStatus { Uploaded = "uploaded", Queued = "queued", Running = "running", Rehearsed = "rehearsed", Done = "done", Failed = "failed", }
}
impl ImportStatus {
    /// A job works on it, or will.
    pub const UNDER_WAY: [ImportStatus; 2] = [ImportStatus::Queued, ImportStatus::Running];
}
text_enum! {
    /// What happens to a record that is there already.
    pub enum OnExisting { Update = "update", Skip = "skip", }
}

/// What was found out about the file.
#[derive(Clone, Debug, Serialize, Deserialize, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Jsonb)]
pub struct DetectedFile {
    pub encoding: String,
    pub delimiter: String,
    /// Such as `dd.mm.yyyy`; null when no column holds dates.
    pub date_format: Option<String>,
    /// `.` or `,`.
    pub decimal: String,
    pub rows: i64,
    pub columns: Vec<DetectedColumn>,
    /// What a column can be mapped to.
    pub fields: Vec<ImportField>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DetectedColumn {
    pub name: String,
    /// A few different values.
    pub samples: Vec<String>,
    /// Rows in which it is not empty.
    pub filled: i64,
    /// The field it seems to be; null when nothing fits.
    pub suggested_field: Option<String>,
}

/// Something that a column can become.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportField {
    pub name: String,
    /// `text`, `number`, `boolean`, `date`, `instant`, `money`, `words`, `reference`.
    pub kind: String,
    pub required: bool,
    /// What to write in the column, in words.
    pub hint: String,
}

/// How the file is to be read. What is absent is as detected.
#[derive(Clone, Debug, Default, Serialize, Deserialize, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Jsonb)]
pub struct ImportSettings {
    /// Column by column; a column that is not named is not read. If absent, the suggested fields.
    #[schema(max_items = 200)]
    pub mapping: Option<Vec<ColumnMapping>>,
    /// Of leads and deals: where they go; the default pipeline if absent.
    pub pipeline_id: Option<Uuid>,
    /// Of amounts without one of their own; the workspace's if absent.
    #[schema(format = "currency", pattern = "^[A-Z]{3}$")]
    pub currency: Option<String>,
    #[schema(max_length = 40)]
    pub encoding: Option<String>,
    #[schema(min_length = 1, max_length = 1)]
    pub delimiter: Option<String>,
    /// Such as `dd-mm-yy`.
    #[schema(max_length = 10)]
    pub date_format: Option<String>,
    #[schema(pattern = "^[.,]$", min_length = 1, max_length = 1)]
    pub decimal: Option<String>,
    /// `update` if absent.
    pub on_existing: Option<OnExisting>,
}

/// One column and what it becomes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ColumnMapping {
    #[schema(min_length = 1, max_length = 300)]
    pub column: String,
    /// One of the `fields` of the import.
    #[schema(min_length = 1, max_length = 300)]
    pub field: String,
    /// Values to be read as others: "GTXPro" as "GTX Pro".
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub values: Vec<ValueMapping>,
    /// Amounts and numbers are multiplied by it: 1000000 for a column in millions.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub multiply: Option<i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ValueMapping {
    #[schema(max_length = 1000)]
    pub from: String,
    /// Empty: as if the cell were empty.
    #[schema(max_length = 1000)]
    pub to: String,
}

/// A run of an import.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ImportRun {
    /// Does everything and undoes it: the report says what would happen.
    #[serde(default)]
    pub dry_run: bool,
    /// As kept from the run before, if absent.
    pub settings: Option<ImportSettings>,
}

impl Rules for ImportRun {
    fn rules(&self, bad: &mut Vec<Bad>) {
        let Some(settings) = &self.settings else { return };
        let mapping = settings.mapping.as_deref().unwrap_or_default();
        for (n, one) in mapping.iter().enumerate() {
            if mapping.iter().take(n).any(|earlier| earlier.column == one.column) {
                bad.push(Bad::member(
                    format!("/settings/mapping/{n}/column"),
                    FieldCode::StatedTwice,
                    "is mapped before",
                ));
            }
        }
        let formats = crate::intake::imports::reading::cells::DATE_FORMATS;
        if settings.date_format.as_ref().is_some_and(|given| !formats.iter().any(|(name, _)| name == given)) {
            let names: Vec<&str> = formats.iter().map(|(name, _)| *name).collect();
            bad.push(Bad::not_among(&names).at_member("/settings/date_format"));
        }
    }
}

/// What came of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Jsonb)]
pub struct ImportReport {
    pub dry_run: bool,
    pub rows: i64,
    pub created: i64,
    pub updated: i64,
    /// There already, and the same.
    pub unchanged: i64,
    /// There already, and left alone because of `on_existing: skip`.
    pub skipped: i64,
    /// Refused; `/imports/{import_id}/problems` says why, row by row.
    pub failed: i64,
    pub columns: Vec<ColumnReport>,
    /// Values that were read as others because the mapping says so.
    pub mapped_values: Vec<MappedValue>,
    /// Values that name nothing here, the most frequent first.
    pub unknown_values: Vec<UnknownValue>,
    /// Names that were added to the lists of the workspace: teams, sources, loss reasons.
    pub added_names: Vec<String>,
    /// Rows without any date of beginning: they begin at the time of the import.
    pub without_date: i64,
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

#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ColumnReport {
    pub column: String,
    pub field: String,
    pub filled: i64,
    pub empty: i64,
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
    /// The nearest name that exists.
    pub nearest: Option<String>,
}
jsonb!(DetectedFile, ImportSettings, ImportReport);

/// A file on its way in.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = imports)]
pub struct Import {
    pub id: Uuid,
    pub resource: ImportResource,
    pub file_name: String,
    pub status: ImportStatus,
    pub detected: DetectedFile,
    pub settings: ImportSettings,
    /// Of the last run.
    pub report: Option<ImportReport>,
    /// Of the last run.
    pub job_id: Option<Uuid>,
    pub created_by: Uuid,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
    /// A file is kept until a person is erased, and for 30 days after its last use; then it can be run no more, and nothing quotes it.
    pub file_removed_at: Option<DateTime>,
}
record!(Import, IMPORT);

impl Kind {
    pub const IMPORT: Kind = Kind::new("import", "imports");
}

impl Resource for Import {
    const DESCRIPTOR: &Descriptor =
        &Descriptor::of(Kind::IMPORT).shared(Builtin::Manager, Builtin::Manager, Builtin::Manager);
}
page!(ImportPage of Import);

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

/// One thing that is wrong in one row.
#[derive(Debug, Serialize, Queryable, ToSchema)]
pub struct ImportProblem {
    #[serde(skip)]
    pub id: i64,
    /// The line of the file on which the row begins; the header is line 1.
    pub row: i32,
    /// Null when it concerns the whole row.
    pub column: Option<String>,
    pub code: String,
    pub detail: String,
    pub value: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ImportProblemPage {
    pub data: Vec<ImportProblem>,
    pub page: PageInfo,
}
