//! The searchable text of a record, and the texts whose exact matches come first.
use crate::kernel::values::text_format::TextFormat;
use std::fmt;

/// The text that `q=` searches: the exact SQL expression of a trigram index, and the members it consists of.
pub struct Search {
    pub sql: &'static str,
    pub members: &'static [&'static str],
    /// Texts that have an index: records that are exactly what was searched for come first.
    pub exact: &'static [Exact],
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sql)
    }
}

/// An indexed text of a record: the SQL before and after the search text, which has the normal form of the field, and
/// the members of the text.
#[derive(Debug)]
pub struct Exact {
    pub(in crate::kernel) before: &'static str,
    pub(in crate::kernel) after: &'static str,
    pub(in crate::kernel) members: &'static [&'static str],
    pub(in crate::kernel) text_format: TextFormat,
}

pub const fn exact(before: &'static str, members: &'static [&'static str]) -> Exact {
    Exact { before, after: "", members, text_format: TextFormat::Text }
}

pub const fn number(before: &'static str) -> Exact {
    Exact { before, after: ")", members: &["number"], text_format: TextFormat::Number }
}

impl Exact {
    pub const fn formatted(mut self, text_format: TextFormat) -> Exact {
        self.text_format = text_format;
        self
    }
}
