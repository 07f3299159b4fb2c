//! The outcome of a lead or deal according to its row: from a stage, a status, a probability, a closing date and a loss
//! reason, alone or together.
use crate::intake::imports::meaning::booleans;
use crate::intake::imports::meaning::outcomes::{self, Outcome};
use crate::kernel::error::{Error, FieldCode, Result};
use crate::kernel::values::time::DateTime;
use crate::sales::staged::Place;
use crate::sales::stages::{Category, Stage};

/// What a cell of a status column says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Open,
    Won,
    Lost,
    /// Open or lost, such as `false` in a column of won deals.
    NotWon,
}

/// Parses the status of a record as the API names it, or a boolean of a column that says whether a record was won. In a
/// status column, these words count more than a stage of the same name.
pub fn exact_status(text: &str) -> Option<Status> {
    Some(match text.to_lowercase().as_str() {
        "open" => Status::Open,
        "won" | "qualified" | "true" => Status::Won,
        "lost" | "disqualified" => Status::Lost,
        "false" => Status::NotWon,
        _ => return None,
    })
}

/// Parses a status in one of the supported languages, or a boolean.
pub fn status_of(text: &str) -> Option<Status> {
    match outcomes::outcome(text) {
        Some(Outcome::Open) => Some(Status::Open),
        Some(Outcome::Won | Outcome::Converted | Outcome::Qualified) => Some(Status::Won),
        Some(Outcome::Lost | Outcome::Disqualified) => Some(Status::Lost),
        Some(Outcome::Closed) => None,
        None => booleans::boolean(text).map(|won| if won { Status::Won } else { Status::NotWon }),
    }
}

/// The columns that say something about the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witness {
    Stage,
    Status,
    Probability,
    ClosedAt,
    LossReason,
}

/// Two columns of a row that contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contradiction(pub Witness, pub Witness);

/// What a row says about the outcome.
#[derive(Clone, Copy, Debug, Default)]
pub struct Testimony {
    pub stage: Option<Category>,
    pub status: Option<Status>,
    pub probability: Option<i64>,
    pub closed_at: Option<DateTime>,
    pub has_loss_reason: bool,
}

impl Testimony {
    /// Returns the category of the stage in which the row sees the record, or `None` if the row does not say.
    pub fn category(&self, now: DateTime) -> Result<Option<Category>, Contradiction> {
        let Some((witness, category)) = self.verdict(now)? else { return Ok(None) };
        let contradicts = match self.probability {
            Some(0) => category == Category::Won,
            Some(100) => category == Category::Lost,
            _ => false,
        };
        if contradicts && witness != Witness::Probability {
            return Err(Contradiction(witness, Witness::Probability));
        }
        if self.has_loss_reason && category != Category::Lost {
            return Err(Contradiction(witness, Witness::LossReason));
        }
        Ok(Some(category))
    }

    /// Returns the category and the column that decides it.
    fn verdict(&self, now: DateTime) -> Result<Option<(Witness, Category)>, Contradiction> {
        let status = match self.status {
            Some(Status::Open) => Some(Category::Open),
            Some(Status::Won) => Some(Category::Won),
            Some(Status::Lost) => Some(Category::Lost),
            Some(Status::NotWon) | None => None,
        };
        let verdict = match (self.stage, status) {
            // A system may keep the last open stage of a closed record.
            (Some(Category::Open), Some(status)) => (Witness::Status, status),
            (Some(stage), Some(status)) if stage != status => {
                return Err(Contradiction(Witness::Status, Witness::Stage));
            }
            (_, Some(status)) => (Witness::Status, status),
            (Some(stage), None) => (Witness::Stage, stage),
            (None, None) => match self.guess(now) {
                Some(guess) => guess,
                None => return Ok(None),
            },
        };
        if self.status == Some(Status::NotWon) && verdict.1 == Category::Won {
            return Err(Contradiction(Witness::Status, verdict.0));
        }
        Ok(Some(verdict))
    }

    /// Decides without a stage and a status. A probability alone proves nothing, because an open deal can have 100 %.
    fn guess(&self, now: DateTime) -> Option<(Witness, Category)> {
        if self.has_loss_reason {
            return Some((Witness::LossReason, Category::Lost));
        }
        let is_past = self.closed_at.is_some_and(|at| at <= now);
        match self.probability.filter(|_| is_past) {
            Some(100) => Some((Witness::Probability, Category::Won)),
            Some(0) => Some((Witness::Probability, Category::Lost)),
            _ => None,
        }
    }
}

/// What a row means for the stage of an existing record.
#[derive(Clone, Copy, Debug)]
pub enum Next<'s> {
    Stay,
    To(&'s Stage),
    /// Back to the last open stage of the record.
    Reopen,
}

/// Returns where an existing record goes. `stages` are those of its pipeline; `named` is the stage of its row, also of
/// that pipeline.
pub fn next<'s>(
    place: &Place,
    category: Option<Category>,
    named: Option<&'s Stage>,
    stages: &'s [Stage],
) -> Result<Next<'s>> {
    let Some(category) = category else { return Ok(Next::Stay) };
    if let Some(stage) = named.filter(|stage| stage.category == category) {
        return Ok(if stage.id == place.stage { Next::Stay } else { Next::To(stage) });
    }
    if place.status == category {
        return Ok(Next::Stay);
    }
    if category == Category::Open {
        return Ok(Next::Reopen);
    }
    first(stages, category).map(Next::To)
}

/// Returns the first stage of a category.
pub fn first(stages: &[Stage], category: Category) -> Result<&Stage> {
    stages.iter().find(|stage| stage.category == category).ok_or_else(|| {
        let detail = format!("must be in a pipeline with a stage of the category {}", category.as_str());
        Error::member("/stage", FieldCode::ReferenceNotFound, detail)
    })
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;
