//! The job queue: a table with fair scheduling of workspaces. A job belongs to a worker until its lease expires; then
//! another worker continues the job of a dead worker. Each time a job is taken, it gets a number that progress and
//! completion check, so that a worker that was paused and lost the job cannot commit work together with progress.
use crate::db::pool::Db;
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::resource::{Builtin, Descriptor, Resource};
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::tags::Tags;
use crate::kernel::values::time::DateTime;
use crate::schema::jobs;
use crate::{jsonb, text_enum};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::sql_types::{Jsonb, Uuid as SqlUuid};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

const LEASE_SECONDS: i64 = 15;
/// The interval at which a worker renews its lease.
pub const HEARTBEAT: std::time::Duration = std::time::Duration::from_secs(4);
/// The number of attempts to take a job when other workers are faster.
const TRIES: u32 = 5;
/// A job fails after this number of attempts without progress.
pub const ATTEMPTS: i32 = 5;

text_enum! {
    pub enum JobStatus {
        Queued = "queued",
        Running = "running",
        Succeeded = "succeeded",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// The kinds of jobs.
    pub enum JobKind {
        /// A change of many records.
        Bulk = "bulk",
        Import = "import",
        /// A mail.
        Mail = "letter",
        /// A mail with notifications.
        Notifications = "notification_letter",
        /// Removes the content of erased files from the file store.
        PurgeFiles = "purge_files",
        /// Renames or removes a tag.
        Retag = "retag",
    }
}

text_enum! {
    /// Jobs wait only for jobs in the same lane.
    pub enum Lane {
        /// A user is waiting for the result.
        Urgent = "urgent",
        /// Short jobs.
        Short = "errand",
        Work = "work",
    }
}

/// The jobs that a worker thread takes.
#[derive(Clone, Copy, Debug)]
pub struct JobFilter {
    pub lanes: &'static [Lane],
    /// Kinds whose jobs run one after another in each workspace, in the order of creation.
    pub in_order: &'static [JobKind],
    /// The maximum number of running jobs of one workspace in each lane.
    pub share: u32,
}

/// A background task.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = jobs)]
pub struct Job {
    pub id: Uuid,
    #[serde(skip)]
    pub workspace_id: Uuid,
    #[serde(skip)]
    pub user_id: Uuid,
    /// The API key that created the job, and its scopes at that time.
    #[serde(skip)]
    pub api_key_id: Option<Uuid>,
    #[serde(skip)]
    pub scopes: Option<Tags>,
    pub kind: String,
    #[serde(skip)]
    pub args: serde_json::Value,
    pub status: JobStatus,
    /// The finished units of work, such as rows of a file.
    pub done: i64,
    pub total: Option<i64>,
    /// The reason of a failure.
    pub error: Option<String>,
    /// For a job on many records, the result so far.
    pub result: Option<JobResult>,
    /// The last record that was processed.
    #[serde(skip)]
    pub position: Option<Uuid>,
    /// The number of attempts since the last progress.
    #[serde(skip)]
    pub attempts: i32,
    /// The number of times the job was taken.
    #[serde(skip)]
    pub taken: i32,
    pub created_at: DateTime,
    pub updated_at: DateTime,
}
impl NothingHidden for Job {}

/// The result of a job on many records.
#[derive(Clone, Debug, Default, Serialize, Deserialize, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Jsonb)]
pub struct JobResult {
    /// Records that were processed, or already had been.
    pub succeeded: i64,
    /// Of the succeeded records, those that already had the requested values.
    #[serde(default)]
    pub unchanged: i64,
    pub failed: i64,
    /// The first hundred errors.
    pub problems: Vec<JobProblem>,
}
jsonb!(JobResult);

/// A refused record and its error.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobProblem {
    pub record_id: Uuid,
    /// The code that a single request would get: `version_conflict`, `forbidden`, `validation_failed`.
    pub code: String,
    pub detail: String,
}

impl crate::kernel::access::record::Record for Job {
    const KIND: crate::kernel::fields::kind::Kind = crate::kernel::fields::kind::Kind::JOB;
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        1
    }
}

impl Kind {
    pub const JOB: Kind = Kind::new("job", "jobs");
}

impl Resource for Job {
    const DESCRIPTOR: &Descriptor =
        &Descriptor::of(Kind::JOB, "Background jobs.").shared(Builtin::Viewer, Builtin::Manager, Builtin::Manager);
}

