//! ODS workbooks (OpenDocument), read as a stream.
use crate::intake::imports::reading::archive::Archive;
use crate::intake::imports::reading::failure::{Failure, Result};
use crate::intake::imports::reading::findings::{FindingKind, Findings};
use crate::intake::imports::reading::letters;
use crate::intake::imports::reading::limits::{Limits, SHEET_COLUMNS, SHEET_ROWS};
use crate::intake::imports::reading::number_format::{is_plain, number_text};
use crate::intake::imports::reading::raw::RawRows;
use crate::intake::imports::reading::row::{CellKind, Row};
use crate::intake::imports::reading::xml::{Node, Tag, Xml};
use std::collections::HashSet;

const CONTENT: &str = "content.xml";
pub const MEDIA_TYPE: &str = "application/vnd.oasis.opendocument.spreadsheet";
const SHEETS: usize = 1_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OdsSheet {
    pub name: String,
    pub hidden: bool,
    /// The number of rows, including the header and rows above it.
    pub rows: u64,
    /// Its number among all tables, of which some are copies of other files.
    number: usize,
}

pub struct Ods {
    archive: Archive,
    content: usize,
    pub sheets: Vec<OdsSheet>,
}

impl Ods {
    pub fn open(mut archive: Archive) -> Result<Ods> {
        if let Some(manifest) = archive.find("META-INF/manifest.xml") {
            let manifest = archive.text(manifest, 4 << 20)?;
            if manifest.contains("encryption-data") {
                return Err(Failure::new("the workbook is protected by a password; remove it"));
            }
        }
        let content = archive.find(CONTENT).ok_or_else(|| Failure::new("the file is damaged: it has no content"))?;
        let sheets = list(Xml::new(archive.read(content)?))?;
        let sheets: Vec<OdsSheet> = sheets.into_iter().filter(|sheet| !sheet.name.starts_with("'file:")).collect();
        if sheets.is_empty() {
            return Err(Failure::new("the workbook has no sheet"));
        }
        Ok(Ods { archive, content, sheets })
    }

    /// Reads the rows of a sheet.
    pub fn rows<'s>(&'s mut self, sheet: usize, limits: &Limits) -> Result<Box<dyn RawRows + 's>> {
        let missing = || Failure::new("the workbook has no such sheet");
        let sheet = self.sheets.get(sheet).ok_or_else(missing)?.number;
        let mut xml = Xml::new(self.archive.read(self.content)?);
        let mut tables = 0;
        loop {
            match xml.advance()? {
                Node::Open(tag) if tag.name() == b"table" => {
                    if tables == sheet {
                        break;
                    }
                    tables += 1;
                    drop(tag);
                    xml.skip()?;
                }
                Node::End => return Err(missing()),
                _ => {}
            }
        }
        Ok(Box::new(OdsRows::new(xml, limits)))
    }
}

/// Lists the sheets, which all are in one part.
fn list(mut xml: Xml<'_>) -> Result<Vec<OdsSheet>> {
    let (mut sheets, mut hidden, mut style) = (Vec::<OdsSheet>::new(), HashSet::new(), String::new());
    let (mut last, mut row) = (0, 0);
    loop {
        match xml.advance()? {
            Node::Open(tag) => match tag.name() {
                b"style" => style = tag.attribute("name").unwrap_or_default(),
                b"table-properties" if tag.attribute("display").is_some_and(|shown| shown == "false") => {
                    hidden.insert(style.clone());
                }
                b"table" if sheets.len() < SHEETS => {
                    let hidden = tag.attribute("style-name").is_some_and(|style| hidden.contains(&style));
                    let name = tag.attribute("name").unwrap_or_default();
                    sheets.push(OdsSheet { name, hidden, rows: 0, number: sheets.len() });
                    (last, row) = (0, 0);
                }
                b"table-row" => row += repeated(&tag, "number-rows-repeated"),
                b"table-cell" if tag.has("value-type") => last = row,
                _ => {}
            },
            Node::Close(end) if end.name() == b"table" => {
                if let Some(sheet) = sheets.last_mut() {
                    sheet.rows = last.min(SHEET_ROWS);
                }
            }
            Node::End => return Ok(sheets),
            _ => {}
        }
    }
}

/// Whether a row or a column is hidden, or filtered out.
fn is_hidden(tag: &Tag<'_>) -> bool {
    tag.attribute("visibility").is_some_and(|shown| shown != "visible")
}

fn repeated(tag: &Tag<'_>, name: &str) -> u64 {
    tag.number::<u64>(name).unwrap_or(1).clamp(1, 1 << 24)
}

/// The cell that is being read.
#[derive(Debug, Default)]
struct Open {
    kind: Option<CellKind>,
    value: String,
    /// The currency of an amount, or `%`.
    unit: String,
    /// What the program shows.
    text: String,
    repeated: u64,
    formula: bool,
    merged: bool,
    paragraphs: usize,
}

