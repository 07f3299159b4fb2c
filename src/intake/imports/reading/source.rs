//! A file that a person brought: its kind, and the tables in it.
use crate::intake::imports::reading::archive::{Archive, Entry};
use crate::intake::imports::reading::bounded::Input;
use crate::intake::imports::reading::cards::{CardRows, Columns};
use crate::intake::imports::reading::csv::{self, CsvRows};
use crate::intake::imports::reading::decode::Text;
use crate::intake::imports::reading::failure::{Failure, Result};
use crate::intake::imports::reading::findings::{FindingKind, Findings};
use crate::intake::imports::reading::layout::{HeaderChoice, Hints};
use crate::intake::imports::reading::limits::Limits;
use crate::intake::imports::reading::ods::{self, Ods};
use crate::intake::imports::reading::place::Place;
use crate::intake::imports::reading::sniff::{self, Sniffed};
use crate::intake::imports::reading::table::{Begun, Table, TextFormat};
use crate::intake::imports::reading::xlsx_parts::Book;
use std::io::{self, BufReader, Read, SeekFrom};

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    Csv,
    Xlsx,
    Ods,
    Vcard,
}

impl FileKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            FileKind::Csv => "csv",
            FileKind::Xlsx => "xlsx",
            FileKind::Ods => "ods",
            FileKind::Vcard => "vcard",
        }
    }
}

/// How to read a table. What is not set is found from the content.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Such as `windows-1251`.
    pub encoding: Option<String>,
    pub delimiter: Option<char>,
    pub header: HeaderChoice,
    /// The country of the workspace, such as `DE`, which decides between encodings that fit alike.
    pub country: Option<String>,
    /// Whether a text is the usual name of a column.
    pub known_header: fn(&str) -> bool,
}

impl Default for Reading {
    fn default() -> Reading {
        Reading { encoding: None, delimiter: None, header: HeaderChoice::Find, country: None, known_header: |_| false }
    }
}

/// A table in a file: the file itself, a sheet of a workbook, or a file in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub kind: FileKind,
    /// The name of the file in the archive.
    pub file: Option<String>,
    /// The name of the sheet.
    pub sheet: Option<String>,
    /// Whether the sheet is hidden.
    pub hidden: bool,
    /// The number of rows with all lines above and below the data, if the file tells without being read.
    pub rows: Option<u64>,
}

/// A workbook.
enum Workbook {
    Xlsx(Book),
    Ods(Ods),
}

enum Body {
    Alone(Box<dyn Input>, Sniffed),
    Workbook(Workbook),
    /// An archive, its tables as entry and sheet, and the workbook in it that is being read.
    Archive(Archive, Vec<Member>, Option<Box<Workbook>>),
}

#[derive(Clone, Copy, Debug)]
enum Member {
    Text(usize, Sniffed),
    /// A sheet of a workbook.
    Sheet(usize, usize),
}

/// An opened file.
pub struct Source {
    body: Body,
    limits: Limits,
    tables: Vec<Listed>,
    findings: Findings,
}

impl Source {
    /// Opens a file and lists its tables. Text files are not read yet; of workbooks, only the list of sheets is.
    pub fn open(mut input: Box<dyn Input>, limits: &Limits) -> Result<Source> {
        let sniffed = sniff::sniff(&head(&mut *input)?)?;
        let (mut tables, mut findings) = (Vec::new(), Findings::default());
        let body = match sniffed {
            Sniffed::Zip => {
                let archive = Archive::open(input, limits)?;
                if is_workbook(&archive)? {
                    let workbook = Workbook::open(archive)?;
                    tables = workbook.tables(None);
                    Body::Workbook(workbook)
                } else {
                    let limits = limits.clone();
                    let mut opening = Opening { archive, members: Vec::new(), tables: Vec::new(), findings, limits };
                    opening.list()?;
                    (tables, findings) = (opening.tables, opening.findings);
                    Body::Archive(opening.archive, opening.members, None)
                }
            }
            sniffed => {
                tables.push(Listed { kind: kind_of(sniffed), file: None, sheet: None, hidden: false, rows: None });
                Body::Alone(input, sniffed)
            }
        };
        Ok(Source { body, limits: limits.clone(), tables, findings })
    }

    /// The tables in the order of the file.
    pub fn tables(&self) -> &[Listed] {
        &self.tables
    }

