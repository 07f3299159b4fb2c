//! The parts of a full name in one cell.
use crate::intake::imports::meaning::cjk_names;
use crate::intake::imports::meaning::full_names::{Basis, FullName, Person, WholeBecause};
use crate::intake::imports::meaning::name_lists as lists;
use crate::intake::imports::meaning::name_words;
use crate::intake::imports::meaning::regions;
use crate::kernel::values::names::family_first;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameOrder {
    GivenFirst,
    FamilyFirst,
}

/// What names depend on that do not show their order.
#[derive(Clone, Copy, Debug, Default)]
pub struct NameContext<'c> {
    /// The country of the workspace.
    pub country: &'c str,
    /// The order of the other names of the column in Latin and in Cyrillic script.
    pub latin: Option<NameOrder>,
    pub cyrillic: Option<NameOrder>,
}

/// The orders that the names of a column show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NameEvidence {
    latin: [u64; 2],
    cyrillic: [u64; 2],
}

impl NameEvidence {
    pub fn note(&mut self, text: &str) {
        if !may_show_order(text) {
            return;
        }
        let FullName::Person(person) = split(text, &NameContext::default()) else { return };
        let order = match (person.basis, &person.first, &person.last) {
            (Basis::Capitals | Basis::Patronymic | Basis::Initials | Basis::Known, Some(_), Some(last)) => {
                if text.trim_start().starts_with(last.as_str()) {
                    NameOrder::FamilyFirst
                } else {
                    NameOrder::GivenFirst
                }
            }
            _ => return,
        };
        let [given, family] = if is_cyrillic(text) { &mut self.cyrillic } else { &mut self.latin };
        *(if order == NameOrder::FamilyFirst { family } else { given }) += 1;
    }

    pub fn context<'c>(&self, country: &'c str) -> NameContext<'c> {
        NameContext { country, latin: order_of(self.latin), cyrillic: order_of(self.cyrillic) }
    }
}

/// Checks for Cyrillic letters, a word in capitals or initials, without which no name shows its order.
fn may_show_order(text: &str) -> bool {
    let capitals =
        || text.chars().zip(text.chars().skip(1)).any(|(a, b)| a.is_uppercase() && (b.is_uppercase() || b == '.'));
    let last = || text.rsplit(' ').next().unwrap_or_default();
    text.len() <= LONGEST_NAME_EVIDENCE
        && (!text.is_ascii() && is_cyrillic(text) || capitals() || is_patronymic(last()))
}

/// Longer texts are no names, in bytes.
const LONGEST_NAME_EVIDENCE: usize = 100;

/// Returns the order that nearly all names have.
fn order_of([given, family]: [u64; 2]) -> Option<NameOrder> {
    if family > given.saturating_mul(4) {
        Some(NameOrder::FamilyFirst)
    } else {
        (given > family.saturating_mul(4)).then_some(NameOrder::GivenFirst)
    }
}

/// More words than the name of one person has.
const MOST_WORDS: usize = 9;
const LONGEST: usize = 200;

/// Divides a full name.
pub fn split(text: &str, context: &NameContext<'_>) -> FullName {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    if let Some(why) = kept_whole(&text, &words) {
        return FullName::Whole(why);
    }
    if family_first(&text) {
        return cjk_names::split(&text);
    }
    let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [one] => plain(&one.split(' ').collect::<Vec<_>>(), None, context),
        [name, suffix] if are_suffixes(suffix) => plain(&name.split(' ').collect::<Vec<_>>(), Some(suffix), context),
        [family, given] => with_comma(family, given, None),
        [family, given, suffix] if are_suffixes(suffix) => with_comma(family, given, Some(suffix)),
        [family, suffix, given] if are_suffixes(suffix) => with_comma(family, given, Some(suffix)),
        _ => FullName::Whole(WholeBecause::Unknown),
    }
}

/// Returns why a text is not the name of one person.
fn kept_whole(text: &str, words: &[&str]) -> Option<WholeBecause> {
    let strange =
        |c: char| c.is_numeric() || matches!(c, '@' | '/' | '#' | '_' | ':' | ';' | '|' | '<' | '>' | '=' | '(' | '[');
    if words.is_empty() || text.len() > LONGEST || !text.contains(char::is_alphabetic) {
        Some(WholeBecause::NotAName)
    } else if is_firm(text, words) {
        Some(WholeBecause::Firm)
    } else if words
        .iter()
        .any(|word| matches!(word.to_lowercase().as_str(), "&" | "+" | "and" | "und" | "et" | "и" | "och" | "og"))
    {
        Some(WholeBecause::SeveralPersons)
    } else if words.len() > MOST_WORDS || text.contains(strange) {
        Some(WholeBecause::NotAName)
    } else {
        None
    }
}

