//! Compares the names of people, to tell two people with one e-mail address or phone number from one person.
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The similarity from which two words are spellings of one name.
const ALIKE: f64 = 0.8;

/// Returns the words of a name in lower case and without accents.
fn words(name: &str) -> Vec<String> {
    let plain: String = name.to_lowercase().nfkd().filter(|c| !is_combining_mark(*c)).collect();
    plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Checks whether two words are spellings of one name, or one is the initial of the other.
fn alike(one: &str, other: &str) -> bool {
    let is_initial = |short: &str, long: &str| short.chars().count() == 1 && long.starts_with(short);
    is_initial(one, other) || is_initial(other, one) || strsim::normalized_damerau_levenshtein(one, other) >= ALIKE
}

fn has(words: &[String], word: &str) -> bool {
    words.iter().any(|known| alike(known, word))
}

/// Checks whether two names have no word in common. A missing name does not differ.
pub fn differ(one: &str, other: &str) -> bool {
    let (one, other) = (words(one), words(other));
    !one.is_empty() && !other.is_empty() && !one.iter().any(|word| has(&other, word))
}

/// Checks whether all words of the shorter name are in the longer one.
pub fn agree(one: &str, other: &str) -> bool {
    let (one, other) = (words(one), words(other));
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    short.iter().all(|word| has(&long, word))
}

#[cfg(test)]
mod tests {
    use super::{agree, differ};

    #[test]
    fn names_without_a_common_word_differ() {
        for (one, other, expected) in [
            ("Anna One", "Bert Two", true),
            ("Anna One", "Anna Two", false),
            ("Anna Müller", "Anna Muller", false),
            ("A. One", "Anna One", false),
            ("One, Anna", "Anna One", false),
            ("Jon Smith", "John Smyth", false),
            ("", "Anna", false),
            ("Анна Тамм", "Пётр Кууск", true),
        ] {
            assert_eq!(differ(one, other), expected, "{one} / {other}");
        }
    }

    #[test]
    fn names_agree_if_the_shorter_one_is_in_the_longer_one() {
        for (one, other, expected) in [
            ("Bob Stone", "Bob Stone", true),
            ("Bob", "Bob Stone", true),
            ("Bob Stone", "Bob Miller", false),
            ("", "Bob", true),
            ("Bob Émile Stone", "bob stone", true),
        ] {
            assert_eq!(agree(one, other), expected, "{one} / {other}");
        }
    }
}
