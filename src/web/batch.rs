//! Many records with one request: each item has its own result, or with `atomic` all go in or none.
use crate::db::tx::Tx;
use crate::kernel::error::{Bad, Code, Error, FieldCode, ProblemBody, Result};
use crate::kernel::kind::Record;
use crate::kernel::shape::{self, Rules, escape};
use crate::web::body;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use utoipa::ToSchema;
use uuid::Uuid;

pub const ITEMS_MAX: usize = 1_000;

/// What came of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchResult {
    pub succeeded: i32,
    pub failed: i32,
    /// One per item, in their order.
    pub results: Vec<BatchItemResult>,
}

/// What came of one item.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchItemResult {
    /// The place of the item, from 0.
    pub index: i32,
    /// None of a creation that was refused, and of an item that could not be read.
    pub id: Option<Uuid>,
    /// As the status of a single request: 200, 201, 204, 404, 409, 412, 422.
    pub status: i32,
    pub version: Option<i64>,
    /// The record was as the item wants it already: its version stays, and no event tells of it.
    pub unchanged: bool,
    #[schema(value_type = Option<ProblemBody>)]
    pub error: Option<Json>,
}

/// A record to delete.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct BatchDeleteItem {
    pub id: Uuid,
    /// As `If-Match`.
    pub version: Option<i64>,
}
impl Rules for BatchDeleteItem {}

/// Records to delete.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "the shape of a body whose items are read one by one")]
pub struct BatchDelete {
    /// All or none. Otherwise each item on its own.
    #[schema(required = false)]
    atomic: bool,
    #[schema(min_items = 1, max_items = 1000)]
    items: Vec<BatchDeleteItem>,
}

/// What happened to one item.
#[derive(Debug)]
pub struct Outcome {
    pub id: Uuid,
    pub version: Option<i64>,
    pub status: i32,
    pub unchanged: bool,
}

impl Outcome {
    pub fn created(row: &impl Record) -> Outcome {
        Outcome { id: row.id(), version: Some(row.version()), status: 201, unchanged: false }
    }

    /// The row as it is now; `before` is what it was when it was locked.
    pub fn changed<R: Record>(before: &R, row: &R) -> Outcome {
        let unchanged = before.version() == row.version();
        Outcome { id: row.id(), version: Some(row.version()), status: 200, unchanged }
    }

    pub fn deleted(id: Uuid) -> Outcome {
        Outcome { id, version: None, status: 204, unchanged: false }
    }
}

/// The items of a batch, each read on its own.
#[derive(Debug)]
pub struct Items<T> {
    atomic: bool,
    items: Vec<Result<T>>,
}

/// How an item is read.
pub trait BatchItem: Sized + 'static {
    fn read(item: Json) -> Result<Self>;

    /// The record that it changes.
    fn target(&self) -> Option<Uuid> {
        None
    }
}

impl BatchItem for BatchDeleteItem {
    fn read(item: Json) -> Result<Self> {
        shape::read(item)
    }

    fn target(&self) -> Option<Uuid> {
        Some(self.id)
    }
}

impl<T: BatchItem> FromRequest for Items<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { Items::new(body::json(&request, payload, body::BATCH_MAX).await?) })
    }
}

impl<T: BatchItem> Items<T> {
    fn new(body: Json) -> Result<Items<T>> {
        let Json::Object(mut members) = body else {
            return Err(Error::member("", FieldCode::InvalidType, "must be an object"));
        };
        let mut bad = Vec::new();
        let atomic = match members.remove("atomic") {
            None | Some(Json::Null) => false,
            Some(Json::Bool(atomic)) => atomic,
            Some(_) => {
                bad.push(Bad::member("/atomic", FieldCode::InvalidType, "must be true or false"));
                false
            }
        };
        let items = match members.remove("items") {
            Some(Json::Array(items)) if (1..=ITEMS_MAX).contains(&items.len()) => items,
            Some(Json::Array(items)) => {
                let code = if items.is_empty() { FieldCode::TooShort } else { FieldCode::TooLong };
                let wrong = Bad::member("/items", code, format!("must have 1 to {ITEMS_MAX} items"));
                bad.push(wrong.within(Some(1), i64::try_from(ITEMS_MAX).ok()));
                Vec::new()
            }
            Some(_) => {
                bad.push(Bad::member("/items", FieldCode::InvalidType, "must be an array"));
                Vec::new()
            }
            None => {
                bad.push(Bad::member("/items", FieldCode::Required, "is missing"));
                Vec::new()
            }
        };
        for name in members.keys() {
            let detail = crate::kernel::error::not_known(name, ["atomic", "items"].into_iter());
            bad.push(Bad::member(format!("/{}", escape(name)), FieldCode::UnknownMember, detail));
        }
        if !bad.is_empty() {
            return Err(Error::members(bad));
        }
        let mut seen = HashSet::new();
        let items = items.into_iter().map(Self::item).map(|item| {
            let item = item?;
            // A second change of the same record would be a change of another version.
            if item.target().is_some_and(|id| !seen.insert(id)) {
                return Err(Error::member("/id", FieldCode::StatedTwice, "is in the batch twice"));
            }
            Ok(item)
        });
        Ok(Items { atomic, items: items.collect() })
    }

