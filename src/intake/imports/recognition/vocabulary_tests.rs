use super::fields::Resource;
use super::language::Language;
use super::lexicon::{self, Meaning, blocks};
use super::mapping::{ColumnReading, Unread};
use super::{Column, Request, normal, reading, recognise};

/// Every word of the data files is found as what it says, alone or among the meanings in other languages.
#[test]
fn every_header_of_the_data_files_is_found() {
    let mut wrong = Vec::new();
    for resource in Resource::ALL {
        for block in lexicon::files(resource).into_iter().take(1).flat_map(blocks) {
            let field = block.head.split('|').next().unwrap().trim();
            for word in block.lines.iter().flat_map(|(_, words)| words) {
                let known = reading::readings(word, resource).iter().any(|reading| {
                    matches!(reading.meanings.first(), Some(Meaning::Path(path)) if path == field) || field == "-"
                });
                if !known {
                    wrong.push(format!("{} [{}] {word}", resource.as_str(), block.head));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The best word of a language for every field, with the head of its block.
fn first_words(resource: Resource, language: Language) -> Vec<(&'static str, &'static str)> {
    let mut wanted: Vec<(&str, &str)> = Vec::new();
    for block in lexicon::files(resource).into_iter().flat_map(blocks).filter(|block| block.head != "-") {
        let words = block.lines.into_iter().find(|(known, _)| *known == language).map(|(_, words)| words);
        let new = |word: &&str| !wanted.iter().any(|(known, _)| normal::key(known) == normal::key(word));
        wanted.extend(words.and_then(|words| words.first().copied()).filter(new).map(|word| (word, block.head)));
    }
    wanted
}

/// Checks whether a column is what the head of its block says. A word of two meanings may lose against one of one.
fn is_understood(head: &str, column: &ColumnReading) -> bool {
    let path = column.targets.first().map_or("", |target| target.path.as_str());
    let same = head.split(" | ").any(|part| part == path);
    let of_company = matches!((head, path), ("address.country", "country") | ("website", "domain" | ""));
    let told = head.contains('|') && column.unread.is_some();
    same || of_company || told || matches!(column.unread, Some(Unread::InParts { .. }))
}

/// A file in one language with the best word for every field is understood completely.
#[test]
fn a_file_of_the_first_words_of_a_language_is_understood() {
    let mut wrong = Vec::new();
    for (resource, language) in Resource::ALL.into_iter().flat_map(|one| Language::ALL.map(|language| (one, language)))
    {
        let wanted = first_words(resource, language);
        let columns: Vec<Column<'_>> = wanted.iter().map(|(header, _)| Column { header, content: None }).collect();
        let found = recognise(&columns, &Request { resource: Some(resource), ..Request::default() });
        for ((word, head), column) in wanted.iter().zip(&found.columns) {
            // The words of all languages together look like some program's, whose columns go first.
            let lost = found.origin.is_some() && matches!(column.unread, Some(Unread::Taken { .. }));
            if !is_understood(head, column) && !lost {
                wrong.push(format!("{} {}: {word} [{head}]: {column:?}", resource.as_str(), language.code()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
