//! What a header may mean for a resource: a header of the data files, alone or with words for a record, a kind of
//! address, a number or a currency before or after it.
use crate::intake::imports::recognition::fields::{self, AddressKind, Resource, Value};
use crate::intake::imports::recognition::language::Language;
use crate::intake::imports::recognition::lexicon::{self, Meaning, Word};
use crate::intake::imports::recognition::normal;
use std::borrow::Cow;

/// One of the readings of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// With several meanings, the other columns or the values decide.
    pub meanings: Vec<Meaning>,
    pub languages: Vec<Language>,
    /// The higher, the surer.
    pub score: u8,
    pub kind: Option<AddressKind>,
    pub number: Option<u8>,
    pub currency: Option<&'static str>,
    /// The header names the record that comes with the row.
    pub of_record: Option<Resource>,
    /// The header is of a record that comes with the row, but does not name it.
    pub only_there: Option<Resource>,
}

impl Reading {
    pub fn new(meanings: Vec<Meaning>, languages: Vec<Language>, score: u8) -> Reading {
        Reading {
            meanings,
            languages,
            score,
            kind: None,
            number: None,
            currency: None,
            of_record: None,
            only_there: None,
        }
    }

    fn of(entry: &lexicon::Entry) -> Reading {
        let place = u8::try_from(entry.place.min(15)).unwrap_or(15);
        Reading::new(entry.meanings.clone(), entry.languages.clone(), 100 - place)
    }

    fn less(mut self, points: u8) -> Reading {
        self.score = self.score.saturating_sub(points);
        self
    }

    /// The only path, if the reading is certain.
    pub fn path(&self) -> Option<&str> {
        match self.meanings.as_slice() {
            [Meaning::Path(path)] => Some(path),
            _ => None,
        }
    }

    /// Puts the paths under a record that comes with the row. Its name stands for the record itself.
    fn under(mut self, part: &str, resource: Resource, other: Resource) -> Option<Reading> {
        let inside = |meaning: Meaning| match meaning {
            Meaning::Path(path) if path == "name" && part != "person" => Some(Meaning::Path(part.to_owned())),
            Meaning::Path(path) if path == "title" && other != Resource::Contacts => {
                Some(Meaning::Path(part.to_owned()))
            }
            Meaning::Path(path) => {
                let path = format!("{part}.{path}");
                fields::field(resource, &path).map(|_| Meaning::Path(path))
            }
            other => Some(other),
        };
        self.meanings = self.meanings.into_iter().filter_map(inside).collect();
        (!self.meanings.is_empty()).then_some(self)
    }
}

/// Checks whether a text is surely the header of a field.
pub fn is_header(text: &str, resource: Resource) -> bool {
    readings(text, resource).first().is_some_and(|reading| reading.score >= 60)
}

/// Returns the readings of a header, the surest first, each meaning once.
pub fn readings(header: &str, resource: Resource) -> Vec<Reading> {
    if header.chars().nth(HEADER_MAX).is_some() {
        return Vec::new();
    }
    let mut found = amounts(header, resource);
    if found.is_empty() {
        found = read(&as_texts(&normal::words(header)), resource, 0);
    }
    found.sort_by_key(|reading| std::cmp::Reverse(reading.score));
    let mut once: Vec<Reading> = Vec::new();
    for reading in found {
        if !once.iter().any(|known| known.meanings == reading.meanings) {
            once.push(reading);
        }
    }
    once
}

/// A longer text is not the name of a field.
const HEADER_MAX: usize = 100;

/// A header with more words is not taken apart.
const WORDS_MAX: usize = 8;

/// A longer word is not divided.
const LETTERS_MAX: usize = 40;

/// How many words may be taken off a header.
const DEPTH: u8 = 3;

fn read(words: &[&str], resource: Resource, depth: u8) -> Vec<Reading> {
    let key = joined(words);
    if key.is_empty() {
        return Vec::new();
    }
    let entries = lexicon::of(resource).find(&key);
    let mut found: Vec<Reading> = entries.iter().map(Reading::of).collect();
    if found.is_empty() {
        found.extend(kind_alone(&key, resource));
    }
    if found.is_empty() {
        found.extend(of_others(&key, resource));
    }
    if found.is_empty() && depth < DEPTH && words.len() <= WORDS_MAX {
        found.extend(without_number(words, resource, depth));
        found.extend(without_a_word(words, resource, depth));
    }
    found
}

