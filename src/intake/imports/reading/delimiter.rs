//! Finds the delimiter of a CSV file from its first lines.
use crate::intake::imports::reading::limits::SHEET_COLUMNS;
use csv_core::{ReadRecordResult, ReaderBuilder};

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// The number of bytes from which the delimiter is found.
pub const HEAD: usize = 256 << 10;
const HEAD_ROWS: usize = 100;

/// Returns the delimiter of the `sep=` line with which Excel begins some files.
pub fn separator_line(head: &str) -> Option<u8> {
    let line = head.lines().next()?.trim_end_matches(['\r', '\n']);
    let line = line.split('\r').next()?.trim_matches('"');
    let rest = line.get(..4).filter(|start| start.eq_ignore_ascii_case("sep=")).and_then(|_| line.get(4..))?;
    let mut bytes = rest.bytes();
    match (bytes.next(), bytes.next()) {
        (Some(byte), None) if byte.is_ascii() && !byte.is_ascii_alphanumeric() => Some(byte),
        _ => None,
    }
}

/// Returns the delimiter that divides most lines into the same number of columns. `complete` says whether the head
/// is the whole file.
pub fn detect(head: &str, complete: bool) -> u8 {
    let scored = DELIMITERS.into_iter().map(|delimiter| (score(&widths(head, delimiter, complete)), delimiter));
    let best = scored.fold((0, b','), |best, next| if next.0 > best.0 { next } else { best });
    if best.1 == b',' && is_punctuation(head) { b';' } else { best.1 }
}

/// The number of cells in each of the first lines.
fn widths(head: &str, delimiter: u8, complete: bool) -> Vec<usize> {
    let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
    let (mut text, mut ends) = (vec![0; head.len() + 1], vec![0; SHEET_COLUMNS + 1]);
    let (mut rest, mut widths, mut cells) = (head.as_bytes(), Vec::new(), 0);
    while widths.len() < HEAD_ROWS {
        let free = ends.get_mut(cells..).unwrap_or_default();
        let (result, read, _, ended) = reader.read_record(rest, &mut text, free);
        rest = rest.get(read..).unwrap_or_default();
        cells += ended;
        match result {
            ReadRecordResult::Record => widths.push(std::mem::take(&mut cells)),
            ReadRecordResult::OutputEndsFull => return vec![SHEET_COLUMNS; 3],
            ReadRecordResult::End | ReadRecordResult::OutputFull => break,
            ReadRecordResult::InputEmpty => {}
        }
    }
    // The last line can be incomplete.
    if !complete && rest.is_empty() && widths.len() > 1 {
        widths.pop();
    }
    widths
}

/// Scores how well a delimiter fits: the share of the lines that have the most frequent width, from the first such
/// line on. Lines above it cost a little, because they could be the header.
fn score(widths: &[usize]) -> usize {
    let alike = |width: usize| widths.iter().filter(|other| **other == width).count();
    let best = widths.iter().copied().filter(|width| *width > 1).max_by_key(|width| (alike(*width), *width));
    let Some(best) = best else { return 0 };
    let above = widths.iter().position(|width| *width == best).unwrap_or(0);
    let fit = |width: &usize| match *width {
        width if width == best => 1000,
        width if width > 1 && width < best => 900,
        _ => 0,
    };
    let total: usize = widths.iter().skip(above).map(fit).sum();
    let share = total / widths.len().saturating_sub(above).max(1);
    share.saturating_sub((above * 100).min(300)).max(1) * 100_000 + best
}

/// Whether quotation marks in cells are written as `\"`, as databases do, and not as `""`.
pub fn has_escapes(head: &str, delimiter: u8) -> bool {
    let ends = |byte: u8| byte == delimiter || matches!(byte, b'\r' | b'\n' | b'"');
    let mut found = false;
    for four in head.as_bytes().windows(4) {
        match four {
            [before, b'"', b'"', after] if !ends(*before) && !ends(*after) => return false,
            [_, b'\\', b'"', after] if !ends(*after) => found = true,
            _ => {}
        }
    }
    found
}

/// Whether commas only stand inside texts: the first line has none, and a space follows each.
fn is_punctuation(head: &str) -> bool {
    let first = head.lines().next().unwrap_or_default();
    let followed = head.matches(", ").count();
    !first.contains(',') && followed > 0 && followed == head.matches(',').count()
}

#[cfg(test)]
#[path = "delimiter_tests.rs"]
mod tests;
