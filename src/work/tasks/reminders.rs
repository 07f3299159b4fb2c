//! Reminders of tasks.
use crate::db::related;
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::jsonb;
use crate::kernel::error::{FieldCode, FieldError, Result};
use crate::kernel::values::time::DateTime;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// When to remind the assignee. Exactly one of the members has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = TaskReminder)]
pub struct Reminder {
    /// Minutes before `due_at`. For an all-day task, minutes before the beginning of its day; -540 is nine o'clock on that
    /// day.
    #[schema(minimum = -1440, maximum = 525_600, example = 30)]
    pub minutes_before: Option<i32>,
    /// An instant.
    pub at: Option<DateTime>,
}

/// The reminders of a task, as stored in its row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(transparent)]
pub struct Reminders(pub Vec<Reminder>);
jsonb!(Reminders);

impl Reminders {
    pub fn rules(&self, bad: &mut Vec<FieldError>) {
        for (n, reminder) in self.0.iter().enumerate() {
            if reminder.minutes_before.is_some() == reminder.at.is_some() {
                let detail = "must have either minutes_before or at";
                bad.push(FieldError::member(format!("/reminders/{n}"), FieldCode::Invalid, detail));
            }
        }
    }

    /// Returns those that also apply to the next task of a series.
    #[must_use]
    pub fn relative(&self) -> Reminders {
        Reminders(self.0.iter().filter(|reminder| reminder.minutes_before.is_some()).copied().collect())
    }
}

/// The number of reminders that are told in one transaction.
const AT_ONCE: i64 = 500;

/// Tells assignees of reminders that are due. Returns whether more may be waiting.
pub fn tell(conn: &mut PgConnection, now: DateTime) -> Result<bool> {
    let statement =
        Statement::new(include_str!("remind.sql")).set("now", Part::At(now)).set("most", Part::Int(AT_ONCE));
    Ok(i64::try_from(statement.execute(conn)?) == Ok(AT_ONCE))
}

/// Sets the time of the next reminder of tasks whose due time or reminders changed. Reminders in the past are left out.
pub fn schedule(tx: &mut Tx<'_>, tasks: Vec<Uuid>) -> Result<()> {
    if tasks.is_empty() {
        return Ok(());
    }
    let which = Statement::new("tasks.id = any(:ids)").set("ids", Part::Ids(tasks));
    related::schedule_reminders(tx, tx.zone(), which)
}
