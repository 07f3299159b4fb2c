//! Logins, sessions and refresh tokens. A login is a person; a user is the membership of a login in one workspace.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::events::{self, OutsideEvent};
use crate::db::notices::{self, Notice};
use crate::identity::credentials::tokens;
use crate::kernel::access::actor::UserStatus;
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::time::DateTime;
use crate::schema::{logins, refresh_tokens, sessions, users, workspaces};
use crate::web::answer::address;
use actix_web::HttpRequest;
use actix_web::http::header;
use diesel::prelude::*;
use std::net::IpAddr;
use uuid::Uuid;

const REFRESH_DAYS: i64 = 30;
/// A client that lost the response may use the refresh token once more within this time.
const GRACE_SECONDS: i64 = 30;

/// A new or continued session.
#[derive(Debug)]
pub struct Session {
    pub id: Uuid,
    pub workspace: Uuid,
    pub user: Uuid,
    pub refresh_token: String,
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = logins)]
pub struct Login {
    pub id: Uuid,
    pub email: String,
    pub password_hash: Option<String>,
    /// Whether this login holds the address. Of all logins with an address at most one does.
    pub holder: bool,
}

/// A person who registers or accepts an invitation: with a proven login, or with a password for a new one. A namesake
/// gave an address that another login holds, but not its password. The response must not reveal the difference.
#[derive(Clone, Debug)]
pub enum Newcomer {
    Known(Uuid),
    New { password_hash: String },
    AddressInUse { password_hash: String, holder: Uuid },
}

impl Newcomer {
    pub fn login(&self) -> Option<Uuid> {
        match self {
            Newcomer::Known(login) => Some(*login),
            Newcomer::New { .. } | Newcomer::AddressInUse { .. } => None,
        }
    }

    /// Returns the login, and creates it if it is new.
    pub fn into_login(self, conn: &mut PgConnection, email: &str) -> Result<Uuid> {
        match self {
            Newcomer::Known(login) => Ok(login),
            Newcomer::New { password_hash } => insert_login(conn, email, &password_hash, true),
            Newcomer::AddressInUse { password_hash, .. } => insert_login(conn, email, &password_hash, false),
        }
    }
}

/// Returns the login that holds an address.
pub fn login_by_email(conn: &mut PgConnection, email: &str) -> Result<Option<Login>> {
    let held = logins::table.filter(logins::email.eq(email)).filter(logins::holder);
    Ok(held.select(Login::as_select()).first(conn).optional()?)
}

/// Maximum namesakes that a sign-in tries, because each costs a hash.
const NAMESAKES: i64 = 3;

/// Returns the logins that a sign-in with this address tries: the holder and the latest namesakes.
pub fn candidates(conn: &mut PgConnection, email: &str) -> Result<Vec<Login>> {
    let all = logins::table.filter(logins::email.eq(email)).order((logins::holder.desc(), logins::created_at.desc()));
    Ok(all.limit(1 + NAMESAKES).select(Login::as_select()).load(conn)?)
}

/// Checks whether one of the logins has signed in from this IP address before.
pub fn is_known_device(conn: &mut PgConnection, logins: &[Login], device: &Device) -> Result<bool> {
    let Some(address) = device.address.as_ref().filter(|_| !logins.is_empty()) else { return Ok(false) };
    let ids = logins.iter().map(|login| login.id);
    let before = sessions::table.filter(sessions::login_id.eq_any(ids)).filter(sessions::address.eq(address));
    Ok(diesel::select(diesel::dsl::exists(before)).get_result(conn)?)
}

/// Creates a login. `holder` must be true only if no other login holds the address.
pub fn insert_login(conn: &mut PgConnection, email: &str, password_hash: &str, holder: bool) -> Result<Uuid> {
    let id = Uuid::now_v7();
    diesel::insert_into(logins::table)
        .values((
            logins::id.eq(id),
            logins::email.eq(email),
            logins::password_hash.eq(password_hash),
            logins::holder.eq(holder),
            logins::created_at.eq(DateTime::now()),
        ))
        .execute(conn)
        .map_constraint(CONSTRAINTS)?;
    Ok(id)
}

