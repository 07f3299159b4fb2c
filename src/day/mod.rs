//! The day of a user: whom to contact today, and why.
pub mod blocks;
pub mod figures;
pub mod routes;
