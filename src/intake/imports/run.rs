//! Runs imports in the background. Each chunk and its progress are written in one transaction, so that the job
//! continues there after a crash. A dry run does the same in a single transaction and rolls it back.
use crate::db::pool::Db;
use crate::db::queue::{self, Job};
use crate::db::tx::{Request, Tx};
use crate::identity::sign_in::authentication;
use crate::intake::imports::decide::FileEvidence;
use crate::intake::imports::file::{self, File};
use crate::intake::imports::model::{Import, ImportStatus};
use crate::intake::imports::prepare::{RowProblem, RowReader};
use crate::intake::imports::reading::row::Row;
use crate::intake::imports::references::References;
use crate::intake::imports::report::ImportReport;
use crate::intake::imports::settings::ImportSettings;
use crate::intake::imports::write::{self, Account};
use crate::intake::imports::{detect, file_blocks, forget, written};
use crate::kernel::access::actor::{Actor, ActorKind};
use crate::kernel::error::{Error, Result};
use crate::kernel::values::time::DateTime;
use crate::schema::{import_problems, imports};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::io::BufReader;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Rows per transaction.
const CHUNK: usize = 500;
/// The number of rows after which the planner statistics are updated.
const BULK: usize = 1_000;
/// The time after which an import lets waiting jobs run first.
const TIME_SLICE: Duration = Duration::from_secs(5);
/// The maximum number of failed rows whose problems are stored.
const PROBLEMS_MAX: i64 = 10_000;

/// Parses the file as the settings say.
fn open(request: &Request, import: &Import, content: BufReader<std::fs::File>) -> Result<File> {
    file::open(Box::new(content), &import.settings, &detect::context(&request.actor), "/settings/sheet")
}

/// Collects the evidence in the file. This is done outside of a transaction, because it takes time.
fn evidence(request: &Request, import: &Import, file: &File) -> Result<FileEvidence> {
    let mapping = import.settings.mapping.as_deref().unwrap_or_default();
    FileEvidence::of(&request.actor, import.resource, mapping, file)
}

/// The arguments of the job.
#[derive(Debug, Serialize, Deserialize)]
pub struct Args {
    pub import_id: Uuid,
    pub dry_run: bool,
}

/// Runs one job.
pub fn run(db: &Db, job: &Job) -> Result<()> {
    let Args { import_id, dry_run } = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    let request = request(db, job)?;
    if dry_run { rehearse(db, &request, job, import_id) } else { perform(db, &request, job, import_id) }
}

/// Returns a request by the user of the job, with the user's current permissions.
pub fn request(db: &Db, job: &Job) -> Result<Request> {
    let actor = db.run_blocking(|conn| authentication::of_job(conn, job))?;
    Ok(Request::internal(Actor { actor_kind: ActorKind::Import, ..actor }, format!("job-{}", job.id)))
}

/// Returns the same, and checks that the user may still import such records. Called before each chunk.
fn authorized_request(db: &Db, job: &Job, import: &Import) -> Result<Request> {
    let request = request(db, job)?;
    import.resource.authorize(&request.actor, import.settings.changes_existing())?;
    Ok(request)
}

/// Marks the import of a failed or cancelled job as failed.
pub fn failed(conn: &mut PgConnection, job: &Job) -> Result<()> {
    let Args { import_id, .. } = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    let running = imports::status.eq_any(ImportStatus::UNDER_WAY);
    diesel::update(imports::table.find((job.workspace_id, import_id)).filter(running))
        .set((
            imports::status.eq(ImportStatus::Failed),
            imports::version.eq(imports::version + 1),
            imports::updated_at.eq(DateTime::now()),
        ))
        .execute(conn)?;
    forget::ended(conn, job.workspace_id, import_id)
}

fn begin(tx: &mut Tx<'_>, job: &Job, id: Uuid) -> Result<()> {
    queue::report_progress(tx, job, job.done)?;
    set_status(tx, id, ImportStatus::Running)
}

