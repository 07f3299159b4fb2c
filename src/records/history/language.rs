//! The words of a history, one catalogue per language. A catalogue has the same entries in every language:
//! `field.title = Title`, `event.created = Created`, `value.open = open`.
use crate::text_enum;
use std::collections::HashMap;
use std::sync::LazyLock;

text_enum! {
    /// A language in which a history can be written.
    pub enum Language { En = "en", De = "de", Ru = "ru", }
}

type Catalogue = HashMap<&'static str, &'static str>;

static EN: LazyLock<Catalogue> = LazyLock::new(|| entries(include_str!("words/en.txt")).collect());
static DE: LazyLock<Catalogue> = LazyLock::new(|| entries(include_str!("words/de.txt")).collect());
static RU: LazyLock<Catalogue> = LazyLock::new(|| entries(include_str!("words/ru.txt")).collect());

fn entries(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "))
}

impl Language {
    fn catalogue(self) -> &'static Catalogue {
        match self {
            Language::En => &EN,
            Language::De => &DE,
            Language::Ru => &RU,
        }
    }

    /// Returns an entry, such as `field.title`.
    pub fn word(self, entry: &str) -> Option<&'static str> {
        self.catalogue().get(entry).copied()
    }

    /// Returns what happened in an event, such as `deal.stage_changed`. Verbs that are not in the catalogue are shown as
    /// they are.
    pub fn event(self, type_: &str) -> String {
        let verb = type_.split_once('.').map_or(type_, |(_, verb)| verb);
        self.word(&format!("event.{verb}")).map_or_else(|| plain(verb), str::to_owned)
    }

    /// Returns the label of a built-in field.
    pub fn field(self, member: &str) -> String {
        self.word(&format!("field.{member}")).map_or_else(|| plain(member), str::to_owned)
    }
}

/// Makes a name readable: `last_touch` becomes `last touch`.
fn plain(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_catalogues_have_the_same_entries() {
        let names = |language: Language| language.catalogue().keys().copied().collect::<BTreeSet<_>>();
        for (language, text) in [
            (Language::En, include_str!("words/en.txt")),
            (Language::De, include_str!("words/de.txt")),
            (Language::Ru, include_str!("words/ru.txt")),
        ] {
            let missing: Vec<_> = names(Language::En).symmetric_difference(&names(language)).copied().collect();
            assert!(missing.is_empty(), "{}: {missing:?}", language.as_str());
            assert_eq!(entries(text).count(), names(language).len(), "{}: an entry occurs twice", language.as_str());
            let odd = text.lines().find(|line| !line.is_empty() && !line.starts_with('#') && !line.contains(" = "));
            assert_eq!(odd, None, "{}", language.as_str());
        }
    }
}
