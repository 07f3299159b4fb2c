//! Stores: what a resource does to many records at once, and so to one. Batches, upserts, searches and bulk operations
//! need nothing else.
use crate::db::table::{Expected, Stored};
use crate::db::tx::Tx;
use crate::db::updates::Group;
use crate::kernel::access::resource::Resource;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Error, Result};
use crate::kernel::query::fields::Fields;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;
use uuid::Uuid;

/// A body that creates or changes a record.
pub trait Input: DeserializeOwned + ToSchema + Rules + Send + 'static {}
impl<T: DeserializeOwned + ToSchema + Rules + Send + 'static> Input for T {}

/// A resource whose records are created, updated and deleted many at a time, with few statements.
pub trait BatchStore: Stored + Resource + ToSchema {
    type Create: Input;
    type Update: Input;
    const FIELDS: &'static Fields<Self::Table>;

    /// Inserts records. If the database refuses one, all are refused.
    fn insert_many(tx: &mut Tx<'_>, new: &[&Self::Create]) -> Result<Vec<Self>>;

    /// Applies changes to locked records, each group its own. Returns the rows in the order of the groups.
    fn change_each(tx: &mut Tx<'_>, groups: &[Group<'_, Self, Self::Update>]) -> Result<Vec<Self>>;

    /// Deletes locked records.
    fn delete_many(tx: &mut Tx<'_>, rows: &[Self]) -> Result<()>;

    fn insert(tx: &mut Tx<'_>, new: &Self::Create) -> Result<Self> {
        Self::insert_many(tx, &[new])?.pop().ok_or_else(|| Error::internal("the insert returned no row"))
    }

    /// Locks a record and changes it.
    fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &Self::Update) -> Result<Self> {
        let before = Self::lock(tx, id, expected)?;
        Self::change_each(tx, &[(vec![&before], changes)])?.pop().ok_or_else(Error::not_found)
    }

    /// Locks a record and deletes it.
    fn delete(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<()> {
        let row = Self::lock(tx, id, expected)?;
        Self::delete_many(tx, &[row])
    }
}

/// A resource whose records are found by the keys of a creation, such as the external id.
pub trait UpsertStore: BatchStore {
    /// Returns for each creation the visible record that it matches, if there is one.
    fn find_existing(tx: &mut Tx<'_>, new: &[&Self::Create]) -> Result<Vec<Option<Uuid>>>;

    /// Applies members of a creation that an update does not have, such as a stage, to an existing record.
    fn apply_extras(_: &mut Tx<'_>, row: Self, _: &Self::Create) -> Result<Self> {
        Ok(row)
    }
}
