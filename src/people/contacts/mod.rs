//! Contacts: people, with their addresses, consents and the way they were met.
pub mod consents;
pub mod emails;
pub mod model;
pub mod routes;
pub mod store;
