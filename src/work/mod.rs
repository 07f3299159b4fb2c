//! What is to be done and what happened: tasks, activities, and the timeline of a record.
pub mod activities;
pub mod related;
pub mod tasks;
pub mod timeline;
