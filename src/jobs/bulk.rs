//! Bulk operations on all records of a selection, in chunks. Each chunk and the progress are written in one
//! transaction.
use crate::db::pool::Db;
use crate::db::queue::{self, Job, JobProblem, JobResult};
use crate::db::rows::Rows;
use crate::db::tx::{Request, Tx};
use crate::db::visibility;
use crate::identity::sign_in::authentication;
use crate::kernel::access::grants::Action;
use crate::kernel::access::permission::can;
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::fields::cond::Cond;
use crate::privacy::erasures::{self, Erasure, Subject};
use crate::records::bulk::{self, BulkAction, BulkArgs};
use std::time::{Duration, Instant};
use uuid::Uuid;

const CHUNK: i64 = 200;
/// The time after which a job lets waiting jobs run first.
const TIME_SLICE: Duration = Duration::from_secs(2);
/// The maximum number of refused records that a result lists.
const PROBLEMS_MAX: usize = 100;

pub fn run(db: &Db, job: &Job) -> Result<()> {
    let args: BulkArgs = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    // The records of a bulk request were counted and confirmed when it was made; those of a rule are counted now.
    if job.position.is_none() && args.rule.is_some() {
        let total = db.write_blocking(&request(db, job, &args)?, |tx| count(tx, &args))?;
        db.set_total(job, total)?;
    }
    let (mut done, mut position, begun) = (job.done, job.position, Instant::now());
    let mut result = job.result.clone().unwrap_or_default();
    loop {
        let step = db.write_blocking(&request(db, job, &args)?, |tx| {
            let ids = next_ids(tx, job, &args, position)?;
            let mut result = result.clone();
            process(tx, &args, &ids, &mut result)?;
            let done = done + i64::try_from(ids.len()).unwrap_or(0);
            let last = ids.last().copied().or(position);
            queue::advance(tx, job, done, last, &result)?;
            Ok((done, last, result, ids.is_empty()))
        })?;
        let end;
        (done, position, result, end) = step;
        if end || begun.elapsed() > TIME_SLICE && db.yield_turn(job, false)? {
            return Ok(());
        }
    }
}

/// Returns a request by the user of the job, with the user's current permissions. Called before each chunk.
fn request(db: &Db, job: &Job, args: &BulkArgs) -> Result<Request> {
    let actor = db.run_blocking(|conn| authentication::of_job(conn, job))?;
    let action = if args.action == BulkAction::Update { Action::Update } else { Action::Delete };
    let resource = bulk::named(&args.resource)?.kind().path();
    actor.require_action(action, resource)?;
    if args.action == BulkAction::Erase {
        actor.require::<can::Create<Erasure>>()?;
    }
    Ok(Request { permission: Some((resource, action)), ..Request::of_job(actor, job.id.to_string(), job.id) })
}

/// Returns the condition of the job, and that on the records to process: an erasure skips records that are erased already.
fn conditions(tx: &mut Tx<'_>, args: &BulkArgs) -> Result<(Cond, Cond)> {
    let cond = bulk::named(&args.resource)?.pinned_cond(tx, &args.selection, &args.pinned)?;
    let erase = args.action == BulkAction::Erase;
    let these = if erase { erasures::erasable(tx, &args.resource, cond.clone()) } else { cond.clone() };
    Ok((cond, these))
}

/// Counts the records of a retention rule. Each run checks again that the rule does not match every record.
fn count(tx: &mut Tx<'_>, args: &BulkArgs) -> Result<i64> {
    let (cond, these) = conditions(tx, args)?;
    let preview = bulk::preview(tx, bulk::named(&args.resource)?.kind(), cond, &these)?;
    match preview.unrestricted(&args.selection, &args.resource) {
        Some(why) => Err(Error::new(Code::Conflict, format!("the rule {why}"))),
        None => Ok(preview.matching),
    }
}

/// Returns the next matching records in id order, of those that the caller sees and that existed when the job was created.
/// A record that leaves the selection because of a change does not shift the position.
fn next_ids(tx: &mut Tx<'_>, job: &Job, args: &BulkArgs, after: Option<Uuid>) -> Result<Vec<Uuid>> {
    let store = bulk::named(&args.resource)?;
    let (_, these) = conditions(tx, args)?;
    let seen = visibility::cond(tx.actor, store.kind(), Action::Read);
    let left = store.older_than(job.created_at, after.unwrap_or(Uuid::nil()))?;
    let all = Rows::of(store.kind().table(), tx.workspace()).without_deleted();
    Ok(all.filter(&left).filter(&these).filter(&seen).order_by_id().limit(CHUNK).ids(tx.conn)?)
}

/// Processes records together; if that is refused, one by one.
fn process(tx: &mut Tx<'_>, args: &BulkArgs, ids: &[Uuid], result: &mut JobResult) -> Result<()> {
    match tx.attempt(|tx| apply(tx, args, ids)) {
        Ok(unchanged) => {
            result.succeeded += i64::try_from(ids.len()).unwrap_or(0);
            result.unchanged += unchanged;
        }
        Err(Error::Problem(_)) => {
            for id in ids {
                match tx.attempt(|tx| apply(tx, args, std::slice::from_ref(id))) {
                    Ok(unchanged) => {
                        result.succeeded += 1;
                        result.unchanged += unchanged;
                    }
                    Err(Error::Problem(problem)) => {
                        result.failed += 1;
                        if result.problems.len() < PROBLEMS_MAX {
                            let (code, detail) = (problem.code.as_str().into(), problem.detail);
                            result.problems.push(JobProblem { record_id: *id, code, detail });
                        }
                    }
                    Err(fault) => return Err(fault),
                }
            }
        }
        Err(fault) => return Err(fault),
    }
    Ok(())
}

/// Processes records together and returns the number of unchanged ones.
fn apply(tx: &mut Tx<'_>, args: &BulkArgs, ids: &[Uuid]) -> Result<i64> {
    let store = bulk::named(&args.resource)?;
    match args.action {
        BulkAction::Update => store.update(tx, ids, args.changes.clone()),
        BulkAction::Delete => store.delete(tx, ids).map(|()| 0),
        BulkAction::Erase => {
            let subjects: Vec<Subject> = ids.iter().map(|id| Subject::new(store.kind(), *id)).collect();
            erasures::erase_many(tx, &subjects, args.reason.as_deref().unwrap_or_default(), args.rule).map(|_| 0)
        }
    }
}
