//! Roles: permissions, how far each one reaches, and hidden fields. Built-in and custom roles have the same data.
use crate::kernel::access::actor::Action;
use crate::kernel::access::hide::HideableField;
use crate::kernel::access::resource::{Builtin, Rights, guarded, hideable};
use crate::kernel::error::{Bad, FieldCode, not_known};
use crate::kernel::fields::kind::Kind;
use crate::{jsonb, text_enum};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use utoipa::ToSchema;

text_enum! {
    /// How far a permission reaches. Records without an owner are visible only with `all`.
    #[derive(PartialOrd, Ord)]
    pub enum Visibility {
        None = "none",
        /// The caller's own records.
        Own = "own",
        /// Also the records of everyone in the caller's team and the teams below it.
        Team = "team",
        All = "all",
    }
}

/// The permissions of a role on one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    /// The name of the resource as in scopes: `contacts`, `loss-reasons`.
    #[schema(max_length = 50)]
    pub resource: String,
    pub read: Visibility,
    pub create: Visibility,
    pub update: Visibility,
    pub delete: Visibility,
    /// Export of records as CSV.
    pub export: Visibility,
}

impl Grant {
    fn of(&self, action: Action) -> Visibility {
        match action {
            Action::Read => self.read,
            Action::Create => self.create,
            Action::Update => self.update,
            Action::Delete => self.delete,
            Action::Export => self.export,
        }
    }
}

/// The permissions of a role, stored in one column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(transparent)]
pub struct Grants(pub Vec<Grant>);

/// A member that a role hides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HiddenField {
    #[schema(max_length = 50)]
    pub resource: String,
    #[schema(max_length = 100, example = "value")]
    pub field: String,
}

/// The hidden fields of a role, stored in one column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(transparent)]
pub struct HiddenFields(pub Vec<HiddenField>);
jsonb!(Grants, HiddenFields);

pub const OWNER: &str = "owner";
pub const SELLER: &str = "seller";

impl Builtin {
    pub const ALL: [(Builtin, &'static str, &'static str); 5] = [
        (Builtin::Owner, OWNER, "Owner"),
        (Builtin::Admin, "admin", "Admin"),
        (Builtin::Manager, "manager", "Manager"),
        (Builtin::Seller, SELLER, "Seller"),
        (Builtin::Viewer, "viewer", "Viewer"),
    ];

    pub fn named(key: &str) -> Option<Builtin> {
        Builtin::ALL.iter().find(|(_, known, _)| *known == key).map(|(role, ..)| *role)
    }

    /// Returns the permissions of the role in the form of a custom role.
    pub fn grants(self) -> Grants {
        let up_to = |weakest: Builtin| if self <= weakest { Visibility::All } else { Visibility::None };
        let grant = |(name, rights): (&str, Rights)| Grant {
            resource: name.into(),
            read: up_to(rights.read),
            create: up_to(rights.write),
            update: up_to(rights.write),
            delete: up_to(rights.delete),
            // Viewers may not export.
            export: up_to(rights.read.min(Builtin::Seller)),
        };
        Grants(guarded().map(grant).collect())
    }
}

/// The permissions and hidden fields of one role, indexed for checks.
#[derive(Debug, Default)]
pub struct Access {
    /// The key of the role.
    pub role: String,
    rights: HashMap<String, Grant>,
    hidden: Vec<HiddenField>,
}

impl Access {
    pub fn new(role: &str, grants: &Grants, hidden: &HiddenFields) -> Access {
        Access {
            role: role.into(),
            rights: grants.0.iter().map(|grant| (grant.resource.clone(), grant.clone())).collect(),
            hidden: hidden.0.clone(),
        }
    }

    pub fn builtin(role: Builtin) -> Access {
        let key = Builtin::ALL.iter().find(|(known, ..)| *known == role).map_or("", |(_, key, _)| key);
        Access::new(key, &role.grants(), &HiddenFields::default())
    }

    pub fn of(&self, resource: &str, action: Action) -> Visibility {
        self.rights.get(resource).map_or(Visibility::None, |grant| grant.of(action))
    }

    /// Returns the permissions in the order of the resources.
    pub fn grants(&self) -> Vec<Grant> {
        guarded().filter_map(|(name, _)| self.rights.get(name)).cloned().collect()
    }

    pub fn hidden_fields(&self) -> &[HiddenField] {
        &self.hidden
    }

    /// Checks whether any permission has the visibility `team`.
    pub fn reaches_the_team(&self) -> bool {
        self.rights.values().any(|grant| Action::ALL.iter().any(|action| grant.of(*action) == Visibility::Team))
    }

    /// Checks whether this role has all permissions of another role and sees all fields that the other sees.
    pub fn covers(&self, other: &Access) -> bool {
        let within =
            |grant: &Grant| Action::ALL.iter().all(|action| self.of(&grant.resource, *action) >= grant.of(*action));
        other.rights.values().all(within) && self.hidden.iter().all(|field| other.hidden.contains(field))
    }

    /// Checks whether the role hides a member of a resource.
    pub fn hides(&self, resource: &str, member: &str) -> bool {
        self.hidden_members(resource).any(|hidden| hidden == member)
    }

