//! The rows of a sheet of an XLSX workbook.
use crate::intake::imports::reading::failure::{Failure, Result};
use crate::intake::imports::reading::findings::{FindingKind, Findings};
use crate::intake::imports::reading::letters;
use crate::intake::imports::reading::limits::{Limits, SHEET_COLUMNS, SHEET_ROWS};
use crate::intake::imports::reading::number_format::{Epoch, Format};
use crate::intake::imports::reading::raw::RawRows;
use crate::intake::imports::reading::row::{CellKind, Row};
use crate::intake::imports::reading::xlsx_shared::{Shared, unescape};
use crate::intake::imports::reading::xml::{Node, Tag, Xml};

/// How the value of a cell is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Written {
    #[default]
    Number,
    /// The number of a shared text.
    Shared,
    /// The text of a formula, or in the cell itself.
    Text,
    Boolean,
    Error,
    /// ISO 8601.
    Date,
}

/// The cell that is being read.
#[derive(Debug, Default)]
struct Open {
    column: usize,
    style: usize,
    written: Written,
    value: String,
    formula: bool,
}

impl Open {
    /// Begins a cell. It stands in the column `next` if it does not say another.
    fn begin(&mut self, tag: &Tag<'_>, next: usize) {
        (self.column, self.style, self.written, self.formula) = (next, 0, Written::Number, false);
        self.value.clear();
        tag.each(|name, value| match name {
            b"r" => self.column = letters::column(value).unwrap_or(next),
            b"s" => self.style = std::str::from_utf8(value).ok().and_then(|style| style.parse().ok()).unwrap_or(0),
            b"t" => self.written = Written::of(value),
            _ => {}
        });
    }
}

impl Written {
    fn of(kind: &[u8]) -> Written {
        match kind {
            b"s" => Written::Shared,
            b"str" | b"inlineStr" => Written::Text,
            b"b" => Written::Boolean,
            b"e" => Written::Error,
            b"d" => Written::Date,
            _ => Written::Number,
        }
    }
}

pub struct SheetRows<'s> {
    xml: Xml<'s>,
    state: State,
    /// Whether the rows are read; what follows them tells about merged cells.
    ended: bool,
}

/// What is known of the sheet besides its tags.
struct State {
    shared: Shared,
    /// The text of the last cell that refers to one.
    shared_text: Vec<u8>,
    formats: Vec<Format>,
    epoch: Epoch,
    limits: Limits,
    findings: Findings,
    line: u64,
    cell: Open,
    /// The cells that were read, including those without a value.
    cells: u64,
    /// Whether texts belong to the value of the cell.
    reading: bool,
}

impl<'s> SheetRows<'s> {
    pub fn new(xml: Xml<'s>, shared: Shared, formats: Vec<Format>, epoch: Epoch, limits: &Limits) -> SheetRows<'s> {
        let state = State {
            shared,
            shared_text: Vec::new(),
            formats,
            epoch,
            limits: limits.clone(),
            findings: Findings::default(),
            line: 0,
            cell: Open::default(),
            cells: 0,
            reading: false,
        };
        SheetRows { xml, state, ended: false }
    }

    /// Reads up to the end of a row. Returns whether it has a value, or nothing at the end of the sheet.
    fn read_row(&mut self, row: &mut Row) -> Result<Option<bool>> {
        loop {
            match self.xml.advance()? {
                // How to pronounce a Japanese text.
                Node::Open(tag) if tag.name() == b"rPh" => {
                    drop(tag);
                    self.xml.skip()?;
                }
                Node::Open(tag) => self.state.open(&tag, row)?,
                Node::Text(text) if self.state.reading => self.state.text(&text)?,
                Node::Text(_) => {}
                Node::Close(end) => match end.name() {
                    b"v" | b"t" => self.state.reading = false,
                    b"c" => self.state.end_cell(row)?,
                    b"row" => return Ok(Some(row.filled() > 0)),
                    _ => {}
                },
                Node::End => return Ok(None),
            }
        }
    }
}

impl State {
    fn open(&mut self, tag: &Tag<'_>, row: &mut Row) -> Result<()> {
        match tag.name() {
            b"c" => self.begin_cell(tag, row.width())?,
            b"v" | b"t" => self.reading = true,
            b"f" => self.cell.formula = true,
            b"row" => self.begin_row(tag, row)?,
            b"col" if tag.flag("hidden") => hidden_columns(tag, &mut self.findings),
            b"mergeCell" => {
                let range = tag.attribute("ref").unwrap_or_default();
                self.findings.add(FindingKind::MergedCells, None, || range);
            }
            _ => {}
        }
        Ok(())
    }

