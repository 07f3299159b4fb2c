//! "Talk to them again on that day" is one task, which moves and goes with the day.
use crate::db::refs;
use crate::db::sql::{Part, Statement};
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

/// Makes, moves and takes back the tasks of leads whose day is another than before. Returns the leads as they are then. What was done
/// or deleted by hand is a matter of the past: another day is another task.
pub fn sync(tx: &mut Tx<'_>, before: &[Option<NaiveDate>], mut rows: Vec<Lead>) -> Result<Vec<Lead>> {
    let rescheduled = |(before, lead): &(&Option<NaiveDate>, &Lead)| **before != lead.come_back_on;
    let rescheduled: Vec<Lead> = before.iter().zip(&rows).filter(rescheduled).map(|(_, lead)| lead.clone()).collect();
    if rescheduled.is_empty() {
        return Ok(rows);
    }
    let open_tasks = open_tasks(tx, &rescheduled)?;
    let (mut made, mut moved, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    for lead in &rescheduled {
        match (open_tasks.get(&lead.id), lead.come_back_on) {
            (Some(task), Some(day)) => {
                moved.push((task, TaskUpdate { due_date: Some(Some(day)), ..TaskUpdate::default() }));
            }
            (Some(task), None) => gone.push(task.clone()),
            (None, Some(day)) => made.push(task_for(lead, day)),
            (None, None) => {}
        }
    }
    let moved: Vec<_> = moved.iter().map(|(task, changes)| (vec![*task], changes)).collect();
    tasks::change_each(tx, &moved)?;
    if !gone.is_empty() {
        tasks::delete_many(tx, &gone)?;
    }
    let gone = refs::suspended(tx, made.iter().map(|task| task.assignee_id))?;
    // Who is suspended does not come back: whoever promises it does.
    for task in made.iter_mut().filter(|task| task.assignee_id.is_some_and(|id| gone.contains(&id))) {
        task.assignee_id = Some(tx.actor.user);
    }
    link(tx, &made)?;
    reload(tx, &rescheduled, &mut rows)?;
    Ok(rows)
}

/// The open tasks that stand for the days of leads, by lead.
fn open_tasks(tx: &mut Tx<'_>, list: &[Lead]) -> Result<HashMap<Uuid, Task>> {
    let these = leads::table.filter(leads::workspace_id.eq(tx.workspace()));
    let these = these.filter(leads::id.eq_any(list.iter().map(|lead| lead.id)));
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

/// The next tasks of the leads are others now.
fn reload(tx: &mut Tx<'_>, rescheduled: &[Lead], rows: &mut [Lead]) -> Result<()> {
    let these = leads::table.filter(leads::workspace_id.eq(tx.workspace()));
    let these = these.filter(leads::id.eq_any(rescheduled.iter().map(|lead| lead.id)));
    let current: Vec<Lead> = these.select(Lead::as_select()).load(tx.conn)?;
    let mut current: HashMap<Uuid, Lead> = current.into_iter().map(|lead| (lead.id, lead)).collect();
    for lead in rows {
        if let Some(now) = current.remove(&lead.id) {
            *lead = now;
        }
    }
    Ok(())
}
