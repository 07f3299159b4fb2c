//! What a person should know about a file: everything that was left out, filled in or read in a doubtful way.

/// The number of examples that are kept for each kind.
const EXAMPLES: usize = 20;
/// The length of the text of an example, in characters.
const TEXT: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// A line has bytes that are not valid in the encoding of the file. The text shows how they were read.
    BrokenText,
    /// The `sep=` line of Excel was skipped.
    SeparatorLine,
    /// A line above the header was skipped.
    Preamble,
    /// The file has no header, so its columns are called A, B and so on.
    NoHeader,
    /// A column without a name got its letter as a name.
    UnnamedColumn,
    /// A name that occurred before got a number.
    DoubledColumn,
    /// A row has fewer cells than the header; the missing ones are empty.
    ShortRow,
    /// A row has values behind the last column.
    LongRow,
    /// A line repeats the header and was skipped.
    RepeatedHeader,
    /// A line below the data, such as a total, was skipped.
    Footer,
    /// A row is hidden. It was read.
    HiddenRow,
    /// A column is hidden. It was read.
    HiddenColumn,
    /// Cells are merged. Only the first of them has the value.
    MergedCells,
    /// A formula has no stored value, so its cell is empty.
    FormulaWithoutValue,
    /// A cell shows an error, such as #REF!.
    ErrorCell,
    /// A file in the archive was not read.
    SkippedFile,
    /// A property of a vCard was not read.
    UnreadProperty,
    /// A vCard was not complete or had no name and no address.
    EmptyCard,
}

impl FindingKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            FindingKind::BrokenText => "broken_text",
            FindingKind::SeparatorLine => "separator_line",
            FindingKind::Preamble => "preamble",
            FindingKind::NoHeader => "no_header",
            FindingKind::UnnamedColumn => "unnamed_column",
            FindingKind::DoubledColumn => "doubled_column",
            FindingKind::ShortRow => "short_row",
            FindingKind::LongRow => "long_row",
            FindingKind::RepeatedHeader => "repeated_header",
            FindingKind::Footer => "footer",
            FindingKind::HiddenRow => "hidden_row",
            FindingKind::HiddenColumn => "hidden_column",
            FindingKind::MergedCells => "merged_cells",
            FindingKind::FormulaWithoutValue => "formula_without_value",
            FindingKind::ErrorCell => "error_cell",
            FindingKind::SkippedFile => "skipped_file",
            FindingKind::UnreadProperty => "unread_property",
            FindingKind::EmptyCard => "empty_card",
        }
    }

    /// What happened, for people.
    pub const fn detail(self) -> &'static str {
        match self {
            FindingKind::BrokenText => "lines with bytes that are not valid in the encoding of the file",
            FindingKind::SeparatorLine => "the line sep= was skipped",
            FindingKind::Preamble => "lines above the header were skipped",
            FindingKind::NoHeader => "the file has no header, so its columns are called A, B and so on",
            FindingKind::UnnamedColumn => "columns without a name are called by their letter",
            FindingKind::DoubledColumn => "names of columns that occurred before got a number",
            FindingKind::ShortRow => "rows with fewer cells than the header were filled with empty cells",
            FindingKind::LongRow => "rows have values behind the last column",
            FindingKind::RepeatedHeader => "lines that repeat the header were skipped",
            FindingKind::Footer => "lines below the data were skipped",
            FindingKind::HiddenRow => "hidden rows were read",
            FindingKind::HiddenColumn => "hidden columns were read",
            FindingKind::MergedCells => "only the first of merged cells has the value",
            FindingKind::FormulaWithoutValue => "formulas without a stored value were read as empty cells",
            FindingKind::ErrorCell => "cells with an error were read as empty cells",
            FindingKind::SkippedFile => "files in the archive were not read",
            FindingKind::UnreadProperty => "properties of vCards were not read",
            FindingKind::EmptyCard => "vCards without a name and an address were skipped",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The line of a text file, or the row of a sheet.
    pub line: Option<u64>,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub kind: FindingKind,
    pub count: u64,
    /// The first ones.
    pub examples: Vec<Example>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    pub fn all(&self) -> &[Finding] {
        &self.0
    }

    pub fn of(&self, kind: FindingKind) -> Option<&Finding> {
        self.0.iter().find(|finding| finding.kind == kind)
    }

    /// Adds an occurrence. The text is only made while examples are kept.
    pub fn add(&mut self, kind: FindingKind, line: Option<u64>, text: impl FnOnce() -> String) {
        let at = match self.0.iter().position(|finding| finding.kind == kind) {
            Some(at) => at,
            None => {
                self.0.push(Finding { kind, count: 0, examples: Vec::new() });
                self.0.len() - 1
            }
        };
        let Some(finding) = self.0.get_mut(at) else { return };
        finding.count += 1;
        if finding.examples.len() < EXAMPLES {
            finding.examples.push(Example { line, text: text().chars().take(TEXT).collect() });
        }
    }

    /// Adds the findings of another part of the same file.
    pub fn append(&mut self, other: Findings) {
        for mut theirs in other.0 {
            match self.0.iter_mut().find(|ours| ours.kind == theirs.kind) {
                Some(ours) => {
                    ours.count += theirs.count;
                    let room = EXAMPLES.saturating_sub(ours.examples.len());
                    theirs.examples.truncate(room);
                    ours.examples.append(&mut theirs.examples);
                }
                None => self.0.push(theirs),
            }
        }
    }
}
