//! The tags of operations. The tag of an operation is the first segment of its path; resources are also tags.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value returns null for an absent member, or adds it")]
use crate::http::health;
use crate::http::openapi::references::operations;
use crate::kernel::access::resource;
use crate::{catalog, day, identity, work};
use serde_json::{Value as Json, json};

/// The tags of operations that do not belong to a resource, before and after the resources.
const BEFORE: [(&str, &str); 3] = [identity::sign_in::auth::TAG, identity::me::TAG, day::routes::TAG];
const AFTER: [(&str, &str); 4] = [work::availability::TAG, work::calendar::TAG, catalog::currencies::TAG, health::TAG];

/// Returns the tag of the operations at a path.
pub fn of(path: &str) -> &str {
    // `/api/v1/deals/{deal_id}` has the tag `deals`.
    path.split('/').nth(3).unwrap_or_default()
}

/// Describes the tags that operations have.
pub fn describe(document: &mut Json) {
    let resources = resource::all().map(|resource| (resource.name, resource.about));
    let known = BEFORE.into_iter().chain(resources).chain(AFTER);
    let used = |name: &str| operations(document).any(|operation| operation["tags"][0] == name);
    let tags = known.filter(|(name, _)| used(name));
    document["tags"] = tags.map(|(name, description)| json!({ "name": name, "description": description })).collect();
}
