//! Work on all records of a selection: some hundred at a time, each hundred in a transaction that also notes how far it is.
use crate::db::pool::Db;
use crate::db::queue::{self, Job, JobProblem, JobResult};
use crate::db::tx::{Request, Tx};
use crate::db::visibility::visibility_filter;
use crate::identity::authentication;
use crate::kernel::actor::{Action, can};
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::kind::Kind;
use crate::kernel::shape;
use crate::people::companies::{model::COMPANY, store as companies};
use crate::people::contacts::{model::CONTACT, store as contacts};
use crate::privacy::erasures::Erasure;
use crate::privacy::erasures::{self, Subject};
use crate::records::bulk::{BulkAction, BulkArgs};
use crate::records::saved_conditions;
use crate::sales::deals::{model::DEAL, store as deals};
use crate::sales::leads::{model::LEAD, store as leads};
use crate::schema as s;
use crate::work::tasks::{model::TASK, store as tasks};
use diesel::prelude::*;
use std::time::{Duration, Instant};
use uuid::Uuid;

const CHUNK: i64 = 200;
/// After so long a job lets others go before it.
const TIME_SLICE: Duration = Duration::from_secs(2);
/// Refusals that a result tells one by one.
const PROBLEMS_MAX: usize = 100;

pub fn run(db: &Db, job: &Job) -> Result<()> {
    let args: BulkArgs = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    // What was asked for by hand was counted then, and was promised.
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

/// Who asks, with the rights of this moment: they are asked anew before each part of the work, as a request asks them.
fn request(db: &Db, job: &Job, args: &BulkArgs) -> Result<Request> {
    let actor = db.run_blocking(|conn| authentication::of_job(conn, job))?;
    let action = if args.action == BulkAction::Update { Action::Update } else { Action::Delete };
    let resource = Kind::at_path(&args.resource).map(Kind::path);
    let resource = resource.ok_or_else(|| unsupported(&args.resource))?;
    actor.require_action(action, resource)?;
    if args.action == BulkAction::Erase {
        actor.require::<can::Create<Erasure>>()?;
    }
    Ok(Request { permission: Some((resource, action)), ..Request::internal(actor, job.id.to_string()) })
}

/// Runs one piece of code for the resource of bulk work: with its table and fields, or with its store.
macro_rules! of_resource {
    ($args:expr, |$table:ident, $fields:ident, $kind:ident| $body:expr) => {
        of_resource!(@ $args; table $table $fields $kind $body;
            contacts CONTACT CONTACT, companies COMPANY COMPANY, leads LEAD LEAD, deals DEAL DEAL, tasks TASK TASK)
    };
    ($args:expr, |$store:ident| $body:expr) => {
        of_resource!(@ $args; store $store $body; contacts, companies, leads, deals, tasks)
    };
    (@ $args:expr; table $table:ident $fields:ident $kind:ident $body:expr; $($t:ident $f:ident $k:ident),*) => {
        match $args.resource.as_str() {
            $(stringify!($t) => {
                use s::$t as $table;
                let ($fields, $kind) = (&$f, Kind::$k);
                $body
            })*
            other => Err(unsupported(other)),
        }
    };
    (@ $args:expr; store $store:ident $body:expr; $($s:ident),*) => {
        match $args.resource.as_str() {
            $(stringify!($s) => {
                use self::$s as $store;
                $body
            })*
            other => Err(unsupported(other)),
        }
    };
}

fn unsupported(resource: &str) -> Error {
    Error::internal(format!("there is no bulk work on {resource}"))
}

/// The records of the selection that the caller sees, and that were there when the job was asked for.
macro_rules! matching {
    ($tx:expr, $job:expr, $args:expr, $table:ident, $fields:ident, $kind:ident) => {{
        let cond = saved_conditions::promised($tx, $fields, &$args.selection, &$args.promise)?;
        let erase = $args.action == BulkAction::Erase;
        let cond = if erase { erasures::erasable($tx, &$args.resource, cond) } else { cond };
        let seen = visibility_filter::<$table::table>($tx.actor, $kind, Action::Read);
        let all = $table::table.filter($table::workspace_id.eq($tx.workspace())).filter($table::deleted_at.is_null());
        all.filter($table::created_at.le($job.created_at)).filter($fields.on(cond)).filter(seen)
    }};
}

/// How much a rule has to do. It asks day by day, so what it chooses is looked at day by day.
fn count(tx: &mut Tx<'_>, args: &BulkArgs) -> Result<i64> {
    let selection = &args.selection;
    of_resource!(args, |table, fields, kind| {
        let cond = saved_conditions::promised(tx, fields, selection, &args.promise)?;
        let erase = args.action == BulkAction::Erase;
        let these = if erase { erasures::erasable(tx, &args.resource, cond.clone()) } else { cond.clone() };
        let preview = crate::bulk_preview!(tx, table, fields, cond, these);
        match preview.unrestricted(selection, kind.path()) {
            Some(why) => Err(Error::new(Code::Conflict, format!("the rule {why}"))),
            None => Ok(preview.matching),
        }
    })
}

/// The next records, in the order of their ids: a change may make a record leave the selection, but not come back.
fn next_ids(tx: &mut Tx<'_>, job: &Job, args: &BulkArgs, after: Option<Uuid>) -> Result<Vec<Uuid>> {
    of_resource!(args, |table, fields, kind| {
        let all = matching!(tx, job, args, table, fields, kind).filter(table::id.gt(after.unwrap_or(Uuid::nil())));
        Ok(all.order(table::id).limit(CHUNK).select(table::id).load(tx.conn)?)
    })
}

/// All at once; where that is refused, one by one.
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

/// How many of the records were left as they were.
fn apply(tx: &mut Tx<'_>, args: &BulkArgs, ids: &[Uuid]) -> Result<i64> {
    if args.action == BulkAction::Erase {
        let reason = args.reason.as_deref().unwrap_or_default();
        let subject = if args.resource == Kind::LEAD.path() { Subject::Lead } else { Subject::Contact };
        let subjects: Vec<Subject> = ids.iter().copied().map(subject).collect();
        return erasures::erase_many(tx, &subjects, reason, args.rule).map(|_| 0);
    }
    of_resource!(args, |store| {
        match args.action {
            BulkAction::Delete | BulkAction::Erase => {
                let mut rows = store::lock_many(tx, ids)?;
                let rows: Vec<_> = ids.iter().filter_map(|id| rows.remove(id)).collect();
                store::delete_many(tx, &rows).map(|()| 0)
            }
            BulkAction::Update => {
                let changes = shape::read(args.changes.clone())?;
                let rows = store::lock_many(tx, ids)?;
                let rows: Vec<_> = ids.iter().filter_map(|id| rows.get(id)).collect();
                let changed = store::change_many(tx, &rows, &changes)?;
                let same = rows.iter().zip(&changed).filter(|(before, after)| before.version == after.version);
                i64::try_from(same.count()).map_err(Error::internal)
            }
        }
    })
}
