//! Boards: the records of a pipeline in columns, one per stage.
pub mod cards;
pub mod columns;
pub mod routes;
