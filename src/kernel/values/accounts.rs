//! The normal forms of accounts in messengers and networks: `@Name`, `t.me/name` and `https://t.me/name` are one account.
use crate::kernel::values::address;
use crate::kernel::values::phones;
use url::Url;

/// What is known of a kind of account.
#[derive(Debug)]
struct KnownKind {
    name: &'static str,
    /// The hosts of its addresses; the first one is that of the URLs that responses contain.
    hosts: &'static [&'static str],
    /// The first part of the paths of people.
    path: &'static str,
    /// The account is a phone number.
    numbered: bool,
}

const fn known(name: &'static str, hosts: &'static [&'static str]) -> KnownKind {
    KnownKind { name, hosts, path: "", numbered: false }
}

const KNOWN: [KnownKind; 7] = [
    known("telegram", &["t.me", "telegram.me", "telegram.dog"]),
    KnownKind { numbered: true, ..known("whatsapp", &["wa.me", "api.whatsapp.com", "whatsapp.com"]) },
    KnownKind { numbered: true, ..known("viber", &[]) },
    known("facebook", &["facebook.com", "fb.com", "m.facebook.com", "fb.me"]),
    known("instagram", &["instagram.com"]),
    KnownKind { path: "in/", ..known("linkedin", &["linkedin.com"]) },
    known("vk", &["vk.com", "vk.ru", "m.vk.com"]),
];

/// The longest name of an account.
const LONGEST: usize = 200;
/// The fewest digits of a number that cannot be parsed.
const SHORTEST_NUMBER: usize = 5;

fn kind_named(kind: &str) -> Option<&'static KnownKind> {
    KNOWN.iter().find(|known| known.name == kind)
}

/// Checks whether a text can be the name of a kind: a known one, or one of the workspace's own.
pub fn is_kind(kind: &str) -> bool {
    let first = kind.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    first && kind.len() <= 30 && kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Returns the normal form of an account; none if the text cannot be one of this kind. Phone numbers are parsed for this
/// country.
pub fn normal(kind: &str, text: &str, country: &str) -> Option<String> {
    let text = address::visible(text);
    let Some(known) = kind_named(kind) else {
        return Some(text.trim_start_matches('@').to_lowercase())
            .filter(|name| !name.is_empty() && name.len() <= LONGEST);
    };
    let inside = known.inside(&text);
    let name = inside.as_deref().unwrap_or(&text);
    if known.numbered {
        let number = phones::e164(name, country);
        // Addresses contain the number without the plus.
        let number = number.filter(|_| inside.is_none()).or_else(|| phones::e164(&format!("+{name}"), country));
        let digits = || name.chars().filter(char::is_ascii_digit).collect::<String>();
        return number.or_else(|| Some(digits()).filter(|digits| digits.len() >= SHORTEST_NUMBER));
    }
    let name = name.trim_start_matches('@').to_lowercase();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    let name = if kind == "facebook" { name.replace('.', "") } else { name };
    (!name.is_empty() && name.len() <= LONGEST && name.chars().all(plain)).then_some(name)
}

impl KnownKind {
    /// Returns the account in an address of this kind; none if the text is not an address.
    fn inside(&self, text: &str) -> Option<String> {
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let url = Url::parse(&with_scheme).ok()?;
        let host = url.host_str()?.trim_start_matches("www.").to_lowercase();
        let ours = |known: &str| host == known || host.strip_suffix(known).is_some_and(|rest| rest.ends_with('.'));
        self.hosts.iter().find(|known| ours(known))?;
        let asked = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        if let Some(named) = asked("phone").or_else(|| asked("id")) {
            return Some(named.trim_start_matches([' ', '+']).to_owned());
        }
        let path = url.path().trim_matches('/');
        let path = path.strip_prefix(self.path).unwrap_or(path);
        let name = path.split('/').next().unwrap_or_default();
        let decoded = percent_decoded(name);
        Some(if self.numbered { decoded.trim_start_matches('+').to_owned() } else { decoded })
    }
}

/// Decodes `%C3%A4`.
fn percent_decoded(text: &str) -> String {
    let pair = format!("x={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// Returns the key by which an account is found: `telegram:name`.
pub fn key(kind: &str, handle: &str) -> String {
    format!("{kind}:{handle}")
}

/// Returns the key of a filter value such as `telegram:@Name`.
pub fn search_key(text: &str, country: &str) -> String {
    let Some((kind, account)) = text.split_once(':') else { return text.to_owned() };
    normal(kind, account, country).map_or_else(|| text.to_owned(), |handle| key(kind, &handle))
}

/// Returns the address of an account, if accounts of its kind have one.
pub fn url(kind: &str, handle: &str) -> Option<String> {
    let known = kind_named(kind)?;
    let host = known.hosts.first()?;
    Some(format!("https://{host}/{}{}", known.path, handle.trim_start_matches('+')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_an_account_are_one() {
        for (kind, texts, handle) in [
            (
                "telegram",
                &[
                    "Anna_B",
                    "@anna_b",
                    "t.me/anna_b",
                    "https://t.me/Anna_B",
                    "http://telegram.me/anna_b/",
                    "https://t.me/anna_b?start=1",
                ][..],
                Some("anna_b"),
            ),
            (
                "whatsapp",
                &[
                    "+372 5550101",
                    "5550101",
                    "https://wa.me/3725550101",
                    "wa.me/+3725550101",
                    "https://api.whatsapp.com/send?phone=3725550101",
                ],
                Some("+3725550101"),
            ),
            ("viber", &["+372 5550101"], Some("+3725550101")),
            (
                "facebook",
                &["Anna.Berg", "annaberg", "https://www.facebook.com/anna.berg/", "m.facebook.com/AnnaBerg"],
                Some("annaberg"),
            ),
            ("facebook", &["https://facebook.com/profile.php?id=1000123"], Some("1000123")),
            (
                "linkedin",
                &["anna-berg", "https://www.linkedin.com/in/anna-berg/", "ee.linkedin.com/in/Anna-Berg?trk=x"],
                Some("anna-berg"),
            ),
            ("linkedin", &["https://www.linkedin.com/in/j%C3%BCri"], Some("jüri")),
            ("vk", &["id123", "https://vk.com/id123", "m.vk.com/id123"], Some("id123")),
            ("instagram", &["@anna.b", "https://www.instagram.com/anna.b/"], Some("anna.b")),
            ("discord", &["@Anna#12", "anna#12"], Some("anna#12")),
            ("telegram", &["", "@", "two words", "https://example.com/anna_b"], None),
            ("whatsapp", &["anna", ""], None),
        ] {
            for text in texts {
                assert_eq!(normal(kind, text, "EE").as_deref(), handle, "{kind} {text}");
            }
        }
    }

    #[test]
    fn accounts_have_keys_and_addresses() {
        assert_eq!(search_key("telegram:@Anna_B", "EE"), "telegram:anna_b");
        assert_eq!(search_key("telegram:https://t.me/anna_b", "EE"), "telegram:anna_b");
        assert_eq!(search_key("nothing", "EE"), "nothing");
        for (kind, handle, address) in [
            ("telegram", "anna_b", Some("https://t.me/anna_b")),
            ("whatsapp", "+3725550101", Some("https://wa.me/3725550101")),
            ("linkedin", "anna", Some("https://linkedin.com/in/anna")),
            ("viber", "+3725550101", None),
            ("discord", "anna", None),
        ] {
            assert_eq!(url(kind, handle).as_deref(), address, "{kind}");
        }
        assert!(is_kind("my_chat2") && !is_kind("My chat") && !is_kind("") && !is_kind("2chat"));
    }
}
