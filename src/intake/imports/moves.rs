//! Moves known leads and deals to the stages in which their rows see them.
use crate::db::tx::Tx;
use crate::intake::imports::draft::Draft;
use crate::intake::imports::funnel::Funnel;
use crate::intake::imports::outcome::{self, Next};
use crate::kernel::access::record::Record;
use crate::kernel::error::{Error, FieldCode, Result};
use crate::kernel::values::time::DateTime;
use crate::sales::entry::{Ending, Entry};
use crate::sales::spans;
use crate::sales::staged::Staged;
use crate::sales::stages::{self, Category, Stage};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// A record and its row.
pub type Pair<'p, R> = (&'p R, &'p Draft);

/// Moves the records whose rows name another place, with few statements. Returns the ids of the moved ones.
pub fn apply<R: Staged>(tx: &mut Tx<'_>, funnel: &Funnel, pairs: &[Pair<'_, R>]) -> Result<HashSet<Uuid>> {
    let mut routes = Routes::load(tx, funnel, pairs)?;
    let mut moving = Vec::new();
    for (record, row) in pairs {
        if !matches!(routes.next(*record, row)?, Next::Stay) {
            moving.push((record.id(), *row));
        }
    }
    if moving.is_empty() {
        return Ok(HashSet::new());
    }
    let ids: Vec<Uuid> = moving.iter().map(|(id, _)| *id).collect();
    let locked = R::lock_many(tx, &ids)?;
    routes.entered = spans::entered(tx, &ids)?;
    let mut found: Vec<(&R, &Draft, Stage)> = Vec::new();
    for (id, row) in moving {
        let record = locked.get(&id).ok_or_else(Error::not_found)?;
        if let Some(stage) = routes.destination(record, row)? {
            found.push((record, row, stage.clone()));
        }
    }
    lock_stages(tx, &found)?;
    let mut entries: Vec<Entry<'_, R>> = Vec::with_capacity(found.len());
    for (record, row, stage) in &found {
        let at = time_of(*record, row, stage, tx.now)?;
        entries.push(Entry { record: *record, stage, at, ending: ending(row, stage) });
    }
    Ok(R::enter_stages(tx, &entries)?.iter().map(Record::id).collect())
}

/// Locks the stages against deletion. They were loaded when the run began.
fn lock_stages<R>(tx: &mut Tx<'_>, found: &[(&R, &Draft, Stage)]) -> Result<()> {
    let mut distinct: Vec<&Stage> = found.iter().map(|(_, _, stage)| stage).collect();
    distinct.sort_by_key(|stage| stage.id);
    distinct.dedup_by_key(|stage| stage.id);
    distinct.into_iter().try_for_each(|stage| stages::within(tx, stage.pipeline_id, stage.id).map(drop))
}

/// Returns the time of a move: that of the file, or else now.
fn time_of<R: Staged>(record: &R, row: &Draft, stage: &Stage, now: DateTime) -> Result<DateTime> {
    row.progress.check_order(now)?;
    let told = row.progress.entered_at(stage);
    // An open record cannot have entered a stage before its current one.
    let possible = |at: &DateTime| stage.category != Category::Open || *at >= record.place().entered_at;
    Ok(told.filter(possible).unwrap_or(now))
}

fn ending(row: &Draft, stage: &Stage) -> Ending {
    let lost = stage.category == Category::Lost;
    Ending {
        loss_reason: row.loss_reason().filter(|_| lost),
        loss_note: row.text("loss_note").filter(|_| lost).map(str::to_owned),
        imported: true,
        ..Ending::default()
    }
}

/// The stages of the pipelines of the records.
struct Routes<'f> {
    funnel: &'f Funnel,
    /// The stages of other pipelines than that of the import.
    others: HashMap<Uuid, Vec<Stage>>,
    /// The stages that the records entered, the last first.
    entered: HashMap<Uuid, Vec<Uuid>>,
}

impl<'f> Routes<'f> {
    fn load<R: Staged>(tx: &mut Tx<'_>, funnel: &'f Funnel, pairs: &[Pair<'_, R>]) -> Result<Routes<'f>> {
        let mut others = HashMap::new();
        for (record, _) in pairs {
            let pipeline = record.place().pipeline;
            if Some(pipeline) != funnel.pipeline && !others.contains_key(&pipeline) {
                others.insert(pipeline, stages::of_pipeline(tx, pipeline)?);
            }
        }
        Ok(Routes { funnel, others, entered: HashMap::new() })
    }

    fn stages<R: Staged>(&self, record: &R) -> &[Stage] {
        self.others.get(&record.place().pipeline).unwrap_or(&self.funnel.stages)
    }

    /// Returns the stage that a row names, in the pipeline of the record unless the settings name another one.
    fn named<R: Staged>(&self, record: &R, row: &'f Draft) -> Result<Option<&Stage>> {
        let Some(stage) = row.progress.stage.as_ref() else { return Ok(None) };
        if self.funnel.named || Some(record.place().pipeline) == self.funnel.pipeline {
            return Ok(Some(stage));
        }
        let own = self.stages(record).iter().find(|own| own.name.eq_ignore_ascii_case(&stage.name));
        let missing = || {
            let detail = format!("{} is not in the pipeline of the record", stage.name);
            Error::member("/stage", FieldCode::StageNotInPipeline, detail)
        };
        own.ok_or_else(missing).map(Some)
    }

    fn next<R: Staged>(&self, record: &R, row: &'f Draft) -> Result<Next<'_>> {
        outcome::next(&record.place(), row.progress.category, self.named(record, row)?, self.stages(record))
    }

    fn destination<R: Staged>(&self, record: &R, row: &'f Draft) -> Result<Option<&Stage>> {
        let entered = || self.entered.get(&record.id()).map(Vec::as_slice).unwrap_or_default();
        match self.next(record, row)? {
            Next::Stay => Ok(None),
            Next::To(stage) => Ok(Some(stage)),
            Next::Reopen => match stages::last_open(self.stages(record), entered()) {
                Some(stage) => Ok(Some(stage)),
                None => outcome::first(self.stages(record), Category::Open).map(Some),
            },
        }
    }
}
