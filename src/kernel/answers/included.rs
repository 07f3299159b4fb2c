//! The records that an answer includes with `include=`.
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::resource::{self, Descriptor};
use crate::kernel::fields::kind::Kind;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::collections::{HashMap, HashSet};
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

/// A link between included records: the company of an included contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct IncludedLink {
    /// The included record.
    pub from_id: Uuid,
    /// Its member, such as `company_id`.
    #[schema(example = "company_id")]
    pub field: String,
    /// The included record that the member refers to.
    pub to_id: Uuid,
}

/// The included records, each once, by resource. Every includable resource has a list; it is empty if nothing was
/// asked for.
#[derive(Debug, Default)]
pub struct Included {
    records: HashMap<Kind, Vec<RecordRef>>,
    links: Vec<IncludedLink>,
}
/// The names are built without hidden fields.
impl NothingHidden for Included {}

impl Included {
    /// Adds included records of a kind that are not included yet.
    pub fn add(&mut self, kind: Kind, records: Vec<RecordRef>) {
        let list = self.records.entry(kind).or_default();
        let new: Vec<RecordRef> =
            records.into_iter().filter(|record| list.iter().all(|known| known.id != record.id)).collect();
        list.extend(new);
    }

    /// Adds links whose records are both included.
    pub fn link(&mut self, links: Vec<IncludedLink>) {
        let known: HashSet<Uuid> = self.records.values().flatten().map(|record| record.id).collect();
        let both = |link: &IncludedLink| known.contains(&link.from_id) && known.contains(&link.to_id);
        self.links.extend(links.into_iter().filter(both));
    }

    /// Returns the names of all included records by their ids.
    pub fn names(&self) -> HashMap<Uuid, &str> {
        self.records.values().flatten().map(|record| (record.id, record.name.as_str())).collect()
    }
}

/// Returns the resources that can be included, with the names of their members: `loss_reasons`.
fn includable() -> impl Iterator<Item = (&'static Descriptor, Kind)> {
    let includable = resource::all().filter(|resource| resource.includable);
    includable.filter_map(|resource| Some((resource, resource.kind?)))
}

/// The member with the links.
const LINKS: &str = "links";

impl Serialize for Included {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        const NONE: &[RecordRef] = &[];
        let mut map = s.serialize_map(None)?;
        for (_, kind) in includable() {
            map.serialize_entry(kind.table(), self.records.get(&kind).map_or(NONE, Vec::as_slice))?;
        }
        map.serialize_entry(LINKS, &self.links)?;
        map.end()
    }
}

impl PartialSchema for Included {
    fn schema() -> RefOr<Schema> {
        let list = || ArrayBuilder::new().items(Ref::from_schema_name("RecordRef"));
        let all = includable().fold(ObjectBuilder::new(), |object, (_, kind)| {
            object.property(kind.table(), list()).required(kind.table())
        });
        let links = ArrayBuilder::new().items(Ref::from_schema_name("IncludedLink"));
        let links =
            links.description(Some("The links of records that were included with a path such as `contacts.company`."));
        let all = all.property(LINKS, links).required(LINKS);
        let description = "The records asked for with `include=`, each once; empty lists otherwise.";
        all.description(Some(description)).into()
    }
}

impl ToSchema for Included {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("RecordRef".into(), RecordRef::schema()));
        schemas.push(("IncludedLink".into(), IncludedLink::schema()));
    }
}
