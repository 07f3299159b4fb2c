//! Hands all records of a user who leaves to another user, in one transaction.
use crate::db::event::Event;
use crate::db::table::Stored;
use crate::db::tx::Tx;
use crate::db::{refs, visibility};
use crate::identity::directory::users::User;
use crate::kernel::access::actor::UserStatus;
use crate::kernel::access::grants::Action;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Error, FieldCode, Result};
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::time::DateTime;
use crate::people::companies::model::Company;
use crate::people::contacts::model::Contact;
use crate::sales::deals::model::Deal;
use crate::sales::leads::model::Lead;
use crate::sales::stages::Category;
use crate::schema::{companies, contacts, deals, leads, tasks};
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id};
use crate::web::headers::IdempotencyKey;
use crate::work::tasks::model::{Task, TaskStatus};
use actix_web::post;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The user who receives the records.
#[derive(Debug, Deserialize, ToSchema)]
pub struct HandOver {
    /// The user who receives the records. Must be another user of the workspace.
    pub to_user_id: Uuid,
    /// Whether closed leads and deals are handed over too. If absent, they keep their owner. Reports count them for
    /// the user who closed them in either case.
    pub closed_too: Option<bool>,
}
impl Rules for HandOver {}

/// How many records were handed over.
#[derive(Debug, Serialize, ToSchema)]
pub struct HandOverResult {
    pub companies: i64,
    pub contacts: i64,
    pub leads: i64,
    pub deals: i64,
    /// Open tasks only.
    pub tasks: i64,
}
impl NothingHidden for HandOverResult {}

/// Changes the owner of those rows that the caller may update, and records an event for each. Evaluates to the number
/// of changed rows.
macro_rules! reassign {
    ($tx:expr, $table:ident . $owner:ident, $row:ty, $kind:ident, $from:expr, $to:expr $(, $only:expr)?) => {{
        let may = visibility::visibility_filter::<$table::table>($tx.actor, Kind::$kind, Action::Update);
        let rows = $table::table
            .filter($table::workspace_id.eq($tx.workspace()))
            .filter($table::$owner.eq($from))
            .filter($table::deleted_at.is_null())
            $(.filter($only))?
            .filter(&may);
        let rows = rows.order($table::id).select(($table::id, $table::updated_at)).for_no_key_update();
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
    User::find(tx, from)?;
    if from == to {
        return Err(Error::member("/to_user_id", FieldCode::Invalid, "must be another user"));
    }
    let receiver = User::find(tx, to).map_err(|error| error.at_member("/to_user_id"))?;
    if receiver.status == UserStatus::Suspended {
        return Err(refs::suspended_error("/to_user_id"));
    }
    let closed = [Category::Won, Category::Lost];
    let excluded = if given.closed_too == Some(true) { &[][..] } else { &closed[..] };
    Ok(HandOverResult {
        companies: reassign!(tx, companies.owner_id, Company, COMPANY, from, to),
        contacts: reassign!(tx, contacts.owner_id, Contact, CONTACT, from, to),
        leads: reassign!(tx, leads.owner_id, Lead, LEAD, from, to, leads::status.ne_all(excluded)),
        deals: reassign!(tx, deals.owner_id, Deal, DEAL, from, to, deals::status.ne_all(excluded)),
        tasks: reassign!(tx, tasks.assignee_id, Task, TASK, from, to, tasks::status.eq(TaskStatus::Open)),
    })
}

/// Hand over the companies, contacts, open leads and deals, and open tasks of a user to another user. Requires the
/// permission to update all of these.
#[utoipa::path(operation_id = "hand_over_records", params(("user_id" = Uuid, Path, description = "Id of the user who leaves")), request_body = HandOver,
    responses((status = 200, description = "The number of records handed over", body = HandOverResult)))]
#[post("/users/{user_id}/hand-over")]
async fn hand_over_all(
    ctx: Ctx<can::Update<User>>,
    id: Id,
    key: IdempotencyKey,
    given: Valid<HandOver>,
) -> Result<Reply> {
    ctx.actor.require::<can::Update<Company>>()?;
    ctx.actor.require::<can::Update<Contact>>()?;
    ctx.actor.require::<can::Update<Lead>>()?;
    ctx.actor.require::<can::Update<Deal>>()?;
    ctx.actor.require::<can::Update<Task>>()?;
    ctx.once(key, move |tx| hand_over(tx, id.0, &given).map(Answer::ok)).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(hand_over_all);
}
