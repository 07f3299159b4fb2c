//! What a resource does to many records at once. Each resource implements it; batches, upserts, searches and bulk jobs need nothing more.
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

/// A resource whose records are created, changed and deleted many at a time, in few statements.
pub trait BatchStore: Stored + Resource + ToSchema {
    type Create: Input;
    type Update: Input;
    const FIELDS: &'static Fields<Self::Table>;

    /// Inserts records. If the database refuses one, it refuses them all.
    fn insert_many(tx: &mut Tx<'_>, new: &[&Self::Create]) -> Result<Vec<Self>>;

    /// Changes locked records, each group in its own way. The answer has the rows of the groups in their order.
    fn change_each(tx: &mut Tx<'_>, groups: &[Group<'_, Self, Self::Update>]) -> Result<Vec<Self>>;

    /// Deletes locked records.
    fn delete_many(tx: &mut Tx<'_>, rows: &[Self]) -> Result<()>;
}

/// A resource whose records are found by what a creation says, such as their external id.
pub trait UpsertStore: BatchStore {
    /// For each creation the record that it means, if there is one that the caller may see.
    fn find_existing(tx: &mut Tx<'_>, new: &[&Self::Create]) -> Result<Vec<Option<Uuid>>>;

    /// Applies to an existing record what a creation says and a change has no member for, such as a stage.
    fn apply_extras(_: &mut Tx<'_>, row: Self, _: &Self::Create) -> Result<Self> {
        Ok(row)
    }
}
