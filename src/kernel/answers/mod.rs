//! What an operation returns.
pub mod columns;
pub mod csv;
pub mod icalendar;
pub mod included;
pub mod named_schema;
pub mod page;
pub mod reply;
pub mod table;
