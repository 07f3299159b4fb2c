//! Composite calls: several items of different resources in one transaction. Items can refer to records that earlier
//! items create.
use crate::db::store::BatchStore;
use crate::db::table::Expected;
use crate::db::tx::Tx;
use crate::kernel::access::grants::Action;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::access::record::Record;
use crate::kernel::access::resource::{Builtin, Descriptor, Resource};
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::read_only::ReadOnlyMembers;
use crate::kernel::bodies::shape::{self, Rules};
use crate::kernel::error::{Code, Error, FieldCode, FieldError, Result};
use crate::kernel::fields::kind::Kind;
use crate::people::companies::model::Company;
use crate::people::contacts::model::Contact;
use crate::sales::deals::model::Deal;
use crate::sales::leads::model::Lead;
use crate::text_enum;
use crate::web::body::Valid;
use crate::web::ctx::Ctx;
use crate::web::headers::IdempotencyKey;
use crate::work::activities;
use crate::work::tasks::model::Task;
use actix_web::post;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::collections::HashMap;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

text_enum! {
    pub enum CompositeAction { Create = "create", Update = "update", Delete = "delete", }
}
impl CompositeAction {
    fn permission(self) -> Action {
        match self {
            CompositeAction::Create => Action::Create,
            CompositeAction::Update => Action::Update,
            CompositeAction::Delete => Action::Delete,
        }
    }
}
text_enum! {
    pub enum CompositeResource {
        Companies = "companies",
        Contacts = "contacts",
        Leads = "leads",
        Deals = "deals",
        Tasks = "tasks",
        Activities = "activities",
    }
}

impl CompositeResource {
    const fn kind(self) -> Kind {
        match self {
            CompositeResource::Companies => Kind::COMPANY,
            CompositeResource::Contacts => Kind::CONTACT,
            CompositeResource::Leads => Kind::LEAD,
            CompositeResource::Deals => Kind::DEAL,
            CompositeResource::Tasks => Kind::TASK,
            CompositeResource::Activities => Kind::ACTIVITY,
        }
    }
}

/// The members of the create or update body of the resource. A text of `@` and the `ref` of an earlier item becomes
/// the id of that item's record.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct CompositeBody(pub Map<String, Json>);

impl PartialSchema for CompositeBody {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(true)));
        let meaning = "The members of the create or update body of the resource. A text of `@` and the `ref` of an \
                       earlier item becomes the id of that item's record.";
        object.description(Some(meaning)).examples([json!({ "name": "Acme" })]).into()
    }
}
impl ToSchema for CompositeBody {}

/// One operation of a composite call.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct CompositeItem {
    /// A name for the record. Later items can refer to it, for example with `@acme`.
    #[schema(pattern = "^[a-z][a-z0-9_-]*$", max_length = 50, example = "acme")]
    pub r#ref: Option<String>,
    pub action: CompositeAction,
    pub resource: CompositeResource,
    /// For an update or a deletion, the id of the record, or `@` and the `ref` of an earlier item.
    #[schema(max_length = 60)]
    pub id: Option<String>,
    /// The version that you expect the record to have, as in `If-Match`.
    pub version: Option<i64>,
    pub body: Option<CompositeBody>,
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct CompositeRequest {
    /// Processed in this order.
    #[schema(min_items = 1, max_items = 100)]
    pub items: Vec<CompositeItem>,
}

