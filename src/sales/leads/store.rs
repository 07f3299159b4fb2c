//! SQL of leads.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::refs::{self, Named};
use crate::db::related::{self, Related};
use crate::db::store::BatchStore;
use crate::db::table::{self, Stored};
use crate::db::updates::{Group, execute_combined, newly_referenced, rows_of, split_dependent};
use crate::db::{counter, tx::Tx, visibility};
use crate::identity::directory::roles;
use crate::kernel::access::actor::ActorKind;
use crate::kernel::error::{Code, Error, FieldCode, Result};
use crate::kernel::fields::custom::CustomValues;
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::kernel::values::money::columns;
use crate::kernel::values::tags::{Spelling, Tags};
use crate::kernel::values::time::DateTime;
use crate::records::{self, custom_values};
use crate::sales::leads::come_back_tasks;
use crate::sales::leads::model::{LEAD, Lead, LeadCreate, LeadPerson, LeadUpdate, Rating};
use crate::sales::pipelines::{self, PipelineKind};
use crate::sales::spans::{self, Span};
use crate::sales::stages::{self, Category, Stage};
use crate::schema::leads;
use crate::{insert_rows, restorable, stored};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::Value as Json;
use std::collections::HashMap;
use uuid::Uuid;

stored!(soft leads, Lead);
restorable!(leads, Lead);

#[diesel::dsl::auto_type(no_type_alias)]
fn in_workspace(workspace: Uuid) -> _ {
    leads::table.filter(leads::workspace_id.eq(workspace)).filter(leads::deleted_at.is_null())
}

pub(super) const CONSTRAINTS: ConstraintRules = &[
    ("leads_external_id_key", ConstraintRule::Taken(Code::DuplicateExternalId, "/external_id")),
    ("leads_contact_id_fkey", ConstraintRule::Missing("/contact_id")),
    ("leads_company_id_fkey", ConstraintRule::Missing("/company_id")),
    ("leads_product_id_fkey", ConstraintRule::Missing("/product_id")),
    ("leads_owner_id_fkey", ConstraintRule::Missing("/owner_id")),
    ("leads_closed_by_id_fkey", ConstraintRule::Missing("/owner_id")),
    ("leads_source_id_fkey", ConstraintRule::Missing("/source_id")),
    ("leads_loss_reason_id_fkey", ConstraintRule::Missing("/loss_reason_id")),
    ("leads_stage_fkey", ConstraintRule::Missing("/stage_id")),
];

impl BatchStore for Lead {
    type Create = LeadCreate;
    type Update = LeadUpdate;
    const FIELDS: &'static Fields<leads::table> = &LEAD;

    fn insert_many(tx: &mut Tx<'_>, new: &[&LeadCreate]) -> Result<Vec<Lead>> {
        insert_many(tx, new)
    }

    fn change_each(tx: &mut Tx<'_>, groups: &[Group<'_, Lead, LeadUpdate>]) -> Result<Vec<Lead>> {
        change_each(tx, groups)
    }

    fn delete_many(tx: &mut Tx<'_>, rows: &[Lead]) -> Result<()> {
        table::mark_deleted(tx, rows, Some("external_id"))?;
        refresh(tx, rows)
    }
}

/// Updates the next tasks that may come from tasks of these leads.
pub fn refresh(tx: &mut Tx<'_>, rows: &[Lead]) -> Result<()> {
    related::refresh_all(
        tx,
        &rows.iter().map(|lead| Related { lead: Some(lead.id), ..belongs(lead) }).collect::<Vec<_>>(),
    )
}

/// Returns the contact and the company to which the tasks of a lead also belong.
fn belongs(lead: &Lead) -> Related {
    Related { contact: lead.contact_id, company: lead.company_id, ..Related::default() }
}

/// The dates and the loss reason of an imported lead.
#[derive(Clone, Copy, Debug, Default)]
pub struct History {
    pub created_at: Option<DateTime>,
    pub closed_at: Option<DateTime>,
    pub loss_reason: Option<Uuid>,
    /// Whether the lead comes from an import.
    pub imported: bool,
}

impl History {
    /// Returns the first known date.
    fn started_at(&self) -> Option<DateTime> {
        self.created_at.or(self.closed_at)
    }

    /// Checks whether the creation or the closing time is unknown. The known one then replaces it, and reports ignore
    /// the duration.
    fn without_beginning(&self) -> bool {
        self.created_at.is_none() || self.closed_at.is_none()
    }
}

