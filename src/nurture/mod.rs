//! Conditions kept under a name: views of lists, and segments of people, firms, leads and deals.
pub mod segments;
pub mod selections;
pub mod views;
