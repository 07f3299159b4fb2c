//! Files on records and activities: a row in the database says what they are, a file store holds their bytes.
pub mod blobs;
pub mod model;
pub mod requests;
pub mod routes;
pub mod store;