impl Rules for CompositeRequest {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        for (n, item) in self.items.iter().enumerate() {
            let known = |earlier: &CompositeItem| earlier.r#ref.is_some() && earlier.r#ref == item.r#ref;
            if self.items.iter().take(n).any(known) {
                bad.push(FieldError::member(
                    format!("/items/{n}/ref"),
                    FieldCode::StatedTwice,
                    "must differ from the refs of earlier items",
                ));
            }
            match (item.action, &item.id, &item.body) {
                (CompositeAction::Create, Some(_), _) => {
                    let detail = "must be absent; to choose the id of a new record, give it in the body";
                    bad.push(FieldError::member(format!("/items/{n}/id"), FieldCode::Invalid, detail));
                }
                (CompositeAction::Update | CompositeAction::Delete, None, _) => {
                    bad.push(FieldError::member(
                        format!("/items/{n}/id"),
                        FieldCode::Required,
                        "is required to update or delete",
                    ));
                }
                (CompositeAction::Create | CompositeAction::Update, _, None) => {
                    bad.push(FieldError::member(
                        format!("/items/{n}/body"),
                        FieldCode::Required,
                        "is required to create or update",
                    ));
                }
                (CompositeAction::Delete, _, Some(_)) => {
                    bad.push(FieldError::member(
                        format!("/items/{n}/body"),
                        FieldCode::Invalid,
                        "must be absent for a deletion",
                    ));
                }
                _ => {}
            }
        }
    }
}

/// The result of a composite call.
#[derive(Debug, Serialize, ToSchema)]
pub struct CompositeResult {
    /// One result for each item, in the same order.
    pub results: Vec<CompositeItemResult>,
}
impl NothingHidden for CompositeResult {}

