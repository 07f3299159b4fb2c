//! The row of a task, its request bodies and its fields.
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::resource::{Builtin, Descriptor, OwnerLink, Reach, Resource};
use crate::kernel::answers::page::Page;
use crate::kernel::bodies::merge_patch;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{FieldCode, FieldError, Result};
use crate::kernel::fields::field::{Field, field, inside};
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::{Search, exact};
use crate::kernel::query::fields::{Fields, Link, LinkedBy};
use crate::kernel::values::event_verbs as verbs;
use crate::kernel::values::time::DateTime;
use crate::schema::tasks;
use crate::work::mentions::Mentions;
use crate::work::related::Related;
use crate::work::tasks::reminders::{Reminder, Reminders};
use crate::{jsonb, list_params, record, text_enum};
use chrono::NaiveDate;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use uuid::Uuid;

text_enum! {
    pub enum TaskPriority { Low = "low", Normal = "normal", High = "high", }
}
text_enum! {
    /// From when the next task of a series is counted: from the due times that the rule gives (missed ones are left out),
    /// or from the day on which the task was completed.
    pub enum RecurrenceFrom { Due = "due", Completion = "completion", }
}
text_enum! {
    pub enum TaskStatus { Open = "open", Done = "done", }
}

/// Days, as stored in the row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(transparent)]
pub struct Days(pub Vec<NaiveDate>);
jsonb!(Days);

/// A task.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = tasks)]
#[schema(as = CrmTask)]
pub struct Task {
    pub id: Uuid,
    /// `call`, `meeting`, `email`, `message`, `visit`, `todo`, or a custom type.
    #[diesel(column_name = type_)]
    pub r#type: String,
    pub title: String,
    pub notes: Option<String>,
    /// When the task is due. An all-day task has `due_date` instead.
    pub due_at: Option<DateTime>,
    /// The day on which an all-day task is due.
    pub due_date: Option<NaiveDate>,
    /// When the task becomes overdue: `due_at`, or the end of `due_date` in the time zone of the workspace.
    pub due_end: Option<DateTime>,
    pub priority: TaskPriority,
    pub assignee_id: Option<Uuid>,
    pub contact_id: Option<Uuid>,
    pub company_id: Option<Uuid>,
    pub lead_id: Option<Uuid>,
    pub deal_id: Option<Uuid>,
    /// The users whom the notes mention; `include=mentioned_users` returns their names.
    #[schema(value_type = Vec<Uuid>)]
    pub mentioned_user_ids: Mentions,
    /// How long the task takes.
    pub duration_minutes: Option<i32>,
    pub place: Option<String>,
    #[schema(value_type = Vec<Reminder>)]
    pub reminders: Reminders,
    /// The rule of the series (RFC 5545).
    pub recurrence: Option<String>,
    pub recurrence_from: RecurrenceFrom,
    /// Days without a task of the series.
    #[schema(value_type = Vec<NaiveDate>)]
    pub recurrence_exceptions: Days,
    /// The id of the first task of the series.
    pub series_id: Option<Uuid>,
    /// The place in the series, from 1.
    pub occurrence: i32,
    /// The task of the series that followed when this one was completed.
    pub next_instance_id: Option<Uuid>,
    pub status: TaskStatus,
    pub result: Option<String>,
    pub completed_at: Option<DateTime>,
    pub completed_by: Option<Uuid>,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
    /// When the record was deleted. Only lists with `include_deleted` or `only_deleted` contain deleted records.
    pub deleted_at: Option<DateTime>,
}
impl NothingHidden for Task {}
record!(Task, TASK);

impl Kind {
    pub const TASK: Kind = Kind::new("task", "tasks");
}

static ASSIGNEE: Field = field("assignee_id", &tasks::assignee_id).hot();
static LINKS: [OwnerLink; 4] = crate::linked_records!(tasks);

impl Resource for Task {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::TASK, "Tasks with due dates.")
        .owned(Reach::OwnerOrLinked(&ASSIGNEE, &LINKS), Builtin::Viewer, Builtin::Seller, Builtin::Seller)
        .events(&[verbs::SOFT, &["completed", "reopened"]])
        .described(&TASK, "CrmTask")
        .displayed_as("tasks.title")
        .with_csv();
}
pub type TaskPage = Page<Task>;

