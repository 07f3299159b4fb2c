//! Accepting invitations, resetting and changing passwords, and changing addresses. Each requires a mail token or the
//! password.
use crate::db::constraint::MapConstraint;
use crate::db::pool::Db;
use crate::db::queue;
use crate::db::transaction::in_transaction;
use crate::identity::actors::Actors;
use crate::identity::credentials::accounts::{Device, Newcomer};
use crate::identity::credentials::hashing_queue::Waiter;
use crate::identity::credentials::session_tokens::TokenPair;
use crate::identity::credentials::throttle::Throttle;
use crate::identity::credentials::tokens::Keys;
use crate::identity::credentials::{accounts, api_keys, calendar_feeds, passwords, session_tokens};
use crate::identity::directory::users;
use crate::identity::mail::messages;
use crate::identity::mail::messages::MailKind;
use crate::identity::sign_in::reauthentication::{Proven, prove_login, reauthenticate};
use crate::identity::sign_in::second_factor;
use crate::kernel::access::actor::UserStatus;
use crate::kernel::answers::reply::Reply;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Code, Error, FieldCode, Result};
use crate::kernel::values::address;
use crate::kernel::values::time::DateTime;
use crate::schema::{login_identities, logins, sessions, users as u};
use crate::web::answer::address as from;
use crate::web::body::Valid;
use crate::web::caller::SignedIn;
use actix_web::{HttpRequest, post, web};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

#[derive(Debug, Deserialize, ToSchema)]
pub struct InvitationAcceptance {
    /// The token from the e-mail.
    #[schema(min_length = 1, max_length = 200)]
    pub token: String,
    /// If a login with the address of the invitation exists, its password; otherwise the password of the new login.
    #[schema(format = "password", min_length = 8, max_length = 1024)]
    pub password: String,
    /// Required if the second factor of an existing login is on.
    #[schema(min_length = 6, max_length = 10, example = "123456")]
    pub code: Option<String>,
}
impl Rules for InvitationAcceptance {}

#[derive(Debug, Deserialize, ToSchema)]
pub struct ForgottenPassword {
    #[schema(format = "email", max_length = 254)]
    pub email: String,
}
impl Rules for ForgottenPassword {}

#[derive(Debug, Deserialize, ToSchema)]
pub struct PasswordReset {
    /// The token from the e-mail.
    #[schema(min_length = 1, max_length = 200)]
    pub token: String,
    #[schema(format = "password", min_length = 8, max_length = 1024)]
    pub password: String,
}
impl Rules for PasswordReset {}

#[derive(Debug, Deserialize, ToSchema)]
pub struct PasswordChange {
    #[schema(format = "password", min_length = 1, max_length = 1024)]
    pub current_password: String,
    #[schema(format = "password", min_length = 8, max_length = 1024)]
    pub new_password: String,
}
impl Rules for PasswordChange {}

#[derive(Debug, Deserialize, ToSchema)]
pub struct EmailChange {
    #[schema(format = "email", max_length = 254)]
    pub email: String,
    #[schema(format = "password", min_length = 1, max_length = 1024)]
    pub password: String,
}
impl Rules for EmailChange {}

#[derive(Debug, Deserialize, ToSchema)]
pub struct EmailConfirmation {
    /// The token from the e-mail.
    #[schema(min_length = 1, max_length = 200)]
    pub token: String,
}
impl Rules for EmailConfirmation {}

/// Accept an invitation with the token from the e-mail, and sign in.
#[utoipa::path(operation_id = "accept_invitation", request_body = InvitationAcceptance,
    responses((status = 200, description = "You are signed in", body = TokenPair),
        (status = 401, description = "The link is no longer valid, or the password or the second factor is wrong"),
        (status = 409, description = "The e-mail address is in use, or the server cannot decrypt the secret of the second factor")))]
