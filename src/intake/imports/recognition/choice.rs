//! Decides between the meanings of a header by the other columns and by the values.
use crate::intake::imports::recognition::content::Content;
use crate::intake::imports::recognition::lexicon::{self, Meaning};

/// What is known of the other columns.
#[derive(Debug)]
pub struct Others<'a> {
    /// The paths that other columns certainly feed.
    pub certain: &'a [String],
    /// The paths that other columns may feed.
    pub possible: &'a [String],
}

impl Others<'_> {
    fn has(&self, path: &str) -> bool {
        self.certain.iter().any(|known| known == path)
    }

    fn may_have(&self, path: &str) -> bool {
        self.has(path) || self.possible.iter().any(|known| known == path)
    }

    fn has_any(&self, paths: &[&str]) -> bool {
        paths.iter().any(|path| self.has(path))
    }
}

/// The meaning that was chosen, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub path: String,
    pub why: &'static str,
}

fn choice(path: &str, why: &'static str) -> Option<Choice> {
    Some(Choice { path: path.to_owned(), why })
}

/// Chooses one of the meanings, or returns `None` if nothing decides.
pub fn choose(meanings: &[Meaning], others: &Others<'_>, content: Option<&Content>) -> Option<Choice> {
    let paths: Vec<&str> = meanings
        .iter()
        .filter_map(|meaning| if let Meaning::Path(path) = meaning { Some(path.as_str()) } else { None })
        .collect();
    let first = paths.first()?;
    let (prefix, _) = first.rsplit_once('.').map_or(("", *first), |(prefix, rest)| (prefix, rest));
    let at = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
    // The name of a contact that comes with the row stands for the contact.
    let is_name = |path: &str| path == at("name") || (!prefix.is_empty() && path == prefix);
    match paths.as_slice() {
        [one, two] if *one == at("first_name") && is_name(two) => first_name(one, two, &at("last_name"), others),
        [one, two] if *one == at("last_name") && is_name(two) => last_name(one, two, &at("first_name"), others),
        [one, two] if *two == at("name_prefix") => Some(position(one, two, content)),
        ["title", position] => title(position, others, content),
        ["stage", "status"] => Some(stage(others, content)),
        ["status", region] => status(region, others, content),
        ["created_at", "closed_at"] => date(others),
        ["company", "contact"] | ["contact", "company"] => customer(others, content),
        [lifecycle] if *lifecycle == at("lifecycle") => {
            all(content, "lifecycle").then(|| choice(lifecycle, "all values are stages of a life cycle"))?
        }
        [region] if *region == at("address.region") || region.ends_with("address.region") => {
            let near = [region.replace("region", "city"), region.replace("region", "postal_code")];
            let found = near.iter().any(|path| others.has(path));
            found.then(|| choice(region, "the file has other parts of an address"))?
        }
        _ => None,
    }
}

/// Checks whether there are values and all are words of a block.
fn all(content: Option<&Content>, block: &str) -> bool {
    let is_value = |text: &String| lexicon::is_value(block, text);
    content.is_some_and(|content| !content.samples.is_empty() && content.samples.iter().all(is_value))
}

/// Checks whether half of the values contain a word of a block.
fn mostly(content: Option<&Content>, block: &str) -> bool {
    let Some(content) = content else { return false };
    let has = |text: &&String| text.split([' ', ',', '/', '(', ')']).any(|word| lexicon::is_value(block, word));
    let found = content.samples.iter().filter(has).count();
    found > 0 && found * 2 >= content.samples.len()
}

fn first_name(first: &str, name: &str, last: &str, others: &Others<'_>) -> Option<Choice> {
    if others.may_have(last) {
        return choice(first, "the file has a column of last names");
    }
    choice(name, "the file has no column of last names")
}

fn last_name(last: &str, name: &str, first: &str, others: &Others<'_>) -> Option<Choice> {
    match (others.may_have(first), others.has(last)) {
        (true, false) => choice(last, "the file has a column of first names, and no other of last names"),
        (true, true) => choice(name, "the file has columns of first and last names"),
        (false, true) => choice(name, "the file has another column of last names"),
        (false, false) => choice(name, "the file has no column of first names"),
    }
}

fn position(position: &str, prefix: &str, content: Option<&Content>) -> Choice {
    if all(content, "salutation") {
        return Choice { path: prefix.to_owned(), why: "all values are salutations" };
    }
    Choice { path: position.to_owned(), why: "the title of a person is the job title" }
}

/// "Title" of a lead is what the lead is about only if the file tells of nobody who could have the job.
fn title(position: &str, others: &Others<'_>, content: Option<&Content>) -> Option<Choice> {
    if others.has("title") {
        return choice(position, "another column has the title of the lead");
    }
    if all(content, "salutation") {
        return choice("person.name_prefix", "all values are salutations");
    }
    let named = others.has_any(&["person.first_name", "person.last_name", "person.name"])
        || others.possible.iter().any(|path| path == "person.name");
    match named {
        false => choice("title", "the file has no column with names of persons"),
        true if mostly(content, "job") => choice(position, "half of the values are job titles"),
        true if !others.has("value") && others.has("company") => {
            choice(position, "beside the name and company of a person, the title is the job title")
        }
        true => None,
    }
}

fn stage(others: &Others<'_>, content: Option<&Content>) -> Choice {
    let status = |why| Choice { path: "status".to_owned(), why };
    if others.has("stage") {
        return status("another column has the stage");
    }
    if all(content, "outcome") {
        return status("all values say open, won or lost");
    }
    Choice { path: "stage".to_owned(), why: "the file has no other column of stages" }
}

fn status(region: &str, others: &Others<'_>, content: Option<&Content>) -> Option<Choice> {
    if all(content, "outcome") {
        return choice("status", "all values say open, won or lost");
    }
    let address = [region.replace("region", "city"), region.replace("region", "postal_code")];
    let near = address.iter().any(|path| others.has(path));
    if near && others.has_any(&["stage", "status"]) {
        return choice(region, "the file has other parts of an address, and another column of stages");
    }
    None
}

fn date(others: &Others<'_>) -> Option<Choice> {
    match (others.has("created_at"), others.has("closed_at")) {
        (true, false) => choice("closed_at", "another column has the start"),
        (false, true) => choice("created_at", "another column has the end"),
        _ => None,
    }
}

fn customer(others: &Others<'_>, content: Option<&Content>) -> Option<Choice> {
    match (others.has("company"), others.has("contact")) {
        (true, false) => return choice("contact", "another column has the company"),
        (false, true) => return choice("company", "another column has the contact"),
        _ => {}
    }
    let content = content?;
    if content.nearly_all(content.emails) {
        return choice("contact", "all values are e-mail addresses");
    }
    let firm = |text: &&String| {
        let words: Vec<&str> = text.split([' ', ',']).collect();
        words.len() > 1 && words.iter().any(|word| lexicon::is_value("legal_form", word))
    };
    let firms = content.samples.iter().filter(firm).count();
    let most = firms > 0 && firms * 2 >= content.samples.len();
    if most { choice("company", "half of the values have a legal form such as GmbH or Ltd") } else { None }
}
