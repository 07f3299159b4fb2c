//! The timeline of a record, latest first: changes, stage moves, activities, tasks and files of the record and of the
//! records that belong to it.
use crate::db::sql::{Part, Statement};
use crate::db::table::Stored;
use crate::db::tx::Tx;
use crate::db::{refs, related};
use crate::kernel::access::actor::Actor;
use crate::kernel::access::hide::Hide;
use crate::kernel::access::permission::can;
use crate::kernel::answers::included::Included;
use crate::kernel::answers::page::Paged;
use crate::kernel::answers::reply::Reply;
use crate::kernel::error::{Code, Error, FieldCode, FieldError, Result};
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::openapi::{parameter, schema};
use crate::kernel::query::params::{QueryParams, split};
use crate::kernel::query::plan::PageInfo;
use crate::kernel::query::seek::{seal, unseal};
use crate::kernel::values::time::DateTime;
use crate::kernel::values::value_type::ValueType;
use crate::list_params;
use crate::people::companies::model::Company;
use crate::people::contacts::model::Contact;
use crate::records::member_changes::{MemberChange, changes, hide_changes};
use crate::web::ctx::{Ctx, Id};
use actix_web::get;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// An item of a timeline.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineItem {
    pub id: Uuid,
    pub at: DateTime,
    /// `change`, `stage_move`, `activity`, `task` or `file`; more kinds may be added.
    pub kind: String,
    /// The type of the event, activity or task, such as `deal.updated`, `call` or `todo`; for a file, its content type.
    pub r#type: String,
    /// The user who did it; for a task, its assignee.
    pub actor_id: Option<Uuid>,
    pub record_kind: String,
    pub record_id: Uuid,
    /// The contact that changed, or that the activity, task or file belongs to. The same applies to the next three.
    pub contact_id: Option<Uuid>,
    pub company_id: Option<Uuid>,
    pub lead_id: Option<Uuid>,
    pub deal_id: Option<Uuid>,
    /// Pinned activities come first.
    pub pinned: bool,
    /// When the text or another member of an activity was last edited. `GET /activities/{activity_id}/history` has the
    /// earlier versions.
    pub edited_at: Option<DateTime>,
    /// The title of a task, the outcome of an activity or the name of a file.
    pub title: Option<String>,
    /// The text of an activity, or the result or notes of a task.
    pub text: Option<String>,
    /// For a change, each member before and after; for a task, its status.
    pub changes: Vec<MemberChange>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TimelinePage {
    pub data: Vec<TimelineItem>,
    /// With `include`: the users, and the contacts, companies, leads and deals of the items.
    pub included: Included,
    pub page: PageInfo,
}

impl Hide for TimelineItem {
    fn hide(&mut self, actor: &Actor) {
        hide_changes(&mut self.changes, &self.record_kind, actor);
    }
}

impl Hide for TimelinePage {
    fn hide(&mut self, actor: &Actor) {
        self.data.hide(actor);
    }
}

impl Paged for TimelinePage {
    fn info(&self) -> &PageInfo {
        &self.page
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    type_: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    actor_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    record_kind: String,
    #[diesel(sql_type = SqlUuid)]
    record_id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    title: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    text_: Option<String>,
    #[diesel(sql_type = Jsonb)]
    changes: Json,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    contact_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    company_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    lead_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    deal_id: Option<Uuid>,
    #[diesel(sql_type = Bool)]
    pinned: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    edited_at: Option<DateTime>,
}

impl Row {
    /// Returns the contact, company, lead or deal of the item.
    fn of(&self, kind: Kind) -> Option<Uuid> {
        match kind {
            Kind::CONTACT => self.contact_id,
            Kind::COMPANY => self.company_id,
            Kind::LEAD => self.lead_id,
            _ => self.deal_id,
        }
    }

