//! Stages of a pipeline.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::sql::{Part, Statement};
use crate::db::table::{self, Expected, Stored};
use crate::db::tx::Tx;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::access::resource::{Builtin, Descriptor, Display, Resource};
use crate::kernel::answers::page::Page;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::merge_patch;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Code, Error, FieldCode, Result};
use crate::kernel::fields::cond::Cond;
use crate::kernel::fields::field::{Field, field};
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::kernel::query::on::On;
use crate::kernel::query::plan::Plan;
use crate::kernel::values::event_verbs as verbs;
use crate::kernel::values::time::DateTime;
use crate::schema::{pipelines, stage_orders, stages};
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id, Include};
use crate::web::headers::{IdempotencyKey, IfMatch};
use crate::{list_params, record, stored, text_enum};
use actix_web::{get, patch, post};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

text_enum! {
    /// The meaning of a stage. The status of a record is the category of its stage.
    pub enum Category { Open = "open", Won = "won", Lost = "lost", }
}

/// A stage of a pipeline.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = stages)]
pub struct Stage {
    pub id: Uuid,
    pub pipeline_id: Uuid,
    pub name: String,
    pub category: Category,
    /// Starts at 1. Open stages come first, then won, then lost stages.
    pub position: i32,
    /// The probability that a deal in this stage is won. A deal can override it.
    pub probability_percent: i32,
    /// Days without activity after which a record in this stage counts as rotting; null means never.
    pub rotting_days: Option<i32>,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
    /// The current stage order of the pipeline.
    #[serde(skip)]
    pub order_id: Option<Uuid>,
}
impl NothingHidden for Stage {}
record!(Stage, STAGE);

impl Kind {
    pub const STAGE: Kind = Kind::new("stage", "stages");
}

impl Resource for Stage {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::STAGE, "The stages of a pipeline.")
        .shared(Builtin::Viewer, Builtin::Admin, Builtin::Admin)
        .events(&[verbs::BASIC])
        .included_as(Display::Column("stages.name"));
}
pub type StagePage = Page<Stage>;

impl Stage {
    /// Checks the loss reason of a record that enters this stage: required for a lost stage, refused for other
    /// stages.
    pub fn takes_loss_reason(&self, reason: Option<Uuid>) -> Result<()> {
        match (self.category, reason) {
            (Category::Lost, None) => Err(Error::member(
                "/loss_reason_id",
                FieldCode::Required,
                "is required for a stage of the category lost",
            )),
            (Category::Open | Category::Won, Some(_)) => Err(Error::member(
                "/loss_reason_id",
                FieldCode::Invalid,
                "must be absent unless the stage has the category lost",
            )),
            _ => Ok(()),
        }
    }
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct StageCreate {
    pub id: Option<Uuid>,
    pub pipeline_id: Uuid,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// `open` if absent.
    pub category: Option<Category>,
    /// If absent, 100 for won, 0 for lost and 50 for open stages.
    #[schema(minimum = 0, maximum = 100)]
    pub probability_percent: Option<i32>,
    #[schema(minimum = 1, maximum = 3650)]
    pub rotting_days: Option<i32>,
}
impl Rules for StageCreate {}

#[derive(Debug, Default, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = stages)]
pub struct StageUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    #[schema(nullable = false, minimum = 0, maximum = 100)]
    pub probability_percent: Option<i32>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(minimum = 1, maximum = 3650)]
    pub rotting_days: Option<Option<i32>>,
}
impl Rules for StageUpdate {
    crate::read_only_members_of!(Stage);
}

pub static STAGE: Fields<stages::table> = Fields {
    kind: Kind::STAGE,
    all: &[
        field("pipeline_id", &stages::pipeline_id).to(Kind::PIPELINE).hot(),
        field("name", &stages::name),
        field("category", &stages::category).one_of(Category::TEXTS),
        field("position", &stages::position),
        field("created_at", &stages::created_at),
    ],
    default_sort: "position",
    id: field("id", &stages::id),
    search: None,
    derived: &[],
    links: &[],
    table: PhantomData,
};
static DELETED_AT: Field = field("deleted_at", &stages::deleted_at);
list_params!(StageList, STAGE.parameters());
stored!(soft stages, Stage);

#[diesel::dsl::auto_type(no_type_alias)]
fn in_workspace(workspace: Uuid) -> _ {
    stages::table.filter(stages::workspace_id.eq(workspace)).filter(stages::deleted_at.is_null())
}

const CONSTRAINTS: ConstraintRules = &[
    ("stages_name_key", ConstraintRule::Taken(Code::DuplicateName, "/name")),
    ("stages_pipeline_id_fkey", ConstraintRule::Missing("/pipeline_id")),
];

/// Returns the stages of a pipeline in order, without deleted ones.
pub fn of_pipeline(tx: &mut Tx<'_>, pipeline: Uuid) -> Result<Vec<Stage>> {
    let own = in_workspace(tx.workspace()).filter(stages::pipeline_id.eq(pipeline));
    Ok(own.order((stages::position, stages::id)).select(Stage::as_select()).load(tx.conn)?)
}

