//! A few threads that talk to PostgreSQL. A request hands its work to one of them and waits, but never longer than the
//! deadline; a full queue is answered with 503 at once instead of with a longer wait.
use crate::db::watch::{self, Post, Watch};
use crate::kernel::error::{Code, Error, Result};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use diesel::pg::PgConnection;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool, PooledConnection, R2D2Connection};
use diesel::result::{DatabaseErrorKind, Error as Sql};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

/// A request that has waited this long is answered with 503; its work may still be done (hence idempotency keys).
const DEADLINE: Duration = Duration::from_secs(15);
const QUEUE: usize = 256;

type Job = Box<dyn FnOnce(Result<&mut PgConnection>) + Send>;
type Connection = PooledConnection<ConnectionManager<PgConnection>>;

/// One queue with its own threads and connections, so that reports cannot starve the rest.
#[derive(Clone, Debug)]
struct Lane(Sender<Job>);

#[derive(Clone, Debug)]
pub struct Db {
    quick: Lane,
    reports: Lane,
    connections: Arc<Connections>,
    watch: Arc<Watch>,
}

/// How many connections of each kind.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub quick: u32,
    pub reports: u32,
}

/// What every connection is set to. Lists and writes take milliseconds; whatever takes seconds is a runaway.
#[derive(Debug)]
struct Session;

impl CustomizeConnection<PgConnection, diesel::r2d2::Error> for Session {
    fn on_acquire(&self, conn: &mut PgConnection) -> Result<(), diesel::r2d2::Error> {
        use diesel::connection::SimpleConnection;
        conn.batch_execute(
            "set timezone = 'UTC'; set jit = off; set statement_timeout = '10s'; set lock_timeout = '5s'; \
             set idle_in_transaction_session_timeout = '15s'",
        )
        .map_err(diesel::r2d2::Error::QueryError)
    }
}

impl Db {
    pub fn open(url: &str, size: Size) -> Result<Db> {
        watch::instrument().map_err(Error::internal)?;
        let connections = Arc::new(Connections::open(url, size)?);
        let renewed = Arc::clone(&connections);
        let watch = Watch::begin(move || renewed.renew()).map_err(Error::internal)?;
        Ok(Db {
            quick: Lane::open("db", size.quick, &connections, &watch)?,
            reports: Lane::open("report", size.reports, &connections, &watch)?,
            connections,
            watch,
        })
    }

    /// The threads that wait for this database.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Runs a piece of work on a database thread.
    pub async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        self.quick.run(work).await
    }

    /// As `run`, in the small share that reports have.
    pub async fn report<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        self.reports.run(work).await
    }

    /// Runs on the calling thread, for workers and commands, which may block.
    pub fn here<T>(&self, work: impl FnOnce(&mut PgConnection) -> Result<T>) -> Result<T> {
        let mut conn = self.connections.check_out()?;
        let outcome = work(&mut conn).map_err(meaning);
        watch::at_ease();
        outcome
    }
}

/// How often a connection was lost so far.
static LOSSES: AtomicU32 = AtomicU32::new(0);

/// The losses that a connection has outlived.
struct Outlived(u32);

/// The pool, and what it takes to make another.
#[derive(Debug)]
struct Connections {
    url: String,
    most: u32,
    pool: RwLock<Pool<ConnectionManager<PgConnection>>>,
}

impl Connections {
    fn open(url: &str, size: Size) -> Result<Connections> {
        let url = impatient(url);
        let most = size.quick + size.reports + 5; // for a worker, its progress, its heartbeat; for errands, and their heartbeat
        let pool = builder(most)
            .build(ConnectionManager::new(&url))
            .map_err(|e| Error::new(Code::DatabaseUnavailable, format!("cannot connect to PostgreSQL: {e}")))?;
        Ok(Connections { url, most, pool: RwLock::new(pool) })
    }

    /// Other connections for whoever asks from now on.
    fn renew(&self) {
        let pool = builder(self.most).build_unchecked(ConnectionManager::new(&self.url));
        let mut current = self.pool.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, pool);
        drop(current);
        // Closes its connections, while others use the new one already.
        drop(old);
    }

    /// A connection. After one was lost the others are asked whether they still live, each once: when the database comes back, no
    /// request has to fail on the connections of the time before.
    fn check_out(&self) -> Result<Connection> {
        let pool = self.pool.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        loop {
            let mut conn = pool.get().map_err(unavailable)?;
            let losses = LOSSES.load(Ordering::Relaxed);
            let outlived = PooledConnection::extensions(&conn).get::<Outlived>().map(|outlived| outlived.0);
            if outlived == Some(losses) || (outlived.is_none() && losses == 0) {
                return Ok(conn);
            }
            match conn.ping() {
                Ok(()) => {
                    PooledConnection::extensions_mut(&mut conn).insert(Outlived(losses));
                    return Ok(conn);
                }
                // The pool sees that it is broken when it goes back, and makes another.
                Err(error) => log::info!("a connection of before is gone: {error}"),
            }
        }
    }
}

