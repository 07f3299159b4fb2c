//! Bulk operations: one change for all records of a selection, as a job.
use crate::db::queue::{self, Job, JobKind, JobResult, JobStatus};
use crate::db::rows::Rows;
use crate::db::store::BatchStore;
use crate::db::tx::Tx;
use crate::db::{refs, visibility};
use crate::kernel::access::grants::Action;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::{Permission, can};
use crate::kernel::answers::included::RecordRef;
use crate::kernel::answers::named_schema::{collect, reference};
use crate::kernel::answers::reply::{Answer, Reply, location};
use crate::kernel::bodies::shape::{self, Rules};
use crate::kernel::error::{Error, FieldCode, FieldError, Result};
use crate::kernel::fields::cond::{Cond, Op};
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::selection::{BulkDelete, RecordSelection};
use crate::kernel::values::time::DateTime;
use crate::kernel::values::typed::Values;
use crate::records::saved_conditions::{self, PinnedConditions, SavedConditions};
use crate::text_enum;
use crate::web::body::Valid;
use crate::web::ctx::Ctx;
use crate::web::headers::IdempotencyKey;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::OnceLock;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

/// The kind of the job.
pub const JOB: JobKind = JobKind::Bulk;

text_enum! {
    pub enum BulkAction { Update = "update", Delete = "delete", Erase = "erase", }
}

/// The arguments of the job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BulkArgs {
    /// The path of the resource, such as `deals`.
    pub resource: String,
    pub action: BulkAction,
    pub selection: RecordSelection,
    /// Which version of its view and its segment applies.
    #[serde(default, alias = "promise")]
    pub pinned: PinnedConditions,
    /// The body of an update.
    pub changes: Json,
    /// For an erasure, the reason and the retention rule.
    pub reason: Option<String>,
    pub rule: Option<Uuid>,
}

impl BulkArgs {
    /// A bulk operation that a caller requests.
    fn new<R: BatchStore>(action: BulkAction, selection: &RecordSelection, changes: Json) -> BulkArgs {
        BulkArgs {
            resource: R::KIND.path().into(),
            action,
            selection: selection.clone(),
            pinned: PinnedConditions::Current,
            changes,
            reason: None,
            rule: None,
        }
    }
}

/// Maximum records in a preview.
pub const PREVIEW_MAX: i64 = 20;

/// A bulk operation: its job and the selected records. A dry run creates no job; its id consists of zeros.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkJob {
    pub id: Uuid,
    pub kind: String,
    pub status: JobStatus,
    pub dry_run: bool,
    /// The number of selected records.
    pub total: i64,
    /// The first 20 selected records, in the order in which the job processes them.
    pub first: Vec<RecordRef>,
    pub done: i64,
    pub error: Option<String>,
    pub result: Option<JobResult>,
    pub created_at: DateTime,
    pub updated_at: DateTime,
}
impl NothingHidden for BulkJob {}

/// The records of a selection that the caller sees.
#[derive(Debug)]
pub struct BulkPreview {
    pub matching: i64,
    pub first: Vec<RecordRef>,
    /// Whether the selection names records or leaves at least one out.
    pub restricts: bool,
}

impl BulkPreview {
    /// Explains why a selection that leaves no record out is refused unless it sets `everything`.
    pub fn unrestricted(&self, selection: &RecordSelection, resource: &str) -> Option<String> {
        let all = !self.restricts && !selection.everything && self.matching > 0;
        let count = self.matching;
        all.then(|| {
            format!("selects all {count} {resource} that you see; if this is intended, add \"everything\": true")
        })
    }

    pub fn require_restricted(&self, selection: &RecordSelection, resource: &str) -> Result<()> {
        match self.unrestricted(selection, resource) {
            Some(why) => Err(Error::member("/selection", FieldCode::MatchesEverything, why)),
            None => Ok(()),
        }
    }
}

