use super::*;
use crate::intake::imports::meaning::dates::Order;
use crate::intake::imports::meaning::month_names::all_months;
use chrono::NaiveTime;
use proptest::prelude::*;

/// Returns the parts of a written date in a short form.
fn form(text: &str) -> Option<String> {
    let written = Written::of(text)?;
    let day = match written.day {
        WrittenDay::Known(day) => day.to_string(),
        WrittenDay::Compact(day) => format!("compact {day}"),
        WrittenDay::Month(day) => format!("month {day}"),
        WrittenDay::ShortYear(triple) => format!("named {:?}", triple.numbers),
        WrittenDay::Numbers(triple) => {
            let orders: Vec<&str> = triple.orders().map(Order::as_str).collect();
            format!("{:?} {}", triple.numbers, orders.join(" "))
        }
    };
    let time = written.time.map(|time| {
        let zone = match time.zone {
            Zone::Local => String::new(),
            Zone::Offset(offset) => format!(" {offset}"),
            Zone::Unclear => " ?".to_owned(),
        };
        format!(" {}{}{zone}", time.time, if time.next_day { " next day" } else { "" })
    });
    Some(format!("{day}{}", time.unwrap_or_default()))
}

#[test]
fn dates_of_programs_are_read() {
    for (text, expected) in [
        ("2024-03-12", "2024-03-12"),
        ("2024/3/2", "2024-03-02"),
        ("2024.03.12", "2024-03-12"),
        ("20240312", "compact 2024-03-12"),
        ("12.03.2024", "[12, 3, 2024] dmy mdy"),
        ("13.03.2024", "[13, 3, 2024] dmy"),
        ("3/27/2024", "[3, 27, 2024] mdy"),
        ("12. 3. 2024", "[12, 3, 2024] dmy mdy"),
        ("12-03-2024", "[12, 3, 2024] dmy mdy"),
        ("12 03 2024", "[12, 3, 2024] dmy mdy"),
        ("20-10-16", "[20, 10, 16] dmy ymd"),
        ("01/02/03", "[1, 2, 3] dmy mdy ymd"),
        ("31.12.99", "[31, 12, 99] dmy"),
        ("2024-03", "month 2024-03-01"),
        ("03/2024", "month 2024-03-01"),
        ("2024年3月12日", "2024-03-12"),
        ("2024年03月12日(火)", "2024-03-12"),
        ("令和6年3月12日", "2024-03-12"),
        ("2024년 3월 12일", "2024-03-12"),
    ] {
        assert_eq!(form(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn times_are_read() {
    for (text, expected) in [
        ("2024-03-12 09:14", "2024-03-12 09:14:00"),
        ("2024-03-12T09:14:33", "2024-03-12 09:14:33"),
        ("2024-03-12T09:14:33.5", "2024-03-12 09:14:33.500"),
        ("2024-03-12 09:14:33,123456", "2024-03-12 09:14:33.123"),
        ("2024-03-12T09:14:33.000Z", "2024-03-12 09:14:33 +00:00"),
        ("2024-03-12T09:14:33+01:00", "2024-03-12 09:14:33 +01:00"),
        ("2024-03-12T09:14:33.000+0000", "2024-03-12 09:14:33 +00:00"),
        ("2024-03-12 09:14:33 -05:30", "2024-03-12 09:14:33 -05:30"),
        ("2024-03-12 09:14:33 +02", "2024-03-12 09:14:33 +02:00"),
        ("2024-03-12 09:14:33 UTC", "2024-03-12 09:14:33 +00:00"),
        ("2024-03-12 09:14 CET", "2024-03-12 09:14:00 +01:00"),
        ("2024-03-12 09:14 GMT+2", "2024-03-12 09:14:00 +02:00"),
        ("2024-03-12 09:14 CST", "2024-03-12 09:14:00 ?"),
        ("2024-03-12T09:14:33+01:00[Europe/Berlin]", "2024-03-12 09:14:33 +01:00"),
        ("20240312T091433Z", "compact 2024-03-12 09:14:33 +00:00"),
        ("20240312091433", "compact 2024-03-12 09:14:33"),
        ("20240312 0914", "compact 2024-03-12 09:14:00"),
        ("12.03.2024 9:14", "[12, 3, 2024] dmy mdy 09:14:00"),
        ("12.03.2024 09.14", "[12, 3, 2024] dmy mdy 09:14:00"),
        ("12.03.2024 09.14.33", "[12, 3, 2024] dmy mdy 09:14:33"),
        ("12.03.2024, 09:14 Uhr", "[12, 3, 2024] dmy mdy 09:14:00"),
        ("12.03.2024 um 09:14", "[12, 3, 2024] dmy mdy 09:14:00"),
        ("3/12/2024 9:14 AM", "[3, 12, 2024] dmy mdy 09:14:00"),
        ("3/12/2024 9:14:33PM", "[3, 12, 2024] dmy mdy 21:14:33"),
        ("3/12/2024 12:05 a.m.", "[3, 12, 2024] dmy mdy 00:05:00"),
        ("3/12/2024 12:05 PM", "[3, 12, 2024] dmy mdy 12:05:00"),
        ("12/03/2024 9:14 a. m.", "[12, 3, 2024] dmy mdy 09:14:00"),
        ("12/03/2024 9:14 p.\u{a0}m.", "[12, 3, 2024] dmy mdy 21:14:00"),
        ("3/12/2024 9 PM", "[3, 12, 2024] dmy mdy 21:00:00"),
        ("12/03/2024 à 9h14", "[12, 3, 2024] dmy mdy 09:14:00"),
        ("12/03/2024 9h", "[12, 3, 2024] dmy mdy 09:00:00"),
        ("2024年3月12日 9時14分33秒", "2024-03-12 09:14:33"),
        ("2024年3月12日 午後9:14", "2024-03-12 21:14:00"),
        ("2024/03/12 09:14:33", "2024-03-12 09:14:33"),
        ("2024-03-12 24:00", "2024-03-12 00:00:00 next day"),
        ("2016-12-31 23:59:60", "2016-12-31 23:59:59"),
        ("09:14 12.03.2024", "[12, 3, 2024] dmy mdy 09:14:00"),
    ] {
        assert_eq!(form(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn named_months_are_read() {
    for (text, expected) in [
        ("12 Mar 2024", "2024-03-12"),
        ("March 12, 2024", "2024-03-12"),
        ("Mar. 12th, 2024", "2024-03-12"),
        ("12-Mar-2024", "2024-03-12"),
        ("12-Mar-24", "named [12, 3, 24]"),
        ("2024 Mar 12", "2024-03-12"),
        ("2024-Mar-12", "2024-03-12"),
        ("Tuesday, 12 March 2024", "2024-03-12"),
        ("Tue, 12 Mar 2024 09:14:33 +0100", "2024-03-12 09:14:33 +01:00"),
        ("Tue Mar 12 2024 09:14:33 GMT+0100 (Central European Standard Time)", "2024-03-12 09:14:33 +01:00"),
        ("Tue Mar 12 09:14:33 CET 2024", "2024-03-12 09:14:33 +01:00"),
        ("Mar 12, 2024, 9:14 AM", "2024-03-12 09:14:00"),
        ("March 2024", "month 2024-03-01"),
        ("12 марта 2024 г.", "2024-03-12"),
        ("12 мар. 2024 г., 9:14", "2024-03-12 09:14:00"),
        ("5 мая 2024 года в 09:14", "2024-05-05 09:14:00"),
        ("12. März 2024", "2024-03-12"),
        ("Dienstag, 12. März 2024 um 09:14 Uhr", "2024-03-12 09:14:00"),
        ("12 MÄR 2024", "2024-03-12"),
        ("1er août 2024", "2024-08-01"),
        ("mar. 12 nov. 2024", "2024-11-12"),
        ("12 févr. 2024 à 09:14", "2024-02-12 09:14:00"),
        ("12 de marzo de 2024", "2024-03-12"),
        ("12 de março de 2024 às 09:14", "2024-03-12 09:14:00"),
        ("12 marzo 2024 alle 9:14", "2024-03-12 09:14:00"),
        ("12 października 2024 r.", "2024-10-12"),
        ("1º de maio de 2024", "2024-05-01"),
    ] {
        assert_eq!(form(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn other_texts_are_no_dates() {
    for text in [
        "",
        "soon",
        "12",
        "2024",
        "1234,56",
        "01.23.45.67.89",
        "2024-13-01",
        "2024-02-30",
        "31/02/2024",
        "12/2024/03",
        "12:30",
        "2024-03-12 25:00",
        "2024-03-12 09:61",
        "+49 170 1234567",
        "12.03",
        "04/12",
        "1.2.3",
        "0000-00-00",
        "Model 3 March",
        "12 boats 2024",
        "2024-03-12 09:14 13:00",
        "30100501",
        "18991231",
        "0050-01-01",
        "2024-03-12T09:14:33+99:00",
        "3/12/2024 13:00 AM",
        "192.168.0.1",
    ] {
        assert_eq!(form(text), None, "{text}");
    }
}

#[test]
fn every_month_is_known_in_every_language() {
    for (month, name) in all_months() {
        let expected = format!("2024-{month:02}-12");
        for text in [format!("12 {name} 2024"), format!("12. {} 2024", name.to_uppercase()), format!("{name} 12, 2024")]
        {
            assert_eq!(form(&text).as_deref(), Some(expected.as_str()), "{text}");
        }
    }
}

fn days() -> impl Strategy<Value = NaiveDate> {
    (693_600..1_100_000_i32).prop_map(|days| NaiveDate::from_num_days_from_ce_opt(days).unwrap())
}

const CLEAR: [&str; 10] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d %b %Y",
    "%B %d, %Y",
    "%a, %d %b %Y",
    "%d-%b-%Y",
    "%Y年%m月%d日",
    "%A, %d. %B %Y",
    "%Y%m%d",
];
const TIMES: [(&str, u32); 7] = [
    (" %H:%M:%S", 1000),
    ("T%H:%M:%S%.3f", 1),
    (" %I:%M:%S %p", 1000),
    (" %H:%M", 60_000),
    (", %I:%M %p", 60_000),
    (" %H時%M分%S秒", 1000),
    (" %H.%M.%S", 1000),
];

proptest! {
    #[test]
    fn clear_dates_are_read_as_written(day in days(), format in 0..CLEAR.len()) {
        let text = day.format(CLEAR[format]).to_string();
        prop_assume!(CLEAR[format] != "%Y%m%d" || (1900..2100).contains(&day.year()));
        let read = Written::of(&text).map(|written| written.day);
        prop_assert!(matches!(read, Some(WrittenDay::Known(d) | WrittenDay::Compact(d)) if d == day), "{}: {:?}", text, read);
    }

    #[test]
    fn numbers_keep_every_possible_order(day in days(), mark in "[-./]", month_first: bool, short: bool) {
        let (one, two) = if month_first { ("%m", "%d") } else { ("%d", "%m") };
        let text = day.format(&format!("{one}{mark}{two}{mark}{}", if short { "%y" } else { "%Y" })).to_string();
        let read = Written::of(&text).map(|written| written.day);
        let order = if month_first { Order::Mdy } else { Order::Dmy };
        prop_assert!(matches!(read, Some(WrittenDay::Numbers(t)) if t.orders().any(|o| o == order)), "{}: {:?}", text, read);
    }

    #[test]
    fn times_are_read_as_written(day in days(), millis in 0..86_400_000_u32, format in 0..TIMES.len(), zoned: bool) {
        let (pattern, unit) = TIMES[format];
        let millis = millis / unit * unit;
        let time = NaiveTime::from_num_seconds_from_midnight_opt(millis / 1000, millis % 1000 * 1_000_000).unwrap();
        let zone = if zoned && format < 6 { "+02:00" } else { "" };
        let text = format!("{}{zone}", day.and_time(time).format(&format!("%Y-%m-%d{pattern}")));
        let read = Written::of(&text).and_then(|written| written.time);
        prop_assert_eq!(read.map(|t| t.time), Some(time), "{}", text);
        prop_assert_eq!(read.map(|t| matches!(t.zone, Zone::Offset(_))), Some(!zone.is_empty()), "{}", text);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}", odd in "[-0-9:./ TZ+年月日時apm,(]{0,30}") {
        let _ = (Written::of(&text), Written::of(&odd));
    }
}
