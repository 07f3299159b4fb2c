//! Tasks, activities and timelines.
pub mod activities;
pub mod related;
pub mod tasks;
pub mod timeline;
