//! Database access for tasks.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::store::BatchStore;
use crate::db::table::{self, Expected, Stored};
use crate::db::tx::Tx;
use crate::db::updates::{Group, execute_combined, newly_referenced, rows_of, split_dependent};
use crate::db::{refs, visibility};
use crate::kernel::access::actor::ActorKind;
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::schema::tasks;
use crate::work::contact_rules::{Planned, require_welcome};
use crate::work::mentions::{self, Mentions};
use crate::work::related::{self, Related};
use crate::work::tasks::model::{RecurrenceFrom, TASK, Task, TaskCreate, TaskPriority, TaskStatus, TaskUpdate};
use crate::work::tasks::reminders;
use crate::work::tasks::row::{NewTask, due_end};
use crate::work::tasks::series::{self, Place};
use crate::{insert_rows, restorable, stored};
use diesel::prelude::*;
use std::collections::HashMap;
use uuid::Uuid;

stored!(soft tasks, Task);
restorable!(tasks, Task);

#[diesel::dsl::auto_type(no_type_alias)]
fn in_workspace(workspace: Uuid) -> _ {
    tasks::table.filter(tasks::workspace_id.eq(workspace)).filter(tasks::deleted_at.is_null())
}

const CONSTRAINTS: ConstraintRules = &[
    ("tasks_assignee_id_fkey", ConstraintRule::Missing("/assignee_id")),
    ("tasks_contact_id_fkey", ConstraintRule::Missing("/contact_id")),
    ("tasks_company_id_fkey", ConstraintRule::Missing("/company_id")),
    ("tasks_lead_id_fkey", ConstraintRule::Missing("/lead_id")),
    ("tasks_deal_id_fkey", ConstraintRule::Missing("/deal_id")),
];

impl BatchStore for Task {
    type Create = TaskCreate;
    type Update = TaskUpdate;
    const FIELDS: &'static Fields<tasks::table> = &TASK;

    fn insert_many(tx: &mut Tx<'_>, new: &[&TaskCreate]) -> Result<Vec<Task>> {
        let planned = new.iter().map(|new| Planned {
            contact: new.contact_id,
            type_: new.r#type.as_deref().unwrap_or_default(),
            at: new.due_at,
            pointer: "/due_at",
        });
        require_welcome(tx, &planned.collect::<Vec<_>>())?;
        insert_many(tx, new)
    }

    fn change_each(tx: &mut Tx<'_>, groups: &[Group<'_, Task, TaskUpdate>]) -> Result<Vec<Task>> {
        let planned = groups.iter().filter(|(_, changes)| changes.plans()).flat_map(|(rows, changes)| {
            rows.iter().filter(|row| row.status == TaskStatus::Open).map(|row| Planned {
                contact: changes.contact_id.unwrap_or(row.contact_id),
                type_: changes.r#type.as_deref().unwrap_or(&row.r#type),
                at: changes.due_at.unwrap_or(row.due_at),
                pointer: "/due_at",
            })
        });
        require_welcome(tx, &planned.collect::<Vec<_>>())?;
        change_each(tx, groups)
    }

    fn delete_many(tx: &mut Tx<'_>, rows: &[Task]) -> Result<()> {
        table::mark_deleted(tx, rows, None)?;
        refresh(tx, rows)
    }
}

/// Updates the next tasks of the records of these tasks.
fn refresh(tx: &mut Tx<'_>, rows: &[Task]) -> Result<()> {
    related::refresh_all(tx, &rows.iter().map(Task::related).collect::<Vec<_>>())
}

/// Inserts many tasks with few statements. If the database refuses one row, all fail.
pub fn insert_many(tx: &mut Tx<'_>, list: &[&TaskCreate]) -> Result<Vec<Task>> {
    let mut named = Vec::new();
    for new in list {
        visibility::authorize_create(tx, Kind::TASK, new.assignee_id.or(Some(tx.actor.user)))?;
        let TaskCreate { contact_id: contact, company_id: company, lead_id: lead, deal_id: deal, .. } = **new;
        named.extend(Related { contact, company, lead, deal }.named());
    }
    refs::require_visible(tx, &named)?;
    refs::require_active(tx, list.iter().map(|new| new.assignee_id), "/assignee_id")?;
    for new in list {
        mentions::check(tx, &new.mentioned_user_ids, &Mentions::default())?;
        if let Some(rule) = &new.recurrence {
            series::check(tx, rule, series::local_due(tx, new.due_at, new.due_date))?;
        }
    }
    let rows: Vec<NewTask> = list.iter().map(|new| new_row(tx, new)).collect();
    let made: Vec<Task> = insert_rows!(tx, tasks, rows, Task).map_constraint(CONSTRAINTS)?;
    let reminding = made.iter().filter(|task| !task.reminders.0.is_empty());
    reminders::schedule(tx, reminding.map(|task| task.id).collect())?;
    refresh(tx, &made)?;
    for task in &made {
        mentions::tell(tx, Kind::TASK, task.id, &task.mentioned_user_ids.0)?;
        tx.record(Event::created(task)?);
    }
    Ok(made)
}

