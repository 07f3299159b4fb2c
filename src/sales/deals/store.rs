//! SQL of deals: creation (also with an imported history) and changes.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::refs::{self, Named};
use crate::db::related::{self, Related};
use crate::db::store::BatchStore;
use crate::db::table::{self, Stored};
use crate::db::updates::{Group, execute_combined, newly_referenced, rows_of, split_dependent};
use crate::db::{counter, tx::Tx, visibility};
use crate::kernel::access::actor::ActorKind;
use crate::kernel::error::{Code, Error, FieldCode, Result};
use crate::kernel::fields::custom::CustomValues;
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::kernel::values::money::{Money, columns};
use crate::kernel::values::tags::{Spelling, Tags};
use crate::kernel::values::time::DateTime;
use crate::records::{self, custom_values};
use crate::sales::deals::model::{DEAL, Deal, DealContact, DealContacts, DealCreate, DealUpdate, ForecastCategory};
use crate::sales::deals::{line_items, lines, people};
use crate::sales::pipelines::{self, PipelineKind};
use crate::sales::spans::{self, Span};
use crate::sales::stages::{self, Category, Stage};
use crate::schema::deals;
use crate::{insert_rows, restorable, stored};
use diesel::prelude::*;
use std::collections::HashMap;
use uuid::Uuid;

stored!(soft deals, Deal);
restorable!(deals, Deal);

#[diesel::dsl::auto_type(no_type_alias)]
fn in_workspace(workspace: Uuid) -> _ {
    deals::table.filter(deals::workspace_id.eq(workspace)).filter(deals::deleted_at.is_null())
}

pub(super) const CONSTRAINTS: ConstraintRules = &[
    ("deals_external_id_key", ConstraintRule::Taken(Code::DuplicateExternalId, "/external_id")),
    ("deals_company_id_fkey", ConstraintRule::Missing("/company_id")),
    ("deals_owner_id_fkey", ConstraintRule::Missing("/owner_id")),
    ("deals_closed_by_id_fkey", ConstraintRule::Missing("/owner_id")),
    ("deals_source_id_fkey", ConstraintRule::Missing("/source_id")),
    ("deals_loss_reason_id_fkey", ConstraintRule::Missing("/loss_reason_id")),
    ("deals_stage_fkey", ConstraintRule::Missing("/stage_id")),
];

impl BatchStore for Deal {
    type Create = DealCreate;
    type Update = DealUpdate;
    const FIELDS: &'static Fields<deals::table> = &DEAL;

    fn insert_many(tx: &mut Tx<'_>, new: &[&DealCreate]) -> Result<Vec<Deal>> {
        insert_many(tx, new)
    }

    fn change_each(tx: &mut Tx<'_>, groups: &[Group<'_, Deal, DealUpdate>]) -> Result<Vec<Deal>> {
        change_each(tx, groups)
    }

    fn delete_many(tx: &mut Tx<'_>, rows: &[Deal]) -> Result<()> {
        table::mark_deleted(tx, rows, Some("external_id"))?;
        refresh(tx, rows)
    }
}

/// Updates the next tasks that may come from tasks of these deals.
pub fn refresh(tx: &mut Tx<'_>, rows: &[Deal]) -> Result<()> {
    let related = rows.iter().map(|deal| Related { deal: Some(deal.id), ..Related::default() });
    related::refresh_all(tx, &related.collect::<Vec<_>>())
}

/// A deal to insert.
#[derive(Insertable)]
#[diesel(table_name = deals, treat_none_as_default_value = false)]
struct NewRow<'a> {
    workspace_id: Uuid,
    id: Uuid,
    number: String,
    title: &'a str,
    pipeline_id: Uuid,
    stage_id: Uuid,
    status: Category,
    company_id: Option<Uuid>,
    owner_id: Option<Uuid>,
    source_id: Option<Uuid>,
    value_amount: Option<i64>,
    value_currency: Option<String>,
    probability_percent: Option<i32>,
    expected_close_date: Option<chrono::NaiveDate>,
    forecast_category: ForecastCategory,
    closed_at: Option<DateTime>,
    closed_by_id: Option<Uuid>,
    without_beginning: bool,
    delivery_date: Option<chrono::NaiveDate>,
    loss_reason_id: Option<Uuid>,
    loss_note: Option<&'a str>,
    competitor: Option<&'a str>,
    next_step: Option<&'a str>,
    tags: Tags,
    custom: CustomValues,
    contacts: DealContacts,
    external_id: Option<&'a str>,
    stage_entered_at: DateTime,
    last_activity_at: DateTime,
    created_at: DateTime,
    updated_at: DateTime,
}