impl Task {
    /// Checks whether completing the task means that somebody contacted the person.
    pub fn is_contact(&self) -> bool {
        matches!(self.r#type.as_str(), "call" | "meeting" | "email" | "message" | "visit")
    }

    /// Checks that a task with a series or with relative reminders is due at some time.
    pub fn require_due(&self) -> Result<(), FieldError> {
        let missing = |pointer: String| FieldError::member(pointer, FieldCode::Required, "requires due_at or due_date");
        let relative = self.reminders.0.iter().position(|reminder| reminder.minutes_before.is_some());
        match (self.due_end, &self.recurrence, relative) {
            (None, Some(_), _) => Err(missing("/recurrence".into())),
            (None, None, Some(n)) => Err(missing(format!("/reminders/{n}/minutes_before"))),
            _ => Ok(()),
        }
    }

    pub fn related(&self) -> Related {
        Related { contact: self.contact_id, company: self.company_id, lead: self.lead_id, deal: self.deal_id }
    }
}

#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct TaskCreate {
    pub id: Option<Uuid>,
    /// `todo` if absent.
    #[schema(min_length = 1, max_length = 50)]
    pub r#type: Option<String>,
    #[schema(min_length = 1, max_length = 300)]
    pub title: String,
    #[schema(max_length = 10_000)]
    pub notes: Option<String>,
    pub due_at: Option<DateTime>,
    /// The day on which an all-day task is due.
    pub due_date: Option<NaiveDate>,
    /// `normal` if absent.
    pub priority: Option<TaskPriority>,
    /// If absent, yourself.
    pub assignee_id: Option<Uuid>,
    pub contact_id: Option<Uuid>,
    pub company_id: Option<Uuid>,
    pub lead_id: Option<Uuid>,
    pub deal_id: Option<Uuid>,
    /// The users whom the notes mention. Each gets a notification if the role shows the task.
    #[serde(default)]
    #[schema(value_type = Vec<Uuid>, max_items = 20)]
    pub mentioned_user_ids: Mentions,
    /// How long the task takes.
    #[schema(minimum = 1, maximum = 20_160)]
    pub duration_minutes: Option<i32>,
    #[schema(max_length = 500)]
    pub place: Option<String>,
    #[serde(default)]
    #[schema(value_type = Vec<Reminder>, max_items = 10)]
    pub reminders: Reminders,
    /// A rule of RFC 5545 with days as the smallest unit, such as `FREQ=WEEKLY;BYDAY=MO`. When the task is completed, the
    /// next one is created. Requires a due time or day.
    #[schema(min_length = 1, max_length = 500, example = "FREQ=WEEKLY;BYDAY=MO")]
    pub recurrence: Option<String>,
    /// `due` if absent.
    pub recurrence_from: Option<RecurrenceFrom>,
    /// Days without a task of the series.
    #[serde(default)]
    #[schema(value_type = Vec<NaiveDate>, max_items = 100)]
    pub recurrence_exceptions: Days,
}

impl Rules for TaskCreate {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        self.reminders.rules(bad);
        let due = self.due_at.is_some() || self.due_date.is_some();
        if self.recurrence.is_some() && !due {
            bad.push(FieldError::member("/recurrence", FieldCode::Required, "requires due_at or due_date"));
        }
        let relative = self.reminders.0.iter().position(|reminder| reminder.minutes_before.is_some());
        if let Some(n) = relative.filter(|_| !due) {
            let pointer = format!("/reminders/{n}/minutes_before");
            bad.push(FieldError::member(pointer, FieldCode::Required, "requires due_at or due_date"));
        }
        if self.due_at.is_some() && self.due_date.is_some() {
            bad.push(FieldError::member("/due_date", FieldCode::StatedTwice, "must not be combined with due_at"));
        }
    }
}

