//! When users work, and when they are free.
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::identity::directory::users::{self, User};
use crate::identity::directory::{teams, workspaces};
use crate::kernel::access::actor::UserStatus;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::{Error, FieldCode, FieldError, Result};
use crate::kernel::query::openapi::{parameter, schema};
use crate::kernel::query::params::{QueryParams, split};
use crate::kernel::values::relative;
use crate::kernel::values::time::{DateTime, day_start, parse_date};
use crate::kernel::values::value_type::ValueType;
use crate::kernel::values::working_hours::{TimeSlot, WorkingHours, merged, without};
use crate::list_params;
use crate::web::ctx::Ctx;
use actix_web::get;
use chrono::Duration;
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use std::collections::HashMap;
use utoipa::ToSchema;
use utoipa::openapi::Required;
use utoipa::openapi::path::Parameter;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The tag of the operation.
pub const TAG: (&str, &str) = ("availability", "When users are free.");

/// When users work and are free.
#[derive(Debug, Serialize, ToSchema)]
pub struct Availability {
    pub from: DateTime,
    pub to: DateTime,
    pub users: Vec<UserAvailability>,
}
impl NothingHidden for Availability {}

#[derive(Debug, Serialize, ToSchema)]
pub struct UserAvailability {
    pub user_id: Uuid,
    pub name: String,
    pub time_zone: String,
    /// The working hours, without holidays and absences.
    pub working: Vec<TimeSlot>,
    /// Open tasks with a time and a duration.
    pub busy: Vec<TimeSlot>,
    /// The working hours in which nothing is planned.
    pub free: Vec<TimeSlot>,
}

/// The longest period, in days.
const DAYS_MAX: i64 = 62;
/// The largest number of users.
const USERS_MAX: usize = 100;

fn parameters() -> Vec<Parameter> {
    let day = || schema(ValueType::Text).max_length(Some(40));
    let meaning = "The beginning: a day such as `2026-01-31` in your time zone, an instant with an offset, or relative \
                   such as `today`.";
    let required = |mut one: Parameter| {
        one.required = Required::True;
        one
    };
    let until = "The end, which is not included. At most 62 days after `from`.";
    vec![
        required(parameter("from".into(), meaning.into(), day(), None)),
        required(parameter("to".into(), until.into(), day(), None)),
        parameter("user_id".into(), "The users; yourself if absent.".into(), schema(ValueType::Uuid), Some(false)),
        parameter(
            "team_id".into(),
            "The users of a team and of the teams below it.".into(),
            schema(ValueType::Uuid),
            None,
        ),
    ]
}

list_params!(AvailabilityParameters, parameters());

/// What a request asks for.
#[derive(Clone, Debug)]
struct Asked {
    period: TimeSlot,
    users: Option<Vec<Uuid>>,
    team: Option<Uuid>,
}

fn wrong(name: &str, code: FieldCode, detail: &str) -> Error {
    Error::parameters(vec![FieldError::parameter(name, code, detail)])
}

fn asked(mut query: QueryParams, me: Uuid, zone: Tz) -> Result<Asked> {
    let mut instant = |name: &str| -> Result<DateTime> {
        let text = query.take(name).ok_or_else(|| wrong(name, FieldCode::Required, "is required"))?;
        let day = || parse_date(&text).map(|day| day_start(day, zone));
        let read = relative::instant(&text, zone).or_else(day).or_else(|| text.parse().ok());
        let detail = "must be a day such as 2026-01-31, an instant with an offset, or relative such as today";
        read.ok_or_else(|| wrong(name, FieldCode::InvalidFormat, detail))
    };
    let period = TimeSlot { from: instant("from")?, to: instant("to")? };
    if period.from >= period.to || period.to > period.from.plus(Duration::days(DAYS_MAX)) {
        return Err(wrong("to", FieldCode::OutOfRange, "must be after from, and at most 62 days after it"));
    }
    let uuid = |text: String| match text.as_str() {
        "me" => Ok(me),
        _ => text.parse().map_err(|_| wrong("user_id", FieldCode::InvalidFormat, "must be UUIDs or me")),
    };
    let users: Option<Vec<Uuid>> =
        query.take("user_id").map(|ids| split(&ids).into_iter().map(uuid).collect()).transpose()?;
    let team = query.parsed("team_id", "a UUID")?;
    query.finish(&["from", "to", "user_id", "team_id"])?;
    if users.is_some() && team.is_some() {
        return Err(wrong("team_id", FieldCode::StatedTwice, "must not be combined with user_id"));
    }
    if users.as_ref().is_some_and(|users| users.len() > USERS_MAX) {
        return Err(wrong("user_id", FieldCode::TooLong, "must be at most 100 users"));
    }
    Ok(Asked { period, users, team })
}