    /// What was found about the file as a whole: files in the archive that are not read.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Reads a table.
    pub fn table(&mut self, number: usize, reading: &Reading) -> Result<Table<'_>> {
        let Source { body, limits, tables, .. } = self;
        let listed = tables.get(number).ok_or_else(|| Failure::new("the file has no such table"))?;
        let place = (listed.file.clone(), listed.sheet.clone());
        let named = |failure: Failure| match (&listed.file, &listed.sheet) {
            (Some(file), _) => failure.in_file(file),
            (None, Some(sheet)) => failure.in_sheet(sheet),
            (None, None) => failure,
        };
        let hints = Hints { choice: reading.header, known: reading.known_header, sheet: listed.sheet.is_some() };
        let begun = match body {
            Body::Alone(input, sniffed) => text(Place::alone(&mut **input, limits), *sniffed, reading, limits),
            Body::Workbook(workbook) => workbook.begin(number, limits),
            Body::Archive(archive, members, opened) => match members.get(number) {
                Some(Member::Text(entry, sniffed)) => text(Place::Entry(archive, *entry), *sniffed, reading, limits),
                Some(Member::Sheet(entry, sheet)) => inner(archive, *entry, limits)
                    .and_then(|workbook| opened.insert(Box::new(workbook)).begin(*sheet, limits)),
                None => Err(Failure::new("the file has no such table")),
            },
        };
        let begun = begun.map_err(named)?;
        Table::new(Begun { place, ..begun }, hints, limits)
    }
}

/// Returns the first bytes of a file.
fn head(input: &mut dyn Input) -> Result<Vec<u8>> {
    input.seek(SeekFrom::Start(0))?;
    beginning(input)
}

fn beginning(input: impl Read) -> Result<Vec<u8>> {
    let mut head = Vec::with_capacity(sniff::HEAD);
    input.take(u64::try_from(sniff::HEAD).unwrap_or(0)).read_to_end(&mut head)?;
    Ok(head)
}

fn kind_of(sniffed: Sniffed) -> FileKind {
    if sniffed == Sniffed::Cards { FileKind::Vcard } else { FileKind::Csv }
}

/// Whether an archive is a workbook. Refuses other documents.
fn is_workbook(archive: &Archive) -> Result<bool> {
    let has = |path: &str| archive.find(path).is_some();
    if has("xl/workbook.bin") {
        return Err(Failure::new("the file is a binary workbook (.xlsb); save it as .xlsx"));
    }
    if has("word/document.xml") || has("ppt/presentation.xml") {
        return Err(Failure::new("the file is a document, not a table"));
    }
    if has("Index/Document.iwa") || has("Index.zip") {
        return Err(Failure::new("the file is a Numbers document; export it as .xlsx"));
    }
    Ok(Book::is_in(archive) || has("mimetype") && has("content.xml"))
}

impl Workbook {
    fn open(mut archive: Archive) -> Result<Workbook> {
        if Book::is_in(&archive) {
            return Book::open(archive).map(Workbook::Xlsx);
        }
        let mimetype = archive.find("mimetype").map(|entry| archive.text(entry, 1_000)).transpose()?;
        if mimetype.is_none_or(|kind| !kind.trim().starts_with(ods::MEDIA_TYPE)) {
            return Err(Failure::new("the file is a document, not a table"));
        }
        Ods::open(archive).map(Workbook::Ods)
    }

    fn tables(&self, file: Option<&str>) -> Vec<Listed> {
        let listed = |kind, name: &str, hidden, rows| Listed {
            kind,
            file: file.map(str::to_owned),
            sheet: Some(name.to_owned()),
            hidden,
            rows,
        };
        match self {
            Workbook::Xlsx(book) => {
                book.sheets.iter().map(|sheet| listed(FileKind::Xlsx, &sheet.name, sheet.hidden, sheet.rows)).collect()
            }
            Workbook::Ods(book) => {
                let sheets = book.sheets.iter();
                sheets.map(|sheet| listed(FileKind::Ods, &sheet.name, sheet.hidden, Some(sheet.rows))).collect()
            }
        }
    }

    fn begin(&mut self, sheet: usize, limits: &Limits) -> Result<Begun<'_>> {
        let raw = match self {
            Workbook::Xlsx(book) => book.rows(sheet, limits)?,
            Workbook::Ods(book) => book.rows(sheet, limits)?,
        };
        Ok(Begun { raw, format: None, place: (None, None), columns: None })
    }
}

