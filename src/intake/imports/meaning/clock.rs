//! Instants of local times: a clock skips an hour in spring and shows one twice in autumn.
use crate::intake::imports::meaning::doubt::{Note, Read};
use crate::kernel::values::time::DateTime;
use chrono::{Duration, LocalResult, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

/// Returns the instant at which a clock in the zone shows this time. A skipped time is moved by the length of the gap,
/// and of two instants the first counts.
pub fn instant(local: NaiveDateTime, zone: Tz) -> Read<DateTime> {
    let (at, note) = match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => (at, None),
        LocalResult::Ambiguous(first, _) => (first, Some(Note::TimeTwice)),
        LocalResult::None => return Read::plain(behind_gap(local, zone)).noted(Some(Note::TimeSkipped)),
    };
    Read::plain(DateTime::from(at.with_timezone(&Utc))).noted(note)
}

/// Reads a skipped time with the offset from before the gap.
fn behind_gap(local: NaiveDateTime, zone: Tz) -> DateTime {
    let before = (1..=LONGEST_GAP_HOURS).find_map(|hours| {
        let earlier = local.checked_sub_signed(Duration::hours(hours))?;
        Some((zone.from_local_datetime(&earlier).latest()?, hours))
    });
    let moved = before.and_then(|(at, hours)| at.checked_add_signed(Duration::hours(hours)));
    moved.map_or_else(|| local.and_utc().into(), |at| at.with_timezone(&Utc).into())
}

/// Some islands skipped a day when they crossed the date line.
const LONGEST_GAP_HOURS: i64 = 26;

#[cfg(test)]
#[path = "clock_tests.rs"]
mod tests;
