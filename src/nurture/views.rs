//! Saved views of lists, private or shared with the workspace.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::table::{self, Expected, Stored};
use crate::db::tx::Tx;
use crate::db::visibility;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::Action;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::access::resource::{Builtin, Descriptor, Resource};
use crate::kernel::answers::page::Page;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::merge_patch;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Code, Result};
use crate::kernel::fields::cond::{Cond, Op};
use crate::kernel::fields::field::{Field, field};
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::{Search, exact};
use crate::kernel::query::fields::Fields;
use crate::kernel::query::selection::Selection;
use crate::kernel::values::event_verbs as verbs;
use crate::kernel::values::tags::Tags;
use crate::kernel::values::time::DateTime;
use crate::kernel::values::typed::Values;
use crate::nurture::selections::{ViewResource, check, check_columns, check_sort};
use crate::schema::views;
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id, Include};
use crate::web::headers::{IdempotencyKey, IfMatch};
use crate::{list_params, record, stored};
use actix_web::{delete, get, patch, post};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// A saved view of a list. Name it as `view_id` in a search.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = views)]
pub struct View {
    pub id: Uuid,
    pub resource: ViewResource,
    pub name: String,
    pub owner_id: Uuid,
    /// Whether all users see the view. Only the owner and callers with the permission to update users can change it.
    pub shared: bool,
    pub selection: Selection,
    /// Words that all must occur in a record.
    #[diesel(column_name = words)]
    pub q: Option<String>,
    pub sort: Option<String>,
    /// The columns that a client shows, in this order.
    #[diesel(column_name = shown_columns)]
    #[schema(value_type = Vec<String>)]
    pub columns: Tags,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
}
impl NothingHidden for View {}
record!(View, VIEW);

impl Kind {
    pub const VIEW: Kind = Kind::new("view", "views");
}

static OWNER: Field = field("owner_id", &views::owner_id);
static SHARED: Field = field("shared", &views::shared);

/// A view is seen by its owner, and by everybody if it is shared; its owner changes it, and whoever may change all users.
fn reach(actor: &Actor, action: Action) -> Cond {
    let own = visibility::owned(&OWNER, vec![actor.user]);
    let shared = Cond::Is((&SHARED).into(), Op::Eq, Values::Bool(vec![true]));
    if actor.manages_users() || action == Action::Read { Cond::Any(vec![own, shared]) } else { own }
}

impl Resource for View {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::VIEW, "Saved views of lists.")
        .shared(Builtin::Viewer, Builtin::Viewer, Builtin::Viewer)
        .reached_by(reach)
        .events(&[verbs::BASIC]);
}
pub type ViewPage = Page<View>;

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ViewCreate {
    pub id: Option<Uuid>,
    pub resource: ViewResource,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[serde(default)]
    pub shared: bool,
    /// If absent, all records match.
    #[serde(default)]
    pub selection: Selection,
    #[schema(max_length = 256)]
    pub q: Option<String>,
    /// The same syntax as the `sort` parameter of the list.
    #[schema(max_length = 500, example = "-created_at")]
    pub sort: Option<String>,
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 100)]
    pub columns: Tags,
}
impl Rules for ViewCreate {}

#[derive(Debug, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = views)]
pub struct ViewUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    #[schema(nullable = false)]
    pub shared: Option<bool>,
    /// Replaces the selection.
    #[schema(nullable = false)]
    pub selection: Option<Selection>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[diesel(column_name = words)]
    #[schema(max_length = 256)]
    pub q: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 500, example = "-created_at")]
    pub sort: Option<Option<String>>,
    #[diesel(column_name = shown_columns)]
    #[schema(nullable = false, value_type = Option<Vec<String>>, max_items = 100)]
    pub columns: Option<Tags>,
}
impl Rules for ViewUpdate {
    crate::read_only_members_of!(View);
}

static VIEW: Fields<views::table> = Fields {
    kind: Kind::VIEW,
    all: &[
        field("resource", &views::resource).one_of(ViewResource::TEXTS),
        field("name", &views::name),
        field("owner_id", &views::owner_id).to(Kind::USER),
        field("shared", &views::shared),
        field("created_at", &views::created_at),
        field("updated_at", &views::updated_at),
    ],
    default_sort: "name",
    id: field("id", &views::id),
    search: Some(Search {
        sql: "fold(views.name)",
        members: &["name"],
        exact: &[exact("fold(views.name) = ", &["name"])],
    }),
    derived: &[],
    links: &[],
    table: PhantomData,
};
list_params!(ViewList, VIEW.parameters());
stored!(views, View);

const CONSTRAINTS: ConstraintRules = &[("views_name_key", ConstraintRule::Taken(Code::DuplicateName, "/name"))];

