//! Stages: the steps of a pipeline.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::events::{self, Event};
use crate::db::table::Expected;
use crate::db::tx::Tx;
use crate::kernel::actor::can;
use crate::kernel::error::{Code, Error, FieldCode, Result};
use crate::kernel::field::{Fields, field};
use crate::kernel::kind::Kind;
use crate::kernel::merge_patch;
use crate::kernel::reply::Reply;
use crate::kernel::resource::{Builtin, Descriptor, Resource};
use crate::kernel::shape::Rules;
use crate::kernel::time::DateTime;
use crate::schema::{pipelines, stage_orders, stages};
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id};
use crate::{list, list_params, owned, page, record, text_enum};
use actix_web::{get, patch, post};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

text_enum! {
    /// What standing in the stage means. A record's status follows it.
    pub enum Category { Open = "open", Won = "won", Lost = "lost", }
}

/// A step of a pipeline.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = stages)]
pub struct Stage {
    pub id: Uuid,
    pub pipeline_id: Uuid,
    pub name: String,
    pub category: Category,
    /// From 1, in the order of the funnel; won and lost stages come last.
    pub position: i32,
    /// That a deal in this stage is won, unless the deal says otherwise.
    pub probability_percent: i32,
    /// Days without activity after which a record here counts as forgotten; null: never.
    pub rotting_days: Option<i32>,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
    /// The order of the pipeline's stages that is in force.
    #[serde(skip)]
    pub order_id: Option<Uuid>,
}
record!(Stage, STAGE);

impl Kind {
    pub const STAGE: Kind = Kind::new("stage", "stages");
}

impl Resource for Stage {
    const DESCRIPTOR: &Descriptor =
        &Descriptor::of(Kind::STAGE).shared(Builtin::Viewer, Builtin::Admin, Builtin::Admin);
}
page!(StagePage of Stage);

