//! Undoes imports in the background. Each chunk and its progress are written in one transaction, so that the job
//! continues there after a crash. A dry run does the same in a single transaction and rolls it back.
use crate::db::event::Event;
use crate::db::pool::Db;
use crate::db::queue::{self, Job};
use crate::db::table::Stored;
use crate::db::tx::{Request, Tx};
use crate::intake::imports::forget;
use crate::intake::imports::model::{Import, ImportStatus};
use crate::intake::imports::resource::ImportResource;
use crate::intake::imports::run::{request, set_status};
use crate::intake::imports::undo::chunk;
use crate::intake::imports::undo::steps::{self, Step};
use crate::intake::imports::undo_report::UndoReport;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::Action;
use crate::kernel::error::{Error, Result};
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::time::DateTime;
use crate::schema::{import_records, imports};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The time after which an undo lets waiting jobs run first.
const TIME_SLICE: Duration = Duration::from_secs(5);

/// The arguments of the job.
#[derive(Debug, Serialize, Deserialize)]
pub struct Args {
    pub import_id: Uuid,
    pub undo: Undoing,
}

/// What distinguishes the undo of an import from its run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Undoing {
    pub dry_run: bool,
    /// The status of the import before, to which it returns after a dry run.
    pub status: ImportStatus,
}

impl Args {
    /// Returns the arguments if the job undoes an import.
    pub fn of(job: &Job) -> Option<Args> {
        serde_json::from_value(job.args.clone()).ok()
    }
}

pub fn run(db: &Db, job: &Job, args: &Args) -> Result<()> {
    let request = request(db, job)?;
    if args.undo.dry_run { rehearse(db, &request, job, args) } else { perform(db, &request, job, args.import_id) }
}

/// Returns the import of a failed or cancelled job to its status if it was a dry run, and marks it as failed otherwise.
pub fn failed(conn: &mut PgConnection, job: &Job, args: &Args) -> Result<()> {
    let status = if args.undo.dry_run { args.undo.status } else { ImportStatus::Failed };
    let running = imports::status.eq_any(ImportStatus::UNDER_WAY);
    diesel::update(imports::table.find((job.workspace_id, args.import_id)).filter(running))
        .set((
            imports::status.eq(status),
            imports::version.eq(imports::version + 1),
            imports::updated_at.eq(DateTime::now()),
        ))
        .execute(conn)?;
    forget::ended(conn, job.workspace_id, args.import_id)
}

/// Checks that the caller may delete the records of an import and, if it changed any, update them.
pub fn authorize(tx: &mut Tx<'_>, import: &Import) -> Result<()> {
    for kind in import.resources().into_iter().map(ImportResource::kind) {
        tx.actor.require_action(Action::Delete, kind.path())?;
        let changed = import_records::table
            .filter(import_records::workspace_id.eq(tx.workspace()))
            .filter(import_records::import_id.eq(import.id))
            .filter(import_records::kind.eq(kind.as_str()))
            .filter(import_records::created.eq(false));
        if diesel::select(diesel::dsl::exists(changed)).get_result(tx.conn)? {
            tx.actor.require_action(Action::Update, kind.path())?;
        }
    }
    Ok(())
}

/// Checks the permission for a chunk. Records of other kinds, such as tasks, are left if the permission lacks.
fn authorize_step(actor: &Actor, import: &Import, step: &Step) -> Result<()> {
    let imported = import.resources().into_iter().any(|resource| resource.kind() == step.kind);
    if imported { actor.require_action(step.action, step.kind.path()) } else { Ok(()) }
}

fn begin(tx: &mut Tx<'_>, job: &Job, id: Uuid) -> Result<(Import, Vec<&'static Step>)> {
    queue::report_progress(tx, job, job.done)?;
    set_status(tx, id, ImportStatus::Running)?;
    let import = Import::find(tx, id)?;
    let kinds: Vec<String> = import_records::table
        .filter(import_records::workspace_id.eq(tx.workspace()))
        .filter(import_records::import_id.eq(id))
        .filter(import_records::undone.eq(false))
        .select(import_records::kind)
        .distinct()
        .load(tx.conn)?;
    let holds = |kind: Kind| kinds.iter().any(|held| held == kind.as_str());
    Ok((import, steps::STEPS.iter().filter(|step| holds(step.kind)).collect()))
}

fn perform(db: &Db, first: &Request, job: &Job, id: Uuid) -> Result<()> {
    let (import, steps) = db.write_blocking(first, |tx| begin(tx, job, id))?;
    let mut report = match (&import.undo, job.done) {
        (Some(report), 1..) => report.clone(),
        _ => UndoReport::new(false, job.user_id),
    };
    let (mut done, begun) = (job.done, Instant::now());
    for step in steps {
        loop {
            let request = request(db, job)?;
            authorize_step(&request.actor, &import, step)?;
            let records;
            (records, report) = db.write_blocking(&request, |tx| {
                let mut report = report.clone();
                let records = undo_next(tx, job.id, id, step, &mut report)?;
                // Locks the job before the import, in the same order as a cancellation.
                queue::progress(tx, job, done + records)?;
                store(tx, id, &report)?;
                Ok((records, report))
            })?;
            done += records;
            if records == 0 {
                break;
            }
            if begun.elapsed() > TIME_SLICE && db.yield_turn(job, true)? {
                return Ok(());
            }
        }
    }
    db.write_blocking(first, |tx| {
        queue::progress(tx, job, done)?;
        store(tx, id, &report)?;
        set_status(tx, id, ImportStatus::Undone)?;
        if !report.unchanged {
            tx.record(Event::of(Kind::IMPORT, id, "undone"));
        }
        forget::ended(tx.conn, tx.workspace(), id)
    })
}

fn rehearse(db: &Db, request: &Request, job: &Job, args: &Args) -> Result<()> {
    let id = args.import_id;
    let (import, steps) = db.write_blocking(request, |tx| begin(tx, job, id))?;
    let (report, done) = db.rehearse_blocking(request, |tx| {
        let (mut report, mut done) = (UndoReport::new(true, job.user_id), 0);
        for step in &steps {
            loop {
                let records = undo_next(tx, job.id, id, step, &mut report)?;
                tx.discard_events();
                if records == 0 {
                    break;
                }
                done += records;
                authorize_step(&self::request(db, job)?.actor, &import, step)?;
                // On another connection, because the dry run is rolled back.
                db.write_blocking(request, |tx| queue::report_progress(tx, job, done))?;
            }
        }
        Ok((report, done))
    })?;
    db.write_blocking(request, |tx| {
        queue::report_progress(tx, job, done)?;
        store(tx, id, &report)?;
        set_status(tx, id, args.undo.status)?;
        forget::ended(tx.conn, tx.workspace(), id)
    })
}

/// Takes back what the import did to the next records of a step. Returns their number.
pub fn undo_next(tx: &mut Tx<'_>, job: Uuid, import: Uuid, step: &Step, report: &mut UndoReport) -> Result<i64> {
    let chunk = chunk::next(tx, job, import, step.kind, step.action)?;
    if chunk.records.is_empty() {
        return Ok(0);
    }
    tx.set_permission(step.kind.path(), step.action);
    let left = (step.run)(tx, &chunk, report)?;
    chunk::settle(tx, job, &chunk, &left)?;
    report.leave(left);
    i64::try_from(chunk.records.len()).map_err(Error::internal)
}

fn store(tx: &mut Tx<'_>, id: Uuid, report: &UndoReport) -> Result<()> {
    diesel::update(imports::table.find((tx.workspace(), id))).set(imports::undo.eq(report)).execute(tx.conn)?;
    Ok(())
}
