//! Operations on imports.
use crate::db::event::Event;
use crate::db::queue::{self, Job, JobKind};
use crate::db::table::{self, Expected, Stored};
use crate::db::tx::Tx;
use crate::intake::imports::decide::FileEvidence;
use crate::intake::imports::detect::{self, Detection};
use crate::intake::imports::file::{self, File};
use crate::intake::imports::funnel::Funnel;
use crate::intake::imports::model::{
    DetectedFile, IMPORT, Import, ImportList, ImportPage, ImportProblem, ImportProblemPage, ImportResource,
    ImportStatus,
};
use crate::intake::imports::prepare::RowReader;
use crate::intake::imports::settings::{ColumnMapping, ImportRun, ImportSettings};
use crate::intake::imports::undo_report::UndoReport;
use crate::intake::imports::{file_blocks, findings, forget, hidden_cells, run};
use crate::kernel::access::actor::Actor;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::{Code, Error, FieldCode, FieldError, Result, length};
use crate::kernel::query::openapi::{parameter, schema};
use crate::kernel::query::plan::PageInfo;
use crate::kernel::query::seek::{seal, unseal};
use crate::kernel::values::decision::Decision;
use crate::kernel::values::value_type::ValueType;
use crate::schema::{import_problems, imports};
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id};
use crate::web::form::{Form, UnreadForm, UploadedFile, unavailable};
use crate::web::headers::{Format, IdempotencyKey, IfMatch};
use crate::{list_params, stored};
use actix_web::{delete, get, post};
use diesel::prelude::*;
use serde_json::json;
use std::io::BufReader;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

stored!(imports, Import);

/// 64 MiB.
const FILE_MAX: usize = 64 << 20;
/// In characters.
const SHEET_NAME_MAX: u64 = 300;

/// A file to import.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the form in the OpenAPI document; its parts are read one by one")]
pub struct ImportUpload {
    /// CSV, XLSX, ODS, vCard, or a zip archive of them, up to 64 MiB.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// The resource that the rows are imported to.
    #[schema(pattern = "^(users|companies|contacts|products|leads|deals)$")]
    resource: String,
    /// The sheet of a workbook or the file in an archive. If absent, the first visible one.
    #[schema(max_length = 300)]
    sheet: Option<String>,
}

/// A parsed upload before it is stored.
struct Upload {
    resource: ImportResource,
    name: String,
    content: UploadedFile,
    detected: DetectedFile,
    settings: ImportSettings,
}

fn store_upload(tx: &mut Tx<'_>, file: &Upload) -> Result<Import> {
    file.resource.authorize(tx.actor, false)?;
    let row: Import = diesel::insert_into(imports::table)
        .values((
            (imports::workspace_id.eq(tx.workspace()), imports::id.eq(Uuid::now_v7())),
            (imports::resource.eq(file.resource), imports::file_name.eq(&file.name)),
            (
                imports::status.eq(ImportStatus::Uploaded),
                imports::detected.eq(&file.detected),
                imports::settings.eq(&file.settings),
            ),
            imports::created_by.eq(tx.actor.user),
            (imports::created_at.eq(tx.now), imports::updated_at.eq(tx.now)),
        ))
        .returning(Import::as_returning())
        .get_result(tx.conn)?;
    file_blocks::store(tx, row.id, &file.content)?;
    Ok(row)
}

/// An import that can run, with its file and the settings of this run.
struct Ready {
    import: Import,
    content: BufReader<std::fs::File>,
    settings: ImportSettings,
    /// The open stages of the default pipeline, if the columns have to be detected again.
    stages: Option<Vec<String>>,
}

fn prepare(tx: &mut Tx<'_>, id: Uuid, asked: &ImportRun) -> Result<Ready> {
    let import = Import::find(tx, id)?;
    require_idle(&import)?;
    let settings =
        asked.settings.as_ref().map_or_else(|| import.settings.clone(), |given| merged(given, &import.settings));
    import.resource.authorize(tx.actor, settings.changes_existing())?;
    let content = file_blocks::load(tx, id)?;
    let stages = match settings.reads_alike(&import.settings) {
        true => None,
        false => Some(Funnel::load(tx, import.resource, None)?.open_names()),
    };
    Ok(Ready { import, content, settings, stages })
}

fn changed() -> Error {
    Error::new(Code::Conflict, "the import changed while its file was read; try again")
}

/// A run whose file was parsed.
struct Parsed {
    import: Import,
    file: File,
    evidence: FileEvidence,
    settings: ImportSettings,
    detected: DetectedFile,
}

