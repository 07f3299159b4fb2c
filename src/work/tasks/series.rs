//! The next task of a series, and what happens to it when a completed task is reopened.
use crate::db::event::Event;
use crate::db::refs;
use crate::db::store::BatchStore;
use crate::db::table::{Expected, Stored};
use crate::db::tx::Tx;
use crate::kernel::error::{Code, Error, FieldCode, FieldError, Result};
use crate::kernel::values::time::{DateTime, instant_of};
use crate::schema::tasks;
use crate::work::tasks::model::{RecurrenceFrom, Task, TaskStatus};
use crate::work::tasks::recurrence::{Recurrence, local};
use crate::work::tasks::reminders;
use crate::work::tasks::row::{NewTask, due_end};
use chrono::{Datelike, Duration, NaiveDate, NaiveDateTime, NaiveTime};
use diesel::prelude::*;
use uuid::Uuid;

/// Where a task is in its series. Times are local, so that they survive a change of the time zone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    pub series: Option<Uuid>,
    /// When the first task was due.
    pub start: Option<NaiveDateTime>,
    pub occurrence: i32,
    /// When this task is due by the rule.
    pub at: Option<NaiveDateTime>,
}

/// Returns when a task is due, in local time. An all-day task is due at the beginning of its day.
pub fn local_due(tx: &Tx<'_>, at: Option<DateTime>, date: Option<NaiveDate>) -> Option<NaiveDateTime> {
    at.map(|at| local(at, tx.zone())).or_else(|| date.map(|day| day.and_time(NaiveTime::MIN)))
}

/// Returns the place of the first task of a series.
pub fn begin(tx: &Tx<'_>, task: Uuid, at: Option<DateTime>, date: Option<NaiveDate>) -> Place {
    let start = local_due(tx, at, date);
    Place { series: Some(task), start, occurrence: 1, at: start }
}

/// Checks a rule for a task with this due time.
pub fn check(tx: &Tx<'_>, rule: &str, due: Option<NaiveDateTime>) -> Result<(), FieldError> {
    let recurrence = Recurrence::read(rule, tx.zone()).map_err(|bad| bad.at_member("/recurrence"))?;
    let Some(due) = due else {
        return Err(FieldError::member("/recurrence", FieldCode::Required, "requires due_at or due_date"));
    };
    recurrence.check(due).map_err(|bad| bad.at_member("/recurrence"))
}

/// Creates the next task of a locked task's series. Returns none if the series has ended.
pub fn continue_after(tx: &mut Tx<'_>, task: &Task) -> Result<Option<Uuid>> {
    let Some(rule) = &task.recurrence else { return Ok(None) };
    let columns = (tasks::series_start, tasks::occurrence_at);
    let row = tasks::table.find((tx.workspace(), task.id)).select(columns);
    let (start, slot): (Option<NaiveDateTime>, Option<NaiveDateTime>) = row.first(tx.conn)?;
    let Some(next) = next_due(tx, task, rule, start, slot)? else { return Ok(None) };
    let id = Uuid::now_v7();
    let all_day = task.due_date.is_some();
    let (due_at, due_date) =
        if all_day { (None, Some(next.date())) } else { (Some(instant_of(next, tx.zone())), None) };
    let assignee = refs::active_or_caller(tx, task.assignee_id)?.unwrap_or(tx.actor.user);
    let row = NewTask {
        workspace_id: tx.workspace(),
        id,
        type_: task.r#type.clone(),
        title: task.title.clone(),
        notes: task.notes.clone(),
        due_at,
        due_date,
        due_end: due_end(tx, due_at, due_date),
        priority: task.priority,
        assignee_id: assignee,
        contact_id: task.contact_id,
        company_id: task.company_id,
        lead_id: task.lead_id,
        deal_id: task.deal_id,
        mentioned_user_ids: task.mentioned_user_ids.clone(),
        duration_minutes: task.duration_minutes,
        place: task.place.clone(),
        reminders: task.reminders.relative(),
        recurrence: task.recurrence.clone(),
        recurrence_from: task.recurrence_from,
        recurrence_exceptions: task.recurrence_exceptions.clone(),
        series_id: task.series_id,
        series_start: start,
        occurrence: task.occurrence + 1,
        occurrence_at: Some(next),
        created_at: tx.now,
        updated_at: tx.now,
    };
    let made: Task =
        diesel::insert_into(tasks::table).values(row).returning(Task::as_returning()).get_result(tx.conn)?;
    reminders::schedule(tx, vec![id])?;
    tx.record(Event::created(&made)?);
    Ok(Some(id))
}