    fn item(self) -> TimelineItem {
        TimelineItem {
            id: self.id,
            at: self.at,
            kind: self.kind,
            r#type: self.type_,
            actor_id: self.actor_id,
            record_kind: self.record_kind,
            record_id: self.record_id,
            contact_id: self.contact_id,
            company_id: self.company_id,
            lead_id: self.lead_id,
            deal_id: self.deal_id,
            pinned: self.pinned,
            edited_at: self.edited_at,
            title: self.title,
            text: self.text_,
            changes: changes(&self.changes),
        }
    }
}

/// The requested page of a timeline.
#[derive(Clone, Debug)]
pub struct Window {
    limit: i64,
    before: Option<Before>,
    include: Vec<String>,
    /// The requested kinds of items; if empty, all kinds.
    kinds: Vec<String>,
    /// The requested users; if empty, all users.
    authors: Vec<Uuid>,
}

/// The last item of the previous page. Pinned items come before all others.
#[derive(Clone, Copy, Debug)]
struct Before {
    pinned: bool,
    at: DateTime,
    id: Uuid,
}

/// The kinds of items.
const KINDS: [&str; 5] = ["change", "stage_move", "activity", "task", "file"];
const PARAMETERS: [&str; 5] = ["limit", "cursor", "include", "kind", "author_id"];

/// The values of `include`.
const INCLUDES: [&str; 2] = ["actor", "record"];

list_params!(TimelineParameters, {
    let limit = schema(ValueType::Int).minimum(Some(1)).maximum(Some(500)).default(Some(50.into()));
    vec![
        parameter("limit".into(), "Items per page.".into(), limit, None),
        parameter("cursor".into(), "`page.next_cursor` of the previous page.".into(), schema(ValueType::Text), None),
        parameter(
            "include".into(),
            "Names to add to `included`: `actor` for the users, `record` for the contacts, companies, leads and deals of \
                the items."
                .into(),
            schema(ValueType::Text).pattern(Some(format!("^({})$", INCLUDES.join("|")))),
            Some(false),
        ),
        parameter(
            "kind".into(),
            "Only items of these kinds.".into(),
            schema(ValueType::Text).enum_values(Some(KINDS)),
            Some(false),
        ),
        parameter(
            "author_id".into(),
            "Only items of these users: who changed the record or wrote the activity, and the assignee of a task.".into(),
            schema(ValueType::Uuid),
            Some(false),
        ),
    ]
});

impl Window {
    pub fn read(query: &str, record: Uuid) -> Result<Window> {
        let mut params = QueryParams::read(query)?;
        let limit = params.limit(50, 500)?;
        let cursor = params.take("cursor").map(|text| Before::read(&text, record)).transpose();
        let window = Window {
            limit,
            before: cursor.map_err(|bad| Error::parameters(vec![bad]))?,
            include: among(&mut params, "include", &INCLUDES)?,
            kinds: among(&mut params, "kind", &KINDS)?,
            authors: authors(&mut params)?,
        };
        params.finish(&PARAMETERS)?;
        Ok(window)
    }

    fn takes(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|asked| asked == kind)
    }

    /// Returns the positions before which pinned and other items begin; none if there are no more pinned ones.
    fn ends(&self) -> (Option<(DateTime, Uuid)>, (DateTime, Uuid)) {
        let start = (DateTime::now().plus(chrono::Duration::days(365_000)), Uuid::max());
        match self.before {
            None => (Some(start), start),
            Some(Before { pinned: true, at, id }) => (Some((at, id)), start),
            Some(Before { pinned: false, at, id }) => (None, (at, id)),
        }
    }
}

/// The names in cursors: of a timeline, and of its pinned items.
const CURSORS: [&str; 2] = ["timeline", "timeline_pinned"];

impl Before {
    fn read(text: &str, record: Uuid) -> Result<Before, FieldError> {
        let invalid = || FieldError::parameter("cursor", Code::CursorInvalid, "must be a cursor of this timeline");
        let (kind, of, at, id): (String, Uuid, DateTime, Uuid) =
            serde_json::from_value(unseal(text)?).map_err(|_| invalid())?;
        let known = CURSORS.contains(&kind.as_str()) && of == record;
        known.then_some(Before { pinned: kind != "timeline", at, id }).ok_or_else(invalid)
    }

    fn cursor(record: Uuid, last: &Row) -> String {
        let [usual, pinned] = CURSORS;
        seal(&json!([if last.pinned { pinned } else { usual }, record, last.at, last.id]))
    }
}

