//! Normal forms of texts, fields with several values, and the words of a search.
use crate::kernel::access::actor::Actor;
use crate::kernel::error::{Bad, FieldCode};
use crate::kernel::query::cost::{self, WORDS_MAX};
use crate::kernel::query::params::Q_MAX;
use crate::kernel::values::address;
use crate::kernel::values::phones;
use serde_json::Value as Json;

/// The content of a text field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextFormat {
    #[default]
    Text,
    Email,
    Phone,
    /// A phone number in a custom field, without additional keys.
    OwnPhone,
    Domain,
    /// A number for people, such as `D-1042`.
    Number,
    /// An ISO 4217 code.
    Currency,
}

impl TextFormat {
    /// Returns the stored values that match a value of a filter.
    pub(in crate::kernel) fn normalize(self, text: String, actor: &Actor) -> Vec<String> {
        match self {
            TextFormat::Text | TextFormat::Number => vec![text],
            TextFormat::Email => vec![address::email(&text)],
            TextFormat::Phone => phones::search_keys(&text, &actor.settings.country),
            TextFormat::Domain => vec![address::domain(&text)],
            // Values from before normalisation can be found as written.
            TextFormat::OwnPhone => {
                let own = phones::own(&text, &actor.settings.country);
                if own == text { vec![own] } else { vec![own, text] }
            }
            TextFormat::Currency => vec![text.to_uppercase()],
        }
    }

    /// Normalises a part of a value.
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

/// A field with several values, of which the response shows the first under the field's name, such as all e-mail
/// addresses of a contact.
#[derive(Debug)]
pub struct Every {
    /// SQL for "one of the values is in the list", up to the array of texts, in the form of an index.
    pub is_any: &'static str,
    /// SQL that returns the set of values.
    pub each: &'static str,
    /// Returns the values in a serialized record.
    pub of: fn(&Json) -> Vec<String>,
}

/// Returns the interpretations of a search text: "555 01 01" can be the digits of a number, the number in international
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
        let detail = format!("must have at most {WORDS_MAX} different words");
        return Err(Bad::parameter("q", FieldCode::TooLong, detail).within(None, i64::try_from(WORDS_MAX).ok()));
    }
    let number = phones::meant(text, &actor.settings.country);
    let hosts = cost::needed(words.iter().map(|word| host_of(word)).collect());
    let other = (hosts != words).then_some(hosts);
    Ok([words].into_iter().chain(other).chain(number.map(|number| vec![number])).collect())
}

/// Returns the domain in a word that may be a URL.
fn host_of(word: &str) -> String {
    let named = if word.contains('@') { None } else { address::domain_in(word) };
    named.filter(|host| *host != word.to_lowercase()).unwrap_or_else(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::samples::{actor, refusal};

    #[test]
    fn search_values_are_normalised() {
        for (format, text, expected) in [
            (TextFormat::Text, " Ann ", vec![" Ann "]),
            (TextFormat::Number, "d-1042", vec!["d-1042"]),
            (TextFormat::Email, "ANN@X.example", vec!["ann@x.example"]),
            (TextFormat::Domain, "https://www.Acme.example/about", vec!["acme.example"]),
            (TextFormat::Phone, "555 01011", vec!["55501011", "37255501011"]),
            (TextFormat::OwnPhone, "555 01011", vec!["+37255501011", "555 01011"]),
            (TextFormat::OwnPhone, "+37255501011", vec!["+37255501011"]),
            (TextFormat::OwnPhone, "desk", vec!["desk"]),
            (TextFormat::Currency, "eur", vec!["EUR"]),
        ] {
            assert_eq!(format.normalize(text.to_owned(), &actor()), expected, "{text} as {format:?}");
        }
    }

    #[test]
    fn partial_search_values_are_normalised() {
        for (format, text, expected) in [
            (TextFormat::Text, "An n", "An n"),
            (TextFormat::Phone, "(555) 01", "55501"),
            (TextFormat::OwnPhone, "+372 555", "+372555"),
            (TextFormat::OwnPhone, "555 01", "55501"),
            (TextFormat::OwnPhone, "555", "555"),
            (TextFormat::OwnPhone, "the desk", "the desk"),
            (TextFormat::Email, "@xn--bcher-kva.example", "@bücher.example"),
            (TextFormat::Currency, "eu", "eu"),
        ] {
            assert_eq!(format.normalize_part(text), expected, "{text} as {format:?}");
        }
    }

    #[test]
    fn a_search_text_has_several_interpretations() {
        for (case, text, expected) in [
            ("words", "anna lee", vec![vec!["anna", "lee"]]),
            ("nothing", "  ", vec![vec![]]),
            ("a word in another", "ann annabel", vec![vec!["annabel"]]),
            ("what nobody sees", "an\u{200b}na", vec![vec!["anna"]]),
            ("a number", "555 01011", vec![vec!["55501011"], vec!["37255501011"], vec!["555 01011"]]),
            ("an address", "ANN@X.example lee", vec![vec!["ann@x.example", "lee"]]),
            (
                "the address of a page",
                "https://www.acme.example/a",
                vec![vec!["https://www.acme.example/a"], vec!["acme.example"]],
            ),
            ("a domain as it is", "acme.example", vec![vec!["acme.example"]]),
            ("a number with a plus among words", "anna +372", vec![vec!["anna", "372"]]),
        ] {
            assert_eq!(search_terms(text, &actor()).unwrap(), expected, "{case}");
        }
    }

    #[test]
    fn a_search_text_has_a_maximum_length() {
        let words = |count: u8| (0..count).map(|n| char::from(b'a' + n).to_string()).collect::<Vec<_>>().join(" ");
        assert!(search_terms(&words(12), &actor()).is_ok());
        assert_eq!(refusal(&search_terms(&words(13), &actor()).unwrap_err()), "q too_long");
        assert!(search_terms(&"ж".repeat(256), &actor()).is_ok());
        assert_eq!(refusal(&search_terms(&"ж".repeat(257), &actor()).unwrap_err()), "q too_long");
    }
}
