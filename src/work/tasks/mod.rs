//! Tasks: what is to be done, by whom, until when, about which record.
pub mod model;
pub mod routes;
pub mod store;
