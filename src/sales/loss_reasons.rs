//! Loss reasons: why leads and deals are lost.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::table::{self, Expected, Stored};
use crate::db::tx::Tx;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::access::resource::{Builtin, Descriptor, Display, Resource};
use crate::kernel::answers::page::Page;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Code, Result};
use crate::kernel::fields::field::field;
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::{Search, exact};
use crate::kernel::query::fields::Fields;
use crate::kernel::values::event_verbs as verbs;
use crate::kernel::values::time::DateTime;
use crate::schema::loss_reasons;
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id};
use crate::web::headers::{IdempotencyKey, IfMatch};
use crate::{list_params, record, stored};
use actix_web::{delete, get, patch, post};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Why a lead or a deal was lost.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = loss_reasons)]
pub struct LossReason {
    pub id: Uuid,
    pub name: String,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
}
impl NothingHidden for LossReason {}
record!(LossReason, LOSS_REASON);

impl Kind {
    pub const LOSS_REASON: Kind = Kind::new("loss_reason", "loss-reasons").in_table("loss_reasons");
}

impl Resource for LossReason {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::LOSS_REASON, "The reasons why leads and deals are lost.")
        .shared(Builtin::Viewer, Builtin::Manager, Builtin::Manager)
        .events(&[verbs::BASIC])
        .included_as(Display::Column("loss_reasons.name"));
}
pub type LossReasonPage = Page<LossReason>;

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct LossReasonCreate {
    pub id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
}
impl Rules for LossReasonCreate {}

#[derive(Debug, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = loss_reasons)]
pub struct LossReasonUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
}
impl Rules for LossReasonUpdate {
    crate::read_only_members_of!(LossReason);
}

static LOSS_REASON: Fields<loss_reasons::table> = Fields {
    kind: Kind::LOSS_REASON,
    all: &[
        field("name", &loss_reasons::name),
        field("created_at", &loss_reasons::created_at),
        field("updated_at", &loss_reasons::updated_at),
    ],
    default_sort: "name",
    id: field("id", &loss_reasons::id),
    search: Some(Search {
        sql: "fold(loss_reasons.name)",
        members: &["name"],
        exact: &[exact("fold(loss_reasons.name) = ", &["name"])],
    }),
    derived: &[],
    links: &[],
    table: PhantomData,
};
list_params!(LossReasonList, LOSS_REASON.parameters());
stored!(loss_reasons, LossReason);

const CONSTRAINTS: ConstraintRules = &[("loss_reasons_name_key", ConstraintRule::Taken(Code::DuplicateName, "/name"))];

pub fn insert(tx: &mut Tx<'_>, new: &LossReasonCreate) -> Result<LossReason> {
    let row = diesel::insert_into(loss_reasons::table)
        .values((
            (loss_reasons::workspace_id.eq(tx.workspace()), loss_reasons::id.eq(new.id.unwrap_or_else(Uuid::now_v7))),
            loss_reasons::name.eq(&new.name),
            (loss_reasons::created_at.eq(tx.now), loss_reasons::updated_at.eq(tx.now)),
        ))
        .returning(LossReason::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    tx.record(Event::created(&row)?);
    Ok(row)
}

fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &LossReasonUpdate) -> Result<LossReason> {
    let before = LossReason::lock(tx, id, expected)?;
    let after = diesel::update(loss_reasons::table.find((tx.workspace(), id)))
        .set((changes, loss_reasons::version.eq(before.version + 1), loss_reasons::updated_at.eq(tx.now)))
        .returning(LossReason::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    events::record_change(tx, &before, after)
}

/// List the entries, sorted by name.
#[utoipa::path(operation_id = "list_loss_reasons", params(LossReasonList), responses((status = 200, description = "A page", body = LossReasonPage)))]
#[get("/loss-reasons")]
async fn list(ctx: Ctx<can::Read<LossReason>>) -> Result<Reply> {
    let (plan, link) = (LOSS_REASON.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| table::page::<LossReason>(tx, &plan).map(|page| link.answer(page))).await
}

/// Create an entry.
#[utoipa::path(operation_id = "create_loss_reason", request_body = LossReasonCreate, responses((status = 201, description = "The created entry", body = LossReason)))]
#[post("/loss-reasons")]
async fn create(ctx: Ctx<can::Create<LossReason>>, key: IdempotencyKey, new: Valid<LossReasonCreate>) -> Result<Reply> {
    ctx.once(key, move |tx| insert(tx, &new).map(Answer::created)).await
}

/// Get an entry.
#[utoipa::path(operation_id = "get_loss_reason", params(("loss_reason_id" = Uuid, Path, description = "The id of the entry")),
    responses((status = 200, description = "The entry", body = LossReason)))]
#[get("/loss-reasons/{loss_reason_id}")]
async fn read(ctx: Ctx<can::Read<LossReason>>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| LossReason::find(tx, id.0).map(Answer::record)).await
}

/// Update an entry. Records that refer to it show the change.
#[utoipa::path(operation_id = "update_loss_reason", params(("loss_reason_id" = Uuid, Path, description = "The id of the entry")), request_body = LossReasonUpdate,
    responses((status = 200, description = "The updated entry", body = LossReason)))]
#[patch("/loss-reasons/{loss_reason_id}")]
async fn change(
    ctx: Ctx<can::Update<LossReason>>,
    id: Id,
    IfMatch(expected): IfMatch,
    changes: Valid<LossReasonUpdate>,
) -> Result<Reply> {
    ctx.write(move |tx| update(tx, id.0, expected, &changes).map(Answer::record)).await
}

/// Delete an entry that no record refers to.
#[utoipa::path(operation_id = "delete_loss_reason", params(("loss_reason_id" = Uuid, Path, description = "The id of the entry")),
    responses((status = 204, description = "Deleted")))]
#[delete("/loss-reasons/{loss_reason_id}")]
async fn remove(ctx: Ctx<can::Delete<LossReason>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    ctx.write(move |tx| table::delete_unreferenced::<LossReason>(tx, id.0, expected).map(|()| Answer::none())).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(remove);
}
