//! Tasks, activities and timelines.
pub mod activities;
pub mod availability;
pub mod calendar;
pub mod contact_rules;
pub mod mentions;
pub mod notifications;
pub mod pins;
pub mod related;
pub mod tasks;
pub mod timeline;
pub mod visit_reports;
