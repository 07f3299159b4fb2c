//! What users did this month.
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::db::visibility;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::error::Result;
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::money::Money;
use crate::kernel::values::relative;
use crate::kernel::values::sums::{Sum, Sums};
use crate::kernel::values::time::day_start;
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The results of the current month, of records that the caller sees. Deals count for the owner at the time of closing,
/// leads for their owner, activities for their author, tasks for the user who completed them.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MonthFigures {
    pub from: NaiveDate,
    /// The first day of the next month.
    pub to: NaiveDate,
    pub deals_won: i64,
    /// By currency. Empty if the role hides values. Null if a sum exceeds the largest amount.
    pub won_value: Option<Vec<Money>>,
    pub deals_lost: i64,
    pub new_leads: i64,
    pub calls: i64,
    pub meetings: i64,
    pub visits: i64,
    pub tasks_done: i64,
}
impl NothingHidden for MonthFigures {}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    figure: String,
    #[diesel(sql_type = Nullable<Text>)]
    currency: Option<String>,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Text)]
    amount: Sum,
}

pub fn of_month(tx: &mut Tx<'_>, users: &[Uuid]) -> Result<MonthFigures> {
    let zone = tx.actor.settings.own_time_zone;
    let [from, to] = relative::period("this_month", zone).unwrap_or_default();
    let hidden = tx.actor.access.hides(Kind::DEAL.path(), "value");
    let (amount, currency) =
        if hidden { ("null::bigint", "null::text") } else { ("deals.value_amount", "deals.value_currency") };
    let mut statement = Statement::new(include_str!("figures.sql"))
        .set("workspace", Part::Id(tx.workspace()))
        .set("users", Part::Ids(users.to_vec()))
        .set("from", Part::At(day_start(from, zone)))
        .set("to", Part::At(day_start(to, zone)))
        .set("amount", Part::Sql(amount))
        .set("currency", Part::Sql(currency));
    for (name, kind) in
        [("deals", Kind::DEAL), ("leads", Kind::LEAD), ("tasks", Kind::TASK), ("activities", Kind::ACTIVITY)]
    {
        statement = statement.set(name, Part::Cond(visibility::readable(tx.actor, kind)));
    }
    let rows: Vec<Row> = statement.load(tx.conn)?;
    let count = |figure: &str| rows.iter().filter(|row| row.figure == figure).map(|row| row.count).sum();
    let mut won_value = Sums::default();
    rows.iter().for_each(|row| won_value.add(row.currency.as_deref(), row.amount));
    Ok(MonthFigures {
        from,
        to,
        deals_won: count("deals_won"),
        won_value: won_value.list().ok(),
        deals_lost: count("deals_lost"),
        new_leads: count("new_leads"),
        calls: count("call"),
        meetings: count("meeting"),
        visits: count("visit"),
        tasks_done: count("tasks_done"),
    })
}