    /// The records that the items change.
    pub fn targets(&self) -> Vec<Uuid> {
        self.items.iter().flatten().filter_map(BatchItem::target).collect()
    }

    fn item(item: Json) -> Result<T> {
        if !item.is_object() {
            return Err(Error::member("", FieldCode::InvalidType, "must be an object"));
        }
        T::read(item)
    }

    /// Does the work for all items at once. Where that is refused, it is done item by item, each on its own.
    pub fn run(
        &self,
        tx: &mut Tx<'_>,
        work: impl Fn(&mut Tx<'_>, &[&T]) -> Result<Vec<Outcome>>,
    ) -> Result<BatchResult> {
        let valid: Vec<&T> = self.items.iter().filter_map(|item| item.as_ref().ok()).collect();
        if self.atomic && valid.len() < self.items.len() {
            return Err(self.refused());
        }
        let outcomes: Vec<Result<Outcome>> = match tx.attempt(|tx| work(tx, &valid)) {
            Ok(done) => done.into_iter().map(Ok).collect(),
            Err(Error::Problem(_)) => one_by_one(tx, &valid, work)?,
            Err(fault) => return Err(fault),
        };
        if self.atomic && outcomes.iter().any(Result::is_err) {
            let bad = outcomes.iter().enumerate().filter_map(|(n, outcome)| Some(at_item(n, outcome.as_ref().err()?)));
            return Err(Error::members(bad.flatten().collect()));
        }
        Ok(self.results(outcomes, tx.request_id))
    }

    fn refused(&self) -> Error {
        let bad = self.items.iter().enumerate().filter_map(|(n, item)| Some(at_item(n, item.as_ref().err()?)));
        Error::members(bad.flatten().collect())
    }

    /// The outcomes of the items that could be read, between the refusals of the others.
    fn results(&self, outcomes: Vec<Result<Outcome>>, request_id: &str) -> BatchResult {
        let mut outcomes = outcomes.into_iter();
        let result = |(index, item): (i32, &Result<T>)| {
            let id = item.as_ref().ok().and_then(BatchItem::target);
            let refused = |error: &Error| BatchItemResult {
                index,
                id,
                status: error.code().status().into(),
                version: None,
                unchanged: false,
                error: Some(problem(error, request_id)),
            };
            match (item, item.is_ok().then(|| outcomes.next()).flatten()) {
                (Err(error), _) => refused(error),
                (_, Some(Err(error))) => refused(&error),
                (_, Some(Ok(Outcome { id, version, status, unchanged }))) => {
                    BatchItemResult { index, id: Some(id), status, version, unchanged, error: None }
                }
                (Ok(_), None) => refused(&Error::new(Code::Internal, "the item was not reached")),
            }
        };
        let results: Vec<BatchItemResult> = (0..).zip(&self.items).map(result).collect();
        let count = |good: bool| results.iter().filter(|result| result.error.is_none() == good).count();
        let number = |good| i32::try_from(count(good)).unwrap_or(i32::MAX);
        BatchResult { succeeded: number(true), failed: number(false), results }
    }
}

/// Each item on its own. A refusal is the item's; a fault of the database, such as a deadlock, ends the whole at once.
fn one_by_one<T>(
    tx: &mut Tx<'_>,
    items: &[&T],
    work: impl Fn(&mut Tx<'_>, &[&T]) -> Result<Vec<Outcome>>,
) -> Result<Vec<Result<Outcome>>> {
    let mut outcomes = Vec::with_capacity(items.len());
    for item in items {
        match tx.attempt(|tx| single(work(tx, &[item])?)) {
            Err(fault @ (Error::Sql(_) | Error::Internal(_))) => return Err(fault),
            outcome => outcomes.push(outcome),
        }
    }
    Ok(outcomes)
}

fn single(done: Vec<Outcome>) -> Result<Outcome> {
    done.into_iter().next().ok_or_else(|| Error::internal("one item has one outcome"))
}

fn problem(error: &Error, request_id: &str) -> Json {
    match error {
        Error::Problem(problem) => serde_json::to_value(problem.body(request_id)).unwrap_or_default(),
        Error::Sql(_) | Error::Internal(_) => Json::Null,
    }
}

/// The refusals of one item, with pointers from the top of the body.
fn at_item(index: usize, error: &Error) -> Vec<Bad> {
    let Error::Problem(problem) = error else { return Vec::new() };
    if problem.errors.is_empty() {
        return vec![Bad::member(format!("/items/{index}"), problem.code, problem.detail.clone())];
    }
    let inside = |bad: &Bad| Bad {
        pointer: Some(format!("/items/{index}{}", bad.pointer.as_deref().unwrap_or_default())),
        ..bad.clone()
    };
    problem.errors.iter().map(inside).collect()
}

/// Which items say the same, by their places, each list in order.
pub fn group_equal<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<Vec<usize>> {
    let (mut known, mut groups): (HashMap<&str, usize>, Vec<Vec<usize>>) = (HashMap::new(), Vec::new());
    for (n, text) in texts.enumerate() {
        let group = *known.entry(text).or_insert(groups.len());
        match groups.get_mut(group) {
            Some(group) => group.push(n),
            None => groups.push(vec![n]),
        }
    }
    groups
}

/// The rows that the items of a batch mean, in their order, locked and in the versions that were asked for. A record that is named
/// twice is gone the second time.
#[macro_export]
macro_rules! locked {
    ($tx:expr, $items:expr, $store:ident) => {{
        let ids: Vec<uuid::Uuid> = $items.iter().map(|item| item.id).collect();
        let mut rows = $store::lock_many($tx, &ids)?;
        let mut locked = Vec::with_capacity(ids.len());
        for item in $items {
            let row = rows.remove(&item.id).ok_or_else($crate::kernel::error::Error::not_found)?;
            $crate::db::table::Expected(item.version).check(row.version)?;
            locked.push(row);
        }
        locked
    }};
}

/// The bodies and operations of `batch-create`, `batch-update` and `batch-delete` of one resource.
#[macro_export]
macro_rules! batch {
    (
        $row:ident, $create:ident, $update:ident, $store:ident;
        $creates:ident, $updates:ident, $item:ident;
        $create_path:tt $create_id:tt, $update_path:tt $update_id:tt, $delete_path:tt $delete_id:tt
    ) => {
        impl $crate::web::batch::BatchItem for $create {
            fn read(item: serde_json::Value) -> $crate::kernel::error::Result<Self> {
                $crate::kernel::shape::read(item)
            }
        }

        /// Records to make.
        #[derive(Debug, utoipa::ToSchema)]
        #[expect(dead_code, reason = "the shape of a body whose items are read one by one")]
        pub struct $creates {
            /// All or none. Otherwise each item on its own.
            #[schema(required = false)]
            atomic: bool,
            #[schema(min_items = 1, max_items = 1000)]
            items: Vec<$create>,
        }

        /// A record to change, and how.
        #[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
        pub struct $item {
            pub id: uuid::Uuid,
            /// As `If-Match`.
            pub version: Option<i64>,
            pub changes: $update,
            /// The changes as they were written: those that are alike are made with one statement.
            #[serde(skip)]
            #[schema(ignore)]
            raw_changes: String,
            /// Members that were sent back as they were answered.
            #[serde(skip)]
            #[schema(ignore)]
            read_only: $crate::kernel::read_only::ReadOnlyMembers,
        }

        impl $crate::kernel::shape::Rules for $item {
            fn rules(&self, bad: &mut Vec<$crate::kernel::error::Bad>) {
                let mut inner = Vec::new();
                self.changes.rules(&mut inner);
                bad.extend(inner.into_iter().map(|b| $crate::kernel::error::Bad {
                    pointer: b.pointer.map(|pointer| format!("/changes{pointer}")),
                    ..b
                }));
            }
        }

        impl $crate::web::batch::BatchItem for $item {
            fn read(item: serde_json::Value) -> $crate::kernel::error::Result<Self> {
                let raw_changes = item.get("changes").map(ToString::to_string).unwrap_or_default();
                $crate::kernel::read_only::ReadOnlyMembers::read::<Self, $update>(item, |item| item.get_mut("changes"))
                    .map(|(one, read_only)| $item { raw_changes, read_only, ..one })
            }

            fn target(&self) -> Option<uuid::Uuid> {
                Some(self.id)
            }
        }

        /// Records to change.
        #[derive(Debug, utoipa::ToSchema)]
        #[expect(dead_code, reason = "the shape of a body whose items are read one by one")]
        pub struct $updates {
            /// All or none. Otherwise each item on its own.
            #[schema(required = false)]
            atomic: bool,
            #[schema(min_items = 1, max_items = 1000)]
            items: Vec<$item>,
        }

        /// Create up to 1,000 records. Each item has its own result, or with `atomic` all are made or none.
        #[utoipa::path(operation_id = $create_id, request_body = $creates,
            responses((status = 200, description = "What came of each item", body = $crate::web::batch::BatchResult)))]
        #[post($create_path)]
        async fn batch_create(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::actor::can::Create<$row>>,
            items: $crate::web::batch::Items<$create>,
        ) -> $crate::kernel::error::Result<$crate::kernel::reply::Reply> {
            ctx.write(move |tx| {
                let done = items.run(tx, |tx, chosen| {
                    let rows = $store::insert_many(tx, chosen)?;
                    Ok(rows.iter().map($crate::web::batch::Outcome::created).collect())
                })?;
                $crate::kernel::reply::Reply::ok(&done)
            })
            .await
        }

        /// Change up to 1,000 records. Each item has its own result, or with `atomic` all are changed or none.
        #[utoipa::path(operation_id = $update_id, request_body = $updates,
            responses((status = 200, description = "What came of each item", body = $crate::web::batch::BatchResult)))]
        #[post($update_path)]
        async fn batch_update(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::actor::can::Update<$row>>,
            items: $crate::web::batch::Items<$item>,
        ) -> $crate::kernel::error::Result<$crate::kernel::reply::Reply> {
            ctx.write(move |tx| {
                $store::lock_ids(tx, &items.targets())?;
                let done = items.run(tx, |tx, chosen| {
                    let rows = $crate::locked!(tx, chosen, $store);
                    let equal = $crate::web::batch::group_equal(chosen.iter().map(|item| item.raw_changes.as_str()));
                    let changes = |group: &Vec<usize>| group.first().and_then(|n| chosen.get(*n)).map(|item| &item.changes);
                    let before = |group: &Vec<usize>| group.iter().filter_map(|n| rows.get(*n)).collect();
                    let groups: Vec<$crate::db::updates::Group<'_, $row, _>> =
                        equal.iter().filter_map(|group| Some((before(group), changes(group)?))).collect();
                    let changed = $store::change_each(tx, &groups)?;
                    let mut changed: Vec<_> = equal.iter().flatten().zip(&changed).collect();
                    changed.sort_by_key(|(n, _)| **n);
                    for ((item, before), (_, after)) in chosen.iter().zip(&rows).zip(&changed) {
                        let before_changes = item.read_only.require_unchanged_row(before, *after, &tx.actor.access);
                        before_changes.map_err(|error| error.under("/changes"))?;
                    }
                    let done = rows.iter().zip(changed).map(|(before, (_, after))| $crate::web::batch::Outcome::changed(before, after));
                    Ok(done.collect())
                })?;
                $crate::kernel::reply::Reply::ok(&done)
            })
            .await
        }

        /// Delete up to 1,000 records. Each item has its own result, or with `atomic` all are deleted or none.
        #[utoipa::path(operation_id = $delete_id, request_body = $crate::web::batch::BatchDelete,
            responses((status = 200, description = "What came of each item", body = $crate::web::batch::BatchResult)))]
        #[post($delete_path)]
        async fn batch_delete(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::actor::can::Delete<$row>>,
            items: $crate::web::batch::Items<$crate::web::batch::BatchDeleteItem>,
        ) -> $crate::kernel::error::Result<$crate::kernel::reply::Reply> {
            ctx.write(move |tx| {
                $store::lock_ids(tx, &items.targets())?;
                let done = items.run(tx, |tx, chosen| {
                    let rows = $crate::locked!(tx, chosen, $store);
                    $store::delete_many(tx, &rows)?;
                    Ok(rows.iter().map(|row| $crate::web::batch::Outcome::deleted(row.id)).collect())
                })?;
                $crate::kernel::reply::Reply::ok(&done)
            })
            .await
        }
    };
}
