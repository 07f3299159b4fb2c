//! The request headers that operations take. A handler that names one in its signature uses it, and the OpenAPI document
//! declares it; any other operation ignores it.
use crate::db::table::Expected;
use crate::db::tx::Claim;
use crate::kernel::access::actor::Actor;
use crate::kernel::answers::reply::{PNG, SVG, XLSX};
use crate::kernel::error::{Code, Error, Result};
use crate::web::body::BodyHash;
use crate::web::signature::{self, Part};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use sha2::{Digest, Sha256};
use std::future::{Ready, ready};

/// The maximum number of digits of a version.
const VERSION_DIGITS: usize = 18;
/// The maximum length of the digest after the version in a tag.
const DIGEST_DIGITS: usize = 64;
/// The maximum length of an idempotency key, with its quotes.
const KEY_MAX: usize = 255;

/// The version in `If-Match`, if there is one.
#[derive(Clone, Copy, Debug)]
pub struct IfMatch(pub Expected);

impl FromRequest for IfMatch {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        signature::takes(request, Part::IfMatch);
        ready(expected(request).map(IfMatch))
    }
}

/// The version in `If-Match`, for changes where a blind write would undo the work of others.
#[derive(Clone, Copy, Debug)]
pub struct RequiredIfMatch(Expected);

impl RequiredIfMatch {
    /// Returns the version, or 428 without one. The handler asks when it has the body, so that an invalid body is
    /// reported first.
    pub fn version(self) -> Result<Expected> {
        self.0.required()
    }
}

impl FromRequest for RequiredIfMatch {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        signature::takes(request, Part::RequiredIfMatch);
        ready(expected(request).map(RequiredIfMatch))
    }
}

fn expected(request: &HttpRequest) -> Result<Expected> {
    let Some(value) = request.headers().get(header::IF_MATCH) else { return Ok(Expected(None)) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(Expected(None));
    }
    // A proxy that compresses weakens the tag; the version in it stays.
    let text = text.strip_prefix("W/").unwrap_or(text);
    let tag = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
    let wrong = || Error::new(Code::BadRequest, "If-Match must be the ETag of the record, or its version, such as 7");
    version_in(tag).map(|version| Expected(Some(version))).ok_or_else(wrong)
}

/// Returns the version in `7` or in a tag such as `7-0123abcd`. The digest of the whole response after the version does
/// not matter for writes.
fn version_in(tag: &str) -> Option<i64> {
    let (version, digest) = tag.split_once('-').map_or((tag, None), |(version, digest)| (version, Some(digest)));
    let is_version = (1..=VERSION_DIGITS).contains(&version.len()) && version.bytes().all(|b| b.is_ascii_digit());
    let is_digest =
        |text: &str| (1..=DIGEST_DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    version.parse().ok().filter(|_| is_version && digest.is_none_or(is_digest))
}

/// The `Idempotency-Key`, if there is one: under the same key, `Ctx::once` does its work once.
#[derive(Clone, Debug)]
pub struct IdempotencyKey(Option<String>);

impl FromRequest for IdempotencyKey {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        signature::takes(request, Part::IdempotencyKey);
        ready(IdempotencyKey::of(request))
    }
}

impl IdempotencyKey {
    fn of(request: &HttpRequest) -> Result<IdempotencyKey> {
        let Some(value) = request.headers().get("Idempotency-Key") else { return Ok(IdempotencyKey(None)) };
        let wrong = || Error::new(Code::BadRequest, "Idempotency-Key must be 1 to 255 visible ASCII characters");
        let key = key_in(value.to_str().unwrap_or_default()).ok_or_else(wrong)?;
        Ok(IdempotencyKey(Some(key.to_owned())))
    }

    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Returns the claim of a request whose body has been read.
    pub(in crate::web) fn claim(self, request: &HttpRequest, actor: &Actor) -> Option<Claim> {
        let key = self.0?;
        let body = request.extensions().get::<BodyHash>().map(|hash| hash.0.clone()).unwrap_or_default();
        let hash = Sha256::new()
            .chain_update(request.method().as_str())
            .chain_update(request.uri().to_string())
            .chain_update(body)
            .finalize();
        Some(Claim { key, hash: hash.to_vec(), principal: actor.principal, secret: false })
    }
}

/// Returns the key in the header, plain or as a quoted string.
fn key_in(text: &str) -> Option<&str> {
    let key = match text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').filter(|inner| !inner.contains('"'))?,
        None => text,
    };
    let valid = !key.is_empty() && text.len() <= KEY_MAX && key.bytes().all(|b| b.is_ascii_graphic());
    Some(key).filter(|_| valid)
}

/// The media type that the client prefers, for operations that can also return a CSV file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Csv,
    Xlsx,
    Svg,
    Png,
}

/// The media types of each format. A range stands for the format with which it is listed.
const MEDIA: [(Format, &[&str]); 5] = [
    (Format::Json, &["application/json", "application/*", "*/*", ""]),
    (Format::Csv, &["text/csv", "text/*"]),
    (Format::Xlsx, &[XLSX]),
    (Format::Svg, &[SVG, "image/*"]),
    (Format::Png, &[PNG]),
];
const OF_LISTS: [Format; 2] = [Format::Json, Format::Csv];
const OF_REPORTS: [Format; 5] = [Format::Json, Format::Csv, Format::Xlsx, Format::Svg, Format::Png];

impl FromRequest for Format {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        signature::takes(request, Part::Format);
        ready(chosen(request, &OF_LISTS))
    }
}

/// Like `Format`, for reports, which can also be workbooks and pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportFormat(pub Format);

impl FromRequest for ReportFormat {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        signature::takes(request, Part::ReportFormat);
        ready(chosen(request, &OF_REPORTS).map(ReportFormat))
    }
}

fn chosen(request: &HttpRequest, offered: &[Format]) -> Result<Format> {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    let refused = || {
        let names = offered.iter().filter_map(|format| media_of(*format).first().copied()).collect::<Vec<_>>();
        Error::new(Code::NotAcceptable, format!("the response is available as {}", names.join(" or ")))
    };
    preferred(accept, offered).ok_or_else(refused)
}

fn media_of(format: Format) -> &'static [&'static str] {
    MEDIA.iter().find(|(known, _)| *known == format).map_or(&[], |(_, media)| media)
}

/// Returns the format of the first media type that one of the offered formats has.
fn preferred(accept: &str, offered: &[Format]) -> Option<Format> {
    let ranges = accept.split(',').map(|media| media.split(';').next().unwrap_or_default().trim());
    ranges.filter_map(|range| offered.iter().find(|format| media_of(**format).contains(&range)).copied()).next()
}

#[cfg(test)]
#[path = "headers_tests.rs"]
mod tests;
