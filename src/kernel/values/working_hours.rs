//! Working hours, holidays and absences, and the intervals of time that they leave.
use crate::jsonb;
use crate::kernel::error::{FieldCode, FieldError};
use crate::kernel::values::time::{DateTime, day_start, instant_of};
use chrono::{Datelike, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A part of a weekday, every week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkingTime {
    /// 1 is Monday, 7 is Sunday (ISO 8601).
    #[schema(minimum = 1, maximum = 7, example = 1)]
    pub weekday: i32,
    /// Local time, hours and minutes.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "09:00")]
    pub from: String,
    /// Local time, later than `from`; `24:00` is midnight.
    #[schema(pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", example = "18:00")]
    pub to: String,
}

/// The working times of a week.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(transparent)]
pub struct WorkingHours(pub Vec<WorkingTime>);

/// A day on which nobody works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Holiday {
    pub date: NaiveDate,
    #[schema(min_length = 1, max_length = 200, example = "New Year")]
    pub name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(transparent)]
pub struct Holidays(pub Vec<Holiday>);

/// Days on which a user does not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Absence {
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(transparent)]
pub struct Absences(pub Vec<Absence>);
jsonb!(WorkingHours, Holidays, Absences);

/// An interval of time: from an instant until before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct TimeSlot {
    pub from: DateTime,
    pub to: DateTime,
}

impl WorkingTime {
    /// Returns the interval on a day.
    fn on(&self, day: NaiveDate, zone: Tz) -> Option<TimeSlot> {
        let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").ok();
        let from = instant_of(day.and_time(time(&self.from)?), zone);
        let to = match self.to.as_str() {
            "24:00" => day_start(day.succ_opt()?, zone),
            text => instant_of(day.and_time(time(text)?), zone),
        };
        (from < to).then_some(TimeSlot { from, to })
    }
}

impl WorkingHours {
    /// Checks that each time ends after it begins and that no two overlap.
    pub fn rules(&self, bad: &mut Vec<FieldError>) {
        for (n, one) in self.0.iter().enumerate() {
            if one.from >= one.to {
                let detail = "must be later than from";
                bad.push(FieldError::member(format!("/working_hours/{n}/to"), FieldCode::Invalid, detail));
            }
            let overlaps =
                |other: &&WorkingTime| other.weekday == one.weekday && other.from < one.to && one.from < other.to;
            if self.0.iter().take(n).any(|other| overlaps(&other)) {
                let detail = "must not overlap another working time of the day";
                bad.push(FieldError::member(format!("/working_hours/{n}"), FieldCode::StatedTwice, detail));
            }
        }
    }

    /// Returns the working times of a period, without holidays and absences, in order.
    pub fn between(&self, period: TimeSlot, zone: Tz, holidays: &Holidays, absences: &Absences) -> Vec<TimeSlot> {
        let day_of = |at: DateTime| at.utc().with_timezone(&zone).date_naive();
        let off = |day: NaiveDate| {
            holidays.0.iter().any(|holiday| holiday.date == day)
                || absences.0.iter().any(|absence| absence.from <= day && day <= absence.to)
        };
        let days = day_of(period.from).iter_days().take_while(|day| *day <= day_of(period.to)).filter(|day| !off(*day));
        let on = |day: NaiveDate| {
            let weekday = i32::try_from(day.weekday().number_from_monday()).unwrap_or(0);
            self.0.iter().filter(move |one| one.weekday == weekday).filter_map(move |one| one.on(day, zone))
        };
        let mut slots: Vec<TimeSlot> = days.flat_map(on).filter_map(|slot| slot.within(period)).collect();
        slots.sort_unstable();
        slots
    }
}

impl Absences {
    pub fn rules(&self, bad: &mut Vec<FieldError>) {
        for (n, one) in self.0.iter().enumerate() {
            if one.to < one.from {
                let detail = "must not be before from";
                bad.push(FieldError::member(format!("/absences/{n}/to"), FieldCode::Invalid, detail));
            }
        }
    }
}

impl TimeSlot {
    /// Returns the part within another interval, if there is one.
    pub fn within(self, other: TimeSlot) -> Option<TimeSlot> {
        let part = TimeSlot { from: self.from.max(other.from), to: self.to.min(other.to) };
        (part.from < part.to).then_some(part)
    }
}

