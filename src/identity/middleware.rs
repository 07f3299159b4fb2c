//! Reads `Authorization` once per request and stores the outcome for `Ctx`, which decides whether it is required.
use crate::db::pool::Db;
use crate::identity::actors::Actors;
use crate::identity::authentication;
use crate::identity::tokens::Keys;
use crate::kernel::error::{Code, Error};
use crate::web::caller::Identity;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{HttpMessage, web};

pub async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let (first, second) = (headers.next().cloned(), headers.next());
    if let Some(value) = first {
        let token = value.to_str().ok().and_then(bearer).filter(|_| second.is_none());
        let identity = match token {
            None => Identity::Unknown(Code::TokenInvalid),
            Some(token) => identify(&request, token).await?,
        };
        request.extensions_mut().insert(identity);
    }
    next.call(request).await
}

/// Returns the token after the scheme. The scheme is case-insensitive (RFC 9110, 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|t| !t.is_empty())
}

async fn identify(request: &ServiceRequest, token: &str) -> Result<Identity, Error> {
    let missing = || Error::internal("the application has no database");
    let actors = request.app_data::<web::Data<Actors>>().ok_or_else(missing)?;
    let keys = request.app_data::<web::Data<Keys>>().ok_or_else(missing)?;
    let db = request.app_data::<web::Data<Db>>().ok_or_else(missing)?;
    match authentication::of_token(db, keys, actors, token).await {
        Ok(actor) => Ok(Identity::Known(Box::new(actor))),
        Err(error) if error.code().status() == 401 => Ok(Identity::Unknown(error.code())),
        Err(error) => Err(error),
    }
}
