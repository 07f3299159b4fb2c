//! A file of text as a table: encoding, delimiter, header, rows.
use crate::kernel::error::{Code, Error, Result};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use sha2::{Digest, Sha256};

pub const COLUMNS_MAX: usize = 200;
pub const ROWS_MAX: usize = 200_000;
const CELL_MAX: usize = 100_000;
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// A file that has been understood as a table.
#[derive(Debug)]
pub struct Table {
    pub encoding: String,
    pub delimiter: char,
    pub header: Vec<String>,
    pub rows: Vec<Row>,
}

/// A row that is not empty. Its cells lie in one piece of memory: a file may have hundreds of thousands of them.
#[derive(Debug)]
pub struct Row {
    /// The line of the file on which the row begins; the header is line 1.
    pub line: u64,
    cells: csv::StringRecord,
}

impl Row {
    pub fn width(&self) -> usize {
        self.cells.len()
    }

    /// Without blanks around it.
    pub fn cell(&self, column: usize) -> Option<&str> {
        self.cells.get(column)
    }

    /// The same for rows with the same cells: the first bytes of their SHA-256.
    pub fn digest(&self) -> [u8; 8] {
        let hash = self.cells.iter().fold(Sha256::new(), |hash, cell| hash.chain_update(cell).chain_update([0x1f]));
        hash.finalize().first_chunk().copied().unwrap_or_default()
    }
}

fn unreadable(detail: impl Into<String>) -> Error {
    Error::new(Code::FileUnreadable, detail)
}

/// Reads a file. What is not said is detected.
pub fn read(bytes: &[u8], encoding: Option<&str>, delimiter: Option<char>) -> Result<Table> {
    let (text, encoding) = decode(bytes, encoding)?;
    let delimiter = match delimiter {
        Some(told) => told,
        None => detect_delimiter(&text),
    };
    let byte = u8::try_from(delimiter).map_err(|_| unreadable("a delimiter is one ASCII character"))?;
    let mut reader =
        csv::ReaderBuilder::new().delimiter(byte).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut records = reader.records();
    let first =
        records.next().ok_or_else(|| unreadable("the file is empty"))?.map_err(|e| unreadable(e.to_string()))?;
    let header = header(&first, &text, delimiter)?;
    let mut rows = Vec::new();
    for record in records {
        let mut record = record.map_err(|e| unreadable(e.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        if record.iter().any(|cell| cell.len() > CELL_MAX) {
            return Err(unreadable(format!(
                "a cell in the row at line {line} has more than {CELL_MAX} bytes; is a quotation mark not closed?"
            )));
        }
        record.trim();
        if record.iter().all(str::is_empty) {
            continue;
        }
        if rows.len() == ROWS_MAX {
            return Err(unreadable(format!("a file may have at most {ROWS_MAX} rows; split it")));
        }
        rows.push(Row { line, cells: record });
    }
    if rows.is_empty() {
        return Err(unreadable("the file has a header but no rows"));
    }
    Ok(Table { encoding, delimiter, header, rows })
}

fn decode(bytes: &[u8], told: Option<&str>) -> Result<(String, String)> {
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(unreadable(
            "this is a workbook or an archive, not CSV; in the spreadsheet program choose “save as CSV”",
        ));
    }
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        return Err(unreadable("this is an old Excel workbook, not CSV; in Excel choose “save as CSV UTF-8”"));
    }
    if bytes.starts_with(b"%PDF") {
        return Err(unreadable("this is a PDF, not CSV"));
    }
    let encoding = match told {
        Some(name) => Encoding::for_label(name.as_bytes())
            .ok_or_else(|| unreadable(format!("there is no encoding called {name}")))?,
        None => detect_encoding(bytes),
    };
    let (text, used, broken) = encoding.decode(bytes);
    if broken {
        return Err(unreadable(format!("the file is not {}; name its encoding, such as windows-1251", used.name())));
    }
    if text.contains('\0') {
        return Err(unreadable("the file holds zero bytes: it is binary, not CSV"));
    }
    Ok((text.into_owned(), used.name().to_lowercase()))
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

/// The delimiter that cuts the first lines into the most columns, the same number in each.
fn detect_delimiter(text: &str) -> char {
    let score = |delimiter: char| {
        let byte = u8::try_from(delimiter).unwrap_or(b',');
        let mut reader =
            csv::ReaderBuilder::new().delimiter(byte).has_headers(false).flexible(true).from_reader(text.as_bytes());
        let widths: Vec<usize> = reader.records().take(20).filter_map(|r| Some(r.ok()?.len())).collect();
        let first = widths.first().copied().unwrap_or(0);
        let alike = widths.iter().filter(|w| **w == first).count();
        if first < 2 { 0 } else { alike * 1000 / widths.len().max(1) * 1000 + first }
    };
    DELIMITERS.into_iter().max_by_key(|d| (score(*d), std::cmp::Reverse(*d == '|'))).unwrap_or(',')
}

fn header(first: &csv::StringRecord, text: &str, delimiter: char) -> Result<Vec<String>> {
    let names: Vec<String> = first.iter().map(|cell| cell.trim().to_owned()).collect();
    if names.len() > COLUMNS_MAX {
        return Err(unreadable(format!("the file has {} columns; at most {COLUMNS_MAX} can be read", names.len())));
    }
    let line = text.lines().next().unwrap_or_default();
    if let ([_], Some(other)) =
        (names.as_slice(), DELIMITERS.into_iter().find(|d| *d != delimiter && line.matches(*d).count() > 1))
    {
        return Err(unreadable(format!(
            "with the delimiter {delimiter:?} the header is one column; the file seems to use {other:?}"
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
        assert_eq!((table.encoding.as_str(), table.delimiter), ("utf-8", ';'));
        let text = "имя;город;примечание\nАнна;Москва;перезвонить в понедельник\nПётр;Тверь;просил счёт\n";
        let (bytes, ..) = encoding_rs::WINDOWS_1251.encode(text);
        let table = read(&bytes, None, None).unwrap();
        assert_eq!(table.encoding, "windows-1251");
        assert_eq!(table.rows[1].cell(0), Some("Пётр"));
        let table = read(b"\xef\xbb\xbfname\tcity\nAnn\tYork\n", None, None).unwrap();
        assert_eq!((table.header[0].as_str(), table.delimiter), ("name", '\t'));
    }

    #[test]
    fn what_is_no_table_says_so() {
        let detail = |bytes: &[u8]| read(bytes, None, None).unwrap_err().to_string();
        assert!(detail(b"").contains("empty"));
        assert!(detail(b"a,b\n").contains("no rows"));
        assert!(detail(b"PK\x03\x04....").contains("workbook"));
        assert!(detail(b"a,b\n\x001,2\n").contains("binary"));
        assert!(detail(b"a,A\n1,2\n").contains("two columns"));
        let wide = (0..300).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",");
        assert!(detail(format!("{wide}\n1\n").as_bytes()).contains("300 columns"));
        let wrong = read(b"a;b;c\n1;2;3\n", None, Some(',')).unwrap_err().to_string();
        assert!(wrong.contains("seems to use ';'"), "{wrong}");
    }
}
