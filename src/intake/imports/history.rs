//! The past of a record, as far as its row tells it. Nothing is dated to the import but what the file does not date.
use crate::intake::imports::funnel::Funnel;
use crate::kernel::error::{Error, FieldCode, Result};
use crate::kernel::time::DateTime;
use crate::sales::deals::store::History;
use crate::sales::stages::{Category, Stage};

/// How far a lead or deal has come, and when.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    pub stage: Option<Stage>,
    pub created_at: Option<DateTime>,
    pub closed_at: Option<DateTime>,
    /// When it entered stages, in the order of the columns.
    pub entered: Vec<(Stage, DateTime)>,
}

impl Progress {
    pub fn has_beginning(&self) -> bool {
        self.created_at.is_some() || !self.entered.is_empty()
    }

    /// The first instant that is told, but for the closing.
    fn begin(&self) -> Option<DateTime> {
        self.entered.iter().map(|(_, at)| *at).chain(self.created_at).min()
    }

    /// What has happened lies in the past, and in order.
    pub fn check_order(&self, now: DateTime) -> Result<()> {
        let created = self.created_at.map(|at| ("/created_at".to_owned(), at));
        let closed = self.closed_at.map(|at| ("/closed_at".to_owned(), at));
        let entered = self.entered.iter().map(|(stage, at)| (format!("/entered.{}", stage.name), *at));
        for (member, at) in created.into_iter().chain(closed).chain(entered) {
            if at > now {
                return Err(Error::member(member, FieldCode::OutOfRange, format!("{at} lies in the future")));
            }
        }
        match (self.begin(), self.closed_at) {
            (Some(begin), Some(closed)) if closed < begin => {
                let detail = format!("{closed} lies before its beginning, {begin}");
                Err(Error::member("/closed_at", FieldCode::OutOfRange, detail))
            }
            _ => Ok(()),
        }
    }
}