#[post("/auth/accept-invitation")]
async fn accept(
    request: HttpRequest,
    given: Valid<InvitationAcceptance>,
    db: web::Data<Db>,
    keys: web::Data<Keys>,
    actors: web::Data<Actors>,
) -> Result<Reply> {
    let InvitationAcceptance { token, password, code } = given.0;
    let shown = token.clone();
    // A mail token proves more than a guess, so this request takes precedence in the hashing queue.
    let waiter = Waiter::new(from(&request), true);
    let (address, known) = db.run(move |conn| messages::peek(conn, MailKind::Invitation, &shown)).await?;
    // The mail proves the address, the password proves the login.
    let proven = match known {
        Some(login) => {
            let refusal = Error::new(Code::CredentialsInvalid, "a login with this address exists; send its password");
            Some(prove_login(&request, login, password.clone(), refusal).await?)
        }
        None => None,
    };
    let invited = match &proven {
        Some(proven) => Newcomer::Known(proven.login),
        None => {
            let password_hash = passwords::validate_and_hash(waiter, password, &address, "/password").await?;
            Newcomer::New { password_hash }
        }
    };
    let device = Device::of(&request);
    let vault = keys.clone();
    let session = db
        .run(move |conn| {
            in_transaction(conn, |conn| {
                if let Some(login) = invited.login() {
                    second_factor::check(conn, &vault, login, code.as_deref())?;
                }
                let proof = messages::redeem(conn, MailKind::Invitation, &token)?;
                let (workspace, user) = proof.workspace.zip(proof.user).ok_or_else(Error::not_found)?;
                let login = invited.into_login(conn, &proof.email)?;
                join(conn, (workspace, user), login, &proof.email)?;
                accounts::open_session(conn, login, Some(workspace), &device)
            })
        })
        .await;
    if let Some(proven) = proven {
        proven.attempt.record_result(&session);
    }
    // `join` may have ended the sessions of a namesake.
    actors.forget();
    session_tokens::reply(&keys, session?)
}

/// Assigns the user of an invitation to a login. The user is either invited or has a login that does not hold its
/// address.
fn join(conn: &mut PgConnection, (workspace, user): (Uuid, Uuid), login: Uuid, email: &str) -> Result<()> {
    let namesakes = logins::table.filter(logins::email.eq(email)).filter(diesel::dsl::not(logins::holder));
    let namesakes: Vec<Uuid> = namesakes.select(logins::id).load(conn)?;
    let namesake = u::status.eq(UserStatus::Active).and(u::login_id.assume_not_null().eq_any(namesakes));
    let waiting = u::table.find((workspace, user)).filter(u::status.eq(UserStatus::Invited).or(namesake));
    let joined = diesel::update(waiting)
        .set((
            u::login_id.eq(login),
            u::status.eq(UserStatus::Active),
            u::version.eq(u::version + 1),
            u::updated_at.eq(DateTime::now()),
        ))
        .execute(conn)
        .map_constraint(users::CONSTRAINTS)?;
    if joined == 0 {
        return Err(Error::new(Code::LinkInvalid, "the invitation was revoked"));
    }
    // Ends the sessions, keys, calendar feed and jobs of a namesake. An invited user has none.
    accounts::revoke_of_user(conn, workspace, user)?;
    api_keys::end_all_of(conn, workspace, user)?;
    calendar_feeds::end_of(conn, workspace, user)?;
    queue::revoke_all_of(conn, workspace, user, DateTime::now())
}

/// Request an e-mail for choosing a new password.
///
/// The response does not reveal whether a login with the address exists.
#[utoipa::path(operation_id = "forgot_password", request_body = ForgottenPassword,
    responses((status = 204, description = "If a login with the address exists, an e-mail is being sent")))]
#[post("/auth/forgot-password")]
async fn forgot(request: HttpRequest, given: Valid<ForgottenPassword>, db: web::Data<Db>) -> Result<Reply> {
    let email = address::email(&given.email);
    // A request counts like a wrong password, so that nobody can flood a mailbox.
    Throttle::new(&request, &email)?.record(false);
    db.run(move |conn| match accounts::login_by_email(conn, &email)? {
        Some(login) => messages::reset(conn, login.id, &email),
        None => Ok(()),
    })
    .await?;
    Ok(Reply::none())
}

/// Choose a new password with the token from the e-mail.
///
/// Ends all sessions of the login, and unlinks all identities at OpenID providers.
#[utoipa::path(operation_id = "reset_password", request_body = PasswordReset,
    responses((status = 204, description = "Sign in with the new password"),
        (status = 401, description = "The link is no longer valid")))]
#[post("/auth/reset-password")]
async fn reset(
    request: HttpRequest,
    given: Valid<PasswordReset>,
    db: web::Data<Db>,
    actors: web::Data<Actors>,
) -> Result<Reply> {
    let PasswordReset { token, password } = given.0;
    let shown = token.clone();
    // Hashing is expensive, so the token is checked first.
    let waiter = Waiter::new(from(&request), true);
    let (email, _) = db.run(move |conn| messages::peek(conn, MailKind::PasswordReset, &shown)).await?;
    let (hash, device) =
        (passwords::validate_and_hash(waiter, password, &email, "/password").await?, Device::of(&request));
    db.run(move |conn| {
        in_transaction(conn, |conn| {
            let login = messages::redeem(conn, MailKind::PasswordReset, &token)?.login;
            set_password(conn, login.ok_or_else(Error::not_found)?, &hash, None, &device)
        })
    })
    .await?;
    actors.forget();
    Ok(Reply::none())
}

