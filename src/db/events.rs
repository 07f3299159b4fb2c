//! The rows of change events: one per change, with its author, time, old and new values, written in the transaction of
//! the change.
use crate::db::event::{Event, to_json};
use crate::db::tx::{Request, Tx};
use crate::db::unchanged::Unchanged;
use crate::kernel::access::actor::ActorKind;
use crate::kernel::access::record::Record;
use crate::kernel::error::{Error, Result};
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::time::DateTime;
use crate::schema::events;
use diesel::prelude::*;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use uuid::Uuid;

#[derive(Insertable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
struct NewRow<'a> {
    workspace_id: Uuid,
    id: Uuid,
    at: DateTime,
    type_: &'a str,
    record_kind: &'a str,
    record_id: Uuid,
    record_version: Option<i64>,
    actor_kind: ActorKind,
    actor_id: Option<Uuid>,
    request_id: &'a str,
    address: Option<&'a str>,
    changes: &'a Json,
    api_key_id: Option<Uuid>,
    job_id: Option<Uuid>,
}

/// Records the change of each row, and returns the rows in the order of `before`. A row without changes keeps its
/// version, and no event is recorded.
pub fn record_changes<R: Record + Clone>(tx: &mut Tx<'_>, before: &[&R], after: Vec<R>) -> Result<Vec<R>> {
    let mut after: HashMap<Uuid, R> = after.into_iter().map(|row| (row.id(), row)).collect();
    let (mut rows, mut unchanged) = (Vec::with_capacity(before.len()), Unchanged::default());
    for before in before.iter().copied() {
        let row =
            after.remove(&before.id()).ok_or_else(|| Error::internal("the update did not return a changed row"))?;
        let old = to_json(before)?;
        let event = Event::diff(&row, "updated", &old, &to_json(&row)?);
        if event.is_silent_change() {
            unchanged.push(row.id(), &old);
            rows.push(before.clone());
        } else {
            tx.record(event);
            rows.push(row);
        }
    }
    unchanged.put_back::<R>(tx)?;
    Ok(rows)
}

/// Like `record_changes`, for one row.
pub fn record_change<R: Record + Clone>(tx: &mut Tx<'_>, before: &R, after: R) -> Result<R> {
    record_changes(tx, &[before], vec![after])?
        .pop()
        .ok_or_else(|| Error::internal("the update did not return a changed row"))
}

/// An event outside the request of an actor, such as a sign-in.
#[derive(Clone, Copy, Debug)]
pub struct OutsideEvent<'a> {
    pub workspace: Uuid,
    pub user: Uuid,
    /// For example `session.opened`.
    pub name: &'a str,
    pub kind: Kind,
    pub record: Uuid,
    /// The IP address of the client.
    pub address: Option<&'a str>,
}

pub fn record_outside_request(conn: &mut PgConnection, event: OutsideEvent<'_>) -> Result<()> {
    let row = NewRow {
        workspace_id: event.workspace,
        id: Uuid::now_v7(),
        at: DateTime::now(),
        type_: event.name,
        record_kind: event.kind.as_str(),
        record_id: event.record,
        record_version: None,
        actor_kind: ActorKind::User,
        actor_id: Some(event.user),
        request_id: "",
        address: event.address,
        changes: &json!({}),
        api_key_id: None,
        job_id: None,
    };
    diesel::insert_into(events::table).values(row).execute(conn)?;
    Ok(())
}

pub(in crate::db) fn write(tx: &mut Tx<'_>, list: &[Event], request: &Request) -> Result<()> {
    let row = |event| new_row(event, tx.now, request);
    match list {
        [] => {}
        // The insert of one row is a statement that diesel keeps prepared; that of a batch is not.
        [one] => {
            diesel::insert_into(events::table).values(row(one)).execute(tx.conn)?;
        }
        // PostgreSQL accepts at most 65,535 binds.
        many => {
            for part in many.chunks(4_000) {
                let rows: Vec<NewRow<'_>> = part.iter().map(|event| new_row(event, tx.now, request)).collect();
                diesel::insert_into(events::table).values(&rows).execute(tx.conn)?;
            }
        }
    }
    Ok(())
}

fn new_row<'a>(event: &'a Event, at: DateTime, request: &'a Request) -> NewRow<'a> {
    NewRow {
        workspace_id: request.actor.workspace,
        id: Uuid::now_v7(),
        at,
        type_: &event.name,
        record_kind: event.kind.as_str(),
        record_id: event.record,
        record_version: event.version,
        actor_kind: request.actor.actor_kind,
        actor_id: Some(request.actor.user),
        request_id: &request.id,
        address: request.address.as_deref(),
        changes: &event.changes,
        api_key_id: request.actor.api_key(),
        job_id: request.job,
    }
}
