//! The recognition of a file: its origin, its kind of record, and what each column feeds.
use crate::intake::imports::recognition::choice::{self, Others};
use crate::intake::imports::recognition::content::{Content, Fit};
use crate::intake::imports::recognition::fields::{self, Resource, Value};
use crate::intake::imports::recognition::known_program::{self, Export};
use crate::intake::imports::recognition::language::Language;
use crate::intake::imports::recognition::lexicon::Meaning;
use crate::intake::imports::recognition::likely;
use crate::intake::imports::recognition::mapping::{ColumnReading, Reason, Recognition, Target, Unread};
use crate::intake::imports::recognition::normal;
use crate::intake::imports::recognition::reading::{self, Reading};
use crate::intake::imports::recognition::rivals::{self, Wish};

/// A column of the file. Without `content`, only the header is known.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    pub header: &'a str,
    pub content: Option<&'a Content>,
}

/// A custom field of the workspace.
#[derive(Clone, Debug)]
pub struct CustomColumn {
    /// Such as `cf.size`.
    pub path: String,
    pub label: String,
}

/// What the caller knows beforehand.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The kind of record that the rows become; without it, the most likely one.
    pub resource: Option<Resource>,
    pub custom: Vec<CustomColumn>,
    /// The stages of the pipeline, for the columns `entered.{stage}`.
    pub stages: Vec<String>,
    /// Paths that are not suggested, with those under them.
    pub hidden: Vec<String>,
}

/// What a column may feed, before the columns are compared with one another.
#[derive(Clone, Debug)]
struct Candidate {
    targets: Vec<Target>,
    score: u8,
    reasons: Vec<Reason>,
}

/// What is known of a column so far.
#[derive(Clone, Debug)]
enum State {
    Found(Candidate),
    Open(Vec<Reading>),
    Unread(Unread),
}

/// Recognises the columns of a file.
pub fn recognise(columns: &[Column<'_>], request: &Request) -> Recognition {
    let headers: Vec<&str> = columns.iter().map(|column| column.header).collect();
    let any = known_program::recognise(&headers, None);
    let likely = likely::rank(&headers, any.as_ref().map(|(_, found)| found));
    let best = likely.first().map_or(Resource::Contacts, |likely| likely.resource);
    let resource = request.resource.unwrap_or(best);
    // The program is named even if its export of this kind of record is not known.
    let export = known_program::recognise(&headers, Some(resource));
    let reader = Reader { request, resource, export: export.as_ref().map(|(export, _)| *export) };
    let (language, columns) = reader.columns(columns);
    let origin = export.or(any).map(|(_, found)| found);
    Recognition { fingerprint: normal::fingerprint(headers), resource, likely, origin, language, columns }
}

struct Reader<'a> {
    request: &'a Request,
    resource: Resource,
    export: Option<&'static Export>,
}