fn new_row(tx: &Tx<'_>, new: &TaskCreate) -> NewTask {
    let id = new.id.unwrap_or_else(Uuid::now_v7);
    let first = new.recurrence.as_ref().map(|_| series::begin(tx, id, new.due_at, new.due_date));
    let place = first.unwrap_or(Place { occurrence: 1, ..Place::default() });
    NewTask {
        workspace_id: tx.workspace(),
        id,
        type_: new.r#type.clone().unwrap_or_else(|| "todo".into()),
        title: new.title.clone(),
        notes: new.notes.clone(),
        due_at: new.due_at,
        due_date: new.due_date,
        due_end: due_end(tx, new.due_at, new.due_date),
        priority: new.priority.unwrap_or(TaskPriority::Normal),
        assignee_id: new.assignee_id.unwrap_or(tx.actor.user),
        contact_id: new.contact_id,
        company_id: new.company_id,
        lead_id: new.lead_id,
        deal_id: new.deal_id,
        mentioned_user_ids: new.mentioned_user_ids.clone(),
        duration_minutes: new.duration_minutes,
        place: new.place.clone(),
        reminders: new.reminders.clone(),
        recurrence: new.recurrence.clone(),
        recurrence_from: new.recurrence_from.unwrap_or(RecurrenceFrom::Due),
        recurrence_exceptions: new.recurrence_exceptions.clone(),
        series_id: place.series,
        series_start: place.start,
        occurrence: place.occurrence,
        occurrence_at: place.at,
        created_at: tx.now,
        updated_at: tx.now,
    }
}

/// Returns the groups whose change sets the mentioned users.
fn mentioning<'g>(
    groups: &'g [Group<'_, Task, TaskUpdate>],
) -> impl Iterator<Item = (&'g Vec<&'g Task>, &'g Mentions)> {
    groups.iter().filter_map(|(rows, changes)| Some((rows, changes.mentioned_user_ids.as_ref()?)))
}

/// Changes locked tasks, each group in its own way.
pub fn change_each(tx: &mut Tx<'_>, groups: &[Group<'_, Task, TaskUpdate>]) -> Result<Vec<Task>> {
    // If one of the two due members is cleared, the result depends on the other one of each task.
    let one_cleared = |changes: &TaskUpdate| {
        !matches!((changes.due_at, changes.due_date), (None, None) | (Some(Some(_)), _) | (_, Some(Some(_))))
    };
    // A new series begins at the due time of each task.
    let depends = |changes: &TaskUpdate| one_cleared(changes) || matches!(changes.recurrence, Some(Some(_)));
    let groups = split_dependent(groups, depends);
    let named = groups.iter().flat_map(|(rows, changes)| {
        let (contact, company) = (changes.contact_id.flatten(), changes.company_id.flatten());
        let named =
            Related { contact, company, lead: changes.lead_id.flatten(), deal: changes.deal_id.flatten() }.named();
        // A record that all these tasks already have may stay even if it is not visible.
        named.into_iter().filter(|one| !rows.iter().all(|task| task.related().named().contains(one)))
    });
    refs::require_visible(tx, &named.collect::<Vec<_>>())?;
    let assignees = newly_referenced(&groups, |changes| changes.assignee_id.flatten(), |row| row.assignee_id);
    refs::require_active(tx, assignees, "/assignee_id")?;
    for (rows, mentioned) in mentioning(&groups) {
        rows.iter().try_for_each(|row| mentions::check(tx, mentioned, &row.mentioned_user_ids))?;
    }
    let mut updates = Vec::with_capacity(groups.len());
    for (rows, changes) in &groups {
        let due = match (changes.due_at, changes.due_date) {
            (None, None) => None,
            (Some(Some(at)), _) => Some((Some(at), None)),
            (_, Some(Some(date))) => Some((None, Some(date))),
            (at, date) => rows.first().map(|row| (at.unwrap_or(row.due_at), date.unwrap_or(row.due_date))),
        };
        // A rule that is sent back unchanged does not begin a new series.
        let new_rule = |row: &&&Task| changes.recurrence.as_ref().is_some_and(|rule| *rule != row.recurrence);
        let series = rows.first().filter(new_rule).filter(|_| matches!(changes.recurrence, Some(Some(_))));
        if let (Some(row), Some(Some(rule))) = (series, &changes.recurrence) {
            let (at, date) = due.unwrap_or((row.due_at, row.due_date));
            series::check(tx, rule, series::local_due(tx, at, date))?;
        }
        let series = series.map(|row| {
            let (at, date) = due.unwrap_or((row.due_at, row.due_date));
            let place = series::begin(tx, row.series_id.unwrap_or(row.id), at, date);
            (
                (tasks::series_id.eq(place.series), tasks::series_start.eq(place.start)),
                (tasks::occurrence.eq(place.occurrence), tasks::occurrence_at.eq(place.at)),
            )
        });
        let due = due.map(|(at, date)| {
            (tasks::due_at.eq(at), tasks::due_date.eq(date), tasks::due_end.eq(due_end(tx, at, date)))
        });
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let these = tasks::table.filter(tasks::workspace_id.eq(tx.workspace())).filter(tasks::id.eq_any(ids));
        let version = (tasks::version.eq(tasks::version + 1), tasks::updated_at.eq(tx.now));
        updates.push(diesel::update(these).set((*changes, due, series, version)).returning(Task::as_returning()));
    }
    let changed: Vec<Task> = execute_combined(tx.conn, updates).map_constraint(CONSTRAINTS)?;
    changed.iter().try_for_each(Task::require_due)?;
    for (rows, mentioned) in mentioning(&groups) {
        for row in rows {
            mentions::tell(tx, Kind::TASK, row.id, &mentioned.added(&row.mentioned_user_ids))?;
        }
    }
    let rescheduled =
        |changes: &TaskUpdate| changes.reminders.is_some() || changes.due_at.is_some() || changes.due_date.is_some();
    let rescheduled = groups.iter().filter(|(_, changes)| rescheduled(changes)).flat_map(|(rows, _)| rows);
    reminders::schedule(tx, rescheduled.map(|row| row.id).collect())?;
    let rows = rows_of(&groups);
    let related = rows.iter().map(|row| row.related()).chain(changed.iter().map(Task::related));
    related::refresh_all(tx, &related.collect::<Vec<_>>())?;
    events::record_changes(tx, &rows, changed)
}

