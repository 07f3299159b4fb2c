//! The SQL of leads.
use crate::db::constraint::{Explain, Meaning, Meanings};
use crate::db::events::Event;
use crate::db::table::Expected;
use crate::db::{counter, refs, sight, tx::Tx};
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::kind::Kind;
use crate::kernel::money::columns;
use crate::kernel::query::Plan;
use crate::kernel::time::DateTime;
use crate::records::{self, custom_fields};
use crate::sales::leads::model::{Lead, LeadCreate, LeadMove, LeadPage, LeadUpdate};
use crate::sales::pipelines::{self, PipelineKind};
use crate::sales::spans;
use crate::sales::stages::{self, Category, Stage};
use crate::schema::leads;
use crate::work::tasks::model::TaskCreate;
use crate::work::tasks::store as tasks;
use crate::{list, owned, restorable};
use chrono::NaiveDate;
use diesel::prelude::*;
use std::collections::HashMap;
use uuid::Uuid;

owned!(soft leads, Lead, Lead);
restorable!(leads, Lead);

const MEANINGS: Meanings = &[
    ("leads_external_id_key", Meaning::Taken(Code::DuplicateExternalId, "/external_id")),
    ("leads_contact_id_fkey", Meaning::Missing("/contact_id")),
    ("leads_company_id_fkey", Meaning::Missing("/company_id")),
    ("leads_product_id_fkey", Meaning::Missing("/product_id")),
    ("leads_owner_id_fkey", Meaning::Missing("/owner_id")),
    ("leads_source_id_fkey", Meaning::Missing("/source_id")),
    ("leads_loss_reason_id_fkey", Meaning::Missing("/loss_reason_id")),
    ("leads_stage_fkey", Meaning::Missing("/stage_id")),
];

/// What a lead brings along from before it was recorded here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Past {
    pub created_at: Option<DateTime>,
    pub closed_at: Option<DateTime>,
    pub loss_reason: Option<Uuid>,
}

pub fn insert(tx: &mut Tx<'_>, new: &LeadCreate) -> Result<Lead> {
    must_see(tx, new.contact_id, new.company_id, new.product_id)?;
    let lead = insert_with_past(tx, new, Past::default())?;
    if let Some(day) = lead.come_back_on {
        promise(tx, &lead, day)?;
        return find(tx, lead.id);
    }
    Ok(lead)
}

/// Inserts one after another.
pub fn insert_many(tx: &mut Tx<'_>, list: &[&LeadCreate]) -> Result<Vec<Lead>> {
    list.iter().map(|new| insert(tx, new)).collect()
}

fn must_see(tx: &mut Tx<'_>, contact: Option<Uuid>, company: Option<Uuid>, product: Option<Uuid>) -> Result<()> {
    let company = (Kind::Company, company, "/company_id");
    refs::must_see(tx, &[(Kind::Contact, contact, "/contact_id"), company, (Kind::Product, product, "/product_id")])
}

