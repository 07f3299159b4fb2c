//! Instants in milliseconds, as RFC 3339 in UTC: the precision of the columns (`timestamptz(3)`), cursors and clients.
use chrono::{Datelike, SubsecRound, Timelike, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::{BigInt, Timestamptz};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::str::FromStr;

/// An instant. It has the name of chrono's type so that utoipa documents it as `date-time`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Timestamptz)]
pub struct DateTime(chrono::DateTime<Utc>);

/// 2000-01-01, the epoch of PostgreSQL, in microseconds since 1970-01-01.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

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
    /// Writes the digits directly: a page of records contains hundreds of instants, and chrono takes three times as
    /// long.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (day, time) = (self.0.date_naive(), self.0.time());
        let parts = [
            (day.year().unsigned_abs(), [1000, 100, 10, 1].as_slice(), b'-'),
            (day.month(), &[10, 1], b'-'),
            (day.day(), &[10, 1], b'T'),
            (time.hour(), &[10, 1], b':'),
            (time.minute(), &[10, 1], b':'),
            (time.second(), &[10, 1], b'.'),
            (time.nanosecond() / 1_000_000, &[100, 10, 1], b'Z'),
        ];
        let mut text = [0_u8; "2026-01-31T00:00:00.000Z".len()];
        let mut place = text.iter_mut();
        let mut put = |byte| place.next().into_iter().for_each(|p| *p = byte);
        for (value, powers, end) in parts {
            powers.iter().for_each(|power| put(b'0' + u8::try_from(value / power % 10).unwrap_or(0)));
            put(end);
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| std::fmt::Error)?)
    }
}

impl FromStr for DateTime {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<DateTime, Self::Err> {
        // A leap second is the first second of the next minute, and years have four digits, as in PostgreSQL.
        chrono::DateTime::parse_from_rfc3339(text)
            .ok()
            .and_then(|at| chrono::DateTime::from_timestamp_millis(at.timestamp_millis()))
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
        let micros = <i64 as FromSql<BigInt, Pg>>::from_sql(value)?;
        let unix = micros.checked_add(EPOCH_MICROS).and_then(chrono::DateTime::from_timestamp_micros);
        Ok(unix.ok_or("instant out of range")?.into())
    }
}

/// Returns the first instant of a calendar day in a time zone. In a gap (daylight saving time begins at midnight, or
/// the day is skipped), returns the first instant after it.
pub fn day_start(day: chrono::NaiveDate, zone: chrono_tz::Tz) -> DateTime {
    instant_of(day.and_time(chrono::NaiveTime::MIN), zone)
}

/// Returns the instant of a local time. A time that the clocks skip becomes the first instant after the gap; of a time
/// that occurs twice, returns the first instant.
pub fn instant_of(local: chrono::NaiveDateTime, zone: chrono_tz::Tz) -> DateTime {
    use chrono::TimeZone;
    let at = |second| zone.from_local_datetime(&(local + chrono::Duration::seconds(second))).earliest();
    let (mut gone, mut there) = (-1, if at(0).is_some() { 0 } else { LONGEST_GAP });
    while there - gone > 1 && there > 0 {
        let middle = i64::midpoint(gone, there);
        if at(middle).is_some() { there = middle } else { gone = middle }
    }
    at(there).map_or_else(|| local.and_utc().into(), |at| at.with_timezone(&Utc).into())
}

/// In seconds; longer than the largest gap of any time zone, which is a day.
const LONGEST_GAP: i64 = 26 * 3600;

/// Returns the current date in a time zone.
pub fn today(now: DateTime, zone: chrono_tz::Tz) -> chrono::NaiveDate {
    now.0.with_timezone(&zone).date_naive()
}

