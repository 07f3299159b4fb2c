//! The event feed: the changes of a workspace, in an order that never skips a change that commits late.
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::db::visibility;
use crate::identity::credentials::accounts::SECURITY_EVENTS;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::Action;
use crate::kernel::access::hide::Hide;
use crate::kernel::access::permission::can;
use crate::kernel::access::resource;
use crate::kernel::access::resource::{Builtin, Descriptor, OwnerLink, Resource};
use crate::kernel::answers::page::Paged;
use crate::kernel::answers::reply::Reply;
use crate::kernel::error::{Code, Error, FieldCode, FieldError, Result, not_known};
use crate::kernel::fields::cond::Cond;
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::openapi::{parameter, schema};
use crate::kernel::query::params::split;
use crate::kernel::query::plan::PageInfo;
use crate::kernel::query::seek::{seal, signature, unseal};
use crate::kernel::values::event_verbs;
use crate::kernel::values::hex::hex;
use crate::kernel::values::time::DateTime;
use crate::kernel::values::value_type::ValueType;
use crate::list_params;
use crate::records::event_types;
use crate::records::member_changes::{MemberChange, changes, hide_changes};
use crate::web::ctx::Ctx;
use actix_web::get;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use serde_json::{Value as Json, json};
use utoipa::ToSchema;
use utoipa::openapi::schema::ObjectBuilder;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// One change.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeEvent {
    pub id: Uuid,
    /// Such as `deal.stage_changed`. The parameter `type` of `GET /events` lists all types; more may be added.
    pub r#type: String,
    pub at: DateTime,
    pub record_kind: String,
    pub record_id: Uuid,
    /// The version of the record after the change. Simultaneous changes of one record may appear in another order.
    pub record_version: Option<i64>,
    /// `user`, `api_key`, `import`, or `migration` for changes by a new version of the program.
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub request_id: String,
    pub changes: Vec<MemberChange>,
}

impl Resource for ChangeEvent {
    const DESCRIPTOR: &Descriptor =
        &Descriptor::calls("events", "The feed of changes.").shared(Builtin::Viewer, Builtin::Owner, Builtin::Owner);
}

