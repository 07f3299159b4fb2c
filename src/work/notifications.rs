//! Notifications of the caller: what was assigned, which reminder is due, which lead waits.
use crate::db::refs;
use crate::db::sql::{Part, Statement};
use crate::db::table;
use crate::db::tx::Tx;
use crate::identity::mail::notification_letter::Told;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::Anybody;
use crate::kernel::access::record::Record;
use crate::kernel::access::resource::{self, Descriptor};
use crate::kernel::answers::page::Page;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{FieldCode, FieldError, Result};
use crate::kernel::fields::cond::{Cond, Op};
use crate::kernel::fields::field::{Field, field};
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::derived::{Derived, DerivedBy};
use crate::kernel::query::fields::Fields;
use crate::kernel::values::time::DateTime;
use crate::kernel::values::typed::Values;
use crate::schema::{notifications, users};
use crate::web::body::Valid;
use crate::web::caller::SignedIn;
use crate::web::ctx::Ctx;
use crate::{jsonb, list_params, table_row, text_enum};
use actix_web::{get, post, put};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

text_enum! {
    /// What a notification tells: a record became yours (`assigned`, or `new_lead` for a new one), several did at once
    /// (`handed_over`), a reminder of a task is due, a lead waits for its first answer, a record began to rot, a note or a
    /// task mentions you, your import has ended, you signed in with a new browser or from a new network.
    pub enum NotificationKind {
        Assigned = "assigned",
        NewLead = "new_lead",
        HandedOver = "handed_over",
        Reminder = "reminder",
        Unanswered = "unanswered",
        Rotting = "rotting",
        Mentioned = "mentioned",
        ImportDone = "import_done",
        SignedIn = "signed_in",
    }
}
text_enum! {
    /// When a letter with a notification is sent: within a minute, or once a day when your working hours begin.
    pub enum LetterTime { AtOnce = "at_once", Daily = "daily", }
}

#[derive(Clone, Debug, Queryable, Selectable, Serialize)]
#[diesel(table_name = notifications)]
pub struct Row {
    id: Uuid,
    kind: NotificationKind,
    record_kind: Option<String>,
    record_id: Option<Uuid>,
    count: i32,
    actor_id: Option<Uuid>,
    created_at: DateTime,
    read_at: Option<DateTime>,
}
table_row!(notifications, Row);

/// Something that you should see.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Notification {
    pub id: Uuid,
    pub kind: NotificationKind,
    /// The kind of the record, such as `deal`.
    pub record_kind: Option<String>,
    /// The resource of the record, such as `deals`.
    pub resource: Option<String>,
    /// The record, or the first of several.
    pub record_id: Option<Uuid>,
    /// The name of the record; null if it is deleted or you cannot see it.
    pub record_name: Option<String>,
    /// The number of records.
    pub count: i32,
    /// Who caused it; null if nobody did.
    pub actor_id: Option<Uuid>,
    pub created_at: DateTime,
    pub read_at: Option<DateTime>,
}
impl NothingHidden for Notification {}

impl Record for Notification {
    const KIND: Kind = Kind::NOTIFICATION;

    fn id(&self) -> Uuid {
        self.id
    }

    /// A notification does not change, except that it is read.
    fn version(&self) -> i64 {
        1
    }
}

impl Kind {
    pub const NOTIFICATION: Kind = Kind::new("notification", "notifications");
}

/// Notifications belong to a user; no role grants a permission for them.
pub const NOTIFICATION_RESOURCE: &Descriptor = &Descriptor::of(Kind::NOTIFICATION, "What you should see.");
pub type NotificationPage = Page<Notification>;

static NOTIFICATION: Fields<notifications::table> = Fields {
    kind: Kind::NOTIFICATION,
    all: &[
        field("kind", &notifications::kind).one_of(NotificationKind::TEXTS),
        field("record_kind", &notifications::record_kind).one_of_listed(resource::kind_names),
        field("record_id", &notifications::record_id),
        field("actor_id", &notifications::actor_id).to(Kind::USER),
        field("created_at", &notifications::created_at),
        field("read_at", &notifications::read_at),
    ],
    default_sort: "-created_at",
    id: field("id", &notifications::id),
    search: None,
    derived: &[Derived {
        name: "unread",
        meaning: "Whether you have not read it.",
        by: DerivedBy::Flag(|_| Cond::Empty((&READ_AT).into())),
    }],
    links: &[],
    table: PhantomData,
};
static READ_AT: Field = field("read_at", &notifications::read_at);
static USER: Field = field("user_id", &notifications::user_id);
list_params!(NotificationList, NOTIFICATION.parameters());

