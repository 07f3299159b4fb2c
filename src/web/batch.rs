//! Batches: each item has its own result, or with `atomic` all items succeed or none.
use crate::db::store::BatchStore;
use crate::db::table::{Expected, Stored};
use crate::db::tx::Tx;
use crate::db::updates::Group;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::access::record::Record;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::{Code, Error, FieldCode, FieldError, ProblemBody, Result, escape};
use crate::web::batch_body::{BatchDeleteItem, BatchItem, ITEMS_MAX, NewItem, UpdateItem};
use crate::web::body;
use crate::web::ctx::Ctx;
use crate::web::headers::IdempotencyKey;
use crate::web::signature::{self, Part};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use utoipa::ToSchema;
use uuid::Uuid;

/// The result of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchResult {
    pub succeeded: i32,
    pub failed: i32,
    /// One result per item, in the order of the items.
    pub results: Vec<BatchItemResult>,
}
impl NothingHidden for BatchResult {}

/// The result of one item.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchItemResult {
    /// The index of the item, starting at 0.
    pub index: i32,
    /// The id of the record; null if a creation was refused or the item is not valid.
    pub id: Option<Uuid>,
    /// The status that a single request would have: 200, 201, 204, 404, 409, 412, 422.
    pub status: i32,
    pub version: Option<i64>,
    /// Whether the record already had the requested values. Its version stays, and no event is recorded.
    pub unchanged: bool,
    #[schema(value_type = Option<ProblemBody>)]
    pub error: Option<Json>,
}

/// The outcome of one item.
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

    /// Compares the row with `before`, the row when it was locked.
    pub fn changed<R: Record>(before: &R, row: &R) -> Outcome {
        let unchanged = before.version() == row.version();
        Outcome { id: row.id(), version: Some(row.version()), status: 200, unchanged }
    }

    pub fn deleted(id: Uuid) -> Outcome {
        Outcome { id, version: None, status: 204, unchanged: false }
    }
}

/// The items of a batch, each parsed on its own.
#[derive(Debug)]
pub struct Items<T> {
    atomic: bool,
    items: Vec<Result<T>>,
}

impl<T: BatchItem> FromRequest for Items<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        signature::takes(request, Part::JsonBody);
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
                bad.push(FieldError::member("/atomic", FieldCode::InvalidType, "must be true or false"));
                false
            }
        };
        let items = match members.remove("items") {
            Some(Json::Array(items)) if (1..=ITEMS_MAX).contains(&items.len()) => items,
            Some(Json::Array(items)) => {
                let code = if items.is_empty() { FieldCode::TooShort } else { FieldCode::TooLong };
                let wrong = FieldError::member("/items", code, format!("must have 1 to {ITEMS_MAX} items"));
                bad.push(wrong.within(Some(1), i64::try_from(ITEMS_MAX).ok()));
                Vec::new()
            }
            Some(_) => {
                bad.push(FieldError::member("/items", FieldCode::InvalidType, "must be an array"));
                Vec::new()
            }
            None => {
                bad.push(FieldError::member("/items", FieldCode::Required, "is required"));
                Vec::new()
            }
        };
        for name in members.keys() {
            let detail = crate::kernel::error::not_known(name, ["atomic", "items"].into_iter());
            bad.push(FieldError::member(format!("/{}", escape(name)), FieldCode::UnknownMember, detail));
        }
        if !bad.is_empty() {
            return Err(Error::members(bad));
        }
        let mut seen = HashSet::new();
        let items = items.into_iter().map(Self::item).map(|item| {
            let item = item?;
            // A second change to the same record would need the version after the first.
            if item.target().is_some_and(|id| !seen.insert(id)) {
                return Err(Error::member("/id", FieldCode::StatedTwice, "must not occur twice in the batch"));
            }
            Ok(item)
        });
        Ok(Items { atomic, items: items.collect() })
    }

    /// Returns the ids of the records that the items change.
    /// Returns the items that passed the schema.
    pub fn valid(&self) -> impl Iterator<Item = &T> {
        self.items.iter().flatten()
    }

    pub fn targets(&self) -> Vec<Uuid> {
        self.items.iter().flatten().filter_map(BatchItem::target).collect()
    }

    fn item(item: Json) -> Result<T> {
        if !item.is_object() {
            return Err(Error::member("", FieldCode::InvalidType, "must be an object"));
        }
        T::read(item)
    }

    /// Processes all items at once. If that is refused, processes each item on its own.
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

    /// Merges the outcomes of the valid items with the errors of the others.
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
                (Ok(_), None) => refused(&Error::new(Code::Internal, "the item was not processed")),
            }
        };
        let results: Vec<BatchItemResult> = (0..).zip(&self.items).map(result).collect();
        let count = |good: bool| results.iter().filter(|result| result.error.is_none() == good).count();
        let number = |good| i32::try_from(count(good)).unwrap_or(i32::MAX);
        BatchResult { succeeded: number(true), failed: number(false), results }
    }
}

