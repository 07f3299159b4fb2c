//! Upserts: each item creates a record, or updates an existing one with the same key.
use crate::db::store::UpsertStore;
use crate::db::tx::Tx;
use crate::db::updates::Group;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::shape::{self, Shape};
use crate::kernel::error::{Error, Result};
use crate::kernel::values::address;
use crate::web::batch::{Items, Outcome};
use crate::web::batch_body::BatchItem;
use crate::web::ctx::Ctx;
use crate::web::headers::IdempotencyKey;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

/// An item of an upsert: the body of a creation, and the members given in it as an update.
#[derive(Debug)]
pub struct UpsertItem<R: UpsertStore> {
    new: R::Create,
    changes: R::Update,
}

impl<R: UpsertStore> BatchItem for UpsertItem<R> {
    fn read(item: Json) -> Result<Self> {
        let changes = given(item.clone(), &Shape::of::<R::Update>());
        Ok(UpsertItem { new: shape::read(item)?, changes: shape::read(changes)? })
    }
}

/// Returns the members of a creation that are given and that an update has too.
fn given(mut item: Json, changes: &Shape) -> Json {
    let names = changes.names();
    if let Some(members) = item.as_object_mut() {
        members.retain(|name, value| names.contains(&name.as_str()) && !has_no_value(value));
        // A custom field without a value is not given either.
        if let Some(values) = members.get_mut("custom_fields").and_then(Json::as_array_mut) {
            values.retain(|value| !value.as_object().is_some_and(without_value));
        }
    }
    item
}

/// Checks whether a member of a creation has no value.
fn has_no_value(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => address::tidied(text).is_empty(),
        Json::Object(members) => members.values().all(has_no_value),
        _ => false,
    }
}

fn without_value(field: &Map<String, Json>) -> bool {
    let empty = |value: &Json| has_no_value(value) || value.as_array().is_some_and(Vec::is_empty);
    field.iter().all(|(name, value)| name == "key" || empty(value))
}

/// Creates the records of a batch, and updates those that exist.
pub async fn upsert<R: UpsertStore>(
    ctx: Ctx<can::Create<R>>,
    key: IdempotencyKey,
    items: Items<UpsertItem<R>>,
) -> Result<Reply> {
    ctx.actor.require::<can::Update<R>>()?;
    ctx.once(key, move |tx| items.run(tx, apply).map(Answer::ok)).await
}

fn apply<R: UpsertStore>(tx: &mut Tx<'_>, items: &[&UpsertItem<R>]) -> Result<Vec<Outcome>> {
    let new: Vec<&R::Create> = items.iter().map(|item| &item.new).collect();
    let before = lock_existing::<R>(tx, &new)?;
    let missing = new.iter().zip(&before).filter(|(_, row)| row.is_none()).map(|(new, _)| *new);
    let missing: Vec<&R::Create> = missing.collect();
    let made = if missing.is_empty() { Vec::new() } else { R::insert_many(tx, &missing)? };
    let changed = change_existing(tx, items, &before)?;
    let (mut made, mut changed) = (made.iter().map(Outcome::created), changed.iter());
    let outcome = |before: &Option<R>| match before {
        Some(before) => changed.next().map(|after| Outcome::changed(before, after)),
        None => made.next(),
    };
    Ok(before.iter().filter_map(outcome).collect())
}

/// Locks the existing record of each item. If two items match the same record, it is missing for the second; then each
/// item is processed on its own.
fn lock_existing<R: UpsertStore>(tx: &mut Tx<'_>, new: &[&R::Create]) -> Result<Vec<Option<R>>> {
    let existing = R::find_existing(tx, new)?;
    let ids: Vec<Uuid> = existing.iter().copied().flatten().collect();
    let mut rows = R::lock_many(tx, &ids)?;
    let row = |id: Option<Uuid>| id.map(|id| rows.remove(&id).ok_or_else(Error::not_found)).transpose();
    existing.into_iter().map(row).collect()
}

/// Updates the records that exist, in the order of their items.
fn change_existing<R: UpsertStore>(tx: &mut Tx<'_>, items: &[&UpsertItem<R>], before: &[Option<R>]) -> Result<Vec<R>> {
    let existing: Vec<(&UpsertItem<R>, &R)> =
        items.iter().zip(before).filter_map(|(item, row)| Some((*item, row.as_ref()?))).collect();
    let groups: Vec<Group<'_, R, R::Update>> = existing.iter().map(|(item, row)| (vec![*row], &item.changes)).collect();
    let changed = R::change_each(tx, &groups)?;
    changed.into_iter().zip(existing).map(|(row, (item, _))| R::apply_extras(tx, row, &item.new)).collect()
}

/// Defines the operation `POST /…/batch-upsert` of one resource.
#[macro_export]
macro_rules! batch_upsert {
    ($row:ident, $body:ident, $path:tt $id:tt) => {
        /// Create up to 1,000 records, or update the existing ones with the same `external_id` (contacts are also
        /// matched by any of their e-mail addresses, companies by their domain). Each item is a complete creation. For
        /// an existing record, the given members are updated as by PATCH: lists and `person` are replaced as a whole,
        /// and a deal or lead moves to the given stage. Null and empty members are ignored. An existing record keeps
        /// its `id` and `first_touch`.
        #[utoipa::path(operation_id = $id, request_body = $body,
            responses((status = 200, description = "The result of each item", body = $crate::web::batch::BatchResult)))]
        #[post($path)]
        async fn batch_upsert(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::access::permission::can::Create<$row>>,
            key: $crate::web::headers::IdempotencyKey,
            items: $crate::web::batch::Items<$crate::web::upsert::UpsertItem<$row>>,
        ) -> $crate::kernel::error::Result<$crate::kernel::answers::reply::Reply> {
            $crate::web::upsert::upsert(ctx, key, items).await
        }
    };
}