/// Parses the file. If the settings read it in another way than before, its columns are detected again.
fn parse(ready: Ready, actor: &Actor) -> Result<Parsed> {
    let Ready { import, content, mut settings, stages } = ready;
    let file = file::open(Box::new(content), &settings, &detect::context(actor), "/settings/sheet")?;
    let evidence = |settings: &ImportSettings, file: &File| {
        FileEvidence::of(actor, import.resource, settings.mapping.as_deref().unwrap_or_default(), file)
    };
    let Some(stages) = stages else {
        let detected = import.detected.clone();
        return Ok(Parsed { evidence: evidence(&settings, &file)?, import, file, settings, detected });
    };
    let found = detect::detect(actor, import.resource, &stages, &file)?;
    let is_column = |mapped: &ColumnMapping| file.header.iter().any(|name| name.eq_ignore_ascii_case(&mapped.column));
    // A mapping that was kept may be for other columns.
    if settings.mapping == import.settings.mapping {
        settings.mapping = settings.mapping.filter(|mapping| mapping.iter().all(is_column));
    }
    let settings = completed(settings, found.settings);
    Ok(Parsed { evidence: evidence(&settings, &file)?, import, file, settings, detected: found.detected })
}

/// Refuses a file that contradicts itself.
fn require_answers(actor: &Actor, import: &Import, reader: &RowReader) -> Result<()> {
    let mut decisions: Vec<Decision> = reader.decisions.questions.iter().map(findings::decision).collect();
    let Some(first) = decisions.first() else { return Ok(()) };
    let detail = format!(
        "{} Set {} to answer, or accept_guesses to take the first choice; decisions lists all questions",
        first.question, first.key
    );
    hidden_cells::decisions(actor, import, &mut decisions);
    Err(Error::new(Code::DecisionNeeded, detail).with(|problem| problem.decisions = decisions))
}