struct OdsRows<'s> {
    xml: Xml<'s>,
    state: State,
    /// How often the last row is still to be given.
    again: u64,
    last: Row,
    ended: bool,
}

/// What is known of the sheet besides its tags.
struct State {
    limits: Limits,
    findings: Findings,
    /// The row that was read last, counted from 1.
    line: u64,
    /// How often the current row is repeated.
    count: u64,
    column: usize,
    /// The columns whose properties were read.
    columns: usize,
    cell: Open,
    in_text: bool,
}

impl<'s> OdsRows<'s> {
    fn new(xml: Xml<'s>, limits: &Limits) -> OdsRows<'s> {
        let state = State {
            limits: limits.clone(),
            findings: Findings::default(),
            line: 0,
            count: 1,
            column: 0,
            columns: 0,
            cell: Open::default(),
            in_text: false,
        };
        OdsRows { xml, state, again: 0, last: Row::default(), ended: false }
    }

    /// Reads up to the end of a row. Returns how often it is repeated, or nothing at the end of the sheet.
    fn read_row(&mut self, row: &mut Row) -> Result<Option<u64>> {
        loop {
            match self.xml.advance()? {
                Node::Open(tag) if matches!(tag.name(), b"annotation" | b"shapes" | b"forms" | b"frame") => {
                    drop(tag);
                    self.xml.skip()?;
                }
                Node::Open(tag) => self.state.open(&tag, row),
                Node::Text(text) if self.state.in_text => self.state.text(&text)?,
                Node::Text(_) => {}
                Node::Close(end) => match end.name() {
                    b"p" => self.state.in_text = false,
                    b"table-cell" | b"covered-table-cell" => self.state.end_cell(row)?,
                    b"table-row" => {
                        self.state.line += self.state.count;
                        return Ok(Some(self.state.count));
                    }
                    b"table" => return Ok(None),
                    _ => {}
                },
                Node::End => return Ok(None),
            }
        }
    }
}

impl State {
    fn open(&mut self, tag: &Tag<'_>, row: &mut Row) {
        match tag.name() {
            b"table-row" => {
                self.count = repeated(tag, "number-rows-repeated");
                self.column = 0;
                row.begin(self.line + 1);
                row.hidden = is_hidden(tag);
            }
            b"table-column" => self.add_columns(tag),
            b"table-cell" | b"covered-table-cell" => {
                self.cell.begin(tag);
                if self.cell.merged {
                    let place = self.place();
                    self.findings.add(FindingKind::MergedCells, Some(self.line + 1), || place);
                }
            }
            b"p" => self.begin_paragraph(),
            b"s" => self.blanks(' ', repeated(tag, "c").min(1_000)),
            b"tab" => self.blanks('\t', 1),
            b"line-break" => self.blanks('\n', 1),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) -> Result<()> {
        if self.cell.text.len() + text.len() > self.limits.cell {
            return Err(Failure::new(format!("a cell has more than {} bytes", self.limits.cell)));
        }
        self.cell.text.push_str(text);
        Ok(())
    }

    /// Adds blanks to the text of the cell, as long as it is not too long.
    fn blanks(&mut self, blank: char, count: u64) {
        if self.cell.text.len() < self.limits.cell {
            self.cell.text.extend((0..count).map(|_| blank));
        }
    }

    /// The name of the cell, such as `B7`.
    fn place(&self) -> String {
        format!("{}{}", letters::of(self.column.min(SHEET_COLUMNS)), self.line + 1)
    }

    fn add_columns(&mut self, tag: &Tag<'_>) {
        let count = usize::try_from(repeated(tag, "number-columns-repeated")).unwrap_or(SHEET_COLUMNS);
        // Programs hide all columns behind the last one.
        if is_hidden(tag) && count < self.limits.columns {
            for column in self.columns..self.columns + count {
                self.findings.add(FindingKind::HiddenColumn, None, || letters::of(column));
            }
        }
        self.columns = self.columns.saturating_add(count);
    }

    fn begin_paragraph(&mut self) {
        if self.cell.paragraphs > 0 {
            self.blanks('\n', 1);
        }
        self.cell.paragraphs += 1;
        self.in_text = true;
    }

    /// Adds the cell to the row as often as it is repeated.
    fn end_cell(&mut self, row: &mut Row) -> Result<()> {
        let count = usize::try_from(self.cell.repeated).unwrap_or(SHEET_COLUMNS);
        let place = self.place();
        if self.cell.is_empty() {
            if self.cell.formula {
                self.findings.add(FindingKind::FormulaWithoutValue, Some(self.line + 1), || place);
            }
            self.column = self.column.saturating_add(count);
            return Ok(());
        }
        if self.column.saturating_add(count) > SHEET_COLUMNS {
            return Err(Failure::new(format!("the row has more than {SHEET_COLUMNS} cells")));
        }
        if row.bytes() > self.limits.row {
            return Err(Failure::new(format!("the row has more than {} bytes", self.limits.row)));
        }
        row.fill(self.column);
        for _ in 0..count {
            self.cell.push(row);
        }
        self.column += count;
        if row.cell(self.column - 1).kind == CellKind::Error {
            let text = format!("{} in {place}", self.cell.text);
            self.findings.add(FindingKind::ErrorCell, Some(self.line + 1), || text);
        }
        Ok(())
    }
}

impl Open {
    fn begin(&mut self, tag: &Tag<'_>) {
        (self.kind, self.repeated, self.paragraphs) = (None, 1, 0);
        (self.formula, self.merged) = (false, false);
        self.value.clear();
        self.unit.clear();
        self.text.clear();
        let mut is_error = false;
        tag.each(|name, value| {
            let text = || String::from_utf8_lossy(value);
            match name {
                b"value-type" if value == b"error" => is_error = true,
                b"value-type" => self.kind = kind(value).or(self.kind),
                b"value" | b"date-value" | b"time-value" | b"boolean-value" => self.value.push_str(&text()),
                b"currency" => self.unit.push_str(&text()),
                b"formula" => self.formula = true,
                b"number-columns-spanned" | b"number-rows-spanned" => self.merged |= value != b"1",
                b"number-columns-repeated" => self.repeated = text().parse().unwrap_or(1).clamp(1, 1 << 24),
                _ => {}
            }
            if value == b"percentage" {
                self.unit = "%".to_owned();
            }
        });
        if is_error {
            self.kind = Some(CellKind::Error);
        }
    }