/// Reads a list parameter with a closed set of values.
fn among(params: &mut QueryParams, parameter: &str, known: &[&'static str]) -> Result<Vec<String>> {
    let list = params.take(parameter).map(|text| split(&text)).unwrap_or_default();
    let Some(name) = list.iter().find(|name| !known.contains(&name.as_str())) else { return Ok(list) };
    let detail = format!("must not contain {name}; the values are {}", known.join(", "));
    let bad = FieldError::parameter(parameter, FieldCode::InvalidChoice, detail).among(known.iter().copied());
    Err(Error::parameters(vec![bad]))
}

fn authors(params: &mut QueryParams) -> Result<Vec<Uuid>> {
    let list = params.take("author_id").map(|text| split(&text)).unwrap_or_default();
    let wrong = |_| FieldError::parameter("author_id", FieldCode::InvalidFormat, "must be a UUID");
    let ids = list.iter().map(|id| id.parse().map_err(wrong)).collect::<Result<_, _>>();
    ids.map_err(|bad| Error::parameters(vec![bad]))
}

/// A kind of work on a timeline: its table, the selected columns, and the condition for rows before the cursor.
struct Work {
    table: &'static str,
    columns: &'static str,
    more: &'static str,
}

const ACTIVITIES: Work = Work {
    table: "activities",
    columns: "activities.*",
    more: "not activities.pinned and activities.deleted_at is null and (activities.occurred_at, activities.id) < (:at, :last) \
        and (:any_author or activities.author_id = any(:authors))",
};
const PINNED: Work = Work {
    more: "activities.pinned and activities.deleted_at is null and (activities.occurred_at, activities.id) < (:at, :last) \
        and (:any_author or activities.author_id = any(:authors))",
    ..ACTIVITIES
};
const TASKS: Work = Work {
    table: "tasks",
    columns: "tasks.*, coalesce(tasks.completed_at, tasks.created_at) as at",
    more: "tasks.deleted_at is null and (coalesce(tasks.completed_at, tasks.created_at), tasks.id) < (:at, :last) \
        and (:any_author or tasks.assignee_id = any(:authors))",
};
const FILES: Work = Work {
    table: "files",
    columns: "files.*",
    more: "files.deleted_at is null and (files.created_at, files.id) < (:at, :last) \
        and (:any_author or files.author_id = any(:authors))",
};
const CHANGES: &str = "(events.at, events.id) < (:at, :last) and (:any_author or events.actor_id = any(:authors)) \
    and ((:moves and split_part(events.type, '.', 2) = any(:move_verbs)) \
        or (:other_changes and split_part(events.type, '.', 2) <> all(:move_verbs)))";

/// Activities in which a contact took part, such as a visit to the company.
const TAKEN_PART: &str = "select activities.* from activities where activities.workspace_id = :workspace \
    and related.kind = 'contact' and activities.participants <> '[]' \
    and activities.participants @> jsonb_build_array(jsonb_build_object('contact_id', related.id)) and (:more)";

/// The verbs of events that are stage moves.
const MOVES: [&str; 5] = ["stage_changed", "won", "lost", "reopened", "converted"];

fn bool_part(value: bool) -> Part {
    Part::Sql(if value { "true" } else { "false" })
}

/// Sets the place and the filter of a branch.
fn before(text: &'static str, window: &Window, (at, last): (DateTime, Uuid)) -> Statement {
    let placed = Statement::new(text).set("at", Part::At(at)).set("last", Part::Id(last));
    placed.set("any_author", bool_part(window.authors.is_empty())).set("authors", Part::Ids(window.authors.clone()))
}

impl Work {
    fn statement(&self, actor: &Actor, window: &Window, end: (DateTime, Uuid)) -> Statement {
        related::hanging(actor.workspace, self.table, self.columns, before(self.more, window, end))
    }

    fn part(&self, actor: &Actor, window: &Window, end: (DateTime, Uuid)) -> Part {
        Part::Nested(Box::new(self.statement(actor, window, end)))
    }

    /// Adds the activities in which the contacts took part.
    fn with_participants(&self, actor: &Actor, window: &Window, end: (DateTime, Uuid)) -> Part {
        let more = Part::Nested(Box::new(before(self.more, window, end)));
        let taken = Statement::new(TAKEN_PART).set("workspace", Part::Id(actor.workspace)).set("more", more);
        Part::Nested(Box::new(self.statement(actor, window, end).union_all(taken)))
    }
}

/// Returns the statement for a page. It selects one more row than the limit, to detect whether there is another page.
pub fn statement(actor: &Actor, kind: Kind, id: Uuid, window: &Window) -> Statement {
    let (pinned, end) = window.ends();
    // Work is visible through the record that it belongs to, if the caller may read this kind of work.
    let readable = |resource| actor.require_read(resource).is_ok();
    let activities = readable("activities") && window.takes("activity");
    let moves = before(CHANGES, window, end)
        .set("moves", bool_part(window.takes("stage_move")))
        .set("other_changes", bool_part(window.takes("change")))
        .set("move_verbs", Part::Texts(MOVES.map(str::to_owned).to_vec()));
    Statement::new(include_str!("timeline.sql"))
        .set("workspace", Part::Id(actor.workspace))
        .set("related", Part::Nested(Box::new(related::of(actor, kind, &[id]))))
        .set("pinned", PINNED.with_participants(actor, window, pinned.unwrap_or(end)))
        .set("activities", ACTIVITIES.with_participants(actor, window, end))
        .set("tasks", TASKS.part(actor, window, end))
        .set("files", FILES.part(actor, window, end))
        .set("changes", Part::Nested(Box::new(moves)))
        .set("move_verbs", Part::Texts(MOVES.map(str::to_owned).to_vec()))
        .set("pinned_shown", bool_part(activities && pinned.is_some()))
        .set("activities_shown", bool_part(activities))
        .set("tasks_shown", bool_part(readable("tasks") && window.takes("task")))
        .set("files_shown", bool_part(readable("files") && window.takes("file")))
        .set("limit", Part::Int(window.limit + 1))
}

/// Loads the requested names, with one statement per kind of record.
fn included(tx: &mut Tx<'_>, rows: &[Row], include: &[String]) -> Result<Included> {
    let mut included = Included::default();
    let mut add = |tx: &mut Tx<'_>, kind: Kind, ids: BTreeSet<Uuid>| -> Result<()> {
        included.add(kind, refs::names(tx, kind, &ids.into_iter().collect::<Vec<_>>())?);
        Ok(())
    };
    if include.iter().any(|name| name == "actor") {
        tx.actor.require_read(Kind::USER.path())?;
        add(tx, Kind::USER, rows.iter().filter_map(|row| row.actor_id).collect())?;
    }
    if include.iter().any(|name| name == "record") {
        for kind in [Kind::CONTACT, Kind::COMPANY, Kind::LEAD, Kind::DEAL] {
            add(tx, kind, rows.iter().filter_map(|row| row.of(kind)).collect())?;
        }
    }
    Ok(included)
}