#[derive(Debug, Default, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = tasks)]
pub struct TaskUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 50)]
    #[diesel(column_name = type_)]
    pub r#type: Option<String>,
    #[schema(nullable = false, min_length = 1, max_length = 300)]
    pub title: Option<String>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 10_000)]
    pub notes: Option<Option<String>>,
    /// Setting it clears `due_date`.
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[diesel(skip_update)]
    pub due_at: Option<Option<DateTime>>,
    /// Setting it clears `due_at`.
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[diesel(skip_update)]
    pub due_date: Option<Option<NaiveDate>>,
    #[schema(nullable = false)]
    pub priority: Option<TaskPriority>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub assignee_id: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub contact_id: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub company_id: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub lead_id: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub deal_id: Option<Option<Uuid>>,
    /// Replaces all mentions. Users who are new among them get a notification.
    #[schema(nullable = false, value_type = Option<Vec<Uuid>>, max_items = 20)]
    pub mentioned_user_ids: Option<Mentions>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(minimum = 1, maximum = 20_160)]
    pub duration_minutes: Option<Option<i32>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 500)]
    pub place: Option<Option<String>>,
    /// Replaces all reminders.
    #[schema(nullable = false, value_type = Option<Vec<Reminder>>, max_items = 10)]
    pub reminders: Option<Reminders>,
    /// Begins a new series with this task. Null ends the series.
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(min_length = 1, max_length = 500, example = "FREQ=WEEKLY;BYDAY=MO")]
    pub recurrence: Option<Option<String>>,
    #[schema(nullable = false)]
    pub recurrence_from: Option<RecurrenceFrom>,
    /// Replaces all exceptions.
    #[schema(nullable = false, value_type = Option<Vec<NaiveDate>>, max_items = 100)]
    pub recurrence_exceptions: Option<Days>,
}

impl TaskUpdate {
    /// Checks whether the change plans the task anew: with whom, how or when.
    pub fn plans(&self) -> bool {
        self.contact_id.is_some() || self.r#type.is_some() || self.due_at.is_some()
    }
}

impl Rules for TaskUpdate {
    crate::read_only_members_of!(Task);

    fn rules(&self, bad: &mut Vec<FieldError>) {
        self.reminders.iter().for_each(|reminders| reminders.rules(bad));
        if matches!((self.due_at, self.due_date), (Some(Some(_)), Some(Some(_)))) {
            bad.push(FieldError::member("/due_date", FieldCode::StatedTwice, "must not be combined with due_at"));
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct TaskCompletion {
    /// The result of the task.
    #[schema(max_length = 10_000)]
    pub result: Option<String>,
}
impl Rules for TaskCompletion {}

static DUE_DATE: Field = field("due_date", &tasks::due_date).beside();

pub static TASK: Fields<tasks::table> = Fields {
    kind: Kind::TASK,
    all: &[
        field("type", &tasks::type_),
        field("title", &tasks::title),
        field("due_end", &tasks::due_end).of_day(&DUE_DATE),
        field("due_at", &tasks::due_at),
        field("due_date", &tasks::due_date),
        field("priority", &tasks::priority).one_of(TaskPriority::TEXTS),
        field("assignee_id", &tasks::assignee_id).to(Kind::USER).hot(),
        field("contact_id", &tasks::contact_id).to(Kind::CONTACT).hot(),
        field("company_id", &tasks::company_id).to(Kind::COMPANY).hot(),
        field("lead_id", &tasks::lead_id).to(Kind::LEAD).hot(),
        field("deal_id", &tasks::deal_id).to(Kind::DEAL).hot(),
        field("place", &tasks::place),
        field("duration_minutes", &tasks::duration_minutes),
        field("series_id", &tasks::series_id),
        field("status", &tasks::status).one_of(TaskStatus::TEXTS).hot(),
        field("completed_at", &tasks::completed_at),
        field("completed_by", &tasks::completed_by).to(Kind::USER),
        field("created_at", &tasks::created_at),
        field("updated_at", &tasks::updated_at),
        field("deleted_at", &tasks::deleted_at),
    ],
    default_sort: "-created_at",
    id: field("id", &tasks::id),
    search: Some(Search {
        sql: "fold(tasks.title)",
        members: &["title"],
        exact: &[exact("fold(tasks.title) = ", &["title"])],
    }),
    derived: &[],
    links: &crate::related_links!(TASK, always false, crate::import_link!(TASK), MENTIONED),
    table: PhantomData,
};
const MENTIONED: Link = Link {
    name: "mentioned_user_id",
    by: LinkedBy::Table(
        "select m.id from tasks m cross join jsonb_array_elements_text(m.mentioned_user_ids) one \
         where m.workspace_id = tasks.workspace_id and m.mentioned_user_ids <> '[]' and one.value::uuid = ",
    ),
    includes: &[inside("mentioned_users", "mentioned_user_ids", Kind::USER)],
};
list_params!(TaskList, TASK.parameters());
