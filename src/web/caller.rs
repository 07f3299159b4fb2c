//! The caller of a request, as the identity middleware stored it.
use crate::kernel::access::actor::Actor;
use crate::kernel::error::{Code, Error, Result};
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

impl FromRequest for Caller {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Caller::of(request))
    }
}
