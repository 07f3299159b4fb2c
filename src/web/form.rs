//! Forms that contain a file (`multipart/form-data`, RFC 7578). The file is written to disk as it arrives, so that large
//! files, and many of them at once, take no memory.
use crate::kernel::error::{Code, Error, FieldCode, Result, not_known};
use crate::web::body::BodyHash;
use crate::web::budget;
use crate::web::signature::{self, Part};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::File;
use std::future::{Ready, ready};
use std::io::{self, BufReader, Read, Seek, Write};
use std::time::Duration;

/// The maximum time for a file to arrive.
const FORM_TIME: Duration = Duration::from_secs(120);
/// The maximum size of other parts than the file.
const TEXT_MAX: usize = 10_000;
/// The bytes of a file that are held in memory before they are written to disk.
const BUFFER: usize = 256 << 10;

/// A parsed form: texts by name, and the file.
pub struct Form {
    texts: Vec<(String, String)>,
    pub file: Option<UploadedFile>,
    request: HttpRequest,
}

impl Form {
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    /// Reads the file to memory, within the budget of the workspace.
    pub async fn bytes(&self) -> Result<Vec<u8>> {
        let Some(file) = &self.file else { return Ok(Vec::new()) };
        budget::take(&self.request, file.size, 1).await?;
        let (mut reader, size) = (file.open().map_err(unavailable)?, file.size);
        let read = move || {
            let mut bytes = Vec::with_capacity(size);
            reader.read_to_end(&mut bytes).map_err(unavailable)?;
            Ok(bytes)
        };
        blocking(read).await
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form").field("texts", &self.texts).field("file", &self.file).finish_non_exhaustive()
    }
}

/// A file that was uploaded. It is on disk, has no name there, and disappears when it is dropped.
#[derive(Debug)]
pub struct UploadedFile {
    pub name: String,
    /// In bytes.
    pub size: usize,
    content: File,
}

impl UploadedFile {
    /// Returns a reader that begins at the first byte. All readers of a file share their position.
    pub fn open(&self) -> io::Result<BufReader<File>> {
        let mut file = self.content.try_clone()?;
        file.rewind()?;
        Ok(BufReader::with_capacity(BUFFER, file))
    }
}

/// Returns the error for a file that cannot be written to disk or read from there.
pub fn unavailable(error: io::Error) -> Error {
    log::error!("temporary file: {error}");
    Error::new(Code::FilesUnavailable, "the server cannot store the file at the moment; try again later")
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
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
        let late = |_| Error::new(Code::RequestTimeout, "the file did not arrive within two minutes");
        tokio::time::timeout(FORM_TIME, self.parts(limit, texts)).await.map_err(late)?
    }

    async fn parts(self, limit: usize, texts: &[&str]) -> Result<Form> {
        let UnreadForm { request, payload } = self;
        let length = expected_length(&request, limit + TEXT_MAX * (texts.len() + 1), limit)?;
        budget::take_disk(&request, length.unwrap_or(limit)).await?;
        let mut parts = actix_multipart::Multipart::new(request.headers(), payload);
        let mut form = Form { texts: Vec::new(), file: None, request };
        let mut hash = Vec::new();
        while let Some(part) = parts.next().await {
            let part = part.map_err(broken)?;
            let name = part.name().unwrap_or_default().to_owned();
            if name != "file" && !texts.contains(&name.as_str()) {
                let detail = not_known(&name, texts.iter().copied().chain(["file"]));
                return Err(Error::member(format!("/{name}"), FieldCode::UnknownMember, detail));
            }
            if form.text(&name).is_some() || (name == "file" && form.file.is_some()) {
                return Err(Error::member(format!("/{name}"), FieldCode::StatedTwice, "must occur only once"));
            }
            if name == "file" {
                let (file, digest) = stored(part, limit).await?;
                (form.file, hash) = (Some(file), digest);
            } else {
                form.texts.push((name, text(part, limit).await?));
            }
        }
        let hash = form
            .texts
            .iter()
            .fold(Sha256::new_with_prefix(hash), |hash, (name, text)| hash.chain_update(format!("{name}={text}\n")));
        form.request.extensions_mut().insert(BodyHash(hash.finalize().to_vec()));
        Ok(form)
    }
}

fn broken(error: actix_multipart::MultipartError) -> Error {
    Error::new(Code::BadRequest, format!("the form is not valid: {error}"))
}

fn too_large(limit: usize) -> Error {
    Error::new(Code::PayloadTooLarge, format!("the file must have at most {limit} bytes"))
}

/// Returns the length of the body if the request tells it. Refuses a body that is no form or has more than `most` bytes.
fn expected_length(request: &HttpRequest, most: usize, limit: usize) -> Result<Option<usize>> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let length = header("content-length").and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length > most) {
        return Err(too_large(limit));
    }
    if !header("content-type").is_some_and(|kind| kind.starts_with("multipart/form-data")) {
        return Err(Error::new(Code::UnsupportedMediaType, "send multipart/form-data with the file in the part file"));
    }
    Ok(length)
}

/// Reads a part that is a text.
async fn text(mut part: actix_multipart::Field, limit: usize) -> Result<String> {
    let mut bytes = Vec::new();
    while let Some(piece) = part.next().await {
        bytes.extend_from_slice(&piece.map_err(broken)?);
        if bytes.len() > TEXT_MAX {
            return Err(too_large(limit));
        }
    }
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// Writes the part with the file to disk, and returns it with its hash.
async fn stored(mut part: actix_multipart::Field, limit: usize) -> Result<(UploadedFile, Vec<u8>)> {
    let given = part.content_disposition().and_then(|disposition| disposition.get_filename()).map(str::to_owned);
    let name = given.unwrap_or_else(|| "file".into());
    let open = || tempfile::tempfile().map_err(unavailable);
    let mut writing = Writing { file: blocking(open).await?, hash: Sha256::new(), size: 0, buffer: Vec::new() };
    while let Some(piece) = part.next().await {
        let piece = piece.map_err(broken)?;
        if writing.size + writing.buffer.len() + piece.len() > limit {
            return Err(too_large(limit));
        }
        writing.buffer.extend_from_slice(&piece);
        if writing.buffer.len() >= BUFFER {
            writing = blocking(|| writing.written()).await?;
        }
    }
    let Writing { file, hash, size, .. } = blocking(|| writing.written()).await?;
    Ok((UploadedFile { name, size, content: file }, hash.finalize().to_vec()))
}

/// A file that is being written.
struct Writing {
    file: File,
    hash: Sha256,
    /// The number of bytes that were written.
    size: usize,
    buffer: Vec<u8>,
}

impl Writing {
    /// Writes the buffer. Hashing and writing would block other requests on a thread that serves them.
    fn written(mut self) -> Result<Writing> {
        self.hash.update(&self.buffer);
        self.file.write_all(&self.buffer).map_err(unavailable)?;
        self.size += self.buffer.len();
        self.buffer.clear();
        Ok(self)
    }
}
