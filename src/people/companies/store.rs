//! Database access for companies.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::refs::{self, Named};
use crate::db::sql::{Part, Statement};
use crate::db::store::{BatchStore, UpsertStore};
use crate::db::table::{self, Stored};
use crate::db::tx::Tx;
use crate::db::updates::{Group, execute_combined, newly_referenced, rows_of, split_dependent};
use crate::db::visibility;
use crate::kernel::error::{Code, Error, FieldCode, Result};
use crate::kernel::fields::custom::CustomValues;
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::kernel::values::address;
use crate::kernel::values::money::columns;
use crate::kernel::values::tags::{Spelling, Tags};
use crate::kernel::values::time::DateTime;
use crate::people::companies::model::{COMPANY, Company, CompanyCreate, CompanyUpdate};
use crate::records::{self, custom_values};
use crate::schema::{companies, workspaces};
use crate::{restorable, stored};
use diesel::prelude::*;
use std::collections::HashMap;
use uuid::Uuid;

stored!(soft companies, Company);
restorable!(companies, Company);

#[diesel::dsl::auto_type(no_type_alias)]
fn in_workspace(workspace: Uuid) -> _ {
    companies::table.filter(companies::workspace_id.eq(workspace)).filter(companies::deleted_at.is_null())
}

const CONSTRAINTS: ConstraintRules = &[
    ("companies_external_id_key", ConstraintRule::Taken(Code::DuplicateExternalId, "/external_id")),
    ("companies_parent_id_fkey", ConstraintRule::Missing("/parent_id")),
    ("companies_owner_id_fkey", ConstraintRule::Missing("/owner_id")),
];

impl BatchStore for Company {
    type Create = CompanyCreate;
    type Update = CompanyUpdate;
    const FIELDS: &'static Fields<companies::table> = &COMPANY;

    fn insert(tx: &mut Tx<'_>, new: &CompanyCreate) -> Result<Company> {
        insert(tx, new)
    }

    fn insert_many(tx: &mut Tx<'_>, new: &[&CompanyCreate]) -> Result<Vec<Company>> {
        insert_many(tx, new)
    }

    fn change_each(tx: &mut Tx<'_>, groups: &[Group<'_, Company, CompanyUpdate>]) -> Result<Vec<Company>> {
        change_each(tx, groups)
    }

    fn delete_many(tx: &mut Tx<'_>, rows: &[Company]) -> Result<()> {
        table::mark_deleted(tx, rows, Some("external_id"))
    }
}

impl UpsertStore for Company {
    fn find_existing(tx: &mut Tx<'_>, new: &[&CompanyCreate]) -> Result<Vec<Option<Uuid>>> {
        find_existing(tx, new)
    }
}

/// A row to insert.
#[derive(Insertable)]
#[diesel(table_name = companies, treat_none_as_default_value = false)]
struct NewRow<'a> {
    workspace_id: Uuid,
    id: Uuid,
    name: &'a str,
    domain: Option<&'a str>,
    sector: Option<&'a str>,
    employees: Option<i64>,
    revenue_amount: Option<i64>,
    revenue_currency: Option<String>,
    founded_year: Option<i32>,
    address: Option<&'a str>,
    country: Option<&'a str>,
    parent_id: Option<Uuid>,
    owner_id: Option<Uuid>,
    tags: Tags,
    custom: CustomValues,
    external_id: Option<&'a str>,
    created_at: DateTime,
    updated_at: DateTime,
}

impl<'a> NewRow<'a> {
    fn new(tx: &mut Tx<'_>, new: &'a CompanyCreate, spelling: &Spelling) -> Result<NewRow<'a>> {
        let custom = custom_values::new_values(tx, Kind::COMPANY, &new.custom_fields)?;
        let (revenue_amount, revenue_currency) = columns(new.revenue.as_ref());
        Ok(NewRow {
            workspace_id: tx.workspace(),
            id: new.id.unwrap_or_else(Uuid::now_v7),
            name: &new.name,
            domain: new.domain.as_deref(),
            sector: new.sector.as_deref(),
            employees: new.employees,
            revenue_amount,
            revenue_currency,
            founded_year: new.founded_year,
            address: new.address.as_deref(),
            country: new.country.as_deref(),
            parent_id: new.parent_id,
            owner_id: visibility::owner_of_new(tx, Kind::COMPANY, new.owner_id),
            tags: spelling.of(&new.tags),
            custom,
            external_id: new.external_id.as_deref(),
            created_at: tx.now,
            updated_at: tx.now,
        })
    }
}

