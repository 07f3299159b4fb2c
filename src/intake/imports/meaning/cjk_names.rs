//! Chinese, Japanese and Korean names: the family name is in front, often without a space behind it.
use crate::intake::imports::meaning::full_names::{Basis, FullName, Person, WholeBecause};
use crate::intake::imports::meaning::name_lists as lists;
use crate::intake::imports::meaning::name_words;

/// Divides a name in one of these scripts.
pub fn split(text: &str) -> FullName {
    let (text, honorific) = without_honorific(text);
    let person = |first: &str, last: &str| {
        FullName::Person(Person {
            title: honorific.map(str::to_owned),
            first: Some(first.to_owned()).filter(|first| !first.is_empty()),
            last: Some(last.to_owned()).filter(|last| !last.is_empty()),
            suffix: None,
            basis: Basis::Script,
        })
    };
    // Foreign names keep their order and have a dot between the parts.
    if let Some((first, last)) = text.rsplit_once(['・', '·', '･', '•']) {
        return person(first.trim(), last.trim());
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [last, first] => person(first, last),
        [one] if lists::JAPANESE_FAMILIES.contains(one) => person("", one),
        [one] => match family(one).and_then(|family| Some((one.get(family.len()..)?, family))) {
            Some((first, last)) => person(first, last),
            None => FullName::Whole(WholeBecause::Unknown),
        },
        _ => FullName::Whole(WholeBecause::Unknown),
    }
}

fn without_honorific(text: &str) -> (&str, Option<&'static str>) {
    let found = name_words::CJK_HONORIFICS.iter().find_map(|word| Some((text.strip_suffix(word)?.trim(), *word)));
    found.filter(|(rest, _)| rest.chars().count() > 1).map_or((text, None), |(rest, word)| (rest, Some(word)))
}

fn is_hangul(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7af}')
}

fn is_kana(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}')
}

/// Returns the family name at the front of a name without spaces.
fn family(name: &str) -> Option<&str> {
    let length = name.chars().count();
    let first = || name.chars().next().and_then(|c| name.get(..c.len_utf8()));
    let known = |list: &[&'static str], rest: std::ops::RangeInclusive<usize>| {
        let found =
            list.iter().find(|family| name.starts_with(**family) && rest.contains(&(length - family.chars().count())));
        found.and_then(|family| name.get(..family.len()))
    };
    if name.chars().all(is_hangul) {
        return match length {
            2..=4 => known(lists::KOREAN_DOUBLE, 1..=2).or_else(|| first().filter(|_| length <= 3)),
            _ => None,
        };
    }
    let japanese = known(lists::JAPANESE_FAMILIES, 1..=3).filter(|family| family.chars().count() > 1 || length == 3);
    if name.chars().any(is_kana) {
        return japanese;
    }
    let chinese = || first().filter(|first| (2..=3).contains(&length) && lists::CHINESE_FAMILIES.contains(*first));
    japanese.or_else(|| known(lists::CHINESE_DOUBLE, 1..=2)).or_else(chinese)
}

#[cfg(test)]
#[path = "cjk_names_tests.rs"]
mod tests;
