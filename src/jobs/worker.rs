//! The worker: takes the oldest job, does it, takes the next. Any number of workers share one queue.
use crate::db::pool::Db;
use crate::db::queue::{self, Job};
use crate::identity::letters;
use crate::intake::imports;
use crate::jobs::{bulk, housekeeping};
use crate::kernel::error::{Code, Error, Result};
use crate::outbound::mail::{self, Mail};
use crate::privacy::erasures;
use crate::records;
use crate::records::files::blobs::Blobs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const IDLE: Duration = Duration::from_millis(300);
/// How often what has expired is removed.
const HOUSEKEEPING: Duration = Duration::from_secs(600);

/// A worker on its own thread; it stops after the job in hand.
#[derive(Debug)]
pub struct Worker {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Worker {
    pub fn start(db: Db, mail: Mail, blobs: Blobs) -> std::io::Result<Worker> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("worker".into())
            .spawn(move || work(&db, &Tools { mail, blobs }, &stopped))?;
        Ok(Worker { stop, thread })
    }

    /// Asks it to stop. What it leaves undone is taken up by another worker when the lease has run out.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        let deadline = std::time::Instant::now() + Duration::from_secs(5);
        while !self.thread.is_finished() && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What jobs work with, besides the database.
#[derive(Debug)]
struct Tools {
    mail: Mail,
    blobs: Blobs,
}

fn work(db: &Db, tools: &Tools, stopped: &AtomicBool) {
    let mut kept_house: Option<Instant> = None;
    while !stopped.load(Ordering::Relaxed) {
        if kept_house.is_none_or(|at| at.elapsed() > HOUSEKEEPING) {
            kept_house = Some(Instant::now());
            if let Err(error) = housekeeping::run(db, &tools.blobs) {
                log::warn!("housekeeping was not finished: {error}");
            }
        }
        match db.take_job() {
            Ok(Some(job)) => finish(db, tools, &job),
            Ok(None) => std::thread::sleep(IDLE),
            Err(error) => {
                log::warn!("the job queue cannot be read: {error}");
                std::thread::sleep(IDLE * 10);
            }
        }
    }
}

fn finish(db: &Db, tools: &Tools, job: &Job) {
    log::info!("job {} ({}) begins at {}", job.id, job.kind, job.done);
    let outcome = kept_alive(db, job, || {
        catch_unwind(AssertUnwindSafe(|| perform(db, tools, job)))
            .unwrap_or_else(|_| Err(Error::internal("the job panicked")))
    });
    // What is away comes back, the database or a mail server: the job stays under its lease and is tried again.
    if outcome
        .as_ref()
        .is_err_and(|e| matches!(e.code(), Code::DatabaseUnavailable | Code::FilesUnavailable | Code::Overloaded))
    {
        log::warn!("job {} ({}) is tried again later", job.id, job.kind);
        return;
    }
    let told = outcome.map_err(|error| match error {
        Error::Problem(problem) => problem.detail,
        other => {
            log::error!("job {}: {other}", job.id);
            "the fault is ours and has been logged".into()
        }
    });
    if let Err(error) = db.finish_job(job.id, told) {
        log::error!("job {} cannot be ended: {error}", job.id);
    }
}

/// Runs the work while another thread keeps its lease: however long a statement takes, nobody else takes the job up.
fn kept_alive<T>(db: &Db, job: &Job, work: impl FnOnce() -> T) -> T {
    let (done, wait) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while wait.recv_timeout(queue::BEAT) == Err(RecvTimeoutError::Timeout) {
                if let Err(error) = db.keep_job(job.id) {
                    log::warn!("the lease of job {} was not kept: {error}", job.id);
                }
            }
        });
        let outcome = work();
        drop(done);
        outcome
    })
}

fn perform(db: &Db, tools: &Tools, job: &Job) -> Result<()> {
    match job.kind.as_str() {
        imports::run::KIND => imports::run::run(db, job),
        letters::JOB => mail::run(db, &tools.mail, job),
        erasures::PURGE => housekeeping::purge_erased(db, &tools.blobs, job),
        records::bulk::JOB => bulk::run(db, job),
        other => Err(Error::internal(format!("no work is called {other}"))),
    }
}
