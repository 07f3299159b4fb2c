//! The worker: threads that take jobs from the queue and run them. Short and urgent jobs and periodic work have their
//! own threads. Any number of workers can share one queue.
use crate::db::pool::Db;
use crate::db::queue::{self, Job, JobFilter, JobKind, Lane};
use crate::db::transaction::in_transaction;
use crate::db::watchdog::WatchedThread;
use crate::identity::mail::mailer::{self, Mailer};
use crate::intake::imports;
use crate::jobs::{attention, bulk, housekeeping, letters};
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::values::time::DateTime;
use crate::records;
use crate::records::files::blobs::Blobs;
use crate::search::vocabulary;
use diesel::PgConnection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

const POLL_INTERVAL: Duration = Duration::from_millis(300);
/// The interval for removing expired data.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(600);

/// The interval for collecting new words for the search.
const VOCABULARY_INTERVAL: Duration = Duration::from_secs(10);
/// The interval for reminders of tasks.
const REMINDER_INTERVAL: Duration = Duration::from_secs(5);
/// The interval for letters with notifications, and for daily ones.
const LETTER_INTERVAL: Duration = Duration::from_secs(5);
const DIGEST_INTERVAL: Duration = Duration::from_secs(60);
/// The interval for finding stored files without a row.
const ORPHAN_SWEEP_INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// Job kinds of which a workspace runs only one at a time: an import can refer to records of an earlier one.
pub const IN_ORDER: &[JobKind] = &[JobKind::Import];
const URGENT_JOBS: JobFilter = JobFilter { lanes: &[Lane::Urgent], in_order: &[], share: 1 };
const SHORT_JOBS: JobFilter = JobFilter { lanes: &[Lane::Urgent, Lane::Short], in_order: &[], share: 2 };

/// Selects long jobs. If there are several threads, one workspace cannot occupy all of them.
const fn long_jobs(worker_threads: u32) -> JobFilter {
    let share = if worker_threads > 1 { worker_threads - 1 } else { 1 };
    JobFilter { lanes: &[Lane::Work], in_order: IN_ORDER, share }
}

/// The threads of a worker. They stop after their current job.
#[derive(Debug)]
pub struct Worker(Vec<Arc<Signals>>);

#[derive(Debug, Default)]
struct Signals {
    stop: AtomicBool,
    stopped: AtomicBool,
}

impl Worker {
    pub fn start(db: Db, mailer: Mailer, blobs: Blobs) -> std::io::Result<Worker> {
        let (services, mut worker) = (Arc::new(Services { mailer, blobs }), Worker(Vec::new()));
        let worker_threads = db.worker_threads.max(1);
        let work = (0..worker_threads).map(|n| (format!("worker-{n}"), long_jobs(worker_threads)));
        for (name, filter) in work.chain([("urgent".into(), URGENT_JOBS), ("errands".into(), SHORT_JOBS)]) {
            worker.spawn(&db, &services, &name, move |db, services, thread, _| {
                run_next_job(db, services, thread, filter)
            })?;
        }
        worker.spawn(&db, &services, "house", |db, services, _, schedule| run_periodic(db, services, schedule))?;
        Ok(worker)
    }

    /// Starts a thread that repeats a step until it is asked to stop.
    fn spawn(
        &mut self,
        db: &Db,
        services: &Arc<Services>,
        name: &str,
        step: impl Fn(&Db, &Services, &Arc<WatchedThread>, &mut Schedule) + Send + Sync + 'static,
    ) -> std::io::Result<()> {
        let (given, services, signals) = (db.clone(), Arc::clone(services), Arc::new(Signals::default()));
        self.0.push(Arc::clone(&signals));
        db.watchdog().spawn(name, move |thread| run_loop(&given, &services, thread, &signals, &step))
    }

