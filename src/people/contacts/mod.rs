//! Contacts: people, with their addresses, consents and first touch.
pub mod consents;
pub mod emails;
pub mod model;
pub mod routes;
pub mod store;
