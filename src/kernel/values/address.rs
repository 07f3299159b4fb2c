//! The normal forms of e-mail addresses, domains and URLs.
use serde::{Deserialize, Deserializer};
use unicode_normalization::UnicodeNormalization;

/// Checks for invisible characters without a meaning. They come with copied texts and make equal-looking texts differ.
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Like `is_invisible`, but also joiners and direction marks, which some scripts need and addresses do not.
fn is_invisible_in_address(c: char) -> bool {
    is_invisible(c)
        || matches!(c, '\u{200c}'..='\u{200f}' | '\u{61c}' | '\u{34f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e007f}')
}

/// Removes invisible characters from an address.
pub fn visible(text: &str) -> String {
    text.nfc().filter(|c| !is_invisible_in_address(*c)).collect::<String>().trim().to_owned()
}

/// Normalises a name: trims it and removes invisible characters. A name without any visible character becomes empty.
pub fn tidied(text: &str) -> String {
    let nothing = |c: char| is_invisible_in_address(c) || c.is_whitespace() || is_blank_letter(c);
    if text.chars().all(nothing) {
        return String::new();
    }
    text.chars().filter(|c| !is_invisible(*c)).collect::<String>().trim().nfc().collect()
}

/// Checks for letters without a glyph: Korean fillers and the empty Braille pattern.
fn is_blank_letter(c: char) -> bool {
    matches!(c, '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

pub fn is_email(text: &str) -> bool {
    use validator::ValidateEmail;
    text.validate_email() && !text.contains(['"', '(', ')', ',', '<', '>'])
}

pub fn is_web_url(text: &str) -> bool {
    url::Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.username().is_empty())
}

fn without_invisible(text: &str) -> String {
    visible(text).to_lowercase()
}

/// Returns the name of a host in Unicode: `bücher.example`, also for `xn--bcher-kva.example`.
fn host(name: &str) -> String {
    if name.is_ascii() && !name.contains("xn--") {
        return name.to_owned();
    }
    readable(name).unwrap_or_else(|| name.to_owned())
}

/// Decodes an international domain name; returns none if it is not valid.
fn readable(name: &str) -> Option<String> {
    let (readable, fits) = idna::domain_to_unicode(name);
    fits.is_ok().then_some(readable)
}

/// Normalises an e-mail address: lower case, without invisible characters, with the host in Unicode.
pub fn email(text: &str) -> String {
    let text = without_invisible(text);
    match text.rsplit_once('@') {
        Some((name, at)) => format!("{name}@{}", host(at)),
        None => text,
    }
}

/// Returns the address with the host in Punycode, which every mail server accepts.
pub fn for_mail(text: &str) -> String {
    let ascii = |(name, at)| Some(format!("{name}@{}", idna::domain_to_ascii(at).ok()?));
    text.rsplit_once('@').and_then(ascii).unwrap_or_else(|| text.to_owned())
}

/// Returns all forms in which an e-mail address may be stored, including those from before normalisation.
pub fn email_forms(text: &str) -> Vec<String> {
    let form = email(text);
    let mut forms = vec![form.clone(), for_mail(&form), text.trim().to_lowercase()];
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// Returns the domain of a company, also from a copied URL or e-mail address: `acme.example` for
/// `https://www.Acme.example:443/about` and for `info@acme.example`. A text that is not a domain, such as `n/a`, stays
/// unchanged.
pub fn domain(text: &str) -> String {
    domain_in(text).unwrap_or_else(|| text.to_owned())
}

/// Returns the domain in a text, if there is one. Companies are matched only by such a domain.
pub fn domain_in(text: &str) -> Option<String> {
    let plain = without_invisible(text);
    let rest = plain.split_once("://").map_or(plain.as_str(), |(_, rest)| rest).trim_start_matches('/');
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let name = authority.rsplit_once('@').map_or(authority, |(_, name)| name);
    let name = name.split_once(':').map_or(name, |(name, _)| name).trim_end_matches('.');
    let name = name.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(name);
    let plain = name.is_ascii() && !name.contains("xn--");
    let host = if plain { Some(name.to_owned()) } else { readable(name) };
    host.filter(|host| is_domain(host))
}

/// Checks whether a name can be an internet host: labels separated by dots, the last with at least two letters, or an
/// IPv4 address.
fn is_domain(name: &str) -> bool {
    let fits = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let labels: Vec<&str> = name.split('.').collect();
    let last = labels.last().copied().unwrap_or_default();
    let top = last.chars().count() >= 2 && last.contains(|c: char| !c.is_ascii_digit());
    labels.len() > 1
        && labels
            .iter()
            .all(|label| !label.is_empty() && label.chars().all(fits) && !label.contains(char::is_whitespace))
        && (top || name.parse::<std::net::Ipv4Addr>().is_ok())
}

/// Converts the host in a part of an address to Unicode.
pub fn part(text: &str) -> String {
    if !text.to_lowercase().contains("xn--") {
        return text.to_owned();
    }
    let text = without_invisible(text);
    let (name, at) = text.rsplit_once('@').map_or((None, text.as_str()), |(name, at)| (Some(name), at));
    name.map_or_else(|| host(at), |name| format!("{name}@{}", host(at)))
}

/// Deserializes and normalises the domain in a body.
pub fn given_domain<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(d)?.map(|text| domain(&text)))
}