/// The stages of a deal and the times at which it entered them, in order. The first time is the creation of the deal;
/// the last stage is its current one.
#[derive(Clone, Debug)]
pub struct History {
    pub stages: Vec<(Stage, DateTime)>,
    /// Whether a deal without a value gets the total of its line items. False for imported deals.
    pub value_from_lines: bool,
    /// Whether the creation or the closing time is unknown. Reports then ignore the duration.
    pub without_beginning: bool,
    /// Whether the time of the last move is unknown. Reports then ignore the duration of the stage before.
    pub last_undated: bool,
}

impl History {
    fn started_at(&self) -> Option<DateTime> {
        self.stages.first().map(|(_, at)| *at)
    }

    fn last(&self) -> Option<&(Stage, DateTime)> {
        self.stages.last()
    }
}

/// Inserts many deals with few statements. If the database refuses one row, none is inserted.
pub fn insert_many(tx: &mut Tx<'_>, list: &[&DealCreate]) -> Result<Vec<Deal>> {
    let mut known: HashMap<(Option<Uuid>, Option<Uuid>), Stage> = HashMap::new();
    let mut drafts = Vec::with_capacity(list.len());
    for new in list {
        let place = (new.pipeline_id, new.stage_id);
        let stage = match known.get(&place) {
            Some(stage) => stage.clone(),
            None => known.entry(place).or_insert(first_stage(tx, new)?).clone(),
        };
        stage.takes_loss_reason(new.loss_reason_id)?;
        let custom = custom_values::new_values(tx, Kind::DEAL, &new.custom_fields)?;
        custom_values::require_filled(tx, Kind::DEAL, &custom, stage.id)?;
        let owner_id = new.owner_id.or(Some(tx.actor.user));
        let without_beginning = stage.category != Category::Open;
        let stages = vec![(stage, tx.now)];
        let history = History { stages, value_from_lines: true, without_beginning, last_undated: false };
        drafts.push((DealCreate { owner_id, ..(*new).clone() }, history));
    }
    let named: Vec<Named<'_>> = list.iter().flat_map(|new| named(new.company_id, &new.contacts)).collect();
    refs::require_visible(tx, &named)?;
    insert_with_history(tx, &drafts.iter().map(|(new, history)| (new, history.clone())).collect::<Vec<_>>())
}

fn first_stage(tx: &mut Tx<'_>, new: &DealCreate) -> Result<Stage> {
    let pipeline = pipelines::choose(tx, new.pipeline_id, PipelineKind::Deal)?;
    match new.stage_id {
        Some(stage) => stages::within(tx, pipeline, stage),
        None => stages::first(tx, pipeline, Category::Open),
    }
}

/// Checks whether a deal refers to a company or contact.
fn names(deal: &Deal, id: Option<Uuid>) -> bool {
    id.is_some() && (deal.company_id == id || deal.contacts.0.iter().any(|contact| Some(contact.contact_id) == id))
}

fn named(company: Option<Uuid>, contacts: &[DealContact]) -> Vec<Named<'static>> {
    let contact = |link: &DealContact| (Kind::CONTACT, Some(link.contact_id), "/contacts");
    std::iter::once((Kind::COMPANY, company, "/company_id")).chain(contacts.iter().map(contact)).collect()
}

