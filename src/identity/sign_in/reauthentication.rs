//! Proves a login by its password.
use crate::db::pool::Db;
use crate::identity::credentials::accounts::{self, Login};
use crate::identity::credentials::hashing_queue::Waiter;
use crate::identity::credentials::passwords;
use crate::identity::credentials::throttle::Throttle;
use crate::identity::directory::users;
use crate::kernel::error::{Error, FieldCode, Result};
use crate::web::answer::address;
use crate::web::caller::SignedIn;
use actix_web::HttpRequest;
use uuid::Uuid;

/// A login whose password was correct. The caller must record the outcome of the attempt.
#[derive(Debug)]
pub struct Proven {
    pub login: Uuid,
    pub email: String,
    pub attempt: Throttle,
}

/// Checks the password of a login. The request has already proved something else, such as a mail or a session, so it
/// takes precedence over unverified attempts.
pub async fn prove_login(request: &HttpRequest, login: Login, password: String, refusal: Error) -> Result<Proven> {
    let attempt = Throttle::new(request, &login.email)?;
    let waiter = Waiter::new(address(request), true);
    if passwords::verify(waiter, password, login.password_hash).await? {
        return Ok(Proven { login: login.id, email: login.email, attempt });
    }
    attempt.record(false);
    Err(refusal)
}

/// Checks the password of a signed-in caller.
pub async fn reauthenticate(
    request: &HttpRequest,
    caller: &SignedIn,
    password: String,
    pointer: &str,
    db: &Db,
) -> Result<Proven> {
    let actor = caller.0.clone();
    let login = db
        .run(move |conn| {
            let login = users::login_of(conn, actor.workspace, actor.user)?;
            accounts::login(conn, login)
        })
        .await?;
    prove_login(request, login, password, Error::member(pointer, FieldCode::Invalid, "must be your current password"))
        .await
}