/// Processes each item on its own. A refusal affects only the item; a database error, such as a deadlock, ends the
/// batch.
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
    done.into_iter().next().ok_or_else(|| Error::internal("an item must have exactly one outcome"))
}

fn problem(error: &Error, request_id: &str) -> Json {
    match error {
        Error::Problem(problem) => serde_json::to_value(problem.body(request_id)).unwrap_or_default(),
        Error::Sql(_) | Error::Internal(_) => Json::Null,
    }
}

/// Returns the errors of one item, with pointers from the root of the body.
fn at_item(index: usize, error: &Error) -> Vec<FieldError> {
    let Error::Problem(problem) = error else { return Vec::new() };
    if problem.errors.is_empty() {
        return vec![FieldError::member(format!("/items/{index}"), problem.code, problem.detail.clone())];
    }
    let inside = |bad: &FieldError| FieldError {
        pointer: Some(format!("/items/{index}{}", bad.pointer.as_deref().unwrap_or_default())),
        ..bad.clone()
    };
    problem.errors.iter().map(inside).collect()
}

/// Groups the indexes of equal texts, each group in order.
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

/// Locks the rows of the items, in their order, and checks the expected versions. A record that occurs twice is not
/// found the second time.
fn lock_named<R: Stored>(tx: &mut Tx<'_>, named: &[(Uuid, Option<i64>)]) -> Result<Vec<R>> {
    let ids: Vec<Uuid> = named.iter().map(|(id, _)| *id).collect();
    let mut rows = R::lock_many(tx, &ids)?;
    let lock = |(id, version): &(Uuid, Option<i64>)| {
        let row = rows.remove(id).ok_or_else(Error::not_found)?;
        Expected(*version).check(row.version())?;
        Ok(row)
    };
    named.iter().map(lock).collect()
}

/// Creates the records of a batch.
pub async fn create<R: BatchStore>(
    ctx: Ctx<can::Create<R>>,
    key: IdempotencyKey,
    items: Items<NewItem<R>>,
) -> Result<Reply> {
    ctx.once(key, move |tx| items.run(tx, insert).map(Answer::ok)).await
}

fn insert<R: BatchStore>(tx: &mut Tx<'_>, items: &[&NewItem<R>]) -> Result<Vec<Outcome>> {
    let new: Vec<&R::Create> = items.iter().map(|item| &item.0).collect();
    Ok(R::insert_many(tx, &new)?.iter().map(Outcome::created).collect())
}

/// Updates the records of a batch.
pub async fn update<R: BatchStore>(
    ctx: Ctx<can::Update<R>>,
    key: IdempotencyKey,
    items: Items<UpdateItem<R>>,
) -> Result<Reply> {
    ctx.once(key, move |tx| {
        R::lock_ids(tx, &items.targets())?;
        items.run(tx, change).map(Answer::ok)
    })
    .await
}

fn change<R: BatchStore>(tx: &mut Tx<'_>, items: &[&UpdateItem<R>]) -> Result<Vec<Outcome>> {
    let before: Vec<R> = lock_named(tx, &items.iter().map(|item| (item.id, item.version)).collect::<Vec<_>>())?;
    let equal = group_equal(items.iter().map(|item| item.raw_changes.as_str()));
    let group = |places: &Vec<usize>| {
        let first = items.get(*places.first()?)?;
        Some((places.iter().filter_map(|n| before.get(*n)).collect(), &first.changes))
    };
    let groups: Vec<Group<'_, R, R::Update>> = equal.iter().filter_map(group).collect();
    let changed = R::change_each(tx, &groups)?;
    let mut after: Vec<(&usize, &R)> = equal.iter().flatten().zip(&changed).collect();
    after.sort_by_key(|(place, _)| **place);
    for ((item, before), (_, after)) in items.iter().zip(&before).zip(&after) {
        let unchanged = item.read_only.require_unchanged_row(before, *after, &tx.actor.access);
        unchanged.map_err(|error| error.under("/changes"))?;
    }
    Ok(before.iter().zip(after).map(|(before, (_, after))| Outcome::changed(before, after)).collect())
}

