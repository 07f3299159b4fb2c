//! The settings of an import: how to read the file, which columns it has, and what happens to existing records.
use crate::intake::imports::date_formats::DATE_FORMATS;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{FieldCode, FieldError};
use crate::people::contacts::reach::AddressKind;
use crate::{jsonb, text_enum};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

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
text_enum! {
    /// Which rows are written: those of new records, those of existing records, or both.
    pub enum ImportMode { Create = "create", Update = "update", Both = "both", }
}
text_enum! {
    /// A key by which a row finds its record.
    pub enum MatchKey {
        Id = "id",
        ExternalId = "external_id",
        Email = "email",
        Phone = "phone",
        Sku = "sku",
        Domain = "domain",
        FullName = "full_name",
    }
}
text_enum! {
    /// What happens to names of records that do not exist. With `create`, companies, sources, loss reasons and teams are
    /// created, and other records are left out with a warning. With `leave_out`, none is created. With `refuse`, the
    /// rows are refused.
    pub enum UnknownNames { Create = "create", LeaveOut = "leave_out", Refuse = "refuse", }
}
text_enum! {
    /// What happens to the tags of existing records.
    pub enum TagsMode { Add = "add", Replace = "replace", }
}
text_enum! {
    /// What an empty cell of a mapped column means for an existing record.
    pub enum EmptyCells { Keep = "keep", Clear = "clear", }
}

text_enum! {
    /// What happens to a row whose mapped columns are empty, except for those that name other records. With `refuse`, it is
    /// refused if the record needs a name. With `leave_out`, it is counted as `blank`.
    pub enum BlankRows { Refuse = "refuse", LeaveOut = "leave_out", }
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
    /// The older form of `mode`: `skip` means `create`, `update` means `both`.
    pub on_existing: Option<OnExisting>,
    /// `create` leaves existing records as they are, `update` creates no records. `both` if absent.
    pub mode: Option<ImportMode>,
    /// The keys by which rows find their records, in this order. If absent, first `id`, then: for contacts `external_id`, `email` and,
    /// for rows without an e-mail address, `phone`; for companies `external_id`, `domain`, `full_name`; for
    /// products `external_id`, `sku`, `full_name`; for users `external_id`, `email`, `full_name`; for leads and deals `external_id`.
    /// Leads can also be matched by `email` and `phone`.
    #[schema(min_items = 1, max_items = 6)]
    pub match_by: Option<Vec<MatchKey>>,
    /// The stages that the file calls by other names.
    #[schema(max_items = 200)]
    pub stage_names: Option<Vec<StageName>>,
    /// `create` if absent.
    pub unknown_names: Option<UnknownNames>,
    /// `add` if absent.
    pub tags: Option<TagsMode>,
    /// `keep` if absent. With `clear`, an empty cell of a mapped column clears the member, if it can be empty. Keys,
    /// tags that are added, stages and dates of the history stay.
    pub empty_cells: Option<EmptyCells>,
    /// `refuse` if absent; `leave_out` for an import of several kinds of records per row.
    pub blank_rows: Option<BlankRows>,
    /// A tag for the records of all rows; with the mode `create`, only for new records. It is added to the list of tags
    /// if it is new. Users and products have no tags.
    #[schema(min_length = 1, max_length = 200)]
    pub tag: Option<String>,
}

impl ImportSettings {
    /// Checks whether other settings read the same table in the same way.
    pub fn reads_alike(&self, other: &ImportSettings) -> bool {
        self.sheet == other.sheet
            && self.header_line == other.header_line
            && self.encoding == other.encoding
            && self.delimiter == other.delimiter
    }

    /// Returns the mode, also from its older form.
    pub fn mode(&self) -> ImportMode {
        match (self.mode, self.on_existing) {
            (Some(mode), _) => mode,
            (None, Some(OnExisting::Skip)) => ImportMode::Create,
            (None, _) => ImportMode::Both,
        }
    }

    /// Checks whether a run with these settings changes existing records.
    pub fn changes_existing(&self) -> bool {
        self.mode() != ImportMode::Create
    }
}

/// A name in the file, and the stage of the pipeline that it means.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StageName {
    #[schema(min_length = 1, max_length = 300)]
    pub name: String,
    /// The name of a stage of the pipeline.
    #[schema(min_length = 1, max_length = 200)]
    pub stage: String,
}

/// A currency sign and what it means in the file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CurrencySign {
    #[schema(min_length = 1, max_length = 10)]
    pub sign: String,
    #[schema(format = "currency", pattern = "^[A-Z]{3}$")]
    pub currency: String,
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
    /// The kind of the e-mail addresses or phone numbers of a contact. Other fields have none.
    #[serde(default)]
    pub kind: Option<AddressKind>,
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
        let keys = settings.match_by.as_deref().unwrap_or_default();
        for (n, key) in keys.iter().enumerate().filter(|(n, key)| keys.iter().take(*n).any(|earlier| earlier == *key)) {
            let detail = format!("must not name {} twice", key.as_str());
            bad.push(FieldError::member(format!("/settings/match_by/{n}"), FieldCode::StatedTwice, detail));
        }
        let older = settings.on_existing.map(|on_existing| match on_existing {
            OnExisting::Skip => ImportMode::Create,
            OnExisting::Update => ImportMode::Both,
        });
        if let (Some(mode), Some(older)) = (settings.mode, older)
            && mode != older
        {
            let detail = format!("contradicts the mode {}; omit it", mode.as_str());
            bad.push(FieldError::member("/settings/on_existing", FieldCode::Invalid, detail));
        }
        if settings.date_format.as_ref().is_some_and(|given| !DATE_FORMATS.iter().any(|(name, _)| name == given)) {
            let names: Vec<&str> = DATE_FORMATS.iter().map(|(name, _)| *name).collect();
            bad.push(FieldError::not_among(&names).at_member("/settings/date_format"));
        }
    }
}

jsonb!(ImportSettings);
