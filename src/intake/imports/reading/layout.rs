//! Finds the header of a table from its first rows, and names its columns.
use crate::intake::imports::reading::findings::{FindingKind, Findings};
use crate::intake::imports::reading::letters;
use crate::intake::imports::reading::row::{Cell, CellKind, Row};
use std::collections::HashSet;

/// The number of rows in which the header is looked for.
const ABOVE: usize = 30;
/// The length of the name of a column, in characters.
const NAME: usize = 300;

/// Where the header is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeaderChoice {
    /// Found from the content.
    #[default]
    Find,
    /// On this line of a text file, or row of a sheet.
    Line(u64),
    /// The file has no header.
    Absent,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Different for each column, whatever the case of its letters.
    pub name: String,
    /// Whether the name was made from the letter of the column.
    pub unnamed: bool,
}

/// The names of the columns, and the rows that belong to no data.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// The index of the header among the first rows.
    pub header: Option<usize>,
    /// The number of rows above the data, including the header.
    pub above: usize,
    pub columns: Vec<Column>,
}

/// What the finder of the header needs to know.
#[derive(Clone, Copy)]
pub struct Hints {
    pub choice: HeaderChoice,
    /// Whether a text is the usual name of a column.
    pub known: fn(&str) -> bool,
    /// Whether the table is a sheet, where rows have no width of their own.
    pub sheet: bool,
}

/// Finds the header among the first rows.
pub fn find(head: &[Row], hints: Hints, findings: &mut Findings) -> Layout {
    let first = first_row(head);
    let (header, above) = match hints.choice {
        HeaderChoice::Absent => (None, 0),
        HeaderChoice::Line(line) => {
            let at = head.iter().position(|row| row.line >= line).unwrap_or(0);
            (Some(at), at + 1)
        }
        HeaderChoice::Find if is_header(head, first, hints.known) => (Some(first), first + 1),
        HeaderChoice::Find => (None, first),
    };
    let titles = head.iter().take(header.unwrap_or(above));
    titles.for_each(|row| findings.add(FindingKind::Preamble, Some(row.line), || row.summary()));
    let row = header.and_then(|at| head.get(at));
    if row.is_none() {
        findings.add(FindingKind::NoHeader, head.get(above).map(|row| row.line), || {
            "the columns are called A, B, …".into()
        });
    }
    let body = head.get(above..).unwrap_or_default();
    let columns = columns(row, body, width(row, body, hints.sheet), findings);
    Layout { header, above, columns }
}

/// Returns the first row that is wide enough for a header. The rows above it are titles or notes.
fn first_row(head: &[Row]) -> usize {
    // Pairs of a name and a value, and a blank line below them.
    let gap = head.iter().take(ABOVE).skip(1).position(|row| row.after_gap).map_or(0, |at| at + 1);
    let pairs = head.iter().take(gap).all(|row| row.filled() <= 2);
    if gap > 0 && pairs && head.get(gap).is_some_and(|row| row.filled() > 2) {
        return gap;
    }
    let narrow = |at: usize, row: &Row| {
        let below = head.get(at + 1..).unwrap_or_default();
        let typical = median(below.iter().map(Row::filled).collect());
        let filled = row.filled();
        filled == 1 && typical >= 2 || filled * 2 < typical && filled <= 2
    };
    let wide = head.iter().take(ABOVE).enumerate().find(|(at, row)| !narrow(*at, row));
    wide.map_or(0, |(at, _)| at)
}

fn median(mut values: Vec<usize>) -> usize {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// What a cell seems to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Email,
    Link,
    /// A number, an amount, a date or a phone number.
    Figure,
    Boolean,
    Words,
}

fn look(cell: Cell<'_>) -> Option<Look> {
    let text = cell.text;
    Some(match cell.kind {
        CellKind::Empty | CellKind::Error => return None,
        CellKind::Date | CellKind::DateTime | CellKind::Time => Look::Figure,
        CellKind::Boolean => Look::Boolean,
        CellKind::Number | CellKind::Text if is_period(text) => Look::Words,
        CellKind::Number => Look::Figure,
        CellKind::Text if is_email(text) => Look::Email,
        CellKind::Text if ["http://", "https://", "www."].iter().any(|start| text.starts_with(start)) => Look::Link,
        CellKind::Text if is_figure(text) => Look::Figure,
        CellKind::Text => Look::Words,
    })
}

/// Whether a text is a year or a month, which are names of columns of figures.
fn is_period(text: &str) -> bool {
    let is_year = |text: &str| text.len() == 4 && text.parse::<u16>().is_ok_and(|year| (1900..=2100).contains(&year));
    let is_month = |text: &str| text.len() <= 2 && text.parse::<u8>().is_ok_and(|month| (1..=12).contains(&month));
    match text.split_once(['.', '/', '-']) {
        Some((one, other)) => is_year(one) && is_month(other) || is_month(one) && is_year(other),
        None => is_year(text),
    }
}

