//! Writes prepared rows: creates new records and updates existing ones that differ from the file.
use crate::catalog::products::{self, Product, ProductCreate, ProductUpdate};
use crate::db::store::BatchStore;
use crate::db::table::{Expected, Stored};
use crate::db::tx::Tx;
use crate::db::updates::Group;
use crate::identity::directory::users::{self, User, UserCreate, UserUpdate};
use crate::intake::imports::draft::Draft;
use crate::intake::imports::model::{ImportReport, ImportResource, OnExisting};
use crate::intake::imports::prepare::{RowProblem, RowReader};
use crate::intake::imports::{custom, history, known};
use crate::kernel::access::record::Record;
use crate::kernel::bodies::shape::{self, Rules, Shape};
use crate::kernel::error::{Error, FieldError, Result};
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::address;
use crate::kernel::values::phones;
use crate::people::companies::model::{Company, CompanyCreate, CompanyUpdate};
use crate::people::companies::store as companies;
use crate::people::contacts::model::{Contact, ContactCreate, ContactUpdate};
use crate::people::contacts::store as contacts;
use crate::sales::deals::model::{Deal, DealCreate, DealUpdate};
use crate::sales::deals::store as deals;
use crate::sales::leads::model::{Lead, LeadCreate, LeadUpdate};
use crate::sales::leads::store as leads;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};
use std::collections::{HashMap, HashSet};
use utoipa::ToSchema;
use uuid::Uuid;

/// The result of a row.
enum Outcome {
    Created,
    Updated,
    Unchanged,
}

/// The id of an existing record, and its row.
type Existing<'a> = (Uuid, &'a Draft);

/// Writes a chunk of rows. A refused row is reported and does not affect the others.
pub fn chunk(
    tx: &mut Tx<'_>,
    reader: &mut RowReader,
    mut rows: Vec<Draft>,
    on_existing: OnExisting,
    report: &mut ImportReport,
    problems: &mut Vec<RowProblem>,
) -> Result<()> {
    // A row that refers to a record of an earlier row must wait until that record exists.
    while !rows.is_empty() {
        let (first, twins) = known::split_dependent(rows);
        distinct(tx, reader, first, on_existing, report, problems)?;
        rows = twins;
    }
    Ok(())
}

/// Writes rows that refer to different records.
fn distinct(
    tx: &mut Tx<'_>,
    reader: &mut RowReader,
    rows: Vec<Draft>,
    on_existing: OnExisting,
    report: &mut ImportReport,
    problems: &mut Vec<RowProblem>,
) -> Result<()> {
    let existing = known::existing(tx, reader.resource, &rows)?;
    let (known, new): (Vec<Draft>, Vec<Draft>) = rows.into_iter().partition(|row| existing.find(row).is_some());
    let known: Vec<Existing<'_>> = known.iter().filter_map(|row| Some((existing.find(row)?, row))).collect();
    match on_existing {
        OnExisting::Skip => report.skipped += i64::try_from(known.len()).unwrap_or(0),
        OnExisting::Update => update_existing(tx, reader.resource, &known, report, problems)?,
    }
    // Most files have no errors, so all rows are written with one statement. If it fails, the rows are written one by
    // one.
    match tx.attempt(|tx| create_all(tx, reader, &new)) {
        Ok(made) => {
            report.created += i64::try_from(new.len()).unwrap_or(0);
            remember(reader, made);
        }
        Err(Error::Internal(message)) => return Err(Error::Internal(message)),
        Err(_) => {
            for row in &new {
                let made = tx.attempt(|tx| create_all(tx, reader, std::slice::from_ref(row)));
                let outcome = made.map(|made| {
                    remember(reader, made);
                    Outcome::Created
                });
                record_outcome(outcome, row, report, problems)?;
            }
        }
    }
    Ok(())
}

/// Makes the created companies available to later rows that refer to them by name.
fn remember(reader: &mut RowReader, companies: Vec<Company>) {
    for company in companies {
        reader.references.note(Kind::COMPANY, &company.name, company.id);
    }
}

