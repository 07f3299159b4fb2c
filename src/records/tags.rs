//! Tags: labels of contacts, companies, leads and deals. Records store the names; this table stores their spelling and
//! colour.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::pool::Db;
use crate::db::queue::{self, Job, JobKind};
use crate::db::sql::{Part, Statement};
use crate::db::table::{self, Expected, Stored};
use crate::db::tx::{Request, Tx};
use crate::identity::sign_in::authentication;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::access::resource;
use crate::kernel::access::resource::{Builtin, Descriptor, Resource};
use crate::kernel::answers::page::Page;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::merge_patch;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Code, Error, FieldCode, Result};
use crate::kernel::fields::field::field;
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::{Search, exact};
use crate::kernel::query::fields::Fields;
use crate::kernel::query::openapi::{parameter, schema};
use crate::kernel::values::event_verbs as verbs;
use crate::kernel::values::tags::{Spelling, TagChange, Tags};
use crate::kernel::values::time::DateTime;
use crate::schema::tags;
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id};
use crate::web::headers::{IdempotencyKey, IfMatch};
use crate::{list_params, record, stored};
use actix_web::{delete, get, patch, post};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// A tag. Names that differ only in case or Unicode form are the same tag.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = tags)]
pub struct Tag {
    pub id: Uuid,
    pub name: String,
    pub color: Option<String>,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
}
impl NothingHidden for Tag {}
record!(Tag, TAG);

impl Kind {
    pub const TAG: Kind = Kind::new("tag", "tags");
}

impl Resource for Tag {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::TAG, "Tags of records.")
        .shared(Builtin::Viewer, Builtin::Seller, Builtin::Manager)
        .events(&[verbs::BASIC]);
}
pub type TagPage = Page<Tag>;

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct TagCreate {
    pub id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[schema(max_length = 100)]
    pub color: Option<String>,
}
impl Rules for TagCreate {}

#[derive(Debug, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = tags)]
pub struct TagUpdate {
    /// Also renames the tag in its records (the first few hundred at once, the others in a job) and in saved
    /// conditions.
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 100)]
    pub color: Option<Option<String>>,
}
impl Rules for TagUpdate {
    crate::read_only_members_of!(Tag);
}

static FIELDS: Fields<tags::table> = Fields {
    kind: Kind::TAG,
    all: &[
        field("name", &tags::name),
        field("color", &tags::color),
        field("created_at", &tags::created_at),
        field("updated_at", &tags::updated_at),
    ],
    default_sort: "name",
    id: field("id", &tags::id),
    search: Some(Search {
        sql: "fold(tags.name)",
        members: &["name"],
        exact: &[exact("fold(tags.name) = ", &["name"])],
    }),
    derived: &[],
    links: &[],
    table: PhantomData,
};
list_params!(TagList, FIELDS.parameters());
stored!(tags, Tag);

const CONSTRAINTS: ConstraintRules = &[("tags_name_key", ConstraintRule::Taken(Code::DuplicateName, "/name"))];

/// Returns the spelling of the tags of new or changed records. New tags keep the spelling that occurs first.
pub fn spelling<'t>(tx: &mut Tx<'_>, carried: impl IntoIterator<Item = &'t Tags>) -> Result<Spelling> {
    let words: Vec<&str> = carried.into_iter().flat_map(|tags| &tags.0).map(String::as_str).collect();
    let mut spelling = Spelling::default();
    if words.is_empty() {
        return Ok(spelling);
    }
    #[derive(QueryableByName)]
    struct Known {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let known: Vec<Known> = Statement::new(
        "select name from tags where workspace_id = :workspace and tag_key(name) = any(tag_keys(:words))",
    )
    .set("workspace", Part::Id(tx.workspace()))
    .set("words", Part::Texts(words.iter().map(|word| (*word).to_owned()).collect()))
    .load(tx.conn)?;
    known.iter().map(|tag| tag.name.as_str()).chain(words).for_each(|word| spelling.note(word));
    Ok(spelling)
}

/// Like `spelling`, for the tags that changes set and add.
pub fn spelling_of<'c>(tx: &mut Tx<'_>, changes: impl Iterator<Item = TagChange<'c>>) -> Result<Spelling> {
    spelling(tx, changes.flat_map(|one| [one.set, one.add]).flatten())
}

const TAGS_MAX: usize = 50;

/// Checks that a record has at most as many tags after adding some as a list may contain.
pub fn few_enough(tags: Option<Tags>) -> Result<Option<Tags>> {
    match tags {
        Some(tags) if tags.0.len() > TAGS_MAX => {
            Err(Error::member("/tags_add", FieldCode::TooLong, format!("a record can have at most {TAGS_MAX} tags")))
        }
        tags => Ok(tags),
    }
}

