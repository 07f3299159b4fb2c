//! Compares a record with what an import wrote, and plans how to take the changes back field by field.
use crate::kernel::fields::custom::CustomFields;
use crate::kernel::fields::kind::Kind;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// A change by the import: `{"member": [old, new]}`.
#[derive(Clone, Debug)]
pub struct Write {
    pub version: i64,
    pub changes: Map<String, Json>,
}

/// What to do with a record.
#[derive(Debug, Default, PartialEq)]
pub struct Plan {
    /// The body of an update.
    pub changes: Map<String, Json>,
    /// The stage to which a lead or deal returns, and the members that go with it.
    pub place: Option<Map<String, Json>>,
    /// The members that somebody changed since, each with the version that the import gave the record.
    pub conflicts: Vec<(String, i64)>,
    /// The members that no request can set.
    pub unsettable: Vec<String>,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.place.is_none()
    }
}

/// The members that change with the stage of a lead or deal.
pub const PLACE: [&str; 9] = [
    "pipeline_id",
    "stage_id",
    "status",
    "stage_entered_at",
    "closed_at",
    "closed_by_id",
    "loss_reason_id",
    "loss_note",
    "forecast_category",
];

/// Members that show the first item of a list. The list is taken back.
const DERIVED: [(&str, &str); 2] = [("email", "emails"), ("phone", "phones")];

/// Plans how to take back writes, the latest first. `settable` are the members of an update.
pub fn plan(record: &Json, writes: &[Write], settable: &[&str], own: &CustomFields, kind: Kind) -> Plan {
    let before = members(record);
    let mut review = Review { now: before.clone(), blocked: BTreeSet::new(), conflicts: Vec::new(), moved: false };
    for write in writes {
        review.take_back(write);
    }
    let Review { now, conflicts, moved, .. } = review;
    let mut plan = Plan { conflicts, ..Plan::default() };
    if moved {
        let place = PLACE.iter().filter_map(|name| Some(((*name).to_owned(), now.get(*name)?.clone())));
        plan.place = Some(place.collect());
    }
    let differing = now.iter().filter(|(name, value)| !same(before.get(*name).unwrap_or(&Json::Null), value));
    for (name, value) in differing.filter(|(name, _)| !(moved && PLACE.contains(&name.as_str()))) {
        match name.strip_prefix("cf.") {
            Some(key) => match own.of(kind).find(|field| field.key == key) {
                Some(field) => put(&mut plan.changes, key, field.kind.member(), value),
                None => plan.unsettable.push(name.clone()),
            },
            None if settable.contains(&name.as_str()) => {
                plan.changes.insert(name.clone(), input(name, value));
            }
            None => plan.unsettable.push(name.clone()),
        }
    }
    plan
}

/// Adds the value of a custom field to the body of an update.
fn put(changes: &mut Map<String, Json>, key: &str, member: &str, value: &Json) {
    let list = changes.entry("custom_fields").or_insert_with(|| json!([]));
    if let Some(list) = list.as_array_mut() {
        list.push(if is_empty(value) { json!({ "key": key }) } else { json!({ "key": key, member: value }) });
    }
}

/// Converts a member of a record to that of an update.
fn input(name: &str, value: &Json) -> Json {
    let mut value = value.clone();
    if name == "phones" {
        for phone in value.as_array_mut().into_iter().flatten().filter_map(Json::as_object_mut) {
            phone.remove("e164");
        }
    }
    value
}

/// Returns the members of a record by name, its custom fields as `cf.key`, as in events.
fn members(record: &Json) -> BTreeMap<String, Json> {
    let mut members = BTreeMap::new();
    for (name, value) in record.as_object().into_iter().flatten() {
        if name != "custom_fields" {
            members.insert(name.clone(), value.clone());
            continue;
        }
        for field in value.as_array().into_iter().flatten().filter_map(Json::as_object) {
            let key = field.get("key").and_then(Json::as_str).unwrap_or_default();
            let held = field.iter().find(|(member, value)| *member != "key" && !is_empty(value));
            members.insert(format!("cf.{key}"), held.map(|(_, value)| value.clone()).unwrap_or_default());
        }
    }
    members
}

fn is_empty(value: &Json) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn same(one: &Json, other: &Json) -> bool {
    one == other || is_empty(one) && is_empty(other)
}

/// The members of a record while changes are taken back, one write after the other.
struct Review {
    now: BTreeMap<String, Json>,
    /// The members of which an earlier change must not be taken back, because a later one stays.
    blocked: BTreeSet<String>,
    conflicts: Vec<(String, i64)>,
    moved: bool,
}

