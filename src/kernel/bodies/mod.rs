//! Bodies of requests: the checks against their schemas in the OpenAPI document.
pub mod members;
pub mod merge_patch;
pub mod read_only;
pub mod shape;
