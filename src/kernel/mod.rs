//! Plain data types shared by all modules. No module here accesses a table or the web server.
//!
//! Reading order: `field` (the fields of a resource), `cond` (conditions, evaluated in SQL and in memory), `on` (binds
//! fragments to a table), `seek` (sort order and paging), `query_params` and `query` (the query string), `soft_delete`
//! (deleted records), `parameters` (the OpenAPI parameters of lists), `shape` (bodies), `merge_patch`, `read_only`,
//! `error`.
pub mod access;
pub mod actor;
pub mod address;
pub mod amounts;
pub mod choice;
pub mod collation;
mod comparison;
pub mod cond;
pub mod cost;
pub mod csv;
pub mod custom;
pub mod error;
pub mod event_verbs;
pub mod field;
pub mod hide;
pub mod included;
pub mod kind;
pub mod links;
pub mod members;
pub mod merge_patch;
pub mod money;
pub mod named_schema;
pub mod names;
pub mod next_task;
pub mod on;
pub mod parameters;
pub mod phones;
pub mod query;
pub mod query_params;
pub mod rank;
pub mod read_only;
pub mod relative;
pub mod reply;
pub mod resource;
#[cfg(test)]
pub mod samples;
pub mod seek;
pub mod selection;
pub mod shape;
pub mod soft_delete;
pub mod tags;
pub mod text_format;
pub mod time;
pub mod value_type;
