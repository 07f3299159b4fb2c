//! Imports: CSV files are uploaded, inspected, tried in a dry run and imported.
pub mod cells;
pub mod custom;
pub mod forget;
pub mod known;
pub mod model;
pub mod prepare;
pub mod records;
pub mod references;
pub mod routes;
pub mod run;
pub mod table;
pub mod targets;
pub mod veil;
pub mod write;
