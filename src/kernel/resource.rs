//! Descriptors of resources. Each is declared next to its resource; `src/resources.rs` lists all of them, and the
//! mechanisms use that list without naming a resource.
use crate::kernel::kind::Kind;
use std::sync::OnceLock;

/// The built-in roles, from the strongest to the weakest. Each role has all permissions of the next one.
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
    /// The records have owners, so that a permission can reach own records, those of the team, or all.
    pub owned: bool,
    pub read: Builtin,
    pub write: Builtin,
    pub delete: Builtin,
}

/// The description of a resource.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor {
    /// The name in paths, scopes and permissions: `deals`.
    pub name: &'static str,
    /// The kind of the records, if the resource has any.
    pub kind: Option<Kind>,
    /// None if roles do not control the resource.
    pub rights: Option<Rights>,
}

impl Descriptor {
    /// Describes a resource with records.
    pub const fn of(kind: Kind) -> Descriptor {
        Descriptor { name: kind.path(), kind: Some(kind), rights: None }
    }

    /// Describes operations that need a permission but have no records, such as reports.
    pub const fn calls(name: &'static str) -> Descriptor {
        Descriptor { name, kind: None, rights: None }
    }

    /// A permission covers all records or none.
    pub const fn shared(self, read: Builtin, write: Builtin, delete: Builtin) -> Descriptor {
        Descriptor { rights: Some(Rights { owned: false, read, write, delete }), ..self }
    }

    /// The records have owners: a permission reaches own records, those of the team, or all.
    pub const fn owned(self, read: Builtin, write: Builtin, delete: Builtin) -> Descriptor {
        Descriptor { rights: Some(Rights { owned: true, read, write, delete }), ..self }
    }
}

/// A type that represents a resource in permissions such as `can::Update<Deal>`: the row type, if the resource has
/// records.
pub trait Resource: 'static {
    const DESCRIPTOR: &Descriptor;
}

static ALL: OnceLock<&'static [&'static Descriptor]> = OnceLock::new();

/// Registers the resources, once, before any use.
pub fn install(all: &'static [&'static Descriptor]) {
    ALL.get_or_init(|| all);
}

/// Returns all resources. Before `install` there are none, and nothing is permitted.
pub fn all() -> &'static [&'static Descriptor] {
    ALL.get().copied().unwrap_or_default()
}

/// Returns the resources that roles control, with their permissions.
pub fn guarded() -> impl Iterator<Item = (&'static str, Rights)> {
    all().iter().filter_map(|resource| Some((resource.name, resource.rights?)))
}

/// Returns all scopes of API keys.
pub fn scopes() -> Vec<String> {
    guarded().flat_map(|(name, _)| [format!("{name}:read"), format!("{name}:write")]).collect()
}
