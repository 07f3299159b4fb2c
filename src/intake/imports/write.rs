//! Writes prepared rows: creates new records, and updates known ones that differ from the file.
use crate::catalog::products::{self, ProductCreate};
use crate::db::store::BatchStore;
use crate::db::tx::Tx;
use crate::identity::directory::users::{self, UserCreate};
use crate::intake::imports::draft::Draft;
use crate::intake::imports::known::{self, Found};
use crate::intake::imports::prepare::{RowProblem, RowReader};
use crate::intake::imports::report::ImportReport;
use crate::intake::imports::resource::ImportResource;
use crate::intake::imports::settings::ImportMode;
use crate::intake::imports::{history, update};
use crate::kernel::bodies::shape::{self, Rules};
use crate::kernel::error::{Error, FieldError, Problem, Result};
use crate::kernel::fields::kind::Kind;
use crate::people::companies::model::{Company, CompanyCreate};
use crate::people::contacts::model::ContactCreate;
use crate::people::contacts::store as contacts;
use crate::sales::deals::model::DealCreate;
use crate::sales::deals::store as deals;
use crate::sales::leads::model::LeadCreate;
use crate::sales::leads::store as leads;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use std::collections::HashSet;
use utoipa::ToSchema;
use uuid::Uuid;

/// A row and the id of its record.
type Assigned = (Uuid, Draft);

/// What the run reports of a chunk.
#[derive(Debug)]
pub struct Account<'a> {
    pub report: &'a mut ImportReport,
    pub problems: &'a mut Vec<RowProblem>,
}

impl Account<'_> {
    fn refuse(&mut self, problem: RowProblem) {
        self.report.failed += 1;
        self.problems.push(problem);
    }

    /// Adds the errors of a refused row.
    fn refuse_all(&mut self, line: u64, problem: &Problem) {
        self.report.failed += 1;
        let whole = [FieldError::member("", problem.code, problem.detail.clone())];
        let errors = if problem.errors.is_empty() { &whole[..] } else { &problem.errors[..] };
        self.problems.extend(errors.iter().map(|bad| {
            let member = bad.pointer.as_deref().unwrap_or_default().trim_start_matches('/').to_owned();
            let detail = if member.is_empty() { bad.detail.clone() } else { format!("{member} {}", bad.detail) };
            RowProblem { line, detail, column: None, code: bad.code.as_str(), value: None }
        }));
    }
}

/// Writes a chunk of rows. A refused row is reported and does not affect the others.
pub fn chunk(tx: &mut Tx<'_>, reader: &mut RowReader, mut rows: Vec<Draft>, account: &mut Account<'_>) -> Result<()> {
    // A row that means the same record as an earlier row must wait until that record exists.
    while !rows.is_empty() {
        let existing = known::existing(tx, &reader.matching, &rows)?;
        let (ready, waiting) = existing.ready(&reader.matching, rows);
        let (mut known, mut new) = (Vec::new(), Vec::new());
        for row in ready {
            match existing.find(&reader.matching, &row) {
                Found::Record(id, _) => known.push((id, row)),
                Found::Nothing => new.push((Uuid::now_v7(), row)),
                Found::Another(name) => account.refuse(reader.another_person(&row, &name)),
            }
        }
        update_known(tx, reader, known, account)?;
        create_new(tx, reader, new, account)?;
        rows = waiting;
    }
    Ok(())
}

/// Notes the records of rows that an earlier part of the run has written, without writing them again.
pub fn recall(tx: &mut Tx<'_>, reader: &mut RowReader, rows: &[Draft]) -> Result<()> {
    let existing = known::existing(tx, &reader.matching, rows)?;
    for row in rows {
        if let Found::Record(id, _) = existing.find(&reader.matching, row)
            && reader.contradiction(id, row).is_none()
        {
            reader.claims.add(id, row.line, &row.stated);
        }
    }
    Ok(())
}

/// Updates known records. A second row of the same record waits until the first has been written.
fn update_known(
    tx: &mut Tx<'_>,
    reader: &mut RowReader,
    mut known: Vec<Assigned>,
    account: &mut Account<'_>,
) -> Result<()> {
    while !known.is_empty() {
        let (mut now, mut later, mut taken) = (Vec::new(), Vec::new(), HashSet::new());
        for (id, row) in known {
            if taken.contains(&id) {
                later.push((id, row));
            } else if let Some(row) = unrepeated(reader, id, row, account) {
                taken.insert(id);
                now.push((id, row));
            }
        }
        if reader.mode == ImportMode::Create {
            account.report.skipped += i64::try_from(now.len()).unwrap_or(0);
            now.iter().for_each(|(id, row)| reader.claims.add(*id, row.line, &row.stated));
        } else {
            update_distinct(tx, reader, &now, account)?;
        }
        known = later;
    }
    Ok(())
}

/// Compares a row with earlier rows of the same record. Returns what remains to be written, or `None` if nothing
/// does.
fn unrepeated(reader: &RowReader, id: Uuid, mut row: Draft, account: &mut Account<'_>) -> Option<Draft> {
    let Some(claim) = reader.claims.of(id) else { return Some(row) };
    account.report.count_repeated(row.line, claim.line);
    if let Some(problem) = reader.contradiction(id, &row) {
        account.refuse(problem);
        return None;
    }
    let comparison = claim.compare(&row.stated, &reader.additive);
    if !comparison.adds {
        account.report.unchanged += 1;
        return None;
    }
    reader.keep_additions(&mut row, &comparison.repeated);
    Some(row)
}

