//! Turns bearer tokens into actors. Role, session and settings are cached for a few seconds.
use crate::db::custom;
use crate::db::fair_queue::Account;
use crate::db::pool::Db;
use crate::db::queue::Job;
use crate::identity::tokens::{self, Keys};
use crate::identity::{roles, teams};
use crate::kernel::access::Access;
use crate::kernel::actor::{Actor, Settings};
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::tags::Tags;
use crate::kernel::time::DateTime;
use crate::schema::{api_keys, jobs, sessions, users, workspaces};
use diesel::prelude::*;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long an actor is cached, and thus how long a role change or sign-out on another server may take.
const CACHE_TTL: Duration = Duration::from_secs(2);
const CACHE_MAX: usize = 10_000;

/// Turns tokens into actors and caches them.
#[derive(Debug)]
pub struct Actors {
    keys: Keys,
    cache: Mutex<HashMap<Vec<u8>, (Instant, Actor)>>,
}

impl Actors {
    pub fn new(keys: Keys) -> Actors {
        Actors { keys, cache: Mutex::default() }
    }

    pub async fn of(&self, db: &Db, token: &str) -> Result<Actor> {
        let known = |code: Code| Error::new(code, code.title());
        if tokens::is_api_key(token).map_err(known)? {
            let hash = tokens::hash(token);
            return match self.cached(&hash) {
                Some(actor) => Ok(actor),
                None => {
                    let account = self.last_account(&hash);
                    self.remember(hash.clone(), db.run_for(account, move |conn| by_key(conn, &hash)).await?)
                }
            };
        }
        let claims = self.keys.check(token).map_err(known)?;
        let id = claims.sid.as_bytes().to_vec();
        let session = claims.sid;
        let actor = match self.cached(&id) {
            Some(actor) => actor,
            None => {
                let account = Account { workspace: claims.wsp, user: claims.sub };
                self.remember(id, db.run_for(account, move |conn| by_session(conn, session)).await?)?
            }
        };
        if (actor.user, actor.workspace) == (claims.sub, claims.wsp) {
            Ok(actor)
        } else {
            Err(known(Code::TokenInvalid))
        }
    }

    fn cached(&self, id: &[u8]) -> Option<Actor> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(id).filter(|(read, _)| read.elapsed() < CACHE_TTL).map(|(_, actor)| actor.clone())
    }

    /// Returns the account of an API key from an expired cache entry. Used only for the fair queue.
    fn last_account(&self, id: &[u8]) -> Account {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |actor: &Actor| Account { workspace: actor.workspace, user: actor.user };
        cache.get(id).map_or(Account::ANONYMOUS, |(_, actor)| of(actor))
    }

    fn remember(&self, id: Vec<u8>, actor: Actor) -> Result<Actor> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHE_MAX {
            cache.retain(|_, (read, _)| read.elapsed() < CACHE_TTL);
        }
        cache.insert(id, (Instant::now(), actor.clone()));
        Ok(actor)
    }

    /// Clears the cache, after a sign-out or a role change on this server.
    pub fn forget(&self) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn member() -> (users::workspace_id, users::id, users::role, users::team_id, users::status, users::time_zone) {
    (users::workspace_id, users::id, users::role, users::team_id, users::status, users::time_zone)
}

fn settings() -> (workspaces::time_zone, workspaces::base_currency, workspaces::country) {
    (workspaces::time_zone, workspaces::base_currency, workspaces::country)
}

type Member = (Uuid, Uuid, String, Option<Uuid>, String, Option<String>);
type Zone = (String, String, String);

fn actor(
    conn: &mut PgConnection,
    (workspace, user, role, team, status, own_zone): Member,
    (zone, base_currency, country): Zone,
    principal: Uuid,
    actor_kind: &'static str,
    scopes: Option<Vec<String>>,
) -> Result<Actor> {
    if status != "active" {
        return Err(Error::new(Code::SessionRevoked, "the user is not active in this workspace"));
    }
    let access = roles::access(conn, workspace, &role)?
        .ok_or_else(|| Error::internal(format!("a user has the role {role}, which does not exist")))?;
    let team_members = team_members(conn, workspace, user, team, &access)?;
    let custom = Arc::new(custom::load(conn, workspace)?);
    let time_zone = zone.parse().unwrap_or(chrono_tz::UTC);
    let own_time_zone = own_zone.and_then(|zone| zone.parse().ok()).unwrap_or(time_zone);
    Ok(Actor {
        workspace,
        user,
        actor_kind,
        principal,
        session: None,
        access: Arc::new(access),
        team_members: Arc::new(team_members),
        scopes,
        settings: Settings { time_zone, own_time_zone, base_currency, country, custom },
    })
}

