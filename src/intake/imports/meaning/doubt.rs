//! Decisions, and the doubts about them.

/// A decision about a whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<T> {
    /// The settings or the file say so, or nothing depends on it.
    Decided(T),
    /// The file does not show it, so the country or the currency of the workspace decides. The doubt is a warning.
    Guessed(T, Doubt),
    /// The file contradicts itself. The doubt is a question; the value is the best guess.
    Asked(T, Doubt),
}

impl<T> Verdict<T> {
    pub fn value(&self) -> &T {
        match self {
            Verdict::Decided(value) | Verdict::Guessed(value, _) | Verdict::Asked(value, _) => value,
        }
    }

    pub fn doubt(&self) -> Option<&Doubt> {
        match self {
            Verdict::Decided(_) => None,
            Verdict::Guessed(_, doubt) | Verdict::Asked(_, doubt) => Some(doubt),
        }
    }

    /// Checks whether somebody must answer before the rows are imported.
    pub fn is_question(&self) -> bool {
        matches!(self, Verdict::Asked(..))
    }
}

/// A question about a file, with the setting that answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The setting, such as `decimal`.
    pub key: String,
    pub question: String,
    /// The best guess first.
    pub choices: Vec<Choice>,
    pub evidence: Vec<Evidence>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The value of the setting.
    pub value: String,
    /// What the first piece of evidence would be then, or what the value means.
    pub meaning: String,
}

impl Choice {
    pub fn new(value: impl Into<String>, meaning: impl Into<String>) -> Choice {
        Choice { value: value.into(), meaning: meaning.into() }
    }
}

/// A cell that speaks for a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    pub column: String,
    pub line: u64,
    pub text: String,
    /// The choice that the cell needs. `None` if every choice can read it.
    pub choice: Option<String>,
}

/// Witnesses that are kept of one kind.
const KEPT: usize = 3;
/// Characters that are kept of a witness.
const LONGEST: usize = 80;

/// The number of cells that show something, and a few of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witnesses {
    pub count: u64,
    cells: Vec<(u64, String)>,
}

/// Returns the first characters of a text.
pub fn shortened(text: &str, longest: usize) -> &str {
    let end = text.char_indices().nth(longest).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or(text)
}

impl Witnesses {
    pub fn add(&mut self, line: u64, text: &str) {
        self.count += 1;
        let text = shortened(text, LONGEST);
        if self.cells.len() < KEPT && !self.cells.iter().any(|(_, known)| known == text) {
            self.cells.push((line, text.to_owned()));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn first(&self) -> Option<&str> {
        self.cells.first().map(|(_, text)| text.as_str())
    }

    pub fn evidence(&self, column: &str, choice: Option<&str>) -> impl Iterator<Item = Evidence> {
        self.cells.iter().map(move |(line, text)| Evidence {
            column: column.to_owned(),
            line: *line,
            text: text.clone(),
            choice: choice.map(str::to_owned),
        })
    }
}

/// The evidence of one column, with its name.
#[derive(Debug)]
pub struct Named<'e, T> {
    pub column: &'e str,
    pub evidence: &'e T,
}

impl<T> Clone for Named<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Named<'_, T> {}

/// A refused cell: the reason, as a sentence about the cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub kind: RefusalKind,
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalKind {
    /// The text has no meaning of this type.
    Unreadable,
    /// A number in scientific notation, which lost digits.
    Scientific,
    /// The value is out of range.
    OutOfRange,
    /// More decimals than the currency has.
    TooPrecise,
    /// The text has several meanings, such as the time zone CST.
    Ambiguous,
}

impl Refusal {
    pub fn new(kind: RefusalKind, detail: impl Into<String>) -> Refusal {
        Refusal { kind, detail: detail.into() }
    }
}

/// What a person should know about a value that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// A time that the clock skipped was moved behind the gap.
    TimeSkipped,
    /// A time that the clock showed twice was read as the first.
    TimeTwice,
    /// A month without a day was read as its first day.
    DayMissing,
    /// The century of a year with two digits was guessed.
    CenturyGuessed,
    /// A currency sign of several currencies.
    SignGuessed,
    /// A number without its last digits of binary noise, such as 99.90000000000001.
    NoiseRounded,
    /// A name whose order of parts was guessed.
    NameOrderGuessed,
    /// A phone number without the `.0` that a program put behind it.
    FractionRemoved,
}

impl Note {
    /// Returns the name of the warning in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Note::TimeSkipped => "time_skipped",
            Note::TimeTwice => "time_twice",
            Note::DayMissing => "day_missing",
            Note::CenturyGuessed => "century_guessed",
            Note::SignGuessed => "currency_sign_guessed",
            Note::NoiseRounded => "noise_rounded",
            Note::NameOrderGuessed => "name_order_guessed",
            Note::FractionRemoved => "fraction_removed",
        }
    }
}

/// A value that was read, with the notes about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read<T> {
    pub value: T,
    pub notes: Vec<Note>,
}

impl<T> Read<T> {
    pub fn plain(value: T) -> Read<T> {
        Read { value, notes: Vec::new() }
    }

    #[must_use]
    pub fn noted(mut self, note: Option<Note>) -> Read<T> {
        self.notes.extend(note);
        self
    }

    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Read<U> {
        Read { value: change(self.value), notes: self.notes }
    }
}
