//! Broken constraints get their meaning by the constraint's name; anything else stays an error of ours.
use crate::kernel::error::{Code, Error, Result};
use diesel::result::{DatabaseErrorKind, Error as Sql, QueryResult};

/// What the constraints of a table mean, by their names.
pub type Meanings = &'static [(&'static str, Meaning)];

#[derive(Clone, Copy, Debug)]
pub enum Meaning {
    /// A unique index: 409 with this code, at this pointer.
    Taken(Code, &'static str),
    /// A foreign key: the member names no record of this workspace.
    Missing(&'static str),
}

pub trait Explain<T> {
    fn explain(self, meanings: Meanings) -> Result<T>;
}

impl<T> Explain<T> for QueryResult<T> {
    fn explain(self, meanings: Meanings) -> Result<T> {
        self.map_err(|error| explained(error, meanings))
    }
}

fn explained(error: Sql, meanings: Meanings) -> Error {
    use DatabaseErrorKind::{ForeignKeyViolation, UniqueViolation};
    let Sql::DatabaseError(UniqueViolation | ForeignKeyViolation, info) = &error else { return error.into() };
    let Some(name) = info.constraint_name().map(logical) else { return error.into() };
    if name.ends_with("_pkey") {
        return Error::new(Code::IdTaken, "a record with this id exists");
    }
    match meanings.iter().find(|(known, _)| *known == name) {
        Some((_, Meaning::Taken(code, pointer))) => {
            Error::new(*code, format!("{} is in use", pointer.trim_start_matches('/')))
                .with(|p| p.errors = vec![crate::kernel::error::Bad::member(*pointer, code.as_str(), "is in use")])
        }
        Some((_, Meaning::Missing(pointer))) => Error::reference(*pointer),
        None => error.into(),
    }
}

/// Distributed PostgreSQL adds a shard number to the names of constraints.
fn logical(name: &str) -> &str {
    let trimmed = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if trimmed.len() < name.len() { trimmed.strip_suffix('_').unwrap_or(name) } else { name }
}
