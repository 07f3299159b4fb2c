//! Segments: sets of contacts, companies, leads or deals, defined by a condition or by a list of records.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::refs::{self, Named};
use crate::db::table::{self, Expected, Stored};
use crate::db::tx::Tx;
use crate::db::visibility::visibility_filter;
use crate::kernel::access::grants::Action;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::access::resource::{Builtin, Descriptor, Resource};
use crate::kernel::answers::page::Page;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::merge_patch;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Code, Error, FieldCode, FieldError, Result};
use crate::kernel::fields::field::field;
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::{Search, exact};
use crate::kernel::query::fields::Fields;
use crate::kernel::query::selection::Selection;
use crate::kernel::values::event_verbs as verbs;
use crate::kernel::values::time::DateTime;
use crate::nurture::selections::{ViewResource, check};
use crate::records::saved_conditions::SegmentKind;
use crate::schema::{companies, contacts, deals, leads, segment_members as m, segments};
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id, Include};
use crate::web::headers::{IdempotencyKey, IfMatch};
use crate::{list_params, record, stored, text_enum};
use actix_web::{delete, get, patch, post};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

text_enum! {
    /// The resource of a segment's records.
    pub enum SegmentResource { Contacts = "contacts", Companies = "companies", Leads = "leads", Deals = "deals", }
}

impl SegmentResource {
    const fn kind(self) -> Kind {
        match self {
            SegmentResource::Contacts => Kind::CONTACT,
            SegmentResource::Companies => Kind::COMPANY,
            SegmentResource::Leads => Kind::LEAD,
            SegmentResource::Deals => Kind::DEAL,
        }
    }

    const fn listed(self) -> ViewResource {
        match self {
            SegmentResource::Contacts => ViewResource::Contacts,
            SegmentResource::Companies => ViewResource::Companies,
            SegmentResource::Leads => ViewResource::Leads,
            SegmentResource::Deals => ViewResource::Deals,
        }
    }
}

/// A set of records. Name it as `segment_id` in a search or in a bulk operation.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = segments)]
pub struct Segment {
    pub id: Uuid,
    pub resource: SegmentResource,
    pub name: String,
    pub description: Option<String>,
    /// `dynamic`: all records that currently match the selection. `static`: the records that were added.
    pub kind: SegmentKind,
    pub selection: Selection,
    pub owner_id: Option<Uuid>,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
}
impl NothingHidden for Segment {}
record!(Segment, SEGMENT);

impl Kind {
    pub const SEGMENT: Kind = Kind::new("segment", "segments");
}

impl Resource for Segment {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::SEGMENT, "Sets of records, by condition or by list.")
        .shared(Builtin::Viewer, Builtin::Seller, Builtin::Seller)
        .events(&[verbs::BASIC]);
}
pub type SegmentPage = Page<Segment>;

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct SegmentCreate {
    pub id: Option<Uuid>,
    pub resource: SegmentResource,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[schema(max_length = 1000)]
    pub description: Option<String>,
    pub kind: SegmentKind,
    /// The condition of a dynamic segment.
    #[serde(default)]
    pub selection: Selection,
    /// The initial records of a static segment.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub record_ids: Vec<Uuid>,
}

impl Rules for SegmentCreate {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        match self.kind {
            SegmentKind::Dynamic if self.selection == Selection::default() => {
                bad.push(FieldError::member("/selection", FieldCode::Required, "is required for a dynamic segment"));
            }
            SegmentKind::Dynamic if !self.record_ids.is_empty() => {
                bad.push(FieldError::member("/record_ids", FieldCode::Invalid, "must be empty for a dynamic segment"));
            }
            SegmentKind::Static if self.selection != Selection::default() => {
                bad.push(FieldError::member("/selection", FieldCode::Invalid, "must be absent for a static segment"));
            }
            _ => {}
        }
        self.selection.require_searchable_text(bad);
    }
}

#[derive(Debug, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = segments)]
pub struct SegmentUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 1000)]
    pub description: Option<Option<String>>,
    /// Replaces the selection.
    #[schema(nullable = false)]
    pub selection: Option<Selection>,
}
impl Rules for SegmentUpdate {
    crate::read_only_members_of!(Segment);

    fn rules(&self, bad: &mut Vec<FieldError>) {
        if let Some(selection) = &self.selection {
            selection.require_searchable_text(bad);
        }
    }
}

/// Records to add to a static segment and to remove from it.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SegmentMembers {
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub add: Vec<Uuid>,
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub remove: Vec<Uuid>,
}
impl Rules for SegmentMembers {}

/// The result of a change of the members.
#[derive(Debug, Serialize, ToSchema)]
pub struct SegmentMembersResult {
    /// Number of records that were not in the segment before.
    pub added: i64,
    pub removed: i64,
    /// Number of records in the segment that you may see.
    pub size: i64,
}
impl NothingHidden for SegmentMembersResult {}

