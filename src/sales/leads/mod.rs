//! Leads: interests that are not qualified yet, and their conversion.
mod addresses;
pub mod come_back_tasks;
pub mod convert;
pub mod model;
pub mod routes;
pub mod store;
