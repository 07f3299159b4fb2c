//! Who acts, in which workspace, with which rights.
use crate::kernel::error::{Code, Error, Result};
use crate::text_enum;
use uuid::Uuid;

text_enum! {
    /// A named set of permissions. Each includes what the next may do.
    pub enum Role {
        Owner = "owner",
        Admin = "admin",
        Manager = "manager",
        Seller = "seller",
        Viewer = "viewer",
    }
}

/// A user of one workspace (or a script acting as one), as read at most a few seconds ago.
#[derive(Clone, Debug)]
pub struct Actor {
    pub workspace: Uuid,
    pub user: Uuid,
    /// `user`, `api_key` or `import`: what the events say.
    pub via: &'static str,
    /// Scope of idempotency keys: the session or the API key.
    pub principal: Uuid,
    pub role: Role,
    /// `None`: everything that the role may do.
    pub scopes: Option<Vec<String>>,
    pub settings: Settings,
}

/// The workspace's settings that rules depend on.
#[derive(Clone, Debug)]
pub struct Settings {
    pub time_zone: chrono_tz::Tz,
    pub base_currency: String,
    /// ISO 3166 alpha-2: the country of phone numbers written without a country code.
    pub country: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Read,
    Create,
    Update,
    Delete,
}

/// A permission is a type: a handler names it in its signature, `Ctx<can::deals::Update>`.
pub trait Permission: 'static {
    const RESOURCE: &'static str;
    const ACTION: Action;
    /// The weakest role that has it.
    const ROLE: Role;

    fn scope() -> String {
        let verb = if Self::ACTION == Action::Read { "read" } else { "write" };
        format!("{}:{verb}", Self::RESOURCE)
    }
}

impl Actor {
    /// Asks for one permission; the error is the scope that is missing, or `None` when it is the role.
    fn may<P: Permission>(&self) -> Result<(), Option<String>> {
        if self.role.rank() > P::ROLE.rank() {
            return Err(None);
        }
        match &self.scopes {
            Some(scopes) if !scopes.contains(&P::scope()) => Err(Some(P::scope())),
            _ => Ok(()),
        }
    }

    /// As `may`, as an error.
    pub fn must<P: Permission>(&self) -> Result<()> {
        self.may::<P>().map_err(|scope| match scope {
            Some(scope) => lacking(scope),
            None => Error::new(Code::Forbidden, format!("your role ({}) may not do this", self.role.as_str())),
        })
    }

    /// Whether the caller may read a resource, by its name in scopes. Every role reads everything; a key what its scopes say.
    pub fn must_read(&self, resource: &str) -> Result<()> {
        let scope = format!("{resource}:read");
        match &self.scopes {
            Some(scopes) if !scopes.contains(&scope) => Err(lacking(scope)),
            _ => Ok(()),
        }
    }
}

fn lacking(scope: String) -> Error {
    Error::new(Code::InsufficientScope, format!("the key needs the scope {scope}"))
        .with(|problem| problem.required_scope = Some(scope))
}

impl Role {
    /// 0 is the strongest.
    pub fn rank(self) -> usize {
        Role::ALL.iter().position(|role| *role == self).unwrap_or(usize::MAX)
    }
}

macro_rules! permissions {
    ($($resource:ident $name:literal: $read:ident, $write:ident, $delete:ident;)*) => {
        /// One module per resource, one type per action.
        pub mod can {
            $(pub mod $resource {
                use super::super::{Action, Permission, Role};
                permissions!(@ Read $name $read);
                permissions!(@ Create $name $write);
                permissions!(@ Update $name $write);
                permissions!(@ Delete $name $delete);
            })*
        }
        /// Every scope an API key can have.
        pub const SCOPES: &[&str] = &[$(concat!($name, ":read"), concat!($name, ":write")),*];
    };
    (@ $action:ident $name:literal $role:ident) => {
        #[derive(Debug)]
        pub struct $action;
        impl Permission for $action {
            const RESOURCE: &'static str = $name;
            const ACTION: Action = Action::$action;
            const ROLE: Role = Role::$role;
        }
    };
}

permissions! {
    //resource    scope          read    write   delete
    workspaces   "workspaces":   Viewer, Owner,  Owner;
    users        "users":        Viewer, Admin,  Admin;
    teams        "teams":        Viewer, Admin,  Admin;
    api_keys     "api-keys":     Viewer, Viewer, Viewer;
    tags         "tags":         Viewer, Seller, Manager;
    sources      "sources":      Viewer, Manager, Manager;
    companies    "companies":    Viewer, Seller, Seller;
    contacts     "contacts":     Viewer, Seller, Seller;
    products     "products":     Viewer, Manager, Manager;
    pipelines    "pipelines":    Viewer, Admin,  Admin;
    stages       "stages":       Viewer, Admin,  Admin;
    loss_reasons "loss-reasons": Viewer, Manager, Manager;
    leads        "leads":        Viewer, Seller, Seller;
    deals        "deals":        Viewer, Seller, Seller;
    tasks        "tasks":        Viewer, Seller, Seller;
    activities   "activities":   Viewer, Seller, Seller;
    imports      "imports":      Manager, Manager, Manager;
    jobs         "jobs":         Viewer, Manager, Manager;
    events       "events":       Viewer, Owner, Owner;
    analytics    "analytics":    Viewer, Owner, Owner;
}
