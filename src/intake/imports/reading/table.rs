//! A table: its columns, and its rows one after another.
use crate::intake::imports::reading::encoding::EncodingChoice;
use crate::intake::imports::reading::failure::{Failure, Result};
use crate::intake::imports::reading::findings::{FindingKind, Findings};
use crate::intake::imports::reading::footer;
use crate::intake::imports::reading::layout::{self, Column, Hints, Layout};
use crate::intake::imports::reading::limits::Limits;
use crate::intake::imports::reading::raw::RawRows;
use crate::intake::imports::reading::row::Row;
use std::collections::VecDeque;

/// The number of rows from which the header is found.
const HEAD: usize = 60;
/// The number of rows in which the lines below the data are found.
const TAIL: usize = 12;
/// The bytes of the rows that are held at once.
const HELD: usize = 8 << 20;

/// How a text file is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextFormat {
    /// Such as `utf-8` or `windows-1251`.
    pub encoding: String,
    /// Not set for vCards.
    pub delimiter: Option<char>,
    /// Encodings that would also make sense. Empty if the encoding is sure.
    pub encoding_choices: Vec<EncodingChoice>,
}

pub struct Table<'s> {
    raw: Box<dyn RawRows + 's>,
    limits: Limits,
    /// The file in an archive, and the sheet.
    place: (Option<String>, Option<String>),
    pub format: Option<TextFormat>,
    pub columns: Vec<Column>,
    /// The line or row of the header, if there is one.
    pub header_line: Option<u64>,
    header: Row,
    findings: Findings,
    ahead: VecDeque<Row>,
    spare: Vec<Row>,
    current: Row,
    held: usize,
    raw_ended: bool,
    /// Whether blank lines were skipped since the last row.
    gap: bool,
    /// Whether the lines below the data are removed.
    cut: bool,
    /// Whether the file format itself says what the columns are.
    fixed: bool,
    /// Whether a row that is shorter than the header is told of.
    told_widths: bool,
    /// The number of rows that were read, including repeated headers.
    seen: u64,
    rows: u64,
    cells: u64,
}

/// The rows of a table, before its header is found.
pub struct Begun<'s> {
    pub raw: Box<dyn RawRows + 's>,
    pub format: Option<TextFormat>,
    pub place: (Option<String>, Option<String>),
    /// The columns, if the file format itself says what they are.
    pub columns: Option<Vec<String>>,
}

