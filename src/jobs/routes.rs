//! Operations on jobs.
use crate::db::queue::{Job, JobKind, JobStatus};
use crate::db::table;
use crate::db::tx::Tx;
use crate::jobs::worker;
use crate::kernel::access::grants::{Action, Visibility};
use crate::kernel::access::permission::can;
use crate::kernel::answers::page::Page;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::fields::cond::{Cond, Op};
use crate::kernel::fields::field::{Field, field};
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::kernel::query::on::On;
use crate::kernel::values::typed::Values;
use crate::schema::jobs;
use crate::web::ctx::{Ctx, Id};
use crate::web::headers::IdempotencyKey;
use crate::{list_params, table_row};
use actix_web::{get, post};
use diesel::prelude::*;
use std::marker::PhantomData;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

pub type JobPage = Page<Job>;

static JOB: Fields<jobs::table> = Fields {
    kind: Kind::JOB,
    all: &[
        field("kind", &jobs::kind).one_of(JobKind::TEXTS),
        field("status", &jobs::status).one_of(JobStatus::TEXTS),
        field("created_at", &jobs::created_at),
    ],
    default_sort: "-created_at",
    id: field("id", &jobs::id),
    search: None,
    derived: &[],
    links: &[],
    table: PhantomData,
};
list_params!(JobList, JOB.parameters());

table_row!(jobs, Job);

#[diesel::dsl::auto_type(no_type_alias)]
fn in_workspace(workspace: Uuid) -> _ {
    jobs::table.filter(jobs::workspace_id.eq(workspace))
}

static USER: Field = field("user_id", &jobs::user_id);

static KIND: Field = field("kind", &jobs::kind);

/// Returns the jobs that the caller may see: with the permission to update jobs all jobs, otherwise the caller's own.
/// Mail jobs of other users require the permission to read the audit log, because they reveal sign-in activity.
fn visible_to(tx: &Tx<'_>) -> On<jobs::table, Cond> {
    let all = tx.actor.visibility("jobs", Action::Update) == Visibility::All;
    let reads_audit_log = tx.actor.require_read(Kind::AUDIT_EVENT.path()).is_ok();
    let own = || Cond::Is((&USER).into(), Op::Eq, Values::Uuid(vec![tx.actor.user]));
    let mails = [JobKind::Mail, JobKind::Notifications].map(|kind| kind.as_str().to_owned());
    let is_mail = Cond::Is((&KIND).into(), Op::Eq, Values::Text(mails.into()));
    JOB.on(match (all, reads_audit_log) {
        (true, true) => Cond::All(Vec::new()),
        (true, false) => Cond::Any(vec![!is_mail, own()]),
        (false, _) => own(),
    })
}

fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Job> {
    let found = in_workspace(tx.workspace()).filter(jobs::id.eq(id)).filter(visible_to(tx)).select(Job::as_select());
    found.first(tx.conn).optional()?.ok_or_else(Error::not_found)
}

/// List jobs, the latest first.
#[utoipa::path(operation_id = "list_jobs", params(JobList), responses((status = 200, description = "A page of jobs", body = JobPage)))]
#[get("/jobs")]
async fn list(ctx: Ctx<can::Read<Job>>) -> Result<Reply> {
    let (plan, link) = (JOB.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| {
        let seen = visible_to(tx);
        table::page_of::<Job>(tx, &plan, &seen).map(|page| link.answer(page))
    })
    .await
}

/// Get a job and its progress. While it runs, repeat the request after the seconds in `Retry-After`.
#[utoipa::path(operation_id = "get_job", params(("job_id" = Uuid, Path, description = "Id of the job")),
    responses((status = 200, description = "The job", body = Job)))]
#[get("/jobs/{job_id}")]
async fn read(ctx: Ctx<can::Read<Job>>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| {
        let job = find(tx, id.0)?;
        let waiting = matches!(job.status, JobStatus::Queued | JobStatus::Running);
        Ok(Answer::ok(job).retry_after(waiting.then_some(1)))
    })
    .await
}

/// Cancel a job. Changes that it already made remain.
#[utoipa::path(operation_id = "cancel_job", params(("job_id" = Uuid, Path, description = "Id of the job")),
    responses((status = 200, description = "The job, cancelled", body = Job)))]
#[post("/jobs/{job_id}/cancel")]
async fn cancel(ctx: Ctx<can::Update<Job>>, id: Id, key: IdempotencyKey) -> Result<Reply> {
    ctx.once(key, move |tx| {
        let waiting = in_workspace(tx.workspace())
            .filter(jobs::id.eq(id.0))
            .filter(visible_to(tx))
            .filter(jobs::status.eq_any([JobStatus::Queued, JobStatus::Running]));
        let cancelled = diesel::update(waiting)
            .set((jobs::status.eq(JobStatus::Cancelled), jobs::updated_at.eq(tx.now)))
            .returning(Job::as_returning())
            .get_result(tx.conn)
            .optional()?;
        match cancelled {
            Some(job) => {
                worker::on_failure(tx.conn, &job)?;
                Ok(Answer::ok(job))
            }
            None => {
                let job = find(tx, id.0)?;
                Err(Error::new(Code::JobFinished, format!("the job is {}", job.status.as_str())))
            }
        }
    })
    .await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(read).service(cancel);
}
