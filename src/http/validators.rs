//! Entity tags and conditional reads (RFC 9110, 8.8 and 13).
//!
//! A response depends on more than its row: on other rows, the caller's role and the time. So the tag of a read is a
//! digest of the body for this caller. The tag of a record begins with its version, which `If-Match` compares.
use crate::kernel::answers::reply::{CALENDAR, CSV, JSON, PNG, SVG, XLSX};
use crate::web::answer::names;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use sha2::{Digest, Sha256};

/// The media types of the responses that get a tag.
const TAGGED: [&str; 6] = [JSON, CSV, CALENDAR, XLSX, SVG, PNG];
/// Bytes of the digest in a tag.
const SHOWN: usize = 16;

/// The middleware: adds tags, and returns 304 if the client already has the response.
pub async fn tag(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let read = request.method() == Method::GET;
    let known: Vec<HeaderValue> = request.headers().get_all(header::IF_NONE_MATCH).cloned().collect();
    let answer = next.call(request).await?.map_into_boxed_body();
    if !is_tagged(&answer, read) {
        return Ok(answer);
    }
    let (request, answer) = answer.into_parts();
    let (mut answer, body) = answer.into_parts();
    let body = match body.try_into_bytes() {
        Ok(body) => body,
        // A streamed body has no tag.
        Err(body) => return Ok(ServiceResponse::new(request, answer.set_body(body))),
    };
    let tag = of(answer.headers(), &body);
    let unchanged = read && known.iter().any(|list| names(list, &tag));
    if let Ok(value) = HeaderValue::from_str(&tag) {
        answer.headers_mut().insert(header::ETAG, value);
    }
    if unchanged {
        answer.headers_mut().remove(header::CONTENT_TYPE);
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(ServiceResponse::new(request, answer.set_body(BoxBody::new(()))));
    }
    Ok(ServiceResponse::new(request, answer.set_body(BoxBody::new(body))))
}

/// Checks whether a response gets a tag: reads, and writes that return a record like a read.
fn is_tagged(answer: &ServiceResponse, read: bool) -> bool {
    let status = match answer.status() {
        StatusCode::OK => read || answer.headers().contains_key(header::ETAG),
        StatusCode::CREATED => answer.headers().contains_key(header::ETAG),
        _ => false,
    };
    let media = answer.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    status && media.is_some_and(|media| TAGGED.contains(&media))
}

/// Returns `"7-0123…"` for a record in version 7 and `"0123…"` for anything else.
fn of(headers: &HeaderMap, body: &Bytes) -> String {
    let version = headers.get(header::ETAG).and_then(|value| value.to_str().ok());
    let version = version.map(|tag| format!("{}-", tag.trim_matches('"'))).unwrap_or_default();
    let digest = Sha256::digest(body);
    let shown = digest.get(..SHOWN).unwrap_or_default();
    format!("\"{version}{}\"", crate::kernel::values::hex::hex(shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_a_tag_in_every_form_that_proxies_send() {
        let tag = "\"7-ab\"";
        for (list, expected) in [
            ("\"7-ab\"", true),
            ("W/\"7-ab\"", true),
            ("\"x\", W/\"7-ab\" ,\"y\"", true),
            ("*", true),
            ("\"7\"", false),
            ("\"7-abc\"", false),
            ("7-ab", false),
            ("", false),
        ] {
            assert_eq!(names(&HeaderValue::from_static(list), tag), expected, "{list}");
        }
    }

    #[test]
    fn a_tag_changes_with_the_body_and_with_the_version() {
        let mut headers = HeaderMap::new();
        let plain = of(&headers, &Bytes::from_static(b"{}"));
        assert_eq!(plain.len(), 2 + 2 * SHOWN);
        assert_ne!(plain, of(&headers, &Bytes::from_static(b"[]")));
        headers.insert(header::ETAG, HeaderValue::from_static("\"7\""));
        assert_eq!(of(&headers, &Bytes::from_static(b"{}")), plain.replacen('"', "\"7-", 1));
    }
}
