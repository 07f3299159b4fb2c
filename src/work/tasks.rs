//! Tasks: what is to be done, by whom, until when, about which record.
use crate::db::constraint::{Explain, Meaning, Meanings};
use crate::db::events::Event;
use crate::db::sight;
use crate::db::table::Expected;
use crate::db::tx::Tx;
use crate::kernel::actor::can;
use crate::kernel::error::{Bad, Code, Error, Result};
use crate::kernel::field::{Fields, Search, field};
use crate::kernel::kind::Kind;
use crate::kernel::merge_patch;
use crate::kernel::reply::Reply;
use crate::kernel::shape::Rules;
use crate::kernel::time::{DateTime, day_start};
use crate::schema::tasks;
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id};
use crate::work::related::Related;
use crate::{list, list_params, owned, page, record, text_enum};
use actix_web::{delete, get, patch, post};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

text_enum! {
    pub enum TaskPriority { Low = "low", Normal = "normal", High = "high", }
}
text_enum! {
    pub enum TaskStatus { Open = "open", Done = "done", }
}

/// Something to be done.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = tasks)]
#[schema(as = CrmTask)]
pub struct Task {
    pub id: Uuid,
    /// `call`, `meeting`, `email`, `message`, `visit`, `todo`, or a type of your own.
    #[diesel(column_name = type_)]
    pub r#type: String,
    pub title: String,
    pub notes: Option<String>,
    /// When it is due, to the minute; an all-day task has `due_date` instead.
    pub due_at: Option<DateTime>,
    pub due_date: Option<NaiveDate>,
    /// The instant from which it is overdue: `due_at`, or the end of `due_date` in the workspace's time zone.
    pub due_end: Option<DateTime>,
    pub priority: TaskPriority,
    pub assignee_id: Option<Uuid>,
    pub contact_id: Option<Uuid>,
    pub company_id: Option<Uuid>,
    pub lead_id: Option<Uuid>,
    pub deal_id: Option<Uuid>,
    pub status: TaskStatus,
    pub result: Option<String>,
    pub completed_at: Option<DateTime>,
    pub completed_by: Option<Uuid>,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
}
record!(Task, Task);
page!(TaskPage of Task);

impl Task {
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
    /// Of an all-day task.
    pub due_date: Option<NaiveDate>,
    /// `normal` if absent.
    pub priority: Option<TaskPriority>,
    /// Yourself, if absent.
    pub assignee_id: Option<Uuid>,
    pub contact_id: Option<Uuid>,
    pub company_id: Option<Uuid>,
    pub lead_id: Option<Uuid>,
    pub deal_id: Option<Uuid>,
}

