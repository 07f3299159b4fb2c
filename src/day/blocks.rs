//! The blocks of a day. Each is an ordinary list query: its total and first records come from the same filter that a
//! client gets to list the rest.
use crate::db::refs;
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::db::visibility;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::answers::included::RecordRef;
use crate::kernel::error::Result;
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::kernel::values::money::Money;
use crate::kernel::values::time::DateTime;
use crate::sales::deals::model::DEAL;
use crate::sales::leads::model::LEAD;
use crate::work::tasks::model::TASK;
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// A list of records that need attention: how many, and the first of them.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct AttentionBlock {
    /// The number of records, exact up to 10,000.
    pub total: i64,
    /// Whether counting stopped at 10,000.
    pub total_capped: bool,
    /// The list query that returns all of them, in the same order.
    #[schema(example = "/api/v1/deals?status=open&rotting=true&owner_id=me&sort=last_activity_at")]
    pub list: String,
    pub items: Vec<AttentionItem>,
}
impl NothingHidden for AttentionBlock {}

/// A task, lead or deal that needs attention. Names that the caller may not see are null.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AttentionItem {
    /// `tasks`, `leads` or `deals`.
    pub resource: String,
    pub id: Uuid,
    pub title: String,
    /// The type of a task.
    pub r#type: Option<String>,
    /// The owner of the record, or the assignee of the task.
    pub owner_id: Option<Uuid>,
    /// Since when the record needs attention; for a task that is not overdue, when it is due.
    pub since: Option<DateTime>,
    /// The day of an all-day task, the day to come back, or the expected close date.
    pub day: Option<NaiveDate>,
    pub stage_id: Option<Uuid>,
    pub value: Option<Money>,
    pub contact: Option<RecordRef>,
    pub company: Option<RecordRef>,
    /// The lead of a task.
    pub lead: Option<RecordRef>,
    /// The deal of a task.
    pub deal: Option<RecordRef>,
    /// The name of the person of a lead without a contact.
    pub person_name: Option<String>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    block: String,
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    title: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    owner_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    since: Option<DateTime>,
    #[diesel(sql_type = Nullable<Date>)]
    day: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Text>)]
    #[diesel(column_name = "type")]
    type_: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    stage_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<BigInt>)]
    amount: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    currency: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    contact_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    contact_name: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    company_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    company_name: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    lead_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    lead_title: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    deal_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    deal_title: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    person_name: Option<String>,
}

/// Totals are exact up to this number, as in lists.
const TOTAL_MAX: i64 = 10_000;

impl Row {
    fn item(self, kind: Kind) -> Option<AttentionItem> {
        let named = |id: Option<Uuid>, name: Option<String>| id.zip(name).map(|(id, name)| RecordRef { id, name });
        Some(AttentionItem {
            resource: kind.path().into(),
            id: self.id?,
            title: self.title?,
            r#type: self.type_,
            owner_id: self.owner_id,
            since: self.since,
            day: self.day,
            stage_id: self.stage_id,
            value: self.amount.zip(self.currency).map(|(amount, currency)| Money { amount, currency }),
            contact: named(self.contact_id, self.contact_name),
            company: named(self.company_id, self.company_name),
            lead: named(self.lead_id, self.lead_title),
            deal: named(self.deal_id, self.deal_title),
            person_name: self.person_name,
        })
    }
}

/// A block: its name in the answer, and the query of its list without the owner.
pub type Asked = (&'static str, &'static str);

pub const TASKS: [Asked; 4] = [
    ("overdue_tasks", "status=open&due_end__lt=now&sort=due_end"),
    ("today_tasks", "status=open&due_end__gte=now&due_end=today&sort=due_end"),
    ("next_tasks", "status=open&due_end__gte=today%2B1d&due_end__lt=today%2B8d&sort=due_end"),
    ("undated_tasks", "status=open&due_end__empty=true&sort=created_at"),
];

pub const LEADS: [Asked; 4] = [
    ("come_back_leads", "status=open&come_back_on__lte=today&sort=come_back_on"),
    ("hot_leads", "status=open&rating=hot&untouched_since=today-2d&sort=last_activity_at"),
    ("unanswered_leads", "unanswered=true&status=open&sort=created_at"),
    ("rotting_leads", "status=open&rotting=true&sort=last_activity_at"),
];

pub const DEALS: [Asked; 3] = [
    ("rotting_deals", "status=open&rotting=true&sort=last_activity_at"),
    ("deals_without_task", "status=open&has_next_task=false&sort=last_activity_at"),
    ("past_close_deals", "status=open&expected_close_date__lt=today&sort=expected_close_date"),
];

