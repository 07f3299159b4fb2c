//! Calendars as text (iCalendar, RFC 5545). A calendar contains only what its reader may see.
use crate::kernel::access::actor::Actor;
use crate::kernel::answers::reply::{Answer, CALENDAR, Content};
use crate::kernel::error::Result;
use crate::kernel::values::time::DateTime;
use chrono::NaiveDate;

/// The maximum length of a line in octets, without the line break (section 3.1).
const LINE_MAX: usize = 75;
/// How often programs should ask again.
const REFRESH: &str = "PT30M";

#[derive(Debug)]
pub struct Calendar {
    pub name: String,
    pub events: Vec<Event>,
}

#[derive(Debug)]
pub struct Event {
    /// Stays the same when the event changes.
    pub uid: String,
    pub from: When,
    /// Not included. If absent, the event has no duration; a day ends with itself.
    pub to: Option<When>,
    pub title: String,
    pub description: Option<String>,
    pub place: Option<String>,
    pub presence: Presence,
    pub alarms: Vec<Alarm>,
    pub created_at: DateTime,
    pub updated_at: DateTime,
    /// The number of changes.
    pub sequence: i64,
}

#[derive(Clone, Copy, Debug)]
pub enum When {
    At(DateTime),
    Day(NaiveDate),
}

/// What an event says about the time of the user.
#[derive(Clone, Copy, Debug)]
pub enum Presence {
    Free,
    Busy,
    Absent,
}

/// When the user is reminded of an event.
#[derive(Clone, Copy, Debug)]
pub enum Alarm {
    /// Minutes before the beginning; negative for minutes after it.
    Before(i32),
    At(DateTime),
}

impl Calendar {
    pub fn answer(self) -> Answer {
        Answer::file(CALENDAR, self)
    }
}

impl Content for Calendar {
    /// Nothing to clear: the names in the texts were loaded for this caller.
    fn hide(&mut self, _: &Actor) {}

    fn write(&self) -> Result<Vec<u8>> {
        let mut lines = Lines::default();
        lines.put("BEGIN", "VCALENDAR");
        lines.put("VERSION", "2.0");
        lines.put("PRODID", "-//Voronka//Voronka//EN");
        lines.text("NAME", &self.name);
        lines.text("X-WR-CALNAME", &self.name);
        lines.put("REFRESH-INTERVAL;VALUE=DURATION", REFRESH);
        lines.put("X-PUBLISHED-TTL", REFRESH);
        self.events.iter().for_each(|event| event.write(&mut lines));
        lines.put("END", "VCALENDAR");
        Ok(lines.0.into_bytes())
    }
}

impl Event {
    fn write(&self, lines: &mut Lines) {
        lines.put("BEGIN", "VEVENT");
        lines.text("UID", &self.uid);
        lines.when("DTSTART", self.from);
        if let Some(to) = self.to {
            lines.when("DTEND", to);
        }
        lines.text("SUMMARY", &self.title);
        if let Some(description) = &self.description {
            lines.text("DESCRIPTION", description);
        }
        if let Some(place) = &self.place {
            lines.text("LOCATION", place);
        }
        lines.put("STATUS", "CONFIRMED");
        lines.put("TRANSP", if matches!(self.presence, Presence::Free) { "TRANSPARENT" } else { "OPAQUE" });
        if matches!(self.presence, Presence::Absent) {
            lines.put("X-MICROSOFT-CDO-BUSYSTATUS", "OOF");
        }
        // Without a method, the stamp is the time of the last change (section 3.8.7.2).
        lines.put("DTSTAMP", &instant(self.updated_at));
        lines.put("CREATED", &instant(self.created_at));
        lines.put("LAST-MODIFIED", &instant(self.updated_at));
        lines.put("SEQUENCE", &self.sequence.to_string());
        for alarm in &self.alarms {
            lines.alarm(*alarm, &self.title);
        }
        lines.put("END", "VEVENT");
    }
}

fn instant(at: DateTime) -> String {
    at.utc().format("%Y%m%dT%H%M%SZ").to_string()
}

/// Content lines.
#[derive(Default)]
struct Lines(String);

