//! The middleware around all operations: request id, access log, panics, problems, headers.
use crate::http::cors;
use crate::http::openapi::document::Document;
use crate::identity::credentials::calendar_feeds;
use crate::kernel::error::{Code, Error};
use crate::kernel::query::params::QueryParams;
use crate::web::answer::{RequestId, address, finish_problem};
use crate::web::body::keep_payload;
use crate::web::caller::Identity;
use crate::web::limits::{Limits, RateLimitKey};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Instant;
use uuid::Uuid;

const ID: HeaderName = HeaderName::from_static("x-request-id");
const LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT_LEFT: HeaderName = HeaderName::from_static("ratelimit");
/// Headers from inner middleware that a problem response must keep. Without the CORS headers, scripts could not read
/// the problem.
const KEPT: [HeaderName; 5] = [
    LIMIT_POLICY,
    LIMIT_LEFT,
    header::VARY,
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
];
const URI_MAX: usize = 16 << 10;

/// The outermost middleware: every request gets a response with a request id and a line in the access log.
pub async fn outermost(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let start = Instant::now();
    let id = RequestId(given_id(request.headers()).unwrap_or_else(|| Uuid::now_v7().to_string()));
    request.extensions_mut().insert(id.clone());
    if request.method() == Method::HEAD {
        // Handled like GET; the server omits the body.
        request.head_mut().method = Method::GET;
    }
    let origin = cors::origin(request.request());
    let finished = |answer: HttpResponse| finished(answer, &id, origin.as_ref());
    let line = format!("{} {}", request.method(), without_secret(request.path()));
    if request.uri().to_string().len() > URI_MAX {
        let error = Error::new(Code::UriTooLong, format!("the URL must have at most {URI_MAX} bytes"));
        return Err(finished(finish_problem(&error, &id)));
    }
    let payload = keep_payload(&mut request);
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(Ok(answer)) => {
            let mut answer = as_problem(answer.map_into_boxed_body(), &id);
            let path = answer.request().match_info().as_str().to_owned();
            set_headers(answer.headers_mut(), &id, &path);
            log_line(&answer, &line, &id, start);
            Ok(match payload.filter(|_| answer.status().is_client_error()) {
                Some(payload) => answer.map_body(|_, body| payload.beside(body)),
                None => answer,
            })
        }
        Ok(Err(error)) => {
            let answer = translate(&error, &id);
            Err(finished(match payload {
                Some(payload) => answer.map_body(|_, body| payload.beside(body)),
                None => answer,
            }))
        }
        Err(_) => {
            log::error!("{line} panicked; request {}", id.0);
            Err(finished(finish_problem(&Error::internal("panic"), &id)))
        }
    }
}

/// Returns a path without the secret of a calendar feed, for logs.
fn without_secret(path: &str) -> &str {
    path.find(calendar_feeds::START).and_then(|at| path.get(..at)).unwrap_or(path)
}

/// Returns a response whose request is lost, because middleware failed or a handler panicked.
fn finished(mut answer: HttpResponse, id: &RequestId, origin: Option<&HeaderValue>) -> actix_web::Error {
    set_headers(answer.headers_mut(), id, "/api/");
    if let Some(origin) = origin {
        cors::allow(answer.headers_mut(), origin);
    }
    InternalError::from_response("", answer).into()
}

/// Returns the request id of the client, if it is short and contains only safe characters.
fn given_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(ID)?.to_str().ok()?;
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    (plain && (1..=64).contains(&text.len())).then(|| text.to_owned())
}

/// Turns errors into problem+json with the request id. A foreign error gets a code by its status.
fn as_problem(answer: ServiceResponse, id: &RequestId) -> ServiceResponse {
    let status = answer.status();
    let is_problem = answer.headers().get(header::CONTENT_TYPE).is_some();
    let mut problem = match answer.response().error() {
        Some(error) => translate(error, id),
        None if (status.is_client_error() || status.is_server_error()) && !is_problem => {
            finish_problem(&by_status(status), id)
        }
        None => return answer,
    };
    for name in KEPT {
        for value in answer.headers().get_all(&name) {
            problem.headers_mut().append(name.clone(), value.clone());
        }
    }
    answer.into_response(problem)
}

fn translate(error: &actix_web::Error, id: &RequestId) -> HttpResponse {
    match error.as_error::<Error>() {
        Some(ours) => {
            if ours.code().status() == 500 {
                log::error!("request {}: {ours}", id.0);
            }
            finish_problem(ours, id)
        }
        None => finish_problem(&by_status(error.as_response_error().status_code()), id),
    }
}