    /// Returns the members of a resource that the role hides.
    pub fn hidden_members<'a>(&'a self, resource: &'a str) -> impl Iterator<Item = &'a str> {
        let fields = self.hidden.iter().filter(move |hidden| hidden.resource == resource);
        fields.flat_map(|hidden| {
            let known = hideable_fields(&hidden.resource).iter().find(|field| field.name == hidden.field);
            let own = hidden.field.starts_with(OWN_FIELD).then_some(hidden.field.as_str());
            known.map_or(&[][..], |field| field.members).iter().copied().chain(own)
        })
    }

    pub fn hides_anything(&self) -> bool {
        !self.hidden.is_empty()
    }
}

/// The prefix of the names of custom fields.
pub const OWN_FIELD: &str = "cf.";

/// The fields of a resource that roles can hide.
fn hideable_fields(resource: &str) -> &'static [HideableField] {
    hideable().find(|descriptor| descriptor.name == resource).map_or(&[], |descriptor| descriptor.hideable)
}

/// An update that may set members that roles can hide.
pub trait Gives {
    const KIND: Kind;

    /// Returns the given members with their pointers: `("/email", "email")`, `("/custom_fields/0", "cf.region")`.
    fn given(&self) -> Vec<(String, String)>;
}

/// Implements `Gives` for the body of an update with the members that roles can hide. Custom fields are always
/// included.
#[macro_export]
macro_rules! gives {
    ($changes:ident of $kind:ident: $($member:ident),+) => {
        impl $crate::kernel::access::grants::Gives for $changes {
            const KIND: $crate::kernel::fields::kind::Kind = $crate::kernel::fields::kind::Kind::$kind;

            fn given(&self) -> Vec<(String, String)> {
                let members = [$((stringify!($member), self.$member.is_some())),+];
                let given = members.into_iter().filter(|(_, given)| *given);
                let own = self.custom_fields.iter().flatten().enumerate();
                let own = own.map(|(n, value)| (format!("/custom_fields/{n}"), format!("cf.{}", value.key)));
                given.map(|(name, _)| (format!("/{name}"), name.to_owned())).chain(own).collect()
            }
        }
    };
}

/// Checks the hidden fields of a custom role.
pub fn check_hidden(fields: &[HiddenField], bad: &mut Vec<Bad>) {
    let resources = || hideable().map(|resource| resource.name);
    for (n, hidden) in fields.iter().enumerate() {
        let known = hideable_fields(&hidden.resource);
        if known.is_empty() {
            let detail = not_known(&hidden.resource, resources());
            let wrong = Bad::member(format!("/hidden_fields/{n}/resource"), FieldCode::InvalidChoice, detail);
            bad.push(wrong.among(names_of(resources())));
        } else if !hidden.field.starts_with(OWN_FIELD) && !known.iter().any(|field| field.name == hidden.field) {
            let names: Vec<&str> = known.iter().map(|field| field.name).collect();
            let elsewhere = hideable().flat_map(|resource| resource.hideable).any(|field| field.name == hidden.field);
            let detail = format!("must be one of {}, or cf. followed by the key of a custom field", names.join(", "));
            // A schema cannot list the fields of each resource.
            let code = if elsewhere { FieldCode::Invalid } else { FieldCode::InvalidChoice };
            bad.push(Bad::member(format!("/hidden_fields/{n}/field"), code, detail).among(names));
        }
    }
}

/// Returns each name once.
fn names_of(names: impl Iterator<Item = &'static str>) -> BTreeSet<&'static str> {
    names.collect()
}

/// Checks whether the resource has anything to read. For operations without records, a call may need a
/// weaker role than reading.
fn is_read(rights: Rights) -> bool {
    rights.read >= rights.write
}

/// Checks the permissions of a custom role: known resources, each once, and no `own` or `team` for records without
/// owners.
pub fn check_grants(grants: &[Grant], bad: &mut Vec<Bad>) {
    for (n, grant) in grants.iter().enumerate() {
        let Some((name, rights)) = guarded().find(|(name, _)| *name == grant.resource) else {
            let detail = not_known(&grant.resource, guarded().map(|(name, _)| name));
            let wrong = Bad::member(format!("/grants/{n}/resource"), FieldCode::InvalidChoice, detail);
            bad.push(wrong.among(names_of(guarded().map(|(name, _)| name))));
            continue;
        };
        if grants.iter().take(n).any(|earlier| earlier.resource == grant.resource) {
            bad.push(Bad::member(format!("/grants/{n}/resource"), FieldCode::StatedTwice, "must not occur twice"));
        }
        for action in Action::ALL {
            let far = grant.of(action);
            if !rights.owned && matches!(far, Visibility::Own | Visibility::Team) {
                let detail = format!("must be none or all, because {name} have no owners");
                bad.push(Bad::member(format!("/grants/{n}/{}", action.as_str()), FieldCode::Invalid, detail));
            }
            // A role may create records for others without seeing them afterwards.
            if far > grant.read && is_read(rights) && !(action == Action::Create && grant.read > Visibility::None) {
                let detail = "must not reach further than read";
                bad.push(Bad::member(format!("/grants/{n}/{}", action.as_str()), FieldCode::OutOfRange, detail));
            }
        }
    }
}
