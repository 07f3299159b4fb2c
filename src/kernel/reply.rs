//! A complete response: the idempotency store saves it and the web server sends it.
use crate::kernel::error::{Error, Result};
use crate::kernel::kind::Record;
use serde::Serialize;

#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
    pub content_type: &'static str,
    pub etag: Option<String>,
    pub location: Option<String>,
    pub link: Option<String>,
    /// For a CSV file, the cursor of the next rows.
    pub next_cursor: Option<String>,
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

/// The initial capacity of a body: enough for a record, and for a page with few reallocations.
const SPACE: usize = 4 << 10;

impl Reply {
    fn new(status: u16, body: Vec<u8>) -> Reply {
        Reply {
            status,
            body,
            content_type: JSON,
            etag: None,
            location: None,
            link: None,
            next_cursor: None,
            replayed: false,
            retry_after: None,
            queries: 0,
            micros: 0,
        }
    }

    pub fn ok(value: &impl Serialize) -> Result<Reply> {
        let mut body = Vec::with_capacity(SPACE);
        serde_json::to_writer(&mut body, value).map_err(Error::internal)?;
        Ok(Reply::new(200, body))
    }

    /// Returns 200 with the record and its ETag.
    pub fn record<R: Record>(row: &R) -> Result<Reply> {
        Ok(Reply { etag: Some(etag(row.version())), ..Reply::ok(row)? })
    }

    /// Returns 200 with the record, its included records, and its ETag.
    pub fn record_with<R: Record>(row: &R, included: &impl Serialize) -> Result<Reply> {
        let mut shown = serde_json::to_value(row).map_err(Error::internal)?;
        if let Some(members) = shown.as_object_mut() {
            members.insert("included".into(), serde_json::to_value(included).map_err(Error::internal)?);
        }
        Reply::part(&shown, row.version())
    }

    /// Returns 200 with a part of a record. The ETag begins with the record's version, so that an update can use it.
    pub fn part(value: &impl Serialize, version: i64) -> Result<Reply> {
        Ok(Reply { etag: Some(etag(version)), ..Reply::ok(value)? })
    }

    /// Returns 201 with the record, its ETag and its Location.
    pub fn created<R: Record>(row: &R) -> Result<Reply> {
        Ok(Reply {
            status: 201,
            location: Some(format!("/api/v1/{}/{}", R::KIND.path(), row.id())),
            ..Reply::record(row)?
        })
    }

    /// Returns 202 with the job and the location of its progress.
    pub fn accepted<R: Record>(job: &R) -> Result<Reply> {
        let location = Some(format!("/api/v1/{}/{}", R::KIND.path(), job.id()));
        Ok(Reply { status: 202, location, retry_after: Some(1), ..Reply::ok(job)? })
    }

    pub fn none() -> Reply {
        Reply::new(204, Vec::new())
    }

    pub fn csv(text: String) -> Reply {
        Reply { content_type: CSV, ..Reply::new(200, text.into_bytes()) }
    }
}

/// Returns a strong entity tag (RFC 9110, section 8.8.3): the version in quotes.
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}