/// Returns the user, and if the role has the visibility `team`, all users of the team and of the teams below it.
fn team_members(
    conn: &mut PgConnection,
    workspace: Uuid,
    user: Uuid,
    team: Option<Uuid>,
    access: &Access,
) -> Result<Vec<Uuid>> {
    let Some(team) = team.filter(|_| access.reaches_the_team()) else { return Ok(vec![user]) };
    let teams = teams::below(conn, workspace, team)?;
    let others = users::table.filter(users::workspace_id.eq(workspace)).filter(users::team_id.eq_any(teams));
    let mut team_members: Vec<Uuid> = others.select(users::id).load(conn)?;
    if !team_members.contains(&user) {
        team_members.push(user);
    }
    Ok(team_members)
}

fn by_session(conn: &mut PgConnection, session: Uuid) -> Result<Actor> {
    let found = sessions::table
        .inner_join(
            users::table.on(users::workspace_id.eq(sessions::workspace_id).and(users::id.eq(sessions::user_id))),
        )
        .inner_join(workspaces::table.on(workspaces::id.eq(sessions::workspace_id)))
        .filter(sessions::id.eq(session))
        .filter(sessions::revoked_at.is_null())
        .select((member(), settings()))
        .first::<(Member, Zone)>(conn)
        .optional()?;
    let (member, settings) = found.ok_or_else(|| Error::new(Code::SessionRevoked, "sign in again"))?;
    let principal = member.1;
    Ok(Actor { session: Some(session), ..actor(conn, member, settings, principal, "user", None)? })
}

fn by_key(conn: &mut PgConnection, hash: &[u8]) -> Result<Actor> {
    let now = DateTime::now();
    let found = api_keys::table
        .inner_join(
            users::table.on(users::workspace_id.eq(api_keys::workspace_id).and(users::id.eq(api_keys::user_id))),
        )
        .inner_join(workspaces::table.on(workspaces::id.eq(api_keys::workspace_id)))
        .filter(api_keys::hash.eq(hash))
        .select((api_keys::id, api_keys::scopes, api_keys::expires_at, member(), settings()))
        .first::<(Uuid, crate::kernel::tags::Tags, Option<DateTime>, Member, Zone)>(conn)
        .optional()?;
    let (id, scopes, expires, member, settings) =
        found.ok_or_else(|| Error::new(Code::TokenInvalid, "the API key does not exist"))?;
    if expires.is_some_and(|at| at <= now) {
        return Err(Error::new(Code::TokenExpired, "the API key has expired"));
    }
    diesel::update(api_keys::table.find((member.0, id))).set(api_keys::last_used_at.eq(now)).execute(conn)?;
    actor(conn, member, settings, id, "api_key", Some(scopes.0))
}

/// Returns the actor of a job or a command: a user of the workspace with all permissions of the role.
pub fn of_user(conn: &mut PgConnection, workspace: Uuid, user: Uuid, actor_kind: &'static str) -> Result<Actor> {
    let found = users::table
        .inner_join(workspaces::table.on(workspaces::id.eq(users::workspace_id)))
        .filter(users::workspace_id.eq(workspace))
        .filter(users::id.eq(user))
        .select((member(), settings()))
        .first::<(Member, Zone)>(conn)
        .optional()?;
    let (member, settings) = found.ok_or_else(Error::not_found)?;
    actor(conn, member, settings, user, actor_kind, None)
}

/// Returns the actor of a job with the current permissions. The user must still be active, and the API key that queued
/// the job must still exist. The scopes are those that the key had then and still has. Signing out does not stop a job.
pub fn of_job(conn: &mut PgConnection, job: &Job) -> Result<Actor> {
    let actor = of_user(conn, job.workspace_id, job.user_id, "user")?;
    let revoked: Option<DateTime> = jobs::table.find(job.id).select(jobs::revoked_at).first(conn)?;
    if revoked.is_some() {
        return Err(Error::new(Code::SessionRevoked, "the user who queued the job was suspended"));
    }
    let Some(id) = job.api_key_id else { return Ok(actor) };
    let own = api_keys::table.find((job.workspace_id, id)).filter(api_keys::user_id.eq(job.user_id));
    let found: Option<(Tags, Option<DateTime>)> =
        own.select((api_keys::scopes, api_keys::expires_at)).first(conn).optional()?;
    let (scopes, expires) = found.ok_or_else(|| Error::new(Code::TokenInvalid, "the API key was revoked"))?;
    if expires.is_some_and(|at| at <= DateTime::now()) {
        return Err(Error::new(Code::TokenExpired, "the API key has expired"));
    }
    let kept = job.scopes.clone().unwrap_or_default().0.into_iter().filter(|scope| scopes.0.contains(scope));
    Ok(Actor { actor_kind: "api_key", principal: id, scopes: Some(kept.collect()), ..actor })
}