fn builder(most: u32) -> r2d2::Builder<ConnectionManager<PgConnection>> {
    Pool::builder()
        .max_size(most)
        .min_idle(Some(1))
        // A SELECT 1 per request would cost a quarter of the speed; a broken connection is noticed and replaced after one failure.
        .test_on_check_out(false)
        .connection_timeout(Duration::from_secs(3))
        .connection_customizer(Box::new(Session))
}

/// How long libpq waits for a server that does not answer: in seconds, but the last in milliseconds. By itself it would wait for ever.
const LIMITS: [(&str, &str); 6] = [
    ("connect_timeout", "5"),
    ("keepalives", "1"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "20000"),
];

/// The connection string, a URL or `name=value` pairs, with the limits it does not set itself.
fn impatient(url: &str) -> String {
    let is_url = url.starts_with("postgres://") || url.starts_with("postgresql://");
    LIMITS.iter().filter(|(name, _)| !url.contains(&format!("{name}="))).fold(url.to_owned(), |url, (name, value)| {
        let joint = match (is_url, url.contains('?')) {
            (true, false) => '?',
            (true, true) => '&',
            (false, _) => ' ',
        };
        format!("{url}{joint}{name}={value}")
    })
}

fn unavailable(error: r2d2::Error) -> Error {
    log::warn!("no database connection: {error}");
    Error::new(Code::DatabaseUnavailable, "the database cannot be reached; try again soon")
}

impl Lane {
    fn open(name: &str, threads: u32, connections: &Arc<Connections>, watch: &Watch) -> Result<Lane> {
        let (jobs, queue) = bounded::<Job>(QUEUE);
        for n in 0..threads {
            let (queue, connections) = (queue.clone(), Arc::clone(connections));
            watch
                .man(&format!("{name}-{n}"), move |post| serve(&queue, &connections, post))
                .map_err(Error::internal)?;
        }
        Ok(Lane(jobs))
    }

    async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        let busy = || Error::new(Code::Overloaded, "too many requests are waiting for the database; try again soon");
        let (answer, wait) = tokio::sync::oneshot::channel();
        let job: Job = Box::new(move |conn| {
            // A caller that went away while waiting costs nothing.
            if !answer.is_closed() {
                let _ = answer.send(conn.and_then(work).map_err(meaning));
            }
        });
        match self.0.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => return Err(busy()),
        }
        match tokio::time::timeout(DEADLINE, wait).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Error::internal("the work on the database panicked")),
            Err(_) => Err(busy()),
        }
    }
}

fn serve(queue: &Receiver<Job>, connections: &Connections, post: &Post) {
    while !post.is_given_up() {
        let Ok(job) = queue.recv() else { return };
        // A panic must not end the thread: the caller sees its answer dropped, the connection is checked when it goes back.
        let outcome = catch_unwind(AssertUnwindSafe(|| match connections.check_out() {
            Ok(mut conn) => job(Ok(&mut conn)),
            Err(error) => job(Err(error)),
        }));
        watch::at_ease();
        if outcome.is_err() {
            log::error!("a piece of database work panicked");
        }
    }
}

/// A database that is away or too slow is the caller's 503, not a fault of ours.
fn meaning(error: Error) -> Error {
    let Error::Sql(sql) = &error else { return error };
    match sql {
        Sql::BrokenTransactionManager | Sql::DatabaseError(DatabaseErrorKind::ClosedConnection, _) => gone(sql),
        Sql::DatabaseError(_, info) => {
            let message = info.message();
            if message.contains("statement timeout") || message.contains("lock timeout") {
                log::warn!("too slow: {message}");
                return Error::new(Code::Overloaded, "the database took too long; try again soon");
            }
            if message.contains("No space left on device") {
                log::error!("PostgreSQL has no room: {message}");
                return Error::new(Code::Overloaded, "the database has no room; try again later");
            }
            let lost = [
                "terminating connection",
                "server closed the connection",
                "connection to server",
                "could not send",
                "no connection",
            ];
            if lost.iter().any(|words| message.contains(words)) { gone(sql) } else { error }
        }
        _ => error,
    }
}

fn gone(sql: &Sql) -> Error {
    LOSSES.fetch_add(1, Ordering::Relaxed);
    log::warn!("lost the database: {sql}");
    Error::new(Code::DatabaseUnavailable, "the database cannot be reached; try again soon")
}
