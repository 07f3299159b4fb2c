//! Finds the existing record for a row by its keys, and the rows of a file that share a key.
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::db::visibility;
use crate::intake::imports::draft::Draft;
use crate::intake::imports::names;
use crate::intake::imports::resource::ImportResource;
use crate::intake::imports::settings::MatchKey;
use crate::kernel::access::grants::Action;
use crate::kernel::error::{Error, FieldError, Result};
use crate::kernel::values::address;
use crate::kernel::values::phones;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Uuid as SqlUuid};
use std::collections::HashMap;
use uuid::Uuid;

impl MatchKey {
    /// Returns whether several records can share a key.
    const fn is_shared(self) -> bool {
        matches!(self, MatchKey::Phone | MatchKey::Domain | MatchKey::FullName)
    }

    /// Returns the keys that records of a resource have, the most certain first.
    pub const fn of(resource: ImportResource) -> &'static [MatchKey] {
        match resource {
            ImportResource::Users => &[MatchKey::Id, MatchKey::ExternalId, MatchKey::Email, MatchKey::FullName],
            ImportResource::Companies => &[MatchKey::Id, MatchKey::ExternalId, MatchKey::Domain, MatchKey::FullName],
            ImportResource::Contacts | ImportResource::Leads => {
                &[MatchKey::Id, MatchKey::ExternalId, MatchKey::Email, MatchKey::Phone]
            }
            ImportResource::Products => &[MatchKey::Id, MatchKey::ExternalId, MatchKey::Sku, MatchKey::FullName],
            ImportResource::Deals => &[MatchKey::Id, MatchKey::ExternalId],
        }
    }
}

/// A kind of key of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// The external id that an earlier import derived from an identical row.
    Derived,
    Given(MatchKey),
}

impl KeyKind {
    const fn is_shared(self) -> bool {
        match self {
            KeyKind::Derived => false,
            KeyKind::Given(key) => key.is_shared(),
        }
    }
}

type Key = (KeyKind, String);

/// How the rows of an import find their records.
#[derive(Debug)]
pub struct Matching {
    resource: ImportResource,
    /// The most certain first.
    keys: Vec<MatchKey>,
    /// Whether a phone number counts for rows with an e-mail address too.
    phone_always: bool,
    country: String,
}

impl Matching {
    /// Returns the keys of the settings, or the default ones. A person can have several leads, so leads are found by
    /// addresses only if the settings say so.
    pub fn new(resource: ImportResource, asked: Option<&[MatchKey]>, country: &str) -> Result<Matching> {
        let known = MatchKey::of(resource);
        let names: Vec<&str> = known.iter().map(|key| key.as_str()).collect();
        let unknown = asked.unwrap_or_default().iter().position(|key| !known.contains(key));
        if let Some(n) = unknown {
            return Err(Error::members(vec![
                FieldError::not_among(&names).at_member(format!("/settings/match_by/{n}")),
            ]));
        }
        let default = || match resource {
            ImportResource::Leads => vec![MatchKey::Id, MatchKey::ExternalId],
            _ => known.to_vec(),
        };
        let keys = asked.map_or_else(default, <[MatchKey]>::to_vec);
        Ok(Matching { resource, keys, phone_always: asked.is_some(), country: country.to_owned() })
    }

    /// Returns the keys of a row in normal form, the most certain first.
    fn keys(&self, row: &Draft) -> Vec<Key> {
        let derived = row.derived_id.clone().map(|id| (KeyKind::Derived, id));
        let of_kind = |kind: MatchKey| self.keys_of(kind, row).into_iter().map(move |key| (KeyKind::Given(kind), key));
        derived.into_iter().chain(self.keys.iter().copied().flat_map(of_kind)).collect()
    }

    /// Returns how certain a kind of key is; 0 is the most certain.
    fn rank(&self, kind: KeyKind) -> usize {
        let given = |key: MatchKey| self.keys.iter().position(|known| *known == key).unwrap_or(self.keys.len());
        match kind {
            KeyKind::Derived => 0,
            KeyKind::Given(key) => given(key) + 1,
        }
    }

