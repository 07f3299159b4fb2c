//! When a recurring task is due again. Rules are those of RFC 5545, section 3.3.10, with days as the smallest unit: the
//! time of day is that of the first task.
//!
//! Rules are evaluated in local time without a zone, and each result becomes an instant in the zone of the workspace. So
//! a task at nine is due at nine on both sides of a change of the clocks, and no library needs to know the zone.
use crate::kernel::error::{FieldCode, FieldError};
use crate::kernel::values::time::DateTime;
use chrono::{Datelike, Duration, NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use rrule::{Frequency, NWeekday, RRule, RRuleSet, Unvalidated};

/// A rule that was checked.
#[derive(Clone, Debug)]
pub struct Recurrence {
    rule: RRule<Unvalidated>,
    /// The number of tasks in the series, if the rule limits it.
    pub count: Option<u32>,
}

/// The largest number of tasks in a series, and the largest interval.
const COUNT_MAX: u32 = 1_000;
const INTERVAL_MAX: u16 = 1_000;
/// The parts of a rule that a task can have. The others set times of day, which the due time does.
const PARTS: [&str; 11] = [
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "WKST",
    "BYDAY",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYMONTH",
    "BYSETPOS",
];

const UNREADABLE: &str = "must be a rule of RFC 5545 such as FREQ=MONTHLY;BYDAY=-1FR";

impl Recurrence {
    /// Reads a rule such as `FREQ=WEEKLY;BYDAY=MO`. The error has no location yet.
    pub fn read(text: &str, zone: Tz) -> Result<Recurrence, FieldError> {
        let wrong = |detail: String| FieldError::new(FieldCode::InvalidFormat, detail);
        let text = text.strip_prefix("RRULE:").unwrap_or(text);
        let mut parts = Vec::new();
        for part in text.split(';') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if !PARTS.contains(&name) || value.is_empty() {
                return Err(wrong(format!("must be a rule of RFC 5545 with the parts {}", PARTS.join(", "))));
            }
            parts.push(if name == "UNTIL" { format!("UNTIL={}", until(value, zone)?) } else { part.to_owned() });
        }
        let rule: RRule<Unvalidated> = parts.join(";").parse().map_err(|_| wrong(UNREADABLE.into()))?;
        if !matches!(rule.get_freq(), Frequency::Daily | Frequency::Weekly | Frequency::Monthly | Frequency::Yearly) {
            return Err(wrong("must have the frequency DAILY, WEEKLY, MONTHLY or YEARLY".into()));
        }
        let numbered = rule.get_by_weekday().iter().any(|day| matches!(day, NWeekday::Nth(..)));
        if numbered && matches!(rule.get_freq(), Frequency::Daily | Frequency::Weekly) {
            return Err(wrong("must have numbers in BYDAY only with the frequency MONTHLY or YEARLY".into()));
        }
        if rule.get_interval() == 0 || rule.get_interval() > INTERVAL_MAX {
            return Err(wrong(format!("must have an INTERVAL from 1 to {INTERVAL_MAX}")));
        }
        if rule.get_count().is_some_and(|count| count == 0 || count > COUNT_MAX) {
            return Err(wrong(format!("must have a COUNT from 1 to {COUNT_MAX}")));
        }
        let count = rule.get_count();
        if count.is_some() && rule.get_until().is_some() {
            return Err(wrong("must have COUNT or UNTIL, not both".into()));
        }
        // The number of tasks is counted by the series, because days can be left out and the start can move.
        let rule = without_count(&parts).parse().map_err(|_| wrong(UNREADABLE.into()))?;
        Ok(Recurrence { rule, count })
    }

    /// Checks that the rule fits a series that starts at `start` and gives a day after it.
    pub fn check(&self, start: NaiveDateTime) -> Result<(), FieldError> {
        let wrong = |detail: &str| FieldError::new(FieldCode::Invalid, detail);
        self.rule.clone().validate(rrule::Tz::UTC.from_utc_datetime(&start)).map_err(|_| {
            wrong("must be a valid combination of parts (RFC 5545, section 3.3.10), ending after the due time")
        })?;
        if self.count == Some(1) || self.next(start, start, &[]).is_some() {
            return Ok(());
        }
        Err(wrong("must give a day after that of the task"))
    }

    /// Returns the first time after `after` that the rule gives for a series that starts at `start`, without the days that
    /// are left out. `None` if the rule has ended or never matches.
    pub fn next(&self, start: NaiveDateTime, after: NaiveDateTime, left_out: &[NaiveDate]) -> Option<NaiveDateTime> {
        let start_at = rrule::Tz::UTC.from_utc_datetime(&start);
        let rule = self.rule.clone().validate(start_at).ok()?;
        // Only later results are of interest, and few of them: the days left out are at most a hundred.
        let from = rrule::Tz::UTC.from_utc_datetime(&(after + Duration::seconds(1)));
        let most = u16::try_from(left_out.len() + 1).unwrap_or(u16::MAX);
        let found = RRuleSet::new(start_at).rrule(rule).limit().after(from).all(most).dates;
        found.into_iter().map(|at| at.naive_utc()).find(|at| *at > after && !left_out.contains(&at.date()))
    }
}

fn without_count(parts: &[String]) -> String {
    parts.iter().filter(|part| !part.starts_with("COUNT=")).cloned().collect::<Vec<_>>().join(";")
}

/// Turns `UNTIL` into the local time in which the rule is evaluated: a day ends at midnight.
fn until(value: &str, zone: Tz) -> Result<String, FieldError> {
    let wrong = || FieldError::new(FieldCode::InvalidFormat, "must have an UNTIL such as 20261231 or 20261231T220000Z");
    let local = match NaiveDate::parse_from_str(value, "%Y%m%d") {
        Ok(day) if value.len() == 8 => day.and_hms_opt(23, 59, 59).ok_or_else(wrong)?,
        _ => {
            let at = NaiveDateTime::parse_from_str(value, "%Y%m%dT%H%M%SZ").map_err(|_| wrong())?;
            zone.from_utc_datetime(&at).naive_local()
        }
    };
    if !(1..=9999).contains(&local.year()) {
        return Err(wrong());
    }
    Ok(local.format("%Y%m%dT%H%M%SZ").to_string())
}

/// Returns the local time of an instant.
pub fn local(at: DateTime, zone: Tz) -> NaiveDateTime {
    at.utc().with_timezone(&zone).naive_local()
}

#[cfg(test)]
#[path = "recurrence_tests.rs"]
mod tests;
