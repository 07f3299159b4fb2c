//! The operation that runs an import: checks the settings against the file and queues the job.
use crate::db::queue::{self, Job, JobKind};
use crate::db::table::{Expected, Stored};
use crate::db::tx::Tx;
use crate::intake::imports::decide::FileEvidence;
use crate::intake::imports::detect;
use crate::intake::imports::file::{self, File};
use crate::intake::imports::funnel::Funnel;
use crate::intake::imports::model::{DetectedFile, Import, ImportStatus};
use crate::intake::imports::prepare::RowReader;
use crate::intake::imports::reading::rows::Rows;
use crate::intake::imports::remembered::Remembered;
use crate::intake::imports::resource::ImportResource;
use crate::intake::imports::settings::{ColumnMapping, ImportRun, ImportSettings};
use crate::intake::imports::undo_report::UndoReport;
use crate::intake::imports::wanted::Wanted;
use crate::intake::imports::{file_blocks, findings, hidden_cells, parts, remembered, run};
use crate::kernel::access::actor::Actor;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::{Code, Error, FieldCode, FieldError, Result};
use crate::kernel::values::decision::Decision;
use crate::schema::imports;
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id};
use crate::web::form::unavailable;
use crate::web::headers::IdempotencyKey;
use actix_web::post;
use diesel::prelude::*;
use std::collections::HashMap;
use std::io::BufReader;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// An import that can run, with its file.
struct Ready {
    import: Import,
    content: std::fs::File,
    parts: Vec<ReadyPart>,
}

/// A part with the settings of this run. An import without parts is its own part.
struct ReadyPart {
    import: Import,
    resource: ImportResource,
    settings: ImportSettings,
    /// What the columns have to be detected from again, if the settings read the table in another way than before.
    again: Option<Again>,
}

struct Again {
    /// The kinds of records that a row holds.
    among: Vec<ImportResource>,
    /// The open stages of the default pipeline.
    stages: Vec<String>,
    remembered: Remembered,
}

fn prepare(tx: &mut Tx<'_>, id: Uuid, asked: &ImportRun) -> Result<Ready> {
    let import = Import::find(tx, id)?;
    parts::require_idle(tx, &import)?;
    if let Some(settings) = asked.settings.as_ref().filter(|_| import.resource.is_none()) {
        require_general(settings)?;
    }
    let content = file_blocks::load(tx, import.root())?;
    let siblings = match import.parent_id {
        Some(parent) => Import::find(tx, parent)?.parts,
        None => import.parts.clone(),
    };
    let mut ready = Vec::new();
    for part in parts::of(tx, &import)? {
        let resource = parts::resource(&part)?;
        let mut settings = match &asked.settings {
            Some(given) => merged(given, &part.settings),
            None => part.settings.clone(),
        };
        if import.resource.is_none() && !resource.has_tags() {
            settings.tag = None;
        }
        resource.authorize(tx.actor, settings.changes_existing())?;
        let again = match settings.reads_alike(&part.settings) {
            true => None,
            false => Some(Again {
                among: siblings.kinds_in(part.settings.sheet.as_deref()),
                stages: Funnel::load(tx, resource, None)?.open_names(),
                remembered: Remembered::load(tx)?,
            }),
        };
        ready.push(ReadyPart { import: part, resource, settings, again });
    }
    Ok(Ready { import, content, parts: ready })
}

/// Refuses settings that are about the table or the records of one part.
fn require_general(settings: &ImportSettings) -> Result<()> {
    let own = [
        ("mapping", settings.mapping.is_some()),
        ("pipeline_id", settings.pipeline_id.is_some()),
        ("sheet", settings.sheet.is_some()),
        ("header_line", settings.header_line.is_some()),
        ("encoding", settings.encoding.is_some()),
        ("delimiter", settings.delimiter.is_some()),
        ("match_by", settings.match_by.is_some()),
        ("stage_names", settings.stage_names.is_some()),
        ("blank_rows", settings.blank_rows.is_some()),
    ];
    let detail = "must be absent, because the import has parts; dry-run the part with it";
    let wrong = |(name, _): (&str, bool)| FieldError::member(format!("/settings/{name}"), FieldCode::Invalid, detail);
    let wrong: Vec<FieldError> = own.into_iter().filter(|(_, given)| *given).map(wrong).collect();
    if wrong.is_empty() { Ok(()) } else { Err(Error::members(wrong)) }
}

fn changed() -> Error {
    Error::new(Code::Conflict, "the import changed while its file was read; try again")
}

/// A run whose file was parsed.
struct Parsed {
    import: Import,
    parts: Vec<ParsedPart>,
}

struct ParsedPart {
    import: Import,
    resource: ImportResource,
    /// Without its rows, which only the run needs.
    file: File,
    evidence: FileEvidence,
    settings: ImportSettings,
    detected: DetectedFile,
}

fn parse(ready: Ready, actor: &Actor) -> Result<Parsed> {
    let Ready { import, content, parts } = ready;
    let parse = |part| parse_part(part, &content, actor);
    Ok(Parsed { import, parts: parts.into_iter().map(parse).collect::<Result<_>>()? })
}

