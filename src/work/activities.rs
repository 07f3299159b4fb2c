//! Activities: notes, calls, e-mails, messages, meetings and visits.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::table::{self, Expected, Stored};
use crate::db::tx::Tx;
use crate::db::visibility;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::access::resource::{Builtin, Descriptor, OwnerLink, Reach, Resource};
use crate::kernel::answers::page::Page;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::merge_patch;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{FieldCode, FieldError, Result};
use crate::kernel::fields::field::{Field, field, inside};
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::Search;
use crate::kernel::query::fields::{Fields, Link, LinkedBy};
use crate::kernel::values::event_verbs as verbs;
use crate::kernel::values::time::DateTime;
use crate::schema::activities;
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id, Include};
use crate::web::headers::{IdempotencyKey, IfMatch};
use crate::work::contact_rules::{Planned, require_welcome};
use crate::work::mentions::{self, Mentions};
use crate::work::pins;
use crate::work::related::Related;
use crate::work::visit_reports::{self, FollowUpTask, Participant, Participants, ProductIds};
use crate::{as_it_was, history, list_params, record, restorable, restore, stored, text_enum};
use actix_web::{delete, get, patch, post};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

text_enum! {
    pub enum ActivityType {
        Note = "note",
        Call = "call",
        Email = "email",
        Message = "message",
        Meeting = "meeting",
        Visit = "visit",
    }
}
text_enum! {
    /// Who started it: `inbound` means the customer.
    pub enum Direction { Inbound = "inbound", Outbound = "outbound", }
}

/// An interaction with a customer, or a note.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = activities)]
pub struct Activity {
    pub id: Uuid,
    #[diesel(column_name = type_)]
    pub r#type: ActivityType,
    pub occurred_at: DateTime,
    pub text: Option<String>,
    pub direction: Option<Direction>,
    pub duration_seconds: Option<i32>,
    /// Such as "reached" or "voicemail".
    pub outcome: Option<String>,
    pub recording_url: Option<String>,
    /// Where it took place.
    pub place: Option<String>,
    /// Who took part.
    #[schema(value_type = Vec<Participant>)]
    pub participants: Participants,
    /// The products that were talked of.
    #[schema(value_type = Vec<Uuid>)]
    pub product_ids: ProductIds,
    /// The task that was created with the activity.
    pub next_task_id: Option<Uuid>,
    /// Pinned activities come first on the timelines of their records.
    pub pinned: bool,
    /// When the activity was last edited. `GET /activities/{activity_id}/history` has the earlier versions.
    pub edited_at: Option<DateTime>,
    pub contact_id: Option<Uuid>,
    pub company_id: Option<Uuid>,
    pub lead_id: Option<Uuid>,
    pub deal_id: Option<Uuid>,
    pub author_id: Option<Uuid>,
    /// The users whom the text mentions; `include=mentioned_users` returns their names.
    #[schema(value_type = Vec<Uuid>)]
    pub mentioned_user_ids: Mentions,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
    /// When the record was deleted. Only lists with `include_deleted` or `only_deleted` contain deleted records.
    pub deleted_at: Option<DateTime>,
}
impl NothingHidden for Activity {}
record!(Activity, ACTIVITY);

impl Kind {
    pub const ACTIVITY: Kind = Kind::new("activity", "activities");
}

impl Activity {
    /// Checks whether a user contacted the person.
    fn is_answer(&self) -> bool {
        self.r#type != ActivityType::Note && self.direction != Some(Direction::Inbound)
    }
}

static AUTHOR: Field = field("author_id", &activities::author_id).hot();
static LINKS: [OwnerLink; 4] = crate::linked_records!(activities);

impl Resource for Activity {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::ACTIVITY, "Notes, calls and meetings.")
        .owned(Reach::OwnerOrLinked(&AUTHOR, &LINKS), Builtin::Viewer, Builtin::Seller, Builtin::Seller)
        .events(&[verbs::SOFT])
        .described(&ACTIVITY, "Activity")
        .displayed_as("left(coalesce(activities.text, ''), 200)");
}
pub type ActivityPage = Page<Activity>;

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ActivityCreate {
    pub id: Option<Uuid>,
    pub r#type: ActivityType,
    /// If absent, the current time.
    pub occurred_at: Option<DateTime>,
    #[schema(max_length = 10_000)]
    pub text: Option<String>,
    pub direction: Option<Direction>,
    #[schema(minimum = 0, maximum = 604_800)]
    pub duration_seconds: Option<i32>,
    #[schema(max_length = 200)]
    pub outcome: Option<String>,
    #[schema(format = "web-url", max_length = 2000)]
    pub recording_url: Option<String>,
    /// Where it took place.
    #[schema(max_length = 500)]
    pub place: Option<String>,
    /// Who took part.
    #[serde(default)]
    #[schema(value_type = Vec<Participant>, max_items = 50)]
    pub participants: Participants,
    /// The products that were talked of.
    #[serde(default)]
    #[schema(value_type = Vec<Uuid>, max_items = 50)]
    pub product_ids: ProductIds,
    /// A task to create with the activity.
    pub next_task: Option<FollowUpTask>,
    /// At most five activities of a record can be pinned.
    #[serde(default)]
    pub pinned: bool,
    pub contact_id: Option<Uuid>,
    pub company_id: Option<Uuid>,
    pub lead_id: Option<Uuid>,
    pub deal_id: Option<Uuid>,
    /// The users whom the text mentions. Each gets a notification if the role shows the activity.
    #[serde(default)]
    #[schema(value_type = Vec<Uuid>, max_items = 20)]
    pub mentioned_user_ids: Mentions,
}

