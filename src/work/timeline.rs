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
use diesel::sql_types::{Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
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
    /// With `include`: the users, and the contacts, companies, leads and deals that changed.
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
}

/// The requested page of a timeline.
#[derive(Clone, Debug)]
pub struct Window {
    limit: i64,
    before: Option<(DateTime, Uuid)>,
    include: Vec<String>,
}

/// The values of `include`.
const INCLUDES: [&str; 2] = ["actor", "record"];

list_params!(TimelineParameters, {
    let limit = schema(ValueType::Int).minimum(Some(1)).maximum(Some(500)).default(Some(50.into()));
    vec![
        parameter("limit".into(), "Items per page.".into(), limit, None),
        parameter("cursor".into(), "`page.next_cursor` of the previous page.".into(), schema(ValueType::Text), None),
        parameter(
            "include".into(),
            "Names to add to `included`: `actor` for the users, `record` for the records that changed.".into(),
            schema(ValueType::Text).pattern(Some(format!("^({})$", INCLUDES.join("|")))),
            Some(false),
        ),
    ]
});

impl Window {
    pub fn read(query: &str, record: Uuid) -> Result<Window> {
        let mut params = QueryParams::read(query)?;
        let limit = params.limit(50, 500)?;
        let invalid = || FieldError::parameter("cursor", Code::CursorInvalid, "must be a cursor of this timeline");
        let read = |text: String| {
            let (kind, of, at, id): (String, Uuid, DateTime, Uuid) =
                serde_json::from_value(unseal(&text)?).map_err(|_| invalid())?;
            if kind == "timeline" && of == record { Ok((at, id)) } else { Err(invalid()) }
        };
        let before = params.take("cursor").map(read).transpose().map_err(|bad| Error::parameters(vec![bad]))?;
        let include = params.take("include").map(|text| split(&text)).unwrap_or_default();
        if let Some(name) = include.iter().find(|name| !INCLUDES.contains(&name.as_str())) {
            let detail = format!("must not contain {name}; the values are {}", INCLUDES.join(", "));
            return Err(Error::parameters(vec![
                FieldError::parameter("include", FieldCode::InvalidChoice, detail).among(INCLUDES),
            ]));
        }
        params.finish(&["limit", "cursor", "include"])?;
        Ok(Window { limit, before, include })
    }
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
    more: "activities.deleted_at is null and (activities.occurred_at, activities.id) < (:at, :last)",
};
const TASKS: Work = Work {
    table: "tasks",
    columns: "tasks.*, coalesce(tasks.completed_at, tasks.created_at) as at",
    more: "tasks.deleted_at is null and (coalesce(tasks.completed_at, tasks.created_at), tasks.id) < (:at, :last)",
};
const FILES: Work = Work {
    table: "files",
    columns: "files.*",
    more: "files.deleted_at is null and (files.created_at, files.id) < (:at, :last)",
};

impl Work {
    fn before(&self, actor: &Actor, (at, last): (DateTime, Uuid)) -> Part {
        let more = Statement::new(self.more).set("at", Part::At(at)).set("last", Part::Id(last));
        Part::Nested(Box::new(related::hanging(actor.workspace, self.table, self.columns, more)))
    }
}

/// Returns the statement for a page. It selects one more row than the limit, to detect whether there is another page.
pub fn statement(actor: &Actor, kind: Kind, id: Uuid, window: &Window) -> Statement {
    let before = window.before.unwrap_or_else(|| (DateTime::now().plus(chrono::Duration::days(365_000)), Uuid::max()));
    // Work is visible through the record that it belongs to, if the caller may read this kind of work.
    let shown = |resource| Part::Sql(if actor.require_read(resource).is_ok() { "true" } else { "false" });
    Statement::new(include_str!("timeline.sql"))
        .set("workspace", Part::Id(actor.workspace))
        .set("related", Part::Nested(Box::new(related::of(actor, kind, &[id]))))
        .set("activities", ACTIVITIES.before(actor, before))
        .set("tasks", TASKS.before(actor, before))
        .set("files", FILES.before(actor, before))
        .set("activities_shown", shown("activities"))
        .set("tasks_shown", shown("tasks"))
        .set("files_shown", shown("files"))
        .set("at", Part::At(before.0))
        .set("last", Part::Id(before.1))
        .set("limit", Part::Int(window.limit + 1))
}

/// Loads the requested names, with one statement per kind of record.
fn included(tx: &mut Tx<'_>, rows: &[Row], include: &[String]) -> Result<Included> {
    let mut included = Included::default();
    let mut add = |tx: &mut Tx<'_>, kind: Kind, ids: BTreeSet<Uuid>| -> Result<()> {
        included.set(kind, refs::names(tx, kind, &ids.into_iter().collect::<Vec<_>>())?);
        Ok(())
    };
    if include.iter().any(|name| name == "actor") {
        tx.actor.require_read(Kind::USER.path())?;
        add(tx, Kind::USER, rows.iter().filter_map(|row| row.actor_id).collect())?;
    }
    if include.iter().any(|name| name == "record") {
        for kind in [Kind::CONTACT, Kind::COMPANY, Kind::LEAD, Kind::DEAL] {
            let ids = rows.iter().filter(|row| row.record_kind == kind.as_str()).map(|row| row.record_id);
            add(tx, kind, ids.collect())?;
        }
    }
    Ok(included)
}

pub fn page(tx: &mut Tx<'_>, kind: Kind, id: Uuid, window: Window) -> Result<TimelinePage> {
    let mut rows: Vec<Row> = statement(tx.actor, kind, id, &window).load(tx.conn)?;
    let limit = usize::try_from(window.limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| has_more).map(|row| seal(&json!(["timeline", id, row.at, row.id])));
    let included = included(tx, &rows, &window.include)?;
    let item = |row: Row| TimelineItem {
        id: row.id,
        at: row.at,
        kind: row.kind,
        r#type: row.type_,
        actor_id: row.actor_id,
        record_kind: row.record_kind,
        record_id: row.record_id,
        title: row.title,
        text: row.text_,
        changes: changes(&row.changes),
    };
    let data = rows.into_iter().map(item).collect();
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
