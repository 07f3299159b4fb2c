//! Getting records in: imports.
pub mod imports;
