//! Merge patches (RFC 7396): absent means unchanged, null means clear; clients that cannot send null use
//! `"clear": ["email"]`.
use crate::kernel::error::Bad;
use crate::kernel::shape::{escape, length};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value as Json};

/// Deserializes a member that can be cleared: null becomes `Some(None)`.
pub fn clearable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    d: D,
) -> std::result::Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(d).map(Some)
}

/// Turns each name in `clear`, at most `most` of them, into a null member; the schema then checks which members accept
/// null.
pub fn expand(members: &mut Map<String, Json>, most: usize, at: &str, bad: &mut Vec<Bad>) {
    let Some(clear) = members.remove("clear") else { return };
    let Ok(names) = serde_json::from_value::<Vec<String>>(clear) else {
        return bad.push(Bad::member(format!("{at}/clear"), "invalid_type", "must be an array of member names"));
    };
    let wrong = length(names.len(), None, u64::try_from(most).ok(), "items");
    bad.extend(wrong.map(|wrong| wrong.at_member(format!("{at}/clear"))));
    for name in names.into_iter().take(most) {
        match members.get(&name) {
            Some(Json::Null) => {}
            Some(_) => {
                let pointer = format!("{at}/{}", escape(&name));
                bad.push(Bad::member(pointer, "stated_twice", "must not be set and cleared at once"));
            }
            None => drop(members.insert(name, Json::Null)),
        }
    }
}
