//! Leads: interests that are not qualified yet, and their conversion.
pub mod convert;
pub mod model;
pub mod promises;
pub mod routes;
pub mod store;