/// Inserts many leads with few statements. If the database refuses one row, none is inserted.
pub fn insert_many(tx: &mut Tx<'_>, list: &[&LeadCreate]) -> Result<Vec<Lead>> {
    let named: Vec<Named<'_>> =
        list.iter().flat_map(|new| named(new.contact_id, new.company_id, new.product_id)).collect();
    refs::require_visible(tx, &named)?;
    insert_with_history(tx, &list.iter().map(|new| (*new, History::default())).collect::<Vec<_>>())
}

/// Returns the references of a lead, with the members that contain them.
fn named(contact: Option<Uuid>, company: Option<Uuid>, product: Option<Uuid>) -> [Named<'static>; 3] {
    [
        (Kind::CONTACT, contact, "/contact_id"),
        (Kind::COMPANY, company, "/company_id"),
        (Kind::PRODUCT, product, "/product_id"),
    ]
}

/// Returns the stage of a new lead, and the open stage in which its history begins.
fn stages_of(tx: &mut Tx<'_>, new: &LeadCreate) -> Result<(Stage, Stage)> {
    let pipeline = pipelines::choose(tx, new.pipeline_id, PipelineKind::Lead)?;
    let stage = match new.stage_id {
        Some(stage) => stages::within(tx, pipeline, stage)?,
        None => stages::first(tx, pipeline, Category::Open)?,
    };
    let first = match stage.category {
        Category::Open => stage.clone(),
        _ => stages::first(tx, pipeline, Category::Open)?,
    };
    Ok((stage, first))
}

/// Inserts many leads with their histories, with few statements.
pub fn insert_with_history(tx: &mut Tx<'_>, list: &[(&LeadCreate, History)]) -> Result<Vec<Lead>> {
    let mut known: HashMap<(Option<Uuid>, Option<Uuid>), (Stage, Stage)> = HashMap::new();
    let number = counter::take(tx, Kind::LEAD, i64::try_from(list.len()).map_err(Error::internal)?)?;
    let (mut rows, mut spans) = (Vec::with_capacity(list.len()), Vec::with_capacity(list.len()));
    let spelling = records::tags::spelling(tx, list.iter().map(|(new, _)| &new.tags))?;
    let untitled = list.iter().any(|(new, _)| !new.has_title());
    let person_is_hidden = untitled && roles::any_hides(tx, Kind::LEAD, "person")?;
    for (number, (new, history)) in (number..).zip(list) {
        let place = (new.pipeline_id, new.stage_id);
        let (stage, first) = match known.get(&place) {
            Some(stages) => stages.clone(),
            None => known.entry(place).or_insert(stages_of(tx, new)?).clone(),
        };
        let row = new_row(tx, number, (*new, history), &stage, &spelling, person_is_hidden)?;
        spans.extend(spans_of(tx, &row, &first, &stage));
        rows.push(row);
    }
    custom_values::require_visible(tx, Kind::LEAD, list.iter().map(|(new, _)| new.custom_fields.as_slice()))?;
    // Closed leads need no active owner.
    let open = rows.iter().filter(|row| row.status == Category::Open).map(|row| Some(row.owner_id));
    refs::require_active(tx, open.collect::<Vec<_>>(), "/owner_id")?;
    let made: Vec<Lead> = insert_rows!(tx, leads, rows, Lead).map_constraint(CONSTRAINTS)?;
    spans::insert_many(tx, &spans)?;
    records::tags::note(tx, made.iter().map(|lead| &lead.tags))?;
    for lead in &made {
        tx.record(Event::created(lead)?);
    }
    // An imported lead that is closed gets no task.
    let imported = list.iter().any(|(_, history)| history.imported);
    let closed = |lead: &Lead| (imported && lead.status != Category::Open).then(|| lead.clone());
    let closed: Vec<Option<Lead>> = made.iter().map(closed).collect();
    come_back_tasks::sync(tx, &closed.iter().map(Option::as_ref).collect::<Vec<_>>(), made)
}

/// A lead to insert.
#[derive(Insertable)]
#[diesel(table_name = leads, treat_none_as_default_value = false)]
struct NewRow<'n> {
    workspace_id: Uuid,
    id: Uuid,
    number: String,
    title: String,
    description: Option<&'n str>,
    pipeline_id: Uuid,
    stage_id: Uuid,
    status: Category,
    contact_id: Option<Uuid>,
    company_id: Option<Uuid>,
    person: Option<&'n LeadPerson>,
    phone_keys: Json,
    product_id: Option<Uuid>,
    value_amount: Option<i64>,
    value_currency: Option<String>,
    rating: Option<Rating>,
    owner_id: Uuid,
    source_id: Option<Uuid>,
    come_back_on: Option<NaiveDate>,
    tags: Tags,
    custom: CustomValues,
    external_id: Option<&'n str>,
    closed_at: Option<DateTime>,
    closed_by_id: Option<Uuid>,
    without_beginning: bool,
    loss_reason_id: Option<Uuid>,
    stage_entered_at: DateTime,
    last_activity_at: DateTime,
    created_at: DateTime,
    updated_at: DateTime,
}

