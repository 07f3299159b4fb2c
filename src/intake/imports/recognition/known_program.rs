//! The exports of other programs, and of this one.
use crate::intake::imports::recognition::fields::{AddressKind, Resource};
use crate::intake::imports::recognition::normal;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The files, in the order in which equal matches are preferred.
pub const FILES: [&str; 12] = [
    include_str!("data/origins/voronka.txt"),
    include_str!("data/origins/hubspot.txt"),
    include_str!("data/origins/salesforce.txt"),
    include_str!("data/origins/pipedrive.txt"),
    include_str!("data/origins/zoho.txt"),
    include_str!("data/origins/amocrm.txt"),
    include_str!("data/origins/bitrix24.txt"),
    include_str!("data/origins/google.txt"),
    include_str!("data/origins/outlook.txt"),
    include_str!("data/origins/linkedin.txt"),
    include_str!("data/origins/mailchimp.txt"),
    include_str!("data/origins/facebook.txt"),
];

/// A column of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownColumn {
    /// Empty for a column that an import does not set.
    pub targets: Vec<(&'static str, Option<AddressKind>)>,
    /// Hardly any other program writes this header.
    pub is_mark: bool,
}

/// The export of one kind of record.
#[derive(Clone, Debug)]
pub struct Export {
    pub origin: &'static str,
    pub resource: Resource,
    /// The headers are names in the form of a program, such as `first_name`, and compared as they are.
    exact: bool,
    columns: HashMap<String, KnownColumn>,
}

/// The export that a file was recognised as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginMatch {
    pub origin: &'static str,
    pub resource: Resource,
    /// The headers that hardly any other program writes.
    pub marks: Vec<String>,
    /// How many of the headers the export has.
    pub known: usize,
}

impl Export {
    pub fn column(&self, header: &str) -> Option<&KnownColumn> {
        self.columns.get(&self.key(header))
    }

    fn key(&self, header: &str) -> String {
        if self.exact { header.trim().to_owned() } else { normal::key(header) }
    }
}

/// Reads a line `!Header = path kind + path`.
pub fn read_line(line: &'static str) -> Option<(&'static str, KnownColumn)> {
    let (header, paths) = line.split_once(" = ")?;
    let (header, is_mark) = header.strip_prefix('!').map_or((header, false), |header| (header, true));
    let target = |text: &'static str| match text.trim().split_once(' ') {
        Some((path, kind)) => (path, AddressKind::of_text(kind)),
        None => (text.trim(), None),
    };
    let targets = if paths.trim() == "-" { Vec::new() } else { paths.split('+').map(target).collect() };
    Some((header, KnownColumn { targets, is_mark }))
}

fn read(text: &'static str) -> Vec<Export> {
    let (mut origin, mut exact) = ("", false);
    let mut exports: Vec<Export> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix("name: ") {
            origin = name;
        } else if line == "exact: yes" {
            exact = true;
        } else if let Some(head) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let export = |resource| Export { origin, resource, exact, columns: HashMap::new() };
            exports.extend(Resource::of_text(head).map(export));
        } else if let (Some(export), Some((header, column))) = (exports.last_mut(), read_line(line)) {
            let key = export.key(header);
            export.columns.entry(key).or_insert(column);
        }
    }
    exports
}

static EXPORTS: LazyLock<Vec<Export>> = LazyLock::new(|| FILES.into_iter().flat_map(read).collect());

pub fn exports() -> &'static [Export] {
    &EXPORTS
}

/// Returns the export that fits the headers best, of one resource or of any.
pub fn recognise(headers: &[&str], resource: Option<Resource>) -> Option<(&'static Export, OriginMatch)> {
    let mut best: Option<(usize, &'static Export, OriginMatch)> = None;
    for export in exports().iter().filter(|export| resource.is_none_or(|resource| export.resource == resource)) {
        let Some((score, found)) = compare(export, headers) else { continue };
        if best.as_ref().is_none_or(|(known, ..)| score > *known) {
            best = Some((score, export, found));
        }
    }
    best.map(|(_, export, found)| (export, found))
}

/// Two marks are needed, or one in a file of which the export has most headers.
fn compare(export: &Export, headers: &[&str]) -> Option<(usize, OriginMatch)> {
    let known: Vec<(&&str, &KnownColumn)> =
        headers.iter().filter_map(|header| Some((header, export.column(header)?))).collect();
    let marks: Vec<String> =
        known.iter().filter(|(_, column)| column.is_mark).map(|(header, _)| (**header).to_owned()).collect();
    let most = known.len() >= 3 && known.len() * 2 > headers.len();
    let enough = marks.len() >= 2 || (marks.len() == 1 && most);
    let score = marks.len() * 3 + known.len();
    let found = OriginMatch { origin: export.origin, resource: export.resource, marks, known: known.len() };
    enough.then_some((score, found))
}
