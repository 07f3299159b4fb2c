//! What every record has: fields of one's own, tags, files, saved conditions, work on many, the feed of what changed, and the log of it.
pub mod audit;
pub mod bulk;
pub mod custom_fields;
pub mod event_types;
pub mod feed;
pub mod files;
pub mod linked;
pub mod saved_conditions;
pub mod search;
pub mod tags;
