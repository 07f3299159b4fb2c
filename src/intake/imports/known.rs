//! Finds the existing record for a row: by external id, or else by the key of the resource.
use crate::db::sql::lower;
use crate::db::tx::Tx;
use crate::db::visibility::visibility_filter;
use crate::intake::imports::model::ImportResource;
use crate::intake::imports::prepare::Prepared;
use crate::kernel::actor::Action;
use crate::kernel::address;
use crate::kernel::error::Result;
use crate::people::contacts::store as contacts;
use crate::schema as s;
use diesel::prelude::*;
use serde_json::Value as Json;
use std::collections::HashMap;
use uuid::Uuid;

/// The external id, the e-mail address, the SKU or domain, and the name of a row. The external id is case-sensitive,
/// because Salesforce ids are. The other keys are in normal form.
type Keys = [Option<String>; 4];

/// Returns the keys that several records can share: names, and domains of companies.
const fn shared(resource: ImportResource) -> &'static [usize] {
    if matches!(resource, ImportResource::Companies) { &[2, 3] } else { &[3] }
}

fn keys(row: &Prepared) -> Keys {
    let text = |member: &str| row.body.get(member).and_then(Json::as_str);
    let lower = |member: &str| text(member).map(str::to_lowercase);
    [
        row.external_id.clone(),
        text("email").map(address::email),
        lower("sku").or_else(|| text("domain").and_then(address::domain_in)),
        lower("name"),
    ]
}

/// Separates the rows that match the same record as an earlier row by a shared key. The first key that both rows have
/// decides: two rows with the same name but different external ids are two records. A duplicate of a unique key is
/// not separated, so that it is reported as an error.
pub fn split_dependent(resource: ImportResource, rows: Vec<Prepared>) -> (Vec<Prepared>, Vec<Prepared>) {
    let mut before: HashMap<(usize, String), Vec<Keys>> = HashMap::new();
    let is_first = |row: &Prepared| {
        let own = keys(row);
        let decides = |known: &Keys| known.iter().zip(&own).position(|(known, own)| known.is_some() && own.is_some());
        let named: Vec<(usize, String)> =
            shared(resource).iter().filter_map(|n| Some((*n, own.get(*n)?.clone()?))).collect();
        let is_twin = named
            .iter()
            .any(|key| before.get(key).is_some_and(|rows| rows.iter().any(|known| decides(known) == Some(key.0))));
        named.into_iter().for_each(|key| before.entry(key).or_default().push(own.clone()));
        !is_twin
    };
    rows.into_iter().partition(is_first)
}

/// A record that has a key, and its external id.
type Holder = (Uuid, Option<String>);

/// The existing records of rows by kind of key and key, the oldest first, with their external ids.
#[derive(Debug)]
pub struct Existing {
    resource: ImportResource,
    by_key: HashMap<(usize, String), Vec<Holder>>,
}

impl Existing {
    fn add(&mut self, n: usize, rows: impl IntoIterator<Item = (Option<String>, Uuid, Option<String>)>) {
        for (key, id, external) in rows {
            if let Some(key) = key {
                self.by_key.entry((n, key)).or_default().push((id, external));
            }
        }
    }

    /// Finds the record of a row. A record that shares a name or domain with the row but has another external id does
    /// not match.
    pub fn find(&self, row: &Prepared) -> Option<Uuid> {
        let other = |n: usize, external: &Option<String>| {
            shared(self.resource).contains(&n)
                && row.external_id.is_some()
                && external.is_some()
                && *external != row.external_id
        };
        let by = |(n, key): (usize, Option<String>)| {
            self.by_key.get(&(n, key?))?.iter().find(|(_, external)| !other(n, external)).map(|(id, _)| *id)
        };
        keys(row).into_iter().enumerate().find_map(by)
    }
}

pub fn existing(tx: &mut Tx<'_>, resource: ImportResource, rows: &[Prepared]) -> Result<Existing> {
    let mut wanted: [Vec<String>; 4] = Default::default();
    for row in rows {
        for (list, key) in wanted.iter_mut().zip(keys(row)) {
            list.extend(key);
        }
    }
    let [external, emails, codes, names] = &wanted;
    let mut found = Existing { resource, by_key: HashMap::new() };
    let kind = resource.kind();
    macro_rules! look {
        ($n:expr, $table:ident, $column:expr, $list:expr $(, $alive:expr)?) => {
            if !$list.is_empty() {
                let rows: Vec<(Option<String>, Uuid, Option<String>)> = s::$table::table
                    .filter(s::$table::workspace_id.eq(tx.workspace()))
                    $(.filter($alive))?
                    .filter($column.eq_any($list))
                    .filter(&visibility_filter::<s::$table::table>(tx.actor, kind, Action::Read))
                    .order((s::$table::created_at, s::$table::id))
                    .select(($column, s::$table::id, s::$table::external_id))
                    .load(tx.conn)?;
                found.add($n, rows);
            }
        };
    }
    match resource {
        ImportResource::Users => {
            look!(0, users, s::users::external_id, external);
            look!(1, users, lower(s::users::email.nullable()), emails);
            look!(3, users, lower(s::users::name.nullable()), names);
        }
        ImportResource::Companies => {
            let alive = || s::companies::deleted_at.is_null();
            look!(0, companies, s::companies::external_id, external);
            look!(2, companies, s::companies::domain, codes, alive());
            look!(3, companies, lower(s::companies::name.nullable()), names, alive());
        }
        ImportResource::Contacts => {
            look!(0, contacts, s::contacts::external_id, external);
            let holders = contacts::holders(tx, emails)?;
            found.add(1, holders.into_iter().map(|(email, id)| (Some(email), id, None)));
        }
        ImportResource::Products => {
            let alive = || s::products::deleted_at.is_null();
            look!(0, products, s::products::external_id, external);
            look!(2, products, lower(s::products::sku.nullable()), codes, alive());
            look!(3, products, lower(s::products::name.nullable()), names, alive());
        }
        ImportResource::Leads => look!(0, leads, s::leads::external_id, external),
        ImportResource::Deals => look!(0, deals, s::deals::external_id, external),
    }
    Ok(found)
}
