//! Connections and database threads. Searches and reports have threads of their own, so that they cannot starve other
//! requests; each pool has a fair queue of workspaces and users.
use crate::db::fair_queue::{Account, Shares};
use crate::db::pooler::{ConnectionMode, SESSION};
use crate::db::thread_pool::ThreadPool;
use crate::db::watchdog::{self, Watchdog};
use crate::kernel::error::{Code, Error, Result};
use diesel::connection::{CacheSize, Connection as _, SimpleConnection};
use diesel::pg::PgConnection;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool, PooledConnection, R2D2Connection};
use diesel::result::{DatabaseErrorKind, Error as Sql};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

type Connection = PooledConnection<ConnectionManager<PgConnection>>;

#[derive(Clone, Debug)]
pub struct Db {
    pools: Arc<ThreadPools>,
    connections: Arc<Connections>,
    watchdog: Arc<Watchdog>,
    /// The number of worker threads.
    pub worker_threads: u32,
}

#[derive(Debug)]
struct ThreadPools {
    quick: ThreadPool<Connections>,
    searches: ThreadPool<Connections>,
    reports: ThreadPool<Connections>,
    /// For long tasks without a connection.
    files: ThreadPool<()>,
    /// For workbooks and pictures of reports, so that they do not wait for the files of imports.
    drawings: ThreadPool<()>,
}

/// The number of connections of each kind.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub quick: u32,
    pub searches: u32,
    pub reports: u32,
    /// The number of worker threads, each with up to three connections.
    pub worker_threads: u32,
}

/// The number of files parsed at once, each of another workspace: a file of the maximum size needs some hundred
/// megabytes.
const FILES: u32 = 2;
const FILES_SHARES: Shares =
    Shares { workspace: 1, user: 1, waiting: 64, waiting_of_workspace: 16, waiting_of_user: 16 };
/// The number of reports drawn at once, each of another workspace: the largest one needs some ten megabytes.
const DRAWINGS: u32 = 2;
/// The deadline for waiting behind files of other workspaces; after it the request is refused.
const FILES_DEADLINE: Duration = Duration::from_secs(60);

/// Prepares a new connection: sets defaults that its role lacks, and disables prepared statements behind a pooler.
#[derive(Debug)]
struct Session(ConnectionMode);

impl CustomizeConnection<PgConnection, diesel::r2d2::Error> for Session {
    fn on_acquire(&self, conn: &mut PgConnection) -> Result<(), diesel::r2d2::Error> {
        if self.0 == ConnectionMode::Pooled {
            conn.set_prepared_statement_cache_size(CacheSize::Disabled);
            return Ok(());
        }
        let wanted = SESSION.map(|(name, value)| format!("('{name}', '{value}')")).join(", ");
        conn.batch_execute(&format!(
            "select set_config(name, value, false) from (values {wanted}) wanted (name, value) join pg_settings using (name) \
             where setting = boot_val"
        ))
        .map_err(diesel::r2d2::Error::QueryError)
    }
}

impl Db {
    pub fn open(url: &str, size: Size, mode: ConnectionMode) -> Result<Db> {
        watchdog::instrument().map_err(Error::internal)?;
        let connections = Arc::new(Connections::open(url, size, mode)?);
        let renewed = Arc::clone(&connections);
        let watchdog = Watchdog::start(move || renewed.renew()).map_err(Error::internal)?;
        let pool = |name, threads: u32| {
            let shares = Shares::of(usize::try_from(threads).unwrap_or(1));
            ThreadPool::open(name, threads, shares, &connections, &watchdog)
        };
        let pools = ThreadPools {
            quick: pool("db", size.quick)?,
            searches: pool("search", size.searches)?,
            reports: pool("report", size.reports)?,
            files: ThreadPool::open("file", FILES, FILES_SHARES, &Arc::new(()), &watchdog)?,
            drawings: ThreadPool::open("drawing", DRAWINGS, FILES_SHARES, &Arc::new(()), &watchdog)?,
        };
        Ok(Db { pools: Arc::new(pools), connections, watchdog, worker_threads: size.worker_threads })
    }

    /// Returns the watchdog of the database threads.
    pub fn watchdog(&self) -> &Watchdog {
        &self.watchdog
    }

    /// Runs a task on a database thread for an unauthenticated caller.
    pub async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        self.run_for(Account::ANONYMOUS, work).await
    }

    /// Like `run`, for an account in the fair queue.
    pub async fn run_for<T, F>(&self, account: Account, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        self.pools.quick.run(account, with_connection(work)).await
    }

    /// Like `run_for`, on the threads for searches.
    pub async fn search<T, F>(&self, account: Account, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        self.pools.searches.run(account, with_connection(work)).await
    }

    /// Like `run_for`, on the threads for reports.
    pub async fn report<T, F>(&self, account: Account, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        self.pools.reports.run(account, with_connection(work)).await
    }

    /// Runs a task without a connection that needs time and memory, such as parsing a file: one task per workspace at a
    /// time.
    pub async fn offload<T, F>(&self, account: Account, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        self.pools.files.run_within(FILES_DEADLINE, account, move |()| work()).await
    }

    /// Like `offload`, for the workbooks and pictures of reports.
    pub async fn draw<T, F>(&self, account: Account, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        self.pools.drawings.run(account, move |()| work()).await
    }

    /// Runs on the calling thread, for workers and commands, which may block.
    pub fn run_blocking<T>(&self, work: impl FnOnce(&mut PgConnection) -> Result<T>) -> Result<T> {
        let mut conn = self.connections.check_out()?;
        let outcome = work(&mut conn).map_err(classify);
        watchdog::mark_idle();
        outcome
    }
}

