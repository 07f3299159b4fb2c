//! The operation that returns a day.
use crate::day::blocks::{self, Asking, AttentionBlock, Blocks};
use crate::day::figures::{self, MonthFigures};
use crate::db::tx::Tx;
use crate::identity::directory::users::User;
use crate::identity::directory::{teams, users};
use crate::kernel::access::actor::Actor;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::{Anybody, can};
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::{Error, FieldCode, FieldError, Result};
use crate::kernel::query::openapi::{parameter, schema};
use crate::kernel::query::params::QueryParams;
use crate::kernel::values::time::today;
use crate::kernel::values::value_type::ValueType;
use crate::list_params;
use crate::web::ctx::Ctx;
use crate::work::notifications;
use actix_web::get;
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::path::Parameter;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The tag of the operation.
pub const TAG: (&str, &str) = ("my-day", "What needs attention today.");

/// What needs attention today, and the results of the month. The tasks, leads or deals are null if you may not read
/// them; the results count what you see.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyDay {
    pub date: NaiveDate,
    pub time_zone: String,
    /// The users whose day it is.
    pub user_ids: Vec<Uuid>,
    pub tasks: Option<DayTasks>,
    pub leads: Option<DayLeads>,
    pub deals: Option<DayDeals>,
    pub month: MonthFigures,
    /// The number of your notifications that you have not read. Null for API keys, which cannot read them.
    pub unread_notifications: Option<i64>,
}
impl NothingHidden for MyDay {}