static SEGMENT: Fields<segments::table> = Fields {
    kind: Kind::SEGMENT,
    all: &[
        field("resource", &segments::resource).one_of(SegmentResource::TEXTS),
        field("name", &segments::name),
        field("kind", &segments::kind).one_of(SegmentKind::TEXTS),
        field("owner_id", &segments::owner_id).to(Kind::USER),
        field("created_at", &segments::created_at),
        field("updated_at", &segments::updated_at),
    ],
    default_sort: "name",
    id: field("id", &segments::id),
    search: Some(Search {
        sql: "fold(segments.name)",
        members: &["name"],
        exact: &[exact("fold(segments.name) = ", &["name"])],
    }),
    derived: &[],
    links: &[],
    table: PhantomData,
};
list_params!(SegmentList, SEGMENT.parameters());
stored!(segments, Segment);

const CONSTRAINTS: ConstraintRules = &[("segments_name_key", ConstraintRule::Taken(Code::DuplicateName, "/name"))];

fn insert(tx: &mut Tx<'_>, new: &SegmentCreate) -> Result<Segment> {
    tx.actor.require_read(new.resource.as_str())?;
    check(new.resource.listed(), &new.selection, tx.actor)?;
    let row: Segment = diesel::insert_into(segments::table)
        .values((
            (segments::workspace_id.eq(tx.workspace()), segments::id.eq(new.id.unwrap_or_else(Uuid::now_v7))),
            (segments::resource.eq(new.resource), segments::name.eq(&new.name), segments::kind.eq(new.kind)),
            (segments::description.eq(&new.description), segments::selection.eq(&new.selection)),
            segments::owner_id.eq(tx.actor.user),
            (segments::created_at.eq(tx.now), segments::updated_at.eq(tx.now)),
        ))
        .returning(Segment::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    add(tx, &row, &new.record_ids, "/record_ids")?;
    tx.record(Event::created(&row)?);
    Ok(row)
}

/// Adds records that the caller may see. Returns the number of records that were not in the segment before.
fn add(tx: &mut Tx<'_>, segment: &Segment, ids: &[Uuid], at: &str) -> Result<usize> {
    let pointers: Vec<String> = (0..ids.len()).map(|n| format!("{at}/{n}")).collect();
    let kind = segment.resource.kind();
    let named: Vec<Named<'_>> = ids.iter().zip(&pointers).map(|(id, at)| (kind, Some(*id), at.as_str())).collect();
    refs::require_visible(tx, &named)?;
    let row = |id: &Uuid| {
        (m::workspace_id.eq(tx.workspace()), m::segment_id.eq(segment.id), m::record_id.eq(*id), m::added_at.eq(tx.now))
    };
    let rows: Vec<_> = ids.iter().map(row).collect();
    Ok(diesel::insert_into(m::table).values(rows).on_conflict_do_nothing().execute(tx.conn)?)
}

fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &SegmentUpdate) -> Result<Segment> {
    let before = Segment::lock(tx, id, expected)?;
    if let Some(selection) = changes.selection.as_ref().filter(|selection| **selection != before.selection) {
        if before.kind == SegmentKind::Static || *selection == Selection::default() {
            return Err(Error::member(
                "/selection",
                FieldCode::Invalid,
                "must be set for a dynamic segment and absent for a static one",
            ));
        }
        check(before.resource.listed(), selection, tx.actor)?;
    }
    let after: Segment = diesel::update(segments::table.find((tx.workspace(), id)))
        .set((changes, segments::version.eq(before.version + 1), segments::updated_at.eq(tx.now)))
        .returning(Segment::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    events::record_change(tx, &before, after)
}

/// Counts the records of a static segment that the caller may see.
fn size(tx: &mut Tx<'_>, segment: &Segment) -> Result<i64> {
    let kind = segment.resource.kind();
    macro_rules! count {
        ($table:ident) => {{
            let seen = visibility_filter::<$table::table>(tx.actor, kind, Action::Read);
            let rows =
                $table::table.filter($table::workspace_id.eq(tx.workspace())).filter($table::deleted_at.is_null());
            let inside = m::table.filter(m::workspace_id.eq(tx.workspace())).filter(m::segment_id.eq(segment.id));
            let inside = inside.select(m::record_id);
            rows.filter($table::id.eq_any(inside)).filter(&seen).count().get_result(tx.conn)?
        }};
    }
    Ok(match segment.resource {
        SegmentResource::Contacts => count!(contacts),
        SegmentResource::Companies => count!(companies),
        SegmentResource::Leads => count!(leads),
        SegmentResource::Deals => count!(deals),
    })
}

fn change_members(
    tx: &mut Tx<'_>,
    id: Uuid,
    expected: Expected,
    given: &SegmentMembers,
) -> Result<SegmentMembersResult> {
    let segment = Segment::lock(tx, id, expected)?;
    if segment.kind == SegmentKind::Dynamic {
        return Err(Error::new(Code::Conflict, "the records of a dynamic segment follow from its condition"));
    }
    let added = add(tx, &segment, &given.add, "/add")?;
    // A segment can contain records that the caller cannot see. These are neither removed nor counted.
    let to_remove = refs::visible_ids(tx, segment.resource.kind(), &given.remove)?;
    let own = m::table.filter(m::workspace_id.eq(tx.workspace())).filter(m::segment_id.eq(id));
    let to_remove = own.filter(m::record_id.eq_any(to_remove));
    let removed = diesel::delete(to_remove).execute(tx.conn)?;
    if added + removed > 0 {
        members_changed(tx, &segment)?;
    }
    let size = size(tx, &segment)?;
    let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
    Ok(SegmentMembersResult { added: number(added), removed: number(removed), size })
}

/// Increases the version when members change, so that a bulk operation that was confirmed for the old members is
/// refused.
fn members_changed(tx: &mut Tx<'_>, segment: &Segment) -> Result<()> {
    let after: Segment = diesel::update(segments::table.find((tx.workspace(), segment.id)))
        .set((segments::version.eq(segment.version + 1), segments::updated_at.eq(tx.now)))
        .returning(Segment::as_returning())
        .get_result(tx.conn)?;
    tx.record(Event::changed("updated", segment, &after)?);
    Ok(())
}

fn delete(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<()> {
    let row = Segment::lock(tx, id, expected)?;
    diesel::delete(segments::table.find((tx.workspace(), id))).execute(tx.conn)?;
    tx.record(Event::deleted(&row)?);
    Ok(())
}

/// List segments by name.
#[utoipa::path(operation_id = "list_segments", params(SegmentList), responses((status = 200, description = "A page of segments", body = SegmentPage)))]
#[get("/segments")]
async fn list(ctx: Ctx<can::Read<Segment>>) -> Result<Reply> {
    let (plan, link) = (SEGMENT.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| table::page::<Segment>(tx, &plan).map(|page| link.answer(page))).await
}

/// Create a segment from a condition or from a list of records.
#[utoipa::path(operation_id = "create_segment", request_body = SegmentCreate, responses((status = 201, description = "The segment", body = Segment)))]
#[post("/segments")]
async fn create(ctx: Ctx<can::Create<Segment>>, key: IdempotencyKey, new: Valid<SegmentCreate>) -> Result<Reply> {
    ctx.once(key, move |tx| insert(tx, &new).map(Answer::created)).await
}

/// Get a segment. To list its records, use `POST /contacts/search` with `segment_id`.
#[utoipa::path(operation_id = "get_segment", params(("segment_id" = Uuid, Path, description = "Id of the segment")),
    responses((status = 200, description = "The segment", body = Segment)))]
