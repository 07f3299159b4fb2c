//! One batch of a data migration: where it begins, and how many rows it takes.
use crate::db::sql::{Part, Statement};
use uuid::Uuid;

const ROWS: i64 = 500;

/// The workspace and the record after which a batch begins.
pub type Place = (Uuid, Uuid);

/// Returns a statement that selects the rows of a batch.
pub fn from(text: &'static str, (workspace, record): Place) -> Statement {
    Statement::new(text)
        .set("workspace", Part::Id(workspace))
        .set("record", Part::Id(record))
        .set("limit", Part::Int(ROWS))
}
