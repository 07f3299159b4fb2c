//! The table of an import: the rows of one table of the file, with what was found while they were read.
use crate::intake::imports::reading::bounded::Input;
use crate::intake::imports::reading::failure::Failure;
use crate::intake::imports::reading::findings::Findings;
use crate::intake::imports::reading::layout::HeaderChoice;
use crate::intake::imports::reading::limits::Limits;
use crate::intake::imports::reading::row::Row;
use crate::intake::imports::reading::rows::Rows;
use crate::intake::imports::reading::source::{FileKind, Listed, Reading, Source};
use crate::intake::imports::reading::table::{Table, TextFormat};
use crate::intake::imports::settings::ImportSettings;
use crate::kernel::error::{Code, Error, FieldCode, FieldError, Result, not_known};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

const ROWS_MAX: u64 = 200_000;
const COLUMNS_MAX: usize = 1_024;
/// The maximum for all rows together, which bounds the time for a file.
const CELLS_MAX: u64 = 10_000_000;
/// The maximum for the texts of all cells together, in bytes.
const TEXT_MAX: usize = 128 << 20;
/// Bytes of a file after decompression.
const BYTES_MAX: u64 = 256 << 20;

/// How the caller's workspace influences what is found in a file.
#[derive(Clone, Debug)]
pub struct Context {
    /// ISO 3166 alpha-2.
    pub country: String,
    /// Whether a text is the usual name of a column.
    pub known_header: fn(&str) -> bool,
}

/// A parsed table.
#[derive(Debug)]
pub struct File {
    pub kind: FileKind,
    /// All tables of the file.
    pub tables: Vec<Listed>,
    /// The name of the table that was read, if the file can have several.
    pub sheet: Option<String>,
    /// The encoding and the delimiter of a text file.
    pub format: Option<TextFormat>,
    pub header: Vec<String>,
    /// The line of the header, if there is one.
    pub header_line: Option<u64>,
    pub rows: Rows,
    /// For each line that repeats an earlier row, its number among the identical rows.
    pub twins: HashMap<u64, u32>,
    pub findings: Findings,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        if failure.of_server {
            log::error!("import: {failure}");
            return Error::new(Code::FilesUnavailable, failure.detail);
        }
        Error::new(Code::FileUnreadable, failure.to_string())
    }
}

/// Returns the name of a table in the settings: the sheet of a workbook, or the file in an archive.
pub fn sheet_name(listed: &Listed) -> Option<String> {
    match (&listed.file, &listed.sheet) {
        (Some(file), Some(sheet)) => Some(format!("{file}/{sheet}")),
        (file, sheet) => file.clone().or_else(|| sheet.clone()),
    }
}

/// Returns the first bytes of the SHA-256 hash of the cells. Identical rows have the same digest.
pub fn digest(row: &Row) -> [u8; 8] {
    let texts = row.cells().map(|cell| cell.text);
    let hash = texts.fold(Sha256::new(), |hash, text| hash.chain_update(text).chain_update([0x1f]));
    hash.finalize().first_chunk().copied().unwrap_or_default()
}

fn limits() -> Limits {
    Limits { bytes: BYTES_MAX, rows: ROWS_MAX, columns: COLUMNS_MAX, cells: CELLS_MAX, ..Limits::default() }
}

/// Lists the tables of a file.
pub fn tables(content: Box<dyn Input>) -> Result<Vec<Listed>> {
    Ok(Source::open(content, &limits())?.tables().to_vec())
}

/// Parses the table that the settings name, or the first one that is not hidden. `at` is the pointer of the name of
/// the sheet in the request.
pub fn open(content: Box<dyn Input>, settings: &ImportSettings, context: &Context, at: &str) -> Result<File> {
    let mut source = Source::open(content, &limits())?;
    let tables = source.tables().to_vec();
    let number = chosen(&tables, settings.sheet.as_deref(), at)?;
    let listed = tables.get(number).cloned().ok_or_else(|| Failure::new("the file has no table"))?;
    let mut findings = source.findings().clone();
    let table = source.table(number, &reading(settings, context))?;
    let (format, header_line) = (table.format.clone(), table.header_line);
    let header = table.columns.iter().map(|column| column.name.clone()).collect();
    let (rows, twins, found) = held(table)?;
    if rows.is_empty() {
        return Err(Failure::new("the file has a header but no rows").into());
    }
    findings.append(found);
    let (kind, sheet) = (listed.kind, sheet_name(&listed));
    Ok(File { kind, tables, sheet, format, header, header_line, rows, twins, findings })
}

/// Returns the number of the table that is read.
fn chosen(tables: &[Listed], named: Option<&str>, at: &str) -> Result<usize> {
    let Some(named) = named else {
        return Ok(tables.iter().position(|listed| !listed.hidden).unwrap_or(0));
    };
    let is_named = |listed: &Listed| {
        let name = sheet_name(listed).unwrap_or_default().to_lowercase();
        name == named.to_lowercase()
    };
    tables.iter().position(is_named).ok_or_else(|| {
        let all: Vec<String> = tables.iter().filter_map(sheet_name).collect();
        let detail = match all.as_slice() {
            [] => "must be absent, because the file has only one table".to_owned(),
            all => format!("{named} {}", not_known(named, all.iter().map(String::as_str))),
        };
        Error::members(vec![FieldError::new(FieldCode::InvalidChoice, detail).among(all).at_member(at)])
    })
}

fn reading(settings: &ImportSettings, context: &Context) -> Reading {
    let header = match settings.header_line {
        None => HeaderChoice::Find,
        Some(line) => {
            u64::try_from(line).ok().filter(|line| *line > 0).map_or(HeaderChoice::Absent, HeaderChoice::Line)
        }
    };
    Reading {
        encoding: settings.encoding.clone(),
        delimiter: settings.delimiter.as_ref().and_then(|text| text.chars().next()),
        header,
        country: Some(context.country.clone()),
        known_header: context.known_header,
    }
}

/// The number of a repetition by line.
type Twins = HashMap<u64, u32>;

/// Reads all rows. Numbers the repetitions of identical rows from 2; the number does not depend on the row at which a run
/// continues.
fn held(mut table: Table<'_>) -> Result<(Rows, Twins, Findings)> {
    let (mut rows, mut text) = (Rows::default(), 0_usize);
    let (mut seen, mut twins) = (HashMap::new(), Twins::new());
    while let Some(row) = table.next_row()? {
        text += row.bytes();
        if text > TEXT_MAX {
            let detail = format!("the table has more than {} MiB of text; split it", TEXT_MAX >> 20);
            return Err(Failure::new(detail).at(row.line).into());
        }
        let count = seen.entry(digest(row)).and_modify(|n| *n += 1).or_insert(1);
        if *count > 1 {
            twins.insert(row.line, *count);
        }
        rows.push(row)?;
    }
    Ok((rows, twins, table.findings().clone()))
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