fn with_connection<T>(
    work: impl FnOnce(&mut PgConnection) -> Result<T> + Send + 'static,
) -> impl FnOnce(&Connections) -> Result<T> + Send + 'static {
    move |connections| {
        let mut conn = connections.check_out()?;
        work(&mut conn).map_err(classify)
    }
}

/// The number of lost connections so far.
static LOST_CONNECTIONS: AtomicU32 = AtomicU32::new(0);

/// The value of `LOST_CONNECTIONS` when a connection was last checked.
struct CheckedAt(u32);

/// The pool, and the parameters to replace it.
#[derive(Debug)]
struct Connections {
    url: String,
    most: u32,
    mode: ConnectionMode,
    pool: RwLock<Pool<ConnectionManager<PgConnection>>>,
}

impl Connections {
    fn open(url: &str, size: Size, mode: ConnectionMode) -> Result<Connections> {
        let url = with_timeouts(url);
        // A worker needs a connection each for the task, its progress and its heartbeat; the others are for short jobs,
        // urgent jobs and housekeeping.
        let most = size.quick + size.searches + size.reports + 3 * size.worker_threads + 5;
        let pool = builder(most, mode)
            .build(ConnectionManager::new(&url))
            .map_err(|e| Error::new(Code::DatabaseUnavailable, format!("cannot connect to PostgreSQL: {e}")))?;
        Ok(Connections { url, most, mode, pool: RwLock::new(pool) })
    }

    /// Replaces the pool, so that later requests get new connections.
    fn renew(&self) {
        let pool = builder(self.most, self.mode).build_unchecked(ConnectionManager::new(&self.url));
        let mut current = self.pool.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, pool);
        drop(current);
        // Dropping closes the old connections while other threads already use the new pool.
        drop(old);
    }

    /// Returns a connection. After a connection was lost, each of the others is checked once, so that no request fails
    /// on an old connection when the database is available again.
    fn check_out(&self) -> Result<Connection> {
        let pool = self.pool.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        loop {
            let mut conn = pool.get().map_err(unavailable)?;
            let losses = LOST_CONNECTIONS.load(Ordering::Relaxed);
            let checked_at = PooledConnection::extensions(&conn).get::<CheckedAt>().map(|checked_at| checked_at.0);
            if checked_at == Some(losses) || (checked_at.is_none() && losses == 0) {
                return Ok(conn);
            }
            match conn.ping() {
                Ok(()) => {
                    PooledConnection::extensions_mut(&mut conn).insert(CheckedAt(losses));
                    return Ok(conn);
                }
                // The pool notices on return that the connection is broken, and replaces it.
                Err(error) => log::info!("an old connection is broken: {error}"),
            }
        }
    }
}

fn builder(most: u32, mode: ConnectionMode) -> r2d2::Builder<ConnectionManager<PgConnection>> {
    Pool::builder()
        .max_size(most)
        .min_idle(Some(1))
        // A SELECT 1 per request would cost a quarter of the throughput; a broken connection is replaced after one
        // failure.
        .test_on_check_out(false)
        .connection_timeout(Duration::from_secs(3))
        .connection_customizer(Box::new(Session(mode)))
}

/// Timeouts of libpq for a server that does not respond: in seconds, except the last one, in milliseconds. By default
/// libpq waits forever.
const TIMEOUTS: [(&str, &str); 6] = [
    ("connect_timeout", "5"),
    ("keepalives", "1"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "20000"),
];

/// Adds the timeouts that a connection string, a URL or `name=value` pairs, does not set itself.
fn with_timeouts(url: &str) -> String {
    let is_url = url.starts_with("postgres://") || url.starts_with("postgresql://");
    TIMEOUTS.iter().filter(|(name, _)| !url.contains(&format!("{name}="))).fold(url.to_owned(), |url, (name, value)| {
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
    Error::new(Code::DatabaseUnavailable, "the database cannot be reached; try again later")
}

/// Maps an unavailable or slow database to 503.
fn classify(error: Error) -> Error {
    let Error::Sql(sql) = &error else { return error };
    match sql {
        Sql::BrokenTransactionManager | Sql::DatabaseError(DatabaseErrorKind::ClosedConnection, _) => {
            connection_lost(sql)
        }
        Sql::DatabaseError(_, info) => {
            let message = info.message();
            if message.contains("statement timeout") || message.contains("lock timeout") {
                log::warn!("too slow: {message}");
                return Error::new(Code::Overloaded, "the database took too long; try again later");
            }
            if message.contains("No space left on device") {
                log::error!("PostgreSQL has no disk space: {message}");
                return Error::new(Code::Overloaded, "the database has no disk space; try again later");
            }
            let lost = [
                "terminating connection",
                "server closed the connection",
                "connection to server",
                "could not send",
                "no connection",
                // Messages of PgBouncer.
                "server conn crashed",
                "server login",
                "pgbouncer cannot connect",
                "query_wait_timeout",
                "no more connections allowed",
            ];
            if lost.iter().any(|words| message.contains(words)) { connection_lost(sql) } else { error }
        }
        _ => error,
    }
}

fn connection_lost(sql: &Sql) -> Error {
    LOST_CONNECTIONS.fetch_add(1, Ordering::Relaxed);
    log::warn!("lost the connection to the database: {sql}");
    Error::new(Code::DatabaseUnavailable, "the database cannot be reached; try again later")
}
