//! Reads a workbook, independently of the library that wrote it.
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashMap;
use std::io::{Cursor, Read};

/// A cell: its type (`s` for a text, empty for a number), its value, and the format of its number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    pub kind: String,
    pub value: String,
    pub format: String,
}

pub struct Book {
    parts: HashMap<String, String>,
    texts: Vec<String>,
    formats: Vec<String>,
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = start.attributes().flatten().find(|one| one.key.as_ref() == name.as_bytes())?;
    let text = String::from_utf8_lossy(&found.value).into_owned();
    Some(quick_xml::escape::unescape(&text).unwrap().into_owned())
}

/// Returns the events of a part with the names of elements, their attributes and the text before each end.
pub fn walk(xml: &str, mut each: impl FnMut(&str, Option<&BytesStart<'_>>, &str)) {
    let mut reader = Reader::from_str(xml);
    let mut text = String::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) | Event::Empty(start) => {
                text.clear();
                each(&String::from_utf8_lossy(start.name().as_ref()), Some(&start), "");
            }
            Event::Text(part) => text.push_str(&part.decode().unwrap()),
            Event::GeneralRef(name) => {
                let name = format!("&{};", name.decode().unwrap());
                text.push_str(&quick_xml::escape::unescape(&name).unwrap());
            }
            Event::End(end) => each(&String::from_utf8_lossy(end.name().as_ref()), None, &text),
            Event::Eof => return,
            _ => {}
        }
    }
}

impl Book {
    pub fn open(bytes: &[u8]) -> Book {
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut parts = HashMap::new();
        for n in 0..archive.len() {
            let mut part = archive.by_index(n).unwrap();
            let (name, mut text) = (part.name().unwrap().into_owned(), String::new());
            part.read_to_string(&mut text).unwrap();
            parts.insert(name, text);
        }
        let mut book = Book { parts, texts: Vec::new(), formats: Vec::new() };
        book.texts = book.shared_texts();
        book.formats = book.number_formats();
        book
    }

    pub fn part(&self, name: &str) -> &str {
        self.parts.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.parts.keys()))
    }

    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        walk(self.part("xl/workbook.xml"), |name, start, _| {
            if let Some(start) = start.filter(|_| name == "sheet") {
                names.push(attribute(start, "name").unwrap());
            }
        });
        names
    }

    fn shared_texts(&self) -> Vec<String> {
        let mut texts = Vec::new();
        walk(self.part("xl/sharedStrings.xml"), |name, start, text| {
            if name == "t" && start.is_none() {
                texts.push(text.to_owned());
            }
        });
        texts
    }

    fn number_formats(&self) -> Vec<String> {
        let (mut own, mut formats, mut inside) = (HashMap::new(), Vec::new(), false);
        walk(self.part("xl/styles.xml"), |name, start, _| match (name, start) {
            ("numFmt", Some(start)) => {
                own.insert(attribute(start, "numFmtId").unwrap(), attribute(start, "formatCode").unwrap());
            }
            ("cellXfs", start) => inside = start.is_some(),
            ("xf", Some(start)) if inside => {
                let id = attribute(start, "numFmtId").unwrap();
                formats.push(own.get(&id).cloned().unwrap_or(id));
            }
            _ => {}
        });
        formats
    }

    /// Returns the text of the part of a sheet.
    pub fn sheet(&self, name: &str) -> &str {
        let at = self.names().iter().position(|known| known == name).unwrap_or_else(|| panic!("no sheet {name}"));
        self.part(&format!("xl/worksheets/sheet{}.xml", at + 1))
    }

    /// Returns the cells of a sheet by their names, such as `B2`.
    pub fn cells(&self, sheet: &str) -> HashMap<String, Cell> {
        let (mut cells, mut at, mut cell) = (HashMap::new(), String::new(), Cell::default());
        walk(self.sheet(sheet), |name, start, text| match (name, start) {
            ("c", Some(start)) => {
                at = attribute(start, "r").unwrap();
                let style: usize = attribute(start, "s").map_or(0, |style| style.parse().unwrap());
                let kind = attribute(start, "t").unwrap_or_default();
                cell = Cell { kind, value: String::new(), format: self.formats[style].clone() };
            }
            ("f", _) => panic!("{at} is a formula"),
            ("v", None) => {
                text.clone_into(&mut cell.value);
                if cell.kind == "s" {
                    cell.value.clone_from(&self.texts[text.parse::<usize>().unwrap()]);
                }
                cells.insert(at.clone(), cell.clone());
            }
            _ => {}
        });
        cells
    }

    /// Returns the rows of a sheet, each with its cells by the names of their columns.
    pub fn rows(&self, sheet: &str) -> Vec<HashMap<String, Cell>> {
        let cells = self.cells(sheet);
        let split = |at: &str| {
            let digits = at.find(|c: char| c.is_ascii_digit()).unwrap();
            (at[..digits].to_owned(), at[digits..].parse::<usize>().unwrap())
        };
        let mut heads = HashMap::new();
        let last = cells.keys().map(|at| split(at).1).max().unwrap_or(1);
        let mut rows = vec![HashMap::new(); last - 1];
        for (at, cell) in cells.iter().filter(|(at, _)| split(at).1 == 1) {
            heads.insert(split(at).0, cell.value.clone());
        }
        for (at, cell) in cells.iter().filter(|(at, _)| split(at).1 > 1) {
            let (column, row) = split(at);
            rows[row - 2].insert(heads[&column].clone(), cell.clone());
        }
        rows
    }
}
