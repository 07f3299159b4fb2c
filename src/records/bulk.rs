//! One change for all records of a selection, as a job: what is asked, and the operations of a resource.
use crate::db::queue::{self, Job, JobKind, JobResult, JobStatus};
use crate::db::tx::Tx;
use crate::kernel::error::{Error, FieldCode, Result};
use crate::kernel::query::RecordRef;
use crate::kernel::reply::Reply;
use crate::kernel::selection::RecordSelection;
use crate::kernel::time::DateTime;
use crate::records::saved_conditions::{Promise, SavedConditions};
use crate::text_enum;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;
use uuid::Uuid;

/// The kind of the job that does it.
pub const JOB: JobKind = JobKind::Bulk;

text_enum! {
    pub enum BulkAction { Update = "update", Delete = "delete", Erase = "erase", }
}

/// What the job is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BulkArgs {
    /// As in `/api/v1/deals`.
    pub resource: String,
    pub action: BulkAction,
    pub selection: RecordSelection,
    /// What its view and its segment mean.
    #[serde(default)]
    pub promise: Promise,
    /// The body of a change.
    pub changes: Json,
    /// Of an erasure: why, and the rule that asks for it.
    pub reason: Option<String>,
    pub rule: Option<Uuid>,
}

/// How many records an answer shows of those that are chosen.
pub const PREVIEW_MAX: i64 = 20;

/// Work on many records: its job, and what it will touch. A dry run makes no job: the id is all zeros, and nothing is kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkJob {
    pub id: Uuid,
    pub kind: String,
    pub status: JobStatus,
    pub dry_run: bool,
    /// How many records are chosen.
    pub total: i64,
    /// The first 20 of them, in the order in which they are worked on.
    pub first: Vec<RecordRef>,
    pub done: i64,
    pub error: Option<String>,
    pub result: Option<JobResult>,
    pub created_at: DateTime,
    pub updated_at: DateTime,
}

/// What a selection chooses of the records that the caller sees.
#[derive(Debug)]
pub struct BulkPreview {
    pub matching: i64,
    pub first: Vec<RecordRef>,
    /// Whether it says which records it is about, or leaves one out.
    pub restricts: bool,
}

impl BulkPreview {
    /// Why it is refused: a selection that leaves no record out must say that it may.
    pub fn unrestricted(&self, selection: &RecordSelection, resource: &str) -> Option<String> {
        let all = !self.restricts && !selection.everything && self.matching > 0;
        let count = self.matching;
        all.then(|| {
            format!("chooses all {count} {resource} that you can reach; if that is meant, add \"everything\": true")
        })
    }

    pub fn require_restricted(&self, selection: &RecordSelection, resource: &str) -> Result<()> {
        match self.unrestricted(selection, resource) {
            Some(why) => Err(Error::member("/selection", FieldCode::MatchesEverything, why)),
            None => Ok(()),
        }
    }
}

