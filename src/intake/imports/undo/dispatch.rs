//! Jobs of imports: a run, or the undo of one. Both have one kind, so that they run in the order of their requests.
use crate::db::pool::Db;
use crate::db::queue::Job;
use crate::intake::imports::run;
use crate::intake::imports::undo::run as undo;
use crate::kernel::error::Result;
use diesel::PgConnection;

pub fn run(db: &Db, job: &Job) -> Result<()> {
    match undo::Args::of(job) {
        Some(args) => undo::run(db, job, &args),
        None => run::run(db, job),
    }
}

/// Tells the user of a job that it has failed. Whoever takes an import back waits for it.
pub fn tell_failure(conn: &mut PgConnection, job: &Job) -> Result<()> {
    if undo::Args::of(job).is_some() { Ok(()) } else { run::tell_failure(conn, job) }
}

/// Updates the import of a failed or cancelled job.
pub fn failed(conn: &mut PgConnection, job: &Job) -> Result<()> {
    match undo::Args::of(job) {
        Some(args) => undo::failed(conn, job, &args),
        None => run::failed(conn, job),
    }
}
