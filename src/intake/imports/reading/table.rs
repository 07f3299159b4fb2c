//! Parses a text file into a table: encoding, delimiter, header, rows.
use crate::intake::imports::reading::records::{Records, TooMuch};
use crate::kernel::error::{Code, Error, Result};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::HashMap;

pub const COLUMNS_MAX: usize = 200;
pub const ROWS_MAX: usize = 200_000;
/// The maximum for all rows together, which bounds the memory for a file.
const CELLS_MAX: usize = 10_000_000;
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];
/// The number of bytes from which the delimiter is detected.
const HEAD: usize = 256 << 10;
const HEAD_ROWS: usize = 20;

/// A parsed file.
#[derive(Debug)]
pub struct Table {
    pub encoding: String,
    pub delimiter: char,
    pub header: Vec<String>,
    pub rows: Vec<Row>,
    /// For each line that repeats an earlier row, its number among the identical rows.
    pub twins: HashMap<u64, u32>,
}

/// A row that is not empty. Its cells are stored in one allocation, because a file can have millions of them.
#[derive(Debug)]
pub struct Row {
    /// The line of the file on which the row begins. The header is line 1.
    pub line: u64,
    text: Box<str>,
    /// The end of each cell in `text`.
    ends: Box<[u32]>,
}

impl Row {
    fn new<'c>(line: u64, cells: impl Iterator<Item = &'c str>) -> Result<Row> {
        let (mut text, mut ends) = (String::new(), Vec::new());
        for cell in cells {
            text.push_str(cell.trim());
            ends.push(u32::try_from(text.len()).map_err(Error::internal)?);
        }
        Ok(Row { line, text: text.into(), ends: ends.into() })
    }

    pub fn width(&self) -> usize {
        self.ends.len()
    }

    /// Returns a cell, trimmed.
    pub fn cell(&self, column: usize) -> Option<&str> {
        let at = |column: usize| usize::try_from(*self.ends.get(column)?).ok();
        let begin = if column == 0 { 0 } else { at(column - 1)? };
        self.text.get(begin..at(column)?)
    }

    /// Returns the first bytes of the SHA-256 hash of the cells. Identical rows have the same digest.
    pub fn digest(&self) -> [u8; 8] {
        let cells = (0..self.width()).filter_map(|column| self.cell(column));
        let hash = cells.fold(Sha256::new(), |hash, cell| hash.chain_update(cell).chain_update([0x1f]));
        hash.finalize().first_chunk().copied().unwrap_or_default()
    }
}

fn unreadable(detail: impl Into<String>) -> Error {
    Error::new(Code::FileUnreadable, detail)
}

/// Parses a file. Detects the encoding and the delimiter if they are not given.
pub fn read(bytes: &[u8], encoding: Option<&str>, delimiter: Option<char>) -> Result<Table> {
    let (text, encoding) = decode(bytes, encoding)?;
    let delimiter = match delimiter {
        Some(given) => given,
        None => detect_delimiter(&text),
    };
    let byte = u8::try_from(delimiter).map_err(|_| unreadable("the delimiter must be one ASCII character"))?;
    let mut records = Records::new(&text, byte);
    let first = match records.advance() {
        Ok(first) => first.ok_or_else(|| unreadable("the file is empty"))?,
        Err(TooMuch::Cells { most, .. }) => {
            return Err(unreadable(format!(
                "the file has more than {most} columns; at most {COLUMNS_MAX} can be read"
            )));
        }
        Err(long) => return Err(unreadable(long.to_string())),
    };
    let header = header(first.cells(), &text, delimiter)?;
    let rows = rows(records)?;
    if rows.is_empty() {
        return Err(unreadable("the file has a header but no rows"));
    }
    let twins = twins(&rows);
    Ok(Table { encoding, delimiter, header, rows, twins })
}

/// Numbers the repetitions of identical rows from 2. The number does not depend on the row at which a run continues.
fn twins(rows: &[Row]) -> HashMap<u64, u32> {
    let (mut seen, mut twins) = (HashMap::new(), HashMap::new());
    for row in rows {
        let count = seen.entry(row.digest()).and_modify(|n| *n += 1).or_insert(1);
        if *count > 1 {
            twins.insert(row.line, *count);
        }
    }
    twins
}

