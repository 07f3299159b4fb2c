//! The OpenAPI document: what utoipa collects from the operations, and what is added to it. `document` is the finished
//! one, `build` makes it.
pub mod bodies;
pub mod build;
pub mod closed_sets;
pub mod collection;
pub mod complete;
pub mod descriptions;
pub mod document;
pub mod enums;
pub mod event_types;
pub mod examples;
pub mod headers;
pub mod inquiry;
pub mod member_examples;
pub mod members;
pub mod openapi30;
pub mod operation_examples;
pub mod operations;
pub mod permissions;
pub mod problems;
pub mod references;
pub mod single_reads;
pub mod tags;
pub mod workspace_document;
