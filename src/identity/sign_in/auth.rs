//! Registration, sign-in, token refresh, workspace switch and sign-out.
use crate::db::event::Event;
use crate::db::pool::Db;
use crate::db::transaction::{self, in_transaction};
use crate::db::tx::{Request, Tx};
use crate::identity::actors::Actors;
use crate::identity::credentials::accounts::{Device, Login, Newcomer, Rotation, Session};
use crate::identity::credentials::hashing_queue::Waiter;
use crate::identity::credentials::session_tokens::TokenPair;
use crate::identity::credentials::throttle::Throttle;
use crate::identity::credentials::tokens::Keys;
use crate::identity::credentials::{accounts, passwords, session_tokens};
use crate::identity::directory::{roles, users, workspaces};
use crate::identity::mail::messages;
use crate::identity::sign_in::{authentication, second_factor};
use crate::kernel::access::actor::{Actor, ActorKind, Settings, UserStatus};
use crate::kernel::access::grants::Access;
use crate::kernel::access::resource::Builtin;
use crate::kernel::access::roles::OWNER;
use crate::kernel::answers::reply::Reply;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::values::address;
use crate::kernel::values::time::DateTime;
use crate::schema::workspaces as w;
use crate::web::answer::{address, request_id};
use crate::web::body::Valid;
use crate::web::caller::SignedIn;
use actix_web::{HttpRequest, post, web};
use diesel::prelude::*;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The tag of the operations on sessions and logins.
pub const TAG: (&str, &str) = ("auth", "Registration, sign-in, token refresh and sign-out.");

/// Functions of later modules that create the initial records of a new workspace.
#[derive(Clone, Copy, Debug)]
pub struct WorkspaceSeed(pub &'static [fn(&mut Tx<'_>) -> Result<()>]);

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct Registration {
    #[schema(min_length = 1, max_length = 200)]
    pub workspace_name: String,
    /// Your name.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[schema(format = "email", max_length = 254)]
    pub email: String,
    /// If you have a login with this e-mail, its password: the workspace is then added to that login. With any other
    /// password a separate login is created for the workspace. The response does not reveal which happened, but the
    /// holder of the address gets an e-mail.
    #[schema(format = "password", min_length = 8, max_length = 1024)]
    pub password: String,
    /// Required if you register with an existing login whose second factor is on.
    #[schema(min_length = 6, max_length = 10, example = "123456")]
    pub code: Option<String>,
    /// ISO 4217; USD if absent.
    #[schema(nullable = false, format = "currency", pattern = "^[A-Z]{3}$")]
    pub base_currency: Option<String>,
    /// IANA name; UTC if absent.
    #[schema(nullable = false, format = "time-zone", max_length = 64)]
    pub time_zone: Option<String>,
    /// ISO 3166; US if absent.
    #[schema(nullable = false, format = "country", pattern = "^[A-Z]{2}$")]
    pub country: Option<String>,
}
impl Rules for Registration {}

#[derive(Debug, Deserialize, ToSchema)]
pub struct Credentials {
    #[schema(format = "email", max_length = 254)]
    pub email: String,
    #[schema(format = "password", min_length = 1, max_length = 1024)]
    pub password: String,
    /// A code from your authenticator app, or a recovery code. Required if the second factor is on (`totp_required`).
    #[schema(min_length = 6, max_length = 10, example = "123456")]
    pub code: Option<String>,
    /// One of your workspaces. If absent, the workspace of your oldest membership.
    pub workspace_id: Option<Uuid>,
}
impl Rules for Credentials {}

#[derive(Debug, Deserialize, ToSchema)]
pub struct RefreshRequest {
    #[schema(min_length = 1, max_length = 200)]
    pub refresh_token: String,
}
impl Rules for RefreshRequest {}

#[derive(Debug, Deserialize, ToSchema)]
pub struct SwitchRequest {
    pub workspace_id: Uuid,
}
impl Rules for SwitchRequest {}

/// Create a workspace with you as its owner, and sign in.
#[utoipa::path(operation_id = "register_workspace", request_body = Registration,
    responses((status = 201, description = "The workspace was created, and you are signed in", body = TokenPair),
        (status = 401, description = "The second factor of your login is missing or wrong"),
        (status = 409, description = "The e-mail address is in use, or the server cannot decrypt the secret of the second factor")))]
#[post("/auth/register")]
async fn register(
    request: HttpRequest,
    new: Valid<Registration>,
    db: web::Data<Db>,
    keys: web::Data<Keys>,
    seed: web::Data<WorkspaceSeed>,
) -> Result<Reply> {
    let mut new = new.0;
    new.email = address::email(&new.email);
    // Neither the response, its timing nor the rate limit may reveal whether the address has a login.
    let throttle = Throttle::of_registration(&request, &new.email)?;
    let attempt = || admit(&request, &new, &db, &keys, *seed.get_ref());
    let admission = match attempt().await? {
        // A concurrent registration has created a login with this address.
        Admission { session: Err(error), .. } if error.code() == Code::DuplicateEmail => attempt().await?,
        first => first,
    };
    if admission.known {
        throttle.record_result(&admission.session);
    } else {
        throttle.record(false);
    }
    let session = admission.session?;
    Ok(session_tokens::reply(&keys, session)?.created_at("/api/v1/workspaces/current"))
}