    /// Asks the threads to stop and waits up to five seconds. Another worker continues unfinished jobs when their
    /// lease expires.
    pub fn stop(self) {
        self.0.iter().for_each(|signals| signals.stop.store(true, Ordering::Relaxed));
        let deadline = Instant::now() + Duration::from_secs(5);
        let stopped = || self.0.iter().all(|signals| signals.stopped.load(Ordering::Relaxed));
        while !stopped() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What jobs need besides the database.
#[derive(Debug)]
struct Services {
    mailer: Mailer,
    blobs: Blobs,
}

fn run_loop(
    db: &Db,
    services: &Services,
    thread: &Arc<WatchedThread>,
    signals: &Signals,
    step: &impl Fn(&Db, &Services, &Arc<WatchedThread>, &mut Schedule),
) {
    let mut schedule = Schedule::default();
    while !thread.is_replaced() {
        if signals.stop.load(Ordering::Relaxed) {
            signals.stopped.store(true, Ordering::Relaxed);
            return;
        }
        let step = AssertUnwindSafe(|| step(db, services, thread, &mut schedule));
        if catch_unwind(step).is_err() {
            log::error!("a worker thread panicked");
            std::thread::sleep(POLL_INTERVAL * 10);
        }
    }
}

/// The times of the last periodic work.
#[derive(Default)]
struct Schedule {
    housekeeping_at: Option<Instant>,
    orphans_at: Option<Instant>,
    vocabulary_at: Option<Instant>,
    reminders_at: Option<Instant>,
    letters_at: Option<Instant>,
    digests_at: Option<Instant>,
}

fn run_next_job(db: &Db, services: &Services, thread: &Arc<WatchedThread>, filter: JobFilter) {
    match db.take_job(filter) {
        Ok(Some(job)) => run_job(db, thread, &job, || dispatch(db, services, &job)),
        Ok(None) => std::thread::sleep(POLL_INTERVAL),
        Err(error) => {
            log::warn!("reading the job queue failed: {error}");
            std::thread::sleep(POLL_INTERVAL * 10);
        }
    }
}

fn is_due(last: &mut Option<Instant>, every: Duration) -> bool {
    let due = last.is_none_or(|at| at.elapsed() > every);
    if due {
        *last = Some(Instant::now());
    }
    due
}

/// Runs the periodic work that is due.
fn run_periodic(db: &Db, services: &Services, schedule: &mut Schedule) {
    if is_due(&mut schedule.housekeeping_at, HOUSEKEEPING_INTERVAL) {
        housekeeping::run(db, &services.blobs);
    }
    if is_due(&mut schedule.orphans_at, ORPHAN_SWEEP_INTERVAL)
        && let Err(error) = housekeeping::remove_orphans(db, &services.blobs)
    {
        log::warn!("the file store was not searched for orphans: {error}");
    }
    if is_due(&mut schedule.vocabulary_at, VOCABULARY_INTERVAL) {
        match vocabulary::update(db) {
            // More words are waiting. Returns first, so that a stop signal is noticed.
            Ok(true) => return schedule.vocabulary_at = None,
            Ok(false) => {}
            Err(error) => log::warn!("new search words were not collected: {error}"),
        }
    }
    if is_due(&mut schedule.reminders_at, REMINDER_INTERVAL) {
        match attention::remind(db) {
            Ok(true) => return schedule.reminders_at = None,
            Ok(false) => {}
            Err(error) => log::warn!("reminders were not told: {error}"),
        }
    }
    if is_due(&mut schedule.letters_at, LETTER_INTERVAL)
        && let Err(error) = letters::queue_at_once(db, DateTime::now())
    {
        log::warn!("letters with notifications were not queued: {error}");
    }
    if is_due(&mut schedule.digests_at, DIGEST_INTERVAL)
        && let Err(error) = letters::queue_digests(db, DateTime::now())
    {
        log::warn!("daily letters were not queued: {error}");
    }
    std::thread::sleep(POLL_INTERVAL);
}

/// Runs a job and stores its outcome. A panic fails the job but not the worker.
pub fn run_job(db: &Db, thread: &Arc<WatchedThread>, job: &Job, work: impl FnOnce() -> Result<()>) {
    log::info!("job {} ({}) starts at {}", job.id, job.kind, job.done);
    let outcome = if job.attempts > queue::ATTEMPTS {
        Err(Error::new(Code::Conflict, "the job failed after five attempts"))
    } else {
        let _heartbeat = spawn_heartbeat(db, thread, job);
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::internal("the job panicked")))
    };
    // The database or a mail server is temporarily unavailable. The job is retried later.
    if outcome
        .as_ref()
        .is_err_and(|e| matches!(e.code(), Code::DatabaseUnavailable | Code::FilesUnavailable | Code::Overloaded))
    {
        log::warn!("job {} ({}) will be retried later", job.id, job.kind);
        // If the database is unavailable, the lease expires and another worker retries the job.
        if let Err(error) = db.retry_later(job) {
            log::info!("job {} was not rescheduled: {error}", job.id);
        }
        return;
    }
    let outcome = outcome.map_err(|error| match error {
        Error::Problem(problem) => problem.detail,
        other => {
            log::error!("job {}: {other}", job.id);
            "an internal error occurred and was logged".into()
        }
    });
    match db.run_blocking(|conn| in_transaction(conn, |conn| finish(conn, job, outcome.clone()))) {
        Ok(true) => {}
        Ok(false) => log::info!("job {} yielded, was cancelled, or is run by another worker", job.id),
        Err(error) => log::error!("storing the outcome of job {} failed: {error}", job.id),
    }
}

