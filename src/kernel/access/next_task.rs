//! The next open task of a record, and whether it is planned, due today or overdue.
use crate::kernel::access::actor::Actor;
use crate::kernel::access::record::Record;
use crate::kernel::fields::cond::{Cond, Op};
use crate::kernel::fields::field::Field;
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::time::{self, DateTime};
use crate::kernel::values::typed::Values;
use crate::text_enum;
use chrono::NaiveDate;
use chrono_tz::Tz;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::{Column, pg::Pg, result::QueryResult};
use serde::Serialize;
use std::cell::RefCell;
use std::marker::PhantomData;
use utoipa::ToSchema;
use uuid::Uuid;

text_enum! {
    pub enum NextTaskState { Planned = "planned", Today = "today", Overdue = "overdue", }
}

/// The open task that is due first, of the record or of what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NextTask {
    pub id: Uuid,
    /// An all-day task is due at the end of its day.
    pub due_at: Option<DateTime>,
    /// The day of an all-day task.
    pub due_date: Option<NaiveDate>,
    pub state: NextTaskState,
}

/// The next task of a row, with its state when the row was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct LoadedTask(Option<NextTask>);

impl LoadedTask {
    pub fn of((id, due_at, due_date): Loaded) -> LoadedTask {
        let state = VIEWER.with_borrow(|viewer| state(due_at, due_date, viewer.now, viewer.zone));
        LoadedTask(id.map(|id| NextTask { id, due_at, due_date, state }))
    }

    pub fn into_inner(self) -> Option<NextTask> {
        self.0
    }
}

fn state(due: Option<DateTime>, all_day: Option<NaiveDate>, now: DateTime, zone: Tz) -> NextTaskState {
    match due {
        Some(due) if due < now => NextTaskState::Overdue,
        Some(due) if all_day.unwrap_or_else(|| time::today(due, zone)) == time::today(now, zone) => {
            NextTaskState::Today
        }
        _ => NextTaskState::Planned,
    }
}

/// For a caller with limited visibility, returns the statement that selects the next task of a record of a kind, as
/// `id`, `due_end` and `due_date`; none if the caller sees no tasks. The stored columns include tasks that such a
/// caller does not see.
pub type VisibleNextTask = Box<dyn Fn(Kind) -> Option<String>>;

/// For whom and when the rows of this thread are loaded.
pub struct Viewer {
    pub now: DateTime,
    /// The time zone in which a task is due today.
    pub zone: Tz,
    /// `None` uses the stored columns.
    pub visible: Option<VisibleNextTask>,
}

thread_local! {
    static VIEWER: RefCell<Viewer> =
        RefCell::new(Viewer { now: DateTime::now(), zone: Tz::UTC, visible: None });
}

/// Sets for whom and when this thread loads rows. Diesel builds a row from its columns alone, so this cannot be an
/// argument.
pub fn set_viewer(viewer: Viewer) {
    VIEWER.set(viewer);
}

/// A column of the next task of records of `R`: the stored column, or what the caller sees.
pub struct Shown<C, R>(PhantomData<fn() -> (C, R)>);

impl<C, R> Shown<C, R> {
    pub const NEW: Shown<C, R> = Shown(PhantomData);
}

impl<C: Column + Default + QueryFragment<Pg>, R: Record> QueryFragment<Pg> for Shown<C, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let (name, none) = match C::NAME {
            "next_task_id" => ("id", "(null::uuid)"),
            "next_task_at" => ("due_end", "(null::timestamptz)"),
            _ => ("due_date", "(null::date)"),
        };
        let visible = VIEWER.with_borrow(|viewer| viewer.visible.as_ref().map(|next| next(R::KIND)));
        match visible {
            Some(None) => out.push_sql(none),
            Some(Some(next)) => {
                out.unsafe_to_cache_prepared();
                out.push_sql(&format!("(select next.{name} from ({next}) next)"));
            }
            None => {
                out.push_identifier(R::KIND.path())?;
                out.push_sql(".");
                out.push_identifier(C::NAME)?;
            }
        }
        Ok(())
    }
}

impl<C: Expression, R> Expression for Shown<C, R> {
    type SqlType = C::SqlType;
}

impl<C: AppearsOnTable<QS>, R, QS: ?Sized> AppearsOnTable<QS> for Shown<C, R> where Self: Expression {}

impl<C: SelectableExpression<QS>, R, QS: ?Sized> SelectableExpression<QS> for Shown<C, R> where Self: AppearsOnTable<QS> {}

impl<C: ValidGrouping<G>, R, G> ValidGrouping<G> for Shown<C, R> {
    type IsAggregate = C::IsAggregate;
}

/// The SQL depends on the caller, so the type cannot identify the statement.
impl<C, R> QueryId for Shown<C, R> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// The columns of the next task in a table.
pub type ShownColumns<Id, At, On, R> = (Shown<Id, R>, Shown<At, R>, Shown<On, R>);