/// Returns intervals in order, those that touch or overlap as one.
pub fn merged(mut slots: Vec<TimeSlot>) -> Vec<TimeSlot> {
    slots.sort_unstable();
    slots.into_iter().fold(Vec::new(), |mut all: Vec<TimeSlot>, slot| {
        match all.last_mut() {
            Some(last) if slot.from <= last.to => last.to = last.to.max(slot.to),
            _ => all.push(slot),
        }
        all
    })
}

/// Returns what is left of intervals without others. Both are in order, and neither overlap among themselves.
pub fn without(slots: &[TimeSlot], taken: &[TimeSlot]) -> Vec<TimeSlot> {
    let mut left = Vec::new();
    for slot in slots {
        let mut from = slot.from;
        for busy in taken.iter().filter(|busy| busy.from < slot.to && slot.from < busy.to) {
            if from < busy.from {
                left.push(TimeSlot { from, to: busy.from });
            }
            from = from.max(busy.to);
        }
        if from < slot.to {
            left.push(TimeSlot { from, to: slot.to });
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slot(from: &str, to: &str) -> TimeSlot {
        TimeSlot { from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    fn hours(list: &[(i32, &str, &str)]) -> WorkingHours {
        let one = |(weekday, from, to): &(i32, &str, &str)| WorkingTime {
            weekday: *weekday,
            from: (*from).into(),
            to: (*to).into(),
        };
        WorkingHours(list.iter().map(one).collect())
    }

    #[test]
    fn working_times_are_local() {
        let berlin: Tz = "Europe/Berlin".parse().unwrap();
        let work = hours(&[(6, "09:00", "12:00"), (7, "22:00", "24:00"), (7, "01:00", "04:00")]);
        let holidays = Holidays(vec![Holiday { date: "2026-03-21".parse().unwrap(), name: "H".into() }]);
        let absences =
            Absences(vec![Absence { from: "2026-04-04".parse().unwrap(), to: "2026-04-05".parse().unwrap() }]);
        let period = slot("2026-03-20T00:00:00Z", "2026-04-06T00:00:00Z");
        // The clocks go from 2:00 to 3:00 on Sunday, 2026-03-29: that night has two working hours, not three.
        let expected = [
            slot("2026-03-22T00:00:00Z", "2026-03-22T03:00:00Z"),
            slot("2026-03-22T21:00:00Z", "2026-03-22T23:00:00Z"),
            slot("2026-03-28T08:00:00Z", "2026-03-28T11:00:00Z"),
            slot("2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z"),
            slot("2026-03-29T20:00:00Z", "2026-03-29T22:00:00Z"),
        ];
        assert_eq!(work.between(period, berlin, &holidays, &absences), expected);
    }

    #[test]
    fn invalid_hours_are_refused() {
        for (list, expected) in [
            (vec![(1, "09:00", "12:00"), (1, "12:00", "18:00"), (2, "09:00", "24:00")], vec![]),
            (vec![(1, "09:00", "09:00")], vec!["/working_hours/0/to"]),
            (vec![(1, "09:00", "12:00"), (1, "11:00", "13:00")], vec!["/working_hours/1"]),
        ] {
            let mut bad = Vec::new();
            hours(&list).rules(&mut bad);
            let found: Vec<&str> = bad.iter().filter_map(|bad| bad.pointer.as_deref()).collect();
            assert_eq!(found, expected, "{list:?}");
        }
    }

    fn slots() -> impl Strategy<Value = Vec<TimeSlot>> {
        let at = |minute: i64| -> DateTime { chrono::DateTime::from_timestamp(minute * 60, 0).unwrap().into() };
        let one =
            (0..100_i64, 1..20_i64).prop_map(move |(from, length)| TimeSlot { from: at(from), to: at(from + length) });
        prop::collection::vec(one, 0..12)
    }

    proptest! {
        /// Minute by minute: free is what is working and not busy.
        #[test]
        fn free_is_working_and_not_busy(work in slots(), busy in slots()) {
            let (work, busy) = (merged(work), merged(busy));
            let free = without(&work, &busy);
            let contains = |list: &[TimeSlot], minute: i64| {
                let at: DateTime = chrono::DateTime::from_timestamp(minute * 60, 0).unwrap().into();
                list.iter().any(|slot| slot.from <= at && at < slot.to)
            };
            for minute in 0..130 {
                prop_assert_eq!(contains(&free, minute), contains(&work, minute) && !contains(&busy, minute));
            }
            prop_assert!(free.windows(2).all(|two| two[0].to <= two[1].from));
        }
    }
}
