//! Custom fields in the body of an imported record.
use crate::kernel::bodies::shape::Cell;
use crate::kernel::fields::custom::{CustomField, CustomKind};
use serde_json::{Map, Value as Json, json};

/// Returns how a cell of this kind is read. `None` for a number, which may have decimals.
pub const fn cell(kind: CustomKind) -> Option<Cell> {
    Some(match kind {
        CustomKind::Text | CustomKind::Choice | CustomKind::Url | CustomKind::Email | CustomKind::Phone => Cell::Text,
        CustomKind::Number => return None,
        CustomKind::Money => Cell::Money,
        CustomKind::Date => Cell::Date,
        CustomKind::Boolean => Cell::Bool,
        CustomKind::MultiChoice => Cell::Words,
        CustomKind::User | CustomKind::Reference => Cell::Reference,
    })
}

/// Adds a custom field value to the body of a record.
pub fn put(body: &mut Map<String, Json>, field: &CustomField, value: Json) {
    let values = body.entry("custom_fields").or_insert_with(|| json!([]));
    if let Some(list) = values.as_array_mut() {
        list.push(json!({ "key": field.key, field.kind.member(): value }));
    }
}

/// Checks whether a record already has each of these values.
pub fn all_there(old: &Json, new: &Json, same: impl Fn(&Json, &Json) -> bool) -> bool {
    let list = |json: &Json| json.as_array().cloned().unwrap_or_default();
    let old = list(old);
    list(new).iter().all(|value| {
        let known = old.iter().find(|known| known.get("key") == value.get("key"));
        let equal = |(member, new): (&String, &Json)| {
            known.and_then(|known| known.get(member)).is_some_and(|old| old == new || same(old, new))
        };
        value.as_object().into_iter().flatten().all(equal)
    })
}
