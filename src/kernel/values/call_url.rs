//! URLs that start a call, made from the pattern of a workspace: `tel:{phone}`, `https://pbx.example.com/call?to={phone}`.
use url::Url;
use url::form_urlencoded::byte_serialize;

/// Stands for the number in a pattern.
const PHONE: &str = "{phone}";
const CALLING: [&str; 4] = ["tel", "sip", "sips", "callto"];
const WEB: [&str; 2] = ["http", "https"];

/// Checks whether a pattern becomes a URL. The number may be anywhere behind the host.
pub fn is_pattern(pattern: &str) -> bool {
    let once = pattern.matches(PHONE).count() == 1 && !pattern.replace(PHONE, "").contains(['{', '}']);
    let Ok(url) = Url::parse(&pattern.replace(PHONE, "0")) else { return false };
    let calling = CALLING.contains(&url.scheme());
    let web = || WEB.contains(&url.scheme()) && behind_host(pattern) && url.username().is_empty();
    once && (calling || web())
}

fn behind_host(pattern: &str) -> bool {
    let host = pattern.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    !host.is_empty() && !host.contains(PHONE)
}

/// Returns the URL for a number. In web addresses the number is percent-encoded; other schemes get only its digits and
/// the leading plus.
pub fn of(pattern: &str, phone: &str) -> String {
    let web = WEB.iter().any(|scheme| pattern.starts_with(&format!("{scheme}:")));
    let dialled = || phone.chars().filter(|c| c.is_ascii_digit() || matches!(c, '+' | '*')).collect::<String>();
    let encoded = || byte_serialize(phone.as_bytes()).collect::<String>().replace('+', "%20");
    pattern.replace(PHONE, &if web { encoded() } else { dialled() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_urls_with_one_number() {
        for (pattern, good) in [
            ("tel:{phone}", true),
            ("sip:{phone}@pbx.example.com", true),
            ("https://pbx.example.com/call?to={phone}", true),
            ("https://pbx.example.com/{phone}/call", true),
            ("https://pbx.example.com/call", false),
            ("https://pbx.example.com/call?to={phone}&again={phone}", false),
            ("https://{phone}.example.com/", false),
            ("https://{phone}@example.com/", false),
            ("https://user@example.com/{phone}", false),
            ("https://pbx.example.com/{number}?to={phone}", false),
            ("javascript:call({phone})", false),
            ("data:text/html,{phone}", false),
            ("file:///{phone}", false),
            ("{phone}", false),
            ("", false),
        ] {
            assert_eq!(is_pattern(pattern), good, "{pattern}");
        }
    }

    #[test]
    fn numbers_are_written_for_their_place() {
        for (pattern, phone, url) in [
            ("tel:{phone}", "+3725550101", "tel:+3725550101"),
            ("tel:{phone}", "(212) 736-50", "tel:21273650"),
            ("https://p.example/call?to={phone}", "+3725550101", "https://p.example/call?to=%2B3725550101"),
            ("https://p.example/call?to={phone}", "12 3&x=1", "https://p.example/call?to=12%203%26x%3D1"),
        ] {
            assert_eq!(of(pattern, phone), url, "{pattern} {phone}");
        }
    }
}
