//! The operations on files.
use crate::db::table::{self, Stored as _};
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::{Error, FieldCode, FieldError, Result};
use crate::records::files::blobs::Blobs;
use crate::records::files::model::{FILE, File, FileBytes, FileList, FilePage, FileUpdate, FileUpload, FileUsage};
use crate::records::files::store::{self, Belongs, Stored};
use crate::restore;
use crate::web::answer::names;
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id, Include};
use crate::web::form::{Form, UnreadForm};
use crate::web::headers::{IdempotencyKey, IfMatch};
use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType, ExtendedValue};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use sha2::{Digest, Sha256};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Maximum size of a file: 25 MiB.
pub const FILE_MAX: usize = 25 << 20;
const LINKS: [&str; 5] = ["contact_id", "company_id", "lead_id", "deal_id", "activity_id"];

/// Validates the form and returns the records of the file.
fn read(form: &Form) -> Result<Belongs> {
    let mut bad = Vec::new();
    let mut link = |name: &str| {
        let text = form.text(name)?;
        let id = text.parse::<Uuid>().ok();
        if id.is_none() {
            bad.push(FieldError::member(format!("/{name}"), FieldCode::InvalidFormat, "must be a UUID"));
        }
        id
    };
    let [contact, company, lead, deal, activity] = LINKS.map(&mut link);
    let none = LINKS.iter().all(|name| form.text(name).is_none());
    match &form.file {
        None => bad.push(FieldError::member("/file", FieldCode::Required, "is missing")),
        Some(file) if file.size == 0 => {
            bad.push(FieldError::member("/file", FieldCode::TooShort, "must not be empty").within(Some(1), None));
        }
        Some(_) => {}
    }
    if none {
        let detail = format!("at least one of {} is required", LINKS.join(", "));
        bad.push(FieldError::member("/contact_id", FieldCode::Required, detail));
    }
    if bad.is_empty() { Ok(Belongs { contact, company, lead, deal, activity }) } else { Err(Error::members(bad)) }
}

/// Detects the type from the content, because the name is not reliable.
fn content_type(bytes: &[u8]) -> &'static str {
    match infer::get(bytes) {
        Some(known) => known.mime_type(),
        None if std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0')) => "text/plain",
        None => "application/octet-stream",
    }
}

/// Upload a file of up to 25 MiB to a record or an activity.
///
/// The workspace has a storage quota: see `GET /files/usage`.
#[utoipa::path(operation_id = "create_file", request_body(content = FileUpload, content_type = "multipart/form-data"),
    responses((status = 201, description = "The file was stored", body = File)))]
#[post("/files")]
async fn create(
    ctx: Ctx<can::Create<File>>,
    key: IdempotencyKey,
    form: UnreadForm,
    blobs: web::Data<Blobs>,
) -> Result<Reply> {
    let form = form.read(FILE_MAX, &LINKS).await?;
    let belongs = read(&form)?;
    let bytes = form.bytes().await?;
    let name = form.file.map(|file| file.name).unwrap_or_default();
    let (workspace, id) = (ctx.actor.workspace, Uuid::now_v7());
    let stored = Stored {
        id,
        name: store::plain_name(&name),
        content_type: content_type(&bytes).to_owned(),
        size: i64::try_from(bytes.len()).map_err(Error::internal)?,
        sha256: Sha256::digest(&bytes).to_vec(),
        belongs,
    };
    let (size, quota) = (stored.size, blobs.quota);
    // A repeated upload with the same key gets the stored response, even if the quota is exhausted.
    if !key.is_given() {
        ctx.read_value(move |tx| store::require_quota(tx, size, quota)).await?;
    }
    // The bytes are stored first, so that every row has bytes.
    if let Err(error) = blobs.put(workspace, id, bytes.into()).await {
        // The bytes may have been stored despite the error.
        discard(&blobs, workspace, id).await;
        return Err(error);
    }
    let outcome = ctx.once(key, move |tx| store::insert(tx, &stored, quota).map(Answer::created)).await;
    // After a database error, the row may exist. Bytes without a row cost little; a row without bytes is a lost file.
    let needless = match &outcome {
        Ok(reply) => reply.head.replayed,
        Err(error) => error.code().status() < 500,
    };
    if needless {
        discard(&blobs, workspace, id).await;
    }
    outcome
}

