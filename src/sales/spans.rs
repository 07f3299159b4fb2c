//! Stage spans: a lead or deal was in a stage from one instant to another. Typed rows, so that no report parses JSON.
use crate::cached_sql;
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::kernel::time::DateTime;
use crate::schema::stage_spans;
use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

/// A span as it goes into the table; `left_at` is empty for the stage the record is in.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = stage_spans, treat_none_as_default_value = false)]
pub struct Span {
    pub workspace_id: Uuid,
    pub id: Uuid,
    pub record_id: Uuid,
    pub pipeline_id: Uuid,
    pub stage_id: Uuid,
    pub entered_at: DateTime,
    pub left_at: Option<DateTime>,
    pub moved_by: Option<Uuid>,
}

/// The first span of a new record.
pub fn open(tx: &mut Tx<'_>, record: Uuid, pipeline: Uuid, stage: Uuid, at: DateTime) -> Result<()> {
    let span = Span {
        workspace_id: tx.workspace(),
        id: Uuid::now_v7(),
        record_id: record,
        pipeline_id: pipeline,
        stage_id: stage,
        entered_at: at,
        left_at: None,
        moved_by: Some(tx.actor.user),
    };
    diesel::insert_into(stage_spans::table).values(span).execute(tx.conn)?;
    Ok(())
}

pub fn insert_many(tx: &mut Tx<'_>, spans: &[Span]) -> Result<()> {
    for part in spans.chunks(5_000) {
        diesel::insert_into(stage_spans::table).values(part).execute(tx.conn)?;
    }
    Ok(())
}

// One round trip closes a span and opens the next. The insert reads the update's result, so it comes after it.
cached_sql! {
    Advance { workspace: Uuid, id: Uuid, record: Uuid, pipeline: Uuid, stage: Uuid, at: DateTime, by: Option<Uuid> }
    "with closed as (update stage_spans set left_at = greatest(entered_at, " [at Timestamptz]
    ") where workspace_id = " [workspace SqlUuid] " and record_id = " [record SqlUuid]
    " and left_at is null returning left_at) \
     insert into stage_spans (workspace_id, id, record_id, pipeline_id, stage_id, entered_at, moved_by) \
     select " [workspace SqlUuid] ", " [id SqlUuid] ", " [record SqlUuid] ", " [pipeline SqlUuid] ", " [stage SqlUuid]
    ", coalesce(max(left_at), " [at Timestamptz] "), " [by Nullable<SqlUuid>] " from closed"
}

cached_sql! {
    AdvanceMany {
        workspace: Uuid, ids: Vec<Uuid>, records: Vec<Uuid>, pipeline: Uuid, stage: Uuid, at: DateTime, by: Option<Uuid>
    }
    "with closed as (update stage_spans set left_at = greatest(entered_at, " [at Timestamptz]
    ") where workspace_id = " [workspace SqlUuid] " and record_id = any(" [records Array<SqlUuid>]
    ") and left_at is null returning record_id, left_at) \
     insert into stage_spans (workspace_id, id, record_id, pipeline_id, stage_id, entered_at, moved_by) \
     select " [workspace SqlUuid] ", new.id, new.record_id, " [pipeline SqlUuid] ", " [stage SqlUuid]
    ", coalesce(closed.left_at, " [at Timestamptz] "), " [by Nullable<SqlUuid>]
    " from unnest(" [ids Array<SqlUuid>] ", " [records Array<SqlUuid>] ") as new (id, record_id) \
     left join closed on closed.record_id = new.record_id"
}

/// Leaves the current stage for another.
pub fn advance(tx: &mut Tx<'_>, record: Uuid, pipeline: Uuid, stage: Uuid) -> Result<()> {
    let (workspace, by) = (tx.workspace(), Some(tx.actor.user));
    Advance { workspace, id: Uuid::now_v7(), record, pipeline, stage, at: tx.now, by }.execute(tx.conn)?;
    Ok(())
}

/// Many records leave their stages for one.
pub fn advance_many(tx: &mut Tx<'_>, records: &[Uuid], pipeline: Uuid, stage: Uuid) -> Result<()> {
    let (workspace, by, at) = (tx.workspace(), Some(tx.actor.user), tx.now);
    let ids = records.iter().map(|_| Uuid::now_v7()).collect();
    AdvanceMany { workspace, ids, records: records.to_vec(), pipeline, stage, at, by }.execute(tx.conn)?;
    Ok(())
}
