//! Finds the existing record for a row: by external id, or else by the key of the resource.
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::db::visibility;
use crate::intake::imports::draft::Draft;
use crate::intake::imports::model::ImportResource;
use crate::kernel::access::grants::Action;
use crate::kernel::error::Result;
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::address;
use crate::people::contacts::store as contacts;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Uuid as SqlUuid};
use std::collections::HashMap;
use uuid::Uuid;

/// The keys by which records are found, the most certain first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum KeyKind {
    /// Case-sensitive, because Salesforce ids are.
    ExternalId,
    Email,
    Sku,
    Domain,
    Name,
}

impl KeyKind {
    /// Returns whether several records can share a key.
    const fn is_shared(self) -> bool {
        matches!(self, KeyKind::Domain | KeyKind::Name)
    }

    /// The SQL of the key of a stored record, in the normal form of `keys`.
    const fn column(self) -> &'static str {
        match self {
            KeyKind::ExternalId => "external_id",
            KeyKind::Email => "lower(email)",
            KeyKind::Sku => "lower(sku)",
            KeyKind::Domain => "domain",
            KeyKind::Name => "lower(name)",
        }
    }

    /// The keys by which records of a resource are looked up.
    const fn of(resource: ImportResource) -> &'static [KeyKind] {
        match resource {
            ImportResource::Users => &[KeyKind::ExternalId, KeyKind::Email, KeyKind::Name],
            ImportResource::Companies => &[KeyKind::ExternalId, KeyKind::Domain, KeyKind::Name],
            ImportResource::Contacts => &[KeyKind::ExternalId, KeyKind::Email],
            ImportResource::Products => &[KeyKind::ExternalId, KeyKind::Sku, KeyKind::Name],
            ImportResource::Leads | ImportResource::Deals => &[KeyKind::ExternalId],
        }
    }
}

type Key = (KeyKind, String);

/// Returns the keys of a row in normal form, the most certain first.
fn keys(row: &Draft) -> Vec<Key> {
    let lower = |member: &str| row.text(member).map(str::to_lowercase);
    let external = row.external_id().map(|id| (KeyKind::ExternalId, id.to_owned()));
    let emails = row.emails().map(|email| (KeyKind::Email, address::email(email)));
    let others = [
        (KeyKind::Sku, lower("sku")),
        (KeyKind::Domain, row.text("domain").and_then(address::domain_in)),
        (KeyKind::Name, lower("name")),
    ];
    let others = others.into_iter().filter_map(|(kind, key)| Some((kind, key?)));
    external.into_iter().chain(emails).chain(others).collect()
}

/// Separates the rows that match the same record as an earlier row by a shared key. The first key that both rows have
/// decides: two rows with the same name but different external ids are two records. A duplicate of a unique key is
/// not separated, so that it is reported as an error.
pub fn split_dependent(rows: Vec<Draft>) -> (Vec<Draft>, Vec<Draft>) {
    let mut before: HashMap<Key, Vec<Vec<Key>>> = HashMap::new();
    let is_first = |row: &Draft| {
        let own = keys(row);
        let is_twin = own.iter().filter(|(kind, _)| kind.is_shared()).any(|key| {
            before.get(key).is_some_and(|rows| rows.iter().any(|earlier| decisive(earlier, &own) == Some(key.0)))
        });
        for key in own.iter().filter(|(kind, _)| kind.is_shared()) {
            before.entry(key.clone()).or_default().push(own.clone());
        }
        !is_twin
    };
    rows.into_iter().partition(is_first)
}

/// Returns the first kind of key that both have.
fn decisive(one: &[Key], other: &[Key]) -> Option<KeyKind> {
    one.iter().map(|(kind, _)| *kind).find(|kind| other.iter().any(|(theirs, _)| theirs == kind))
}

/// A record with a key.
#[derive(Debug, QueryableByName)]
struct Holder {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
}

/// The existing records of rows by key, the oldest first.
#[derive(Debug, Default)]
pub struct Existing(HashMap<Key, Vec<Holder>>);

impl Existing {
    fn add(&mut self, kind: KeyKind, holders: Vec<Holder>) {
        for holder in holders {
            self.0.entry((kind, holder.key.clone())).or_default().push(holder);
        }
    }

