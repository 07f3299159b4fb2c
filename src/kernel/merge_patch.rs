//! PATCH (RFC 7396): absent = unchanged, null = clear, and `"clear": ["email"]` for clients that cannot send null.
use crate::kernel::error::{Error, Result};
use crate::kernel::shape::escape;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

/// For a member that can be cleared: `Option<Option<T>>`, null is `Some(None)`.
pub fn clearable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    d: D,
) -> std::result::Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(d).map(Some)
}

/// Each name under `clear` becomes a null; the schema then decides which members accept one.
pub fn expand(body: &mut Json) -> Result<()> {
    let Some(members) = body.as_object_mut() else { return Ok(()) };
    let Some(clear) = members.remove("clear") else { return Ok(()) };
    let names: Vec<String> = serde_json::from_value(clear)
        .map_err(|_| Error::member("/clear", "invalid_type", "must be an array of member names"))?;
    for name in names {
        if members.insert(name.clone(), Json::Null).is_some() {
            return Err(Error::member(format!("/{}", escape(&name)), "stated_twice", "is set and cleared at once"));
        }
    }
    Ok(())
}
