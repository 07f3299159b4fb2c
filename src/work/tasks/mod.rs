//! Tasks, with an assignee, a due date and the records that they belong to.
pub mod model;
pub mod routes;
pub mod store;
