//! Deals.
pub mod line_items;
pub mod lines;
pub mod model;
pub mod moves;
pub mod people;
pub mod routes;
pub mod store;
