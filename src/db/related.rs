//! What belongs to a record through another one: the leads and deals of a contact, the contacts of a company, the leads
//! of a deal. Timelines, next tasks and lists of tasks share these definitions.
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::db::visibility;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::Action;
use crate::kernel::access::next_task::VisibleNextTask;
use crate::kernel::error::Result;
use crate::kernel::fields::cond::Cond;
use crate::kernel::fields::field::{Field, field};
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::kernel::values::text_format::TextFormat;
use crate::kernel::values::time::day_start;
use crate::schema::{deals, tasks};
use chrono::NaiveDate;
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// The records that a task, activity or file is linked to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Related {
    pub contact: Option<Uuid>,
    pub company: Option<Uuid>,
    pub lead: Option<Uuid>,
    pub deal: Option<Uuid>,
}

/// The kinds between a record and what belongs to it.
const BETWEEN: [(Kind, &str); 3] = [(Kind::CONTACT, "contacts"), (Kind::LEAD, "leads"), (Kind::DEAL, "deals")];

/// Returns the SQL that selects what belongs to records of a kind, as `(kind, id)`.
fn text(kind: Kind) -> &'static str {
    match kind {
        Kind::CONTACT => include_str!("related/of_contact.sql"),
        Kind::COMPANY => include_str!("related/of_company.sql"),
        Kind::DEAL => include_str!("related/of_deal.sql"),
        _ => include_str!("related/of_lead.sql"),
    }
}

/// Selects records of a kind and what belongs to them, as far as the caller sees it.
pub fn of(actor: &Actor, kind: Kind, ids: &[Uuid]) -> Statement {
    let all = Statement::new(text(kind));
    let all = all.set("workspace", Part::Id(actor.workspace)).set("ids", Part::Ids(ids.to_vec()));
    BETWEEN.iter().fold(all, |all, (kind, name)| all.set(name, Part::Cond(visibility::readable(actor, *kind))))
}

/// Selects the rows of a table that are linked to the records of `related`; `more` is an additional condition.
pub fn hanging(workspace: Uuid, table: &'static str, columns: &'static str, more: Statement) -> Statement {
    Statement::new(include_str!("related/hanging.sql"))
        .set("workspace", Part::Id(workspace))
        .set("table", Part::Sql(table))
        .set("columns", Part::Sql(columns))
        .set("more", Part::Nested(Box::new(more)))
}

/// Returns the condition for tasks, activities or files that are linked to records or to what belongs to them.
pub fn work<T>(fields: &'static Fields<T>, actor: &Actor, kind: Kind, ids: &[Uuid]) -> Cond {
    const WORK: &str = "select hanging.id from (:related) related cross join lateral (:hanging) hanging";
    let hanging = hanging(actor.workspace, fields.kind.path(), "id", Statement::new("true"));
    let work = Statement::new(WORK)
        .set("related", Part::Nested(Box::new(of(actor, kind, ids))))
        .set("hanging", Part::Nested(Box::new(hanging)));
    Cond::Among((&fields.id).into(), Arc::new(work), 1)
}

/// Returns the condition for the contacts of deals that the caller sees.
pub fn people_of_deals<T>(fields: &'static Fields<T>, actor: &Actor, deals: &[Uuid]) -> Cond {
    const PEOPLE: &str = "select deal_contacts.contact_id from deal_contacts \
        join deals on deals.workspace_id = deal_contacts.workspace_id and deals.id = deal_contacts.deal_id \
        where deal_contacts.workspace_id = :workspace and deal_contacts.deal_id = any(:ids) and deals.deleted_at is null and (:deals)";
    let people = Statement::new(PEOPLE)
        .set("workspace", Part::Id(actor.workspace))
        .set("ids", Part::Ids(deals.to_vec()))
        .set("deals", Part::Cond(visibility::readable(actor, Kind::DEAL)));
    Cond::Among((&fields.id).into(), Arc::new(people), 1)
}

