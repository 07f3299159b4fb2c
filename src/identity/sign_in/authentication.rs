//! Turns bearer tokens, jobs and users into actors.
use crate::db::custom;
use crate::db::fair_queue::Account;
use crate::db::pool::Db;
use crate::db::queue::Job;
use crate::identity::actors::Actors;
use crate::identity::credentials::tokens;
use crate::identity::credentials::tokens::Keys;
use crate::identity::directory::{roles, teams};
use crate::kernel::access::actor::{Actor, ActorKind, Settings, UserStatus};
use crate::kernel::access::grants::Access;
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::values::tags::Tags;
use crate::kernel::values::time::DateTime;
use crate::schema::{api_keys, jobs, sessions, users, workspaces};
use diesel::prelude::*;
use std::sync::Arc;
use uuid::Uuid;

fn refused(code: Code) -> Error {
    Error::new(code, code.title())
}

/// Returns the actor of an access token or an API key.
pub async fn of_token(db: &Db, keys: &Keys, actors: &Actors, token: &str) -> Result<Actor> {
    if tokens::is_api_key(token).map_err(refused)? {
        return of_key(db, actors, tokens::hash(token)).await;
    }
    let claims = keys.check(token).map_err(refused)?;
    let session = claims.sid;
    let id = session.as_bytes().to_vec();
    let actor = match actors.cached(&id) {
        Some(actor) => actor,
        None => {
            let account = Account { workspace: claims.wsp, user: claims.sub };
            let actor = db.run_for(account, move |conn| by_session(conn, session)).await?;
            actors.remember(id, &actor);
            actor
        }
    };
    let is_own = (actor.user, actor.workspace) == (claims.sub, claims.wsp);
    if is_own { Ok(actor) } else { Err(refused(Code::TokenInvalid)) }
}

async fn of_key(db: &Db, actors: &Actors, hash: Vec<u8>) -> Result<Actor> {
    if let Some(actor) = actors.cached(&hash) {
        return Ok(actor);
    }
    let (account, id) = (actors.last_account(&hash), hash.clone());
    let actor = db.run_for(account, move |conn| by_key(conn, &hash)).await?;
    actors.remember(id, &actor);
    Ok(actor)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct Member {
    workspace_id: Uuid,
    id: Uuid,
    role: String,
    team_id: Option<Uuid>,
    status: UserStatus,
    time_zone: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = workspaces)]
struct Workspace {
    time_zone: String,
    base_currency: String,
    country: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys)]
struct Key {
    id: Uuid,
    scopes: Tags,
    expires_at: Option<DateTime>,
}

impl Key {
    fn check_expiry(&self) -> Result<()> {
        match self.expires_at.filter(|at| *at <= DateTime::now()) {
            Some(_) => Err(Error::new(Code::TokenExpired, "the API key has expired")),
            None => Ok(()),
        }
    }
}

/// Returns an active user with all permissions of the role.
fn actor(conn: &mut PgConnection, member: Member, workspace: Workspace) -> Result<Actor> {
    if member.status != UserStatus::Active {
        return Err(Error::new(Code::SessionRevoked, "the user is not active in this workspace"));
    }
    let access = roles::access(conn, member.workspace_id, &member.role)?
        .ok_or_else(|| Error::internal(format!("a user has the role {}, which does not exist", member.role)))?;
    let team_members = team_members(conn, &member, &access)?;
    let custom = Arc::new(custom::load(conn, member.workspace_id)?);
    let time_zone = workspace.time_zone.parse().unwrap_or(chrono_tz::UTC);
    let own_time_zone = member.time_zone.and_then(|zone| zone.parse().ok()).unwrap_or(time_zone);
    let Workspace { base_currency, country, .. } = workspace;
    Ok(Actor {
        workspace: member.workspace_id,
        user: member.id,
        actor_kind: ActorKind::User,
        principal: member.id,
        session: None,
        access: Arc::new(access),
        team_members: Arc::new(team_members),
        scopes: None,
        settings: Settings { time_zone, own_time_zone, base_currency, country, custom },
    })
}

