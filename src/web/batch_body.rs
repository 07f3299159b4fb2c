//! The bodies of batches: `atomic`, and the items. Each item is parsed on its own, so that a wrong one fails alone.
use crate::db::store::BatchStore;
use crate::kernel::answers::named_schema::{collect, reference};
use crate::kernel::bodies::read_only::ReadOnlyMembers;
use crate::kernel::bodies::shape::{self, Rules};
use crate::kernel::error::{FieldError, Result};
use serde::Deserialize;
use serde_json::Value as Json;
use std::borrow::Cow;
use std::marker::PhantomData;
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, SchemaFormat, SchemaType};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

/// The maximum number of items of a batch.
pub const ITEMS_MAX: usize = 1_000;

/// One item of a batch.
pub trait BatchItem: Sized + 'static {
    fn read(item: Json) -> Result<Self>;

    /// Returns the id of the record that the item changes.
    fn target(&self) -> Option<Uuid> {
        None
    }
}

/// An item whose batch has a schema of its own.
pub trait DocumentedItem: BatchItem + ToSchema {
    const BATCH_DESCRIPTION: &'static str;
    const ATOMIC: &'static str;

    /// Returns the name of the schema of the batch.
    fn batch_name() -> String;
}

/// The body of a batch, for the document.
#[derive(Debug)]
pub struct BatchBody<I>(PhantomData<I>);

impl<I: DocumentedItem> ToSchema for BatchBody<I> {
    fn name() -> Cow<'static, str> {
        I::batch_name().into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        collect::<I>(schemas);
    }
}

impl<I: DocumentedItem> PartialSchema for BatchBody<I> {
    fn schema() -> RefOr<Schema> {
        let atomic = ObjectBuilder::new().schema_type(Type::Boolean);
        let atomic = atomic.description(Some(I::ATOMIC));
        let items = ArrayBuilder::new().items(reference::<I>()).min_items(Some(1)).max_items(Some(ITEMS_MAX));
        let body = ObjectBuilder::new().property("atomic", atomic).property("items", items).required("items");
        body.description(Some(I::BATCH_DESCRIPTION)).into()
    }
}

/// A record to create.
#[derive(Debug)]
pub struct NewItem<R: BatchStore>(pub R::Create);

impl<R: BatchStore> BatchItem for NewItem<R> {
    fn read(item: Json) -> Result<Self> {
        shape::read(item).map(NewItem)
    }
}

impl<R: BatchStore> DocumentedItem for NewItem<R> {
    const BATCH_DESCRIPTION: &'static str = "The records to create.";
    const ATOMIC: &'static str =
        "Whether to create all records or none. Otherwise each item succeeds or fails on its own.";

    fn batch_name() -> String {
        format!("{}BatchCreate", R::KIND.type_name())
    }
}

impl<R: BatchStore> ToSchema for NewItem<R> {
    fn name() -> Cow<'static, str> {
        R::Create::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        R::Create::schemas(schemas);
    }
}

impl<R: BatchStore> PartialSchema for NewItem<R> {
    fn schema() -> RefOr<Schema> {
        R::Create::schema()
    }
}

/// A record to update, and the changes.
#[derive(Debug, Deserialize)]
#[serde(bound = "")]
pub struct UpdateItem<R: BatchStore> {
    pub id: Uuid,
    pub version: Option<i64>,
    pub changes: R::Update,
    /// The changes as JSON; items with equal changes are updated with one statement.
    #[serde(skip)]
    pub raw_changes: String,
    #[serde(skip)]
    pub read_only: ReadOnlyMembers,
}

impl<R: BatchStore> BatchItem for UpdateItem<R> {
    fn read(item: Json) -> Result<Self> {
        let raw_changes = item.get("changes").map(ToString::to_string).unwrap_or_default();
        let (item, read_only) = ReadOnlyMembers::read::<Self, R::Update>(item, |item| item.get_mut("changes"))?;
        Ok(UpdateItem { raw_changes, read_only, ..item })
    }

    fn target(&self) -> Option<Uuid> {
        Some(self.id)
    }
}

impl<R: BatchStore> DocumentedItem for UpdateItem<R> {
    const BATCH_DESCRIPTION: &'static str = "The records to update.";
    const ATOMIC: &'static str =
        "Whether to update all records or none. Otherwise each item succeeds or fails on its own.";

    fn batch_name() -> String {
        format!("{}BatchUpdate", R::KIND.type_name())
    }
}

impl<R: BatchStore> Rules for UpdateItem<R> {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        rules_under("/changes", &self.changes, bad);
    }
}

impl<R: BatchStore> ToSchema for UpdateItem<R> {
    fn name() -> Cow<'static, str> {
        format!("{}BatchUpdateItem", R::KIND.type_name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        collect::<R::Update>(schemas);
    }
}

impl<R: BatchStore> PartialSchema for UpdateItem<R> {
    fn schema() -> RefOr<Schema> {
        item_schema(
            "A record to update, and the changes.",
            "The expected version, as in `If-Match`.",
            ("changes", reference::<R::Update>()),
        )
    }
}

/// A record to delete.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct BatchDeleteItem {
    pub id: Uuid,
    /// The expected version, as in `If-Match`.
    pub version: Option<i64>,
}
impl Rules for BatchDeleteItem {}

impl BatchItem for BatchDeleteItem {
    fn read(item: Json) -> Result<Self> {
        shape::read(item)
    }

    fn target(&self) -> Option<Uuid> {
        Some(self.id)
    }
}

impl DocumentedItem for BatchDeleteItem {
    const BATCH_DESCRIPTION: &'static str = "The records to delete.";
    const ATOMIC: &'static str =
        "Whether to delete all records or none. Otherwise each item succeeds or fails on its own.";

    fn batch_name() -> String {
        "BatchDelete".into()
    }
}

pub type BatchDelete = BatchBody<BatchDeleteItem>;

/// Returns the schema of an item with the id of a record, its version, and a member that says what to do with it.
pub fn item_schema(description: &str, version: &str, (member, schema): (&str, RefOr<Schema>)) -> RefOr<Schema> {
    let id = ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
    let version = ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Integer, Type::Null]))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .description(Some(version));
    let item = ObjectBuilder::new().property("id", id).property("version", version).property(member, schema);
    item.required("id").required(member).description(Some(description)).into()
}

/// Checks the rules of a part of an item, with pointers from the root of the item.
pub fn rules_under(at: &str, part: &impl Rules, bad: &mut Vec<FieldError>) {
    let mut inner = Vec::new();
    part.rules(&mut inner);
    bad.extend(
        inner.into_iter().map(|b| FieldError { pointer: b.pointer.map(|pointer| format!("{at}{pointer}")), ..b }),
    );
}
