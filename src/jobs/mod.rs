//! Background jobs: the worker that runs them, and the operations on them.
pub mod attention;
pub mod bulk;
pub mod housekeeping;
pub mod letters;
pub mod routes;
pub mod worker;
