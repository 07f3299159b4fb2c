//! The uploaded file of an import in the database, in blocks, so that neither storing nor loading it takes memory.
use crate::db::tx::Tx;
use crate::kernel::error::{Code, Error, Result};
use crate::schema::{import_blocks, imports};
use crate::web::form::{UploadedFile, unavailable};
use diesel::prelude::*;
use std::fs::File;
use std::io::{Read, Seek, Write};
use uuid::Uuid;

/// In bytes.
const BLOCK: u64 = 1 << 20;

/// Stores the file of a new import.
pub fn store(tx: &mut Tx<'_>, import: Uuid, file: &UploadedFile) -> Result<()> {
    let mut reader = file.open().map_err(unavailable)?;
    for number in 0.. {
        let mut block = Vec::new();
        reader.by_ref().take(BLOCK).read_to_end(&mut block).map_err(unavailable)?;
        if block.is_empty() {
            break;
        }
        diesel::insert_into(import_blocks::table)
            .values((
                import_blocks::workspace_id.eq(tx.workspace()),
                import_blocks::import_id.eq(import),
                import_blocks::number.eq(number),
                import_blocks::content.eq(block),
            ))
            .execute(tx.conn)?;
    }
    Ok(())
}

/// Loads the file to disk. Fails if it was removed.
pub fn load(tx: &mut Tx<'_>, import: Uuid) -> Result<File> {
    let removed = imports::table.find((tx.workspace(), import)).select(imports::file_removed_at.is_not_null());
    if removed.first(tx.conn)? {
        return Err(Error::new(Code::FileRemoved, "the file of this import was removed; upload it again"));
    }
    let mut file = tempfile::tempfile().map_err(unavailable)?;
    for number in 0.. {
        let block = import_blocks::table.find((tx.workspace(), import, number)).select(import_blocks::content);
        let Some(block) = block.first::<Vec<u8>>(tx.conn).optional()? else { break };
        file.write_all(&block).map_err(unavailable)?;
    }
    file.rewind().map_err(unavailable)?;
    Ok(file)
}

/// Deletes the file of an import.
pub fn delete(conn: &mut PgConnection, workspace: Uuid, import: Uuid) -> Result<()> {
    let own = import_blocks::table.filter(import_blocks::workspace_id.eq(workspace));
    diesel::delete(own.filter(import_blocks::import_id.eq(import))).execute(conn)?;
    Ok(())
}
