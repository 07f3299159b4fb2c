//! The refused rows of the last run, with their reasons, to be corrected and uploaded again.
use crate::db::table::Stored;
use crate::db::tx::Tx;
use crate::intake::imports::file::{self, File as Table};
use crate::intake::imports::model::Import;
use crate::intake::imports::suggest::REASON;
use crate::intake::imports::{detect, file_blocks, hidden_cells};
use crate::kernel::access::actor::Actor;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::answers::csv;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::{Code, Error, Result};
use crate::schema::import_problems;
use crate::web::ctx::{Ctx, Id};
use crate::web::headers::Format;
use actix_web::get;
use diesel::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The refused rows of a file.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedRows {
    /// The columns of the file.
    pub columns: Vec<String>,
    pub rows: Vec<RefusedRow>,
}
impl NothingHidden for RefusedRows {}

/// A refused row as it is in the file.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedRow {
    /// The line of the file on which the row begins.
    pub row: i64,
    pub cells: Vec<String>,
    /// Why it was refused.
    pub reason: String,
}

type Reasons = BTreeMap<u64, String>;

type Loaded = (Import, File, Reasons);

/// Loads the import, its file and the reasons by line.
fn load(tx: &mut Tx<'_>, id: Uuid) -> Result<Loaded> {
    let import = Import::find(tx, id)?;
    if !hidden_cells::may_read_file(tx.actor, &import) {
        let detail = "your role hides fields that the file may contain; its uploader can read it";
        return Err(Error::new(Code::Forbidden, detail));
    }
    if import.resource.is_none() {
        return Err(Error::new(Code::Conflict, "the import has parts; ask for the refused rows of a part"));
    }
    let content = file_blocks::load(tx, import.root())?;
    let problems: Vec<(i32, Option<String>, String)> = import_problems::table
        .filter(import_problems::workspace_id.eq(tx.workspace()))
        .filter(import_problems::import_id.eq(id))
        .order(import_problems::id)
        .select((import_problems::row_number, import_problems::column_name, import_problems::detail))
        .load(tx.conn)?;
    let mut reasons = Reasons::new();
    for (row, column, detail) in problems {
        let reason = reasons.entry(u64::try_from(row).unwrap_or_default()).or_default();
        let column = column.map(|column| format!("{column}: ")).unwrap_or_default();
        let separator = if reason.is_empty() { "" } else { "; " };
        reason.push_str(&format!("{separator}{column}{detail}"));
    }
    Ok((import, content, reasons))
}

fn refused(file: &Table, reasons: &Reasons) -> Result<RefusedRows> {
    let (mut refused, mut rows) = (Vec::new(), file.rows.reader());
    while let Some(row) = rows.next_row()? {
        let Some(reason) = reasons.get(&row.line).cloned() else { continue };
        let cells = row.cells().map(|cell| cell.shown.unwrap_or(cell.text).to_owned()).collect();
        refused.push(RefusedRow { row: i64::try_from(row.line).unwrap_or(i64::MAX), cells, reason });
    }
    Ok(RefusedRows { columns: file.header.clone(), rows: refused })
}

/// Returns a CSV file with the columns of the file and the reasons.
fn as_csv(refused: &RefusedRows) -> Answer {
    let header = refused.columns.iter().map(String::as_str).chain([REASON]);
    let rows = refused.rows.iter().map(|row| row.cells.iter().map(String::as_str).chain([row.reason.as_str()]));
    csv::table(header, rows)
}

fn read(actor: &Actor, (import, content, reasons): Loaded) -> Result<RefusedRows> {
    let file =
        file::open(Box::new(BufReader::new(content)), &import.settings, &detect::context(actor), "/settings/sheet")?;
    refused(&file, &reasons)
}

/// List the rows that the last run refused, as they are in the file. The CSV file has a column `refused_because`; it can
/// be corrected and uploaded again.
#[utoipa::path(operation_id = "list_refused_rows", params(("import_id" = Uuid, Path, description = "Id of the import")),
    responses((status = 200, description = "The refused rows", body = RefusedRows),
        (status = 409, description = "The file was removed, or the import has parts"),
        (status = 422, description = "The file cannot be read any more")))]
#[get("/imports/{import_id}/refused-rows")]
async fn list(ctx: Ctx<can::Read<Import>>, id: Id, format: Format) -> Result<Reply> {
    let (wants_csv, actor) = (ctx.wants_csv(format)?, ctx.actor.clone());
    let loaded = ctx.read_value(move |tx| load(tx, id.0)).await?;
    let rows = ctx.offload(move || read(&actor, loaded)).await?;
    ctx.read(move |_| Ok(if wants_csv { as_csv(&rows) } else { Answer::ok(rows) })).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list);
}
