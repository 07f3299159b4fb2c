//! Which kind of record a file most likely holds.
use crate::intake::imports::recognition::fields::{self, Resource};
use crate::intake::imports::recognition::known_program::OriginMatch;
use crate::intake::imports::recognition::lexicon::{self, Meaning, Word};
use crate::intake::imports::recognition::mapping::Likely;
use crate::intake::imports::recognition::normal;
use crate::intake::imports::recognition::reading::{self, Reading};

/// The fields without which a file hardly holds such records: one of each list.
const fn needed(resource: Resource) -> &'static [&'static [&'static str]] {
    match resource {
        Resource::Contacts => &[&["name", "first_name", "last_name", "email", "phone"]],
        Resource::Companies => &[&["name", "domain"]],
        Resource::Leads => &[
            &["stage", "status", "rating", "title", "description", "value", "loss_reason", "product"],
            &["person.name", "person.first_name", "person.last_name", "person.email", "person.phone"],
        ],
        Resource::Deals => {
            &[&["title", "external_id"], &["value", "stage", "status", "closed_at", "expected_close_date", "pipeline"]]
        }
        Resource::Tasks => &[&["title"], &["due_date"]],
        Resource::Activities => &[&["text", "subject", "outcome", "duration"], &["type", "occurred_at"]],
        Resource::Users => &[&["name"], &["email"], &["role", "team"]],
        Resource::Products => &[&["name"], &["price", "sku", "series"]],
    }
}

/// Fields that hardly another kind of record has.
const fn telling(resource: Resource) -> &'static [&'static str] {
    match resource {
        Resource::Contacts => &["first_name", "last_name", "middle_name", "position", "birthday", "lifecycle", "email"],
        Resource::Companies => &["domain", "sector", "employees", "revenue", "founded_year", "parent", "vat_number"],
        Resource::Leads => &[
            "title",
            "description",
            "stage",
            "value",
            "loss_reason",
            "rating",
            "converted_at",
            "is_converted",
            "come_back_on",
        ],
        Resource::Deals => {
            &["value", "stage", "closed_at", "expected_close_date", "probability_percent", "won_at", "loss_reason"]
        }
        Resource::Tasks => &["due_date", "priority", "assignee", "due_time"],
        Resource::Activities => &["type", "duration", "direction", "outcome", "occurred_at", "recording_url", "text"],
        Resource::Users => &["role", "team", "email"],
        Resource::Products => &["price", "sku", "unit", "series"],
    }
}

fn first_path(reading: &Reading) -> Option<&str> {
    reading
        .meanings
        .iter()
        .find_map(|meaning| if let Meaning::Path(path) = meaning { Some(path.as_str()) } else { None })
}

fn score(headers: &[&str], resource: Resource) -> u32 {
    let mut paths: Vec<String> = Vec::new();
    let mut points = 0;
    for header in headers {
        let all = reading::readings(header, resource);
        let Some(best) = all.first() else { continue };
        points += worth(header, best, resource, &paths);
        paths.extend(first_path(best).map(str::to_owned));
    }
    let has = |group: &&[&str]| group.iter().any(|path| paths.iter().any(|known| known == path));
    if needed(resource).iter().all(has) { points } else { points / 4 }
}

/// Returns how much a header says for a kind of record, in which others already have fed `paths`.
fn worth(header: &str, best: &Reading, resource: Resource, paths: &[String]) -> u32 {
    let Some(path) = first_path(best) else { return 1 };
    let indirect = best.only_there.is_some() || best.of_record.is_some();
    let points = match path {
        path if paths.iter().any(|known| known == path) => 1,
        _ if best.meanings.iter().any(|meaning| matches!(meaning, Meaning::Other(_))) => 2,
        _ if best.meanings.len() > 1 => 4,
        path if path.starts_with("person.") => 8,
        _ if indirect => 4,
        path if telling(resource).contains(&path) => 14,
        _ => 8,
    };
    // A name in the form of this program, such as "person.phone".
    let own = if header.contains('.') && fields::field(resource, header).is_some() { 20 } else { 0 };
    // A header that names its record, such as "Deal owner".
    let named = if !indirect && names_record(header, resource) { 10 } else { 0 };
    points + own + named
}

fn names_record(header: &str, resource: Resource) -> bool {
    let words = normal::words(header);
    let is = |word: &String| lexicon::modifiers(word).contains(&Word::Record(resource));
    words.len() > 1 && (words.first().is_some_and(is) || words.last().is_some_and(is))
}

/// Returns the kinds of record, the most likely first. A recognised export decides.
pub fn rank(headers: &[&str], origin: Option<&OriginMatch>) -> Vec<Likely> {
    let bonus = |resource| if origin.is_some_and(|origin| origin.resource == resource) { 1000 } else { 0 };
    let one = |resource| Likely { resource, score: score(headers, resource) + bonus(resource) };
    let mut all: Vec<Likely> = Resource::ALL.into_iter().map(one).collect();
    all.sort_by_key(|likely| std::cmp::Reverse(likely.score));
    all
}
