//! Deletes stages. The records in the stage are moved to another stage first, with a constant number of statements.
//! Their history keeps the deleted stage.
use crate::db::event::Event;
use crate::db::rows::Rows;
use crate::db::table::{Expected, Stored};
use crate::db::tx::Tx;
use crate::kernel::access::permission::can;
use crate::kernel::access::record::Record;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::{Code, Error, FieldCode, FieldError, Result};
use crate::kernel::fields::cond::{Cond, Op};
use crate::kernel::values::typed::Values;
use crate::sales::deals::model::Deal;
use crate::sales::leads::model::Lead;
use crate::sales::spans;
use crate::sales::staged::Staged;
use crate::sales::stages::{self, Stage};
use crate::schema::stages as table;
use crate::web::ctx::{Ctx, Id};
use crate::web::headers::IfMatch;
use actix_web::delete;
use diesel::prelude::*;
use std::collections::HashMap;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Deletes a stage and moves its records to `target`, a stage of the same pipeline and category.
fn remove(tx: &mut Tx<'_>, id: Uuid, expected: Expected, target: Option<Uuid>) -> Result<()> {
    // Locks the pipeline first, in the same order as the reordering of stages.
    let pipeline = Stage::find(tx, id)?.pipeline_id;
    stages::lock_pipeline(tx, pipeline)?;
    let stage = Stage::lock(tx, id, expected)?;
    let rest = stages::of_pipeline(tx, stage.pipeline_id)?;
    let mut candidates = rest.iter().filter(|s| s.id != id && s.category == stage.category).peekable();
    if candidates.peek().is_none() {
        let detail = format!("the stage is the last {} stage of its pipeline", stage.category.as_str());
        return Err(Error::new(Code::LastStage, detail));
    }
    let invalid_target = || {
        let detail = "must be another stage of the same pipeline and category";
        Error::parameters(vec![FieldError::parameter("move_to", FieldCode::Invalid, detail)])
    };
    let target = target.map(|target| candidates.find(|s| s.id == target).ok_or_else(invalid_target)).transpose()?;
    move_all::<Deal>(tx, &stage, target)?;
    move_all::<Lead>(tx, &stage, target)?;
    diesel::update(table::table.find((tx.workspace(), id)))
        .set((table::deleted_at.eq(tx.now), table::version.eq(stage.version + 1)))
        .execute(tx.conn)?;
    stages::note_order(tx, pipeline)?;
    tx.record(Event::deleted(&stage)?);
    Ok(())
}

/// Moves the records of a stage to another one.
fn move_all<R: Staged>(tx: &mut Tx<'_>, from: &Stage, target: Option<&Stage>) -> Result<()> {
    let stage = R::FIELDS.get("stage_id").ok_or_else(|| Error::internal("no stage_id"))?;
    let here = Cond::Is(stage.into(), Op::Eq, Values::Uuid(vec![from.id]));
    let rows = R::load(tx.conn, &R::rows(tx).filter(&here).order_by_id().for_update())?;
    if rows.is_empty() {
        return Ok(());
    }
    let target = target.ok_or_else(|| in_use(rows.len()))?;
    transfer(tx, &rows, target).map(drop)
}

/// Moves records to another stage of the same category, without checking the fields that the stage requires.
pub fn transfer<R: Staged>(tx: &mut Tx<'_>, rows: &[R], target: &Stage) -> Result<Vec<R>> {
    rows.iter().for_each(|row| tx.advance_now(row.updated_at()));
    let ids: Vec<Uuid> = rows.iter().map(Record::id).collect();
    let moved = R::set_stage(tx.conn, &Rows::of(R::TABLE, tx.workspace()).with_ids(&ids), target.id, tx.now)?;
    spans::displace_many(tx, &ids, target)?;
    let before: HashMap<Uuid, &R> = rows.iter().map(|row| (row.id(), row)).collect();
    for after in &moved {
        if let Some(before) = before.get(&after.id()) {
            tx.record(Event::changed("stage_changed", *before, after)?);
        }
    }
    Ok(moved)
}

fn in_use(records: usize) -> Error {
    Error::new(
        Code::StageInUse,
        format!("the stage contains {records} records; name another stage for them in move_to"),
    )
}

/// Delete a stage. If it contains records, `move_to` must name another stage for them.
#[utoipa::path(operation_id = "delete_stage",
    params(("stage_id" = Uuid, Path, description = "Id of the stage"), ("move_to" = Option<Uuid>, Query, nullable = false, description = "A stage of the same pipeline and category that receives the records of this stage")),
    responses((status = 204, description = "Deleted")))]
#[delete("/stages/{stage_id}")]
async fn delete_stage(ctx: Ctx<can::Delete<Stage>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    let mut params = ctx.query_params()?;
    let target = params.parsed("move_to", "a UUID")?;
    params.finish(&["move_to"])?;
    ctx.write(move |tx| remove(tx, id.0, expected, target).map(|()| Answer::none())).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(delete_stage);
}
