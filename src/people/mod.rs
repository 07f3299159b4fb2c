//! People and firms: companies, contacts, and where they come from.
pub mod companies;
pub mod contacts;
pub mod sources;