/// Parses a date such as `2026-01-31`, from 0001-01-01 to 9999-12-30, so that the next day is in range too.
pub fn parse_date(text: &str) -> Option<chrono::NaiveDate> {
    // chrono also accepts signs, spaces and single digits.
    let digits = |(n, byte): (usize, u8)| if matches!(n, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    let written = text.len() == 10 && text.bytes().enumerate().all(digits);
    let day = written.then(|| chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten()?;
    day.succ_opt().filter(|next| (1..=9999).contains(&next.year()) && day.year() > 0).map(|_| day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime {
        text.parse().unwrap()
    }

    /// Of the years 1 to 9999.
    fn instants() -> impl Strategy<Value = DateTime> {
        let (first, last) = (at("0001-01-01T00:00:00Z").0, at("9999-12-31T23:59:59.999Z").0);
        (first.timestamp_millis()..=last.timestamp_millis())
            .prop_map(|millis| chrono::DateTime::from_timestamp_millis(millis).unwrap().into())
    }

    #[test]
    fn a_day_begins_with_its_first_instant() {
        for (day, zone, expected) in [
            ("2026-01-31", "Europe/Tallinn", "2026-01-30T22:00:00.000Z"),
            // Daylight saving time begins at midnight.
            ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00.000Z"),
            // Midnight occurs twice.
            ("2026-11-01", "America/Havana", "2026-11-01T04:00:00.000Z"),
            // Skipped days begin with the next day.
            ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00.000Z"),
            ("2011-12-31", "Pacific/Apia", "2011-12-30T10:00:00.000Z"),
            ("1993-08-21", "Pacific/Kwajalein", "1993-08-21T12:00:00.000Z"),
            ("1994-12-31", "Pacific/Kiritimati", "1994-12-31T10:00:00.000Z"),
            // Clocks moved by odd amounts.
            ("1883-11-18", "America/New_York", "1883-11-18T04:56:02.000Z"),
            ("1972-01-07", "Africa/Monrovia", "1972-01-07T00:44:30.000Z"),
        ] {
            let begin = day_start(day.parse().unwrap(), zone.parse().unwrap());
            assert_eq!(begin.to_string(), expected, "{day} {zone}");
        }
    }

    #[test]
    fn instants_are_written_with_milliseconds_in_utc() {
        for (case, text, expected) in [
            ("another zone", "2026-01-31T09:05:07+02:00", "2026-01-31T07:05:07.000Z"),
            ("the day before in UTC", "2026-03-01T00:30:00+05:30", "2026-02-28T19:00:00.000Z"),
            ("more digits are cut off", "0001-12-09T23:59:59.9876Z", "0001-12-09T23:59:59.987Z"),
            ("fewer digits are filled up", "9999-12-31T00:00:00.01Z", "9999-12-31T00:00:00.010Z"),
            ("small letters", "2026-01-31t09:05:07z", "2026-01-31T09:05:07.000Z"),
            ("a leap second", "2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
            ("before the epoch", "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(at(text).to_string(), expected, "{case}");
            assert_eq!(serde_json::to_value(at(text)).unwrap(), expected, "{case}, as JSON");
        }
    }

    #[test]
    fn invalid_instants_are_rejected() {
        for (case, text) in [
            ("no offset", "2026-01-31T09:05:07"),
            ("a day", "2026-01-31"),
            ("no such day", "2026-02-29T00:00:00Z"),
            ("no such hour", "2026-01-31T24:00:00Z"),
            ("the year 0", "0000-12-31T23:59:59Z"),
            ("the year 0 in UTC", "0001-01-01T00:00:00+01:00"),
            ("five digits", "10000-01-01T00:00:00Z"),
            ("five digits in UTC", "9999-12-31T23:59:59-01:00"),
            ("a leap second at the end of the calendar", "9999-12-31T23:59:60Z"),
            ("nothing", ""),
        ] {
            assert!(text.parse::<DateTime>().is_err(), "{case}");
        }
    }

    #[test]
    fn dates_are_validated() {
        for (text, expected) in [
            ("2026-01-31", true),
            ("2024-02-29", true),
            ("0001-01-01", true),
            ("9999-12-30", true),
            ("9999-12-31", false),
            ("0000-12-31", false),
            ("2026-02-29", false),
            ("2026-1-31", false),
            ("26-01-31", false),
            ("2026/01/31", false),
            ("2026-01-31T00:00:00Z", false),
            (" 2026-1-31", false),
            ("+2026-1-31", false),
            ("2026-01- 1", false),
            ("2026-١١-31", false),
            ("", false),
        ] {
            assert_eq!(parse_date(text).is_some(), expected, "{text}");
        }
    }

    #[test]
    fn today_depends_on_the_zone() {
        for (zone, expected) in
            [("UTC", "2026-01-31"), ("Europe/Tallinn", "2026-02-01"), ("America/New_York", "2026-01-31")]
        {
            let day = today(at("2026-01-31T22:00:00Z"), zone.parse().unwrap());
            assert_eq!(day.to_string(), expected, "{zone}");
        }
    }

    proptest! {
        /// What is written is read again, and sorts as the instants do.
        #[test]
        fn formatted_instants_parse_and_sort(one in instants(), other in instants()) {
            prop_assert_eq!(one.to_string().parse::<DateTime>(), Ok(one));
            prop_assert_eq!(one.to_string().cmp(&other.to_string()), one.cmp(&other));
        }

        /// The first instant of a day is in the day, or in the first after it that there was; the one before is not.
        #[test]
        fn day_start_is_the_first_instant_of_the_day(days in 1..1_100_000_i32, zone in 0..chrono_tz::TZ_VARIANTS.len()) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let day = chrono::NaiveDate::from_num_days_from_ce_opt(days).unwrap();
            let begin = day_start(day, zone);
            prop_assert!(today(begin, zone) >= day, "{} begins {}", day, begin);
            prop_assert!(today(begin.plus(chrono::Duration::milliseconds(-1)), zone) < day, "{} begins {}", day, begin);
        }
    }
}