fn insert(tx: &mut Tx<'_>, new: &CompanyCreate) -> Result<Company> {
    visibility::authorize_create(tx, Kind::COMPANY, visibility::owner_of_new(tx, Kind::COMPANY, new.owner_id))?;
    refs::require_visible(tx, &[(Kind::COMPANY, new.parent_id, "/parent_id")])?;
    refs::require_active(tx, [new.owner_id], "/owner_id")?;
    let spelling = records::tags::spelling(tx, [&new.tags])?;
    let row = NewRow::new(tx, new, &spelling)?;
    custom_values::require_visible(tx, Kind::COMPANY, [new.custom_fields.as_slice()])?;
    let row: Company = diesel::insert_into(companies::table)
        .values(row)
        .returning(Company::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    records::tags::note(tx, [&row.tags])?;
    tx.record(Event::created(&row)?);
    Ok(row)
}

/// Inserts many companies with one statement. If the database refuses one row, all fail.
pub fn insert_many(tx: &mut Tx<'_>, list: &[&CompanyCreate]) -> Result<Vec<Company>> {
    list.iter().try_for_each(|new| {
        visibility::authorize_create(tx, Kind::COMPANY, visibility::owner_of_new(tx, Kind::COMPANY, new.owner_id))
    })?;
    let parents: Vec<Named<'_>> = list.iter().map(|new| (Kind::COMPANY, new.parent_id, "/parent_id")).collect();
    refs::require_visible(tx, &parents)?;
    refs::require_active(tx, list.iter().map(|new| new.owner_id), "/owner_id")?;
    let spelling = records::tags::spelling(tx, list.iter().map(|new| &new.tags))?;
    let rows: Vec<NewRow<'_>> = list.iter().map(|new| NewRow::new(tx, new, &spelling)).collect::<Result<_>>()?;
    custom_values::require_visible(tx, Kind::COMPANY, list.iter().map(|new| new.custom_fields.as_slice()))?;
    let rows: Vec<Company> = diesel::insert_into(companies::table)
        .values(rows)
        .returning(Company::as_returning())
        .get_results(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    records::tags::note(tx, rows.iter().map(|row| &row.tags))?;
    for row in &rows {
        tx.record(Event::created(row)?);
    }
    Ok(rows)
}

const CIRCLES: &str = "with recursive above as (
    select id as start, parent_id from companies where workspace_id = :workspace and id = any(:ids)
    union
    select a.start, c.parent_id from companies c join above a on c.workspace_id = :workspace and c.id = a.parent_id
) select start as id from above where parent_id = start limit 1";

#[derive(QueryableByName)]
struct Above {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    #[expect(dead_code, reason = "only its existence matters")]
    id: Uuid,
}

/// Checks that the changed parents do not create a cycle.
fn check_parents(tx: &mut Tx<'_>, ids: Vec<Uuid>) -> Result<()> {
    let circles = Statement::new(CIRCLES).set("workspace", Part::Id(tx.workspace())).set("ids", Part::Ids(ids));
    if circles.load::<Above>(tx.conn)?.is_empty() {
        return Ok(());
    }
    Err(Error::member("/parent_id", FieldCode::Invalid, "must not be the company itself or a company below it"))
}

/// Changes locked companies, each group in its own way.
pub fn change_each(tx: &mut Tx<'_>, groups: &[Group<'_, Company, CompanyUpdate>]) -> Result<Vec<Company>> {
    visibility::authorize_changes(tx, groups.iter().map(|(_, changes)| *changes))?;
    let owners = newly_referenced(groups, |changes| changes.owner_id.flatten(), |row| row.owner_id);
    refs::require_active(tx, owners, "/owner_id")?;
    let groups = split_dependent(groups, |changes| changes.custom_fields.is_some() || changes.tag_change().depends());
    let spelling = records::tags::spelling_of(tx, groups.iter().map(|(_, changes)| changes.tag_change()))?;
    // A parent that all these companies already have may stay even if it is not visible.
    let parents = groups.iter().map(|(rows, changes)| {
        let parent = changes.parent_id.flatten();
        (Kind::COMPANY, parent.filter(|id| !rows.iter().all(|row| row.parent_id == Some(*id))), "/parent_id")
    });
    refs::require_visible(tx, &parents.collect::<Vec<_>>())?;
    let moved = groups.iter().filter(|(_, changes)| changes.parent_id.flatten().is_some());
    let moved: Vec<Uuid> = moved.flat_map(|(rows, _)| rows.iter().map(|row| row.id)).collect();
    if !moved.is_empty() {
        // Locks the workspace, so that two concurrent changes cannot create a cycle.
        workspaces::table.find(tx.workspace()).select(workspaces::id).for_no_key_update().first::<Uuid>(tx.conn)?;
    }
    let mut updates = Vec::with_capacity(groups.len());
    for (rows, changes) in &groups {
        let revenue = changes.revenue.as_ref().map(|money| {
            let (amount, currency) = columns(money.as_ref());
            (companies::revenue_amount.eq(amount), companies::revenue_currency.eq(currency))
        });
        let given = changes.custom_fields.as_deref().unwrap_or_default();
        let custom = custom_values::changed(tx, Kind::COMPANY, rows.first().map(|row| &row.custom), given)?;
        let tags = rows.first().and_then(|before| changes.tag_change().of(&before.tags, &spelling));
        let tags = crate::set_tags!(companies, records::tags::few_enough(tags)?);
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let these =
            companies::table.filter(companies::workspace_id.eq(tx.workspace())).filter(companies::id.eq_any(ids));
        let update = diesel::update(these).set((
            (*changes, revenue, tags, custom.map(|custom| companies::custom.eq(custom))),
            companies::version.eq(companies::version + 1),
            companies::updated_at.eq(tx.now),
        ));
        updates.push(update.returning(Company::as_returning()));
    }
    let given = groups
        .iter()
        .filter_map(|(rows, changes)| Some((rows.first().map(|row| &row.custom), changes.custom_fields.as_deref()?)));
    custom_values::require_visible_anew(tx, Kind::COMPANY, given)?;
    let changed: Vec<Company> = execute_combined(tx.conn, updates).map_constraint(CONSTRAINTS)?;
    if !moved.is_empty() {
        check_parents(tx, moved)?;
    }
    records::tags::note(tx, changed.iter().map(|row| &row.tags))?;
    events::record_changes(tx, &rows_of(&groups), changed)
}

