//! API keys: tokens for programs, with scopes and an expiry. A key acts as the user who created it.
use crate::db::event::Event;
use crate::db::events::{self, OutsideEvent};
use crate::db::table;
use crate::db::tx::Tx;
use crate::identity::actors::Actors;
use crate::identity::credentials::tokens;
use crate::kernel::access::grants::{Action, Visibility};
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::access::resource::{Builtin, Descriptor, Resource, scopes};
use crate::kernel::answers::page::Page;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Code, Error, FieldCode, FieldError, Result};
use crate::kernel::fields::cond::{Cond, Op};
use crate::kernel::fields::field::{Field, field};
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::kernel::query::on::On;
use crate::kernel::values::tags::Tags;
use crate::kernel::values::time::DateTime;
use crate::kernel::values::typed::Values;
use crate::schema::api_keys;
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id};
use crate::web::headers::IdempotencyKey;
use crate::{list_params, table_row};
use actix_web::{delete, get, post, web};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// An API key. The key itself is shown only once, in the response that creates it.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = api_keys)]
pub struct ApiKey {
    pub id: Uuid,
    pub name: String,
    /// The first characters of the key, to tell keys apart.
    pub prefix: String,
    pub user_id: Uuid,
    #[schema(value_type = Vec<String>)]
    pub scopes: Tags,
    pub expires_at: Option<DateTime>,
    pub last_used_at: Option<DateTime>,
    pub created_at: DateTime,
}
impl NothingHidden for ApiKey {}

impl crate::kernel::access::record::Record for ApiKey {
    const KIND: Kind = Kind::API_KEY;
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        1
    }
}

impl Kind {
    pub const API_KEY: Kind = Kind::new("api_key", "api-keys").in_table("api_keys");
}

impl Resource for ApiKey {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::API_KEY, "API keys for scripts.")
        .shared(Builtin::Viewer, Builtin::Viewer, Builtin::Viewer)
        .events(&[&["created", "deleted"]])
        .displayed_as("api_keys.name");
}
pub type ApiKeyPage = Page<ApiKey>;

#[derive(Debug, Deserialize, ToSchema)]
pub struct ApiKeyCreate {
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Such as `contacts:read`. The description of each operation names its scope. The error for an unknown scope
    /// suggests the closest one.
    #[schema(min_items = 1, max_items = 100)]
    pub scopes: Vec<String>,
    /// If absent, the key does not expire.
    pub expires_at: Option<DateTime>,
}

impl Rules for ApiKeyCreate {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        let known = scopes();
        for (n, scope) in self.scopes.iter().enumerate().filter(|(_, scope)| !known.contains(scope)) {
            let detail = crate::kernel::error::not_known(scope, known.iter().map(String::as_str));
            bad.push(
                FieldError::member(format!("/scopes/{n}"), FieldCode::InvalidChoice, detail)
                    .among(known.iter().cloned()),
            );
        }
        if self.expires_at.is_some_and(|at| at <= DateTime::now()) {
            bad.push(FieldError::member("/expires_at", FieldCode::OutOfRange, "must be in the future"));
        }
    }
}

/// A new API key. The member `key` is never shown again. The former name of this schema is NewApiKey.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssuedApiKey {
    pub id: Uuid,
    /// Send it as `Authorization: Bearer …`.
    pub key: String,
    pub name: String,
    pub prefix: String,
    pub user_id: Uuid,
    #[schema(value_type = Vec<String>)]
    pub scopes: Tags,
    pub expires_at: Option<DateTime>,
    pub created_at: DateTime,
}
impl NothingHidden for IssuedApiKey {}

static API_KEY: Fields<api_keys::table> = Fields {
    kind: Kind::API_KEY,
    all: &[
        field("name", &api_keys::name),
        field("user_id", &api_keys::user_id).to(Kind::USER),
        field("created_at", &api_keys::created_at),
        field("expires_at", &api_keys::expires_at),
        field("last_used_at", &api_keys::last_used_at),
    ],
    default_sort: "-created_at",
    id: field("id", &api_keys::id),
    search: None,
    derived: &[],
    links: &[],
    table: PhantomData,
};
list_params!(ApiKeyList, API_KEY.parameters());

table_row!(api_keys, ApiKey);

#[diesel::dsl::auto_type(no_type_alias)]
fn in_workspace(workspace: Uuid) -> _ {
    api_keys::table.filter(api_keys::workspace_id.eq(workspace))
}

static USER: Field = field("user_id", &api_keys::user_id);

/// Returns the keys that the caller sees: all of them with the permission to update all users, otherwise their own.
fn visible_to(tx: &Tx<'_>) -> On<api_keys::table, Cond> {
    let all = tx.actor.visibility("users", Action::Update) == Visibility::All;
    let own = || Cond::Is((&USER).into(), Op::Eq, Values::Uuid(vec![tx.actor.user]));
    API_KEY.on(if all { Cond::All(Vec::new()) } else { own() })
}