impl Stage {
    /// Who enters a lost stage says why; elsewhere there is nothing to explain.
    pub fn takes_loss_reason(&self, reason: Option<Uuid>) -> Result<()> {
        match (self.category, reason) {
            (Category::Lost, None) => Err(Error::member("/loss_reason_id", FieldCode::Required, "say why it was lost")),
            (Category::Open | Category::Won, Some(_)) => {
                Err(Error::member("/loss_reason_id", FieldCode::Invalid, "is for a stage of the category lost"))
            }
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
    /// 100 for won, 0 for lost, 50 for open stages, if absent.
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
    links: &[],
    table: PhantomData,
};
list_params!(StageList, STAGE.parameters());
owned!(soft stages, Stage);

const CONSTRAINTS: ConstraintRules = &[
    ("stages_name_key", ConstraintRule::Taken(Code::DuplicateName, "/name")),
    ("stages_pipeline_id_fkey", ConstraintRule::Missing("/pipeline_id")),
];

/// The living stages of a pipeline, in order.
pub fn of_pipeline(tx: &mut Tx<'_>, pipeline: Uuid) -> Result<Vec<Stage>> {
    let own = in_workspace(tx.workspace()).filter(stages::pipeline_id.eq(pipeline));
    Ok(own.order((stages::position, stages::id)).select(Stage::as_select()).load(tx.conn)?)
}

/// A stage that is there, or was.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = stages)]
pub struct KnownStage {
    #[diesel(embed)]
    pub stage: Stage,
    pub deleted_at: Option<DateTime>,
}

/// The stages of a pipeline in order, each deleted one near the place where it stood.
pub fn ever_of_pipeline(tx: &mut Tx<'_>, pipeline: Uuid) -> Result<Vec<KnownStage>> {
    let own = stages::table.filter(stages::workspace_id.eq(tx.workspace())).filter(stages::pipeline_id.eq(pipeline));
    let mut all: Vec<KnownStage> = own.select(KnownStage::as_select()).load(tx.conn)?;
    all.sort_by_key(|known| {
        let KnownStage { stage, deleted_at } = known;
        (rank(stage.category), stage.position, deleted_at.is_some(), *deleted_at, stage.id)
    });
    Ok(all)
}

/// Notes the order in which the stages of a pipeline stand from now on.
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
    Ok(())
}

/// Keeps others from adding, ordering and removing stages of a pipeline.
pub fn lock_pipeline(tx: &mut Tx<'_>, pipeline: Uuid) -> Result<()> {
    let row = pipelines::table.find((tx.workspace(), pipeline)).select(pipelines::id).for_update();
    row.first::<Uuid>(tx.conn).optional()?.map(drop).ok_or_else(|| Error::reference("/pipeline_id"))
}

/// A stage of a pipeline that a record is about to enter, kept from being removed meanwhile; or 422 at `/stage_id`.
pub fn within(tx: &mut Tx<'_>, pipeline: Uuid, stage: Uuid) -> Result<Stage> {
    let found = in_workspace(tx.workspace()).filter(stages::id.eq(stage)).select(Stage::as_select()).for_key_share();
    match found.first(tx.conn).optional()? {
        None => Err(Error::reference("/stage_id")),
        Some(stage) if stage.pipeline_id != pipeline => {
            Err(Error::member("/stage_id", FieldCode::StageNotInPipeline, "belongs to another pipeline"))
        }
        Some(stage) => Ok(stage),
    }
}

/// The first stage of a category, kept from being removed meanwhile; or 422.
pub fn first(tx: &mut Tx<'_>, pipeline: Uuid, category: Category) -> Result<Stage> {
    let own =
        in_workspace(tx.workspace()).filter(stages::pipeline_id.eq(pipeline)).filter(stages::category.eq(category));
    let first = own.order((stages::position, stages::id)).select(Stage::as_select()).for_key_share();
    let found = first.first(tx.conn).optional()?;
    let missing = || {
        Error::member(
            "/pipeline_id",
            FieldCode::ReferenceNotFound,
            format!("there is no pipeline with an {} stage", category.as_str()),
        )
    };
    found.ok_or_else(missing)
}

/// Adds a stage after the last of its category.
fn insert(tx: &mut Tx<'_>, new: &StageCreate) -> Result<Stage> {
    let made = add(tx, new)?;
    note_order(tx, new.pipeline_id)?;
    Ok(made)
}

/// As `insert`; the order is noted when all stages are there.
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

/// Open stages come first, then won, then lost.
pub fn rank(category: Category) -> u8 {
    match category {
        Category::Open => 0,
        Category::Won => 1,
        Category::Lost => 2,
    }
}

pub fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &StageUpdate) -> Result<Stage> {
    let before = lock(tx, id, expected)?;
    let fixed = matches!(before.category, Category::Won | Category::Lost);
    if fixed && changes.probability_percent.is_some_and(|p| p != before.probability_percent) {
        return Err(Error::member("/probability_percent", FieldCode::Invalid, "is fixed for won and lost stages"));
    }
    let after = diesel::update(stages::table.find((tx.workspace(), id)))
        .set((changes, stages::version.eq(before.version + 1), stages::updated_at.eq(tx.now)))
        .returning(Stage::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    events::record_change(tx, &before, after)
}

/// List the stages of all pipelines, or with `pipeline_id` of one.
#[utoipa::path(operation_id = "list_stages", params(StageList), responses((status = 200, description = "A page of stages", body = StagePage)))]
#[get("/stages")]
async fn list(ctx: Ctx<can::Read<Stage>>) -> Result<Reply> {
    let (plan, link) = (STAGE.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| {
        let page = list!(tx, stages, Stage, &plan => StagePage);
        link.reply(&page.page, &page)
    })
    .await
}

/// Add a stage after the last of its category.
#[utoipa::path(operation_id = "create_stage", request_body = StageCreate, responses((status = 201, description = "The stage", body = Stage)))]
#[post("/stages")]
async fn create(ctx: Ctx<can::Create<Stage>>, new: Valid<StageCreate>) -> Result<Reply> {
    ctx.write(move |tx| Reply::created(&insert(tx, &new)?)).await
}

/// Get a stage.
#[utoipa::path(operation_id = "get_stage", params(("stage_id" = Uuid, Path, description = "Id of the stage")),
    responses((status = 200, description = "The stage", body = Stage)))]
#[get("/stages/{stage_id}")]
async fn read(ctx: Ctx<can::Read<Stage>>, id: Id) -> Result<Reply> {
    ctx.one(&STAGE, id, find).await
}

/// Change a stage's name, probability or rotting days. Its category is for good.
#[utoipa::path(operation_id = "update_stage", params(("stage_id" = Uuid, Path, description = "Id of the stage")), request_body = StageUpdate,
    responses((status = 200, description = "The stage as changed", body = Stage)))]
#[patch("/stages/{stage_id}")]
async fn change(ctx: Ctx<can::Update<Stage>>, id: Id, changes: Valid<StageUpdate>) -> Result<Reply> {
    let expected = ctx.expected()?;
    ctx.write(move |tx| Reply::record(&update(tx, id.0, expected, &changes)?)).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change);
}
