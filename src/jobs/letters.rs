//! Letters with notifications: at once, or once a day when the working hours of the user begin. A notification belongs to
//! at most one letter, whose text is written when it is sent.
use crate::db::pool::Db;
use crate::db::queue::{Job, JobKind, Lane};
use crate::db::sql::{Part, Statement};
use crate::db::transaction::in_transaction;
use crate::db::tx::Request;
use crate::identity::mail::mailer::Mailer;
use crate::identity::mail::notification_letter::{self, Recipient};
use crate::identity::sign_in::authentication;
use crate::kernel::error::{Code, Result};
use crate::kernel::values::time::{DateTime, day_start, today};
use crate::kernel::values::working_hours::{Absences, Holidays, TimeSlot, WorkingHours};
use crate::schema::{logins, users, workspaces};
use crate::work::notifications;
use chrono::{Duration, NaiveDate};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{Date, Jsonb, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

/// The seconds in which a notification can be read before a letter is sent, and others can join it.
const PAUSE_SECONDS: i64 = 30;
/// The number of notifications that are put into letters in one transaction.
const AT_ONCE: i64 = 500;
/// When the day of a user without working hours begins.
const MORNING_HOURS: i64 = 8;

fn letter(text: &'static str, now: DateTime) -> Statement {
    Statement::new(text)
        .set("kind", Part::Text(JobKind::Notifications.as_str().into()))
        .set("lane", Part::Text(Lane::Short.as_str().into()))
        .set("now", Part::At(now))
}

/// Queues letters with the notifications that are to be sent at once.
pub fn queue_at_once(db: &Db, now: DateTime) -> Result<()> {
    let until = now.plus(-Duration::seconds(PAUSE_SECONDS));
    db.run_blocking(|conn| {
        in_transaction(conn, |conn| {
            // One worker after another, so that what waits for a user comes in one letter.
            Statement::new("select pg_advisory_xact_lock(hashtext('notification_letters'))").execute(conn)?;
            let letters = letter(include_str!("queue_at_once.sql"), now);
            letters.set("until", Part::At(until)).set("most", Part::Int(AT_ONCE)).execute(conn)?;
            Ok(())
        })
    })
}

/// A user for whom notifications wait for the daily letter.
#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = Text)]
    time_zone: String,
    #[diesel(sql_type = Jsonb)]
    working_hours: WorkingHours,
    #[diesel(sql_type = Jsonb)]
    holidays: Holidays,
    #[diesel(sql_type = Jsonb)]
    absences: Absences,
    #[diesel(sql_type = Nullable<Date>)]
    digest_on: Option<NaiveDate>,
}

impl Waiting {
    /// Returns the current day of the user if its letter is due: the working hours have begun, and it was not sent yet.
    fn due(&self, now: DateTime) -> Option<NaiveDate> {
        let zone: Tz = self.time_zone.parse().unwrap_or(Tz::UTC);
        let day = today(now, zone);
        if self.digest_on.is_some_and(|sent| sent >= day) {
            return None;
        }
        let begin = day_start(day, zone);
        let end = day.succ_opt().map_or(now, |next| day_start(next, zone));
        let morning = if self.working_hours.0.is_empty() {
            Some(begin.plus(Duration::hours(MORNING_HOURS)))
        } else {
            let whole = TimeSlot { from: begin, to: end };
            let hours = self.working_hours.between(whole, zone, &self.holidays, &self.absences);
            hours.first().map(|slot| slot.from)
        };
        morning.filter(|morning| *morning <= now).map(|_| day)
    }
}

/// Queues the daily letters that are due.
pub fn queue_digests(db: &Db, now: DateTime) -> Result<()> {
    let waiting: Vec<Waiting> =
        db.run_blocking(|conn| Ok(Statement::new(include_str!("waiting_digests.sql")).load(conn)?))?;
    for user in waiting {
        let Some(day) = user.due(now) else { continue };
        db.run_blocking(|conn| {
            in_transaction(conn, |conn| {
                letter(include_str!("queue_digest.sql"), now)
                    .set("today", Part::Date(day))
                    .set("workspace", Part::Id(user.workspace_id))
                    .set("user", Part::Id(user.user_id))
                    .execute(conn)?;
                Ok(())
            })
        })?;
    }
    Ok(())
}