/// Adds a job to the queue in the current transaction.
pub fn enqueue(tx: &mut Tx<'_>, kind: JobKind, args: &serde_json::Value, total: Option<i64>) -> Result<Job> {
    enqueue_in(Lane::Work, tx, kind, args, total)
}

/// Like `enqueue`, for a job that does not wait behind long ones.
pub fn enqueue_in(
    lane: Lane,
    tx: &mut Tx<'_>,
    kind: JobKind,
    args: &serde_json::Value,
    total: Option<i64>,
) -> Result<Job> {
    let job = diesel::insert_into(jobs::table)
        .values((
            jobs::id.eq(Uuid::now_v7()),
            jobs::workspace_id.eq(tx.workspace()),
            jobs::user_id.eq(tx.actor.user),
            (jobs::api_key_id.eq(tx.actor.api_key()), jobs::scopes.eq(tx.actor.scopes.clone().map(Tags::from))),
            (jobs::kind.eq(kind), jobs::lane.eq(lane)),
            jobs::args.eq(args),
            jobs::total.eq(total),
            jobs::created_at.eq(tx.now),
            jobs::updated_at.eq(tx.now),
        ))
        .returning(Job::as_returning())
        .get_result(tx.conn)?;
    Ok(job)
}

/// Revokes the open jobs of a user. The jobs of a suspended user do not continue, even if the user becomes active
/// again.
pub fn revoke_all_of(conn: &mut PgConnection, workspace: Uuid, user: Uuid, now: DateTime) -> Result<()> {
    let open = jobs::table.filter(jobs::workspace_id.eq(workspace)).filter(jobs::user_id.eq(user));
    let open = open.filter(jobs::status.eq_any([JobStatus::Queued, JobStatus::Running]));
    Ok(diesel::update(open).set(jobs::revoked_at.eq(now)).execute(conn).map(drop)?)
}

/// The row of a job, while it belongs to the worker that took it.
macro_rules! owned_job {
    ($job:expr) => {
        jobs::table.find($job.id).filter(jobs::status.eq(JobStatus::Running)).filter(jobs::taken.eq($job.taken))
    };
}

impl Db {
    /// Takes the next job.
    pub fn take_job(&self, filter: JobFilter) -> Result<Option<Job>> {
        self.run_blocking(|conn| take(conn, filter))
    }

    /// Returns a job to the queue if other jobs wait; it continues later from its position. If jobs of its kind run in
    /// order, other jobs of the same kind and workspace do not count. Returns true if the job no longer belongs to the
    /// worker.
    pub fn yield_turn(&self, job: &Job, in_order: bool) -> Result<bool> {
        let others = diesel::alias!(jobs as others);
        let waiting = others
            .filter(others.field(jobs::status).eq(JobStatus::Queued))
            .filter(others.field(jobs::lane).eq(Lane::Work))
            .filter(others.field(jobs::lease_until).is_null())
            .filter(others.field(jobs::id).ne(job.id));
        let same = others.field(jobs::workspace_id).eq(job.workspace_id).and(others.field(jobs::kind).eq(&job.kind));
        self.run_blocking(|conn| {
            let own = |given: bool| given.into_sql::<diesel::sql_types::Bool>();
            let waits = diesel::dsl::exists(waiting.filter(diesel::dsl::not(same.and(own(in_order)))));
            let back = diesel::update(owned_job!(job).filter(waits));
            let none: Option<DateTime> = None;
            Ok(back.set((jobs::status.eq(JobStatus::Queued), jobs::lease_until.eq(none))).execute(conn)? == 1)
        })
    }

    /// Sets the number of units of work.
    pub fn set_total(&self, job: &Job, total: i64) -> Result<()> {
        self.run_blocking(|conn| {
            Ok(diesel::update(owned_job!(job)).set(jobs::total.eq(total)).execute(conn).map(drop)?)
        })
    }

    /// Postpones a job that cannot run now; the delay doubles with each attempt.
    pub fn retry_later(&self, job: &Job) -> Result<()> {
        let seconds = LEASE_SECONDS << job.attempts.saturating_sub(1).clamp(0, ATTEMPTS);
        let until = DateTime::now().plus(chrono::Duration::seconds(seconds));
        let later = (jobs::status.eq(JobStatus::Queued), jobs::lease_until.eq(until));
        self.run_blocking(|conn| Ok(diesel::update(owned_job!(job)).set(later).execute(conn).map(drop)?))
    }

