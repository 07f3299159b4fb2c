//! The caller and the permission that an operation requires.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value returns null for an absent member, or adds it")]
use crate::http::openapi::descriptions::append;
use crate::kernel::access::resource::scopes;
use crate::web::signature::{Part, Signature};
use serde_json::{Value as Json, json};

/// The permission of an operation, such as `deals:update`, and the scope that an API key needs for it.
pub struct Required {
    permission: String,
    scope: String,
}

/// Returns the permission that roles grant; none if an operation is public or open to every caller.
pub fn of(signature: &Signature) -> Option<Required> {
    let (resource, action) = signature.permission?;
    let required = Required { permission: format!("{resource}:{}", action.as_str()), scope: action.scope(resource) };
    scopes().contains(&required.scope).then_some(required)
}

/// Adds the permission to an operation, or that it is public.
pub fn add(operation: &mut Json, signature: &Signature) {
    if !signature.takes(Part::Caller) {
        operation["security"] = json!([]);
    }
    if let Some(Required { permission, scope }) = of(signature) {
        append(operation, &format!("Requires the scope `{scope}`."));
        operation["x-required-scope"] = json!(scope);
        operation["x-required-permission"] = json!(permission);
    }
}

/// Adds how callers authenticate.
pub fn add_schemes(document: &mut Json) {
    document["components"]["securitySchemes"] = json!({ "bearer_auth": {
        "type": "http", "scheme": "bearer",
        "description": "An access token (JWT) from `/auth/login`, or an API key `vrk_…`."
    } });
    document["security"] = json!([{ "bearer_auth": [] }]);
}
