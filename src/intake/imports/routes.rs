//! Operations on imports.
use crate::db::event::Event;
use crate::db::table::{self, Expected, Stored};
use crate::db::tx::Tx;
use crate::intake::imports::model::{IMPORT, Import, ImportList, ImportPage, ImportProblem, ImportProblemPage};
use crate::intake::imports::{forget, hidden_cells, parts, start, upload};
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::{Code, Error, FieldError, Result};
use crate::kernel::query::openapi::{parameter, schema};
use crate::kernel::query::plan::PageInfo;
use crate::kernel::query::seek::{seal, unseal};
use crate::kernel::values::value_type::ValueType;
use crate::schema::{import_problems, imports};
use crate::web::ctx::{Ctx, Id};
use crate::web::headers::{Format, IfMatch};
use crate::{list_params, stored};
use actix_web::{delete, get};
use diesel::prelude::*;
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

stored!(imports, Import);

/// Deletes the import with its file, problems and parts. Imported records remain.
fn delete(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<()> {
    let import = Import::lock(tx, id, expected)?;
    parts::require_idle(tx, &import)?;
    for part in parts::of(tx, &import)? {
        forget::problems(tx.conn, tx.workspace(), part.id)?;
    }
    if let Some(parent) = import.parent_id {
        parts::remove(tx, parent, id)?;
    }
    diesel::delete(imports::table.find((tx.workspace(), id))).execute(tx.conn)?;
    tx.record(Event::deleted(&import)?);
    Ok(())
}

/// List imports, the latest first.
#[utoipa::path(operation_id = "list_imports", params(ImportList), responses((status = 200, description = "A page of imports", body = ImportPage)))]
#[get("/imports")]
async fn list(ctx: Ctx<can::Read<Import>>) -> Result<Reply> {
    let (plan, link) = (IMPORT.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| table::page::<Import>(tx, &plan).map(|page| link.answer(page))).await
}

/// Get an import: what was detected, the settings and the report of the last run.
#[utoipa::path(operation_id = "get_import", params(("import_id" = Uuid, Path, description = "Id of the import")),
    responses((status = 200, description = "The import", body = Import)))]
#[get("/imports/{import_id}")]
async fn read(ctx: Ctx<can::Read<Import>>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| Import::find(tx, id.0).map(Answer::record)).await
}

/// Delete an import with its file, problems and parts. Imported records remain. A deleted part runs no more.
#[utoipa::path(operation_id = "delete_import", params(("import_id" = Uuid, Path, description = "Id of the import")),
    responses((status = 204, description = "Deleted")))]
#[delete("/imports/{import_id}")]
async fn remove(ctx: Ctx<can::Delete<Import>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    ctx.write(move |tx| delete(tx, id.0, expected).map(|()| Answer::none())).await
}

list_params!(ProblemParameters, {
    let limit = schema(ValueType::Int).minimum(Some(1)).maximum(Some(500)).default(Some(50.into()));
    vec![
        parameter("limit".into(), "Problems per page. A CSV response contains all problems.".into(), limit, None),
        parameter("cursor".into(), "`page.next_cursor` of the previous page.".into(), schema(ValueType::Text), None),
    ]
});

/// List the problems of the last run by row. A CSV response contains all problems.
#[utoipa::path(operation_id = "list_import_problems", params(("import_id" = Uuid, Path, description = "Id of the import"), ProblemParameters),
    responses((status = 200, description = "A page of problems", body = ImportProblemPage)))]
#[get("/imports/{import_id}/problems")]
async fn problems(ctx: Ctx<can::Read<Import>>, id: Id, format: Format) -> Result<Reply> {
    let (csv, link, mut params) = (ctx.wants_csv(format)?, ctx.next_link(), ctx.query_params()?);
    let limit = params.limit(50, 500)?;
    let invalid = || FieldError::parameter("cursor", Code::CursorInvalid, "must be a cursor of this list");
    let parse = |text: String| serde_json::from_value::<(String, Uuid, i64)>(unseal(&text)?).map_err(|_| invalid());
    let after = params.take("cursor").map(parse).transpose().map_err(|bad| Error::parameters(vec![bad]))?;
    params.finish(&["limit", "cursor"])?;
    let after = match after {
        Some((kind, import, last)) if kind == "problems" && import == id.0 => last,
        Some(_) => return Err(Error::parameters(vec![invalid()])),
        None => 0,
    };
    ctx.read(move |tx| {
        let import = Import::find(tx, id.0)?;
        let limit = if csv { i64::MAX - 1 } else { limit };
        let mut data: Vec<ImportProblem> = import_problems::table
            .filter(import_problems::workspace_id.eq(tx.workspace()))
            .filter(import_problems::import_id.eq(id.0))
            .filter(import_problems::id.gt(after))
            .order(import_problems::id)
            .limit(limit + 1)
            .select((
                import_problems::id,
                import_problems::row_number,
                import_problems::column_name,
                import_problems::code,
                import_problems::detail,
                import_problems::value,
            ))
            .load(tx.conn)?;
        hidden_cells::problems(tx.actor, &import, &mut data);
        if csv {
            return Ok(crate::kernel::answers::csv::answer(data));
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = data.len() > limit;
        data.truncate(limit);
        let next_cursor = data.last().filter(|_| has_more).map(|last| seal(&json!(["problems", id.0, last.id])));
        let page =
            ImportProblemPage { data, page: PageInfo { next_cursor, has_more, total: None, total_capped: false } };
        Ok(link.answer(page))
    })
    .await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(read).service(problems).service(remove);
    config.configure(upload::service).configure(start::service);
}
