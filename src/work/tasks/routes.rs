//! The operations on tasks.
use crate::db::store::BatchStore;
use crate::db::table::{self, Stored};
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::Result;
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id, Include};
use crate::web::headers::{Format, IdempotencyKey, IfMatch};
use crate::work::tasks::model::TASK;
use crate::work::tasks::model::{Task, TaskCompletion, TaskCreate, TaskList, TaskPage, TaskUpdate};
use crate::work::tasks::{series, store};
use crate::{
    as_it_was, batch_create, batch_delete, batch_update, bulk_delete, bulk_update, history, restore, search_records,
};
use actix_web::{delete, get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

/// List tasks.
///
/// To list overdue tasks, use `status=open&due_end__lt=<now>`.
#[utoipa::path(operation_id = "list_tasks", params(TaskList), responses((status = 200, description = "A page of tasks", body = TaskPage)))]
#[get("/tasks")]
async fn list(ctx: Ctx<can::Read<Task>>, format: Format) -> Result<Reply> {
    ctx.list(format, &TASK, table::page::<Task>).await
}

/// Create a task.
#[utoipa::path(operation_id = "create_task", request_body = TaskCreate, responses((status = 201, description = "The task", body = Task)))]
#[post("/tasks")]
async fn create(ctx: Ctx<can::Create<Task>>, key: IdempotencyKey, new: Valid<TaskCreate>) -> Result<Reply> {
    ctx.once(key, move |tx| Task::insert(tx, &new).map(Answer::created)).await
}

/// Get a task.
#[utoipa::path(operation_id = "get_task", params(("task_id" = Uuid, Path, description = "Id of the task")),
    responses((status = 200, description = "The task", body = Task)))]
#[get("/tasks/{task_id}")]
async fn read(ctx: Ctx<can::Read<Task>>, id: Id, include: Include) -> Result<Reply> {
    ctx.one(&TASK, id, include, Task::find).await
}

/// Change a task.
#[utoipa::path(operation_id = "update_task", params(("task_id" = Uuid, Path, description = "Id of the task")), request_body = TaskUpdate,
    responses((status = 200, description = "The changed task", body = Task)))]
#[patch("/tasks/{task_id}")]
async fn change(
    ctx: Ctx<can::Update<Task>>,
    id: Id,
    IfMatch(expected): IfMatch,
    changes: Valid<TaskUpdate>,
) -> Result<Reply> {
    ctx.write(move |tx| Task::update(tx, id.0, expected, &changes).map(Answer::record)).await
}

/// Complete a task, optionally with a result.
#[utoipa::path(operation_id = "complete_task", params(("task_id" = Uuid, Path, description = "Id of the task")), request_body = TaskCompletion,
    responses((status = 200, description = "The completed task", body = Task)))]
#[post("/tasks/{task_id}/complete")]
async fn finish(
    ctx: Ctx<can::Update<Task>>,
    id: Id,
    IfMatch(expected): IfMatch,
    key: IdempotencyKey,
    given: Valid<TaskCompletion>,
) -> Result<Reply> {
    ctx.once(key, move |tx| store::complete(tx, id.0, expected, given.result.as_deref()).map(Answer::record)).await
}

/// Reopen a completed task. If it is of a series, the next task is deleted, unless somebody has changed that one.
#[utoipa::path(operation_id = "reopen_task", params(("task_id" = Uuid, Path, description = "Id of the task")),
    responses((status = 200, description = "The open task", body = Task)))]
#[post("/tasks/{task_id}/reopen")]
async fn reopen(ctx: Ctx<can::Update<Task>>, id: Id, IfMatch(expected): IfMatch, key: IdempotencyKey) -> Result<Reply> {
    ctx.once(key, move |tx| series::reopen(tx, id.0, expected).map(Answer::record)).await
}

/// Delete a task.
#[utoipa::path(operation_id = "delete_task", params(("task_id" = Uuid, Path, description = "Id of the task")),
    responses((status = 204, description = "Deleted")))]
#[delete("/tasks/{task_id}")]
async fn remove(ctx: Ctx<can::Delete<Task>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    ctx.write(move |tx| Task::delete(tx, id.0, expected).map(|()| Answer::none())).await
}

batch_create!(Task, TaskBatchCreate, "/tasks/batch-create" "batch_create_tasks");
batch_update!(Task, TaskBatchUpdate, "/tasks/batch-update" "batch_update_tasks");
batch_delete!(Task, "/tasks/batch-delete" "batch_delete_tasks");
bulk_update!(Task, TaskBulkUpdate, "/tasks/bulk-update" "bulk_update_tasks");
bulk_delete!(Task, "/tasks/bulk-delete" "bulk_delete_tasks");
search_records!(Task, TaskPage, "/tasks/search" "search_tasks");

restore!(Task, store::restore, "/tasks/{task_id}/restore" "restore_task" "task_id");

history!(Task, "/tasks/{task_id}/history" "list_task_history" "task_id");
as_it_was!(Task, "/tasks/{task_id}/history/as-it-was" "get_task_as_it_was" "task_id");

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(finish).service(reopen).service(remove);
    config.service(search).service(batch_create).service(batch_update).service(batch_delete);
    config.service(restored).service(bulk_update).service(bulk_delete);
    config.service(history).service(as_it_was);
}
