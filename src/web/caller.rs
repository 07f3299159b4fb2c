//! Who sends a request: what the identity middleware has read, for extractors.
use crate::kernel::access::actor::Actor;
use crate::kernel::error::{Code, Error, Result};
use crate::web::signature::{self, Part};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use std::future::{Ready, ready};

/// The result of reading the `Authorization` header, stored in the request by the identity middleware.
#[derive(Clone, Debug)]
pub enum Identity {
    Known(Box<Actor>),
    Unknown(Code),
}

/// Returns the caller, or 401.
pub(in crate::web) fn identified(request: &HttpRequest) -> Result<Actor> {
    match request.extensions().get::<Identity>() {
        Some(Identity::Known(actor)) => Ok(actor.as_ref().clone()),
        Some(Identity::Unknown(code)) => Err(Error::new(*code, code.title())),
        None => Err(Error::new(Code::Unauthorized, "send Authorization: Bearer with an access token or an API key")),
    }
}

/// A caller who only needs to be authenticated.
#[derive(Debug)]
pub struct Caller(pub Actor);

impl Caller {
    pub fn of(request: &HttpRequest) -> Result<Caller> {
        identified(request).map(Caller)
    }
}

/// A caller who has signed in, whatever the role. API keys are refused.
#[derive(Debug)]
pub struct SignedIn(pub Actor);

impl SignedIn {
    fn of(request: &HttpRequest) -> Result<SignedIn> {
        let actor = identified(request)?;
        match actor.session {
            Some(_) => Ok(SignedIn(actor)),
            None => Err(Error::new(Code::Forbidden, "API keys cannot call this operation; sign in")),
        }
    }
}

impl FromRequest for SignedIn {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        signature::takes(request, Part::Caller);
        signature::takes(request, Part::Session);
        ready(SignedIn::of(request))
    }
}