/// Deletes all keys of a user.
pub fn end_all(tx: &mut Tx<'_>, user: Uuid) -> Result<()> {
    let user_keys =
        api_keys::table.filter(api_keys::workspace_id.eq(tx.workspace())).filter(api_keys::user_id.eq(user));
    let ended: Vec<ApiKey> = diesel::delete(user_keys).returning(ApiKey::as_returning()).get_results(tx.conn)?;
    for key in &ended {
        tx.record(Event::deleted(key)?);
    }
    Ok(())
}

/// Like `end_all`, for a login that takes over a user. There is no request of a member that caused it.
pub fn end_all_of(conn: &mut PgConnection, workspace: Uuid, user: Uuid) -> Result<()> {
    let user_keys = api_keys::table.filter(api_keys::workspace_id.eq(workspace)).filter(api_keys::user_id.eq(user));
    let ended: Vec<Uuid> = diesel::delete(user_keys).returning(api_keys::id).get_results(conn)?;
    ended.into_iter().try_for_each(|record| {
        let (name, kind) = ("api_key.deleted", Kind::API_KEY);
        events::record_outside_request(conn, OutsideEvent { workspace, user, name, kind, record, address: None })
    })
}

/// List API keys: your own, or those of all users if you may update all users.
#[utoipa::path(operation_id = "list_api_keys", params(ApiKeyList), responses((status = 200, description = "A page of API keys", body = ApiKeyPage)))]
#[get("/api-keys")]
async fn list(ctx: Ctx<can::Read<ApiKey>>) -> Result<Reply> {
    let (plan, link) = (API_KEY.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| {
        let seen = visible_to(tx);
        table::page_of::<ApiKey>(tx, &plan, &seen).map(|page| link.answer(page))
    })
    .await
}

/// Create an API key that acts as you.
///
/// Only this response contains the key.
#[utoipa::path(operation_id = "create_api_key", request_body = ApiKeyCreate,
    responses((status = 201, description = "The key; store it, because it is not shown again", body = IssuedApiKey)))]
#[post("/api-keys")]
async fn create(
    ctx: Ctx<can::Create<ApiKey>>,
    idempotency_key: IdempotencyKey,
    new: Valid<ApiKeyCreate>,
) -> Result<Reply> {
    if ctx.actor.api_key().is_some() {
        return Err(Error::new(Code::Forbidden, "API keys cannot create API keys; sign in"));
    }
    let (prefix, key) = tokens::new_api_key()?;
    ctx.once_with_secret(idempotency_key, move |tx| {
        let row = diesel::insert_into(api_keys::table)
            .values((
                api_keys::workspace_id.eq(tx.workspace()),
                api_keys::id.eq(Uuid::now_v7()),
                api_keys::user_id.eq(tx.actor.user),
                api_keys::name.eq(&new.name),
                api_keys::prefix.eq(&prefix),
                api_keys::hash.eq(tokens::hash(&key)),
                api_keys::scopes.eq(Tags::from(new.scopes.clone())),
                api_keys::expires_at.eq(new.expires_at),
                api_keys::created_at.eq(tx.now),
            ))
            .returning(ApiKey::as_returning())
            .get_result(tx.conn)?;
        tx.record(Event::created(&row)?);
        let ApiKey { id, name, prefix, user_id, scopes, expires_at, created_at, .. } = row;
        let key = key.clone();
        let body = IssuedApiKey { id, key, name, prefix, user_id, scopes, expires_at, created_at };
        Ok(Answer::ok(body).created_at(format!("/api/v1/api-keys/{id}")))
    })
    .await
}

/// Revoke an API key.
#[utoipa::path(operation_id = "delete_api_key", params(("api_key_id" = Uuid, Path, description = "Id of the API key")),
    responses((status = 204, description = "The key is revoked")))]
#[delete("/api-keys/{api_key_id}")]
async fn remove(ctx: Ctx<can::Delete<ApiKey>>, id: Id, actors: web::Data<Actors>) -> Result<Reply> {
    let reply = ctx
        .write(move |tx| {
            let row = in_workspace(tx.workspace())
                .filter(api_keys::id.eq(id.0))
                .filter(visible_to(tx))
                .select(ApiKey::as_select())
                .first(tx.conn)
                .optional()?;
            let row: ApiKey = row.ok_or_else(Error::not_found)?;
            diesel::delete(api_keys::table.find((tx.workspace(), row.id))).execute(tx.conn)?;
            tx.record(Event::deleted(&row)?);
            Ok(Answer::none())
        })
        .await?;
    actors.forget();
    Ok(reply)
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(remove);
}