    fn is_empty(&self) -> bool {
        self.value.is_empty() && self.text.trim().is_empty()
    }

    fn push(&self, row: &mut Row) {
        let is_error = self.formula && self.text.starts_with('#') && self.text.ends_with(['!', '?', 'A']);
        match self.kind {
            _ if is_error => row.push(CellKind::Error, &self.text),
            Some(CellKind::Number) => self.push_number(row),
            Some(CellKind::Date) => {
                let moment = self.value.split('.').next().unwrap_or_default().trim_end_matches('Z');
                let day = moment.strip_suffix("T00:00:00").unwrap_or(moment);
                row.push(if day.contains('T') { CellKind::DateTime } else { CellKind::Date }, day);
            }
            Some(CellKind::Time) => row.push(CellKind::Time, &duration(&self.value).unwrap_or(self.text.clone())),
            Some(CellKind::Boolean) => row.push(CellKind::Boolean, &self.value),
            Some(kind) => row.push(kind, &self.text),
            None => row.push(CellKind::Text, &self.text),
        }
    }

    fn push_number(&self, row: &mut Row) {
        let Ok(value) = self.value.trim().parse::<f64>() else { return row.push(CellKind::Text, &self.text) };
        let text = if is_plain(self.value.trim()) { self.value.trim().to_owned() } else { number_text(value) };
        let padded = self.text.trim();
        let shown = match self.unit.as_str() {
            "%" => format!("{}%", number_text(value * 100.0)),
            "" if padded.starts_with('0') && padded.trim_start_matches('0') == text => padded.to_owned(),
            "" => String::new(),
            unit => format!("{text} {unit}"),
        };
        row.push_shown(CellKind::Number, &text, &shown);
    }
}

fn kind(value: &[u8]) -> Option<CellKind> {
    Some(match value {
        b"float" | b"percentage" | b"currency" => CellKind::Number,
        b"date" => CellKind::Date,
        b"time" => CellKind::Time,
        b"boolean" => CellKind::Boolean,
        b"string" => CellKind::Text,
        _ => return None,
    })
}

/// Converts `PT09H30M00S` to `09:30:00`.
fn duration(value: &str) -> Option<String> {
    let (hours, rest) = value.strip_prefix("PT")?.split_once('H')?;
    let (minutes, rest) = rest.split_once('M')?;
    let seconds = rest.strip_suffix('S')?.split(['.', ',']).next()?;
    Some(format!("{hours:0>2}:{minutes:0>2}:{seconds:0>2}"))
}

impl RawRows for OdsRows<'_> {
    fn advance(&mut self, row: &mut Row) -> Result<bool> {
        if self.again > 0 {
            self.again -= 1;
            let line = self.last.line + 1;
            self.last.line = line;
            self.last.after_gap = false;
            row.clone_from(&self.last);
            return Ok(true);
        }
        let mut gap = false;
        while !self.ended {
            let read = self.read_row(row).map_err(|failure| failure.at(self.state.line + 1))?;
            match read {
                Some(count) if row.filled() > 0 => {
                    row.after_gap = gap;
                    if row.hidden {
                        self.state.findings.add(FindingKind::HiddenRow, Some(row.line), || row.summary());
                    }
                    if count > 1 {
                        self.again = count - 1;
                        self.last.clone_from(row);
                    }
                    return Ok(true);
                }
                Some(_) => gap = true,
                None => self.ended = true,
            }
        }
        Ok(false)
    }

    fn take_findings(&mut self) -> Findings {
        std::mem::take(&mut self.state.findings)
    }
}

#[cfg(test)]
#[path = "ods_tests.rs"]
mod tests;