/// Counts the records of a kind that the caller sees and that match `these`. `cond` is the part of it that the caller wrote; it
/// determines whether the selection restricts the records.
pub fn preview(tx: &mut Tx<'_>, kind: Kind, cond: Cond, these: &Cond) -> Result<BulkPreview> {
    let seen = visibility::cond(tx.actor, kind, Action::Read);
    let matching = reachable(tx, kind, &seen, these).count(tx.conn)?;
    let ids = reachable(tx, kind, &seen, these).order_by_id().limit(PREVIEW_MAX).ids(tx.conn)?;
    let mut first = refs::names(tx, kind, &ids)?;
    first.sort_by_key(|record| record.id);
    let named = cond.names_values();
    let others = !cond;
    let restricts = named || !reachable(tx, kind, &seen, &others).limit(1).ids(tx.conn)?.is_empty();
    Ok(BulkPreview { matching, first, restricts })
}

fn reachable<'c>(tx: &Tx<'_>, kind: Kind, seen: &'c Cond, cond: &'c Cond) -> Rows<'c> {
    Rows::of(kind.table(), tx.workspace()).without_deleted().filter(seen).filter(cond)
}

/// What bulk operations need of a resource, without its type.
pub trait BulkStore: Sync {
    fn kind(&self) -> Kind;

    /// Returns the condition of a selection with its view and segment.
    fn condition(&self, tx: &Tx<'_>, selection: &RecordSelection, saved: &SavedConditions) -> Result<Cond>;

    /// Returns the condition of a selection whose view and segment were fixed when the job was created.
    fn pinned_cond(&self, tx: &mut Tx<'_>, selection: &RecordSelection, pinned: &PinnedConditions) -> Result<Cond>;

    /// Returns the condition on records that existed at an instant and whose id follows another one.
    fn older_than(&self, instant: DateTime, after: Uuid) -> Result<Cond>;

    /// Makes the same change to records and returns the number of unchanged ones.
    fn update(&self, tx: &mut Tx<'_>, ids: &[Uuid], changes: Json) -> Result<i64>;

    fn delete(&self, tx: &mut Tx<'_>, ids: &[Uuid]) -> Result<()>;
}

struct Bulk<R>(PhantomData<fn() -> R>);

/// Returns the bulk operations of a resource.
pub const fn of<R: BatchStore>() -> &'static dyn BulkStore {
    &Bulk(PhantomData::<fn() -> R>)
}

impl<R: BatchStore> BulkStore for Bulk<R> {
    fn kind(&self) -> Kind {
        R::KIND
    }

    fn condition(&self, tx: &Tx<'_>, selection: &RecordSelection, saved: &SavedConditions) -> Result<Cond> {
        saved_conditions::condition(tx, R::FIELDS, selection, saved)
    }

    fn pinned_cond(&self, tx: &mut Tx<'_>, selection: &RecordSelection, pinned: &PinnedConditions) -> Result<Cond> {
        saved_conditions::pinned_plan(tx, R::FIELDS, selection, pinned)
    }

    fn older_than(&self, instant: DateTime, after: Uuid) -> Result<Cond> {
        let created = R::FIELDS.get("created_at").ok_or_else(|| Error::internal("no created_at"))?;
        Ok(Cond::All(vec![
            Cond::Is(created.into(), Op::Lte, Values::Time(vec![instant])),
            Cond::Is((&R::FIELDS.id).into(), Op::Gt, Values::Uuid(vec![after])),
        ]))
    }

    fn update(&self, tx: &mut Tx<'_>, ids: &[Uuid], changes: Json) -> Result<i64> {
        let changes: R::Update = shape::read(changes)?;
        let rows = R::lock_many(tx, ids)?;
        let rows: Vec<&R> = ids.iter().filter_map(|id| rows.get(id)).collect();
        let changed = R::change_each(tx, &[(rows.clone(), &changes)])?;
        let same = rows.iter().zip(&changed).filter(|(before, after)| before.version() == after.version());
        i64::try_from(same.count()).map_err(Error::internal)
    }

    fn delete(&self, tx: &mut Tx<'_>, ids: &[Uuid]) -> Result<()> {
        let mut rows = R::lock_many(tx, ids)?;
        let rows: Vec<R> = ids.iter().filter_map(|id| rows.remove(id)).collect();
        R::delete_many(tx, &rows)
    }
}

static STORES: OnceLock<&'static [&'static dyn BulkStore]> = OnceLock::new();

/// Registers the resources that have bulk operations. Called once, before the first request.
pub fn install(stores: &'static [&'static dyn BulkStore]) {
    STORES.get_or_init(|| stores);
}

/// Returns the bulk operations of the resource with this name.
pub fn named(resource: &str) -> Result<&'static dyn BulkStore> {
    let mut stores = STORES.get().copied().unwrap_or_default().iter();
    let found = stores.find(|store| store.kind().path() == resource).copied();
    found.ok_or_else(|| Error::internal(format!("bulk operations do not support {resource}")))
}

