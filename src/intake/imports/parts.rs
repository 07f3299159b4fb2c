//! The parts of an import, each an import of its own. An import without parts is its own part.
use crate::db::table::{Expected, Stored};
use crate::db::tx::Tx;
use crate::intake::imports::model::{Import, ImportStatus};
use crate::intake::imports::resource::ImportResource;
use crate::kernel::error::{Code, Error, Result};
use crate::schema::imports;
use diesel::prelude::*;
use uuid::Uuid;

/// Returns the imports that run, in order.
pub fn of(tx: &mut Tx<'_>, import: &Import) -> Result<Vec<Import>> {
    if import.resource.is_some() {
        return Ok(vec![import.clone()]);
    }
    let own = imports::table
        .filter(imports::workspace_id.eq(tx.workspace()))
        .filter(imports::parent_id.eq(import.id))
        .select(Import::as_select());
    let mut parts: Vec<Import> = own.load(tx.conn)?;
    parts.sort_by_key(|part| import.parts.0.iter().position(|listed| listed.import_id == part.id));
    Ok(parts)
}

/// Returns what the rows of a part become.
pub fn resource(part: &Import) -> Result<ImportResource> {
    part.resource.ok_or_else(|| Error::internal("a part of an import has no resource"))
}

/// Takes a part out of its import.
pub fn remove(tx: &mut Tx<'_>, import: Uuid, part: Uuid) -> Result<()> {
    let mut parts = Import::lock(tx, import, Expected::default())?.parts;
    parts.0.retain(|listed| listed.import_id != part);
    diesel::update(imports::table.find((tx.workspace(), import)))
        .set((imports::parts.eq(parts), imports::version.eq(imports::version + 1), imports::updated_at.eq(tx.now)))
        .execute(tx.conn)?;
    Ok(())
}

/// Refuses an import that waits or runs, alone or as a whole.
pub fn require_idle(tx: &mut Tx<'_>, import: &Import) -> Result<()> {
    let family = imports::table
        .filter(imports::workspace_id.eq(tx.workspace()))
        .filter(imports::id.eq_any([import.id, import.root()]).or(imports::parent_id.eq(import.id)))
        .filter(imports::status.eq_any(ImportStatus::UNDER_WAY));
    if diesel::select(diesel::dsl::exists(family)).get_result(tx.conn)? {
        return Err(Error::new(Code::Conflict, "the import is running; wait for its job"));
    }
    Ok(())
}