/// "Mobile" alone is a phone.
fn kind_alone(key: &str, resource: Resource) -> Option<Reading> {
    let mobile = lexicon::modifiers(key).contains(&Word::Kind(AddressKind::Mobile));
    let part = match resource {
        Resource::Contacts | Resource::Companies => "phone",
        Resource::Leads => "person.phone",
        Resource::Deals => "contact.phone",
        _ => return None,
    };
    let plain = Reading::new(vec![Meaning::Path(part.to_owned())], Vec::new(), 95);
    mobile.then_some(Reading { kind: Some(AddressKind::Mobile), ..plain })
}

/// A record that comes with a row, and the fields that only it can have.
struct Companion {
    of: Resource,
    part: &'static str,
    record: Resource,
    only: &'static [&'static str],
}

const COMPANIONS: &[Companion] = &[
    Companion {
        of: Resource::Contacts,
        part: "company",
        record: Resource::Companies,
        only: &["sector", "employees", "founded_year", "vat_number"],
    },
    Companion {
        of: Resource::Leads,
        part: "company",
        record: Resource::Companies,
        only: &["sector", "employees", "domain", "vat_number", "revenue"],
    },
    Companion {
        of: Resource::Deals,
        part: "company",
        record: Resource::Companies,
        only: &["sector", "employees", "domain", "vat_number"],
    },
    Companion {
        of: Resource::Deals,
        part: "contact",
        record: Resource::Contacts,
        only: &["email", "phone", "first_name", "middle_name", "last_name", "position", "email.kind", "phone.kind"],
    },
];

/// Fields of contacts that are not those of the person of a lead.
const NOT_OF_PERSON: &[&str] =
    &["company", "lifecycle", "source", "owner", "tags", "note", "created_at", "external_id"];

fn of_others(key: &str, resource: Resource) -> Vec<Reading> {
    let mut found = Vec::new();
    for other in COMPANIONS.iter().filter(|other| other.of == resource) {
        let fits = |reading: &Reading| reading.path().is_some_and(|path| other.only.contains(&path));
        let all = under(key, other.part, resource, other.record);
        found.extend(all.into_iter().filter(|(plain, _)| fits(plain)).map(|(_, reading)| reading));
    }
    if resource == Resource::Leads {
        let is_own = |reading: &Reading| reading.path().is_some_and(|path| NOT_OF_PERSON.contains(&path));
        let person = under(key, "person", resource, Resource::Contacts);
        found.extend(person.into_iter().filter(|(plain, _)| !is_own(plain)).map(|(_, reading)| reading));
    }
    found
}

/// Returns the readings for another record, each as it is there and as it is here.
fn under(key: &str, part: &str, resource: Resource, other: Resource) -> Vec<(Reading, Reading)> {
    let place = |entry: &lexicon::Entry| {
        let plain = Reading::of(entry);
        let here = plain.clone().under(part, resource, other)?.less(20);
        Some((plain, Reading { only_there: Some(other), ..here }))
    };
    lexicon::of(other).find(key).iter().filter_map(place).collect()
}

/// "Email 2", "Phone 1 - Value".
fn without_number(words: &[&str], resource: Resource, depth: u8) -> Vec<Reading> {
    let numbers: Vec<u8> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let [number] = numbers.as_slice() else { return Vec::new() };
    let rest: Vec<&str> = words.iter().copied().filter(|word| word.parse::<u8>().is_err()).collect();
    let reading = |reading: Reading| Reading { number: Some(*number), ..reading }.less(2);
    let several = |reading: &Reading| reading.path().is_some_and(|path| is_several(resource, path));
    read(&rest, resource, depth + 1).into_iter().filter(several).map(reading).collect()
}

fn is_several(resource: Resource, path: &str) -> bool {
    fields::field(resource, path).is_some_and(|field| field.many) || is_address_part(path)
}

