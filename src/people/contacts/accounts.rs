//! Finds contacts by their accounts, for upserts.
use crate::db::table::Stored;
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::kernel::fields::cond::{Cond, Op};
use crate::kernel::values::typed::Values;
use crate::people::contacts::model::{CONTACT, Contact, ContactCreate};
use crate::people::contacts::reach::Accounts;
use crate::schema::contacts;
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Returns the accounts by which an item is matched: none if the caller's role hides them.
pub fn of_item(tx: &Tx<'_>, new: &ContactCreate) -> Accounts {
    let hidden = tx.actor.access.hides("contacts", "accounts");
    if hidden { Accounts::default() } else { Accounts::normal(&new.accounts, &tx.actor.settings.country) }
}

/// Returns the condition for contacts that have one of these accounts.
fn account_among(keys: Vec<String>) -> Cond {
    let none = || Cond::Any(Vec::new());
    CONTACT.get("account").map_or_else(none, |field| Cond::Is(field.into(), Op::Eq, Values::Text(keys)))
}

/// Returns the visible contacts that have these accounts. Of several, the oldest counts.
pub fn holders(tx: &mut Tx<'_>, accounts: &[Accounts]) -> Result<HashMap<String, Uuid>> {
    let keys: HashSet<&str> = accounts.iter().flat_map(|list| &list.0).map(|account| account.key.as_str()).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let (seen, any) =
        (Contact::visible_to(tx), CONTACT.on(account_among(keys.iter().map(|key| (*key).to_owned()).collect())));
    let rows = contacts::table.filter(contacts::workspace_id.eq(tx.workspace())).filter(contacts::deleted_at.is_null());
    let rows = rows.filter(&any).filter(&seen).order((contacts::created_at.desc(), contacts::id));
    let rows: Vec<(Accounts, Uuid)> = rows.select((contacts::accounts, contacts::id)).load(tx.conn)?;
    let held = rows.into_iter().flat_map(|(accounts, id)| accounts.0.into_iter().map(move |account| (account.key, id)));
    Ok(held.collect())
}
