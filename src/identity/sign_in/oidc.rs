//! Sign-in through an OpenID provider: authorization code with PKCE (OpenID Connect Core 1.0, RFC 7636). The front end
//! redirects to the provider and sends back the code. An address that the provider has verified counts as proven.
use crate::db::pool::Db;
use crate::db::transaction::in_transaction;
use crate::identity::credentials::accounts::Device;
use crate::identity::credentials::session_tokens::TokenPair;
use crate::identity::credentials::tokens::Keys;
use crate::identity::credentials::{accounts, session_tokens, tokens};
use crate::identity::mail::messages;
use crate::identity::mail::messages::MailKind;
use crate::identity::sign_in::reauthentication::{Proven, prove_login};
use crate::identity::sign_in::second_factor;
use crate::kernel::access::actor::UserStatus;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::answers::reply::Reply;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::values::address;
use crate::kernel::values::time::DateTime;
use crate::schema::{login_identities as i, oidc_sign_ins as o, users as u};
use crate::web::body::Valid;
use actix_web::{HttpRequest, post, web};
use diesel::prelude::*;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    HttpRequest as ProviderRequest, HttpResponse as ProviderResponse, IssuerUrl, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use ureq::Agent;
use ureq::http::{Method, Request};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Maximum time between begin and complete.
const STATE_MINUTES: i64 = 10;
/// How long the metadata of the provider is cached.
const METADATA_TTL: Duration = Duration::from_secs(3600);
const TIMEOUT: Duration = Duration::from_secs(10);

/// The provider, and the credentials of this server there.
#[derive(Clone, Debug)]
pub struct Settings {
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    /// The page of the front end that the provider redirects back to.
    pub redirect_url: String,
    /// Issuers whose addresses are trusted even if they do not say whether they have verified them.
    pub trusted: Vec<String>,
}

/// The OpenID provider, if one is configured.
#[derive(Clone, Debug)]
pub struct Provider(Option<Arc<Known>>);

#[derive(Debug)]
struct Known {
    settings: Settings,
    agent: Agent,
    described: Mutex<Option<(Instant, CoreProviderMetadata)>>,
}

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

impl Provider {
    pub fn new(settings: Option<Settings>) -> Provider {
        let agent = Agent::config_builder().http_status_as_error(false).max_redirects(0).timeout_global(Some(TIMEOUT));
        let known = |settings| Known { settings, agent: agent.build().into(), described: Mutex::default() };
        Provider(settings.map(|settings| Arc::new(known(settings))))
    }

    /// Runs requests to the provider on the blocking thread pool.
    async fn ask<T: Send + 'static>(&self, work: impl FnOnce(&Known) -> Result<T> + Send + 'static) -> Result<T> {
        let known = self.0.clone().ok_or_else(|| failed("no provider is configured on this server"))?;
        tokio::task::spawn_blocking(move || work(&known)).await.map_err(Error::internal)?
    }
}

fn failed(why: impl std::fmt::Display) -> Error {
    Error::new(Code::OidcFailed, format!("signing in through the provider failed: {why}"))
}

/// Logs the details of an error, and tells the caller only which step failed.
fn at(step: &'static str) -> impl Fn(&dyn std::error::Error) -> Error {
    move |error| {
        let mut causes = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        log::warn!("OpenID provider, {step}: {causes}");
        failed(step)
    }
}

