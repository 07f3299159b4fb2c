//! Reading a file, apart from what its columns mean: records, the table, and how its cells are written.
pub mod cells;
pub mod notation;
pub mod records;
pub mod table;
