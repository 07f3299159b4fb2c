//! Effects of tasks and activities on the records that they belong to.
use crate::db::refs::{self, Named};
pub use crate::db::related::{Related, refresh_all};
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::time::DateTime;
use crate::schema::{deals, leads};
use diesel::prelude::*;

/// A contact before the creation of the lead, such as the call that led to it, counts as an answer at once.
const ANSWERED: &str = "update leads set first_response_at = greatest(created_at, :at) \
    where workspace_id = :workspace and status = 'open' and first_response_at is null and deleted_at is null \
    and (id = :lead or (contact_id = :contact and created_at <= :at))";

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

    /// Ends the wait of the leads that are linked or have the linked contact: a user contacted the person at this time.
    pub fn answer(&self, tx: &mut Tx<'_>, at: DateTime) -> Result<()> {
        if self.lead.is_none() && self.contact.is_none() {
            return Ok(());
        }
        Statement::new(ANSWERED)
            .set("workspace", Part::Id(tx.workspace()))
            .set("lead", Part::MaybeId(self.lead))
            .set("contact", Part::MaybeId(self.contact))
            .set("at", Part::At(at))
            .execute(tx.conn)?;
        Ok(())
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
