//! The calendar of a user for calendar programs: tasks that are due, and absences.
use crate::db::pool::Db;
use crate::db::refs;
use crate::db::table::Stored;
use crate::db::tx::{Request, Tx};
use crate::db::visibility::visibility_filter;
use crate::identity::credentials::calendar_feeds;
use crate::identity::directory::users::User;
use crate::identity::directory::workspaces;
use crate::identity::sign_in::authentication;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::Action;
use crate::kernel::answers::icalendar::{Alarm, Calendar, Event, Presence, When};
use crate::kernel::answers::reply::Reply;
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::time::{DateTime, day_start};
use crate::kernel::values::working_hours::Absence;
use crate::schema::tasks;
use crate::web::answer::request_id;
use crate::work::tasks::model::{Task, TaskStatus};
use actix_web::{HttpRequest, get, web};
use chrono::Duration;
use diesel::prelude::*;
use std::collections::{BTreeMap, HashMap};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The tag of the operation.
pub const TAG: (&str, &str) = ("calendar", "Tasks in calendar programs.");

/// The days before and after today that the calendar contains.
const DAYS_BACK: i64 = 90;
const DAYS_AHEAD: i64 = 400;
/// The maximum number of tasks; open ones come first.
const TASKS_MAX: usize = 2_000;
/// The maximum length of the notes of a task, in characters.
const NOTES_MAX: usize = 2_000;
/// How calendars mark a completed task.
const DONE: &str = "✓ ";
/// What the records of a task are called, in the order of `Related::named`.
const LABELS: [&str; 4] = ["Contact", "Company", "Lead", "Deal"];

/// Returns the tasks of the caller in the period, the open ones first.
fn planned(tx: &mut Tx<'_>, from: DateTime, to: DateTime) -> Result<Vec<Task>> {
    if tx.actor.require_read(Kind::TASK.path()).is_err() {
        return Ok(Vec::new());
    }
    let (workspace, user, actor) = (tx.workspace(), tx.actor.user, tx.actor);
    let of_status = |status: TaskStatus| {
        tasks::table
            .filter(tasks::workspace_id.eq(workspace))
            .filter(tasks::assignee_id.eq(user))
            .filter(tasks::status.eq(status))
            .filter(tasks::due_end.ge(from))
            .filter(tasks::due_end.lt(to))
            .filter(tasks::deleted_at.is_null())
            .filter(visibility_filter::<tasks::table>(actor, Kind::TASK, Action::Read))
            .select(Task::as_select())
    };
    let limit = |taken: usize| i64::try_from(TASKS_MAX.saturating_sub(taken)).unwrap_or(0);
    let open = of_status(TaskStatus::Open).order((tasks::due_end.asc(), tasks::id.asc()));
    let mut found: Vec<Task> = open.limit(limit(0)).load(tx.conn)?;
    let done = of_status(TaskStatus::Done).order((tasks::due_end.desc(), tasks::id.desc()));
    found.extend(done.limit(limit(found.len())).load(tx.conn)?);
    Ok(found)
}

/// Returns the names of the records of tasks that the caller sees.
fn names(tx: &mut Tx<'_>, tasks: &[Task]) -> Result<HashMap<Uuid, String>> {
    let mut wanted: BTreeMap<&str, (Kind, Vec<Uuid>)> = BTreeMap::new();
    for (kind, id, _) in tasks.iter().flat_map(|task| task.related().named()) {
        wanted.entry(kind.as_str()).or_insert_with(|| (kind, Vec::new())).1.extend(id);
    }
    let mut names = HashMap::new();
    for (kind, ids) in wanted.into_values().filter(|(_, ids)| !ids.is_empty()) {
        names.extend(refs::readable_names(tx, kind, &ids)?.into_iter().map(|one| (one.id, one.name)));
    }
    Ok(names)
}

