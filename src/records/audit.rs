//! The audit log: who changed what, when and from where, with the values before and after. It reads the same rows as
//! the feed.
use crate::db::table;
use crate::db::tx::Tx;
use crate::kernel::access::actor::{Actor, ActorKind};
use crate::kernel::access::hide::Hide;
use crate::kernel::access::permission::can;
use crate::kernel::access::record::Record;
use crate::kernel::access::resource::{self, Builtin, Descriptor, Resource};
use crate::kernel::answers::csv;
use crate::kernel::answers::page::Page;
use crate::kernel::answers::reply::Reply;
use crate::kernel::error::Result;
use crate::kernel::fields::cond::Cond;
use crate::kernel::fields::field::field;
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::kernel::query::on::On;
use crate::kernel::query::openapi::parameter;
use crate::kernel::query::params::QueryParams;
use crate::kernel::query::plan::Plan;
use crate::kernel::values::time::DateTime;
use crate::records::event_types;
use crate::records::feed;
use crate::records::member_changes::{MemberChange, changes};
use crate::schema::events;
use crate::web::ctx::Ctx;
use crate::web::headers::Format;
use crate::{list_params, table_row};
use actix_web::get;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::sql_types::Jsonb;
use serde::{Serialize, Serializer};
use serde_json::Value as Json;
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Maximum rows of a CSV file. For more, export one month at a time.
const CSV_MAX: i64 = 100_000;

/// One entry of the audit log.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = events)]
pub struct AuditEvent {
    pub id: Uuid,
    pub at: DateTime,
    /// Such as `deal.won`, `user.updated`, `session.opened`; more may be added.
    #[diesel(column_name = type_)]
    pub r#type: String,
    pub record_kind: String,
    pub record_id: Uuid,
    /// `user`, `api_key`, `import`, `oidc`.
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    /// The IP address of the request.
    pub address: Option<String>,
    /// In the export of a person, `request_id` is empty and `address` null if the caller may not read the audit log.
    pub request_id: String,
    #[schema(value_type = Vec<MemberChange>)]
    pub changes: Changes,
    /// When the changes were removed because a person was erased.
    pub redacted_at: Option<DateTime>,
}

impl AuditEvent {
    /// Removes the IP address and the request id.
    pub fn forget_origin(&mut self) {
        self.address = None;
        self.request_id.clear();
    }
}

impl Record for AuditEvent {
    const KIND: Kind = Kind::AUDIT_EVENT;
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        1
    }
}

impl Kind {
    pub const AUDIT_EVENT: Kind = Kind::new("audit_event", "audit-events").in_table("events");
}

impl Resource for AuditEvent {
    const DESCRIPTOR: &Descriptor =
        &Descriptor::of(Kind::AUDIT_EVENT, "The audit log.").shared(Builtin::Admin, Builtin::Owner, Builtin::Owner);
}
pub type AuditEventPage = Page<AuditEvent>;

/// `{"member": [before, after]}`, shown as a list.
#[derive(Clone, Debug, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub struct Changes(Json);

impl diesel::deserialize::FromSql<Jsonb, Pg> for Changes {
    fn from_sql(value: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        Ok(Changes(serde_json::from_slice(value.as_bytes().get(1..).unwrap_or_default())?))
    }
}

impl Serialize for Changes {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        changes(&self.0).serialize(s)
    }
}

impl Changes {
    /// Removes the changes of members that are hidden from the caller.
    fn hide(&mut self, record_kind: &str, actor: &Actor) {
        if let (Some(kind), Some(members)) = (resource::kind_named(record_kind), self.0.as_object_mut()) {
            members.retain(|name, _| !actor.access.hides(kind.path(), name));
        }
    }
}

impl Hide for AuditEvent {
    fn hide(&mut self, actor: &Actor) {
        self.changes.hide(&self.record_kind, actor);
    }
}