pub const fn shown<Id, At, On, R>() -> ShownColumns<Id, At, On, R> {
    (Shown::NEW, Shown::NEW, Shown::NEW)
}

/// The fields of the next task in one table, for filters.
pub struct NextTaskFields {
    pub id: Field,
    pub at: Field,
    pub on: Field,
}

/// Declares the fields of the next task of a table: `next_task_fields!(deals, Deal)`.
#[macro_export]
macro_rules! next_task_fields {
    ($table:ident, $row:ty) => {{
        use $crate::kernel::access::next_task::{NextTaskFields, Shown};
        use $crate::kernel::fields::field::field;
        NextTaskFields {
            id: field("next_task_id", &$table::next_task_id).shown(&Shown::<$table::next_task_id, $row>::NEW),
            at: field("next_task_at", &$table::next_task_at).shown(&Shown::<$table::next_task_at, $row>::NEW),
            on: field("next_task_on", &$table::next_task_on)
                .at("next_task.due_date")
                .shown(&Shown::<$table::next_task_on, $row>::NEW)
                .beside(),
        }
    }};
}

/// The states of the next task in filters; `none` means that there is no open task.
pub const TASK_STATES: &[&str] = &["none", "planned", "today", "overdue"];

impl NextTaskFields {
    pub fn exists(&'static self) -> Cond {
        !Cond::Empty((&self.id).into())
    }

    /// Returns the condition that the next task has this state, as `NextTaskState` shows it.
    pub fn has_state(&'static self, actor: &Actor, state: &str) -> Cond {
        let (now, zone) = (DateTime::now(), actor.settings.own_time_zone);
        let today = time::today(now, zone);
        let tomorrow = time::day_start(today.succ_opt().unwrap_or(today), zone);
        let at = |op, instant| Cond::Is((&self.at).into(), op, Values::Time(vec![instant]));
        let on_today = Cond::Is((&self.on).into(), Op::Eq, Values::Date(vec![today]));
        let before_tomorrow = Cond::All(vec![Cond::Empty((&self.on).into()), at(Op::Lt, tomorrow)]);
        let is_today = || Cond::All(vec![at(Op::Gte, now), Cond::Any(vec![on_today.clone(), before_tomorrow.clone()])]);
        match state {
            "none" => Cond::Empty((&self.id).into()),
            "overdue" => at(Op::Lt, now),
            "today" => is_today(),
            _ => Cond::All(vec![self.exists(), !at(Op::Lt, now), !is_today()]),
        }
    }
}

/// The values of these columns.
pub type Loaded = (Option<Uuid>, Option<DateTime>, Option<NaiveDate>);

/// Makes the next-task columns of one table selectable as one member of its row.
#[macro_export]
macro_rules! next_task_columns {
    ($name:ident = $table:ident, $row:ty) => {
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name($crate::kernel::access::next_task::LoadedTask);
        type Columns = ($table::next_task_id, $table::next_task_at, $table::next_task_on);
        impl<DB: diesel::backend::Backend> diesel::Selectable<DB> for $name {
            type SelectExpression = $crate::kernel::access::next_task::ShownColumns<
                $table::next_task_id,
                $table::next_task_at,
                $table::next_task_on,
                $row,
            >;
            fn construct_selection() -> Self::SelectExpression {
                $crate::kernel::access::next_task::shown()
            }
        }
        impl diesel::Queryable<diesel::dsl::SqlTypeOf<Columns>, diesel::pg::Pg> for $name {
            type Row = $crate::kernel::access::next_task::Loaded;
            fn build(row: Self::Row) -> diesel::deserialize::Result<Self> {
                Ok($name($crate::kernel::access::next_task::LoadedTask::of(row)))
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::{NextTaskState, state};
    use chrono_tz::Tz;

    #[test]
    fn a_task_is_for_the_day_on_which_it_is_due() {
        let tallinn: Tz = "Europe/Tallinn".parse().unwrap();
        let now = "2026-06-10T20:30:00Z".parse().unwrap(); // half past eleven in the evening
        for (due, day, expected) in [
            (Some("2026-06-10T20:29:59.999Z"), None, NextTaskState::Overdue),
            (Some("2026-06-10T20:30:00Z"), None, NextTaskState::Today),
            (Some("2026-06-10T20:59:59.999Z"), None, NextTaskState::Today),
            (Some("2026-06-10T21:00:00Z"), None, NextTaskState::Planned),
            (Some("2026-06-10T21:00:00Z"), Some("2026-06-10"), NextTaskState::Today),
            (Some("2026-06-11T21:00:00Z"), Some("2026-06-11"), NextTaskState::Planned),
            (Some("2026-06-09T21:00:00Z"), Some("2026-06-09"), NextTaskState::Overdue),
            (None, None, NextTaskState::Planned),
        ] {
            let (at, on) = (due.map(|due| due.parse().unwrap()), day.map(|day| day.parse().unwrap()));
            assert_eq!(state(at, on, now, tallinn), expected, "{due:?} {day:?}");
        }
    }
}
