//! Saved conditions: views of lists, and segments of contacts, companies, leads and deals.
pub mod segments;
pub mod selections;
pub mod views;
