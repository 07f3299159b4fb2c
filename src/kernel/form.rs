//! The ways in which a text can be written that mean the same, and fields of which a record has several values.
use crate::kernel::actor::Actor;
use crate::kernel::{address, phones};
use serde_json::Value as Json;

/// What the values of a text field are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    #[default]
    Text,
    Email,
    Phone,
    Domain,
    /// A number for people, such as `D-1042`.
    Number,
}

impl Form {
    /// What records hold that mean what was asked for.
    pub(in crate::kernel) fn meant(self, text: String, actor: &Actor) -> Vec<String> {
        match self {
            Form::Text | Form::Number => vec![text],
            Form::Email => vec![address::email(&text)],
            Form::Phone => phones::asked(&text, &actor.settings.country),
            Form::Domain => vec![address::domain(&text)],
        }
    }

    /// The same of a part of a value.
    pub(in crate::kernel) fn part(self, text: &str) -> String {
        if self == Form::Phone { phones::part(text) } else { text.to_owned() }
    }
}

/// All values of a field, of which the answer shows the first under the field's name: every e-mail of a contact.
#[derive(Debug)]
pub struct Every {
    /// "One of them is one of these": SQL up to the array of texts, in the words of an index.
    pub is_any: &'static str,
    /// A set of them as SQL.
    pub each: &'static str,
    /// The same of a serialized record.
    pub of: fn(&Json) -> Vec<String>,
}
