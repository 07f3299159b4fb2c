//! Retention rules: a job erases or deletes the records that match a rule once a day.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::pool::Db;
use crate::db::queue::{self, Job};
use crate::db::table::{self, Expected, Stored};
use crate::db::tx::{Request, Tx};
use crate::identity::sign_in::authentication;
use crate::kernel::access::grants::Action;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::access::resource::{Builtin, Descriptor, Resource};
use crate::kernel::answers::included::RecordRef;
use crate::kernel::answers::page::Page;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Code, Error, FieldCode, FieldError, Result};
use crate::kernel::fields::field::field;
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::kernel::query::selection::RecordSelection;
use crate::kernel::values::event_verbs as verbs;
use crate::kernel::values::time::DateTime;
use crate::privacy::erasures;
use crate::privacy::erasures::Erasure;
use crate::records::bulk::{self, BulkAction, BulkArgs, BulkPreview};
use crate::records::saved_conditions::{self, PinnedConditions, SavedConditions, Versions};
use crate::schema::retention_rules;
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id};
use crate::web::headers::{IdempotencyKey, IfMatch};
use crate::{list_params, record, stored, text_enum};
use actix_web::{delete, get, patch, post};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

text_enum! {
    pub enum RetentionAction {
        /// Erases contacts, and leads without a contact.
        Erase = "erase",
        /// Deletes records. A deletion can be undone for 30 days.
        Delete = "delete",
    }
}
text_enum! {
    pub enum RetentionResource { Contacts = "contacts", Companies = "companies", Leads = "leads", Deals = "deals", }
}

impl RetentionResource {
    const fn kind(self) -> Kind {
        match self {
            RetentionResource::Contacts => Kind::CONTACT,
            RetentionResource::Companies => Kind::COMPANY,
            RetentionResource::Leads => Kind::LEAD,
            RetentionResource::Deals => Kind::DEAL,
        }
    }
}

/// A rule that erases or deletes records after a period.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = retention_rules)]
pub struct RetentionRule {
    pub id: Uuid,
    pub name: String,
    pub resource: RetentionResource,
    /// The records to erase or delete, usually with relative dates, such as `updated_at` `lt` `today-2y`.
    pub selection: RecordSelection,
    /// The version of the view when the rule was saved. If the view has changed, the rule does not run until it is
    /// saved again with its selection.
    pub view_version: Option<i64>,
    /// The same for the segment. Every change of the members of a static segment increases its version.
    pub segment_version: Option<i64>,
    pub action: RetentionAction,
    /// The reason in the proofs of erasure.
    pub reason: String,
    pub active: bool,
    /// The user with whose permissions the rule runs.
    pub owner_id: Uuid,
    pub last_run_at: Option<DateTime>,
    pub last_job_id: Option<Uuid>,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
}
impl NothingHidden for RetentionRule {}
impl RetentionRule {
    /// Returns the versions of the view and the segment when the rule was saved.
    fn versions(&self) -> Versions {
        Versions { view: self.view_version, segment: self.segment_version }
    }
}
record!(RetentionRule, RETENTION_RULE);

impl Kind {
    pub const RETENTION_RULE: Kind = Kind::new("retention_rule", "retention-rules").in_table("retention_rules");
}

impl Resource for RetentionRule {
    const DESCRIPTOR: &Descriptor =
        &Descriptor::of(Kind::RETENTION_RULE, "Rules that erase or delete records after a period.")
            .shared(Builtin::Admin, Builtin::Admin, Builtin::Admin)
            .events(&[verbs::BASIC]);
}
pub type RetentionRulePage = Page<RetentionRule>;

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct RetentionRuleCreate {
    pub id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    pub resource: RetentionResource,
    pub selection: RecordSelection,
    pub action: RetentionAction,
    #[schema(min_length = 1, max_length = 1000, example = "Kept for two years without contact")]
    pub reason: String,
    /// `false` if absent, so that you can see the preview first.
    #[serde(default)]
    pub active: bool,
}

impl Rules for RetentionRuleCreate {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        self.selection.require_selection(bad);
        let of_people = matches!(self.resource, RetentionResource::Contacts | RetentionResource::Leads);
        if self.action == RetentionAction::Erase && !of_people {
            bad.push(FieldError::member(
                "/action",
                FieldCode::Invalid,
                "must not be erase unless resource is contacts or leads",
            ));
        }
    }
}

