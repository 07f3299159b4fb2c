//! The upload of a file. It becomes one import, or an import with parts: one for each table, or for each kind of record
//! that a row holds.
use crate::db::tx::Tx;
use crate::intake::imports::detect::{self, Detection};
use crate::intake::imports::file::{self, Context};
use crate::intake::imports::funnel::Funnel;
use crate::intake::imports::model::{DetectedFile, FileFinding, FindingExample, Import, ImportStatus};
use crate::intake::imports::reading::bounded::Input;
use crate::intake::imports::remembered::Remembered;
use crate::intake::imports::resource::{ImportPart, ImportParts, ImportResource};
use crate::intake::imports::settings::{BlankRows, ImportSettings};
use crate::intake::imports::wanted::Wanted;
use crate::intake::imports::{file_blocks, suggest};
use crate::kernel::access::actor::Actor;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::{Code, Error, FieldCode, FieldError, Result, length};
use crate::schema::imports;
use crate::web::ctx::Ctx;
use crate::web::form::{Form, UnreadForm, UploadedFile, unavailable};
use crate::web::headers::IdempotencyKey;
use actix_web::post;
use diesel::prelude::*;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// 64 MiB.
const FILE_MAX: usize = 64 << 20;
/// In characters.
const SHEET_NAME_MAX: u64 = 300;
/// The number of tables of a file that become parts.
const TABLES_MAX: usize = 30;

/// A file to import.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the form in the OpenAPI document; its parts are read one by one")]
pub struct ImportUpload {
    /// CSV, XLSX, ODS, vCard, or a zip archive of them, up to 64 MiB.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// The resource that the rows are imported to. If each row holds several records, their resources separated by
    /// commas, such as `companies,contacts,deals`. If absent, every table of the file is imported to the resource that its
    /// rows most likely are. With several resources or tables, the import has `parts`.
    #[schema(
        pattern = "^(users|companies|contacts|products|leads|deals|companies,contacts|companies,deals|contacts,deals|companies,contacts,deals|companies,leads)$"
    )]
    resource: Option<String>,
    /// The sheet of a workbook or the file in an archive. If absent, the first visible one, or all visible ones if the
    /// resource is absent too.
    #[schema(max_length = 300)]
    sheet: Option<String>,
}

/// What the form asks for.
#[derive(Debug)]
struct Asked {
    /// In the order in which they run. Empty if the file shall tell.
    resources: Vec<ImportResource>,
    sheet: Option<String>,
}

/// A parsed upload before it is stored.
struct Upload {
    name: String,
    content: UploadedFile,
    tables: Tables,
}

/// What a table holds, as records of one resource.
type Holding = (ImportResource, Detection);

/// What the tables of a file hold.
#[derive(Debug)]
struct Tables {
    found: Vec<Holding>,
    /// The tables that cannot be imported, with the reasons.
    skipped: Vec<FindingExample>,
}

/// Checks a name of a sheet in a form as the schema of the settings does in a body.
fn wrong_sheet(name: &str) -> Option<FieldError> {
    if name.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r')) {
        return Some(FieldError::new(FieldCode::InvalidCharacter, "must not contain control characters"));
    }
    length(name.chars().count(), None, Some(SHEET_NAME_MAX), "character")
}

/// Reads the resources that a row holds.
fn resources(text: Option<&str>) -> Result<Vec<ImportResource>, FieldError> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let named = text.split(',').map(|name| name.trim().parse::<ImportResource>());
    let named: Vec<ImportResource> =
        named.collect::<Result<_, _>>().map_err(|_| FieldError::not_among(ImportResource::TEXTS))?;
    let ordered: Vec<ImportResource> = ImportResource::ORDER.into_iter().filter(|one| named.contains(one)).collect();
    if ordered.len() < named.len() {
        return Err(FieldError::new(FieldCode::StatedTwice, "must name each resource once"));
    }
    let has = |resource| ordered.contains(&resource);
    let alone = has(ImportResource::Users) || has(ImportResource::Products);
    let persons = has(ImportResource::Leads) && (has(ImportResource::Contacts) || has(ImportResource::Deals));
    if ordered.len() > 1 && (alone || persons) {
        let detail = "must be one resource, or several of companies, contacts and deals, or companies and leads";
        return Err(FieldError::new(FieldCode::InvalidChoice, detail));
    }
    Ok(ordered)
}

/// Reads the parts of the form.
fn read_form(form: Form) -> Result<(Asked, UploadedFile)> {
    let mut bad = Vec::new();
    let sheet = form.text("sheet").map(str::to_owned);
    let resources = resources(form.text("resource")).unwrap_or_else(|wrong| {
        bad.push(wrong.at_member("/resource"));
        Vec::new()
    });
    bad.extend(sheet.as_deref().and_then(wrong_sheet).map(|wrong| wrong.at_member("/sheet")));
    if form.file.is_none() {
        bad.push(FieldError::member(
            "/file",
            FieldCode::Required,
            "is missing: must be a CSV file, a workbook, vCards, or a zip archive of them",
        ));
    }
    match form.file {
        Some(file) if bad.is_empty() => Ok((Asked { resources, sheet }, file)),
        _ => Err(Error::members(bad)),
    }
}

