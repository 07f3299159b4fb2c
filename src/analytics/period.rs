//! The period of a report, and the earlier period with which it is compared.
use crate::kernel::error::{Error, FieldCode, FieldError, Result};
use crate::kernel::query::openapi::{parameter, schema};
use crate::kernel::query::params::QueryParams;
use crate::kernel::values::relative;
use crate::kernel::values::time::{DateTime, day_start};
use crate::kernel::values::value_type::ValueType;
use chrono::{Datelike, Days, Months, NaiveDate};
use chrono_tz::Tz;
use utoipa::openapi::SchemaFormat;
use utoipa::openapi::path::Parameter;

/// Returns the error for a parameter of a report.
pub fn wrong(name: &str, detail: impl Into<String>) -> Error {
    Error::parameters(vec![FieldError::parameter(name, FieldCode::Invalid, detail)])
}

/// The first day of a period, and the first day after it. An absent limit is the beginning or the end of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
}

/// With which period a report compares its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    Previous,
    Year,
}

const COMPARISONS: [(&str, Earlier); 2] = [("previous", Earlier::Previous), ("year", Earlier::Year)];

impl Period {
    /// Removes `from`, `to` and `period` from the parameters. Relative periods are those of the time zone of the report.
    pub fn read(params: &mut QueryParams, zone: Tz) -> Result<Period> {
        let (from, to, named) = (params.date("from")?, params.date("to")?, params.take("period"));
        let Some(named) = named else {
            if from.zip(to).is_some_and(|(from, to)| from >= to) {
                return Err(wrong("to", "must be after from"));
            }
            return Ok(Period { from, to });
        };
        if from.is_some() || to.is_some() {
            let bad = FieldError::parameter("period", FieldCode::StatedTwice, "must not be combined with from and to");
            return Err(Error::parameters(vec![bad]));
        }
        let detail = "must be a period such as today, this_month, last_quarter or this_year-1y";
        let [from, to] = relative::period(&named, zone).ok_or_else(|| wrong("period", detail))?;
        Ok(Period { from: Some(from), to: Some(to) })
    }

    /// Returns the first day of the period and the first day after it. An absent limit becomes the first or last
    /// possible day.
    pub fn days(self) -> [NaiveDate; 2] {
        let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
        [self.from.unwrap_or(day(1, 1, 1)), self.to.unwrap_or(day(9999, 12, 31))]
    }

    /// Returns midnight of these two days in the time zone.
    pub fn instants(self, zone: Tz) -> [DateTime; 2] {
        let [first, after] = self.days();
        let begin = |day, said: Option<NaiveDate>| day_start(day, if said.is_some() { zone } else { Tz::UTC });
        [begin(first, self.from), begin(after, self.to)]
    }

    /// Checks whether there is a period of the same length just before.
    pub fn has_previous(self) -> bool {
        self.earlier(Earlier::Previous).and_then(|earlier| earlier.from).is_some_and(|from| from.year() > 0)
    }

    /// Returns the days that are in both periods.
    #[must_use]
    pub fn within(self, other: Period) -> Period {
        let to = [self.to, other.to].into_iter().flatten().min();
        Period { from: self.from.max(other.from), to }
    }

    /// Removes `compare`, and returns the period with which this one is compared.
    pub fn compared(self, params: &mut QueryParams) -> Result<Option<Period>> {
        let Some(text) = params.take("compare") else { return Ok(None) };
        let known = COMPARISONS.iter().find(|(name, _)| *name == text);
        let names: Vec<&str> = COMPARISONS.iter().map(|(name, _)| *name).collect();
        let unknown = || Error::parameters(vec![FieldError::not_among(&names).at_parameter("compare")]);
        let (_, earlier) = known.ok_or_else(unknown)?;
        let bounded = || {
            let detail = "requires a period: from and to, or period";
            Error::parameters(vec![FieldError::parameter("compare", FieldCode::Required, detail)])
        };
        let (Some(_), Some(_)) = (self.from, self.to) else { return Err(bounded()) };
        let in_range = |period: &Period| [period.from, period.to].iter().flatten().all(|day| day.year() > 0);
        let too_early = || wrong("compare", "must not reach before the year 1");
        self.earlier(*earlier).filter(in_range).map(Some).ok_or_else(too_early)
    }

    /// Returns the earlier period: the one of the same length just before, or the same one of the year before. Whole months
    /// are compared with as many whole months.
    fn earlier(self, which: Earlier) -> Option<Period> {
        let (from, to) = self.from.zip(self.to)?;
        let back = |months: u32| {
            let months = Months::new(months);
            Some(Period { from: Some(from.checked_sub_months(months)?), to: Some(to.checked_sub_months(months)?) })
        };
        if which == Earlier::Year {
            // The last day moves, so that 28 February is compared with 28 February in leap years too.
            let last = to.pred_opt()?.checked_sub_months(Months::new(12))?;
            let Period { from, .. } = back(12)?;
            return Some(Period { from, to: last.succ_opt() });
        }
        if from.day() == 1 && to.day() == 1 {
            let month = |day: NaiveDate| day.year() * 12 + i32::try_from(day.month()).unwrap_or(0);
            return back(u32::try_from(month(to) - month(from)).ok()?);
        }
        let days = Days::new(u64::try_from((to - from).num_days()).ok()?);
        Some(Period { from: Some(from.checked_sub_days(days)?), to: Some(from) })
    }
}

