//! An operation returns an `Answer`, which holds typed values. `Answer::finish` clears the hidden fields, serialises the
//! values once and returns a `Reply`. Only a `Reply` can be saved and sent.
use crate::kernel::access::actor::Actor;
use crate::kernel::access::hide::{Hide, NothingHidden};
use crate::kernel::access::record::Record;
use crate::kernel::error::{Error, Result};
use serde::Serialize;
use serde_json::Value as Json;
use std::fmt;

/// The status and the headers of a response.
#[derive(Clone, Debug)]
pub struct Head {
    pub status: u16,
    pub content_type: &'static str,
    pub etag: Option<String>,
    pub location: Option<String>,
    pub link: Option<String>,
    /// For a CSV file, the cursor of the next rows.
    pub next_cursor: Option<String>,
    /// The name under which a file is saved.
    pub file_name: Option<String>,
    /// The response was saved by an earlier request with the same idempotency key.
    pub replayed: bool,
    /// For a job, the seconds after which the client may ask again.
    pub retry_after: Option<u32>,
    /// The number of statements, and their duration in microseconds, for the `Server-Timing` header.
    pub queries: u32,
    pub micros: u64,
}

pub const JSON: &str = "application/json";
pub const CSV: &str = "text/csv; charset=utf-8";
pub const CALENDAR: &str = "text/calendar; charset=utf-8";
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
pub const SVG: &str = "image/svg+xml";
pub const PNG: &str = "image/png";

impl Head {
    pub fn new(status: u16) -> Head {
        Head {
            status,
            content_type: JSON,
            etag: None,
            location: None,
            link: None,
            next_cursor: None,
            file_name: None,
            replayed: false,
            retry_after: None,
            queries: 0,
            micros: 0,
        }
    }
}

/// A complete response: the idempotency store saves it and the web server sends it.
#[derive(Clone, Debug)]
pub struct Reply {
    pub head: Head,
    pub body: Vec<u8>,
}

/// The initial capacity of a body: enough for a record, and for a page with few reallocations.
const SPACE: usize = 4 << 10;

impl Reply {
    /// Returns 200 with a value without hideable fields.
    pub fn ok(value: &(impl Serialize + NothingHidden)) -> Result<Reply> {
        Ok(Reply { head: Head::new(200), body: written(value)? })
    }

    /// Returns 200 with a file. It must not contain what the caller's role hides.
    pub fn file(content_type: &'static str, name: String, body: Vec<u8>) -> Reply {
        Reply { head: Head { content_type, file_name: Some(name), ..Head::new(200) }, body }
    }

    pub fn none() -> Reply {
        Reply { head: Head::new(204), body: Vec::new() }
    }

    /// Sets 201 and the Location.
    #[must_use]
    pub fn created_at(mut self, location: &str) -> Reply {
        self.head.status = 201;
        self.head.location = Some(location.into());
        self
    }
}

fn written(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut body = Vec::with_capacity(SPACE);
    serde_json::to_writer(&mut body, value).map_err(Error::internal)?;
    Ok(body)
}

/// The body of an answer, before it is serialised.
pub(in crate::kernel) trait Content {
    fn hide(&mut self, actor: &Actor);

    fn write(&self) -> Result<Vec<u8>>;

    /// Returns the body as a JSON value; null for a file.
    fn json(&self) -> Result<Json> {
        Ok(Json::Null)
    }
}

impl<T: Serialize + Hide> Content for T {
    fn hide(&mut self, actor: &Actor) {
        Hide::hide(self, actor);
    }

    fn write(&self) -> Result<Vec<u8>> {
        written(self)
    }

    fn json(&self) -> Result<Json> {
        serde_json::to_value(self).map_err(Error::internal)
    }
}

/// The result of an operation, with the fields that the caller's role hides.
pub struct Answer {
    head: Head,
    content: Option<Box<dyn Content>>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head.fmt(f)
    }
}