/// Returns the answer of a dry run.
pub fn dry_run_answer(tx: &Tx<'_>, preview: BulkPreview) -> Answer {
    Answer::ok(BulkJob {
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

/// Queues the job and returns its preview. The job stores the conditions of its view and segment, so that later changes
/// of these have no effect.
pub fn enqueue(tx: &mut Tx<'_>, args: &BulkArgs, preview: BulkPreview, saved: SavedConditions) -> Result<Answer> {
    let args = BulkArgs { pinned: PinnedConditions::Copy(saved), ..args.clone() };
    let args = serde_json::to_value(args).map_err(Error::internal)?;
    let job: Job = queue::enqueue(tx, JOB, &args, Some(preview.matching))?;
    let location = location(&job);
    let shown = BulkJob {
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
    };
    Ok(Answer::ok(shown).accepted_at(location))
}

/// The records to change, and the changes.
#[derive(Debug, Deserialize)]
#[serde(bound = "")]
pub struct BulkUpdate<R: BatchStore> {
    selection: RecordSelection,
    changes: Json,
    #[serde(default)]
    dry_run: bool,
    #[serde(skip)]
    resource: PhantomData<fn() -> R>,
}

impl<R: BatchStore> Rules for BulkUpdate<R> {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        self.selection.require_selection(bad);
        // The job parses the changes again. Parsing them here reports errors in the response.
        if let Err(Error::Problem(problem)) = shape::read::<R::Update>(self.changes.clone()) {
            bad.extend(saved_conditions::prefix_pointers("/changes", problem.errors));
        }
    }
}

impl<R: BatchStore> ToSchema for BulkUpdate<R> {
    fn name() -> Cow<'static, str> {
        format!("{}BulkUpdate", R::KIND.type_name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        collect::<RecordSelection>(schemas);
        collect::<R::Update>(schemas);
    }
}

impl<R: BatchStore> PartialSchema for BulkUpdate<R> {
    fn schema() -> RefOr<Schema> {
        let dry_run = ObjectBuilder::new().schema_type(Type::Boolean);
        let dry_run = dry_run.description(Some(
            "If true, nothing is changed: the response contains the number of records and the first of them.",
        ));
        let body = ObjectBuilder::new()
            .property("selection", reference::<RecordSelection>())
            .property("changes", reference::<R::Update>())
            .property("dry_run", dry_run);
        let body = body.required("selection").required("changes");
        body.description(Some("The records to change, and the changes.")).into()
    }
}

/// Changes all records of a selection.
pub async fn update<R: BatchStore>(
    ctx: Ctx<can::Update<R>>,
    key: IdempotencyKey,
    asked: Valid<BulkUpdate<R>>,
) -> Result<Reply> {
    let args = BulkArgs::new::<R>(BulkAction::Update, &asked.selection, asked.changes.clone());
    run(ctx, key, of::<R>(), args, asked.dry_run).await
}

/// Deletes all records of a selection.
pub async fn delete<R: BatchStore>(
    ctx: Ctx<can::Delete<R>>,
    key: IdempotencyKey,
    asked: Valid<BulkDelete>,
) -> Result<Reply> {
    let args = BulkArgs::new::<R>(BulkAction::Delete, &asked.selection, Json::Null);
    run(ctx, key, of::<R>(), args, asked.dry_run).await
}

async fn run<P: Permission>(
    ctx: Ctx<P>,
    key: IdempotencyKey,
    store: &'static dyn BulkStore,
    args: BulkArgs,
    dry_run: bool,
) -> Result<Reply> {
    if dry_run {
        return ctx
            .read(move |tx| {
                let (preview, _) = choose(tx, store, &args.selection)?;
                Ok(dry_run_answer(tx, preview))
            })
            .await;
    }
    ctx.once(key, move |tx| {
        let (preview, saved) = choose(tx, store, &args.selection)?;
        enqueue(tx, &args, preview, saved)
    })
    .await
}

/// Returns the records of a selection, and the conditions of its view and segment.
fn choose(
    tx: &mut Tx<'_>,
    store: &dyn BulkStore,
    selection: &RecordSelection,
) -> Result<(BulkPreview, SavedConditions)> {
    let kind = store.kind();
    let saved = saved_conditions::read(tx, kind, selection)?;
    let cond = store.condition(tx, selection, &saved)?;
    let preview = preview(tx, kind, cond.clone(), &cond)?;
    preview.require_restricted(selection, kind.path())?;
    Ok((preview, saved))
}

/// Defines the operation `POST /…/bulk-update` of one resource, and the name of its body.
#[macro_export]
macro_rules! bulk_update {
    ($row:ident, $body:ident, $path:tt $id:tt) => {
        pub type $body = $crate::records::bulk::BulkUpdate<$row>;

        /// Change all records of a selection in the background.
        ///
        /// The response contains the number of records and the first of them; the job reports progress and results.
        /// With `dry_run` nothing is changed.
        #[utoipa::path(operation_id = $id, request_body = $body,
            responses((status = 200, description = "With dry_run: the selected records", body = $crate::records::bulk::BulkJob),
                (status = 202, description = "The job", body = $crate::records::bulk::BulkJob)))]
        #[post($path)]
        async fn bulk_update(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::access::permission::can::Update<$row>>,
            key: $crate::web::headers::IdempotencyKey,
            asked: $crate::web::body::Valid<$body>,
        ) -> $crate::kernel::error::Result<$crate::kernel::answers::reply::Reply> {
            $crate::records::bulk::update(ctx, key, asked).await
        }
    };
}

/// Defines the operation `POST /…/bulk-delete` of one resource.
#[macro_export]
macro_rules! bulk_delete {
    ($row:ident, $path:tt $id:tt) => {
        /// Delete all records of a selection in the background.
        ///
        /// The response contains the number of records and the first of them; the job reports progress and results.
        /// With `dry_run` nothing is deleted.
        #[utoipa::path(operation_id = $id, request_body = $crate::kernel::query::selection::BulkDelete,
            responses((status = 200, description = "With dry_run: the selected records", body = $crate::records::bulk::BulkJob),
                (status = 202, description = "The job", body = $crate::records::bulk::BulkJob)))]
        #[post($path)]
        async fn bulk_delete(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::access::permission::can::Delete<$row>>,
            key: $crate::web::headers::IdempotencyKey,
            asked: $crate::web::body::Valid<$crate::kernel::query::selection::BulkDelete>,
        ) -> $crate::kernel::error::Result<$crate::kernel::answers::reply::Reply> {
            $crate::records::bulk::delete(ctx, key, asked).await
        }
    };
}