/// Parses the table. If the settings read it in another way than before, its columns are detected again.
fn parse_part(ready: ReadyPart, content: &std::fs::File, actor: &Actor) -> Result<ParsedPart> {
    let ReadyPart { import, resource, mut settings, again } = ready;
    let input = BufReader::new(content.try_clone().map_err(unavailable)?);
    let file = file::open(Box::new(input), &settings, &detect::context(actor), "/settings/sheet")?;
    let mut detected = import.detected.clone();
    if let Some(Again { among, stages, remembered }) = again {
        let found = detect::detect(
            actor,
            &Wanted { resource, among: &among, stages: &stages, remembered: &remembered },
            &file,
        )?;
        let is_column =
            |mapped: &ColumnMapping| file.header.iter().any(|name| name.eq_ignore_ascii_case(&mapped.column));
        // A mapping that was kept may be for other columns.
        if settings.mapping == import.settings.mapping {
            settings.mapping = settings.mapping.filter(|mapping| mapping.iter().all(is_column));
        }
        settings = completed(settings, found.settings);
        detected = found.detected;
    }
    let evidence = FileEvidence::of(actor, resource, settings.mapping.as_deref().unwrap_or_default(), &file)?;
    let file = File { rows: Rows::default(), twins: HashMap::new(), ..file };
    Ok(ParsedPart { import, resource, file, evidence, settings, detected })
}

/// Returns the name of a part for people; `None` for an import without parts.
fn place(part: &ParsedPart) -> Option<String> {
    part.import.parent_id?;
    let sheet = part.settings.sheet.as_ref().map(|sheet| format!(" ({sheet})")).unwrap_or_default();
    Some(format!("{}{sheet}", part.resource.as_str()))
}

/// Says which part an error is about.
fn of_part(error: Error, part: &ParsedPart) -> Error {
    let Some(place) = place(part) else { return error };
    error.with(|problem| {
        problem.detail = format!("{place}: {}", problem.detail);
        problem.errors.iter_mut().for_each(|wrong| wrong.detail = format!("{place}: {}", wrong.detail));
    })
}

/// Returns the questions about a part.
fn questions(actor: &Actor, parsed: &ParsedPart, reader: &RowReader) -> Vec<Decision> {
    let mut decisions: Vec<Decision> = reader.decisions.questions.iter().map(findings::decision).collect();
    hidden_cells::decisions(actor, &parsed.import, &mut decisions);
    if let Some(place) = place(parsed) {
        decisions.iter_mut().for_each(|decision| decision.question = format!("{place}: {}", decision.question));
    }
    decisions
}

/// Refuses a file that contradicts itself.
fn require_answers(decisions: Vec<Decision>) -> Result<()> {
    let Some(first) = decisions.first() else { return Ok(()) };
    let detail = format!(
        "{} Set {} to answer, or accept_guesses to take the first choice; decisions lists all questions",
        first.question, first.key
    );
    Err(Error::new(Code::DecisionNeeded, detail).with(|problem| problem.decisions = decisions))
}

/// Locks an import, which must be as it was when its file was read.
fn lock(tx: &mut Tx<'_>, known: &Import) -> Result<Import> {
    let import = Import::lock(tx, known.id, Expected::default())?;
    parts::require_idle(tx, &import)?;
    if import.version == known.version { Ok(import) } else { Err(changed()) }
}

/// Checks the settings against the file and queues the job.
fn start(tx: &mut Tx<'_>, parsed: &Parsed, dry_run: bool) -> Result<Job> {
    let import = lock(tx, &parsed.import)?;
    let (mut open, mut rows) = (Vec::new(), 0);
    for part in &parsed.parts {
        if part.import.id != import.id {
            lock(tx, &part.import)?;
        }
        let reader = RowReader::new(tx, part.resource, &part.settings, &part.file, &part.evidence);
        let reader = reader.map_err(|error| of_part(error, part))?;
        if part.settings.accept_guesses != Some(true) {
            open.extend(questions(tx.actor, part, &reader));
        }
        rows += part.detected.rows;
    }
    if !dry_run {
        require_answers(open)?;
    }
    for part in parsed.parts.iter().filter(|_| !dry_run) {
        let mapping = part.settings.mapping.as_deref().unwrap_or_default();
        remembered::keep(tx, part.resource, &part.file, mapping, &part.detected)?;
    }
    let args = serde_json::to_value(run::Args { import_id: import.id, dry_run }).map_err(Error::internal)?;
    let job = queue::enqueue(tx, JobKind::Import, &args, Some(rows))?;
    for part in &parsed.parts {
        diesel::update(imports::table.find((tx.workspace(), part.import.id)))
            .set((imports::settings.eq(&part.settings), imports::detected.eq(&part.detected)))
            .execute(tx.conn)?;
    }
    let queued = parsed.parts.iter().map(|part| part.import.id).chain([import.id]);
    diesel::update(imports::table.filter(imports::workspace_id.eq(tx.workspace())).filter(imports::id.eq_any(queued)))
        .set((
            imports::status.eq(ImportStatus::Queued),
            (!dry_run).then(|| imports::undo.eq(None::<UndoReport>)),
            imports::job_id.eq(job.id),
            imports::version.eq(imports::version + 1),
            imports::updated_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    Ok(job)
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
        blank_rows: given.blank_rows.or(kept.blank_rows),
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

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(begin);
}
