//! The row of a new task.
use crate::db::tx::Tx;
use crate::kernel::values::time::{DateTime, day_start};
use crate::schema::tasks;
use crate::work::mentions::Mentions;
use crate::work::tasks::model::{Days, RecurrenceFrom, TaskPriority};
use crate::work::tasks::reminders::Reminders;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use uuid::Uuid;

/// Returns when a task becomes overdue.
pub fn due_end(tx: &Tx<'_>, at: Option<DateTime>, date: Option<NaiveDate>) -> Option<DateTime> {
    at.or_else(|| date.and_then(|day| day.succ_opt()).map(|next| day_start(next, tx.zone())))
}

/// A row to insert.
#[derive(Insertable)]
#[diesel(table_name = tasks, treat_none_as_default_value = false)]
pub struct NewTask {
    pub workspace_id: Uuid,
    pub id: Uuid,
    pub type_: String,
    pub title: String,
    pub notes: Option<String>,
    pub due_at: Option<DateTime>,
    pub due_date: Option<NaiveDate>,
    pub due_end: Option<DateTime>,
    pub priority: TaskPriority,
    pub assignee_id: Uuid,
    pub contact_id: Option<Uuid>,
    pub company_id: Option<Uuid>,
    pub lead_id: Option<Uuid>,
    pub deal_id: Option<Uuid>,
    pub mentioned_user_ids: Mentions,
    pub duration_minutes: Option<i32>,
    pub place: Option<String>,
    pub reminders: Reminders,
    pub recurrence: Option<String>,
    pub recurrence_from: RecurrenceFrom,
    pub recurrence_exceptions: Days,
    pub series_id: Option<Uuid>,
    pub series_start: Option<NaiveDateTime>,
    pub occurrence: i32,
    pub occurrence_at: Option<NaiveDateTime>,
    pub created_at: DateTime,
    pub updated_at: DateTime,
}
