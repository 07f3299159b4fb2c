//! Effects of tasks and activities on the records that they belong to.
use crate::db::refs::{self, Named};
pub use crate::db::related::{Related, refresh_all};
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::kernel::fields::kind::Kind;
use crate::schema::{deals, leads};
use diesel::prelude::*;

impl Related {
    /// Returns the records with the pointers of their members.
    pub fn named(&self) -> [Named<'static>; 4] {
        [
            (Kind::CONTACT, self.contact, "/contact_id"),
            (Kind::COMPANY, self.company, "/company_id"),
            (Kind::LEAD, self.lead, "/lead_id"),
            (Kind::DEAL, self.deal, "/deal_id"),
        ]
    }

    /// Checks that the records exist and that the caller sees them.
    pub fn require_visible(&self, tx: &mut Tx<'_>) -> Result<()> {
        refs::require_visible(tx, &self.named())
    }

    /// Updates the next task of each record.
    pub fn refresh(&self, tx: &mut Tx<'_>) -> Result<()> {
        refresh_all(tx, &[*self])
    }

    /// Sets the last activity of the lead and the deal, which restarts the time until they count as rotting.
    pub fn touch(&self, tx: &mut Tx<'_>) -> Result<()> {
        let (workspace, now) = (tx.workspace(), tx.now);
        if let Some(id) = self.lead {
            diesel::update(leads::table.find((workspace, id))).set(leads::last_activity_at.eq(now)).execute(tx.conn)?;
        }
        if let Some(id) = self.deal {
            diesel::update(deals::table.find((workspace, id))).set(deals::last_activity_at.eq(now)).execute(tx.conn)?;
        }
        Ok(())
    }
}
