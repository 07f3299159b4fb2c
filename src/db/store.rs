//! Stores: what a resource does to many records at once. Batches, upserts, searches and bulk operations need nothing else.
use crate::db::table::Stored;
use crate::db::tx::Tx;
use crate::db::updates::Group;
use crate::kernel::error::Result;
use crate::kernel::field::Fields;
use crate::kernel::resource::Resource;
use crate::kernel::shape::Rules;
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
