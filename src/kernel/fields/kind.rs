//! The kinds of records. Each is a constant next to the record's own type; `resource` holds the rest of its
//! description.
use std::fmt;

/// A kind of record, with its names in the API, the events and the tables.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind {
    singular: &'static str,
    plural: &'static str,
    table: &'static str,
}

impl Kind {
    pub const fn new(singular: &'static str, plural: &'static str) -> Kind {
        Kind { singular, plural, table: plural }
    }

    /// Sets the name of a table that differs from the path.
    pub const fn in_table(self, table: &'static str) -> Kind {
        Kind { table, ..self }
    }

    /// Returns the name as in `deal.stage_changed`.
    pub const fn as_str(self) -> &'static str {
        self.singular
    }

    /// Returns the name as in `/api/v1/deals`.
    pub const fn path(self) -> &'static str {
        self.plural
    }

    /// Returns the name of the table.
    pub const fn table(self) -> &'static str {
        self.table
    }

    /// Returns the name as in schemas of the OpenAPI document: `ApiKey`. Cursors contain a digest of it, so it must not
    /// change.
    pub fn type_name(self) -> String {
        let words = self.singular.split('_').map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            first.into_iter().chain(letters).collect::<String>()
        });
        words.collect()
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.type_name())
    }
}