impl<'s> Table<'s> {
    pub fn new(begun: Begun<'s>, hints: Hints, limits: &Limits) -> Result<Table<'s>> {
        let Begun { raw, format, place, columns } = begun;
        let mut table = Table {
            raw,
            limits: limits.clone(),
            place,
            format,
            columns: Vec::new(),
            header_line: None,
            header: Row::default(),
            findings: Findings::default(),
            ahead: VecDeque::new(),
            spare: Vec::new(),
            current: Row::default(),
            held: 0,
            raw_ended: false,
            gap: false,
            cut: false,
            fixed: columns.is_some(),
            told_widths: !hints.sheet && columns.is_none(),
            seen: 0,
            rows: 0,
            cells: 0,
        };
        match columns {
            Some(names) => {
                table.columns = names.into_iter().map(|name| Column { name, unnamed: false }).collect();
                table.fill(1)?;
            }
            None => table.find_header(hints)?,
        }
        Ok(table)
    }

    fn find_header(&mut self, hints: Hints) -> Result<()> {
        self.fill(HEAD)?;
        if self.ahead.is_empty() {
            let what = if hints.sheet { "sheet" } else { "file" };
            return Err(self.placed(Failure::new(format!("the {what} is empty"))));
        }
        let Layout { header, above, columns } = layout::find(self.ahead.make_contiguous(), hints, &mut self.findings);
        for n in 0..above {
            let Some(row) = self.pop() else { break };
            if Some(n) == header {
                self.header_line = Some(row.line);
                self.header = row;
            }
        }
        if columns.len() > self.limits.columns {
            let detail = format!("the table has {} columns; at most {} are read", columns.len(), self.limits.columns);
            return Err(self.placed(Failure::new(detail)));
        }
        self.columns = columns;
        Ok(())
    }

    fn placed(&self, failure: Failure) -> Failure {
        let (file, sheet) = &self.place;
        let failure = file.iter().fold(failure, |failure, file| failure.in_file(file));
        sheet.iter().fold(failure, |failure, sheet| failure.in_sheet(sheet))
    }

    /// Reads rows until `count` are held.
    fn fill(&mut self, count: usize) -> Result<()> {
        while self.ahead.len() < count && (self.ahead.is_empty() || self.held < HELD) && !self.raw_ended {
            let mut row = self.spare.pop().unwrap_or_default();
            let read = self.raw.advance(&mut row).map_err(|failure| self.placed(failure))?;
            self.findings.append(self.raw.take_findings());
            match (read, row.filled()) {
                (false, _) => self.raw_ended = true,
                // A row of empty cells is a blank line.
                (true, 0) => {
                    self.gap = true;
                    self.spare.push(row);
                }
                (true, _) => {
                    row.after_gap |= std::mem::take(&mut self.gap);
                    self.held += row.bytes();
                    self.ahead.push_back(row);
                }
            }
        }
        Ok(())
    }

    fn pop(&mut self) -> Option<Row> {
        let row = self.ahead.pop_front()?;
        self.held = self.held.saturating_sub(row.bytes());
        Some(row)
    }

    /// Returns the next row. It has at least as many cells as there are columns; cells behind them are told of.
    pub fn next_row(&mut self) -> Result<Option<&Row>> {
        loop {
            self.fill(TAIL + 1)?;
            if self.raw_ended && !self.cut {
                self.cut_footer();
            }
            let Some(row) = self.pop() else { return Ok(None) };
            let before = std::mem::replace(&mut self.current, row);
            if self.spare.len() < TAIL {
                self.spare.push(before);
            }
            self.seen += 1;
            if self.seen > self.limits.rows {
                let detail = format!("the table has more than {} rows; split the file", self.limits.rows);
                return Err(self.placed(Failure::new(detail).at(self.current.line)));
            }
            if !self.is_header_again() {
                break;
            }
            self.findings.add(FindingKind::RepeatedHeader, Some(self.current.line), || self.current.summary());
        }
        self.check().map_err(|failure| self.placed(failure.at(self.current.line)))?;
        Ok(Some(&self.current))
    }

    /// Removes the lines below the data.
    fn cut_footer(&mut self) {
        self.cut = true;
        if self.fixed {
            return;
        }
        let rows = self.ahead.make_contiguous();
        let tail = rows.get(rows.len().saturating_sub(TAIL)..).unwrap_or_default();
        let keep = rows.len() - tail.len() + footer::data_rows(tail, self.columns.len());
        for row in self.ahead.drain(keep..) {
            self.findings.add(FindingKind::Footer, Some(row.line), || row.summary());
        }
    }

    fn is_header_again(&self) -> bool {
        self.header_line.is_some() && self.current.cells().eq(self.header.cells())
    }

    fn check(&mut self) -> Result<()> {
        let (row, columns) = (&mut self.current, self.columns.len());
        self.rows += 1;
        self.cells += u64::try_from(row.width().max(columns)).unwrap_or(u64::MAX);
        if self.cells > self.limits.cells {
            let most = self.limits.cells;
            let detail = format!(
                "the table has more than {most} cells, rows times columns; split the file, or leave columns out"
            );
            return Err(Failure::new(detail));
        }
        if row.used_width() > self.limits.columns {
            let (width, most) = (row.used_width(), self.limits.columns);
            return Err(Failure::new(format!("the row has {width} cells; at most {most} are read")));
        }
        if row.used_width() > columns {
            self.findings.add(FindingKind::LongRow, Some(row.line), || {
                let behind: Vec<&str> = row.cells().skip(columns).map(|cell| cell.text).collect();
                behind.join(" | ")
            });
        }
        if row.width() < columns && self.told_widths {
            self.findings.add(FindingKind::ShortRow, Some(row.line), || row.summary());
        }
        row.fill(columns);
        Ok(())
    }

    /// What was found so far. It is complete after the last row.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }
}