fn by_status(status: StatusCode) -> Error {
    let code = Code::ALL.iter().copied().find(|code| code.status() == status.as_u16());
    let code = code.unwrap_or(if status.is_client_error() { Code::BadRequest } else { Code::Internal });
    // Routes outside the document are read-only.
    let allow = (code == Code::MethodNotAllowed).then(|| "GET, HEAD".to_owned());
    Error::new(code, code.title()).with(|problem| problem.allow = allow)
}

fn set_headers(headers: &mut HeaderMap, id: &RequestId, path: &str) {
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if path.starts_with("/api/") && !headers.contains_key(header::CACHE_CONTROL) {
        let private = if path.contains("/auth/") || path.ends_with("/api-keys") || path.ends_with("/calendar-feed") {
            "no-store"
        } else {
            "private, no-cache"
        };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(private));
    }
}

/// Logs one line per request, without query string and body, which can contain personal data.
fn log_line(answer: &ServiceResponse, line: &str, id: &RequestId, start: Instant) {
    let who = match answer.request().extensions().get::<Identity>() {
        Some(Identity::Known(actor)) => {
            format!("workspace={} user={} via={}", actor.workspace, actor.user, actor.actor_kind.as_str())
        }
        _ => "anonymous".to_owned(),
    };
    let db = answer.headers().get("server-timing").and_then(|v| v.to_str().ok()).unwrap_or("-");
    let millis = start.elapsed().as_secs_f64() * 1000.0;
    log::info!(target: "access", "{line} {} {millis:.1} ms {who} request={} {db}", answer.status().as_u16(), id.0);
}

/// Answers an unknown path with 404, and a known path with another method with 405 and its methods.
pub async fn fallback(request: HttpRequest, document: web::Data<Document>) -> Result<HttpResponse, Error> {
    let allowed = document.methods(request.match_info().as_str());
    if allowed.is_empty() {
        return Err(Error::new(Code::NotFound, "there is no operation at this path"));
    }
    Err(not_allowed(&allowed))
}

fn not_allowed(methods: &[&str]) -> Error {
    let allowed = methods.join(", ");
    Error::new(Code::MethodNotAllowed, format!("use {allowed}")).with(|problem| problem.allow = Some(allowed))
}

/// Applies the rate limit of the caller and adds the headers with the remaining requests.
pub async fn limit(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let Some(limits) = request.app_data::<web::Data<Limits>>().cloned() else { return next.call(request).await };
    let key = match request.extensions().get::<Identity>() {
        Some(Identity::Known(actor)) => Some(RateLimitKey::Principal(actor.principal)),
        _ => address(request.request()).map(RateLimitKey::Address),
    };
    let Some(key) = key else { return next.call(request).await };
    let left = limits.take(key)?;
    let mut answer = next.call(request).await?;
    let headers = answer.headers_mut();
    for (name, value) in [
        (LIMIT_POLICY, format!("\"default\";q={};w=60", left.per_minute)),
        (LIMIT_LEFT, format!("\"default\";r={};t={}", left.remaining, left.reset)),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    Ok(answer)
}

/// Applies rules that only the document knows. An operation without query parameters refuses any, so that a typo is
/// noticed; lists and reports check their own. A media type that the operation cannot return gives 406. A path such
/// as `GET /contacts/batch-create` that was taken for the id of a record gives 405 if it exists for another method.
pub async fn as_documented(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let document =
        request.app_data::<web::Data<Document>>().cloned().ok_or_else(|| Error::internal("no document in the app"))?;
    if !request.query_string().is_empty()
        && document.takes_no_query(request.method().as_str(), request.match_info().as_str())
    {
        QueryParams::read(request.query_string())?.finish(&[])?;
    }
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !document.gives(request.method().as_str(), request.match_info().as_str(), accept) {
        let detail = "the response is available as application/json; some lists and reports have other formats";
        return Err(Error::new(Code::NotAcceptable, detail).into());
    }
    let answer = next.call(request).await?;
    if answer.status() == StatusCode::NOT_FOUND {
        let asked = answer.request();
        let allowed = document.methods(asked.match_info().as_str());
        if !allowed.is_empty() && !allowed.contains(&asked.method().as_str()) {
            let refused = not_allowed(&allowed);
            return Ok(answer.error_response(refused).map_into_right_body());
        }
    }
    Ok(answer.map_into_left_body())
}
