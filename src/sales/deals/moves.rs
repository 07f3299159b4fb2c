//! Moves of deals to other stages.
use crate::db::constraint::MapConstraint;
use crate::db::refs;
use crate::db::table::{Expected, Stored};
use crate::db::tx::Tx;
use crate::db::updates::execute_combined;
use crate::db::visibility;
use crate::kernel::access::actor::ActorKind;
use crate::kernel::error::{Code, Error, FieldCode, Result};
use crate::kernel::fields::custom::CustomValues;
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::money::Money;
use crate::kernel::values::time::DateTime;
use crate::records::custom_values;
use crate::sales::board_position::{self, Beside};
use crate::sales::deals::model::{Deal, DealLoss, DealMove, DealReopening, DealUpdate, DealWin, ForecastCategory};
use crate::sales::deals::store::{self, CONSTRAINTS};
use crate::sales::entry::{self, Ending, Entry};
use crate::sales::pipelines::{self, PipelineKind};
use crate::sales::spans;
use crate::sales::stages::{self, Category, Stage};
use crate::schema::deals;
use diesel::prelude::*;
use uuid::Uuid;

/// The columns that a move sets. The outer `None` keeps a column.
#[derive(AsChangeset)]
#[diesel(table_name = deals)]
struct Placement {
    pipeline_id: Uuid,
    stage_id: Uuid,
    status: Category,
    closed_at: Option<Option<DateTime>>,
    closed_by_id: Option<Option<Uuid>>,
    without_beginning: Option<bool>,
    owner_id: Option<Option<Uuid>>,
    loss_reason_id: Option<Option<Uuid>>,
    loss_note: Option<Option<String>>,
    competitor: Option<String>,
    value_amount: Option<i64>,
    value_currency: Option<String>,
    delivery_date: Option<chrono::NaiveDate>,
    forecast_category: Option<ForecastCategory>,
    custom: Option<CustomValues>,
    stage_entered_at: DateTime,
    last_activity_at: DateTime,
    board_position: i64,
    version: i64,
    updated_at: DateTime,
}

/// Moves locked deals to stages with few statements. Status, closing time and loss reason follow from the category of
/// the stage.
pub fn enter_stages(tx: &mut Tx<'_>, entries: &[Entry<'_, Deal>]) -> Result<Vec<Deal>> {
    let reopened = entries.iter().filter(|entry| entry.reopens(entry.record.status)).map(|entry| entry.record.owner_id);
    let suspended = refs::suspended(tx, reopened.collect::<Vec<_>>())?;
    let mut updates = Vec::with_capacity(entries.len());
    for entry in entries {
        let placement = placement(tx, entry, &suspended)?;
        let row = deals::table.find((tx.workspace(), entry.record.id));
        updates.push(diesel::update(row).set(placement).returning(Deal::as_returning()));
    }
    let moved: Vec<Deal> = execute_combined(tx.conn, updates).map_constraint(CONSTRAINTS)?;
    entry::finish(tx, entries, moved, |deal| deal.status)
}

fn placement(tx: &mut Tx<'_>, entry: &Entry<'_, Deal>, suspended: &[Uuid]) -> Result<Placement> {
    let Entry { record: before, stage, at, ending } = entry;
    let given = [
        ("value", ending.value.is_some()),
        ("loss_note", ending.loss_note.is_some()),
        ("competitor", ending.competitor.is_some()),
    ];
    visibility::authorize_members(tx, Kind::DEAL, &given)?;
    let custom = custom_values::filled(tx, Kind::DEAL, &before.custom, &ending.fields, stage.id)?;
    ending.check_reason(stage)?;
    let (lost, changes_status) = (stage.category == Category::Lost, stage.category != before.status);
    let closing = (changes_status && stage.category != Category::Open).then_some(*at);
    // A lost deal keeps its loss note when the move gives no new one.
    let loss_note = ending.loss_note.clone().or_else(|| before.loss_note.clone()).filter(|_| lost);
    // A closed deal may have a suspended owner, an open one may not. A reopened deal of a suspended owner goes to the
    // caller.
    let replaced = entry.reopens(before.status) && before.owner_id.is_some_and(|owner| suspended.contains(&owner));
    let forecast_category = match stage.category {
        Category::Won => Some(ForecastCategory::Closed),
        _ if before.forecast_category == ForecastCategory::Closed => Some(ForecastCategory::Pipeline),
        _ => None,
    };
    Ok(Placement {
        pipeline_id: stage.pipeline_id,
        stage_id: stage.id,
        status: stage.category,
        closed_at: changes_status.then_some(closing),
        closed_by_id: changes_status.then(|| closing.and_then(|_| before.owner_id.or(Some(tx.actor.user)))),
        // A deal that was closed before it came into the workspace has no duration.
        without_beginning: closing.filter(|at| *at < before.created_at).map(|_| true),
        owner_id: replaced.then_some(Some(tx.actor.user)),
        loss_reason_id: Some(ending.loss_reason.filter(|_| lost)),
        loss_note: Some(loss_note),
        competitor: ending.competitor.clone(),
        value_amount: ending.value.as_ref().map(|money| money.amount),
        value_currency: ending.value.as_ref().map(|money: &Money| money.currency.clone()),
        delivery_date: ending.delivery_date,
        forecast_category,
        custom,
        stage_entered_at: before.stage_entered_at.max(*at),
        // A change by a script is no activity. An import brings the time of one.
        last_activity_at: match tx.actor.actor_kind {
            ActorKind::ApiKey => before.last_activity_at,
            _ => before.last_activity_at.max(*at),
        },
        board_position: ending.position.unwrap_or_else(|| board_position::top(tx.now)),
        version: before.version + 1,
        updated_at: tx.now,
    })
}