fn new_row<'n>(
    tx: &mut Tx<'_>,
    number: i64,
    (new, history): (&'n LeadCreate, &History),
    stage: &Stage,
    spelling: &Spelling,
    person_is_hidden: bool,
) -> Result<NewRow<'n>> {
    if stage.category == Category::Lost && history.loss_reason.is_none() && !history.imported {
        let detail = "must not be a lost stage: create the lead, then disqualify it with a reason";
        return Err(Error::member("/stage_id", FieldCode::Invalid, detail));
    }
    let custom = custom_values::new_values(tx, Kind::LEAD, &new.custom_fields)?;
    if history.started_at().is_none() {
        custom_values::require_filled(tx, Kind::LEAD, &custom, stage.id)?;
    }
    let owner_id = new.owner_id.unwrap_or(tx.actor.user);
    visibility::authorize_create(tx, Kind::LEAD, Some(owner_id))?;
    let begin = history.started_at().unwrap_or(tx.now);
    let closed_at = (stage.category != Category::Open).then(|| history.closed_at.unwrap_or(begin).max(begin));
    let (value_amount, value_currency) = columns(new.value.as_ref());
    let number = format!("L-{number}");
    Ok(NewRow {
        workspace_id: tx.workspace(),
        id: new.id.unwrap_or_else(Uuid::now_v7),
        title: new.title_of(&number, person_is_hidden),
        number,
        description: new.description.as_deref(),
        pipeline_id: stage.pipeline_id,
        stage_id: stage.id,
        status: stage.category,
        contact_id: new.contact_id,
        company_id: new.company_id,
        person: new.person.as_ref(),
        phone_keys: keys_of(tx, new.person.as_ref()),
        product_id: new.product_id,
        value_amount,
        value_currency,
        rating: new.rating,
        owner_id,
        source_id: new.source_id,
        come_back_on: new.come_back_on,
        tags: spelling.of(&new.tags),
        custom,
        external_id: new.external_id.as_deref(),
        closed_at,
        closed_by_id: closed_at.map(|_| owner_id),
        without_beginning: closed_at.is_some() && history.without_beginning(),
        loss_reason_id: history.loss_reason.filter(|_| stage.category == Category::Lost),
        stage_entered_at: closed_at.unwrap_or(begin),
        last_activity_at: closed_at.unwrap_or(begin),
        created_at: begin,
        updated_at: tx.now,
    })
}

fn keys_of(tx: &Tx<'_>, person: Option<&LeadPerson>) -> Json {
    person.map_or(Json::Array(Vec::new()), |person| person.phone_keys(&tx.actor.settings.country))
}

/// Returns the spans of a new lead. A lead that is created closed was in the first open stage before.
fn spans_of(tx: &Tx<'_>, row: &NewRow<'_>, first: &Stage, stage: &Stage) -> Vec<Span> {
    match row.closed_at {
        None => vec![Span::new(tx, row.id, stage, row.created_at, None)],
        Some(closed) => {
            let before = Span::new(tx, row.id, first, row.created_at, Some(closed));
            let before = before.with_unknown_length(row.without_beginning);
            vec![before, Span::new(tx, row.id, stage, closed, None)]
        }
    }
}

/// Refuses a converted lead.
pub(super) fn require_open(lead: &Lead) -> Result<()> {
    match lead.converted_at {
        Some(_) => {
            Err(Error::new(Code::AlreadyConverted, "the lead is converted; change its contact and deal instead"))
        }
        None => Ok(()),
    }
}

/// Updates a locked lead.
pub fn change(tx: &mut Tx<'_>, before: &Lead, changes: &LeadUpdate) -> Result<Lead> {
    change_each(tx, &[(vec![before], changes)])?.pop().ok_or_else(Error::not_found)
}

