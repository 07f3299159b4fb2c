//! Sources of contacts and leads.
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
use crate::kernel::bodies::merge_patch;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Code, Result};
use crate::kernel::fields::field::field;
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::{Search, exact};
use crate::kernel::query::fields::Fields;
use crate::kernel::values::event_verbs as verbs;
use crate::kernel::values::time::DateTime;
use crate::schema::sources;
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

/// Where contacts and leads come from, such as a fair, a web form or a referral.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = sources)]
pub struct Source {
    pub id: Uuid,
    pub name: String,
    pub channel: Option<String>,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
}
impl NothingHidden for Source {}
record!(Source, SOURCE);

impl Kind {
    pub const SOURCE: Kind = Kind::new("source", "sources");
}

impl Resource for Source {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::SOURCE, "The sources of contacts, leads and deals.")
        .shared(Builtin::Viewer, Builtin::Manager, Builtin::Manager)
        .events(&[verbs::BASIC])
        .included_as(Display::Column("sources.name"));
}
pub type SourcePage = Page<Source>;

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct SourceCreate {
    pub id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[schema(max_length = 100)]
    pub channel: Option<String>,
}
impl Rules for SourceCreate {}

#[derive(Debug, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = sources)]
pub struct SourceUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 100)]
    pub channel: Option<Option<String>>,
}
impl Rules for SourceUpdate {
    crate::read_only_members_of!(Source);
}

static SOURCE: Fields<sources::table> = Fields {
    kind: Kind::SOURCE,
    all: &[
        field("name", &sources::name),
        field("channel", &sources::channel),
        field("created_at", &sources::created_at),
        field("updated_at", &sources::updated_at),
    ],
    default_sort: "name",
    id: field("id", &sources::id),
    search: Some(Search {
        sql: "fold(sources.name)",
        members: &["name"],
        exact: &[exact("fold(sources.name) = ", &["name"])],
    }),
    derived: &[],
    links: &[],
    table: PhantomData,
};
list_params!(SourceList, SOURCE.parameters());
stored!(sources, Source);

const CONSTRAINTS: ConstraintRules = &[("sources_name_key", ConstraintRule::Taken(Code::DuplicateName, "/name"))];

pub fn insert(tx: &mut Tx<'_>, new: &SourceCreate) -> Result<Source> {
    let row = diesel::insert_into(sources::table)
        .values((
            (sources::workspace_id.eq(tx.workspace()), sources::id.eq(new.id.unwrap_or_else(Uuid::now_v7))),
            (sources::name.eq(&new.name), sources::channel.eq(&new.channel)),
            (sources::created_at.eq(tx.now), sources::updated_at.eq(tx.now)),
        ))
        .returning(Source::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    tx.record(Event::created(&row)?);
    Ok(row)
}

fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &SourceUpdate) -> Result<Source> {
    let before = Source::lock(tx, id, expected)?;
    let after = diesel::update(sources::table.find((tx.workspace(), id)))
        .set((changes, sources::version.eq(before.version + 1), sources::updated_at.eq(tx.now)))
        .returning(Source::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    events::record_change(tx, &before, after)
}

/// List the entries, sorted by name.
#[utoipa::path(operation_id = "list_sources", params(SourceList), responses((status = 200, description = "A page", body = SourcePage)))]
#[get("/sources")]
async fn list(ctx: Ctx<can::Read<Source>>) -> Result<Reply> {
    let (plan, link) = (SOURCE.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| table::page::<Source>(tx, &plan).map(|page| link.answer(page))).await
}

/// Create an entry.
#[utoipa::path(operation_id = "create_source", request_body = SourceCreate, responses((status = 201, description = "The created entry", body = Source)))]
#[post("/sources")]
async fn create(ctx: Ctx<can::Create<Source>>, key: IdempotencyKey, new: Valid<SourceCreate>) -> Result<Reply> {
    ctx.once(key, move |tx| insert(tx, &new).map(Answer::created)).await
}

/// Get an entry.
#[utoipa::path(operation_id = "get_source", params(("source_id" = Uuid, Path, description = "The id of the entry")),
    responses((status = 200, description = "The entry", body = Source)))]
#[get("/sources/{source_id}")]
async fn read(ctx: Ctx<can::Read<Source>>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| Source::find(tx, id.0).map(Answer::record)).await
}

/// Update an entry. Records that refer to it show the change.
#[utoipa::path(operation_id = "update_source", params(("source_id" = Uuid, Path, description = "The id of the entry")), request_body = SourceUpdate,
    responses((status = 200, description = "The updated entry", body = Source)))]
#[patch("/sources/{source_id}")]
async fn change(
    ctx: Ctx<can::Update<Source>>,
    id: Id,
    IfMatch(expected): IfMatch,
    changes: Valid<SourceUpdate>,
) -> Result<Reply> {
    ctx.write(move |tx| update(tx, id.0, expected, &changes).map(Answer::record)).await
}

/// Delete an entry that no record refers to.
#[utoipa::path(operation_id = "delete_source", params(("source_id" = Uuid, Path, description = "The id of the entry")),
    responses((status = 204, description = "Deleted")))]
#[delete("/sources/{source_id}")]
async fn remove(ctx: Ctx<can::Delete<Source>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    ctx.write(move |tx| table::delete_unreferenced::<Source>(tx, id.0, expected).map(|()| Answer::none())).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(remove);
}
