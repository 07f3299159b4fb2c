//! The parts of an XLSX workbook: which sheets it has, and where they are.
use crate::intake::imports::reading::archive::Archive;
use crate::intake::imports::reading::failure::{Failure, Result};
use crate::intake::imports::reading::limits::{Limits, SHEET_ROWS};
use crate::intake::imports::reading::number_format::Epoch;
use crate::intake::imports::reading::raw::RawRows;
use crate::intake::imports::reading::xlsx_shared::Shared;
use crate::intake::imports::reading::xlsx_sheet::SheetRows;
use crate::intake::imports::reading::xlsx_styles;
use crate::intake::imports::reading::xml::{Node, Xml};
use std::collections::HashMap;

/// The maximum for the parts that describe a workbook, in bytes.
const PART: u64 = 8 << 20;
const SHEETS: usize = 1_000;

/// A sheet of a workbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookSheet {
    pub name: String,
    pub hidden: bool,
    /// The number of rows, if the workbook tells. It includes the header and rows above it.
    pub rows: Option<u64>,
    /// Its entry in the archive.
    entry: usize,
}

/// A workbook.
pub struct Book {
    archive: Archive,
    pub sheets: Vec<BookSheet>,
    epoch: Epoch,
    styles: Option<usize>,
    shared: Option<usize>,
}

/// The target and the type of each relationship, by id.
type Relations = HashMap<String, (String, String)>;

impl Book {
    /// Whether the archive is such a workbook.
    pub fn is_in(archive: &Archive) -> bool {
        let listed = archive.entries.iter().any(|entry| entry.path.ends_with("workbook.xml"));
        listed && archive.find("[Content_Types].xml").is_some()
    }

    pub fn open(mut archive: Archive) -> Result<Book> {
        let path = main_part(&mut archive)?;
        let missing = || Failure::new("the file is damaged: the workbook has no list of sheets");
        let entry = archive.find(&path).ok_or_else(missing)?;
        let relations = relations(&mut archive, &path)?;
        let mut book = Book { archive, sheets: Vec::new(), epoch: Epoch::Y1900, styles: None, shared: None };
        let part = |kind: &str| {
            let found = relations.values().find(|(_, of)| of.ends_with(kind));
            found.and_then(|(target, _)| book.archive.find(target))
        };
        (book.styles, book.shared) = (part("/styles"), part("/sharedStrings"));
        book.read_sheets(entry, &relations)?;
        for n in 0..book.sheets.len() {
            book.count_rows(n)?;
        }
        if book.sheets.is_empty() {
            return Err(Failure::new("the workbook has no sheet"));
        }
        Ok(book)
    }

    fn read_sheets(&mut self, entry: usize, relations: &Relations) -> Result<()> {
        let (mut epoch, mut listed) = (Epoch::Y1900, Vec::new());
        let text = self.archive.text(entry, PART)?;
        let mut xml = Xml::new(Box::new(text.as_bytes()));
        loop {
            match xml.advance()? {
                Node::Open(tag) if tag.name() == b"workbookPr" && tag.flag("date1904") => {
                    epoch = Epoch::Y1904;
                }
                Node::Open(tag) if tag.name() == b"sheet" && listed.len() < SHEETS => {
                    let hidden = tag.attribute("state").is_some_and(|state| state != "visible");
                    listed.push((
                        tag.attribute("name").unwrap_or_default(),
                        hidden,
                        tag.attribute("id").unwrap_or_default(),
                    ));
                }
                Node::End => break,
                _ => {}
            }
        }
        self.epoch = epoch;
        for (name, hidden, id) in listed {
            let target = relations.get(&id).filter(|(_, kind)| kind.ends_with("/worksheet"));
            if let Some(entry) = target.and_then(|(target, _)| self.archive.find(target)) {
                self.sheets.push(BookSheet { name, hidden, rows: None, entry });
            }
        }
        Ok(())
    }

    /// Reads the number of rows from the beginning of a sheet, if it is there.
    fn count_rows(&mut self, sheet: usize) -> Result<()> {
        let Some(entry) = self.sheets.get(sheet).map(|sheet| sheet.entry) else { return Ok(()) };
        let mut xml = Xml::new(self.archive.read(entry)?);
        let rows = loop {
            match xml.advance()? {
                Node::Open(tag) if tag.name() == b"dimension" => {
                    let range = tag.attribute("ref").unwrap_or_default();
                    let last = range.rsplit(':').next().unwrap_or_default();
                    let row = last.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '$').parse::<u64>();
                    // Some programs write A1 for every sheet.
                    break row.ok().filter(|row| range.contains(':') && *row <= SHEET_ROWS);
                }
                Node::Open(tag) if tag.name() == b"sheetData" => break None,
                Node::End => break None,
                _ => {}
            }
        };
        drop(xml);
        if let Some(sheet) = self.sheets.get_mut(sheet) {
            sheet.rows = rows;
        }
        Ok(())
    }

    /// Reads the rows of a sheet.
    pub fn rows<'s>(&'s mut self, sheet: usize, limits: &Limits) -> Result<Box<dyn RawRows + 's>> {
        let missing = || Failure::new("the workbook has no such sheet");
        let entry = self.sheets.get(sheet).ok_or_else(missing)?.entry;
        let formats = match self.styles {
            Some(styles) => xlsx_styles::read(&self.archive.text(styles, PART)?)?,
            None => Vec::new(),
        };
        let shared = match self.shared {
            Some(shared) => Shared::read(self.archive.read(shared)?, limits)?,
            None => Shared::default(),
        };
        let xml = Xml::new(self.archive.read(entry)?);
        Ok(Box::new(SheetRows::new(xml, shared, formats, self.epoch, limits)))
    }
}

/// Returns the part that lists the sheets.
fn main_part(archive: &mut Archive) -> Result<String> {
    let found = relations(archive, "")?.into_values().find(|(_, kind)| kind.ends_with("/officeDocument"));
    Ok(found.map_or_else(|| "xl/workbook.xml".to_owned(), |(target, _)| target))
}

/// Reads the relationships of a part. They are in `_rels/NAME.rels` beside it.
fn relations(archive: &mut Archive, part: &str) -> Result<Relations> {
    let (folder, name) = part.rsplit_once('/').map_or(("", part), |(folder, name)| (folder, name));
    let path = format!("{folder}/_rels/{name}.rels");
    let Some(entry) = archive.find(path.trim_start_matches('/')) else { return Ok(Relations::new()) };
    let text = archive.text(entry, PART)?;
    let (mut xml, mut relations) = (Xml::new(Box::new(text.as_bytes())), Relations::new());
    loop {
        match xml.advance()? {
            Node::Open(tag) if tag.name() == b"Relationship" => {
                let target = tag.attribute("Target").unwrap_or_default();
                let target = resolve(folder, &target);
                let kind = tag.attribute("Type").unwrap_or_default();
                relations.insert(tag.attribute("Id").unwrap_or_default(), (target, kind));
            }
            Node::End => return Ok(relations),
            _ => {}
        }
    }
}

/// Resolves a path in the archive against a folder.
fn resolve(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