impl Hide for ChangeEvent {
    fn hide(&mut self, actor: &Actor) {
        hide_changes(&mut self.changes, &self.record_kind, actor);
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeEventPage {
    pub data: Vec<ChangeEvent>,
    pub page: PageInfo,
}

impl Hide for ChangeEventPage {
    fn hide(&mut self, actor: &Actor) {
        self.data.hide(actor);
    }
}

impl Paged for ChangeEventPage {
    fn info(&self) -> &PageInfo {
        &self.page
    }
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
    /// Whether the event is about a view of another user.
    #[diesel(sql_type = Bool)]
    of_others: bool,
    #[diesel(sql_type = BigInt)]
    xid: i64,
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

struct FeedQuery {
    types: Vec<String>,
    /// The requested kinds of records; if empty, all kinds.
    kinds: Vec<String>,
    record: Option<Uuid>,
    limit: i64,
    since: Option<DateTime>,
    from: From,
}

/// Where the page begins.
enum From {
    Start,
    /// At the first event of `since`.
    Time,
    Now,
    /// After the position of a cursor, with the visibility that the caller had then.
    After(i64, i64, Option<String>),
}

impl FeedQuery {
    /// Checks whether the request includes changes of the caller's visibility.
    fn takes_visibility(&self, tx: &Tx<'_>) -> bool {
        let (user, id) = (Kind::USER.as_str(), tx.actor.user);
        let type_ = format!("{user}.{}", event_verbs::VISIBILITY_CHANGED);
        (self.types.is_empty() || self.types.contains(&type_))
            && (self.kinds.is_empty() || self.kinds.iter().any(|kind| kind == user))
            && self.record.is_none_or(|record| record == id)
    }
}

const PARAMETERS: [&str; 7] = ["limit", "cursor", "type", "record_id", "record_kind", "from", "at__gte"];

/// The only value of `from`.
const NOW: &str = "now";

fn parse(query: &str, actor: &Actor) -> Result<FeedQuery> {
    let mut params = crate::kernel::query::params::QueryParams::read(query)?;
    let limit = params.limit(50, 500)?;
    let types = names(&mut params, "type", &event_types::all().map(|(_, name)| name).collect::<Vec<_>>())?;
    let known: Vec<String> = event_types::kinds().iter().map(|kind| kind.as_str().to_owned()).collect();
    let kinds = names(&mut params, "record_kind", &known)?;
    let record = params.parsed("record_id", "a UUID")?;
    let since = params.parsed("at__gte", "an RFC 3339 instant such as 2026-01-31T00:00:00Z")?;
    let begin = params.take("from");
    if begin.as_deref().is_some_and(|text| text != NOW) {
        return Err(Error::parameters(vec![FieldError::not_among(&[NOW]).at_parameter("from")]));
    }
    let now = begin.is_some();
    let cursor = params.take("cursor");
    params.finish(&PARAMETERS)?;
    if now && (cursor.is_some() || since.is_some()) {
        return Err(wrong("from", FieldCode::Invalid, "must not be combined with cursor or at__gte"));
    }
    let from = match cursor {
        Some(cursor) => position(&cursor, actor)?,
        None if now => From::Now,
        None if since.is_some() => From::Time,
        None => From::Start,
    };
    Ok(FeedQuery { types, kinds, record, limit, since, from })
}

fn wrong(parameter: &str, code: impl Into<FieldCode>, detail: impl Into<String>) -> Error {
    Error::parameters(vec![FieldError::parameter(parameter, code, detail)])
}

/// Reads the names of a list parameter. Refuses an unknown name, and suggests the closest known one.
pub(in crate::records) fn names(
    params: &mut crate::kernel::query::params::QueryParams,
    parameter: &str,
    known: &[String],
) -> Result<Vec<String>> {
    let names = params.take(parameter).map(|text| split(&text)).unwrap_or_default();
    let unknown = names.iter().find(|name| !known.contains(name));
    match unknown {
        Some(name) => {
            let detail = format!("{name} {}", not_known(name, known.iter().map(String::as_str)));
            let bad = FieldError::parameter(parameter, FieldCode::InvalidChoice, detail)
                .among(known.iter().map(String::as_str));
            Err(Error::parameters(vec![bad]))
        }
        None => Ok(names),
    }
}

fn position(cursor: &str, actor: &Actor) -> Result<From> {
    let payload = unseal(cursor).map_err(|bad| Error::parameters(vec![bad]))?;
    let invalid = |_| wrong("cursor", Code::CursorInvalid, "is not a cursor of this list");
    // Cursors of earlier versions contain no visibility.
    let (kind, workspace, xid, seq, visibility) = match payload.as_array().map(Vec::len) {
        Some(4) => {
            let (kind, workspace, xid, seq) = serde_json::from_value(payload).map_err(invalid)?;
            (kind, workspace, xid, seq, None)
        }
        _ => serde_json::from_value::<(String, Uuid, i64, i64, Option<String>)>(payload).map_err(invalid)?,
    };
    if kind != "events" || workspace != actor.workspace {
        return Err(wrong("cursor", Code::CursorMismatch, "must be a cursor of the events of this workspace"));
    }
    Ok(From::After(xid, seq, visibility))
}

/// Returns the kinds whose records have owners, with the member that names the owner.
fn owned() -> impl Iterator<Item = (Kind, &'static str)> {
    resource::all().filter_map(|resource| Some((resource.kind?, resource.owner()?.name)))
}

/// Is true if the caller sees the record of an event. `:records` is the table of its kind.
const SEEN: &str = "exists (select 1 from :records where :records.workspace_id = events.workspace_id and :records.id = events.record_id \
    and (:visibility))";

/// Returns the kinds of records that the caller may read according to role and scopes. Events about API keys also
/// require the permission to update all users.
fn kinds(tx: &Tx<'_>, asked: &[String]) -> Vec<String> {
    let answers_for_users = tx.actor.manages_users();
    let may = |kind: &Kind| tx.actor.require_read(kind.path()).is_ok() && (*kind != Kind::API_KEY || answers_for_users);
    let wanted = |kind: &Kind| asked.is_empty() || asked.iter().any(|name| name == kind.as_str());
    resource::kinds().filter(may).filter(wanted).map(|kind| kind.as_str().to_owned()).collect()
}

/// Is true if the event is about a view of another user.
const OF_OTHERS: &str = "record_kind = 'view' and actor_id is distinct from :me and not exists (select 1 from views v \
    where v.workspace_id = events.workspace_id and v.id = events.record_id and v.owner_id = :me)";

/// Is true unless the event is about a view of another user that was not shared before or after the event. Sharing a
/// view does not reveal its earlier events.
const OF_VIEWS: &str = "not (:of_others) or changes -> 'shared' -> 0 = 'true' or 'true' = (select e.changes -> 'shared' -> 1 from events e \
    where e.workspace_id = events.workspace_id and e.record_id = events.record_id and e.changes -> 'shared' is not null \
        and (e.xid, e.seq) <= (events.xid, events.seq) \
    order by e.xid desc, e.seq desc limit 1)";

/// Is true unless the event is about how another user signs in and the caller may not read the audit log.
const OF_SIGN_IN: &str = ":audits or actor_id = :me or type <> all(:security)";

fn of_others(tx: &Tx<'_>) -> Part {
    Part::Nested(Box::new(Statement::new(OF_OTHERS).set("me", Part::Id(tx.actor.user))))
}

/// Removes what was not shared from an event about a view of another user: if the event shared the view, the values
/// before it; if it ended the sharing, all other changes.
fn without_unshared(mut stored: Json) -> Json {
    let shared = stored.get("shared").cloned().unwrap_or_default();
    let (before, after) = (shared.get(0) == Some(&Json::Bool(true)), shared.get(1) == Some(&Json::Bool(true)));
    let Some(members) = stored.as_object_mut() else { return stored };
    match (before, after) {
        (false, true) => members.values_mut().filter_map(|pair| pair.get_mut(0)).for_each(|old| *old = Json::Null),
        (true, false) => members.retain(|name, _| name == "shared"),
        _ => {}
    }
    stored
}

/// Returns the condition for the events that the caller sees.
fn visible_events(tx: &Tx<'_>) -> Statement {
    let audits = tx.actor.require_read(Kind::AUDIT_EVENT.path()).is_ok();
    let security = SECURITY_EVENTS.iter().map(|name| (*name).to_owned()).collect();
    let sign_in = Statement::new(OF_SIGN_IN)
        .set("audits", Part::Sql(if audits { "true" } else { "false" }))
        .set("me", Part::Id(tx.actor.user))
        .set("security", Part::Texts(security));
    let mut condition = Statement::new("(:views) and (:sign_in)")
        .set("views", Part::Nested(Box::new(Statement::new(OF_VIEWS).set("of_others", of_others(tx)))))
        .set("sign_in", Part::Nested(Box::new(sign_in)));
    for (kind, _) in owned() {
        let visibility = visibility::cond(tx.actor, kind, Action::Read);
        if matches!(&visibility, Cond::All(all) if all.is_empty()) {
            continue;
        }
        let seen =
            Statement::new(SEEN).set("records", Part::Sql(kind.table())).set("visibility", Part::Cond(visibility));
        condition = Statement::new("(:rest) and (record_kind <> :kind or :seen)")
            .set("rest", Part::Nested(Box::new(condition)))
            .set("kind", Part::Text(kind.as_str().into()))
            .set("seen", Part::Nested(Box::new(seen)));
    }
    condition
}

/// Is true if the event removed a link to a record that the caller sees.
const UNLINKED: &str = "record_kind = any(:kinds) and exists (select 1 from :records where :records.workspace_id = events.workspace_id \
    and :records.id = (changes -> ':member' ->> 0)::uuid and (:visibility))";

/// Returns the condition for events that may have hidden a record from the caller: the owner changed from one whose
/// records the caller sees, or a link to a record that the caller sees was removed.
fn lost(tx: &Tx<'_>) -> Statement {
    let limited = |kind: Kind| visibility::owners(tx.actor, kind, Action::Read).is_some();
    let mut links: Vec<(&OwnerLink, Vec<String>)> = Vec::new();
    for (resource, kind) in resource::all().filter_map(|resource| Some((resource, resource.kind?))) {
        for link in resource.links().iter().filter(|_| limited(kind)) {
            match links.iter_mut().find(|(known, _)| known.field.name == link.field.name) {
                Some((_, kinds)) => kinds.push(kind.as_str().into()),
                None => links.push((link, vec![kind.as_str().into()])),
            }
        }
    }
    links.into_iter().fold(transferred(tx), |rest, (link, kinds)| {
        let unlinked = Statement::new(UNLINKED)
            .set("kinds", Part::Texts(kinds))
            .set("records", Part::Sql(link.kind.table()))
            .set("member", Part::Sql(link.field.name))
            .set("visibility", Part::Cond(visibility::cond(tx.actor, link.kind, Action::Read)));
        Statement::new("(:rest) or (:unlinked)")
            .set("rest", Part::Nested(Box::new(rest)))
            .set("unlinked", Part::Nested(Box::new(unlinked)))
    })
}

fn transferred(tx: &Tx<'_>) -> Statement {
    let mut condition = Statement::new("false");
    for (kind, owner) in owned() {
        let Some(owners) = visibility::owners(tx.actor, kind, Action::Read) else { continue };
        condition = Statement::new("(:rest) or (record_kind = :kind and changes -> ':owner' ->> 0 = any(:owners))")
            .set("rest", Part::Nested(Box::new(condition)))
            .set("kind", Part::Text(kind.as_str().into()))
            .set("owner", Part::Sql(owner))
            .set("owners", Part::Texts(owners.iter().map(Uuid::to_string).collect()));
    }
    condition
}

/// Returns a digest of the caller's visibility. If it differs from that in the cursor, the visibility has changed.
fn visibility_of(tx: &Tx<'_>) -> String {
    let owners = owned().map(|(kind, _)| {
        let mut owners = visibility::owners(tx.actor, kind, Action::Read);
        owners.iter_mut().for_each(|ids| ids.sort_unstable());
        owners
    });
    let owners: Vec<Option<Vec<Uuid>>> = owners.collect();
    let hidden: Vec<Vec<&str>> =
        owned().map(|(kind, _)| tx.actor.access.hidden_members(kind.path()).collect()).collect();
    hex(&signature(format!("sight {:?} {owners:?} {hidden:?}", kinds(tx, &[])).as_bytes()))
}

/// Returns the event that reports a change of visibility since the cursor was created.
fn visibility_changed(tx: &Tx<'_>) -> ChangeEvent {
    ChangeEvent {
        id: Uuid::now_v7(),
        r#type: format!("{}.{}", Kind::USER.as_str(), event_verbs::VISIBILITY_CHANGED),
        at: tx.now,
        record_kind: Kind::USER.as_str().into(),
        record_id: tx.actor.user,
        record_version: None,
        actor_kind: tx.actor.actor_kind.as_str().into(),
        actor_id: None,
        request_id: tx.request_id.into(),
        changes: Vec::new(),
    }
}

#[derive(QueryableByName)]
struct Begin {
    #[diesel(sql_type = BigInt)]
    xid: i64,
}

fn begin(tx: &mut Tx<'_>, query: &FeedQuery) -> Result<(i64, i64)> {
    match query.from {
        From::Start => Ok((0, 0)),
        From::After(xid, seq, _) => Ok((xid, seq)),
        From::Time | From::Now => {
            let begin: Begin = Statement::new(include_str!("feed_start.sql"))
                .set("workspace", Part::Id(tx.workspace()))
                .set("since", Part::MaybeAt(query.since))
                .get_result(tx.conn)?;
            Ok((begin.xid, i64::MAX))
        }
    }
}

fn load(tx: &mut Tx<'_>, query: &FeedQuery) -> Result<ChangeEventPage> {
    let after = begin(tx, query)?;
    let mut rows: Vec<Row> = Statement::new(include_str!("feed.sql"))
        .set("workspace", Part::Id(tx.workspace()))
        .set("xid", Part::Int(after.0))
        .set("seq", Part::Int(after.1))
        .set("since", Part::MaybeAt(query.since))
        .set("types", Part::Texts(query.types.clone()))
        .set("record", Part::MaybeId(query.record))
        .set("kinds", Part::Texts(kinds(tx, &query.kinds)))
        .set("seen", Part::Nested(Box::new(visible_events(tx))))
        .set("of_others", of_others(tx))
        .set("lost", Part::Nested(Box::new(lost(tx))))
        .set("limit", Part::Int(query.limit + 1))
        .load(tx.conn)?;
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    // There is always a cursor, so that a reader that has caught up can continue later.
    let last = rows.last().map_or(after, |row| (row.xid, row.seq));
    let visibility = visibility_of(tx);
    let changed =
        matches!(&query.from, From::After(_, _, Some(before)) if *before != visibility) && query.takes_visibility(tx);
    let next_cursor = Some(seal(&json!(["events", tx.workspace(), last.0, last.1, visibility])));
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
        changes: changes(&if row.of_others { without_unshared(row.changes) } else { row.changes }),
    };
    let data = changed.then(|| visibility_changed(tx)).into_iter().chain(rows.into_iter().map(event)).collect();
    Ok(ChangeEventPage { data, page: PageInfo { next_cursor, has_more, total: None, total_capped: false } })
}

fn one_of(names: &[String]) -> ObjectBuilder {
    let names: Vec<String> = names.iter().map(|name| name.replace('.', "\\.")).collect();
    schema(ValueType::Text).pattern(Some(format!("^({})$", names.join("|"))))
}

/// Returns the parameter schema of event types.
pub fn type_schema() -> ObjectBuilder {
    one_of(&event_types::all().map(|(_, name)| name).collect::<Vec<_>>())
}

list_params!(FeedParameters, {
    let p = |name: &str, meaning: &str, one, many| parameter(name.into(), meaning.into(), one, many);
    let kinds: Vec<String> = event_types::kinds().iter().map(|kind| kind.as_str().to_owned()).collect();
    vec![
        p("type", "Only events of these types, such as deal.stage_changed.", type_schema(), Some(false)),
        p("record_kind", "Only events of these kinds of records.", one_of(&kinds), Some(false)),
        p("record_id", "Only events of this record.", schema(ValueType::Uuid), None),
        p(
            "from",
            "`now` skips all earlier events; continue with the cursor of the response.",
            one_of(&[NOW.into()]),
            None,
        ),
        p("at__gte", "Only events at or after this instant.", schema(ValueType::Time), None),
        p(
            "limit",
            "Events per page.",
            schema(ValueType::Int).minimum(Some(1)).maximum(Some(500)).default(Some(50.into())),
            None,
        ),
        p(
            "cursor",
            "`page.next_cursor` of the previous response. It is never null, so that you can continue later.",
            schema(ValueType::Text),
            None,
        ),
    ]
});

/// List the changes of the workspace, oldest first, for the kinds of records that you may read (an API key also needs
/// their scopes).
///
/// Store the cursor and use it for the next request: no change is ever skipped.
///
/// If you no longer see a record, for example because its owner changed, you get one more event such as `deal.hidden`:
/// drop the record and everything that belongs to it. The same applies to a task that was removed from a record that
/// you see. If your role, your team or its members change, the first event is `user.sight_changed`: reload your data.
///
/// {event_types}
#[utoipa::path(operation_id = "list_events", params(FeedParameters), responses((status = 200, description = "A page of events", body = ChangeEventPage)))]
#[get("/events")]
async fn list(ctx: Ctx<can::Read<ChangeEvent>>) -> Result<Reply> {
    let (query, link) = (parse(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| {
        let page = load(tx, &query)?;
        Ok(link.answer(page))
    })
    .await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list);
}