fn is_address_part(path: &str) -> bool {
    path.starts_with("address.") || path.contains(".address.")
}

/// Takes a word off the beginning or the end, if it is one of the words of words.txt.
fn without_a_word(words: &[&str], resource: Resource, depth: u8) -> Vec<Reading> {
    let mut found = Vec::new();
    let mut take = |word: &[&str], rest: &[&str]| {
        for meaning in lexicon::modifiers(&joined(word)) {
            found.extend(with(*meaning, rest, resource, depth + 1));
        }
    };
    match words {
        [word] => inside(word, &mut take),
        words => between(words, &mut take),
    }
    found
}

/// A word and the rest of a header.
type Take<'a> = &'a mut dyn FnMut(&[&str], &[&str]);

fn between(words: &[&str], take: Take<'_>) {
    for at in 1..words.len() {
        let (left, right) = words.split_at(at);
        take(left, right);
        take(right, left);
    }
}

/// Divides a single word anywhere, because some languages and programs write no spaces.
fn inside(word: &str, take: Take<'_>) {
    if word.chars().nth(LETTERS_MAX).is_some() {
        return;
    }
    for (at, _) in word.char_indices().skip(1) {
        let (left, right) = word.split_at(at);
        for (part, rest) in [(left, right), (right, left)] {
            if is_long_enough(part) {
                take(&[part], &[rest]);
            }
        }
    }
}

/// Short words would be found in the middle of other words, but not in Japanese.
fn is_long_enough(word: &str) -> bool {
    word.chars().count() >= 3 || word.chars().next().is_some_and(|letter| letter >= '\u{3000}')
}

fn as_texts(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

fn joined<'a>(words: &[&'a str]) -> Cow<'a, str> {
    if let [word] = words { Cow::Borrowed(word) } else { Cow::Owned(words.concat()) }
}

fn with(word: Word, rest: &[&str], resource: Resource, depth: u8) -> Vec<Reading> {
    match word {
        Word::Noise => read(rest, resource, depth).into_iter().map(|reading| reading.less(1)).collect(),
        Word::Record(record) if record == resource => {
            read(rest, resource, depth).into_iter().map(|reading| reading.less(3)).collect()
        }
        Word::Record(record) => of_record(record, rest, resource, depth),
        Word::Kind(kind) => {
            // "Téléphone mobile professionnel" is a mobile number.
            let kind = |inner: Option<AddressKind>| inner.filter(|inner| *inner == AddressKind::Mobile).or(Some(kind));
            let reading = |reading: Reading| Reading { kind: kind(reading.kind), ..reading }.less(4);
            reachable(rest, resource, depth).map(reading).collect()
        }
        Word::Order(number) => {
            let reading = |reading: Reading| Reading { number: reading.number.or(Some(number)), ..reading }.less(4);
            let fits = |reading: &Reading| number == 1 || reading.path().is_some_and(|path| is_several(resource, path));
            reachable(rest, resource, depth).filter(fits).map(reading).collect()
        }
        Word::Address => {
            let is_part = |reading: &Reading| reading.path().is_some_and(is_address_part);
            read(rest, resource, depth).into_iter().filter(is_part).map(|reading| reading.less(2)).collect()
        }
        Word::Label => reachable(rest, resource, depth).filter_map(|reading| label(reading, resource)).collect(),
    }
}

/// Readings as a way to reach someone: an e-mail address, a phone, an address or a part of one.
fn reachable(rest: &[&str], resource: Resource, depth: u8) -> impl Iterator<Item = Reading> {
    let fits = |reading: &Reading| {
        let last = reading.path().map(|path| path.rsplit('.').next().unwrap_or(path));
        let whole = matches!(last, Some("email" | "phone" | "fax" | "address" | "website"));
        whole || reading.path().is_some_and(is_address_part)
    };
    read(rest, resource, depth).into_iter().filter(fits)
}

fn label(reading: Reading, resource: Resource) -> Option<Reading> {
    let path = format!("{}.kind", reading.path()?);
    fields::field(resource, &path)?;
    Some(Reading { meanings: vec![Meaning::Path(path)], ..reading }.less(4))
}

