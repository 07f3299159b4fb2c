//! The kinds of record. Each is a constant beside the record's own type; `resource` says what else there is to know of it.
use crate::kernel::hide::Hide;
use std::fmt;

/// A kind of record, under the names that the API, the events and the tables use.
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

    /// For a table that is not called like the path.
    pub const fn in_table(self, table: &'static str) -> Kind {
        Kind { table, ..self }
    }

    /// As in `deal.stage_changed`.
    pub const fn as_str(self) -> &'static str {
        self.singular
    }

    /// As in `/api/v1/deals`.
    pub const fn path(self) -> &'static str {
        self.plural
    }

    /// The table of its records.
    pub const fn table(self) -> &'static str {
        self.table
    }
}

/// `ApiKey` for `api_key`: cursors hold a digest of it, so it must not change.
impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for word in self.singular.split('_') {
            let mut letters = word.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            f.write_str(&first.into_iter().chain(letters).collect::<String>())?;
        }
        Ok(())
    }
}

/// What every record of the API has.
pub trait Record: serde::Serialize + Hide {
    const KIND: Kind;
    fn id(&self) -> uuid::Uuid;
    fn version(&self) -> i64;
}

#[macro_export]
macro_rules! record {
    ($row:ty, $kind:ident) => {
        impl $crate::kernel::kind::Record for $row {
            const KIND: $crate::kernel::kind::Kind = $crate::kernel::kind::Kind::$kind;
            fn id(&self) -> uuid::Uuid {
                self.id
            }
            fn version(&self) -> i64 {
                self.version
            }
        }
    };
}
