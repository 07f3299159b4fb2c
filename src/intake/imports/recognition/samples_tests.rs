use super::fields::Resource;
use super::{Column, Recognition, Request, recognise};
use crate::intake::imports::contents::content;
use std::path::Path;

fn rows_of(path: &Path) -> Vec<Vec<String>> {
    let bytes = std::fs::read(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let encoding = match name {
        "excel-unicode-text.txt" => encoding_rs::UTF_16LE,
        "cp866-1c.csv" => encoding_rs::IBM866,
        "cp1251-short.csv" => encoding_rs::WINDOWS_1251,
        "koi8r.csv" => encoding_rs::KOI8_R,
        "pl-cp1250.csv" => encoding_rs::WINDOWS_1250,
        _ if std::str::from_utf8(&bytes).is_ok() => encoding_rs::UTF_8,
        _ => encoding_rs::WINDOWS_1252,
    };
    let text = encoding.decode(&bytes).0.into_owned();
    let skipped = match name {
        "excel-sep-line.csv" => 1,
        "title-rows-above-header.csv" => 2,
        "linkedin-Connections.csv" => 3,
        _ => 0,
    };
    let text: String = text.split_inclusive('\n').skip(skipped).collect();
    let first = text.lines().next().unwrap_or_default();
    let delimiter = [b'\t', b';', b','].into_iter().max_by_key(|d| first.bytes().filter(|b| b == d).count()).unwrap();
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

pub fn recognised(rows: &[Vec<String>], resource: Option<Resource>) -> Recognition {
    let headers = rows.first().cloned().unwrap_or_default();
    let values = |at: usize| rows.iter().skip(1).filter_map(|row| row.get(at).cloned()).collect::<Vec<_>>();
    let contents: Vec<_> = (0..headers.len()).map(|at| content(&values(at))).collect();
    let columns: Vec<Column<'_>> =
        headers.iter().zip(&contents).map(|(header, content)| Column { header, content: Some(content) }).collect();
    recognise(&columns, &Request { resource, ..Request::default() })
}

/// The mapping as the lines of `samples.txt`.
pub fn lines(found: &Recognition) -> Vec<String> {
    found.columns.iter().map(line).collect()
}

fn line(column: &super::ColumnReading) -> String {
    let targets: Vec<String> = column.targets.iter().map(ToString::to_string).collect();
    match &column.unread {
        Some(why) => format!("{} = - {why}", column.header),
        None => format!("{} = {}", column.header, targets.join(" + ")),
    }
}

const SAMPLES: &str = include_str!("samples.txt");

fn compare(name: &str, origin: &str, expected: &str, found: &Recognition, wrong: &mut Vec<String>) {
    let program = found.origin.as_ref().map_or("none", |origin| origin.origin);
    if program != origin {
        wrong.push(format!("{name}: program {program} instead of {origin}"));
    }
    let (actual, expected) = (lines(found), expected.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>());
    for at in 0..actual.len().max(expected.len()) {
        let pair = (actual.get(at).map(String::as_str), expected.get(at).copied());
        if pair.0 != pair.1 {
            wrong.push(format!("{name}: {:?} instead of {:?}", pair.0, pair.1));
        }
    }
}

#[test]
fn every_sample_is_mapped_as_its_reader_would() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/import-samples");
    let mut wrong = Vec::new();
    for block in SAMPLES.split("\n== ").skip(1) {
        let (head, expected) = block.split_once('\n').unwrap();
        let [file, resource, origin] = head.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
        let found = recognised(&rows_of(&Path::new(folder).join(file)), Resource::of_text(resource));
        compare(file, origin, expected, &found, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Header rows of exports and of spreadsheets in all languages, without values.
const HEADERS: &str = include_str!("headers.txt");

fn header_row(line: &str) -> Vec<String> {
    let delimiter = if line.contains('\t') {
        b'\t'
    } else if line.contains(';') {
        b';'
    } else {
        b','
    };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(line.as_bytes());
    reader.records().flat_map(|record| record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn by_headers(row: &[String], resource: Option<Resource>) -> Recognition {
    let columns: Vec<Column<'_>> = row.iter().map(|header| Column { header, content: None }).collect();
    recognise(&columns, &Request { resource, ..Request::default() })
}

#[test]
fn every_header_row_is_mapped_as_its_reader_would() {
    let mut wrong = Vec::new();
    for block in HEADERS.split("\n== ").skip(1) {
        let (head, rest) = block.split_once("\n> ").unwrap();
        let (row, expected) = rest.split_once('\n').unwrap();
        let (resource, origin) = head.split_once(' ').unwrap();
        let found = by_headers(&header_row(row), Resource::of_text(resource));
        compare(row, origin, expected, &found, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