#[derive(Debug, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = retention_rules)]
pub struct RetentionRuleUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// Replaces the selection.
    #[schema(nullable = false)]
    pub selection: Option<RecordSelection>,
    #[schema(nullable = false, min_length = 1, max_length = 1000, example = "Kept for two years without contact")]
    pub reason: Option<String>,
    #[schema(nullable = false)]
    pub active: Option<bool>,
}

impl Rules for RetentionRuleUpdate {
    crate::read_only_members_of!(RetentionRule);

    fn rules(&self, bad: &mut Vec<FieldError>) {
        if let Some(selection) = &self.selection {
            selection.require_selection(bad);
        }
    }
}

/// The records that a rule would erase or delete now.
#[derive(Debug, Serialize, ToSchema)]
pub struct RetentionPreview {
    pub matching: i64,
    /// The first 20 of these records.
    pub first: Vec<RecordRef>,
    /// Whether a run would be refused: the rule matches every record without `everything`, or its view or segment has
    /// changed since it was saved.
    pub refused: bool,
}
impl NothingHidden for RetentionPreview {}

static RULE: Fields<retention_rules::table> = Fields {
    kind: Kind::RETENTION_RULE,
    all: &[
        field("name", &retention_rules::name),
        field("resource", &retention_rules::resource).one_of(RetentionResource::TEXTS),
        field("action", &retention_rules::action).one_of(RetentionAction::TEXTS),
        field("active", &retention_rules::active),
        field("last_run_at", &retention_rules::last_run_at),
        field("created_at", &retention_rules::created_at),
    ],
    default_sort: "name",
    id: field("id", &retention_rules::id),
    search: None,
    derived: &[],
    links: &[],
    table: PhantomData,
};
list_params!(RetentionRuleList, RULE.parameters());
stored!(retention_rules, RetentionRule);

const CONSTRAINTS: ConstraintRules =
    &[("retention_rules_name_key", ConstraintRule::Taken(Code::DuplicateName, "/name"))];

/// Checks that the caller may perform the action of the rule.
fn require_allowed(tx: &Tx<'_>, resource: RetentionResource, action: RetentionAction) -> Result<()> {
    if action == RetentionAction::Erase {
        tx.actor.require::<can::Create<Erasure>>()?;
    }
    tx.actor.require_action(Action::Delete, resource.as_str())
}

/// Counts the records that match a selection and to which the action applies.
fn bulk_preview(
    tx: &mut Tx<'_>,
    resource: RetentionResource,
    action: RetentionAction,
    selection: &RecordSelection,
    saved: &SavedConditions,
) -> Result<BulkPreview> {
    let store = bulk::named(resource.as_str())?;
    let cond = store.condition(tx, selection, saved)?;
    let these = match action {
        RetentionAction::Erase => erasures::erasable(tx, resource.as_str(), cond.clone()),
        RetentionAction::Delete => cond.clone(),
    };
    bulk::preview(tx, store.kind(), cond, &these)
}

/// Refuses a selection that matches every record without `everything`. Returns the versions of its view and segment.
fn require_restricted(
    tx: &mut Tx<'_>,
    resource: RetentionResource,
    action: RetentionAction,
    selection: &RecordSelection,
) -> Result<Versions> {
    let saved = saved_conditions::read(tx, resource.kind(), selection)?;
    bulk_preview(tx, resource, action, selection, &saved)?.require_restricted(selection, resource.as_str())?;
    Ok(saved.versions())
}