fn record_outcome(
    outcome: Result<Outcome>,
    row: &Draft,
    report: &mut ImportReport,
    problems: &mut Vec<RowProblem>,
) -> Result<()> {
    match outcome {
        Ok(Outcome::Created) => report.created += 1,
        Ok(Outcome::Updated) => report.updated += 1,
        Ok(Outcome::Unchanged) => report.unchanged += 1,
        Err(Error::Problem(problem)) => {
            report.failed += 1;
            let whole = [FieldError::member("", problem.code, problem.detail.clone())];
            let errors = if problem.errors.is_empty() { &whole[..] } else { &problem.errors[..] };
            problems.extend(errors.iter().map(|bad| {
                let member = bad.pointer.as_deref().unwrap_or_default().trim_start_matches('/').to_owned();
                RowProblem {
                    line: row.line,
                    detail: if member.is_empty() { bad.detail.clone() } else { format!("{member} {}", bad.detail) },
                    column: None,
                    code: bad.code.as_str(),
                    value: None,
                }
            }));
        }
        Err(other) => return Err(other),
    }
    Ok(())
}

fn bodies<T: DeserializeOwned + ToSchema + Rules + 'static>(rows: &[Draft]) -> Result<Vec<T>> {
    rows.iter().map(|row| shape::read(row.creation())).collect()
}

/// Creates the records and returns the companies among them.
fn create_all(tx: &mut Tx<'_>, reader: &RowReader, rows: &[Draft]) -> Result<Vec<Company>> {
    match reader.resource {
        ImportResource::Users => {
            for new in bodies::<UserCreate>(rows)? {
                users::insert(tx, &new, None)?;
            }
        }
        ImportResource::Companies => {
            return bodies::<CompanyCreate>(rows)?.iter().map(|new| Company::insert(tx, new)).collect();
        }
        ImportResource::Products => {
            for new in bodies::<ProductCreate>(rows)? {
                products::insert(tx, &new)?;
            }
        }
        ImportResource::Contacts => {
            let new = bodies::<ContactCreate>(rows)?;
            if !new.is_empty() {
                contacts::insert_many(tx, &new.iter().collect::<Vec<_>>())?;
            }
        }
        ImportResource::Leads => {
            let new = bodies::<LeadCreate>(rows)?;
            rows.iter().try_for_each(|row| row.progress.check_order(tx.now))?;
            let history = |row: &Draft| leads::History {
                created_at: row.progress.created_at,
                closed_at: row.progress.closed_at,
                loss_reason: row.loss_reason,
                imported: true,
            };
            leads::insert_with_history(tx, &new.iter().zip(rows.iter().map(history)).collect::<Vec<_>>())?;
        }
        ImportResource::Deals => {
            let new = bodies::<DealCreate>(rows)?;
            let history = |row: &Draft| history::of_deal(&row.progress, &reader.funnel, tx.now);
            let histories = rows.iter().map(history).collect::<Result<Vec<_>>>()?;
            if !new.is_empty() {
                deals::insert_with_history(tx, &new.iter().zip(histories).collect::<Vec<_>>())?;
            }
        }
    }
    Ok(Vec::new())
}

/// Updates existing records together. If this fails, they are updated one by one.
fn update_existing(
    tx: &mut Tx<'_>,
    resource: ImportResource,
    mut known: &[Existing<'_>],
    report: &mut ImportReport,
    problems: &mut Vec<RowProblem>,
) -> Result<()> {
    while !known.is_empty() {
        // A second row for the same record must wait until the first has been written.
        let mut seen = HashSet::new();
        let (now, later) = known.split_at(known.iter().take_while(|(id, _)| seen.insert(*id)).count());
        match tx.attempt(|tx| update_all(tx, resource, now)) {
            Ok(outcomes) => {
                for (outcome, (_, row)) in outcomes.into_iter().zip(now) {
                    record_outcome(Ok(outcome), row, report, problems)?;
                }
            }
            Err(Error::Internal(message)) => return Err(Error::Internal(message)),
            Err(_) => {
                for one in now {
                    let changed = tx.attempt(|tx| update_all(tx, resource, std::slice::from_ref(one)));
                    let outcome = changed.map(|outcomes| outcomes.into_iter().next().unwrap_or(Outcome::Unchanged));
                    record_outcome(outcome, one.1, report, problems)?;
                }
            }
        }
        known = later;
    }
    Ok(())
}

/// Updates the members in which the records differ from the file. Members that the file lacks are not cleared. No
/// record may occur twice.
fn update_all(tx: &mut Tx<'_>, resource: ImportResource, known: &[Existing<'_>]) -> Result<Vec<Outcome>> {
    macro_rules! one_by_one {
        ($store:ident, $row:ident, $update:ty) => {{
            let change = |(id, row): &Existing<'_>| {
                let before = $row::find(tx, *id)?;
                let Some(changes) = differing::<$update>(&before, row, &tx.actor.settings.country)? else {
                    return Ok(Outcome::Unchanged);
                };
                $store::update(tx, *id, Expected::default(), &changes).map(|after| outcome(&before, &after))
            };
            known.iter().map(change).collect()
        }};
    }
    // Locks only records that differ, and compares them again after the lock.
    macro_rules! together {
        ($store:ident, $row:ident, $update:ty) => {{
            let current = $row::find_many(tx, &ids_of(known))?;
            let differ: Vec<Existing<'_>> =
                changes_of::<_, $update>(tx, &current, known)?.into_iter().map(|(known, _)| known).collect();
            let locked = $row::lock_many(tx, &ids_of(&differ))?;
            let changes = changes_of::<_, $update>(tx, &locked, &differ)?;
            let groups: Vec<Group<'_, _, _>> =
                changes.iter().filter_map(|((id, _), changes)| Some((vec![locked.get(id)?], changes))).collect();
            let after = $store::change_each(tx, &groups)?;
            let after = after.iter().filter_map(|row| Some((row.id(), outcome(locked.get(&row.id())?, row))));
            let mut outcomes: HashMap<Uuid, Outcome> = after.collect();
            Ok(known.iter().map(|(id, _)| outcomes.remove(id).unwrap_or(Outcome::Unchanged)).collect())
        }};
    }
    match resource {
        ImportResource::Users => one_by_one!(users, User, UserUpdate),
        ImportResource::Products => one_by_one!(products, Product, ProductUpdate),
        ImportResource::Companies => together!(companies, Company, CompanyUpdate),
        ImportResource::Contacts => together!(contacts, Contact, ContactUpdate),
        ImportResource::Leads => together!(leads, Lead, LeadUpdate),
        ImportResource::Deals => together!(deals, Deal, DealUpdate),
    }
}

