//! Background work: the loop that takes jobs from the queue, and the operations that show them.
pub mod bulk;
pub mod housekeeping;
pub mod routes;
pub mod worker;