fn insert(tx: &mut Tx<'_>, new: &RetentionRuleCreate) -> Result<RetentionRule> {
    require_allowed(tx, new.resource, new.action)?;
    let versions = require_restricted(tx, new.resource, new.action, &new.selection)?;
    let row: RetentionRule = diesel::insert_into(retention_rules::table)
        .values((
            (
                retention_rules::workspace_id.eq(tx.workspace()),
                retention_rules::id.eq(new.id.unwrap_or_else(Uuid::now_v7)),
            ),
            (retention_rules::name.eq(&new.name), retention_rules::resource.eq(new.resource)),
            (retention_rules::selection.eq(&new.selection), retention_rules::action.eq(new.action)),
            (retention_rules::view_version.eq(versions.view), retention_rules::segment_version.eq(versions.segment)),
            (retention_rules::reason.eq(&new.reason), retention_rules::active.eq(new.active)),
            retention_rules::owner_id.eq(tx.actor.user),
            (retention_rules::created_at.eq(tx.now), retention_rules::updated_at.eq(tx.now)),
        ))
        .returning(RetentionRule::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    tx.record(Event::created(&row)?);
    Ok(row)
}

fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &RetentionRuleUpdate) -> Result<RetentionRule> {
    let before = RetentionRule::lock(tx, id, expected)?;
    require_allowed(tx, before.resource, before.action)?;
    let versions = match &changes.selection {
        Some(selection) => require_restricted(tx, before.resource, before.action, selection)?,
        None => before.versions(),
    };
    let versions =
        (retention_rules::view_version.eq(versions.view), retention_rules::segment_version.eq(versions.segment));
    // The rule runs with the permissions of the user who last changed it.
    let owner = retention_rules::owner_id.eq(tx.actor.user);
    let after: RetentionRule = diesel::update(retention_rules::table.find((tx.workspace(), id)))
        .set((
            changes,
            owner,
            versions,
            retention_rules::version.eq(before.version + 1),
            retention_rules::updated_at.eq(tx.now),
        ))
        .returning(RetentionRule::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    events::record_change(tx, &before, after)
}

fn delete(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<()> {
    let row = RetentionRule::lock(tx, id, expected)?;
    diesel::delete(retention_rules::table.find((tx.workspace(), id))).execute(tx.conn)?;
    tx.record(Event::deleted(&row)?);
    Ok(())
}

/// Queues a run of a rule, if the caller may perform its action.
fn start(tx: &mut Tx<'_>, rule: &RetentionRule) -> Result<Job> {
    require_allowed(tx, rule.resource, rule.action)?;
    let args = BulkArgs {
        resource: rule.resource.as_str().into(),
        action: match rule.action {
            RetentionAction::Erase => BulkAction::Erase,
            RetentionAction::Delete => BulkAction::Delete,
        },
        selection: rule.selection.clone(),
        pinned: PinnedConditions::Versions(rule.versions()),
        changes: serde_json::Value::Null,
        reason: Some(rule.reason.clone()),
        rule: Some(rule.id),
    };
    let args = serde_json::to_value(args).map_err(Error::internal)?;
    let job = queue::enqueue(tx, bulk::JOB, &args, None)?;
    diesel::update(retention_rules::table.find((tx.workspace(), rule.id)))
        .set((retention_rules::last_run_at.eq(tx.now), retention_rules::last_job_id.eq(job.id)))
        .execute(tx.conn)?;
    Ok(job)
}

/// Starts the rules whose last run was at least a day ago. Several workers can call this; each rule is started once.
/// A rule that fails to start does not affect the others.
pub fn start_due(db: &Db) -> Result<usize> {
    let due: Vec<(Uuid, Uuid, Uuid)> = db.run_blocking(|conn| {
        let day_ago = DateTime::now().plus(-chrono::Duration::hours(24));
        let old = retention_rules::last_run_at.is_null().or(retention_rules::last_run_at.lt(day_ago));
        let due = retention_rules::table.filter(retention_rules::active).filter(old.assume_not_null());
        Ok(due.select((retention_rules::workspace_id, retention_rules::id, retention_rules::owner_id)).load(conn)?)
    })?;
    let mut started = 0;
    for (workspace, id, owner) in due {
        match start_one(db, workspace, id, owner) {
            Ok(true) => started += 1,
            Ok(false) => {}
            Err(error) => log::warn!("the retention rule {id} was not started: {error}"),
        }
    }
    Ok(started)
}

/// Starts a rule if it is due. Returns whether it was due.
fn start_one(db: &Db, workspace: Uuid, id: Uuid, owner: Uuid) -> Result<bool> {
    let actor = db.run_blocking(|conn| authentication::of_user(conn, workspace, owner))?;
    let request = Request::internal(actor, format!("retention-{id}"));
    db.write_blocking(&request, |tx| {
        let day_ago = tx.now.plus(-chrono::Duration::hours(24));
        let rule = RetentionRule::lock(tx, id, Expected::default())?;
        let due = rule.active && rule.last_run_at.is_none_or(|at| at < day_ago);
        if due {
            start(tx, &rule)?;
        }
        Ok(due)
    })
}

/// List retention rules.
#[utoipa::path(operation_id = "list_retention_rules", params(RetentionRuleList), responses((status = 200, description = "A page of rules", body = RetentionRulePage)))]
#[get("/retention-rules")]
async fn list(ctx: Ctx<can::Read<RetentionRule>>) -> Result<Reply> {
    let (plan, link) = (RULE.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| table::page::<RetentionRule>(tx, &plan).map(|page| link.answer(page))).await
}

/// Create a retention rule. An active rule runs every day.
#[utoipa::path(operation_id = "create_retention_rule", request_body = RetentionRuleCreate, responses((status = 201, description = "The rule", body = RetentionRule)))]
#[post("/retention-rules")]
async fn create(
    ctx: Ctx<can::Create<RetentionRule>>,
    key: IdempotencyKey,
    new: Valid<RetentionRuleCreate>,
) -> Result<Reply> {
    ctx.once(key, move |tx| insert(tx, &new).map(Answer::created)).await
}

/// Get a retention rule.
#[utoipa::path(operation_id = "get_retention_rule", params(("retention_rule_id" = Uuid, Path, description = "Id of the rule")),
    responses((status = 200, description = "The rule", body = RetentionRule)))]
