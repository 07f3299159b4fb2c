use super::*;

fn date(numbers: [u32; 3], long: bool, orders: Orders, past: bool) -> Option<String> {
    let today = NaiveDate::from_ymd_opt(2026, 11, 28).unwrap();
    Triple { numbers, long, dotted: false }.date(orders, Century { today, past }).map(|day| day.to_string())
}

const MONTH_FIRST: Orders = Orders { long: DayMonth::MonthFirst, short: Order::Mdy };
const YEAR_FIRST: Orders = Orders { long: DayMonth::DayFirst, short: Order::Ymd };

#[test]
fn numbers_are_dates_in_the_given_order() {
    for (case, numbers, long, orders, expected) in [
        ("day first", [3, 4, 2024], true, Orders::DAY_FIRST, Some("2024-04-03")),
        ("month first", [3, 4, 2024], true, MONTH_FIRST, Some("2024-03-04")),
        ("no such month", [13, 4, 2024], true, MONTH_FIRST, None),
        ("year first", [24, 3, 12], false, YEAR_FIRST, Some("2024-03-12")),
        ("year first with a long year behind", [24, 3, 2012], true, YEAR_FIRST, Some("2012-03-24")),
        ("leap day", [29, 2, 2024], true, Orders::DAY_FIRST, Some("2024-02-29")),
        ("no leap day", [29, 2, 2023], true, Orders::DAY_FIRST, None),
        ("a year before calendars", [1, 1, 999], true, Orders::DAY_FIRST, None),
    ] {
        assert_eq!(date(numbers, long, orders, false).as_deref(), expected, "{case}");
    }
}

#[test]
fn short_years_get_the_nearest_century() {
    for (case, year, past, expected) in [
        ("a close date", 46, false, "2046-01-02"),
        ("more than 20 years ahead", 47, false, "1947-01-02"),
        ("this year", 26, true, "2026-01-02"),
        ("a birthday in the future", 27, true, "1927-01-02"),
        ("a birthday", 85, true, "1985-01-02"),
    ] {
        assert_eq!(date([2, 1, year], false, Orders::DAY_FIRST, past).as_deref(), Some(expected), "{case}");
    }
    assert_eq!(
        date([29, 11, 26], false, Orders::DAY_FIRST, true).as_deref(),
        Some("1926-11-29"),
        "a birthday tomorrow"
    );
}

#[test]
fn orders_have_names() {
    for order in Order::ALL {
        assert_eq!(Order::parse(order.as_str()), Some(order));
    }
    assert_eq!(Order::parse("ydm"), None);
}