fn insert(tx: &mut Tx<'_>, new: &ViewCreate) -> Result<View> {
    tx.actor.require_read(new.resource.as_str())?;
    check(new.resource, &new.selection, tx.actor)?;
    check_sort(new.resource, &new.selection, new.sort.as_deref(), tx.actor)?;
    check_columns(new.resource, &new.columns, tx.actor)?;
    let row: View = diesel::insert_into(views::table)
        .values((
            (views::workspace_id.eq(tx.workspace()), views::id.eq(new.id.unwrap_or_else(Uuid::now_v7))),
            (views::resource.eq(new.resource), views::name.eq(&new.name), views::shared.eq(new.shared)),
            (
                views::owner_id.eq(tx.actor.user),
                views::selection.eq(&new.selection),
                views::shown_columns.eq(&new.columns),
            ),
            (views::words.eq(&new.q), views::sort.eq(&new.sort)),
            (views::created_at.eq(tx.now), views::updated_at.eq(tx.now)),
        ))
        .returning(View::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    tx.record(Event::created(&row)?);
    Ok(row)
}

fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &ViewUpdate) -> Result<View> {
    let before = View::lock(tx, id, expected)?;
    // The current selection may remain, even if the caller could no longer search with it.
    if let Some(selection) = changes.selection.as_ref().filter(|selection| **selection != before.selection) {
        check(before.resource, selection, tx.actor)?;
    }
    // An invalid current sort order must not prevent other changes.
    let selection = changes.selection.as_ref().unwrap_or(&before.selection);
    let sort = changes.sort.as_ref().unwrap_or(&before.sort);
    if *selection != before.selection || *sort != before.sort {
        check_sort(before.resource, selection, sort.as_deref(), tx.actor)?;
    }
    if let Some(columns) = changes.columns.as_ref().filter(|columns| **columns != before.columns) {
        check_columns(before.resource, columns, tx.actor)?;
    }
    let after: View = diesel::update(views::table.find((tx.workspace(), id)))
        .set((changes, views::version.eq(before.version + 1), views::updated_at.eq(tx.now)))
        .returning(View::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    events::record_change(tx, &before, after)
}

fn delete(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<()> {
    let row = View::lock(tx, id, expected)?;
    diesel::delete(views::table.find((tx.workspace(), id))).execute(tx.conn)?;
    // The event goes to everyone who could see the view: for a shared view all users, otherwise only its owner.
    let deleted = View { shared: false, ..row.clone() };
    tx.record(Event::changed("deleted", &row, &deleted)?);
    Ok(())
}

/// List your own views and the shared ones by name.
#[utoipa::path(operation_id = "list_views", params(ViewList), responses((status = 200, description = "A page of views", body = ViewPage)))]
#[get("/views")]
async fn list(ctx: Ctx<can::Read<View>>) -> Result<Reply> {
    let (plan, link) = (VIEW.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| table::page::<View>(tx, &plan).map(|page| link.answer(page))).await
}

/// Create a view.
#[utoipa::path(operation_id = "create_view", request_body = ViewCreate, responses((status = 201, description = "The view", body = View)))]
#[post("/views")]
async fn create(ctx: Ctx<can::Create<View>>, key: IdempotencyKey, new: Valid<ViewCreate>) -> Result<Reply> {
    ctx.once(key, move |tx| insert(tx, &new).map(Answer::created)).await
}

/// Get a view.
#[utoipa::path(operation_id = "get_view", params(("view_id" = Uuid, Path, description = "Id of the view")),
    responses((status = 200, description = "The view", body = View)))]
#[get("/views/{view_id}")]
async fn read(ctx: Ctx<can::Read<View>>, id: Id, include: Include) -> Result<Reply> {
    ctx.one(&VIEW, id, include, View::find).await
}

/// Update a view.
#[utoipa::path(operation_id = "update_view", params(("view_id" = Uuid, Path, description = "Id of the view")), request_body = ViewUpdate,
    responses((status = 200, description = "The updated view", body = View)))]
#[patch("/views/{view_id}")]
async fn change(
    ctx: Ctx<can::Update<View>>,
    id: Id,
    IfMatch(expected): IfMatch,
    changes: Valid<ViewUpdate>,
) -> Result<Reply> {
    ctx.write(move |tx| update(tx, id.0, expected, &changes).map(Answer::record)).await
}

/// Delete a view.
#[utoipa::path(operation_id = "delete_view", params(("view_id" = Uuid, Path, description = "Id of the view")),
    responses((status = 204, description = "Deleted")))]
#[delete("/views/{view_id}")]
async fn remove(ctx: Ctx<can::Delete<View>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    ctx.write(move |tx| delete(tx, id.0, expected).map(|()| Answer::none())).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(remove);
}
