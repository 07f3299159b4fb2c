//! Threads that wait for PostgreSQL, and what happens when one waits for an answer that will not come.
//!
//! libpq waits without limit for a connection that has gone silent, as when a firewall has forgotten it or a pooler hangs. The
//! database ends every statement after some seconds, so a thread that has waited much longer waits for nothing: another thread
//! takes its place, new connections take the place of all the old ones, and the thread ends whenever its connection does.
use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use std::cell::{Cell, RefCell};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Weak};
use std::time::{Duration, Instant};

/// Twice what the database gives a statement.
const SILENT: Duration = Duration::from_secs(20);
const ROUND: Duration = Duration::from_secs(1);
/// Threads that may be given up and still wait: beyond it the line is broken for good, and more threads would not help.
const LOST_MAX: usize = 64;

thread_local! {
    static QUERIES: Cell<u32> = const { Cell::new(0) };
    static POST: RefCell<Option<Arc<Post>>> = const { RefCell::new(None) };
}

/// Statements that this thread has sent so far.
pub fn queries() -> u32 {
    QUERIES.get()
}

/// A thread's place in the line: since when it waits, and whether another has taken over.
#[derive(Debug, Default)]
pub struct Post {
    /// Milliseconds on the process' clock; 0 while it does not wait.
    since: AtomicU64,
    given_up: AtomicBool,
}

impl Post {
    /// Whether another thread stands here now; this one may finish what it does, and ends.
    pub fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    fn is_silent(&self) -> bool {
        let since = self.since.load(Ordering::Relaxed);
        since > 0 && clock().saturating_sub(since) > u64::try_from(SILENT.as_millis()).unwrap_or(u64::MAX)
    }
}

fn clock() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

/// Makes every connection count its statements and tell when it waits.
pub fn instrument() -> Result<(), impl std::error::Error> {
    set_default_instrumentation(|| {
        let note: Box<dyn Instrumentation> = Box::new(|event: InstrumentationEvent<'_>| match event {
            InstrumentationEvent::StartQuery { .. } => {
                QUERIES.set(QUERIES.get().wrapping_add(1));
                waits_since(clock());
            }
            InstrumentationEvent::FinishQuery { .. } => waits_since(0),
            _ => {}
        });
        Some(note)
    })
}

/// The thread turns to something else: a statement that could not even be sent is not waited for.
pub fn at_ease() {
    waits_since(0);
}

fn waits_since(instant: u64) {
    POST.with_borrow(|post| {
        if let Some(post) = post {
            post.since.store(instant, Ordering::Relaxed);
        }
    });
}

type Duty = Arc<dyn Fn(&Arc<Post>) + Send + Sync>;

struct Manned {
    name: String,
    post: Arc<Post>,
    duty: Duty,
}

/// All threads that are looked after.
pub struct Watch {
    posts: Mutex<Vec<Manned>>,
    renew: Box<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Watch {
    /// `renew` makes the connections anew.
    pub fn begin(renew: impl Fn() + Send + Sync + 'static) -> io::Result<Arc<Watch>> {
        let watch = Arc::new(Watch { posts: Mutex::default(), renew: Box::new(renew) });
        let weak = Arc::downgrade(&watch);
        std::thread::Builder::new().name("db-watch".into()).spawn(move || rounds(&weak))?;
        Ok(watch)
    }

    /// A thread for a duty that returns when it is over, or when the post was given up.
    pub fn man(&self, name: &str, duty: impl Fn(&Arc<Post>) + Send + Sync + 'static) -> io::Result<()> {
        let duty: Duty = Arc::new(duty);
        let post = stand(name, &duty)?;
        self.locked(|posts| posts.push(Manned { name: name.to_owned(), post, duty }));
        Ok(())
    }

    fn locked<T>(&self, work: impl FnOnce(&mut Vec<Manned>) -> T) -> T {
        work(&mut self.posts.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Replaces whoever waits in vain, and forgets those that have ended.
    fn round(&self, lost: &mut Vec<Weak<Post>>) {
        lost.retain(|post| post.strong_count() > 0);
        let replaced = self.locked(|posts| {
            // A post that nobody but this list holds belongs to a thread that has ended.
            posts.retain(|manned| Arc::strong_count(&manned.post) > 1);
            posts
                .iter_mut()
                .filter(|manned| manned.post.is_silent())
                .map(|manned| replace(manned, lost))
                .filter(|done| *done)
                .count()
        });
        if replaced > 0 {
            (self.renew)();
        }
    }
}

fn rounds(watch: &Weak<Watch>) {
    let mut lost = Vec::new();
    loop {
        std::thread::sleep(ROUND);
        let Some(watch) = watch.upgrade() else { return };
        watch.round(&mut lost);
    }
}

fn replace(manned: &mut Manned, lost: &mut Vec<Weak<Post>>) -> bool {
    if lost.len() >= LOST_MAX {
        return false;
    }
    log::error!("{} has waited for the database for more than {SILENT:?}: another thread takes over", manned.name);
    match stand(&manned.name, &manned.duty) {
        Ok(post) => {
            manned.post.given_up.store(true, Ordering::Relaxed);
            lost.push(Arc::downgrade(&std::mem::replace(&mut manned.post, post)));
            true
        }
        Err(error) => {
            log::error!("no thread for {}: {error}", manned.name);
            false
        }
    }
}

fn stand(name: &str, duty: &Duty) -> io::Result<Arc<Post>> {
    let (post, duty) = (Arc::new(Post::default()), Arc::clone(duty));
    let mine = Arc::clone(&post);
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        POST.set(Some(Arc::clone(&mine)));
        duty(&mine);
    })?;
    Ok(post)
}