/// Whose day it is, and how many items each block shows.
#[derive(Clone, Debug)]
pub struct Asking {
    pub users: Vec<Uuid>,
    pub limit: i64,
}

pub type Blocks = HashMap<String, AttentionBlock>;

/// Returns the blocks of tasks; none if the caller may not read tasks.
pub fn tasks(tx: &mut Tx<'_>, asking: &Asking) -> Result<Option<Blocks>> {
    load(tx, &TASK, "assignee_id", &TASKS, asking, Statement::new(include_str!("tasks.sql")))
}

pub fn leads(tx: &mut Tx<'_>, asking: &Asking) -> Result<Option<Blocks>> {
    let statement = with_value(tx.actor, Statement::new(include_str!("leads.sql")), Kind::LEAD);
    let shown = !tx.actor.access.hides(Kind::LEAD.path(), "person");
    let person = if shown { "leads.person ->> 'name'" } else { "null::text" };
    load(tx, &LEAD, "owner_id", &LEADS, asking, statement.set("person", Part::Sql(person)))
}

pub fn deals(tx: &mut Tx<'_>, asking: &Asking) -> Result<Option<Blocks>> {
    let statement = with_value(tx.actor, Statement::new(include_str!("deals.sql")), Kind::DEAL);
    load(tx, &DEAL, "owner_id", &DEALS, asking, statement)
}

/// Sets the columns of the value, which a role can hide.
fn with_value(actor: &Actor, statement: Statement, kind: Kind) -> Statement {
    let (amount, currency) = match kind {
        _ if actor.access.hides(kind.path(), "value") => ("null::bigint", "null::text"),
        Kind::LEAD => ("leads.value_amount", "leads.value_currency"),
        _ => ("deals.value_amount", "deals.value_currency"),
    };
    statement.set("amount", Part::Sql(amount)).set("currency", Part::Sql(currency))
}

fn load<T>(
    tx: &mut Tx<'_>,
    fields: &'static Fields<T>,
    owner: &str,
    asked: &[Asked],
    asking: &Asking,
    statement: Statement,
) -> Result<Option<Blocks>> {
    if tx.actor.require_read(fields.kind.path()).is_err() {
        return Ok(None);
    }
    if asking.users.is_empty() {
        return Ok(Some(Blocks::new()));
    }
    let users = asking.users.iter().map(Uuid::to_string).collect::<Vec<_>>().join(",");
    let (mut blocks, mut union) = (Blocks::new(), Vec::new());
    for (name, query) in asked {
        let query = format!("{query}&{owner}={users}");
        union.push(block(tx.actor, fields, name, &query, asking.limit)?);
        let list = format!("/api/v1/{}?{query}", fields.kind.path());
        blocks.insert((*name).to_owned(), AttentionBlock { list, ..AttentionBlock::default() });
    }
    let Some(union) = union.into_iter().reduce(Statement::union_all) else { return Ok(Some(blocks)) };
    let mut statement = statement
        .set("workspace", Part::Id(tx.workspace()))
        .set("zone", Part::Text(tx.actor.settings.own_time_zone.name().to_owned()))
        .set("contact_name", Part::Sql(refs::name_column(tx.actor, Kind::CONTACT).unwrap_or("null::text")))
        .set("blocks", Part::Nested(Box::new(union)));
    for (name, kind) in
        [("contacts", Kind::CONTACT), ("companies", Kind::COMPANY), ("leads", Kind::LEAD), ("deals", Kind::DEAL)]
    {
        statement = statement.set(name, Part::Cond(visibility::readable(tx.actor, kind)));
    }
    let rows: Vec<Row> = statement.load(tx.conn)?;
    for row in rows {
        let Some(block) = blocks.get_mut(&row.block) else { continue };
        block.total = row.total.min(TOTAL_MAX);
        block.total_capped = row.total > TOTAL_MAX;
        block.items.extend(row.item(fields.kind));
    }
    Ok(Some(blocks))
}

/// Selects the total and the first ids of a list query.
fn block<T>(
    actor: &Actor,
    fields: &'static Fields<T>,
    name: &'static str,
    query: &str,
    limit: i64,
) -> Result<Statement> {
    let plan = fields.plan(query, actor)?;
    Ok(Statement::new(include_str!("block.sql"))
        .set("block", Part::Text(name.to_owned()))
        .set("table", Part::Sql(fields.kind.table()))
        .set("workspace", Part::Id(actor.workspace))
        .set("seen", Part::Cond(visibility::readable(actor, fields.kind)))
        .set("filter", Part::Cond(plan.filter.into_fragment()))
        .set("order", Part::Fragment(Arc::new(plan.order.into_fragment())))
        .set("limit", Part::Int(limit))
        .set("most", Part::Int(TOTAL_MAX + 1)))
}