/// What came of a registration.
struct Admission {
    /// Whether they have proven to be a login that exists.
    known: bool,
    session: Result<Session>,
}

/// Identifies the person who registers and creates the workspace.
async fn admit(
    request: &HttpRequest,
    new: &Registration,
    db: &Db,
    keys: &web::Data<Keys>,
    seed: WorkspaceSeed,
) -> Result<Admission> {
    let founder = founder(request, new, db).await?;
    let known = founder.login().is_some();
    let (id, device, vault, new) = (request_id(request).0, Device::of(request), keys.clone(), new.clone());
    let session = db
        .run(move |conn| {
            if let Some(login) = founder.login() {
                in_transaction(conn, |conn| second_factor::check(conn, &vault, login, new.code.as_deref()))?;
            }
            create_workspace(conn, &new, founder, &id, seed, &device)
        })
        .await;
    Ok(Admission { known, session })
}

/// Returns the logins with this address, and whether one of them has signed in from this IP address before.
pub async fn candidates(request: &HttpRequest, email: &str, db: &Db) -> Result<(Vec<Login>, Waiter)> {
    let (email, device) = (email.to_owned(), Device::of(request));
    let (logins, known) = db
        .run(move |conn| {
            let logins = accounts::candidates(conn, &email)?;
            let known = accounts::is_known_device(conn, &logins, &device)?;
            Ok((logins, known))
        })
        .await?;
    Ok((logins, Waiter::new(address(request), known)))
}

/// Returns the login with this address and password, or the data of a new login.
async fn founder(request: &HttpRequest, new: &Registration, db: &Db) -> Result<Newcomer> {
    let (logins, waiter) = candidates(request, &new.email, db).await?;
    let holder = logins.iter().find(|login| login.holder).map(|login| login.id);
    let known = logins.into_iter().map(|login| (login.id, login.password_hash)).collect();
    if let Some(login) = passwords::verify_any(waiter, new.password.clone(), known).await? {
        return Ok(Newcomer::Known(login));
    }
    let password_hash = passwords::validate_and_hash(waiter, new.password.clone(), &new.email, "/password").await?;
    Ok(match holder {
        Some(holder) => Newcomer::AddressInUse { password_hash, holder },
        None => Newcomer::New { password_hash },
    })
}

/// Creates a workspace with its owner, its initial records and a session.
pub fn create_workspace(
    conn: &mut PgConnection,
    new: &Registration,
    founder: Newcomer,
    request_id: &str,
    seed: WorkspaceSeed,
    device: &Device,
) -> Result<Session> {
    in_transaction(conn, |conn| {
        let now = DateTime::now();
        let holder = match &founder {
            Newcomer::AddressInUse { holder, .. } => Some(*holder),
            Newcomer::Known(_) | Newcomer::New { .. } => None,
        };
        let login = founder.into_login(conn, &new.email)?;
        let workspace = Uuid::now_v7();
        let time_zone = new.time_zone.clone().unwrap_or_else(|| "UTC".into());
        let base_currency = new.base_currency.clone().unwrap_or_else(|| "USD".into());
        let country = new.country.clone().unwrap_or_else(|| "US".into());
        diesel::insert_into(w::table)
            .values((
                w::id.eq(workspace),
                w::name.eq(&new.workspace_name),
                w::base_currency.eq(&base_currency),
                w::time_zone.eq(&time_zone),
                w::country.eq(&country),
                w::created_at.eq(now),
                w::updated_at.eq(now),
            ))
            .execute(conn)?;
        let owner = users::Member {
            name: new.name.clone(),
            email: Some(new.email.clone()),
            login: Some(login),
            role: OWNER.into(),
            status: UserStatus::Active,
        };
        roles::seed(conn, workspace, now)?;
        let user = users::insert_member(conn, workspace, &owner, now)?;
        let zone = time_zone.parse().unwrap_or(chrono_tz::UTC);
        let settings =
            Settings { time_zone: zone, own_time_zone: zone, base_currency, country, custom: Arc::default() };
        let actor = Actor {
            workspace,
            user: user.id,
            actor_kind: ActorKind::User,
            principal: user.id,
            session: None,
            access: Arc::new(Access::builtin(Builtin::Owner)),
            team_members: Arc::new(vec![user.id]),
            scopes: None,
            settings,
        };
        let request = Request::internal(actor, request_id.to_owned());
        transaction::run_as(conn, &request, |tx| {
            let made = workspaces::find(tx)?;
            tx.record(Event::created(&made)?);
            tx.record(Event::created(&user)?);
            if let Some(holder) = holder {
                messages::notify_holder(tx, holder, user.id, &new.email)?;
            }
            seed.0.iter().try_for_each(|step| step(tx))
        })?;
        accounts::open_session(conn, login, Some(workspace), device)
    })
}