/// Loads the import and its file. The file is parsed after the transaction, because a long transaction would block
/// the heartbeat of the job.
fn load(tx: &mut Tx<'_>, id: Uuid) -> Result<(Import, BufReader<std::fs::File>)> {
    let import = imports::table.find((tx.workspace(), id)).select(Import::as_select()).first(tx.conn)?;
    Ok((import, file_blocks::load(tx, id)?))
}

fn perform(db: &Db, request: &Request, job: &Job, id: Uuid) -> Result<()> {
    let (import, content) = db.write_blocking(request, |tx| {
        begin(tx, job, id)?;
        if job.done == 0 {
            forget::problems(tx.conn, tx.workspace(), id)?;
        }
        load(tx, id)
    })?;
    let table = open(request, &import, content)?;
    let evidence = evidence(request, &import, &table)?;
    let mut reader =
        db.write_blocking(request, |tx| RowReader::new(tx, import.resource, &import.settings, &table, &evidence))?;
    let mut report = match (&import.report, job.done) {
        (Some(report), 1..) => report.clone(),
        _ => reader.report(&import.settings),
    };
    let (begin, mut done) = (usize::try_from(job.done).unwrap_or(0), 0);
    let mut begun = Instant::now();
    for numbers in reader.chunks(&table.rows, CHUNK)? {
        let rows = table.rows.some(&numbers)?;
        // Skips the chunks that were committed before the job was interrupted.
        if done < begin {
            recall(db, request, &mut reader, &rows)?;
            done += rows.len();
            begun = Instant::now();
            continue;
        }
        let (reader, tried) = (RefCell::new(&mut reader), Cell::new(false));
        report = db.write_blocking(&authorized_request(db, job, &import)?, |tx| {
            let begun_at = tx.now;
            let (reader, mut report) = (&mut **reader.borrow_mut(), report.clone());
            if tried.replace(true) {
                // The retry must not use ids of records that were rolled back with the first attempt.
                reader.references = References::new(reader.references.creates);
            }
            let problems = chunk(tx, reader, &rows, &mut report)?;
            written::note(tx, id, begun_at)?;
            // Locks the job before the import, in the same order as a cancellation.
            queue::progress(tx, job, i64::try_from(done + rows.len()).unwrap_or(i64::MAX))?;
            keep_problems(tx, id, &problems, report.with_problems())?;
            diesel::update(imports::table.find((tx.workspace(), id)))
                .set(imports::report.eq(&report))
                .execute(tx.conn)?;
            Ok(report)
        })?;
        reader.into_inner().claims.keep();
        done += rows.len();
        if begun.elapsed() > TIME_SLICE && done < table.rows.len() && db.yield_turn(job, true)? {
            return Ok(());
        }
    }
    if done >= BULK {
        refresh_statistics(db);
    }
    db.write_blocking(request, |tx| {
        queue::progress(tx, job, i64::try_from(done).unwrap_or(i64::MAX))?;
        set_status(tx, id, ImportStatus::Done)?;
        forget::ended(tx.conn, tx.workspace(), id)
    })
}

/// Updates the planner statistics, because plans for reports are poor after many new rows. Autovacuum would take up
/// to a minute.
fn refresh_statistics(db: &Db) {
    use diesel::connection::SimpleConnection;
    if let Err(error) = db.run_blocking(|conn| Ok(conn.batch_execute("select refresh_statistics()")?)) {
        log::warn!("statistics were not refreshed after an import: {error}");
    }
}

