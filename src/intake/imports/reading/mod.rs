//! Parses files, without the meaning of their columns: records and the table.
pub mod records;
pub mod table;
