//! The next open task of a record, and whether it is for today or late.
use crate::kernel::time::{self, DateTime};
use crate::text_enum;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use uuid::Uuid;

text_enum! {
    pub enum NextTaskState { Planned = "planned", Today = "today", Overdue = "overdue", }
}

/// The open task that is due first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NextTask {
    pub id: Uuid,
    /// An all-day task is due at the end of its day.
    pub due_at: Option<DateTime>,
    pub state: NextTaskState,
}

/// The two columns behind it; the state depends on the moment of the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NextTaskColumns {
    pub id: Option<Uuid>,
    pub due_at: Option<DateTime>,
}

impl NextTaskColumns {
    fn get(&self) -> Option<NextTask> {
        let (id, now) = (self.id?, DateTime::now());
        let day = |at| time::today(at, time::zone());
        let instant = chrono::Duration::milliseconds(1);
        let state = match self.due_at {
            Some(due) if due < now => NextTaskState::Overdue,
            // An all-day task is due when the next day begins.
            Some(due) if day(due.plus(-instant)) == day(now) => NextTaskState::Today,
            _ => NextTaskState::Planned,
        };
        Some(NextTask { id, due_at: self.due_at, state })
    }
}

impl Serialize for NextTaskColumns {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.get().serialize(s)
    }
}

/// Makes the columns of one table selectable as one member.
#[macro_export]
macro_rules! next_task_columns {
    ($name:ident = $table:ident) => {
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(pub $crate::kernel::next_task::NextTaskColumns);
        impl<DB: diesel::backend::Backend> diesel::Selectable<DB> for $name {
            type SelectExpression = ($table::next_task_id, $table::next_task_at);
            fn construct_selection() -> Self::SelectExpression {
                ($table::next_task_id, $table::next_task_at)
            }
        }
        impl diesel::Queryable<diesel::dsl::SqlTypeOf<($table::next_task_id, $table::next_task_at)>, diesel::pg::Pg>
            for $name
        {
            type Row = (Option<uuid::Uuid>, Option<$crate::kernel::time::DateTime>);
            fn build((id, due_at): Self::Row) -> diesel::deserialize::Result<Self> {
                Ok($name($crate::kernel::next_task::NextTaskColumns { id, due_at }))
            }
        }
    };
}