impl Lines {
    /// Writes a line, folded so that no character is divided.
    fn put(&mut self, name: &str, value: &str) {
        let mut length = 0;
        for c in name.chars().chain([':']).chain(value.chars()) {
            if length + c.len_utf8() > LINE_MAX {
                self.0.push_str("\r\n ");
                length = 1;
            }
            self.0.push(c);
            length += c.len_utf8();
        }
        self.0.push_str("\r\n");
    }

    /// Writes a line with a text (section 3.3.11).
    fn text(&mut self, name: &str, text: &str) {
        let mut escaped = String::with_capacity(text.len());
        for c in text.replace("\r\n", "\n").chars() {
            match c {
                '\\' | ';' | ',' => escaped.extend(['\\', c]),
                '\n' | '\r' => escaped.push_str("\\n"),
                '\t' => escaped.push(c),
                c if c.is_control() => {}
                c => escaped.push(c),
            }
        }
        self.put(name, &escaped);
    }

    fn when(&mut self, name: &str, when: When) {
        match when {
            When::At(at) => self.put(name, &instant(at)),
            When::Day(day) => self.put(&format!("{name};VALUE=DATE"), &day.format("%Y%m%d").to_string()),
        }
    }

    fn alarm(&mut self, alarm: Alarm, title: &str) {
        self.put("BEGIN", "VALARM");
        self.put("ACTION", "DISPLAY");
        self.text("DESCRIPTION", title);
        match alarm {
            Alarm::Before(minutes) => {
                let sign = if minutes > 0 { "-" } else { "" };
                self.put("TRIGGER", &format!("{sign}PT{}M", minutes.unsigned_abs()));
            }
            Alarm::At(at) => self.put("TRIGGER;VALUE=DATE-TIME", &instant(at)),
        }
        self.put("END", "VALARM");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(text: &str) -> String {
        let mut lines = Lines::default();
        lines.text("SUMMARY", text);
        lines.0
    }

    /// Reads a line back, as section 3.1 and section 3.3.11 say.
    fn read(line: &str) -> String {
        let unfolded = line.replace("\r\n ", "");
        let mut text = String::new();
        let mut rest = unfolded.strip_prefix("SUMMARY:").unwrap().strip_suffix("\r\n").unwrap().chars();
        while let Some(c) = rest.next() {
            text.push(match c {
                '\\' => rest.next().map(|c| if c == 'n' { '\n' } else { c }).unwrap(),
                c => c,
            });
        }
        text
    }

    #[test]
    fn texts_are_escaped() {
        for (text, expected) in [
            ("Call Bo, then; write", "SUMMARY:Call Bo\\, then\\; write\r\n"),
            ("C:\\new", "SUMMARY:C:\\\\new\r\n"),
            ("one\ntwo\r\nthree\rfour", "SUMMARY:one\\ntwo\\nthree\\nfour\r\n"),
            ("a\u{7}b\tc", "SUMMARY:ab\tc\r\n"),
            ("END:VEVENT", "SUMMARY:END:VEVENT\r\n"),
            ("", "SUMMARY:\r\n"),
        ] {
            assert_eq!(line(text), expected, "{text:?}");
        }
    }

    #[test]
    fn long_lines_are_folded_between_characters() {
        assert_eq!(line(&"x".repeat(67)), format!("SUMMARY:{}\r\n", "x".repeat(67)));
        assert_eq!(line(&"x".repeat(68)), format!("SUMMARY:{}\r\n x\r\n", "x".repeat(67)));
        // The emoji has four octets, of which only three fit.
        assert_eq!(line(&format!("{}🚀", "x".repeat(64))), format!("SUMMARY:{}\r\n 🚀\r\n", "x".repeat(64)));
        let wide = line(&"ж".repeat(100));
        assert!(wide.split("\r\n").all(|line| line.len() <= LINE_MAX), "{wide}");
    }

    proptest! {
        /// Any text is read as it was, without characters that have no form, and no line is too long.
        #[test]
        fn texts_are_read_back(text in "[a-z ,;:\\\\\n🚀жé👩‍🚀\"]{0,400}") {
            let written = line(&text);
            prop_assert!(written.split("\r\n").all(|line| line.len() <= LINE_MAX));
            prop_assert_eq!(read(&written), text);
        }
    }
}
