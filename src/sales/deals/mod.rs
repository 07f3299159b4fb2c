//! Deals: sales under way, won and lost.
pub mod lines;
pub mod links;
pub mod model;
pub mod routes;
pub mod store;
