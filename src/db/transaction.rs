//! Transactions: idempotency claim, the work of a request, event rows, saved reply, commit. Only this module opens them.
use crate::db::pool::Db;
use crate::db::tx::{Request, Tx, rollback};
use crate::db::{events, idempotency, notices, related, watchdog};
use crate::kernel::access::next_task::{self, Viewer};
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::{Code, Error, Result};
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::pg::PgConnection;
use diesel::result::{DatabaseErrorKind, Error as Sql};
use std::time::{Duration, Instant};

/// The number of attempts after deadlocks and serialization failures, which PostgreSQL asks clients to retry.
const TRIES: u32 = 4;
/// The first statement of a report.
const SNAPSHOT: &str = "set transaction isolation level repeatable read read only";

impl Db {
    /// Reads without a transaction, so that one statement is one round trip.
    pub async fn read<F>(&self, request: Request, work: F) -> Result<Reply>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<Answer> + Send + 'static,
    {
        self.run_for(request.account(), move |conn| timed(|| finish(&mut tx(conn, &request), work))).await
    }

    /// Like `read`, for slow queries, on the threads and connections for searches.
    pub async fn read_search<F>(&self, request: Request, work: F) -> Result<Reply>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<Answer> + Send + 'static,
    {
        self.search(request.account(), move |conn| timed(|| finish(&mut tx(conn, &request), work))).await
    }

    /// Like `read`, for any value.
    pub async fn read_value<T, F>(&self, request: Request, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.run_for(request.account(), move |conn| work(&mut tx(conn, &request))).await
    }

