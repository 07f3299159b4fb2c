//! Personal data: exports, erasures with proof, and retention rules.
pub mod erasures;
pub mod export;
pub mod person;
pub mod retention;