/// Sign in with e-mail and password.
#[utoipa::path(operation_id = "login", request_body = Credentials,
    responses((status = 200, description = "You are signed in", body = TokenPair),
        (status = 401, description = "The e-mail, the password or the second factor is wrong"),
        (status = 409, description = "The server cannot decrypt the secret of the second factor")))]
#[post("/auth/login")]
async fn sign_in(
    request: HttpRequest,
    given: Valid<Credentials>,
    db: web::Data<Db>,
    keys: web::Data<Keys>,
) -> Result<Reply> {
    let Credentials { email, password, code, workspace_id } = given.0;
    let email = address::email(&email);
    let throttle = Throttle::new(&request, &email)?;
    let (logins, waiter) = candidates(&request, &email, &db).await?;
    let ids: Vec<Uuid> = logins.iter().map(|login| login.id).collect();
    let known = logins.into_iter().map(|login| (login.id, login.password_hash)).collect();
    let verified = passwords::verify_any(waiter, password, known).await?;
    let device = Device::of(&request);
    let Some(id) = verified else {
        throttle.record(false);
        let record_refusals = move |conn: &mut PgConnection| {
            ids.iter()
                .try_for_each(|login| accounts::record_security_event(conn, *login, "user.sign_in_refused", &device))
        };
        db.run(record_refusals).await?;
        return Err(Error::new(Code::CredentialsInvalid, "the e-mail or the password is wrong"));
    };
    let vault = keys.clone();
    let session = db
        .run(move |conn| {
            in_transaction(conn, |conn| {
                second_factor::check(conn, &vault, id, code.as_deref())?;
                accounts::open_session(conn, id, workspace_id, &device)
            })
        })
        .await;
    throttle.record_result(&session);
    session_tokens::reply(&keys, session?)
}

/// Exchange a refresh token for new tokens.
///
/// Each refresh token is valid once; reusing an old one ends the session.
#[utoipa::path(operation_id = "refresh_token", request_body = RefreshRequest,
    responses((status = 200, description = "The new tokens of the session", body = TokenPair),
        (status = 401, description = "The refresh token is invalid or was used before")))]
#[post("/auth/refresh")]
async fn refresh(
    request: HttpRequest,
    given: Valid<RefreshRequest>,
    db: web::Data<Db>,
    keys: web::Data<Keys>,
    actors: web::Data<Actors>,
) -> Result<Reply> {
    let (token, device) = (given.0.refresh_token, Device::of(&request));
    let rotation = db.run(move |conn| in_transaction(conn, |conn| accounts::rotate(conn, &token, &device))).await?;
    let refusal = match rotation {
        Rotation::Rotated(session) => return session_tokens::reply(&keys, session),
        Rotation::Refused => Error::new(Code::RefreshInvalid, "sign in again"),
        Rotation::Reused => Error::new(Code::RefreshReused, "the token was used before; sign in again"),
    };
    actors.forget();
    Err(refusal)
}

/// Open a session in another workspace of your login.
#[utoipa::path(operation_id = "switch_workspace", request_body = SwitchRequest,
    responses((status = 200, description = "You are signed in to the other workspace", body = TokenPair),
        (status = 404, description = "The workspace does not exist, or you do not belong to it")))]
#[post("/auth/switch")]
async fn switch(
    request: HttpRequest,
    SignedIn(actor): SignedIn,
    given: Valid<SwitchRequest>,
    db: web::Data<Db>,
    keys: web::Data<Keys>,
) -> Result<Reply> {
    let device = Device::of(&request);
    let session = db
        .run(move |conn| {
            in_transaction(conn, |conn| {
                let login = users::login_of(conn, actor.workspace, actor.user)?;
                accounts::open_session(conn, login, Some(given.workspace_id), &device)
                    .map_err(|e| if e.code() == Code::CredentialsInvalid { Error::not_found() } else { e })
            })
        })
        .await?;
    session_tokens::reply(&keys, session)
}

/// End the session of this refresh token, with its access tokens.
///
/// An unknown token is not an error.
#[utoipa::path(operation_id = "logout", request_body = RefreshRequest,
    responses((status = 204, description = "The session has ended")))]
#[post("/auth/logout")]
async fn sign_out(given: Valid<RefreshRequest>, db: web::Data<Db>, actors: web::Data<Actors>) -> Result<Reply> {
    let token = given.0.refresh_token;
    db.run(move |conn| in_transaction(conn, |conn| accounts::revoke_by_token(conn, &token))).await?;
    actors.forget();
    Ok(Reply::none())
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(register).service(sign_in).service(refresh).service(switch).service(sign_out);
}

/// Finds a user by e-mail and returns its actor, for commands.
pub fn actor_by_email(
    conn: &mut PgConnection,
    email: &str,
    workspace: Option<Uuid>,
    actor_kind: ActorKind,
) -> Result<Actor> {
    let login = accounts::login_by_email(conn, &address::email(email))?.ok_or_else(Error::not_found)?;
    let member = accounts::memberships(conn, login.id)?
        .into_iter()
        .find(|m| workspace.is_none_or(|id| id == m.workspace))
        .ok_or_else(Error::not_found)?;
    Ok(Actor { actor_kind, ..authentication::of_user(conn, member.workspace, member.user)? })
}
