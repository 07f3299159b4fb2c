//! Companies, contacts and their sources.
pub mod companies;
pub mod contacts;
pub mod sources;
