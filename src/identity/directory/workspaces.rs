//! Workspaces: the tenants, with name, base currency, time zone and country.
use crate::db::events;
use crate::db::related;
use crate::db::table::Expected;
use crate::db::tx::Tx;
use crate::identity::actors::Actors;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::access::resource::{Builtin, Descriptor, Resource};
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Error, FieldCode, FieldError, Result};
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::call_url;
use crate::kernel::values::time::DateTime;
use crate::kernel::values::working_hours::{Holiday, Holidays, WorkingHours, WorkingTime};
use crate::record;
use crate::schema::workspaces;
use crate::web::body::Valid;
use crate::web::ctx::Ctx;
use crate::web::headers::IfMatch;
use actix_web::{get, patch, web};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// A workspace. All other records belong to one.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = workspaces)]
pub struct Workspace {
    pub id: Uuid,
    pub name: String,
    /// ISO 4217; the default currency of amounts.
    pub base_currency: String,
    /// IANA name; determines when a day begins: for due dates, report periods and users without a time zone.
    pub time_zone: String,
    /// ISO 3166; the country of phone numbers without a country code.
    pub country: String,
    /// When people work, in local time. Users can have other hours.
    #[schema(value_type = Vec<WorkingTime>)]
    pub working_hours: WorkingHours,
    #[schema(value_type = Vec<Holiday>)]
    pub holidays: Holidays,
    /// The pattern of the URLs that start a call, in which `{phone}` stands for the number.
    #[schema(example = "tel:{phone}")]
    pub call_url: String,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
}
impl NothingHidden for Workspace {}
record!(Workspace, WORKSPACE);

impl Kind {
    pub const WORKSPACE: Kind = Kind::new("workspace", "workspaces");
}

impl Resource for Workspace {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::WORKSPACE, "Workspaces and their settings.")
        .shared(Builtin::Viewer, Builtin::Owner, Builtin::Owner)
        .events(&[&["created", "updated"]]);
}

#[derive(Debug, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = workspaces)]
pub struct WorkspaceUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    #[schema(nullable = false, format = "currency", pattern = "^[A-Z]{3}$")]
    pub base_currency: Option<String>,
    #[schema(nullable = false, format = "time-zone", max_length = 64)]
    pub time_zone: Option<String>,
    #[schema(nullable = false, format = "country", pattern = "^[A-Z]{2}$")]
    pub country: Option<String>,
    /// Replaces all working hours.
    #[schema(nullable = false, value_type = Option<Vec<WorkingTime>>, max_items = 50)]
    pub working_hours: Option<WorkingHours>,
    /// Replaces all holidays.
    #[schema(nullable = false, value_type = Option<Vec<Holiday>>, max_items = 500)]
    pub holidays: Option<Holidays>,
    /// An http or https URL, or one with the scheme `tel`, `sip`, `sips` or `callto`, with `{phone}` once.
    #[schema(nullable = false, max_length = 500, example = "https://pbx.example.com/call?to={phone}")]
    pub call_url: Option<String>,
}

impl Rules for WorkspaceUpdate {
    crate::read_only_members_of!(Workspace);

    fn rules(&self, bad: &mut Vec<FieldError>) {
        self.working_hours.iter().for_each(|hours| hours.rules(bad));
        if self.call_url.as_ref().is_some_and(|pattern| !call_url::is_pattern(pattern)) {
            let detail = "must be an http, https, tel, sip, sips or callto URL with {phone} once";
            bad.push(FieldError::member("/call_url", FieldCode::InvalidFormat, detail));
        }
    }
}

pub fn find(tx: &mut Tx<'_>) -> Result<Workspace> {
    let found = workspaces::table.find(tx.workspace()).select(Workspace::as_select()).first(tx.conn).optional()?;
    found.ok_or_else(Error::not_found)
}

fn update(tx: &mut Tx<'_>, expected: Expected, changes: &WorkspaceUpdate) -> Result<Workspace> {
    let before =
        workspaces::table.find(tx.workspace()).select(Workspace::as_select()).for_no_key_update().first(tx.conn)?;
    expected.check(before.version)?;
    let after = diesel::update(workspaces::table.find(tx.workspace()))
        .set((changes, workspaces::version.eq(before.version + 1), workspaces::updated_at.eq(tx.now)))
        .returning(Workspace::as_returning())
        .get_result(tx.conn)?;
    if after.time_zone != before.time_zone {
        related::move_days(tx, after.time_zone.parse().map_err(|_| Error::internal("unknown time zone"))?)?;
    }
    events::record_change(tx, &before, after)
}

/// Get the workspace of the caller.
#[utoipa::path(operation_id = "get_workspace", responses((status = 200, description = "The workspace", body = Workspace)))]
#[get("/workspaces/current")]
async fn read(ctx: Ctx<can::Read<Workspace>>) -> Result<Reply> {
    ctx.read(|tx| find(tx).map(Answer::record)).await
}

/// Change the settings of the workspace.
///
/// Existing amounts keep their currency.
#[utoipa::path(operation_id = "update_workspace", request_body = WorkspaceUpdate,
    responses((status = 200, description = "The changed workspace", body = Workspace)))]
#[patch("/workspaces/current")]
async fn change(
    ctx: Ctx<can::Update<Workspace>>,
    IfMatch(expected): IfMatch,
    changes: Valid<WorkspaceUpdate>,
    actors: web::Data<Actors>,
) -> Result<Reply> {
    let reply = ctx.write(move |tx| update(tx, expected, &changes).map(Answer::record)).await?;
    actors.forget();
    Ok(reply)
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(read).service(change);
}