/// Reads the rows after the header.
fn rows(mut records: Records<'_>) -> Result<Vec<Row>> {
    let (mut rows, mut cells) = (Vec::new(), 0);
    while let Some(record) = records.advance().map_err(|much| unreadable(much.to_string()))? {
        if record.cells().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if rows.len() == ROWS_MAX {
            return Err(unreadable(format!("a file may have at most {ROWS_MAX} rows; split it")));
        }
        let row = Row::new(record.line, record.cells())?;
        cells += row.width();
        if cells > CELLS_MAX {
            let detail = format!(
                "a file may have at most {CELLS_MAX} cells, rows times columns; split it, or leave columns out"
            );
            return Err(unreadable(detail));
        }
        rows.push(row);
    }
    Ok(rows)
}

fn decode<'b>(bytes: &'b [u8], given: Option<&str>) -> Result<(Cow<'b, str>, String)> {
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(unreadable(
            "the file is a workbook or an archive, not CSV; save it as CSV in the spreadsheet program",
        ));
    }
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        return Err(unreadable("the file is an old Excel workbook, not CSV; save it as “CSV UTF-8” in Excel"));
    }
    if bytes.starts_with(b"%PDF") {
        return Err(unreadable("the file is a PDF, not CSV"));
    }
    let encoding = match given {
        Some(name) => {
            Encoding::for_label(name.as_bytes()).ok_or_else(|| unreadable(format!("no encoding is called {name}")))?
        }
        None => detect_encoding(bytes),
    };
    let (text, used, broken) = encoding.decode(bytes);
    if broken {
        return Err(unreadable(format!(
            "the file is not valid {}; set its encoding, such as windows-1251",
            used.name()
        )));
    }
    if text.contains('\0') {
        return Err(unreadable("the file contains zero bytes: it is binary, not CSV"));
    }
    Ok((text, used.name().to_lowercase()))
}

fn detect_encoding(bytes: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding;
    }
    if std::str::from_utf8(bytes).is_ok() {
        return UTF_8;
    }
    let zeros = |odd: usize| bytes.iter().skip(odd).step_by(2).take(500).filter(|b| **b == 0).count();
    match (zeros(0), zeros(1)) {
        (even, odd) if even > odd && even > 10 => return UTF_16BE,
        (even, odd) if odd > even && odd > 10 => return UTF_16LE,
        _ => {}
    }
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    detector.guess(None, chardetng::Utf8Detection::Deny)
}

/// Returns the delimiter that divides the first lines into the most columns, with the same number in each line.
fn detect_delimiter(text: &str) -> char {
    let mut end = text.len().min(HEAD);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = text.get(..end).unwrap_or(text);
    let score = |delimiter: char| {
        let mut records = Records::new(head, u8::try_from(delimiter).unwrap_or(b','));
        let mut widths: Vec<usize> = Vec::new();
        while widths.len() < HEAD_ROWS {
            match records.advance() {
                Ok(Some(record)) => widths.push(record.cells().count()),
                Err(TooMuch::Cells { most, .. }) => {
                    widths.push(most);
                    break;
                }
                Ok(None) | Err(TooMuch::Text { .. }) => break,
            }
        }
        // The last row can be incomplete.
        if widths.len() > 1 && widths.len() < HEAD_ROWS && end < text.len() {
            widths.pop();
        }
        let first = widths.first().copied().unwrap_or(0);
        let alike = widths.iter().filter(|w| **w == first).count();
        if first < 2 { 0 } else { alike * 1000 / widths.len().max(1) * 1000 + first }
    };
    DELIMITERS.into_iter().max_by_key(|d| (score(*d), std::cmp::Reverse(*d == '|'))).unwrap_or(',')
}

