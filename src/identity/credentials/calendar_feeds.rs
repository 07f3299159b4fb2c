//! The secret address of a user's calendar. Calendar programs cannot send an `Authorization` header, so whoever knows the
//! address reads the calendar.
use crate::db::event::Event;
use crate::db::events::{self, OutsideEvent};
use crate::db::tx::Tx;
use crate::identity::credentials::tokens;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::Anybody;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::Result;
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::time::DateTime;
use crate::schema::calendar_feeds as f;
use crate::web::caller::SignedIn;
use crate::web::ctx::Ctx;
use actix_web::{delete, get, post};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// How the secret begins, so that logs can leave it out.
pub const START: &str = "vcal_";

/// Whether you have a calendar feed.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct CalendarFeed {
    pub active: bool,
    pub created_at: Option<DateTime>,
    /// When a calendar program last read it.
    pub last_read_at: Option<DateTime>,
}
impl NothingHidden for CalendarFeed {}

/// A new calendar feed. The member `path` is never shown again.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssuedCalendarFeed {
    /// The path of the calendar on this server. Whoever knows it can read the calendar.
    #[schema(example = "/api/v1/calendar/vcal_….ics")]
    pub path: String,
    pub created_at: DateTime,
}
impl NothingHidden for IssuedCalendarFeed {}

/// Returns the user whose calendar a secret opens, and notes the time.
pub fn open(conn: &mut PgConnection, secret: &str, now: DateTime) -> Result<Option<(Uuid, Uuid)>> {
    let feed = diesel::update(f::table.filter(f::hash.eq(tokens::hash(secret)))).set(f::last_read_at.eq(now));
    Ok(feed.returning((f::workspace_id, f::user_id)).get_result(conn).optional()?)
}

/// Ends the feed of a user, if there is one.
pub fn end(tx: &mut Tx<'_>, user: Uuid) -> Result<()> {
    if diesel::delete(f::table.find((tx.workspace(), user))).execute(tx.conn)? > 0 {
        tx.record(Event::of(Kind::USER, user, "calendar_feed_ended"));
    }
    Ok(())
}

/// Like `end`, for a login that takes over a user. There is no request of a member that caused it.
pub fn end_of(conn: &mut PgConnection, workspace: Uuid, user: Uuid) -> Result<()> {
    if diesel::delete(f::table.find((workspace, user))).execute(conn)? == 0 {
        return Ok(());
    }
    let (name, kind) = ("user.calendar_feed_ended", Kind::USER);
    events::record_outside_request(conn, OutsideEvent { workspace, user, name, kind, record: user, address: None })
}

/// Get whether you have a calendar feed.
#[utoipa::path(operation_id = "get_calendar_feed", responses((status = 200, description = "The feed, without its path", body = CalendarFeed)))]
#[get("/me/calendar-feed")]
async fn read(ctx: Ctx<Anybody>, _: SignedIn) -> Result<Reply> {
    ctx.read(|tx| {
        let own = f::table.find((tx.workspace(), tx.actor.user)).select((f::created_at, f::last_read_at));
        let found: Option<(DateTime, Option<DateTime>)> = own.first(tx.conn).optional()?;
        let feed =
            |(created_at, last_read_at)| CalendarFeed { active: true, created_at: Some(created_at), last_read_at };
        Ok(Answer::ok(found.map(feed).unwrap_or_default()))
    })
    .await
}

/// Create the address at which calendar programs read your tasks and absences.
///
/// Only this response contains the path; add it to the address of the server. An earlier feed ends.
#[utoipa::path(operation_id = "create_calendar_feed", responses((status = 201, description = "The feed", body = IssuedCalendarFeed)))]
#[post("/me/calendar-feed")]
async fn create(ctx: Ctx<Anybody>, _: SignedIn) -> Result<Reply> {
    let secret = format!("{START}{}", tokens::random()?);
    // Without an idempotency key: a second feed replaces the first, whose path the client has not got.
    ctx.write(move |tx| {
        let values =
            (f::hash.eq(tokens::hash(&secret)), f::created_at.eq(tx.now), f::last_read_at.eq(None::<DateTime>));
        diesel::insert_into(f::table)
            .values((f::workspace_id.eq(tx.workspace()), f::user_id.eq(tx.actor.user), values.clone()))
            .on_conflict((f::workspace_id, f::user_id))
            .do_update()
            .set(values)
            .execute(tx.conn)?;
        tx.record(Event::of(Kind::USER, tx.actor.user, "calendar_feed_created"));
        let body = IssuedCalendarFeed { path: format!("/api/v1/calendar/{secret}.ics"), created_at: tx.now };
        Ok(Answer::ok(body).created_at("/api/v1/me/calendar-feed".into()))
    })
    .await
}

/// End your calendar feed. Its path is not found any more.
#[utoipa::path(operation_id = "delete_calendar_feed", responses((status = 204, description = "You have no feed any more")))]
#[delete("/me/calendar-feed")]
async fn remove(ctx: Ctx<Anybody>, _: SignedIn) -> Result<Reply> {
    ctx.write(|tx| end(tx, tx.actor.user).map(|()| Answer::none())).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(read).service(create).service(remove);
}
