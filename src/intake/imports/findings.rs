//! What an import finds in a file: warnings, and what its columns contain.
use crate::intake::imports::meaning::doubt::{Doubt, Note};
use crate::kernel::values::decision::{Decision, DecisionChoice, DecisionEvidence};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that a person should know before the file is believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportWarning {
    /// The kind of warning, such as `empty_word` or `decimal_guessed`. There can be more kinds in the future.
    pub kind: String,
    /// Null if the warning concerns the whole file.
    pub column: Option<String>,
    /// Number of cells; 0 for a guess about the whole file.
    pub cells: i64,
    pub detail: String,
    /// The line of the first such cell.
    pub line: Option<i64>,
    /// The first characters of that cell.
    pub value: Option<String>,
    /// For a guess: the question, and the setting that answers it.
    pub decision: Option<Decision>,
}

/// A cell to warn of.
#[derive(Clone, Copy, Debug)]
pub struct Warned<'c> {
    pub kind: &'static str,
    pub column: &'c str,
    pub line: u64,
    pub raw: &'c str,
}

/// The longest quote of a cell.
const QUOTE_MAX: usize = 120;

impl ImportWarning {
    fn of_cell(cell: &Warned<'_>) -> ImportWarning {
        ImportWarning {
            kind: cell.kind.to_owned(),
            column: Some(cell.column.to_owned()),
            cells: 1,
            detail: detail(cell.kind).to_owned(),
            line: i64::try_from(cell.line).ok(),
            value: Some(cell.raw.chars().take(QUOTE_MAX).collect()),
            decision: None,
        }
    }

    /// Returns the warning of a guess that the country or the currency of the workspace decided.
    pub fn of_guess(doubt: &Doubt) -> ImportWarning {
        let setting = doubt.key.split('.').next().unwrap_or_default();
        let best = doubt.choices.first();
        let guess = best.map(|choice| format!(" Read as {} ({}).", choice.value, choice.meaning)).unwrap_or_default();
        ImportWarning {
            kind: format!("{}_guessed", setting.trim_end_matches('s')),
            column: None,
            cells: 0,
            detail: format!("{}{guess} Set {} to answer.", doubt.question, doubt.key),
            line: None,
            value: None,
            decision: Some(decision(doubt)),
        }
    }
}

/// Counts a cell in the warnings.
pub fn warn(warnings: &mut Vec<ImportWarning>, cell: &Warned<'_>) {
    let same = |known: &&mut ImportWarning| known.kind == cell.kind && known.column.as_deref() == Some(cell.column);
    match warnings.iter_mut().find(same) {
        Some(known) => known.cells += 1,
        None => warnings.push(ImportWarning::of_cell(cell)),
    }
}

/// The kinds of warnings that no note of a value has.
pub const SCIENTIFIC: &str = "scientific";
pub const NO_DATE: &str = "no_date";
pub const RANGE: &str = "range";
pub const NO_YEAR: &str = "no_year";
pub const FURTHER_VALUES: &str = "further_values";
pub const NAME_KEPT_WHOLE: &str = "name_kept_whole";
pub const NAME_TITLE: &str = "name_title";
pub const UNKNOWN_CHOICE: &str = "unknown_choice";
pub const UNKNOWN_NAME: &str = "unknown_name";

fn detail(kind: &str) -> &'static str {
    match kind {
        "empty_word" => "The cells contain a word for no value, such as NULL or n/a, which is not stored.",
        "spreadsheet_error" => "The cells contain an error of the spreadsheet, such as #REF!, which is not stored.",
        "formula" => "The cells contain a formula without its value, which is not stored.",
        SCIENTIFIC => "The cells contain numbers in scientific notation, which lost digits and are not stored.",
        RANGE => "The cells contain a range instead of a number, so they are not stored.",
        NO_YEAR => "The dates have no year, so they are not stored.",
        NO_DATE => "The cells say that there is no date, such as 0000-00-00.",
        FURTHER_VALUES => "The cells contain several values; only the first is stored.",
        NAME_KEPT_WHOLE => "These names could not be divided; they became last names as a whole.",
        UNKNOWN_CHOICE => "The field cannot have these values, so they are not stored.",
        UNKNOWN_NAME => "No record has this name, so the reference is not stored.",
        NAME_TITLE => "The names begin with a form of address, such as Dr., which is not stored.",
        kind if kind == Note::TimeSkipped.as_str() => "The clock skipped these times; they were moved past the gap.",
        kind if kind == Note::TimeTwice.as_str() => "The clock showed these times twice; the first was taken.",
        kind if kind == Note::DayMissing.as_str() => {
            "The cells contain a month without a day; the first day was taken."
        }
        kind if kind == Note::CenturyGuessed.as_str() => "The years have two digits; the century was guessed.",
        kind if kind == Note::SignGuessed.as_str() => "The currency signs have several meanings; one was guessed.",
        kind if kind == Note::NoiseRounded.as_str() => {
            "The numbers have more digits than were typed; they were rounded."
        }
        kind if kind == Note::FractionRemoved.as_str() => "The phone numbers ended with .0, which was removed.",
        _ => "The order of the parts of these names was guessed.",
    }
}

/// Returns a doubt as the API shows it.
pub fn decision(doubt: &Doubt) -> Decision {
    let choices = doubt
        .choices
        .iter()
        .map(|choice| DecisionChoice { value: choice.value.clone(), meaning: choice.meaning.clone() });
    let evidence = doubt.evidence.iter().take(EVIDENCE_MAX).map(|cell| DecisionEvidence {
        column: cell.column.clone(),
        line: i64::try_from(cell.line).unwrap_or(i64::MAX),
        text: cell.text.clone(),
        choice: cell.choice.clone(),
    });
    Decision {
        key: doubt.key.clone(),
        question: doubt.question.clone(),
        choices: choices.collect(),
        evidence: evidence.collect(),
    }
}

/// The maximum number of cells that a question quotes.
const EVIDENCE_MAX: usize = 20;
