//! The records that tasks and activities belong to, and what they mean for those records.
use crate::db::refs;
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::kernel::kind::Kind;
use crate::schema::{companies, contacts, deals, leads, tasks};
use diesel::prelude::*;
use uuid::Uuid;

/// The records that one task or activity is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Related {
    pub contact: Option<Uuid>,
    pub company: Option<Uuid>,
    pub lead: Option<Uuid>,
    pub deal: Option<Uuid>,
}

macro_rules! set_next {
    ($tx:expr, $table:ident, $link:ident, $id:expr) => {
        if let Some(id) = $id {
            // Whoever else changes a task of the record waits here, and then sees what was done meanwhile.
            let record = $table::table.find(($tx.workspace(), id)).select($table::id);
            record.for_no_key_update().first::<Uuid>($tx.conn).optional()?;
            let open = tasks::table
                .filter(tasks::workspace_id.eq($tx.workspace()))
                .filter(tasks::$link.eq(id))
                .filter(tasks::status.eq("open"))
                .filter(tasks::deleted_at.is_null());
            let next: Option<(Uuid, Option<crate::kernel::time::DateTime>)> = open
                .order((tasks::due_end.asc().nulls_last(), tasks::id))
                .select((tasks::id, tasks::due_end))
                .first($tx.conn)
                .optional()?;
            let (task, due) = next.map_or((None, None), |(task, due)| (Some(task), due));
            diesel::update($table::table.find(($tx.workspace(), id)))
                .set(($table::next_task_id.eq(task), $table::next_task_at.eq(due)))
                .execute($tx.conn)?;
        }
    };
}

impl Related {
    /// The records must be there, and seen by the caller.
    pub fn must_be_seen(&self, tx: &mut Tx<'_>) -> Result<()> {
        refs::must_see(
            tx,
            &[
                (Kind::Contact, self.contact, "/contact_id"),
                (Kind::Company, self.company, "/company_id"),
                (Kind::Lead, self.lead, "/lead_id"),
                (Kind::Deal, self.deal, "/deal_id"),
            ],
        )
    }

    /// Brings the next task of each record up to date.
    pub fn refresh(&self, tx: &mut Tx<'_>) -> Result<()> {
        set_next!(tx, contacts, contact_id, self.contact);
        set_next!(tx, companies, company_id, self.company);
        set_next!(tx, leads, lead_id, self.lead);
        set_next!(tx, deals, deal_id, self.deal);
        Ok(())
    }

    /// Somebody did something: the clock of rotting starts anew.
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
