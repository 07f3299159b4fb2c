//! Reads the records of a CSV text one after another, with bounded memory per line and cell.
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use std::fmt;

/// More than the maximum for a header, so that a row with a few extra cells is reported as such.
const CELLS_MAX: usize = 400;
const CELL_MAX: usize = 100_000;

/// Reads records on demand.
pub struct Records<'t> {
    reader: Reader,
    rest: &'t [u8],
    line: u64,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// A record, valid until the next one is read.
#[derive(Clone, Copy, Debug)]
pub struct Record<'r> {
    /// The line on which the record begins. The first line is 1.
    pub line: u64,
    text: &'r [u8],
    ends: &'r [usize],
}

impl<'r> Record<'r> {
    pub fn cells(self) -> impl Iterator<Item = &'r str> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        let cell = move |(begin, end): (usize, &usize)| {
            let bytes = self.text.get(begin..*end).unwrap_or_default();
            // The text is valid UTF-8, because the reader removes only ASCII characters from it.
            std::str::from_utf8(bytes).unwrap_or_default()
        };
        begins.zip(self.ends).map(cell)
    }
}

/// The error for a record that exceeds a limit.
#[derive(Debug)]
pub enum TooMuch {
    Cells { line: u64, most: usize },
    Text { line: u64 },
}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TooMuch::Cells { line, most } => write!(f, "the row at line {line} has more than {most} cells"),
            TooMuch::Text { line } => write!(
                f,
                "a cell in the row at line {line} has more than {CELL_MAX} bytes; a quotation mark may be unclosed"
            ),
        }
    }
}

impl<'t> Records<'t> {
    pub fn new(text: &'t str, delimiter: u8) -> Records<'t> {
        let reader = ReaderBuilder::new().delimiter(delimiter).build();
        Records { reader, rest: text.as_bytes(), line: 1, text: vec![0; 4096], ends: vec![0; CELLS_MAX] }
    }

    fn pass(&mut self, bytes: usize) {
        let (passed, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, &[]));
        self.line += passed.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        self.rest = rest;
    }

    pub fn advance(&mut self) -> Result<Option<Record<'_>>, TooMuch> {
        // Skips the rest of the previous line end, and empty lines.
        self.pass(self.rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count());
        let line = self.line;
        let (mut length, mut cells) = (0, 0);
        loop {
            let text = self.text.get_mut(length..).unwrap_or_default();
            let ends = self.ends.get_mut(cells..).unwrap_or_default();
            let (result, read, written, ended) = self.reader.read_record(self.rest, text, ends);
            self.pass(read);
            (length, cells) = (length + written, cells + ended);
            let begin = cells.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputEndsFull => return Err(TooMuch::Cells { line, most: CELLS_MAX }),
                ReadRecordResult::OutputFull if length.saturating_sub(begin) > CELL_MAX => {
                    return Err(TooMuch::Text { line });
                }
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::Record => break,
            }
        }
        let ends = self.ends.get(..cells).unwrap_or_default();
        let begins = std::iter::once(0).chain(ends.iter().copied());
        if begins.zip(ends).any(|(begin, end)| end - begin > CELL_MAX) {
            return Err(TooMuch::Text { line });
        }
        Ok(Some(Record { line, text: self.text.get(..length).unwrap_or_default(), ends }))
    }
}
