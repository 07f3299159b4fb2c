//! The words of the data files.
use crate::intake::imports::recognition::fields::{AddressKind, Resource};
use crate::intake::imports::recognition::language::Language;
use crate::intake::imports::recognition::normal;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// A block of a data file: its head, and the lines of the languages.
#[derive(Clone, Debug)]
pub struct Block<'a> {
    pub head: &'a str,
    pub lines: Vec<(Language, Vec<&'a str>)>,
}

/// Reads the blocks of a data file. Lines of unknown form are skipped; a test finds them.
pub fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(head) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            blocks.push(Block { head, lines: Vec::new() });
        } else if let (Some(block), Some((code, words))) = (blocks.last_mut(), line.split_once(": "))
            && let Some(language) = Language::of_code(code)
        {
            block.lines.push((language, words.split(';').map(str::trim).collect()));
        }
    }
    blocks
}

pub const ADDRESSES: &str = include_str!("data/addresses.txt");
pub const RECORDS: &str = include_str!("data/records.txt");
pub const WORDS: &str = include_str!("data/words.txt");

/// Returns the data files with the headers of a resource.
pub fn files(resource: Resource) -> Vec<&'static str> {
    match resource {
        Resource::Contacts => vec![include_str!("data/contacts.txt"), ADDRESSES, RECORDS],
        Resource::Companies => vec![include_str!("data/companies.txt"), ADDRESSES, RECORDS],
        Resource::Leads => vec![include_str!("data/leads.txt"), RECORDS],
        Resource::Deals => vec![include_str!("data/deals.txt"), RECORDS],
        Resource::Tasks => vec![include_str!("data/tasks.txt")],
        Resource::Activities => vec![include_str!("data/activities.txt")],
        Resource::Users => vec![include_str!("data/users.txt")],
        Resource::Products => vec![include_str!("data/products.txt")],
    }
}

/// One of the meanings of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    Path(String),
    /// Something that no field holds, in words.
    Other(String),
    /// A column that an import does not set.
    NotImported,
}

impl Meaning {
    fn of_text(text: &str) -> Meaning {
        match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(words) => Meaning::Other(words.to_owned()),
            None if text == "-" => Meaning::NotImported,
            None => Meaning::Path(text.to_owned()),
        }
    }
}

/// The meanings of a header in some languages. With several meanings, the other columns or the values decide.
#[derive(Clone, Debug)]
pub struct Entry {
    pub meanings: Vec<Meaning>,
    pub languages: Vec<Language>,
    /// Place among the words of the field, from 0.
    pub place: usize,
}

#[derive(Debug, Default)]
pub struct Lexicon(HashMap<String, Vec<Entry>>);

impl Lexicon {
    pub fn find(&self, key: &str) -> &[Entry] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    /// Reads a file. A header that an earlier file has in the same language keeps its meaning.
    fn read(&mut self, resource: Resource, text: &str) {
        let earlier: HashSet<(String, Language)> =
            self.0.iter().flat_map(|(key, entries)| spoken(key, entries)).collect();
        for block in blocks(text) {
            let meanings: Vec<Meaning> = block.head.split('|').map(|part| meaning(resource, part.trim())).collect();
            for (language, words) in block.lines {
                for (place, word) in words.into_iter().enumerate() {
                    let key = normal::key(word);
                    if !earlier.contains(&(key.clone(), language)) {
                        // The website of a company is its domain only if no other column has that.
                        let place = if block.head == "website" { place + 10 } else { place };
                        self.add(&key, &meanings, language, place);
                    }
                }
            }
        }
    }

    fn add(&mut self, key: &str, meanings: &[Meaning], language: Language, place: usize) {
        let entries = self.0.entry(key.to_owned()).or_default();
        match entries.iter_mut().find(|entry| entry.meanings == meanings) {
            Some(entry) => {
                entry.place = entry.place.min(place);
                if !entry.languages.contains(&language) {
                    entry.languages.push(language);
                }
            }
            None => entries.push(Entry { meanings: meanings.to_vec(), languages: vec![language], place }),
        }
    }
}

fn spoken(key: &str, entries: &[Entry]) -> Vec<(String, Language)> {
    entries.iter().flat_map(|entry| &entry.languages).map(|language| (key.to_owned(), *language)).collect()
}

/// The country of a company is a field of its own, and its website is its domain.
fn meaning(resource: Resource, text: &str) -> Meaning {
    match (resource, text) {
        (Resource::Companies, "address.country") => Meaning::Path("country".to_owned()),
        (Resource::Companies, "website") => Meaning::Path("domain".to_owned()),
        _ => Meaning::of_text(text),
    }
}

static LEXICONS: LazyLock<HashMap<Resource, Lexicon>> = LazyLock::new(|| {
    let read = |resource: Resource| {
        let mut lexicon = Lexicon::default();
        files(resource).into_iter().for_each(|text| lexicon.read(resource, text));
        (resource, lexicon)
    };
    Resource::ALL.into_iter().map(read).collect()
});

static NOTHING: LazyLock<Lexicon> = LazyLock::new(Lexicon::default);

pub fn of(resource: Resource) -> &'static Lexicon {
    LEXICONS.get(&resource).unwrap_or(&NOTHING)
}

/// The meaning of a word before or after the header of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Record(Resource),
    Kind(AddressKind),
    Order(u8),
    /// "Address" before a part of an address.
    Address,
    /// The column holds the kind of an address.
    Label,
    Noise,
}

impl Word {
    pub fn of_head(head: &str) -> Option<Word> {
        let (what, which) = head.split_once(' ').unwrap_or((head, ""));
        Some(match what {
            "record" => Word::Record(Resource::of_text(which)?),
            "kind" => Word::Kind(AddressKind::of_text(which)?),
            "order" => Word::Order(which.parse().ok()?),
            "part" => Word::Address,
            "label" => Word::Label,
            "noise" => Word::Noise,
            _ => return None,
        })
    }
}

static MODIFIERS: LazyLock<HashMap<String, Vec<Word>>> = LazyLock::new(|| {
    let mut all: HashMap<String, Vec<Word>> = HashMap::new();
    for block in blocks(WORDS) {
        let Some(word) = Word::of_head(block.head) else { continue };
        for text in block.lines.iter().flat_map(|(_, words)| words) {
            let meanings = all.entry(normal::key(text)).or_default();
            if !meanings.contains(&word) {
                meanings.push(word);
            }
        }
    }
    all
});

pub fn modifiers(key: &str) -> &'static [Word] {
    MODIFIERS.get(key).map_or(&[], Vec::as_slice)
}

static VALUES: LazyLock<HashMap<&'static str, Vec<String>>> = LazyLock::new(|| {
    let mut all: HashMap<&'static str, Vec<String>> = HashMap::new();
    for block in blocks(WORDS) {
        let Some(name) = block.head.strip_prefix("values ") else { continue };
        let keys = block.lines.iter().flat_map(|(_, words)| words).map(|word| normal::key(word));
        all.entry(name).or_default().extend(keys);
    }
    all
});

/// Checks whether a text is one of the words of a `[values …]` block.
pub fn is_value(block: &str, text: &str) -> bool {
    let key = normal::key(text);
    VALUES.get(block).is_some_and(|words| words.contains(&key))
}
