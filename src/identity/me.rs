//! The caller: user, permissions, workspace and other workspaces of the login.
use crate::db::events;
use crate::db::table::{Expected, Stored};
use crate::db::tx::Tx;
use crate::identity::actors::Actors;
use crate::identity::credentials::accounts;
use crate::identity::directory::users::User;
use crate::identity::directory::{users, workspaces};
use crate::identity::sign_in::second_factor;
use crate::kernel::access::actor::{ActorKind, UserStatus};
use crate::kernel::access::grants::{Grant, HiddenField};
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::Anybody;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::merge_patch;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::Result;
use crate::schema::users as u;
use crate::web::body::Valid;
use crate::web::caller::SignedIn;
use crate::web::ctx::Ctx;
use crate::web::headers::IfMatch;
use actix_web::{get, patch, web};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The tag of the operations on the signed-in user.
pub const TAG: (&str, &str) = ("me", "The signed-in user.");

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    pub user: users::User,
    pub workspace: workspaces::Workspace,
    /// Whether signing in requires a code from an authenticator app; false for an API key.
    pub second_factor: bool,
    /// The permissions of the role; everything else is refused. An API key is also limited by its scopes.
    pub grants: Vec<Grant>,
    /// Members that the role hides. They are null in every response and cannot be changed.
    pub hidden_fields: Vec<HiddenField>,
    /// The scopes of the API key; empty for a signed-in user, who has all permissions of the role.
    pub scopes: Vec<String>,
    /// All workspaces of the login; empty for an API key.
    pub memberships: Vec<Membership>,
}
impl NothingHidden for Me {}

/// A workspace that the login belongs to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Membership {
    pub workspace_id: Uuid,
    pub workspace_name: String,
    pub role: String,
    pub status: UserStatus,
}

/// The members of a user that the user can change.
#[derive(Debug, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = u)]
pub struct MeUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// IANA name. If null, the time zone of the workspace.
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(format = "time-zone", max_length = 64)]
    pub time_zone: Option<Option<String>>,
    /// BCP 47 tag.
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length = 35, example = "en-GB")]
    pub language: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(format = "web-url", max_length = 2000, example = "https://pictures.example/anna.png")]
    pub avatar_url: Option<Option<String>>,
}
impl Rules for MeUpdate {
    crate::read_only_members_of!(users::User);
}

/// Get the caller with their permissions, the workspace, and all workspaces of the login.
///
/// Requires no permission or scope. The ETag begins with the version of the user, for `update_me`.
#[utoipa::path(operation_id = "get_me", responses((status = 200, description = "The caller", body = Me)))]
#[get("/me")]
async fn read(ctx: Ctx<Anybody>) -> Result<Reply> {
    ctx.read(|tx| {
        let (user, workspace) = (User::find(tx, tx.actor.user)?, workspaces::find(tx)?);
        let (memberships, second_factor) = match tx.actor.actor_kind {
            ActorKind::User => {
                let login = users::login_of(tx.conn, tx.actor.workspace, tx.actor.user)?;
                (accounts::memberships(tx.conn, login)?, second_factor::is_on(tx.conn, login)?)
            }
            _ => (Vec::new(), false),
        };
        let memberships = memberships.into_iter().map(|m| Membership {
            workspace_id: m.workspace,
            workspace_name: m.workspace_name,
            role: m.role,
            status: m.status,
        });
        let version = user.version;
        let me = Me {
            user,
            workspace,
            second_factor,
            grants: tx.actor.access.grants(),
            hidden_fields: tx.actor.access.hidden_fields().to_vec(),
            scopes: tx.actor.scopes.clone().unwrap_or_default(),
            memberships: memberships.collect(),
        };
        Ok(Answer::part(me, version))
    })
    .await
}

fn update(tx: &mut Tx<'_>, expected: Expected, changes: &MeUpdate) -> Result<users::User> {
    let before = User::lock(tx, tx.actor.user, expected)?;
    let after = diesel::update(u::table.find((tx.workspace(), before.id)))
        .set((changes, u::version.eq(before.version + 1), u::updated_at.eq(tx.now)))
        .returning(users::User::as_returning())
        .get_result(tx.conn)?;
    events::record_change(tx, &before, after)
}

/// Change your name, time zone, language or picture in this workspace.
#[utoipa::path(operation_id = "update_me", request_body = MeUpdate,
    responses((status = 200, description = "Your changed user", body = users::User)))]
#[patch("/me")]
async fn change(
    ctx: Ctx<Anybody>,
    _: SignedIn,
    IfMatch(expected): IfMatch,
    changes: Valid<MeUpdate>,
    actors: web::Data<Actors>,
) -> Result<Reply> {
    let reply = ctx.write(move |tx| update(tx, expected, &changes).map(Answer::record)).await?;
    actors.forget();
    Ok(reply)
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(read).service(change);
}