/// Creates a login without a password, which signs in through an OpenID provider.
pub fn insert_identified(conn: &mut PgConnection, email: &str, now: DateTime) -> Result<Uuid> {
    let id = Uuid::now_v7();
    diesel::insert_into(logins::table)
        .values((logins::id.eq(id), logins::email.eq(email), logins::created_at.eq(now)))
        .execute(conn)
        .map_constraint(CONSTRAINTS)?;
    Ok(id)
}

/// At most one login holds an address.
pub const CONSTRAINTS: ConstraintRules = &[("logins_email_key", ConstraintRule::Taken(Code::DuplicateEmail, "/email"))];

/// A membership of a login.
#[derive(Debug, Queryable)]
pub struct Membership {
    pub workspace: Uuid,
    pub workspace_name: String,
    pub user: Uuid,
    pub role: String,
    pub status: UserStatus,
}

/// Returns the active memberships of a login, oldest first.
pub fn memberships(conn: &mut PgConnection, login: Uuid) -> Result<Vec<Membership>> {
    Ok(users::table
        .inner_join(workspaces::table.on(workspaces::id.eq(users::workspace_id)))
        .filter(users::login_id.eq(login))
        .filter(users::status.eq(UserStatus::Active))
        .order(users::created_at)
        .select((workspaces::id, workspaces::name, users::id, users::role, users::status))
        .load(conn)?)
}

/// Ends the sessions of a user in their workspace.
pub fn revoke_of_user(conn: &mut PgConnection, workspace: Uuid, user: Uuid) -> Result<()> {
    let live = sessions::table.filter(sessions::workspace_id.eq(workspace)).filter(sessions::user_id.eq(user));
    let live: Vec<Uuid> = live.filter(sessions::revoked_at.is_null()).select(sessions::id).load(conn)?;
    live.into_iter().try_for_each(|session| revoke(conn, session))
}

/// Events about how a user signs in. Only the user and readers of the audit log see them.
pub const SECURITY_EVENTS: &[&str] = &[
    "user.sign_in_refused",
    "user.password_changed",
    "user.email_changed",
    "user.second_factor_on",
    "user.second_factor_off",
    "user.identity_linked",
    "user.identity_ended",
    "user.calendar_feed_created",
    "user.calendar_feed_ended",
];

/// Returns a login by its id.
pub fn login(conn: &mut PgConnection, id: Uuid) -> Result<Login> {
    Ok(logins::table.find(id).select(Login::as_select()).first(conn)?)
}

/// The client of a sign-in: its user agent and IP address.
#[derive(Clone, Debug, Default)]
pub struct Device {
    /// What it calls itself.
    pub user_agent: Option<String>,
    pub address: Option<String>,
}

impl Device {
    /// Returns the name of the browser without versions, which change with every update.
    fn browser(&self) -> String {
        self.user_agent.iter().flat_map(|text| text.chars()).filter(|c| !c.is_ascii_digit() && *c != '.').collect()
    }

    /// Returns the network of the address: 24 bits of IPv4, 48 bits of IPv6.
    fn network(&self) -> Option<Vec<u8>> {
        let address: IpAddr = self.address.as_ref()?.parse().ok()?;
        Some(match address {
            IpAddr::V4(address) => address.octets().into_iter().take(3).collect(),
            IpAddr::V6(address) => address.octets().into_iter().take(6).collect(),
        })
    }

    pub fn of(request: &HttpRequest) -> Device {
        let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Device {
            user_agent: agent.map(|text| text.chars().take(300).collect()),
            address: address(request).map(|address| address.to_string()),
        }
    }
}

/// The kind of the notification of a sign-in.
const SIGNED_IN: &str = "signed_in";
/// The number of sessions in which a browser and a network are looked for.
const KNOWN_SESSIONS: i64 = 500;

