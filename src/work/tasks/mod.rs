//! Tasks, with an assignee, a due date and the records that they belong to.
pub mod model;
pub mod recurrence;
pub mod reminders;
pub mod routes;
pub mod row;
pub mod series;
pub mod store;
