//! The connections, and the threads that work with them. Each kind of work has threads of its own, so that reports and searches cannot
//! starve the rest, and in each pool workspaces and users take turns.
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
    /// Threads of a worker.
    pub worker_threads: u32,
}

#[derive(Debug)]
struct ThreadPools {
    quick: ThreadPool<Connections>,
    searches: ThreadPool<Connections>,
    reports: ThreadPool<Connections>,
    /// Without a connection: what takes long by itself.
    files: ThreadPool<()>,
}

/// How many connections of each kind.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub quick: u32,
    pub searches: u32,
    pub reports: u32,
    /// Threads of a worker, each with up to three connections.
    pub worker_threads: u32,
}

/// Files that are read at once, each of another workspace: a file of the largest size takes some hundred megabytes.
const FILES: u32 = 2;
const FILES_SHARES: Shares =
    Shares { workspace: 1, user: 1, waiting: 64, waiting_of_workspace: 16, waiting_of_user: 16 };
/// Whoever has waited behind the files of others for so long is told to come again.
const FILES_DEADLINE: Duration = Duration::from_secs(60);

/// What a connection is set to where its role does not say it, and what it must do without behind a pooler.
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
        };
        Ok(Db { pools: Arc::new(pools), connections, watchdog, worker_threads: size.worker_threads })
    }

    /// The threads that wait for this database.
    pub fn watchdog(&self) -> &Watchdog {
        &self.watchdog
    }

    /// Runs a piece of work on a database thread, for somebody who has not said yet who it is.
    pub async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        self.run_for(Account::ANONYMOUS, work).await
    }

    /// As `run`, on somebody's account.
    pub async fn run_for<T, F>(&self, account: Account, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        self.pools.quick.run(account, with_connection(work)).await
    }

    /// As `run_for`, in the share that searches have.
    pub async fn search<T, F>(&self, account: Account, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        self.pools.searches.run(account, with_connection(work)).await
    }

    /// As `run_for`, in the share that reports have.
    pub async fn report<T, F>(&self, account: Account, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        self.pools.reports.run(account, with_connection(work)).await
    }

    /// Runs what takes time and memory and no connection, such as reading a file: one piece per workspace at a time.
    pub async fn offload<T, F>(&self, account: Account, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        self.pools.files.run_within(FILES_DEADLINE, account, move |()| work()).await
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

/// How often a connection was lost so far.
static LOST_CONNECTIONS: AtomicU32 = AtomicU32::new(0);

/// The losses that a connection has outlived.
struct CheckedAt(u32);

/// The pool, and what it takes to make another.
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
        // Work has a connection, its progress and its heartbeat; short jobs, those that are urgent, and housekeeping come beside it.
        let most = size.quick + size.searches + size.reports + 3 * size.worker_threads + 5;
        let pool = builder(most, mode)
            .build(ConnectionManager::new(&url))
            .map_err(|e| Error::new(Code::DatabaseUnavailable, format!("cannot connect to PostgreSQL: {e}")))?;
        Ok(Connections { url, most, mode, pool: RwLock::new(pool) })
    }

    /// Other connections for whoever asks from now on.
    fn renew(&self) {
        let pool = builder(self.most, self.mode).build_unchecked(ConnectionManager::new(&self.url));
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
                // The pool sees that it is broken when it goes back, and makes another.
                Err(error) => log::info!("a connection of before is gone: {error}"),
            }
        }
    }
}

fn builder(most: u32, mode: ConnectionMode) -> r2d2::Builder<ConnectionManager<PgConnection>> {
    Pool::builder()
        .max_size(most)
        .min_idle(Some(1))
        // A SELECT 1 per request would cost a quarter of the speed; a broken connection is noticed and replaced after one failure.
        .test_on_check_out(false)
        .connection_timeout(Duration::from_secs(3))
        .connection_customizer(Box::new(Session(mode)))
}

/// How long libpq waits for a server that does not answer: in seconds, but the last in milliseconds. By itself it would wait for ever.
const TIMEOUTS: [(&str, &str); 6] = [
    ("connect_timeout", "5"),
    ("keepalives", "1"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "20000"),
];

/// The connection string, a URL or `name=value` pairs, with the limits it does not set itself.
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
    Error::new(Code::DatabaseUnavailable, "the database cannot be reached; try again soon")
}

/// A database that is away or too slow is the caller's 503, not a fault of ours.
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
                // The words of PgBouncer.
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
    log::warn!("lost the database: {sql}");
    Error::new(Code::DatabaseUnavailable, "the database cannot be reached; try again soon")
}
