//! Lists and ends the sessions of a login.
use crate::db::pool::Db;
use crate::db::transaction::in_transaction;
use crate::identity::actors::Actors;
use crate::identity::credentials::accounts;
use crate::identity::directory::users;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::resource::Descriptor;
use crate::kernel::answers::reply::Reply;
use crate::kernel::error::{Error, Result};
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::time::DateTime;
use crate::schema::{sessions, workspaces};
use crate::web::caller::SignedIn;
use crate::web::ctx::Id;
use actix_web::{delete, get, web};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

impl Kind {
    pub const SESSION: Kind = Kind::new("session", "sessions");
}

/// A session belongs to its login; no role grants a permission for sessions.
pub const SESSION: &Descriptor = &Descriptor::of(Kind::SESSION, "").events(&[&["opened", "ended", "reuse_detected"]]);
/// A session of the caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionInfo {
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub workspace_name: String,
    /// The `User-Agent` header of the request that signed in.
    pub user_agent: Option<String>,
    /// The IP address that the request came from.
    pub address: Option<String>,
    pub created_at: DateTime,
    /// When the session was created or its refresh token was last exchanged.
    pub last_used_at: DateTime,
    /// Whether this request uses the session.
    pub current: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SessionList {
    pub data: Vec<SessionInfo>,
}
impl NothingHidden for SessionList {}

fn list_of(conn: &mut PgConnection, actor: &Actor) -> Result<SessionList> {
    #[derive(Queryable)]
    struct Row {
        id: Uuid,
        workspace_id: Uuid,
        workspace_name: String,
        user_agent: Option<String>,
        address: Option<String>,
        created_at: DateTime,
        last_used_at: DateTime,
    }
    let login = users::login_of(conn, actor.workspace, actor.user)?;
    let live = sessions::table
        .inner_join(workspaces::table.on(workspaces::id.eq(sessions::workspace_id)))
        .filter(sessions::login_id.eq(login))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::last_used_at.gt(accounts::oldest_session()))
        .order((sessions::last_used_at.desc(), sessions::id));
    let own = (sessions::user_agent, sessions::address, sessions::created_at, sessions::last_used_at);
    let rows: Vec<Row> =
        live.select((sessions::id, sessions::workspace_id, workspaces::name, own.0, own.1, own.2, own.3)).load(conn)?;
    let info = |row: Row| SessionInfo {
        id: row.id,
        workspace_id: row.workspace_id,
        workspace_name: row.workspace_name,
        user_agent: row.user_agent,
        address: row.address,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        current: actor.session == Some(row.id),
    };
    Ok(SessionList { data: rows.into_iter().map(info).collect() })
}

/// List your sessions in all workspaces of your login.
#[utoipa::path(operation_id = "list_sessions", responses((status = 200, description = "The sessions", body = SessionList)))]
#[get("/auth/sessions")]
async fn list(SignedIn(actor): SignedIn, db: web::Data<Db>) -> Result<Reply> {
    Reply::ok(&db.run(move |conn| list_of(conn, &actor)).await?)
}

/// End one of your sessions.
///
/// Its tokens become invalid within seconds.
#[utoipa::path(operation_id = "end_session", params(("session_id" = Uuid, Path, description = "Id of the session")),
    responses((status = 204, description = "The session has ended")))]
#[delete("/auth/sessions/{session_id}")]
async fn end(SignedIn(actor): SignedIn, id: Id, db: web::Data<Db>, actors: web::Data<Actors>) -> Result<Reply> {
    db.run(move |conn| {
        let login = users::login_of(conn, actor.workspace, actor.user)?;
        let own =
            sessions::table.find(id.0).filter(sessions::login_id.eq(login)).filter(sessions::revoked_at.is_null());
        match own.select(sessions::id).first::<Uuid>(conn).optional()? {
            Some(session) => in_transaction(conn, |conn| accounts::revoke(conn, session)),
            None => Err(Error::not_found()),
        }
    })
    .await?;
    actors.forget();
    Ok(Reply::none())
}

/// End all your sessions except the current one.
#[utoipa::path(operation_id = "end_other_sessions", responses((status = 204, description = "The others have ended")))]
#[delete("/auth/sessions")]
async fn end_others(SignedIn(actor): SignedIn, db: web::Data<Db>, actors: web::Data<Actors>) -> Result<Reply> {
    db.run(move |conn| {
        let login = users::login_of(conn, actor.workspace, actor.user)?;
        let others = sessions::table
            .filter(sessions::login_id.eq(login))
            .filter(sessions::revoked_at.is_null())
            .filter(sessions::id.nullable().ne(actor.session));
        let others: Vec<Uuid> = others.select(sessions::id).load(conn)?;
        in_transaction(conn, |conn| others.into_iter().try_for_each(|session| accounts::revoke(conn, session)))
    })
    .await?;
    actors.forget();
    Ok(Reply::none())
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(end).service(end_others);
}
