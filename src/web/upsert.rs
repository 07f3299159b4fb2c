//! Upserts: each item creates a record, or updates an existing one with the same key.
use crate::db::tx::Tx;
use crate::kernel::address;
use crate::kernel::error::Result;
use crate::kernel::shape::{self, Rules, Shape};
use crate::web::batch::BatchItem;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

/// An item of an upsert: the body of a creation, and the members given in it as an update.
#[derive(Debug)]
pub struct Upsert<C, U> {
    pub new: C,
    pub changes: U,
}

impl<C, U> BatchItem for Upsert<C, U>
where
    C: BatchItem,
    U: DeserializeOwned + ToSchema + Rules + 'static,
{
    fn read(item: Json) -> Result<Self> {
        let shape = Shape::of::<U>();
        let may = shape.names();
        let mut given = item.clone();
        if let Some(members) = given.as_object_mut() {
            members.retain(|name, value| may.contains(&name.as_str()) && !has_no_value(value));
            // A custom field without a value is not given either.
            if let Some(values) = members.get_mut("custom_fields").and_then(Json::as_array_mut) {
                values.retain(|value| !value.as_object().is_some_and(without_value));
            }
        }
        Ok(Upsert { new: C::read(item)?, changes: shape::read(given)? })
    }
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

/// Applies members of a creation that an update does not have, such as a stage, to an existing record.
pub trait UpsertExtras<R> {
    fn apply_extras(&self, _: &mut Tx<'_>, row: R) -> Result<R> {
        Ok(row)
    }
}

/// Defines `POST /…/batch-upsert` of one resource; its store finds existing records by the keys of a creation
/// (`find_existing`).
#[macro_export]
macro_rules! upsert {
    ($row:ident, $create:ident, $update:ident, $creates:ident, $store:ident, $path:tt $id:tt) => {
        /// Create up to 1,000 records, or update the existing ones with the same `external_id` (contacts are also
        /// matched by any of their e-mail addresses, companies by their domain). Each item is a complete creation. For
        /// an existing record, the given members are updated as by PATCH: lists and `person` are replaced as a whole,
        /// and a deal or lead moves to the given stage. Null and empty members are ignored. An existing record keeps
        /// its `id` and `first_touch`.
        #[utoipa::path(operation_id = $id, request_body = $creates,
            responses((status = 200, description = "The result of each item", body = $crate::web::batch::BatchResult)))]
        #[post($path)]
        async fn batch_upsert(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::actor::can::Create<$row>>,
            items: $crate::web::batch::Items<$crate::web::upsert::Upsert<$create, $update>>,
        ) -> $crate::kernel::error::Result<$crate::kernel::reply::Reply> {
            ctx.actor.require::<$crate::kernel::actor::can::Update<$row>>()?;
            ctx.write(move |tx| {
                let done = items.run(tx, |tx, chosen| {
                    let new: Vec<&$create> = chosen.iter().map(|item| &item.new).collect();
                    let known = $store::find_existing(tx, &new)?;
                    let ids: Vec<uuid::Uuid> = known.iter().copied().flatten().collect();
                    let mut rows = $store::lock_many(tx, &ids)?;
                    // If two items match the same record, it is missing for the second; then each item is processed on
                    // its own.
                    let before = |id: Option<uuid::Uuid>| {
                        id.map(|id| rows.remove(&id).ok_or_else($crate::kernel::error::Error::not_found)).transpose()
                    };
                    let before = known.into_iter().map(before).collect::<$crate::kernel::error::Result<Vec<_>>>()?;
                    let missing: Vec<&$create> =
                        new.iter().zip(&before).filter(|(_, row)| row.is_none()).map(|(new, _)| *new).collect();
                    let made = if missing.is_empty() { Vec::new() } else { $store::insert_many(tx, &missing)? };
                    let groups: Vec<$crate::db::updates::Group<'_, _, _>> = chosen
                        .iter()
                        .zip(&before)
                        .filter_map(|(item, row)| Some((vec![row.as_ref()?], &item.changes)))
                        .collect();
                    let changed = $store::change_each(tx, &groups)?;
                    let known = chosen.iter().zip(&before).filter(|(_, row)| row.is_some());
                    let changed = changed.into_iter().zip(known).map(|(row, (item, _))| item.new.apply_extras(tx, row));
                    let changed = changed.collect::<$crate::kernel::error::Result<Vec<_>>>()?;
                    let mut made = made.iter().map($crate::web::batch::Outcome::created);
                    let mut changed = before.iter().flatten().zip(&changed).map(|(old, new)| $crate::web::batch::Outcome::changed(old, new));
                    let done = before.iter().map(|row| if row.is_some() { changed.next() } else { made.next() });
                    Ok(done.flatten().collect())
                })?;
                $crate::kernel::reply::Reply::ok(&done)
            })
            .await
        }
    };
}