fn finish(conn: &mut PgConnection, job: &Job, outcome: Result<(), String>) -> Result<bool> {
    let failed = outcome.is_err();
    let ended = queue::finish(conn, job, outcome)?;
    if ended && failed {
        on_failure(conn, job)?;
        if job.kind.parse() == Ok(JobKind::Import) {
            imports::undo::dispatch::tell_failure(conn, job)?;
        }
    }
    Ok(ended)
}

/// Updates the record of a failed or cancelled job.
pub fn on_failure(conn: &mut PgConnection, job: &Job) -> Result<()> {
    match job.kind.parse() {
        Ok(JobKind::Import) => imports::undo::dispatch::failed(conn, job),
        _ => Ok(()),
    }
}

/// Starts a thread that renews the lease of a job until the sender is dropped or the worker thread is replaced.
/// Without it, another worker would take over the job during a long statement.
fn spawn_heartbeat(db: &Db, thread: &Arc<WatchedThread>, job: &Job) -> Option<Sender<()>> {
    let (heartbeat, wait) = std::sync::mpsc::channel::<()>();
    let (db, thread, job) = (db.clone(), Arc::clone(thread), job.clone());
    let beats = std::thread::Builder::new().name("heartbeat".into()).spawn(move || {
        while wait.recv_timeout(queue::HEARTBEAT) == Err(RecvTimeoutError::Timeout) && !thread.is_replaced() {
            if let Err(error) = db.renew_lease(&job) {
                log::warn!("the lease of job {} was not renewed: {error}", job.id);
            }
        }
    });
    beats
        .inspect_err(|error| log::error!("starting the heartbeat thread of a job failed: {error}"))
        .ok()
        .map(|_| heartbeat)
}

fn dispatch(db: &Db, services: &Services, job: &Job) -> Result<()> {
    let kind: JobKind = job.kind.parse().map_err(|_| Error::internal(format!("there is no job kind {}", job.kind)))?;
    match kind {
        JobKind::Import => imports::undo::dispatch::run(db, job),
        JobKind::Mail => mailer::run(db, &services.mailer, job),
        JobKind::Notifications => letters::run(db, &services.mailer, job),
        JobKind::PurgeFiles => housekeeping::purge_erased(db, &services.blobs, job),
        JobKind::Bulk => bulk::run(db, job),
        JobKind::Retag => records::tags::run(db, job),
    }
}