/// Checks for words that only firms have in their names.
pub fn is_firm(text: &str, words: &[&str]) -> bool {
    let last = words.last().copied().unwrap_or_default();
    let cased = words.len() > 1 && name_words::CASED_FIRM_WORDS.contains(&last);
    let known = |word: &&str| {
        let lower = bare(word);
        let is_name_too = name_words::CASED_FIRM_WORDS.iter().any(|cased| bare(cased) == lower);
        name_words::FIRM_WORDS.contains(&lower.as_str()) && !is_name_too
    };
    cased
        || words.len() > 1 && words.iter().any(known)
        || text.contains(" z o.o")
        || text.contains("& Co")
        || name_words::CJK_FIRM_WORDS.iter().any(|word| text.contains(word))
}

/// Returns a word in lower case without points and commas.
fn bare(word: &str) -> String {
    word.to_lowercase().replace(['.', ',', '«', '»', '"', '“', '”', '„'], "")
}

fn are_suffixes(text: &str) -> bool {
    text.split(' ').all(|word| name_words::SUFFIXES.contains(&bare(word).as_str()))
}

fn is_cyrillic(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{400}'..='\u{52f}'))
}

fn joined(words: &[&str]) -> Option<String> {
    (!words.is_empty()).then(|| words.join(" "))
}