/// Applies the changes of each group to its locked leads.
pub fn change_each(tx: &mut Tx<'_>, groups: &[Group<'_, Lead, LeadUpdate>]) -> Result<Vec<Lead>> {
    let groups = split_dependent(groups, |changes| changes.custom_fields.is_some() || changes.tag_change().depends());
    let spelling = records::tags::spelling_of(tx, groups.iter().map(|(_, changes)| changes.tag_change()))?;
    let rows = rows_of(&groups);
    let named = groups.iter().flat_map(|(rows, changes)| {
        let named = named(changes.contact_id.flatten(), changes.company_id.flatten(), changes.product_id.flatten());
        // A reference that all leads already have may stay, even if the caller cannot see the record.
        let names = |lead: &Lead, id| [lead.contact_id, lead.company_id, lead.product_id].contains(&id);
        named.into_iter().filter(move |(_, id, _)| id.is_none() || !rows.iter().all(|lead| names(lead, *id)))
    });
    refs::require_visible(tx, &named.collect::<Vec<_>>())?;
    visibility::authorize_changes(tx, groups.iter().map(|(_, changes)| *changes))?;
    let owners = newly_referenced(&groups, |changes| changes.owner_id.flatten(), |row| row.owner_id);
    refs::require_active(tx, owners, "/owner_id")?;
    let activity = (tx.actor.actor_kind == ActorKind::User).then(|| leads::last_activity_at.eq(tx.now));
    let mut updates = Vec::with_capacity(groups.len());
    for (rows, changes) in &groups {
        let value = changes.value.as_ref().map(|money| {
            let (amount, currency) = columns(money.as_ref());
            (leads::value_amount.eq(amount), leads::value_currency.eq(currency))
        });
        let keys = changes.person.as_ref().map(|person| leads::phone_keys.eq(keys_of(tx, person.as_ref())));
        let given = changes.custom_fields.as_deref().unwrap_or_default();
        let custom = custom_values::changed(tx, Kind::LEAD, rows.first().map(|row| &row.custom), given)?;
        let tags = rows.first().and_then(|before| changes.tag_change().of(&before.tags, &spelling));
        let tags = crate::set_tags!(leads, records::tags::few_enough(tags)?);
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let these = leads::table.filter(leads::workspace_id.eq(tx.workspace())).filter(leads::id.eq_any(ids));
        let update = diesel::update(these).set((
            (*changes, value, activity, keys, tags, custom.map(|custom| leads::custom.eq(custom))),
            leads::version.eq(leads::version + 1),
            leads::updated_at.eq(tx.now),
        ));
        updates.push(update.returning(Lead::as_returning()));
    }
    let given = groups
        .iter()
        .filter_map(|(rows, changes)| Some((rows.first().map(|row| &row.custom), changes.custom_fields.as_deref()?)));
    custom_values::require_visible_anew(tx, Kind::LEAD, given)?;
    let changed: Vec<Lead> = execute_combined(tx.conn, updates).map_constraint(CONSTRAINTS)?;
    records::tags::note(tx, changed.iter().map(|lead| &lead.tags))?;
    let changed = events::record_changes(tx, &rows, changed)?;
    // An update that changes nothing is accepted even for a converted lead.
    let mut differing = rows.iter().zip(&changed).filter(|(before, after)| before.version != after.version);
    differing.try_for_each(|(before, _)| require_open(before))?;
    let moved = rows.iter().zip(&changed).filter(|(before, after)| belongs(before) != belongs(after));
    let moved: Vec<Related> = moved.flat_map(|(before, after)| [belongs(before), belongs(after)]).collect();
    related::refresh_all(tx, &moved)?;
    come_back_tasks::sync(tx, &rows.into_iter().map(Some).collect::<Vec<_>>(), changed)
}

/// Finds the existing lead for each item by `external_id`, among those that the caller may see.
pub fn find_existing(tx: &mut Tx<'_>, list: &[&LeadCreate]) -> Result<Vec<Option<Uuid>>> {
    let keys: Vec<&String> =
        list.iter().map(|new| new.external_id.as_ref().ok_or_else(missing_external_id)).collect::<Result<_>>()?;
    let rows = in_workspace(tx.workspace()).filter(leads::external_id.eq_any(&keys)).filter(Lead::visible_to(tx));
    let rows: HashMap<Option<String>, Uuid> =
        rows.select((leads::external_id, leads::id)).load::<(Option<String>, Uuid)>(tx.conn)?.into_iter().collect();
    Ok(keys.into_iter().map(|key| rows.get(&Some(key.clone())).copied()).collect())
}

fn missing_external_id() -> Error {
    Error::member("/external_id", FieldCode::Required, "external_id is required to match records in an upsert")
}
