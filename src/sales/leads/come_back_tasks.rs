//! Keeps one task per lead in step with the `come_back_on` date of the lead.
use crate::db::refs;
use crate::db::sql::{Part, Statement};
use crate::db::store::BatchStore;
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::sales::leads::model::Lead;
use crate::schema::leads;
use crate::work::tasks::model::{Task, TaskCreate, TaskUpdate};
use crate::work::tasks::store as tasks;
use chrono::NaiveDate;
use diesel::prelude::*;
use std::collections::HashMap;
use uuid::Uuid;

const LINK: &str = "update leads set come_back_task_id = made.task from unnest(:leads, :tasks) made (lead, task) \
    where leads.workspace_id = :workspace and leads.id = made.lead";

fn task_for(lead: &Lead, day: NaiveDate) -> TaskCreate {
    TaskCreate {
        r#type: Some("call".into()),
        title: format!("Come back to {}", lead.title).chars().take(300).collect(),
        due_date: Some(day),
        assignee_id: lead.owner_id,
        contact_id: lead.contact_id,
        lead_id: Some(lead.id),
        ..TaskCreate::default()
    }
}

/// A lead whose `come_back_on` date, contact or owner changed; `before` is its state before the change.
struct Rescheduled<'l> {
    before: Option<&'l Lead>,
    lead: Lead,
}

/// Checks whether a change affects the task: its date, its contact or its assignee.
fn affects_task(before: Option<&Lead>, lead: &Lead) -> bool {
    let Some(before) = before else { return lead.come_back_on.is_some() };
    let task_for = |lead: &Lead| (lead.come_back_on, lead.contact_id, lead.owner_id);
    (before.come_back_on.is_some() || lead.come_back_on.is_some()) && task_for(before) != task_for(lead)
}

impl Rescheduled<'_> {
    fn is_for_another_day(&self) -> bool {
        self.before.and_then(|before| before.come_back_on) != self.lead.come_back_on
    }

    /// Returns the changes to the task. It follows the date and the contact, and also the owner if the owner is the
    /// assignee.
    fn follow(&self, task: &Task) -> TaskUpdate {
        let other = |of: fn(&Lead) -> Option<Uuid>, has: Option<Uuid>| {
            let before = self.before.and_then(of);
            let goes = self.before.is_some() && has == before && before != of(&self.lead);
            goes.then(|| of(&self.lead))
        };
        TaskUpdate {
            due_date: self.is_for_another_day().then_some(self.lead.come_back_on),
            contact_id: other(|lead| lead.contact_id, task.contact_id),
            assignee_id: other(|lead| lead.owner_id, task.assignee_id).filter(Option::is_some),
            ..TaskUpdate::default()
        }
    }
}

/// Creates, updates and deletes the tasks of leads whose date changed, and updates the contact and assignee of the
/// other tasks. Returns the updated leads. A task that was completed or deleted by hand is not reused: a new date
/// creates a new task.
pub fn sync(tx: &mut Tx<'_>, before: &[Option<&Lead>], mut rows: Vec<Lead>) -> Result<Vec<Lead>> {
    let affected = before.iter().zip(&rows).filter(|(before, lead)| affects_task(**before, lead));
    let rescheduled: Vec<Rescheduled<'_>> =
        affected.map(|(before, lead)| Rescheduled { before: *before, lead: lead.clone() }).collect();
    if rescheduled.is_empty() {
        return Ok(rows);
    }
    let open_tasks = open_tasks(tx, &rescheduled)?;
    let (mut made, mut moved, mut deleted) = (Vec::new(), Vec::new(), Vec::new());
    for one in &rescheduled {
        match (open_tasks.get(&one.lead.id), one.lead.come_back_on) {
            (Some(task), Some(_)) => moved.push((task, one.follow(task))),
            (Some(task), None) => deleted.push(task.clone()),
            (None, Some(day)) if one.is_for_another_day() => made.push(task_for(&one.lead, day)),
            (None, _) => {}
        }
    }
    // A suspended user cannot do the task, so the caller gets it.
    let assignee = |(task, changes): &(&Task, TaskUpdate)| changes.assignee_id.unwrap_or(task.assignee_id);
    let named = made.iter().map(|task| task.assignee_id).chain(moved.iter().map(assignee));
    let suspended = refs::suspended(tx, named.collect::<Vec<_>>())?;
    let is_active = |user: Option<Uuid>| user.is_none_or(|user| !suspended.contains(&user));
    for task in made.iter_mut().filter(|task| !is_active(task.assignee_id)) {
        task.assignee_id = Some(tx.actor.user);
    }
    for one in &mut moved {
        if !is_active(assignee(one)) {
            one.1.assignee_id = Some(Some(tx.actor.user));
        }
    }
    let moved: Vec<_> = moved.iter().map(|(task, changes)| (vec![*task], changes)).collect();
    tasks::change_each(tx, &moved)?;
    if !deleted.is_empty() {
        Task::delete_many(tx, &deleted)?;
    }
    link(tx, &made)?;
    reload(tx, &rescheduled, &mut rows)?;
    Ok(rows)
}

/// Returns the open `come_back_on` tasks of the leads, by lead.
fn open_tasks(tx: &mut Tx<'_>, list: &[Rescheduled<'_>]) -> Result<HashMap<Uuid, Task>> {
    let these = leads::table.filter(leads::workspace_id.eq(tx.workspace()));
    let these = these.filter(leads::id.eq_any(list.iter().map(|one| one.lead.id)));
    let links = these.filter(leads::come_back_task_id.is_not_null());
    let links: Vec<(Uuid, Uuid)> =
        links.select((leads::id, leads::come_back_task_id.assume_not_null())).load(tx.conn)?;
    if links.is_empty() {
        return Ok(HashMap::new());
    }
    let mut open = tasks::lock_open(tx, &links.iter().map(|(_, task)| *task).collect::<Vec<_>>())?;
    Ok(links.into_iter().filter_map(|(lead, task)| Some((lead, open.remove(&task)?))).collect())
}

fn link(tx: &mut Tx<'_>, made: &[TaskCreate]) -> Result<()> {
    if made.is_empty() {
        return Ok(());
    }
    let made = tasks::insert_many(tx, &made.iter().collect::<Vec<_>>())?;
    Statement::new(LINK)
        .set("workspace", Part::Id(tx.workspace()))
        .set("leads", Part::Ids(made.iter().filter_map(|task| task.lead_id).collect()))
        .set("tasks", Part::Ids(made.iter().map(|task| task.id).collect()))
        .execute(tx.conn)?;
    Ok(())
}

/// Reloads the leads, because their next tasks may have changed.
fn reload(tx: &mut Tx<'_>, rescheduled: &[Rescheduled<'_>], rows: &mut [Lead]) -> Result<()> {
    let these = leads::table.filter(leads::workspace_id.eq(tx.workspace()));
    let these = these.filter(leads::id.eq_any(rescheduled.iter().map(|one| one.lead.id)));
    let current: Vec<Lead> = these.select(Lead::as_select()).load(tx.conn)?;
    let mut current: HashMap<Uuid, Lead> = current.into_iter().map(|lead| (lead.id, lead)).collect();
    for lead in rows {
        if let Some(now) = current.remove(&lead.id) {
            *lead = now;
        }
    }
    Ok(())
}
