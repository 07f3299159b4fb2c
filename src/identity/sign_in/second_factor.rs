//! The second factor: codes of an authenticator app (TOTP, RFC 6238) and recovery codes. Each code is valid once.
use crate::db::pool::Db;
use crate::db::transaction::in_transaction;
use crate::identity::credentials::accounts::Device;
use crate::identity::credentials::tokens::Keys;
use crate::identity::credentials::{accounts, tokens};
use crate::identity::directory::users;
use crate::identity::mail::messages;
use crate::identity::mail::messages::MailKind;
use crate::identity::sign_in::reauthentication::{Proven, reauthenticate};
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::answers::reply::Reply;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::values::time::DateTime;
use crate::schema::{logins, recovery_codes};
use crate::web::body::Valid;
use crate::web::caller::SignedIn;
use actix_web::{HttpRequest, post, web};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use totp_rs::{Builder, Secret, Totp};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The issuer name that authenticator apps show.
const ISSUER: &str = "Voronka";
const RECOVERY_CODES: usize = 10;

#[derive(Debug, Deserialize, ToSchema)]
pub struct TotpBeginning {
    #[schema(format = "password", min_length = 1, max_length = 1024)]
    pub password: String,
}
impl Rules for TotpBeginning {}

/// The secret for the authenticator app. It is shown only once.
#[derive(Debug, Serialize, ToSchema)]
pub struct TotpSecret {
    /// The secret in Base32, for typing it into the app.
    #[schema(example = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")]
    pub secret: String,
    /// The key URI, for showing it as a QR code.
    #[schema(
        example = "otpauth://totp/Voronka:anna@example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Voronka"
    )]
    pub uri: String,
}
impl NothingHidden for TotpSecret {}

#[derive(Debug, Deserialize, ToSchema)]
pub struct TotpConfirmation {
    /// The six digits from the app.
    #[schema(min_length = 6, max_length = 10, example = "123456")]
    pub code: String,
}
impl Rules for TotpConfirmation {}

/// The recovery codes. Each replaces the code of the app once. They are shown only once.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecoveryCodeList {
    #[schema(example = json!(["4f9c1b7e2a"]))]
    pub recovery_codes: Vec<String>,
}
impl NothingHidden for RecoveryCodeList {}

#[derive(Debug, Deserialize, ToSchema)]
pub struct TotpEnding {
    #[schema(format = "password", min_length = 1, max_length = 1024)]
    pub password: String,
    /// A code from the app, or a recovery code.
    #[schema(min_length = 6, max_length = 10, example = "123456")]
    pub code: String,
}
impl Rules for TotpEnding {}

fn totp(secret: Vec<u8>, account: &str) -> Result<Totp> {
    let builder = Builder::new().with_secret(Secret::new(secret.into())).with_issuer(Some(ISSUER));
    // A colon separates issuer and account in the label.
    builder.with_account_name(account.replace(':', "")).build().map_err(Error::internal)
}

/// The second factor of a login, as far as it has got.
#[derive(Queryable, Selectable)]
#[diesel(table_name = logins)]
struct Factor {
    email: String,
    /// Sealed.
    totp_secret: Option<Vec<u8>>,
    /// When a first code was confirmed.
    totp_since: Option<DateTime>,
    /// Of the last code.
    totp_step: Option<i64>,
}

impl Factor {
    fn lock(conn: &mut PgConnection, login: Uuid) -> Result<Factor> {
        Ok(logins::table.find(login).for_update().select(Factor::as_select()).first(conn)?)
    }
}

/// Checks whether the second factor of a login is on.
pub fn is_on(conn: &mut PgConnection, login: Uuid) -> Result<bool> {
    let since: Option<DateTime> = logins::table.find(login).select(logins::totp_since).first(conn)?;
    Ok(since.is_some())
}

/// Decrypts the secret of the app.
fn open_secret(keys: &Keys, sealed: &[u8]) -> Result<Vec<u8>> {
    keys.open(sealed).map_err(|error| {
        error.with(|problem| {
            problem.detail.insert_str(0, "codes of the app cannot be checked; use a recovery code: ");
        })
    })
}

fn invalid_code() -> Error {
    Error::new(Code::TotpInvalid, "the code is wrong, has expired or was used before")
}

/// Checks the second factor of a login, if it is on, and marks the code as used. Runs in the transaction of the
/// sign-in.
pub fn check(conn: &mut PgConnection, keys: &Keys, login: Uuid, code: Option<&str>) -> Result<()> {
    let Factor { email, totp_secret: Some(sealed), totp_since: Some(_), totp_step: last } = Factor::lock(conn, login)?
    else {
        return Ok(());
    };
    let Some(code) = code else {
        return Err(Error::new(
            Code::TotpRequired,
            "code is required: a code from your authenticator app, or a recovery code",
        ));
    };
    if code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()) {
        let step =
            step(&totp(open_secret(keys, &sealed)?, &email)?, code).filter(|step| last.is_none_or(|last| *step > last));
        let step = step.ok_or_else(invalid_code)?;
        diesel::update(logins::table.find(login)).set(logins::totp_step.eq(step)).execute(conn)?;
        return Ok(());
    }
    let unused = recovery_codes::table
        .find((login, tokens::hash(&normalize_code(code))))
        .filter(recovery_codes::used_at.is_null());
    let used = diesel::update(unused).set(recovery_codes::used_at.eq(DateTime::now())).execute(conn)?;
    if used == 1 { Ok(()) } else { Err(invalid_code()) }
}