/// Checks whether a login that has signed in before now does so with a new browser or from a new network.
fn is_new_device(conn: &mut PgConnection, login: Uuid, device: &Device) -> Result<bool> {
    let before = sessions::table.filter(sessions::login_id.eq(login)).order(sessions::created_at.desc());
    let before = before.limit(KNOWN_SESSIONS).select((sessions::user_agent, sessions::address));
    let before: Vec<(Option<String>, Option<String>)> = before.load(conn)?;
    let known: Vec<Device> = before.into_iter().map(|(user_agent, address)| Device { user_agent, address }).collect();
    let (browser, network) = (device.browser(), device.network());
    let is_new = known.iter().all(|one| one.browser() != browser) || known.iter().all(|one| one.network() != network);
    Ok(is_new && !known.is_empty())
}

/// Returns the time before which a session must have been used to have no valid refresh token left.
pub fn oldest_session() -> DateTime {
    DateTime::now().plus(-chrono::Duration::days(REFRESH_DAYS))
}

/// Opens a session in the wanted workspace, or in the one of the oldest membership.
pub fn open_session(conn: &mut PgConnection, login: Uuid, wanted: Option<Uuid>, device: &Device) -> Result<Session> {
    let memberships = memberships(conn, login)?;
    let choice = memberships.iter().find(|m| wanted.is_none_or(|id| id == m.workspace));
    let Some(member) = choice else {
        return Err(Error::new(Code::CredentialsInvalid, "the login has no active membership in the workspace"));
    };
    let now = DateTime::now();
    let id = Uuid::now_v7();
    let is_new = is_new_device(conn, login, device)?;
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(id),
            sessions::login_id.eq(login),
            sessions::workspace_id.eq(member.workspace),
            sessions::user_id.eq(member.user),
            sessions::user_agent.eq(&device.user_agent),
            sessions::address.eq(&device.address),
            sessions::created_at.eq(now),
            sessions::last_used_at.eq(now),
        ))
        .execute(conn)?;
    let refresh_token = new_refresh_token(conn, id, now)?;
    let owner = Owner { workspace: member.workspace, user: member.user };
    owner.record(conn, "session.opened", id, device.address.as_deref())?;
    if is_new {
        let notice = Notice { user: member.user, kind: SIGNED_IN, record: (Kind::SESSION, id), count: 1 };
        notices::insert(conn, member.workspace, Some(member.user), now, &[notice])?;
    }
    Ok(Session { id, workspace: member.workspace, user: member.user, refresh_token })
}

/// Records a security event, such as `user.password_changed`, in each workspace of a login.
pub fn record_security_event(conn: &mut PgConnection, login: Uuid, name: &str, device: &Device) -> Result<()> {
    for member in memberships(conn, login)? {
        let event = OutsideEvent {
            workspace: member.workspace,
            user: member.user,
            name,
            kind: Kind::USER,
            record: member.user,
            address: device.address.as_deref(),
        };
        events::record_outside_request(conn, event)?;
    }
    Ok(())
}

fn new_refresh_token(conn: &mut PgConnection, session: Uuid, now: DateTime) -> Result<String> {
    let token = format!("rt_{}", tokens::random()?);
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::hash.eq(tokens::hash(&token)),
            refresh_tokens::session_id.eq(session),
            refresh_tokens::created_at.eq(now),
            refresh_tokens::expires_at.eq(now.plus(chrono::Duration::days(REFRESH_DAYS))),
        ))
        .execute(conn)?;
    Ok(token)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = refresh_tokens)]
struct RefreshToken {
    expires_at: DateTime,
    used_at: Option<DateTime>,
    successor: Option<Vec<u8>>,
}

/// The user of a session.
#[derive(Clone, Copy, Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct Owner {
    #[diesel(column_name = workspace_id)]
    workspace: Uuid,
    #[diesel(column_name = user_id)]
    user: Uuid,
}

impl Owner {
    /// Records an event of a session, such as `session.opened`.
    fn record(self, conn: &mut PgConnection, name: &str, session: Uuid, address: Option<&str>) -> Result<()> {
        let Owner { workspace, user } = self;
        let event = OutsideEvent { workspace, user, name, kind: Kind::SESSION, record: session, address };
        events::record_outside_request(conn, event)
    }
}

/// The result of an exchange of a refresh token.
#[derive(Debug)]
pub enum Rotation {
    Rotated(Session),
    /// The token is unknown or expired, or its session has ended.
    Refused,
    /// The token was used before, so its session has been ended.
    Reused,
}

