//! Deals.
pub mod lines;
pub mod model;
pub mod people;
pub mod routes;
pub mod store;