pub fn insert_with_past(tx: &mut Tx<'_>, new: &LeadCreate, past: Past) -> Result<Lead> {
    let pipeline = pipelines::choose(tx, new.pipeline_id, PipelineKind::Lead)?;
    let stage = match new.stage_id {
        Some(stage) => stages::within(tx, pipeline, stage)?,
        None => stages::first(tx, pipeline, Category::Open)?,
    };
    if stage.category == Category::Lost && past.loss_reason.is_none() && past.created_at.is_none() {
        return Err(Error::member(
            "/stage_id",
            "invalid",
            "is a lost stage: create the lead, then disqualify it with a reason",
        ));
    }
    let custom = custom_fields::new_values(tx, Kind::Lead, &new.custom_fields)?;
    if past.created_at.is_none() {
        custom_fields::must_be_filled(tx, Kind::Lead, &custom, stage.id)?;
    }
    let owner = new.owner_id.unwrap_or(tx.actor.user);
    sight::may_create(tx, Kind::Lead, Some(owner))?;
    let begin = past.created_at.unwrap_or(tx.now);
    let closed = (stage.category != Category::Open).then(|| past.closed_at.unwrap_or(begin).max(begin));
    let number = counter::take(tx, Kind::Lead, 1)?;
    let (amount, currency) = columns(new.value.as_ref());
    let row: Lead = diesel::insert_into(leads::table)
        .values((
            (
                leads::workspace_id.eq(tx.workspace()),
                leads::id.eq(new.id.unwrap_or_else(Uuid::now_v7)),
                leads::number.eq(format!("L-{number}")),
            ),
            (leads::title.eq(new.title().unwrap_or_default()), leads::description.eq(&new.description)),
            (leads::pipeline_id.eq(pipeline), leads::stage_id.eq(stage.id), leads::status.eq(stage.category)),
            (leads::contact_id.eq(new.contact_id), leads::company_id.eq(new.company_id), leads::person.eq(&new.person)),
            (leads::product_id.eq(new.product_id), leads::value_amount.eq(amount), leads::value_currency.eq(currency)),
            (leads::rating.eq(new.rating), leads::owner_id.eq(owner), leads::source_id.eq(new.source_id)),
            (
                leads::come_back_on.eq(new.come_back_on),
                leads::tags.eq(&new.tags),
                leads::custom.eq(custom),
                leads::external_id.eq(&new.external_id),
            ),
            (
                leads::closed_at.eq(closed),
                leads::loss_reason_id.eq(past.loss_reason.filter(|_| stage.category == Category::Lost)),
            ),
            (leads::stage_entered_at.eq(closed.unwrap_or(begin)), leads::last_activity_at.eq(closed.unwrap_or(begin))),
            (leads::created_at.eq(begin), leads::updated_at.eq(tx.now)),
        ))
        .returning(Lead::as_returning())
        .get_result(tx.conn)
        .explain(MEANINGS)?;
    match closed {
        None => spans::open(tx, row.id, pipeline, stage.id, begin)?,
        // A lead that came in closed stood in the first open stage before.
        Some(closed) => {
            let first = stages::first(tx, pipeline, Category::Open)?;
            let span = |stage: Uuid, entered_at, left_at| spans::Span {
                workspace_id: tx.workspace(),
                id: Uuid::now_v7(),
                record_id: row.id,
                pipeline_id: pipeline,
                stage_id: stage,
                entered_at,
                left_at,
                moved_by: Some(tx.actor.user),
            };
            let past = [span(first.id, begin, Some(closed)), span(stage.id, closed, None)];
            spans::insert_many(tx, &past)?;
        }
    }
    records::tags::note(tx, &row.tags)?;
    tx.record(Event::created(&row)?);
    Ok(row)
}

/// "Talk to them again on that day" is a task.
fn promise(tx: &mut Tx<'_>, lead: &Lead, day: NaiveDate) -> Result<()> {
    let task = TaskCreate {
        r#type: Some("call".into()),
        title: format!("Come back to {}", lead.title).chars().take(300).collect(),
        due_date: Some(day),
        assignee_id: lead.owner_id,
        contact_id: lead.contact_id,
        lead_id: Some(lead.id),
        ..TaskCreate::default()
    };
    tasks::insert(tx, &task).map(drop)
}

/// Locks a lead that may still change.
fn lock_open(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<Lead> {
    let lead = lock(tx, id, expected)?;
    must_be_open(&lead)?;
    Ok(lead)
}

fn must_be_open(lead: &Lead) -> Result<()> {
    match lead.converted_at {
        Some(_) => {
            Err(Error::new(Code::AlreadyConverted, "the lead is converted; change its contact and deal instead"))
        }
        None => Ok(()),
    }
}

pub fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &LeadUpdate) -> Result<Lead> {
    let before = lock(tx, id, expected)?;
    change(tx, &before, changes)
}

/// Changes a locked lead.
pub fn change(tx: &mut Tx<'_>, before: &Lead, changes: &LeadUpdate) -> Result<Lead> {
    must_be_open(before)?;
    let id = before.id;
    must_see(tx, changes.contact_id.flatten(), changes.company_id.flatten(), changes.product_id.flatten())?;
    let value = changes.value.as_ref().map(|money| {
        let (amount, currency) = columns(money.as_ref());
        (leads::value_amount.eq(amount), leads::value_currency.eq(currency))
    });
    let given = changes.custom_fields.as_deref().unwrap_or_default();
    let custom = custom_fields::changed_values(tx, Kind::Lead, &before.custom, given)?;
    let activity = (tx.actor.via == "user").then(|| leads::last_activity_at.eq(tx.now));
    let after: Lead = diesel::update(leads::table.find((tx.workspace(), id)))
        .set((
            changes,
            value,
            activity,
            leads::custom.eq(custom),
            leads::version.eq(before.version + 1),
            leads::updated_at.eq(tx.now),
        ))
        .returning(Lead::as_returning())
        .get_result(tx.conn)
        .explain(MEANINGS)?;
    records::tags::note(tx, &after.tags)?;
    tx.record(Event::updated(before, &after)?);
    match after.come_back_on {
        Some(day) if before.come_back_on != Some(day) => {
            promise(tx, &after, day)?;
            find(tx, id)
        }
        _ => Ok(after),
    }
}

