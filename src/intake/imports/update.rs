//! Updates known records: the members in which they differ from their rows, and their stages.
use crate::catalog::products::{self, Product, ProductUpdate};
use crate::db::store::{BatchStore, Input};
use crate::db::table::{Expected, Stored};
use crate::db::tx::Tx;
use crate::db::updates::Group;
use crate::identity::directory::users::{self, User, UserUpdate};
use crate::intake::imports::changes::{Policy, differing};
use crate::intake::imports::draft::Draft;
use crate::intake::imports::moves;
use crate::intake::imports::prepare::RowReader;
use crate::intake::imports::resource::ImportResource;
use crate::kernel::error::{Error, Result};
use crate::people::companies::model::Company;
use crate::people::contacts::model::Contact;
use crate::sales::deals::model::Deal;
use crate::sales::leads::model::Lead;
use crate::sales::staged::Staged;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// The id of a known record, and its row.
pub type Known<'k> = (Uuid, &'k Draft);

/// Updates records, of which none may occur twice, and returns the ids of those that changed. If one is refused, all
/// are.
pub fn all(tx: &mut Tx<'_>, reader: &RowReader, known: &[Known<'_>]) -> Result<HashSet<Uuid>> {
    let policy = &reader.policy;
    match reader.resource {
        ImportResource::Users => one_by_one::<User, UserUpdate>(tx, policy, known, users::update),
        ImportResource::Products => one_by_one::<Product, ProductUpdate>(tx, policy, known, products::update),
        ImportResource::Companies => together::<Company>(tx, policy, known),
        ImportResource::Contacts => together::<Contact>(tx, policy, known),
        ImportResource::Leads => staged::<Lead>(tx, reader, known),
        ImportResource::Deals => staged::<Deal>(tx, reader, known),
    }
}

/// Updates those that differ one by one.
fn one_by_one<R: Stored, U: Input>(
    tx: &mut Tx<'_>,
    policy: &Policy,
    known: &[Known<'_>],
    update: fn(&mut Tx<'_>, Uuid, Expected, &U) -> Result<R>,
) -> Result<HashSet<Uuid>> {
    let current = R::find_many(tx, &ids_of(known))?;
    let mut changed = HashSet::new();
    for (id, row) in known {
        let before = current.get(id).ok_or_else(Error::not_found)?;
        if let Some(changes) = differing::<U>(before, row, policy)?
            && update(tx, *id, Expected::default(), &changes)?.version() != before.version()
        {
            changed.insert(*id);
        }
    }
    Ok(changed)
}

/// Updates records with few statements. Locks only those that differ, and compares them again after the lock.
fn together<R: BatchStore>(tx: &mut Tx<'_>, policy: &Policy, known: &[Known<'_>]) -> Result<HashSet<Uuid>> {
    let current = R::find_many(tx, &ids_of(known))?;
    update_differing(tx, policy, &current, known).map(|rows| rows.into_keys().collect())
}

/// Returns the records that changed, as they are now.
fn update_differing<R: BatchStore>(
    tx: &mut Tx<'_>,
    policy: &Policy,
    current: &HashMap<Uuid, R>,
    known: &[Known<'_>],
) -> Result<HashMap<Uuid, R>> {
    let differ: Vec<Known<'_>> = changes_of(current, known, policy)?.into_iter().map(|(known, _)| known).collect();
    if differ.is_empty() {
        return Ok(HashMap::new());
    }
    let locked = R::lock_many(tx, &ids_of(&differ))?;
    let changes = changes_of(&locked, &differ, policy)?;
    let groups: Vec<Group<'_, R, R::Update>> =
        changes.iter().filter_map(|((id, _), changes)| Some((vec![locked.get(id)?], changes))).collect();
    let after = R::change_each(tx, &groups)?;
    let is_new = |row: &R| locked.get(&row.id()).is_some_and(|before| before.version() != row.version());
    Ok(after.into_iter().filter(is_new).map(|row| (row.id(), row)).collect())
}

/// Does the same for records in pipelines, and then moves them.
fn staged<R: Staged>(tx: &mut Tx<'_>, reader: &RowReader, known: &[Known<'_>]) -> Result<HashSet<Uuid>> {
    let current = R::find_many(tx, &ids_of(known))?;
    let updated = update_differing(tx, &reader.policy, &current, known)?;
    let latest = |id: &Uuid| updated.get(id).or_else(|| current.get(id)).ok_or_else(Error::not_found);
    let pairs = known.iter().map(|(id, row)| Ok((latest(id)?, *row))).collect::<Result<Vec<_>>>()?;
    let moved = moves::apply(tx, &reader.funnel, &pairs)?;
    Ok(updated.keys().copied().chain(moved).collect())
}

fn ids_of(known: &[Known<'_>]) -> Vec<Uuid> {
    known.iter().map(|(id, _)| *id).collect()
}

/// Returns the changes of each record that differs from its row, in the order of the file.
fn changes_of<'k, R: BatchStore>(
    records: &HashMap<Uuid, R>,
    known: &[Known<'k>],
    policy: &Policy,
) -> Result<Vec<(Known<'k>, R::Update)>> {
    let changes = |&(id, row): &Known<'k>| {
        let record = records.get(&id).ok_or_else(Error::not_found)?;
        Ok(differing(record, row, policy)?.map(|changes| ((id, row), changes)))
    };
    known.iter().filter_map(|one| changes(one).transpose()).collect()
}
