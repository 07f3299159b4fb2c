//! Plain data types shared by all modules. No module here accesses a table or the web server.
//!
//! The floors, the lowest first; a floor imports only those before it, and all of them import `error`:
//!
//! - `values`: time, money, addresses, phone numbers, tags, closed sets, and other single values
//! - `fields`: kinds of records, their fields, and conditions on fields
//! - `access`: the caller, the permissions of roles, hidden fields, and the descriptors of resources
//! - `bodies`: checks of bodies against their schemas
//! - `query`: query strings and selections, sort order and paging
//! - `answers`: pages, included records, tables of reports, CSV files, calendars and replies
pub mod access;
pub mod answers;
pub mod bodies;
pub mod error;
pub mod fields;
pub mod query;
#[cfg(test)]
pub mod samples;
pub mod values;