/// The fields of deals for conditions on contacts and companies.
pub static DEALS: [Field; 10] = [
    field("status", &deals::status).one_of(&["open", "won", "lost"]),
    field("pipeline_id", &deals::pipeline_id),
    field("stage_id", &deals::stage_id),
    field("owner_id", &deals::owner_id).to(Kind::USER),
    field("value", &deals::value_amount).at("value.amount").in_currency("currency"),
    field("currency", &deals::value_currency).at("value.currency").formatted(TextFormat::Currency),
    field("expected_close_date", &deals::expected_close_date),
    field("closed_at", &deals::closed_at),
    field("tags", &deals::tags),
    field("created_at", &deals::created_at),
];

/// Returns the condition that another condition holds for a record of `kind` one step away that the caller sees.
pub fn having(field: &'static Field, found: &'static str, actor: &Actor, kind: Kind, asked: Cond) -> Cond {
    let cost = 1 + asked.cost();
    let found = Statement::new(found)
        .set("workspace", Part::Id(actor.workspace))
        .set("seen", Part::Cond(visibility::readable(actor, kind)))
        .set("asked", Part::Cond(asked));
    Cond::Among(field.into(), Arc::new(found), cost)
}

pub const COMPANIES: &str = "select companies.id from companies \
    where companies.workspace_id = :workspace and companies.deleted_at is null and (:seen) and (:asked)";
pub const CONTACTS: &str = "select contacts.id from contacts \
    where contacts.workspace_id = :workspace and contacts.deleted_at is null and (:seen) and (:asked)";
pub const CONTACTS_OF_COMPANIES: &str = "select contacts.company_id from contacts \
    where contacts.workspace_id = :workspace and contacts.deleted_at is null and (:seen) and (:asked)";
pub const DEALS_OF_COMPANIES: &str = "select deals.company_id from deals \
    where deals.workspace_id = :workspace and deals.deleted_at is null and (:seen) and (:asked)";
pub const DEALS_OF_CONTACTS: &str = "select deal_contacts.contact_id from deal_contacts \
    join deals on deals.workspace_id = deal_contacts.workspace_id and deals.id = deal_contacts.deal_id \
    where deal_contacts.workspace_id = :workspace and deals.deleted_at is null and (:seen) and (:asked)";
pub const CONTACTS_OF_DEALS: &str = "select deal_contacts.deal_id from deal_contacts \
    join contacts on contacts.workspace_id = deal_contacts.workspace_id and contacts.id = deal_contacts.contact_id \
    where deal_contacts.workspace_id = :workspace and contacts.deleted_at is null and (:seen) and (:asked)";

/// Returns the condition for the records that imports created or changed. Imports that the caller does not see match
/// nothing.
pub fn imported<T>(fields: &'static Fields<T>, actor: &Actor, imports: &[Uuid]) -> Cond {
    const IMPORTED: &str = "select import_records.record_id from import_records \
        join imports on imports.workspace_id = import_records.workspace_id and imports.id = import_records.import_id \
        where import_records.workspace_id = :workspace and import_records.import_id = any(:ids) \
        and import_records.kind = :kind and (:seen)";
    let imported = Statement::new(IMPORTED)
        .set("workspace", Part::Id(actor.workspace))
        .set("ids", Part::Ids(imports.to_vec()))
        .set("kind", Part::Text(fields.kind.as_str().to_owned()))
        .set("seen", Part::Cond(visibility::readable(actor, Kind::IMPORT)));
    Cond::Among((&fields.id).into(), Arc::new(imported), 1)
}

/// Declares the link to the imports of a resource: `import_link!(DEAL)`.
#[macro_export]
macro_rules! import_link {
    ($fields:ident) => {
        $crate::kernel::query::fields::Link {
            name: "import_id",
            by: $crate::kernel::query::fields::LinkedBy::Seen(|actor, imports| {
                $crate::db::related::imported(&$fields, actor, imports)
            }),
            includes: &[],
        }
    };
}

