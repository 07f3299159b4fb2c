//! Permissions as types, which handlers name in their signatures: `Ctx<can::Update<Deal>>`.
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::Action;
use crate::kernel::error::Result;

/// A permission, as a type that a handler names in its signature: `Ctx<can::Update<Deal>>`.
pub trait Permission: 'static {
    const RESOURCE: &'static str;
    const ACTION: Action;

    /// Checks that the caller has the permission.
    fn of(actor: &Actor) -> Result<()> {
        actor.require_action(Self::ACTION, Self::RESOURCE)
    }
}

/// The permission of every authenticated caller, regardless of role and scopes: read data about themselves.
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
    /// Checks that the caller has a permission.
    pub fn require<P: Permission>(&self) -> Result<()> {
        P::of(self)
    }
}

/// The permissions on a resource: `can::Update<Deal>`.
pub mod can {
    use super::{Action, Permission};
    use crate::kernel::access::resource::Resource;
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
