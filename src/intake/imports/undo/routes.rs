//! The operation that undoes an import.
use crate::db::queue::{self, Job, JobKind};
use crate::db::table::{Expected, Stored};
use crate::db::tx::Tx;
use crate::intake::imports::model::{Import, ImportStatus};
use crate::intake::imports::parts;
use crate::intake::imports::undo::run::{self, Args, Undoing};
use crate::intake::imports::undo_report::ImportUndo;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::{Code, Error, Result};
use crate::schema::{import_records, imports};
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id};
use crate::web::headers::IdempotencyKey;
use actix_web::post;
use diesel::prelude::*;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Queues the job that undoes an import.
fn start(tx: &mut Tx<'_>, id: Uuid, dry_run: bool) -> Result<Job> {
    let import = Import::lock(tx, id, Expected::default())?;
    parts::require_idle(tx, &import)?;
    if import.parent_id.is_some() {
        return Err(Error::new(Code::Conflict, "the import is a part; undo the import that it belongs to"));
    }
    let written = import_records::table
        .filter(import_records::workspace_id.eq(tx.workspace()))
        .filter(import_records::import_id.eq(id));
    let total: i64 =
        written.select(diesel::dsl::count(import_records::record_id).aggregate_distinct()).get_result(tx.conn)?;
    if total == 0 && import.status != ImportStatus::Done {
        return Err(Error::new(Code::Conflict, "the import has not run yet, so there is nothing to undo"));
    }
    run::authorize(tx, &import)?;
    let args = Args { import_id: id, undo: Undoing { dry_run, status: import.status } };
    let args = serde_json::to_value(args).map_err(Error::internal)?;
    let job = queue::enqueue(tx, JobKind::Import, &args, Some(total))?;
    diesel::update(imports::table.find((tx.workspace(), id)))
        .set((
            imports::status.eq(ImportStatus::Queued),
            imports::job_id.eq(job.id),
            imports::version.eq(imports::version + 1),
            imports::updated_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    Ok(job)
}

/// Undo an import in the background: first with `dry_run` to see what would happen, then without.
///
/// Records that the import created are deleted, unless somebody changed them since or other records refer to them. Its
/// changes to other records are taken back field by field, unless somebody changed the field since. The import's
/// `undo` lists what is left. A second undo tries only what is left.
#[utoipa::path(operation_id = "undo_import", params(("import_id" = Uuid, Path, description = "Id of the import")), request_body = ImportUndo,
    responses((status = 202, description = "The job that undoes the import", body = Job)))]
#[post("/imports/{import_id}/undo")]
async fn undo(ctx: Ctx<can::Create<Import>>, id: Id, key: IdempotencyKey, asked: Valid<ImportUndo>) -> Result<Reply> {
    ctx.once(key, move |tx| start(tx, id.0, asked.dry_run).map(Answer::accepted)).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(undo);
}