/// Deletes the records of a batch.
pub async fn delete<R: BatchStore>(
    ctx: Ctx<can::Delete<R>>,
    key: IdempotencyKey,
    items: Items<BatchDeleteItem>,
) -> Result<Reply> {
    ctx.once(key, move |tx| {
        R::lock_ids(tx, &items.targets())?;
        items.run(tx, remove::<R>).map(Answer::ok)
    })
    .await
}

fn remove<R: BatchStore>(tx: &mut Tx<'_>, items: &[&BatchDeleteItem]) -> Result<Vec<Outcome>> {
    let rows: Vec<R> = lock_named(tx, &items.iter().map(|item| (item.id, item.version)).collect::<Vec<_>>())?;
    R::delete_many(tx, &rows)?;
    Ok(rows.iter().map(|row| Outcome::deleted(row.id())).collect())
}

/// Defines the operation `POST /…/batch-create` of one resource, and the name of its body.
#[macro_export]
macro_rules! batch_create {
    ($row:ident, $body:ident, $path:tt $id:tt) => {
        pub type $body = $crate::web::batch_body::BatchBody<$crate::web::batch_body::NewItem<$row>>;

        /// Create up to 1,000 records. Each item has its own result, or with `atomic` all records are created or none.
        #[utoipa::path(operation_id = $id, request_body = $body,
            responses((status = 200, description = "The result of each item", body = $crate::web::batch::BatchResult)))]
        #[post($path)]
        async fn batch_create(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::access::permission::can::Create<$row>>,
            key: $crate::web::headers::IdempotencyKey,
            items: $crate::web::batch::Items<$crate::web::batch_body::NewItem<$row>>,
        ) -> $crate::kernel::error::Result<$crate::kernel::answers::reply::Reply> {
            $crate::web::batch::create(ctx, key, items).await
        }
    };
}

/// Defines the operation `POST /…/batch-update` of one resource, and the name of its body.
#[macro_export]
macro_rules! batch_update {
    ($row:ident, $body:ident, $path:tt $id:tt) => {
        pub type $body = $crate::web::batch_body::BatchBody<$crate::web::batch_body::UpdateItem<$row>>;

        /// Update up to 1,000 records. Each item has its own result, or with `atomic` all records are updated or none.
        #[utoipa::path(operation_id = $id, request_body = $body,
            responses((status = 200, description = "The result of each item", body = $crate::web::batch::BatchResult)))]
        #[post($path)]
        async fn batch_update(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::access::permission::can::Update<$row>>,
            key: $crate::web::headers::IdempotencyKey,
            items: $crate::web::batch::Items<$crate::web::batch_body::UpdateItem<$row>>,
        ) -> $crate::kernel::error::Result<$crate::kernel::answers::reply::Reply> {
            $crate::web::batch::update(ctx, key, items).await
        }
    };
}

/// Defines the operation `POST /…/batch-delete` of one resource.
#[macro_export]
macro_rules! batch_delete {
    ($row:ident, $path:tt $id:tt) => {
        /// Delete up to 1,000 records. Each item has its own result, or with `atomic` all records are deleted or none.
        #[utoipa::path(operation_id = $id, request_body = $crate::web::batch_body::BatchDelete,
            responses((status = 200, description = "The result of each item", body = $crate::web::batch::BatchResult)))]
        #[post($path)]
        async fn batch_delete(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::access::permission::can::Delete<$row>>,
            key: $crate::web::headers::IdempotencyKey,
            items: $crate::web::batch::Items<$crate::web::batch_body::BatchDeleteItem>,
        ) -> $crate::kernel::error::Result<$crate::kernel::answers::reply::Reply> {
            $crate::web::batch::delete(ctx, key, items).await
        }
    };
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