fn is_email(text: &str) -> bool {
    let Some((before, after)) = text.split_once('@') else { return false };
    !before.is_empty() && after.contains('.') && !text.contains(char::is_whitespace)
}

/// Whether a text consists of digits and signs, with at most three letters, such as a currency or the T of a time.
fn is_figure(text: &str) -> bool {
    let digits = text.chars().filter(|c| c.is_ascii_digit()).count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    digits > 0 && letters <= 3 && (letters == 0 || digits > letters) && text.chars().count() < 40
}

/// Whether a row is a header, and not the first row of the data.
fn is_header(head: &[Row], at: usize, known: fn(&str) -> bool) -> bool {
    let Some(row) = head.get(at) else { return false };
    let filled = row.filled().max(1);
    let names = row.cells().filter(|cell| cell.kind == CellKind::Text && known(cell.text)).count();
    if names * 3 >= filled {
        return true;
    }
    let below = head.get(at + 1..).unwrap_or_default();
    let mut seen = Evidence::default();
    row.cells().enumerate().for_each(|(column, cell)| seen.add(column, cell, below));
    let again = seen.again && names == 0 && !repeats(head, at);
    !seen.data && (seen.contrast || seen.figures * 3 < filled && !again)
}

/// What the cells of a row and those below them tell.
#[derive(Debug, Default)]
struct Evidence {
    /// An e-mail address or a link stands above others: the row is data.
    data: bool,
    /// Words stand above figures or addresses: the row is a header.
    contrast: bool,
    /// The number of cells that are figures, as those below them.
    figures: usize,
    /// A text stands several times in the column.
    again: bool,
}

impl Evidence {
    fn add(&mut self, column: usize, cell: Cell<'_>, below: &[Row]) {
        let looks: Vec<Look> = below.iter().filter_map(|row| look(row.cell(column))).collect();
        let mostly = |wanted: Look| {
            let alike = looks.iter().filter(|look| **look == wanted).count();
            alike > 0 && alike * 10 >= looks.len() * 6
        };
        match look(cell) {
            None => {}
            Some(Look::Words) => {
                self.contrast |= [Look::Email, Look::Link, Look::Figure, Look::Boolean].into_iter().any(mostly);
                self.again |= below.iter().filter(|row| row.cell(column).text == cell.text).count() >= 2;
            }
            Some(sure @ (Look::Email | Look::Link)) => self.data |= mostly(sure) || looks.is_empty(),
            Some(look) => self.figures += usize::from(mostly(look) || cell.kind != CellKind::Text || looks.is_empty()),
        }
    }
}

/// Whether a later row repeats the whole row, as in files that were joined.
fn repeats(head: &[Row], at: usize) -> bool {
    let Some(row) = head.get(at) else { return false };
    let rows = head.get(at + 1..).unwrap_or_default();
    rows.iter().any(|other| other.cells().eq(row.cells()))
}

/// The number of columns.
fn width(header: Option<&Row>, body: &[Row], sheet: bool) -> usize {
    let widest = body.iter().map(Row::used_width).max().unwrap_or(0);
    let Some(header) = header else { return widest };
    let (named, written) = (header.used_width(), header.width());
    if sheet {
        return named.max(widest);
    }
    // A few rows that are wider than the header are mistakes; many have a column without a name.
    let wider = body.iter().filter(|row| row.used_width() > written).count();
    let most = if wider * 2 > body.len() { widest } else { widest.min(written) };
    named.max(most)
}

/// Names the columns.
fn columns(header: Option<&Row>, body: &[Row], width: usize, findings: &mut Findings) -> Vec<Column> {
    let (mut taken, mut columns) = (HashSet::new(), Vec::with_capacity(width));
    let own = |column: usize| header.map(|row| tidied(row.cell(column).text)).unwrap_or_default();
    let line = header.map(|row| row.line);
    for column in 0..width {
        let (given, letter) = (own(column), letters::of(column));
        let unnamed = given.is_empty();
        if unnamed && header.is_some() && body.iter().any(|row| row.cell(column).kind != CellKind::Empty) {
            findings.add(FindingKind::UnnamedColumn, line, || letter.clone());
        }
        let base = if unnamed { letter } else { given };
        let is_free = |name: &String| !taken.contains(&name.to_lowercase());
        let numbered = (2..).map(|n| format!("{base} ({n})"));
        let name = std::iter::once(base.clone()).chain(numbered).find(is_free).unwrap_or_default();
        if name != base {
            findings.add(FindingKind::DoubledColumn, line, || name.clone());
        }
        taken.insert(name.to_lowercase());
        columns.push(Column { name, unnamed });
    }
    columns
}

/// The name of a column on one line.
fn tidied(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(NAME).collect()
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
