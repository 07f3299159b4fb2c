//! The types of events: what can happen to each kind of record.
use crate::kernel::kind::Kind;

const KEPT: [&str; 4] = ["created", "updated", "deleted", "restored"];
const NAMED: [&str; 3] = ["created", "updated", "deleted"];
const MOVED: [&str; 4] = ["stage_changed", "won", "lost", "reopened"];

/// What happens to the records of a kind.
const VERBS: &[(Kind, &[&[&str]])] = &[
    (Kind::Workspace, &[&["created", "updated"]]),
    (Kind::User, &[&["created", "updated", "sign_in_refused", "password_changed", "email_changed"]]),
    (
        Kind::User,
        &[&["second_factor_on", "second_factor_off", "identity_linked", "identity_ended", VISIBILITY_CHANGED]],
    ),
    (Kind::Session, &[&["opened", "ended", "reuse_detected"]]),
    (Kind::Role, &[&NAMED]),
    (Kind::Team, &[&NAMED]),
    (Kind::ApiKey, &[&["created", "deleted"]]),
    (Kind::CustomField, &[&NAMED]),
    (Kind::Tag, &[&NAMED]),
    (Kind::Source, &[&NAMED]),
    (Kind::LossReason, &[&NAMED]),
    (Kind::Company, &[&KEPT, &[HIDDEN]]),
    (Kind::Contact, &[&KEPT, &["exported", "erased", HIDDEN]]),
    (Kind::Product, &[&KEPT]),
    (Kind::Pipeline, &[&["created", "updated", "reordered"]]),
    (Kind::Stage, &[&NAMED]),
    (Kind::Lead, &[&KEPT, &MOVED, &["converted", "erased", HIDDEN]]),
    (Kind::Deal, &[&KEPT, &MOVED, &["line_items_changed", HIDDEN]]),
    (Kind::Task, &[&KEPT, &["completed", HIDDEN]]),
    (Kind::Activity, &[&KEPT, &[HIDDEN]]),
    (Kind::File, &[&KEPT, &[HIDDEN]]),
    (Kind::View, &[&NAMED]),
    (Kind::Segment, &[&NAMED]),
    (Kind::RetentionRule, &[&NAMED]),
    (Kind::Import, &[&["deleted"]]),
];

/// The record is not seen any more: drop it, and what hangs on it.
pub const HIDDEN: &str = "hidden";

/// What the caller sees is other than it was: load anew what is kept.
pub const VISIBILITY_CHANGED: &str = "sight_changed";

/// Every type, such as `deal.stage_changed`, with its kind of record.
pub fn all() -> impl Iterator<Item = (Kind, String)> {
    let named = |(kind, verbs): &(Kind, &'static [&'static [&'static str]])| {
        let kind = *kind;
        verbs.iter().copied().flatten().map(move |verb| (kind, format!("{}.{verb}", kind.as_str())))
    };
    VERBS.iter().flat_map(named)
}

/// The kinds of record of which events tell.
pub fn kinds() -> Vec<Kind> {
    Kind::ALL.iter().copied().filter(|kind| VERBS.iter().any(|(known, _)| known == kind)).collect()
}
