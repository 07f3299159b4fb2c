//! Every operation of the product, in one list.
use crate::http::{document, health};
use crate::identity;
use actix_web::web;
use utoipa_actix_web::service_config::ServiceConfig;

/// The operations under `/api/v1`.
pub fn operations(config: &mut ServiceConfig<'_>) {
    identity::auth::service(config);
    identity::me::service(config);
    identity::workspaces::service(config);
    identity::users::service(config);
    identity::api_keys::service(config);
    health::service(config);
}

/// What stands outside: health, the document in two versions, and the docs page.
pub fn unversioned(config: &mut web::ServiceConfig, document: &document::Document) {
    health::unversioned(config);
    document.service(config);
}
