//! The contacts of deals as links, from which the deals of a contact are found.
use crate::db::constraint::{Explain, Meaning, Meanings};
use crate::db::tx::Tx;
use crate::db::updates::Group;
use crate::kernel::error::Result;
use crate::sales::deals::model::{Deal, DealContact, DealUpdate};
use crate::schema::deal_contacts;
use diesel::prelude::*;
use uuid::Uuid;

const MEANINGS: Meanings = &[("deal_contacts_contact_id_fkey", Meaning::Missing("/contacts"))];

pub fn insert(tx: &mut Tx<'_>, links: &[(Uuid, &DealContact)]) -> Result<()> {
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
    diesel::insert_into(deal_contacts::table).values(rows).execute(tx.conn).explain(MEANINGS)?;
    Ok(())
}

/// The contacts of the deals whose list of them was given.
pub fn replace(tx: &mut Tx<'_>, groups: &[Group<'_, Deal, DealUpdate>]) -> Result<()> {
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
    insert(tx, &links.collect::<Vec<_>>())
}
