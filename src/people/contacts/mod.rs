//! Contacts: people, with their addresses, consents and first touch.
pub mod accounts;
pub mod calls;
pub mod consents;
pub mod emails;
pub mod model;
pub mod reach;
pub mod routes;
pub mod store;