/// Sets a new password. Ends all sessions except `keep`, and revokes unused mail tokens and linked identities, because
/// somebody who knew the old password may have created them.
fn set_password(conn: &mut PgConnection, login: Uuid, hash: &str, keep: Option<Uuid>, device: &Device) -> Result<()> {
    accounts::record_security_event(conn, login, "user.password_changed", device)?;
    messages::security_changed(conn, login, MailKind::PasswordChanged)?;
    diesel::update(logins::table.find(login)).set(logins::password_hash.eq(hash)).execute(conn)?;
    diesel::delete(login_identities::table.filter(login_identities::login_id.eq(login))).execute(conn)?;
    let others = sessions::table.filter(sessions::login_id.eq(login)).filter(sessions::revoked_at.is_null());
    let others = others.filter(sessions::id.ne(keep.unwrap_or(Uuid::nil())));
    diesel::update(others).set(sessions::revoked_at.eq(DateTime::now())).execute(conn)?;
    Ok(())
}

/// Change your password.
///
/// Ends your other sessions, and unlinks your identities at OpenID providers.
#[utoipa::path(operation_id = "change_password", request_body = PasswordChange,
    responses((status = 204, description = "The password was changed")))]
#[post("/auth/change-password")]
async fn change(
    request: HttpRequest,
    caller: SignedIn,
    given: Valid<PasswordChange>,
    db: web::Data<Db>,
    actors: web::Data<Actors>,
) -> Result<Reply> {
    let PasswordChange { current_password, new_password } = given.0;
    if new_password == current_password {
        return Err(Error::member("/new_password", FieldCode::Invalid, "must not be your current password"));
    }
    let Proven { login, email, attempt } =
        reauthenticate(&request, &caller, current_password, "/current_password", &db).await?;
    attempt.record(true);
    let hash =
        passwords::validate_and_hash(Waiter::new(from(&request), true), new_password, &email, "/new_password").await?;
    let (keep, device) = (caller.0.session, Device::of(&request));
    db.run(move |conn| in_transaction(conn, |conn| set_password(conn, login, &hash, keep, &device))).await?;
    actors.forget();
    Ok(Reply::none())
}

/// Request a change of the e-mail of your login.
///
/// It takes effect when you confirm the e-mail that is sent to the new address.
#[utoipa::path(operation_id = "change_email", request_body = EmailChange,
    responses((status = 204, description = "An e-mail is being sent to the new address")))]
#[post("/auth/change-email")]
async fn change_email(
    request: HttpRequest,
    caller: SignedIn,
    given: Valid<EmailChange>,
    db: web::Data<Db>,
) -> Result<Reply> {
    let EmailChange { email, password } = given.0;
    let Proven { login, attempt, .. } = reauthenticate(&request, &caller, password, "/password", &db).await?;
    attempt.record(true);
    db.run(move |conn| messages::change_of_address(conn, login, &address::email(&email))).await?;
    Ok(Reply::none())
}

/// Confirm your new address with the token from the e-mail.
#[utoipa::path(operation_id = "confirm_email", request_body = EmailConfirmation,
    responses((status = 204, description = "Sign in with the new address"),
        (status = 401, description = "The link is no longer valid"),
        (status = 409, description = "Another login has this address")))]
#[post("/auth/confirm-email")]
async fn confirm(request: HttpRequest, given: Valid<EmailConfirmation>, db: web::Data<Db>) -> Result<Reply> {
    let (token, device) = (given.0.token, Device::of(&request));
    db.run(move |conn| {
        in_transaction(conn, |conn| {
            let proof = messages::redeem(conn, MailKind::EmailChange, &token)?;
            let login = proof.login.ok_or_else(Error::not_found)?;
            let taken = accounts::login_by_email(conn, &proof.email)?.is_some_and(|other| other.id != login);
            if taken {
                return Err(Error::new(Code::DuplicateEmail, "another login has this address"));
            }
            messages::security_changed(conn, login, MailKind::EmailChanged)?;
            let row = diesel::update(logins::table.find(login))
                .set((logins::email.eq(&proof.email), logins::holder.eq(true)));
            row.execute(conn).map_constraint(accounts::CONSTRAINTS)?;
            // Users show the address of their login.
            diesel::update(u::table.filter(u::login_id.eq(login)))
                .set((u::email.eq(&proof.email), u::version.eq(u::version + 1), u::updated_at.eq(DateTime::now())))
                .execute(conn)
                .map_constraint(users::CONSTRAINTS)?;
            accounts::record_security_event(conn, login, "user.email_changed", &device)
        })
    })
    .await?;
    Ok(Reply::none())
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(accept).service(forgot).service(reset).service(change).service(change_email).service(confirm);
}
