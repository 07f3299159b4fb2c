//! The file of an import tells more of people than the records that came of it: it goes a month after it was last used, and when a person is
//! erased, with the samples and problems that quote it.
use crate::db::tx::Tx;
use crate::intake::imports::model::{DetectedFile, ImportReport, ImportSettings, ImportStatus};
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::time::DateTime;
use crate::schema::{erasures, import_problems, imports};
use diesel::prelude::*;
use uuid::Uuid;

/// How long a file is kept after its import was last touched.
const KEPT_DAYS: i64 = 30;
/// Files that go in one turn of the housekeeping.
const FILES: i64 = 100;

/// What is said to who wants to run it again.
pub fn removed() -> Error {
    Error::new(Code::FileRemoved, "the file of this import is not kept any more; upload it again")
}

/// What quotes the file. Where it has no head the names of columns do, too.
type Quoting = (Uuid, Uuid, DetectedFile, ImportSettings, Option<ImportReport>);
const QUOTING: (imports::workspace_id, imports::id, imports::detected, imports::settings, imports::report) =
    (imports::workspace_id, imports::id, imports::detected, imports::settings, imports::report);

/// Imports that have a file and do not work on it.
#[diesel::dsl::auto_type(no_type_alias)]
fn at_rest() -> _ {
    let under_way: [ImportStatus; 2] = ImportStatus::UNDER_WAY;
    imports::table.filter(imports::content.is_not_null()).filter(imports::status.ne_all(under_way))
}

/// The files of a workspace; one that is being imported goes when that has ended. Returns the imports.
pub fn all(tx: &mut Tx<'_>) -> Result<Vec<Uuid>> {
    let own = at_rest().filter(imports::workspace_id.eq(tx.workspace())).order(imports::id).for_update();
    let found: Vec<Quoting> = own.select(QUOTING).load(tx.conn)?;
    let ids = found.iter().map(|(_, id, ..)| *id).collect();
    forget(tx.conn, found, tx.now)?;
    Ok(ids)
}

/// The file of an import that has just ended, if somebody was erased meanwhile.
pub fn ended(conn: &mut PgConnection, workspace: Uuid, id: Uuid) -> Result<()> {
    let import = imports::table.find((workspace, id));
    let since: DateTime = import.select(imports::created_at).first(conn)?;
    let erased = erasures::table.filter(erasures::workspace_id.eq(workspace)).filter(erasures::created_at.gt(since));
    if diesel::select(diesel::dsl::exists(erased)).get_result(conn)? {
        let found = import.filter(imports::content.is_not_null()).select(QUOTING).load(conn)?;
        forget(conn, found, DateTime::now())?;
    }
    Ok(())
}

/// Files that nobody has used for a month, in any workspace. To be called in a transaction.
pub fn old(conn: &mut PgConnection) -> Result<()> {
    let now = DateTime::now();
    let unused = imports::updated_at.lt(now.plus(-chrono::Duration::days(KEPT_DAYS)));
    let some = at_rest().filter(unused).order(imports::id).limit(FILES).for_update().skip_locked();
    let found = some.select(QUOTING).load(conn)?;
    forget(conn, found, now)
}

fn forget(conn: &mut PgConnection, found: Vec<Quoting>, now: DateTime) -> Result<()> {
    for (workspace, id, detected, settings, report) in found {
        let detected = DetectedFile { columns: Vec::new(), ..detected };
        let settings = ImportSettings { mapping: None, ..settings };
        let report = report.map(|report| ImportReport {
            columns: Vec::new(),
            mapped_values: Vec::new(),
            unknown_values: Vec::new(),
            added_names: Vec::new(),
            ..report
        });
        diesel::update(imports::table.find((workspace, id)))
            .set((
                (imports::content.eq(None::<Vec<u8>>), imports::file_removed_at.eq(now)),
                (imports::detected.eq(detected), imports::settings.eq(settings), imports::report.eq(report)),
                (imports::version.eq(imports::version + 1), imports::updated_at.eq(now)),
            ))
            .execute(conn)?;
        problems(conn, workspace, id)?;
    }
    Ok(())
}

/// What was wrong in its rows.
pub fn problems(conn: &mut PgConnection, workspace: Uuid, import: Uuid) -> Result<()> {
    let own = import_problems::table.filter(import_problems::workspace_id.eq(workspace));
    diesel::delete(own.filter(import_problems::import_id.eq(import))).execute(conn)?;
    Ok(())
}
