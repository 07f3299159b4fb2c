//! What is known of a person, taken out or taken away: exports, erasures with proof, and rules for how long people are kept.
pub mod erasures;
pub mod export;
pub mod person;
pub mod retention;
