//! What every record has: tags, and the feed of what changed.
pub mod feed;
pub mod tags;
