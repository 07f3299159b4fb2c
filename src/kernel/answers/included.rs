//! The records that an answer includes with `include=`.
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::resource::{self, Descriptor};
use crate::kernel::fields::kind::Kind;
use serde::{Serialize, Serializer};
use std::collections::HashMap;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

/// A reference to another record, with its name.
#[derive(Clone, Debug, Serialize, diesel::QueryableByName, utoipa::ToSchema)]
pub struct RecordRef {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    pub id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub name: String,
}

/// The included records, each once, by resource. Every includable resource has a list; it is empty if nothing was
/// asked for.
#[derive(Debug, Default)]
pub struct Included(HashMap<Kind, Vec<RecordRef>>);
/// The names are built without hidden fields.
impl NothingHidden for Included {}

impl Included {
    /// Sets the included records of a kind.
    pub fn set(&mut self, kind: Kind, records: Vec<RecordRef>) {
        self.0.insert(kind, records);
    }

    /// Returns the names of all included records by their ids.
    pub fn names(&self) -> HashMap<Uuid, &str> {
        self.0.values().flatten().map(|record| (record.id, record.name.as_str())).collect()
    }
}

/// Returns the resources that can be included, with the names of their members: `loss_reasons`.
fn includable() -> impl Iterator<Item = (&'static Descriptor, Kind)> {
    let includable = resource::all().filter(|resource| resource.includable);
    includable.filter_map(|resource| Some((resource, resource.kind?)))
}

impl Serialize for Included {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        const NONE: &[RecordRef] = &[];
        s.collect_map(includable().map(|(_, kind)| (kind.table(), self.0.get(&kind).map_or(NONE, Vec::as_slice))))
    }
}

impl PartialSchema for Included {
    fn schema() -> RefOr<Schema> {
        let list = || ArrayBuilder::new().items(Ref::from_schema_name("RecordRef"));
        let all = includable().fold(ObjectBuilder::new(), |object, (_, kind)| {
            object.property(kind.table(), list()).required(kind.table())
        });
        let description = "The records asked for with `include=`, each once; empty lists otherwise.";
        all.description(Some(description)).into()
    }
}

impl ToSchema for Included {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("RecordRef".into(), RecordRef::schema()));
    }
}
