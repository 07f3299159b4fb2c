//! Forms that contain a file (`multipart/form-data`, RFC 7578).
use crate::kernel::error::{Code, Error, FieldCode, Result, not_known};
use crate::web::body::BodyHash;
use crate::web::budget;
use crate::web::signature::{self, Part};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use std::fmt;
use std::future::{Ready, ready};
use std::time::Duration;

/// The maximum time for a file to arrive.
const FORM_TIME: Duration = Duration::from_secs(120);
/// The maximum size of other parts than the file.
const TEXT_MAX: usize = 10_000;

/// A parsed form: texts by name, and the file with its name.
#[derive(Debug, Default)]
pub struct Form {
    texts: Vec<(String, String)>,
    pub file: Option<(String, Vec<u8>)>,
}

impl Form {
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }
}

/// A form with a file that has not been read yet.
pub struct UnreadForm {
    request: HttpRequest,
    payload: Payload,
}

impl fmt::Debug for UnreadForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnreadForm")
    }
}

impl FromRequest for UnreadForm {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        signature::takes(request, Part::Form);
        ready(Ok(UnreadForm { request: request.clone(), payload: payload.take() }))
    }
}

impl UnreadForm {
    /// Reads a form whose file has at most `limit` bytes; `texts` are the names of its other parts.
    pub async fn read(self, limit: usize, texts: &[&str]) -> Result<Form> {
        let UnreadForm { request, payload } = self;
        let late = |_| Error::new(Code::RequestTimeout, "the file did not arrive within two minutes");
        let form = tokio::time::timeout(FORM_TIME, parts(&request, payload, limit, texts)).await.map_err(late)??;
        // Hashing a large file must not block other requests on this thread.
        let (form, hash) = tokio::task::spawn_blocking(move || hashed(form)).await.map_err(Error::internal)?;
        request.extensions_mut().insert(BodyHash(hash));
        Ok(form)
    }
}

/// Hashes the whole form for the idempotency key.
fn hashed(form: Form) -> (Form, Vec<u8>) {
    let mut hash = Sha256::new();
    for (name, text) in &form.texts {
        hash.update(format!("{name}={text}\n"));
    }
    hash.update(form.file.as_ref().map(|(_, bytes)| bytes.as_slice()).unwrap_or_default());
    (form, hash.finalize().to_vec())
}

async fn parts(request: &HttpRequest, payload: Payload, limit: usize, texts: &[&str]) -> Result<Form> {
    let too_large = || Error::new(Code::PayloadTooLarge, format!("the file must have at most {limit} bytes"));
    let length = request.headers().get("content-length").and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit + TEXT_MAX * (texts.len() + 1)) {
        return Err(too_large());
    }
    budget::take(request, length.unwrap_or_default(), 1).await?;
    if !request.headers().get("content-type").is_some_and(|v| v.as_bytes().starts_with(b"multipart/form-data")) {
        return Err(Error::new(Code::UnsupportedMediaType, "send multipart/form-data with the file in the part file"));
    }
    let broken =
        |e: actix_multipart::MultipartError| Error::new(Code::BadRequest, format!("the form is not valid: {e}"));
    let mut parts = actix_multipart::Multipart::new(request.headers(), payload);
    let mut form = Form::default();
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(broken)?;
        let name = part.name().unwrap_or_default().to_owned();
        let file_name = part.content_disposition().and_then(|d| d.get_filename()).map(str::to_owned);
        if name != "file" && !texts.contains(&name.as_str()) {
            let detail = not_known(&name, texts.iter().copied().chain(["file"]));
            return Err(Error::member(format!("/{name}"), FieldCode::UnknownMember, detail));
        }
        if form.text(&name).is_some() || (name == "file" && form.file.is_some()) {
            return Err(Error::member(format!("/{name}"), FieldCode::StatedTwice, "must occur only once"));
        }
        let most = if name == "file" { limit } else { TEXT_MAX };
        let mut bytes = Vec::with_capacity(length.filter(|_| name == "file").unwrap_or_default());
        while let Some(piece) = part.next().await {
            let piece = piece.map_err(broken)?;
            if bytes.len() + piece.len() > most {
                return Err(too_large());
            }
            budget::take(request, bytes.len() + piece.len(), 1).await?;
            bytes.extend_from_slice(&piece);
        }
        if name == "file" {
            form.file = Some((file_name.unwrap_or_else(|| "file".into()), bytes));
        } else {
            form.texts.push((name, String::from_utf8_lossy(&bytes).trim().to_owned()));
        }
    }
    Ok(form)
}
