//! Files of records and activities. The database contains their metadata, the file store their bytes.
pub mod blobs;
pub mod model;
pub mod requests;
pub mod routes;
pub mod store;
