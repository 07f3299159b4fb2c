//! Pipelines of leads and of deals.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::table::{self, Expected, Stored};
use crate::db::tx::Tx;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::access::resource::{Builtin, Descriptor, Display, Resource};
use crate::kernel::answers::included::Included;
use crate::kernel::answers::page::Page;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Code, Error, FieldCode, FieldError, Result};
use crate::kernel::fields::field::field;
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::kernel::values::time::DateTime;
use crate::sales::stages::{self, Category, Stage, StageCreate};
use crate::schema::{pipelines, stages as s};
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id};
use crate::web::headers::{IdempotencyKey, RequiredIfMatch};
use crate::{list_params, record, stored, text_enum};
use actix_web::{get, patch, post, put};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

text_enum! {
    /// The kind of record in the pipeline.
    pub enum PipelineKind { Lead = "lead", Deal = "deal", }
}

/// A pipeline without its stages.
#[derive(Clone, Debug, Queryable, Selectable, Serialize)]
#[diesel(table_name = pipelines)]
pub struct Row {
    id: Uuid,
    pub name: String,
    pub kind: PipelineKind,
    is_default: bool,
    version: i64,
    created_at: DateTime,
    updated_at: DateTime,
}
impl NothingHidden for Row {}
record!(Row, PIPELINE);

/// A pipeline with its stages in order.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Pipeline {
    pub id: Uuid,
    pub name: String,
    pub kind: PipelineKind,
    /// Whether new records of this kind go to this pipeline when the request names none.
    pub is_default: bool,
    pub stages: Vec<Stage>,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
}
impl NothingHidden for Pipeline {}
record!(Pipeline, PIPELINE);

impl Kind {
    pub const PIPELINE: Kind = Kind::new("pipeline", "pipelines");
}

impl Resource for Pipeline {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::PIPELINE, "Pipelines of leads and of deals.")
        .shared(Builtin::Viewer, Builtin::Admin, Builtin::Admin)
        .events(&[&["created", "updated", "reordered"]])
        .included_as(Display::Column("pipelines.name"));
}

pub type PipelinePage = Page<Pipeline>;

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct PipelineCreate {
    pub id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    pub kind: PipelineKind,
    /// Makes this pipeline the default of its kind in place of the current default.
    #[serde(default)]
    pub is_default: bool,
    /// In order, with at least one open, one won and one lost stage. If absent, the pipeline gets the stages of a new
    /// workspace.
    #[schema(min_items = 3, max_items = 100)]
    pub stages: Option<Vec<StageDraft>>,
}

/// A stage in the request that creates a pipeline.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct StageDraft {
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// `open` if absent.
    pub category: Option<Category>,
    #[schema(minimum = 0, maximum = 100)]
    pub probability_percent: Option<i32>,
    #[schema(minimum = 1, maximum = 3650)]
    pub rotting_days: Option<i32>,
}