const BUSY: &str = "select assignee_id as user_id, due_at as from_at, \
        due_at + make_interval(mins => duration_minutes) as to_at \
    from tasks where workspace_id = :workspace and assignee_id = any(:users) and status = 'open' and deleted_at is null \
        and duration_minutes is not null and due_at < :to and due_at > :from - interval '14 days' \
        and due_at + make_interval(mins => duration_minutes) > :from";

#[derive(QueryableByName)]
struct Busy {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    from_at: DateTime,
    #[diesel(sql_type = Timestamptz)]
    to_at: DateTime,
}

fn availability(tx: &mut Tx<'_>, asked: &Asked) -> Result<Availability> {
    let (own, period) = (vec![tx.actor.user], asked.period);
    let ids = match asked.team {
        None => asked.users.clone().unwrap_or(own),
        Some(team) => {
            let teams = teams::below(tx.conn, tx.actor.workspace, team)?;
            let unknown = "must be the id of an existing record that you can see";
            if teams.is_empty() {
                return Err(wrong("team_id", FieldCode::ReferenceNotFound, unknown));
            }
            users::of_teams(tx, &teams)?
        }
    };
    if ids.len() > USERS_MAX {
        return Err(wrong("team_id", FieldCode::TooLong, "must be a team of at most 100 users"));
    }
    let known = users::of_ids(tx, &ids)?;
    if asked.team.is_none() && ids.iter().any(|id| !known.iter().any(|user| user.id == *id)) {
        let unknown = "must be the id of an existing record that you can see";
        return Err(wrong("user_id", FieldCode::ReferenceNotFound, unknown));
    }
    let workspace = workspaces::find(tx)?;
    let busy: Vec<Busy> = Statement::new(BUSY)
        .set("workspace", Part::Id(tx.workspace()))
        .set("users", Part::Ids(ids))
        .set("from", Part::At(period.from))
        .set("to", Part::At(period.to))
        .load(tx.conn)?;
    let mut taken: HashMap<Uuid, Vec<TimeSlot>> = HashMap::new();
    for one in busy {
        let slot = TimeSlot { from: one.from_at, to: one.to_at };
        taken.entry(one.user_id).or_default().extend(slot.within(period));
    }
    let users = known.into_iter().map(|user| {
        let busy = merged(taken.remove(&user.id).unwrap_or_default());
        of_user(user, busy, period, &workspace)
    });
    Ok(Availability { from: period.from, to: period.to, users: users.collect() })
}

fn of_user(user: User, busy: Vec<TimeSlot>, period: TimeSlot, workspace: &workspaces::Workspace) -> UserAvailability {
    let time_zone = user.time_zone.unwrap_or_else(|| workspace.time_zone.clone());
    let hours: &WorkingHours = user.working_hours.as_ref().unwrap_or(&workspace.working_hours);
    let zone = time_zone.parse().unwrap_or(Tz::UTC);
    // Whoever has left or not come yet does not work.
    let hours = if user.status == UserStatus::Active { hours.clone() } else { WorkingHours::default() };
    let working = merged(hours.between(period, zone, &workspace.holidays, &user.absences));
    let free = without(&working, &busy);
    UserAvailability { user_id: user.id, name: user.name, time_zone, working, busy, free }
}

/// Get the times at which users work and are free. Shows no titles: whoever sees the users sees when they are busy.
#[utoipa::path(operation_id = "get_availability", params(AvailabilityParameters), responses((status = 200, description = "The times", body = Availability)))]
#[get("/availability")]
async fn get_availability(ctx: Ctx<can::Read<User>>) -> Result<Reply> {
    let asked = asked(ctx.query_params()?, ctx.actor.user, ctx.actor.settings.own_time_zone)?;
    ctx.read(move |tx| availability(tx, &asked).map(Answer::ok)).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(get_availability);
}