/// Adds the tags of records to the table, so that clients can offer them. Inserts them in order to avoid deadlocks.
pub fn note<'t>(tx: &mut Tx<'_>, carried: impl IntoIterator<Item = &'t Tags>) -> Result<()> {
    let words: std::collections::BTreeSet<&String> = carried.into_iter().flat_map(|tags| &tags.0).collect();
    if words.is_empty() {
        return Ok(());
    }
    let row = |word: &String| {
        (
            tags::workspace_id.eq(tx.workspace()),
            tags::id.eq(Uuid::now_v7()),
            tags::name.eq(word.clone()),
            tags::created_at.eq(tx.now),
            tags::updated_at.eq(tx.now),
        )
    };
    let rows: Vec<_> = words.into_iter().map(row).collect();
    diesel::insert_into(tags::table).values(rows).on_conflict_do_nothing().execute(tx.conn)?;
    Ok(())
}

fn insert(tx: &mut Tx<'_>, new: &TagCreate) -> Result<Tag> {
    let row = diesel::insert_into(tags::table)
        .values((
            tags::workspace_id.eq(tx.workspace()),
            tags::id.eq(new.id.unwrap_or_else(Uuid::now_v7)),
            tags::name.eq(&new.name),
            tags::color.eq(&new.color),
            tags::created_at.eq(tx.now),
            tags::updated_at.eq(tx.now),
        ))
        .returning(Tag::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    tx.record(Event::created(&row)?);
    Ok(row)
}

fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &TagUpdate) -> Result<Tag> {
    let before = Tag::lock(tx, id, expected)?;
    let after: Tag = diesel::update(tags::table.find((tx.workspace(), id)))
        .set((changes, tags::version.eq(before.version + 1), tags::updated_at.eq(tx.now)))
        .returning(Tag::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    let after = events::record_change(tx, &before, after)?;
    if after.name != before.name {
        retag_conditions(tx, &before.name, &after.name)?;
        retag_records(tx, &Retagging { old: before.name, new: Some(after.name.clone()) })?;
    }
    Ok(after)
}

/// Deletes a tag. If records have it, the caller must confirm that it is removed from them.
fn remove_tag(tx: &mut Tx<'_>, id: Uuid, expected: Expected, from_records: bool) -> Result<()> {
    let row = Tag::lock(tx, id, expected)?;
    if !from_records && is_used(tx, &row.name)? {
        let detail = "records have this tag; use from_records=true to remove it from them, or PATCH to rename it";
        return Err(Error::new(Code::InUse, detail));
    }
    diesel::delete(tags::table.find((tx.workspace(), id))).execute(tx.conn)?;
    tx.record(Event::deleted(&row)?);
    if from_records { retag_records(tx, &Retagging { old: row.name, new: None }) } else { Ok(()) }
}

/// Returns the kinds of records that have tags: those that can have custom fields.
fn carriers() -> impl Iterator<Item = Kind> {
    resource::all().filter(|resource| resource.custom_fields).filter_map(|resource| resource.kind)
}

/// Maximum records that a request changes. A job changes the others.
const REQUEST_MAX: i64 = 500;
/// Maximum records that a job changes in one transaction.
const BATCH_SIZE: i64 = 250;

/// The old name of a tag, and the new name or `None` to remove it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Retagging {
    old: String,
    new: Option<String>,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn is_used(tx: &mut Tx<'_>, name: &str) -> Result<bool> {
    for kind in carriers() {
        let carried = Statement::new(
            "select count(*) as count from (select from :records where workspace_id = :workspace and deleted_at is null \
             and tag_keys(tags) && tag_keys(array[:name]) limit 1) carriers",
        );
        let carried = carried.set("records", Part::Sql(kind.table())).set("workspace", Part::Id(tx.workspace()));
        if carried.set("name", Part::Text(name.to_owned())).get_result::<Count>(tx.conn)?.count > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Changes at most `most` records, and returns how many it changed.
fn retag(tx: &mut Tx<'_>, retagging: &Retagging, most: i64) -> Result<i64> {
    let mut done = 0;
    for kind in carriers() {
        let statement = Statement::new(include_str!("retag.sql"))
            .set("records", Part::Sql(kind.table()))
            .set("workspace", Part::Id(tx.workspace()))
            .set("old", Part::Text(retagging.old.clone()))
            .set("new", Part::MaybeText(retagging.new.clone()))
            .set("limit", Part::Int(most - done))
            .set("kind", Part::Text(kind.as_str().to_owned()))
            .set("at", Part::At(tx.now))
            .set("via", Part::Text(tx.actor.actor_kind.as_str().to_owned()))
            .set("user", Part::Id(tx.actor.user))
            .set("request", Part::Text(tx.request_id.to_owned()));
        done += statement.get_result::<Count>(tx.conn)?.count;
    }
    Ok(done)
}

/// The tables with saved conditions, which may contain tags.
const SAVED_CONDITION_TABLES: [&str; 3] = ["views", "segments", "retention_rules"];

fn retag_conditions(tx: &mut Tx<'_>, old: &str, new: &str) -> Result<()> {
    for table in SAVED_CONDITION_TABLES {
        Statement::new(include_str!("retag_saved_conditions.sql"))
            .set("kept", Part::Sql(table))
            .set("workspace", Part::Id(tx.workspace()))
            .set("old", Part::Text(old.to_owned()))
            .set("new", Part::Text(new.to_owned()))
            .set("at", Part::At(tx.now))
            .execute(tx.conn)?;
    }
    Ok(())
}

fn retag_records(tx: &mut Tx<'_>, retagging: &Retagging) -> Result<()> {
    if retag(tx, retagging, REQUEST_MAX)? == REQUEST_MAX {
        let args = serde_json::to_value(retagging).map_err(Error::internal)?;
        queue::enqueue(tx, JobKind::Retag, &args, None)?;
    }
    Ok(())
}

/// Runs the job that changes the remaining records. It does not check permissions again, because stopping halfway would
/// leave two tags.
pub fn run(db: &Db, job: &Job) -> Result<()> {
    let retagging: Retagging = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    let actor = db.run_blocking(|conn| authentication::of_user(conn, job.workspace_id, job.user_id))?;
    let request = Request::of_job(actor, job.id.to_string(), job.id);
    let (mut done, result) = (job.done, job.result.clone().unwrap_or_default());
    loop {
        let changed = db.write_blocking(&request, |tx| {
            let changed = retag(tx, &retagging, BATCH_SIZE)?;
            queue::advance(tx, job, done + changed, None, &result)?;
            Ok(changed)
        })?;
        done += changed;
        if changed < BATCH_SIZE {
            return Ok(());
        }
    }
}

/// List tags, by name.
#[utoipa::path(operation_id = "list_tags", params(TagList), responses((status = 200, description = "A page of tags", body = TagPage)))]
#[get("/tags")]
async fn list(ctx: Ctx<can::Read<Tag>>) -> Result<Reply> {
    let (plan, link) = (FIELDS.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| table::page::<Tag>(tx, &plan).map(|page| link.answer(page))).await
}

/// Create a tag.
#[utoipa::path(operation_id = "create_tag", request_body = TagCreate, responses((status = 201, description = "The tag", body = Tag)))]
#[post("/tags")]
async fn create(ctx: Ctx<can::Create<Tag>>, key: IdempotencyKey, new: Valid<TagCreate>) -> Result<Reply> {
    ctx.once(key, move |tx| insert(tx, &new).map(Answer::created)).await
}

/// Get a tag.
#[utoipa::path(operation_id = "get_tag", params(("tag_id" = Uuid, Path, description = "Id of the tag")),
    responses((status = 200, description = "The tag", body = Tag)))]
#[get("/tags/{tag_id}")]
async fn read(ctx: Ctx<can::Read<Tag>>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| Tag::find(tx, id.0).map(Answer::record)).await
}