    /// Returns the keys of one kind: a row can have several addresses.
    fn keys_of(&self, kind: MatchKey, row: &Draft) -> Vec<String> {
        let one = |key: Option<String>| key.into_iter().collect();
        match kind {
            MatchKey::Id => one(row.own_id.map(|id| id.to_string())),
            MatchKey::ExternalId => one(row.external_id().map(str::to_owned)),
            MatchKey::Email => row.addresses("email").map(address::email).collect(),
            MatchKey::Phone if row.addresses("email").next().is_some() && !self.phone_always => Vec::new(),
            MatchKey::Phone => {
                row.addresses("phone").filter_map(|phone| phones::search_keys(phone, &self.country).pop()).collect()
            }
            MatchKey::Sku => one(row.text("sku").map(str::to_lowercase)),
            MatchKey::Domain => one(row.text("domain").and_then(address::domain_in)),
            MatchKey::FullName => one(row.text("name").map(str::to_lowercase)),
        }
    }
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
    /// The name of a person, for contacts and leads.
    #[diesel(sql_type = Nullable<Text>)]
    person: Option<String>,
}

impl Holder {
    fn person(&self) -> &str {
        self.person.as_deref().unwrap_or_default()
    }
}

/// The record of a row.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Nothing,
    Record(Uuid, KeyKind),
    /// The record with the e-mail address of the row is another person, with this name.
    Another(String),
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

    /// Finds the record of a row.
    pub fn find(&self, matching: &Matching, row: &Draft) -> Found {
        let name = row.person_name();
        let by = |key: Key| self.find_by(&key, row, &name);
        matching.keys(row).into_iter().map(by).find(|found| *found != Found::Nothing).unwrap_or(Found::Nothing)
    }

    fn find_by(&self, key: &Key, row: &Draft, name: &str) -> Found {
        let own = row.external_id();
        // A record that shares a name, domain or phone number with the row but has another external id is another one.
        let is_other =
            |holder: &Holder| own.is_some() && holder.external_id.is_some() && own != holder.external_id.as_deref();
        // A phone number finds a person only together with the name.
        let by_phone = key.0 == KeyKind::Given(MatchKey::Phone);
        let is_possible = |holder: &&Holder| {
            !(key.0.is_shared() && is_other(holder)) && (!by_phone || names::agree(holder.person(), name))
        };
        let mut possible = self.0.get(key).into_iter().flatten().filter(is_possible);
        let Some(first) = possible.next() else { return Found::Nothing };
        let several = possible.next().is_some();
        match key.0 {
            KeyKind::Given(MatchKey::Email) if names::differ(first.person(), name) => {
                Found::Another(first.person().to_owned())
            }
            // Several people with a number and name, or several leads of one person.
            KeyKind::Given(MatchKey::Email | MatchKey::Phone) if several => Found::Nothing,
            _ => Found::Record(first.id, key.0),
        }
    }

    /// Separates the rows that must wait until an earlier row is written, because both may mean the same new record.
    pub fn ready(&self, matching: &Matching, rows: Vec<Draft>) -> (Vec<Draft>, Vec<Draft>) {
        let mut before: HashMap<Key, Vec<Vec<Key>>> = HashMap::new();
        let is_ready = |row: &Draft| {
            let own = matching.keys(row);
            let found = match self.find(matching, row) {
                Found::Record(_, by) => Some(matching.rank(by)),
                Found::Nothing | Found::Another(_) => None,
            };
            let waits_for = |key: &Key| {
                let more_certain = found.is_none_or(|found| matching.rank(key.0) < found);
                let is_same = |earlier: &Vec<Key>| !key.0.is_shared() || decisive(earlier, &own) == Some(key.0);
                more_certain && before.get(key).is_some_and(|rows| rows.iter().any(is_same))
            };
            let ready = !own.iter().any(waits_for);
            for key in &own {
                before.entry(key.clone()).or_default().push(own.clone());
            }
            ready
        };
        rows.into_iter().partition(is_ready)
    }
}

/// Returns the first kind of key that both have. It decides: two rows with the same name but different external ids are
/// two records.
fn decisive(one: &[Key], other: &[Key]) -> Option<KeyKind> {
    let given = one.iter().map(|(kind, _)| *kind).filter(|kind| *kind != KeyKind::Derived);
    given.into_iter().find(|kind| other.iter().any(|(theirs, _)| theirs == kind))
}