/// Finds the visible company that matches each item by external id, otherwise by domain. Of several companies with the
/// domain, the oldest matches. If the item has an unknown external id, only companies without one match by domain.
fn find_existing(tx: &mut Tx<'_>, list: &[&CompanyCreate]) -> Result<Vec<Option<Uuid>>> {
    let hidden = tx.actor.access.hides("companies", "domain");
    let domain = |new: &&CompanyCreate| new.domain.as_deref().filter(|_| !hidden).and_then(address::domain_in);
    if list.iter().any(|new| new.external_id.is_none() && domain(new).is_none()) {
        return Err(Error::member(
            "/external_id",
            FieldCode::Required,
            "external_id or domain is required to match records in an upsert",
        ));
    }
    let keys: Vec<&String> = list.iter().filter_map(|new| new.external_id.as_ref()).collect();
    let rows =
        in_workspace(tx.workspace()).filter(companies::external_id.eq_any(&keys)).filter(Company::visible_to(tx));
    let by_key: HashMap<Option<String>, Uuid> = rows
        .select((companies::external_id, companies::id))
        .load::<(Option<String>, Uuid)>(tx.conn)?
        .into_iter()
        .collect();
    let unknown = |new: &&CompanyCreate| new.external_id.is_none() || !by_key.contains_key(&new.external_id);
    let domains: Vec<String> = list.iter().filter(|new| unknown(new)).filter_map(domain).collect();
    let rows = in_workspace(tx.workspace()).filter(companies::domain.eq_any(domains)).filter(Company::visible_to(tx));
    let rows: Vec<(Option<String>, Uuid, Option<String>)> = rows
        .order((companies::created_at.desc(), companies::id.desc()))
        .select((companies::domain, companies::id, companies::external_id))
        .load(tx.conn)?;
    let of_domain = |keyless: bool| -> HashMap<Option<String>, Uuid> {
        let rows = rows.iter().filter(|(_, _, external)| !keyless || external.is_none());
        rows.map(|(domain, id, _)| (domain.clone(), *id)).collect()
    };
    let (by_domain, keyless) = (of_domain(false), of_domain(true));
    let one = |new: &&CompanyCreate| match &new.external_id {
        Some(_) if !unknown(new) => by_key.get(&new.external_id).copied(),
        Some(_) => keyless.get(&Some(domain(new)?)).copied(),
        None => by_domain.get(&Some(domain(new)?)).copied(),
    };
    let find_existing: Vec<Option<Uuid>> = list.iter().map(one).collect();
    let new = list.iter().zip(&find_existing).filter(|(_, id)| id.is_none());
    refuse_duplicate_domains(new.filter_map(|(new, _)| Some((domain(new)?, new.external_id.is_some()))))?;
    Ok(find_existing)
}

/// Fails if two new items have the same domain, unless both have an external id. The caller then processes the items
/// one by one, so that the second matches the first.
fn refuse_duplicate_domains(new: impl Iterator<Item = (String, bool)>) -> Result<()> {
    let mut visible_to: HashMap<String, bool> = HashMap::new();
    for (domain, keyed) in new {
        match visible_to.get(&domain) {
            Some(all_keyed) if !(*all_keyed && keyed) => return Err(Error::not_found()),
            Some(_) => {}
            None => drop(visible_to.insert(domain, keyed)),
        }
    }
    Ok(())
}