/// A stage and the time of its deletion.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = stages)]
pub struct KnownStage {
    #[diesel(embed)]
    pub stage: Stage,
    pub deleted_at: Option<DateTime>,
}

/// Returns all stages of a pipeline in order. Each deleted stage is near its former position.
pub fn ever_of_pipeline(tx: &mut Tx<'_>, pipeline: Uuid) -> Result<Vec<KnownStage>> {
    let own = stages::table.filter(stages::workspace_id.eq(tx.workspace())).filter(stages::pipeline_id.eq(pipeline));
    let mut all: Vec<KnownStage> = own.select(KnownStage::as_select()).load(tx.conn)?;
    all.sort_by_key(|known| {
        let KnownStage { stage, deleted_at } = known;
        (rank(stage.category), stage.position, deleted_at.is_some(), *deleted_at, stage.id)
    });
    Ok(all)
}

/// Stores the current order of the stages of a pipeline.
pub fn note_order(tx: &mut Tx<'_>, pipeline: Uuid) -> Result<()> {
    let order = Uuid::now_v7();
    let ids: Vec<Option<Uuid>> = of_pipeline(tx, pipeline)?.iter().map(|stage| Some(stage.id)).collect();
    diesel::insert_into(stage_orders::table)
        .values((
            (stage_orders::workspace_id.eq(tx.workspace()), stage_orders::id.eq(order)),
            (stage_orders::pipeline_id.eq(pipeline), stage_orders::stage_ids.eq(ids)),
            stage_orders::created_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    diesel::update(in_workspace(tx.workspace()).filter(stages::pipeline_id.eq(pipeline)))
        .set(stages::order_id.eq(order))
        .execute(tx.conn)?;
    let place = Statement::new("select place_stages(:workspace, :order)");
    place.set("workspace", Part::Id(tx.workspace())).set("order", Part::Id(order)).execute(tx.conn)?;
    Ok(())
}

/// Locks a pipeline against changes to its set and order of stages.
pub fn lock_pipeline(tx: &mut Tx<'_>, pipeline: Uuid) -> Result<()> {
    let row = pipelines::table.find((tx.workspace(), pipeline)).select(pipelines::id).for_update();
    row.first::<Uuid>(tx.conn).optional()?.map(drop).ok_or_else(|| Error::reference("/pipeline_id"))
}

/// Returns a stage of the pipeline and locks it against deletion. Returns 422 at `/stage_id` if there is none.
pub fn within(tx: &mut Tx<'_>, pipeline: Uuid, stage: Uuid) -> Result<Stage> {
    let found = in_workspace(tx.workspace()).filter(stages::id.eq(stage)).select(Stage::as_select()).for_share();
    match found.first(tx.conn).optional()? {
        None => Err(Error::reference("/stage_id")),
        Some(stage) if stage.pipeline_id != pipeline => {
            Err(Error::member("/stage_id", FieldCode::StageNotInPipeline, "must be a stage of the record's pipeline"))
        }
        Some(stage) => Ok(stage),
    }
}

/// Returns the first stage of a category and locks it against deletion. Returns 422 at `/pipeline_id` if there is
/// none.
pub fn first(tx: &mut Tx<'_>, pipeline: Uuid, category: Category) -> Result<Stage> {
    let own =
        in_workspace(tx.workspace()).filter(stages::pipeline_id.eq(pipeline)).filter(stages::category.eq(category));
    let first = own.order((stages::position, stages::id)).select(Stage::as_select()).for_share();
    let found = first.first(tx.conn).optional()?;
    let missing = || {
        Error::member(
            "/pipeline_id",
            FieldCode::ReferenceNotFound,
            format!("must be a pipeline with a stage of the category {}", category.as_str()),
        )
    };
    found.ok_or_else(missing)
}

/// Returns the last open stage that a record entered and that still exists. `entered` begins with the last one.
pub fn last_open<'s>(stages: &'s [Stage], entered: &[Uuid]) -> Option<&'s Stage> {
    let open = |id: &Uuid| stages.iter().find(|stage| stage.id == *id && stage.category == Category::Open);
    entered.iter().find_map(open)
}

/// Returns the verb of the event of a move that changes the status from `before` to `after`.
pub const fn verb_of_move(before: Category, after: Category) -> &'static str {
    match (before, after) {
        (Category::Open, Category::Open) | (Category::Won, Category::Won) | (Category::Lost, Category::Lost) => {
            "stage_changed"
        }
        (_, Category::Open) => "reopened",
        (_, Category::Won) => "won",
        (_, Category::Lost) => "lost",
    }
}

/// Adds a stage after the last stage of its category.
fn insert(tx: &mut Tx<'_>, new: &StageCreate) -> Result<Stage> {
    let made = add(tx, new)?;
    note_order(tx, new.pipeline_id)?;
    Ok(made)
}

