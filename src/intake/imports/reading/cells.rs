//! Parses cells: dates, decimals and booleans.
use crate::kernel::values::money::parse_decimal;
use chrono::NaiveDate;

/// The date formats: the name in the settings, and the pattern of chrono.
pub const DATE_FORMATS: [(&str, &str); 11] = [
    ("yyyy-mm-dd", "%Y-%m-%d"),
    ("dd.mm.yyyy", "%d.%m.%Y"),
    ("dd.mm.yy", "%d.%m.%y"),
    ("dd-mm-yyyy", "%d-%m-%Y"),
    ("dd-mm-yy", "%d-%m-%y"),
    ("dd/mm/yyyy", "%d/%m/%Y"),
    ("dd/mm/yy", "%d/%m/%y"),
    ("mm/dd/yyyy", "%m/%d/%Y"),
    ("mm/dd/yy", "%m/%d/%y"),
    ("yyyy/mm/dd", "%Y/%m/%d"),
    ("yyyymmdd", "%Y%m%d"),
];

pub fn date(text: &str, format: &str) -> Option<NaiveDate> {
    let (name, pattern) = DATE_FORMATS.iter().find(|(name, _)| *name == format)?;
    // chrono accepts "1" for "%Y". The check of the length keeps 01-03-17 from being read as the year 1.
    let parts: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).collect();
    let widest = parts.iter().map(|p| p.len()).max().unwrap_or(0);
    let long = match *name {
        "yyyymmdd" => 8,
        name if name.contains("yyyy") => 4,
        _ => 2,
    };
    (widest == long).then(|| NaiveDate::parse_from_str(text, pattern).ok()).flatten()
}

/// Returns the first format that parses all values. If day and month are ambiguous in all of them, the day comes
/// first.
pub fn detect_date_format<'t>(values: impl Iterator<Item = &'t str> + Clone) -> Option<&'static str> {
    let reads_all = |format: &str| {
        let mut any = false;
        values.clone().filter(|v| !v.is_empty()).all(|v| {
            any = true;
            date(v, format).is_some()
        }) && any
    };
    DATE_FORMATS.iter().map(|(name, _)| *name).find(|name| reads_all(name))
}

/// Returns the decimal separator if a value shows it.
pub fn detect_decimal<'t>(values: impl Iterator<Item = &'t str>) -> Option<char> {
    for value in values {
        let is_number = value.chars().all(|c| c.is_ascii_digit() || " .,-'\u{a0}".contains(c))
            && value.chars().any(|c| c.is_ascii_digit());
        let last = value.rfind([',', '.']).filter(|_| is_number);
        if let Some(at) = last {
            let after = value.len() - at - 1;
            let sign = value.get(at..=at).and_then(|s| s.chars().next());
            // "1,234" can be an integer with a thousands separator; "12,5" and "1.234,50" cannot.
            if after != 3 || value.matches([',', '.']).count() > 1 && value.contains(',') && value.contains('.') {
                return sign;
            }
        }
    }
    None
}

pub fn integer(text: &str, decimal: char) -> Option<i64> {
    parse_decimal(text, decimal, 0)
}