impl Reader<'_> {
    fn columns(&self, columns: &[Column<'_>]) -> (Option<Language>, Vec<ColumnReading>) {
        let mut states: Vec<State> = columns.iter().map(|column| self.first(column)).collect();
        let language = main_language(&states);
        for (state, column) in states.iter_mut().zip(columns) {
            self.narrow(state, language, column);
        }
        self.decide(&mut states, columns);
        for (state, column) in states.iter_mut().zip(columns) {
            self.check(state, column);
        }
        (language, self.settled(states, columns))
    }

    fn target(&self, path: &str) -> Target {
        let record = fields::record_of(self.resource, path);
        Target { path: path.to_owned(), record, kind: None, number: None, currency: None }
    }

    fn is_hidden(&self, path: &str) -> bool {
        let hides = |hidden: &String| {
            path == hidden || path.strip_prefix(hidden.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        self.request.hidden.iter().any(hides)
    }

    /// The names of fields, then the columns of the recognised export, then the words of the languages.
    fn first(&self, column: &Column<'_>) -> State {
        if let Some((path, reason)) = self.own_name(column.header) {
            let candidate = Candidate { targets: vec![self.target(&path)], score: 200, reasons: vec![reason] };
            return State::Found(candidate);
        }
        let fits = |state: &State| self.fit(path_of(state), column) != Fit::None;
        if let Some(state) = self.exported(column.header).filter(fits) {
            return state;
        }
        let mut readings = reading::readings(column.header, self.resource);
        readings.retain(|reading| !reading.path().is_some_and(|path| self.is_hidden(path)));
        if readings.iter().all(|reading| reading.score < 60) {
            readings.extend(self.by_values(column));
        }
        match readings.is_empty() {
            true if normal::key(column.header).is_empty() => State::Unread(Unread::NoHeader),
            true => State::Unread(self.unknown(column.header)),
            false => State::Open(readings),
        }
    }

    /// The city of a deal may be that of the company or of the contact.
    fn unknown(&self, header: &str) -> Unread {
        let both = if self.resource == Resource::Deals { reading::of_both(header) } else { Vec::new() };
        if both.len() == 2 { Unread::Ambiguous(both) } else { Unread::Unknown }
    }

    fn own_name(&self, header: &str) -> Option<(String, Reason)> {
        let (trimmed, key) = (header.trim(), normal::key(header));
        // Salesforce ends the names of custom fields so.
        let plain = normal::key(trimmed.trim_end_matches("__c"));
        if key.is_empty() {
            return None;
        }
        let custom = self.request.custom.iter().find(|custom| custom.path == trimmed);
        let field = fields::field(self.resource, trimmed).filter(|_| trimmed.contains(['.', '_']));
        if field.is_some()
            && !trimmed.starts_with("cf.")
            && !trimmed.starts_with("entered.")
            && !self.is_hidden(trimmed)
        {
            return Some((trimmed.to_owned(), Reason::OwnName));
        }
        let labelled = self
            .request
            .custom
            .iter()
            .find(|custom| normal::key(&custom.label) == plain || custom.path.strip_prefix("cf.") == Some(trimmed));
        if let Some(custom) = custom.or(labelled) {
            return Some((custom.path.clone(), Reason::CustomField));
        }
        let stage = self.request.stages.iter().find(|stage| self.is_entered(&key, stage))?;
        Some((format!("entered.{stage}"), Reason::OwnName))
    }

    /// "entered.Proposal", "Date entered Proposal", and HubSpot's `Date entered "Proposal (Sales Pipeline)"`.
    fn is_entered(&self, key: &str, stage: &str) -> bool {
        let stage = normal::key(stage);
        let rest = key.strip_prefix("dateentered").or_else(|| key.strip_prefix("entered"));
        self.resource == Resource::Deals
            && !stage.is_empty()
            && rest
                .and_then(|rest| rest.strip_prefix(stage.as_str()))
                .is_some_and(|rest| rest.is_empty() || rest.ends_with("pipeline"))
    }

    fn exported(&self, header: &str) -> Option<State> {
        let export = self.export?;
        let column = export.column(header)?;
        if column.targets.is_empty() {
            return Some(State::Unread(Unread::NotImported));
        }
        let target = |(path, kind): &(&'static str, _)| Target { kind: *kind, ..self.target(path) };
        let targets: Vec<Target> =
            column.targets.iter().map(target).filter(|target| !self.is_hidden(&target.path)).collect();
        let reasons = vec![Reason::Origin { origin: export.origin, resource: export.resource }];
        let number = number_in(header);
        let currency = reading::currency(header);
        let is_money = |path: &str| fields::field(self.resource, path).is_some_and(|field| field.value == Value::Money);
        let numbered = |target: Target| Target {
            number: number.filter(|_| is_numbered(&target.path)),
            currency: currency.filter(|_| is_money(&target.path)),
            ..target
        };
        let targets = targets.into_iter().map(numbered).collect();
        Some(State::Found(Candidate { targets, score: 150, reasons }))
    }

    /// A column of e-mail addresses is one whatever it is called. Where a row tells of several people it stays open.
    fn by_values(&self, column: &Column<'_>) -> Option<Reading> {
        let content = column.content?;
        let part = match self.resource {
            Resource::Contacts | Resource::Companies | Resource::Users => "",
            Resource::Leads => "person.",
            _ => return None,
        };
        let plain =
            content.samples.iter().all(|text| text.chars().all(|letter| letter.is_ascii_digit() || letter == '.'));
        let name = if content.nearly_all(content.emails) {
            "email"
        } else if content.filled > 1 && content.nearly_all(content.phones) && content.dates == 0 && !plain {
            "phone"
        } else {
            return None;
        };
        let path = format!("{part}{name}");
        fields::field(self.resource, &path)?;
        (!self.is_hidden(&path)).then(|| Reading::new(vec![Meaning::Path(path)], Vec::new(), 40))
    }

    /// Of several readings, keeps those of the language of the file; of these, the much surer ones.
    fn narrow(&self, state: &mut State, language: Option<Language>, column: &Column<'_>) {
        let State::Open(readings) = state else { return };
        let spoken = |reading: &Reading| language.is_some_and(|language| reading.languages.contains(&language));
        if readings.len() > 1 && readings.iter().any(spoken) {
            readings.retain(spoken);
        }
        let best = readings.iter().map(|reading| reading.score).max().unwrap_or(0);
        let fits = |reading: &Reading| self.fit(reading.path(), column) != Fit::None;
        if readings.len() > 1 && readings.iter().any(fits) {
            readings.retain(fits);
        }
        // Words of one place say as much as the first; an indirect reading says less.
        readings.retain(|reading| reading.score + 17 > best);
    }

    fn fit(&self, path: Option<&str>, column: &Column<'_>) -> Fit {
        let value = path.and_then(|path| fields::field(self.resource, path)).map(|field| field.value);
        match (value, column.content) {
            (Some(value), Some(content)) => content.fit(value),
            _ => Fit::Unknown,
        }
    }

    /// Chooses between meanings. First come the columns with one meaning, because they decide on the others.
    fn decide(&self, states: &mut [State], columns: &[Column<'_>]) {
        for state in states.iter_mut() {
            if let State::Open(readings) = state
                && let [reading] = readings.as_slice()
                && reading.meanings.len() == 1
            {
                *state = self.found(reading, None);
            }
        }
        // What is decided in the first round can decide on others in the second.
        for _ in 0..2 {
            for at in 0..states.len() {
                let Some(next) = self.decided(states, columns, at) else { continue };
                if let Some(state) = states.get_mut(at) {
                    *state = next;
                }
            }
        }
        for state in states.iter_mut() {
            if let State::Open(readings) = state {
                *state = State::Unread(Unread::Ambiguous(names_of(readings)));
            }
        }
    }

    fn decided(&self, states: &[State], columns: &[Column<'_>], at: usize) -> Option<State> {
        let State::Open(readings) = states.get(at)? else { return None };
        let (certain, possible) = paths_beside(states, at);
        let others = Others { certain: &certain, possible: &possible };
        let content = columns.get(at).and_then(|column| column.content);
        let chosen: Vec<State> =
            readings.iter().map(|reading| self.chosen(reading, &others, content)).collect::<Option<_>>()?;
        let first = chosen.first()?;
        chosen.iter().all(|state| path_of(first) == path_of(state)).then(|| first.clone())
    }

    fn chosen(&self, reading: &Reading, others: &Others<'_>, content: Option<&Content>) -> Option<State> {
        if reading.meanings.len() == 1 {
            return Some(self.found(reading, None));
        }
        let choice = choice::choose(&reading.meanings, others, content)?;
        if self.is_hidden(&choice.path) {
            return None;
        }
        // A header with one meaning goes before it.
        let score = reading.score.saturating_sub(20);
        let one = Reading { meanings: vec![Meaning::Path(choice.path)], score, ..reading.clone() };
        Some(self.found(&one, Some(choice.why)))
    }

    fn found(&self, reading: &Reading, why: Option<&'static str>) -> State {
        let Some(path) = reading.path() else {
            let other = matches!(reading.meanings.as_slice(), [Meaning::NotImported]);
            return State::Unread(if other { Unread::NotImported } else { Unread::Unknown });
        };
        let target =
            Target { kind: reading.kind, number: reading.number, currency: reading.currency, ..self.target(path) };
        let mut reasons = Vec::new();
        if !reading.languages.is_empty() {
            let last = path.rsplit('.').next().unwrap_or(path);
            let field = if last == "kind" || last == "external_id" { path } else { last }.replace('_', " ");
            reasons.push(Reason::Synonym { field, languages: reading.languages.clone() });
        }
        reasons.extend(reading.of_record.map(Reason::OfRecord));
        reasons.extend(reading.only_there.map(Reason::OnlyThere));
        reasons.extend(why.map(Reason::Decided));
        State::Found(Candidate { targets: vec![target], score: reading.score, reasons })
    }

    /// Compares the values with the field. A column without one fitting value is not read.
    fn check(&self, state: &mut State, column: &Column<'_>) {
        let State::Found(candidate) = state else { return };
        let Some(content) = column.content else { return };
        let Some(path) = candidate.targets.first().map(|target| target.path.clone()) else { return };
        let Some(field) = fields::field(self.resource, &path) else { return };
        let what = noun(field.value);
        match content.fit(field.value) {
            Fit::Unknown => {}
            Fit::None => *state = State::Unread(Unread::Contradicted { path, what: one(field.value) }),
            Fit::All => {
                candidate.reasons.push(Reason::Values { fitting: content.filled, filled: content.filled, what })
            }
            Fit::Some(fitting) => candidate.reasons.push(Reason::Values { fitting, filled: content.filled, what }),
        }
    }

    /// Returns what else the header may mean, best first.
    fn others(&self, header: &str, chosen: &[Target]) -> Vec<Target> {
        let mut others: Vec<Target> = Vec::new();
        for reading in reading::readings(header, self.resource) {
            let place = |path: String| Target { kind: reading.kind, number: reading.number, ..self.target(&path) };
            let new: Vec<Target> = paths_of(&reading).filter(|path| !self.is_hidden(path)).map(place).collect();
            others.extend(new.into_iter().filter(|target| !chosen.iter().any(|known| known.path == target.path)));
        }
        others
    }

    fn settled(&self, states: Vec<State>, columns: &[Column<'_>]) -> Vec<ColumnReading> {
        let wishes = states.iter().zip(columns).enumerate().filter_map(|(at, (state, column))| wish(at, state, column));
        let (mut kept, refused) = rivals::settle(self.resource, wishes.collect());
        let mut readings = Vec::new();
        for (at, (state, column)) in states.into_iter().zip(columns).enumerate() {
            let refusal = refused.iter().find(|(place, _)| *place == at).map(|(_, why)| named(why.clone(), columns));
            let (reasons, unread) = match state {
                State::Found(candidate) => (candidate.reasons, refusal),
                State::Open(_) => (Vec::new(), Some(Unread::Unknown)),
                State::Unread(why) => (Vec::new(), Some(why)),
            };
            let wish = kept.iter_mut().find(|wish| wish.column == at);
            let targets = wish.map(|wish| std::mem::take(&mut wish.targets)).unwrap_or_default();
            let (header, others) = (column.header.to_owned(), self.others(column.header, &targets));
            readings.push(ColumnReading { header, targets, reasons, unread, others });
        }
        readings
    }
}

fn wish(at: usize, state: &State, column: &Column<'_>) -> Option<Wish> {
    let State::Found(candidate) = state else { return None };
    let filled = column.content.map_or(0, |content| content.filled);
    Some(Wish { column: at, score: candidate.score, filled, targets: candidate.targets.clone() })
}

/// Adds the header of the column that feeds the field instead.
fn named(why: Unread, columns: &[Column<'_>]) -> Unread {
    let Unread::Taken { path, by, .. } = why else { return why };
    let header = columns.get(by).map(|column| column.header.to_owned()).unwrap_or_default();
    Unread::Taken { path, by, header }
}

/// Returns the paths that the columns beside one certainly feed, and those that they may feed.
fn paths_beside(states: &[State], at: usize) -> (Vec<String>, Vec<String>) {
    let (mut certain, mut possible) = (Vec::new(), Vec::new());
    for (_, other) in states.iter().enumerate().filter(|(place, _)| *place != at) {
        match other {
            State::Found(candidate) => certain.extend(candidate.targets.iter().map(|target| target.path.clone())),
            State::Open(readings) => possible.extend(readings.iter().flat_map(paths_of)),
            State::Unread(_) => {}
        }
    }
    (certain, possible)
}

/// Returns the number of a column such as "E-mail 2 Address".
fn number_in(header: &str) -> Option<u8> {
    let numbers: Vec<u8> = normal::words(header).iter().filter_map(|word| word.parse().ok()).collect();
    if let [number] = numbers.as_slice() { Some(*number) } else { None }
}

fn is_numbered(path: &str) -> bool {
    let part = |part: &str| ["email", "phone", "address", "website", "fax"].contains(&part);
    path.split('.').any(part) && !path.ends_with("street2")
}

fn path_of(state: &State) -> Option<&str> {
    match state {
        State::Found(candidate) => candidate.targets.first().map(|target| target.path.as_str()),
        _ => None,
    }
}

fn paths_of(reading: &Reading) -> impl Iterator<Item = String> {
    reading.meanings.iter().filter_map(|meaning| match meaning {
        Meaning::Path(path) => Some(path.clone()),
        _ => None,
    })
}

fn names_of(readings: &[Reading]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for meaning in readings.iter().flat_map(|reading| &reading.meanings) {
        let name = match meaning {
            Meaning::Path(path) => path.clone(),
            Meaning::Other(words) => words.clone(),
            Meaning::NotImported => continue,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The language in which most headers mean something. A header that means the same in many languages counts less.
fn main_language(states: &[State]) -> Option<Language> {
    let votes = |language: Language| {
        let vote = |state: &State| match state {
            State::Found(candidate) => candidate.reasons.iter().map(|reason| share(reason, language)).sum(),
            State::Open(readings) => {
                readings.iter().map(|reading| share_of(&reading.languages, language)).max().unwrap_or(0)
            }
            State::Unread(_) => 0,
        };
        states.iter().map(vote).sum::<u32>()
    };
    let all = Language::ALL.map(|language| (votes(language), language));
    let most = all.iter().map(|(votes, _)| *votes).max().filter(|votes| *votes > 0)?;
    let mut best = all.iter().filter(|(votes, _)| *votes == most);
    // With as many votes for two languages, none is the language of the file.
    best.next().filter(|_| best.next().is_none()).map(|(_, language)| *language)
}

fn share(reason: &Reason, language: Language) -> u32 {
    match reason {
        Reason::Synonym { languages, .. } => share_of(languages, language),
        _ => 0,
    }
}

fn share_of(languages: &[Language], language: Language) -> u32 {
    let among = u32::try_from(languages.len()).unwrap_or(u32::MAX).max(1);
    if languages.contains(&language) { 60 / among } else { 0 }
}

/// The kind of values in the singular, with its article.
const fn one(value: Value) -> &'static str {
    match value {
        Value::Email => "an e-mail address",
        Value::Phone => "a phone number",
        Value::Url => "a web address",
        Value::Date | Value::Time => "a date",
        Value::Clock | Value::Duration => "a time",
        Value::Money => "an amount",
        Value::Integer | Value::Percent => "a number",
        Value::Boolean => "yes or no",
        Value::Currency => "a currency",
        Value::Uuid => "an id of this workspace",
        Value::Text | Value::Name | Value::Id | Value::Words | Value::Choice => "a text",
    }
}

const fn noun(value: Value) -> &'static str {
    match value {
        Value::Email => "e-mail addresses",
        Value::Phone => "phone numbers",
        Value::Url => "web addresses",
        Value::Date | Value::Time => "dates",
        Value::Clock | Value::Duration => "times",
        Value::Money => "amounts",
        Value::Integer | Value::Percent => "numbers",
        Value::Boolean => "yes or no",
        Value::Currency => "currencies",
        Value::Uuid => "ids",
        Value::Text | Value::Name | Value::Id | Value::Words | Value::Choice => "texts",
    }
}

#[cfg(test)]
#[path = "recognise_tests.rs"]
mod tests;
