//! Replies and problems as HTTP responses.
use crate::kernel::answers::reply::Reply;
use crate::kernel::error::{Code, Error, Problem};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, Responder, ResponseError};
use std::net::IpAddr;

/// The id of a request, sent by the client or generated. It is in every response, event and log line.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

impl Responder for Reply {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let Reply { head, body } = self;
        let status = StatusCode::from_u16(head.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = HttpResponse::build(status);
        if let Some(etag) = head.etag {
            answer.insert_header((header::ETAG, etag));
        }
        if let Some(location) = head.location {
            answer.insert_header((header::LOCATION, location));
        }
        if let Some(link) = head.link {
            answer.insert_header((header::LINK, link));
        }
        if let Some(cursor) = head.next_cursor {
            answer.insert_header(("Next-Cursor", cursor));
        }
        if let Some(name) = head.file_name {
            answer.insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")));
        }
        if let Some(seconds) = head.retry_after {
            answer.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if head.replayed {
            answer.insert_header(("Idempotent-Replayed", "true"));
        }
        let millis = format!("{}.{:03}", head.micros / 1000, head.micros % 1000);
        answer.insert_header(("Server-Timing", format!("db;dur={millis};desc=\"{} statements\"", head.queries)));
        if head.status == 204 {
            return answer.finish();
        }
        answer.insert_header((header::CONTENT_TYPE, head.content_type)).body(body)
    }
}

/// Checks whether `If-None-Match` lists the tag. The comparison is weak, because a proxy that compresses weakens tags.
pub fn names(list: &HeaderValue, tag: &str) -> bool {
    let list = list.to_str().unwrap_or_default();
    list.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

/// Converts an error to a response; the outermost layer adds the request id.
impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Error::Problem(problem) => problem_response(problem),
            Error::Sql(_) | Error::Internal(_) => HttpResponse::InternalServerError().finish(),
        }
    }
}

/// Builds the response of a problem without its body, which needs the request id.
fn problem_response(problem: &Problem) -> HttpResponse {
    let status = StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = HttpResponse::build(status);
    match problem.code {
        Code::Unauthorized | Code::TokenInvalid | Code::TokenExpired | Code::SessionRevoked => {
            answer.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        Code::Overloaded
        | Code::DatabaseUnavailable
        | Code::FilesUnavailable
        | Code::IdempotencyInProgress
        | Code::RateLimited => {
            answer.insert_header((header::RETRY_AFTER, problem.retry_after.unwrap_or(1).to_string()));
        }
        _ => {}
    }
    if let Some(allow) = &problem.allow {
        answer.insert_header((header::ALLOW, allow.as_str()));
    }
    answer.finish()
}

/// Writes a problem as `application/problem+json`, with the request id.
pub fn finish_problem(error: &Error, id: &RequestId) -> HttpResponse {
    let internal = Error::new(Code::Internal, "an unexpected error was logged; include the request id in a bug report");
    let problem = match (error, &internal) {
        (Error::Problem(problem), _) | (_, Error::Problem(problem)) => problem,
        _ => return HttpResponse::InternalServerError().finish(),
    };
    let body = serde_json::to_vec(&problem.body(&id.0)).unwrap_or_default();
    let mut answer = problem_response(problem);
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/problem+json"));
    answer.set_body(actix_web::body::BoxBody::new(body))
}

pub fn request_id(request: &HttpRequest) -> RequestId {
    request.extensions().get::<RequestId>().cloned().unwrap_or_else(|| RequestId(String::new()))
}

/// Returns the client's address: behind a trusted proxy the last address in `X-Forwarded-For`.
pub fn address(request: &HttpRequest) -> Option<IpAddr> {
    let proxied = request.app_data::<TrustProxy>().is_some_and(|trust| trust.0);
    let forwarded = request.headers().get("X-Forwarded-For").and_then(|v| v.to_str().ok()).filter(|_| proxied);
    let named = forwarded.and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
    named.or_else(|| request.peer_addr().map(|peer| peer.ip()))
}

/// Whether `X-Forwarded-For` is trusted.
#[derive(Clone, Copy, Debug)]
pub struct TrustProxy(pub bool);