/// A record with its included records.
#[derive(Serialize)]
struct WithIncluded<R, I> {
    #[serde(flatten)]
    row: R,
    included: I,
}

impl<R: Hide, I: Hide> Hide for WithIncluded<R, I> {
    fn hide(&mut self, actor: &Actor) {
        self.row.hide(actor);
        self.included.hide(actor);
    }
}

impl Answer {
    pub fn ok(value: impl Serialize + Hide + 'static) -> Answer {
        Answer { head: Head::new(200), content: Some(Box::new(value)) }
    }

    pub fn none() -> Answer {
        Answer { head: Head::new(204), content: None }
    }

    /// A body that is not JSON.
    pub(in crate::kernel) fn file(content_type: &'static str, content: impl Content + 'static) -> Answer {
        Answer { head: Head { content_type, ..Head::new(200) }, content: Some(Box::new(content)) }
    }

    /// Returns 200 with the record and its ETag.
    pub fn record<R: Record + 'static>(row: R) -> Answer {
        let version = row.version();
        Answer::part(row, version)
    }

    /// Returns 200 with the record, its included records, and its ETag.
    pub fn record_with<R: Record + 'static>(row: R, included: impl Serialize + Hide + 'static) -> Answer {
        let version = row.version();
        Answer::part(WithIncluded { row, included }, version)
    }

    /// Returns 200 with a part of a record. The ETag begins with the record's version, so that an update can use it.
    pub fn part(value: impl Serialize + Hide + 'static, version: i64) -> Answer {
        let Answer { head, content } = Answer::ok(value);
        Answer { head: Head { etag: Some(etag(version)), ..head }, content }
    }

    /// Returns 201 with the record, its ETag and its Location.
    pub fn created<R: Record + 'static>(row: R) -> Answer {
        let location = location(&row);
        Answer::record(row).created_at(location)
    }

    /// Sets 201 and the Location.
    #[must_use]
    pub fn created_at(mut self, location: String) -> Answer {
        self.head.status = 201;
        self.head.location = Some(location);
        self
    }

    /// Returns 202 with the job and the location of its progress.
    pub fn accepted<R: Record + 'static>(job: R) -> Answer {
        let location = location(&job);
        Answer::ok(job).accepted_at(location)
    }

    /// Sets 202 and the location of the progress.
    #[must_use]
    pub fn accepted_at(mut self, location: String) -> Answer {
        self.head.status = 202;
        self.head.location = Some(location);
        self.retry_after(Some(1))
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: Option<u32>) -> Answer {
        self.head.retry_after = seconds;
        self
    }

    #[must_use]
    pub fn link(mut self, link: Option<String>) -> Answer {
        self.head.link = link;
        self
    }

    #[must_use]
    pub fn file_name(mut self, name: String) -> Answer {
        self.head.file_name = Some(name);
        self
    }

    #[must_use]
    pub fn next_cursor(mut self, cursor: Option<String>) -> Answer {
        self.head.next_cursor = cursor;
        self
    }

    /// Returns the body as a JSON value, with the hidden fields.
    pub fn json(&self) -> Result<Json> {
        self.content.as_ref().map_or(Ok(Json::Null), |content| content.json())
    }

    /// Clears the fields that the caller's role hides, and serialises the body.
    pub fn finish(self, actor: &Actor) -> Result<Reply> {
        let Answer { head, content } = self;
        let Some(mut content) = content else { return Ok(Reply { head, body: Vec::new() }) };
        if actor.access.hides_anything() {
            content.hide(actor);
        }
        Ok(Reply { head, body: content.write()? })
    }
}

/// Returns the path of a record.
pub fn location<R: Record>(row: &R) -> String {
    format!("/api/v1/{}/{}", R::KIND.path(), row.id())
}

/// Returns a strong entity tag (RFC 9110, section 8.8.3): the version in quotes.
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}
