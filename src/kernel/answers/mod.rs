//! What an operation returns.
pub mod csv;
pub mod icalendar;
pub mod included;
pub mod named_schema;
pub mod page;
pub mod reply;