/// A row of the CSV file.
#[derive(Serialize, ToSchema)]
struct Line {
    at: DateTime,
    r#type: String,
    record_kind: String,
    record_id: Uuid,
    actor_kind: String,
    actor_id: Option<Uuid>,
    address: Option<String>,
    request_id: String,
    /// As JSON: `{"title":["Boat","Big boat"]}`.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String)]
    changes: Changes,
}

fn as_text<S: Serializer>(changes: &Changes, s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(&changes.0)
}

impl Hide for Line {
    fn hide(&mut self, actor: &Actor) {
        self.changes.hide(&self.record_kind, actor);
    }
}

impl From<AuditEvent> for Line {
    fn from(event: AuditEvent) -> Line {
        Line {
            at: event.at,
            r#type: event.r#type,
            record_kind: event.record_kind,
            record_id: event.record_id,
            actor_kind: event.actor_kind,
            actor_id: event.actor_id,
            address: event.address,
            request_id: event.request_id,
            changes: event.changes,
        }
    }
}

static AUDIT: Fields<events::table> = Fields {
    kind: Kind::AUDIT_EVENT,
    all: &[
        field("type", &events::type_),
        field("at", &events::at),
        field("record_kind", &events::record_kind).one_of_listed(resource::kind_names),
        field("record_id", &events::record_id),
        field("actor_kind", &events::actor_kind).one_of(ActorKind::TEXTS),
        field("actor_id", &events::actor_id).to(Kind::USER),
        field("address", &events::address),
        field("request_id", &events::request_id),
    ],
    default_sort: "-at",
    id: field("id", &events::id),
    search: None,
    derived: &[],
    links: &[],
    table: PhantomData,
};
list_params!(AuditEventList, {
    let all = AUDIT.parameters().into_iter().map(|known| match known.name.as_str() {
        "type" | "type__ne" => {
            parameter(known.name, known.description.unwrap_or_default(), feed::type_schema(), Some(false))
        }
        _ => known,
    });
    all.collect()
});

table_row!(events, AuditEvent);

#[diesel::dsl::auto_type(no_type_alias)]
fn in_workspace(workspace: Uuid) -> _ {
    events::table.filter(events::workspace_id.eq(workspace))
}

/// Callers who may read the audit log see all of it.
fn visible_to(_: &Tx<'_>) -> On<events::table, Cond> {
    AUDIT.on(Cond::All(Vec::new()))
}

fn lines(tx: &mut Tx<'_>, plan: &Plan<events::table>) -> Result<Vec<Line>> {
    let all = in_workspace(tx.workspace()).filter(&plan.filter).filter(&plan.seek).order(&plan.order).limit(CSV_MAX);
    let rows: Vec<AuditEvent> = all.select(AuditEvent::as_select()).load(tx.conn)?;
    Ok(rows.into_iter().map(Line::from).collect())
}

/// Refuses unknown types. They would match nothing, which would look as if nothing had happened.
fn require_known_types(query: &str) -> Result<()> {
    let mut params = QueryParams::read(query)?;
    let known: Vec<String> = event_types::all().map(|(_, name)| name).collect();
    ["type", "type__ne"].iter().try_for_each(|name| feed::names(&mut params, name, &known).map(drop))
}

/// List who changed what, when and from where, latest first.
///
/// Also available as CSV with the same filters, up to 100,000 rows per file.
#[utoipa::path(operation_id = "list_audit_events", params(AuditEventList),
    responses((status = 200, description = "A page of the audit log", body = AuditEventPage)))]
#[get("/audit-events")]
async fn list(ctx: Ctx<can::Read<AuditEvent>>, format: Format) -> Result<Reply> {
    require_known_types(ctx.query())?;
    let (csv, plan, link) = (ctx.wants_csv(format)?, AUDIT.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    if csv {
        return ctx.report(move |tx| lines(tx, &plan).map(csv::answer)).await;
    }
    ctx.read(move |tx| {
        let seen = visible_to(tx);
        table::page_of::<AuditEvent>(tx, &plan, &seen).map(|page| link.answer(page))
    })
    .await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list);
}
