//! Reads whole tables in tests.
use crate::intake::imports::reading::failure::Result;
use crate::intake::imports::reading::findings::{FindingKind, Findings};
use crate::intake::imports::reading::limits::Limits;
use crate::intake::imports::reading::row::CellKind;
use crate::intake::imports::reading::source::{Reading, Source};
use crate::intake::imports::reading::table::TextFormat;
use std::io::{Cursor, Write};

/// How a test reads a file.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub reading: Reading,
    pub limits: Limits,
}

impl From<Limits> for Options {
    fn from(limits: Limits) -> Options {
        Options { limits, ..Options::default() }
    }
}

impl From<Reading> for Options {
    fn from(reading: Reading) -> Options {
        Options { reading, ..Options::default() }
    }
}

/// A table that was read.
#[derive(Debug)]
pub struct Whole {
    pub columns: Vec<String>,
    pub header_line: Option<u64>,
    pub lines: Vec<u64>,
    pub rows: Vec<Vec<String>>,
    pub kinds: Vec<Vec<CellKind>>,
    pub shown: Vec<Vec<Option<String>>>,
    pub findings: Findings,
    pub format: Option<TextFormat>,
}

impl Whole {
    /// The lines and texts of the examples of a kind.
    pub fn told(&self, kind: FindingKind) -> Vec<(Option<u64>, String)> {
        let found = self.findings.of(kind).map(|found| found.examples.clone()).unwrap_or_default();
        found.into_iter().map(|example| (example.line, example.text)).collect()
    }

    pub fn count(&self, kind: FindingKind) -> u64 {
        self.findings.of(kind).map_or(0, |found| found.count)
    }

    pub fn encoding(&self) -> &str {
        self.format.as_ref().map_or("", |format| format.encoding.as_str())
    }

    pub fn delimiter(&self) -> Option<char> {
        self.format.as_ref().and_then(|format| format.delimiter)
    }
}

pub fn source(bytes: &[u8], options: &Options) -> Result<Source> {
    Source::open(Box::new(Cursor::new(bytes.to_vec())), &options.limits)
}

pub fn read_table(bytes: &[u8], table: usize, options: &Options) -> Result<Whole> {
    let mut source = source(bytes, options)?;
    let mut table = source.table(table, &options.reading)?;
    let mut whole = Whole {
        columns: table.columns.iter().map(|column| column.name.clone()).collect(),
        header_line: table.header_line,
        lines: Vec::new(),
        rows: Vec::new(),
        kinds: Vec::new(),
        shown: Vec::new(),
        findings: Findings::default(),
        format: table.format.clone(),
    };
    while let Some(row) = table.next_row()? {
        whole.lines.push(row.line);
        whole.rows.push(row.cells().map(|cell| cell.text.to_owned()).collect());
        whole.kinds.push(row.cells().map(|cell| cell.kind).collect());
        whole.shown.push(row.cells().map(|cell| cell.shown.map(str::to_owned)).collect());
    }
    whole.findings = table.findings().clone();
    Ok(whole)
}

pub fn read(bytes: &[u8]) -> Whole {
    read_table(bytes, 0, &Options::default()).unwrap()
}

/// Returns why a file is refused.
pub fn refusal(bytes: &[u8], options: &Options) -> String {
    match read_table(bytes, 0, options) {
        Ok(whole) => panic!("was read: {whole:?}"),
        Err(failure) => failure.to_string(),
    }
}

/// Packs a zip archive.
pub fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Packs an XLSX workbook with one sheet.
pub fn xlsx(sheet: &str, styles: &str, shared: &str) -> Vec<u8> {
    workbook("<workbookPr/>", sheet, styles, shared)
}

/// Packs an XLSX workbook with one sheet and the properties of the workbook.
pub fn workbook(properties: &str, sheet: &str, styles: &str, shared: &str) -> Vec<u8> {
    let kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let book = format!(
        "<workbook>{properties}<sheets><sheet name=\"One\" sheetId=\"1\" r:id=\"rId1\"/><sheet name=\"Secret\" sheetId=\"2\" state=\"hidden\" r:id=\"rId1\"/></sheets></workbook>"
    );
    let relations = format!(
        "<Relationships><Relationship Id=\"rId1\" Type=\"{kind}/worksheet\" Target=\"worksheets/sheet1.xml\"/>\
         <Relationship Id=\"rId2\" Type=\"{kind}/styles\" Target=\"styles.xml\"/>\
         <Relationship Id=\"rId3\" Type=\"{kind}/sharedStrings\" Target=\"sharedStrings.xml\"/></Relationships>"
    );
    let root = format!(
        "<Relationships><Relationship Id=\"rId1\" Type=\"{kind}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("_rels/.rels", root.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
        ("xl/styles.xml", styles.as_bytes()),
        ("xl/sharedStrings.xml", shared.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

/// Packs an ODS workbook.
pub fn ods(body: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content><office:automatic-styles><style:style style:name=\"ta2\"><style:table-properties table:display=\"false\"/></style:style></office:automatic-styles><office:body><office:spreadsheet>{body}</office:spreadsheet></office:body></office:document-content>"
    );
    zip(&[
        ("mimetype", crate::intake::imports::reading::ods::MEDIA_TYPE.as_bytes()),
        ("content.xml", content.as_bytes()),
    ])
}