    /// Like `read`, for reports, on their threads and connections, in one snapshot.
    pub async fn read_report<F>(&self, request: Request, work: F) -> Result<Reply>
    where
        F: Fn(&mut Tx<'_>) -> Result<Answer> + Send + 'static,
    {
        self.report(request.account(), move |conn| {
            timed(|| transaction(conn, &request, SNAPSHOT, &|tx: &mut Tx<'_>| finish(tx, &work)))
        })
        .await
    }

    /// Like `read_report`, for a value that is written into a file by a thread without a connection.
    pub async fn read_report_file<T, F, W>(&self, request: Request, work: F, write: W) -> Result<Reply>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
        W: FnOnce(T) -> Result<Reply> + Send + 'static,
    {
        let account = request.account();
        let read = self.report(account, move |conn| measured(|| transaction(conn, &request, SNAPSHOT, &work)));
        let (value, effort) = read.await?;
        let reply = self.draw(account, move || write(value)).await?;
        Ok(effort.noted(reply))
    }

    /// Writes in one transaction, once per idempotency key.
    pub async fn write<F>(&self, request: Request, work: F) -> Result<Reply>
    where
        F: Fn(&mut Tx<'_>) -> Result<Answer> + Send + 'static,
    {
        self.run_for(request.account(), move |conn| timed(|| retry_transient(|| write(conn, &request, &work)))).await
    }

    /// Writes on the calling thread, for workers and commands.
    pub fn write_blocking<T>(&self, request: &Request, work: impl Fn(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        self.run_blocking(|conn| retry_transient(|| transaction(conn, request, "", &work)))
    }

    /// Does the work and rolls it back, for dry runs.
    pub async fn rehearse<F>(&self, request: Request, work: F) -> Result<Reply>
    where
        F: Fn(&mut Tx<'_>) -> Result<Answer> + Send + 'static,
    {
        self.run_for(request.account(), move |conn| {
            timed(|| rehearse(conn, &request, &|tx: &mut Tx<'_>| finish(tx, &work)))
        })
        .await
    }

    /// Like `rehearse`, on the calling thread and without a time limit.
    pub fn rehearse_blocking<T>(&self, request: &Request, work: impl Fn(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        let unnumbered = |tx: &mut Tx<'_>| {
            tx.unnumbered = true;
            work(tx)
        };
        self.run_blocking(|conn| rehearse(conn, request, &unnumbered))
    }
}

fn rehearse<T>(conn: &mut PgConnection, request: &Request, work: &impl Fn(&mut Tx<'_>) -> Result<T>) -> Result<T> {
    AnsiTransactionManager::begin_transaction(&mut *conn)?;
    let outcome = work(&mut tx(conn, request));
    rollback(conn);
    outcome
}

/// Begins the work of a request on a connection.
fn tx<'c>(conn: &'c mut PgConnection, request: &'c Request) -> Tx<'c> {
    let tx = Tx::new(conn, request);
    let (zone, visible) = (tx.actor.settings.own_time_zone, related::visible_next_task(tx.actor));
    next_task::set_viewer(Viewer { now: tx.now, zone, visible });
    tx
}

/// Runs the work of an actor inside a transaction that began without one: a registration creates its actor.
pub fn run_as<T>(conn: &mut PgConnection, request: &Request, work: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
    let mut tx = tx(conn, request);
    let value = work(&mut tx)?;
    let recorded = tx.take_events();
    events::write(&mut tx, &recorded, request)?;
    notices::of_events(&mut tx, &recorded, request)?;
    Ok(value)
}

/// Runs the work and finishes its answer. Every answer passes here, so hidden fields are cleared in one place.
fn finish(tx: &mut Tx<'_>, work: impl FnOnce(&mut Tx<'_>) -> Result<Answer>) -> Result<Reply> {
    work(tx)?.finish(tx.actor)
}

fn write(conn: &mut PgConnection, request: &Request, work: &impl Fn(&mut Tx<'_>) -> Result<Answer>) -> Result<Reply> {
    let Some(claim) = &request.claim else {
        return transaction(conn, request, "", &|tx: &mut Tx<'_>| finish(tx, work));
    };
    transaction(conn, request, "", &|tx: &mut Tx<'_>| {
        if let Some(reply) = idempotency::claim(tx, claim)? {
            return Ok(reply);
        }
        let reply = finish(tx, work)?;
        idempotency::save(tx, claim, &reply)?;
        Ok(reply)
    })
}

fn transaction<T>(
    conn: &mut PgConnection,
    request: &Request,
    first: &str,
    work: &impl Fn(&mut Tx<'_>) -> Result<T>,
) -> Result<T> {
    use diesel::connection::SimpleConnection;
    in_transaction(conn, |conn| {
        if !first.is_empty() {
            conn.batch_execute(first)?;
        }
        run_as(conn, request, work)
    })
}

/// Runs work in a transaction; called directly for work without a workspace, such as sign-in and the job queue.
pub fn in_transaction<T>(conn: &mut PgConnection, work: impl FnOnce(&mut PgConnection) -> Result<T>) -> Result<T> {
    AnsiTransactionManager::begin_transaction(&mut *conn)?;
    match work(conn) {
        Ok(value) => AnsiTransactionManager::commit_transaction(&mut *conn).map(|()| value).map_err(Error::from),
        Err(error) => {
            rollback(conn);
            Err(error)
        }
    }
}

/// The number of statements of some work, and their duration in microseconds.
struct Effort {
    queries: u32,
    micros: u64,
}

impl Effort {
    fn noted(self, mut reply: Reply) -> Reply {
        (reply.head.queries, reply.head.micros) = (self.queries, self.micros);
        reply
    }
}

fn measured<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Effort)> {
    let (queries, start) = (watchdog::queries(), Instant::now());
    let value = work()?;
    let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    Ok((value, Effort { queries: watchdog::queries().wrapping_sub(queries), micros }))
}

/// Adds the number of statements and their duration.
fn timed(work: impl FnOnce() -> Result<Reply>) -> Result<Reply> {
    measured(work).map(|(reply, effort)| effort.noted(reply))
}

/// Retries work that PostgreSQL ended in favour of another transaction. Returns 503 when all attempts ended so.
fn retry_transient<T>(mut work: impl FnMut() -> Result<T>) -> Result<T> {
    for attempt in 1..=TRIES {
        match work() {
            Err(Error::Sql(error)) if is_transient(&error) => log::info!("attempt {attempt} of {TRIES} ended: {error}"),
            outcome => return outcome,
        }
        std::thread::sleep(pause_after(attempt));
    }
    Err(Error::new(Code::Overloaded, "other requests change the same records; try again later"))
}

/// A random pause, longer after each attempt, so that two transactions that ended each other do not meet again.
fn pause_after(attempt: u32) -> Duration {
    let mut byte = [0];
    let random = getrandom::fill(&mut byte).map_or(0, |()| u64::from(byte[0]));
    Duration::from_millis(1 + random / 8 * u64::from(attempt))
}

fn is_transient(error: &Sql) -> bool {
    match error {
        Sql::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        Sql::DatabaseError(_, info) => info.message() == "deadlock detected",
        _ => false,
    }
}
