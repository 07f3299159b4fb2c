use super::*;
use crate::kernel::samples::refusal;
use serde_json::Value as Json;

fn at(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

fn rule(text: &str) -> Recurrence {
    Recurrence::read(text, Tz::UTC).unwrap()
}

/// The first tasks of a series, one after the other.
fn series(rule: &Recurrence, start: NaiveDateTime, count: usize) -> Vec<NaiveDateTime> {
    let next = |last: &NaiveDateTime| rule.next(start, *last, &[]);
    std::iter::successors(rule.next(start, start - Duration::days(1), &[]), next).take(count).collect()
}

/// `tests/recurrence/make.py` wrote the expected days with another implementation.
#[test]
fn rules_give_the_days_of_another_implementation() {
    let expected: Json = serde_json::from_str(include_str!("../../../tests/recurrence/expected.json")).unwrap();
    assert!(expected.as_array().unwrap().len() > 100);
    for case in expected.as_array().unwrap() {
        let text = case["rule"].as_str().unwrap();
        let start: NaiveDate = case["start"].as_str().unwrap().parse().unwrap();
        let days: Vec<NaiveDate> =
            case["dates"].as_array().unwrap().iter().map(|day| day.as_str().unwrap().parse().unwrap()).collect();
        let found = series(&rule(text), start.and_hms_opt(9, 30, 0).unwrap(), 12);
        assert_eq!(found.iter().map(NaiveDateTime::date).collect::<Vec<_>>(), days, "{text} from {start}");
    }
}

#[test]
fn invalid_rules_are_refused() {
    for text in [
        "",
        "weekly",
        "FREQ=HOURLY",
        "FREQ=SECONDLY;INTERVAL=1",
        "FREQ=DAILY;BYHOUR=9",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=1001",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=1001",
        "FREQ=DAILY;COUNT=3;UNTIL=20260301",
        "FREQ=DAILY;UNTIL=tomorrow",
        "FREQ=DAILY;UNTIL=20260301T120000",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=DAILY;FREQ=DAILY;",
        "DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY",
    ] {
        let refused = Recurrence::read(text, Tz::UTC).map(drop).unwrap_err();
        assert_eq!(refusal(&refused).trim(), "invalid_format", "{text:?}");
    }
}

#[test]
fn days_can_be_left_out_and_rules_end() {
    let start = at("2026-03-02T09:00:00");
    let weekly = rule("RRULE:FREQ=WEEKLY");
    let left_out: Vec<NaiveDate> = ["2026-03-09", "2026-03-16"].iter().map(|day| day.parse().unwrap()).collect();
    assert_eq!(weekly.next(start, start, &left_out), Some(at("2026-03-23T09:00:00")));
    assert_eq!(rule("FREQ=DAILY;UNTIL=20260303").next(start, start, &[]), Some(at("2026-03-03T09:00:00")));
    assert_eq!(rule("FREQ=DAILY;UNTIL=20260303").next(start, at("2026-03-03T09:00:00"), &[]), None);
    assert_eq!(rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30").next(start, start, &[]), None, "never");
    assert_eq!(rule("FREQ=DAILY;COUNT=3").count, Some(3));
}

/// The end of a rule is an instant, the rule is in local time.
#[test]
fn until_is_understood_in_the_zone() {
    let tallinn: Tz = "Europe/Tallinn".parse().unwrap();
    let rule = Recurrence::read("FREQ=DAILY;UNTIL=20260303T073000Z", tallinn).unwrap();
    let start = at("2026-03-02T09:00:00");
    assert_eq!(rule.next(start, start, &[]), Some(at("2026-03-03T09:00:00")), "half an hour before the end");
    let rule = Recurrence::read("FREQ=DAILY;UNTIL=20260303T063000Z", tallinn).unwrap();
    assert_eq!(rule.next(start, start, &[]), None, "half an hour after it");
}

#[test]
fn the_time_of_day_survives_changes_of_the_clocks() {
    use crate::kernel::values::time::instant_of;
    let zone: Tz = "Europe/Berlin".parse().unwrap();
    // The clocks go from 2:00 to 3:00 on 2026-03-29 and from 3:00 to 2:00 on 2026-10-25.
    for (start, after, expected) in [
        ("2026-03-28T09:00:00", "2026-03-28T09:00:00", "2026-03-29T07:00:00.000Z"),
        ("2026-03-27T09:00:00", "2026-03-27T09:00:00", "2026-03-28T08:00:00.000Z"),
        ("2026-03-28T02:30:00", "2026-03-28T02:30:00", "2026-03-29T01:00:00.000Z"),
        ("2026-10-24T02:30:00", "2026-10-24T02:30:00", "2026-10-25T00:30:00.000Z"),
        ("2026-10-24T09:00:00", "2026-10-24T09:00:00", "2026-10-25T08:00:00.000Z"),
    ] {
        let next = rule("FREQ=DAILY").next(at(start), at(after), &[]).unwrap();
        assert_eq!(instant_of(next, zone).to_string(), expected, "after {after}");
        assert_eq!(local(expected.parse().unwrap(), zone).date(), next.date(), "{expected}");
    }
}
