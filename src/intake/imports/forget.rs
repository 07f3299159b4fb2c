//! Removes the content of imported files, which can contain more personal data than the imported records. A file is
//! removed a month after its last use, and all files of a workspace when a person is erased. Samples and problems
//! that quote the file are removed with it.
use crate::db::tx::Tx;
use crate::intake::imports::model::{DetectedFile, ImportStatus};
use crate::intake::imports::report::ImportReport;
use crate::intake::imports::settings::ImportSettings;
use crate::intake::imports::{file_blocks, remembered};
use crate::kernel::error::Result;
use crate::kernel::values::time::DateTime;
use crate::schema::{erasures, import_problems, imports};
use diesel::prelude::*;
use uuid::Uuid;

/// The number of days that a file is kept after the last change of its import.
const KEPT_DAYS: i64 = 30;
/// The maximum number of files that one housekeeping run removes.
const FILES: i64 = 100;

/// The columns of an import that quote the file. Column names are among them, because a file without a header has
/// data in their place.
type Quoting = (Uuid, Uuid, DetectedFile, ImportSettings, Option<ImportReport>);
const QUOTING: (imports::workspace_id, imports::id, imports::detected, imports::settings, imports::report) =
    (imports::workspace_id, imports::id, imports::detected, imports::settings, imports::report);

/// Imports that have a file and are neither queued nor running.
#[diesel::dsl::auto_type(no_type_alias)]
fn at_rest() -> _ {
    let under_way: [ImportStatus; 2] = ImportStatus::UNDER_WAY;
    let has_file = imports::parent_id.is_null().and(imports::file_removed_at.is_null());
    imports::table.filter(has_file).filter(imports::status.ne_all(under_way))
}

/// Removes the files of a workspace and returns their imports. The file of a running import is removed when the run
/// ends.
pub fn all(tx: &mut Tx<'_>) -> Result<Vec<Uuid>> {
    let own = at_rest().filter(imports::workspace_id.eq(tx.workspace())).order(imports::id).for_update();
    let found: Vec<Quoting> = own.select(QUOTING).load(tx.conn)?;
    let ids = found.iter().map(|(_, id, ..)| *id).collect();
    forget(tx.conn, found, tx.now)?;
    remembered::forget(tx)?;
    Ok(ids)
}

/// Removes the file of an import whose run has just ended, if a person was erased since its upload.
pub fn ended(conn: &mut PgConnection, workspace: Uuid, id: Uuid) -> Result<()> {
    let of: Option<Uuid> = imports::table.find((workspace, id)).select(imports::parent_id).first(conn)?;
    let import = imports::table.find((workspace, of.unwrap_or(id)));
    let since: DateTime = import.select(imports::created_at).first(conn)?;
    let erased = erasures::table.filter(erasures::workspace_id.eq(workspace)).filter(erasures::created_at.gt(since));
    if diesel::select(diesel::dsl::exists(erased)).get_result(conn)? {
        let found = import.filter(imports::file_removed_at.is_null()).select(QUOTING).load(conn)?;
        forget(conn, found, DateTime::now())?;
    }
    Ok(())
}

/// Removes files of any workspace that were not used for a month. Must run in a transaction.
pub fn old(conn: &mut PgConnection) -> Result<()> {
    let now = DateTime::now();
    let unused = imports::updated_at.lt(now.plus(-chrono::Duration::days(KEPT_DAYS)));
    let some = at_rest().filter(unused).order(imports::id).limit(FILES).for_update().skip_locked();
    let found = some.select(QUOTING).load(conn)?;
    forget(conn, found, now)
}

/// Removes the files of imports, and what the imports and their parts quote of them.
fn forget(conn: &mut PgConnection, mut found: Vec<Quoting>, now: DateTime) -> Result<()> {
    for (workspace, id) in found.iter().map(|(workspace, id, ..)| (*workspace, *id)).collect::<Vec<_>>() {
        let parts = imports::table.filter(imports::workspace_id.eq(workspace)).filter(imports::parent_id.eq(id));
        found.extend(parts.select(QUOTING).load::<Quoting>(conn)?);
    }
    for (workspace, id, detected, settings, report) in found {
        let detected = DetectedFile {
            columns: Vec::new(),
            decisions: Vec::new(),
            warnings: Vec::new(),
            findings: Vec::new(),
            sheets: Vec::new(),
            sheet: None,
            ..detected
        };
        let settings = ImportSettings { mapping: None, sheet: None, stage_names: None, ..settings };
        let report = report.map(|report| ImportReport {
            columns: Vec::new(),
            mapped_values: Vec::new(),
            unknown_values: Vec::new(),
            added_names: Vec::new(),
            decisions: Vec::new(),
            warnings: Vec::new(),
            preview: Vec::new(),
            totals: Vec::new(),
            ..report
        });
        diesel::update(imports::table.find((workspace, id)))
            .set((
                imports::file_removed_at.eq(now),
                (imports::detected.eq(detected), imports::settings.eq(settings), imports::report.eq(report)),
                (imports::version.eq(imports::version + 1), imports::updated_at.eq(now)),
            ))
            .execute(conn)?;
        file_blocks::delete(conn, workspace, id)?;
        problems(conn, workspace, id)?;
    }
    Ok(())
}

/// Deletes the row problems of an import.
pub fn problems(conn: &mut PgConnection, workspace: Uuid, import: Uuid) -> Result<()> {
    let own = import_problems::table.filter(import_problems::workspace_id.eq(workspace));
    diesel::delete(own.filter(import_problems::import_id.eq(import))).execute(conn)?;
    Ok(())
}