/// Returns whether an update changed the record.
fn outcome<R: Record>(before: &R, after: &R) -> Outcome {
    if before.version() == after.version() { Outcome::Unchanged } else { Outcome::Updated }
}

fn ids_of(known: &[Existing<'_>]) -> Vec<Uuid> {
    known.iter().map(|(id, _)| *id).collect()
}

/// Returns the changes of each record that differs from its row, in the order of the file.
fn changes_of<'a, R: Serialize, U: ToSchema + DeserializeOwned + Rules + 'static>(
    tx: &Tx<'_>,
    records: &HashMap<Uuid, R>,
    known: &[Existing<'a>],
) -> Result<Vec<(Existing<'a>, U)>> {
    let changes = |&(id, row): &Existing<'a>| {
        let record = records.get(&id).ok_or_else(Error::not_found)?;
        Ok(differing(record, row, &tx.actor.settings.country)?.map(|changes| ((id, row), changes)))
    };
    known.iter().filter_map(|one| changes(one).transpose()).collect()
}

/// Returns the members in which a row differs from a record, or `None` if there are none.
fn differing<U: ToSchema + DeserializeOwned + Rules + 'static>(
    record: &impl Serialize,
    row: &Draft,
    country: &str,
) -> Result<Option<U>> {
    let record = serde_json::to_value(record).map_err(Error::internal)?;
    let shape = Shape::of::<U>();
    let may = shape.names();
    let mut changes = Map::new();
    for (member, new) in row.body.iter().filter(|(member, _)| may.contains(&member.as_str())) {
        let new = match (member.as_str(), record.get(member)) {
            ("person", Some(old)) => with_person(old, new, country),
            ("contacts", Some(old)) => with_contacts(old, new),
            ("emails", Some(_)) => with_addresses(&record, ("email", "emails"), new, country),
            ("phones", Some(_)) => with_addresses(&record, ("phone", "phones"), new, country),
            _ => new.clone(),
        };
        let same = match (member.as_str(), record.get(member)) {
            (_, None) => false,
            ("custom_fields", Some(old)) => custom::all_there(old, &new, same_text),
            ("email" | "phone", Some(_)) if has_address(&record, member, &new, country) => true,
            ("emails" | "phones", Some(old)) => old.as_array().map(Vec::len) == new.as_array().map(Vec::len),
            (_, Some(old)) => *old == new || same_text(old, &new),
        };
        if !same {
            changes.insert(member.clone(), new);
        }
    }
    if let Some(tag) = row.tag.as_ref().filter(|_| !changes.is_empty()) {
        changes.insert("tags_add".into(), json!([tag]));
    }
    if changes.is_empty() { Ok(None) } else { shape::read(Json::Object(changes)).map(Some) }
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
    let added = new.as_array().into_iter().flatten();
    all.extend(
        added.filter(|item| !has_address(record, member, item.get(member).unwrap_or(&Json::Null), country)).cloned(),
    );
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
#[path = "write_tests.rs"]
mod tests;
