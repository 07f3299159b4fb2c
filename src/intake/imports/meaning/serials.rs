//! Dates as numbers: days in spreadsheets, and seconds or milliseconds since 1970.
use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, Utc};

/// The notation of a column of numbers that are dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumericDates {
    /// Days since 1900, as spreadsheets count them.
    Days1900,
    /// Days since 1904, as Excel counted them on the Macintosh.
    Days1904,
    UnixSeconds,
    UnixMillis,
}

/// A number that can be a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serial {
    Days,
    UnixSeconds,
    UnixMillis,
}

/// The days from 1910 to 2199. Smaller numbers are years or counts rather than dates.
const DAYS: std::ops::RangeInclusive<i64> = 3_654..=109_574;
/// The seconds from 1980 to 2100.
const SECONDS: std::ops::RangeInclusive<i64> = 315_532_800..=4_102_444_800;

/// The milliseconds from 2001 to 2100, all with 13 digits.
const MILLIS: std::ops::RangeInclusive<i64> = 1_000_000_000_000..=4_102_444_800_000;

/// Divides a number into its whole part and its decimals.
fn parts(text: &str) -> Option<(i64, &str)> {
    let text = text.trim();
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let fits = digits(whole) && digits(fraction) && whole.len() <= 13 && fraction.len() <= 17;
    whole.parse().ok().filter(|_| fits).map(|whole| (whole, fraction))
}

/// Returns how a number can be a date.
pub fn serial(text: &str) -> Option<Serial> {
    let (whole, fraction) = parts(text)?;
    if DAYS.contains(&whole) {
        Some(Serial::Days)
    } else if SECONDS.contains(&whole) && (fraction.len() <= 6) {
        Some(Serial::UnixSeconds)
    } else if MILLIS.contains(&whole) && fraction.is_empty() {
        Some(Serial::UnixMillis)
    } else {
        None
    }
}

/// The date and time of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SerialMoment {
    /// In the zone of the workspace. A whole day has no time.
    Local(NaiveDateTime, bool),
    Instant(DateTime<Utc>),
}

impl NumericDates {
    pub fn read(self, text: &str) -> Option<SerialMoment> {
        let (whole, fraction) = parts(text)?;
        match self {
            NumericDates::Days1900 => days_1900(whole, fraction),
            NumericDates::Days1904 => local(NaiveDate::from_ymd_opt(1904, 1, 1)?, whole, fraction),
            NumericDates::UnixSeconds => {
                let millis = whole.checked_mul(1000)?.checked_add(share_of(1000, fraction)?)?;
                DateTime::from_timestamp_millis(millis).map(SerialMoment::Instant)
            }
            NumericDates::UnixMillis => DateTime::from_timestamp_millis(whole).map(SerialMoment::Instant),
        }
    }
}

/// Day 1 is 1900-01-01, and day 60 is 1900-02-29, which never was.
fn days_1900(whole: i64, fraction: &str) -> Option<SerialMoment> {
    let before = if whole < 60 { 31 } else { 30 };
    let base = NaiveDate::from_ymd_opt(1899, 12, before)?;
    if whole == 60 { None } else { local(base, whole, fraction) }
}

const DAY_MILLIS: i64 = 86_400_000;

fn local(base: NaiveDate, days: i64, fraction: &str) -> Option<SerialMoment> {
    let day = base.checked_add_signed(Duration::try_days(days)?)?;
    let millis = share_of(DAY_MILLIS, fraction)?;
    let at = day.and_hms_opt(0, 0, 0)?.checked_add_signed(Duration::milliseconds(millis))?;
    Some(SerialMoment::Local(at, millis > 0))
}

/// Returns the part of `all` that decimals stand for, rounded.
fn share_of(all: i64, fraction: &str) -> Option<i64> {
    let digits = fraction.get(..fraction.len().min(15))?;
    let number: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let scale = 10_i128.checked_pow(u32::try_from(digits.len()).ok()?)?;
    i64::try_from((number * i128::from(all) + scale / 2) / scale).ok()
}

#[cfg(test)]
#[path = "serials_tests.rs"]
mod tests;