/// Adds a stage like `insert`, without storing the new order. The caller stores it after the last stage.
pub fn add(tx: &mut Tx<'_>, new: &StageCreate) -> Result<Stage> {
    let category = new.category.unwrap_or(Category::Open);
    lock_pipeline(tx, new.pipeline_id)?;
    let all = of_pipeline(tx, new.pipeline_id)?;
    let place = all.iter().filter(|s| rank(s.category) <= rank(category)).map(|s| s.position).max().unwrap_or(0) + 1;
    diesel::update(
        in_workspace(tx.workspace()).filter(stages::pipeline_id.eq(new.pipeline_id)).filter(stages::position.ge(place)),
    )
    .set(stages::position.eq(stages::position + 1))
    .execute(tx.conn)?;
    let probability = match category {
        Category::Won => 100,
        Category::Lost => 0,
        Category::Open => new.probability_percent.unwrap_or(50),
    };
    let row = diesel::insert_into(stages::table)
        .values((
            (stages::workspace_id.eq(tx.workspace()), stages::id.eq(new.id.unwrap_or_else(Uuid::now_v7))),
            (stages::pipeline_id.eq(new.pipeline_id), stages::name.eq(&new.name), stages::category.eq(category)),
            (
                stages::position.eq(place),
                stages::probability_percent.eq(probability),
                stages::rotting_days.eq(new.rotting_days),
            ),
            (stages::created_at.eq(tx.now), stages::updated_at.eq(tx.now)),
        ))
        .returning(Stage::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    tx.record(Event::created(&row)?);
    Ok(row)
}

/// Returns the position of a category in a pipeline: open, then won, then lost.
pub fn rank(category: Category) -> u8 {
    match category {
        Category::Open => 0,
        Category::Won => 1,
        Category::Lost => 2,
    }
}

pub fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &StageUpdate) -> Result<Stage> {
    let before = Stage::lock(tx, id, expected)?;
    let fixed = matches!(before.category, Category::Won | Category::Lost);
    if fixed && changes.probability_percent.is_some_and(|p| p != before.probability_percent) {
        return Err(Error::member(
            "/probability_percent",
            FieldCode::Invalid,
            "must not be changed for won and lost stages",
        ));
    }
    let after = diesel::update(stages::table.find((tx.workspace(), id)))
        .set((changes, stages::version.eq(before.version + 1), stages::updated_at.eq(tx.now)))
        .returning(Stage::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    events::record_change(tx, &before, after)
}

/// List the stages of all pipelines, or of one pipeline with `pipeline_id`.
#[utoipa::path(operation_id = "list_stages", params(StageList), responses((status = 200, description = "A page of stages", body = StagePage)))]
#[get("/stages")]
async fn list(ctx: Ctx<can::Read<Stage>>) -> Result<Reply> {
    let (plan, link) = (STAGE.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| page(tx, &plan).map(|page| link.answer(page))).await
}

/// Lists the stages without deleted ones, which only reports and histories show.
fn page(tx: &mut Tx<'_>, plan: &Plan<stages::table>) -> Result<Page<Stage>> {
    let living = Cond::Empty((&DELETED_AT).into());
    let seen = Cond::All(vec![Stage::visible_to(tx).into_fragment(), living]);
    table::page_of(tx, plan, &On::new(seen))
}

/// Create a stage after the last stage of its category.
#[utoipa::path(operation_id = "create_stage", request_body = StageCreate, responses((status = 201, description = "The stage", body = Stage)))]
#[post("/stages")]
async fn create(ctx: Ctx<can::Create<Stage>>, key: IdempotencyKey, new: Valid<StageCreate>) -> Result<Reply> {
    ctx.once(key, move |tx| insert(tx, &new).map(Answer::created)).await
}

/// Get a stage.
#[utoipa::path(operation_id = "get_stage", params(("stage_id" = Uuid, Path, description = "Id of the stage")),
    responses((status = 200, description = "The stage", body = Stage)))]
#[get("/stages/{stage_id}")]
async fn read(ctx: Ctx<can::Read<Stage>>, id: Id, include: Include) -> Result<Reply> {
    ctx.one(&STAGE, id, include, Stage::find).await
}

/// Update the name, probability or rotting days of a stage. The category cannot be changed.
#[utoipa::path(operation_id = "update_stage", params(("stage_id" = Uuid, Path, description = "Id of the stage")), request_body = StageUpdate,
    responses((status = 200, description = "The updated stage", body = Stage)))]
#[patch("/stages/{stage_id}")]
async fn change(
    ctx: Ctx<can::Update<Stage>>,
    id: Id,
    IfMatch(expected): IfMatch,
    changes: Valid<StageUpdate>,
) -> Result<Reply> {
    ctx.write(move |tx| update(tx, id.0, expected, &changes).map(Answer::record)).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change);
}
