//! The database: the pool and its threads, transactions, events, idempotency, and the private PostgreSQL.
pub mod constraint;
pub mod counter;
pub mod custom;
pub mod events;
pub mod idempotency;
pub mod migrations;
pub mod pool;
pub mod postgres;
pub mod queue;
pub mod refs;
pub mod roles;
pub mod sight;
pub mod sql;
pub mod table;
pub mod tx;
pub mod updates;
pub mod watch;