async fn discard(blobs: &Blobs, workspace: Uuid, id: Uuid) {
    if let Err(error) = blobs.remove(workspace, id).await {
        log::warn!("cannot delete the bytes of the refused file {id}: {error}");
    }
}

/// List files, latest first.
#[utoipa::path(operation_id = "list_files", params(FileList), responses((status = 200, description = "A page of files", body = FilePage)))]
#[get("/files")]
async fn list(ctx: Ctx<can::Read<File>>) -> Result<Reply> {
    let (plan, link) = (FILE.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| table::page::<File>(tx, &plan).map(|page| link.answer(page))).await
}

/// Get the number and total size of the files of the workspace, and its storage quota.
#[utoipa::path(operation_id = "get_file_usage", responses((status = 200, description = "The usage", body = FileUsage)))]
#[get("/files/usage")]
async fn usage(ctx: Ctx<can::Read<File>>, blobs: web::Data<Blobs>) -> Result<Reply> {
    let quota = blobs.quota;
    ctx.read(move |tx| store::usage(tx, quota).map(Answer::ok)).await
}

/// Get the metadata of a file.
#[utoipa::path(operation_id = "get_file", params(("file_id" = Uuid, Path, description = "Id of the file")),
    responses((status = 200, description = "The file", body = File)))]
#[get("/files/{file_id}")]
async fn show(ctx: Ctx<can::Read<File>>, id: Id, include: Include) -> Result<Reply> {
    ctx.one(&FILE, id, include, File::find).await
}

/// Download the content of a file, always as an attachment of the type `application/octet-stream`.
///
/// The metadata contain the detected `content_type`.
#[utoipa::path(operation_id = "download_file", params(("file_id" = Uuid, Path, description = "Id of the file")),
    responses((status = 200, description = "The bytes", body = inline(FileBytes), content_type = "application/octet-stream")))]
#[get("/files/{file_id}/content")]
async fn download(
    ctx: Ctx<can::Read<File>>,
    request: HttpRequest,
    id: Id,
    blobs: web::Data<Blobs>,
) -> Result<HttpResponse> {
    let file = ctx.read_value(move |tx| File::find(tx, id.0)).await?;
    let tag = format!("\"{}\"", crate::kernel::values::hex::hex(&file.sha256.0));
    if request.headers().get_all(header::IF_NONE_MATCH).any(|known| names(known, &tag)) {
        return Ok(HttpResponse::NotModified().insert_header((header::ETAG, tag)).finish());
    }
    let (size, bytes) = blobs.get(ctx.actor.workspace, file.id).await?.ok_or_else(Error::not_found)?;
    let name = ExtendedValue {
        charset: header::Charset::Ext("UTF-8".into()),
        language_tag: None,
        value: file.name.into_bytes(),
    };
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::FilenameExt(name)],
    };
    Ok(HttpResponse::Ok()
        .insert_header(header::ContentType::octet_stream())
        // Not compressed, so that clients know the size and can show progress.
        .insert_header(header::ContentEncoding::Identity)
        .insert_header(disposition)
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
        .insert_header((header::ETAG, tag))
        .no_chunking(size)
        .streaming(bytes))
}

/// Rename a file.
#[utoipa::path(operation_id = "update_file", params(("file_id" = Uuid, Path, description = "Id of the file")), request_body = FileUpdate,
    responses((status = 200, description = "The changed file", body = File)))]
#[patch("/files/{file_id}")]
async fn change(
    ctx: Ctx<can::Update<File>>,
    id: Id,
    IfMatch(expected): IfMatch,
    changes: Valid<FileUpdate>,
) -> Result<Reply> {
    ctx.write(move |tx| store::update(tx, id.0, expected, &changes).map(Answer::record)).await
}

/// Delete a file.
///
/// Its bytes are deleted after 30 days.
#[utoipa::path(operation_id = "delete_file", params(("file_id" = Uuid, Path, description = "Id of the file")),
    responses((status = 204, description = "Deleted")))]
#[delete("/files/{file_id}")]
async fn remove(ctx: Ctx<can::Delete<File>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    ctx.write(move |tx| store::delete(tx, id.0, expected).map(|()| Answer::none())).await
}

restore!(File, table::restore, "/files/{file_id}/restore" "restore_file" "file_id");

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(create).service(list).service(usage).service(show).service(download).service(change).service(remove);
    config.service(restored);
}
