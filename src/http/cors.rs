//! Which browsers may call from another origin (Fetch, 3.2). A bearer token is all they need, so no credentials (cookies) are allowed.
use actix_cors::Cors;
use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderValue};

/// The origins that an operator allows.
#[derive(Clone, Debug, Default)]
pub struct Origins(pub Vec<String>);

/// What a script may send beside the headers that every script may.
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

/// What a script may read beside the headers that every script may.
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

/// The layer that answers preflights and lets scripts of the allowed origins read what they are answered. A call from another origin is answered
/// too: it may come from our own origin, and a browser keeps the answer from any other.
pub fn layer(origins: &Origins) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"])
        .allowed_headers(ALLOWED)
        .expose_headers(EXPOSED)
        .block_on_origin_mismatch(false)
        .max_age(7200);
    origins.0.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// The origin of a request, if it is one of those that are allowed.
pub fn origin(request: &HttpRequest) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    let allowed = request.app_data::<Origins>()?;
    allowed.0.iter().any(|known| known.as_bytes() == origin.as_bytes()).then(|| origin.clone())
}

/// Lets a script read an answer that was made past the layer: when a handler panics, its request is gone.
pub fn allow(headers: &mut HeaderMap, origin: &HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Ok(exposed) = HeaderValue::from_str(&EXPOSED.join(", ")) {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}
