//! The event feed: what changed in the workspace, in an order that never skips a change that commits late.
use crate::db::sight;
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::identity::accounts::SECURITY_EVENTS;
use crate::kernel::access::Visibility;
use crate::kernel::actor::Actor;
use crate::kernel::actor::{Action, can};
use crate::kernel::error::{Bad, Error, Result};
use crate::kernel::field::Kind as FieldKind;
use crate::kernel::kind::Kind;
use crate::kernel::parameters::{parameter, schema};
use crate::kernel::query::{PageInfo, split};
use crate::kernel::reply::Reply;
use crate::kernel::seek::{seal, unseal};
use crate::kernel::time::DateTime;
use crate::list_params;
use crate::web::ctx::Ctx;
use actix_web::get;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// One change.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeEvent {
    pub id: Uuid,
    /// Such as `deal.stage_changed`; more types may come.
    pub r#type: String,
    pub at: DateTime,
    pub record_kind: String,
    pub record_id: Uuid,
    /// The version that the change made. Changes of one record that were made at the same time may come in another order.
    pub record_version: Option<i64>,
    /// `user`, `api_key` or `import`.
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub request_id: String,
    pub changes: Vec<MemberChange>,
}

/// A member before and after, as JSON text: `"Anna"`, `125000`, `null`.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberChange {
    pub member: String,
    pub before: String,
    pub after: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeEventPage {
    pub data: Vec<ChangeEvent>,
    pub page: PageInfo,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    type_: String,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime,
    #[diesel(sql_type = Text)]
    record_kind: String,
    #[diesel(sql_type = SqlUuid)]
    record_id: Uuid,
    #[diesel(sql_type = Nullable<BigInt>)]
    record_version: Option<i64>,
    #[diesel(sql_type = Text)]
    actor_kind: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    actor_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    request_id: String,
    #[diesel(sql_type = Jsonb)]
    changes: Json,
    #[diesel(sql_type = BigInt)]
    xid: i64,
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

/// `{"member": [before, after]}` as a list.
pub fn changes(stored: &Json) -> Vec<MemberChange> {
    let ordered: BTreeMap<_, _> = stored.as_object().into_iter().flatten().collect();
    let side = |pair: &Json, n: usize| pair.get(n).unwrap_or(&Json::Null).to_string();
    ordered
        .into_iter()
        .map(|(name, pair)| MemberChange { member: name.clone(), before: side(pair, 0), after: side(pair, 1) })
        .collect()
}

struct Asked {
    types: Vec<String>,
    record: Option<Uuid>,
    limit: i64,
    after: (i64, i64),
}

fn asked(query: &str, actor: &Actor) -> Result<Asked> {
    let mut given = crate::kernel::asked::Asked::read(query)?;
    let limit = given.limit(50, 500)?;
    let types = given.take("type").map(|t| split(&t)).unwrap_or_default();
    let record = given.parsed("record_id", "a UUID")?;
    let after = match given.take("cursor") {
        None => (0, 0),
        Some(cursor) => {
            let invalid = |_| Bad::parameter("cursor", "cursor_invalid", "is not a cursor of this list");
            let payload = unseal(&cursor)
                .and_then(|json| serde_json::from_value::<(String, Uuid, i64, i64)>(json).map_err(invalid));
            let (kind, workspace, xid, seq) = payload.map_err(|bad| Error::parameters(vec![bad]))?;
            if kind != "events" || workspace != actor.workspace {
                return Err(Error::parameters(vec![Bad::parameter(
                    "cursor",
                    "cursor_mismatch",
                    "belongs to another list",
                )]));
            }
            (xid, seq)
        }
    };
    given.finish(&["limit", "cursor", "type", "record_id"])?;
    Ok(Asked { types, record, limit, after })
}

/// The kinds whose records have owners, and the column that names the owner.
const OWNED: [(Kind, &str); 7] = [
    (Kind::Company, "owner_id"),
    (Kind::Contact, "owner_id"),
    (Kind::Lead, "owner_id"),
    (Kind::Deal, "owner_id"),
    (Kind::Task, "assignee_id"),
    (Kind::Activity, "author_id"),
    (Kind::File, "author_id"),
];

/// Whether the record of an event is one of these owners'. `:records` is the table of its kind.
const OF_OWNERS: &str = "exists (select 1 from :records r where r.workspace_id = events.workspace_id and r.id = events.record_id \
    and r.:owner = any(:owners))";

/// The kinds of record that the caller may read, by role and scopes. Keys are told of to those who answer for users.
fn kinds(tx: &Tx<'_>) -> Vec<String> {
    let answers_for_users = tx.actor.visibility("users", Action::Update) == Visibility::All;
    let may = |kind: &&Kind| tx.actor.must_read(kind.path()).is_ok() && (**kind != Kind::ApiKey || answers_for_users);
    Kind::ALL.iter().filter(may).map(|kind| kind.as_str().to_owned()).collect()
}

/// Whether the view of an event is shared, or was until then, or is the caller's.
const OF_VIEWS: &str = "record_kind <> 'view' or actor_id = :me or changes -> 'shared' -> 0 = 'true' or exists (select 1 from views v \
    where v.workspace_id = events.workspace_id and v.id = events.record_id and (v.shared or v.owner_id = :me))";

/// What happens to how others sign in is for who may read the audit log.
const OF_SIGN_IN: &str = ":audits or actor_id = :me or type <> all(:security)";

/// The condition on events that follows from what the caller may see of each kind of record.
fn seen(tx: &Tx<'_>) -> Statement {
    let audits = tx.actor.must_read(Kind::AuditEvent.path()).is_ok();
    let security = SECURITY_EVENTS.iter().map(|name| (*name).to_owned()).collect();
    let sign_in = Statement::new(OF_SIGN_IN)
        .set("audits", Part::Sql(if audits { "true" } else { "false" }))
        .set("me", Part::Id(tx.actor.user))
        .set("security", Part::Texts(security));
    let mut condition = Statement::new("(:views) and (:sign_in)")
        .set("views", Part::Nested(Box::new(Statement::new(OF_VIEWS).set("me", Part::Id(tx.actor.user)))))
        .set("sign_in", Part::Nested(Box::new(sign_in)));
    for (kind, owner) in OWNED {
        let Some(owners) = sight::owners(tx.actor, kind, Action::Read) else { continue };
        let owned = Statement::new(OF_OWNERS)
            .set("records", Part::Sql(kind.path()))
            .set("owner", Part::Sql(owner))
            .set("owners", Part::Ids(owners));
        condition = Statement::new("(:rest) and (record_kind <> :kind or :owned)")
            .set("rest", Part::Nested(Box::new(condition)))
            .set("kind", Part::Text(kind.as_str().into()))
            .set("owned", Part::Nested(Box::new(owned)));
    }
    condition
}

fn load(tx: &mut Tx<'_>, asked: &Asked) -> Result<ChangeEventPage> {
    let mut rows: Vec<Row> = Statement::new(include_str!("feed.sql"))
        .set("workspace", Part::Id(tx.workspace()))
        .set("xid", Part::Int(asked.after.0))
        .set("seq", Part::Int(asked.after.1))
        .set("types", Part::Texts(asked.types.clone()))
        .set("record", Part::MaybeId(asked.record))
        .set("kinds", Part::Texts(kinds(tx)))
        .set("seen", Part::Nested(Box::new(seen(tx))))
        .set("limit", Part::Int(asked.limit + 1))
        .load(tx.conn)?;
    let limit = usize::try_from(asked.limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    // There is always a cursor: a reader that has caught up asks with it again later.
    let last = rows.last().map_or(asked.after, |row| (row.xid, row.seq));
    let next_cursor = Some(seal(&json!(["events", tx.workspace(), last.0, last.1])));
    let event = |row: Row| ChangeEvent {
        id: row.id,
        r#type: row.type_,
        at: row.at,
        record_kind: row.record_kind,
        record_id: row.record_id,
        record_version: row.record_version,
        actor_kind: row.actor_kind,
        actor_id: row.actor_id,
        request_id: row.request_id,
        changes: changes(&row.changes),
    };
    let data = rows.into_iter().map(event).collect();
    Ok(ChangeEventPage { data, page: PageInfo { next_cursor, has_more, total: None, total_capped: false } })
}

list_params!(FeedParameters, {
    let p = |name: &str, meaning: &str, one, many| parameter(name.into(), meaning.into(), one, many);
    vec![
        p("type", "Only events of these types, such as deal.stage_changed.", schema(FieldKind::Text), Some(false)),
        p("record_id", "Only events of this record.", schema(FieldKind::Uuid), None),
        p(
            "limit",
            "Events per page.",
            schema(FieldKind::Int).minimum(Some(1)).maximum(Some(500)).default(Some(50.into())),
            None,
        ),
        p(
            "cursor",
            "`page.next_cursor` of the answer before; it is given even when there is no more, to go on later.",
            schema(FieldKind::Text),
            None,
        ),
    ]
});

/// Follow what changes in the workspace, oldest first, of the kinds of record that you may read (a key needs their scopes too).
/// Keep the cursor and ask again: no change is ever skipped.
#[utoipa::path(operation_id = "list_events", params(FeedParameters), responses((status = 200, description = "A page of events", body = ChangeEventPage)))]
#[get("/events")]
async fn list(ctx: Ctx<can::events::Read>) -> Result<Reply> {
    let (asked, link) = (asked(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| {
        let page = load(tx, &asked)?;
        link.reply(&page.page, &page)
    })
    .await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list);
}
