use super::*;
use proptest::prelude::*;

#[test]
fn skipped_and_doubled_times_are_told() {
    for (case, text, zone, expected, note) in [
        ("summer", "2024-07-01T09:00:00", "Europe/Berlin", "2024-07-01T07:00:00.000Z", None),
        ("skipped", "2024-03-31T02:30:00", "Europe/Berlin", "2024-03-31T01:30:00.000Z", Some(Note::TimeSkipped)),
        ("doubled", "2024-10-27T02:30:00", "Europe/Berlin", "2024-10-27T00:30:00.000Z", Some(Note::TimeTwice)),
        (
            "a skipped midnight",
            "2018-11-04T00:30:00",
            "America/Sao_Paulo",
            "2018-11-04T03:30:00.000Z",
            Some(Note::TimeSkipped),
        ),
        ("a skipped day", "2011-12-30T12:00:00", "Pacific/Apia", "2011-12-30T22:00:00.000Z", Some(Note::TimeSkipped)),
        (
            "half an hour",
            "2024-10-06T02:15:00",
            "Australia/Lord_Howe",
            "2024-10-05T15:45:00.000Z",
            Some(Note::TimeSkipped),
        ),
    ] {
        let read = instant(text.parse().unwrap(), zone.parse().unwrap());
        assert_eq!(read.value.to_string(), expected, "{case}");
        assert_eq!(read.notes.first().copied(), note, "{case}");
    }
}

proptest! {
    /// A clock in the zone shows the time at the instant, unless the time was skipped.
    #[test]
    fn the_clock_shows_the_time(seconds in 0..4_102_444_800_i64, zone in 0..chrono_tz::TZ_VARIANTS.len()) {
        let zone = chrono_tz::TZ_VARIANTS[zone];
        let local = chrono::DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
        let read = instant(local, zone);
        let shown = read.value.utc().with_timezone(&zone).naive_local();
        if read.notes.contains(&Note::TimeSkipped) {
            prop_assert!(shown > local);
        } else {
            prop_assert_eq!(shown, local);
        }
    }
}
