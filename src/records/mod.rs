//! What every record has: fields of one's own, tags, and the feed of what changed.
pub mod custom_fields;
pub mod feed;
pub mod tags;
