//! The words of a search.
use crate::kernel::access::actor::Actor;
use crate::kernel::error::{FieldCode, FieldError};
use crate::kernel::query::params::Q_MAX;
use crate::kernel::values::address;
use crate::kernel::values::phones;

/// The maximum number of different words of a search.
const WORDS_MAX: usize = 12;

/// Returns the interpretations of a search text: "555 01 01" can be the digits of a number, the number in international
/// form, or a part of a title.
pub(in crate::kernel) fn search_terms(text: &str, actor: &Actor) -> Result<Vec<Vec<String>>, FieldError> {
    if text.chars().count() > Q_MAX {
        let detail = format!("must have at most {Q_MAX} characters");
        return Err(FieldError::parameter("q", FieldCode::TooLong, detail).within(None, i64::try_from(Q_MAX).ok()));
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
    let words = needed(seen.split_whitespace().map(piece).collect());
    if words.len() > WORDS_MAX {
        let detail = format!("must have at most {WORDS_MAX} different words");
        return Err(FieldError::parameter("q", FieldCode::TooLong, detail).within(None, i64::try_from(WORDS_MAX).ok()));
    }
    let number = phones::meant(text, &actor.settings.country);
    let hosts = needed(words.iter().map(|word| host_of(word)).collect());
    let other = (hosts != words).then_some(hosts);
    Ok([words].into_iter().chain(other).chain(number.map(|number| vec![number])).collect())
}

/// Returns the domain in a word that may be a URL.
fn host_of(word: &str) -> String {
    let named = if word.contains('@') { None } else { address::domain_in(word) };
    named.filter(|host| *host != word.to_lowercase()).unwrap_or_else(|| word.to_owned())
}

/// Removes words that are part of other words: a text that contains "annabel" also contains "anna".
fn needed(words: Vec<String>) -> Vec<String> {
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let implied = |n: usize, word: &String| {
        lower.iter().enumerate().any(|(m, other)| m != n && other.contains(word) && (other != word || m < n))
    };
    let needed: Vec<bool> = lower.iter().enumerate().map(|(n, word)| !implied(n, word)).collect();
    words.into_iter().zip(needed).filter(|(_, needed)| *needed).map(|(word, _)| word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::samples::{actor, refusal};

    #[test]
    fn words_inside_others_are_dropped() {
        for (text, wanted) in [
            ("anna", "anna"),
            ("anna Anna ANNA", "anna"),
            ("anna annabel", "annabel"),
            ("a b c abc", "abc"),
            ("anna lee", "anna lee"),
            ("Ann Lee ann", "Ann Lee"),
            ("", ""),
        ] {
            assert_eq!(needed(text.split_whitespace().map(str::to_owned).collect()).join(" "), wanted, "{text}");
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
