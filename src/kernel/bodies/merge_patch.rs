//! Merge patches (RFC 7396): absent means unchanged, null means clear; clients that cannot send null use
//! `"clear": ["email"]`.
use crate::kernel::error::{FieldCode, FieldError, escape, length};
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
pub fn expand(members: &mut Map<String, Json>, most: usize, at: &str, bad: &mut Vec<FieldError>) {
    let Some(clear) = members.remove("clear") else { return };
    let Ok(names) = serde_json::from_value::<Vec<String>>(clear) else {
        return bad.push(FieldError::member(
            format!("{at}/clear"),
            FieldCode::InvalidType,
            "must be an array of member names",
        ));
    };
    let wrong = length(names.len(), None, u64::try_from(most).ok(), "item");
    bad.extend(wrong.map(|wrong| wrong.at_member(format!("{at}/clear"))));
    for name in names.into_iter().take(most) {
        match members.get(&name) {
            Some(Json::Null) => {}
            Some(_) => {
                let pointer = format!("{at}/{}", escape(&name));
                bad.push(FieldError::member(pointer, FieldCode::StatedTwice, "must not be set and cleared at once"));
            }
            None => drop(members.insert(name, Json::Null)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::samples::refusal;
    use serde_json::json;

    /// The members with what is cleared, and what is refused.
    fn expanded(members: Json) -> (Json, Vec<String>) {
        let (Json::Object(mut members), mut bad) = (members, Vec::new()) else { panic!("no object") };
        expand(&mut members, 2, "/changes", &mut bad);
        (Json::Object(members), bad.iter().map(refusal).collect())
    }

    #[test]
    fn names_under_clear_become_nulls() {
        for (case, given, expected) in [
            ("nothing", json!({ "a": 1 }), json!({ "a": 1 })),
            ("no name", json!({ "a": 1, "clear": [] }), json!({ "a": 1 })),
            ("a name", json!({ "a": 1, "clear": ["b"] }), json!({ "a": 1, "b": null })),
            ("as many as there are", json!({ "clear": ["a", "b"] }), json!({ "a": null, "b": null })),
            ("a name twice", json!({ "clear": ["a", "a"] }), json!({ "a": null })),
            ("a member that is null", json!({ "a": null, "clear": ["a"] }), json!({ "a": null })),
        ] {
            let (members, bad) = expanded(given);
            assert_eq!(members, expected, "{case}");
            assert_eq!(bad, Vec::<String>::new(), "{case}");
        }
    }

    #[test]
    fn invalid_clear_lists_are_rejected() {
        for (case, given, expected) in [
            ("set and cleared", json!({ "a/b": 1, "clear": ["a/b"] }), "/changes/a~1b stated_twice"),
            ("more than there are", json!({ "clear": ["a", "b", "c"] }), "/changes/clear too_long"),
            ("no list", json!({ "clear": "a" }), "/changes/clear invalid_type"),
            ("no names", json!({ "clear": [1] }), "/changes/clear invalid_type"),
            ("null", json!({ "clear": null }), "/changes/clear invalid_type"),
        ] {
            assert_eq!(expanded(given).1, [expected], "{case}");
        }
    }

    #[test]
    fn the_limit_of_a_clear_list_is_named() {
        let mut bad = Vec::new();
        let mut members = Map::from_iter([("clear".to_owned(), json!(["a", "b", "c"]))]);
        expand(&mut members, 2, "/changes", &mut bad);
        assert_eq!(bad[0].detail, "must have at most 2 items");
    }

    #[test]
    fn absent_and_null_differ() {
        #[derive(Deserialize)]
        struct Changes {
            #[serde(default, deserialize_with = "clearable")]
            note: Option<Option<String>>,
        }
        let note = |json: &str| serde_json::from_str::<Changes>(json).unwrap().note;
        assert_eq!(note("{}"), None);
        assert_eq!(note(r#"{ "note": null }"#), Some(None));
        assert_eq!(note(r#"{ "note": "x" }"#), Some(Some("x".to_owned())));
    }
}
