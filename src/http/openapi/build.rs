//! Builds the OpenAPI document: utoipa collects it from the operations, and it is completed.
use crate::http::openapi::complete::complete;
use crate::http::openapi::document::Document;
use crate::http::openapi::inquiry::signatures;
use crate::kernel::error::{FieldError, ProblemBody};
use actix_web::App;
use utoipa::OpenApi;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_actix_web::{AppExt, scope};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Voronka",
        description = "A CRM for contacts, leads, deals, tasks and reports.\n\n\
            Send `Authorization: Bearer <token>` with an access token from `/auth/login` or an API key. Lists are paged \
            by `cursor`; every list takes the same filters (`field`, `field__ne`, `field__gte`, …), `sort` and \
            `include`. Errors are `application/problem+json` (RFC 9457) with a stable `code`. Responses with a record have \
            an `ETag`; send it as `If-Match` to detect concurrent changes. Every POST that changes data takes an \
            `Idempotency-Key`. Amounts are integers in the minor unit of their currency.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    servers((url = "/", description = "This server")),
    components(schemas(ProblemBody, FieldError))
)]
struct Collected;

/// Builds the document of some operations on a separate thread, so that the allocator returns the memory when the
/// thread ends.
pub fn document(operations: fn(&mut ServiceConfig<'_>)) -> Document {
    std::thread::spawn(move || make(operations)).join().unwrap_or_else(|cause| std::panic::resume_unwind(cause))
}

fn make(operations: fn(&mut ServiceConfig<'_>)) -> Document {
    crate::resources::install();
    let (app, collected) = App::new()
        .into_utoipa_app()
        .openapi(Collected::openapi())
        .service(scope("/api/v1").configure(operations))
        .split_for_parts();
    let mut document = serde_json::to_value(&collected).unwrap_or_default();
    let signatures = signatures(app, &document);
    complete(&mut document, &signatures);
    Document::of(&document)
}
