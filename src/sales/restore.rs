//! Restores deleted leads and deals. The period of the deletion is stored, so that snapshots of that time do not
//! change. If the stage was deleted meanwhile, the record moves to the first stage of the same category.
use crate::db::table;
use crate::db::tx::Tx;
use crate::kernel::error::{Error, Result};
use crate::kernel::values::time::DateTime;
use crate::sales::deals::{model::Deal, store as deal_store};
use crate::sales::leads::{model::Lead, store as lead_store};
use crate::sales::stage_removal::transfer;
use crate::sales::stages::{self, Category, Stage};
use crate::schema::{deals, leads, restorations, stages as s};
use diesel::prelude::*;
use uuid::Uuid;

macro_rules! restore_to_stage {
    ($name:ident, $store:ident, $table:ident, $row:ty) => {
        pub fn $name(tx: &mut Tx<'_>, id: Uuid) -> Result<$row> {
            let gone = $table::table.find((tx.workspace(), id)).select($table::deleted_at);
            let since: Option<DateTime> = gone.first(tx.conn).optional()?.flatten();
            let row: $row = table::restore(tx, id)?;
            // Tasks of the record count again.
            $store::refresh(tx, std::slice::from_ref(&row))?;
            note(tx, id, since.unwrap_or(tx.now))?;
            match replacement_stage(tx, row.pipeline_id, row.stage_id, row.status)? {
                Some(stage) => transfer(tx, &[row], &stage)?.pop().ok_or_else(Error::not_found),
                None => Ok(row),
            }
        }
    };
}
restore_to_stage!(deal, deal_store, deals, Deal);
restore_to_stage!(lead, lead_store, leads, Lead);

fn note(tx: &mut Tx<'_>, record: Uuid, since: DateTime) -> Result<()> {
    diesel::insert_into(restorations::table)
        .values((
            (restorations::workspace_id.eq(tx.workspace()), restorations::id.eq(Uuid::now_v7())),
            restorations::record_id.eq(record),
            (restorations::deleted_at.eq(since), restorations::restored_at.eq(tx.now.max(since))),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Returns the first stage of the same category if the stage of the record was deleted.
fn replacement_stage(tx: &mut Tx<'_>, pipeline: Uuid, stage: Uuid, category: Category) -> Result<Option<Stage>> {
    let own = s::table.find((tx.workspace(), stage)).filter(s::deleted_at.is_null()).select(s::id);
    match own.for_share().first::<Uuid>(tx.conn).optional()? {
        Some(_) => Ok(None),
        None => stages::first(tx, pipeline, category).map(Some),
    }
}