/// Locks and returns tasks that are not deleted, even if the caller does not see them. Used when their record changes.
pub fn lock_existing(tx: &mut Tx<'_>, ids: &[Uuid]) -> Result<Vec<Task>> {
    let these = in_workspace(tx.workspace()).filter(tasks::id.eq_any(ids));
    let these: Vec<Task> = these.order(tasks::id).select(Task::as_select()).for_no_key_update().load(tx.conn)?;
    these.iter().for_each(|task| tx.advance_now(task.updated_at));
    Ok(these)
}

/// Locks and returns the tasks that are still open, even if the caller does not see them. Used when their record
/// changes.
pub fn lock_open(tx: &mut Tx<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, Task>> {
    let open = in_workspace(tx.workspace()).filter(tasks::id.eq_any(ids)).filter(tasks::status.eq(TaskStatus::Open));
    let open: Vec<Task> = open.order(tasks::id).select(Task::as_select()).for_no_key_update().load(tx.conn)?;
    open.iter().for_each(|task| tx.advance_now(task.updated_at));
    Ok(open.into_iter().map(|task| (task.id, task)).collect())
}

pub fn complete(tx: &mut Tx<'_>, id: Uuid, expected: Expected, result: Option<&str>) -> Result<Task> {
    let before = Task::lock(tx, id, expected)?;
    if before.status == TaskStatus::Done {
        return Err(Error::new(Code::AlreadyCompleted, "the task is already completed"));
    }
    let next = series::continue_after(tx, &before)?;
    let after: Task = diesel::update(tasks::table.find((tx.workspace(), id)))
        .set((
            tasks::status.eq(TaskStatus::Done),
            tasks::next_instance_id.eq(next),
            tasks::result.eq(result),
            tasks::completed_at.eq(tx.now),
            tasks::completed_by.eq(tx.actor.user),
            (tasks::version.eq(before.version + 1), tasks::updated_at.eq(tx.now)),
        ))
        .returning(Task::as_returning())
        .get_result(tx.conn)?;
    after.related().refresh(tx)?;
    if tx.actor.actor_kind == ActorKind::User {
        after.related().touch(tx)?;
    }
    if after.is_contact() {
        after.related().answer(tx, tx.now)?;
    }
    tx.record(Event::changed("completed", &before, &after)?);
    Ok(after)
}

/// Restores a task. It may become the next task of its records again.
pub fn restore(tx: &mut Tx<'_>, id: Uuid) -> Result<Task> {
    let row: Task = table::restore(tx, id)?;
    let row = series::leave_if_replaced(tx, row)?;
    reminders::schedule(tx, vec![id])?;
    row.related().refresh(tx)?;
    Ok(row)
}

/// Moves the open tasks of a converted lead to its deal. Tasks without a contact also get the contact.
pub fn move_to_deal(tx: &mut Tx<'_>, lead: Uuid, deal: Uuid, contact: Option<Uuid>) -> Result<usize> {
    let open = in_workspace(tx.workspace()).filter(tasks::lead_id.eq(lead)).filter(tasks::status.eq(TaskStatus::Open));
    let open: Vec<Task> = open.order(tasks::id).select(Task::as_select()).for_no_key_update().load(tx.conn)?;
    open.iter().for_each(|task| tx.advance_now(task.updated_at));
    let (named, nameless): (Vec<&Task>, Vec<&Task>) = open.iter().partition(|task| task.contact_id.is_some());
    let to =
        |contact_id| TaskUpdate { lead_id: Some(None), deal_id: Some(Some(deal)), contact_id, ..TaskUpdate::default() };
    let changes = [to(None), to(contact.map(Some))];
    let groups: Vec<Group<'_, Task, TaskUpdate>> = [named, nameless].into_iter().zip(&changes).collect();
    change_each(tx, &groups.into_iter().filter(|(rows, _)| !rows.is_empty()).collect::<Vec<_>>())?;
    Ok(open.len())
}