/// Returns the time step of a valid code. Also accepts the previous and the next step, because clocks differ.
fn step(totp: &Totp, code: &str) -> Option<i64> {
    let now = u64::try_from(DateTime::now().utc().timestamp()).ok()?;
    totp.check(code, now).and_then(|step| i64::try_from(step).ok())
}

/// Normalises a typed recovery code.
fn normalize_code(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn new_recovery_codes(conn: &mut PgConnection, login: Uuid) -> Result<Vec<String>> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::login_id.eq(login))).execute(conn)?;
    let code = || Ok(tokens::random_hex()?.chars().take(10).collect());
    let codes: Vec<String> = std::iter::repeat_with(code).take(RECOVERY_CODES).collect::<Result<_>>()?;
    let row = |code: &String| (recovery_codes::login_id.eq(login), recovery_codes::hash.eq(tokens::hash(code)));
    diesel::insert_into(recovery_codes::table).values(codes.iter().map(row).collect::<Vec<_>>()).execute(conn)?;
    Ok(codes)
}

/// Create a secret for your authenticator app.
///
/// The second factor is turned on by `confirm_totp` with a first code.
#[utoipa::path(operation_id = "begin_totp", request_body = TotpBeginning,
    responses((status = 200, description = "The secret for your app", body = TotpSecret),
        (status = 409, description = "A second factor is already on")))]
#[post("/auth/totp/begin")]
async fn begin(
    request: HttpRequest,
    caller: SignedIn,
    given: Valid<TotpBeginning>,
    db: web::Data<Db>,
    keys: web::Data<Keys>,
) -> Result<Reply> {
    let Proven { login, attempt, .. } = reauthenticate(&request, &caller, given.0.password, "/password", &db).await?;
    attempt.record(true);
    db.run(move |conn| {
        in_transaction(conn, |conn| {
            let Factor { email, totp_since, .. } = Factor::lock(conn, login)?;
            if totp_since.is_some() {
                return Err(Error::new(Code::Conflict, "a second factor is already on; turn it off first"));
            }
            let secret = tokens::random_bytes::<20>()?.to_vec();
            let sealed = keys.seal(&secret)?;
            diesel::update(logins::table.find(login)).set(logins::totp_secret.eq(sealed)).execute(conn)?;
            let totp = totp(secret, &email)?;
            let uri = totp.to_url().map_err(Error::internal)?;
            Reply::ok(&TotpSecret { secret: totp.secret().to_base32(), uri })
        })
    })
    .await
}

/// Turn the second factor on with a first code.
///
/// Signing in then requires a code. Your other sessions stay valid.
#[utoipa::path(operation_id = "confirm_totp", request_body = TotpConfirmation,
    responses((status = 200, description = "It is on; store the recovery codes", body = RecoveryCodeList),
        (status = 409, description = "There is no new secret, or a second factor is already on")))]
#[post("/auth/totp/confirm")]
async fn confirm(
    request: HttpRequest,
    caller: SignedIn,
    given: Valid<TotpConfirmation>,
    db: web::Data<Db>,
    keys: web::Data<Keys>,
) -> Result<Reply> {
    let device = Device::of(&request);
    db.run(move |conn| {
        in_transaction(conn, |conn| {
            let login = users::login_of(conn, caller.0.workspace, caller.0.user)?;
            let Factor { email, totp_secret: Some(sealed), totp_since: None, .. } = Factor::lock(conn, login)? else {
                return Err(Error::new(
                    Code::Conflict,
                    "create a secret first; if a second factor is on, turn it off first",
                ));
            };
            let step = step(&totp(open_secret(&keys, &sealed)?, &email)?, &given.code).ok_or_else(invalid_code)?;
            diesel::update(logins::table.find(login))
                .set((logins::totp_since.eq(DateTime::now()), logins::totp_step.eq(step)))
                .execute(conn)?;
            messages::security_changed(conn, login, MailKind::SecondFactorOn)?;
            accounts::record_security_event(conn, login, "user.second_factor_on", &device)?;
            Reply::ok(&RecoveryCodeList { recovery_codes: new_recovery_codes(conn, login)? })
        })
    })
    .await
}

/// Turn the second factor off with your password and a code.
#[utoipa::path(operation_id = "end_totp", request_body = TotpEnding, responses((status = 204, description = "It is off"),
        (status = 409, description = "The second factor is already off")))]
#[post("/auth/totp/end")]
async fn end(
    request: HttpRequest,
    caller: SignedIn,
    given: Valid<TotpEnding>,
    db: web::Data<Db>,
    keys: web::Data<Keys>,
) -> Result<Reply> {
    let TotpEnding { password, code } = given.0;
    let Proven { login, attempt, .. } = reauthenticate(&request, &caller, password, "/password", &db).await?;
    let device = Device::of(&request);
    let work = move |conn: &mut PgConnection| {
        in_transaction(conn, |conn| {
            if !is_on(conn, login)? {
                return Err(Error::new(Code::Conflict, "the second factor is already off"));
            }
            check(conn, &keys, login, Some(&code))?;
            diesel::update(logins::table.find(login))
                .set((
                    logins::totp_secret.eq(None::<Vec<u8>>),
                    logins::totp_since.eq(None::<DateTime>),
                    logins::totp_step.eq(None::<i64>),
                ))
                .execute(conn)?;
            diesel::delete(recovery_codes::table.filter(recovery_codes::login_id.eq(login))).execute(conn)?;
            messages::security_changed(conn, login, MailKind::SecondFactorOff)?;
            accounts::record_security_event(conn, login, "user.second_factor_off", &device)
        })
    };
    let ended = db.run(work).await;
    attempt.record_result(&ended);
    ended.map(|()| Reply::none())
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(begin).service(confirm).service(end);
}
