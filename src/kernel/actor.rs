//! Who acts, in which workspace, with which rights.
use crate::kernel::access::{Access, Visibility};
use crate::kernel::custom::CustomFields;
use crate::kernel::error::{Code, Error, Result};
use crate::text_enum;
use std::sync::Arc;
use uuid::Uuid;

text_enum! {
    /// Through what somebody acts, as events tell it.
    pub enum ActorKind {
        User = "user",
        ApiKey = "api_key",
        Import = "import",
        /// What a new version of the program changed by itself.
        Migration = "migration",
    }
}

text_enum! {
    /// An invited user cannot sign in yet; a suspended one no longer.
    pub enum UserStatus { Invited = "invited", Active = "active", Suspended = "suspended", }
}

/// A user of one workspace (or a script acting as one), as read at most a few seconds ago.
#[derive(Clone, Debug)]
pub struct Actor {
    pub workspace: Uuid,
    pub user: Uuid,
    pub actor_kind: ActorKind,
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

/// A permission is a type: a handler names it in its signature, `Ctx<can::Update<Deal>>`.
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
        (self.actor_kind == ActorKind::ApiKey).then_some(self.principal)
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

/// The permissions to a resource: `can::Update<Deal>`.
pub mod can {
    use super::{Action, Permission};
    use crate::kernel::resource::Resource;
    use std::marker::PhantomData;

    macro_rules! permission {
        ($action:ident) => {
            #[derive(Debug)]
            pub struct $action<R>(PhantomData<R>);
            impl<R: Resource> Permission for $action<R> {
                const RESOURCE: &'static str = R::DESCRIPTOR.name;
                const ACTION: Action = Action::$action;
            }
        };
    }
    permission!(Read);
    permission!(Create);
    permission!(Update);
    permission!(Delete);
    permission!(Export);
}
