//! The history of a record according to its row. Only dates that the file lacks are set to the time of the import.
use crate::intake::imports::funnel::Funnel;
use crate::intake::imports::outcome::{self, Status};
use crate::kernel::error::{Error, FieldCode, Result};
use crate::kernel::values::time::DateTime;
use crate::sales::deals::store::History;
use crate::sales::stages::{Category, Stage};
use chrono::NaiveDate;

/// The stages and dates of a lead or deal in its row.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// The stage that the row names.
    pub stage: Option<Stage>,
    pub status: Option<Status>,
    /// The category that follows from the whole row.
    pub category: Option<Category>,
    /// The closing date of a deal that the row does not call closed. It counts if the deal is open.
    pub expected_close: Option<NaiveDate>,
    pub created_at: Option<DateTime>,
    pub closed_at: Option<DateTime>,
    /// The times at which it entered stages, in the order of the columns.
    pub entered: Vec<(Stage, DateTime)>,
}

impl Progress {
    pub fn has_beginning(&self) -> bool {
        self.created_at.is_some() || !self.entered.is_empty()
    }

    /// Returns the stage of a new record, or `None` if the row does not say.
    pub fn destination<'p>(&'p self, funnel: &'p Funnel) -> Result<Option<&'p Stage>> {
        let named = self.stage.as_ref();
        match self.category {
            None | Some(Category::Open) => Ok(named),
            Some(category) => match named.filter(|stage| stage.category == category) {
                Some(stage) => Ok(Some(stage)),
                None => outcome::first(&funnel.stages, category).map(Some),
            },
        }
    }

    /// Returns the open stage that the row names for a closed record: the one in which it was before.
    fn left(&self) -> Option<&Stage> {
        let closed = self.category.is_some_and(|category| category != Category::Open);
        self.stage.as_ref().filter(|stage| closed && stage.category == Category::Open)
    }

    /// Returns the time at which the record entered a stage, if the row contains it.
    pub fn entered_at(&self, stage: &Stage) -> Option<DateTime> {
        match stage.category {
            Category::Open => self.entered.iter().find(|(entered, _)| entered.id == stage.id).map(|(_, at)| *at),
            Category::Won | Category::Lost => self.closed_at,
        }
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
    let last = progress.destination(funnel)?.or(latest).unwrap_or(first_open).clone();
    let open = last.category == Category::Open;
    let begin = progress.begin().or(progress.closed_at).unwrap_or(now);
    // An open deal that entered only the first stage was in it from the start.
    let never_left = open && stages.iter().all(|(stage, _)| stage.id == first_open.id);
    let last_undated = open && !stages.is_empty() && stages.iter().all(|(stage, _)| stage.id != last.id);
    let end = if open {
        take_open_end(&mut stages, &last)?.unwrap_or(begin)
    } else {
        closed_end(&stages, progress.closed_at, now)?
    };
    let first = progress.left().filter(|_| stages.is_empty()).unwrap_or(first_open);
    stages.push((last, end));
    add_beginning(&mut stages, first, begin, never_left);
    let begun = |(stage, _): &(Stage, DateTime)| stage.category == Category::Open;
    let dated = progress.created_at.is_some() || progress.entered.iter().any(begun);
    let closed_undated = !open && progress.closed_at.is_none();
    Ok(History {
        stages,
        value_from_lines: false,
        without_beginning: closed_undated || !open && !dated,
        last_undated: last_undated || closed_undated,
    })
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

/// Returns the time at which a closed deal was closed; without one in the file, now. Refuses a stage that was entered
/// later.
fn closed_end(stages: &[(Stage, DateTime)], closed_at: Option<DateTime>, now: DateTime) -> Result<DateTime> {
    let closed = closed_at.unwrap_or(now);
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
