//! The parts of the OpenAPI document that are added to what utoipa collects.
pub mod bodies;
pub mod descriptions;
pub mod headers;
pub mod member_examples;
pub mod operations;
pub mod permissions;
pub mod problems;
pub mod references;
pub mod tags;
