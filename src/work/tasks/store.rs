//! Database access for tasks.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::store::BatchStore;
use crate::db::table::{self, Expected, Stored};
use crate::db::tx::Tx;
use crate::db::updates::{Group, execute_combined, newly_referenced, rows_of, split_dependent};
use crate::db::{refs, visibility};
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::kernel::values::time::{DateTime, day_start};
use crate::schema::tasks;
use crate::work::related::{self, Related};
use crate::work::tasks::model::{TASK, Task, TaskCreate, TaskPriority, TaskStatus, TaskUpdate};
use crate::{insert_rows, restorable, stored};
use chrono::NaiveDate;
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
        insert_many(tx, new)
    }

    fn change_each(tx: &mut Tx<'_>, groups: &[Group<'_, Task, TaskUpdate>]) -> Result<Vec<Task>> {
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

fn due_end(tx: &Tx<'_>, at: Option<DateTime>, date: Option<NaiveDate>) -> Option<DateTime> {
    at.or_else(|| date.and_then(|day| day.succ_opt()).map(|next| day_start(next, tx.zone())))
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
    let row = |new: &&TaskCreate| NewTask {
        workspace_id: tx.workspace(),
        id: new.id.unwrap_or_else(Uuid::now_v7),
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
        created_at: tx.now,
        updated_at: tx.now,
    };
    let rows: Vec<NewTask> = list.iter().map(row).collect();
    let made: Vec<Task> = insert_rows!(tx, tasks, rows, Task).map_constraint(CONSTRAINTS)?;
    refresh(tx, &made)?;
    for task in &made {
        tx.record(Event::created(task)?);
    }
    Ok(made)
}

/// A row to insert.
#[derive(Insertable)]
#[diesel(table_name = tasks, treat_none_as_default_value = false)]
struct NewTask {
    workspace_id: Uuid,
    id: Uuid,
    type_: String,
    title: String,
    notes: Option<String>,
    due_at: Option<DateTime>,
    due_date: Option<NaiveDate>,
    due_end: Option<DateTime>,
    priority: TaskPriority,
    assignee_id: Uuid,
    contact_id: Option<Uuid>,
    company_id: Option<Uuid>,
    lead_id: Option<Uuid>,
    deal_id: Option<Uuid>,
    created_at: DateTime,
    updated_at: DateTime,
}

/// Changes locked tasks, each group in its own way.
pub fn change_each(tx: &mut Tx<'_>, groups: &[Group<'_, Task, TaskUpdate>]) -> Result<Vec<Task>> {
    // If one of the two due members is cleared, the result depends on the other one of each task.
    let one_cleared = |changes: &TaskUpdate| {
        !matches!((changes.due_at, changes.due_date), (None, None) | (Some(Some(_)), _) | (_, Some(Some(_))))
    };
    let groups = split_dependent(groups, one_cleared);
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
    let mut updates = Vec::with_capacity(groups.len());
    for (rows, changes) in &groups {
        let due = match (changes.due_at, changes.due_date) {
            (None, None) => None,
            (Some(Some(at)), _) => Some((Some(at), None)),
            (_, Some(Some(date))) => Some((None, Some(date))),
            (at, date) => rows.first().map(|row| (at.unwrap_or(row.due_at), date.unwrap_or(row.due_date))),
        };
        let due = due.map(|(at, date)| {
            (tasks::due_at.eq(at), tasks::due_date.eq(date), tasks::due_end.eq(due_end(tx, at, date)))
        });
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let these = tasks::table.filter(tasks::workspace_id.eq(tx.workspace())).filter(tasks::id.eq_any(ids));
        let version = (tasks::version.eq(tasks::version + 1), tasks::updated_at.eq(tx.now));
        updates.push(diesel::update(these).set((*changes, due, version)).returning(Task::as_returning()));
    }
    let changed: Vec<Task> = execute_combined(tx.conn, updates).map_constraint(CONSTRAINTS)?;
    let rows = rows_of(&groups);
    let related = rows.iter().map(|row| row.related()).chain(changed.iter().map(Task::related));
    related::refresh_all(tx, &related.collect::<Vec<_>>())?;
    events::record_changes(tx, &rows, changed)
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
    let after: Task = diesel::update(tasks::table.find((tx.workspace(), id)))
        .set((
            tasks::status.eq(TaskStatus::Done),
            tasks::result.eq(result),
            tasks::completed_at.eq(tx.now),
            tasks::completed_by.eq(tx.actor.user),
            (tasks::version.eq(before.version + 1), tasks::updated_at.eq(tx.now)),
        ))
        .returning(Task::as_returning())
        .get_result(tx.conn)?;
    after.related().refresh(tx)?;
    after.related().touch(tx)?;
    tx.record(Event::changed("completed", &before, &after)?);
    Ok(after)
}

/// Restores a task. It may become the next task of its records again.
pub fn restore(tx: &mut Tx<'_>, id: Uuid) -> Result<Task> {
    let row: Task = table::restore(tx, id)?;
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
