//! Undo of imports: takes back what they wrote, from their events.
pub mod changes;
pub mod chunk;
pub mod deletions;
pub mod dispatch;
pub mod fields;
pub mod routes;
pub mod run;
pub mod steps;