impl Rules for TaskCreate {
    fn rules(&self, bad: &mut Vec<Bad>) {
        if self.due_at.is_some() && self.due_date.is_some() {
            bad.push(Bad::member("/due_date", "stated_twice", "a task has due_at or due_date, not both"));
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
}

impl Rules for TaskUpdate {
    fn rules(&self, bad: &mut Vec<Bad>) {
        if matches!((self.due_at, self.due_date), (Some(Some(_)), Some(Some(_)))) {
            bad.push(Bad::member("/due_date", "stated_twice", "a task has due_at or due_date, not both"));
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct TaskCompletion {
    /// What came of it.
    #[schema(max_length = 10_000)]
    pub result: Option<String>,
}
impl Rules for TaskCompletion {}

static TASK: Fields<tasks::table> = Fields {
    kind: Kind::Task,
    all: &[
        field("type", &tasks::type_),
        field("title", &tasks::title),
        field("due_end", &tasks::due_end),
        field("due_at", &tasks::due_at),
        field("due_date", &tasks::due_date),
        field("priority", &tasks::priority).one_of(TaskPriority::TEXTS),
        field("assignee_id", &tasks::assignee_id).to(Kind::User).hot(),
        field("contact_id", &tasks::contact_id).to(Kind::Contact).hot(),
        field("company_id", &tasks::company_id).to(Kind::Company).hot(),
        field("lead_id", &tasks::lead_id).to(Kind::Lead).hot(),
        field("deal_id", &tasks::deal_id).to(Kind::Deal).hot(),
        field("status", &tasks::status).one_of(TaskStatus::TEXTS).hot(),
        field("completed_at", &tasks::completed_at),
        field("created_at", &tasks::created_at),
        field("updated_at", &tasks::updated_at),
    ],
    default_sort: "-created_at",
    id: field("id", &tasks::id),
    search: Some(Search { sql: "fold(tasks.title)", members: &["title"] }),
    links: &[],
    table: PhantomData,
};
list_params!(TaskList, TASK.parameters());
owned!(soft tasks, Task, Task);

const MEANINGS: Meanings = &[
    ("tasks_assignee_id_fkey", Meaning::Missing("/assignee_id")),
    ("tasks_contact_id_fkey", Meaning::Missing("/contact_id")),
    ("tasks_company_id_fkey", Meaning::Missing("/company_id")),
    ("tasks_lead_id_fkey", Meaning::Missing("/lead_id")),
    ("tasks_deal_id_fkey", Meaning::Missing("/deal_id")),
];

fn due_end(tx: &Tx<'_>, at: Option<DateTime>, date: Option<NaiveDate>) -> Option<DateTime> {
    at.or_else(|| date.and_then(|day| day.succ_opt()).map(|next| day_start(next, tx.zone())))
}

pub fn insert(tx: &mut Tx<'_>, new: &TaskCreate) -> Result<Task> {
    sight::may_create(tx, Kind::Task, new.assignee_id.or(Some(tx.actor.user)))?;
    let TaskCreate { contact_id: contact, company_id: company, lead_id: lead, deal_id: deal, .. } = *new;
    Related { contact, company, lead, deal }.must_be_seen(tx)?;
    let row: Task = diesel::insert_into(tasks::table)
        .values((
            (tasks::workspace_id.eq(tx.workspace()), tasks::id.eq(new.id.unwrap_or_else(Uuid::now_v7))),
            (
                tasks::type_.eq(new.r#type.as_deref().unwrap_or("todo")),
                tasks::title.eq(&new.title),
                tasks::notes.eq(&new.notes),
            ),
            (
                tasks::due_at.eq(new.due_at),
                tasks::due_date.eq(new.due_date),
                tasks::due_end.eq(due_end(tx, new.due_at, new.due_date)),
            ),
            (
                tasks::priority.eq(new.priority.unwrap_or(TaskPriority::Normal)),
                tasks::assignee_id.eq(new.assignee_id.unwrap_or(tx.actor.user)),
            ),
            (tasks::contact_id.eq(new.contact_id), tasks::company_id.eq(new.company_id)),
            (tasks::lead_id.eq(new.lead_id), tasks::deal_id.eq(new.deal_id)),
            (tasks::created_at.eq(tx.now), tasks::updated_at.eq(tx.now)),
        ))
        .returning(Task::as_returning())
        .get_result(tx.conn)
        .explain(MEANINGS)?;
    row.related().refresh(tx)?;
    tx.record(Event::created(&row)?);
    Ok(row)
}

pub fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &TaskUpdate) -> Result<Task> {
    let before = lock(tx, id, expected)?;
    let (contact, company) = (changes.contact_id.flatten(), changes.company_id.flatten());
    Related { contact, company, lead: changes.lead_id.flatten(), deal: changes.deal_id.flatten() }.must_be_seen(tx)?;
    let (at, date) = match (changes.due_at, changes.due_date) {
        (Some(Some(at)), _) => (Some(at), None),
        (_, Some(Some(date))) => (None, Some(date)),
        (at, date) => (at.unwrap_or(before.due_at), date.unwrap_or(before.due_date)),
    };
    let due = (tasks::due_at.eq(at), tasks::due_date.eq(date), tasks::due_end.eq(due_end(tx, at, date)));
    let after: Task = diesel::update(tasks::table.find((tx.workspace(), id)))
        .set((changes, due, tasks::version.eq(before.version + 1), tasks::updated_at.eq(tx.now)))
        .returning(Task::as_returning())
        .get_result(tx.conn)
        .explain(MEANINGS)?;
    before.related().refresh(tx)?;
    after.related().refresh(tx)?;
    tx.record(Event::updated(&before, &after)?);
    Ok(after)
}

pub fn complete(tx: &mut Tx<'_>, id: Uuid, expected: Expected, result: Option<&str>) -> Result<Task> {
    let before = lock(tx, id, expected)?;
    if before.status == TaskStatus::Done {
        return Err(Error::new(Code::AlreadyCompleted, "the task was completed before"));
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

pub fn delete(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<()> {
    let row = lock(tx, id, expected)?;
    diesel::update(tasks::table.find((tx.workspace(), id)))
        .set((tasks::deleted_at.eq(tx.now), tasks::version.eq(row.version + 1)))
        .execute(tx.conn)?;
    row.related().refresh(tx)?;
    tx.record(Event::deleted(&row)?);
    Ok(())
}

/// Moves the open tasks of a lead to the deal it became.
pub fn hand_over(tx: &mut Tx<'_>, lead: Uuid, deal: Uuid) -> Result<usize> {
    let moved =
        diesel::update(mine(tx.workspace()).filter(tasks::lead_id.eq(lead)).filter(tasks::status.eq(TaskStatus::Open)))
            .set((
                tasks::lead_id.eq(None::<Uuid>),
                tasks::deal_id.eq(deal),
                tasks::version.eq(tasks::version + 1),
                tasks::updated_at.eq(tx.now),
            ))
            .execute(tx.conn)?;
    Related { lead: Some(lead), deal: Some(deal), ..Related::default() }.refresh(tx)?;
    Ok(moved)
}

/// List tasks. What is late: `status=open&due_end__lt=<now>`.
#[utoipa::path(operation_id = "list_tasks", params(TaskList), responses((status = 200, description = "A page of tasks", body = TaskPage)))]
#[get("/tasks")]
async fn list(ctx: Ctx<can::tasks::Read>) -> Result<Reply> {
    let (plan, link) = (TASK.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| {
        let page = list!(tx, tasks, Task, &plan => TaskPage);
        link.reply(&page.page, &page)
    })
    .await
}

/// Create a task.
#[utoipa::path(operation_id = "create_task", request_body = TaskCreate, responses((status = 201, description = "The task", body = Task)))]
#[post("/tasks")]
async fn create(ctx: Ctx<can::tasks::Create>, new: Valid<TaskCreate>) -> Result<Reply> {
    ctx.write(move |tx| Reply::created(&insert(tx, &new)?)).await
}

/// Get a task.
#[utoipa::path(operation_id = "get_task", params(("task_id" = Uuid, Path, description = "Id of the task")),
    responses((status = 200, description = "The task", body = Task)))]
#[get("/tasks/{task_id}")]
async fn read(ctx: Ctx<can::tasks::Read>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| Reply::record(&find(tx, id.0)?)).await
}

/// Change a task.
#[utoipa::path(operation_id = "update_task", params(("task_id" = Uuid, Path, description = "Id of the task")), request_body = TaskUpdate,
    responses((status = 200, description = "The task as changed", body = Task)))]
#[patch("/tasks/{task_id}")]
async fn change(ctx: Ctx<can::tasks::Update>, id: Id, changes: Valid<TaskUpdate>) -> Result<Reply> {
    let expected = ctx.expected()?;
    ctx.write(move |tx| Reply::record(&update(tx, id.0, expected, &changes)?)).await
}

/// Complete a task, with what came of it.
#[utoipa::path(operation_id = "complete_task", params(("task_id" = Uuid, Path, description = "Id of the task")), request_body = TaskCompletion,
    responses((status = 200, description = "The task, done", body = Task)))]
#[post("/tasks/{task_id}/complete")]
async fn finish(ctx: Ctx<can::tasks::Update>, id: Id, given: Valid<TaskCompletion>) -> Result<Reply> {
    let expected = ctx.expected()?;
    ctx.write(move |tx| Reply::record(&complete(tx, id.0, expected, given.result.as_deref())?)).await
}

/// Delete a task.
#[utoipa::path(operation_id = "delete_task", params(("task_id" = Uuid, Path, description = "Id of the task")),
    responses((status = 204, description = "Deleted")))]
#[delete("/tasks/{task_id}")]
async fn remove(ctx: Ctx<can::tasks::Delete>, id: Id) -> Result<Reply> {
    let expected = ctx.expected()?;
    ctx.write(move |tx| delete(tx, id.0, expected).map(|()| Reply::none())).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(finish).service(remove);
}