pub fn page(tx: &mut Tx<'_>, kind: Kind, id: Uuid, window: Window) -> Result<TimelinePage> {
    let mut rows: Vec<Row> = statement(tx.actor, kind, id, &window).load(tx.conn)?;
    let limit = usize::try_from(window.limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| has_more).map(|row| Before::cursor(id, row));
    let included = included(tx, &rows, &window.include)?;
    let data = rows.into_iter().map(Row::item).collect();
    Ok(TimelinePage { data, included, page: PageInfo { next_cursor, has_more, total: None, total_capped: false } })
}

/// Get the timeline of a contact, and of its leads and deals that you see: changes, activities, tasks and files.
#[utoipa::path(operation_id = "get_contact_timeline", params(("contact_id" = Uuid, Path, description = "Id of the contact"), TimelineParameters),
    responses((status = 200, description = "A page of the timeline", body = TimelinePage)))]
#[get("/contacts/{contact_id}/timeline")]
async fn of_contact(ctx: Ctx<can::Read<Contact>>, id: Id) -> Result<Reply> {
    let (window, link) = (Window::read(ctx.query(), id.0)?, ctx.next_link());
    ctx.read(move |tx| {
        Contact::find(tx, id.0)?;
        let page = page(tx, Kind::CONTACT, id.0, window)?;
        Ok(link.answer(page))
    })
    .await
}

/// Get the timeline of a company, and of its contacts, leads and deals that you see: changes, activities, tasks and
/// files.
#[utoipa::path(operation_id = "get_company_timeline", params(("company_id" = Uuid, Path, description = "Id of the company"), TimelineParameters),
    responses((status = 200, description = "A page of the timeline", body = TimelinePage)))]
#[get("/companies/{company_id}/timeline")]
async fn of_company(ctx: Ctx<can::Read<Company>>, id: Id) -> Result<Reply> {
    let (window, link) = (Window::read(ctx.query(), id.0)?, ctx.next_link());
    ctx.read(move |tx| {
        Company::find(tx, id.0)?;
        let page = page(tx, Kind::COMPANY, id.0, window)?;
        Ok(link.answer(page))
    })
    .await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(of_contact).service(of_company);
}