/// Adds the names of the records, as far as the caller sees them, with one statement per kind of record.
fn named(tx: &mut Tx<'_>, rows: Vec<Row>) -> Result<Vec<Notification>> {
    let mut wanted: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
    for row in &rows {
        if let Some((kind, id)) = row.record_kind.clone().zip(row.record_id) {
            wanted.entry(kind).or_default().push(id);
        }
    }
    let mut names: HashMap<Uuid, String> = HashMap::new();
    let mut paths: HashMap<String, &'static str> = HashMap::new();
    for (name, ids) in wanted {
        let Some(kind) = resource::kind_named(&name) else { continue };
        paths.insert(name, kind.path());
        names.extend(refs::readable_names(tx, kind, &ids)?.into_iter().map(|one| (one.id, one.name)));
    }
    let notification = |row: Row| Notification {
        resource: row.record_kind.as_ref().and_then(|kind| paths.get(kind).map(|path| (*path).to_owned())),
        record_kind: row.record_kind,
        record_name: row.record_id.and_then(|id| names.get(&id).cloned()),
        id: row.id,
        kind: row.kind,
        record_id: row.record_id,
        count: row.count,
        actor_id: row.actor_id,
        created_at: row.created_at,
        read_at: row.read_at,
    };
    Ok(rows.into_iter().map(notification).collect())
}

/// List your notifications, the latest first.
#[utoipa::path(operation_id = "list_notifications", params(NotificationList), responses((status = 200, description = "A page of notifications", body = NotificationPage)))]
#[get("/notifications")]
async fn list(ctx: Ctx<Anybody>, _: SignedIn) -> Result<Reply> {
    let (plan, link) = (NOTIFICATION.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| {
        let own = NOTIFICATION.on(Cond::Is((&USER).into(), Op::Eq, Values::Uuid(vec![tx.actor.user])));
        let Page { data, included, page } = table::page_of::<Row>(tx, &plan, &own)?;
        Ok(link.answer(Page { data: named(tx, data)?, included, page }))
    })
    .await
}

/// Which notifications are read: some, or all until an instant.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NotificationsRead {
    #[serde(default)]
    #[schema(max_items = 500)]
    pub ids: Vec<Uuid>,
    /// All that were created until this instant. Send the time of the newest one that the user has seen.
    pub until: Option<DateTime>,
}

impl Rules for NotificationsRead {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        match (self.ids.is_empty(), self.until) {
            (true, None) => {
                bad.push(FieldError::member("/ids", FieldCode::Required, "is required unless until is given"))
            }
            (false, Some(_)) => {
                bad.push(FieldError::member("/until", FieldCode::StatedTwice, "must not be combined with ids"));
            }
            _ => {}
        }
    }
}

/// The number of notifications that you have not read.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnreadCount {
    pub unread: i64,
}
impl NothingHidden for UnreadCount {}

const READ: &str = "update notifications set read_at = :now \
    where workspace_id = :workspace and user_id = :user and read_at is null and (id = any(:ids) or created_at <= :until)";
const UNREAD: &str = "select count(*) as unread from notifications \
    where workspace_id = :workspace and user_id = :user and read_at is null";

#[derive(QueryableByName)]
struct Unread {
    #[diesel(sql_type = BigInt)]
    unread: i64,
}

/// Returns the number of unread notifications of the caller.
pub fn unread(tx: &mut Tx<'_>) -> Result<i64> {
    let statement = Statement::new(UNREAD).prepared().set("workspace", Part::Id(tx.workspace()));
    let found: Unread = statement.set("user", Part::Id(tx.actor.user)).get_result(tx.conn)?;
    Ok(found.unread)
}

/// Mark notifications as read, on all your devices. Returns how many are left.
#[utoipa::path(operation_id = "mark_notifications_read", request_body = NotificationsRead,
    responses((status = 200, description = "The number of unread notifications", body = UnreadCount)))]
#[post("/notifications/mark-read")]
async fn mark_read(ctx: Ctx<Anybody>, _: SignedIn, which: Valid<NotificationsRead>) -> Result<Reply> {
    ctx.write(move |tx| {
        Statement::new(READ)
            .set("now", Part::At(tx.now))
            .set("workspace", Part::Id(tx.workspace()))
            .set("user", Part::Id(tx.actor.user))
            .set("ids", Part::Ids(which.ids.clone()))
            .set("until", Part::MaybeAt(which.until))
            .execute(tx.conn)?;
        Ok(Answer::ok(UnreadCount { unread: unread(tx)? }))
    })
    .await
}