impl ActivityCreate {
    pub fn note_on_lead(lead: Uuid, text: &str) -> ActivityCreate {
        ActivityCreate {
            id: None,
            r#type: ActivityType::Note,
            occurred_at: None,
            text: Some(text.to_owned()),
            direction: None,
            duration_seconds: None,
            outcome: None,
            recording_url: None,
            place: None,
            participants: Participants::default(),
            product_ids: ProductIds::default(),
            next_task: None,
            pinned: false,
            contact_id: None,
            company_id: None,
            lead_id: Some(lead),
            deal_id: None,
            mentioned_user_ids: Mentions::default(),
        }
    }
}

impl ActivityCreate {
    /// Returns what is yet to be sent or done: the time is still to come. What happened is noted in any case.
    fn planned(&self, now: DateTime) -> Vec<Planned<'_>> {
        let at = self.occurred_at.filter(|at| *at > now && self.direction != Some(Direction::Inbound));
        let planned = |at| Planned {
            contact: self.contact_id,
            type_: self.r#type.as_str(),
            at: Some(at),
            pointer: "/occurred_at",
        };
        at.map(planned).into_iter().collect()
    }
}

impl Rules for ActivityCreate {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        if [self.contact_id, self.company_id, self.lead_id, self.deal_id].iter().all(Option::is_none) {
            bad.push(FieldError::member(
                "/contact_id",
                FieldCode::Required,
                "at least one of contact_id, company_id, lead_id, deal_id is required",
            ));
        }
        if self.r#type == ActivityType::Note && self.text.as_ref().is_none_or(String::is_empty) {
            bad.push(FieldError::member("/text", FieldCode::Required, "is required for a note"));
        }
        self.participants.rules(bad);
        self.next_task.iter().for_each(|task| task.rules(bad));
    }
}

#[derive(Debug, Default, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = activities)]
pub struct ActivityUpdate {
    #[schema(nullable = false)]
    pub occurred_at: Option<DateTime>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 10_000)]
    pub text: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub direction: Option<Option<Direction>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(minimum = 0, maximum = 604_800)]
    pub duration_seconds: Option<Option<i32>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 200)]
    pub outcome: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(format = "web-url", max_length = 2000)]
    pub recording_url: Option<Option<String>>,
    /// Replaces all mentions. Users who are new among them get a notification.
    #[schema(nullable = false, value_type = Option<Vec<Uuid>>, max_items = 20)]
    pub mentioned_user_ids: Option<Mentions>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 500)]
    pub place: Option<Option<String>>,
    /// Replaces all participants.
    #[schema(nullable = false, value_type = Option<Vec<Participant>>, max_items = 50)]
    pub participants: Option<Participants>,
    /// Replaces all products.
    #[schema(nullable = false, value_type = Option<Vec<Uuid>>, max_items = 50)]
    pub product_ids: Option<ProductIds>,
    /// At most five activities of a record can be pinned.
    #[schema(nullable = false)]
    pub pinned: Option<bool>,
}
impl Rules for ActivityUpdate {
    crate::read_only_members_of!(Activity);

    fn rules(&self, bad: &mut Vec<FieldError>) {
        self.participants.iter().for_each(|participants| participants.rules(bad));
    }
}

impl ActivityUpdate {
    /// Checks whether more than the pin changes.
    fn edits(&self, before: &Activity) -> bool {
        fn differs<V: PartialEq>(new: Option<&V>, old: &V) -> bool {
            new.is_some_and(|new| new != old)
        }
        differs(self.occurred_at.as_ref(), &before.occurred_at)
            || differs(self.text.as_ref(), &before.text)
            || differs(self.direction.as_ref(), &before.direction)
            || differs(self.duration_seconds.as_ref(), &before.duration_seconds)
            || differs(self.outcome.as_ref(), &before.outcome)
            || differs(self.recording_url.as_ref(), &before.recording_url)
            || differs(self.place.as_ref(), &before.place)
            || differs(self.participants.as_ref(), &before.participants)
            || differs(self.product_ids.as_ref(), &before.product_ids)
    }
}

