//! Transactions: idempotency claim, the closure, event rows, saved reply, commit. Only this module opens them.
use crate::db::events::{self, Event};
use crate::db::fair_queue::Account;
use crate::db::idempotency::{self, Claim};
use crate::db::pool::Db;
use crate::db::related;
use crate::db::watchdog;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::Action;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::{Error, Result};
use crate::kernel::values::time::DateTime;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::pg::PgConnection;
use diesel::result::{DatabaseErrorKind, Error as Sql};
use serde_json::Value as Json;
use std::time::Instant;
use uuid::Uuid;

/// The number of attempts after deadlocks and serialization failures, which PostgreSQL asks clients to retry.
const TRIES: u32 = 4;

/// A connection with the actor and the time of a request.
pub struct Tx<'c> {
    pub conn: &'c mut PgConnection,
    pub actor: &'c Actor,
    /// The time of the request, used in the rows that it writes. It is never before the last change of a locked row.
    pub now: DateTime,
    /// A long dry run takes no numbers from the counters, because it would block all creations until it ends.
    pub unnumbered: bool,
    /// The request id, for problems inside a response.
    pub request_id: &'c str,
    permission: Option<(&'static str, Action)>,
    events: Vec<Event>,
}

impl Tx<'_> {
    /// Returns the action on records of a resource: that of the request, or an update as part of it.
    pub fn action_on(&self, resource: &str) -> Action {
        match self.permission {
            Some((named, action @ (Action::Update | Action::Delete))) if named == resource => action,
            _ => Action::Update,
        }
    }

    /// Sets the permission for following actions on other records.
    pub fn set_permission(&mut self, resource: &'static str, action: Action) {
        self.permission = Some((resource, action));
    }

    pub fn workspace(&self) -> Uuid {
        self.actor.workspace
    }

    /// Moves `now` forward to the last change of a locked row, because the transaction that changed it may have started
    /// later.
    pub fn advance_now(&mut self, changed: DateTime) {
        self.now = self.now.max(changed);
    }

    /// Runs the work of an actor inside a transaction that began without one: a registration creates its actor.
    pub fn run_as<T>(
        conn: &mut PgConnection,
        request: &Request,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut tx = tx(conn, request);
        let value = work(&mut tx)?;
        tx.flush(request)?;
        Ok(value)
    }

    fn flush(&mut self, request: &Request) -> Result<()> {
        let events = std::mem::take(&mut self.events);
        events::write(self, &events, request)
    }

    /// Records an event; the rows are written before the commit.
    pub fn record(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Returns a record as a response shows it, before the recorded changes.
    pub fn before_changes(&self, after: &Json) -> Json {
        let mut before = after.clone();
        self.events.iter().rev().for_each(|event| event.take_back(&mut before));
        before
    }

    /// Returns the number of recorded events.
    pub fn recorded(&self) -> usize {
        self.events.len()
    }

    /// Drops the recorded events before their changes are rolled back.
    pub fn discard_events(&mut self) {
        self.events.clear();
    }

    pub fn zone(&self) -> chrono_tz::Tz {
        self.actor.settings.time_zone
    }

    pub fn today(&self) -> chrono::NaiveDate {
        crate::kernel::values::time::today(self.now, self.zone())
    }

    /// Runs a part that may fail on its own: on an error, its rows and events are rolled back and the transaction
    /// continues.
    pub fn attempt<T>(&mut self, part: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        let events = self.events.len();
        AnsiTransactionManager::begin_transaction(self.conn)?;
        match part(self) {
            Ok(value) => {
                AnsiTransactionManager::commit_transaction(self.conn)?;
                Ok(value)
            }
            Err(error) => {
                self.events.truncate(events);
                rollback(self.conn);
                Err(error)
            }
        }
    }
}

/// The caller, the request id, and the idempotency key.
#[derive(Clone, Debug)]
pub struct Request {
    pub actor: Actor,
    pub id: String,
    pub claim: Option<Claim>,
    /// The permission of the request: a resource and an action.
    pub permission: Option<(&'static str, Action)>,
    /// The client's address.
    pub address: Option<String>,
}

impl Request {
    /// Creates a request for internal work, such as a job.
    pub fn internal(actor: Actor, id: String) -> Request {
        Request { actor, id, claim: None, permission: None, address: None }
    }

    fn account(&self) -> Account {
        Account { workspace: self.actor.workspace, user: self.actor.user }
    }
}

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
            let snapshot = "set transaction isolation level repeatable read read only";
            timed(|| transaction(conn, &request, snapshot, &|tx: &mut Tx<'_>| finish(tx, &work)))
        })
        .await
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

fn tx<'c>(conn: &'c mut PgConnection, request: &'c Request) -> Tx<'c> {
    crate::kernel::values::time::set_zone(request.actor.settings.own_time_zone);
    crate::kernel::access::next_task::set_narrow(related::narrow(&request.actor));
    let Request { actor, id: request_id, permission, .. } = request;
    let (now, permission) = (DateTime::now(), *permission);
    Tx { conn, actor, now, unnumbered: false, request_id, permission, events: Vec::new() }
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
        Tx::run_as(conn, request, work)
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

/// Rolls back to the last begin. If that fails, the connection is broken, which the pool notices; the caller gets the
/// error of the work.
fn rollback(conn: &mut PgConnection) {
    if let Err(error) = AnsiTransactionManager::rollback_transaction(conn) {
        log::warn!("cannot roll back a transaction: {error}");
    }
}

/// Adds the number of statements and their duration.
fn timed(work: impl FnOnce() -> Result<Reply>) -> Result<Reply> {
    let (queries, start) = (watchdog::queries(), Instant::now());
    let mut reply = work()?;
    reply.head.queries = watchdog::queries().wrapping_sub(queries);
    reply.head.micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    Ok(reply)
}

fn retry_transient<T>(mut work: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 1..TRIES {
        match work() {
            Err(Error::Sql(error)) if is_transient(&error) => log::info!("retrying after: {error}"),
            outcome => return outcome,
        }
    }
    work()
}

fn is_transient(error: &Sql) -> bool {
    match error {
        Sql::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        Sql::DatabaseError(_, info) => info.message() == "deadlock detected",
        _ => false,
    }
}
