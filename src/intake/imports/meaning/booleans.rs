//! Yes and no in the supported languages.
use std::collections::HashMap;
use std::sync::LazyLock;

const YES: [&str; 42] = [
    "true",
    "yes",
    "y",
    "1",
    "on",
    "x",
    "t",
    "checked",
    "✓",
    "✔",
    "☑",
    "✅",
    "да",
    "д",
    "истина",
    "ja",
    "j",
    "wahr",
    "oui",
    "vrai",
    "sí",
    "si",
    "s",
    "sì",
    "verdadero",
    "sim",
    "verdadeiro",
    "vero",
    "tak",
    "prawda",
    "так",
    "はい",
    "○",
    "是",
    "waar",
    "sand",
    "ano",
    "da",
    "kyllä",
    "evet",
    "true.",
    "yes.",
];

const NO: [&str; 35] = [
    "false",
    "no",
    "n",
    "0",
    "off",
    "f",
    "unchecked",
    "✗",
    "✘",
    "☐",
    "❌",
    "нет",
    "н",
    "ложь",
    "nein",
    "falsch",
    "non",
    "faux",
    "falso",
    "não",
    "nao",
    "nie",
    "fałsz",
    "falsz",
    "ні",
    "いいえ",
    "×",
    "否",
    "nee",
    "onwaar",
    "nej",
    "ne",
    "ei",
    "hayır",
    "false.",
];

static WORDS: LazyLock<HashMap<&str, bool>> = LazyLock::new(|| {
    let yes = YES.into_iter().map(|word| (word, true));
    yes.chain(NO.into_iter().map(|word| (word, false))).collect()
});

/// Longer than every such word, in bytes.
const LONGEST: usize = 24;

/// Returns the boolean that a text is.
pub fn boolean(text: &str) -> Option<bool> {
    let text = text.trim();
    if text.len() > LONGEST {
        return None;
    }
    let lower = text.to_lowercase();
    WORDS.get(lower.as_str()).copied().or_else(|| number(&lower))
}

/// Reads the 1.0 and 0.0 of statistics programs.
fn number(text: &str) -> Option<bool> {
    match text {
        "1.0" | "1,0" | "-1" => Some(true),
        "0.0" | "0,0" => Some(false),
        _ => None,
    }
}

/// Checks for a boolean that is a word, and not a number or a letter that means something else in other columns.
pub fn is_boolean_word(text: &str) -> bool {
    text.chars().nth(1).is_some()
        && !text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && boolean(text).is_some()
}

#[cfg(test)]
#[path = "booleans_tests.rs"]
mod tests;
