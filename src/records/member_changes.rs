//! What an event changed, member by member.
use crate::kernel::access::actor::Actor;
use crate::kernel::access::resource;
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A member before and after, as JSON text: `"Anna"`, `125000`, `null`.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberChange {
    pub member: String,
    pub before: String,
    pub after: String,
}

/// Converts `{"member": [before, after]}` to a list.
pub fn changes(stored: &Json) -> Vec<MemberChange> {
    let ordered: BTreeMap<_, _> = stored.as_object().into_iter().flatten().collect();
    let side = |pair: &Json, n: usize| pair.get(n).unwrap_or(&Json::Null).to_string();
    ordered
        .into_iter()
        .map(|(name, pair)| MemberChange { member: name.clone(), before: side(pair, 0), after: side(pair, 1) })
        .collect()
}

/// Removes the changes of members that are hidden from the caller.
pub fn hide_changes(changes: &mut Vec<MemberChange>, record_kind: &str, actor: &Actor) {
    if let Some(kind) = resource::kind_named(record_kind) {
        changes.retain(|change| !actor.access.hides(kind.path(), &change.member));
    }
}
