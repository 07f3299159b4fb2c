//! Change events: one row per change, with its author, time, old and new values, written in the transaction of the
//! change.
use crate::db::tx::{Request, Tx};
use crate::db::unchanged::Unchanged;
use crate::kernel::access::actor::ActorKind;
use crate::kernel::access::record::Record;
use crate::kernel::error::{Error, Result};
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::time::DateTime;
use crate::schema::events;
use diesel::prelude::*;
use serde_json::{Map, Value as Json, json};
use std::collections::HashMap;
use uuid::Uuid;

/// A change to be recorded.
#[derive(Debug)]
pub struct Event {
    name: String,
    kind: Kind,
    record: Uuid,
    /// The version after the change, for records with versions.
    version: Option<i64>,
    changes: Json,
    /// The previous values of the silent members.
    silent: Map<String, Json>,
}

/// Members that change with every write and are not recorded.
const SILENT: [&str; 4] = ["version", "updated_at", "last_activity_at", "next_task"];

impl Event {
    /// Creates `contact.created`, with every member that has a value.
    pub fn created<R: Record>(row: &R) -> Result<Event> {
        Ok(Event::diff(row, "created", &json!({}), &to_json(row)?))
    }

    /// Creates `deal.stage_changed`, with the members that differ: `{"stage_id": [old, new]}`.
    pub fn changed<R: Record>(verb: &str, before: &R, after: &R) -> Result<Event> {
        Ok(Event::diff(after, verb, &to_json(before)?, &to_json(after)?))
    }

    /// Creates an event without old and new values.
    pub fn of(kind: Kind, record: Uuid, verb: &str) -> Event {
        Event {
            name: format!("{}.{verb}", kind.as_str()),
            kind,
            record,
            version: None,
            changes: json!({}),
            silent: Map::new(),
        }
    }

    pub fn deleted<R: Record>(row: &R) -> Result<Event> {
        Ok(Event::of(R::KIND, row.id(), "deleted"))
    }

    /// Restores the values before the change in a record as a response shows it.
    pub fn take_back(&self, record: &mut Json) {
        let same = record.get("id").and_then(Json::as_str) == Some(self.record.to_string().as_str());
        let Some(members) = record.as_object_mut().filter(|_| same) else { return };
        let changed = self.changes.as_object().into_iter().flatten();
        let changed = changed.filter_map(|(name, pair)| Some((name, pair.get(0)?)));
        for (name, old) in changed.chain(&self.silent) {
            members.entry(name.as_str()).and_modify(|value| *value = old.clone());
        }
    }

    /// Checks whether only silent members changed.
    fn is_silent_change(&self) -> bool {
        self.changes.as_object().is_none_or(Map::is_empty)
    }

    fn diff<R: Record>(row: &R, verb: &str, before: &Json, after: &Json) -> Event {
        let mut changes = own_fields(before, after);
        for (name, new) in after.as_object().into_iter().flatten() {
            let old = before.get(name).unwrap_or(&Json::Null);
            let empty = matches!(new, Json::Null) || new.as_array().is_some_and(Vec::is_empty);
            if old != new && !(old.is_null() && empty) && !SILENT.contains(&name.as_str()) && name != OWN_FIELDS {
                changes.insert(name.clone(), json!([old, new]));
            }
        }
        Event {
            name: format!("{}.{verb}", R::KIND.as_str()),
            kind: R::KIND,
            record: row.id(),
            version: after.get("version").and_then(Json::as_i64),
            changes: changes.into(),
            silent: SILENT.iter().filter_map(|name| Some(((*name).to_owned(), before.get(name)?.clone()))).collect(),
        }
    }
}

/// The member with the custom fields of a record.
const OWN_FIELDS: &str = "custom_fields";

/// Returns the changes to custom fields by name: `{"cf.region": ["north", "south"]}`.
fn own_fields(before: &Json, after: &Json) -> Map<String, Json> {
    let mut changes = Map::new();
    for (side, row) in [before, after].into_iter().enumerate() {
        for value in row.get(OWN_FIELDS).and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_object) {
            let key = value.get("key").and_then(Json::as_str).unwrap_or_default();
            let empty = |value: &Json| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            let held = value.iter().find(|(member, value)| *member != "key" && !empty(value)).map(|(_, value)| value);
            let pair = changes.entry(format!("cf.{key}")).or_insert_with(|| json!([null, null]));
            if let Some(slot) = pair.get_mut(side) {
                *slot = held.cloned().unwrap_or_default();
            }
        }
    }
    changes.retain(|_, pair| pair.get(0) != pair.get(1));
    changes
}

fn to_json(row: &impl serde::Serialize) -> Result<Json> {
    serde_json::to_value(row).map_err(Error::internal)
}

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
            for part in many.chunks(5_000) {
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
    }
}
