//! Relative dates such as `today`, `this_month` and `today-7d`, in the caller's time zone.
use crate::kernel::values::time::{DateTime, day_start, today};
use chrono::{Datelike, Days, Duration, Months, NaiveDate};
use chrono_tz::Tz;

/// Returns the first day of a period such as `today+3d`, `last_week` or `this_quarter-3m`, and the first day after it.
/// Weeks begin on Monday (ISO 8601).
pub fn period(text: &str, zone: Tz) -> Option<[NaiveDate; 2]> {
    period_on(text, today(DateTime::now(), zone))
}

/// Names of the periods before the current ones.
const FORMER: [(&str, &str); 5] = [
    ("yesterday", "today-1d"),
    ("last_week", "this_week-1w"),
    ("last_month", "this_month-1m"),
    ("last_quarter", "this_quarter-3m"),
    ("last_year", "this_year-1y"),
];

/// As `period`, where today is `now`.
fn period_on(text: &str, now: NaiveDate) -> Option<[NaiveDate; 2]> {
    if let Some((_, same)) = FORMER.iter().find(|(name, _)| *name == text) {
        return period_on(same, now);
    }
    let split = text.find(['+', '-']).unwrap_or(text.len());
    let (name, shift) = text.split_at_checked(split)?;
    let (begin, length) = match name {
        "today" => (now, "+1d"),
        "this_week" => (now.checked_sub_days(Days::new(now.weekday().num_days_from_monday().into()))?, "+1w"),
        "this_month" => (now.with_day(1)?, "+1m"),
        "this_quarter" => (now.with_day(1)?.with_month(now.month0() / 3 * 3 + 1)?, "+3m"),
        "this_year" => (now.with_day(1)?.with_month(1)?, "+1y"),
        _ => return None,
    };
    let days = [shifted(begin, shift)?, shifted(shifted(begin, length)?, shift)?];
    days.iter().all(|day| (1..=9999).contains(&day.year())).then_some(days)
}

/// Returns the first day of the period.
pub fn day(text: &str, zone: Tz) -> Option<NaiveDate> {
    period(text, zone).map(|[first, _]| first)
}

/// Returns the first instant of the period's first day; also accepts `now` and `now-36h`.
pub fn instant(text: &str, zone: Tz) -> Option<DateTime> {
    if let Some(shift) = text.strip_prefix("now") {
        let hours = match shift {
            "" => 0,
            _ => shift.strip_suffix('h')?.parse::<i64>().ok().filter(|hours| hours.abs() <= 100_000)?,
        };
        return Some(DateTime::now().plus(Duration::hours(hours)));
    }
    day(text, zone).map(|day| day_start(day, zone))
}