/// Which notifications you want, and how.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct NotificationPreferences {
    /// Kinds of which you get no notifications from now on, also not by letter.
    #[schema(max_items = 50)]
    pub muted: Vec<NotificationKind>,
    /// Kinds that also come by e-mail, if you have not read them before.
    #[schema(max_items = 50)]
    pub letters: Vec<LetterPreference>,
}
impl NothingHidden for NotificationPreferences {}

/// A kind of notification that comes by e-mail.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LetterPreference {
    pub kind: NotificationKind,
    pub when: LetterTime,
}

impl Rules for NotificationPreferences {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        for (n, letter) in self.letters.iter().enumerate() {
            if self.letters.iter().take(n).any(|other| other.kind == letter.kind) {
                let detail = "must not name a kind twice";
                bad.push(FieldError::member(format!("/letters/{n}/kind"), FieldCode::StatedTwice, detail));
            }
        }
    }
}

/// The muted kinds, as stored in the row of the user.
#[derive(Clone, Debug, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(transparent)]
struct Muted(Vec<NotificationKind>);

/// The kinds that come by letter, as stored in the row of the user.
#[derive(Clone, Debug, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(transparent)]
struct Letters(BTreeMap<String, LetterTime>);
jsonb!(Muted, Letters);

fn stored_preferences(tx: &mut Tx<'_>) -> Result<NotificationPreferences> {
    let own = users::table.find((tx.workspace(), tx.actor.user));
    let own = own.select((users::muted_notifications, users::notification_letters));
    let (muted, letters): (Muted, Letters) = own.first(tx.conn)?;
    let letter = |(kind, when): (String, LetterTime)| Some(LetterPreference { kind: kind.parse().ok()?, when });
    Ok(NotificationPreferences { muted: muted.0, letters: letters.0.into_iter().filter_map(letter).collect() })
}

/// Get which notifications you want.
#[utoipa::path(operation_id = "get_notification_preferences", responses((status = 200, description = "The preferences", body = NotificationPreferences)))]
#[get("/notifications/preferences")]
async fn preferences(ctx: Ctx<Anybody>, _: SignedIn) -> Result<Reply> {
    ctx.read(|tx| stored_preferences(tx).map(Answer::ok)).await
}

/// Set which notifications you want.
#[utoipa::path(operation_id = "set_notification_preferences", request_body = NotificationPreferences,
    responses((status = 200, description = "The preferences", body = NotificationPreferences)))]
#[put("/notifications/preferences")]
async fn set_preferences(ctx: Ctx<Anybody>, _: SignedIn, wanted: Valid<NotificationPreferences>) -> Result<Reply> {
    ctx.write(move |tx| {
        let letters = wanted.letters.iter().map(|one| (one.kind.as_str().to_owned(), one.when)).collect();
        diesel::update(users::table.find((tx.workspace(), tx.actor.user)))
            .set((
                users::muted_notifications.eq(Muted(wanted.muted.clone())),
                users::notification_letters.eq(Letters(letters)),
            ))
            .execute(tx.conn)?;
        stored_preferences(tx).map(Answer::ok)
    })
    .await
}

/// Returns what a letter tells: the notifications that the reader has not read and still wants by letter, with the names
/// that the reader may see.
pub fn of_letter(tx: &mut Tx<'_>, letter: Uuid) -> Result<Vec<Told>> {
    let own = notifications::table
        .filter(notifications::workspace_id.eq(tx.workspace()))
        .filter(notifications::letter_id.eq(letter))
        .filter(notifications::user_id.eq(tx.actor.user))
        .filter(notifications::read_at.is_null())
        .order((notifications::created_at, notifications::id));
    let mut rows: Vec<Row> = own.select(Row::as_select()).load(tx.conn)?;
    let wanted = stored_preferences(tx)?;
    rows.retain(|row| wanted.letters.iter().any(|one| one.kind == row.kind) && !wanted.muted.contains(&row.kind));
    let actors: Vec<Uuid> = rows.iter().filter_map(|row| row.actor_id).collect();
    let readable = tx.actor.require_read(Kind::USER.path()).is_ok();
    let names = if readable { refs::names(tx, Kind::USER, &actors)? } else { Vec::new() };
    let names: HashMap<Uuid, String> = names.into_iter().map(|one| (one.id, one.name)).collect();
    let told = |one: Notification| Told {
        kind: one.kind.as_str(),
        record: one.record_name,
        count: one.count,
        actor: one.actor_id.and_then(|id| names.get(&id).cloned()),
    };
    Ok(named(tx, rows)?.into_iter().map(told).collect())
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(mark_read).service(preferences).service(set_preferences);
}