pub static ACTIVITY: Fields<activities::table> = Fields {
    kind: Kind::ACTIVITY,
    all: &[
        field("type", &activities::type_).one_of(ActivityType::TEXTS),
        field("occurred_at", &activities::occurred_at),
        field("direction", &activities::direction).one_of(Direction::TEXTS),
        field("outcome", &activities::outcome),
        field("contact_id", &activities::contact_id).to(Kind::CONTACT).hot(),
        field("company_id", &activities::company_id).to(Kind::COMPANY).hot(),
        field("lead_id", &activities::lead_id).to(Kind::LEAD).hot(),
        field("deal_id", &activities::deal_id).to(Kind::DEAL).hot(),
        field("author_id", &activities::author_id).to(Kind::USER),
        field("pinned", &activities::pinned),
        field("edited_at", &activities::edited_at),
        field("place", &activities::place),
        field("created_at", &activities::created_at),
        field("updated_at", &activities::updated_at),
        field("deleted_at", &activities::deleted_at),
    ],
    default_sort: "-occurred_at",
    id: field("id", &activities::id),
    search: Some(Search { sql: "fold(coalesce(activities.text, ''))", members: &["text"], exact: &[] }),
    derived: &[],
    links: &crate::related_links!(ACTIVITY, always false, MENTIONED),
    table: PhantomData,
};
const MENTIONED: Link = Link {
    name: "mentioned_user_id",
    by: LinkedBy::Table(
        "select m.id from activities m cross join jsonb_array_elements_text(m.mentioned_user_ids) one \
         where m.workspace_id = activities.workspace_id and m.mentioned_user_ids <> '[]' and one.value::uuid = ",
    ),
    includes: &[inside("mentioned_users", "mentioned_user_ids", Kind::USER)],
};
list_params!(ActivityList, ACTIVITY.parameters());
stored!(soft activities, Activity);
restorable!(activities, Activity);

const CONSTRAINTS: ConstraintRules = &[
    ("activities_contact_id_fkey", ConstraintRule::Missing("/contact_id")),
    ("activities_company_id_fkey", ConstraintRule::Missing("/company_id")),
    ("activities_lead_id_fkey", ConstraintRule::Missing("/lead_id")),
    ("activities_deal_id_fkey", ConstraintRule::Missing("/deal_id")),
    ("activities_next_task_id_fkey", ConstraintRule::Missing("/next_task")),
];

