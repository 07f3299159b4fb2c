//! Tasks, activities and timelines.
pub mod activities;
pub mod availability;
pub mod notifications;
pub mod related;
pub mod tasks;
pub mod timeline;
