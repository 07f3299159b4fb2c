//! Reads request bodies: checks media type, size, time and depth, then the schema of the type.
use crate::kernel::bodies::read_only::ReadOnlyMembers;
use crate::kernel::bodies::shape::{self, Rules};
use crate::kernel::error::{Code, Error, FieldCode, Result};
use crate::kernel::fields::kind::Kind;
use crate::web::budget;
use crate::web::caller::Identity;
use crate::web::json::Strict;
use crate::web::signature::{self, Part};
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::{Method, header};
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use utoipa::ToSchema;

/// 2 MiB.
const BODY_MAX: usize = 2 << 20;
/// 8 MiB, enough for a thousand items.
pub const BATCH_MAX: usize = 8 << 20;
const BODY_TIME: Duration = Duration::from_secs(30);
const DEPTH_MAX: usize = 32;
/// Bytes of memory per byte of parsed JSON.
const MEMORY: usize = 8;

/// A body that has passed the schema of `T` and its rules.
#[derive(Debug)]
pub struct Valid<T>(pub T);

/// SHA-256 of the raw body, for the idempotency key.
#[derive(Clone, Debug)]
pub struct BodyHash(pub Vec<u8>);

impl<T> Deref for Valid<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + ToSchema + Rules + 'static> FromRequest for Valid<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        signature::takes(request, Part::JsonBody);
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let mut body = json(&request, payload, BODY_MAX).await?;
            if T::response_shape().is_none() {
                return shape::read(body).map(Valid);
            }
            drop_hidden(&request, T::changed_kind(), &mut body);
            let (changed_kind, read_only) = ReadOnlyMembers::read_changes(body)?;
            request.extensions_mut().insert(read_only);
            Ok(Valid(changed_kind))
        })
    }
}

/// Removes hidden members that are empty, as the response showed them: they are not changes.
fn drop_hidden(request: &HttpRequest, kind: Option<Kind>, body: &mut Json) {
    let extensions = request.extensions();
    let (Some(Identity::Known(actor)), Some(kind)) = (extensions.get::<Identity>(), kind) else { return };
    let Some(members) = body.as_object_mut() else { return };
    let empty = |value: &Json| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    members.retain(|name, value| !(empty(value) && actor.access.hides(kind.path(), name)));
}

/// Reads a JSON object of at most `limit` bytes.
pub async fn json(request: &HttpRequest, payload: Payload, limit: usize) -> Result<Json> {
    check_media_type(request, request.method() == Method::PATCH)?;
    let bytes = read(request, payload, limit).await?;
    request.extensions_mut().insert(BodyHash(Sha256::digest(&bytes).to_vec()));
    parse(&bytes)
}

fn check_media_type(request: &HttpRequest, patch: bool) -> Result<()> {
    let header = |name| request.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if !header(header::CONTENT_ENCODING).is_empty() {
        return Err(Error::new(Code::UnsupportedMediaType, "send the body without Content-Encoding"));
    }
    let mut parts = header(header::CONTENT_TYPE).split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let known = media == "application/json" || (patch && media == "application/merge-patch+json");
    let utf8 =
        parts.all(|p| p.to_ascii_lowercase().strip_prefix("charset=").is_none_or(|c| c.trim_matches('"') == "utf-8"));
    if known && utf8 {
        Ok(())
    } else {
        Err(Error::new(Code::UnsupportedMediaType, "send Content-Type: application/json"))
    }
}

/// Reads the whole body, unless it is too large or too slow.
pub async fn read(request: &HttpRequest, mut payload: Payload, limit: usize) -> Result<Vec<u8>> {
    let limit = if budget::is_known(request) { limit } else { limit.min(budget::STRANGER_MAX) };
    let too_large = || Error::new(Code::PayloadTooLarge, format!("the body must have at most {limit} bytes"));
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    budget::take(request, declared.unwrap_or_default(), MEMORY).await?;
    let all = async {
        let mut bytes = Vec::with_capacity(declared.unwrap_or(1024));
        while let Some(part) = payload.next().await {
            let part = part.map_err(|e| Error::new(Code::BadRequest, format!("the body ended early: {e}")))?;
            if bytes.len() + part.len() > limit {
                return Err(too_large());
            }
            budget::take(request, bytes.len() + part.len(), MEMORY).await?;
            bytes.extend_from_slice(&part);
        }
        Ok(bytes)
    };
    let late = |_| Error::new(Code::RequestTimeout, format!("the body did not arrive within {BODY_TIME:?}"));
    tokio::time::timeout(BODY_TIME, all).await.map_err(late)?
}

/// The payload of a request without a declared length. While it exists, the server closes the connection after a
/// refusal; after it is dropped, the server would read to an end that may never come.
#[derive(Clone)]
pub struct KeptPayload(Rc<RefCell<Payload>>);

impl Stream for KeptPayload {
    type Item = std::result::Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

impl KeptPayload {
    /// Returns the response body, which holds the payload until it is sent.
    pub fn beside(self, answer: BoxBody) -> BoxBody {
        BoxBody::new(Refusal { answer, _payload: self })
    }
}

struct Refusal {
    answer: BoxBody,
    _payload: KeptPayload,
}

impl MessageBody for Refusal {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(context)
    }
}

/// Keeps a reference to the payload if the request declares no length.
pub fn keep_payload(request: &mut ServiceRequest) -> Option<KeptPayload> {
    request.headers().get(header::TRANSFER_ENCODING)?;
    let payload = KeptPayload(Rc::new(RefCell::new(request.take_payload())));
    request.set_payload(Payload::Stream { payload: Box::pin(payload.clone()) });
    Some(payload)
}

fn parse(bytes: &[u8]) -> Result<Json> {
    let Strict(body) = serde_json::from_slice(bytes).map_err(|e| Error::new(Code::InvalidJson, e.to_string()))?;
    if depth(&body) > DEPTH_MAX {
        return Err(Error::new(Code::InvalidJson, format!("the body must nest at most {DEPTH_MAX} levels deep")));
    }
    if !body.is_object() {
        return Err(Error::member("", FieldCode::InvalidType, "the body must be a JSON object"));
    }
    Ok(body)
}

fn depth(value: &Json) -> usize {
    match value {
        Json::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Json::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
