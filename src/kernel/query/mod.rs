//! Query strings and selections: from the text of a request to the parts of a statement.
//!
//! Reading order: `fields` (the fields of a resource, as a caller sees them), `params` (names, values and operators),
//! `comparison` (a field and its values), `links` (filters by other tables),
//! `derived` (filters computed from several columns), `words` (the words of `q`), `soft_delete`
//! (deleted records), `plan` (the whole query string), `selection` (conditions in bodies), `seek` (sort order and
//! paging), `on` (binds fragments to a table), `openapi` (the parameters in the OpenAPI document).
pub mod amounts;
mod comparison;
pub mod cost;
pub mod derived;
pub mod fields;
pub mod links;
pub mod members;
pub mod on;
pub mod openapi;
pub mod params;
pub mod plan;
pub mod rank;
pub mod seek;
pub mod selection;
pub mod soft_delete;
mod words;