/// Reads the tables of an upload.
struct Reader<'a> {
    actor: &'a Actor,
    context: Context,
    content: &'a UploadedFile,
    /// The open stages of the default pipelines.
    stages: &'a [(ImportResource, Vec<String>)],
    remembered: &'a Remembered,
}

impl Reader<'_> {
    fn input(&self) -> Result<Box<dyn Input>> {
        Ok(Box::new(self.content.open().map_err(unavailable)?))
    }

    /// Detects what one table holds, for each of the resources.
    fn table(&self, resources: &[ImportResource], sheet: Option<String>) -> Result<Tables> {
        let asked = ImportSettings { sheet, ..ImportSettings::default() };
        let file = file::open(self.input()?, &asked, &self.context, "/sheet")?;
        let detection = |resource: &ImportResource| Ok((*resource, self.detect(*resource, resources, &file)?));
        Ok(Tables { found: resources.iter().map(detection).collect::<Result<_>>()?, skipped: Vec::new() })
    }

    fn detect(&self, resource: ImportResource, among: &[ImportResource], file: &file::File) -> Result<Detection> {
        let stages =
            self.stages.iter().find(|(of, _)| *of == resource).map(|(_, names)| names.as_slice()).unwrap_or_default();
        let mut detection =
            detect::detect(self.actor, &Wanted { resource, among, stages, remembered: self.remembered }, file)?;
        if among.len() > 1 {
            detection.settings.blank_rows = Some(BlankRows::LeaveOut);
        }
        Ok(detection)
    }

    /// Detects what every visible table holds. A table of an unknown kind is skipped.
    fn all(&self) -> Result<Tables> {
        let tables = file::tables(self.input()?)?;
        let visible: Vec<Option<String>> =
            tables.iter().filter(|listed| !listed.hidden).map(file::sheet_name).collect();
        if visible.len() > TABLES_MAX {
            let detail = format!("the file has more than {TABLES_MAX} tables; name one as sheet");
            return Err(Error::new(Code::FileUnreadable, detail));
        }
        let alone = visible.len() == 1;
        let (mut found, mut skipped) = (Vec::new(), Vec::new());
        for sheet in visible {
            // A file with one table has no name for it.
            let place = sheet.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
            match self.likely(sheet) {
                Ok(Ok(part)) => found.push(part),
                Ok(Err(why)) => skipped.push(FindingExample { line: None, text: format!("{place}{why}") }),
                Err(Error::Problem(problem)) if problem.code == Code::FileUnreadable && !alone => {
                    let detail = problem.detail;
                    skipped.push(FindingExample { line: None, text: format!("{place}{detail}") });
                }
                Err(error) => return Err(error),
            }
        }
        found.sort_by_key(|(resource, _)| ImportResource::ORDER.iter().position(|one| one == resource));
        match skipped.first() {
            Some(first) if found.is_empty() => {
                let detail = format!("no table holds records that can be imported; {}; name the resource", first.text);
                Err(Error::new(Code::FileUnreadable, detail))
            }
            _ => Ok(Tables { found, skipped }),
        }
    }

    /// Detects a table as what it most likely holds, or returns why it cannot be imported.
    fn likely(&self, sheet: Option<String>) -> Result<Result<Holding, String>> {
        let asked = ImportSettings { sheet, ..ImportSettings::default() };
        let file = file::open(self.input()?, &asked, &self.context, "/sheet")?;
        Ok(match suggest::likely(&file.header) {
            Ok(resource) => Ok((resource, self.detect(resource, &[resource], &file)?)),
            Err(why) => Err(why),
        })
    }
}

/// A row of the table of imports.
struct NewImport<'a> {
    resource: Option<ImportResource>,
    parent: Option<Uuid>,
    detected: &'a DetectedFile,
    settings: &'a ImportSettings,
}

fn insert(tx: &mut Tx<'_>, file_name: &str, new: &NewImport<'_>) -> Result<Import> {
    Ok(diesel::insert_into(imports::table)
        .values((
            (imports::workspace_id.eq(tx.workspace()), imports::id.eq(Uuid::now_v7())),
            (imports::resource.eq(new.resource), imports::parent_id.eq(new.parent), imports::file_name.eq(file_name)),
            (
                imports::status.eq(ImportStatus::Uploaded),
                imports::detected.eq(new.detected),
                imports::settings.eq(new.settings),
            ),
            imports::created_by.eq(tx.actor.user),
            (imports::created_at.eq(tx.now), imports::updated_at.eq(tx.now)),
        ))
        .returning(Import::as_returning())
        .get_result(tx.conn)?)
}

fn store(tx: &mut Tx<'_>, upload: &Upload) -> Result<Import> {
    for (resource, _) in &upload.tables.found {
        resource.authorize(tx.actor, false)?;
    }
    let import = match upload.tables.found.as_slice() {
        [(resource, only)] if upload.tables.skipped.is_empty() => {
            let new = NewImport {
                resource: Some(*resource),
                parent: None,
                detected: &only.detected,
                settings: &only.settings,
            };
            insert(tx, &upload.name, &new)?
        }
        several => store_parts(tx, upload, several)?,
    };
    file_blocks::store(tx, import.id, &upload.content)?;
    Ok(import)
}

