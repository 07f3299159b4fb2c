//! Runs imports in the background. Each chunk and its progress are written in one transaction, so that the job
//! continues there after a crash. A dry run does the same in a single transaction and rolls it back.
use crate::db::notices::{self, Notice};
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
use crate::intake::imports::{detect, file_blocks, forget, parts, written};
use crate::kernel::access::actor::{Actor, ActorKind};
use crate::kernel::error::{Error, Result};
use crate::kernel::fields::kind::Kind;
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
/// The statistics of growing tables are updated after this number of rows, and after each fourfold number again. With
/// those of an empty table, the planner would read all rows of the workspace for every address and every foreign key.
const FIRST_GROWTH: usize = 1_000;
const GROWTH: usize = 4;
/// The time after which an import lets waiting jobs run first.
const TIME_SLICE: Duration = Duration::from_secs(5);
/// The maximum number of failed rows whose problems are stored.
const PROBLEMS_MAX: i64 = 10_000;

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
    Ok(Request::of_job(Actor { actor_kind: ActorKind::Import, ..actor }, format!("job-{}", job.id), job.id))
}

/// Returns the same, and checks that the user may still import such records. Called before each chunk.
fn authorized_request(db: &Db, job: &Job, import: &Import) -> Result<Request> {
    let request = request(db, job)?;
    parts::resource(import)?.authorize(&request.actor, import.settings.changes_existing())?;
    Ok(request)
}

/// Marks the import of a failed or cancelled job as failed.
pub fn failed(conn: &mut PgConnection, job: &Job) -> Result<()> {
    let Args { import_id, .. } = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    let own = imports::table
        .filter(imports::workspace_id.eq(job.workspace_id))
        .filter(imports::id.eq(import_id).or(imports::parent_id.eq(import_id)))
        .filter(imports::status.eq_any(ImportStatus::UNDER_WAY));
    diesel::update(own)
        .set((
            imports::status.eq(ImportStatus::Failed),
            imports::version.eq(imports::version + 1),
            imports::updated_at.eq(DateTime::now()),
        ))
        .execute(conn)?;
    forget::ended(conn, job.workspace_id, import_id)
}

/// An import that runs, with its parts.
struct Running {
    import: Import,
    parts: Vec<Import>,
}

fn begin(tx: &mut Tx<'_>, job: &Job, id: Uuid) -> Result<Running> {
    queue::report_progress(tx, job, job.done)?;
    let import = imports::table.find((tx.workspace(), id)).select(Import::as_select()).first(tx.conn)?;
    let running = Running { parts: parts::of(tx, &import)?, import };
    running.set_status(tx, ImportStatus::Running)?;
    Ok(running)
}

impl Running {
    fn set_status(&self, tx: &mut Tx<'_>, status: ImportStatus) -> Result<()> {
        set_status(tx, self.import.id, status)?;
        for part in self.parts.iter().filter(|part| part.id != self.import.id) {
            set_status(tx, part.id, status)?;
        }
        Ok(())
    }

    /// Stores the reports of the parts, and their sums as the report of the import.
    fn store_reports(&self, tx: &mut Tx<'_>, reports: &[ImportReport]) -> Result<()> {
        let mut whole = ImportReport::default();
        for (part, report) in self.parts.iter().zip(reports) {
            store_report(tx, part.id, report)?;
            if let Some(listed) = self.import.parts.0.iter().find(|listed| listed.import_id == part.id) {
                whole.add_part(listed, report);
            }
        }
        if self.import.resource.is_none() { store_report(tx, self.import.id, &whole) } else { Ok(()) }
    }

    fn end(&self, tx: &mut Tx<'_>, status: ImportStatus) -> Result<()> {
        self.set_status(tx, status)?;
        forget::ended(tx.conn, tx.workspace(), self.import.root())
    }
}

fn store_report(tx: &mut Tx<'_>, id: Uuid, report: &ImportReport) -> Result<()> {
    diesel::update(imports::table.find((tx.workspace(), id))).set(imports::report.eq(report)).execute(tx.conn)?;
    Ok(())
}

/// The table of a part.
struct PartTable {
    file: File,
    evidence: FileEvidence,
}