/// Declares a link to records one step away:
/// `related_records!("company", COMPANY.all, COMPANY by &COMPANY_ID, in COMPANIES)`.
#[macro_export]
macro_rules! related_records {
    ($name:literal, $fields:expr, $kind:ident by $field:expr, in $found:ident) => {
        $crate::kernel::query::fields::Link {
            name: $name,
            by: $crate::kernel::query::fields::LinkedBy::Records {
                kind: $crate::kernel::fields::kind::Kind::$kind,
                fields: || $fields,
                found: |actor, asked| {
                    $crate::db::related::having(
                        $field,
                        $crate::db::related::$found,
                        actor,
                        $crate::kernel::fields::kind::Kind::$kind,
                        asked,
                    )
                },
            },
            includes: &[],
        }
    };
}

/// Declares the links of a resource whose records are linked to contacts, companies, leads and deals, and others.
#[macro_export]
macro_rules! related_links {
    ($fields:ident, always $always:literal $(, $other:expr)*) => {
        [
            $crate::related_links!(@ $fields, $always, "contact_id", CONTACT),
            $crate::related_links!(@ $fields, $always, "company_id", COMPANY),
            $crate::related_links!(@ $fields, $always, "deal_id", DEAL),
            $($other,)*
        ]
    };
    (@ $fields:ident, $always:literal, $name:literal, $kind:ident) => {
        $crate::kernel::query::fields::Link {
            name: $name,
            by: $crate::kernel::query::fields::LinkedBy::Related {
                to: $crate::kernel::fields::kind::Kind::$kind,
                always: $always,
                work: |actor, kind, ids| $crate::db::related::work(&$fields, actor, kind, ids),
            },
            includes: &[],
        }
    };
}

/// For a caller with limited visibility, returns SQL without binds that selects a record's first visible open task.
/// A task is visible with its record, but only with the permission to read tasks.
pub fn visible_next_task(actor: &Actor) -> Option<VisibleNextTask> {
    if actor.require_read(Kind::TASK.path()).is_err() {
        return Some(Box::new(|_| None));
    }
    let owners = BETWEEN.map(|(kind, name)| {
        let readable = actor.require_read(kind.path()).is_ok();
        let owners = if readable { visibility::owners(actor, kind, Action::Read) } else { Some(Vec::new()) };
        (name, owners)
    });
    if owners.iter().all(|(_, owners)| owners.is_none()) {
        return None;
    }
    let sees =
        owners.map(|(name, owners)| (name, owners.map_or_else(|| not_deleted(name), |list| owned_by(name, &list))));
    Some(Box::new(move |kind| {
        let first = include_str!("related/first_task.sql").replace(":related", text(kind));
        let first = sees.iter().fold(first, |sql, (name, seen)| sql.replace(&format!(":{name}"), seen));
        let table = kind.path();
        let first = first.replace(":workspace", &format!("{table}.workspace_id"));
        Some(first.replace(":ids", &format!("array[{table}.id]")))
    }))
}

/// Returns the condition that excludes deleted records.
fn not_deleted(table: &str) -> String {
    format!("{table}.deleted_at is null")
}

fn owned_by(table: &str, owners: &[Uuid]) -> String {
    let list = owners.iter().map(Uuid::to_string).collect::<Vec<_>>().join(",");
    format!("{table}.deleted_at is null and {table}.owner_id = any('{{{list}}}'::uuid[])")
}

/// Updates the next task of some records of a kind.
pub fn refresh(tx: &mut Tx<'_>, kind: Kind, ids: impl IntoIterator<Item = Uuid>) -> Result<()> {
    let ids: Vec<Uuid> = ids.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    if ids.is_empty() {
        return Ok(());
    }
    let workspace = tx.workspace();
    let set = |text| Statement::new(text).set("workspace", Part::Id(workspace));
    let one = set(text(kind)).set("ids", Part::Sql("array[record.id]"));
    let one = one.set("contacts", Part::Sql("contacts.deleted_at is null"));
    let one = one.set("leads", Part::Sql("leads.deleted_at is null"));
    let one = one.set("deals", Part::Sql("deals.deleted_at is null"));
    let first = set(include_str!("related/first_task.sql")).set("related", Part::Nested(Box::new(one)));
    for text in [include_str!("related/lock.sql"), include_str!("related/next_task.sql")] {
        set(text)
            .set("table", Part::Sql(kind.table()))
            .set("ids", Part::Ids(ids.clone()))
            .set("first", Part::Nested(Box::new(first.clone())))
            .execute(tx.conn)?;
    }
    Ok(())
}

