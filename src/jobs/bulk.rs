//! Work on all records of a selection: some hundred at a time, each hundred in a transaction that also notes how far it is.
use crate::db::pool::Db;
use crate::db::queue::{self, Job, JobProblem, JobResult};
use crate::db::sight::sight;
use crate::db::tx::{Request, Tx};
use crate::identity::actors;
use crate::kernel::actor::{Action, can};
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::kind::Kind;
use crate::kernel::shape;
use crate::people::companies::{model::COMPANY, store as companies};
use crate::people::contacts::{model::CONTACT, store as contacts};
use crate::privacy::erasures::{self, Subject};
use crate::records::bulk::{BulkAction, Order};
use crate::records::kept;
use crate::sales::deals::{model::DEAL, store as deals};
use crate::sales::leads::{model::LEAD, store as leads};
use crate::schema as s;
use crate::work::tasks::{model::TASK, store as tasks};
use diesel::prelude::*;
use std::time::{Duration, Instant};
use uuid::Uuid;

const CHUNK: i64 = 200;
/// After so long a job lets others go before it.
const TURN: Duration = Duration::from_secs(2);
/// Refusals that a result tells one by one.
const PROBLEMS_MAX: usize = 100;

pub fn run(db: &Db, job: &Job) -> Result<()> {
    let order: Order = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    // What was asked for by hand was counted then, and was promised.
    if job.position.is_none() && order.rule.is_some() {
        let chosen = db.write_here(&asked(db, job, &order)?, |tx| begin(tx, &order))?;
        db.set_total(job, chosen)?;
    }
    let (mut done, mut position, begun) = (job.done, job.position, Instant::now());
    let mut result = job.result.clone().unwrap_or_default();
    loop {
        let step = db.write_here(&asked(db, job, &order)?, |tx| {
            let ids = chosen(tx, job, &order, position)?;
            let mut result = result.clone();
            work(tx, &order, &ids, &mut result)?;
            let done = done + i64::try_from(ids.len()).unwrap_or(0);
            let last = ids.last().copied().or(position);
            queue::advance(tx, job, done, last, &result)?;
            Ok((done, last, result, ids.is_empty()))
        })?;
        let end;
        (done, position, result, end) = step;
        if end || begun.elapsed() > TURN && db.give_way(job, false)? {
            return Ok(());
        }
    }
}

/// Who asks, with the rights of this moment: they are asked anew before each part of the work, as a request asks them.
fn asked(db: &Db, job: &Job, order: &Order) -> Result<Request> {
    let actor = db.here(|conn| actors::of_job(conn, job))?;
    let action = if order.action == BulkAction::Update { Action::Update } else { Action::Delete };
    let resource = Kind::ALL.iter().map(|kind| kind.path()).find(|path| *path == order.resource);
    let resource = resource.ok_or_else(|| no_work_on(&order.resource))?;
    actor.must_do(action, resource)?;
    if order.action == BulkAction::Erase {
        actor.must::<can::erasures::Create>()?;
    }
    Ok(Request { permission: Some((resource, action)), ..Request::internal(actor, job.id.to_string()) })
}

/// Runs one piece of code for the resource of an order: with its table and fields, or with its store.
macro_rules! of_resource {
    ($order:expr, |$table:ident, $fields:ident, $kind:ident| $body:expr) => {
        of_resource!(@ $order; table $table $fields $kind $body;
            contacts CONTACT Contact, companies COMPANY Company, leads LEAD Lead, deals DEAL Deal, tasks TASK Task)
    };
    ($order:expr, |$store:ident| $body:expr) => {
        of_resource!(@ $order; store $store $body; contacts, companies, leads, deals, tasks)
    };
    (@ $order:expr; table $table:ident $fields:ident $kind:ident $body:expr; $($t:ident $f:ident $k:ident),*) => {
        match $order.resource.as_str() {
            $(stringify!($t) => {
                use s::$t as $table;
                let ($fields, $kind) = (&$f, Kind::$k);
                $body
            })*
            other => Err(no_work_on(other)),
        }
    };
    (@ $order:expr; store $store:ident $body:expr; $($s:ident),*) => {
        match $order.resource.as_str() {
            $(stringify!($s) => {
                use self::$s as $store;
                $body
            })*
            other => Err(no_work_on(other)),
        }
    };
}