/// Stores an import with parts.
fn store_parts(tx: &mut Tx<'_>, upload: &Upload, parts: &[Holding]) -> Result<Import> {
    let (detected, settings) = (whole(upload), ImportSettings::default());
    let new = NewImport { resource: None, parent: None, detected: &detected, settings: &settings };
    let import = insert(tx, &upload.name, &new)?;
    let mut listed = Vec::with_capacity(parts.len());
    for (resource, Detection { detected, settings }) in parts {
        let new = NewImport { resource: Some(*resource), parent: Some(import.id), detected, settings };
        let part = insert(tx, &upload.name, &new)?;
        listed.push(ImportPart { import_id: part.id, resource: *resource, sheet: detected.sheet.clone() });
    }
    let stored = diesel::update(imports::table.find((tx.workspace(), import.id)));
    Ok(stored.set(imports::parts.eq(ImportParts(listed))).returning(Import::as_returning()).get_result(tx.conn)?)
}

/// Returns what was detected in the file as a whole.
fn whole(upload: &Upload) -> DetectedFile {
    let parts = || upload.tables.found.iter().map(|(_, detection)| &detection.detected);
    let skipped = (!upload.tables.skipped.is_empty()).then(|| FileFinding {
        kind: "skipped_table".into(),
        detail: "tables that are not imported".into(),
        count: i64::try_from(upload.tables.skipped.len()).unwrap_or(i64::MAX),
        examples: upload.tables.skipped.clone(),
    });
    DetectedFile {
        kind: parts().next().map(|first| first.kind.clone()).unwrap_or_default(),
        encoding: String::new(),
        delimiter: String::new(),
        sheet: None,
        sheets: parts().next().map(|first| first.sheets.clone()).unwrap_or_default(),
        header_line: None,
        origin: parts().find_map(|part| part.origin.clone()),
        likely_resource: None,
        findings: skipped.into_iter().collect(),
        date_format: None,
        decimal: parts().next().map(|first| first.decimal.clone()).unwrap_or_default(),
        rows: parts().map(|part| part.rows).sum(),
        decisions: Vec::new(),
        warnings: Vec::new(),
        columns: Vec::new(),
        fields: Vec::new(),
    }
}

/// Returns the open stages of the default pipelines. Without resources, a missing pipeline is no error, because the file
/// may not need it.
fn stages(tx: &mut Tx<'_>, resources: &[ImportResource]) -> Result<Vec<(ImportResource, Vec<String>)>> {
    let mut stages = Vec::new();
    for resource in [ImportResource::Leads, ImportResource::Deals] {
        match Funnel::load(tx, resource, None) {
            Ok(funnel) => stages.push((resource, funnel.open_names())),
            Err(Error::Problem(_)) if !resources.contains(&resource) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(stages)
}

/// Upload a file: CSV, XLSX, ODS, vCard, or a zip archive of them. The response contains what was detected in it and a
/// suggested mapping of its columns. Nothing is imported yet.
///
/// A file with several tables, such as a whole export of another program, or with several records per row becomes an
/// import with `parts`, which run in the right order. `GET /imports/{import_id}` shows what was detected in each part.
/// To change the settings of a part, dry-run it with them.
#[utoipa::path(operation_id = "create_import", request_body(content = ImportUpload, content_type = "multipart/form-data"),
    responses((status = 201, description = "The import, ready to run", body = Import)))]
#[post("/imports")]
async fn create(ctx: Ctx<can::Create<Import>>, key: IdempotencyKey, form: UnreadForm) -> Result<Reply> {
    let (asked, content) = read_form(form.read(FILE_MAX, &["resource", "sheet"]).await?)?;
    for resource in &asked.resources {
        resource.authorize(&ctx.actor, false)?;
    }
    let resources = asked.resources.clone();
    let known = ctx.read_value(move |tx| Ok((stages(tx, &resources)?, Remembered::load(tx)?)));
    let (stages, remembered) = known.await?;
    let actor = ctx.actor.clone();
    let parsed = move || {
        let context = detect::context(&actor);
        let reader = Reader { actor: &actor, context, content: &content, stages: &stages, remembered: &remembered };
        let tables = match (asked.resources.as_slice(), asked.sheet) {
            ([], None) => reader.all()?,
            ([], sheet) => {
                let found = reader.likely(sheet)?.map_err(|why| Error::new(Code::FileUnreadable, why))?;
                Tables { found: vec![found], skipped: Vec::new() }
            }
            (resources, sheet) => reader.table(resources, sheet)?,
        };
        let name = content.name.chars().filter(|c| !c.is_control()).take(200).collect();
        Ok(Upload { name, content, tables })
    };
    let upload = ctx.offload(parsed).await?;
    ctx.once(key, move |tx| store(tx, &upload).map(Answer::created)).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(create);
}