/// Inserts many deals with their histories, with few statements. If the database refuses one row, none is inserted.
pub fn insert_with_history(tx: &mut Tx<'_>, list: &[(&DealCreate, History)]) -> Result<Vec<Deal>> {
    let listed = lines::listed(tx, list.iter().flat_map(|(new, _)| &new.line_items), &[])?;
    let first = counter::take(tx, Kind::DEAL, i64::try_from(list.len()).map_err(Error::internal)?)?;
    let spelling = records::tags::spelling(tx, list.iter().map(|(new, _)| &new.tags))?;
    let (mut rows, mut items, mut links, mut spans) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (number, (new, history)) in (first..).zip(list) {
        visibility::authorize_create(tx, Kind::DEAL, new.owner_id)?;
        let (prices, total) = line_items::price(&listed, &new.line_items)?;
        let row = new_row(tx, number, (*new, history), total.filter(|_| history.value_from_lines), &spelling)?;
        let positioned = (1..).zip(new.line_items.iter().zip(prices));
        items.extend(positioned.map(|(position, (item, price))| (row.id, position, item, price)));
        links.extend(new.contacts.iter().map(|contact| (row.id, contact)));
        spans.extend(spans_of(tx, row.id, history));
        rows.push(row);
    }
    custom_values::require_visible(tx, Kind::DEAL, list.iter().map(|(new, _)| new.custom_fields.as_slice()))?;
    // Closed deals need no active owner.
    let open = rows.iter().filter(|row| row.status == Category::Open).map(|row| row.owner_id);
    refs::require_active(tx, open.collect::<Vec<_>>(), "/owner_id")?;
    let deals: Vec<Deal> = insert_rows!(tx, deals, rows, Deal).map_constraint(CONSTRAINTS)?;
    people::link(tx, &links)?;
    lines::insert(tx, &items)?;
    spans::insert_many(tx, &spans)?;
    records::tags::note(tx, deals.iter().map(|deal| &deal.tags))?;
    for deal in &deals {
        tx.record(Event::created(deal)?);
    }
    Ok(deals)
}

fn new_row<'a>(
    tx: &mut Tx<'_>,
    number: i64,
    (new, history): (&'a DealCreate, &History),
    total: Option<Money>,
    spelling: &Spelling,
) -> Result<NewRow<'a>> {
    let ((stage, entered), begin) =
        history.last().zip(history.started_at()).ok_or_else(|| Error::internal("a deal without a stage"))?;
    let (value_amount, value_currency) = columns(new.value.as_ref().or(total.as_ref()));
    let closed = stage.category != Category::Open;
    let custom = custom_values::new_values(tx, Kind::DEAL, &new.custom_fields)?;
    Ok(NewRow {
        workspace_id: tx.workspace(),
        id: new.id.unwrap_or_else(Uuid::now_v7),
        number: format!("D-{number}"),
        title: &new.title,
        pipeline_id: stage.pipeline_id,
        stage_id: stage.id,
        status: stage.category,
        company_id: new.company_id,
        owner_id: new.owner_id,
        source_id: new.source_id,
        value_amount,
        value_currency,
        probability_percent: new.probability_percent,
        expected_close_date: new.expected_close_date,
        forecast_category: new.forecast_category.unwrap_or(if stage.category == Category::Won {
            ForecastCategory::Closed
        } else {
            ForecastCategory::Pipeline
        }),
        closed_at: closed.then_some(*entered),
        closed_by_id: new.owner_id.filter(|_| closed),
        without_beginning: history.without_beginning,
        delivery_date: new.delivery_date,
        loss_reason_id: new.loss_reason_id.filter(|_| stage.category == Category::Lost),
        loss_note: new.loss_note.as_deref(),
        competitor: new.competitor.as_deref(),
        next_step: new.next_step.as_deref(),
        tags: spelling.of(&new.tags),
        custom,
        contacts: DealContacts(new.contacts.clone()),
        external_id: new.external_id.as_deref(),
        stage_entered_at: *entered,
        last_activity_at: *entered,
        created_at: begin,
        updated_at: tx.now,
    })
}

fn spans_of(tx: &Tx<'_>, record: Uuid, history: &History) -> Vec<Span> {
    let ends = history.stages.iter().skip(1).map(|(_, at)| Some(*at)).chain([None]);
    let spans = history.stages.iter().zip(ends).enumerate();
    let unknown = |n: usize| match n {
        0 if history.without_beginning => true,
        _ => history.last_undated && n + 2 == history.stages.len(),
    };
    let span = |(n, ((stage, entered), left)): (usize, (&(Stage, DateTime), _))| {
        Span::new(tx, record, stage, *entered, left).with_unknown_length(unknown(n))
    };
    spans.map(span).collect()
}

/// Updates a locked deal.
pub fn change(tx: &mut Tx<'_>, before: &Deal, changes: &DealUpdate) -> Result<Deal> {
    change_each(tx, &[(vec![before], changes)])?.pop().ok_or_else(Error::not_found)
}