fn next_due(
    tx: &Tx<'_>,
    task: &Task,
    rule: &str,
    start: Option<NaiveDateTime>,
    slot: Option<NaiveDateTime>,
) -> Result<Option<NaiveDateTime>> {
    let recurrence = Recurrence::read(rule, tx.zone()).map_err(|bad| Error::internal(bad.detail))?;
    let occurrence = u32::try_from(task.occurrence).unwrap_or(u32::MAX);
    if recurrence.count.is_some_and(|count| occurrence >= count) {
        return Ok(None);
    }
    let Some(due) = local_due(tx, task.due_at, task.due_date).or(slot) else { return Ok(None) };
    let (now, slot, start) = (local(tx.now, tx.zone()), slot.unwrap_or(due), start.unwrap_or(due));
    let left_out = &task.recurrence_exceptions.0;
    let next = match task.recurrence_from {
        RecurrenceFrom::Due => {
            // An all-day task can still be due today, one with a time only later today.
            let yesterday = now.date() - Duration::days(1);
            let passed = if task.due_date.is_some() { yesterday.and_time(NaiveTime::MIN) } else { now };
            // An all-day task that got a time is the first one with that time; the tasks after it keep it.
            let timed = task.due_at.is_some() && slot.time() == NaiveTime::MIN;
            let time = if timed { due.time() } else { slot.time() };
            recurrence.next(start.date().and_time(time), slot.date().and_time(time).max(passed), left_out)
        }
        RecurrenceFrom::Completion => {
            let completed = now.date().and_time(due.time());
            recurrence.next(completed, completed, left_out)
        }
    };
    // Dates after the year 9998 are out of range.
    Ok(next.filter(|next| next.year() < 9999))
}

/// Takes a restored task out of its series if that goes on without it, so that no series runs twice.
pub fn leave_if_replaced(tx: &mut Tx<'_>, task: Task) -> Result<Task> {
    if task.recurrence.is_none() || task.occurrence == 1 || task.status == TaskStatus::Done {
        return Ok(task);
    }
    let series = tasks::table.filter(tasks::workspace_id.eq(tx.workspace())).filter(tasks::deleted_at.is_null());
    let before = series.filter(tasks::next_instance_id.eq(task.id)).select(tasks::id);
    if before.first::<Uuid>(tx.conn).optional()?.is_some() {
        return Ok(task);
    }
    let after: Task = diesel::update(tasks::table.find((tx.workspace(), task.id)))
        .set((tasks::recurrence.eq(None::<String>), tasks::version.eq(task.version + 1), tasks::updated_at.eq(tx.now)))
        .returning(Task::as_returning())
        .get_result(tx.conn)?;
    tx.record(Event::changed("updated", &task, &after)?);
    Ok(after)
}

/// Makes a completed task open again. The next task of its series is deleted if nobody has changed it; otherwise the
/// series goes on with that one, and this task leaves it.
pub fn reopen(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<Task> {
    let before = Task::lock(tx, id, expected)?;
    if before.status != TaskStatus::Done {
        return Err(Error::new(Code::NotCompleted, "the task is not completed"));
    }
    let next = before.next_instance_id.map(|next| Task::lock_many(tx, &[next])).transpose()?.unwrap_or_default();
    let next = next.into_values().next();
    // A deleted next task is not found: then the series goes on with this one again.
    let elsewhere = next.as_ref().is_some_and(|next| next.status != TaskStatus::Open || next.version != 1);
    let rule = before.recurrence.clone().filter(|_| !elsewhere);
    let unchanged = next.filter(|_| !elsewhere);
    let after: Task = diesel::update(tasks::table.find((tx.workspace(), id)))
        .set((
            tasks::status.eq(TaskStatus::Open),
            tasks::result.eq(None::<String>),
            tasks::completed_at.eq(None::<DateTime>),
            tasks::completed_by.eq(None::<Uuid>),
            (tasks::next_instance_id.eq(None::<Uuid>), tasks::recurrence.eq(rule)),
            (tasks::version.eq(before.version + 1), tasks::updated_at.eq(tx.now)),
        ))
        .returning(Task::as_returning())
        .get_result(tx.conn)?;
    if let Some(next) = unchanged {
        Task::delete_many(tx, &[next])?;
    }
    reminders::schedule(tx, vec![id])?;
    after.related().refresh(tx)?;
    tx.record(Event::changed("reopened", &before, &after)?);
    Ok(after)
}
