//! Lists and unlinks the identities at OpenID providers that sign in as a login.
use crate::db::pool::Db;
use crate::db::transaction::in_transaction;
use crate::identity::credentials::accounts;
use crate::identity::credentials::accounts::Device;
use crate::identity::directory::users;
use crate::identity::mail::messages;
use crate::identity::mail::messages::MailKind;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::answers::reply::Reply;
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::values::time::DateTime;
use crate::schema::{login_identities as i, logins};
use crate::web::caller::SignedIn;
use crate::web::ctx::Id;
use actix_web::{HttpRequest, delete, get, web};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// An identity at an OpenID provider that signs in as you.
#[derive(Debug, Queryable, Serialize, ToSchema)]
pub struct IdentityInfo {
    pub id: Uuid,
    /// The issuer URL of the provider.
    #[schema(example = "https://accounts.example")]
    pub issuer: String,
    /// Your id at the provider.
    #[schema(example = "248289761001")]
    pub subject: String,
    pub created_at: DateTime,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct IdentityList {
    pub data: Vec<IdentityInfo>,
}
impl NothingHidden for IdentityList {}

/// List the identities at OpenID providers that sign in as you.
#[utoipa::path(operation_id = "list_identities", responses((status = 200, description = "The identities", body = IdentityList)))]
#[get("/auth/identities")]
async fn list(SignedIn(actor): SignedIn, db: web::Data<Db>) -> Result<Reply> {
    let list = db
        .run(move |conn| {
            let login = users::login_of(conn, actor.workspace, actor.user)?;
            let own = i::table.filter(i::login_id.eq(login)).order((i::created_at, i::id));
            Ok(own.select((i::id, i::issuer, i::subject, i::created_at)).load(conn)?)
        })
        .await?;
    Reply::ok(&IdentityList { data: list })
}

/// Unlink an identity, so that it can no longer sign in as you.
///
/// Requires that you have a password.
#[utoipa::path(operation_id = "unlink_identity", params(("identity_id" = Uuid, Path, description = "Id of the identity")),
    responses((status = 204, description = "Unlinked"),
        (status = 409, description = "You have no password, so you could no longer sign in")))]
#[delete("/auth/identities/{identity_id}")]
async fn unlink(request: HttpRequest, SignedIn(actor): SignedIn, id: Id, db: web::Data<Db>) -> Result<Reply> {
    let device = Device::of(&request);
    db.run(move |conn| {
        in_transaction(conn, |conn| {
            let login = users::login_of(conn, actor.workspace, actor.user)?;
            let own = i::table.filter(i::id.eq(id.0)).filter(i::login_id.eq(login));
            if diesel::delete(own).execute(conn)? == 0 {
                return Err(Error::not_found());
            }
            let password: Option<String> = logins::table.find(login).select(logins::password_hash).first(conn)?;
            if password.is_none() {
                return Err(Error::new(
                    Code::Conflict,
                    "choose a password first; otherwise you could no longer sign in",
                ));
            }
            messages::security_changed(conn, login, MailKind::IdentityEnded)?;
            accounts::record_security_event(conn, login, "user.identity_ended", &device)
        })
    })
    .await?;
    Ok(Reply::none())
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(unlink);
}
