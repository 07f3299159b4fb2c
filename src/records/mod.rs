//! What every record has: fields of one's own, tags, files, kept conditions, work on many, and the feed of what changed.
pub mod bulk;
pub mod custom_fields;
pub mod feed;
pub mod files;
pub mod kept;
pub mod search;
pub mod tags;
