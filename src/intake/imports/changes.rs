//! What a row changes in an existing record.
use crate::intake::imports::custom;
use crate::intake::imports::draft::{Cleared, Draft};
use crate::intake::imports::settings::TagsMode;
use crate::kernel::bodies::shape::{self, Rules, Shape};
use crate::kernel::error::{Error, Result};
use crate::kernel::values::address;
use crate::kernel::values::phones;
use crate::kernel::values::tags;
use crate::sales::stages::Category;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};
use utoipa::ToSchema;

/// How rows change existing records.
#[derive(Clone, Debug)]
pub struct Policy {
    pub tags: TagsMode,
    /// The country of phone numbers.
    pub country: String,
}

/// Returns the members in which a row differs from a record, or `None` if there are none.
pub fn differing<U: ToSchema + DeserializeOwned + Rules + 'static>(
    record: &impl Serialize,
    row: &Draft,
    policy: &Policy,
) -> Result<Option<U>> {
    let record = serde_json::to_value(record).map_err(Error::internal)?;
    let changes = members(&record, row, &Shape::of::<U>(), policy);
    if changes.is_empty() { Ok(None) } else { shape::read(Json::Object(changes)).map(Some) }
}

/// Returns the members of an update.
fn members(record: &Json, row: &Draft, shape: &Shape, policy: &Policy) -> Map<String, Json> {
    let may = shape.names();
    let mut changes = Map::new();
    for (member, new) in &with_expected_close(record, row) {
        let member = member.as_str();
        let name = if member == "tags" && policy.tags == TagsMode::Add { "tags_add" } else { member };
        if may.contains(&name)
            && let Some(value) = changed(record, member, new, policy)
        {
            changes.insert(name.to_owned(), value);
        }
    }
    for cleared in &row.cleared {
        clear(record, cleared, shape, policy, &mut changes);
    }
    if let Some(tag) = &row.tag {
        add_tag(record, tag, &mut changes);
    }
    changes
}

/// Returns the body of a row. The closing date of an open deal is its expected close date.
fn with_expected_close(record: &Json, row: &Draft) -> Map<String, Json> {
    let mut body = row.body.clone();
    let category = row.progress.category.map(Category::as_str);
    let status = category.or_else(|| record.get("status").and_then(Json::as_str));
    if let (Some(day), Some("open")) = (row.progress.expected_close, status) {
        body.entry("expected_close_date").or_insert_with(|| json!(day));
    }
    body
}

/// Returns the new value of a member, or `None` if the record already has it.
fn changed(record: &Json, member: &str, new: &Json, policy: &Policy) -> Option<Json> {
    let Some(old) = record.get(member) else { return Some(new.clone()) };
    let new = match member {
        "person" => with_person(old, new, &policy.country),
        "contacts" => with_contacts(old, new),
        "emails" => with_addresses(record, ("email", "emails"), new, &policy.country),
        "phones" => with_addresses(record, ("phone", "phones"), new, &policy.country),
        "tags" if policy.tags == TagsMode::Add => return missing_tags(old, new),
        _ => new.clone(),
    };
    let same = match member {
        "custom_fields" => custom::all_there(old, &new, same_text),
        "tags" => missing_tags(old, &new).is_none() && missing_tags(&new, old).is_none(),
        "emails" | "phones" => old.as_array().map(Vec::len) == new.as_array().map(Vec::len),
        "email" | "phone" if has_address(record, member, &new, &policy.country) => true,
        _ => *old == new || same_text(old, &new),
    };
    (!same).then_some(new)
}

/// Returns the tags of a row that the record does not have, or `None` if it has all.
fn missing_tags(old: &Json, new: &Json) -> Option<Json> {
    let keys: Vec<String> = old.as_array().into_iter().flatten().filter_map(Json::as_str).map(tags::key).collect();
    let is_missing = |tag: &&Json| tag.as_str().is_some_and(|tag| !keys.contains(&tags::key(tag)));
    let missing: Vec<Json> = new.as_array().into_iter().flatten().filter(is_missing).cloned().collect();
    if missing.is_empty() { None } else { Some(missing.into()) }
}

/// Adds the tag of the import, if the record lacks it.
fn add_tag(record: &Json, tag: &str, changes: &mut Map<String, Json>) {
    let tag = json!([tag]);
    if let Some(Json::Array(tags)) = changes.get_mut("tags") {
        tags.extend(
            missing_tags(&Json::Array(tags.clone()), &tag)
                .into_iter()
                .flat_map(|missing| missing.as_array().cloned().unwrap_or_default()),
        );
        return;
    }
    let Some(Json::Array(missing)) = record.get("tags").and_then(|old| missing_tags(old, &tag)) else { return };
    match changes.get_mut("tags_add").and_then(Json::as_array_mut) {
        Some(added) => added.extend(missing),
        None => drop(changes.insert("tags_add".to_owned(), missing.into())),
    }
}

fn is_empty(value: Option<&Json>) -> bool {
    value.is_none_or(|value| value.is_null() || value.as_array().is_some_and(Vec::is_empty))
}

