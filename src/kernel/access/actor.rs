//! The caller: the user, the workspace and the permissions.
use crate::kernel::access::grants::{Access, Action, Visibility};
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::fields::custom::CustomFields;
use crate::text_enum;
use std::sync::Arc;
use uuid::Uuid;

text_enum! {
    /// Who or what acts, as in events.
    pub enum ActorKind {
        User = "user",
        ApiKey = "api_key",
        Import = "import",
        /// A change by a migration to a new version.
        Migration = "migration",
    }
}

text_enum! {
    /// Invited users cannot sign in yet, suspended users can no longer sign in.
    pub enum UserStatus { Invited = "invited", Active = "active", Suspended = "suspended", }
}

/// A user of one workspace, or an API key that acts for one. The data is at most a few seconds old.
#[derive(Clone, Debug)]
pub struct Actor {
    pub workspace: Uuid,
    pub user: Uuid,
    pub actor_kind: ActorKind,
    /// The owner of idempotency keys and rate limits: the user or the API key.
    pub principal: Uuid,
    /// The session of a signed-in user.
    pub session: Option<Uuid>,
    pub access: Arc<Access>,
    /// The user and everyone in the user's team and the teams below it: the reach of the visibility `team`.
    pub team_members: Arc<Vec<Uuid>>,
    /// The scopes of an API key; `None` permits everything that the role permits.
    pub scopes: Option<Vec<String>>,
    pub settings: Settings,
}

/// The settings of the workspace that rules depend on.
#[derive(Clone, Debug)]
pub struct Settings {
    pub time_zone: chrono_tz::Tz,
    /// The time zone of the user, by default that of the workspace; it defines `today`.
    pub own_time_zone: chrono_tz::Tz,
    pub base_currency: String,
    /// ISO 3166 alpha-2: the country of phone numbers without a country code.
    pub country: String,
    /// The custom fields of the workspace.
    pub custom: Arc<CustomFields>,
}

impl Actor {
    /// Returns the id of the API key, if the caller is one.
    pub fn api_key(&self) -> Option<Uuid> {
        (self.actor_kind == ActorKind::ApiKey).then_some(self.principal)
    }

    /// Whether the role may change every user, which includes what is private to one.
    pub fn manages_users(&self) -> bool {
        self.visibility("users", Action::Update) == Visibility::All
    }

    /// Returns how far a permission of the role reaches.
    pub fn visibility(&self, resource: &str, action: Action) -> Visibility {
        self.access.of(resource, action)
    }

    /// Checks that the caller has a permission, by the name of the resource in scopes.
    pub fn require_action(&self, action: Action, resource: &str) -> Result<()> {
        if self.visibility(resource, action) == Visibility::None {
            return Err(self.forbidden(resource, action));
        }
        self.in_scope(action.scope(resource))
    }

    /// Checks that the caller may read the resource with this name in scopes.
    pub fn require_read(&self, resource: &str) -> Result<()> {
        self.require_action(Action::Read, resource)
    }

    pub fn forbidden(&self, resource: &str, action: Action) -> Error {
        let role = &self.access.role;
        Error::new(Code::Forbidden, format!("your role ({role}) may not {} {resource}", action.as_str()))
    }

    fn in_scope(&self, scope: String) -> Result<()> {
        match &self.scopes {
            Some(scopes) if !scopes.contains(&scope) => {
                Err(Error::new(Code::InsufficientScope, format!("the API key lacks the scope {scope}"))
                    .with(|problem| problem.required_scope = Some(scope)))
            }
            _ => Ok(()),
        }
    }
}
