//! The operations on jobs.
use crate::db::queue::{Job, JobKind, JobStatus};
use crate::db::tx::Tx;
use crate::jobs::worker;
use crate::kernel::access::Visibility;
use crate::kernel::actor::{Action, can};
use crate::kernel::cond::{Cond, Op};
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::field::{Field, Fields, Values, field};
use crate::kernel::kind::Kind;
use crate::kernel::on::On;
use crate::kernel::reply::Reply;
use crate::schema::jobs;
use crate::web::ctx::{Ctx, Id};
use crate::{list, list_params, page};
use actix_web::{get, post};
use diesel::prelude::*;
use std::marker::PhantomData;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

page!(JobPage of Job);

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
    links: &[],
    table: PhantomData,
};
list_params!(JobList, JOB.parameters());

#[diesel::dsl::auto_type(no_type_alias)]
fn in_workspace(workspace: Uuid) -> _ {
    jobs::table.filter(jobs::workspace_id.eq(workspace))
}

static USER: Field = field("user_id", &jobs::user_id);

static KIND: Field = field("kind", &jobs::kind);

/// Who may change jobs sees everybody's; others their own. That somebody is sent a letter is a matter of how they sign in, and of the audit log.
fn visible_to(tx: &Tx<'_>) -> On<jobs::table, Cond> {
    let all = tx.actor.visibility("jobs", Action::Update) == Visibility::All;
    let audits = tx.actor.require_read(Kind::AUDIT_EVENT.path()).is_ok();
    let own = || Cond::Is((&USER).into(), Op::Eq, Values::Uuid(vec![tx.actor.user]));
    let letter = Cond::Is((&KIND).into(), Op::Eq, Values::Text(vec![JobKind::Letter.as_str().into()]));
    JOB.on(match (all, audits) {
        (true, true) => Cond::All(Vec::new()),
        (true, false) => Cond::Any(vec![!letter, own()]),
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
        let page = list!(tx, jobs, Job, &plan => JobPage);
        link.reply(&page.page, &page)
    })
    .await
}

/// Get a job and how far it is. While it runs, ask again after `Retry-After` seconds.
#[utoipa::path(operation_id = "get_job", params(("job_id" = Uuid, Path, description = "Id of the job")),
    responses((status = 200, description = "The job", body = Job)))]
#[get("/jobs/{job_id}")]
async fn read(ctx: Ctx<can::Read<Job>>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| {
        let job = find(tx, id.0)?;
        let waiting = matches!(job.status, JobStatus::Queued | JobStatus::Running);
        Ok(Reply { retry_after: waiting.then_some(1), ..Reply::ok(&job)? })
    })
    .await
}

/// Cancel a job. What it has done stays done.
#[utoipa::path(operation_id = "cancel_job", params(("job_id" = Uuid, Path, description = "Id of the job")),
    responses((status = 200, description = "The job, cancelled", body = Job)))]
#[post("/jobs/{job_id}/cancel")]
async fn cancel(ctx: Ctx<can::Update<Job>>, id: Id) -> Result<Reply> {
    ctx.write(move |tx| {
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
                Reply::ok(&job)
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
