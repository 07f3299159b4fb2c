//! Descriptors: what the product knows of a resource, said once, beside the resource itself. `src/resources.rs` lists them all; the
//! mechanisms go through that list and name no resource.
use crate::kernel::hide::HideableField;
use crate::kernel::kind::Kind;
use std::sync::OnceLock;

/// The roles that every workspace has, the strongest first. Each includes what the next may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Builtin {
    Owner,
    Admin,
    Manager,
    Seller,
    Viewer,
}

/// The weakest built-in roles that may read, write and delete the records of a resource.
#[derive(Clone, Copy, Debug)]
pub struct Rights {
    /// Its records have owners, so that a permission can reach one's own, the team's or all of them.
    pub owned: bool,
    pub read: Builtin,
    pub write: Builtin,
    pub delete: Builtin,
}

/// A resource, as the mechanisms see it.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor {
    /// In paths, scopes and grants: `deals`.
    pub name: &'static str,
    /// Of its records, if it has any.
    pub kind: Option<Kind>,
    /// None where no role gives a permission of its own.
    pub rights: Option<Rights>,
    /// What roles can hide of its records.
    pub hideable: &'static [HideableField],
}

impl Descriptor {
    /// A resource with records of its own.
    pub const fn of(kind: Kind) -> Descriptor {
        Descriptor { name: kind.path(), kind: Some(kind), rights: None, hideable: &[] }
    }

    /// Operations that need a permission and have no records of their own, such as reports.
    pub const fn calls(name: &'static str) -> Descriptor {
        Descriptor { name, kind: None, rights: None, hideable: &[] }
    }

    /// A permission reaches all of its records or none.
    pub const fn shared(self, read: Builtin, write: Builtin, delete: Builtin) -> Descriptor {
        Descriptor { rights: Some(Rights { owned: false, read, write, delete }), ..self }
    }

    /// Roles can hide these fields, and the workspace's own fields.
    pub const fn hiding(self, hideable: &'static [HideableField]) -> Descriptor {
        Descriptor { hideable, ..self }
    }

    /// Its records have owners: a permission reaches one's own, the team's, or all.
    pub const fn owned(self, read: Builtin, write: Builtin, delete: Builtin) -> Descriptor {
        Descriptor { rights: Some(Rights { owned: true, read, write, delete }), ..self }
    }
}

/// A type that stands for a resource, in permissions such as `can::Update<Deal>`: the row of its records, where it has any.
pub trait Resource: 'static {
    const DESCRIPTOR: &Descriptor;
}

static ALL: OnceLock<&'static [&'static Descriptor]> = OnceLock::new();

/// Makes the resources known, once, before anything is asked of them.
pub fn install(all: &'static [&'static Descriptor]) {
    ALL.get_or_init(|| all);
}

/// All resources. Before `install` there are none, and nothing is permitted.
pub fn all() -> &'static [&'static Descriptor] {
    ALL.get().copied().unwrap_or_default()
}

/// The resources that roles give permissions to.
pub fn guarded() -> impl Iterator<Item = (&'static str, Rights)> {
    all().iter().filter_map(|resource| Some((resource.name, resource.rights?)))
}

/// The resources of which roles can hide fields.
pub fn hideable() -> impl Iterator<Item = &'static Descriptor> {
    all().iter().copied().filter(|resource| !resource.hideable.is_empty())
}

/// Every scope that an API key can have.
pub fn scopes() -> Vec<String> {
    guarded().flat_map(|(name, _)| [format!("{name}:read"), format!("{name}:write")]).collect()
}
