//! The line items of a deal in the database.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::table::{Expected, Stored};
use crate::db::tx::Tx;
use crate::kernel::access::actor::Actor;
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::values::money::{Money, columns};
use crate::sales::deals::line_items::{
    LineItem, LineItemInput, LineItemList, LineItemReplacement, Listed, line_total, price,
};
use crate::sales::deals::model::Deal;
use crate::schema::{deals, line_items, products};
use diesel::prelude::*;
use uuid::Uuid;

#[derive(Insertable)]
#[diesel(table_name = line_items, treat_none_as_default_value = false)]
struct NewRow {
    workspace_id: Uuid,
    id: Uuid,
    deal_id: Uuid,
    position: i32,
    product_id: Uuid,
    quantity: i32,
    price_amount: i64,
    price_currency: String,
    discount_percent: i32,
}

const CONSTRAINTS: ConstraintRules = &[("line_items_product_id_fkey", ConstraintRule::Missing("/line_items"))];

/// Loads the prices of the products of the items. A deleted product is accepted only if the deal already contains it
/// (`kept`).
pub fn listed<'i>(
    tx: &mut Tx<'_>,
    items: impl Iterator<Item = &'i LineItemInput>,
    kept: &[Uuid],
) -> Result<Vec<Listed>> {
    let ids: Vec<Uuid> = items.map(|item| item.product_id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(products::table
        .filter(products::workspace_id.eq(tx.workspace()))
        .filter(products::id.eq_any(&ids))
        .filter(products::deleted_at.is_null().or(products::id.eq_any(kept)))
        .select((products::id, products::price_amount, products::price_currency))
        .load(tx.conn)?)
}

/// Inserts items with their prices. Each tuple contains the deal, the position, the item and its price.
pub fn insert(tx: &mut Tx<'_>, items: &[(Uuid, i32, &LineItemInput, Money)]) -> Result<()> {
    let row = |(deal, position, item, price): &(Uuid, i32, &LineItemInput, Money)| NewRow {
        workspace_id: tx.workspace(),
        id: Uuid::now_v7(),
        deal_id: *deal,
        position: *position,
        product_id: item.product_id,
        quantity: item.quantity.unwrap_or(1),
        price_amount: price.amount,
        price_currency: price.currency.clone(),
        discount_percent: item.discount_percent.unwrap_or(0),
    };
    let rows: Vec<NewRow> = items.iter().map(row).collect();
    for part in rows.chunks(5_000) {
        diesel::insert_into(line_items::table).values(part).execute(tx.conn).map_constraint(CONSTRAINTS)?;
    }
    Ok(())
}

pub fn remove_all(tx: &mut Tx<'_>, deal: Uuid) -> Result<()> {
    diesel::delete(
        line_items::table.filter(line_items::workspace_id.eq(tx.workspace())).filter(line_items::deal_id.eq(deal)),
    )
    .execute(tx.conn)?;
    Ok(())
}

pub fn of_deal(tx: &mut Tx<'_>, deal: Uuid) -> Result<LineItemList> {
    let rows: Vec<(Uuid, Uuid, i32, i64, String, i32)> = line_items::table
        .filter(line_items::workspace_id.eq(tx.workspace()))
        .filter(line_items::deal_id.eq(deal))
        .order((line_items::position, line_items::id))
        .select((
            line_items::id,
            line_items::product_id,
            line_items::quantity,
            line_items::price_amount,
            line_items::price_currency,
            line_items::discount_percent,
        ))
        .load(tx.conn)?;
    let item = |(id, product_id, quantity, amount, currency, discount_percent): (Uuid, Uuid, i32, i64, String, i32)| {
        let total = line_total(quantity, amount, discount_percent).unwrap_or(i64::MAX);
        let total = Money { amount: total, currency: currency.clone() };
        LineItem { id, product_id, quantity, price: Money { amount, currency }, discount_percent, total }
    };
    let data: Vec<LineItem> = rows.into_iter().map(item).collect();
    let total = data.first().map(|first| Money {
        amount: data.iter().map(|item| item.total.amount).fold(0, i64::saturating_add),
        currency: first.price.currency.clone(),
    });
    Ok(LineItemList { data, total })
}

/// The line items of a deal before and after a replacement, and the new version of the deal.
pub struct Lines {
    pub version: i64,
    pub before: LineItemList,
    pub now: LineItemList,
}

/// Replaces the line items of a deal, and its value unless `set_value` is false.
pub fn replace(tx: &mut Tx<'_>, id: Uuid, expected: Expected, given: &LineItemReplacement) -> Result<Lines> {
    let before = Deal::lock(tx, id, expected)?;
    let current = of_deal(tx, id)?;
    let kept: Vec<Uuid> = current.data.iter().map(|item| item.product_id).collect();
    let listed = listed(tx, given.line_items.iter(), &kept)?;
    let (prices, total) = price(&listed, &given.line_items)?;
    let old_value = before.value.0.get();
    let new_value = if given.set_value == Some(false) { old_value.clone() } else { total };
    let same = current.says(&given.line_items, &prices);
    if same && new_value == old_value {
        return Ok(Lines { version: before.version, before: current.clone(), now: current });
    }
    // Unchanged items keep their ids.
    if !same {
        remove_all(tx, id)?;
        let numbered = (1..).zip(given.line_items.iter().zip(prices));
        let items: Vec<_> = numbered.map(|(position, (item, price))| (id, position, item, price)).collect();
        insert(tx, &items)?;
    }
    let (amount, currency) = columns(new_value.as_ref());
    let value = (deals::value_amount.eq(amount), deals::value_currency.eq(currency));
    let after: Deal = diesel::update(deals::table.find((tx.workspace(), id)))
        .set((value, deals::version.eq(before.version + 1), deals::updated_at.eq(tx.now)))
        .returning(Deal::as_returning())
        .get_result(tx.conn)?;
    tx.record(Event::changed("line_items_changed", &before, &after)?);
    let now = if same { current.clone() } else { of_deal(tx, id)? };
    Ok(Lines { version: after.version, before: current, now })
}

/// Refuses line items to a caller whose role hides the value of deals, because the items reveal it.
pub fn require_shown(actor: &Actor) -> Result<()> {
    if actor.access.hides("deals", "value") {
        return Err(Error::new(Code::Forbidden, "your role hides the value of deals"));
    }
    Ok(())
}
