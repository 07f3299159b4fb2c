//! The ways in which a text can be written that mean the same, and fields of which a record has several values.
use crate::kernel::actor::Actor;
use crate::kernel::cost::{self, WORDS_MAX};
use crate::kernel::error::{Bad, FieldCode};
use crate::kernel::query_params::Q_MAX;
use crate::kernel::{address, phones};
use serde_json::Value as Json;

/// What the values of a text field are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextFormat {
    #[default]
    Text,
    Email,
    Phone,
    /// Of a field of one's own: one number, without keys beside it.
    OwnPhone,
    Domain,
    /// A number for people, such as `D-1042`.
    Number,
    /// ISO 4217.
    Currency,
}

impl TextFormat {
    /// What records hold that mean what was asked for.
    pub(in crate::kernel) fn normalize(self, text: String, actor: &Actor) -> Vec<String> {
        match self {
            TextFormat::Text | TextFormat::Number => vec![text],
            TextFormat::Email => vec![address::email(&text)],
            TextFormat::Phone => phones::search_keys(&text, &actor.settings.country),
            TextFormat::Domain => vec![address::domain(&text)],
            // What was kept before numbers had a form may be asked for as it is written.
            TextFormat::OwnPhone => {
                let own = phones::own(&text, &actor.settings.country);
                if own == text { vec![own] } else { vec![own, text] }
            }
            TextFormat::Currency => vec![text.to_uppercase()],
        }
    }

    /// The same of a part of a value.
    pub(in crate::kernel) fn normalize_part(self, text: &str) -> String {
        match self {
            TextFormat::Phone => phones::part(text),
            TextFormat::OwnPhone if phones::looks_like(text) => {
                format!("{}{}", if text.trim_start().starts_with(['+', '＋']) { "+" } else { "" }, phones::part(text))
            }
            TextFormat::Email | TextFormat::Domain => address::part(text),
            TextFormat::Text | TextFormat::Number | TextFormat::OwnPhone | TextFormat::Currency => text.to_owned(),
        }
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

/// The words of a search, in every way that it may be meant: "555 01 01" is the digits of one number, that number in international
/// form, or a part of a title.
pub(in crate::kernel) fn search_terms(text: &str, actor: &Actor) -> Result<Vec<Vec<String>>, Bad> {
    if text.chars().count() > Q_MAX {
        let detail = format!("must have at most {Q_MAX} characters");
        return Err(Bad::parameter("q", FieldCode::TooLong, detail).within(None, i64::try_from(Q_MAX).ok()));
    }
    if phones::looks_like(text) {
        let keys = phones::search_keys(text, &actor.settings.country).into_iter();
        return Ok(keys.chain([text.trim().to_owned()]).map(|piece| vec![piece]).collect());
    }
    let seen: String = text.chars().filter(|c| !address::is_invisible(*c)).collect();
    let piece = |word: &str| match word.strip_prefix('+') {
        _ if word.contains('@') => address::email(word),
        Some(digits) if digits.parse::<u64>().is_ok() => digits.to_owned(),
        _ => word.to_owned(),
    };
    let words = cost::needed(seen.split_whitespace().map(piece).collect());
    if words.len() > WORDS_MAX {
        let detail = format!("may have at most {WORDS_MAX} different words");
        return Err(Bad::parameter("q", FieldCode::TooLong, detail).within(None, i64::try_from(WORDS_MAX).ok()));
    }
    let number = phones::meant(text, &actor.settings.country);
    let hosts = cost::needed(words.iter().map(|word| host_of(word)).collect());
    let other = (hosts != words).then_some(hosts);
    Ok([words].into_iter().chain(other).chain(number.map(|number| vec![number])).collect())
}

/// The domain in a word that may be the address of a page.
fn host_of(word: &str) -> String {
    let named = if word.contains('@') { None } else { address::domain_in(word) };
    named.filter(|host| *host != word.to_lowercase()).unwrap_or_else(|| word.to_owned())
}