/// Applies the changes of each group to its locked deals.
pub fn change_each(tx: &mut Tx<'_>, groups: &[Group<'_, Deal, DealUpdate>]) -> Result<Vec<Deal>> {
    let groups = split_dependent(groups, |changes| changes.custom_fields.is_some() || changes.tag_change().depends());
    let spelling = records::tags::spelling_of(tx, groups.iter().map(|(_, changes)| changes.tag_change()))?;
    let named = groups.iter().flat_map(|(rows, changes)| {
        let named = named(changes.company_id.flatten(), changes.contacts.as_deref().unwrap_or_default());
        // A reference that all deals already have may stay, even if the caller cannot see the record.
        named.into_iter().filter(|(_, id, _)| !rows.iter().all(|deal| names(deal, *id)))
    });
    refs::require_visible(tx, &named.collect::<Vec<_>>())?;
    visibility::authorize_changes(tx, groups.iter().map(|(_, changes)| *changes))?;
    let owners = newly_referenced(&groups, |changes| changes.owner_id.flatten(), |row| row.owner_id);
    refs::require_active(tx, owners, "/owner_id")?;
    // Changes with an API key must not reset the rotting period.
    let activity = (tx.actor.actor_kind == ActorKind::User).then(|| deals::last_activity_at.eq(tx.now));
    let mut updates = Vec::with_capacity(groups.len());
    for (rows, changes) in &groups {
        let value = changes.value.as_ref().map(|money| set_value(money.as_ref()));
        let given = changes.custom_fields.as_deref().unwrap_or_default();
        let custom = custom_values::changed(tx, Kind::DEAL, rows.first().map(|row| &row.custom), given)?;
        let custom = custom.map(|custom| deals::custom.eq(custom));
        let contacts = changes.contacts.clone().map(|list| deals::contacts.eq(DealContacts(list)));
        let tags = rows.first().and_then(|before| changes.tag_change().of(&before.tags, &spelling));
        let tags = crate::set_tags!(deals, records::tags::few_enough(tags)?);
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let these = deals::table.filter(deals::workspace_id.eq(tx.workspace())).filter(deals::id.eq_any(ids));
        let update = diesel::update(these).set((
            (*changes, value, contacts, custom, activity, tags),
            deals::version.eq(deals::version + 1),
            deals::updated_at.eq(tx.now),
        ));
        updates.push(update.returning(Deal::as_returning()));
    }
    let given = groups
        .iter()
        .filter_map(|(rows, changes)| Some((rows.first().map(|row| &row.custom), changes.custom_fields.as_deref()?)));
    custom_values::require_visible_anew(tx, Kind::DEAL, given)?;
    let changed: Vec<Deal> = execute_combined(tx.conn, updates).map_constraint(CONSTRAINTS)?;
    people::relink(tx, &groups)?;
    records::tags::note(tx, changed.iter().map(|deal| &deal.tags))?;
    let rows = rows_of(&groups);
    let changed = events::record_changes(tx, &rows, changed)?;
    related::refresh_all(tx, &people::moved(&rows, &changed))?;
    Ok(changed)
}

type SetValue =
    (diesel::dsl::Eq<deals::value_amount, Option<i64>>, diesel::dsl::Eq<deals::value_currency, Option<String>>);

fn set_value(money: Option<&Money>) -> SetValue {
    let (amount, currency) = columns(money);
    (deals::value_amount.eq(amount), deals::value_currency.eq(currency))
}

/// Finds the existing deal for each item by `external_id`, among those that the caller may see.
pub fn find_existing(tx: &mut Tx<'_>, list: &[&DealCreate]) -> Result<Vec<Option<Uuid>>> {
    let keys: Vec<&String> =
        list.iter().map(|new| new.external_id.as_ref().ok_or_else(missing_external_id)).collect::<Result<_>>()?;
    let rows = in_workspace(tx.workspace()).filter(deals::external_id.eq_any(&keys)).filter(Deal::visible_to(tx));
    let rows: HashMap<Option<String>, Uuid> =
        rows.select((deals::external_id, deals::id)).load::<(Option<String>, Uuid)>(tx.conn)?.into_iter().collect();
    Ok(keys.into_iter().map(|key| rows.get(&Some(key.clone())).copied()).collect())
}

fn missing_external_id() -> Error {
    Error::member("/external_id", FieldCode::Required, "external_id is required to match records in an upsert")
}
