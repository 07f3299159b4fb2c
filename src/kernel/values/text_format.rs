//! Normal forms of texts.
use crate::kernel::values::accounts;
use crate::kernel::values::address;
use crate::kernel::values::phones;

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
    /// An account such as `telegram:name`.
    Account,
    /// A number for people, such as `D-1042`.
    Number,
    /// An ISO 4217 code.
    Currency,
}

impl TextFormat {
    /// Returns the stored values that match a value of a filter. Phone numbers are parsed for this country.
    pub(in crate::kernel) fn normalize(self, text: String, country: &str) -> Vec<String> {
        match self {
            TextFormat::Text | TextFormat::Number => vec![text],
            TextFormat::Email => vec![address::email(&text)],
            TextFormat::Phone => phones::search_keys(&text, country),
            TextFormat::Domain => vec![address::domain(&text)],
            TextFormat::Account => vec![accounts::search_key(&text, country)],
            // Values from before normalisation can be found as written.
            TextFormat::OwnPhone => {
                let own = phones::own(&text, country);
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
            TextFormat::Account => text.to_lowercase(),
            TextFormat::Text | TextFormat::Number | TextFormat::OwnPhone | TextFormat::Currency => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(format.normalize(text.to_owned(), "EE"), expected, "{text} as {format:?}");
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
}