#[get("/segments/{segment_id}")]
async fn read(ctx: Ctx<can::Read<Segment>>, id: Id, include: Include) -> Result<Reply> {
    ctx.one(&SEGMENT, id, include, Segment::find).await
}

/// Update a segment.
#[utoipa::path(operation_id = "update_segment", params(("segment_id" = Uuid, Path, description = "Id of the segment")), request_body = SegmentUpdate,
    responses((status = 200, description = "The updated segment", body = Segment)))]
#[patch("/segments/{segment_id}")]
async fn change(
    ctx: Ctx<can::Update<Segment>>,
    id: Id,
    IfMatch(expected): IfMatch,
    changes: Valid<SegmentUpdate>,
) -> Result<Reply> {
    ctx.write(move |tx| update(tx, id.0, expected, &changes).map(Answer::record)).await
}

/// Add records to a static segment, and remove records from it.
#[utoipa::path(operation_id = "change_segment_members", params(("segment_id" = Uuid, Path, description = "Id of the segment")), request_body = SegmentMembers,
    responses((status = 200, description = "The number of records added and removed", body = SegmentMembersResult)))]
#[post("/segments/{segment_id}/members")]
async fn members(
    ctx: Ctx<can::Update<Segment>>,
    id: Id,
    IfMatch(expected): IfMatch,
    key: IdempotencyKey,
    given: Valid<SegmentMembers>,
) -> Result<Reply> {
    ctx.once(key, move |tx| change_members(tx, id.0, expected, &given).map(Answer::ok)).await
}

/// Delete a segment. Its records are not deleted.
#[utoipa::path(operation_id = "delete_segment", params(("segment_id" = Uuid, Path, description = "Id of the segment")),
    responses((status = 204, description = "Deleted")))]
#[delete("/segments/{segment_id}")]
async fn remove(ctx: Ctx<can::Delete<Segment>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    ctx.write(move |tx| delete(tx, id.0, expected).map(|()| Answer::none())).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(members).service(remove);
}
