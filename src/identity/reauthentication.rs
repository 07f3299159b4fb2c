//! Proving that a login is one's own, by its password.
use crate::db::pool::Db;
use crate::identity::accounts::{self, Login};
use crate::identity::hashing_queue::Waiter;
use crate::identity::throttle::Throttle;
use crate::identity::{passwords, users};
use crate::kernel::error::{Code, Error, FieldCode, Result};
use crate::web::answer::address;
use crate::web::ctx::Caller;
use actix_web::HttpRequest;
use uuid::Uuid;

/// A login whose password was given. The attempt counts as it ends: what comes next says how.
#[derive(Debug)]
pub struct Proven {
    pub login: Uuid,
    pub email: String,
    pub attempt: Throttle,
}

/// Proves a login by its password. Who asks has been let in by other means already, such as a letter or a session, and comes before who
/// only guesses.
pub async fn prove_login(request: &HttpRequest, login: Login, password: String, refusal: Error) -> Result<Proven> {
    let attempt = Throttle::new(request, &login.email)?;
    let waiter = Waiter::new(address(request), true);
    if passwords::verify(waiter, password, login.password_hash).await? {
        return Ok(Proven { login: login.id, email: login.email, attempt });
    }
    attempt.record(false);
    Err(refusal)
}

/// Proves the login of a signed-in caller.
pub async fn reauthenticate(
    request: &HttpRequest,
    caller: &Caller,
    password: String,
    pointer: &str,
    db: &Db,
) -> Result<Proven> {
    let actor = caller.0.clone();
    if actor.session.is_none() {
        return Err(Error::new(Code::Forbidden, "an API key cannot do this; sign in"));
    }
    let login = db
        .run(move |conn| {
            let login = users::login_of(conn, actor.workspace, actor.user)?;
            accounts::login(conn, login)
        })
        .await?;
    prove_login(request, login, password, Error::member(pointer, FieldCode::Invalid, "is not your password")).await
}
