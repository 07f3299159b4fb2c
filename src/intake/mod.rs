//! Imports and composite calls.
pub mod composite;
pub mod imports;
