//! The names of date formats, such as `dd.mm.yyyy`, in settings and in what is detected.
use crate::intake::imports::meaning::date_evidence::FileOrders;
use crate::intake::imports::meaning::dates::Order;
use crate::intake::imports::meaning::written_dates::{Written, WrittenDay};

/// The names, with the order of day, month and year that each sets.
pub const DATE_FORMATS: [(&str, Order); 11] = [
    ("yyyy-mm-dd", Order::Ymd),
    ("dd.mm.yyyy", Order::Dmy),
    ("dd.mm.yy", Order::Dmy),
    ("dd-mm-yyyy", Order::Dmy),
    ("dd-mm-yy", Order::Dmy),
    ("dd/mm/yyyy", Order::Dmy),
    ("dd/mm/yy", Order::Dmy),
    ("mm/dd/yyyy", Order::Mdy),
    ("mm/dd/yy", Order::Mdy),
    ("yyyy/mm/dd", Order::Ymd),
    ("yyyymmdd", Order::Ymd),
];

/// Returns the order that a format sets.
pub fn order(format: &str) -> Option<Order> {
    DATE_FORMATS.into_iter().find(|(name, _)| *name == format).map(|(_, order)| order)
}

/// Returns the format in which a date is written, if it has a name.
pub fn format_of(text: &str, orders: FileOrders) -> Option<&'static str> {
    let mark = text.trim().chars().find(|c| !c.is_ascii_digit());
    let name = match (Written::of(text)?.day, mark) {
        (WrittenDay::Compact(_), _) => "yyyymmdd".to_owned(),
        (WrittenDay::Known(_), Some(mark)) => format!("yyyy{mark}mm{mark}dd"),
        (WrittenDay::Numbers(triple), Some(mark)) => {
            let year = if triple.long { "yyyy" } else { "yy" };
            match orders.of(&triple).order_of(&triple) {
                Order::Dmy => format!("dd{mark}mm{mark}{year}"),
                Order::Mdy => format!("mm{mark}dd{mark}{year}"),
                Order::Ymd => format!("{year}{mark}mm{mark}dd"),
            }
        }
        _ => return None,
    };
    DATE_FORMATS.into_iter().map(|(known, _)| known).find(|known| *known == name)
}

#[cfg(test)]
#[path = "date_formats_tests.rs"]
mod tests;
