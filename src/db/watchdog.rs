//! The watchdog of database threads: it replaces threads that wait for a response that will not come.
//!
//! libpq waits without limit on a connection that has gone silent, for example when a firewall dropped it or a pooler
//! hangs. The database ends every statement after some seconds, so a thread that has waited much longer is stuck: a new
//! thread takes over, all connections are replaced, and the stuck thread ends when its connection does.
use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use std::cell::{Cell, RefCell};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Weak};
use std::time::{Duration, Instant};

/// Twice the statement timeout.
const STUCK_AFTER: Duration = Duration::from_secs(20);
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// The maximum number of replaced threads that still wait: beyond it the network is broken, and more threads do not
/// help.
const LOST_MAX: usize = 64;

thread_local! {
    static QUERIES: Cell<u32> = const { Cell::new(0) };
    static CURRENT: RefCell<Option<Arc<WatchedThread>>> = const { RefCell::new(None) };
}

/// Returns the number of statements that this thread has sent.
pub fn queries() -> u32 {
    QUERIES.get()
}

/// The state of one database thread: since when it waits, and whether another thread has replaced it.
#[derive(Debug, Default)]
pub struct WatchedThread {
    /// Milliseconds on the clock of the process; 0 while the thread does not wait.
    since: AtomicU64,
    replaced: AtomicBool,
}

impl WatchedThread {
    /// Checks whether another thread has replaced this one, which may finish its task and then ends.
    pub fn is_replaced(&self) -> bool {
        self.replaced.load(Ordering::Relaxed)
    }

    fn is_stuck(&self) -> bool {
        let since = self.since.load(Ordering::Relaxed);
        since > 0 && clock().saturating_sub(since) > u64::try_from(STUCK_AFTER.as_millis()).unwrap_or(u64::MAX)
    }
}

fn clock() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

/// Makes every connection count its statements and report when it waits.
pub fn instrument() -> Result<(), impl std::error::Error> {
    set_default_instrumentation(|| {
        let note: Box<dyn Instrumentation> = Box::new(|event: InstrumentationEvent<'_>| match event {
            InstrumentationEvent::StartQuery { .. } => {
                QUERIES.set(QUERIES.get().wrapping_add(1));
                set_waiting_since(clock());
            }
            InstrumentationEvent::FinishQuery { .. } => set_waiting_since(0),
            _ => {}
        });
        Some(note)
    })
}

/// Marks the thread as not waiting, because a statement that could not be sent has no end event.
pub fn mark_idle() {
    set_waiting_since(0);
}

fn set_waiting_since(instant: u64) {
    CURRENT.with_borrow(|thread| {
        if let Some(thread) = thread {
            thread.since.store(instant, Ordering::Relaxed);
        }
    });
}

type Task = Arc<dyn Fn(&Arc<WatchedThread>) + Send + Sync>;

struct Watched {
    name: String,
    thread: Arc<WatchedThread>,
    task: Task,
}

/// All watched threads.
pub struct Watchdog {
    threads: Mutex<Vec<Watched>>,
    renew: Box<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watchdog").finish_non_exhaustive()
    }
}

impl Watchdog {
    /// Starts the watchdog; `renew` replaces the connections.
    pub fn start(renew: impl Fn() + Send + Sync + 'static) -> io::Result<Arc<Watchdog>> {
        let watchdog = Arc::new(Watchdog { threads: Mutex::default(), renew: Box::new(renew) });
        let weak = Arc::downgrade(&watchdog);
        std::thread::Builder::new().name("db-watch".into()).spawn(move || watch(&weak))?;
        Ok(watchdog)
    }

    /// Starts a thread for a task that returns when it has finished or the thread was replaced.
    pub fn spawn(&self, name: &str, task: impl Fn(&Arc<WatchedThread>) + Send + Sync + 'static) -> io::Result<()> {
        let task: Task = Arc::new(task);
        let thread = start_thread(name, &task)?;
        self.locked(|threads| threads.push(Watched { name: name.to_owned(), thread, task }));
        Ok(())
    }

    fn locked<T>(&self, work: impl FnOnce(&mut Vec<Watched>) -> T) -> T {
        work(&mut self.threads.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Replaces stuck threads, and removes ended ones.
    fn check(&self, lost: &mut Vec<Weak<WatchedThread>>) {
        lost.retain(|thread| thread.strong_count() > 0);
        let replaced = self.locked(|threads| {
            // A thread state without other references belongs to an ended thread.
            threads.retain(|watched| Arc::strong_count(&watched.thread) > 1);
            threads
                .iter_mut()
                .filter(|watched| watched.thread.is_stuck())
                .map(|watched| replace(watched, lost))
                .filter(|done| *done)
                .count()
        });
        if replaced > 0 {
            (self.renew)();
        }
    }
}

fn watch(watchdog: &Weak<Watchdog>) {
    let mut lost = Vec::new();
    loop {
        std::thread::sleep(CHECK_INTERVAL);
        let Some(watchdog) = watchdog.upgrade() else { return };
        watchdog.check(&mut lost);
    }
}

fn replace(watched: &mut Watched, lost: &mut Vec<Weak<WatchedThread>>) -> bool {
    if lost.len() >= LOST_MAX {
        return false;
    }
    log::error!("{} has waited for the database for more than {STUCK_AFTER:?}: a new thread takes over", watched.name);
    match start_thread(&watched.name, &watched.task) {
        Ok(thread) => {
            watched.thread.replaced.store(true, Ordering::Relaxed);
            lost.push(Arc::downgrade(&std::mem::replace(&mut watched.thread, thread)));
            true
        }
        Err(error) => {
            log::error!("cannot start a thread for {}: {error}", watched.name);
            false
        }
    }
}

fn start_thread(name: &str, task: &Task) -> io::Result<Arc<WatchedThread>> {
    let (thread, task) = (Arc::new(WatchedThread::default()), Arc::clone(task));
    let mine = Arc::clone(&thread);
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        CURRENT.set(Some(Arc::clone(&mine)));
        task(&mine);
    })?;
    Ok(thread)
}
