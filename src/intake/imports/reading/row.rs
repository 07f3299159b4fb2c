//! A row of typed cells. Its cells are stored in one allocation, because a file can have millions of them.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    Empty,
    /// Text as written. In a text file, every cell that is not empty is a text.
    Text,
    /// A number of a spreadsheet: its text has a decimal point and no group marks, such as `12500.5`.
    Number,
    /// `2024-03-12`.
    Date,
    /// `09:30:00`; a duration can have more than 24 hours.
    Time,
    /// `2024-03-12T09:30:00`, without a time zone.
    DateTime,
    /// `true` or `false`.
    Boolean,
    /// An error of a spreadsheet, such as `#REF!`.
    Error,
}

impl CellKind {
    const ALL: [CellKind; 8] = [
        CellKind::Empty,
        CellKind::Text,
        CellKind::Number,
        CellKind::Date,
        CellKind::Time,
        CellKind::DateTime,
        CellKind::Boolean,
        CellKind::Error,
    ];

    fn code(self) -> u8 {
        (0..).zip(CellKind::ALL).find(|(_, kind)| *kind == self).map_or(0, |(code, _)| code)
    }

    fn of(code: u8) -> Option<CellKind> {
        CellKind::ALL.get(usize::from(code)).copied()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell<'r> {
    pub kind: CellKind,
    /// Trimmed.
    pub text: &'r str,
    /// A number with what its format adds, such as `12500.5 €`, `90%` or `01067`.
    pub shown: Option<&'r str>,
}

const EMPTY: Cell<'static> = Cell { kind: CellKind::Empty, text: "", shown: None };

#[derive(Clone, Copy, Debug)]
struct Slot {
    kind: CellKind,
    /// Where `shown` begins; it ends at `end`.
    shown: u32,
    end: u32,
}

#[derive(Clone, Debug, Default)]
pub struct Row {
    /// The line of a text file on which the row begins, as an editor counts, or the row of a sheet. Counts from 1.
    pub line: u64,
    /// Whether blank lines stand above the row.
    pub after_gap: bool,
    /// Whether the row of a sheet is hidden.
    pub hidden: bool,
    text: String,
    slots: Vec<Slot>,
}

fn offset(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn index(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// Takes the first bytes.
fn part<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (part, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*part)
}

impl Row {
    /// Empties the row for the next line. Keeps its memory.
    pub fn begin(&mut self, line: u64) {
        (self.line, self.after_gap, self.hidden) = (line, false, false);
        self.text.clear();
        self.slots.clear();
    }

    pub fn push(&mut self, kind: CellKind, text: &str) {
        self.push_shown(kind, text, "");
    }

    /// Adds a cell. It is empty if its trimmed text is empty.
    pub fn push_shown(&mut self, kind: CellKind, text: &str, shown: &str) {
        let text = text.trim();
        self.text.push_str(text);
        let begin = offset(self.text.len());
        self.text.push_str(shown);
        let kind = if text.is_empty() { CellKind::Empty } else { kind };
        self.slots.push(Slot { kind, shown: begin, end: offset(self.text.len()) });
    }

    /// Adds empty cells until the row has `width` cells.
    pub fn fill(&mut self, width: usize) {
        let end = offset(self.text.len());
        while self.slots.len() < width {
            self.slots.push(Slot { kind: CellKind::Empty, shown: end, end });
        }
    }

    /// The number of cells, including empty ones.
    pub fn width(&self) -> usize {
        self.slots.len()
    }

    /// The number of bytes of all cells.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Returns a cell. A cell behind the last one is empty.
    pub fn cell(&self, column: usize) -> Cell<'_> {
        let Some(slot) = self.slots.get(column) else { return EMPTY };
        let begin = column.checked_sub(1).and_then(|before| self.slots.get(before)).map_or(0, |slot| index(slot.end));
        let part = |from: usize, to: u32| self.text.get(from..index(to)).unwrap_or_default();
        let shown = part(index(slot.shown), slot.end);
        Cell { kind: slot.kind, text: part(begin, slot.shown), shown: Some(shown).filter(|shown| !shown.is_empty()) }
    }

    pub fn cells(&self) -> impl DoubleEndedIterator<Item = Cell<'_>> + ExactSizeIterator {
        (0..self.width()).map(|column| self.cell(column))
    }

    /// The number of cells up to the last one with a value.
    pub fn used_width(&self) -> usize {
        self.slots.iter().rposition(|slot| slot.kind != CellKind::Empty).map_or(0, |last| last + 1)
    }

    /// The number of cells with a value.
    pub fn filled(&self) -> usize {
        self.slots.iter().filter(|slot| slot.kind != CellKind::Empty).count()
    }

    /// The values of the row, for a message.
    pub fn summary(&self) -> String {
        let texts: Vec<&str> = self.cells().map(|cell| cell.text).filter(|text| !text.is_empty()).collect();
        texts.join(" | ")
    }

    /// Writes the row to bytes.
    pub fn encode(&self, into: &mut Vec<u8>) {
        into.extend(self.line.to_le_bytes());
        into.extend([u8::from(self.after_gap), u8::from(self.hidden)]);
        into.extend(offset(self.slots.len()).to_le_bytes());
        for slot in &self.slots {
            into.push(slot.kind.code());
            into.extend(slot.shown.to_le_bytes());
            into.extend(slot.end.to_le_bytes());
        }
        into.extend_from_slice(self.text.as_bytes());
    }

    /// Becomes the row that was written; `None` if the bytes are not a row.
    pub fn decode(&mut self, mut bytes: &[u8]) -> Option<()> {
        let rest = &mut bytes;
        self.line = u64::from_le_bytes(part(rest)?);
        let [after_gap, hidden] = part(rest)?;
        (self.after_gap, self.hidden) = (after_gap != 0, hidden != 0);
        self.slots.clear();
        for _ in 0..u32::from_le_bytes(part(rest)?) {
            let [kind] = part(rest)?;
            let (shown, end) = (u32::from_le_bytes(part(rest)?), u32::from_le_bytes(part(rest)?));
            self.slots.push(Slot { kind: CellKind::of(kind)?, shown, end });
        }
        self.text.clear();
        self.text.push_str(std::str::from_utf8(rest).ok()?);
        Some(())
    }
}
