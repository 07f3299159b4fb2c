//! What the work of a request gets: `Tx`, a connection with the actor, and the events that it records. `transaction.rs`
//! opens and commits it.
use crate::db::event::Event;
use crate::db::fair_queue::Account;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::Action;
use crate::kernel::error::Result;
use crate::kernel::values::time::DateTime;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::pg::PgConnection;
use serde_json::Value as Json;
use uuid::Uuid;

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

impl<'c> Tx<'c> {
    /// Creates the `Tx` of a request that begins now.
    pub(in crate::db) fn new(conn: &'c mut PgConnection, request: &'c Request) -> Tx<'c> {
        let Request { actor, id: request_id, permission, .. } = request;
        let (now, permission) = (DateTime::now(), *permission);
        Tx { conn, actor, now, unnumbered: false, request_id, permission, events: Vec::new() }
    }

    /// Removes and returns the recorded events.
    pub(in crate::db) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

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

    /// Returns the recorded events, in the order of the changes.
    pub fn recorded_events(&self) -> &[Event] {
        &self.events
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

/// An idempotency key and its request.
#[derive(Clone, Debug)]
pub struct Claim {
    pub key: String,
    /// SHA-256 of method, path and body.
    pub hash: Vec<u8>,
    /// The user, or the API key.
    pub principal: Uuid,
    /// The response contains a secret, which is shown only once and not saved.
    pub secret: bool,
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
    /// The job that does the work.
    pub job: Option<Uuid>,
}

impl Request {
    /// Creates a request for internal work, such as a job.
    pub fn internal(actor: Actor, id: String) -> Request {
        Request { actor, id, claim: None, permission: None, address: None, job: None }
    }

    /// Creates a request for a part of a job.
    pub fn of_job(actor: Actor, id: String, job: Uuid) -> Request {
        Request { job: Some(job), ..Request::internal(actor, id) }
    }

    pub(in crate::db) fn account(&self) -> Account {
        Account { workspace: self.actor.workspace, user: self.actor.user }
    }
}

/// Rolls back to the last begin. If that fails, the connection is broken, which the pool notices; the caller gets the
/// error of the work.
pub(in crate::db) fn rollback(conn: &mut PgConnection) {
    if let Err(error) = AnsiTransactionManager::rollback_transaction(conn) {
        log::warn!("cannot roll back a transaction: {error}");
    }
}