/// Like `given_domain`, for an update.
pub fn changed_domain<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Option<String>>, D::Error> {
    given_domain(d).map(Some)
}

/// Deserializes and normalises an e-mail address in a body.
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
    fn addresses_have_former_forms() {
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
            ("https://192.168.0.1:8080/", "192.168.0.1"),
            ("http://क्षेत्र.भारत/", "क्षेत्र.भारत"),
        ] {
            assert_eq!(domain(text), expected, "{text}");
            assert_eq!(domain(&domain(text)), expected, "{text} twice");
        }
    }

    #[test]
    fn other_texts_are_not_domains() {
        for text in [
            "n/a",
            "N/A",
            "n.a.",
            "-",
            "--",
            ".",
            "...",
            "c/o",
            "c/o Acme Inc.",
            "none",
            "https://",
            "https:/acme.example",
            "https://localhost/",
            "[::1]",
            "https://[2001:db8::1]/",
            "tel:+372",
            "tel:+372 555.01.01",
            "a..example",
            "acme,inc.example",
            "1.5",
            "Acme Inc.",
        ] {
            assert_eq!(domain(text), text);
            assert_eq!(domain_in(text), None, "{text}");
        }
    }

    #[test]
    fn parts_of_addresses_have_unicode_hosts() {
        for (text, expected) in [
            ("@xn--bcher-kva.example", "@bücher.example"),
            ("Info@XN--bcher-kva", "info@bücher"),
            ("xn--bcher-kva.ex", "bücher.ex"),
            ("Anna@", "Anna@"),
        ] {
            assert_eq!(part(text), expected);
        }
    }

    #[test]
    fn names_are_normalised() {
        for (case, text, expected) in [
            ("blanks around it", " \u{a0}Ann\u{3000}", "Ann"),
            ("a soft hyphen in it", "An\u{ad}n", "Ann"),
            ("a joiner that its script needs", "می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("letters in two parts", "Bu\u{308}cher", "Bücher"),
            ("nothing but what nobody sees", "\u{200b}\u{200d} \u{feff}", ""),
            ("nothing but letters without a form", "\u{3164}\u{2800}", ""),
            ("blanks inside", "Ann  Lee", "Ann  Lee"),
        ] {
            assert_eq!(tidied(text), expected, "{case}");
            assert_eq!(tidied(&tidied(text)), expected, "{case}, twice");
        }
        assert_eq!(visible("an\u{200d}n\u{200b} "), "ann");
    }

    #[test]
    fn email_addresses_are_validated() {
        for (text, expected) in [
            ("ann@x.example", true),
            ("ann+tag@x.example", true),
            ("ann@почта.рф", true),
            ("ann", false),
            ("@x.example", false),
            ("ann@", false),
            ("ann@@x.example", false),
            ("Ann <ann@x.example>", false),
            ("ann@x.example,bob@x.example", false),
            ("\"ann\"@x.example", false),
        ] {
            assert_eq!(is_email(text), expected, "{text}");
        }
    }

    #[test]
    fn web_addresses_are_validated() {
        for (text, expected) in [
            ("https://x.example/a?b#c", true),
            ("HTTP://X.example", true),
            ("https://bücher.example", true),
            ("ftp://x.example", false),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("//x.example", false),
            ("x.example", false),
            ("https://ann@x.example", false),
            ("https://", false),
        ] {
            assert_eq!(is_web_url(text), expected, "{text}");
        }
    }
}
