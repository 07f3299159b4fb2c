//! Stage spans: a lead or deal was in a stage from one instant to another. Typed rows, so that no report parses JSON.
use crate::cached_sql;
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::kernel::time::DateTime;
use crate::sales::stages::Stage;
use crate::schema::stage_spans;
use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

/// A span as it goes into the table; `left_at` is empty for the stage the record is in.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = stage_spans, treat_none_as_default_value = false)]
pub struct Span {
    workspace_id: Uuid,
    id: Uuid,
    record_id: Uuid,
    pipeline_id: Uuid,
    stage_id: Uuid,
    entered_at: DateTime,
    left_at: Option<DateTime>,
    moved_by: Option<Uuid>,
    /// The order of the stages when this was written; nothing where the record was put here because its stage was removed.
    order_id: Option<Uuid>,
    /// It began or ended nobody knows when: no report takes the days between.
    length_unknown: bool,
}

impl Span {
    pub fn new(tx: &Tx<'_>, record_id: Uuid, stage: &Stage, entered_at: DateTime, left_at: Option<DateTime>) -> Span {
        Span {
            workspace_id: tx.workspace(),
            id: Uuid::now_v7(),
            record_id,
            pipeline_id: stage.pipeline_id,
            stage_id: stage.id,
            entered_at,
            left_at,
            moved_by: Some(tx.actor.user),
            order_id: stage.order_id,
            length_unknown: false,
        }
    }

    #[must_use]
    pub fn with_unknown_length(self, length_unknown: bool) -> Span {
        Span { length_unknown, ..self }
    }
}

pub fn insert_many(tx: &mut Tx<'_>, spans: &[Span]) -> Result<()> {
    for part in spans.chunks(5_000) {
        diesel::insert_into(stage_spans::table).values(part).execute(tx.conn)?;
    }
    Ok(())
}

// One round trip closes a span and opens the next. The insert reads the update's result, so it comes after it.
cached_sql! {
    Advance {
        workspace: Uuid, id: Uuid, record: Uuid, pipeline: Uuid, stage: Uuid, at: DateTime, by: Option<Uuid>, order: Option<Uuid>
    }
    "with closed as (update stage_spans set left_at = greatest(entered_at, " [at Timestamptz]
    ") where workspace_id = " [workspace SqlUuid] " and record_id = " [record SqlUuid]
    " and left_at is null returning left_at) \
     insert into stage_spans (workspace_id, id, record_id, pipeline_id, stage_id, entered_at, moved_by, order_id) \
     select " [workspace SqlUuid] ", " [id SqlUuid] ", " [record SqlUuid] ", " [pipeline SqlUuid] ", " [stage SqlUuid]
    ", coalesce(max(left_at), " [at Timestamptz] "), " [by Nullable<SqlUuid>] ", " [order Nullable<SqlUuid>] " from closed"
}

cached_sql! {
    AdvanceMany {
        workspace: Uuid, ids: Vec<Uuid>, records: Vec<Uuid>, pipeline: Uuid, stage: Uuid, at: DateTime, by: Option<Uuid>,
        order: Option<Uuid>
    }
    "with closed as (update stage_spans set left_at = greatest(entered_at, " [at Timestamptz]
    ") where workspace_id = " [workspace SqlUuid] " and record_id = any(" [records Array<SqlUuid>]
    ") and left_at is null returning record_id, left_at) \
     insert into stage_spans (workspace_id, id, record_id, pipeline_id, stage_id, entered_at, moved_by, order_id) \
     select " [workspace SqlUuid] ", new.id, new.record_id, " [pipeline SqlUuid] ", " [stage SqlUuid]
    ", coalesce(closed.left_at, " [at Timestamptz] "), " [by Nullable<SqlUuid>] ", " [order Nullable<SqlUuid>]
    " from unnest(" [ids Array<SqlUuid>] ", " [records Array<SqlUuid>] ") as new (id, record_id) \
     left join closed on closed.record_id = new.record_id"
}

/// Leaves the current stage for another.
pub fn advance(tx: &mut Tx<'_>, record: Uuid, to: &Stage) -> Result<()> {
    let (workspace, by, order) = (tx.workspace(), Some(tx.actor.user), to.order_id);
    let (pipeline, stage) = (to.pipeline_id, to.id);
    Advance { workspace, id: Uuid::now_v7(), record, pipeline, stage, at: tx.now, by, order }.execute(tx.conn)?;
    Ok(())
}

/// Many records are put into another stage because theirs was removed. Nobody moved them on: no order says that they passed others.
pub fn displace_many(tx: &mut Tx<'_>, records: &[Uuid], to: &Stage) -> Result<()> {
    let (workspace, by, at, order) = (tx.workspace(), Some(tx.actor.user), tx.now, None);
    let (pipeline, stage) = (to.pipeline_id, to.id);
    let ids = records.iter().map(|_| Uuid::now_v7()).collect();
    AdvanceMany { workspace, ids, records: records.to_vec(), pipeline, stage, at, by, order }.execute(tx.conn)?;
    Ok(())
}
