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
use std::collections::HashMap;
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

// Closes spans and opens the next ones in one round trip. The insert reads the result of the update, so it runs after
// it.
cached_sql! {
    Advance {
        workspace: Uuid, by: Option<Uuid>, ids: Vec<Uuid>, records: Vec<Uuid>, pipelines: Vec<Uuid>, stages: Vec<Uuid>,
        orders: Vec<Option<Uuid>>, times: Vec<DateTime>
    }
    "with new as (select * from unnest(" [ids Array<SqlUuid>] ", " [records Array<SqlUuid>] ", "
    [pipelines Array<SqlUuid>] ", " [stages Array<SqlUuid>] ", " [orders Array<Nullable<SqlUuid>>] ", "
    [times Array<Timestamptz>] ") as new (id, record_id, pipeline_id, stage_id, order_id, at)), \
     closed as (update stage_spans set left_at = greatest(entered_at, new.at) from new where workspace_id = "
    [workspace SqlUuid] " and stage_spans.record_id = new.record_id and left_at is null \
     returning stage_spans.record_id, left_at) \
     insert into stage_spans (workspace_id, id, record_id, pipeline_id, stage_id, entered_at, moved_by, order_id) \
     select " [workspace SqlUuid] ", new.id, new.record_id, new.pipeline_id, new.stage_id, \
     coalesce(closed.left_at, new.at), " [by Nullable<SqlUuid>] ", new.order_id \
     from new left join closed on closed.record_id = new.record_id"
}

/// The stage that a record enters, and when.
#[derive(Clone, Copy, Debug)]
pub struct Step<'s> {
    pub record: Uuid,
    pub stage: &'s Stage,
    pub at: DateTime,
}

fn advance(tx: &mut Tx<'_>, steps: &[Step<'_>], orders: Vec<Option<Uuid>>) -> Result<()> {
    let ids = |of: fn(&Step<'_>) -> Uuid| steps.iter().map(of).collect();
    let advance = Advance {
        workspace: tx.workspace(),
        by: Some(tx.actor.user),
        ids: ids(|_| Uuid::now_v7()),
        records: ids(|step| step.record),
        pipelines: ids(|step| step.stage.pipeline_id),
        stages: ids(|step| step.stage.id),
        orders,
        times: steps.iter().map(|step| step.at).collect(),
    };
    advance.execute(tx.conn)?;
    Ok(())
}

/// Closes the current span of each record and opens one for its new stage. A record that entered its current stage
/// later than `at` leaves it when it entered it.
pub fn advance_each(tx: &mut Tx<'_>, steps: &[Step<'_>]) -> Result<()> {
    advance(tx, steps, steps.iter().map(|step| step.stage.order_id).collect())
}

/// Moves many records to another stage because their stage was deleted. The spans have no stage order, so that
/// reports do not count the stages in between as passed.
pub fn displace_many(tx: &mut Tx<'_>, records: &[Uuid], to: &Stage) -> Result<()> {
    let at = tx.now;
    let steps: Vec<Step<'_>> = records.iter().map(|record| Step { record: *record, stage: to, at }).collect();
    advance(tx, &steps, records.iter().map(|_| None).collect())
}

/// Returns the stages that each record entered, the last first.
pub fn entered(tx: &mut Tx<'_>, records: &[Uuid]) -> Result<HashMap<Uuid, Vec<Uuid>>> {
    let rows: Vec<(Uuid, Uuid)> = stage_spans::table
        .filter(stage_spans::workspace_id.eq(tx.workspace()))
        .filter(stage_spans::record_id.eq_any(records))
        .order((stage_spans::entered_at.desc(), stage_spans::id.desc()))
        .select((stage_spans::record_id, stage_spans::stage_id))
        .load(tx.conn)?;
    let mut entered: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for (record, stage) in rows {
        entered.entry(record).or_default().push(stage);
    }
    Ok(entered)
}
