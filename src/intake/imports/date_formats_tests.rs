use super::format_of;
use crate::intake::imports::meaning::date_evidence::FileOrders;
use crate::intake::imports::meaning::dates::{DayMonth, Order, Orders};

const MONTH_FIRST: Orders = Orders { long: DayMonth::MonthFirst, short: Order::Mdy };

#[test]
fn formats_are_named() {
    let orders = FileOrders { dotted: Orders::DAY_FIRST, other: MONTH_FIRST };
    for (text, expected) in [
        ("2026-03-04", Some("yyyy-mm-dd")),
        ("2026-03-04T10:00:00Z", Some("yyyy-mm-dd")),
        ("2026/03/04", Some("yyyy/mm/dd")),
        ("20260304", Some("yyyymmdd")),
        ("04.03.2026", Some("dd.mm.yyyy")),
        ("4.3.26", Some("dd.mm.yy")),
        ("3/4/2026 10:15", Some("mm/dd/yyyy")),
        ("03/04/26", Some("mm/dd/yy")),
        ("4 March 2026", None),
        ("soon", None),
    ] {
        assert_eq!(format_of(text, orders), expected, "{text}");
    }
}
