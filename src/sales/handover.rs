//! Somebody leaves: everything that is theirs goes to somebody else, in one transaction.
use crate::db::events::Event;
use crate::db::tx::Tx;
use crate::db::{refs, visibility};
use crate::identity::users;
use crate::identity::users::User;
use crate::kernel::actor::UserStatus;
use crate::kernel::actor::{Action, can};
use crate::kernel::error::{Error, FieldCode, Result};
use crate::kernel::kind::Kind;
use crate::kernel::reply::Reply;
use crate::kernel::shape::Rules;
use crate::kernel::time::DateTime;
use crate::people::companies::model::Company;
use crate::people::contacts::model::Contact;
use crate::sales::deals::model::Deal;
use crate::sales::leads::model::Lead;
use crate::sales::stages::Category;
use crate::schema::{companies, contacts, deals, leads, tasks};
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id};
use crate::work::tasks::model::{Task, TaskStatus};
use actix_web::post;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// To whom the records of a user go.
#[derive(Debug, Deserialize, ToSchema)]
pub struct HandOver {
    /// Another user of the workspace.
    pub to_user_id: Uuid,
    /// Also leads and deals that are closed; if absent they stay with whose they were. Reports count them for who closed them either way.
    pub closed_too: Option<bool>,
}
impl Rules for HandOver {}

/// How many records changed hands.
#[derive(Debug, Serialize, ToSchema)]
pub struct HandOverResult {
    pub companies: i64,
    pub contacts: i64,
    pub leads: i64,
    pub deals: i64,
    /// Those that were still open.
    pub tasks: i64,
}

/// Changes the owner of a table's rows, those that the caller may change, and notes each change.
macro_rules! reassign {
    ($tx:expr, $table:ident . $owner:ident, $row:ty, $kind:ident, $from:expr, $to:expr $(, $only:expr)?) => {{
        let may = visibility::visibility_filter::<$table::table>($tx.actor, Kind::$kind, Action::Update);
        let rows = $table::table
            .filter($table::workspace_id.eq($tx.workspace()))
            .filter($table::$owner.eq($from))
            .filter($table::deleted_at.is_null())
            $(.filter($only))?
            .filter(&may);
        let rows = rows.order($table::id).select(($table::id, $table::updated_at)).for_update();
        let rows = rows.load::<(Uuid, DateTime)>($tx.conn)?;
        rows.iter().for_each(|(_, changed)| $tx.advance_now(*changed));
        let ids = rows.iter().map(|(id, _)| *id);
        let set = ($table::$owner.eq($to), $table::version.eq($table::version + 1), $table::updated_at.eq($tx.now));
        let changed: Vec<$row> = diesel::update($table::table.filter($table::workspace_id.eq($tx.workspace())).filter($table::id.eq_any(ids)))
            .set(set)
            .returning(<$row>::as_returning())
            .get_results($tx.conn)?;
        for after in &changed {
            let before = { let mut row = after.clone(); row.$owner = Some($from); row };
            $tx.record(Event::changed("updated", &before, after)?);
        }
        i64::try_from(changed.len()).unwrap_or(i64::MAX)
    }};
}

fn hand_over(tx: &mut Tx<'_>, from: Uuid, given: &HandOver) -> Result<HandOverResult> {
    let to = given.to_user_id;
    users::find(tx, from)?;
    if from == to {
        return Err(Error::member("/to_user_id", FieldCode::Invalid, "must be somebody else"));
    }
    let taker = users::find(tx, to).map_err(|error| error.at_member("/to_user_id"))?;
    if taker.status == UserStatus::Suspended {
        return Err(refs::suspended_error("/to_user_id"));
    }
    let closed = [Category::Won, Category::Lost];
    let staying = if given.closed_too == Some(true) { &[][..] } else { &closed[..] };
    Ok(HandOverResult {
        companies: reassign!(tx, companies.owner_id, Company, COMPANY, from, to),
        contacts: reassign!(tx, contacts.owner_id, Contact, CONTACT, from, to),
        leads: reassign!(tx, leads.owner_id, Lead, LEAD, from, to, leads::status.ne_all(staying)),
        deals: reassign!(tx, deals.owner_id, Deal, DEAL, from, to, deals::status.ne_all(staying)),
        tasks: reassign!(tx, tasks.assignee_id, Task, TASK, from, to, tasks::status.eq(TaskStatus::Open)),
    })
}

/// Hand everything that a user works on to another: companies, contacts, open leads and deals, and open tasks. Needs the right to change these too.
#[utoipa::path(operation_id = "hand_over_records", params(("user_id" = Uuid, Path, description = "Id of the user who leaves")), request_body = HandOver,
    responses((status = 200, description = "What changed hands", body = HandOverResult)))]
#[post("/users/{user_id}/hand-over")]
async fn everything(ctx: Ctx<can::Update<User>>, id: Id, given: Valid<HandOver>) -> Result<Reply> {
    ctx.actor.require::<can::Update<Company>>()?;
    ctx.actor.require::<can::Update<Contact>>()?;
    ctx.actor.require::<can::Update<Lead>>()?;
    ctx.actor.require::<can::Update<Deal>>()?;
    ctx.actor.require::<can::Update<Task>>()?;
    ctx.write(move |tx| Reply::ok(&hand_over(tx, id.0, &given)?)).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(everything);
}
