//! Imports: CSV files are uploaded, inspected, tried in a dry run and imported.
pub mod cell_reader;
pub mod custom;
pub mod draft;
pub mod forget;
pub mod funnel;
pub mod hidden_cells;
pub mod history;
pub mod known;
pub mod model;
pub mod prepare;
pub mod reading;
pub mod references;
pub mod routes;
pub mod run;
pub mod targets;
pub mod write;