fn no_work_on(resource: &str) -> Error {
    Error::internal(format!("there is no bulk work on {resource}"))
}

/// The records of the selection that the caller sees, and that were there when the job was asked for.
macro_rules! matching {
    ($tx:expr, $job:expr, $order:expr, $table:ident, $fields:ident, $kind:ident) => {{
        let cond = kept::promised($tx, $fields, &$order.selection, &$order.promise)?;
        let erase = $order.action == BulkAction::Erase;
        let cond = if erase { erasures::choosable($tx, &$order.resource, cond) } else { cond };
        let seen = sight::<$table::table>($tx.actor, $kind, Action::Read);
        let all = $table::table.filter($table::workspace_id.eq($tx.workspace())).filter($table::deleted_at.is_null());
        all.filter($table::created_at.le($job.created_at)).filter($fields.on(cond)).filter(seen)
    }};
}

/// How much a rule has to do. It asks day by day, so what it chooses is looked at day by day.
fn begin(tx: &mut Tx<'_>, order: &Order) -> Result<i64> {
    let selection = &order.selection;
    of_resource!(order, |table, fields, kind| {
        let cond = kept::promised(tx, fields, selection, &order.promise)?;
        let erase = order.action == BulkAction::Erase;
        let these = if erase { erasures::choosable(tx, &order.resource, cond.clone()) } else { cond.clone() };
        let chosen = crate::chosen!(tx, table, fields, cond, these);
        match chosen.unrestricted(selection, kind.path()) {
            Some(why) => Err(Error::new(Code::Conflict, format!("the rule {why}"))),
            None => Ok(chosen.matching),
        }
    })
}

/// The next records, in the order of their ids: a change may make a record leave the selection, but not come back.
fn chosen(tx: &mut Tx<'_>, job: &Job, order: &Order, after: Option<Uuid>) -> Result<Vec<Uuid>> {
    of_resource!(order, |table, fields, kind| {
        let all = matching!(tx, job, order, table, fields, kind).filter(table::id.gt(after.unwrap_or(Uuid::nil())));
        Ok(all.order(table::id).limit(CHUNK).select(table::id).load(tx.conn)?)
    })
}

/// All at once; where that is refused, one by one.
fn work(tx: &mut Tx<'_>, order: &Order, ids: &[Uuid], result: &mut JobResult) -> Result<()> {
    match tx.attempt(|tx| act(tx, order, ids)) {
        Ok(unchanged) => {
            result.succeeded += i64::try_from(ids.len()).unwrap_or(0);
            result.unchanged += unchanged;
        }
        Err(Error::Problem(_)) => {
            for id in ids {
                match tx.attempt(|tx| act(tx, order, std::slice::from_ref(id))) {
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
fn act(tx: &mut Tx<'_>, order: &Order, ids: &[Uuid]) -> Result<i64> {
    if order.action == BulkAction::Erase {
        let reason = order.reason.as_deref().unwrap_or_default();
        let subject = if order.resource == Kind::Lead.path() { Subject::Lead } else { Subject::Contact };
        let subjects: Vec<Subject> = ids.iter().copied().map(subject).collect();
        return erasures::erase_many(tx, &subjects, reason, order.rule).map(|_| 0);
    }
    of_resource!(order, |store| {
        match order.action {
            BulkAction::Delete | BulkAction::Erase => {
                let mut rows = store::lock_many(tx, ids)?;
                let rows: Vec<_> = ids.iter().filter_map(|id| rows.remove(id)).collect();
                store::delete_many(tx, &rows).map(|()| 0)
            }
            BulkAction::Update => {
                let changes = shape::read(order.changes.clone())?;
                let rows = store::lock_many(tx, ids)?;
                let rows: Vec<_> = ids.iter().filter_map(|id| rows.get(id)).collect();
                let changed = store::change_many(tx, &rows, &changes)?;
                let same = rows.iter().zip(&changed).filter(|(before, after)| before.version == after.version);
                i64::try_from(same.count()).map_err(Error::internal)
            }
        }
    })
}
