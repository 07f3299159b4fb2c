//! Getting records in: imports.
pub mod composite;
pub mod imports;