/// Exchanges a refresh token for the next one. If a token is reused after its successor was used, it was stolen or
/// copied, and the session ends (RFC 9700, 4.14.2), which is committed.
pub fn rotate(conn: &mut PgConnection, token: &str, device: &Device) -> Result<Rotation> {
    use refresh_tokens as r;
    let (now, hash) = (DateTime::now(), tokens::hash(token));
    // Locks the session first, so that concurrent exchanges of the same token see each other's changes.
    let session: Option<Uuid> = r::table.find(&hash).select(r::session_id).first(conn).optional()?;
    let Some(session) = session else { return Ok(Rotation::Refused) };
    let Some(owner) = lock_live(conn, session)? else { return Ok(Rotation::Refused) };
    let old: RefreshToken = r::table.find(&hash).select(RefreshToken::as_select()).first(conn)?;
    if old.expires_at <= now {
        return Ok(Rotation::Refused);
    }
    if !take_grace(conn, &old, now)? {
        revoke(conn, session)?;
        owner.record(conn, "session.reuse_detected", session, device.address.as_deref())?;
        return Ok(Rotation::Reused);
    }
    let next = new_refresh_token(conn, session, now)?;
    // The grace period allows one more use. Afterwards the token counts as used before the period.
    let used = if old.used_at.is_some() { now.plus(-chrono::Duration::seconds(GRACE_SECONDS)) } else { now };
    diesel::update(r::table.find(&hash))
        .set((r::used_at.eq(used), r::successor.eq(tokens::hash(&next))))
        .execute(conn)?;
    diesel::update(sessions::table.find(session)).set(sessions::last_used_at.eq(now)).execute(conn)?;
    Ok(Rotation::Rotated(Session { id: session, workspace: owner.workspace, user: owner.user, refresh_token: next }))
}

/// Locks a session that has not ended, of a user who may still sign in.
fn lock_live(conn: &mut PgConnection, session: Uuid) -> Result<Option<Owner>> {
    let live = sessions::table.find(session).filter(sessions::revoked_at.is_null());
    let owner: Option<Owner> = live.select(Owner::as_select()).for_update().first(conn).optional()?;
    let Some(owner) = owner else { return Ok(None) };
    let active = users::table.find((owner.workspace, owner.user)).filter(users::status.eq(UserStatus::Active));
    let active: Option<Uuid> = active.select(users::id).first(conn).optional()?;
    Ok(active.map(|_| owner))
}

/// Whether a token may be used: the first time, or once more while its successor is unused, which then goes.
fn take_grace(conn: &mut PgConnection, token: &RefreshToken, now: DateTime) -> Result<bool> {
    use refresh_tokens as r;
    let Some(used_at) = token.used_at else { return Ok(true) };
    if used_at.plus(chrono::Duration::seconds(GRACE_SECONDS)) <= now {
        return Ok(false);
    }
    let unused = r::table.filter(r::hash.nullable().eq(&token.successor)).filter(r::used_at.is_null());
    Ok(diesel::delete(unused).execute(conn)? > 0)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct Ended {
    #[diesel(embed)]
    owner: Owner,
    address: Option<String>,
}

pub fn revoke(conn: &mut PgConnection, session: Uuid) -> Result<()> {
    let live = sessions::table.find(session).filter(sessions::revoked_at.is_null());
    let ended: Option<Ended> = diesel::update(live)
        .set(sessions::revoked_at.eq(DateTime::now()))
        .returning(Ended::as_returning())
        .get_result(conn)
        .optional()?;
    match ended {
        Some(Ended { owner, address }) => owner.record(conn, "session.ended", session, address.as_deref()),
        None => Ok(()),
    }
}

/// Ends the session of a refresh token. An unknown token is not an error (RFC 7009, 2.2).
pub fn revoke_by_token(conn: &mut PgConnection, token: &str) -> Result<()> {
    let session: Option<Uuid> =
        refresh_tokens::table.find(tokens::hash(token)).select(refresh_tokens::session_id).first(conn).optional()?;
    session.map_or(Ok(()), |id| revoke(conn, id))
}