/// Returns where letters of a user go. Whoever has not proven to hold the address gets none.
fn recipient(conn: &mut PgConnection, workspace: Uuid, user: Uuid) -> Result<Option<Recipient>> {
    let held = users::table
        .inner_join(logins::table)
        .inner_join(workspaces::table)
        .filter(users::workspace_id.eq(workspace))
        .filter(users::id.eq(user))
        .filter(logins::holder)
        .select((logins::email, workspaces::name));
    let found: Option<(String, String)> = held.first(conn).optional()?;
    Ok(found.map(|(email, workspace)| Recipient { email, workspace }))
}

/// Runs one job: writes the letter with what the user may see now, and sends it.
pub fn run(db: &Db, mailer: &Mailer, job: &Job) -> Result<()> {
    let (workspace, user) = (job.workspace_id, job.user_id);
    let actor = match db.run_blocking(|conn| authentication::of_user(conn, workspace, user)) {
        // The user was suspended.
        Err(error) if matches!(error.code(), Code::SessionRevoked | Code::NotFound) => return Ok(()),
        other => other?,
    };
    let Some(to) = db.run_blocking(|conn| recipient(conn, workspace, user))? else { return Ok(()) };
    let request = Request::internal(actor, format!("job-{}", job.id));
    let told = db.write_blocking(&request, |tx| notifications::of_letter(tx, job.id))?;
    if told.is_empty() {
        return Ok(());
    }
    mailer.send(&notification_letter::compose(job.id, &to, &told, &mailer.public))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(hours: &str, zone: &str, digest_on: Option<&str>) -> Waiting {
        let day = |text: &str| text.parse().unwrap();
        Waiting {
            workspace_id: Uuid::nil(),
            user_id: Uuid::nil(),
            time_zone: zone.into(),
            working_hours: serde_json::from_str(hours).unwrap(),
            holidays: serde_json::from_str(r#"[{"date": "2031-03-05", "name": "Fair"}]"#).unwrap(),
            absences: serde_json::from_str(r#"[{"from": "2031-03-06", "to": "2031-03-07"}]"#).unwrap(),
            digest_on: digest_on.map(day),
        }
    }

    /// 2031-03-03 is a Monday.
    #[test]
    fn a_daily_letter_is_due_when_work_begins() {
        let week = r#"[{"weekday": 1, "from": "09:00", "to": "12:00"}, {"weekday": 3, "from": "09:00", "to": "12:00"},
            {"weekday": 4, "from": "09:00", "to": "12:00"}]"#;
        for (case, hours, zone, sent, now, expected) in [
            ("before work", week, "UTC", None, "2031-03-03T08:59:00Z", None),
            ("at its beginning", week, "UTC", None, "2031-03-03T09:00:00Z", Some("2031-03-03")),
            ("in the evening", week, "UTC", None, "2031-03-03T23:00:00Z", Some("2031-03-03")),
            ("in another zone", week, "Europe/Tallinn", None, "2031-03-03T07:00:00Z", Some("2031-03-03")),
            ("sent today", week, "UTC", Some("2031-03-03"), "2031-03-03T10:00:00Z", None),
            ("sent yesterday", week, "UTC", Some("2031-03-02"), "2031-03-03T10:00:00Z", Some("2031-03-03")),
            ("a day off", week, "UTC", None, "2031-03-04T10:00:00Z", None),
            ("a holiday", week, "UTC", None, "2031-03-05T10:00:00Z", None),
            ("an absence", week, "UTC", None, "2031-03-06T10:00:00Z", None),
            ("no hours, early", "[]", "UTC", None, "2031-03-04T07:59:00Z", None),
            ("no hours", "[]", "UTC", None, "2031-03-04T08:00:00Z", Some("2031-03-04")),
        ] {
            let due = waiting(hours, zone, sent).due(now.parse().unwrap());
            assert_eq!(due.map(|day| day.to_string()).as_deref(), expected, "{case}");
        }
    }
}
