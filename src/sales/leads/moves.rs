//! Moves of leads to other stages.
use crate::db::constraint::MapConstraint;
use crate::db::refs;
use crate::db::table::{Expected, Stored};
use crate::db::tx::Tx;
use crate::db::updates::execute_combined;
use crate::kernel::access::actor::ActorKind;
use crate::kernel::error::{Code, Error, FieldCode, Result};
use crate::kernel::fields::custom::CustomValues;
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::time::DateTime;
use crate::records::custom_values;
use crate::sales::board_position::{self, Beside};
use crate::sales::entry::{self, Ending, Entry};
use crate::sales::leads::come_back_tasks;
use crate::sales::leads::model::{Lead, LeadDisqualification, LeadMove, LeadRecycling, LeadUpdate};
use crate::sales::leads::store::{self, CONSTRAINTS};
use crate::sales::pipelines::{self, PipelineKind};
use crate::sales::stages::{self, Category, Stage};
use crate::schema::leads;
use crate::work::activities::{self, ActivityCreate};
use diesel::prelude::*;
use uuid::Uuid;

/// The columns that a move sets. The outer `None` keeps a column.
#[derive(AsChangeset)]
#[diesel(table_name = leads)]
struct Placement {
    pipeline_id: Uuid,
    stage_id: Uuid,
    status: Category,
    closed_at: Option<Option<DateTime>>,
    closed_by_id: Option<Option<Uuid>>,
    without_beginning: Option<bool>,
    owner_id: Option<Option<Uuid>>,
    loss_reason_id: Option<Option<Uuid>>,
    custom: Option<CustomValues>,
    stage_entered_at: DateTime,
    last_activity_at: DateTime,
    board_position: i64,
    version: i64,
    updated_at: DateTime,
}

/// Moves locked leads to stages with few statements. Status, closing time and loss reason follow from the category of
/// the stage.
pub fn enter_stages(tx: &mut Tx<'_>, entries: &[Entry<'_, Lead>]) -> Result<Vec<Lead>> {
    let reopened = entries.iter().filter(|entry| entry.reopens(entry.record.status)).map(|entry| entry.record.owner_id);
    let suspended = refs::suspended(tx, reopened.collect::<Vec<_>>())?;
    let mut updates = Vec::with_capacity(entries.len());
    for entry in entries {
        let placement = placement(tx, entry, &suspended)?;
        let row = leads::table.find((tx.workspace(), entry.record.id));
        updates.push(diesel::update(row).set(placement).returning(Lead::as_returning()));
    }
    let moved: Vec<Lead> = execute_combined(tx.conn, updates).map_constraint(CONSTRAINTS)?;
    let moved = entry::finish(tx, entries, moved, |lead| lead.status)?;
    let before: Vec<Option<&Lead>> = entries.iter().map(|entry| Some(entry.record)).collect();
    come_back_tasks::sync(tx, &before, moved)
}