pub fn insert(tx: &mut Tx<'_>, new: &ActivityCreate) -> Result<Activity> {
    visibility::authorize_create(tx, Kind::ACTIVITY, Some(tx.actor.user))?;
    let ActivityCreate { contact_id: contact, company_id: company, lead_id: lead, deal_id: deal, .. } = *new;
    let related = Related { contact, company, lead, deal };
    related.require_visible(tx)?;
    mentions::check(tx, &new.mentioned_user_ids, &Mentions::default())?;
    visit_reports::require_visible(tx, &new.participants, &new.product_ids)?;
    require_welcome(tx, &new.planned(tx.now))?;
    let id = new.id.unwrap_or_else(Uuid::now_v7);
    if new.pinned {
        pins::require_room(tx, id, related)?;
    }
    let next_task = new.next_task.as_ref().map(|task| task.create(tx, related)).transpose()?;
    let row: Activity = diesel::insert_into(activities::table)
        .values((
            (activities::workspace_id.eq(tx.workspace()), activities::id.eq(id)),
            (activities::place.eq(&new.place), activities::participants.eq(&new.participants)),
            (activities::product_ids.eq(&new.product_ids), activities::next_task_id.eq(next_task)),
            activities::pinned.eq(new.pinned),
            (activities::type_.eq(new.r#type), activities::occurred_at.eq(new.occurred_at.unwrap_or(tx.now))),
            (
                activities::text.eq(&new.text),
                activities::direction.eq(new.direction),
                activities::outcome.eq(&new.outcome),
            ),
            (activities::duration_seconds.eq(new.duration_seconds), activities::recording_url.eq(&new.recording_url)),
            (activities::contact_id.eq(new.contact_id), activities::company_id.eq(new.company_id)),
            (activities::lead_id.eq(new.lead_id), activities::deal_id.eq(new.deal_id)),
            (
                activities::author_id.eq(tx.actor.user),
                activities::mentioned_user_ids.eq(&new.mentioned_user_ids),
                activities::created_at.eq(tx.now),
                activities::updated_at.eq(tx.now),
            ),
        ))
        .returning(Activity::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    related.touch(tx)?;
    if row.is_answer() {
        related.answer(tx, row.occurred_at)?;
    }
    mentions::tell(tx, Kind::ACTIVITY, row.id, &row.mentioned_user_ids.0)?;
    tx.record(Event::created(&row)?);
    Ok(row)
}

pub fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &ActivityUpdate) -> Result<Activity> {
    let before = Activity::lock(tx, id, expected)?;
    if let Some(mentioned) = &changes.mentioned_user_ids {
        mentions::check(tx, mentioned, &before.mentioned_user_ids)?;
    }
    let (people, products) = (changes.participants.clone(), changes.product_ids.clone());
    visit_reports::require_visible(tx, &people.unwrap_or_default(), &products.unwrap_or_default())?;
    if changes.pinned == Some(true) && !before.pinned {
        let Activity { contact_id: contact, company_id: company, lead_id: lead, deal_id: deal, .. } = before;
        pins::require_room(tx, id, Related { contact, company, lead, deal })?;
    }
    let edited_at = if changes.edits(&before) { Some(tx.now) } else { before.edited_at };
    let after: Activity = diesel::update(activities::table.find((tx.workspace(), id)))
        .set((
            (changes, activities::edited_at.eq(edited_at)),
            (activities::version.eq(before.version + 1), activities::updated_at.eq(tx.now)),
        ))
        .returning(Activity::as_returning())
        .get_result(tx.conn)?;
    mentions::tell(tx, Kind::ACTIVITY, id, &after.mentioned_user_ids.added(&before.mentioned_user_ids))?;
    events::record_change(tx, &before, after)
}

pub fn delete(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<()> {
    let row = Activity::lock(tx, id, expected)?;
    table::mark_deleted(tx, &[row], None)
}

/// List activities, latest first.
#[utoipa::path(operation_id = "list_activities", params(ActivityList), responses((status = 200, description = "A page of activities", body = ActivityPage)))]
#[get("/activities")]
async fn list(ctx: Ctx<can::Read<Activity>>) -> Result<Reply> {
    let (plan, link) = (ACTIVITY.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| table::page::<Activity>(tx, &plan).map(|page| link.answer(page))).await
}

/// Create an activity.
#[utoipa::path(operation_id = "create_activity", request_body = ActivityCreate, responses((status = 201, description = "The activity", body = Activity)))]
#[post("/activities")]
async fn create(ctx: Ctx<can::Create<Activity>>, key: IdempotencyKey, new: Valid<ActivityCreate>) -> Result<Reply> {
    ctx.once(key, move |tx| insert(tx, &new).map(Answer::created)).await
}

/// Get an activity.
#[utoipa::path(operation_id = "get_activity", params(("activity_id" = Uuid, Path, description = "Id of the activity")),
    responses((status = 200, description = "The activity", body = Activity)))]
#[get("/activities/{activity_id}")]
async fn read(ctx: Ctx<can::Read<Activity>>, id: Id, include: Include) -> Result<Reply> {
    ctx.one(&ACTIVITY, id, include, Activity::find).await
}

/// Change an activity.
#[utoipa::path(operation_id = "update_activity", params(("activity_id" = Uuid, Path, description = "Id of the activity")), request_body = ActivityUpdate,
    responses((status = 200, description = "The changed activity", body = Activity)))]
#[patch("/activities/{activity_id}")]
async fn change(
    ctx: Ctx<can::Update<Activity>>,
    id: Id,
    IfMatch(expected): IfMatch,
    changes: Valid<ActivityUpdate>,
) -> Result<Reply> {
    ctx.write(move |tx| update(tx, id.0, expected, &changes).map(Answer::record)).await
}

/// Delete an activity.
#[utoipa::path(operation_id = "delete_activity", params(("activity_id" = Uuid, Path, description = "Id of the activity")),
    responses((status = 204, description = "Deleted")))]
#[delete("/activities/{activity_id}")]
async fn remove(ctx: Ctx<can::Delete<Activity>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    ctx.write(move |tx| delete(tx, id.0, expected).map(|()| Answer::none())).await
}

restore!(Activity, table::restore, "/activities/{activity_id}/restore" "restore_activity" "activity_id");

history!(Activity, "/activities/{activity_id}/history" "list_activity_history" "activity_id");
as_it_was!(Activity, "/activities/{activity_id}/history/as-it-was" "get_activity_as_it_was" "activity_id");

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(remove);
    config.service(restored);
    config.service(history).service(as_it_was);
}
