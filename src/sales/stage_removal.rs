//! Removing a stage: the records that stand in it go to another one first, in a few statements however many they are. Their
//! history keeps the old one.
use crate::db::events::Event;
use crate::db::table::Expected;
use crate::db::tx::Tx;
use crate::kernel::actor::can;
use crate::kernel::error::{Bad, Code, Error, FieldCode, Result};
use crate::kernel::reply::Reply;
use crate::sales::deals::model::Deal;
use crate::sales::leads::model::Lead;
use crate::sales::spans;
use crate::sales::stages::{self, Stage};
use crate::schema::{deals, leads, stages as table};
use crate::web::ctx::{Ctx, Id};
use actix_web::delete;
use diesel::prelude::*;
use std::collections::HashMap;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Removes a stage. Records that stand in it go to `target`, a stage of the same pipeline and category.
fn remove(tx: &mut Tx<'_>, id: Uuid, expected: Expected, target: Option<Uuid>) -> Result<()> {
    // The pipeline first, as who orders its stages does.
    let pipeline = stages::find(tx, id)?.pipeline_id;
    stages::lock_pipeline(tx, pipeline)?;
    let stage = stages::lock(tx, id, expected)?;
    let rest = stages::of_pipeline(tx, stage.pipeline_id)?;
    let mut fitting = rest.iter().filter(|s| s.id != id && s.category == stage.category).peekable();
    if fitting.peek().is_none() {
        let detail = format!("it is the last {} stage of its pipeline", stage.category.as_str());
        return Err(Error::new(Code::LastStage, detail));
    }
    let elsewhere = || {
        let detail = "must be another stage of the same pipeline and category";
        Error::parameters(vec![Bad::parameter("move_to", FieldCode::Invalid, detail)])
    };
    let target = target.map(|target| fitting.find(|s| s.id == target).ok_or_else(elsewhere)).transpose()?;
    move_deals(tx, &stage, target)?;
    move_leads(tx, &stage, target)?;
    diesel::update(table::table.find((tx.workspace(), id)))
        .set((table::deleted_at.eq(tx.now), table::version.eq(stage.version + 1)))
        .execute(tx.conn)?;
    stages::note_order(tx, pipeline)?;
    tx.record(Event::deleted(&stage)?);
    Ok(())
}

/// The records of one table that stand in a stage go to another.
macro_rules! moving_records {
    ($name:ident, $transfer:ident, $table:ident, $row:ty) => {
        fn $name(tx: &mut Tx<'_>, from: &Stage, target: Option<&Stage>) -> Result<()> {
            let here = $table::table
                .filter($table::workspace_id.eq(tx.workspace()))
                .filter($table::stage_id.eq(from.id))
                .filter($table::deleted_at.is_null());
            let rows: Vec<$row> = here.order($table::id).select(<$row>::as_select()).for_update().load(tx.conn)?;
            if rows.is_empty() {
                return Ok(());
            }
            let target = target.ok_or_else(|| in_use(rows.len()))?;
            $transfer(tx, &rows, target).map(drop)
        }

        /// Puts records into another stage of the same category, whatever fields that stage requires.
        pub fn $transfer(tx: &mut Tx<'_>, rows: &[$row], target: &Stage) -> Result<Vec<$row>> {
            rows.iter().for_each(|row| tx.advance_now(row.updated_at));
            let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
            let all = $table::table.filter($table::workspace_id.eq(tx.workspace())).filter($table::id.eq_any(&ids));
            let moved: Vec<$row> = diesel::update(all)
                .set((
                    ($table::stage_id.eq(target.id), $table::stage_entered_at.eq(tx.now)),
                    ($table::version.eq($table::version + 1), $table::updated_at.eq(tx.now)),
                ))
                .returning(<$row>::as_returning())
                .get_results(tx.conn)?;
            spans::displace_many(tx, &ids, target)?;
            let before: HashMap<Uuid, &$row> = rows.iter().map(|row| (row.id, row)).collect();
            for after in &moved {
                if let Some(before) = before.get(&after.id) {
                    tx.record(Event::changed("stage_changed", *before, after)?);
                }
            }
            Ok(moved)
        }
    };
}
moving_records!(move_deals, transfer_deals, deals, Deal);
moving_records!(move_leads, transfer_leads, leads, Lead);

fn in_use(records: usize) -> Error {
    Error::new(Code::StageInUse, format!("{records} records stand in it; name another stage in move_to"))
}

/// Delete a stage. While records stand in it, say with `move_to` where they go.
#[utoipa::path(operation_id = "delete_stage",
    params(("stage_id" = Uuid, Path, description = "Id of the stage"), ("move_to" = Option<Uuid>, Query, nullable = false, description = "A stage of the same pipeline and category, for the records that stand here")),
    responses((status = 204, description = "Deleted")))]
#[delete("/stages/{stage_id}")]
async fn delete_stage(ctx: Ctx<can::Delete<Stage>>, id: Id) -> Result<Reply> {
    let (expected, mut params) = (ctx.expected()?, ctx.query_params()?);
    let target = params.parsed("move_to", "a UUID")?;
    params.finish(&["move_to"])?;
    ctx.write(move |tx| remove(tx, id.0, expected, target).map(|()| Reply::none())).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(delete_stage);
}
