//! The contacts of a deal: the links behind its `contacts`, and the records whose next tasks depend on them.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::related::Related;
use crate::db::tx::Tx;
use crate::db::updates::Group;
use crate::kernel::error::Result;
use crate::sales::deals::model::{Deal, DealContact, DealUpdate};
use crate::schema::deal_contacts;
use diesel::prelude::*;
use uuid::Uuid;

const CONSTRAINTS: ConstraintRules = &[("deal_contacts_contact_id_fkey", ConstraintRule::Missing("/contacts"))];

/// Inserts links between deals and contacts.
pub fn link(tx: &mut Tx<'_>, links: &[(Uuid, &DealContact)]) -> Result<()> {
    if links.is_empty() {
        return Ok(());
    }
    let row = |(deal, contact): &(Uuid, &DealContact)| {
        (
            deal_contacts::workspace_id.eq(tx.workspace()),
            deal_contacts::deal_id.eq(*deal),
            deal_contacts::contact_id.eq(contact.contact_id),
            deal_contacts::role.eq(contact.role.clone()),
        )
    };
    let rows: Vec<_> = links.iter().map(row).collect();
    diesel::insert_into(deal_contacts::table).values(rows).execute(tx.conn).map_constraint(CONSTRAINTS)?;
    Ok(())
}

/// Replaces the links of the deals whose changes contain `contacts`.
pub fn relink(tx: &mut Tx<'_>, groups: &[Group<'_, Deal, DealUpdate>]) -> Result<()> {
    let given = groups.iter().filter_map(|(rows, changes)| Some((rows, changes.contacts.as_deref()?)));
    let given: Vec<(Uuid, &[DealContact])> =
        given.flat_map(|(rows, list)| rows.iter().map(move |row| (row.id, list))).collect();
    if given.is_empty() {
        return Ok(());
    }
    let ids = given.iter().map(|(id, _)| *id);
    let old = deal_contacts::table
        .filter(deal_contacts::workspace_id.eq(tx.workspace()))
        .filter(deal_contacts::deal_id.eq_any(ids));
    diesel::delete(old).execute(tx.conn)?;
    let links = given.iter().flat_map(|(id, list)| list.iter().map(|contact| (*id, contact)));
    link(tx, &links.collect::<Vec<_>>())
}

/// Returns the company and the contacts to which the tasks of a deal also belong.
fn belongs(deal: &Deal) -> Vec<Related> {
    let company = Related { company: deal.company_id, ..Related::default() };
    let contact = |link: &DealContact| Related { contact: Some(link.contact_id), ..Related::default() };
    std::iter::once(company).chain(deal.contacts.0.iter().map(contact)).collect()
}

/// Returns the companies and contacts whose next tasks may change because the company or the contacts of deals
/// changed.
pub fn moved(before: &[&Deal], after: &[Deal]) -> Vec<Related> {
    let both = |(before, after): (&&Deal, &Deal)| {
        let (before, after) = (belongs(before), belongs(after));
        if before == after { Vec::new() } else { [before, after].concat() }
    };
    before.iter().zip(after).flat_map(both).collect()
}
