//! The worker: hands that take the job whose turn it is, do it, and take the next. Errands and what is urgent have hands of their own, and
//! so does the order of the house. Any number of workers share one queue.
use crate::analytics::vocabulary;
use crate::db::pool::Db;
use crate::db::queue::{self, Job, Lane, Reach};
use crate::db::tx::in_transaction;
use crate::db::watchdog::WatchedThread;
use crate::identity::mail;
use crate::intake::imports;
use crate::jobs::{bulk, housekeeping};
use crate::kernel::error::{Code, Error, Result};
use crate::outbound::mailer::{self, Mailer};
use crate::privacy::erasures;
use crate::records;
use crate::records::files::blobs::Blobs;
use diesel::PgConnection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

const IDLE: Duration = Duration::from_millis(300);
/// How often what has expired is removed.
const HOUSEKEEPING: Duration = Duration::from_secs(600);

/// How often new words are gathered for the search.
const GATHERING: Duration = Duration::from_secs(10);
/// How often the file store is looked through for what nobody names.
const LOOKING_THROUGH: Duration = Duration::from_secs(24 * 3600);

/// Of these a workspace has one in hand: a later file names what an earlier one brings.
pub const IN_ORDER: &[&str] = &[imports::run::KIND];
const URGENT: Reach = Reach { lanes: &[Lane::Urgent], in_order: &[], share: 1 };
const ERRANDS: Reach = Reach { lanes: &[Lane::Urgent, Lane::Errand], in_order: &[], share: 2 };

/// Of several hands one is kept free of any one workspace.
const fn work_of(hands: u32) -> Reach {
    let share = if hands > 1 { hands - 1 } else { 1 };
    Reach { lanes: &[Lane::Work], in_order: IN_ORDER, share }
}

/// The threads of a worker; they stop after the job in hand.
#[derive(Debug)]
pub struct Worker(Vec<Arc<Signals>>);

#[derive(Debug, Default)]
struct Signals {
    stop: AtomicBool,
    stopped: AtomicBool,
}

impl Worker {
    pub fn start(db: Db, mailer: Mailer, blobs: Blobs) -> std::io::Result<Worker> {
        let (tools, mut worker) = (Arc::new(Tools { mailer, blobs }), Worker(Vec::new()));
        let hands = db.hands.max(1);
        let work = (0..hands).map(|n| (format!("worker-{n}"), work_of(hands)));
        for (name, reach) in work.chain([("urgent".into(), URGENT), ("errands".into(), ERRANDS)]) {
            worker.engage(&db, &tools, &name, move |db, tools, thread, _| take_up(db, tools, thread, reach))?;
        }
        worker.engage(&db, &tools, "house", |db, tools, _, due| keep_house(db, tools, due))?;
        Ok(worker)
    }

    /// A thread that does rounds until it is told to stop.
    fn engage(
        &mut self,
        db: &Db,
        tools: &Arc<Tools>,
        name: &str,
        round: impl Fn(&Db, &Tools, &Arc<WatchedThread>, &mut Due) + Send + Sync + 'static,
    ) -> std::io::Result<()> {
        let (given, tools, signals) = (db.clone(), Arc::clone(tools), Arc::new(Signals::default()));
        self.0.push(Arc::clone(&signals));
        db.watchdog().spawn(name, move |thread| work(&given, &tools, thread, &signals, &round))
    }

