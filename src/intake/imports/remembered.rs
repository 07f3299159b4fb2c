//! How people mapped the columns of files. It is suggested for later files with the same header.
use crate::db::tx::Tx;
use crate::intake::imports::file::File;
use crate::intake::imports::model::{DetectedColumn, DetectedFile, ImportField};
use crate::intake::imports::recognition::normal;
use crate::intake::imports::resource::ImportResource;
use crate::intake::imports::settings::ColumnMapping;
use crate::jsonb;
use crate::kernel::error::Result;
use crate::kernel::values::time::DateTime;
use crate::schema::import_mappings;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};

/// The number of mappings that a workspace remembers.
const MAPPINGS_MAX: i64 = 200;
const REASON: &str = "an earlier file with the same header was mapped so";
const UNREAD: &str = "an earlier file with the same header was imported without it";

#[derive(Clone, Debug, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(transparent)]
#[diesel(sql_type = Jsonb)]
struct Mapping(Vec<ColumnMapping>);
jsonb!(Mapping);

/// The mappings of a workspace.
#[derive(Debug, Default)]
pub struct Remembered(Vec<(ImportResource, String, Mapping)>);

impl Remembered {
    pub fn load(tx: &mut Tx<'_>) -> Result<Remembered> {
        let own = import_mappings::table.filter(import_mappings::workspace_id.eq(tx.workspace()));
        let recent = own.order(import_mappings::used_at.desc()).limit(MAPPINGS_MAX);
        let columns = (import_mappings::resource, import_mappings::header, import_mappings::mapping);
        Ok(Remembered(recent.select(columns).load(tx.conn)?))
    }

    /// Returns the mapping for a file, without fields that do not exist any more or that the caller does not see.
    pub fn find(&self, resource: ImportResource, file: &File, fields: &[ImportField]) -> Option<Vec<ColumnMapping>> {
        let header = fingerprint(file)?;
        let (.., Mapping(mapping)) = self.0.iter().find(|(of, known, _)| *of == resource && *known == header)?;
        let is_field = |mapped: &&ColumnMapping| fields.iter().any(|field| field.name == mapped.field);
        let in_file =
            |mapped: &&ColumnMapping| file.header.iter().any(|name| name.eq_ignore_ascii_case(&mapped.column));
        let mapping: Vec<ColumnMapping> = mapping.iter().filter(in_file).filter(is_field).cloned().collect();
        (!mapping.is_empty()).then_some(mapping)
    }
}

/// Returns the fingerprint of the header. Files without a header have nothing to be recognised by.
fn fingerprint(file: &File) -> Option<String> {
    file.header_line?;
    Some(normal::fingerprint(file.header.iter().map(String::as_str)))
}

/// Suggests a remembered mapping.
pub fn suggest(columns: &mut [DetectedColumn], mapping: &[ColumnMapping]) {
    for column in columns {
        let mapped = mapping.iter().find(|mapped| mapped.column.eq_ignore_ascii_case(&column.name));
        let field = mapped.map(|mapped| mapped.field.clone());
        if column.suggested_field != field {
            (column.reason, column.unread) = match field {
                Some(_) => (Some(REASON.into()), None),
                None => (None, Some(UNREAD.into())),
            };
            column.suggested_field = field;
        }
        column.suggested_kind = mapped.and_then(|mapped| mapped.kind);
    }
}

/// Remembers the mapping of a run, if it is not the suggested one.
pub fn keep(
    tx: &mut Tx<'_>,
    resource: ImportResource,
    file: &File,
    mapping: &[ColumnMapping],
    detected: &DetectedFile,
) -> Result<()> {
    let is_suggested = |mapped: &ColumnMapping| {
        let column = detected.columns.iter().find(|column| column.name == mapped.column);
        let field = column.and_then(|column| column.suggested_field.as_ref());
        field == Some(&mapped.field)
            && mapped.values.is_empty()
            && mapped.multiply.is_none()
            && mapped.kind == column.and_then(|column| column.suggested_kind)
    };
    let suggested = detected.columns.iter().filter(|column| column.suggested_field.is_some()).count();
    let (Some(header), false) = (fingerprint(file), suggested == mapping.len() && mapping.iter().all(is_suggested))
    else {
        return Ok(());
    };
    let mapping = Mapping(mapping.to_vec());
    diesel::insert_into(import_mappings::table)
        .values((
            import_mappings::workspace_id.eq(tx.workspace()),
            import_mappings::resource.eq(resource),
            import_mappings::header.eq(header),
            import_mappings::mapping.eq(&mapping),
            import_mappings::used_at.eq(tx.now),
        ))
        .on_conflict((import_mappings::workspace_id, import_mappings::resource, import_mappings::header))
        .do_update()
        .set((import_mappings::mapping.eq(&mapping), import_mappings::used_at.eq(tx.now)))
        .execute(tx.conn)?;
    let own = import_mappings::table.filter(import_mappings::workspace_id.eq(tx.workspace()));
    let oldest = own.select(import_mappings::used_at).order(import_mappings::used_at.desc()).offset(MAPPINGS_MAX);
    let too_old: Option<DateTime> = oldest.first(tx.conn).optional()?;
    if let Some(too_old) = too_old {
        diesel::delete(own.filter(import_mappings::used_at.le(too_old))).execute(tx.conn)?;
    }
    Ok(())
}

/// Forgets all mappings, which can quote values of files.
pub fn forget(tx: &mut Tx<'_>) -> Result<()> {
    let own = import_mappings::table.filter(import_mappings::workspace_id.eq(tx.workspace()));
    diesel::delete(own).execute(tx.conn)?;
    Ok(())
}
