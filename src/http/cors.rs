//! Cross-origin requests from browsers (Fetch standard, 3.2). Clients use bearer tokens, so credentials (cookies) are
//! not allowed.
use actix_cors::Cors;
use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderValue};

/// The origins that the operator allows.
#[derive(Clone, Debug, Default)]
pub struct Origins(pub Vec<String>);

/// Request headers that scripts may send, besides the safelisted ones.
const ALLOWED: [&str; 12] = [
    "Authorization",
    "Content-Type",
    "Accept",
    "Accept-Language",
    "If-Match",
    "If-None-Match",
    "Idempotency-Key",
    "X-Request-Id",
    "traceparent",
    "tracestate",
    "baggage",
    "sentry-trace",
];

/// Response headers that scripts may read, besides the safelisted ones.
const EXPOSED: [&str; 15] = [
    "Allow",
    "Content-Disposition",
    "Content-Length",
    "ETag",
    "Link",
    "Location",
    "Next-Cursor",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Server-Timing",
    "WWW-Authenticate",
    "Idempotent-Replayed",
    "X-Request-Id",
    "Date",
];

/// Returns the middleware that answers preflight requests and lets scripts of the allowed origins read responses.
/// Requests from other origins get a response too, because they can come from the server's own origin; browsers hide
/// the response from other origins.
pub fn layer(origins: &Origins) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"])
        .allowed_headers(ALLOWED)
        .expose_headers(EXPOSED)
        .block_on_origin_mismatch(false)
        .max_age(7200);
    origins.0.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// Returns the origin of a request if it is allowed.
pub fn origin(request: &HttpRequest) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    let allowed = request.app_data::<Origins>()?;
    allowed.0.iter().any(|known| known.as_bytes() == origin.as_bytes()).then(|| origin.clone())
}

/// Adds CORS headers to a response that bypassed the middleware, because the request is lost when a handler panics.
pub fn allow(headers: &mut HeaderMap, origin: &HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Ok(exposed) = HeaderValue::from_str(&EXPOSED.join(", ")) {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}
