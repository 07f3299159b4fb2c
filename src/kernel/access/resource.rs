//! Descriptors: what the product knows of a resource, said once, beside the resource itself. `src/resources.rs` lists
//! them; roles, lists, visibility, events, includes and the OpenAPI document read that list and name no resource.
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::{Access, Action};
use crate::kernel::access::hide::HideableField;
use crate::kernel::fields::cond::Cond;
use crate::kernel::fields::field::{Field, FieldRef};
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::value_type::ValueType;
use std::fmt;
use std::sync::OnceLock;

/// The roles that every workspace has, the strongest first. Each includes the permissions of the next.
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
    /// The records have owners, so a permission can reach one's own, the team's or all of them.
    pub owned: bool,
    pub read: Builtin,
    pub write: Builtin,
    pub delete: Builtin,
}

/// Which records of a resource a permission reaches.
#[derive(Clone, Copy)]
pub enum Reach {
    /// All of them.
    All,
    /// Those whose owner, in this field, the role reaches.
    Owner(&'static Field),
    /// Reading also reaches those that are linked to a record which the caller sees.
    OwnerOrLinked(&'static Field, &'static [OwnerLink]),
    /// Those that meet a condition of the resource's own.
    Rule(fn(&Actor, Action) -> Cond),
}

/// A field that links a record to one of another kind.
pub struct OwnerLink {
    pub kind: Kind,
    pub field: Field,
    /// SQL: the linked record, up to the comparison with its owner.
    pub owned_by: &'static str,
}

/// The name that stands for a record in `include`, as SQL.
#[derive(Clone, Copy)]
pub enum Display {
    Column(&'static str),
    /// It depends on the fields that the role hides.
    ByRole(fn(&Access) -> &'static str),
}

/// How a record that another one names is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// By the foreign key.
    ForeignKey,
    /// It must exist in the workspace.
    Exists,
    /// It must exist, not be deleted, and be visible to the caller.
    Visible,
}

/// The description of a resource.
#[derive(Clone, Copy)]
pub struct Descriptor {
    /// The name in paths, scopes and grants: `deals`.
    pub name: &'static str,
    /// One line for the OpenAPI document.
    pub about: &'static str,
    /// The kind of its records, if it has any.
    pub kind: Option<Kind>,
    /// None if no role grants a permission of its own.
    pub rights: Option<Rights>,
    pub reach: Reach,
    /// The fields that filters, sorting and conditions can name, with the schema that shows a record: `GET
    /// /schema/{name}`.
    pub described: Option<(&'static dyn DescribedFields, &'static str)>,
    /// The verbs of its events, in groups.
    pub events: &'static [&'static [&'static str]],
    pub display: Option<Display>,
    /// Lists of other resources can include its records.
    pub includable: bool,
    pub reference: Reference,
    /// Its lists can be had as CSV.
    pub csv: bool,
    /// Workspaces can add fields to its records.
    pub custom_fields: bool,
    /// The fields of its records that roles can hide, other than custom fields.
    pub hideable: &'static [HideableField],
    /// The kind of notification that the owner of a new record gets; `assigned` if absent.
    pub announced: Option<&'static str>,
}

impl Descriptor {
    /// Describes a resource with records.
    pub const fn of(kind: Kind, about: &'static str) -> Descriptor {
        Descriptor { kind: Some(kind), ..Descriptor::calls(kind.path(), about) }
    }

    /// Describes operations that need a permission but have no records, such as reports.
    pub const fn calls(name: &'static str, about: &'static str) -> Descriptor {
        Descriptor {
            name,
            about,
            kind: None,
            rights: None,
            reach: Reach::All,
            described: None,
            events: &[],
            display: None,
            includable: false,
            reference: Reference::ForeignKey,
            csv: false,
            custom_fields: false,
            hideable: &[],
            announced: None,
        }
    }

    /// A permission reaches all records or none.
    #[must_use]
    pub const fn shared(self, read: Builtin, write: Builtin, delete: Builtin) -> Descriptor {
        Descriptor { rights: Some(Rights { owned: false, read, write, delete }), ..self }
    }

    /// A permission reaches one's own records, the team's, or all.
    #[must_use]
    pub const fn owned(self, reach: Reach, read: Builtin, write: Builtin, delete: Builtin) -> Descriptor {
        Descriptor { reach, rights: Some(Rights { owned: true, read, write, delete }), ..self }
    }

    /// A condition of its own says which records a permission reaches.
    #[must_use]
    pub const fn reached_by(self, rule: fn(&Actor, Action) -> Cond) -> Descriptor {
        Descriptor { reach: Reach::Rule(rule), ..self }
    }

    #[must_use]
    pub const fn described(self, fields: &'static dyn DescribedFields, schema: &'static str) -> Descriptor {
        Descriptor { described: Some((fields, schema)), ..self }
    }

