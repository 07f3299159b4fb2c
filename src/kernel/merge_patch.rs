//! PATCH (RFC 7396): absent = unchanged, null = clear, and `"clear": ["email"]` for clients that cannot send null.
use crate::kernel::error::{Bad, FieldCode};
use crate::kernel::shape::{escape, length};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value as Json};

/// For a member that can be cleared: `Option<Option<T>>`, null is `Some(None)`.
pub fn clearable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    d: D,
) -> std::result::Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(d).map(Some)
}

/// Each name under `clear`, of at most `most`, becomes a null; the schema then decides which members accept one.
pub fn expand(members: &mut Map<String, Json>, most: usize, at: &str, bad: &mut Vec<Bad>) {
    let Some(clear) = members.remove("clear") else { return };
    let Ok(names) = serde_json::from_value::<Vec<String>>(clear) else {
        return bad.push(Bad::member(
            format!("{at}/clear"),
            FieldCode::InvalidType,
            "must be an array of member names",
        ));
    };
    let wrong = length(names.len(), None, u64::try_from(most).ok(), "items");
    bad.extend(wrong.map(|wrong| wrong.at_member(format!("{at}/clear"))));
    for name in names.into_iter().take(most) {
        match members.get(&name) {
            Some(Json::Null) => {}
            Some(_) => {
                let pointer = format!("{at}/{}", escape(&name));
                bad.push(Bad::member(pointer, FieldCode::StatedTwice, "is set and cleared at once"));
            }
            None => drop(members.insert(name, Json::Null)),
        }
    }
}