/// Returns the keys of the days, weeks, months or quarters of a period, as the groupings write them; none for another
/// grouping. Stops after more than `most`.
fn units(unit: &str, from: NaiveDate, to: NaiveDate, most: usize) -> Option<Vec<String>> {
    let key = |day: NaiveDate| match unit {
        "day" => day.format("%Y-%m-%d").to_string(),
        "week" => day.format("%G-W%V").to_string(),
        "month" => day.format("%Y-%m").to_string(),
        _ => format!("{:04}-Q{}", day.year(), day.month0() / 3 + 1),
    };
    if !["day", "week", "month", "quarter"].contains(&unit) {
        return None;
    }
    let mut keys: Vec<String> = Vec::new();
    for day in from.iter_days().take_while(|day| *day < to) {
        let key = key(day);
        if keys.last() != Some(&key) {
            keys.push(key);
        }
        if keys.len() > most {
            break;
        }
    }
    Some(keys)
}

/// A unit of time by which reports group, and its SQL: the key of a `:time`, and the text of a `key`.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    pub name: &'static str,
    pub key: &'static str,
    pub text: &'static str,
}

pub const DAY: Unit =
    Unit { name: "day", key: "date_trunc('day', :time at time zone :zone)", text: "to_char(key, 'YYYY-MM-DD')" };
pub const WEEK: Unit =
    Unit { name: "week", key: "date_trunc('week', :time at time zone :zone)", text: "to_char(key, 'IYYY\"-W\"IW')" };
pub const MONTH: Unit =
    Unit { name: "month", key: "date_trunc('month', :time at time zone :zone)", text: "to_char(key, 'YYYY-MM')" };
pub const QUARTER: Unit = Unit {
    name: "quarter",
    key: "date_trunc('quarter', :time at time zone :zone)",
    text: "to_char(key, 'YYYY\"-Q\"Q')",
};

/// The largest number of groups by time.
const GROUPS_MAX: usize = 1_000;

/// Returns the keys of all groups of a bounded period that is grouped by time, those without records too; none for
/// another grouping.
pub fn time_groups(grouping: &str, period: Period) -> Result<Option<Vec<String>>> {
    let (Some(from), Some(to)) = (period.from, period.to) else { return Ok(None) };
    let keys = units(grouping, from, to, GROUPS_MAX);
    if keys.as_ref().is_some_and(|keys| keys.len() > GROUPS_MAX) {
        let detail = format!("must give at most {GROUPS_MAX} groups; use a longer unit or a shorter period");
        return Err(wrong("group_by", detail));
    }
    Ok(keys)
}

/// Returns the groups with these keys, in this order; those that are missing are empty.
pub fn filled<G>(
    mut groups: Vec<G>,
    keys: Vec<String>,
    key_of: impl Fn(&G) -> Option<&str>,
    empty: impl Fn(&str) -> G,
) -> Vec<G> {
    let take = |key: String| match groups.iter().position(|group| key_of(group) == Some(&key)) {
        Some(at) => groups.swap_remove(at),
        None => empty(&key),
    };
    keys.into_iter().map(take).collect()
}

/// Returns the parameters of the period of a report.
pub fn parameters() -> Vec<Parameter> {
    let text = || schema(ValueType::Text);
    vec![
        parameter("from".into(), "The first day of the period.".into(), schema(ValueType::Date), None),
        parameter("to".into(), "The first day after the period.".into(), schema(ValueType::Date), None),
        parameter(
            "period".into(),
            "The period by name, instead of `from` and `to`: `today`, `yesterday`, `this_week`, `last_month`, \
             `this_quarter`, `last_year` and so on, or with an offset as in `this_quarter-3m`."
                .into(),
            text().pattern(Some("^[a-z_]+([+-][0-9]+[dwmy])?$")).max_length(Some(40)),
            None,
        ),
        parameter(
            "time_zone".into(),
            "IANA name of the time zone in which days begin; if absent, yours or that of the workspace.".into(),
            text().format(Some(SchemaFormat::Custom("time-zone".into()))).max_length(Some(64)),
            None,
        ),
    ]
}

