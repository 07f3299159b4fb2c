//! Periodic notifications: reminders that are due, leads that wait, records that rot.
use crate::db::pool::Db;
use crate::db::transaction::in_transaction;
use crate::kernel::error::Result;
use crate::kernel::values::time::DateTime;
use crate::sales::attention;
use crate::work::tasks::reminders;

/// Tells assignees of reminders that are due. Returns whether more may be waiting.
pub fn remind(db: &Db) -> Result<bool> {
    db.run_blocking(|conn| in_transaction(conn, |conn| reminders::tell(conn, DateTime::now())))
}

/// Tells owners of what waits and what rots.
pub fn tell_owners(db: &Db) -> Result<()> {
    db.run_blocking(|conn| in_transaction(conn, |conn| attention::tell_owners(conn, DateTime::now())))
}