/// Adds the member that an empty cell clears, if the record has a value that can be cleared.
fn clear(record: &Json, cleared: &Cleared, shape: &Shape, policy: &Policy, changes: &mut Map<String, Json>) {
    match cleared {
        // A contact would otherwise lose one address with each run.
        Cleared::Member(member) if matches!(member.as_str(), "email" | "phone") && record.get("emails").is_some() => {
            let list = format!("{member}s");
            if !is_empty(record.get(&list)) {
                changes.insert(list, json!([]));
            }
        }
        Cleared::Member(member) if is_empty(record.get(member)) => {}
        Cleared::Member(member) if member == "tags" => {
            if policy.tags == TagsMode::Replace {
                changes.insert(member.clone(), json!([]));
            }
        }
        Cleared::Member(member) if shape.takes_null(member) => {
            changes.insert(member.clone(), Json::Null);
        }
        Cleared::Member(_) => {}
        Cleared::Person(member) => {
            let person = changes.get("person").or_else(|| record.get("person")).and_then(Json::as_object);
            let Some(mut person) = person.filter(|person| !is_empty(person.get(*member))).cloned() else { return };
            person.insert((*member).to_owned(), Json::Null);
            changes.insert("person".to_owned(), Json::Object(person));
        }
        Cleared::Custom(key) => clear_custom(record, key, changes),
    }
}

fn clear_custom(record: &Json, key: &str, changes: &mut Map<String, Json>) {
    let values = record.get("custom_fields").and_then(Json::as_array);
    let has = values.into_iter().flatten().any(|value| value.get("key").and_then(Json::as_str) == Some(key));
    let given = changes.entry("custom_fields").or_insert_with(|| json!([]));
    match given.as_array_mut() {
        Some(list) if has => list.push(json!({ "key": key })),
        _ => {}
    }
    if is_empty(changes.get("custom_fields")) {
        changes.remove("custom_fields");
    }
}

/// Returns the person of a lead with the members of the file. Other members do not change.
fn with_person(old: &Json, new: &Json, country: &str) -> Json {
    let mut person = old.as_object().cloned().unwrap_or_default();
    for (member, new) in new.as_object().into_iter().flatten() {
        let text = new.as_str().unwrap_or_default();
        let same = person.get(member).and_then(Json::as_str).is_some_and(|old| match member.as_str() {
            "email" => old == address::email(text),
            "phone" => {
                let read = |text| phones::e164(text, country);
                phones::same((old, read(old).as_deref()), (text, read(text).as_deref()))
            }
            _ => old == text,
        });
        if !same {
            person.insert(member.clone(), new.clone());
        }
    }
    Json::Object(person)
}

/// Returns the contacts of a deal, with those that the file adds.
fn with_contacts(old: &Json, new: &Json) -> Json {
    let id = |contact: &Json| contact.get("contact_id").cloned();
    let mut contacts = old.as_array().cloned().unwrap_or_default();
    for contact in new.as_array().into_iter().flatten() {
        if !contacts.iter().any(|known| id(known) == id(contact)) {
            contacts.push(contact.clone());
        }
    }
    Json::Array(contacts)
}

/// Returns the addresses of a contact, with those that the file adds.
fn with_addresses(record: &Json, (member, list): (&str, &str), new: &Json, country: &str) -> Json {
    let known = record.get(list).and_then(Json::as_array).into_iter().flatten();
    let sent = |item: &Json| json!({ member: item.get(member), "kind": item.get("kind") });
    let mut all: Vec<Json> = known.map(sent).collect();
    let is_new = |item: &&Json| !has_address(record, member, item.get(member).unwrap_or(&Json::Null), country);
    all.extend(new.as_array().into_iter().flatten().filter(is_new).cloned());
    Json::Array(all)
}

/// Checks whether a contact has an e-mail address or phone number, in any notation.
fn has_address(record: &Json, member: &str, new: &Json, country: &str) -> bool {
    let new = new.as_str().unwrap_or_default();
    let items = |list: &str| record.get(list).and_then(Json::as_array).cloned().unwrap_or_default();
    let text = |item: &Json, name: &str| item.get(name).and_then(Json::as_str).map(str::to_owned);
    if member == "email" {
        let email = address::email(new);
        return items("emails").iter().any(|item| text(item, "email").as_ref() == Some(&email));
    }
    let asked = phones::search_keys(new, country);
    items("phones").iter().any(|item| {
        let keys = phones::keys(&text(item, "phone").unwrap_or_default(), text(item, "e164").as_deref());
        keys.iter().any(|key| asked.contains(key))
    })
}

/// Compares texts. E-mail addresses and domains are compared in their normal form.
fn same_text(old: &Json, new: &Json) -> bool {
    let (Some(old), Some(new)) = (old.as_str(), new.as_str()) else { return false };
    (old.contains('@') && old == address::email(new)) || (old.contains('.') && old == address::domain(new))
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