#[get("/retention-rules/{retention_rule_id}")]
async fn read(ctx: Ctx<can::Read<RetentionRule>>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| RetentionRule::find(tx, id.0).map(Answer::record)).await
}

/// Preview a rule: count the records that it would erase or delete now.
#[utoipa::path(operation_id = "preview_retention_rule", params(("retention_rule_id" = Uuid, Path, description = "Id of the rule")),
    responses((status = 200, description = "The records that match", body = RetentionPreview)))]
#[get("/retention-rules/{retention_rule_id}/preview")]
async fn preview(ctx: Ctx<can::Read<RetentionRule>>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| {
        let rule = RetentionRule::find(tx, id.0)?;
        let saved = saved_conditions::read(tx, rule.resource.kind(), &rule.selection)?;
        let chosen = bulk_preview(tx, rule.resource, rule.action, &rule.selection, &saved)?;
        let refused = chosen.unrestricted(&rule.selection, rule.resource.as_str()).is_some()
            || saved.changed_since(rule.versions()).is_some();
        Ok(Answer::ok(RetentionPreview { matching: chosen.matching, first: chosen.first, refused }))
    })
    .await
}

/// Run a rule now in the background, whether or not it is active.
#[utoipa::path(operation_id = "run_retention_rule", params(("retention_rule_id" = Uuid, Path, description = "Id of the rule")),
    responses((status = 202, description = "The job that runs the rule", body = Job)))]
#[post("/retention-rules/{retention_rule_id}/run")]
async fn run(ctx: Ctx<can::Create<RetentionRule>>, id: Id, key: IdempotencyKey) -> Result<Reply> {
    ctx.once(key, move |tx| {
        let rule = RetentionRule::find(tx, id.0)?;
        start(tx, &rule).map(Answer::accepted)
    })
    .await
}

/// Update a rule. From then on it runs with your permissions.
#[utoipa::path(operation_id = "update_retention_rule", params(("retention_rule_id" = Uuid, Path, description = "Id of the rule")), request_body = RetentionRuleUpdate,
    responses((status = 200, description = "The updated rule", body = RetentionRule)))]
#[patch("/retention-rules/{retention_rule_id}")]
async fn change(
    ctx: Ctx<can::Update<RetentionRule>>,
    id: Id,
    IfMatch(expected): IfMatch,
    changes: Valid<RetentionRuleUpdate>,
) -> Result<Reply> {
    ctx.write(move |tx| update(tx, id.0, expected, &changes).map(Answer::record)).await
}

/// Delete a rule. Records that it erased or deleted are not restored.
#[utoipa::path(operation_id = "delete_retention_rule", params(("retention_rule_id" = Uuid, Path, description = "Id of the rule")),
    responses((status = 204, description = "Deleted")))]
#[delete("/retention-rules/{retention_rule_id}")]
async fn remove(ctx: Ctx<can::Delete<RetentionRule>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    ctx.write(move |tx| delete(tx, id.0, expected).map(|()| Answer::none())).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(preview).service(run).service(change).service(remove);
}
