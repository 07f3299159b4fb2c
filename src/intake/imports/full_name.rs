//! Divides the full name of a contact into its first and last name.
use crate::intake::imports::draft::Draft;
use crate::intake::imports::findings::{NAME_KEPT_WHOLE, NAME_TITLE};
use crate::intake::imports::meaning::full_names::FullName;
use crate::intake::imports::meaning::names::{self, NameContext};
use serde_json::json;

/// Divides the member `name` of a draft, and returns the kind of warning about it. Names in columns of their own go
/// first. A name that cannot be divided becomes the last name as a whole.
pub fn divide(draft: &mut Draft, context: &NameContext<'_>) -> Option<&'static str> {
    let name = draft.body.remove("name")?;
    let name = name.as_str().unwrap_or_default();
    let (first, last, warning) = match names::split(name, context) {
        FullName::Whole(_) => (None, Some(name.to_owned()), Some(NAME_KEPT_WHOLE)),
        FullName::Person(person) => {
            let last: Vec<String> = person.last.into_iter().chain(person.suffix).collect();
            let last = (!last.is_empty()).then(|| last.join(" "));
            (person.first, last, person.title.is_some().then_some(NAME_TITLE))
        }
    };
    for (member, text) in [("first_name", first), ("last_name", last)] {
        if let Some(text) = text.filter(|_| draft.text(member).is_none()) {
            draft.set(member, json!(text));
        }
    }
    warning
}

#[cfg(test)]
#[path = "full_name_tests.rs"]
mod tests;