/// Updates records together. If this fails, they are updated one by one.
fn update_distinct(
    tx: &mut Tx<'_>,
    reader: &mut RowReader,
    known: &[Assigned],
    account: &mut Account<'_>,
) -> Result<()> {
    let all: Vec<update::Known<'_>> = known.iter().map(|(id, row)| (*id, row)).collect();
    match tx.attempt(|tx| update::all(tx, reader, &all)) {
        Ok(changed) => all.iter().for_each(|one| note_updated(reader, one, &changed, account)),
        Err(Error::Internal(message)) => return Err(Error::Internal(message)),
        Err(_) => {
            for one in &all {
                match tx.attempt(|tx| update::all(tx, reader, std::slice::from_ref(one))) {
                    Ok(changed) => note_updated(reader, one, &changed, account),
                    Err(Error::Problem(problem)) => account.refuse_all(one.1.line, &problem),
                    Err(other) => return Err(other),
                }
            }
        }
    }
    Ok(())
}

fn note_updated(
    reader: &mut RowReader,
    (id, row): &update::Known<'_>,
    changed: &HashSet<Uuid>,
    account: &mut Account<'_>,
) {
    reader.claims.add(*id, row.line, &row.stated);
    let count = if changed.contains(id) { &mut account.report.updated } else { &mut account.report.unchanged };
    *count += 1;
}

/// Creates records together. Most files have no errors, so that one statement is enough. If it fails, they are created
/// one by one.
fn create_new(tx: &mut Tx<'_>, reader: &mut RowReader, new: Vec<Assigned>, account: &mut Account<'_>) -> Result<()> {
    if reader.mode == ImportMode::Update {
        for (_, row) in &new {
            account.report.skipped += 1;
            account.report.without_record += 1;
            account.problems.push(reader.no_record(row));
        }
        return Ok(());
    }
    if new.is_empty() {
        return Ok(());
    }
    match tx.attempt(|tx| create_all(tx, reader, &new)) {
        Ok(companies) => note_created(reader, &new, companies, account),
        Err(Error::Internal(message)) => return Err(Error::Internal(message)),
        Err(_) => {
            for one in &new {
                let one = std::slice::from_ref(one);
                match tx.attempt(|tx| create_all(tx, reader, one)) {
                    Ok(companies) => note_created(reader, one, companies, account),
                    Err(Error::Problem(problem)) => {
                        one.iter().for_each(|(_, row)| account.refuse_all(row.line, &problem));
                    }
                    Err(other) => return Err(other),
                }
            }
        }
    }
    Ok(())
}

/// Counts created records, and makes the companies among them available to later rows that refer to them by name.
fn note_created(reader: &mut RowReader, new: &[Assigned], companies: Vec<Company>, account: &mut Account<'_>) {
    for (id, row) in new {
        account.report.created += 1;
        reader.claims.add(*id, row.line, &row.stated);
    }
    for company in companies {
        reader.references.note(Kind::COMPANY, &company.name, company.id);
    }
}

fn bodies<T: DeserializeOwned + ToSchema + Rules + 'static>(rows: &[Assigned]) -> Result<Vec<T>> {
    rows.iter().map(|(id, row)| shape::read(Json::Object(row.creation(*id)))).collect()
}

/// Creates the records and returns the companies among them.
fn create_all(tx: &mut Tx<'_>, reader: &RowReader, rows: &[Assigned]) -> Result<Vec<Company>> {
    match reader.resource {
        ImportResource::Users => {
            for new in bodies::<UserCreate>(rows)? {
                users::insert(tx, &new, None)?;
            }
        }
        ImportResource::Companies => {
            return bodies::<CompanyCreate>(rows)?.iter().map(|new| Company::insert(tx, new)).collect();
        }
        ImportResource::Products => {
            for new in bodies::<ProductCreate>(rows)? {
                products::insert(tx, &new)?;
            }
        }
        ImportResource::Contacts => {
            let new = bodies::<ContactCreate>(rows)?;
            contacts::insert_many(tx, &new.iter().collect::<Vec<_>>())?;
        }
        ImportResource::Leads => create_leads(tx, reader, rows)?,
        ImportResource::Deals => create_deals(tx, reader, rows)?,
    }
    Ok(Vec::new())
}

fn create_leads(tx: &mut Tx<'_>, reader: &RowReader, rows: &[Assigned]) -> Result<()> {
    let mut new = bodies::<LeadCreate>(rows)?;
    for (new, (_, row)) in new.iter_mut().zip(rows) {
        row.progress.check_order(tx.now)?;
        new.stage_id = row.progress.destination(&reader.funnel)?.map(|stage| stage.id);
    }
    let history = |(_, row): &Assigned| leads::History {
        created_at: row.progress.created_at,
        closed_at: row.progress.closed_at,
        loss_reason: row.loss_reason,
        imported: true,
    };
    leads::insert_with_history(tx, &new.iter().zip(rows.iter().map(history)).collect::<Vec<_>>())?;
    Ok(())
}

fn create_deals(tx: &mut Tx<'_>, reader: &RowReader, rows: &[Assigned]) -> Result<()> {
    let new = bodies::<DealCreate>(rows)?;
    let history = |(_, row): &Assigned| history::of_deal(&row.progress, &reader.funnel, tx.now);
    let histories = rows.iter().map(history).collect::<Result<Vec<_>>>()?;
    deals::insert_with_history(tx, &new.iter().zip(histories).collect::<Vec<_>>())?;
    Ok(())
}
