//! The operations on companies.
use crate::db::store::BatchStore;
use crate::db::table::{self, Stored};
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::Result;
use crate::people::companies::model::{COMPANY, Company, CompanyCreate, CompanyList, CompanyPage, CompanyUpdate};
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id, Include};
use crate::web::headers::{Format, IdempotencyKey, IfMatch};
use crate::{
    as_it_was, batch_create, batch_delete, batch_update, batch_upsert, bulk_delete, bulk_update, history, restore,
    search_records,
};
use actix_web::{delete, get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

/// List companies.
#[utoipa::path(operation_id = "list_companies", params(CompanyList), responses((status = 200, description = "A page of companies", body = CompanyPage)))]
#[get("/companies")]
async fn list(ctx: Ctx<can::Read<Company>>, format: Format) -> Result<Reply> {
    ctx.list(format, &COMPANY, table::page::<Company>).await
}

/// Create a company.
#[utoipa::path(operation_id = "create_company", request_body = CompanyCreate, responses((status = 201, description = "The company", body = Company)))]
#[post("/companies")]
async fn create(ctx: Ctx<can::Create<Company>>, key: IdempotencyKey, new: Valid<CompanyCreate>) -> Result<Reply> {
    ctx.once(key, move |tx| Company::insert(tx, &new).map(Answer::created)).await
}

/// Get a company.
#[utoipa::path(operation_id = "get_company", params(("company_id" = Uuid, Path, description = "Id of the company")),
    responses((status = 200, description = "The company", body = Company)))]
#[get("/companies/{company_id}")]
async fn read(ctx: Ctx<can::Read<Company>>, id: Id, include: Include) -> Result<Reply> {
    ctx.one(&COMPANY, id, include, Company::find).await
}

/// Change a company.
#[utoipa::path(operation_id = "update_company", params(("company_id" = Uuid, Path, description = "Id of the company")), request_body = CompanyUpdate,
    responses((status = 200, description = "The changed company", body = Company)))]
#[patch("/companies/{company_id}")]
async fn change(
    ctx: Ctx<can::Update<Company>>,
    id: Id,
    IfMatch(expected): IfMatch,
    changes: Valid<CompanyUpdate>,
) -> Result<Reply> {
    ctx.write(move |tx| Company::update(tx, id.0, expected, &changes).map(Answer::record)).await
}

/// Delete a company.
///
/// Its contacts, leads and deals stay.
#[utoipa::path(operation_id = "delete_company", params(("company_id" = Uuid, Path, description = "Id of the company")),
    responses((status = 204, description = "Deleted")))]
#[delete("/companies/{company_id}")]
async fn remove(ctx: Ctx<can::Delete<Company>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    ctx.write(move |tx| Company::delete(tx, id.0, expected).map(|()| Answer::none())).await
}

batch_create!(Company, CompanyBatchCreate, "/companies/batch-create" "batch_create_companies");
batch_update!(Company, CompanyBatchUpdate, "/companies/batch-update" "batch_update_companies");
batch_delete!(Company, "/companies/batch-delete" "batch_delete_companies");
batch_upsert!(Company, CompanyBatchCreate, "/companies/batch-upsert" "batch_upsert_companies");
bulk_update!(Company, CompanyBulkUpdate, "/companies/bulk-update" "bulk_update_companies");
bulk_delete!(Company, "/companies/bulk-delete" "bulk_delete_companies");
search_records!(Company, CompanyPage, "/companies/search" "search_companies");

restore!(Company, table::restore, "/companies/{company_id}/restore" "restore_company" "company_id");

history!(Company, "/companies/{company_id}/history" "list_company_history" "company_id");
as_it_was!(Company, "/companies/{company_id}/history/as-it-was" "get_company_as_it_was" "company_id");

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(remove);
    config.service(search).service(batch_create).service(batch_update).service(batch_delete).service(batch_upsert);
    config.service(restored).service(bulk_update).service(bulk_delete);
    config.service(history).service(as_it_was);
}
