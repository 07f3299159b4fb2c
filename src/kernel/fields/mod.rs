//! The kinds of records, their fields, and conditions on fields.
pub mod cond;
pub mod custom;
pub mod field;
pub mod kind;
pub mod search;
