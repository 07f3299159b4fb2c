//! Tasks, activities and timelines.
pub mod activities;
pub mod availability;
pub mod calendar;
pub mod mentions;
pub mod notifications;
pub mod related;
pub mod tasks;
pub mod timeline;
