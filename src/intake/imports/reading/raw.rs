//! What all kinds of tables have in common: they give their rows one after another.
use crate::intake::imports::reading::failure::Result;
use crate::intake::imports::reading::findings::Findings;
use crate::intake::imports::reading::row::Row;

/// A table as it is in the file, without knowledge of its header.
pub trait RawRows {
    /// Reads the next row that has a value. Returns whether there was one.
    fn advance(&mut self, row: &mut Row) -> Result<bool>;

    /// Returns what was found since the last call.
    fn take_findings(&mut self) -> Findings;
}
