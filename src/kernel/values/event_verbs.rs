//! Verbs of events that several resources share: `deal.won`.

/// Of a record that can be deleted for good only.
pub const BASIC: &[&str] = &["created", "updated", "deleted"];
/// Of a record whose deletion can be undone.
pub const SOFT: &[&str] = &["created", "updated", "deleted", "restored"];
/// Of a record in a pipeline.
pub const MOVED: &[&str] = &["stage_changed", "won", "lost", "reopened"];
/// The caller no longer sees the record: drop it, and what is linked to it. The feed adds it to every kind that has owners.
pub const HIDDEN: &str = "hidden";
/// The caller sees other records than before: load again what is cached.
pub const VISIBILITY_CHANGED: &str = "sight_changed";
