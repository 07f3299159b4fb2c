//! Reads the records of a CSV file one after another, with bounded memory.
use crate::intake::imports::reading::decode::Text;
use crate::intake::imports::reading::failure::{Failure, Result};
use crate::intake::imports::reading::limits::{Limits, SHEET_COLUMNS};
use crate::intake::imports::reading::lines::Lines;
use crate::intake::imports::reading::row::{CellKind, Row};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

pub struct Records<'s> {
    text: Text<'s>,
    reader: Reader,
    /// The current piece of the text, and how much of it is read.
    piece: Vec<u8>,
    read: usize,
    ended: bool,
    lines: Lines,
    cells: Vec<u8>,
    ends: Vec<usize>,
    limits: Limits,
}

impl<'s> Records<'s> {
    /// With `escapes`, a backslash stands before each quotation mark in a quoted cell.
    pub fn new(text: Text<'s>, delimiter: u8, escapes: bool, limits: &Limits) -> Records<'s> {
        Records {
            text,
            reader: ReaderBuilder::new().delimiter(delimiter).escape(escapes.then_some(b'\\')).build(),
            piece: Vec::new(),
            read: 0,
            ended: false,
            lines: Lines::default(),
            cells: vec![0; 4096],
            ends: vec![0; SHEET_COLUMNS + 1],
            limits: limits.clone(),
        }
    }

    pub fn take_findings(&mut self) -> crate::intake::imports::reading::findings::Findings {
        std::mem::take(&mut self.text.findings)
    }

    /// Loads the next piece if the current one is read. Returns whether there are more bytes.
    fn load(&mut self) -> Result<bool> {
        if self.read < self.piece.len() {
            return Ok(true);
        }
        if !self.ended {
            let piece = self.text.next_piece()?;
            self.piece.clear();
            self.piece.extend_from_slice(piece);
            self.read = 0;
            self.ended = self.piece.is_empty();
        }
        Ok(!self.ended)
    }

    fn rest(&self) -> &[u8] {
        self.piece.get(self.read..).unwrap_or_default()
    }

    fn pass(&mut self, bytes: usize) {
        let end = self.piece.len().min(self.read + bytes);
        self.lines.pass(self.piece.get(self.read..end).unwrap_or_default());
        self.read = end;
    }

    /// Skips the rest of the previous line end, and empty lines.
    fn skip_line_ends(&mut self) -> Result<()> {
        while self.load()? {
            let ends = self.rest().iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.pass(ends);
            if !self.rest().is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Skips a line without parsing it.
    pub fn skip_line(&mut self) -> Result<()> {
        while self.load()? {
            match memchr::memchr2(b'\r', b'\n', self.rest()) {
                Some(end) => {
                    self.pass(end);
                    break;
                }
                None => self.pass(self.rest().len()),
            }
        }
        Ok(())
    }

    /// Reads the next record that is not an empty line. Returns whether there was one.
    pub fn advance(&mut self, row: &mut Row) -> Result<bool> {
        let before = self.lines.line;
        self.skip_line_ends()?;
        let line = self.lines.line;
        let Some((bytes, count)) = self.record(line).map_err(|failure| failure.at(line))? else { return Ok(false) };
        row.begin(line);
        row.after_gap = line > before;
        let (mut begin, text) = (0, self.cells.get(..bytes).unwrap_or_default());
        for end in self.ends.get(..count).unwrap_or_default() {
            let cell = text.get(begin..*end).unwrap_or_default();
            if cell.len() > self.limits.cell {
                return Err(self.cell_too_long().at(line));
            }
            // The text is valid UTF-8, because the reader removes only ASCII characters from it.
            row.push(CellKind::Text, std::str::from_utf8(cell).unwrap_or_default());
            begin = *end;
        }
        Ok(true)
    }

    fn cell_too_long(&self) -> Failure {
        let most = self.limits.cell;
        Failure::new(format!("a cell has more than {most} bytes; a quotation mark may be unclosed"))
    }

    /// Reads a record to the buffers. Returns the number of bytes and of cells.
    fn record(&mut self, line: u64) -> Result<Option<(usize, usize)>> {
        let (mut length, mut cells) = (0, 0);
        loop {
            self.load()?;
            let text = self.cells.get_mut(length..).unwrap_or_default();
            let ends = self.ends.get_mut(cells..).unwrap_or_default();
            let rest = self.piece.get(self.read..).unwrap_or_default();
            let (result, read, written, ended) = self.reader.read_record(rest, text, ends);
            self.pass(read);
            (length, cells) = (length + written, cells + ended);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputEndsFull => {
                    return Err(Failure::new(format!("the row has more than {SHEET_COLUMNS} cells")).at(line));
                }
                ReadRecordResult::OutputFull => self.grow(length, cells)?,
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::Record => return Ok(Some((length, cells))),
            }
        }
    }

    fn grow(&mut self, length: usize, cells: usize) -> Result<()> {
        let begin = cells.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0);
        if length.saturating_sub(begin) > self.limits.cell {
            return Err(self.cell_too_long());
        }
        if length > self.limits.row {
            return Err(Failure::new(format!("the row has more than {} bytes", self.limits.row)));
        }
        self.cells.resize(self.cells.len() * 2, 0);
        Ok(())
    }
}