fn rehearse(db: &Db, request: &Request, job: &Job, id: Uuid) -> Result<()> {
    let (import, content) = db.write_blocking(request, |tx| {
        begin(tx, job, id)?;
        forget::problems(tx.conn, tx.workspace(), id)?;
        load(tx, id)
    })?;
    let table = open(request, &import, content)?;
    let evidence = evidence(request, &import, &table)?;
    let (report, problems) = db.rehearse_blocking(request, |tx| {
        let mut reader = RowReader::new(tx, import.resource, &import.settings, &table, &evidence)?;
        let mut report = ImportReport { dry_run: true, ..reader.report(&import.settings) };
        let mut problems = Vec::new();
        for numbers in reader.chunks(&table.rows, CHUNK)? {
            let rows = table.rows.some(&numbers)?;
            problems.extend(chunk(tx, &mut reader, &rows, &mut report)?);
            reader.claims.keep();
            tx.discard_events();
            let done = report.rows;
            authorized_request(db, job, &import)?;
            // On another connection, because the dry run is rolled back.
            db.write_blocking(request, |tx| queue::report_progress(tx, job, done))?;
        }
        Ok((report, problems))
    })?;
    db.write_blocking(request, |tx| {
        for part in problems.chunks(CHUNK) {
            keep_problems(tx, id, part, 0)?;
        }
        diesel::update(imports::table.find((tx.workspace(), id))).set(imports::report.eq(&report)).execute(tx.conn)?;
        queue::report_progress(tx, job, report.rows)?;
        set_status(tx, id, ImportStatus::Rehearsed)?;
        forget::ended(tx.conn, tx.workspace(), id)
    })
}

/// Notes the records of rows that an earlier part of the run has written.
fn recall(db: &Db, request: &Request, reader: &mut RowReader, rows: &[Row]) -> Result<()> {
    let reader = RefCell::new(reader);
    db.write_blocking(request, |tx| {
        let reader = &mut **reader.borrow_mut();
        reader.claims.rewind();
        let (mut report, mut problems) = (reader.report(&ImportSettings::default()), Vec::new());
        let mut drafts = Vec::with_capacity(rows.len());
        for row in rows {
            drafts.extend(reader.row(tx, row, &mut report, &mut problems)?);
        }
        write::recall(tx, reader, &drafts)
    })?;
    reader.into_inner().claims.keep();
    Ok(())
}

/// Converts and writes a chunk of rows.
pub fn chunk(
    tx: &mut Tx<'_>,
    reader: &mut RowReader,
    rows: &[Row],
    report: &mut ImportReport,
) -> Result<Vec<RowProblem>> {
    // A retry must not use the claims of the first attempt, which was rolled back.
    reader.claims.rewind();
    let (mut prepared, mut problems) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        report.rows += 1;
        match reader.row(tx, row, report, &mut problems)? {
            Some(row) => {
                let undated = reader.funnel.pipeline.is_some() && !row.progress.has_beginning();
                report.without_date += i64::from(undated);
                prepared.push(row);
            }
            None => report.failed += 1,
        }
    }
    write::chunk(tx, reader, prepared, &mut Account { report: &mut *report, problems: &mut problems })?;
    if reader.tag.is_some() {
        report.tagged = report.created + report.updated + report.unchanged;
    }
    report.added_names.append(&mut reader.references.added);
    report.unknown_values.sort_by_key(|unknown| std::cmp::Reverse(unknown.rows));
    Ok(problems)
}

pub fn set_status(tx: &mut Tx<'_>, id: Uuid, status: ImportStatus) -> Result<()> {
    diesel::update(imports::table.find((tx.workspace(), id)))
        .set((
            imports::status.eq(status),
            imports::version.eq(imports::version + 1),
            imports::updated_at.eq(DateTime::now()),
        ))
        .execute(tx.conn)?;
    Ok(())
}

fn keep_problems(tx: &mut Tx<'_>, id: Uuid, problems: &[RowProblem], failed: i64) -> Result<()> {
    if problems.is_empty() || failed > PROBLEMS_MAX {
        return Ok(());
    }
    let row = |problem: &RowProblem| {
        (
            import_problems::workspace_id.eq(tx.workspace()),
            import_problems::import_id.eq(id),
            import_problems::row_number.eq(i32::try_from(problem.line).unwrap_or(i32::MAX)),
            import_problems::column_name.eq(problem.column.clone()),
            import_problems::severity.eq("error"),
            import_problems::code.eq(problem.code),
            import_problems::detail.eq(problem.detail.clone()),
            import_problems::value.eq(problem.value.clone()),
        )
    };
    let rows: Vec<_> = problems.iter().map(row).collect();
    for part in rows.chunks(5_000) {
        diesel::insert_into(import_problems::table).values(part).execute(tx.conn)?;
    }
    Ok(())
}
