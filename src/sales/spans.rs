//! Stage spans: the period that a lead or deal spent in a stage. Stored in typed columns so that reports need not
//! parse JSON.
use crate::cached_sql;
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::kernel::values::time::DateTime;
use crate::sales::stages::Stage;
use crate::schema::stage_spans;
use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

/// A span to insert; `left_at` is null for the current stage of the record.
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
    /// The stage order in force when the span was written. Null if the record was moved because its stage was
    /// deleted.
    order_id: Option<Uuid>,
    /// Whether the beginning or the end is unknown. Reports ignore the duration of such a span.
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

// Closes a span and opens the next in one round trip. The insert reads the result of the update, so it runs after it.
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

/// Closes the current span of a record and opens one for the stage `to`.
pub fn advance(tx: &mut Tx<'_>, record: Uuid, to: &Stage) -> Result<()> {
    let (workspace, by, order) = (tx.workspace(), Some(tx.actor.user), to.order_id);
    let (pipeline, stage) = (to.pipeline_id, to.id);
    Advance { workspace, id: Uuid::now_v7(), record, pipeline, stage, at: tx.now, by, order }.execute(tx.conn)?;
    Ok(())
}

/// Moves many records to another stage because their stage was deleted. The spans have no stage order, so that
/// reports do not count the stages in between as passed.
pub fn displace_many(tx: &mut Tx<'_>, records: &[Uuid], to: &Stage) -> Result<()> {
    let (workspace, by, at, order) = (tx.workspace(), Some(tx.actor.user), tx.now, None);
    let (pipeline, stage) = (to.pipeline_id, to.id);
    let ids = records.iter().map(|_| Uuid::now_v7()).collect();
    AdvanceMany { workspace, ids, records: records.to_vec(), pipeline, stage, at, by, order }.execute(tx.conn)?;
    Ok(())
}
