//! Single values: their normal forms, and how JSON, the database and the OpenAPI document show them.
pub mod address;
pub mod choice;
pub mod collation;
pub mod decision;
pub mod event_verbs;
pub mod hex;
pub mod money;
pub mod names;
pub mod phones;
pub mod relative;
pub mod sums;
pub mod tags;
pub mod text_format;
pub mod time;
pub mod typed;
pub mod value_type;
pub mod working_hours;