impl Resource for CompositeResult {
    const DESCRIPTOR: &Descriptor = &Descriptor::calls("composite", "Several operations in one request.").shared(
        Builtin::Owner,
        Builtin::Seller,
        Builtin::Owner,
    );
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CompositeItemResult {
    pub index: i32,
    pub r#ref: Option<String>,
    pub resource: CompositeResource,
    pub id: Uuid,
    /// The status of the same request on its own: 200, 201 or 204.
    pub status: i32,
    /// The version of the record; null after a deletion.
    pub version: Option<i64>,
    /// Whether the record already had these values. Its version then stays the same, and no event is recorded.
    pub unchanged: bool,
}

/// The id of the record, its version unless it was deleted, and the status.
type Outcome = (Uuid, Option<i64>, i32);

fn made(row: &impl Record) -> Outcome {
    (row.id(), Some(row.version()), 201)
}

fn changed(row: &impl Record) -> Outcome {
    (row.id(), Some(row.version()), 200)
}

/// Checks that the read-only members in a body equal those of the record.
fn require_unchanged<R: Record>(tx: &Tx<'_>, read_only: &ReadOnlyMembers, row: &R) -> Result<()> {
    if read_only.is_empty() {
        return Ok(());
    }
    let after = serde_json::to_value(row).map_err(Error::internal)?;
    read_only
        .require_unchanged(&tx.before_changes(&after), &after, |member| tx.actor.access.hides(R::KIND.path(), member))
}

fn act(tx: &mut Tx<'_>, item: &CompositeItem, id: Option<Uuid>, body: Json) -> Result<Outcome> {
    let expected = Expected(item.version);
    macro_rules! on {
        ($store:path) => {{
            use $store as store;
            match (item.action, id) {
                (CompositeAction::Create, _) => Ok(made(&store::insert(tx, &shape::read(body)?)?)),
                (CompositeAction::Update, Some(id)) => {
                    let (changes, read_only) = ReadOnlyMembers::read_changes(body)?;
                    let row = store::update(tx, id, expected, &changes)?;
                    require_unchanged(tx, &read_only, &row)?;
                    Ok(changed(&row))
                }
                (CompositeAction::Delete, Some(id)) => store::delete(tx, id, expected).map(|()| (id, None, 204)),
                (_, None) => Err(Error::not_found()),
            }
        }};
    }
    match item.resource {
        CompositeResource::Companies => on!(Company),
        CompositeResource::Contacts => on!(Contact),
        CompositeResource::Leads => on!(Lead),
        CompositeResource::Deals => on!(Deal),
        CompositeResource::Tasks => on!(Task),
        CompositeResource::Activities => on!(activities),
    }
}

/// Replaces `@` references with ids, only in members that refer to records. In other members a text may begin with
/// `@`.
fn resolve(value: &mut Json, known: &HashMap<&str, Uuid>, path: &str) -> Result<()> {
    let own = path == "/id" || path.ends_with("/external_id");
    let names_records = !own && ["/id", "_id", "_ids"].iter().any(|end| path.ends_with(end));
    match value {
        Json::String(text) if names_records => {
            let Some(name) = text.strip_prefix('@') else { return Ok(()) };
            let missing =
                || Error::member(path, FieldCode::ReferenceNotFound, format!("no earlier item has the ref {name}"));
            *text = known.get(name).ok_or_else(missing)?.to_string();
        }
        Json::Array(list) if names_records => list.iter_mut().try_for_each(|item| resolve(item, known, path))?,
        Json::Array(list) => {
            for (n, item) in list.iter_mut().enumerate() {
                resolve(item, known, &format!("{path}/{n}"))?;
            }
        }
        Json::Object(members) => {
            for (name, member) in members {
                resolve(member, known, &format!("{path}/{name}"))?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn target(item: &CompositeItem, known: &HashMap<&str, Uuid>) -> Result<Option<Uuid>> {
    let Some(text) = &item.id else { return Ok(None) };
    let id = match text.strip_prefix('@') {
        Some(name) => known.get(name).copied(),
        None => text.parse().ok(),
    };
    id.map(Some).ok_or_else(|| Error::reference("/id"))
}

/// Rewrites the error of an item so that its pointers begin at the top of the request body.
fn at_item(index: usize, error: Error) -> Error {
    error.with(|problem| {
        let errors = std::mem::take(&mut problem.errors);
        let inside = |bad: FieldError| {
            let part = if matches!(bad.pointer.as_deref(), Some("/id" | "/version")) { "" } else { "/body" };
            bad.under(&format!("/items/{index}{part}"))
        };
        problem.errors = if errors.is_empty() {
            vec![FieldError::member(format!("/items/{index}"), problem.code, problem.detail.clone())]
        } else {
            errors.into_iter().map(inside).collect()
        };
        // 404 would refer to the path of the request, but the missing record is named in the body.
        if problem.code == Code::NotFound {
            problem.code = Code::ValidationFailed;
        }
    })
}

fn run(tx: &mut Tx<'_>, asked: &CompositeRequest) -> Result<CompositeResult> {
    let (mut known, mut results) = (HashMap::new(), Vec::with_capacity(asked.items.len()));
    for (n, item) in asked.items.iter().enumerate() {
        let (action, resource) = (item.action.permission(), item.resource.kind().path());
        tx.actor.require_action(action, resource)?;
        let mut body = Json::Object(item.body.clone().unwrap_or_default().0);
        resolve(&mut body, &known, "").map_err(|error| at_item(n, error))?;
        tx.set_permission(resource, action);
        let recorded = tx.recorded();
        let done = target(item, &known).and_then(|id| act(tx, item, id, body));
        let (id, version, status) = done.map_err(|error| at_item(n, error))?;
        if let Some(name) = &item.r#ref {
            known.insert(name.as_str(), id);
        }
        let index = i32::try_from(n).unwrap_or(i32::MAX);
        let unchanged = tx.recorded() == recorded;
        let (r#ref, resource) = (item.r#ref.clone(), item.resource);
        let result = CompositeItemResult { index, r#ref, resource, id, status, version, unchanged };
        results.push(result);
    }
    Ok(CompositeResult { results })
}

/// Run several operations in one transaction, for example create a company, its contacts and their deal. Either all
/// items succeed or none does. Each item requires the permission, and for an API key the scope, of the same request
/// on its own.
#[utoipa::path(operation_id = "run_composite", request_body = CompositeRequest,
    responses((status = 200, description = "The result of each item", body = CompositeResult)))]
#[post("/composite")]
async fn composite(
    ctx: Ctx<can::Create<CompositeResult>>,
    key: IdempotencyKey,
    asked: Valid<CompositeRequest>,
) -> Result<Reply> {
    ctx.once(key, move |tx| run(tx, &asked).map(Answer::ok)).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(composite);
}
