//! The app: every room's operations under `/api/v1`, the layers around them, the OpenAPI document, health and docs.
pub mod app;
pub mod closed_sets;
pub mod collection;
pub mod complete;
pub mod cors;
pub mod document;
pub mod examples;
pub mod health;
pub mod layers;
pub mod mask;
pub mod openapi30;
pub mod own_document;
pub mod schema;
pub mod server;
pub mod validators;