/// Returns the user, and if the role has the visibility `team`, all users of the team and of the teams below it.
fn team_members(conn: &mut PgConnection, member: &Member, access: &Access) -> Result<Vec<Uuid>> {
    let Some(team) = member.team_id.filter(|_| access.reaches_the_team()) else { return Ok(vec![member.id]) };
    let teams = teams::below(conn, member.workspace_id, team)?;
    let others = users::table.filter(users::workspace_id.eq(member.workspace_id)).filter(users::team_id.eq_any(teams));
    let mut team_members: Vec<Uuid> = others.select(users::id).load(conn)?;
    if !team_members.contains(&member.id) {
        team_members.push(member.id);
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
        .select((Member::as_select(), Workspace::as_select()))
        .first(conn)
        .optional()?;
    let (member, workspace) = found.ok_or_else(|| Error::new(Code::SessionRevoked, "sign in again"))?;
    Ok(Actor { session: Some(session), ..actor(conn, member, workspace)? })
}

fn by_key(conn: &mut PgConnection, hash: &[u8]) -> Result<Actor> {
    let found = api_keys::table
        .inner_join(
            users::table.on(users::workspace_id.eq(api_keys::workspace_id).and(users::id.eq(api_keys::user_id))),
        )
        .inner_join(workspaces::table.on(workspaces::id.eq(api_keys::workspace_id)))
        .filter(api_keys::hash.eq(hash))
        .select((Key::as_select(), Member::as_select(), Workspace::as_select()))
        .first::<(Key, Member, Workspace)>(conn)
        .optional()?;
    let (key, member, workspace) = found.ok_or_else(|| Error::new(Code::TokenInvalid, "the API key does not exist"))?;
    key.check_expiry()?;
    let used = diesel::update(api_keys::table.find((member.workspace_id, key.id)));
    used.set(api_keys::last_used_at.eq(DateTime::now())).execute(conn)?;
    Ok(with_key(actor(conn, member, workspace)?, key.id, key.scopes.0))
}

/// Returns the user as represented by an API key.
fn with_key(user: Actor, key: Uuid, scopes: Vec<String>) -> Actor {
    Actor { actor_kind: ActorKind::ApiKey, principal: key, scopes: Some(scopes), ..user }
}

/// Returns the actor of a job or a command: a user of the workspace with all permissions of the role.
pub fn of_user(conn: &mut PgConnection, workspace: Uuid, user: Uuid) -> Result<Actor> {
    let found = users::table
        .inner_join(workspaces::table.on(workspaces::id.eq(users::workspace_id)))
        .filter(users::workspace_id.eq(workspace))
        .filter(users::id.eq(user))
        .select((Member::as_select(), Workspace::as_select()))
        .first(conn)
        .optional()?;
    let (member, workspace) = found.ok_or_else(Error::not_found)?;
    actor(conn, member, workspace)
}

/// Returns the actor of a job with the current permissions. The user must still be active, and the API key that queued
/// the job must still exist. The scopes are those that the key had then and still has. Signing out does not stop a job.
pub fn of_job(conn: &mut PgConnection, job: &Job) -> Result<Actor> {
    let user = of_user(conn, job.workspace_id, job.user_id)?;
    let revoked: Option<DateTime> = jobs::table.find(job.id).select(jobs::revoked_at).first(conn)?;
    if revoked.is_some() {
        return Err(Error::new(Code::SessionRevoked, "the user who queued the job was suspended"));
    }
    let Some(id) = job.api_key_id else { return Ok(user) };
    let own = api_keys::table.find((job.workspace_id, id)).filter(api_keys::user_id.eq(job.user_id));
    let found: Option<Key> = own.select(Key::as_select()).first(conn).optional()?;
    let key = found.ok_or_else(|| Error::new(Code::TokenInvalid, "the API key was revoked"))?;
    key.check_expiry()?;
    let asked = job.scopes.clone().unwrap_or_default().0;
    Ok(with_key(user, id, asked.into_iter().filter(|scope| key.scopes.0.contains(scope)).collect()))
}