/// Checks the settings against the file and queues the job.
fn start(tx: &mut Tx<'_>, parsed: &Parsed, dry_run: bool) -> Result<Job> {
    let Parsed { import: known, file, evidence, settings, detected } = parsed;
    let import = Import::lock(tx, known.id, Expected::default())?;
    require_idle(&import)?;
    if import.version != known.version {
        return Err(changed());
    }
    let reader = RowReader::new(tx, import.resource, settings, file, evidence)?;
    if !dry_run && settings.accept_guesses != Some(true) {
        require_answers(tx.actor, &import, &reader)?;
    }
    let args = run::Args { import_id: import.id, dry_run };
    let args = serde_json::to_value(args).map_err(Error::internal)?;
    let job = queue::enqueue(tx, JobKind::Import, &args, i64::try_from(file.rows.len()).ok())?;
    diesel::update(imports::table.find((tx.workspace(), import.id)))
        .set((
            imports::status.eq(ImportStatus::Queued),
            imports::settings.eq(settings),
            imports::detected.eq(detected),
            (!dry_run).then(|| imports::undo.eq(None::<UndoReport>)),
            imports::job_id.eq(job.id),
            imports::version.eq(imports::version + 1),
            imports::updated_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    Ok(job)
}

/// Deletes the import with its file and problems. Imported records remain.
fn delete(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<()> {
    let import = Import::lock(tx, id, expected)?;
    require_idle(&import)?;
    forget::problems(tx.conn, tx.workspace(), id)?;
    diesel::delete(imports::table.find((tx.workspace(), id))).execute(tx.conn)?;
    tx.record(Event::deleted(&import)?);
    Ok(())
}

pub fn require_idle(import: &Import) -> Result<()> {
    if ImportStatus::UNDER_WAY.contains(&import.status) {
        return Err(Error::new(Code::Conflict, "the import is running; wait for its job"));
    }
    Ok(())
}

/// Returns the given settings, with absent ones taken from the stored settings. What was detected in one sheet does not
/// hold for another.
fn merged(given: &ImportSettings, kept: &ImportSettings) -> ImportSettings {
    let elsewhere = given.sheet.is_some() && given.sheet != kept.sheet;
    let (given, kept) = (given.clone(), kept.clone());
    // A new mode also replaces its older form, and the other way round.
    let kept_mode = given.mode.is_none() && given.on_existing.is_none();
    let general = ImportSettings {
        pipeline_id: given.pipeline_id.or(kept.pipeline_id),
        currency: given.currency.clone().or(kept.currency.clone()),
        accept_guesses: given.accept_guesses.or(kept.accept_guesses),
        on_existing: given.on_existing.or(kept.on_existing.filter(|_| kept_mode)),
        mode: given.mode.or(kept.mode.filter(|_| kept_mode)),
        match_by: given.match_by.clone().or(kept.match_by.clone()),
        stage_names: given.stage_names.clone().or(kept.stage_names.clone()),
        unknown_names: given.unknown_names.or(kept.unknown_names),
        tags: given.tags.or(kept.tags),
        empty_cells: given.empty_cells.or(kept.empty_cells),
        tag: given.tag.clone().or(kept.tag.clone()),
        ..given
    };
    if elsewhere { general } else { completed(general, kept) }
}

/// Takes the absent settings of the file from others.
fn completed(given: ImportSettings, kept: ImportSettings) -> ImportSettings {
    ImportSettings {
        mapping: given.mapping.or(kept.mapping),
        sheet: given.sheet.or(kept.sheet),
        header_line: given.header_line.or(kept.header_line),
        encoding: given.encoding.or(kept.encoding),
        delimiter: given.delimiter.or(kept.delimiter),
        date_format: given.date_format.or(kept.date_format),
        date_order: given.date_order.or(kept.date_order),
        decimal: given.decimal.or(kept.decimal),
        currency_signs: given.currency_signs.or(kept.currency_signs),
        probability_scale: given.probability_scale.or(kept.probability_scale),
        since_1904: given.since_1904.or(kept.since_1904),
        ..given
    }
}

/// Checks a name of a sheet in a form as the schema of the settings does in a body.
fn wrong_sheet(name: &str) -> Option<FieldError> {
    if name.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r')) {
        return Some(FieldError::new(FieldCode::InvalidCharacter, "must not contain control characters"));
    }
    length(name.chars().count(), None, Some(SHEET_NAME_MAX), "character")
}

/// Reads the parts of the form.
fn read_form(form: Form) -> Result<(ImportResource, ImportSettings, UploadedFile)> {
    let mut bad = Vec::new();
    let sheet = form.text("sheet").map(str::to_owned);
    let resource = form.text("resource").map(str::parse::<ImportResource>);
    match &resource {
        Some(Ok(_)) => {}
        Some(Err(_)) => bad.push(FieldError::not_among(ImportResource::TEXTS).at_member("/resource")),
        None => {
            let detail = format!("is missing: must be one of {}", ImportResource::TEXTS.join(", "));
            bad.push(FieldError::member("/resource", FieldCode::Required, detail));
        }
    }
    bad.extend(sheet.as_deref().and_then(wrong_sheet).map(|wrong| wrong.at_member("/sheet")));
    if form.file.is_none() {
        bad.push(FieldError::member(
            "/file",
            FieldCode::Required,
            "is missing: must be a CSV file, a workbook, vCards, or a zip archive of them",
        ));
    }
    match (resource, form.file) {
        (Some(Ok(resource)), Some(file)) if bad.is_empty() => {
            Ok((resource, ImportSettings { sheet, ..ImportSettings::default() }, file))
        }
        _ => Err(Error::members(bad)),
    }
}

/// Upload a file: CSV, XLSX, ODS, vCard, or a zip archive of them, from which one table is read. The response contains
/// what was detected in it and a suggested mapping of its columns. Nothing is imported yet.
#[utoipa::path(operation_id = "create_import", request_body(content = ImportUpload, content_type = "multipart/form-data"),
    responses((status = 201, description = "The import, ready to run", body = Import)))]
#[post("/imports")]
async fn create(ctx: Ctx<can::Create<Import>>, key: IdempotencyKey, form: UnreadForm) -> Result<Reply> {
    let (resource, asked, content) = read_form(form.read(FILE_MAX, &["resource", "sheet"]).await?)?;
    resource.authorize(&ctx.actor, false)?;
    let stages = ctx.read_value(move |tx| Ok(Funnel::load(tx, resource, None)?.open_names())).await?;
    let actor = ctx.actor.clone();
    let parsed = move || {
        let input = Box::new(content.open().map_err(unavailable)?);
        let file = file::open(input, &asked, &detect::context(&actor), "/sheet")?;
        let Detection { detected, settings } = detect::detect(&actor, resource, &stages, &file)?;
        let name = content.name.chars().filter(|c| !c.is_control()).take(200).collect();
        Ok(Upload { resource, name, content, detected, settings })
    };
    let file = ctx.offload(parsed).await?;
    ctx.once(key, move |tx| store_upload(tx, &file).map(Answer::created)).await
}

/// Run an import in the background: first with `dry_run` to see what would happen, then without. A repeated import of
/// the same file creates no duplicates. If the file contradicts itself, a run that is not a dry run is refused with
/// `decision_needed` until the settings answer its `decisions`.
#[utoipa::path(operation_id = "run_import", params(("import_id" = Uuid, Path, description = "Id of the import")), request_body = ImportRun,
    responses((status = 202, description = "The job that runs the import", body = Job)))]