/// Reads the table and collects its evidence. This is done outside of a transaction, because a long transaction would
/// block the heartbeat of the job.
fn open(db: &Db, request: &Request, part: &Import) -> Result<PartTable> {
    let content = db.write_blocking(request, |tx| file_blocks::load(tx, part.root()))?;
    let input = Box::new(BufReader::new(content));
    let file = file::open(input, &part.settings, &detect::context(&request.actor), "/settings/sheet")?;
    let mapping = part.settings.mapping.as_deref().unwrap_or_default();
    let evidence = FileEvidence::of(&request.actor, parts::resource(part)?, mapping, &file)?;
    Ok(PartTable { file, evidence })
}

fn reader(tx: &mut Tx<'_>, part: &Import, table: &PartTable) -> Result<RowReader> {
    RowReader::new(tx, parts::resource(part)?, &part.settings, &table.file, &table.evidence)
}

fn perform(db: &Db, request: &Request, job: &Job, id: Uuid) -> Result<()> {
    let running = db.write_blocking(request, |tx| begin(tx, job, id))?;
    let (mut before, mut reports) = (0, Vec::with_capacity(running.parts.len()));
    for part in &running.parts {
        let ended = job.done >= before + part.detected.rows && job.done > 0;
        let earlier = part.report.clone().filter(|_| ended);
        let Some(report) =
            earlier.map_or_else(|| perform_part(db, request, job, part, before), |report| Ok(Some(report)))?
        else {
            return Ok(());
        };
        before += part.detected.rows;
        reports.push(report);
    }
    if usize::try_from(before).is_ok_and(|rows| rows >= BULK) {
        refresh_statistics(db, "select refresh_statistics()");
    }
    db.write_blocking(request, |tx| {
        queue::progress(tx, job, before)?;
        running.store_reports(tx, &reports)?;
        running.end(tx, ImportStatus::Done)?;
        tell(tx.conn, job, id)
    })
}

/// Tells the user who started an import that it has ended.
fn tell(conn: &mut PgConnection, job: &Job, id: Uuid) -> Result<()> {
    let notice = Notice { user: job.user_id, kind: "import_done", record: (Kind::IMPORT, id), count: 1 };
    notices::insert(conn, job.workspace_id, None, DateTime::now(), &[notice])
}

/// Tells the user who started an import that it has failed.
pub fn tell_failure(conn: &mut PgConnection, job: &Job) -> Result<()> {
    let Args { import_id, dry_run } = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    if dry_run { Ok(()) } else { tell(conn, job, import_id) }
}

/// Imports a part, whose rows come after the first `before` ones of the job. Returns its report, or `None` if other jobs
/// come first.
fn perform_part(db: &Db, request: &Request, job: &Job, part: &Import, before: i64) -> Result<Option<ImportReport>> {
    let begin = usize::try_from(job.done - before).unwrap_or(0);
    if begin == 0 {
        db.write_blocking(request, |tx| forget::problems(tx.conn, tx.workspace(), part.id))?;
    }
    let table = open(db, request, part)?;
    let mut reader = db.write_blocking(request, |tx| reader(tx, part, &table))?;
    let mut report = match (&part.report, begin) {
        (Some(report), 1..) => report.clone(),
        _ => reader.report(&part.settings),
    };
    let (mut done, mut begun, mut refresh_at) = (0, Instant::now(), FIRST_GROWTH);
    for numbers in reader.chunks(&table.file.rows, CHUNK)? {
        let rows = table.file.rows.some(&numbers)?;
        // Skips the chunks that were committed before the job was interrupted.
        if done < begin {
            recall(db, request, &mut reader, &rows)?;
            done += rows.len();
            begun = Instant::now();
            continue;
        }
        let (reader, tried) = (RefCell::new(&mut reader), Cell::new(false));
        report = db.write_blocking(&authorized_request(db, job, part)?, |tx| {
            let begun_at = tx.now;
            let (reader, mut report) = (&mut **reader.borrow_mut(), report.clone());
            if tried.replace(true) {
                // The retry must not use ids of records that were rolled back with the first attempt.
                reader.references = References::new(reader.references.creates);
            }
            let problems = chunk(tx, reader, &rows, &mut report)?;
            written::note(tx, part.root(), begun_at)?;
            // Locks the job before the import, in the same order as a cancellation.
            queue::progress(tx, job, before + i64::try_from(done + rows.len()).unwrap_or(i64::MAX))?;
            keep_problems(tx, part.id, &problems, report.with_problems())?;
            store_report(tx, part.id, &report)?;
            Ok(report)
        })?;
        reader.into_inner().claims.keep();
        done += rows.len();
        if done >= refresh_at {
            refresh_statistics(db, &format!("select refresh_growing_statistics({done})"));
            refresh_at = done.saturating_mul(GROWTH);
        }
        if begun.elapsed() > TIME_SLICE && done < table.file.rows.len() && db.yield_turn(job, true)? {
            return Ok(None);
        }
    }
    Ok(Some(report))
}

