//! What a role contains: permissions, how far each one reaches, and hidden fields. Built-in and custom roles have the
//! same data.
use crate::{jsonb, text_enum};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::ToSchema;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Read,
    Create,
    Update,
    Delete,
    /// Export of many records as a file.
    Export,
}

impl Action {
    /// Returns the scope that an API key needs for the action.
    pub fn scope(self, resource: &str) -> String {
        let verb = if matches!(self, Action::Read | Action::Export) { "read" } else { "write" };
        format!("{resource}:{verb}")
    }

    pub const ALL: [Action; 5] = [Action::Read, Action::Create, Action::Update, Action::Delete, Action::Export];

    pub const fn as_str(self) -> &'static str {
        match self {
            Action::Read => "read",
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
            Action::Export => "export",
        }
    }
}

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
    pub(in crate::kernel::access) fn of(&self, action: Action) -> Visibility {
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

/// The permissions and hidden fields of one role, indexed for checks.
#[derive(Debug, Default)]
pub struct Access {
    /// The key of the role.
    pub role: String,
    pub(in crate::kernel::access) rights: HashMap<String, Grant>,
    pub(in crate::kernel::access) hidden: Vec<HiddenField>,
    /// The names of the members that show the hidden fields, by resource.
    pub(in crate::kernel::access) members: HashMap<String, Vec<String>>,
}

impl Access {
    pub fn of(&self, resource: &str, action: Action) -> Visibility {
        self.rights.get(resource).map_or(Visibility::None, |grant| grant.of(action))
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
    pub fn hidden_members(&self, resource: &str) -> impl Iterator<Item = &str> {
        self.members.get(resource).into_iter().flatten().map(String::as_str)
    }

    pub fn hides_anything(&self) -> bool {
        !self.hidden.is_empty()
    }
}