    /// Asks it to stop. What it leaves undone is taken up by another worker when the lease has run out.
    pub fn stop(self) {
        self.0.iter().for_each(|signals| signals.stop.store(true, Ordering::Relaxed));
        let deadline = Instant::now() + Duration::from_secs(5);
        let stopped = || self.0.iter().all(|signals| signals.stopped.load(Ordering::Relaxed));
        while !stopped() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What jobs work with, besides the database.
#[derive(Debug)]
struct Tools {
    mailer: Mailer,
    blobs: Blobs,
}

fn work(
    db: &Db,
    tools: &Tools,
    thread: &Arc<WatchedThread>,
    signals: &Signals,
    round: &impl Fn(&Db, &Tools, &Arc<WatchedThread>, &mut Due),
) {
    let mut due = Due::default();
    while !thread.is_replaced() {
        if signals.stop.load(Ordering::Relaxed) {
            signals.stopped.store(true, Ordering::Relaxed);
            return;
        }
        let round = AssertUnwindSafe(|| round(db, tools, thread, &mut due));
        if catch_unwind(round).is_err() {
            log::error!("a round of the worker panicked");
            std::thread::sleep(IDLE * 10);
        }
    }
}

/// When the worker did last what is not a job.
#[derive(Default)]
struct Due {
    kept_house: Option<Instant>,
    looked_through: Option<Instant>,
    gathered: Option<Instant>,
}

fn take_up(db: &Db, tools: &Tools, thread: &Arc<WatchedThread>, reach: Reach) {
    match db.take_job(reach) {
        Ok(Some(job)) => carry_out(db, thread, &job, || perform(db, tools, &job)),
        Ok(None) => std::thread::sleep(IDLE),
        Err(error) => {
            log::warn!("the job queue cannot be read: {error}");
            std::thread::sleep(IDLE * 10);
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

/// What nobody waits for.
fn keep_house(db: &Db, tools: &Tools, due: &mut Due) {
    if is_due(&mut due.kept_house, HOUSEKEEPING) {
        housekeeping::run(db, &tools.blobs);
    }
    if is_due(&mut due.looked_through, LOOKING_THROUGH)
        && let Err(error) = housekeeping::remove_orphans(db, &tools.blobs)
    {
        log::warn!("the file store was not looked through: {error}");
    }
    if is_due(&mut due.gathered, GATHERING) {
        match vocabulary::gather(db) {
            // What is left comes at once, after whoever asks to stop.
            Ok(true) => return due.gathered = None,
            Ok(false) => {}
            Err(error) => log::warn!("new words were not gathered: {error}"),
        }
    }
    std::thread::sleep(IDLE);
}

/// Does a job that was taken and ends it; a panic is the job's failure, not the worker's.
pub fn carry_out(db: &Db, thread: &Arc<WatchedThread>, job: &Job, work: impl FnOnce() -> Result<()>) {
    log::info!("job {} ({}) begins at {}", job.id, job.kind, job.done);
    let outcome = if job.attempts > queue::ATTEMPTS {
        Err(Error::new(Code::Conflict, "it was tried five times"))
    } else {
        let _heart = keep_alive(db, thread, job);
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::internal("the job panicked")))
    };
    // What is away comes back, the database or a mail server: the job stays under its lease and is tried again.
    if outcome
        .as_ref()
        .is_err_and(|e| matches!(e.code(), Code::DatabaseUnavailable | Code::FilesUnavailable | Code::Overloaded))
    {
        log::warn!("job {} ({}) is tried again later", job.id, job.kind);
        // While the database is away the lease does it.
        if let Err(error) = db.put_off(job) {
            log::info!("job {} was not put off: {error}", job.id);
        }
        return;
    }
    let told = outcome.map_err(|error| match error {
        Error::Problem(problem) => problem.detail,
        other => {
            log::error!("job {}: {other}", job.id);
            "the fault is ours and has been logged".into()
        }
    });
    match db.run_blocking(|conn| in_transaction(conn, |conn| end(conn, job, told.clone()))) {
        Ok(true) => {}
        Ok(false) => log::info!("job {} gave way, was cancelled, or another worker has it", job.id),
        Err(error) => log::error!("job {} cannot be ended: {error}", job.id),
    }
}

fn end(conn: &mut PgConnection, job: &Job, outcome: Result<(), String>) -> Result<bool> {
    let failed = outcome.is_err();
    let ended = queue::finish(conn, job, outcome)?;
    if ended && failed {
        clear_up(conn, job)?;
    }
    Ok(ended)
}

/// What has to know that a job did not succeed.
pub fn clear_up(conn: &mut PgConnection, job: &Job) -> Result<()> {
    match job.kind.as_str() {
        imports::run::KIND => imports::run::failed(conn, job),
        _ => Ok(()),
    }
}

/// A thread that keeps the lease of a job until the answer is dropped, or the worker replaced: however long a statement takes,
/// nobody else takes the job up.
fn keep_alive(db: &Db, thread: &Arc<WatchedThread>, job: &Job) -> Option<Sender<()>> {
    let (heart, wait) = std::sync::mpsc::channel::<()>();
    let (db, thread, job) = (db.clone(), Arc::clone(thread), job.clone());
    let beats = std::thread::Builder::new().name("heartbeat".into()).spawn(move || {
        while wait.recv_timeout(queue::BEAT) == Err(RecvTimeoutError::Timeout) && !thread.is_replaced() {
            if let Err(error) = db.keep_job(&job) {
                log::warn!("the lease of job {} was not kept: {error}", job.id);
            }
        }
    });
    beats.inspect_err(|error| log::error!("no thread to keep the lease of a job: {error}")).ok().map(|_| heart)
}

fn perform(db: &Db, tools: &Tools, job: &Job) -> Result<()> {
    match job.kind.as_str() {
        imports::run::KIND => imports::run::run(db, job),
        mail::JOB => mailer::run(db, &tools.mailer, job),
        erasures::PURGE => housekeeping::purge_erased(db, &tools.blobs, job),
        records::bulk::JOB => bulk::run(db, job),
        records::tags::JOB => records::tags::run(db, job),
        other => Err(Error::internal(format!("no work is called {other}"))),
    }
}
