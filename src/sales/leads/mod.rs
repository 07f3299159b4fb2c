//! Leads and their conversion.
mod addresses;
pub mod come_back_tasks;
pub mod convert;
mod filling;
pub mod model;
pub mod moves;
pub mod routes;
pub mod store;
pub mod unconvert;