fn shifted(day: NaiveDate, shift: &str) -> Option<NaiveDate> {
    let Some(unit) = shift.chars().last() else { return Some(day) };
    let count: i32 = shift.strip_suffix(unit)?.parse().ok().filter(|count: &i32| count.abs() <= 9999)?;
    let (size, back) = (count.unsigned_abs(), count < 0);
    let days = |n: u32| {
        if back { day.checked_sub_days(Days::new(n.into())) } else { day.checked_add_days(Days::new(n.into())) }
    };
    let months =
        |n: u32| if back { day.checked_sub_months(Months::new(n)) } else { day.checked_add_months(Months::new(n)) };
    match unit {
        'd' => days(size),
        'w' => days(size * 7),
        'm' => months(size),
        'y' => months(size * 12),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn days_shift_by_units() {
        for (case, begin, shift, expected) in [
            ("a day back", "2026-01-31", "-1d", Some("2026-01-30")),
            ("weeks on", "2026-01-31", "+2w", Some("2026-02-14")),
            ("a month on, to a shorter one", "2026-01-31", "+1m", Some("2026-02-28")),
            ("a month back, to a longer one", "2026-02-28", "-1m", Some("2026-01-28")),
            ("a year back", "2026-01-31", "-1y", Some("2025-01-31")),
            ("a year on from a leap day", "2024-02-29", "+1y", Some("2025-02-28")),
            ("nowhere", "2026-01-31", "", Some("2026-01-31")),
            ("by nothing", "2026-01-31", "+0d", Some("2026-01-31")),
            ("an unknown unit", "2026-01-31", "+1x", None),
            ("no count", "2026-01-31", "+d", None),
            ("no unit", "2026-01-31", "+1", None),
            ("the longest", "2026-01-31", "+9999d", Some("2053-06-17")),
            ("too long", "2026-01-31", "-10000d", None),
        ] {
            assert_eq!(shifted(date(begin), shift), expected.map(date), "{case}");
        }
    }

    #[test]
    fn a_period_has_a_first_day_and_a_first_day_after_it() {
        for (now, text, first, after) in [
            ("2026-05-20", "today", "2026-05-20", "2026-05-21"),
            ("2026-05-20", "today+3d", "2026-05-23", "2026-05-24"),
            ("2026-05-20", "today-1w", "2026-05-13", "2026-05-14"),
            ("2026-05-18", "this_week", "2026-05-18", "2026-05-25"),
            ("2026-05-24", "this_week", "2026-05-18", "2026-05-25"),
            ("2026-05-25", "this_week", "2026-05-25", "2026-06-01"),
            ("2026-05-20", "this_week-1w", "2026-05-11", "2026-05-18"),
            ("2026-05-31", "this_month", "2026-05-01", "2026-06-01"),
            ("2026-12-31", "this_month", "2026-12-01", "2027-01-01"),
            ("2026-03-31", "this_month-1m", "2026-02-01", "2026-03-01"),
            ("2024-02-29", "this_month+12m", "2025-02-01", "2025-03-01"),
            ("2026-01-01", "this_quarter", "2026-01-01", "2026-04-01"),
            ("2026-03-31", "this_quarter", "2026-01-01", "2026-04-01"),
            ("2026-04-01", "this_quarter", "2026-04-01", "2026-07-01"),
            ("2026-12-31", "this_quarter", "2026-10-01", "2027-01-01"),
            ("2026-12-31", "this_quarter+3m", "2027-01-01", "2027-04-01"),
            ("2026-12-31", "this_year", "2026-01-01", "2027-01-01"),
            ("2024-02-29", "this_year-1y", "2023-01-01", "2024-01-01"),
        ] {
            assert_eq!(period_on(text, date(now)), Some([date(first), date(after)]), "{text} on {now}");
        }
    }

    #[test]
    fn former_periods_have_names() {
        let now = date("2026-05-20");
        for (name, first, after) in [
            ("yesterday", "2026-05-19", "2026-05-20"),
            ("last_week", "2026-05-11", "2026-05-18"),
            ("last_month", "2026-04-01", "2026-05-01"),
            ("last_quarter", "2026-01-01", "2026-04-01"),
            ("last_year", "2025-01-01", "2026-01-01"),
        ] {
            assert_eq!(period_on(name, now), Some([date(first), date(after)]), "{name}");
        }
        assert_eq!(period_on("last_month-1m", now), None, "an offset belongs to the current one");
    }

    #[test]
    fn only_known_words_are_relative() {
        let zone = chrono_tz::Europe::Tallinn;
        for text in ["", "recently", "Today", "today ", "today+1", "todays", "this_week+1x", "2026-01-31", "+1d", "now"]
        {
            assert_eq!(period_on(text, date("2026-05-20")), None, "{text}");
        }
        for text in ["nowh", "now+h", "now-36", "now-36m", "now+100001h", "2026-01-31"] {
            assert_eq!(instant(text, zone), None, "{text}");
        }
        for text in ["today-9999y", "this_year+9000y"] {
            assert_eq!(period_on(text, date("2026-05-20")), None, "{text} is beyond the calendar");
        }
    }

    #[test]
    fn instants_are_now_or_the_start_of_a_day() {
        let zone = chrono_tz::Europe::Tallinn;
        let begin = day("this_year", zone).unwrap();
        assert_eq!(instant("this_year", zone), Some(day_start(begin, zone)));
        let (before, now, after) = (DateTime::now(), instant("now", zone).unwrap(), DateTime::now());
        assert!(before <= now && now <= after, "{before} {now} {after}");
        let later = instant("now+36h", zone).unwrap();
        assert!(later >= now.plus(Duration::hours(36)), "{later}");
        assert!(instant("now-1h", zone).unwrap() < now, "an hour ago is past");
    }

    proptest! {
        /// Each period begins where the one before it ends, and today is in it.
        #[test]
        fn periods_follow_each_other(days in 1..3_000_000_i32, which in 0..5_usize) {
            let now = NaiveDate::from_num_days_from_ce_opt(days + 1000).unwrap();
            let (name, before) = [
                ("today", "-1d"), ("this_week", "-1w"), ("this_month", "-1m"), ("this_quarter", "-3m"), ("this_year", "-1y"),
            ][which];
            let [first, after] = period_on(name, now).unwrap();
            prop_assert!(first <= now && now < after);
            prop_assert_eq!(period_on(&format!("{name}{before}"), now).unwrap()[1], first);
        }
    }
}