/// Returns the event of a task that is due. Of a series, only the task that exists is in the calendar.
fn of_task(task: Task, names: &HashMap<Uuid, String>) -> Option<Event> {
    let (from, to) = match (task.due_at, task.due_date) {
        (Some(at), _) => {
            let end = |minutes: i32| When::At(at.plus(Duration::minutes(minutes.into())));
            (When::At(at), task.duration_minutes.map(end))
        }
        (None, Some(day)) => (When::Day(day), day.succ_opt().map(When::Day)),
        (None, None) => return None,
    };
    let open = task.status == TaskStatus::Open;
    let busy = open && task.due_at.is_some() && task.duration_minutes.is_some();
    let description = description(&task, names);
    let alarm = |minutes: Option<i32>, at: Option<DateTime>| minutes.map(Alarm::Before).or(at.map(Alarm::At));
    let alarms = task.reminders.0.iter().filter(|_| open).filter_map(|one| alarm(one.minutes_before, one.at));
    Some(Event {
        uid: task.id.to_string(),
        from,
        to,
        alarms: alarms.collect(),
        title: if open { task.title } else { format!("{DONE}{}", task.title) },
        description,
        place: task.place,
        presence: if busy { Presence::Busy } else { Presence::Free },
        created_at: task.created_at,
        updated_at: task.updated_at,
        sequence: task.version - 1,
    })
}

/// Returns the notes of a task and the names of its records.
fn description(task: &Task, names: &HashMap<Uuid, String>) -> Option<String> {
    let notes = task.notes.as_ref().map(|notes| notes.chars().take(NOTES_MAX).collect::<String>());
    let related = task.related().named().into_iter().zip(LABELS);
    let related = related.filter_map(|((_, id, _), label)| Some(format!("{label}: {}", names.get(&id?)?)));
    let lines: Vec<String> = notes.into_iter().chain(related).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn of_absence(user: &User, absence: &Absence) -> Event {
    Event {
        uid: format!("{}-absent-{}-{}", user.id, absence.from, absence.to),
        from: When::Day(absence.from),
        to: absence.to.succ_opt().map(When::Day),
        title: "Absent".into(),
        description: None,
        place: None,
        presence: Presence::Absent,
        alarms: Vec::new(),
        created_at: user.created_at,
        updated_at: user.updated_at,
        sequence: user.version - 1,
    }
}

fn calendar(tx: &mut Tx<'_>) -> Result<Calendar> {
    // Whole days, so that the calendar stays the same during a day if nothing changes.
    let (today, zone) = (tx.today(), tx.zone());
    let (first, last) = (today - Duration::days(DAYS_BACK), today + Duration::days(DAYS_AHEAD));
    let tasks = planned(tx, day_start(first, zone), day_start(last, zone))?;
    let names = names(tx, &tasks)?;
    let user = User::find(tx, tx.actor.user)?;
    let absences = user.absences.0.iter().filter(|absence| absence.to >= first && absence.from <= last);
    let mut events: Vec<Event> = absences.map(|absence| of_absence(&user, absence)).collect();
    events.extend(tasks.into_iter().filter_map(|task| of_task(task, &names)));
    Ok(Calendar { name: workspaces::find(tx)?.name, events })
}

/// Returns the owner of a feed with the rights that the role has now. A feed of a user who is not active is not found.
async fn reader(db: &Db, feed: &str) -> Result<Actor> {
    let secret = feed.strip_suffix(".ics").ok_or_else(Error::not_found)?.to_owned();
    db.run(move |conn| {
        let owner = calendar_feeds::open(conn, &secret, DateTime::now())?;
        let (workspace, user) = owner.ok_or_else(Error::not_found)?;
        let actor = authentication::of_user(conn, workspace, user);
        actor.map_err(|error| if error.code() == Code::SessionRevoked { Error::not_found() } else { error })
    })
    .await
}

/// Read a calendar feed (iCalendar, RFC 5545): the tasks of its user that are due from 90 days ago to 400 days ahead, and
/// absences.
///
/// The address is secret, and nothing else proves who asks. A completed task is marked with ✓. Of a series, the calendar
/// contains the tasks that exist.
#[utoipa::path(operation_id = "read_calendar", params(("feed" = String, Path, description = "The last part of the path of the feed")),
    responses((status = 200, description = "The calendar", body = String, content_type = "text/calendar"),
        (status = 404, description = "There is no such feed")))]
#[get("/calendar/{feed}")]
async fn read(request: HttpRequest, feed: web::Path<String>, db: web::Data<Db>) -> Result<Reply> {
    let actor = reader(&db, &feed).await?;
    let request = Request::internal(actor, request_id(&request).0);
    db.read_search(request, |tx| calendar(tx).map(Calendar::answer)).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(read);
}
