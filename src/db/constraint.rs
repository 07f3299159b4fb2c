//! Maps constraint violations to problems by the names of the constraints; other database errors stay internal errors.
use crate::kernel::error::{Code, Error, Result};
use diesel::result::{DatabaseErrorKind, Error as Sql, QueryResult};

/// The problems for violated constraints of a table, by constraint name.
pub type ConstraintRules = &'static [(&'static str, ConstraintRule)];

#[derive(Clone, Copy, Debug)]
pub enum ConstraintRule {
    /// A unique index: 409 with this code and pointer.
    Taken(Code, &'static str),
    /// A foreign key: the member refers to a record that does not exist in this workspace.
    Missing(&'static str),
    /// A foreign key of records that refer to the deleted one: 409 with this detail.
    InUse(&'static str),
}

pub trait MapConstraint<T> {
    fn map_constraint(self, rules: ConstraintRules) -> Result<T>;
}

impl<T> MapConstraint<T> for QueryResult<T> {
    fn map_constraint(self, rules: ConstraintRules) -> Result<T> {
        self.map_err(|error| mapped(error, rules))
    }
}

fn mapped(error: Sql, rules: ConstraintRules) -> Error {
    use DatabaseErrorKind::{ForeignKeyViolation, UniqueViolation};
    let Sql::DatabaseError(UniqueViolation | ForeignKeyViolation, info) = &error else { return error.into() };
    let Some(name) = info.constraint_name().map(logical) else { return error.into() };
    if name.ends_with("_pkey") {
        return Error::new(Code::IdTaken, "a record with this id already exists");
    }
    match rules.iter().find(|(known, _)| *known == name) {
        Some((_, ConstraintRule::Taken(code, pointer))) => {
            Error::new(*code, format!("{} is already in use", pointer.trim_start_matches('/'))).with(|p| {
                p.errors = vec![crate::kernel::error::FieldError::member(*pointer, *code, "is already in use")]
            })
        }
        Some((_, ConstraintRule::Missing(pointer))) => Error::reference(*pointer),
        Some((_, ConstraintRule::InUse(detail))) => Error::new(Code::InUse, *detail),
        None => error.into(),
    }
}

/// Distributed PostgreSQL appends a shard number to the names of constraints.
fn logical(name: &str) -> &str {
    let trimmed = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if trimmed.len() < name.len() { trimmed.strip_suffix('_').unwrap_or(name) } else { name }
}