#[post("/imports/{import_id}/run")]
async fn begin(ctx: Ctx<can::Create<Import>>, id: Id, key: IdempotencyKey, asked: Valid<ImportRun>) -> Result<Reply> {
    let (dry_run, again) = (asked.dry_run, asked.0.clone());
    let Ok(ready) = ctx.read_value(move |tx| prepare(tx, id.0, &asked)).await else {
        // Fails in a write, because a repeated request with an idempotency key gets its saved response there.
        return ctx.once(key, move |tx| prepare(tx, id.0, &again).and_then(|_| Err(changed()))).await;
    };
    let actor = ctx.actor.clone();
    let parsed = ctx.offload(move || parse(ready, &actor)).await?;
    ctx.once(key, move |tx| start(tx, &parsed, dry_run).map(Answer::accepted)).await
}

/// List imports, the latest first.
#[utoipa::path(operation_id = "list_imports", params(ImportList), responses((status = 200, description = "A page of imports", body = ImportPage)))]
#[get("/imports")]
async fn list(ctx: Ctx<can::Read<Import>>) -> Result<Reply> {
    let (plan, link) = (IMPORT.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| table::page::<Import>(tx, &plan).map(|page| link.answer(page))).await
}

/// Get an import: what was detected, the settings and the report of the last run.
#[utoipa::path(operation_id = "get_import", params(("import_id" = Uuid, Path, description = "Id of the import")),
    responses((status = 200, description = "The import", body = Import)))]
#[get("/imports/{import_id}")]
async fn read(ctx: Ctx<can::Read<Import>>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| Import::find(tx, id.0).map(Answer::record)).await
}

/// Delete an import with its file and problems. Imported records remain.
#[utoipa::path(operation_id = "delete_import", params(("import_id" = Uuid, Path, description = "Id of the import")),
    responses((status = 204, description = "Deleted")))]
#[delete("/imports/{import_id}")]
async fn remove(ctx: Ctx<can::Delete<Import>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    ctx.write(move |tx| delete(tx, id.0, expected).map(|()| Answer::none())).await
}

list_params!(ProblemParameters, {
    let limit = schema(ValueType::Int).minimum(Some(1)).maximum(Some(500)).default(Some(50.into()));
    vec![
        parameter("limit".into(), "Problems per page. A CSV response contains all problems.".into(), limit, None),
        parameter("cursor".into(), "`page.next_cursor` of the previous page.".into(), schema(ValueType::Text), None),
    ]
});

/// List the problems of the last run by row. A CSV response contains all problems.
#[utoipa::path(operation_id = "list_import_problems", params(("import_id" = Uuid, Path, description = "Id of the import"), ProblemParameters),
    responses((status = 200, description = "A page of problems", body = ImportProblemPage)))]
#[get("/imports/{import_id}/problems")]
async fn problems(ctx: Ctx<can::Read<Import>>, id: Id, format: Format) -> Result<Reply> {
    let (csv, link, mut params) = (ctx.wants_csv(format)?, ctx.next_link(), ctx.query_params()?);
    let limit = params.limit(50, 500)?;
    let invalid = || FieldError::parameter("cursor", Code::CursorInvalid, "must be a cursor of this list");
    let parse = |text: String| serde_json::from_value::<(String, Uuid, i64)>(unseal(&text)?).map_err(|_| invalid());
    let after = params.take("cursor").map(parse).transpose().map_err(|bad| Error::parameters(vec![bad]))?;
    params.finish(&["limit", "cursor"])?;
    let after = match after {
        Some((kind, import, last)) if kind == "problems" && import == id.0 => last,
        Some(_) => return Err(Error::parameters(vec![invalid()])),
        None => 0,
    };
    ctx.read(move |tx| {
        let import = Import::find(tx, id.0)?;
        let limit = if csv { i64::MAX - 1 } else { limit };
        let mut data: Vec<ImportProblem> = import_problems::table
            .filter(import_problems::workspace_id.eq(tx.workspace()))
            .filter(import_problems::import_id.eq(id.0))
            .filter(import_problems::id.gt(after))
            .order(import_problems::id)
            .limit(limit + 1)
            .select((
                import_problems::id,
                import_problems::row_number,
                import_problems::column_name,
                import_problems::code,
                import_problems::detail,
                import_problems::value,
            ))
            .load(tx.conn)?;
        hidden_cells::problems(tx.actor, &import, &mut data);
        if csv {
            return Ok(crate::kernel::answers::csv::answer(data));
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = data.len() > limit;
        data.truncate(limit);
        let next_cursor = data.last().filter(|_| has_more).map(|last| seal(&json!(["problems", id.0, last.id])));
        let page =
            ImportProblemPage { data, page: PageInfo { next_cursor, has_more, total: None, total_capped: false } };
        Ok(link.answer(page))
    })
    .await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(create).service(list).service(read).service(begin).service(problems).service(remove);
}