/// Returns the days of a unit by its key, as `units` writes it.
pub fn unit(unit: &str, key: &str) -> Option<Period> {
    let first: NaiveDate = match unit {
        "day" => key.parse().ok()?,
        "week" => {
            let (year, week) = key.split_once("-W")?;
            NaiveDate::from_isoywd_opt(year.parse().ok()?, week.parse().ok()?, chrono::Weekday::Mon)?
        }
        "month" => format!("{key}-01").parse().ok()?,
        "quarter" => {
            let (year, quarter) = key.split_once("-Q")?;
            NaiveDate::from_ymd_opt(
                year.parse().ok()?,
                quarter.parse::<u32>().ok()?.checked_mul(3)?.checked_sub(2)?,
                1,
            )?
        }
        _ => return None,
    };
    let to = match unit {
        "day" => first.checked_add_days(Days::new(1)),
        "week" => first.checked_add_days(Days::new(7)),
        "month" => first.checked_add_months(Months::new(1)),
        _ => first.checked_add_months(Months::new(3)),
    };
    Some(Period { from: Some(first), to })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::samples::refusals;

    fn period(from: &str, to: &str) -> Period {
        Period { from: from.parse().ok(), to: to.parse().ok() }
    }

    #[test]
    fn periods_are_compared_with_earlier_ones() {
        for (case, own, previous, year) in [
            ("a month", ("2026-03-01", "2026-04-01"), ("2026-02-01", "2026-03-01"), ("2025-03-01", "2025-04-01")),
            ("a quarter", ("2026-01-01", "2026-04-01"), ("2025-10-01", "2026-01-01"), ("2025-01-01", "2025-04-01")),
            ("a year", ("2024-01-01", "2025-01-01"), ("2023-01-01", "2024-01-01"), ("2023-01-01", "2024-01-01")),
            ("a week", ("2026-03-02", "2026-03-09"), ("2026-02-23", "2026-03-02"), ("2025-03-02", "2025-03-09")),
            (
                "before a leap day",
                ("2024-02-28", "2024-02-29"),
                ("2024-02-27", "2024-02-28"),
                ("2023-02-28", "2023-03-01"),
            ),
            ("a leap day", ("2024-02-29", "2024-03-01"), ("2024-02-28", "2024-02-29"), ("2023-02-28", "2023-03-01")),
        ] {
            let own = period(own.0, own.1);
            assert_eq!(own.earlier(Earlier::Previous), Some(period(previous.0, previous.1)), "{case}, previous");
            assert_eq!(own.earlier(Earlier::Year), Some(period(year.0, year.1)), "{case}, year");
        }
        assert_eq!(period("2026-03-01", "").earlier(Earlier::Year), None);
    }

    #[test]
    fn a_period_has_days_weeks_months_and_quarters() {
        let units = |unit: &str, from: &str, to: &str| {
            units(unit, from.parse().unwrap(), to.parse().unwrap(), 9).map(|keys| keys.join(" "))
        };
        for (unit, from, to, expected) in [
            ("day", "2026-02-27", "2026-03-02", Some("2026-02-27 2026-02-28 2026-03-01")),
            ("week", "2025-12-28", "2026-01-06", Some("2025-W52 2026-W01 2026-W02")),
            ("month", "2025-12-31", "2026-02-02", Some("2025-12 2026-01 2026-02")),
            ("quarter", "2025-12-31", "2026-04-01", Some("2025-Q4 2026-Q1")),
            ("owner", "2025-12-31", "2026-04-01", None),
        ] {
            assert_eq!(units(unit, from, to).as_deref(), expected, "{unit}");
        }
    }

    #[test]
    fn a_unit_has_days() {
        for (name, key, expected) in [
            ("day", "2026-02-28", Some(("2026-02-28", "2026-03-01"))),
            ("week", "2026-W01", Some(("2025-12-29", "2026-01-05"))),
            ("month", "2025-12", Some(("2025-12-01", "2026-01-01"))),
            ("quarter", "2025-Q4", Some(("2025-10-01", "2026-01-01"))),
            ("quarter", "2025", None),
            ("owner", "2025", None),
        ] {
            assert_eq!(unit(name, key), expected.map(|(from, to)| period(from, to)), "{key}");
        }
        let quarter = unit("quarter", "2025-Q4").unwrap();
        assert_eq!(quarter.within(period("2025-11-15", "2026-02-01")), period("2025-11-15", "2026-01-01"));
        assert_eq!(quarter.within(Period::default()), quarter);
    }

    #[test]
    fn a_period_is_named_or_bounded() {
        let read = |query: &str| {
            let mut params = QueryParams::read(query).unwrap();
            let own = Period::read(&mut params, Tz::UTC)?;
            own.compared(&mut params).map(|compared| (own, compared))
        };
        assert_eq!(read("from=2026-03-01&to=2026-04-01").unwrap(), (period("2026-03-01", "2026-04-01"), None));
        assert_eq!(read("").unwrap(), (Period::default(), None));
        let [from, to] = relative::period("last_month", Tz::UTC).unwrap();
        assert_eq!(read("period=last_month").unwrap().0, Period { from: Some(from), to: Some(to) });
        for (query, expected) in [
            ("from=2026-03-01&to=2026-03-01", "to invalid"),
            ("period=next", "period invalid"),
            ("period=today&from=2026-03-01", "period stated_twice"),
            ("compare=year", "compare required"),
            ("from=2026-03-01&compare=previous", "compare required"),
            ("period=today&compare=last", "compare invalid_choice"),
            ("from=0613-08-23&to=2950-01-20&compare=previous", "compare invalid"),
        ] {
            assert_eq!(refusals(&read(query).unwrap_err()), [expected], "{query}");
        }
    }
}
