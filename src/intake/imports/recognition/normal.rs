//! Headers in the form in which they are compared, and the fingerprint of a header row.
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Returns the words of a header in lower case, without accents on Latin letters. Digits, and the parts of `LastName`,
/// are words of their own.
pub fn words(header: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before: Option<char> = None;
    for letter in header.nfkc() {
        if !letter.is_alphanumeric() {
            before = None;
            continue;
        }
        if before.is_none_or(|before| is_boundary(before, letter)) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            fold(letter, word);
        }
        before = Some(letter);
    }
    words
}

fn is_boundary(before: char, letter: char) -> bool {
    before.is_numeric() != letter.is_numeric() || (before.is_lowercase() && letter.is_uppercase())
}

/// Adds a letter in lower case. Accents are removed from Latin letters only, because й and が are letters of their own.
fn fold(letter: char, word: &mut String) {
    for letter in letter.to_lowercase() {
        match letter {
            'ß' => word.push_str("ss"),
            'ł' => word.push('l'),
            'ø' => word.push('o'),
            'æ' => word.push_str("ae"),
            'œ' => word.push_str("oe"),
            'ё' => word.push('е'),
            letter => {
                let base = std::iter::once(letter).nfd().next().unwrap_or(letter);
                if base.is_ascii() {
                    word.push(base);
                } else if !is_combining_mark(letter) {
                    word.push(letter);
                }
            }
        }
    }
}

/// Returns the header without spaces and punctuation. Two headers with the same key are the same header.
pub fn key(header: &str) -> String {
    words(header).concat()
}

/// Returns a text that is the same for all files with the same headers, in any order: 64 hexadecimal digits.
pub fn fingerprint<'a>(headers: impl IntoIterator<Item = &'a str>) -> String {
    let plain = |header: &str| {
        let lower = header.nfkc().collect::<String>().to_lowercase();
        lower.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let set: BTreeSet<String> = headers.into_iter().map(plain).filter(|header| !header.is_empty()).collect();
    let mut hash = Sha256::new();
    for header in set {
        hash.update(header.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "normal_tests.rs"]
mod tests;
