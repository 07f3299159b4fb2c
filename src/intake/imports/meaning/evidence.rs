//! What the cells of a column show, collected in one pass in bounded memory.
use crate::intake::imports::meaning::content::{self, Kind, Seen};
use crate::intake::imports::meaning::currencies::SignEvidence;
use crate::intake::imports::meaning::date_evidence::DateEvidence;
use crate::intake::imports::meaning::decimal_evidence::DecimalEvidence;
use crate::intake::imports::meaning::doubt::{Named, shortened};
use crate::intake::imports::meaning::names::NameEvidence;
use crate::intake::imports::meaning::probability::ScaleEvidence;
use crate::intake::imports::meaning::serials;
use crate::intake::imports::meaning::tidy::{self, Content, Nothing};
use std::collections::BTreeMap;

/// A different value of a column, with the line on which it was first seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    pub line: u64,
    pub text: String,
}

/// Examples that are kept of a column.
const EXAMPLES: usize = 5;
/// Characters that are kept of an example.
const LONGEST: usize = 120;

/// The evidence of one column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnEvidence {
    pub filled: u64,
    pub empty: u64,
    /// Cells with a word for no value, by kind, with the first such word.
    pub nothing: BTreeMap<Nothing, (u64, String)>,
    kinds: BTreeMap<Kind, u64>,
    examples: Vec<Example>,
    pub decimals: DecimalEvidence,
    pub signs: SignEvidence,
    pub dates: DateEvidence,
    pub names: NameEvidence,
    pub scale: ScaleEvidence,
}

impl ColumnEvidence {
    /// Adds a cell as it is in the file.
    pub fn note(&mut self, line: u64, raw: &str) {
        match tidy::content(raw) {
            Content::Empty => self.empty += 1,
            Content::Nothing(nothing) => {
                self.nothing.entry(nothing).or_insert_with(|| (0, shortened(raw.trim(), LONGEST).to_owned())).0 += 1;
            }
            Content::Text(text) => {
                self.filled += 1;
                self.keep(line, &text);
                self.note_text(line, &text);
            }
        }
    }

    /// Adds a number of a spreadsheet, whose decimal sign is known.
    pub fn note_number(&mut self, line: u64, shown: &str) {
        let decimals = self.decimals.clone();
        self.note(line, shown);
        self.decimals = decimals;
    }

    fn keep(&mut self, line: u64, text: &str) {
        let text = shortened(text, LONGEST);
        if self.examples.len() < EXAMPLES && !self.examples.iter().any(|known| known.text == text) {
            self.examples.push(Example { line, text: text.to_owned() });
        }
    }

    fn note_text(&mut self, line: u64, text: &str) {
        let Seen { kind, date, number } = content::seen(text);
        *self.kinds.entry(kind).or_default() += 1;
        let serial = if number.is_some() && date.is_none() { serials::serial(text) } else { None };
        self.dates.note(line, text, date.as_ref(), serial);
        if kind == Kind::Text {
            self.names.note(text);
        }
        if let Some(number) = number {
            self.decimals.note(line, text, &number);
            self.scale.note(line, text, &number);
            if let Some(sign) = number.currency {
                self.signs.note(line, text, sign);
            }
        }
    }

    /// Returns the first different values.
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// Returns the number of cells of a kind.
    pub fn count(&self, kind: Kind) -> u64 {
        self.kinds.get(&kind).copied().unwrap_or(0)
    }

    /// Returns the kind of nearly all cells. Numbers, amounts and integers together are the most general of them, and
    /// so are dates with and without times.
    pub fn kind(&self) -> Option<Kind> {
        let most = |kinds: &[Kind]| {
            let count: u64 = kinds.iter().map(|kind| self.count(*kind)).sum();
            count > 0 && count * 10 >= self.filled * 9
        };
        let general: [&[Kind]; 5] = [
            &[Kind::Domain, Kind::Url],
            &[Kind::Date, Kind::Moment],
            &[Kind::Integer, Kind::Number],
            &[Kind::Money, Kind::Number, Kind::Integer],
            &[Kind::Text, Kind::LongText],
        ];
        let alone = Kind::ALL.into_iter().find(|kind| most(&[*kind]));
        let common = |kinds: &&[Kind]| most(kinds);
        let named = |kinds: &[Kind]| match kinds {
            [Kind::Domain, ..] => Kind::Domain,
            [Kind::Date, ..] => Kind::Moment,
            [Kind::Integer, ..] => Kind::Number,
            [Kind::Money, ..] => Kind::Money,
            _ => Kind::Text,
        };
        alone.or_else(|| general.into_iter().find(common).map(named))
    }
}

/// Returns one part of the evidence of the columns that are mapped to fields of one type.
pub fn parts<'e, T>(
    columns: impl IntoIterator<Item = (&'e str, &'e ColumnEvidence)>,
    part: impl Fn(&'e ColumnEvidence) -> &'e T,
) -> Vec<Named<'e, T>> {
    columns.into_iter().map(|(column, evidence)| Named { column, evidence: part(evidence) }).collect()
}

#[cfg(test)]
#[path = "evidence_tests.rs"]
mod tests;
