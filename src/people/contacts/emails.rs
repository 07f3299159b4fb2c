//! Whose an e-mail address is: each belongs to one living contact of a workspace, first of its list or not. A table of its own, since no
//! index can say so of lists.
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::people::contacts::model::Contact;
use crate::schema::contact_emails as e;
use diesel::prelude::*;
use diesel::result::QueryResult;
use uuid::Uuid;

/// Notes that these addresses are these contacts'. In the order of the addresses, so that two who note many cannot wait for each other
/// in a circle.
pub fn claim<'c>(tx: &mut Tx<'_>, rows: impl IntoIterator<Item = &'c Contact>) -> QueryResult<()> {
    let mut pairs: Vec<(&str, Uuid)> =
        rows.into_iter().flat_map(|row| row.emails.0.iter().map(|email| (email.email.as_str(), row.id))).collect();
    if pairs.is_empty() {
        return Ok(());
    }
    pairs.sort_unstable();
    let row = |(email, contact): (&str, Uuid)| {
        (e::workspace_id.eq(tx.workspace()), e::email.eq(email.to_owned()), e::contact_id.eq(contact))
    };
    let rows: Vec<_> = pairs.into_iter().map(row).collect();
    diesel::insert_into(e::table).values(rows).execute(tx.conn).map(drop)
}

/// As `claim`, for contacts whose addresses have changed.
pub fn claim_anew<'c>(tx: &mut Tx<'_>, rows: impl Iterator<Item = &'c Contact> + Clone) -> QueryResult<()> {
    let ids: Vec<Uuid> = rows.clone().map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    diesel::delete(e::table.filter(e::workspace_id.eq(tx.workspace())).filter(e::contact_id.eq_any(ids)))
        .execute(tx.conn)?;
    claim(tx, rows)
}

/// Others may have the addresses of these contacts.
pub fn release(tx: &mut Tx<'_>, contacts: impl Iterator<Item = Uuid>) -> Result<()> {
    let these = e::contact_id.eq_any(contacts.collect::<Vec<_>>());
    diesel::delete(e::table.filter(e::workspace_id.eq(tx.workspace())).filter(these)).execute(tx.conn)?;
    Ok(())
}

/// Whether some contact has the address, seen by the caller or not.
pub fn is_taken(tx: &mut Tx<'_>, email: &str) -> Result<bool> {
    let held = e::table.find((tx.workspace(), email));
    Ok(diesel::select(diesel::dsl::exists(held)).get_result(tx.conn)?)
}
