//! Leads: interests that are not qualified yet, and their conversion.
mod addresses;
pub mod convert;
pub mod model;
pub mod promises;
pub mod routes;
pub mod store;
