//! The response of a sign-in: the tokens of the session.
use crate::identity::accounts::Session;
use crate::identity::tokens::{ACCESS_SECONDS, Keys};
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::answers::reply::Reply;
use crate::kernel::error::Result;
use crate::kernel::values::time::DateTime;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The tokens of a session.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenPair {
    pub access_token: String,
    pub token_type: String,
    /// Seconds until the access token expires.
    pub expires_in: i64,
    /// Valid for one exchange at `/auth/refresh`.
    pub refresh_token: String,
    pub workspace_id: Uuid,
    pub user_id: Uuid,
}
impl NothingHidden for TokenPair {}

pub fn reply(keys: &Keys, session: Session) -> Result<Reply> {
    Reply::ok(&TokenPair {
        access_token: keys.sign(session.user, session.workspace, session.id, DateTime::now())?,
        token_type: "Bearer".into(),
        expires_in: ACCESS_SECONDS,
        refresh_token: session.refresh_token,
        workspace_id: session.workspace,
        user_id: session.user,
    })
}
