//! The cards of a board.
use crate::db::refs;
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::db::visibility;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::next_task::{LoadedTask, NextTaskState};
use crate::kernel::answers::included::RecordRef;
use crate::kernel::error::Result;
use crate::kernel::fields::cond::Cond;
use crate::kernel::fields::field::ColumnOf;
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::kernel::query::plan::Plan;
use crate::kernel::values::money::Money;
use crate::kernel::values::time::DateTime;
use crate::sales::{attention, deals, leads};
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// A deal or lead on a board. Names that you may not see are null.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BoardCard {
    pub id: Uuid,
    pub number: String,
    pub title: String,
    pub value: Option<Money>,
    /// The deal's own probability.
    pub probability_percent: Option<i32>,
    /// The expected close date of a deal, or the day to come back to a lead.
    pub day: Option<NaiveDate>,
    /// The rating of a lead.
    pub rating: Option<String>,
    pub owner: Option<RecordRef>,
    /// The contact of a lead, or the first contact of a deal.
    pub contact: Option<RecordRef>,
    pub company: Option<RecordRef>,
    /// The name of the person of a lead without a contact.
    pub person_name: Option<String>,
    pub next_task: Option<CardTask>,
    /// As the filter `rotting` of the list.
    pub rotting: bool,
    pub tags: Vec<String>,
    /// The place in the column: a lower number is higher up.
    pub board_position: i64,
    pub stage_entered_at: DateTime,
    pub last_activity_at: DateTime,
    pub version: i64,
}

/// The open task that is due first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CardTask {
    pub id: Uuid,
    pub title: String,
    /// An all-day task is due at the end of its day.
    pub due_at: Option<DateTime>,
    pub due_date: Option<NaiveDate>,
    pub state: NextTaskState,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    stage_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    number: String,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    amount: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    currency: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    probability_percent: Option<i32>,
    #[diesel(sql_type = Nullable<Date>)]
    day: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Text>)]
    rating: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    person_name: Option<String>,
    #[diesel(sql_type = Array<Nullable<Text>>)]
    tags: Vec<Option<String>>,
    #[diesel(sql_type = BigInt)]
    board_position: i64,
    #[diesel(sql_type = Timestamptz)]
    stage_entered_at: DateTime,
    #[diesel(sql_type = Timestamptz)]
    last_activity_at: DateTime,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Bool)]
    rotting: bool,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    owner_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    owner_name: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    contact_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    contact_name: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    company_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    company_name: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    task_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    task_title: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    task_due: Option<DateTime>,
    #[diesel(sql_type = Nullable<Date>)]
    task_day: Option<NaiveDate>,
}

impl From<Row> for BoardCard {
    fn from(row: Row) -> BoardCard {
        let named = |id: Option<Uuid>, name: Option<String>| id.zip(name).map(|(id, name)| RecordRef { id, name });
        let due = LoadedTask::of((row.task_id, row.task_due, row.task_day)).into_inner();
        let next_task = due.zip(row.task_title).map(|(task, title)| CardTask {
            id: task.id,
            title,
            due_at: task.due_at,
            due_date: task.due_date,
            state: task.state,
        });
        BoardCard {
            id: row.id,
            number: row.number,
            title: row.title,
            value: row.amount.zip(row.currency).map(|(amount, currency)| Money { amount, currency }),
            probability_percent: row.probability_percent,
            day: row.day,
            rating: row.rating,
            owner: named(row.owner_id, row.owner_name),
            contact: named(row.contact_id, row.contact_name),
            company: named(row.company_id, row.company_name),
            person_name: row.person_name,
            next_task,
            rotting: row.rotting,
            tags: row.tags.into_iter().flatten().collect(),
            board_position: row.board_position,
            stage_entered_at: row.stage_entered_at,
            last_activity_at: row.last_activity_at,
            version: row.version,
        }
    }
}

/// The expressions of a card that differ between deals and leads.
fn with_members(statement: Statement, kind: Kind, actor: &Actor) -> Statement {
    let shows = |member: &str, column: &'static str, null: &'static str| {
        Part::Sql(if actor.access.hides(kind.path(), member) { null } else { column })
    };
    if kind == Kind::DEAL {
        return statement
            .set("amount", shows("value", "deals.value_amount", "null::bigint"))
            .set("currency", shows("value", "deals.value_currency", "null::text"))
            .set("probability", shows("probability_percent", "deals.probability_percent", "null::int"))
            .set("day", Part::Sql("deals.expected_close_date"))
            .set("rating", Part::Sql("null::text"))
            .set("person", Part::Sql("null::text"))
            .set("contact", Part::Sql("(deals.contacts -> 0 ->> 'contact_id')::uuid"))
            .set("next_task", Part::Fragment(Arc::new(ColumnOf(&deals::model::NEXT_TASK.id))))
            .set("rotting", Part::Cond(attention::rotting_deals(actor)));
    }
    statement
        .set("amount", shows("value", "leads.value_amount", "null::bigint"))
        .set("currency", shows("value", "leads.value_currency", "null::text"))
        .set("probability", Part::Sql("null::int"))
        .set("day", Part::Sql("leads.come_back_on"))
        .set("rating", Part::Sql("leads.rating"))
        .set("person", shows("person", "leads.person ->> 'name'", "null::text"))
        .set("contact", Part::Sql("leads.contact_id"))
        .set("next_task", Part::Fragment(Arc::new(ColumnOf(&leads::model::NEXT_TASK.id))))
        .set("rotting", Part::Cond(attention::rotting_leads(actor)))
}

/// Loads the first cards of each of these stages, and one more if there are more. `plan` lists the records of all of them
/// in the order of the board.
pub fn first<T>(
    tx: &mut Tx<'_>,
    fields: &'static Fields<T>,
    stages: Vec<Uuid>,
    plan: &Plan<T>,
    seen: &Cond,
) -> Result<HashMap<Uuid, Vec<BoardCard>>> {
    let workspace = tx.workspace();
    let chosen = Statement::new(include_str!("first_cards.sql"))
        .set("stages", Part::Ids(stages))
        .set("table", Part::Sql(fields.kind.table()))
        .set("workspace", Part::Id(workspace))
        .set("seen", Part::Cond(seen.clone()))
        .set("filter", Part::Cond(plan.filter.fragment().clone()))
        .set("after", Part::Fragment(Arc::new(plan.seek.fragment().clone())))
        .set("order", Part::Fragment(Arc::new(plan.order.fragment().clone())))
        .set("limit", Part::Int(plan.limit + 1));
    let mut statement = with_members(Statement::new(include_str!("cards.sql")), fields.kind, tx.actor)
        .set("table", Part::Sql(fields.kind.table()))
        .set("workspace", Part::Id(workspace))
        .set("contact_name", Part::Sql(refs::name_column(tx.actor, Kind::CONTACT).unwrap_or("null::text")))
        .set("chosen", Part::Nested(Box::new(chosen)));
    for (name, kind) in
        [("contacts", Kind::CONTACT), ("companies", Kind::COMPANY), ("users", Kind::USER), ("tasks", Kind::TASK)]
    {
        statement = statement.set(name, Part::Cond(visibility::readable(tx.actor, kind)));
    }
    let rows: Vec<Row> = statement.load(tx.conn)?;
    let mut cards: HashMap<Uuid, Vec<BoardCard>> = HashMap::new();
    for row in rows {
        cards.entry(row.stage_id).or_default().push(row.into());
    }
    Ok(cards)
}