fn of_record(record: Resource, rest: &[&str], resource: Resource, depth: u8) -> Vec<Reading> {
    let part = match (resource, record) {
        (Resource::Leads, Resource::Contacts) => "person",
        _ => record.singular(),
    };
    if fields::related(resource, part) != Some(record) {
        return Vec::new();
    }
    let place = |reading: Reading| {
        let score = reading.score.saturating_sub(8);
        let here = reading.under(part, resource, record)?;
        Some(Reading { score, of_record: Some(record), ..here })
    };
    read(rest, record, depth).into_iter().filter_map(place).collect()
}

/// Signs, codes and words for currencies in headers, words as `normal::words` returns them. A sign that many
/// currencies share has no code.
const CURRENCIES: &[(&str, Option<&str>)] = &[
    ("€", Some("EUR")),
    ("£", Some("GBP")),
    ("₽", Some("RUB")),
    ("¥", Some("JPY")),
    ("円", Some("JPY")),
    ("zl", Some("PLN")),
    ("r$", Some("BRL")),
    ("us$", Some("USD")),
    ("kc", Some("CZK")),
    ("₴", Some("UAH")),
    ("₸", Some("KZT")),
    ("₹", Some("INR")),
    ("$", None),
    ("eur", Some("EUR")),
    ("euro", Some("EUR")),
    ("usd", Some("USD")),
    ("gbp", Some("GBP")),
    ("chf", Some("CHF")),
    ("jpy", Some("JPY")),
    ("pln", Some("PLN")),
    ("rub", Some("RUB")),
    ("руб", Some("RUB")),
    ("brl", Some("BRL")),
    ("sek", Some("SEK")),
    ("nok", Some("NOK")),
    ("dkk", Some("DKK")),
    ("czk", Some("CZK")),
    ("cad", Some("CAD")),
    ("aud", Some("AUD")),
    ("mxn", Some("MXN")),
    ("cny", Some("CNY")),
    ("inr", Some("INR")),
    ("uah", Some("UAH")),
    ("kzt", Some("KZT")),
];

/// Returns the code of the currency in a header such as "Amount (EUR)".
pub fn currency(header: &str) -> Option<&'static str> {
    split_currency(header).and_then(|(_, code)| code)
}

/// Returns the words of a header without those of a currency, and the code of the currency.
fn split_currency(header: &str) -> Option<(Vec<String>, Option<&'static str>)> {
    let (lower, mut words) = (header.to_lowercase(), normal::words(header));
    let is_in = |sign: &str| match sign.chars().all(char::is_alphanumeric) {
        true => words.len() > 1 && words.iter().any(|word| word == sign),
        false => lower.contains(sign),
    };
    let (sign, code) = CURRENCIES.iter().find(|(sign, _)| is_in(sign))?;
    let letters = sign.trim_end_matches('$');
    words.retain(|word| word != letters);
    Some((words, *code))
}

/// "Amount (EUR)", "Сумма, руб.", "Importe €": an amount in the currency that its header names.
fn amounts(header: &str, resource: Resource) -> Vec<Reading> {
    let Some((rest, currency)) = split_currency(header) else { return Vec::new() };
    let is_amount = |reading: &Reading| {
        let field = reading.path().and_then(|path| fields::field(resource, path));
        field.is_some_and(|field| field.value == Value::Money)
    };
    let reading = |reading: Reading| Reading { currency, ..reading }.less(1);
    read(&as_texts(&rest), resource, 1).into_iter().filter(is_amount).map(reading).collect()
}

/// Returns what a header of a deal may mean for its company and its contact, if it may be of both.
pub fn of_both(header: &str) -> Vec<String> {
    let words = normal::words(header);
    let under = |part: &str, record| {
        let found =
            read(&as_texts(&words), record, 1).into_iter().find_map(|reading| reading.path().map(str::to_owned));
        found.filter(|path| path.starts_with("address") || path == "fax").map(|path| format!("{part}.{path}"))
    };
    let address = |path: String| if path == "company.country" { "company.address.country".to_owned() } else { path };
    let company = under("company", Resource::Companies).map(address);
    [company, under("contact", Resource::Contacts)].into_iter().flatten().collect()
}
