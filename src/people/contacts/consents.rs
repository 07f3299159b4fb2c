//! The history of consents. Rows are only added.
use crate::db::tx::Tx;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::hide::Hide;
use crate::kernel::error::Result;
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::time::DateTime;
use crate::people::contacts::model::Consent;
use crate::people::contacts::reach::Channel;
use crate::schema::consent_records as c;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// An entry of the consent history.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = c)]
pub struct ConsentRecord {
    pub id: Uuid,
    pub channel: Channel,
    pub granted: bool,
    /// When it was given or withdrawn.
    pub at: DateTime,
    pub how: Option<String>,
    /// The text that the person agreed to.
    #[diesel(column_name = words)]
    pub text: Option<String>,
    pub recorded_at: DateTime,
    pub recorded_by: Option<Uuid>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentHistory {
    /// The entries, latest first.
    pub data: Vec<ConsentRecord>,
}

impl Hide for ConsentHistory {
    fn hide(&mut self, actor: &Actor) {
        hide_all(&mut self.data, actor);
    }
}

/// Removes all records if the consents of contacts are hidden from the caller.
pub fn hide_all(records: &mut Vec<ConsentRecord>, actor: &Actor) {
    if actor.access.hides(Kind::CONTACT.path(), "consents") {
        records.clear();
    }
}

/// A contact, and its consents before and after a change.
pub type Changed<'c> = (Uuid, &'c [Consent], &'c [Consent]);

/// Maximum rows per statement, because PostgreSQL limits the number of parameters to 16 bits.
const ROWS: usize = 5_000;

/// Records new and removed consents of contacts.
pub fn note(tx: &mut Tx<'_>, changed: &[Changed<'_>]) -> Result<()> {
    let row = |(contact, consent): (Uuid, Consent)| {
        (
            (c::workspace_id.eq(tx.workspace()), c::id.eq(Uuid::now_v7()), c::contact_id.eq(contact)),
            (c::channel.eq(consent.channel), c::granted.eq(consent.granted), c::at.eq(consent.at)),
            (c::how.eq(consent.how), c::words.eq(consent.text)),
            (c::recorded_at.eq(tx.now), c::recorded_by.eq(tx.actor.user)),
        )
    };
    let new_entries = changed.iter().flat_map(|(contact, before, after)| {
        new_entries(before, after, tx.now).into_iter().map(|consent| (*contact, consent))
    });
    let rows: Vec<_> = new_entries.map(row).collect();
    for part in rows.chunks(ROWS) {
        diesel::insert_into(c::table).values(part).execute(tx.conn)?;
    }
    Ok(())
}

fn new_entries(before: &[Consent], after: &[Consent], now: DateTime) -> Vec<Consent> {
    let given = after.iter().filter(|consent| !before.contains(consent)).cloned();
    let gone = before.iter().filter(|old| old.granted && !after.iter().any(|new| new.channel == old.channel));
    let taken_back = gone.map(|old| Consent {
        granted: false,
        at: now,
        how: Some("removed from the record".into()),
        text: None,
        ..old.clone()
    });
    given.chain(taken_back).collect()
}

pub fn of(tx: &mut Tx<'_>, contact: Uuid) -> Result<Vec<ConsentRecord>> {
    let own = c::table.filter(c::workspace_id.eq(tx.workspace())).filter(c::contact_id.eq(contact));
    Ok(own.order((c::recorded_at.desc(), c::id.desc())).select(ConsentRecord::as_select()).load(tx.conn)?)
}