/// Moves a locked deal to a stage, or only sets custom fields if it is there already.
fn enter_stage(tx: &mut Tx<'_>, before: &Deal, stage: &Stage, ending: Ending) -> Result<Deal> {
    if stage.id == before.stage_id {
        let fills = !ending.fields.is_empty();
        let changes = DealUpdate { custom_fields: Some(ending.fields), ..DealUpdate::default() };
        let filled = if fills { store::change(tx, before, &changes)? } else { before.clone() };
        return board_position::place(tx, filled, ending.position);
    }
    let entry = Entry { record: before, stage, at: tx.now, ending };
    enter_stages(tx, &[entry])?.pop().ok_or_else(Error::not_found)
}

pub fn move_to_stage(tx: &mut Tx<'_>, id: Uuid, expected: Expected, to: &DealMove) -> Result<Deal> {
    let beside = Beside::named(to.before_id, to.after_id);
    if beside.is_some() {
        board_position::lock_column(tx, to.stage_id)?;
    }
    let before = Deal::lock(tx, id, expected)?;
    let pipeline = match to.pipeline_id {
        Some(named) => pipelines::choose(tx, Some(named), PipelineKind::Deal)?,
        None => before.pipeline_id,
    };
    let stage = stages::within(tx, pipeline, to.stage_id)?;
    let (loss_reason, loss_note) = (to.loss_reason_id, to.loss_note.clone());
    let (competitor, fields) = (to.competitor.clone(), to.custom_fields.clone());
    let position = beside.map(|beside| board_position::beside::<Deal>(tx, stage.id, id, beside)).transpose()?;
    let ending = Ending { loss_reason, loss_note, competitor, fields, position, ..Ending::default() };
    enter_stage(tx, &before, &stage, ending)
}

fn close(tx: &mut Tx<'_>, id: Uuid, expected: Expected, category: Category, ending: Ending) -> Result<Deal> {
    let before = Deal::lock(tx, id, expected)?;
    if before.status != Category::Open {
        return Err(Error::new(
            Code::AlreadyClosed,
            format!("the deal is {}; reopen it first", before.status.as_str()),
        ));
    }
    let stage = stages::first(tx, before.pipeline_id, category)?;
    enter_stage(tx, &before, &stage, ending)
}

pub fn win(tx: &mut Tx<'_>, id: Uuid, expected: Expected, given: &DealWin) -> Result<Deal> {
    let (value, fields) = (given.value.clone(), given.custom_fields.clone());
    let ending = Ending { value, delivery_date: given.delivery_date, fields, ..Ending::default() };
    close(tx, id, expected, Category::Won, ending)
}

pub fn lose(tx: &mut Tx<'_>, id: Uuid, expected: Expected, given: &DealLoss) -> Result<Deal> {
    let (loss_reason, loss_note) = (Some(given.loss_reason_id), given.loss_note.clone());
    let (competitor, fields) = (given.competitor.clone(), given.custom_fields.clone());
    let ending = Ending { loss_reason, loss_note, competitor, fields, ..Ending::default() };
    close(tx, id, expected, Category::Lost, ending)
}

pub fn reopen(tx: &mut Tx<'_>, id: Uuid, expected: Expected, given: &DealReopening) -> Result<Deal> {
    let before = Deal::lock(tx, id, expected)?;
    if before.status == Category::Open {
        return Err(Error::new(Code::NotClosed, "the deal is open"));
    }
    let stage = match given.stage_id {
        Some(named) => stages::within(tx, before.pipeline_id, named)?,
        None => last_open_stage(tx, &before)?,
    };
    if stage.category != Category::Open {
        return Err(Error::member("/stage_id", FieldCode::Invalid, "must be an open stage"));
    }
    enter_stage(tx, &before, &stage, Ending { fields: given.custom_fields.clone(), ..Ending::default() })
}

/// Returns the last open stage of the deal that still exists, or else the first open stage.
fn last_open_stage(tx: &mut Tx<'_>, deal: &Deal) -> Result<Stage> {
    let entered = spans::entered(tx, &[deal.id])?.remove(&deal.id).unwrap_or_default();
    let existing = stages::of_pipeline(tx, deal.pipeline_id)?;
    match stages::last_open(&existing, &entered) {
        Some(stage) => stages::within(tx, deal.pipeline_id, stage.id),
        None => stages::first(tx, deal.pipeline_id, Category::Open),
    }
}
