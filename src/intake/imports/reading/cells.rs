//! Reading cells: dates in the file's format, decimals in the file's notation, words for yes and no.
use crate::kernel::money::parse_decimal;
use chrono::NaiveDate;

/// The notations of dates: the name that people and settings use, and chrono's.
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
    // chrono takes "1" for "%Y": the length keeps 01-03-17 from being the year 17.
    let parts: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).collect();
    let widest = parts.iter().map(|p| p.len()).max().unwrap_or(0);
    let long = if name.contains("yyyy") { 4 } else { 2 };
    (widest == long || *name == "yyyymmdd").then(|| NaiveDate::parse_from_str(text, pattern).ok()).flatten()
}

/// The format that reads every value; where day and month could be swapped in all of them, the day comes first.
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

/// Whether the point or the comma separates the decimals, as far as the values tell.
pub fn detect_decimal<'t>(values: impl Iterator<Item = &'t str>) -> Option<char> {
    for value in values {
        let is_number = value.chars().all(|c| c.is_ascii_digit() || " .,-'\u{a0}".contains(c))
            && value.chars().any(|c| c.is_ascii_digit());
        let last = value.rfind([',', '.']).filter(|_| is_number);
        if let Some(at) = last {
            let after = value.len() - at - 1;
            let sign = value.get(at..=at).and_then(|s| s.chars().next());
            // "1,234" may be a thousand; "12,5" and "1.234,50" cannot be.
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
    use super::{date, detect_date_format, detect_decimal};

    #[test]
    fn dates() {
        assert_eq!(date("20-10-16", "dd-mm-yy").map(|d| d.to_string()).as_deref(), Some("2016-10-20"));
        assert_eq!(date("20-10-16", "yyyy-mm-dd"), None);
        assert_eq!(date("31.02.2020", "dd.mm.yyyy"), None);
        assert_eq!(detect_date_format(["20-10-16", "01-03-17", ""].into_iter()), Some("dd-mm-yy"));
        assert_eq!(detect_date_format(["02/13/2020", "01/02/2020"].into_iter()), Some("mm/dd/yyyy"));
        assert_eq!(detect_date_format(["soon"].into_iter()), None);
    }

    #[test]
    fn decimals() {
        assert_eq!(detect_decimal(["1100.04"].into_iter()), Some('.'));
        assert_eq!(detect_decimal(["1.234,50"].into_iter()), Some(','));
        assert_eq!(detect_decimal(["1,234"].into_iter()), None);
    }
}