pub fn boolean(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "y" | "1" | "да" | "x" | "on" => Some(true),
        "false" | "no" | "n" | "0" | "нет" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_are_parsed_by_format() {
        for (format, text, expected) in [
            ("yyyy-mm-dd", "2016-03-04", Some("2016-03-04")),
            ("dd.mm.yyyy", "04.03.2016", Some("2016-03-04")),
            ("dd.mm.yyyy", "4.3.2016", Some("2016-03-04")),
            ("dd.mm.yy", "04.03.16", Some("2016-03-04")),
            ("dd-mm-yyyy", "04-03-2016", Some("2016-03-04")),
            ("dd-mm-yy", "04-03-16", Some("2016-03-04")),
            ("dd/mm/yyyy", "04/03/2016", Some("2016-03-04")),
            ("dd/mm/yy", "04/03/16", Some("2016-03-04")),
            ("mm/dd/yyyy", "03/04/2016", Some("2016-03-04")),
            ("mm/dd/yy", "03/04/16", Some("2016-03-04")),
            ("yyyy/mm/dd", "2016/03/04", Some("2016-03-04")),
            ("yyyymmdd", "20160304", Some("2016-03-04")),
            ("dd.mm.yy", "01.01.69", Some("2069-01-01")),
            ("dd.mm.yy", "01.01.70", Some("1970-01-01")),
            ("dd.mm.yyyy", "04.03.16", None),
            ("dd.mm.yy", "04.03.2016", None),
            ("yyyy-mm-dd", "16-03-04", None),
            ("dd.mm.yyyy", "31.02.2020", None),
            ("mm/dd/yyyy", "13/01/2020", None),
            ("dd.mm.yyyy", "04/03/2016", None),
            ("yyyymmdd", "2016304", None),
            ("yyyymmdd", "2016-03-04", None),
            ("yyyy-mm-dd", "2016-03-04 10:00", None),
            ("yyyy-mm-dd", "", None),
            ("dd mm yyyy", "04 03 2016", None),
        ] {
            assert_eq!(date(text, format).map(|day| day.to_string()).as_deref(), expected, "{text} as {format}");
        }
    }

    #[test]
    fn the_detected_date_format_parses_all_values() {
        for (case, values, expected) in [
            ("a year of two digits", vec!["20-10-16", "01-03-17", ""], Some("dd-mm-yy")),
            ("day or month first: the day", vec!["01/02/2020"], Some("dd/mm/yyyy")),
            ("a month that would be the 13th", vec!["02/13/2020", "01/02/2020"], Some("mm/dd/yyyy")),
            ("the last one decides", vec!["01/02/20", "12/31/20"], Some("mm/dd/yy")),
            ("digits alone", vec!["20160304"], Some("yyyymmdd")),
            ("two notations", vec!["2016-03-04", "04.03.2016"], None),
            ("no date", vec!["soon"], None),
            ("nothing", vec!["", ""], None),
        ] {
            assert_eq!(detect_date_format(values.into_iter()), expected, "{case}");
        }
    }

    #[test]
    fn the_decimal_separator_is_detected_from_unambiguous_values() {
        for (case, values, expected) in [
            ("a point before two digits", vec!["1100.04"], Some('.')),
            ("a comma before two digits", vec!["12,5"], Some(',')),
            ("both, the comma last", vec!["1.234,50"], Some(',')),
            ("both, the point last", vec!["1,234.500"], Some('.')),
            ("perhaps a thousand", vec!["1,234"], None),
            ("perhaps a thousand, and one that tells", vec!["1,234", "7", "0.5"], Some('.')),
            ("blanks between thousands", vec!["1 234,5"], Some(',')),
            ("less than nothing", vec!["-0,5"], Some(',')),
            ("whole numbers", vec!["5", "1000"], None),
            ("a date", vec!["01.02.2020x"], None),
            ("words", vec!["a.b"], None),
            ("nothing", vec![""], None),
        ] {
            assert_eq!(detect_decimal(values.into_iter()), expected, "{case}");
        }
    }

    #[test]
    fn booleans_are_parsed() {
        for (text, expected) in [
            ("true", Some(true)),
            ("YES", Some(true)),
            ("y", Some(true)),
            ("1", Some(true)),
            ("Да", Some(true)),
            ("x", Some(true)),
            ("on", Some(true)),
            ("False", Some(false)),
            ("no", Some(false)),
            ("N", Some(false)),
            ("0", Some(false)),
            ("нет", Some(false)),
            ("off", Some(false)),
            ("", None),
            ("2", None),
            ("maybe", None),
        ] {
            assert_eq!(boolean(text), expected, "{text}");
        }
    }

    #[test]
    fn a_whole_number_has_no_fraction() {
        for (text, decimal, expected) in [
            ("1 234", '.', Some(1234)),
            ("1,234", '.', Some(1234)),
            ("1.234", ',', Some(1234)),
            ("1.5", '.', None),
            ("1.0", '.', Some(1)),
            ("-7", ',', Some(-7)),
            ("seven", '.', None),
        ] {
            assert_eq!(integer(text, decimal), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn dates_round_trip(days in 719_163..755_000_i32, format in 0..DATE_FORMATS.len()) {
            let day = NaiveDate::from_num_days_from_ce_opt(days).unwrap();
            let (name, pattern) = DATE_FORMATS[format];
            prop_assert_eq!(date(&day.format(pattern).to_string(), name), Some(day));
        }
    }
}
