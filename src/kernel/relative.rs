//! Relative dates such as `today`, `this_month` and `today-7d`, in the caller's time zone.
use crate::kernel::time::{DateTime, day_start, today};
use chrono::{Datelike, Days, Duration, Months, NaiveDate};
use chrono_tz::Tz;

/// Returns the first day of a period such as `today+3d`, `this_week` or `this_quarter-3m`, and the first day after it.
/// Weeks begin on Monday (ISO 8601).
pub fn period(text: &str, zone: Tz) -> Option<[NaiveDate; 2]> {
    let split = text.find(['+', '-']).unwrap_or(text.len());
    let (name, shift) = text.split_at_checked(split)?;
    let now = today(DateTime::now(), zone);
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
    use super::{day, instant, period, shifted};
    use chrono::NaiveDate;

    #[test]
    fn days_shift_by_units() {
        let begin = NaiveDate::from_ymd_opt(2026, 1, 31).unwrap();
        let moved = |shift| shifted(begin, shift).map(|day| day.to_string());
        assert_eq!(moved("-1d").unwrap(), "2026-01-30");
        assert_eq!(moved("+2w").unwrap(), "2026-02-14");
        assert_eq!(moved("+1m").unwrap(), "2026-02-28");
        assert_eq!(moved("-1y").unwrap(), "2025-01-31");
        assert_eq!(moved(""), Some("2026-01-31".into()));
        assert_eq!(moved("+1x"), None);
        assert_eq!(moved("-99999d"), None);
    }

    #[test]
    fn periods_follow_each_other() {
        let zone = chrono_tz::Europe::Tallinn;
        assert_eq!((period("today-9999y", zone), period("this_year+9000y", zone)), (None, None));
        for (name, step, before) in [
            ("today", 1, "-1d"),
            ("this_week", 7, "-1w"),
            ("this_month", 31, "-1m"),
            ("this_quarter", 92, "-3m"),
            ("this_year", 366, "-1y"),
        ] {
            let [first, after] = period(name, zone).unwrap();
            let now = day("today", zone).unwrap();
            assert!(first <= now && now < after && (after - first).num_days() <= step, "{name}");
            let [earlier, end] = period(&format!("{name}{before}"), zone).unwrap();
            assert!(earlier < first && end == first, "{name}{before}: {earlier} to {end}");
        }
    }

    #[test]
    fn only_known_words_are_relative() {
        let zone = chrono_tz::Europe::Tallinn;
        assert!(day("this_week", zone) <= day("today", zone));
        assert!(day("this_year", zone) <= day("this_quarter", zone));
        assert!(instant("now-1h", zone) < instant("now", zone));
        assert_eq!((day("yesterday", zone), instant("nowh", zone), day("2026-01-31", zone)), (None, None, None));
    }
}
