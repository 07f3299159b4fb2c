//! Liveness and readiness checks, and the list of error codes.
use crate::db::fair_queue::Account;
use crate::db::migrations;
use crate::db::pool::Db;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::answers::reply::Reply;
use crate::kernel::error::{Code, FieldCode, Result};
use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// The tag of the list of error codes.
pub const TAG: (&str, &str) = ("error-codes", "All error codes.");

/// Set when the server begins to stop. Readiness then fails, so that load balancers remove the server while it
/// completes running requests.
#[derive(Debug, Default)]
pub struct Stopping(pub AtomicBool);

#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorCode {
    pub code: String,
    /// The HTTP status of a problem with this code. Null for codes that occur only in `errors`.
    pub status: Option<i32>,
    pub title: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorCodeList {
    pub data: Vec<ErrorCode>,
}
impl NothingHidden for ErrorCodeList {}

/// List all codes of problems and of their `errors`.
#[utoipa::path(operation_id = "list_error_codes",
    responses((status = 200, description = "The error codes", body = ErrorCodeList)))]
#[get("/error-codes")]
async fn error_codes() -> Result<Reply> {
    let whole = Code::ALL.iter().map(|code| ErrorCode {
        code: code.as_str().into(),
        status: Some(code.status().into()),
        title: code.title().into(),
    });
    let parts = FieldCode::OWN.iter().map(|code| ErrorCode {
        code: code.as_str().into(),
        status: None,
        title: code.title().into(),
    });
    Reply::ok(&ErrorCodeList { data: whole.chain(parts).collect() })
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(error_codes);
}

pub fn unversioned(config: &mut web::ServiceConfig) {
    config.service(web::resource("/health/live").get(live)).service(web::resource("/health/ready").get(ready));
}

async fn live() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": "live" }))
}

async fn ready(db: web::Data<Db>, stopping: web::Data<Stopping>) -> HttpResponse {
    let check = tokio::time::timeout(Duration::from_secs(2), db.run_for(Account::SYSTEM, migrations::is_current));
    let database = match check.await {
        Ok(Ok(true)) => "up",
        Ok(Ok(false)) => "not migrated",
        _ => "down",
    };
    let stopping = stopping.0.load(Ordering::Relaxed);
    if database == "up" && !stopping {
        return HttpResponse::Ok().json(serde_json::json!({ "status": "ready", "checks": { "database": "up" } }));
    }
    let body = serde_json::json!({ "status": "unready", "checks": { "database": database, "stopping": stopping } });
    HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "2")).json(body)
}