/// Loads the existing records of rows, with one statement per kind of key.
pub fn existing(tx: &mut Tx<'_>, matching: &Matching, rows: &[Draft]) -> Result<Existing> {
    let mut wanted: HashMap<KeyKind, Vec<String>> = HashMap::new();
    for (kind, key) in rows.iter().flat_map(|row| matching.keys(row)) {
        wanted.entry(kind).or_default().push(key);
    }
    let mut found = Existing::default();
    for (kind, keys) in wanted {
        let column = match kind {
            KeyKind::Derived => MatchKey::ExternalId,
            KeyKind::Given(key) => key,
        };
        found.add(kind, holders(tx, matching.resource, column, keys)?);
    }
    Ok(found)
}

const HOLDERS: &str = "
    select :key as key, id, external_id, :person as person from :records
    where workspace_id = :workspace and :alive and :key = any(:wanted) and :visible
    order by created_at, id";

const BY_ID: &str = "
    select id::text as key, id, external_id, :person as person from :records
    where workspace_id = :workspace and deleted_at is null and id = any(cast(:wanted as uuid[])) and :visible";

/// A contact is found by any of its addresses.
const BY_CONTACT_EMAIL: &str = "
    select e.email as key, contacts.id, contacts.external_id, :person as person
    from contact_emails e join contacts on contacts.workspace_id = e.workspace_id and contacts.id = e.contact_id
    where e.workspace_id = :workspace and e.email = any(:wanted) and contacts.deleted_at is null and :visible
    order by contacts.created_at, contacts.id";

const BY_PHONE: &str = "
    select number.key, id, external_id, :person as person
    from :records, jsonb_array_elements_text(phone_keys) number (key)
    where workspace_id = :workspace and deleted_at is null and phone_keys ?| :wanted and number.key = any(:wanted)
        and :visible
    order by created_at, id";

/// Loads the records with one of the keys, the oldest first. A deleted record is found only by its external id.
fn holders(tx: &mut Tx<'_>, resource: ImportResource, key: MatchKey, wanted: Vec<String>) -> Result<Vec<Holder>> {
    let (records, by_id) = (resource.kind(), key == MatchKey::ExternalId || resource == ImportResource::Users);
    let text = match (resource, key) {
        (_, MatchKey::Id) => BY_ID,
        (ImportResource::Contacts, MatchKey::Email) => BY_CONTACT_EMAIL,
        (_, MatchKey::Phone) => BY_PHONE,
        _ => HOLDERS,
    };
    let person = match resource {
        ImportResource::Contacts => "concat_ws(' ', contacts.first_name, contacts.last_name)",
        ImportResource::Leads => "leads.person ->> 'name'",
        _ => "null::text",
    };
    let statement = Statement::new(text)
        .set("key", Part::Sql(column(resource, key)))
        .set("person", Part::Sql(person))
        .set("records", Part::Sql(records.table()))
        .set("workspace", Part::Id(tx.workspace()))
        .set("alive", Part::Sql(if by_id { "true" } else { "deleted_at is null" }))
        .set("wanted", Part::Texts(wanted))
        .set("visible", Part::Cond(visibility::cond(tx.actor, records, Action::Read)));
    Ok(statement.load(tx.conn)?)
}

/// Returns the SQL of the key of a stored record, in the normal form of `Matching::keys_of`.
const fn column(resource: ImportResource, key: MatchKey) -> &'static str {
    match (key, resource) {
        (MatchKey::Id, _) => "id::text",
        (MatchKey::ExternalId, _) => "external_id",
        (MatchKey::Email, ImportResource::Leads) => "person ->> 'email'",
        (MatchKey::Email, _) => "lower(email)",
        (MatchKey::Sku, _) => "lower(sku)",
        (MatchKey::Domain, _) => "domain",
        (MatchKey::Phone | MatchKey::FullName, _) => "lower(name)",
    }
}

#[cfg(test)]
#[path = "known_tests.rs"]
mod tests;
