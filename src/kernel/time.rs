//! Instants with exactly milliseconds, as RFC 3339 in UTC: what the columns (`timestamptz(3)`), cursors and clients can hold.
use chrono::{SecondsFormat, SubsecRound, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Timestamptz;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::str::FromStr;

/// An instant. It has chrono's name so that the document generator takes it for a `date-time`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Timestamptz)]
pub struct DateTime(chrono::DateTime<Utc>);

impl DateTime {
    #[expect(clippy::disallowed_methods, reason = "the one clock of the product")]
    pub fn now() -> DateTime {
        Utc::now().into()
    }

    pub fn utc(self) -> chrono::DateTime<Utc> {
        self.0
    }

    #[must_use]
    pub fn plus(self, duration: chrono::Duration) -> DateTime {
        DateTime(self.0 + duration)
    }
}

impl From<chrono::DateTime<Utc>> for DateTime {
    fn from(at: chrono::DateTime<Utc>) -> DateTime {
        DateTime(at.trunc_subsecs(3))
    }
}

impl std::fmt::Display for DateTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl FromStr for DateTime {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<DateTime, Self::Err> {
        use chrono::Datelike;
        // Four-digit years only: PostgreSQL and most clients stop there.
        chrono::DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|at| at.with_timezone(&Utc))
            .filter(|at| (1..=9999).contains(&at.year()))
            .map(DateTime::from)
            .ok_or("must be an RFC 3339 instant with an offset, such as 2026-01-31T09:00:00Z")
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<DateTime, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

impl ToSql<Timestamptz, Pg> for DateTime {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Timestamptz, Pg>::to_sql(&self.0, out)
    }
}

impl FromSql<Timestamptz, Pg> for DateTime {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<DateTime> {
        <chrono::DateTime<Utc> as FromSql<Timestamptz, Pg>>::from_sql(value).map(DateTime)
    }
}

/// The first instant of a calendar day in a time zone; in a gap (summer time begins at midnight) the first that exists.
pub fn day_start(day: chrono::NaiveDate, zone: chrono_tz::Tz) -> DateTime {
    use chrono::{NaiveTime, TimeZone};
    let midnight = day.and_time(NaiveTime::MIN);
    let local = (0..=4)
        .find_map(|half| zone.from_local_datetime(&(midnight + chrono::Duration::minutes(30 * half))).earliest());
    local.map_or_else(|| midnight.and_utc().into(), |at| at.with_timezone(&Utc).into())
}

/// Today's date in a time zone.
pub fn today(now: DateTime, zone: chrono_tz::Tz) -> chrono::NaiveDate {
    now.0.with_timezone(&zone).date_naive()
}
