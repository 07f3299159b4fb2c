//! A change event: its name, its record, and the old and new values.
use crate::kernel::access::record::Record;
use crate::kernel::error::{Error, Result};
use crate::kernel::fields::kind::Kind;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

/// A change to be recorded.
#[derive(Debug)]
pub struct Event {
    pub(in crate::db) name: String,
    pub(in crate::db) kind: Kind,
    pub(in crate::db) record: Uuid,
    /// The version after the change, for records with versions.
    pub(in crate::db) version: Option<i64>,
    pub(in crate::db) changes: Json,
    /// The previous values of the silent members.
    silent: Map<String, Json>,
}

/// Members that are not recorded: they change with every write, or only order a board.
const SILENT: [&str; 6] = ["version", "updated_at", "edited_at", "last_activity_at", "next_task", "board_position"];

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

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn record(&self) -> Uuid {
        self.record
    }

    pub fn version(&self) -> Option<i64> {
        self.version
    }

    pub fn is_creation(&self) -> bool {
        self.name.ends_with(".created")
    }

    /// Returns the value that the change gave a member.
    pub fn new_value(&self, member: &str) -> Option<&Json> {
        self.changes.get(member)?.get(1)
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
    pub(in crate::db) fn is_silent_change(&self) -> bool {
        self.changes.as_object().is_none_or(Map::is_empty)
    }

    pub(in crate::db) fn diff<R: Record>(row: &R, verb: &str, before: &Json, after: &Json) -> Event {
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

/// Returns the members of a record as events name them, with each custom field on its own: `cf.region`.
pub fn recorded_members(row: &Json) -> Map<String, Json> {
    let mut own = own_fields(&json!({}), row);
    own.values_mut().for_each(|pair| *pair = pair.get_mut(1).map(Json::take).unwrap_or_default());
    let built = row.as_object().into_iter().flatten();
    let built = built.filter(|(name, _)| !SILENT.contains(&name.as_str()) && *name != OWN_FIELDS);
    built.map(|(name, value)| (name.clone(), value.clone())).chain(own).collect()
}

/// Returns the members whose changes are not recorded, of those that the record has.
pub fn silent_members(row: &Json) -> Vec<String> {
    SILENT.iter().filter(|name| row.get(**name).is_some()).map(|name| (*name).to_owned()).collect()
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

pub(in crate::db) fn to_json(row: &impl serde::Serialize) -> Result<Json> {
    serde_json::to_value(row).map_err(Error::internal)
}
