//! What records have in common: custom fields, tags, files, saved conditions, bulk operations, the event feed and the
//! audit log.
pub mod audit;
pub mod bulk;
pub mod custom_fields;
pub mod custom_values;
pub mod event_types;
pub mod feed;
pub mod files;
pub mod history;
pub mod linked;
pub mod member_changes;
pub mod saved_conditions;
pub mod search;
pub mod tags;
pub mod teams;