/// Begins to read a text file.
fn text<'s>(mut place: Place<'s>, sniffed: Sniffed, reading: &Reading, limits: &Limits) -> Result<Begun<'s>> {
    let survey = csv::survey(&mut place, reading.encoding.as_deref(), reading.country.as_deref())?;
    if sniffed == Sniffed::Cards {
        let columns = Columns::survey(Text::new(place.open()?, &survey), limits)?;
        let names = Some(columns.names());
        let rows = CardRows::new(Text::new(place.into_reader()?, &survey), columns, limits);
        let encoding = survey.encoding.name().to_lowercase();
        let format = TextFormat { encoding, delimiter: None, encoding_choices: survey.choices };
        return Ok(Begun { raw: Box::new(rows), format: Some(format), place: (None, None), columns: names });
    }
    let (rows, format) = CsvRows::open(place, &survey, reading.delimiter, limits)?;
    Ok(Begun { raw: Box::new(rows), format: Some(format), place: (None, None), columns: None })
}

/// Opens a workbook in an archive. It is unpacked to disk.
fn inner(archive: &mut Archive, entry: usize, limits: &Limits) -> Result<Workbook> {
    let size = archive.entries.get(entry).map_or(0, |entry| entry.size);
    if size > limits.inner_workbook {
        let most = limits.inner_workbook >> 20;
        return Err(Failure::new(format!("a workbook in an archive may have at most {most} MiB; bring it by itself")));
    }
    let of_server = |error: io::Error| Failure::of_server(&error);
    let mut file = tempfile::tempfile().map_err(of_server)?;
    io::copy(&mut archive.read(entry)?, &mut file)?;
    let inner = Archive::open(Box::new(BufReader::new(file)), limits)?;
    if !is_workbook(&inner)? {
        return Err(Failure::new("archives in archives are not read"));
    }
    Workbook::open(inner)
}

/// An archive whose files are being listed.
struct Opening {
    archive: Archive,
    members: Vec<Member>,
    tables: Vec<Listed>,
    findings: Findings,
    limits: Limits,
}

impl Opening {
    fn list(&mut self) -> Result<()> {
        let mut files = 0;
        for index in 0..self.archive.entries.len() {
            let Some(entry) = self.archive.entries.get(index).cloned() else { continue };
            if entry.is_folder() || entry.is_system() {
                continue;
            }
            files += 1;
            if files > self.limits.files {
                return Err(Failure::new(format!("the archive has more than {} files", self.limits.files)));
            }
            let name = self.name(&entry);
            let added = if entry.encrypted {
                Err(Failure::new("it is protected by a password"))
            } else {
                self.add(index, &name)
            };
            if let Err(failure) = added {
                self.findings.add(FindingKind::SkippedFile, None, || format!("{name}: {}", failure.detail));
            }
        }
        let reasons = self.findings.of(FindingKind::SkippedFile).and_then(|found| found.examples.first());
        match (self.tables.is_empty(), reasons) {
            (false, _) => Ok(()),
            (true, Some(first)) => {
                Err(Failure::new(format!("the archive has no file that can be read; {}", first.text)))
            }
            (true, None) => Err(Failure::new("the archive is empty")),
        }
    }

    /// Returns the name of an entry, with its folders if another one is called the same.
    fn name(&self, entry: &Entry) -> String {
        let same = |other: &&Entry| other.name() == entry.name() && !other.is_folder() && !other.is_system();
        if self.archive.entries.iter().filter(same).count() > 1 { entry.full_name() } else { entry.name() }
    }

    /// Adds the tables of an entry.
    fn add(&mut self, index: usize, name: &str) -> Result<()> {
        let head = beginning(self.archive.read(index)?)?;
        match sniff::sniff(&head)? {
            Sniffed::Zip => {
                let tables = inner(&mut self.archive, index, &self.limits)?.tables(Some(name));
                self.members.extend((0..tables.len()).map(|sheet| Member::Sheet(index, sheet)));
                self.tables.extend(tables);
            }
            sniffed => {
                let (kind, file) = (kind_of(sniffed), Some(name.to_owned()));
                self.members.push(Member::Text(index, sniffed));
                self.tables.push(Listed { kind, file, sheet: None, hidden: false, rows: None });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
