//! Periodic maintenance by any worker: removes expired data and starts retention rules.
use crate::db::idempotency::KEPT_HOURS;
use crate::db::pool::Db;
use crate::db::queue::{Job, JobStatus};
use crate::db::table::RESTORE_DAYS;
use crate::db::transaction::in_transaction;
use crate::intake::imports::forget;
use crate::jobs::attention;
use crate::kernel::error::{Error, Result};
use crate::kernel::values::time::DateTime;
use crate::privacy::retention;
use crate::records::files::blobs::Blobs;
use crate::schema::{
    files, idempotency_keys, jobs, letter_counts, login_tokens, oidc_sign_ins, refresh_tokens, workspaces,
};
use chrono::Duration;
use diesel::prelude::*;
use std::collections::{BTreeMap, HashSet};
use tokio::runtime::Runtime;
use uuid::Uuid;

/// The maximum number of deleted files whose contents are removed in one run.
const FILES: i64 = 500;
/// The number of files that are looked up in the database at once.
const FILES_AT_ONCE: usize = 1_000;

/// Runs all maintenance tasks. A failed task does not affect the others.
pub fn run(db: &Db, blobs: &Blobs) {
    let tasks = [
        ("expired data was not removed", remove_expired(db)),
        ("retention rules were not started", start_rules(db)),
        ("owners were not told what needs attention", attention::tell_owners(db)),
        ("the contents of deleted files were not removed", purge_deleted(db, blobs)),
    ];
    for (what, outcome) in tasks {
        if let Err(error) = outcome {
            log::warn!("{what}: {error}");
        }
    }
}

fn purge_deleted(db: &Db, blobs: &Blobs) -> Result<()> {
    let old = db.run_blocking(|conn| {
        let day = DateTime::now().plus(-Duration::days(RESTORE_DAYS));
        let deleted = files::table.filter(files::deleted_at.lt(day)).filter(files::purged_at.is_null()).limit(FILES);
        Ok(deleted.select((files::workspace_id, files::id)).load::<(Uuid, Uuid)>(conn)?)
    })?;
    purge(db, blobs, &old)
}

fn start_rules(db: &Db) -> Result<()> {
    let started = retention::start_due(db)?;
    if started > 0 {
        log::info!("{started} retention rules were started");
    }
    Ok(())
}

/// Removes stored contents without a row in the database, which remain from interrupted uploads. Contents of unknown
/// workspaces are kept, because the store may be shared with another database. Recent contents are kept, because a
/// running upload or a restore of the database can still add their rows.
pub fn remove_orphans(db: &Db, blobs: &Blobs) -> Result<()> {
    let runtime = runtime()?;
    let mut kept: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
    for (workspace, id) in runtime.block_on(blobs.older_than(DateTime::now().plus(-Duration::days(RESTORE_DAYS))))? {
        kept.entry(workspace).or_default().push(id);
    }
    for (workspace, ids) in kept {
        for some in ids.chunks(FILES_AT_ONCE) {
            for id in without_row(db, workspace, some)? {
                log::info!("removing the contents of an interrupted upload, {workspace}/{id}");
                runtime.block_on(blobs.remove(workspace, id))?;
            }
        }
    }
    Ok(())
}

/// Returns the ids without a row, if the workspace exists.
fn without_row(db: &Db, workspace: Uuid, ids: &[Uuid]) -> Result<Vec<Uuid>> {
    db.run_blocking(|conn| {
        if !diesel::select(diesel::dsl::exists(workspaces::table.find(workspace))).get_result::<bool>(conn)? {
            return Ok(Vec::new());
        }
        let named = files::table.filter(files::workspace_id.eq(workspace)).filter(files::id.eq_any(ids));
        let named: HashSet<Uuid> = named.select(files::id).load(conn)?.into_iter().collect();
        Ok(ids.iter().filter(|id| !named.contains(id)).copied().collect())
    })
}

fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::internal)
}

fn remove_expired(db: &Db) -> Result<()> {
    let now = DateTime::now();
    db.run_blocking(|conn| {
        in_transaction(conn, |conn| {
            let kept = now.plus(-Duration::hours(KEPT_HOURS));
            diesel::delete(idempotency_keys::table.filter(idempotency_keys::created_at.lt(kept))).execute(conn)?;
            diesel::delete(oidc_sign_ins::table.filter(oidc_sign_ins::expires_at.lt(now))).execute(conn)?;
            // Expired tokens are needed for a month to tell them from invalid ones.
            let month = now.plus(-Duration::days(30));
            diesel::delete(refresh_tokens::table.filter(refresh_tokens::expires_at.lt(month))).execute(conn)?;
            diesel::delete(login_tokens::table.filter(login_tokens::expires_at.lt(month))).execute(conn)?;
            let counted = now.plus(-Duration::days(2)).utc().date_naive();
            diesel::delete(letter_counts::table.filter(letter_counts::day.lt(counted))).execute(conn)?;
            let ended = jobs::status.ne_all([JobStatus::Queued, JobStatus::Running]);
            diesel::delete(jobs::table.filter(jobs::updated_at.lt(month)).filter(ended)).execute(conn)?;
            forget::old(conn)
        })
    })
}

/// Removes the contents of files from the store. The rows remain and record the time.
fn purge(db: &Db, blobs: &Blobs, list: &[(Uuid, Uuid)]) -> Result<()> {
    let runtime = runtime()?;
    for (workspace, id) in list {
        runtime.block_on(blobs.remove(*workspace, *id))?;
        db.run_blocking(|conn| {
            let row = files::table.find((workspace, id));
            Ok(diesel::update(row).set(files::purged_at.eq(DateTime::now())).execute(conn).map(drop)?)
        })?;
    }
    Ok(())
}

/// Runs the job of an erasure, which removes the contents of the erased files.
pub fn purge_erased(db: &Db, blobs: &Blobs, job: &Job) -> Result<()> {
    let ids: Vec<Uuid> = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    let list: Vec<(Uuid, Uuid)> = ids.into_iter().map(|id| (job.workspace_id, id)).collect();
    purge(db, blobs, &list)
}