fn header<'c>(first: impl Iterator<Item = &'c str>, text: &str, delimiter: char) -> Result<Vec<String>> {
    let names: Vec<String> = first.map(|cell| cell.trim().to_owned()).collect();
    if names.len() > COLUMNS_MAX {
        return Err(unreadable(format!("the file has {} columns; at most {COLUMNS_MAX} can be read", names.len())));
    }
    let line = text.lines().next().unwrap_or_default();
    if let ([_], Some(other)) =
        (names.as_slice(), DELIMITERS.into_iter().find(|d| *d != delimiter && line.matches(*d).count() > 1))
    {
        return Err(unreadable(format!(
            "the header has only one column with the delimiter {delimiter:?}; the file seems to use {other:?}"
        )));
    }
    for (n, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(unreadable(format!("column {} has no name in the header", n + 1)));
        }
        if names.iter().take(n).any(|earlier| earlier.eq_ignore_ascii_case(name)) {
            return Err(unreadable(format!("two columns are called {name}; rename one of them")));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn encodings_and_delimiters_are_detected() {
        let table = read("имя;город\nАнна;Москва\n".as_bytes(), None, None).unwrap();
        assert_eq!(table.encoding, "utf-8");
        assert_eq!(table.delimiter, ';');
        let text = "имя;город;примечание\nАнна;Москва;перезвонить в понедельник\nПётр;Тверь;просил счёт\n";
        let (bytes, ..) = encoding_rs::WINDOWS_1251.encode(text);
        let table = read(&bytes, None, None).unwrap();
        assert_eq!(table.encoding, "windows-1251");
        assert_eq!(table.rows[1].cell(0), Some("Пётр"));
        let table = read(b"\xef\xbb\xbfname\tcity\nAnn\tYork\n", None, None).unwrap();
        assert_eq!(table.header[0], "name");
        assert_eq!(table.delimiter, '\t');
    }

    #[test]
    fn cells_are_cut_as_written() {
        for (file, wanted) in [
            ("a,b\n1,2\n", vec![vec!["1", "2"]]),
            ("a,b\n1,2", vec![vec!["1", "2"]]),
            ("a,b\r\n 1 ,\" 2\n3 \"\r\n\r\n,\r\n4\r\n", vec![vec!["1", "2\n3"], vec!["4"]]),
            ("a,b\n\"x\"\"y\",\n,\n1,2,3\n", vec![vec!["x\"y", ""], vec!["1", "2", "3"]]),
            ("имя,город\nАнна,\"Москва, центр\"\n", vec![vec!["Анна", "Москва, центр"]]),
        ] {
            let table = read(file.as_bytes(), None, Some(',')).unwrap();
            let cells =
                |row: &super::Row| (0..row.width()).map(|n| row.cell(n).unwrap().to_owned()).collect::<Vec<_>>();
            assert_eq!(table.rows.iter().map(cells).collect::<Vec<_>>(), wanted, "{file}");
            assert_eq!(table.rows[0].cell(table.rows[0].width()), None);
        }
        let lines =
            |file: &str| read(file.as_bytes(), None, None).unwrap().rows.iter().map(|row| row.line).collect::<Vec<_>>();
        assert_eq!(lines("a,b\n1,2\n\n3,4\n"), [2, 4]);
        assert_eq!(lines("a,b\r\n1,2\r\n\r\n\"3\n\",4\r\n5,6"), [2, 4, 6]);
        let many = format!("a,b\n{}", "1,2\n".repeat(200_001));
        assert!(read(many.as_bytes(), None, None).unwrap_err().to_string().contains("200000 rows"));
        let header = (0..200).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",");
        let full = format!("{header}\n{}", format!("x{}\n", ",".repeat(199)).repeat(50_001));
        assert!(read(full.as_bytes(), None, None).unwrap_err().to_string().contains("10000000 cells"));
    }

    #[test]
    fn files_that_are_not_tables_are_refused() {
        let detail = |bytes: &[u8]| read(bytes, None, None).unwrap_err().to_string();
        assert!(detail(b"").contains("empty"));
        assert!(detail(b"a,b\n").contains("no rows"));
        assert!(detail(b"PK\x03\x04....").contains("workbook"));
        assert!(detail(b"a,b\n\x001,2\n").contains("binary"));
        assert!(detail(b"a,A\n1,2\n").contains("two columns"));
        let wide = (0..300).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",");
        assert!(detail(format!("{wide}\n1\n").as_bytes()).contains("300 columns"));
        assert!(detail(",".repeat(1 << 20).as_bytes()).contains("more than 400 columns"));
        assert!(
            detail(format!("a,b\n1,2\n{}\n", ",".repeat(1 << 20)).as_bytes())
                .contains("row at line 3 has more than 400 cells")
        );
        assert!(detail(format!("a,b\n1,\"{}\n", "x".repeat(200_000)).as_bytes()).contains("quotation mark"));
        let wrong = read(b"a;b;c\n1;2;3\n", None, Some(',')).unwrap_err().to_string();
        assert!(wrong.contains("seems to use ';'"), "{wrong}");
    }
}