    /// Finds the record of a row. A record that shares a name or domain with the row but has another external id does
    /// not match.
    pub fn find(&self, row: &Draft) -> Option<Uuid> {
        let own = row.external_id();
        let is_other =
            |holder: &Holder| own.is_some() && holder.external_id.is_some() && own != holder.external_id.as_deref();
        let by = |key: Key| {
            let holders = self.0.get(&key)?;
            holders.iter().find(|holder| !(key.0.is_shared() && is_other(holder))).map(|holder| holder.id)
        };
        keys(row).into_iter().find_map(by)
    }
}

pub fn existing(tx: &mut Tx<'_>, resource: ImportResource, rows: &[Draft]) -> Result<Existing> {
    let mut wanted: HashMap<KeyKind, Vec<String>> = HashMap::new();
    for (kind, key) in rows.iter().flat_map(keys) {
        wanted.entry(kind).or_default().push(key);
    }
    let mut found = Existing::default();
    for kind in KeyKind::of(resource) {
        let Some(keys) = wanted.remove(kind) else { continue };
        let holders = match (resource, kind) {
            // A contact is found by any of its addresses.
            (ImportResource::Contacts, KeyKind::Email) => contacts::holders(tx, &keys)?
                .into_iter()
                .map(|(key, id)| Holder { key, id, external_id: None })
                .collect(),
            _ => holders(tx, resource.kind(), *kind, keys)?,
        };
        found.add(*kind, holders);
    }
    Ok(found)
}

const HOLDERS: &str = "
    select :key as key, id, external_id from :records
    where workspace_id = :workspace and :alive and :key = any(:wanted) and :visible
    order by created_at, id";

/// Loads the records with one of the keys, the oldest first. A deleted record is found only by its external id.
fn holders(tx: &mut Tx<'_>, records: Kind, key: KeyKind, wanted: Vec<String>) -> Result<Vec<Holder>> {
    let any = key == KeyKind::ExternalId || records == Kind::USER;
    let statement = Statement::new(HOLDERS)
        .set("key", Part::Sql(key.column()))
        .set("records", Part::Sql(records.table()))
        .set("workspace", Part::Id(tx.workspace()))
        .set("alive", Part::Sql(if any { "true" } else { "deleted_at is null" }))
        .set("wanted", Part::Texts(wanted))
        .set("visible", Part::Cond(visibility::cond(tx.actor, records, Action::Read)));
    Ok(statement.load(tx.conn)?)
}

#[cfg(test)]
mod tests {
    use super::split_dependent;
    use crate::intake::imports::draft::Draft;
    use serde_json::{Value as Json, json};

    /// The lines of the rows that mean the same record as one before them.
    fn dependent(rows: &[Json]) -> Vec<u64> {
        let draft = |(line, body): (u64, &Json)| {
            let mut draft = Draft::new(line);
            draft.body = body.as_object().cloned().unwrap();
            draft
        };
        let (_, later) = split_dependent((2..).zip(rows).map(draft).collect());
        later.iter().map(|row| row.line).collect()
    }

    #[test]
    fn rows_of_one_name_mean_one_record() {
        assert_eq!(dependent(&[json!({ "name": "Acme" }), json!({ "name": "ACME" }), json!({ "name": "Beta" })]), [3]);
    }

    #[test]
    fn rows_of_one_name_with_external_ids_of_their_own_are_two_records() {
        let row = |id: &str| json!({ "name": "Acme", "external_id": id });
        assert_eq!(dependent(&[row("1"), row("2")]), [0_u64; 0]);
    }

    #[test]
    fn a_domain_decides_before_a_name() {
        let row = |domain: &str, name: &str| json!({ "domain": domain, "name": name });
        assert_eq!(dependent(&[row("acme.io", "Acme"), row("acme.io", "Acme Inc"), row("other.io", "Acme")]), [3]);
    }

    #[test]
    fn a_second_sku_is_left_to_be_refused() {
        let row = || json!({ "sku": "A1", "name": "Screw" });
        assert_eq!(dependent(&[row(), row()]), [0_u64; 0]);
    }
}