impl Known {
    fn http(&self) -> impl Fn(ProviderRequest) -> Result<ProviderResponse, ureq::Error> + '_ {
        |request| {
            let (head, body) = request.into_parts();
            let response = match head.method {
                Method::GET => self.agent.run(Request::from_parts(head, ()))?,
                _ => self.agent.run(Request::from_parts(head, body))?,
            };
            let (head, mut body) = response.into_parts();
            Ok(ProviderResponse::from_parts(head, body.with_config().limit(1 << 20).read_to_vec()?))
        }
    }

    /// Returns the metadata and keys of the provider, and reads them again if they are older than `fresh`.
    fn described(&self, fresh: Duration) -> Result<CoreProviderMetadata> {
        let mut described = self.described.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read, metadata)) = described.as_ref().filter(|(read, _)| read.elapsed() < fresh) {
            let _ = read;
            return Ok(metadata.clone());
        }
        let issuer = IssuerUrl::new(self.settings.issuer.clone()).map_err(Error::internal)?;
        let metadata = CoreProviderMetadata::discover(&issuer, &self.http()).map_err(|e| at("discovery")(&e))?;
        *described = Some((Instant::now(), metadata.clone()));
        Ok(metadata)
    }

    fn client(&self, fresh: Duration) -> Result<Client> {
        let Settings { client_id, client_secret, redirect_url, .. } = self.settings.clone();
        let redirect = RedirectUrl::new(redirect_url).map_err(Error::internal)?;
        let (id, secret) = (ClientId::new(client_id), ClientSecret::new(client_secret));
        Ok(CoreClient::from_provider_metadata(self.described(fresh)?, id, Some(secret)).set_redirect_uri(redirect))
    }

    /// Exchanges the code and verifies the identity.
    fn identity(&self, code: String, nonce: String, verifier: String) -> Result<Identity> {
        let (client, http) = (self.client(METADATA_TTL)?, self.http());
        let exchange = client.exchange_code(AuthorizationCode::new(code)).map_err(|e| at("exchange")(&e))?;
        let response = exchange.set_pkce_verifier(PkceCodeVerifier::new(verifier)).request(&http);
        let response = response.map_err(|e| at("exchange")(&e))?;
        let token = response.id_token().ok_or_else(|| failed("the provider gave no ID token"))?;
        let nonce = Nonce::new(nonce);
        // The provider may have rotated its keys since they were read.
        let claims = token.claims(&client.id_token_verifier(), &nonce).cloned();
        let claims = claims.or_else(|_| {
            let client = self.client(Duration::ZERO)?;
            token.claims(&client.id_token_verifier(), &nonce).cloned().map_err(|e| at("verification")(&e))
        })?;
        let subject = claims.subject().clone();
        let (mut email, mut verified) = (claims.email().cloned(), claims.email_verified());
        if email.is_none() {
            let asked = client.user_info(response.access_token().clone(), Some(subject.clone()));
            let asked = asked.map_err(|e| at("user info")(&e))?;
            let info: CoreUserInfoClaims = asked.request(&http).map_err(|e| at("user info")(&e))?;
            (email, verified) = (info.email().cloned(), info.email_verified());
        }
        let issuer = claims.issuer().to_string();
        // Some providers omit `email_verified`. An explicit false also applies to trusted issuers.
        let verified = verified.unwrap_or_else(|| self.settings.trusted.contains(&issuer));
        let email = email.filter(|_| verified).map(|email| address::email(&email));
        Ok(Identity { issuer, subject: subject.to_string(), email })
    }
}

/// The identity that the provider asserts.
struct Identity {
    issuer: String,
    subject: String,
    /// Present only if the provider has verified it or is trusted.
    email: Option<String>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct OidcBeginning {}
impl Rules for OidcBeginning {}

/// The page of the provider to redirect to.
#[derive(Debug, Serialize, ToSchema)]
pub struct OidcAuthorization {
    #[schema(example = "https://id.example/auth?response_type=code")]
    pub authorization_url: String,
    /// The provider returns it with the code. Check that it is the same.
    #[schema(example = "q83vEjRWeJCrze8BI0VniQ")]
    pub state: String,
}
impl NothingHidden for OidcAuthorization {}

#[derive(Debug, Deserialize, ToSchema)]
pub struct OidcCompletion {
    /// The code that the provider sent to the front end.
    #[schema(min_length = 1, max_length = 4000, example = "q83vEjRWeJCrze8BI0VniQ")]
    pub code: String,
    #[schema(min_length = 1, max_length = 200, example = "q83vEjRWeJCrze8BI0VniQ")]
    pub state: String,
    /// If a login with this e-mail exists, its password. Required once, to link the login to the identity.
    #[schema(format = "password", min_length = 1, max_length = 1024)]
    pub password: Option<String>,
    /// If the second factor of that login is on, a code from your authenticator app or a recovery code.
    #[schema(min_length = 6, max_length = 10, example = "123456")]
    pub second_factor_code: Option<String>,
}
impl Rules for OidcCompletion {}

/// Begin a sign-in through the OpenID provider of the server.
#[utoipa::path(operation_id = "begin_oidc", request_body = OidcBeginning,
    responses((status = 200, description = "The page of the provider to redirect to", body = OidcAuthorization),
        (status = 401, description = "The provider cannot be reached, or none is configured")))]
#[post("/auth/oidc/begin")]
async fn begin(
    _given: Valid<OidcBeginning>,
    provider: web::Data<Provider>,
    db: web::Data<Db>,
    keys: web::Data<Keys>,
) -> Result<Reply> {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = provider
        .ask(move |known| {
            let client = known.client(METADATA_TTL)?;
            let flow = CoreAuthenticationFlow::AuthorizationCode;
            let url = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
            Ok(url.add_scope(Scope::new("email".into())).set_pkce_challenge(challenge).url())
        })
        .await?;
    let state = state.secret().clone();
    let (nonce, verifier) = (keys.seal(nonce.secret().as_bytes())?, keys.seal(verifier.secret().as_bytes())?);
    let hash = tokens::hash(&state);
    db.run(move |conn| {
        let now = DateTime::now();
        diesel::insert_into(o::table)
            .values((
                (o::state_hash.eq(hash), o::nonce.eq(nonce), o::verifier.eq(verifier)),
                (o::created_at.eq(now), o::expires_at.eq(now.plus(chrono::Duration::minutes(STATE_MINUTES)))),
            ))
            .execute(conn)?;
        Ok(())
    })
    .await?;
    Reply::ok(&OidcAuthorization { authorization_url: url.to_string(), state })
}

