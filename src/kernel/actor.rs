//! Who acts, in which workspace, with which rights.
use crate::kernel::access::{Access, Builtin, Visibility};
use crate::kernel::custom::CustomFields;
use crate::kernel::error::{Code, Error, Result};
use std::sync::Arc;
use uuid::Uuid;

/// A user of one workspace (or a script acting as one), as read at most a few seconds ago.
#[derive(Clone, Debug)]
pub struct Actor {
    pub workspace: Uuid,
    pub user: Uuid,
    /// `user`, `api_key` or `import`: what the events say.
    pub actor_kind: &'static str,
    /// Scope of idempotency keys and rate limits: the user or the API key.
    pub principal: Uuid,
    /// Of a signed-in user.
    pub session: Option<Uuid>,
    pub access: Arc<Access>,
    /// The user and everybody in the user's team and the teams below it: what the visibility `team` reaches.
    pub team_members: Arc<Vec<Uuid>>,
    /// `None`: everything that the role may do.
    pub scopes: Option<Vec<String>>,
    pub settings: Settings,
}

/// The workspace's settings that rules depend on.
#[derive(Clone, Debug)]
pub struct Settings {
    pub time_zone: chrono_tz::Tz,
    /// Of the user, where `today` is meant; the workspace's unless they have another.
    pub own_time_zone: chrono_tz::Tz,
    pub base_currency: String,
    /// ISO 3166 alpha-2: the country of phone numbers written without a country code.
    pub country: String,
    /// The fields that the workspace added.
    pub custom: Arc<CustomFields>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Read,
    Create,
    Update,
    Delete,
    /// Taking many records out at once, as a file.
    Export,
}

impl Action {
    /// The scope that an API key needs for it.
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

/// A permission is a type: a handler names it in its signature, `Ctx<can::deals::Update>`.
pub trait Permission: 'static {
    const RESOURCE: &'static str;
    const ACTION: Action;

    /// Asks an actor for it.
    fn of(actor: &Actor) -> Result<()> {
        actor.require_action(Self::ACTION, Self::RESOURCE)
    }
}

/// What every known caller may do, whatever the role or the scopes of the key: ask about themselves.
#[derive(Debug)]
pub struct Anybody;

impl Permission for Anybody {
    const RESOURCE: &'static str = "me";
    const ACTION: Action = Action::Read;

    fn of(_: &Actor) -> Result<()> {
        Ok(())
    }
}

impl Actor {
    /// The API key that acts, if it is one.
    pub fn api_key(&self) -> Option<Uuid> {
        (self.actor_kind == "api_key").then_some(self.principal)
    }

    /// How far a right of the role goes.
    pub fn visibility(&self, resource: &str, action: Action) -> Visibility {
        self.access.of(resource, action)
    }

    /// Asks for one permission.
    pub fn require<P: Permission>(&self) -> Result<()> {
        P::of(self)
    }

    /// As `require`, for a resource by its name in scopes.
    pub fn require_action(&self, action: Action, resource: &str) -> Result<()> {
        if self.visibility(resource, action) == Visibility::None {
            return Err(self.forbidden(resource, action));
        }
        self.in_scope(action.scope(resource))
    }

    /// Whether the caller may read a resource, by its name in scopes.
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
                Err(Error::new(Code::InsufficientScope, format!("the key needs the scope {scope}"))
                    .with(|problem| problem.required_scope = Some(scope)))
            }
            _ => Ok(()),
        }
    }
}

impl Resource {
    /// Whether there is something to read: of calls that only do, weaker roles may make them than may read.
    pub(in crate::kernel) fn is_read(&self) -> bool {
        self.read >= self.write
    }
}

macro_rules! permissions {
    ($($resource:ident $name:literal $kind:ident: $read:ident, $write:ident, $delete:ident;)*) => {
        /// One module per resource, one type per action.
        pub mod can {
            $(pub mod $resource {
                use super::super::{Action, Permission};
                permissions!(@ Read $name);
                permissions!(@ Create $name);
                permissions!(@ Update $name);
                permissions!(@ Delete $name);
                permissions!(@ Export $name);
            })*
        }
        /// Every scope an API key can have.
        pub const SCOPES: &[&str] = &[$(concat!($name, ":read"), concat!($name, ":write")),*];
        /// What roles give rights to, and the weakest built-in role that may read, write and delete it.
        pub(in crate::kernel) const RESOURCES: &[Resource] = &[$(Resource {
            name: $name, owned: permissions!(# $kind), read: Builtin::$read, write: Builtin::$write, delete: Builtin::$delete,
        }),*];
    };
    (@ $action:ident $name:literal) => {
        #[derive(Debug)]
        pub struct $action;
        impl Permission for $action {
            const RESOURCE: &'static str = $name;
            const ACTION: Action = Action::$action;
        }
    };
    (# owned) => { true };
    (# shared) => { false };
}

/// Something that roles give rights to.
#[derive(Debug)]
pub struct Resource {
    pub name: &'static str,
    /// Its records have owners, so that a right can reach one's own, the team's or all of them.
    pub owned: bool,
    pub read: Builtin,
    pub write: Builtin,
    pub delete: Builtin,
}

permissions! {
    //resource    scope                 read    write   delete
    workspaces   "workspaces" shared:   Viewer, Owner,  Owner;
    roles        "roles" shared:        Viewer, Admin,  Admin;
    users        "users" shared:        Viewer, Admin,  Admin;
    teams        "teams" shared:        Viewer, Admin,  Admin;
    api_keys     "api-keys" shared:     Viewer, Viewer, Viewer;
    custom_fields "custom-fields" shared: Viewer, Admin, Admin;
    schema       "schema" shared:       Viewer, Owner, Owner;
    tags         "tags" shared:         Viewer, Seller, Manager;
    sources      "sources" shared:      Viewer, Manager, Manager;
    companies    "companies" owned:     Viewer, Seller, Seller;
    contacts     "contacts" owned:      Viewer, Seller, Seller;
    products     "products" shared:     Viewer, Manager, Manager;
    pipelines    "pipelines" shared:    Viewer, Admin,  Admin;
    stages       "stages" shared:       Viewer, Admin,  Admin;
    loss_reasons "loss-reasons" shared: Viewer, Manager, Manager;
    leads        "leads" owned:         Viewer, Seller, Seller;
    deals        "deals" owned:         Viewer, Seller, Seller;
    tasks        "tasks" owned:         Viewer, Seller, Seller;
    activities   "activities" owned:    Viewer, Seller, Seller;
    files        "files" owned:        Viewer, Seller, Seller;
    imports      "imports" shared:      Manager, Manager, Manager;
    composite    "composite" shared:    Owner, Seller, Owner;
    views        "views" shared:        Viewer, Viewer, Viewer;
    segments     "segments" shared:     Viewer, Seller, Seller;
    jobs         "jobs" shared:         Viewer, Manager, Manager;
    audit_events "audit-events" shared: Admin,  Owner, Owner;
    erasures     "erasures" shared:     Admin,  Admin, Owner;
    retention_rules "retention-rules" shared: Admin, Admin, Admin;
    events       "events" shared:       Viewer, Owner, Owner;
    analytics    "analytics" shared:    Viewer, Owner, Owner;
    search       "search" shared:       Viewer, Owner, Owner;
}