/// Puts a locked lead into a stage; its status and closing time follow the stage's category.
pub fn place(tx: &mut Tx<'_>, before: &Lead, stage: &Stage, loss_reason: Option<Uuid>) -> Result<Lead> {
    if stage.id == before.stage_id {
        return Ok(before.clone());
    }
    custom_fields::must_be_filled(tx, Kind::Lead, &before.custom, stage.id)?;
    let lost = stage.category == Category::Lost;
    stage.takes_loss_reason(loss_reason)?;
    let closed_at = match (stage.category == before.status, stage.category) {
        (true, _) => before.closed_at,
        (false, Category::Open) => None,
        (false, _) => Some(tx.now),
    };
    let after: Lead = diesel::update(leads::table.find((tx.workspace(), before.id)))
        .set((
            (leads::pipeline_id.eq(stage.pipeline_id), leads::stage_id.eq(stage.id), leads::status.eq(stage.category)),
            (leads::closed_at.eq(closed_at), leads::stage_entered_at.eq(tx.now), leads::last_activity_at.eq(tx.now)),
            leads::loss_reason_id.eq(loss_reason.filter(|_| lost)),
            (leads::version.eq(before.version + 1), leads::updated_at.eq(tx.now)),
        ))
        .returning(Lead::as_returning())
        .get_result(tx.conn)
        .explain(MEANINGS)?;
    spans::advance(tx, before.id, stage.pipeline_id, stage.id)?;
    let verb = match (before.status == after.status, after.status) {
        (true, _) => "stage_changed",
        (false, Category::Open) => "reopened",
        (false, Category::Won) => "won",
        (false, Category::Lost) => "lost",
    };
    tx.record(Event::changed(verb, before, &after)?);
    Ok(after)
}

pub fn go(tx: &mut Tx<'_>, id: Uuid, expected: Expected, to: &LeadMove) -> Result<Lead> {
    let before = lock_open(tx, id, expected)?;
    let pipeline = match to.pipeline_id {
        Some(named) => pipelines::choose(tx, Some(named), PipelineKind::Lead)?,
        None => before.pipeline_id,
    };
    let stage = stages::within(tx, pipeline, to.stage_id)?;
    place(tx, &before, &stage, to.loss_reason_id)
}

pub fn disqualify(tx: &mut Tx<'_>, id: Uuid, expected: Expected, loss_reason: Uuid) -> Result<Lead> {
    let before = lock_open(tx, id, expected)?;
    if before.status != Category::Open {
        return Err(Error::new(
            Code::AlreadyClosed,
            format!("the lead is {}; move it to an open stage first", before.status.as_str()),
        ));
    }
    let stage = stages::first(tx, before.pipeline_id, Category::Lost)?;
    place(tx, &before, &stage, Some(loss_reason))
}

/// The lead that each item means, by external id, of those that the caller may see.
pub fn known(tx: &mut Tx<'_>, list: &[&LeadCreate]) -> Result<Vec<Option<Uuid>>> {
    let keys: Vec<&String> =
        list.iter().map(|new| new.external_id.as_ref().ok_or_else(keyless)).collect::<Result<_>>()?;
    let rows = mine(tx.workspace()).filter(leads::external_id.eq_any(&keys)).filter(seen(tx));
    let rows: HashMap<Option<String>, Uuid> =
        rows.select((leads::external_id, leads::id)).load::<(Option<String>, Uuid)>(tx.conn)?.into_iter().collect();
    Ok(keys.into_iter().map(|key| rows.get(&Some(key.clone())).copied()).collect())
}

fn keyless() -> Error {
    Error::member("/external_id", "required", "is what an upsert knows a record by")
}

pub fn delete(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<()> {
    let row = lock(tx, id, expected)?;
    diesel::update(leads::table.find((tx.workspace(), id)))
        .set((leads::deleted_at.eq(tx.now), leads::external_id.eq(None::<String>), leads::version.eq(row.version + 1)))
        .execute(tx.conn)?;
    tx.record(Event::deleted(&row)?);
    Ok(())
}

pub fn page(tx: &mut Tx<'_>, plan: &Plan<leads::table>) -> Result<LeadPage> {
    Ok(list!(soft tx, leads, Lead, plan => LeadPage))
}
