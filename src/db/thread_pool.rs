//! A pool of threads with a fair queue. A request passes its task to a thread and waits until the deadline; if the
//! queue is full, it gets 503 immediately.
use crate::db::fair_queue::{Account, FairQueue, Shares, Ticket};
use crate::db::watchdog::{self, Watchdog, WatchedThread};
use crate::kernel::error::{Code, Error, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A request that has waited this long gets 503; its task may still run, so clients need idempotency keys.
const DEADLINE: Duration = Duration::from_secs(15);
/// The `Retry-After` of refused requests, in seconds.
const RETRY_AFTER: u32 = 2;

type Job<C> = Box<dyn FnOnce(&C) + Send>;

/// Threads that share a `C`. They end when the pool is dropped.
pub struct ThreadPool<C>(Arc<FairQueue<Job<C>>>);

impl<C> std::fmt::Debug for ThreadPool<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ThreadPool").finish_non_exhaustive()
    }
}

impl<C> Drop for ThreadPool<C> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<C: Send + Sync + 'static> ThreadPool<C> {
    pub fn open(name: &str, threads: u32, shares: Shares, with: &Arc<C>, watchdog: &Watchdog) -> Result<ThreadPool<C>> {
        let queue: Arc<FairQueue<Job<C>>> = Arc::new(FairQueue::new(shares));
        for n in 0..threads {
            let (queue, with, current) = (Arc::clone(&queue), Arc::clone(with), CurrentJob::default());
            watchdog
                .spawn(&format!("{name}-{n}"), move |thread| serve(&queue, &with, &current, thread))
                .map_err(Error::internal)?;
        }
        Ok(ThreadPool(queue))
    }

    pub async fn run<T, F>(&self, account: Account, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&C) -> Result<T> + Send + 'static,
    {
        self.run_within(DEADLINE, account, work).await
    }

    pub async fn run_within<T, F>(&self, deadline: Duration, account: Account, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&C) -> Result<T> + Send + 'static,
    {
        let (answer, wait) = tokio::sync::oneshot::channel();
        let job: Job<C> = Box::new(move |with| {
            // The client may have disconnected while waiting.
            if !answer.is_closed() {
                let _ = answer.send(work(with));
            }
        });
        self.0
            .push(account, job)
            .map_err(|_| busy("too many of your requests are waiting; send fewer requests at once"))?;
        match tokio::time::timeout(deadline, wait).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Error::internal("a database task panicked")),
            Err(_) => Err(busy("the request has waited too long in the queue; try again later")),
        }
    }
}

fn busy(detail: &str) -> Error {
    Error::new(Code::Overloaded, detail).with(|problem| problem.retry_after = Some(RETRY_AFTER))
}

/// The current task of a thread. If the thread is replaced, its successor releases the share of the task.
#[derive(Default)]
struct CurrentJob(Mutex<Option<Ticket>>);

impl CurrentJob {
    fn replace<J>(&self, queue: &FairQueue<J>, next: Option<Ticket>) {
        let before = std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), next);
        if let Some(ticket) = before {
            queue.done(ticket);
        }
    }
}

fn serve<C>(queue: &FairQueue<Job<C>>, with: &C, current: &CurrentJob, thread: &WatchedThread) {
    current.replace(queue, None);
    while !thread.is_replaced() {
        let Some((ticket, job)) = queue.take() else { return };
        current.replace(queue, Some(ticket));
        // A panic must not end the thread: the caller notices the dropped channel, and the connection is checked when
        // it returns.
        let outcome = catch_unwind(AssertUnwindSafe(|| job(with)));
        watchdog::mark_idle();
        queue.done(ticket);
        if outcome.is_err() {
            log::error!("a database task panicked");
        }
    }
}