/// Divides the titles off the front.
fn without_titles<'w>(words: &'w [&'w str]) -> (&'w [&'w str], &'w [&'w str]) {
    let is_title = |word: &&&str| {
        let lower = bare(word);
        let weak = name_words::WEAK_TITLES.contains(&lower.as_str()) && !word.ends_with('.');
        let joined = lower.starts_with("dr") && word.contains('.') && word.len() > 3;
        name_words::TITLES.contains(&lower.as_str()) && !weak || joined
    };
    let titles = words.iter().take_while(is_title).count().min(words.len().saturating_sub(1));
    words.split_at_checked(titles).unwrap_or((&[], words))
}

/// Divides the suffixes off the end.
fn without_suffixes<'w>(words: &'w [&'w str]) -> (&'w [&'w str], &'w [&'w str]) {
    let is_suffix = |word: &&&str| {
        let lower = bare(word);
        let capitals = word.len() > 1 && word.chars().all(|c| c.is_uppercase() || c == '.');
        name_words::SUFFIXES.contains(&lower.as_str())
            && (capitals || !name_words::WEAK_SUFFIXES.contains(&lower.as_str()))
    };
    // A name of two words that are all in capitals ends with a name.
    let suffixes = words.iter().rev().take_while(is_suffix).count().min(words.len().saturating_sub(2));
    words.split_at_checked(words.len() - suffixes).unwrap_or((words, &[]))
}

/// Divides `family, given`.
fn with_comma(family: &str, given: &str, suffix: Option<&str>) -> FullName {
    let (family, given): (Vec<&str>, Vec<&str>) = (family.split(' ').collect(), given.split(' ').collect());
    if family.len() > 5 || given.len() > 5 {
        return FullName::Whole(WholeBecause::Unknown);
    }
    let (title, family) = without_titles(&family);
    let (more, given) = if title.is_empty() { without_titles(&given) } else { (title, given.as_slice()) };
    // Beethoven, Ludwig van
    let particles = given.iter().rev().take_while(|word| is_particle(word)).count().min(given.len().saturating_sub(1));
    let (given, particles) = given.split_at_checked(given.len() - particles).unwrap_or((given, &[]));
    let last = [particles, family].concat();
    FullName::Person(Person {
        title: joined(more),
        first: joined(given),
        last: joined(&last),
        suffix: suffix.map(str::to_owned),
        basis: Basis::Comma,
    })
}

/// Divides a name without a comma.
fn plain(words: &[&str], suffix: Option<&str>, context: &NameContext<'_>) -> FullName {
    let (mut titles, words) = without_titles(words);
    let (words, suffixes) = without_suffixes(words);
    // M. Dupont is Monsieur Dupont in French, and initials elsewhere.
    let monsieur =
        titles.is_empty() && words.len() > 2 && words.first() == Some(&"M.") && regions::is_french(context.country);
    let words = if monsieur { words.get(1..).unwrap_or(words) } else { words };
    if monsieur {
        titles = &["M."];
    }
    let (first, last, basis) = match words {
        [one] => one_word(one, !titles.is_empty()),
        words => {
            let (at, order, basis) = place(words, context);
            let (front, back) = words.split_at_checked(at).unwrap_or((words, &[]));
            let (given, family) = if order == NameOrder::FamilyFirst { (back, front) } else { (front, back) };
            (joined(given), joined(family), basis)
        }
    };
    let suffix = suffix.map(str::to_owned).or_else(|| joined(suffixes));
    FullName::Person(Person { title: joined(titles), first, last, suffix, basis })
}

type OneWord = (Option<String>, Option<String>, Basis);

/// A single word is a given name, unless it is behind a title or has the ending of a family name.
fn one_word(word: &str, titled: bool) -> OneWord {
    let word_of_family = titled || is_slavic_family(word) || word.to_lowercase().ends_with("ov") && word.len() > 5;
    let word = Some(word.to_owned());
    if word_of_family { (None, word, Basis::OneWord) } else { (word, None, Basis::OneWord) }
}

type Place = (usize, NameOrder, Basis);

/// Returns where the parts of a name meet and which is in front.
fn place(words: &[&str], context: &NameContext<'_>) -> Place {
    let found = patronymic(words).or_else(|| capitals(words)).or_else(|| initials(words)).or_else(|| vietnamese(words));
    let found = found.or_else(|| particle(words)).or_else(|| slavic(words));
    found.unwrap_or_else(|| usual(words, context))
}

fn lower_is(word: &str, list: &[&str]) -> bool {
    list.contains(&word.to_lowercase().as_str())
}

fn ends_with_any(word: &str, endings: &[&str]) -> bool {
    let lower = word.to_lowercase();
    endings.iter().any(|ending| lower.ends_with(ending))
}

fn is_patronymic(word: &str) -> bool {
    word.chars().count() >= 5 && ends_with_any(word, lists::PATRONYMICS)
}

fn is_slavic_family(word: &str) -> bool {
    is_cyrillic(word)
        && word.chars().count() >= 4
        && !lower_is(word, lists::SLAVIC_GIVEN)
        && ends_with_any(word, lists::SLAVIC_FAMILY_ENDINGS)
}

/// Finds a patronymic: the family name is in front of `Имя Отчество`, or behind.
fn patronymic(words: &[&str]) -> Option<Place> {
    let all = |first, order| Some((first, order, Basis::Patronymic));
    match words {
        [given, father] if is_cyrillic(father) && is_patronymic(father) && lower_is(given, lists::SLAVIC_GIVEN) => {
            all(2, NameOrder::GivenFirst)
        }
        [a, b, c] => match (is_patronymic(b), is_patronymic(c)) {
            (false, true) => all(1, NameOrder::FamilyFirst),
            (true, true) if !lower_is(a, lists::SLAVIC_GIVEN) => all(1, NameOrder::FamilyFirst),
            (true, _) => all(2, NameOrder::GivenFirst),
            (false, false) => None,
        },
        // Мамедов Али Гасан оглы
        [_, _, _, last] if matches!(last.to_lowercase().as_str(), "оглы" | "кызы" | "угли") => {
            all(1, NameOrder::FamilyFirst)
        }
        _ => None,
    }
}

/// Checks for a word in capitals with at least `least` letters.
fn is_capitals(word: &str, least: usize) -> bool {
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    letters >= least && !word.contains('.') && word.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase)
}

/// Finds the family name in capitals: `MÜLLER Hans`, `Hans MÜLLER`.
fn capitals(words: &[&str]) -> Option<Place> {
    let front = words.iter().take_while(|word| is_capitals(word, 3) || is_particle(word)).count();
    let back = words.iter().rev().take_while(|word| is_capitals(word, 2) || is_particle(word)).count();
    let any = |words: &[&str]| words.iter().any(|word| is_capitals(word, 2));
    let others = |words: &[&str]| !words.is_empty() && words.iter().all(|word| !is_capitals(word, 2));
    let (head, tail) = words.split_at_checked(front)?;
    if any(head) && others(tail) {
        return Some((front, NameOrder::FamilyFirst, Basis::Capitals));
    }
    let (head, tail) = words.split_at_checked(words.len() - back)?;
    (any(tail) && others(head)).then_some((words.len() - back, NameOrder::GivenFirst, Basis::Capitals))
}

fn is_initials(word: &str) -> bool {
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    let points = word.chars().filter(|c| *c == '.').count();
    (1..=3).contains(&letters) && points == letters && word.chars().all(|c| c.is_uppercase() || matches!(c, '.' | '-'))
}

/// Finds initials behind the family name: `Иванов И. И.`. A single Latin one is an abbreviated family name: `Anna M.`.
fn initials(words: &[&str]) -> Option<Place> {
    let (first, rest) = words.split_first()?;
    let behind = !is_initials(first) && rest.iter().all(|word| is_initials(word));
    let letters: usize = rest.iter().map(|word| word.matches('.').count()).sum();
    (behind && (letters > 1 || is_cyrillic(first))).then_some((1, NameOrder::FamilyFirst, Basis::Initials))
}

/// Finds `Nguyễn Văn Anh`.
fn vietnamese(words: &[&str]) -> Option<Place> {
    match words {
        [family, middle, _, ..]
            if lower_is(family, lists::VIETNAMESE_FAMILIES) && lower_is(middle, lists::VIETNAMESE_MIDDLE) =>
        {
            Some((1, NameOrder::FamilyFirst, Basis::Known))
        }
        _ => None,
    }
}

/// Particles that are also written with a capital; others are given names then, such as Ben.
const ALSO_CAPITAL: [&str; 16] =
    ["van", "von", "de", "di", "da", "la", "le", "el", "al", "du", "del", "della", "dos", "bin", "ibn", "des"];

fn is_particle(word: &str) -> bool {
    let lower = word.to_lowercase();
    name_words::PARTICLES.contains(&lower.as_str()) && (lower == word || ALSO_CAPITAL.contains(&lower.as_str()))
}

/// Finds the particle with which the family name begins, and `y` between two family names.
fn particle(words: &[&str]) -> Option<Place> {
    let begin = 1 + devout_words(words);
    let last = words.len() - 1;
    let at = (begin..last).find(|n| words.get(*n).is_some_and(|word| is_particle(word)));
    let both = (2..last).find(|n| words.get(*n) == Some(&"y")).map(|n| n - 1);
    let at = at.into_iter().chain(both).min()?;
    Some((at, NameOrder::GivenFirst, Basis::Particle))
}

/// Returns the number of words that continue a given name: `del Carmen` behind Maria.
fn devout_words(words: &[&str]) -> usize {
    let Some((first, rest)) = words.split_first() else { return 0 };
    let particles = rest.iter().take_while(|word| is_particle(word)).count();
    let devotion = rest.get(particles).is_some_and(|word| lower_is(word, lists::DEVOTIONS));
    let whole = particles + 2 < words.len();
    if particles > 0 && devotion && whole && lower_is(first, lists::DEVOUT) { particles + 1 } else { 0 }
}

/// Finds a known given name, or the ending of a family name, in two Cyrillic or transliterated words.
fn slavic(words: &[&str]) -> Option<Place> {
    let [one, other] = words else { return None };
    let given = (lower_is(one, lists::SLAVIC_GIVEN), lower_is(other, lists::SLAVIC_GIVEN));
    let order = match given {
        (true, false) => NameOrder::GivenFirst,
        (false, true) if is_cyrillic(one) => NameOrder::FamilyFirst,
        (false, false) if is_cyrillic(one) => match (is_slavic_family(one), is_slavic_family(other)) {
            (true, false) => NameOrder::FamilyFirst,
            (false, true) => NameOrder::GivenFirst,
            _ => return None,
        },
        _ => return None,
    };
    Some((1, order, Basis::Known))
}

/// Returns the usual order.
fn usual(words: &[&str], context: &NameContext<'_>) -> Place {
    let cyrillic = words.iter().any(|word| is_cyrillic(word));
    let column = if cyrillic { context.cyrillic } else { context.latin };
    if column == Some(NameOrder::FamilyFirst) {
        return (1, NameOrder::FamilyFirst, Basis::Column);
    }
    if !cyrillic && column.is_none() && regions::family_first(context.country) {
        return (1, NameOrder::FamilyFirst, Basis::Country);
    }
    if regions::two_family_names(context.country) {
        let second_given = words.get(1).is_some_and(|word| lower_is(word, lists::SECOND_GIVEN));
        match words.len() {
            3 if !second_given => return (1, NameOrder::GivenFirst, Basis::Country),
            4 => return (2, NameOrder::GivenFirst, Basis::Country),
            _ => {}
        }
    }
    let devout = devout_words(words);
    let at = if devout > 0 { devout + 1 } else { words.len() - 1 };
    let basis = if column.is_some() { Basis::Column } else { Basis::Usual };
    (at, NameOrder::GivenFirst, basis)
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
