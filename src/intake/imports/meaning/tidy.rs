//! What a cell contains behind its disguises: guards against formulas, words for "nothing", and errors of spreadsheets.
use crate::kernel::values::address;
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

/// The content of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Empty,
    /// A word that stands for no value. It is not stored, and a report names it.
    Nothing(Nothing),
    Text(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nothing {
    /// `NULL`, `n/a`, `-`, `(none)`
    Word,
    /// `#REF!`, `#N/A`, `####`
    Error,
    /// `=SUM(A1:A3)`: a formula without its value.
    Formula,
}

impl Nothing {
    /// Returns the name of the warning in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Nothing::Word => "empty_word",
            Nothing::Error => "spreadsheet_error",
            Nothing::Formula => "formula",
        }
    }
}

/// Returns the content of a cell without invisible characters, blanks around it and guards.
pub fn content(raw: &str) -> Content {
    let tidied = if raw.chars().all(is_plain) { Cow::Borrowed(raw.trim()) } else { Cow::Owned(address::tidied(raw)) };
    let text = unguarded(&tidied);
    if text.is_empty() {
        return Content::Empty;
    }
    match nothing(&text) {
        Some(nothing) => Content::Nothing(nothing),
        None => Content::Text(text.into_owned()),
    }
}

/// Checks for letters without marks of their own: most cells need no normalisation.
fn is_plain(c: char) -> bool {
    c.is_ascii() || matches!(c, '\u{c0}'..='\u{24f}' | '\u{400}'..='\u{45f}')
}

/// Characters behind which our own export writes a guard, because a spreadsheet can begin a cell there.
const SEPARATORS: [char; 8] = [';', '\t', '|', '\n', '\r', '\u{b}', '\u{c}', '\u{2028}'];
const FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// Takes off an apostrophe in front, `="…"`, and the guards of our own export.
pub fn unguarded(text: &str) -> Cow<'_, str> {
    if let Some(inside) = quoted_formula(text) {
        return inside;
    }
    if !text.contains('\'') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for (n, part) in text.split_inclusive(SEPARATORS).enumerate() {
        let rest = part.strip_prefix('\'').filter(|rest| is_guard(rest, n == 0));
        plain.push_str(rest.unwrap_or(part));
    }
    Cow::Owned(plain.trim().to_owned())
}

/// Takes the text out of `="007"`.
fn quoted_formula(text: &str) -> Option<Cow<'_, str>> {
    let inside = text.strip_prefix("=\"")?.strip_suffix('"')?;
    let lonely = inside.replace("\"\"", "").contains('"');
    (!lonely).then(|| Cow::Owned(inside.replace("\"\"", "\"").trim().to_owned()))
}

/// Checks whether an apostrophe before this text is a guard rather than a part of a name, such as `'t Hooft`.
fn is_guard(rest: &str, first: bool) -> bool {
    let begin = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '"');
    if begin.starts_with(FORMULA) {
        return true;
    }
    let closed = rest.ends_with(['\'', '’']);
    let short =
        rest.split([' ', '-']).next().is_some_and(|word| matches!(word, "t" | "s" | "n" | "T" | "S" | "N" | "k"));
    first && !closed && !short && !rest.is_empty()
}

/// Words that stand for no value, in lower case. A date, a boolean or a name is not among them.
const WORDS: [&str; 62] = [
    "null",
    "(null)",
    "<null>",
    "[null]",
    "\\n",
    "nil",
    "none",
    "(none)",
    "<none>",
    "n/a",
    "n.a.",
    "n.a",
    "#n/a",
    "n\\a",
    "(n/a)",
    "nan",
    "#nan",
    "undefined",
    "(blank)",
    "(empty)",
    "<empty>",
    "not available",
    "not applicable",
    "not specified",
    "no data",
    "no value",
    "(leer)",
    "k.a.",
    "k. a.",
    "keine angabe",
    "keine angaben",
    "nicht angegeben",
    "non renseigné",
    "non spécifié",
    "non disponible",
    "(vide)",
    "vide",
    "s/o",
    "no disponible",
    "sin datos",
    "sin especificar",
    "(vacío)",
    "no especificado",
    "não informado",
    "não disponível",
    "(vazio)",
    "n/d",
    "n.d.",
    "non specificato",
    "(vuoto)",
    "brak",
    "brak danych",
    "(puste)",
    "nie podano",
    "не указано",
    "не указан",
    "не указана",
    "(пусто)",
    "пусто",
    "н/д",
    "なし",
    "該当なし",
];

static WORD_SET: LazyLock<HashSet<&str>> = LazyLock::new(|| WORDS.into_iter().collect());

/// Longer than every such word, in bytes.
const LONGEST: usize = 40;

/// Returns why a text stands for no value.
pub fn nothing(text: &str) -> Option<Nothing> {
    if text.len() > LONGEST {
        return is_formula(text).then_some(Nothing::Formula);
    }
    if text.chars().all(|c| matches!(c, '-' | '–' | '—' | '−' | '.' | '_' | '?' | '*' | '/' | '\\' | '…' | '·'))
    {
        return Some(Nothing::Word);
    }
    if is_error(text) {
        return Some(Nothing::Error);
    }
    if is_formula(text) {
        return Some(Nothing::Formula);
    }
    // Null and Nan are names; programs write these words small or large.
    let name = matches!(text, "Null" | "Nil" | "Nan" | "Brak" | "Vide");
    let is_word = !name && text.len() <= LONGEST && WORD_SET.contains(text.to_lowercase().as_str());
    is_word.then_some(Nothing::Word)
}

/// Checks for an error of a spreadsheet in any language: `#REF!`, `#WERT!`, `#¿NOMBRE?`, `#Н/Д`, `#DIV/0!`.
fn is_error(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('#') else { return false };
    let upper = |c: char| c.is_uppercase() || matches!(c, '/' | '0' | '¡' | '¿' | '_' | '-' | '.');
    let named = rest.strip_suffix(['!', '?']).is_some_and(|name| name.chars().count() >= 3 && name.chars().all(upper));
    named
        || rest.len() >= 3 && rest.chars().all(|c| c == '#')
        || matches!(rest, "N/A" | "NV" | "Н/Д" | "N/D" | "N/DISP" | "N/V")
}

/// Checks for a formula whose value is missing: `=HYPERLINK("…")`, `=A1+B2`.
fn is_formula(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(['=', '+', '@']) else { return false };
    let name = rest.trim_start_matches(['+', '-', '@']);
    let function = name.split_once('(').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '.' || c == '_')
    });
    function && name.ends_with(')') || text.starts_with('=') && is_reference(rest)
}

/// Checks for cells that are added up or copied: `A1`, `$B$2*1.19`.
fn is_reference(text: &str) -> bool {
    let plain = text.replace('$', "");
    let letters = plain.bytes().take_while(u8::is_ascii_uppercase).count();
    let digits = plain.bytes().skip(letters).take_while(u8::is_ascii_digit).count();
    let rest = plain.get(letters + digits..).unwrap_or_default();
    (1..=3).contains(&letters) && digits > 0 && (rest.is_empty() || rest.starts_with(['+', '-', '*', '/', ':', '&']))
}

#[cfg(test)]
#[path = "tidy_tests.rs"]
mod tests;