    #[must_use]
    pub const fn events(self, verbs: &'static [&'static [&'static str]]) -> Descriptor {
        Descriptor { events: verbs, ..self }
    }

    /// The owner of a new record gets a notification of this kind.
    #[must_use]
    pub const fn announced_as(self, kind: &'static str) -> Descriptor {
        Descriptor { announced: Some(kind), ..self }
    }

    #[must_use]
    pub const fn displayed_as(self, column: &'static str) -> Descriptor {
        Descriptor { display: Some(Display::Column(column)), ..self }
    }

    /// Lists of other resources can include its records under this name.
    #[must_use]
    pub const fn included_as(self, display: Display) -> Descriptor {
        Descriptor { display: Some(display), includable: true, ..self }
    }

    #[must_use]
    pub const fn checked(self, reference: Reference) -> Descriptor {
        Descriptor { reference, ..self }
    }

    #[must_use]
    pub const fn with_csv(self) -> Descriptor {
        Descriptor { csv: true, ..self }
    }

    #[must_use]
    pub const fn with_custom_fields(self) -> Descriptor {
        Descriptor { custom_fields: true, ..self }
    }

    /// Roles can hide these fields, and the custom fields.
    #[must_use]
    pub const fn hiding(self, hideable: &'static [HideableField]) -> Descriptor {
        Descriptor { hideable, ..self }
    }

    /// The field that holds the owner of a record.
    pub const fn owner(&self) -> Option<&'static Field> {
        match self.reach {
            Reach::Owner(field) | Reach::OwnerOrLinked(field, _) => Some(field),
            Reach::All | Reach::Rule(_) => None,
        }
    }

    /// The links by which its records are seen with others.
    pub const fn links(&self) -> &'static [OwnerLink] {
        match self.reach {
            Reach::OwnerOrLinked(_, links) => links,
            Reach::All | Reach::Owner(_) | Reach::Rule(_) => &[],
        }
    }
}

impl fmt::Debug for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A filter that no single field answers, as `GET /schema/{name}` shows it.
#[derive(Clone, Copy, Debug)]
pub struct DerivedFilter {
    pub name: &'static str,
    pub meaning: &'static str,
    pub value_type: ValueType,
    pub choices: &'static [&'static str],
}

/// The fields of a resource, whatever table they are of.
pub trait DescribedFields: Sync {
    /// The built-in ones, whoever asks.
    fn built(&self) -> &'static [Field];

    /// Those that the caller's role shows, and the workspace's own.
    fn visible_to(&'static self, actor: &Actor) -> Vec<FieldRef>;

    /// The filters that no single field answers.
    fn derived_filters(&self) -> Vec<DerivedFilter>;

    /// The values of `include` for a single record: `company`, `contacts.company`.
    fn include_names(&self) -> Vec<String>;
}

/// A type that stands for a resource, in permissions such as `can::Update<Deal>`: the row of its records, if it has
/// any.
pub trait Resource: 'static {
    const DESCRIPTOR: &Descriptor;
}

static ALL: OnceLock<&'static [&'static Descriptor]> = OnceLock::new();
static UNKNOWN: Descriptor = Descriptor::calls("", "");

/// Makes the resources known. Every entry point calls it first.
pub fn install(all: &'static [&'static Descriptor]) {
    ALL.get_or_init(|| all);
}

/// Returns all resources. Before `install` there are none, and nothing is permitted.
pub fn all() -> impl Iterator<Item = &'static Descriptor> {
    ALL.get().copied().unwrap_or_default().iter().copied()
}

/// Returns the descriptor of a kind; one that is not listed offers nothing.
pub fn of(kind: Kind) -> &'static Descriptor {
    all().find(|resource| resource.kind == Some(kind)).unwrap_or(&UNKNOWN)
}

/// Returns the built-in fields of a kind, for a resource that cannot import the other one, because that imports it.
pub fn fields_of(kind: Kind) -> &'static [Field] {
    of(kind).described.map_or(&[], |(fields, _)| fields.built())
}

/// Returns the resources that roles grant permissions to.
pub fn guarded() -> impl Iterator<Item = (&'static str, Rights)> {
    all().filter_map(|resource| Some((resource.name, resource.rights?)))
}

/// Returns the resources with fields that roles can hide.
pub fn hideable() -> impl Iterator<Item = &'static Descriptor> {
    all().filter(|resource| !resource.hideable.is_empty())
}

/// Returns every scope that an API key can have.
pub fn scopes() -> Vec<String> {
    guarded().flat_map(|(name, _)| [format!("{name}:read"), format!("{name}:write")]).collect()
}

/// Returns every kind of record.
pub fn kinds() -> impl Iterator<Item = Kind> {
    all().filter_map(|resource| resource.kind)
}

pub fn kind_names() -> Vec<&'static str> {
    kinds().map(Kind::as_str).collect()
}

/// Finds the kind called `deal`.
pub fn kind_named(singular: &str) -> Option<Kind> {
    kinds().find(|kind| kind.as_str() == singular)
}

/// Finds the kind whose records are at `/api/v1/deals`.
pub fn kind_at(path: &str) -> Option<Kind> {
    kinds().find(|kind| kind.path() == path)
}
