use super::fields::{self, Resource};
use super::language::Language;
use super::lexicon::{self, Meaning, Word, blocks};
use super::{known_program, normal};
use std::collections::HashMap;

const NAMED_FILES: [(&str, &str); 11] = [
    ("contacts", include_str!("data/contacts.txt")),
    ("companies", include_str!("data/companies.txt")),
    ("leads", include_str!("data/leads.txt")),
    ("deals", include_str!("data/deals.txt")),
    ("tasks", include_str!("data/tasks.txt")),
    ("activities", include_str!("data/activities.txt")),
    ("users", include_str!("data/users.txt")),
    ("products", include_str!("data/products.txt")),
    ("addresses", lexicon::ADDRESSES),
    ("records", lexicon::RECORDS),
    ("words", lexicon::WORDS),
];

#[test]
fn every_line_is_a_comment_a_head_or_words_of_a_language() {
    for (name, text) in NAMED_FILES {
        for (at, line) in text.lines().enumerate() {
            let words = line.split_once(": ").and_then(|(code, _)| Language::of_code(code)).is_some();
            let head = line.starts_with('[') && line.ends_with(']');
            assert!(line.is_empty() || line.starts_with('#') || head || words, "{name}.txt:{}: {line}", at + 1);
        }
    }
}

#[test]
fn every_field_of_the_data_files_exists() {
    for resource in Resource::ALL {
        for block in lexicon::files(resource).into_iter().flat_map(blocks) {
            for part in block.head.split('|').map(str::trim).filter(|part| !part.starts_with('"') && *part != "-") {
                assert!(fields::field(resource, part).is_some(), "{}: {part}", resource.as_str());
            }
        }
    }
}

/// A resource's own file goes before the shared ones.
#[test]
fn no_header_means_two_fields_in_one_language() {
    let mut wrong = Vec::new();
    for resource in Resource::ALL {
        let own = lexicon::files(resource).into_iter().take(1).flat_map(blocks);
        let shared = lexicon::files(resource).into_iter().skip(1).flat_map(blocks);
        for all in [own.collect::<Vec<_>>(), shared.collect()] {
            conflicts(resource, &all, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn conflicts(resource: Resource, all: &[lexicon::Block<'_>], wrong: &mut Vec<String>) {
    let mut known: HashMap<(Language, String), &str> = HashMap::new();
    for block in all {
        for (language, word) in
            block.lines.iter().flat_map(|(language, words)| words.iter().map(move |word| (language, word)))
        {
            let key = normal::key(word);
            assert!(!key.is_empty(), "{}: an empty word in {}", resource.as_str(), block.head);
            let other = known.insert((*language, key), block.head);
            if other.is_some_and(|other| other != block.head) {
                wrong.push(format!("{} {}: {word}: {other:?} and {}", resource.as_str(), language.code(), block.head));
            }
        }
    }
}

#[test]
fn no_header_stands_twice_in_a_line() {
    let mut wrong = Vec::new();
    for (name, text) in NAMED_FILES {
        for block in blocks(text) {
            for (language, words) in &block.lines {
                for (at, word) in words.iter().enumerate() {
                    let earlier = words.iter().take(at).any(|other| normal::words(other) == normal::words(word));
                    if earlier {
                        wrong.push(format!("{name} [{}] {}: {word}", block.head, language.code()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn headers_are_in_lower_case_and_trimmed() {
    for (name, text) in NAMED_FILES {
        for word in blocks(text).iter().flat_map(|block| &block.lines).flat_map(|(_, words)| words) {
            assert_eq!(*word, word.trim().to_lowercase(), "{name}");
        }
    }
}

#[test]
fn the_languages_of_a_block_stand_in_one_order_and_once() {
    for (name, text) in NAMED_FILES {
        for block in blocks(text) {
            let order: Vec<usize> = block
                .lines
                .iter()
                .filter_map(|(language, _)| Language::ALL.iter().position(|known| known == language))
                .collect();
            assert!(order.is_sorted_by(|one, other| one < other), "{name} [{}]", block.head);
        }
    }
}

#[test]
fn every_block_of_words_is_known() {
    for block in blocks(lexicon::WORDS) {
        assert!(block.head.starts_with("values ") || Word::of_head(block.head).is_some(), "[{}]", block.head);
    }
}

#[test]
fn every_line_of_an_origin_is_read() {
    for text in known_program::FILES {
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '['])) {
            assert!(
                line.starts_with("name: ") || line == "exact: yes" || known_program::read_line(line).is_some(),
                "{line}"
            );
        }
    }
}

#[test]
fn every_field_of_an_origin_exists() {
    let mut wrong = Vec::new();
    for text in known_program::FILES {
        let mut resource = None;
        for line in text.lines() {
            if let Some(head) = line.strip_prefix('[') {
                resource = Resource::of_text(head.trim_end_matches(']'));
                assert!(resource.is_some(), "{head}");
            }
            let (Some(resource), Some((_, column))) = (resource, known_program::read_line(line)) else { continue };
            for (path, _) in column.targets {
                if fields::field(resource, path).is_none() {
                    wrong.push(format!("{}: {line}", resource.as_str()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_header_of_an_export_stands_twice() {
    for text in known_program::FILES {
        let mut known: Vec<String> = Vec::new();
        for line in text.lines() {
            if line.starts_with('[') {
                known.clear();
            }
            let Some((header, _)) = known_program::read_line(line) else { continue };
            let key = normal::key(header);
            assert!(!known.contains(&key), "{line}");
            known.push(key);
        }
    }
}

#[test]
fn alternatives_that_are_not_fields_are_described() {
    for block in NAMED_FILES.into_iter().flat_map(|(_, text)| blocks(text)) {
        let described = block.head.split('|').filter(|part| part.trim().starts_with('"')).count();
        assert!(described == 0 || block.head.contains('|'), "[{}]", block.head);
    }
    assert_ne!(Meaning::NotImported, Meaning::Other(String::new()));
}

/// Prints the figures: `cargo test figures -- --nocapture`.
#[test]
fn figures() {
    let mut languages: HashMap<&str, usize> = HashMap::new();
    for (name, text) in NAMED_FILES {
        let mut per_file = 0;
        for (language, words) in blocks(text).iter().flat_map(|block| &block.lines) {
            *languages.entry(language.code()).or_default() += words.len();
            per_file += words.len();
        }
        println!("{name}: {per_file} headers");
    }
    for language in Language::ALL {
        println!("{}: {}", language.name(), languages.get(language.code()).copied().unwrap_or_default());
    }
    for text in known_program::FILES {
        let name = text.lines().find_map(|line| line.strip_prefix("name: ")).unwrap_or_default();
        let all: Vec<_> = text.lines().filter_map(known_program::read_line).collect();
        let marks = all.iter().filter(|(_, column)| column.is_mark).count();
        let unset = all.iter().filter(|(_, column)| column.targets.is_empty()).count();
        println!("{name}: {} columns, {marks} of them marks, {unset} known but not imported", all.len());
    }
    assert!(languages.values().all(|count| *count > 300));
}