/// Complete a sign-in with the code of the provider.
///
/// A known identity signs in to its login. A new identity with a verified e-mail accepts the invitations to that
/// address, or is linked to the login with that address if its password is sent.
#[utoipa::path(operation_id = "complete_oidc", request_body = OidcCompletion,
    responses((status = 200, description = "You are signed in", body = TokenPair),
        (status = 401, description = "The provider, the password or the second factor does not prove who you are"),
        (status = 409, description = "The server cannot decrypt the secret of the second factor")))]
#[post("/auth/oidc/complete")]
async fn complete(
    request: HttpRequest,
    given: Valid<OidcCompletion>,
    provider: web::Data<Provider>,
    db: web::Data<Db>,
    keys: web::Data<Keys>,
) -> Result<Reply> {
    let OidcCompletion { code, state, password, second_factor_code } = given.0;
    let (hash, now) = (tokens::hash(&state), DateTime::now());
    let begun: Option<(Vec<u8>, Vec<u8>)> = db
        .run(move |conn| {
            // Deleted first, so that it can be used only once, whatever the outcome.
            let own = o::table.find(hash).filter(o::expires_at.gt(now));
            Ok(diesel::delete(own).returning((o::nonce, o::verifier)).get_result(conn).optional()?)
        })
        .await?;
    let (nonce, verifier) = begun.ok_or_else(|| failed("the state is unknown or has expired; begin again"))?;
    let secret_changed = |_| failed("the secret of the server has changed since it was begun; begin again");
    let text =
        |sealed: Vec<u8>| String::from_utf8(keys.open(&sealed).map_err(secret_changed)?).map_err(Error::internal);
    let (nonce, verifier) = (text(nonce)?, text(verifier)?);
    let identity = provider.ask(move |known| known.identity(code, nonce, verifier)).await?;
    let link = linkable(&request, &identity, password, &db).await?;
    let linked = link.as_ref().map(|proven| proven.login);
    let (device, vault) = (Device::of(&request), keys.clone());
    let session = db
        .run(move |conn| {
            in_transaction(conn, |conn| {
                if let Some(login) = linked {
                    second_factor::check(conn, &vault, login, second_factor_code.as_deref())?;
                }
                let login = login(conn, &identity, linked, &device)?;
                accounts::open_session(conn, login, None, &device)
                    .map_err(|_| failed("you do not belong to any workspace; ask for an invitation"))
            })
        })
        .await;
    if let Some(proven) = link {
        proven.attempt.record_result(&session);
    }
    session_tokens::reply(&keys, session?)
}

/// Returns the login to link a new identity to, if its password was given. The address alone is not sufficient, because
/// somebody else may have created the login.
async fn linkable(
    request: &HttpRequest,
    identity: &Identity,
    password: Option<String>,
    db: &Db,
) -> Result<Option<Proven>> {
    let Some(email) = identity.email.clone() else { return Ok(None) };
    let key = (identity.issuer.clone(), identity.subject.clone());
    let known = db
        .run(move |conn| {
            let linked = i::table.find(key).select(i::login_id).first::<Uuid>(conn).optional()?;
            if linked.is_some() { Ok(None) } else { accounts::login_by_email(conn, &email) }
        })
        .await?;
    let Some(login) = known else { return Ok(None) };
    let Some(password) = password else {
        return Err(failed("a login with this address exists; send its password once to link it"));
    };
    prove_login(request, login, password, failed("the password is wrong")).await.map(Some)
}

/// Returns the login of an identity. A new identity gets one if it was invited or linked.
fn login(conn: &mut PgConnection, identity: &Identity, link: Option<Uuid>, device: &Device) -> Result<Uuid> {
    let known = i::table.find((&identity.issuer, &identity.subject)).select(i::login_id);
    if let Some(login) = known.first::<Uuid>(conn).optional()? {
        return Ok(login);
    }
    let email = identity.email.as_ref().ok_or_else(|| failed("the provider has not verified your e-mail address"))?;
    let now = DateTime::now();
    let invited =
        || u::table.filter(u::email.eq(email)).filter(u::status.eq(UserStatus::Invited)).filter(u::login_id.is_null());
    let waiting: i64 = invited().count().get_result(conn)?;
    if link.is_none() && waiting == 0 {
        return Err(failed("no user with your e-mail address exists or is invited"));
    }
    let login = match link {
        Some(login) => login,
        None => accounts::insert_identified(conn, email, now)?,
    };
    diesel::update(invited())
        .set((
            u::login_id.eq(login),
            u::status.eq(UserStatus::Active),
            u::version.eq(u::version + 1),
            u::updated_at.eq(now),
        ))
        .execute(conn)?;
    diesel::insert_into(i::table)
        .values((
            (i::issuer.eq(&identity.issuer), i::subject.eq(&identity.subject)),
            (i::id.eq(Uuid::now_v7()), i::login_id.eq(login), i::created_at.eq(now)),
        ))
        .execute(conn)?;
    if link.is_some() {
        messages::security_changed(conn, login, MailKind::IdentityLinked)?;
        accounts::record_security_event(conn, login, "user.identity_linked", device)?;
    }
    Ok(login)
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(begin).service(complete);
}
