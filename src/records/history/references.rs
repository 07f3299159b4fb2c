//! The records that the values of a field refer to, and their names.
use crate::db::refs;
use crate::db::tx::Tx;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::resource;
use crate::kernel::error::Result;
use crate::kernel::fields::field::FieldRef;
use crate::kernel::fields::kind::Kind;
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::HashMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// A record that a value refers to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NamedRecord {
    pub kind: String,
    pub id: Uuid,
    /// Null if you do not see the record, or if it has no name, such as an erased person. Deleted records keep their
    /// names.
    pub name: Option<String>,
}

/// The names of records.
#[derive(Debug, Default)]
pub struct Names(HashMap<(Kind, Uuid), String>);

impl Names {
    /// Loads the names with one statement.
    pub fn load(tx: &mut Tx<'_>, wanted: &[(Kind, Uuid)]) -> Result<Names> {
        refs::names_of_kinds(tx, wanted).map(Names)
    }

    pub fn of(&self, kind: Kind, id: Uuid) -> Option<&str> {
        self.0.get(&(kind, id)).map(String::as_str)
    }

    pub fn named(&self, referred: &[(Kind, Uuid)]) -> Vec<NamedRecord> {
        let named = |(kind, id): &(Kind, Uuid)| NamedRecord {
            kind: kind.as_str().to_owned(),
            id: *id,
            name: self.of(*kind, *id).map(str::to_owned),
        };
        referred.iter().map(named).collect()
    }
}

/// Returns the field of a record that events call `member`.
pub fn field_named(actor: &Actor, kind: Kind, member: &str) -> Option<FieldRef> {
    let own = || actor.settings.custom.of(kind).find(|own| own.path == member);
    let built = resource::fields_of(kind).iter().find(|field| field.name == member && field.member() == member);
    built.map(FieldRef::Built).or_else(|| own().map(|own| FieldRef::Custom(own.clone())))
}

/// Returns the kind of record that a member refers to: that of the field, or else the one in the name, such as
/// `contact_id` in the contacts of a deal.
pub fn target(actor: &Actor, kind: Kind, member: &str) -> Option<Kind> {
    if let Some(field) = field_named(actor, kind, member) {
        return field.refers();
    }
    let name = member.strip_suffix("_ids").or_else(|| member.strip_suffix("_id"))?;
    resource::kind_named(name).or_else(|| resource::kind_named(name.rsplit('_').next()?))
}

/// Returns the records that a value refers to, in their order.
pub fn referred(actor: &Actor, kind: Kind, member: &str, value: &Json) -> Vec<(Kind, Uuid)> {
    match value {
        Json::String(text) => {
            let Ok(id) = text.parse() else { return Vec::new() };
            target(actor, kind, member).map(|kind| (kind, id)).into_iter().collect()
        }
        Json::Array(items) => items.iter().flat_map(|item| referred(actor, kind, member, item)).collect(),
        Json::Object(members) => members.iter().flat_map(|(name, value)| referred(actor, kind, name, value)).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) => Vec::new(),
    }
}
