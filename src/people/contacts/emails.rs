//! Makes e-mail addresses unique: each belongs to one contact of a workspace that is not deleted, whatever its position
//! in the list. This needs a separate table, because a unique index cannot cover a JSON list.
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::people::contacts::model::Contact;
use crate::schema::contact_emails as e;
use diesel::prelude::*;
use diesel::result::QueryResult;
use uuid::Uuid;

/// Claims the addresses of new contacts. Inserts them in order to avoid deadlocks.
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

/// Like `claim`, for contacts whose addresses have changed.
pub fn claim_anew<'c>(tx: &mut Tx<'_>, rows: impl Iterator<Item = &'c Contact> + Clone) -> QueryResult<()> {
    let ids: Vec<Uuid> = rows.clone().map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    diesel::delete(e::table.filter(e::workspace_id.eq(tx.workspace())).filter(e::contact_id.eq_any(ids)))
        .execute(tx.conn)?;
    claim(tx, rows)
}

/// Releases the addresses of contacts, so that other contacts can have them.
pub fn release(tx: &mut Tx<'_>, contacts: impl Iterator<Item = Uuid>) -> Result<()> {
    let these = e::contact_id.eq_any(contacts.collect::<Vec<_>>());
    diesel::delete(e::table.filter(e::workspace_id.eq(tx.workspace())).filter(these)).execute(tx.conn)?;
    Ok(())
}

/// Checks whether a contact has the address, even if the caller does not see it.
pub fn is_taken(tx: &mut Tx<'_>, email: &str) -> Result<bool> {
    let held = e::table.find((tx.workspace(), email));
    Ok(diesel::select(diesel::dsl::exists(held)).get_result(tx.conn)?)
}
