//! The event types of each kind of record.
use crate::kernel::kind::Kind;

const KEPT: [&str; 4] = ["created", "updated", "deleted", "restored"];
const NAMED: [&str; 3] = ["created", "updated", "deleted"];
const MOVED: [&str; 4] = ["stage_changed", "won", "lost", "reopened"];

/// The verbs of each kind; an event type is the kind and a verb.
const VERBS: &[(Kind, &[&[&str]])] = &[
    (Kind::WORKSPACE, &[&["created", "updated"]]),
    (Kind::USER, &[&["created", "updated", "sign_in_refused", "password_changed", "email_changed"]]),
    (
        Kind::USER,
        &[&["second_factor_on", "second_factor_off", "identity_linked", "identity_ended", VISIBILITY_CHANGED]],
    ),
    (Kind::SESSION, &[&["opened", "ended", "reuse_detected"]]),
    (Kind::ROLE, &[&NAMED]),
    (Kind::TEAM, &[&NAMED]),
    (Kind::API_KEY, &[&["created", "deleted"]]),
    (Kind::CUSTOM_FIELD, &[&NAMED]),
    (Kind::TAG, &[&NAMED]),
    (Kind::SOURCE, &[&NAMED]),
    (Kind::LOSS_REASON, &[&NAMED]),
    (Kind::COMPANY, &[&KEPT, &[HIDDEN]]),
    (Kind::CONTACT, &[&KEPT, &["exported", "erased", HIDDEN]]),
    (Kind::PRODUCT, &[&KEPT]),
    (Kind::PIPELINE, &[&["created", "updated", "reordered"]]),
    (Kind::STAGE, &[&NAMED]),
    (Kind::LEAD, &[&KEPT, &MOVED, &["converted", "erased", HIDDEN]]),
    (Kind::DEAL, &[&KEPT, &MOVED, &["line_items_changed", HIDDEN]]),
    (Kind::TASK, &[&KEPT, &["completed", HIDDEN]]),
    (Kind::ACTIVITY, &[&KEPT, &[HIDDEN]]),
    (Kind::FILE, &[&KEPT, &[HIDDEN]]),
    (Kind::VIEW, &[&NAMED]),
    (Kind::SEGMENT, &[&NAMED]),
    (Kind::RETENTION_RULE, &[&NAMED]),
    (Kind::IMPORT, &[&["deleted"]]),
];

/// The caller no longer sees the record. Clients drop it and everything that belongs to it.
pub const HIDDEN: &str = "hidden";

/// The visibility of the caller has changed. Clients reload their data.
pub const VISIBILITY_CHANGED: &str = "sight_changed";

/// Returns all event types, such as `deal.stage_changed`, with their kind of record.
pub fn all() -> impl Iterator<Item = (Kind, String)> {
    let named = |(kind, verbs): &(Kind, &'static [&'static [&'static str]])| {
        let kind = *kind;
        verbs.iter().copied().flatten().map(move |verb| (kind, format!("{}.{verb}", kind.as_str())))
    };
    VERBS.iter().flat_map(named)
}

/// Returns the kinds of records that have events.
pub fn kinds() -> Vec<Kind> {
    Kind::all().filter(|kind| VERBS.iter().any(|(known, _)| known == kind)).collect()
}