/// Updates the planner statistics, because plans are poor after many new rows. Autovacuum would take up to a minute.
fn refresh_statistics(db: &Db, statement: &str) {
    use diesel::connection::SimpleConnection;
    if let Err(error) = db.run_blocking(|conn| Ok(conn.batch_execute(statement)?)) {
        log::warn!("statistics were not refreshed after an import: {error}");
    }
}

fn rehearse(db: &Db, request: &Request, job: &Job, id: Uuid) -> Result<()> {
    let running = db.write_blocking(request, |tx| {
        let running = begin(tx, job, id)?;
        running.parts.iter().try_for_each(|part| forget::problems(tx.conn, tx.workspace(), part.id))?;
        Ok(running)
    })?;
    let tables = running.parts.iter().map(|part| open(db, request, part)).collect::<Result<Vec<_>>>()?;
    let parts = || running.parts.iter().zip(&tables);
    let rehearsed = db.rehearse_blocking(request, |tx| {
        let mut done = 0;
        parts()
            .map(|(part, table)| rehearse_part((tx, db, request, job), part, table, &mut done))
            .collect::<Result<Vec<_>>>()
    })?;
    let (reports, problems): (Vec<ImportReport>, Vec<Vec<RowProblem>>) = rehearsed.into_iter().unzip();
    db.write_blocking(request, |tx| {
        for (part, problems) in running.parts.iter().zip(&problems) {
            for some in problems.chunks(CHUNK) {
                keep_problems(tx, part.id, some, 0)?;
            }
        }
        running.store_reports(tx, &reports)?;
        queue::report_progress(tx, job, reports.iter().map(|report| report.rows).sum())?;
        running.end(tx, ImportStatus::Rehearsed)
    })
}

/// Imports a part in the transaction of a dry run. `done` counts the rows of all parts.
fn rehearse_part(
    (tx, db, request, job): (&mut Tx<'_>, &Db, &Request, &Job),
    part: &Import,
    table: &PartTable,
    done: &mut i64,
) -> Result<(ImportReport, Vec<RowProblem>)> {
    let mut reader = reader(tx, part, table)?;
    let mut report = ImportReport { dry_run: true, ..reader.report(&part.settings) };
    let mut problems = Vec::new();
    for numbers in reader.chunks(&table.file.rows, CHUNK)? {
        let rows = table.file.rows.some(&numbers)?;
        problems.extend(chunk(tx, &mut reader, &rows, &mut report)?);
        reader.claims.keep();
        tx.discard_events();
        *done += i64::try_from(rows.len()).unwrap_or(i64::MAX);
        authorized_request(db, job, part)?;
        // On another connection, because the dry run is rolled back.
        db.write_blocking(request, |tx| queue::report_progress(tx, job, *done))?;
    }
    Ok((report, problems))
}

/// Notes the records of rows that an earlier part of the run has written.
fn recall(db: &Db, request: &Request, reader: &mut RowReader, rows: &[Row]) -> Result<()> {
    let reader = RefCell::new(reader);
    db.write_blocking(request, |tx| {
        let reader = &mut **reader.borrow_mut();
        reader.claims.rewind();
        reader.look_up(tx, rows)?;
        let (mut report, mut problems) = (reader.report(&ImportSettings::default()), Vec::new());
        let mut drafts = Vec::with_capacity(rows.len());
        for row in rows {
            if reader.is_blank(row) {
                continue;
            }
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
    reader.look_up(tx, rows)?;
    let (mut prepared, mut problems) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        report.rows += 1;
        if reader.is_blank(row) {
            report.blank += 1;
            continue;
        }
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
