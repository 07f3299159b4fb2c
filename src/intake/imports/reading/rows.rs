//! The rows of a table. Many rows are on disk, so that a large file takes no more memory than a small one.
use crate::intake::imports::reading::failure::{Failure, Result};
use crate::intake::imports::reading::row::Row;
use crate::intake::imports::reading::spool::Spool;

/// The bytes of rows that are held in memory.
const HELD: usize = 2 << 20;
/// The bytes that are read at once.
const BLOCK: u64 = 1 << 20;

#[derive(Debug)]
pub struct Rows {
    spool: Spool,
    /// For each row, where it ends.
    ends: Vec<u64>,
    buffer: Vec<u8>,
}

impl Default for Rows {
    fn default() -> Rows {
        Rows { spool: Spool::new(HELD), ends: Vec::new(), buffer: Vec::new() }
    }
}

impl Rows {
    pub fn push(&mut self, row: &Row) -> Result<()> {
        self.buffer.clear();
        row.encode(&mut self.buffer);
        self.spool.push(&self.buffer)?;
        self.ends.push(self.spool.size());
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Reads all rows from the first one.
    pub fn reader(&self) -> RowsReader<'_> {
        RowsReader { rows: self, next: 0, block: Vec::new(), at: 0, row: Row::default() }
    }

    /// Reads the rows with the given numbers, which count from 0. Numbers behind the last row are left out.
    pub fn some(&self, numbers: &[usize]) -> Result<Vec<Row>> {
        let (mut rows, mut bytes) = (Vec::with_capacity(numbers.len()), Vec::new());
        for number in numbers {
            let Some(end) = self.ends.get(*number) else { continue };
            self.spool.read(self.begin(*number), *end, &mut bytes)?;
            let mut row = Row::default();
            row.decode(&bytes).ok_or_else(damaged)?;
            rows.push(row);
        }
        Ok(rows)
    }

    fn begin(&self, number: usize) -> u64 {
        number.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0)
    }
}

fn damaged() -> Failure {
    Failure::of_server(&std::io::Error::other("a temporary file was changed"))
}

/// Reads rows one after another.
#[derive(Debug)]
pub struct RowsReader<'r> {
    rows: &'r Rows,
    next: usize,
    block: Vec<u8>,
    /// Where the next row begins in the block.
    at: usize,
    row: Row,
}

impl RowsReader<'_> {
    /// Returns the next row, which is valid until the next call.
    pub fn next_row(&mut self) -> Result<Option<&Row>> {
        let Some(end) = self.rows.ends.get(self.next) else { return Ok(None) };
        if self.at >= self.block.len() {
            self.fill(*end)?;
        }
        let size = usize::try_from(end - self.rows.begin(self.next)).unwrap_or(usize::MAX);
        let bytes = self.block.get(self.at..self.at.saturating_add(size)).ok_or_else(damaged)?;
        self.row.decode(bytes).ok_or_else(damaged)?;
        self.at += size;
        self.next += 1;
        Ok(Some(&self.row))
    }

    /// Reads a block of whole rows: the next one, which ends at `end`, and those that fit beside it.
    fn fill(&mut self, end: u64) -> Result<()> {
        let begin = self.rows.begin(self.next);
        let later = self.rows.ends.get(self.next..).unwrap_or_default();
        let fitting = later.partition_point(|end| *end <= begin.saturating_add(BLOCK));
        let end = fitting.checked_sub(1).and_then(|last| later.get(last)).copied().unwrap_or(end);
        self.at = 0;
        self.rows.spool.read(begin, end, &mut self.block)
    }
}

#[cfg(test)]
mod tests {
    use super::Rows;
    use crate::intake::imports::reading::row::{CellKind, Row};

    fn row(line: u64, text: &str) -> Row {
        let mut row = Row::default();
        row.begin(line);
        row.hidden = line.is_multiple_of(2);
        row.push(CellKind::Text, text);
        row.push(CellKind::Empty, "");
        row.push_shown(CellKind::Number, "12.5", "12.5 €");
        row
    }

    fn same(one: &Row, other: &Row) -> bool {
        one.cells().eq(other.cells()) && (one.line, one.hidden) == (other.line, other.hidden)
    }

    #[test]
    fn rows_are_read_as_they_were_written() {
        let text = "ä".repeat(900);
        let written: Vec<Row> =
            (1..5_000).map(|line| row(line, if line.is_multiple_of(3) { "" } else { &text })).collect();
        let mut rows = Rows::default();
        written.iter().for_each(|row| rows.push(row).unwrap());
        assert_eq!(rows.len(), written.len());
        let mut reader = rows.reader();
        for row in &written {
            assert!(same(reader.next_row().unwrap().unwrap(), row), "{}", row.line);
        }
        assert!(reader.next_row().unwrap().is_none());
        let some = rows.some(&[4_998, 0, 9_999]).unwrap();
        assert_eq!(some.iter().map(|row| row.line).collect::<Vec<_>>(), [4_999, 1]);
    }
}