/// Counts the records of a table that the caller sees and that meet a condition, `$these`; whether it restricts is asked of `$cond`, the part
/// of it that the caller wrote.
#[macro_export]
macro_rules! bulk_preview {
    ($tx:expr, $table:ident, $fields:expr, $cond:expr, $these:expr) => {{
        let (tx, cond, these): (&mut $crate::db::tx::Tx<'_>, $crate::kernel::cond::Cond, $crate::kernel::cond::Cond) =
            ($tx, $cond, $these);
        let (actor, workspace, kind) = (tx.actor, tx.workspace(), $fields.kind);
        let reached = |cond| {
            let seen = $crate::db::visibility::visibility_filter::<$table::table>(
                actor,
                kind,
                $crate::kernel::actor::Action::Read,
            );
            let own = $table::table.filter($table::workspace_id.eq(workspace)).filter($table::deleted_at.is_null());
            own.filter(seen).filter($fields.on(cond))
        };
        let matching: i64 = reached(these.clone()).count().get_result(tx.conn)?;
        let ids = reached(these).order($table::id).limit($crate::records::bulk::PREVIEW_MAX).select($table::id);
        let ids: Vec<uuid::Uuid> = ids.load(tx.conn)?;
        let mut first = $crate::db::refs::names(tx, kind, &ids)?;
        first.sort_by_key(|record| record.id);
        let named = cond.names_values();
        let restricts = named || reached(!cond).select($table::id).first::<uuid::Uuid>(tx.conn).optional()?.is_some();
        $crate::records::bulk::BulkPreview { matching, first, restricts }
    }};
}

/// What work would do, without doing it.
pub fn dry_run_reply(tx: &Tx<'_>, preview: BulkPreview) -> Result<Reply> {
    Reply::ok(&BulkJob {
        id: Uuid::nil(),
        kind: JOB.as_str().into(),
        status: JobStatus::Succeeded,
        dry_run: true,
        total: preview.matching,
        first: preview.first,
        done: 0,
        error: None,
        result: None,
        created_at: tx.now,
        updated_at: tx.now,
    })
}

/// Queues the work, and says what it will touch. The conditions of its view and segment are written out: who changes these does not decide
/// what is done.
pub fn enqueue(tx: &mut Tx<'_>, args: &BulkArgs, preview: BulkPreview, saved: SavedConditions) -> Result<Reply> {
    let args = BulkArgs { promise: Promise::Written(saved), ..args.clone() };
    let args = serde_json::to_value(args).map_err(Error::internal)?;
    let job: Job = queue::enqueue(tx, JOB, &args, Some(preview.matching))?;
    let accepted = Reply::accepted(&job)?;
    let shown = Reply::ok(&BulkJob {
        id: job.id,
        kind: job.kind,
        status: job.status,
        dry_run: false,
        total: preview.matching,
        first: preview.first,
        done: job.done,
        error: job.error,
        result: job.result,
        created_at: job.created_at,
        updated_at: job.updated_at,
    })?;
    Ok(Reply { body: shown.body, ..accepted })
}

/// `bulk-update` and `bulk-delete` of one resource.
#[macro_export]
macro_rules! bulk {
    (
        $table:ident, $row:ident, $fields:ident, $update:ident, $name:ident;
        $resource:tt, $update_path:tt $update_id:tt, $delete_path:tt $delete_id:tt
    ) => {
        /// Which records to change, and how.
        #[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
        pub struct $name {
            pub selection: $crate::kernel::selection::RecordSelection,
            #[schema(value_type = $update)]
            pub changes: serde_json::Value,
            /// Only count the records and show the first.
            #[serde(default)]
            pub dry_run: bool,
        }

        impl $crate::kernel::shape::Rules for $name {
            fn rules(&self, bad: &mut Vec<$crate::kernel::error::Bad>) {
                self.selection.require_selection(bad);
                // The job reads the changes again; what is wrong with them is said now.
                if let Err($crate::kernel::error::Error::Problem(problem)) =
                    $crate::kernel::shape::read::<$update>(self.changes.clone())
                {
                    bad.extend($crate::records::saved_conditions::prefix_pointers("/changes", problem.errors));
                }
            }
        }

        fn bulk_args(
            action: $crate::records::bulk::BulkAction,
            selection: &$crate::kernel::selection::RecordSelection,
            changes: &serde_json::Value,
        ) -> $crate::records::bulk::BulkArgs {
            $crate::records::bulk::BulkArgs {
                resource: $resource.into(),
                action,
                selection: selection.clone(),
                promise: $crate::records::saved_conditions::Promise::Now,
                changes: changes.clone(),
                reason: None,
                rule: None,
            }
        }

        fn bulk_preview(
            tx: &mut $crate::db::tx::Tx<'_>,
            selection: &$crate::kernel::selection::RecordSelection,
        ) -> $crate::kernel::error::Result<($crate::records::bulk::BulkPreview, $crate::records::saved_conditions::SavedConditions)> {
            use $crate::schema::$table as records;
            use diesel::prelude::*;
            let saved = $crate::records::saved_conditions::read(tx, $fields.kind, selection)?;
            let cond = $crate::records::saved_conditions::condition(tx, &$fields, selection, &saved)?;
            let preview = $crate::bulk_preview!(tx, records, $fields, cond.clone(), cond);
            preview.require_restricted(selection, $resource)?;
            Ok((preview, saved))
        }

        async fn bulk_run<P: $crate::kernel::actor::Permission>(
            ctx: $crate::web::ctx::Ctx<P>,
            args: $crate::records::bulk::BulkArgs,
            dry_run: bool,
        ) -> $crate::kernel::error::Result<$crate::kernel::reply::Reply> {
            if dry_run {
                let rehearsal = move |tx: &mut $crate::db::tx::Tx<'_>| {
                    let (preview, _) = bulk_preview(tx, &args.selection)?;
                    $crate::records::bulk::dry_run_reply(tx, preview)
                };
                return ctx.read(rehearsal).await;
            }
            ctx.write(move |tx| {
                let (preview, saved) = bulk_preview(tx, &args.selection)?;
                $crate::records::bulk::enqueue(tx, &args, preview, saved)
            })
            .await
        }

        /// Change all records of a selection in the background. The answer says how many and shows the first; the job says how far it is, and
        /// what came of it. With `dry_run` nothing is changed.
        #[utoipa::path(operation_id = $update_id, request_body = $name,
                    responses((status = 200, description = "With dry_run: what it would touch", body = $crate::records::bulk::BulkJob),
                        (status = 202, description = "The job that does it", body = $crate::records::bulk::BulkJob)))]
        #[post($update_path)]
        async fn bulk_update(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::actor::can::Update<$row>>,
            asked: $crate::web::body::Valid<$name>,
        ) -> $crate::kernel::error::Result<$crate::kernel::reply::Reply> {
            let args = bulk_args($crate::records::bulk::BulkAction::Update, &asked.selection, &asked.changes);
            bulk_run(ctx, args, asked.dry_run).await
        }

        /// Delete all records of a selection in the background. The answer says how many and shows the first; the job says how far it is, and
        /// what came of it. With `dry_run` nothing is deleted.
        #[utoipa::path(operation_id = $delete_id, request_body = $crate::kernel::selection::BulkDelete,
                    responses((status = 200, description = "With dry_run: what it would touch", body = $crate::records::bulk::BulkJob),
                        (status = 202, description = "The job that does it", body = $crate::records::bulk::BulkJob)))]
        #[post($delete_path)]
        async fn bulk_delete(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::actor::can::Delete<$row>>,
            asked: $crate::web::body::Valid<$crate::kernel::selection::BulkDelete>,
        ) -> $crate::kernel::error::Result<$crate::kernel::reply::Reply> {
            let nothing = serde_json::Value::Null;
            let args = bulk_args($crate::records::bulk::BulkAction::Delete, &asked.selection, &nothing);
            bulk_run(ctx, args, asked.dry_run).await
        }
    };
}