    fn begin_row(&mut self, tag: &Tag<'_>, row: &mut Row) -> Result<()> {
        let line = tag.number("r").unwrap_or(self.line + 1);
        if line <= self.line || line > SHEET_ROWS {
            return Err(Failure::new(format!("the file is damaged: row {line} follows row {}", self.line)));
        }
        self.line = line;
        row.begin(line);
        row.hidden = tag.flag("hidden");
        Ok(())
    }

    fn begin_cell(&mut self, tag: &Tag<'_>, next: usize) -> Result<()> {
        self.cells += 1;
        if self.cells > self.limits.cells {
            return Err(Failure::new(format!("the sheet has more than {} cells; split it", self.limits.cells)));
        }
        self.cell.begin(tag, next);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<()> {
        if self.cell.value.len() + text.len() > self.limits.cell {
            return Err(Failure::new(format!("a cell has more than {} bytes", self.limits.cell)));
        }
        self.cell.value.push_str(text);
        Ok(())
    }

    fn end_cell(&mut self, row: &mut Row) -> Result<()> {
        if self.cell.value.is_empty() {
            if self.cell.formula {
                let place = self.place();
                self.findings.add(FindingKind::FormulaWithoutValue, Some(self.line), || place);
            }
            return Ok(());
        }
        if self.cell.column >= SHEET_COLUMNS {
            return Err(Failure::new(format!("the row has more than {SHEET_COLUMNS} cells")));
        }
        if row.bytes() > self.limits.row {
            return Err(Failure::new(format!("the row has more than {} bytes", self.limits.row)));
        }
        if self.cell.column < row.width() {
            return Err(Failure::new(format!("the file is damaged: cell {} is out of order", self.place())));
        }
        row.fill(self.cell.column);
        self.push(row)
    }

    /// The name of the cell, such as `B7`.
    fn place(&self) -> String {
        format!("{}{}", letters::of(self.cell.column), self.line)
    }

    /// Adds the value of the cell to the row.
    fn push(&mut self, row: &mut Row) -> Result<()> {
        let value = self.cell.value.as_str();
        match self.cell.written {
            Written::Shared => {
                let number = value.trim().parse().unwrap_or(usize::MAX);
                let found = self.shared.read_text(number, &mut self.shared_text)?;
                let text = std::str::from_utf8(&self.shared_text).ok().filter(|_| found);
                let missing = || Failure::new(format!("the file is damaged: cell {} has no text", self.place()));
                row.push(CellKind::Text, text.ok_or_else(missing)?);
            }
            Written::Text => row.push(CellKind::Text, &unescape(value)),
            Written::Boolean => row.push(CellKind::Boolean, if value.trim() == "1" { "true" } else { "false" }),
            Written::Date => push_date(row, value.trim()),
            Written::Number => {
                self.formats.get(self.cell.style).unwrap_or(&Format::Plain).push(row, value, self.epoch);
            }
            Written::Error => {
                row.push(CellKind::Error, value);
                let text = format!("{value} in {}", self.place());
                self.findings.add(FindingKind::ErrorCell, Some(self.line), || text);
            }
        }
        Ok(())
    }
}

/// Adds a date that is written as text, such as `2024-03-12T00:00:00Z`.
fn push_date(row: &mut Row, text: &str) {
    let text = text.trim_end_matches('Z');
    let kind = match (text.contains('-'), text.contains(':')) {
        (true, true) => CellKind::DateTime,
        (true, false) => CellKind::Date,
        (false, true) => CellKind::Time,
        (false, false) => CellKind::Text,
    };
    row.push(kind, text);
}

fn hidden_columns(tag: &Tag<'_>, findings: &mut Findings) {
    let first: usize = tag.number("min").unwrap_or(1);
    let last: usize = tag.number("max").unwrap_or(first);
    // Programs hide all columns behind the last one.
    for column in (first..=last.min(SHEET_COLUMNS)).take_while(|_| last < SHEET_COLUMNS) {
        findings.add(FindingKind::HiddenColumn, None, || letters::of(column.saturating_sub(1)));
    }
}

impl RawRows for SheetRows<'_> {
    fn advance(&mut self, row: &mut Row) -> Result<bool> {
        let before = self.state.line;
        while !self.ended {
            match self.read_row(row).map_err(|failure| failure.at(self.state.line.max(1)))? {
                Some(true) => {
                    row.after_gap = row.line > before + 1;
                    if row.hidden {
                        self.state.findings.add(FindingKind::HiddenRow, Some(row.line), || row.summary());
                    }
                    return Ok(true);
                }
                Some(false) => {}
                None => self.ended = true,
            }
        }
        Ok(false)
    }

    fn take_findings(&mut self) -> Findings {
        std::mem::take(&mut self.state.findings)
    }
}