impl Rules for PipelineCreate {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        let Some(stages) = &self.stages else { return };
        for category in Category::ALL {
            if !stages.iter().any(|s| s.category.unwrap_or(Category::Open) == *category) {
                bad.push(FieldError::member(
                    "/stages",
                    FieldCode::Required,
                    format!("must contain a stage of the category {}", category.as_str()),
                ));
            }
        }
        for (n, stage) in stages.iter().enumerate() {
            if stages.iter().take(n).any(|earlier| earlier.name == stage.name) {
                bad.push(FieldError::member(
                    format!("/stages/{n}/name"),
                    FieldCode::StatedTwice,
                    "must differ from the names of the other stages",
                ));
            }
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct PipelineUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// `true` makes this pipeline the default of its kind in place of the current default. `false` is refused for the
    /// default.
    #[schema(nullable = false)]
    pub is_default: Option<bool>,
}

impl Rules for PipelineUpdate {
    crate::read_only_members_of!(Pipeline);
}

/// The stages of a pipeline in a new order.
#[derive(Debug, Deserialize, ToSchema)]
pub struct StageOrder {
    /// Every stage once; open stages first, then won, then lost.
    #[schema(min_items = 3, max_items = 100)]
    pub stage_ids: Vec<Uuid>,
}
impl Rules for StageOrder {}

static PIPELINE: Fields<pipelines::table> = Fields {
    kind: Kind::PIPELINE,
    all: &[
        field("name", &pipelines::name),
        field("kind", &pipelines::kind).one_of(PipelineKind::TEXTS),
        field("is_default", &pipelines::is_default),
        field("created_at", &pipelines::created_at),
    ],
    default_sort: "created_at",
    id: field("id", &pipelines::id),
    search: None,
    derived: &[],
    links: &[],
    table: PhantomData,
};
list_params!(PipelineList, PIPELINE.parameters());
stored!(pipelines, Row);

#[diesel::dsl::auto_type(no_type_alias)]
fn in_workspace(workspace: Uuid) -> _ {
    pipelines::table.filter(pipelines::workspace_id.eq(workspace))
}

const CONSTRAINTS: ConstraintRules = &[("pipelines_name_key", ConstraintRule::Taken(Code::DuplicateName, "/name"))];

fn draft(name: &str, category: Category, probability: i32) -> StageDraft {
    StageDraft {
        name: name.into(),
        category: Some(category),
        probability_percent: Some(probability),
        rotting_days: None,
    }
}

/// Returns the stages of a new pipeline when the request gives none.
fn usual_stages(kind: PipelineKind) -> Vec<StageDraft> {
    match kind {
        PipelineKind::Lead => vec![
            draft("New", Category::Open, 10),
            draft("Not yet interested", Category::Open, 20),
            draft("Interested", Category::Open, 50),
            draft("Qualified", Category::Won, 100),
            draft("Disqualified", Category::Lost, 0),
        ],
        PipelineKind::Deal => vec![
            draft("Active inquiry", Category::Open, 20),
            draft("Quote sent", Category::Open, 50),
            draft("Agreed and invoiced", Category::Open, 80),
            draft("Payment received", Category::Won, 100),
            draft("Lost", Category::Lost, 0),
        ],
    }
}

/// Creates the pipelines of a new workspace: one of each kind.
pub fn seed(tx: &mut Tx<'_>) -> Result<()> {
    for (name, kind) in [("Leads", PipelineKind::Lead), ("Sales", PipelineKind::Deal)] {
        insert(tx, &PipelineCreate { id: None, name: name.into(), kind, is_default: true, stages: None })?;
    }
    Ok(())
}

fn with_stages(row: Row, stages: Vec<Stage>) -> Pipeline {
    let Row { id, name, kind, is_default, version, created_at, updated_at } = row;
    Pipeline { id, name, kind, is_default, stages, version, created_at, updated_at }
}

pub fn get(tx: &mut Tx<'_>, id: Uuid) -> Result<Pipeline> {
    let row = Row::find(tx, id)?;
    let stages = stages::of_pipeline(tx, id)?;
    Ok(with_stages(row, stages))
}

/// Returns the named pipeline, or the default of its kind. Returns 422 at `/pipeline_id` if the pipeline is of the
/// other kind.
pub fn choose(tx: &mut Tx<'_>, named: Option<Uuid>, kind: PipelineKind) -> Result<Uuid> {
    let own = in_workspace(tx.workspace()).select((pipelines::id, pipelines::kind));
    let found: Option<(Uuid, PipelineKind)> = match named {
        Some(id) => own.filter(pipelines::id.eq(id)).first(tx.conn).optional()?,
        None => own.filter(pipelines::kind.eq(kind)).filter(pipelines::is_default).first(tx.conn).optional()?,
    };
    match found {
        Some((id, its)) if its == kind => Ok(id),
        Some(_) => {
            Err(Error::member("/pipeline_id", FieldCode::Invalid, format!("must be a pipeline of {}s", kind.as_str())))
        }
        None => Err(Error::reference("/pipeline_id")),
    }
}

fn insert(tx: &mut Tx<'_>, new: &PipelineCreate) -> Result<Pipeline> {
    if new.is_default {
        drop_default(tx, new.kind)?;
    }
    let id = new.id.unwrap_or_else(Uuid::now_v7);
    let row: Row = diesel::insert_into(pipelines::table)
        .values((
            (pipelines::workspace_id.eq(tx.workspace()), pipelines::id.eq(id)),
            (pipelines::name.eq(&new.name), pipelines::kind.eq(new.kind), pipelines::is_default.eq(new.is_default)),
            (pipelines::created_at.eq(tx.now), pipelines::updated_at.eq(tx.now)),
        ))
        .returning(Row::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    tx.record(Event::created(&row)?);
    let mut drafts = new.stages.clone().unwrap_or_else(|| usual_stages(new.kind));
    drafts.sort_by_key(|draft| stages::rank(draft.category.unwrap_or(Category::Open)));
    for StageDraft { name, category, probability_percent, rotting_days } in drafts {
        stages::add(tx, &StageCreate { id: None, pipeline_id: id, name, category, probability_percent, rotting_days })?;
    }
    stages::note_order(tx, id)?;
    let stages = stages::of_pipeline(tx, id)?;
    Ok(with_stages(row, stages))
}

fn drop_default(tx: &mut Tx<'_>, kind: PipelineKind) -> Result<()> {
    diesel::update(in_workspace(tx.workspace()).filter(pipelines::kind.eq(kind)).filter(pipelines::is_default))
        .set((
            pipelines::is_default.eq(false),
            pipelines::version.eq(pipelines::version + 1),
            pipelines::updated_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    Ok(())
}

fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &PipelineUpdate) -> Result<Pipeline> {
    let before = Row::lock(tx, id, expected)?;
    if changes.is_default == Some(false) && before.is_default {
        return Err(Error::member(
            "/is_default",
            FieldCode::Invalid,
            "must not be false for the default pipeline; make another pipeline the default instead",
        ));
    }
    let becomes = changes.is_default == Some(true) && !before.is_default;
    if becomes {
        drop_default(tx, before.kind)?;
    }
    let after: Row = diesel::update(pipelines::table.find((tx.workspace(), id)))
        .set((
            changes.name.as_ref().map(|name| pipelines::name.eq(name)),
            pipelines::is_default.eq(before.is_default || becomes),
            pipelines::version.eq(before.version + 1),
            pipelines::updated_at.eq(tx.now),
        ))
        .returning(Row::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    let after = events::record_change(tx, &before, after)?;
    let stages = stages::of_pipeline(tx, id)?;
    Ok(with_stages(after, stages))
}

/// Returns the error for a request that moves an existing record to another pipeline without naming the stage.
pub fn stage_needed() -> Error {
    Error::member(
        "/pipeline_id",
        FieldCode::Invalid,
        "differs from the pipeline of the record; name the new stage in stage_id",
    )
}

fn reorder(tx: &mut Tx<'_>, id: Uuid, expected: Expected, order: &[Uuid]) -> Result<Pipeline> {
    let before = Row::lock(tx, id, expected)?;
    let known = stages::of_pipeline(tx, id)?;
    let ranks: Vec<Option<u8>> =
        order.iter().map(|id| known.iter().find(|s| s.id == *id).map(|s| stages::rank(s.category))).collect();
    let mut bad = Vec::new();
    for (n, (stage, rank)) in order.iter().zip(&ranks).enumerate() {
        let pointer = format!("/stage_ids/{n}");
        if rank.is_none() {
            bad.push(FieldError::member(pointer, FieldCode::StageNotInPipeline, "must be a stage of this pipeline"));
        } else if order.iter().take(n).any(|earlier| earlier == stage) {
            bad.push(FieldError::member(pointer, FieldCode::StatedTwice, "must not occur twice"));
        } else if ranks.iter().take(n).any(|earlier| earlier > rank) {
            bad.push(FieldError::member(
                pointer,
                FieldCode::Invalid,
                "open stages must come first, then won, then lost",
            ));
        }
    }
    if bad.is_empty() && order.len() != known.len() {
        bad.push(FieldError::member("/stage_ids", FieldCode::Invalid, "must contain every stage of the pipeline"));
    }
    if !bad.is_empty() {
        return Err(Error::members(bad));
    }
    if known.iter().map(|stage| &stage.id).eq(order) {
        return Ok(with_stages(before, known));
    }
    for (position, stage) in (1..).zip(order) {
        diesel::update(s::table.find((tx.workspace(), *stage))).set(s::position.eq(position)).execute(tx.conn)?;
    }
    stages::note_order(tx, id)?;
    let after: Row = diesel::update(pipelines::table.find((tx.workspace(), id)))
        .set((pipelines::version.eq(before.version + 1), pipelines::updated_at.eq(tx.now)))
        .returning(Row::as_returning())
        .get_result(tx.conn)?;
    tx.record(Event::changed("reordered", &before, &after)?);
    let stages = stages::of_pipeline(tx, id)?;
    Ok(with_stages(after, stages))
}

/// List pipelines with their stages.
#[utoipa::path(operation_id = "list_pipelines", params(PipelineList), responses((status = 200, description = "A page of pipelines", body = PipelinePage)))]
#[get("/pipelines")]
async fn list(ctx: Ctx<can::Read<Pipeline>>) -> Result<Reply> {
    let (plan, link) = (PIPELINE.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| {
        let query = in_workspace(tx.workspace())
            .filter(&plan.filter)
            .filter(&plan.seek)
            .order(&plan.order)
            .limit(plan.limit + 1);
        let mut rows: Vec<Row> = query.select(Row::as_select()).load(tx.conn)?;
        let mut page = plan.cut(&mut rows, 0)?;
        if plan.total {
            let count: i64 = in_workspace(tx.workspace()).filter(&plan.filter).count().get_result(tx.conn)?;
            table::set_total(&mut page, count);
        }
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let all: Vec<Stage> = s::table
            .filter(s::workspace_id.eq(tx.workspace()))
            .filter(s::pipeline_id.eq_any(&ids))
            .filter(s::deleted_at.is_null())
            .order((s::position, s::id))
            .select(Stage::as_select())
            .load(tx.conn)?;
        let stages_of = |row: &Row| all.iter().filter(|stage| stage.pipeline_id == row.id).cloned().collect();
        let data = rows
            .into_iter()
            .map(|row| {
                let stages = stages_of(&row);
                with_stages(row, stages)
            })
            .collect();
        Ok(link.answer(Page { data, included: Included::default(), page }))
    })
    .await
}

/// Create a pipeline.
#[utoipa::path(operation_id = "create_pipeline", request_body = PipelineCreate, responses((status = 201, description = "The pipeline", body = Pipeline)))]
#[post("/pipelines")]
async fn create(ctx: Ctx<can::Create<Pipeline>>, key: IdempotencyKey, new: Valid<PipelineCreate>) -> Result<Reply> {
    ctx.once(key, move |tx| insert(tx, &new).map(Answer::created)).await
}

/// Get a pipeline with its stages.
#[utoipa::path(operation_id = "get_pipeline", params(("pipeline_id" = Uuid, Path, description = "Id of the pipeline")),
    responses((status = 200, description = "The pipeline", body = Pipeline)))]
#[get("/pipelines/{pipeline_id}")]
async fn read(ctx: Ctx<can::Read<Pipeline>>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| get(tx, id.0).map(Answer::record)).await
}

/// Rename a pipeline, or make it the default. Requires `If-Match`.
#[utoipa::path(operation_id = "update_pipeline", params(("pipeline_id" = Uuid, Path, description = "Id of the pipeline")), request_body = PipelineUpdate,
    responses((status = 200, description = "The updated pipeline", body = Pipeline)))]
#[patch("/pipelines/{pipeline_id}")]
async fn change(
    ctx: Ctx<can::Update<Pipeline>>,
    id: Id,
    if_match: RequiredIfMatch,
    changes: Valid<PipelineUpdate>,
) -> Result<Reply> {
    let expected = if_match.version()?;
    ctx.write(move |tx| update(tx, id.0, expected, &changes).map(Answer::record)).await
}

/// Change the order of the stages of a pipeline. Requires `If-Match` with the ETag of the pipeline.
#[utoipa::path(operation_id = "reorder_stages", params(("pipeline_id" = Uuid, Path, description = "Id of the pipeline")), request_body = StageOrder,
    responses((status = 200, description = "The pipeline in its new order", body = Pipeline)))]
#[put("/pipelines/{pipeline_id}/stage-order")]
async fn put_order(
    ctx: Ctx<can::Update<Pipeline>>,
    id: Id,
    if_match: RequiredIfMatch,
    given: Valid<StageOrder>,
) -> Result<Reply> {
    let expected = if_match.version()?;
    ctx.write(move |tx| reorder(tx, id.0, expected, &given.stage_ids).map(Answer::record)).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(put_order);
}