/// The stages that a deal has gone through.
pub fn of_deal(progress: &Progress, funnel: &Funnel, now: DateTime) -> Result<History> {
    progress.check_order(now)?;
    let first_open = funnel.first_open().ok_or_else(|| Error::internal("no open stage"))?;
    let mut stages = progress.entered.clone();
    stages.sort_by_key(|(stage, at)| (*at, stage.position));
    let latest = stages.last().map(|(stage, _)| stage);
    let last = progress.stage.as_ref().or(latest).unwrap_or(first_open).clone();
    let open = last.category == Category::Open;
    let begin = progress.begin().or(progress.closed_at).unwrap_or(now);
    // An open deal that is said to have entered nothing but the first stage stood there from the beginning.
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

/// Lets the first stage begin with the deal, or puts the first stage of the funnel before it.
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

/// Takes out when an open deal came to its stage; that is the last it entered. Where the file does not say so, it left the
/// one before nobody knows when.
fn take_open_end(stages: &mut Vec<(Stage, DateTime)>, last: &Stage) -> Result<Option<DateTime>> {
    let latest = stages.last().cloned();
    let Some(at) = stages.iter().position(|(stage, _)| stage.id == last.id) else {
        return Ok(latest.map(|(_, at)| at));
    };
    let (_, entered) = stages.remove(at);
    match latest {
        Some((other, later)) if later > entered => {
            let detail = format!("is {}, but it entered {} later, {later}", last.name, other.name);
            Err(Error::member("/stage", FieldCode::Invalid, detail))
        }
        _ => Ok(Some(entered)),
    }
}

/// When a closed deal was closed: nothing comes after that.
fn closed_end(stages: &[(Stage, DateTime)], last: &Stage, closed_at: Option<DateTime>) -> Result<DateTime> {
    let closed = closed_at.ok_or_else(|| {
        let detail = format!("is empty, but the stage {} is {}", last.name, last.category.as_str());
        Error::member("/closed_at", FieldCode::Required, detail)
    })?;
    match stages.last().filter(|(_, at)| *at > closed) {
        Some((stage, at)) => {
            let detail = format!("{closed} lies before it entered {}, {at}", stage.name);
            Err(Error::member("/closed_at", FieldCode::OutOfRange, detail))
        }
        None => Ok(closed),
    }
}

#[cfg(test)]
mod tests {
    use super::{Progress, of_deal};
    use crate::intake::imports::funnel::Funnel;
    use crate::kernel::error::Error;
    use crate::kernel::time::DateTime;
    use crate::sales::stages::{Category, Stage};
    use uuid::Uuid;

    const NEW: usize = 0;
    const OFFER: usize = 1;
    const WON: usize = 2;

    fn day(day: u32) -> DateTime {
        format!("2026-01-{day:02}T00:00:00Z").parse().unwrap()
    }

    fn funnel() -> Funnel {
        let stage = |(position, (name, category)): (i32, (&str, Category))| Stage {
            id: Uuid::from_u128(u128::from(position.unsigned_abs())),
            pipeline_id: Uuid::nil(),
            name: name.into(),
            category,
            position,
            probability_percent: 0,
            rotting_days: None,
            version: 1,
            created_at: day(1),
            updated_at: day(1),
            order_id: None,
        };
        let stages = [("New", Category::Open), ("Offer", Category::Open), ("Won", Category::Won)];
        Funnel { pipeline: None, stages: (1..).zip(stages).map(stage).collect() }
    }

    /// What a row says: its stage, and the days of its creation, its closing and of entering stages.
    fn row(stage: Option<usize>, created: Option<u32>, closed: Option<u32>, entered: &[(usize, u32)]) -> Progress {
        let stages = funnel().stages;
        Progress {
            stage: stage.map(|n| stages[n].clone()),
            created_at: created.map(day),
            closed_at: closed.map(day),
            entered: entered.iter().map(|(n, at)| (stages[*n].clone(), day(*at))).collect(),
        }
    }

    /// The stages with the days on which the deal entered them; today is the 31st.
    #[track_caller]
    fn stages(progress: &Progress) -> Vec<(String, DateTime)> {
        let history = of_deal(progress, &funnel(), day(31)).unwrap();
        history.stages.into_iter().map(|(stage, at)| (stage.name, at)).collect()
    }

    #[track_caller]
    fn refusal(progress: &Progress) -> String {
        match of_deal(progress, &funnel(), day(31)).unwrap_err() {
            Error::Problem(problem) => problem.detail,
            other => panic!("{other}"),
        }
    }

    fn named(list: &[(&str, u32)]) -> Vec<(String, DateTime)> {
        list.iter().map(|(name, at)| ((*name).to_owned(), day(*at))).collect()
    }

    #[test]
    fn a_row_without_dates_begins_now_in_the_first_stage() {
        assert_eq!(stages(&row(None, None, None, &[])), named(&[("New", 31)]));
    }

    #[test]
    fn an_open_deal_stood_in_the_first_stage_from_its_creation() {
        assert_eq!(stages(&row(None, Some(3), None, &[(NEW, 5)])), named(&[("New", 3)]));
    }

    #[test]
    fn the_first_stage_comes_before_a_later_one_that_is_dated() {
        let progress = row(Some(OFFER), Some(3), None, &[(OFFER, 9)]);
        assert_eq!(stages(&progress), named(&[("New", 3), ("Offer", 9)]));
    }

    #[test]
    fn the_stages_come_in_the_order_of_their_dates() {
        let progress = row(Some(WON), None, Some(20), &[(OFFER, 9), (NEW, 2)]);
        assert_eq!(stages(&progress), named(&[("New", 2), ("Offer", 9), ("Won", 20)]));
    }

    #[test]
    fn a_closed_deal_without_a_beginning_begins_with_its_closing() {
        let progress = row(Some(WON), None, Some(20), &[]);
        assert_eq!(stages(&progress), named(&[("New", 20), ("Won", 20)]));
        assert!(of_deal(&progress, &funnel(), day(31)).unwrap().without_beginning);
    }

    #[test]
    fn a_last_stage_without_a_date_is_undated() {
        let progress = row(Some(OFFER), None, None, &[(NEW, 2)]);
        assert_eq!(stages(&progress), named(&[("New", 2), ("Offer", 2)]));
        assert!(of_deal(&progress, &funnel(), day(31)).unwrap().last_undated);
    }

    #[test]
    fn what_lies_in_the_future_is_refused() {
        let progress = Progress { created_at: "2027-01-01T00:00:00Z".parse().ok(), ..Progress::default() };
        assert!(refusal(&progress).contains("lies in the future"));
    }

    #[test]
    fn a_closing_before_the_beginning_is_refused() {
        assert!(refusal(&row(Some(WON), Some(9), Some(3), &[])).contains("lies before its beginning"));
    }

    #[test]
    fn a_closed_stage_without_a_closing_is_refused() {
        assert_eq!(refusal(&row(Some(WON), Some(9), None, &[])), "/closed_at is empty, but the stage Won is won");
    }

    #[test]
    fn a_stage_that_was_entered_after_the_closing_is_refused() {
        let progress = row(Some(WON), Some(1), Some(5), &[(OFFER, 9)]);
        assert!(refusal(&progress).contains("lies before it entered Offer"));
    }

    #[test]
    fn an_open_deal_that_went_on_after_its_stage_is_refused() {
        let progress = row(Some(NEW), None, None, &[(NEW, 2), (OFFER, 9)]);
        assert!(refusal(&progress).contains("but it entered Offer later"));
    }
}