#[derive(Debug, Serialize, ToSchema)]
pub struct DayTasks {
    pub overdue: AttentionBlock,
    /// Due later today.
    pub today: AttentionBlock,
    /// Due in the next seven days.
    pub next: AttentionBlock,
    /// Open tasks without a due date.
    pub undated: AttentionBlock,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DayLeads {
    /// Leads whose `come_back_on` is today or earlier.
    pub come_back: AttentionBlock,
    /// Hot leads without activity since the day before yesterday.
    pub hot: AttentionBlock,
    /// Leads that nobody has contacted yet. They wait since `since`.
    pub unanswered: AttentionBlock,
    pub rotting: AttentionBlock,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DayDeals {
    pub rotting: AttentionBlock,
    pub without_next_task: AttentionBlock,
    /// Open deals whose expected close date has passed.
    pub past_close_date: AttentionBlock,
}

/// The usual number of items per block, and the largest.
const ITEMS: (i64, i64) = (5, 50);

fn parameters() -> Vec<Parameter> {
    #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "50 is exact")]
    let limit = schema(ValueType::Int).minimum(Some(1)).maximum(Some(ITEMS.1 as f64)).default(Some(ITEMS.0.into()));
    vec![
        parameter(
            "user_id".into(),
            "Whose day: another user's instead of your own.".into(),
            schema(ValueType::Uuid),
            None,
        ),
        parameter(
            "team_id".into(),
            "The day of a team and of the teams below it, at most 100 users.".into(),
            schema(ValueType::Uuid),
            None,
        ),
        parameter("limit".into(), "The number of items per block.".into(), limit, None),
    ]
}

list_params!(MyDayParameters, parameters());

/// Whose day a request asks for.
#[derive(Clone, Copy, Debug)]
enum Whose {
    Own,
    User(Uuid),
    Team(Uuid),
}

fn asked(mut query: QueryParams, actor: &Actor) -> Result<(Whose, i64)> {
    let user = match query.take("user_id").as_deref() {
        Some("me") => Some(actor.user),
        Some(text) => {
            Some(text.parse().map_err(|_| wrong("user_id", FieldCode::InvalidFormat, "must be a UUID or me"))?)
        }
        None => None,
    };
    let team = query.parsed("team_id", "a UUID")?;
    let limit = query.limit(ITEMS.0, ITEMS.1)?;
    query.finish(&["user_id", "team_id", "limit"])?;
    match (user, team) {
        (Some(_), Some(_)) => Err(wrong("team_id", FieldCode::StatedTwice, "must not be combined with user_id")),
        (Some(user), None) if user == actor.user => Ok((Whose::Own, limit)),
        (Some(user), None) => Ok((Whose::User(user), limit)),
        (None, Some(team)) => Ok((Whose::Team(team), limit)),
        (None, None) => Ok((Whose::Own, limit)),
    }
}

fn wrong(name: &str, code: FieldCode, detail: &str) -> Error {
    Error::parameters(vec![FieldError::parameter(name, code, detail)])
}

/// The largest number of users of a day. The queries of its blocks name each of them.
const USERS_MAX: usize = 100;

fn users_of(tx: &mut Tx<'_>, whose: Whose) -> Result<Vec<Uuid>> {
    let unknown =
        |name| wrong(name, FieldCode::ReferenceNotFound, "must be the id of an existing record that you can see");
    match whose {
        Whose::Own => Ok(vec![tx.actor.user]),
        Whose::User(user) => {
            tx.actor.require::<can::Read<User>>()?;
            users::existing(tx, user)?.map(|user| vec![user]).ok_or_else(|| unknown("user_id"))
        }
        Whose::Team(team) => {
            tx.actor.require::<can::Read<User>>()?;
            let teams = teams::below(tx.conn, tx.actor.workspace, team)?;
            if teams.is_empty() {
                return Err(unknown("team_id"));
            }
            let members = users::of_teams(tx, &teams)?;
            if members.len() > USERS_MAX {
                return Err(wrong("team_id", FieldCode::TooLong, "must be a team of at most 100 users"));
            }
            Ok(members)
        }
    }
}

fn day(tx: &mut Tx<'_>, whose: Whose, limit: i64) -> Result<MyDay> {
    let asking = Asking { users: users_of(tx, whose)?, limit };
    let zone = tx.actor.settings.own_time_zone;
    let take = |blocks: &mut Blocks, name: &str| blocks.remove(name).unwrap_or_default();
    let tasks = blocks::tasks(tx, &asking)?.map(|mut blocks| DayTasks {
        overdue: take(&mut blocks, "overdue_tasks"),
        today: take(&mut blocks, "today_tasks"),
        next: take(&mut blocks, "next_tasks"),
        undated: take(&mut blocks, "undated_tasks"),
    });
    let leads = blocks::leads(tx, &asking)?.map(|mut blocks| DayLeads {
        come_back: take(&mut blocks, "come_back_leads"),
        hot: take(&mut blocks, "hot_leads"),
        unanswered: take(&mut blocks, "unanswered_leads"),
        rotting: take(&mut blocks, "rotting_leads"),
    });
    let deals = blocks::deals(tx, &asking)?.map(|mut blocks| DayDeals {
        rotting: take(&mut blocks, "rotting_deals"),
        without_next_task: take(&mut blocks, "deals_without_task"),
        past_close_date: take(&mut blocks, "past_close_deals"),
    });
    let month = figures::of_month(tx, &asking.users)?;
    let signed_in = tx.actor.session.is_some();
    let unread = signed_in.then(|| notifications::unread(tx)).transpose()?;
    Ok(MyDay {
        date: today(tx.now, zone),
        time_zone: zone.name().into(),
        user_ids: asking.users,
        tasks,
        leads,
        deals,
        month,
        unread_notifications: unread,
    })
}

/// Get your day: what needs attention, since when, and the results of the month. With `user_id` or `team_id`, the day of
/// others, as far as you see their records.
#[utoipa::path(operation_id = "get_my_day", params(MyDayParameters), responses((status = 200, description = "The day", body = MyDay)))]
#[get("/my-day")]
async fn my_day(ctx: Ctx<Anybody>) -> Result<Reply> {
    let (whose, limit) = asked(ctx.query_params()?, &ctx.actor)?;
    ctx.search(move |tx| day(tx, whose, limit).map(Answer::ok)).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(my_day);
}
