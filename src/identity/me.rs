//! Who am I, where am I, and where else could I be.
use crate::identity::{accounts, second_factor, users, workspaces};
use crate::kernel::actor::can;
use crate::kernel::error::Result;
use crate::kernel::reply::Reply;
use crate::web::ctx::Ctx;
use actix_web::get;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    pub user: users::User,
    pub workspace: workspaces::Workspace,
    /// Whether signing in takes a code of an authenticator app; false for an API key.
    pub second_factor: bool,
    /// What the API key may do; empty for a signed-in user, who may do all that the role allows.
    pub scopes: Vec<String>,
    /// Every workspace of the login; empty for an API key.
    pub memberships: Vec<Membership>,
}

/// A workspace that the login belongs to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Membership {
    pub workspace_id: Uuid,
    pub workspace_name: String,
    pub role: String,
    pub status: users::UserStatus,
}

/// The caller, the workspace, and the other workspaces of the login.
#[utoipa::path(operation_id = "get_me", responses((status = 200, description = "The caller", body = Me)))]
#[get("/me")]
async fn read(ctx: Ctx<can::users::Read>) -> Result<Reply> {
    ctx.read(|tx| {
        let (user, workspace) = (users::find(tx, tx.actor.user)?, workspaces::find(tx)?);
        let (memberships, second_factor) = match tx.actor.via {
            "user" => {
                let login = users::login_of(tx.conn, tx.actor.workspace, tx.actor.user)?;
                (accounts::memberships(tx.conn, login)?, second_factor::is_on(tx.conn, login)?)
            }
            _ => (Vec::new(), false),
        };
        let memberships = memberships.into_iter().filter_map(|m| {
            Some(Membership {
                workspace_id: m.workspace,
                workspace_name: m.workspace_name,
                role: m.role,
                status: m.status.parse().ok()?,
            })
        });
        let scopes = tx.actor.scopes.clone().unwrap_or_default();
        Reply::ok(&Me { user, workspace, second_factor, scopes, memberships: memberships.collect() })
    })
    .await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(read);
}