impl Review {
    fn take_back(&mut self, write: &Write) {
        let moves = write.changes.contains_key("stage_id");
        if moves {
            self.take_back_move(write);
        }
        let derived = |name: &str| DERIVED.iter().any(|(one, list)| *one == name && self.now.contains_key(*list));
        let plain = |name: &str| !(derived(name) || moves && PLACE.contains(&name));
        let plain: Vec<_> = write.changes.iter().filter(|(name, _)| plain(name)).collect();
        for (name, pair) in plain {
            let (Some(old), Some(new)) = (pair.get(0), pair.get(1)) else { continue };
            self.take_back_member(name, old, new, write.version);
        }
    }

    fn current(&self, name: &str) -> Json {
        self.now.get(name).cloned().unwrap_or_default()
    }

    fn take_back_member(&mut self, name: &str, old: &Json, new: &Json, version: i64) {
        if self.blocked.contains(name) {
            return;
        }
        let current = self.current(name);
        if same(&current, new) {
            self.now.insert(name.to_owned(), old.clone());
            return;
        }
        if same(&current, old) {
            return;
        }
        let (value, conflicts) = parts(name, &current, old, new);
        self.now.insert(name.to_owned(), value);
        if !conflicts.is_empty() {
            self.blocked.insert(name.to_owned());
        }
        self.conflicts.extend(conflicts.into_iter().map(|name| (name, version)));
    }

    /// Takes back a move to another stage, with what goes with it.
    fn take_back_move(&mut self, write: &Write) {
        let side = |name: &str, n: usize| write.changes.get(name).and_then(|pair| pair.get(n));
        if self.blocked.contains("stage_id") {
            return;
        }
        let current = self.current("stage_id");
        let holds = |name: &str| side(name, 1).is_none_or(|new| same(&self.current(name), new));
        if holds("stage_id") && holds("stage_entered_at") {
            let former = PLACE.iter().filter(|name| holds(name));
            let former = former.filter_map(|name| Some(((*name).to_owned(), side(name, 0)?.clone())));
            let former: Vec<(String, Json)> = former.collect();
            self.now.extend(former);
            self.moved = true;
        } else if side("stage_id", 0).is_none_or(|old| !same(&current, old)) {
            self.blocked.insert("stage_id".into());
            self.conflicts.push(("stage_id".into(), write.version));
        }
    }
}

/// Takes back the parts of a value that are still as the import wrote them. Returns the value, and the names of the
/// members that stay.
fn parts(name: &str, current: &Json, old: &Json, new: &Json) -> (Json, Vec<String>) {
    let list = |value: &Json| value.as_array().cloned().or_else(|| value.is_null().then(Vec::new));
    match (current, list(current), list(old), list(new)) {
        (Json::Object(now), ..) if name == "person" => person(now, old, new),
        (_, Some(now), Some(old), Some(new)) => items(&now, &old, &new)
            .map_or_else(|| (current.clone(), vec![name.to_owned()]), |value| (Json::Array(value), Vec::new())),
        _ => (current.clone(), vec![name.to_owned()]),
    }
}

/// Takes back the members of the person of a lead one by one.
fn person(now: &Map<String, Json>, old: &Json, new: &Json) -> (Json, Vec<String>) {
    let (mut person, mut conflicts) = (now.clone(), Vec::new());
    let names: BTreeSet<&String> = [old, new].into_iter().filter_map(Json::as_object).flat_map(Map::keys).collect();
    let member = |value: &Json, name: &str| value.get(name).cloned().unwrap_or_default();
    for name in names {
        let (old, new) = (member(old, name), member(new, name));
        let current = now.get(name).cloned().unwrap_or_default();
        if same(&old, &new) || same(&current, &old) {
            continue;
        }
        if same(&current, &new) {
            person.insert(name.clone(), old);
        } else {
            conflicts.push(format!("person.{name}"));
        }
    }
    (Json::Object(person), conflicts)
}

/// What identifies an item of a list: a tag itself, an address, a contact.
fn key(item: &Json) -> &Json {
    ["email", "phone", "contact_id"].iter().find_map(|name| item.get(*name)).unwrap_or(item)
}

/// Removes the items that the import added and adds those that it removed. Returns nothing if somebody changed one of
/// them, or if the import only changed their order.
fn items(now: &[Json], old: &[Json], new: &[Json]) -> Option<Vec<Json>> {
    let find = |list: &[Json], item: &Json| list.iter().find(|one| key(one) == key(item)).cloned();
    let (mut result, mut differs) = (now.to_vec(), false);
    for item in new {
        let (before, current) = (find(old, item), find(now, item));
        if before.as_ref() == Some(item) {
            continue;
        }
        differs = true;
        match (before, current) {
            (_, None) => {}
            (before, Some(current)) if before.as_ref() == Some(&current) => {}
            (before, Some(current)) if current == *item => {
                let at = result.iter().position(|one| one == item)?;
                result.splice(at..=at, before);
            }
            _ => return None,
        }
    }
    for item in old.iter().filter(|item| find(new, item).is_none()) {
        differs = true;
        if find(&result, item).is_none() {
            result.push(item.clone());
        }
    }
    differs.then_some(result)
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
