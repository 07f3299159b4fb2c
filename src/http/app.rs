//! The list of all operations.
use crate::http::openapi::build;
use crate::http::openapi::document::Document;
use crate::http::{document_routes, health, schema};
use crate::{analytics, catalog, day, identity, intake, jobs, nurture, people, privacy, records, sales, search, work};
use actix_web::web;
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the operations under `/api/v1`. The router tries them in this order, so frequent ones come first.
pub fn operations(config: &mut ServiceConfig<'_>) {
    sales::board::routes::service(config);
    sales::deals::routes::service(config);
    people::contacts::routes::service(config);
    people::contacts::calls::service(config);
    sales::leads::routes::service(config);
    work::tasks::routes::service(config);
    people::companies::routes::service(config);
    work::activities::service(config);
    work::timeline::service(config);
    work::notifications::service(config);
    work::availability::service(config);
    work::calendar::service(config);
    day::routes::service(config);
    analytics::service(config);
    search::routes::service(config);
    records::feed::service(config);
    records::audit::service(config);
    identity::sign_in::auth::service(config);
    identity::sign_in::recovery::service(config);
    identity::sign_in::sessions::service(config);
    identity::sign_in::second_factor::service(config);
    identity::sign_in::oidc::service(config);
    identity::sign_in::identities::service(config);
    identity::me::service(config);
    identity::directory::workspaces::service(config);
    identity::directory::users::service(config);
    identity::credentials::api_keys::service(config);
    identity::credentials::calendar_feeds::service(config);
    identity::directory::roles::service(config);
    identity::directory::teams::service(config);
    records::files::routes::service(config);
    records::custom_fields::service(config);
    records::tags::service(config);
    people::sources::service(config);
    catalog::currencies::service(config);
    catalog::products::service(config);
    sales::pipelines::service(config);
    sales::stages::service(config);
    sales::stage_removal::service(config);
    sales::loss_reasons::service(config);
    sales::handover::service(config);
    sales::batch_move::service(config);
    intake::imports::routes::service(config);
    intake::imports::refused::service(config);
    intake::imports::undo::routes::service(config);
    intake::composite::service(config);
    privacy::export::service(config);
    privacy::erasures::service(config);
    privacy::retention::service(config);
    nurture::views::service(config);
    nurture::segments::service(config);
    jobs::routes::service(config);
    schema::service(config);
    health::service(config);
}

/// Builds the OpenAPI document.
pub fn document() -> Document {
    build::document(operations)
}

/// Registers the routes outside `/api/v1`: health, the OpenAPI document in two versions, and the docs page.
pub fn unversioned(config: &mut web::ServiceConfig) {
    health::unversioned(config);
    document_routes::service(config);
}