/// Change a tag.
///
/// Renaming it also renames it in its records and in saved conditions.
#[utoipa::path(operation_id = "update_tag", params(("tag_id" = Uuid, Path, description = "Id of the tag")), request_body = TagUpdate,
    responses((status = 200, description = "The changed tag", body = Tag)))]
#[patch("/tags/{tag_id}")]
async fn change(
    ctx: Ctx<can::Update<Tag>>,
    id: Id,
    IfMatch(expected): IfMatch,
    changes: Valid<TagUpdate>,
) -> Result<Reply> {
    ctx.write(move |tx| update(tx, id.0, expected, &changes).map(Answer::record)).await
}

list_params!(TagRemoval, {
    let mut id = parameter(
        "tag_id".into(),
        "Id of the tag".into(),
        schema(crate::kernel::values::value_type::ValueType::Uuid),
        None,
    );
    id.parameter_in = utoipa::openapi::path::ParameterIn::Path;
    id.required = utoipa::openapi::Required::True;
    let detail = "Whether to remove the tag from its records. Otherwise a tag that records have is not deleted.";
    vec![
        id,
        parameter(
            "from_records".into(),
            detail.into(),
            schema(crate::kernel::values::value_type::ValueType::Bool),
            None,
        ),
    ]
});

/// Delete a tag.
///
/// If records have it, this fails unless `from_records` is true, which removes it from them.
#[utoipa::path(operation_id = "delete_tag", params(TagRemoval), responses((status = 204, description = "Deleted")))]
#[delete("/tags/{tag_id}")]
async fn remove(ctx: Ctx<can::Delete<Tag>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    let mut params = ctx.query_params()?;
    let from_records = params.parsed("from_records", "true or false")?.unwrap_or(false);
    params.finish(&["from_records"])?;
    ctx.write(move |tx| remove_tag(tx, id.0, expected, from_records).map(|()| Answer::none())).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(remove);
}
