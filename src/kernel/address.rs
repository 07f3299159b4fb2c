//! Addresses in one form each: whoever writes one in another way means the same.
use serde::{Deserialize, Deserializer};
use unicode_normalization::UnicodeNormalization;

/// Characters that nobody sees and that mean nothing: they come with copied texts, and make two of what looks alike.
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// As `is_invisible`, with the joiners and marks of direction that a text of some scripts needs and an address does not.
fn is_unseen(c: char) -> bool {
    is_invisible(c)
        || matches!(c, '\u{200c}'..='\u{200f}' | '\u{61c}' | '\u{34f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e007f}')
}

/// An address without what nobody sees.
pub fn visible(text: &str) -> String {
    text.nfc().filter(|c| !is_unseen(*c)).collect::<String>().trim().to_owned()
}

/// A name as it is kept: trimmed, normalised, without what nobody sees.
pub fn tidied(text: &str) -> String {
    text.chars().filter(|c| !is_invisible(*c)).collect::<String>().trim().nfc().collect()
}

pub fn is_email(text: &str) -> bool {
    use validator::ValidateEmail;
    text.validate_email() && !text.contains(['"', '(', ')', ',', '<', '>'])
}

pub fn is_web_url(text: &str) -> bool {
    url::Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.username().is_empty())
}

fn seen(text: &str) -> String {
    visible(text).to_lowercase()
}

/// The name of a host as people read it: `bücher.example`, also for `xn--bcher-kva.example`.
fn host(name: &str) -> String {
    if name.is_ascii() && !name.contains("xn--") {
        return name.to_owned();
    }
    match idna::domain_to_unicode(name) {
        (readable, Ok(())) => readable,
        _ => name.to_owned(),
    }
}

/// An e-mail address in lower case, without what cannot be seen, and with its host in letters.
pub fn email(text: &str) -> String {
    let text = seen(text);
    match text.rsplit_once('@') {
        Some((name, at)) => format!("{name}@{}", host(at)),
        None => text,
    }
}

/// An address as every mail server takes it: with its host in Punycode.
pub fn for_mail(text: &str) -> String {
    let ascii = |(name, at)| Some(format!("{name}@{}", idna::domain_to_ascii(at).ok()?));
    text.rsplit_once('@').and_then(ascii).unwrap_or_else(|| text.to_owned())
}

/// An e-mail address in each form in which it may have been kept before there was one.
pub fn email_forms(text: &str) -> Vec<String> {
    let form = email(text);
    let mut forms = vec![form.clone(), for_mail(&form), text.trim().to_lowercase()];
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// The domain of a company, out of whatever is copied from the line of a browser: `acme.example` for
/// `https://www.Acme.example:443/about`, and for `info@acme.example`. What is no domain stays as it is written.
pub fn domain(text: &str) -> String {
    let plain = seen(text);
    let rest = plain.split_once("://").map_or(plain.as_str(), |(_, rest)| rest).trim_start_matches('/');
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let name = authority.rsplit_once('@').map_or(authority, |(_, name)| name);
    let name = name.split_once(':').map_or(name, |(name, _)| name).trim_end_matches('.');
    let name = name.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(name);
    if name.is_empty() || name.contains(char::is_whitespace) { text.to_owned() } else { host(name) }
}

/// Reads the domain of a body in its one form.
pub fn given_domain<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(d)?.map(|text| domain(&text)))
}

/// As `given_domain`, for a change.
pub fn changed_domain<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Option<String>>, D::Error> {
    given_domain(d).map(Some)
}

/// Reads an e-mail address of a body in its one form.
pub fn given_email<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(d)?.map(|text| email(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_form() {
        for (text, expected) in [
            ("Anna@Example.COM", "anna@example.com"),
            (" anna@\u{200b}example.com\u{feff}", "anna@example.com"),
            ("an\u{ad}na@exam\u{200d}ple.com", "anna@example.com"),
            ("\u{202a}anna@example.com\u{202c}", "anna@example.com"),
            ("info@xn--bcher-kva.example", "info@bücher.example"),
            ("INFO@BÜCHER.example", "info@bücher.example"),
            ("info@Bu\u{308}cher.example", "info@bücher.example"),
            ("анна@ПОЧТА.рф", "анна@почта.рф"),
            ("анна@xn--80a1acny.xn--p1ai", "анна@почта.рф"),
            ("no address", "no address"),
        ] {
            assert_eq!(email(text), expected, "{text}");
            assert_eq!(email(&email(text)), expected, "{text} twice");
        }
    }

    #[test]
    fn an_address_is_known_in_the_forms_of_before() {
        for text in ["INFO@bücher.example", "info@xn--bcher-kva.example"] {
            assert_eq!(email_forms(text), ["info@bücher.example", "info@xn--bcher-kva.example"], "{text}");
            assert_eq!(for_mail(&email(text)), "info@xn--bcher-kva.example");
        }
        assert_eq!(email_forms("Anna@example.com"), ["anna@example.com"]);
    }

    #[test]
    fn a_domain_has_one_form() {
        for (text, expected) in [
            ("acme.example", "acme.example"),
            ("ACME.Example.", "acme.example"),
            ("www.acme.example", "acme.example"),
            ("https://www.acme.example:8443/about?x=1#top", "acme.example"),
            ("http://anna:secret@acme.example/", "acme.example"),
            ("//acme.example/path", "acme.example"),
            ("info@acme.example", "acme.example"),
            ("mailto:info@acme.example", "acme.example"),
            ("http://xn--bcher-kva.example", "bücher.example"),
            ("Bücher.example", "bücher.example"),
            ("acme.example\u{200b}", "acme.example"),
            ("www.example", "www.example"),
            ("shop.acme.example", "shop.acme.example"),
            ("Acme and sons", "Acme and sons"),
        ] {
            assert_eq!(domain(text), expected, "{text}");
            assert_eq!(domain(&domain(text)), expected, "{text} twice");
        }
    }
}