/// The kinds with a next task, in the order in which their rows are locked.
const SHOWING: [Kind; 4] = [Kind::LEAD, Kind::DEAL, Kind::CONTACT, Kind::COMPANY];

#[derive(QueryableByName)]
struct Showing {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Updates the next task of all records that may show a task linked to these.
pub fn refresh_all(tx: &mut Tx<'_>, list: &[Related]) -> Result<()> {
    let ids = |of: fn(&Related) -> Option<Uuid>| Part::Ids(list.iter().filter_map(of).collect());
    if list.iter().all(|one| *one == Related::default()) {
        return Ok(());
    }
    let showing: Vec<Showing> = Statement::new(include_str!("related/shown_by.sql"))
        .set("workspace", Part::Id(tx.workspace()))
        .set("contacts", ids(|one| one.contact))
        .set("companies", ids(|one| one.company))
        .set("leads", ids(|one| one.lead))
        .set("deals", ids(|one| one.deal))
        .load(tx.conn)?;
    for kind in SHOWING {
        refresh(tx, kind, showing.iter().filter(|one| one.kind == kind.as_str()).map(|one| one.id))?;
    }
    Ok(())
}

const MOVED: &str = "update tasks set due_end = moved.due_end \
    from unnest(:days::date[], :ends::timestamptz[]) moved (due_date, due_end) \
    where tasks.workspace_id = :workspace and tasks.due_date = moved.due_date";

/// Sets the time of the next reminder of some tasks. Reminders in the past are left out.
pub fn schedule_reminders(tx: &mut Tx<'_>, zone: Tz, which: Statement) -> Result<()> {
    Statement::new(include_str!("related/next_reminder.sql"))
        .set("workspace", Part::Id(tx.workspace()))
        .set("zone", Part::Text(zone.name().to_owned()))
        .set("now", Part::At(tx.now))
        .set("which", Part::Nested(Box::new(which)))
        .execute(tx.conn)?;
    Ok(())
}

/// Updates the due times of all-day tasks after a change of the workspace's time zone.
pub fn move_days(tx: &mut Tx<'_>, zone: Tz) -> Result<()> {
    let all_day = tasks::table.filter(tasks::workspace_id.eq(tx.workspace())).filter(tasks::due_date.is_not_null());
    let days: Vec<Option<NaiveDate>> = all_day.select(tasks::due_date).distinct().load(tx.conn)?;
    let days: Vec<NaiveDate> = days.into_iter().flatten().collect();
    let end = |day: &NaiveDate| day.succ_opt().map(|next| day_start(next, zone).to_string()).unwrap_or_default();
    Statement::new(MOVED)
        .set("workspace", Part::Id(tx.workspace()))
        .set("days", Part::Texts(days.iter().map(NaiveDate::to_string).collect()))
        .set("ends", Part::Texts(days.iter().map(end).collect()))
        .execute(tx.conn)?;
    let reminding = "tasks.due_date is not null and tasks.reminders <> '[]' and tasks.status = 'open'";
    schedule_reminders(tx, zone, Statement::new(reminding))?;
    let open = all_day.filter(tasks::status.eq("open")).filter(tasks::deleted_at.is_null());
    let links = (tasks::contact_id, tasks::company_id, tasks::lead_id, tasks::deal_id);
    let links: Vec<[Option<Uuid>; 4]> = open
        .select(links)
        .distinct()
        .load::<(_, _, _, _)>(tx.conn)?
        .into_iter()
        .map(<[Option<Uuid>; 4]>::from)
        .collect();
    let related = links.into_iter().map(|[contact, company, lead, deal]| Related { contact, company, lead, deal });
    refresh_all(tx, &related.collect::<Vec<_>>())
}
