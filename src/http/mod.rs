//! The HTTP app: all operations under `/api/v1`, the middleware around them, the OpenAPI document, health and docs.
pub mod app;
pub mod cors;
pub mod docs;
pub mod document_routes;
pub mod health;
pub mod layers;
pub mod openapi;
pub mod schema;
pub mod server;
pub mod validators;
