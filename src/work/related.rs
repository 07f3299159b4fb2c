//! The records that tasks and activities belong to, and what they mean for those records.
use crate::db::refs::{self, Named};
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::kernel::kind::Kind;
use crate::schema::{deals, leads};
use diesel::prelude::*;
use std::collections::BTreeSet;
use uuid::Uuid;

/// The records that one task or activity is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Related {
    pub contact: Option<Uuid>,
    pub company: Option<Uuid>,
    pub lead: Option<Uuid>,
    pub deal: Option<Uuid>,
}

/// Brings the next task of some records up to date; `link` is the column of tasks that names them.
fn set_next(tx: &mut Tx<'_>, table: &'static str, link: &'static str, ids: impl Iterator<Item = Uuid>) -> Result<()> {
    let ids: Vec<Uuid> = ids.collect::<BTreeSet<_>>().into_iter().collect();
    if ids.is_empty() {
        return Ok(());
    }
    for text in [include_str!("hold_records.sql"), include_str!("next_task.sql")] {
        Statement::new(text)
            .set("table", Part::Sql(table))
            .set("link", Part::Sql(link))
            .set("workspace", Part::Id(tx.workspace()))
            .set("ids", Part::Ids(ids.clone()))
            .execute(tx.conn)?;
    }
    Ok(())
}

/// As `refresh`, for the records of many tasks, in one order.
pub fn refresh_all(tx: &mut Tx<'_>, list: &[Related]) -> Result<()> {
    set_next(tx, "contacts", "contact_id", list.iter().filter_map(|related| related.contact))?;
    set_next(tx, "companies", "company_id", list.iter().filter_map(|related| related.company))?;
    set_next(tx, "leads", "lead_id", list.iter().filter_map(|related| related.lead))?;
    set_next(tx, "deals", "deal_id", list.iter().filter_map(|related| related.deal))
}

impl Related {
    /// Which are named, and where.
    pub fn named(&self) -> [Named<'static>; 4] {
        [
            (Kind::Contact, self.contact, "/contact_id"),
            (Kind::Company, self.company, "/company_id"),
            (Kind::Lead, self.lead, "/lead_id"),
            (Kind::Deal, self.deal, "/deal_id"),
        ]
    }

    /// The records must be there, and seen by the caller.
    pub fn must_be_seen(&self, tx: &mut Tx<'_>) -> Result<()> {
        refs::must_see(tx, &self.named())
    }

    /// Brings the next task of each record up to date.
    pub fn refresh(&self, tx: &mut Tx<'_>) -> Result<()> {
        refresh_all(tx, &[*self])
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
