//! Parses files, without the meaning of their columns: records, the table and the cells.
pub mod cells;
pub mod notation;
pub mod records;
pub mod table;