fn placement(tx: &mut Tx<'_>, entry: &Entry<'_, Lead>, suspended: &[Uuid]) -> Result<Placement> {
    let Entry { record: before, stage, at, ending } = entry;
    let custom = custom_values::filled(tx, Kind::LEAD, &before.custom, &ending.fields, stage.id)?;
    ending.check_reason(stage)?;
    let changes_status = stage.category != before.status;
    let closing = (changes_status && stage.category != Category::Open).then_some(*at);
    // A closed lead may have a suspended owner, an open one may not. A reopened lead of a suspended owner goes to the
    // caller.
    let replaced = entry.reopens(before.status) && before.owner_id.is_some_and(|owner| suspended.contains(&owner));
    Ok(Placement {
        pipeline_id: stage.pipeline_id,
        stage_id: stage.id,
        status: stage.category,
        closed_at: changes_status.then_some(closing),
        closed_by_id: changes_status.then(|| closing.and_then(|_| before.owner_id.or(Some(tx.actor.user)))),
        // A lead that was closed before it came into the workspace has no duration.
        without_beginning: closing.filter(|at| *at < before.created_at).map(|_| true),
        owner_id: replaced.then_some(Some(tx.actor.user)),
        loss_reason_id: Some(ending.loss_reason.filter(|_| stage.category == Category::Lost)),
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

/// Moves a locked lead to a stage and sets its custom fields.
pub fn enter_stage(tx: &mut Tx<'_>, before: &Lead, stage: &Stage, ending: Ending) -> Result<Lead> {
    if stage.id == before.stage_id {
        let fills = !ending.fields.is_empty();
        let changes = LeadUpdate { custom_fields: Some(ending.fields), ..LeadUpdate::default() };
        let filled = if fills { store::change(tx, before, &changes)? } else { before.clone() };
        return board_position::place(tx, filled, ending.position);
    }
    let entry = Entry { record: before, stage, at: tx.now, ending };
    enter_stages(tx, &[entry])?.pop().ok_or_else(Error::not_found)
}

pub fn move_to_stage(tx: &mut Tx<'_>, id: Uuid, expected: Expected, to: &LeadMove) -> Result<Lead> {
    let beside = Beside::named(to.before_id, to.after_id);
    if beside.is_some() {
        board_position::lock_column(tx, to.stage_id)?;
    }
    let before = Lead::lock(tx, id, expected)?;
    if to.stage_id != before.stage_id {
        store::require_open(&before)?;
    }
    let pipeline = match to.pipeline_id {
        Some(named) => pipelines::choose(tx, Some(named), PipelineKind::Lead)?,
        None => before.pipeline_id,
    };
    let stage = stages::within(tx, pipeline, to.stage_id)?;
    let position = beside.map(|beside| board_position::beside::<Lead>(tx, stage.id, id, beside)).transpose()?;
    let (loss_reason, fields) = (to.loss_reason_id, to.custom_fields.clone());
    enter_stage(tx, &before, &stage, Ending { loss_reason, fields, position, ..Ending::default() })
}

pub fn disqualify(tx: &mut Tx<'_>, id: Uuid, expected: Expected, given: &LeadDisqualification) -> Result<Lead> {
    let before = Lead::lock(tx, id, expected)?;
    store::require_open(&before)?;
    if before.status != Category::Open {
        return Err(Error::new(
            Code::AlreadyClosed,
            format!("the lead is {}; move it to an open stage first", before.status.as_str()),
        ));
    }
    let stage = stages::first(tx, before.pipeline_id, Category::Lost)?;
    let (loss_reason, fields) = (Some(given.loss_reason_id), given.custom_fields.clone());
    note(tx, id, given.note.as_deref())?;
    enter_stage(tx, &before, &stage, Ending { loss_reason, fields, ..Ending::default() })
}

/// Returns a disqualified lead to an open stage, to be contacted again later.
pub fn recycle(tx: &mut Tx<'_>, id: Uuid, expected: Expected, given: &LeadRecycling) -> Result<Lead> {
    let before = Lead::lock(tx, id, expected)?;
    let stage = match given.stage_id {
        Some(named) => stages::within(tx, before.pipeline_id, named)?,
        None => stages::first(tx, before.pipeline_id, Category::Open)?,
    };
    if before.status != Category::Lost {
        return Err(Error::new(Code::NotClosed, "the lead is not disqualified; set come_back_on instead"));
    }
    if stage.category != Category::Open {
        return Err(Error::member("/stage_id", FieldCode::Invalid, "must be an open stage"));
    }
    note(tx, id, given.note.as_deref())?;
    let mut open = enter_stage(tx, &before, &stage, Ending::default())?;
    if open.come_back_on == Some(given.come_back_on) {
        // Setting the same day again would create no task.
        open = store::change(tx, &open, &LeadUpdate { come_back_on: Some(None), ..LeadUpdate::default() })?;
    }
    let changes = LeadUpdate { come_back_on: Some(Some(given.come_back_on)), ..LeadUpdate::default() };
    store::change(tx, &open, &changes)
}

fn note(tx: &mut Tx<'_>, lead: Uuid, text: Option<&str>) -> Result<()> {
    let Some(text) = text else { return Ok(()) };
    activities::insert(tx, &ActivityCreate::note_on_lead(lead, text)).map(drop).map_err(|error| error.under("/note"))
}

/// Moves locked leads of a list, of which none may be converted.
pub fn enter_unconverted(tx: &mut Tx<'_>, entries: &[Entry<'_, Lead>]) -> Result<Vec<Lead>> {
    entries.iter().try_for_each(|entry| store::require_open(entry.record))?;
    enter_stages(tx, entries)
}
