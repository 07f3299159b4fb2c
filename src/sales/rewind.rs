//! Returns leads and deals to the places in which they were before a move, and removes the move from their history.
use crate::db::event::Event;
use crate::db::sql::{Part, Statement};
use crate::db::table::Stored;
use crate::db::tx::Tx;
use crate::kernel::error::{Error, Result};
use crate::kernel::fields::kind::Kind;
use crate::sales::stages::{Category, verb_of_move};
use crate::schema::stages;
use diesel::prelude::*;
use serde_json::{Map, Value as Json, json};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

const MOVE: &str = "
    update :table t set pipeline_id = p.pipeline_id, stage_id = p.stage_id, status = p.status,
        stage_entered_at = p.stage_entered_at, closed_at = p.closed_at, closed_by_id = p.closed_by_id,
        loss_reason_id = p.loss_reason_id :more, version = t.version + 1, updated_at = :at
    from jsonb_to_recordset(:places::jsonb) p (id uuid, pipeline_id uuid, stage_id uuid, status text,
        stage_entered_at timestamptz, closed_at timestamptz, closed_by_id uuid, loss_reason_id uuid, loss_note text,
        forecast_category text)
    where t.workspace_id = :workspace and t.id = p.id";

/// The span of the former stage is the last one that began when the record entered it.
const FORMER: &str = "
    select p.id as record_id, former.id, former.entered_at
    from jsonb_to_recordset(:places::jsonb) p (id uuid, stage_id uuid, stage_entered_at timestamptz)
    cross join lateral (
        select s.id, s.entered_at from stage_spans s
        where s.workspace_id = :workspace and s.record_id = p.id and s.stage_id = p.stage_id
            and s.entered_at = p.stage_entered_at
        order by s.id desc limit 1
    ) former";

const DROP_LATER: &str = "
    delete from stage_spans s using (:former) former
    where s.workspace_id = :workspace and s.record_id = former.record_id
        and (s.entered_at, s.id) > (former.entered_at, former.id)";

const REOPEN: &str = "
    update stage_spans s set left_at = null from (:former) former
    where s.workspace_id = :workspace and s.id = former.id";

/// Moves locked records back. The history shows them as if they had not been moved; events show both moves.
pub fn rewind<R: Stored>(tx: &mut Tx<'_>, places: &[(Uuid, Map<String, Json>)]) -> Result<()> {
    require_stages(tx, places)?;
    let ids: Vec<Uuid> = places.iter().map(|(id, _)| *id).collect();
    let before = R::find_many(tx, &ids)?;
    let place = |(id, place): &(Uuid, Map<String, Json>)| {
        let mut place = place.clone();
        place.insert("id".into(), json!(id));
        Json::Object(place)
    };
    let places = Json::Array(places.iter().map(place).collect()).to_string();
    let deals =
        if R::KIND == Kind::DEAL { ", loss_note = p.loss_note, forecast_category = p.forecast_category" } else { "" };
    let workspace = tx.workspace();
    let set =
        |text| Statement::new(text).set("workspace", Part::Id(workspace)).set("places", Part::Text(places.clone()));
    set(MOVE)
        .set("table", Part::Sql(R::TABLE))
        .set("more", Part::Sql(deals))
        .set("at", Part::At(tx.now))
        .execute(tx.conn)?;
    for text in [DROP_LATER, REOPEN] {
        set(text).set("former", Part::Nested(Box::new(set(FORMER)))).execute(tx.conn)?;
    }
    let after = R::find_many(tx, &ids)?;
    record_moves(tx, &before, &after)
}

/// Refuses places in stages that were deleted since.
fn require_stages(tx: &mut Tx<'_>, places: &[(Uuid, Map<String, Json>)]) -> Result<()> {
    let named: HashSet<Uuid> =
        places.iter().filter_map(|(_, place)| place.get("stage_id")?.as_str()?.parse().ok()).collect();
    let existing: i64 = stages::table
        .filter(stages::workspace_id.eq(tx.workspace()))
        .filter(stages::id.eq_any(&named))
        .filter(stages::deleted_at.is_null())
        .count()
        .get_result(tx.conn)?;
    if i64::try_from(named.len()) == Ok(existing) {
        return Ok(());
    }
    Err(Error::reference("/stage_id"))
}

fn record_moves<R: Stored>(tx: &mut Tx<'_>, before: &HashMap<Uuid, R>, after: &HashMap<Uuid, R>) -> Result<()> {
    for (id, after) in after {
        let Some(before) = before.get(id) else { continue };
        let verb = verb_of_move(status(before)?, status(after)?);
        tx.record(Event::changed(verb, before, after)?);
    }
    Ok(())
}

fn status<R: Stored>(row: &R) -> Result<Category> {
    let row = serde_json::to_value(row).map_err(Error::internal)?;
    serde_json::from_value(row.get("status").cloned().unwrap_or_default()).map_err(Error::internal)
}
