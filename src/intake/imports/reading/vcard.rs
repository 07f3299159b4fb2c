//! Parses vCards of the versions 2.1, 3.0 and 4.0 (RFC 2426, RFC 6350).
use encoding_rs::Encoding;
use std::borrow::Cow;

/// A property of a card, such as `TEL;TYPE=CELL:+420 603 123 456`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Property {
    /// In upper case, without its group.
    pub name: String,
    /// In upper case, such as `ITEM1`.
    pub group: Option<String>,
    /// The names are in upper case. A parameter of version 2.1 without a name is a `TYPE`.
    parameters: Vec<(String, String)>,
    /// Decoded from quoted-printable, but with its escapes.
    value: String,
}

impl Property {
    /// Parses an unfolded line.
    pub fn parse(line: &[u8]) -> Option<Property> {
        let colon = value_begin(line)?;
        let (head, value) = (line.get(..colon)?, line.get(colon + 1..)?);
        let head = String::from_utf8_lossy(head);
        let mut parts = split(&head, ';', true);
        let name = parts.next()?.trim().to_uppercase();
        let (group, name) = match name.rsplit_once('.') {
            Some((group, name)) => (Some(group.to_owned()), name.to_owned()),
            None => (None, name),
        };
        let parameters: Vec<(String, String)> = parts.map(|part| parameter(&part)).collect();
        let mut property = Property { name, group, parameters, value: String::new() };
        property.value = property.decode(value).into_owned();
        Some(property)
    }

    /// Whether the line ends with `=` because its quoted-printable value goes on in the next one.
    pub fn goes_on(line: &[u8]) -> bool {
        let head = value_begin(line).and_then(|colon| line.get(..colon)).unwrap_or_default();
        line.last() == Some(&b'=') && String::from_utf8_lossy(head).to_uppercase().contains("QUOTED-PRINTABLE")
    }

    fn decode<'v>(&self, value: &'v [u8]) -> Cow<'v, str> {
        let quoted = self.parameter("ENCODING").chain(self.parameter("TYPE"));
        let quoted = quoted.into_iter().any(|encoding| encoding.eq_ignore_ascii_case("QUOTED-PRINTABLE"));
        let charset = self.parameter("CHARSET").next().and_then(|name| Encoding::for_label(name.as_bytes()));
        let text = |bytes: &[u8]| match charset {
            Some(charset) => charset.decode_without_bom_handling(bytes).0.into_owned(),
            None => String::from_utf8_lossy(bytes).into_owned(),
        };
        if quoted { Cow::Owned(text(&unquote(value))) } else { String::from_utf8_lossy(value) }
    }

    fn parameter<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        let of_name = move |(other, _): &&(String, String)| other == name;
        self.parameters.iter().filter(of_name).map(|(_, value)| value.as_str())
    }

    /// The kinds of a number or an address, in lower case, without those that say nothing.
    pub fn kinds(&self) -> Vec<String> {
        let all = self.parameter("TYPE").flat_map(|list| list.split(','));
        let kinds = all.map(|kind| kind.trim().trim_matches('"').to_lowercase());
        let mut kinds: Vec<String> =
            kinds.filter(|kind| !matches!(kind.as_str(), "" | "internet" | "voice" | "pref" | "x400")).collect();
        kinds.dedup();
        kinds
    }

    /// Whether this is the preferred one of its name.
    pub fn is_preferred(&self) -> bool {
        self.parameter("PREF").next().is_some_and(|rank| rank.trim() == "1")
            || self.parameter("TYPE").any(|list| list.split(',').any(|kind| kind.trim().eq_ignore_ascii_case("pref")))
    }

    /// The value as one text.
    pub fn text(&self) -> String {
        let text = unescape(&self.value);
        let uri = self.name == "TEL" || self.name == "EMAIL";
        let rest = text.strip_prefix("tel:").or_else(|| text.strip_prefix("mailto:")).filter(|_| uri);
        match rest {
            Some(rest) => rest.split(";ext=").collect::<Vec<_>>().join(" ext. "),
            None => text,
        }
    }

    /// The parts of a value such as a name or an address.
    pub fn parts(&self) -> Vec<String> {
        split(&self.value, ';', false).map(|part| unescape(&part)).collect()
    }

    /// The items of a list.
    pub fn items(&self) -> Vec<String> {
        let items = split(&self.value, ',', false).map(|item| unescape(&item).trim().to_owned());
        items.filter(|item| !item.is_empty()).collect()
    }
}

/// Whether the value of a property is a picture or the like.
pub fn is_binary(name: &str) -> bool {
    matches!(name, "PHOTO" | "LOGO" | "SOUND" | "KEY")
}

/// Returns where the colon before the value is. Parameters in quotation marks can have colons.
fn value_begin(line: &[u8]) -> Option<usize> {
    let mut quoted = false;
    line.iter().position(|byte| {
        quoted ^= *byte == b'"';
        *byte == b':' && !quoted
    })
}

fn parameter(part: &str) -> (String, String) {
    match part.split_once('=') {
        Some((name, value)) => (name.trim().to_uppercase(), value.trim().trim_matches('"').to_owned()),
        None => ("TYPE".to_owned(), part.trim().to_owned()),
    }
}

/// Splits a text, but not behind a backslash, nor in quotation marks if `quotes` are meant.
fn split(text: &str, by: char, quotes: bool) -> impl Iterator<Item = String> {
    let (mut parts, mut escaped, mut quoted) = (vec![String::new()], false, false);
    for c in text.chars() {
        let cut = c == by && !escaped && !quoted;
        escaped = c == '\\' && !escaped && !quotes;
        quoted ^= quotes && c == '"';
        match parts.last_mut() {
            Some(last) if !cut => last.push(c),
            _ => parts.push(String::new()),
        }
    }
    parts.into_iter()
}

fn unescape(text: &str) -> String {
    let (mut out, mut chars) = (String::with_capacity(text.len()), text.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(other @ (',' | ';' | ':' | '\\')) => out.push(other),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}

/// Decodes quoted-printable.
fn unquote(value: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::with_capacity(value.len()), value);
    while let Some((first, after)) = rest.split_first() {
        let code = after.first_chunk::<2>().filter(|_| *first == b'=');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

#[cfg(test)]
#[path = "vcard_tests.rs"]
mod tests;
