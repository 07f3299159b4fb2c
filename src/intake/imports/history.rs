//! The history of a record according to its row. Only dates that the file lacks are set to the time of the import.
use crate::intake::imports::funnel::Funnel;
use crate::kernel::error::{Error, FieldCode, Result};
use crate::kernel::values::time::DateTime;
use crate::sales::deals::store::History;
use crate::sales::stages::{Category, Stage};

/// The stages and dates of a lead or deal in its row.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    pub stage: Option<Stage>,
    pub created_at: Option<DateTime>,
    pub closed_at: Option<DateTime>,
    /// The times at which it entered stages, in the order of the columns.
    pub entered: Vec<(Stage, DateTime)>,
}

impl Progress {
    pub fn has_beginning(&self) -> bool {
        self.created_at.is_some() || !self.entered.is_empty()
    }

    /// Returns the stage that the row names, or else the last one that it entered.
    pub fn current_stage(&self) -> Option<&Stage> {
        let entered = || self.entered.iter().max_by_key(|(stage, at)| (*at, stage.position)).map(|(stage, _)| stage);
        self.stage.as_ref().or_else(entered)
    }

    /// Returns the earliest time, except for the closing.
    fn begin(&self) -> Option<DateTime> {
        self.entered.iter().map(|(_, at)| *at).chain(self.created_at).min()
    }

    /// Checks that the dates are in the past and in chronological order.
    pub fn check_order(&self, now: DateTime) -> Result<()> {
        let created = self.created_at.map(|at| ("/created_at".to_owned(), at));
        let closed = self.closed_at.map(|at| ("/closed_at".to_owned(), at));
        let entered = self.entered.iter().map(|(stage, at)| (format!("/entered.{}", stage.name), *at));
        for (member, at) in created.into_iter().chain(closed).chain(entered) {
            if at > now {
                return Err(Error::member(member, FieldCode::OutOfRange, format!("{at} is in the future")));
            }
        }
        match (self.begin(), self.closed_at) {
            (Some(begin), Some(closed)) if closed < begin => {
                let detail = format!("{closed} is before the start of the record, {begin}");
                Err(Error::member("/closed_at", FieldCode::OutOfRange, detail))
            }
            _ => Ok(()),
        }
    }
}

/// Returns the stages of a deal according to the file.
pub fn of_deal(progress: &Progress, funnel: &Funnel, now: DateTime) -> Result<History> {
    progress.check_order(now)?;
    let first_open = funnel.first_open().ok_or_else(|| Error::internal("no open stage"))?;
    let mut stages = progress.entered.clone();
    stages.sort_by_key(|(stage, at)| (*at, stage.position));
    let latest = stages.last().map(|(stage, _)| stage);
    let last = progress.stage.as_ref().or(latest).unwrap_or(first_open).clone();
    let open = last.category == Category::Open;
    let begin = progress.begin().or(progress.closed_at).unwrap_or(now);
    // An open deal that entered only the first stage was in it from the start.
    let never_left = open && stages.iter().all(|(stage, _)| stage.id == first_open.id);
    let last_undated = open && !stages.is_empty() && stages.iter().all(|(stage, _)| stage.id != last.id);
    let end = if open {
        take_open_end(&mut stages, &last)?.unwrap_or(begin)
    } else {
        closed_end(&stages, &last, progress.closed_at)?
    };
    stages.push((last, end));
    add_beginning(&mut stages, first_open, begin, never_left);
    let begun = |(stage, _): &(Stage, DateTime)| stage.category == Category::Open;
    let dated = progress.created_at.is_some() || progress.entered.iter().any(begun);
    Ok(History { stages, value_from_lines: false, without_beginning: !open && !dated, last_undated })
}

/// Makes the first stage begin with the deal, or inserts the first stage of the pipeline.
fn add_beginning(stages: &mut Vec<(Stage, DateTime)>, first_open: &Stage, begin: DateTime, never_left: bool) {
    let missing = match stages.as_slice() {
        [(only, _)] if only.category != Category::Open => true,
        [(_, at), ..] => *at > begin,
        [] => false,
    };
    match stages.first_mut().filter(|_| missing) {
        Some((_, at)) if never_left => *at = begin,
        Some(_) => stages.insert(0, (first_open.clone(), begin)),
        None => {}
    }
}

/// Removes the current stage of an open deal from `stages` and returns the time at which the deal entered it. If the
/// file does not contain that time, returns the time at which it entered the stage before. Refuses a current stage
/// that is not the last one entered.
fn take_open_end(stages: &mut Vec<(Stage, DateTime)>, last: &Stage) -> Result<Option<DateTime>> {
    let latest = stages.last().cloned();
    let Some(at) = stages.iter().position(|(stage, _)| stage.id == last.id) else {
        return Ok(latest.map(|(_, at)| at));
    };
    let (_, entered) = stages.remove(at);
    match latest {
        Some((other, later)) if later > entered => {
            let detail = format!("is {}, but the deal entered {} later, at {later}", last.name, other.name);
            Err(Error::member("/stage", FieldCode::Invalid, detail))
        }
        _ => Ok(Some(entered)),
    }
}

/// Returns the time at which a closed deal was closed. Refuses a stage that was entered later.
fn closed_end(stages: &[(Stage, DateTime)], last: &Stage, closed_at: Option<DateTime>) -> Result<DateTime> {
    let closed = closed_at.ok_or_else(|| {
        let detail = format!("is required because the stage {} has the category {}", last.name, last.category.as_str());
        Error::member("/closed_at", FieldCode::Required, detail)
    })?;
    match stages.last().filter(|(_, at)| *at > closed) {
        Some((stage, at)) => {
            let detail = format!("{closed} is before the deal entered {}, at {at}", stage.name);
            Err(Error::member("/closed_at", FieldCode::OutOfRange, detail))
        }
        None => Ok(closed),
    }
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