    /// Extends the lease of a job.
    pub fn renew_lease(&self, job: &Job) -> Result<()> {
        let until = DateTime::now().plus(chrono::Duration::seconds(LEASE_SECONDS));
        self.run_blocking(|conn| {
            Ok(diesel::update(owned_job!(job)).set(jobs::lease_until.eq(until)).execute(conn).map(drop)?)
        })
    }
}

fn take(conn: &mut PgConnection, filter: JobFilter) -> Result<Option<Job>> {
    for _ in 0..TRIES {
        let now = DateTime::now();
        let open = || jobs::status.eq_any([JobStatus::Queued, JobStatus::Running]);
        let free = || jobs::lease_until.is_null().or(jobs::lease_until.lt(now));
        // This query is prepared and cheap, for idle workers.
        let any = jobs::table.filter(open()).filter(free()).filter(jobs::lane.eq_any(filter.lanes));
        if !diesel::select(diesel::dsl::exists(any)).get_result::<bool>(conn)? {
            return Ok(None);
        }
        let Some(id) = next(conn, filter, now)? else { return Ok(None) };
        let taken = diesel::update(jobs::table.find(id).filter(open()).filter(free()))
            .set((
                jobs::status.eq(JobStatus::Running),
                (jobs::attempts.eq(jobs::attempts + 1), jobs::taken.eq(jobs::taken + 1), jobs::taken_at.eq(now)),
                jobs::lease_until.eq(now.plus(chrono::Duration::seconds(LEASE_SECONDS))),
                jobs::updated_at.eq(now),
            ))
            .returning(Job::as_returning())
            .get_result(conn)
            .optional()?;
        // Another worker may have taken it.
        if taken.is_some() {
            return Ok(taken);
        }
    }
    Ok(None)
}

fn next(conn: &mut PgConnection, filter: JobFilter, now: DateTime) -> Result<Option<Uuid>> {
    #[derive(QueryableByName)]
    struct Next {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let lanes = filter.lanes.iter().map(|lane| lane.as_str().to_owned()).collect();
    let next: Option<Next> = Statement::new(include_str!("next_job.sql"))
        .set("lanes", Part::Texts(lanes))
        .set("in_order", Part::Texts(filter.in_order.iter().map(|kind| kind.as_str().to_owned()).collect()))
        .set("share", Part::Int(filter.share.into()))
        .set("now", Part::At(now))
        .get_result(conn)
        .optional()?;
    Ok(next.map(|next| next.id))
}

/// Ends a job, unless it was cancelled or lost in the meantime. Returns whether this call ended it.
pub fn finish(conn: &mut PgConnection, job: &Job, outcome: Result<(), String>) -> Result<bool> {
    let (status, error) = match outcome {
        Ok(()) => (JobStatus::Succeeded, None),
        Err(error) => (JobStatus::Failed, Some(error)),
    };
    let ended = diesel::update(owned_job!(job))
        .set((jobs::status.eq(status), jobs::error.eq(error), jobs::updated_at.eq(DateTime::now())))
        .execute(conn)?;
    Ok(ended == 1)
}

/// Like `progress`, for a job on many records: also stores its position and result.
pub fn advance(tx: &mut Tx<'_>, job: &Job, done: i64, last: Option<Uuid>, result: &JobResult) -> Result<()> {
    progress(tx, job, done)?;
    diesel::update(owned_job!(job)).set((jobs::position.eq(last), jobs::result.eq(result))).execute(tx.conn)?;
    Ok(())
}

/// Stores progress in the transaction of the work; fails if the job was cancelled or lost.
pub fn progress(tx: &mut Tx<'_>, job: &Job, done: i64) -> Result<()> {
    let now = DateTime::now();
    let got_on = (jobs::done.eq(done), jobs::attempts.eq(0), jobs::updated_at.eq(now));
    require_ownership(diesel::update(owned_job!(job)).set(got_on).execute(tx.conn)?)
}

/// Stores the progress of a job that restarts from the beginning after an interruption; fails if the job was cancelled
/// or lost.
pub fn report_progress(tx: &mut Tx<'_>, job: &Job, done: i64) -> Result<()> {
    let now = DateTime::now();
    require_ownership(
        diesel::update(owned_job!(job)).set((jobs::done.eq(done), jobs::updated_at.eq(now))).execute(tx.conn)?,
    )
}

fn require_ownership(rows: usize) -> Result<()> {
    if rows == 1 {
        Ok(())
    } else {
        Err(Error::new(Code::JobFinished, "the job was cancelled or taken by another worker"))
    }
}
