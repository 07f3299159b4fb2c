//! The timeline of a record: its changes, stage moves, activities and tasks in one list, latest first.
use crate::db::sight::sight;
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::kernel::actor::{Action, can};
use crate::kernel::asked::Asked;
use crate::kernel::error::{Bad, Error, Result};
use crate::kernel::field::Kind as FieldKind;
use crate::kernel::kind::Kind;
use crate::kernel::parameters::{parameter, schema};
use crate::kernel::query::PageInfo;
use crate::kernel::reply::Reply;
use crate::kernel::seek::{seal, unseal};
use crate::kernel::time::DateTime;
use crate::list_params;
use crate::people::{companies, contacts};
use crate::records::feed::{MemberChange, changes};
use crate::schema::leads;
use crate::web::ctx::{Ctx, Id};
use actix_web::get;
use diesel::prelude::*;
use diesel::sql_types::{Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use serde_json::{Value as Json, json};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// One thing on a timeline.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineItem {
    pub id: Uuid,
    pub at: DateTime,
    /// `change`, `stage_move`, `activity` or `task`; more kinds may come.
    pub kind: String,
    /// Of the event, activity or task: `deal.updated`, `call`, `todo`.
    pub r#type: String,
    /// Who did it; of a task its assignee.
    pub actor_id: Option<Uuid>,
    pub record_kind: String,
    pub record_id: Uuid,
    /// A task's title, a call's outcome.
    pub title: Option<String>,
    pub text: Option<String>,
    /// Of a change: each member before and after. Of a task: its status.
    pub changes: Vec<MemberChange>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TimelinePage {
    pub data: Vec<TimelineItem>,
    pub page: PageInfo,
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

/// Which page of a timeline is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    limit: i64,
    before: Option<(DateTime, Uuid)>,
}

list_params!(TimelineParameters, {
    let limit = schema(FieldKind::Int).minimum(Some(1)).maximum(Some(500)).default(Some(50.into()));
    vec![
        parameter("limit".into(), "Items per page.".into(), limit, None),
        parameter("cursor".into(), "`page.next_cursor` of the page before.".into(), schema(FieldKind::Text), None),
    ]
});

impl Window {
    pub fn read(query: &str, record: Uuid) -> Result<Window> {
        let mut asked = Asked::read(query)?;
        let limit = asked.limit(50, 500)?;
        let invalid = || Bad::parameter("cursor", "cursor_invalid", "is not a cursor of a timeline");
        let read = |text: String| {
            let (kind, of, at, id): (String, Uuid, DateTime, Uuid) =
                serde_json::from_value(unseal(&text)?).map_err(|_| invalid())?;
            if kind == "timeline" && of == record { Ok((at, id)) } else { Err(invalid()) }
        };
        let before = asked.take("cursor").map(read).transpose().map_err(|bad| Error::parameters(vec![bad]))?;
        asked.finish(&["limit", "cursor"])?;
        Ok(Window { limit, before })
    }
}

/// How activities and tasks name the record. A deal also shows what happened to the leads it came from.
const fn conditions(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Company => ("a.company_id = any(:ids)", "t.company_id = any(:ids)"),
        Kind::Lead => ("a.lead_id = any(:ids)", "t.lead_id = any(:ids)"),
        Kind::Deal => {
            ("a.deal_id = any(:ids) or a.lead_id = any(:ids)", "t.deal_id = any(:ids) or t.lead_id = any(:ids)")
        }
        _ => ("a.contact_id = any(:ids)", "t.contact_id = any(:ids)"),
    }
}

/// Work is shown with the record it belongs to, to those who may read such work at all.
fn shown(tx: &Tx<'_>, resource: &str) -> Part {
    Part::Sql(if tx.actor.must_read(resource).is_ok() { "true" } else { "false" })
}

pub fn page(tx: &mut Tx<'_>, kind: Kind, id: Uuid, window: Window) -> Result<TimelinePage> {
    let mut ids = vec![id];
    if kind == Kind::Deal {
        let from = leads::table.filter(leads::workspace_id.eq(tx.workspace())).filter(leads::converted_deal_id.eq(id));
        let from = from.filter(sight::<leads::table>(tx.actor, Kind::Lead, Action::Read));
        ids.extend(from.select(leads::id).load::<Uuid>(tx.conn)?);
    }
    let (activity_of, task_of) = conditions(kind);
    let beginning = (tx.now.plus(chrono::Duration::days(365_000)), Uuid::max());
    let (at, last) = window.before.unwrap_or(beginning);
    let of = |sql| Part::Nested(Box::new(Statement::new(sql).set("ids", Part::Ids(ids.clone()))));
    let mut rows: Vec<Row> = Statement::new(include_str!("timeline.sql"))
        .set("workspace", Part::Id(tx.workspace()))
        .set("ids", Part::Ids(ids.clone()))
        .set("activities_shown", shown(tx, "activities"))
        .set("tasks_shown", shown(tx, "tasks"))
        .set("activity_of", of(activity_of))
        .set("task_of", of(task_of))
        .set("at", Part::At(at))
        .set("last", Part::Id(last))
        .set("limit", Part::Int(window.limit + 1))
        .load(tx.conn)?;
    let limit = usize::try_from(window.limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| has_more).map(|row| seal(&json!(["timeline", id, row.at, row.id])));
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
    Ok(TimelinePage { data, page: PageInfo { next_cursor, has_more, total: None, total_capped: false } })
}

/// Everything that happened with a contact.
#[utoipa::path(operation_id = "get_contact_timeline", params(("contact_id" = Uuid, Path, description = "Id of the contact"), TimelineParameters),
    responses((status = 200, description = "A page of the timeline", body = TimelinePage)))]
#[get("/contacts/{contact_id}/timeline")]
async fn of_contact(ctx: Ctx<can::contacts::Read>, id: Id) -> Result<Reply> {
    let (window, link) = (Window::read(ctx.query(), id.0)?, ctx.next_link());
    ctx.read(move |tx| {
        contacts::store::find(tx, id.0)?;
        let page = page(tx, Kind::Contact, id.0, window)?;
        link.reply(&page.page, &page)
    })
    .await
}

/// Everything that happened with a company.
#[utoipa::path(operation_id = "get_company_timeline", params(("company_id" = Uuid, Path, description = "Id of the company"), TimelineParameters),
    responses((status = 200, description = "A page of the timeline", body = TimelinePage)))]
#[get("/companies/{company_id}/timeline")]
async fn of_company(ctx: Ctx<can::companies::Read>, id: Id) -> Result<Reply> {
    let (window, link) = (Window::read(ctx.query(), id.0)?, ctx.next_link());
    ctx.read(move |tx| {
        companies::store::find(tx, id.0)?;
        let page = page(tx, Kind::Company, id.0, window)?;
        link.reply(&page.page, &page)
    })
    .await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(of_contact).service(of_company);
}
