//! The result: what each column feeds, and why.
use crate::intake::imports::recognition::fields::{AddressKind, Resource};
use crate::intake::imports::recognition::known_program::OriginMatch;
use crate::intake::imports::recognition::language::Language;
use std::fmt;

/// A field that a column feeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Such as `title`, `contact.email`, `person.address.city`, `owner`, `cf.size`.
    pub path: String,
    /// The record of the row to which the field belongs. For `owner` it is a user, for `contact` a contact.
    pub record: Resource,
    pub kind: Option<AddressKind>,
    /// The number of the address in a header such as "Email 2".
    pub number: Option<u8>,
    /// The currency in a header such as "Amount (EUR)".
    pub currency: Option<&'static str>,
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.path)?;
        if let Some(kind) = self.kind {
            write!(out, " {}", kind.as_str())?;
        }
        if let Some(number) = self.number {
            write!(out, " {number}")?;
        }
        self.currency.map_or(Ok(()), |currency| write!(out, " {currency}"))
    }
}

/// A reason for a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The header is the name of the field.
    OwnName,
    /// The header is the label of a custom field.
    CustomField,
    /// The header of an export of another program.
    Origin { origin: &'static str, resource: Resource },
    /// The header means the field in these languages.
    Synonym { field: String, languages: Vec<Language> },
    /// The header names a record that comes with the row.
    OfRecord(Resource),
    /// The record has no such field, so it is of a record that comes with the row.
    OnlyThere(Resource),
    /// The header means two things, and this decided.
    Decided(&'static str),
    /// So many of the filled values are of the kind that the field takes.
    Values { fitting: u64, filled: u64, what: &'static str },
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::OwnName => out.write_str("the header is the name of the field"),
            Reason::CustomField => out.write_str("the header is a custom field"),
            Reason::Origin { origin, resource } => {
                write!(out, "a column of the {} that {origin} exports", resource.as_str())
            }
            Reason::Synonym { field, languages } => {
                let names: Vec<&str> = languages.iter().map(|language| language.name()).collect();
                write!(out, "the header means {field} in {}", names.join(", "))
            }
            Reason::OfRecord(record) => write!(out, "the header names the {}", record.singular()),
            Reason::OnlyThere(record) => write!(out, "only the {} has this field", record.singular()),
            Reason::Decided(why) => out.write_str(why),
            Reason::Values { fitting, filled, what } if fitting == filled => write!(out, "all values are {what}"),
            Reason::Values { fitting, filled, what } => write!(out, "{fitting} of {filled} values are {what}"),
        }
    }
}

/// Why nobody reads a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// The column has no header.
    NoHeader,
    /// No field has this name.
    Unknown,
    /// A known column that the import does not set.
    NotImported,
    /// It may be any of these.
    Ambiguous(Vec<String>),
    /// The header means a field, but no value is of the kind that it takes.
    Contradicted { path: String, what: &'static str },
    /// Another column feeds the field: its place, from 0.
    Taken { path: String, by: usize, header: String },
    /// Other columns say the same in parts.
    InParts { path: String },
    /// It belongs to another record of the row.
    OfOther(Resource),
}

impl fmt::Display for Unread {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unread::NoHeader => out.write_str("the column has no header"),
            Unread::Unknown => out.write_str("no field has this name"),
            Unread::NotImported => out.write_str("an import does not set this"),
            Unread::Ambiguous(choices) => write!(out, "this may be {}", choices.join(" or ")),
            Unread::Contradicted { path, what } => write!(out, "the header means {path}, but no value is {what}"),
            Unread::Taken { path, by, header } => write!(out, "column {} ({header}) feeds {path}", by + 1),
            Unread::OfOther(record) => {
                write!(out, "it belongs to another record of the row, such as the {}", record.singular())
            }
            Unread::InParts { path } => write!(out, "other columns contain the parts of {path}"),
        }
    }
}

/// What was found out about a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnReading {
    pub header: String,
    /// Empty if nobody reads the column.
    pub targets: Vec<Target>,
    pub reasons: Vec<Reason>,
    pub unread: Option<Unread>,
    /// Other fields that it may be, best first.
    pub others: Vec<Target>,
}

/// A kind of record that the file may hold, with a score. Only the order of the scores matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Likely {
    pub resource: Resource,
    pub score: u32,
}

/// What was found out about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognition {
    /// The same for all files with the same headers.
    pub fingerprint: String,
    /// The kind of record that was asked for, or else the most likely one.
    pub resource: Resource,
    /// What the file may hold, the most likely first.
    pub likely: Vec<Likely>,
    /// The program that wrote the file.
    pub origin: Option<OriginMatch>,
    /// The language of most headers.
    pub language: Option<Language>,
    pub columns: Vec<ColumnReading>,
}

impl Recognition {
    /// Returns the columns that nobody reads, with their places from 0.
    pub fn unread(&self) -> impl Iterator<Item = (usize, &ColumnReading)> {
        self.columns.iter().enumerate().filter(|(_, column)| column.targets.is_empty())
    }
}
