//! Functions for tables whose rows belong to workspaces: find, lock, list, delete and restore. Only the queries that
//! need the columns of a row type come from a macro.
use crate::db::constraint::{ConstraintRules, MapConstraint};
use crate::db::events::Event;
use crate::db::refs;
use crate::db::rows::Rows;
use crate::db::tx::Tx;
use crate::db::visibility::{change_rule, visibility_filter};
use crate::kernel::access::grants::Action;
use crate::kernel::access::record::Record;
use crate::kernel::answers::page::Page;
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::fields::cond::Cond;
use crate::kernel::query::on::On;
use crate::kernel::query::plan::{PageInfo, Plan};
use crate::kernel::values::time::DateTime;
use diesel::pg::PgConnection;
use diesel::result::{DatabaseErrorKind, QueryResult};
use serde::Serialize;
use std::collections::HashMap;
use uuid::Uuid;

/// A type that is loaded from a table.
pub trait TableRow: Serialize + Sized {
    type Table: 'static;
    const TABLE: &'static str;

    fn load(conn: &mut PgConnection, rows: &Rows<'_>) -> QueryResult<Vec<Self>>;
}

/// Implements `TableRow`: `table_row!(jobs, Job)`.
#[macro_export]
macro_rules! table_row {
    ($table:ident, $row:ty) => {
        impl $crate::db::table::TableRow for $row {
            type Table = $table::table;
            const TABLE: &'static str = stringify!($table);

            fn load(
                conn: &mut diesel::pg::PgConnection,
                rows: &$crate::db::rows::Rows<'_>,
            ) -> diesel::result::QueryResult<Vec<Self>> {
                rows.select($table::table.select(Self::as_select())).load(conn)
            }
        }
    };
}

/// A record in a table whose rows belong to workspaces.
pub trait Stored: TableRow + Record {
    /// Whether deleted rows stay in the table, with a `deleted_at`.
    const SOFT_DELETED: bool;

    fn updated_at(&self) -> DateTime;

    /// Returns the condition on rows that the caller may see.
    fn visible_to(tx: &Tx<'_>) -> On<Self::Table, Cond> {
        visibility_filter(tx.actor, Self::KIND, Action::Read)
    }

    /// Returns all rows of the workspace that are not deleted.
    fn rows<'a>(tx: &Tx<'_>) -> Rows<'a> {
        let rows = Rows::of(Self::TABLE, tx.workspace());
        if Self::SOFT_DELETED { rows.without_deleted() } else { rows }
    }

    /// Returns the row, or 404 if it does not exist or the caller cannot see it.
    fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Self> {
        let seen = Self::visible_to(tx);
        let rows = Self::rows(tx).with_id(id).filter(&seen).limit(1);
        Self::load(tx.conn, &rows)?.pop().ok_or_else(Error::not_found)
    }

    /// Returns the rows that the caller may see.
    fn find_many(tx: &mut Tx<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, Self>> {
        let seen = Self::visible_to(tx);
        let rows = Self::load(tx.conn, &Self::rows(tx).with_ids(ids).filter(&seen))?;
        Ok(by_id(rows))
    }

    /// Locks the rows in the order of their ids, which prevents deadlocks between transactions that lock many rows.
    /// Omits rows that do not exist or are not visible.
    fn lock_ids(tx: &mut Tx<'_>, ids: &[Uuid]) -> Result<()> {
        let seen = Self::visible_to(tx);
        Self::rows(tx).with_ids(ids).filter(&seen).order_by_id().for_update().ids(tx.conn)?;
        Ok(())
    }

    /// Locks the rows in the order of their ids and returns them. Omits rows that do not exist or are not visible.
    /// Returns 403 if the caller sees one of them but may not change it.
    fn lock_many(tx: &mut Tx<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, Self>> {
        let seen = Self::visible_to(tx);
        let rows = Self::rows(tx).with_ids(ids);
        let locked = Self::load(tx.conn, &Self::rows(tx).with_ids(ids).filter(&seen).order_by_id().for_update())?;
        require_changeable::<Self>(tx, rows, locked.len())?;
        locked.iter().for_each(|row| tx.advance_now(row.updated_at()));
        Ok(by_id(locked))
    }

    /// Locks the row and returns it. Returns 404 if it does not exist, 412 if it has another version than expected,
    /// and 403 if the caller sees it but may not change it.
    fn lock(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<Self> {
        let seen = Self::visible_to(tx);
        let rows = Self::rows(tx).with_id(id).filter(&seen).limit(1).for_update();
        let row = Self::load(tx.conn, &rows)?.pop().ok_or_else(Error::not_found)?;
        require_changeable::<Self>(tx, Self::rows(tx).with_id(id).limit(1), 1)?;
        expected.check(row.version())?;
        tx.advance_now(row.updated_at());
        Ok(row)
    }
}

fn by_id<R: Record>(rows: Vec<R>) -> HashMap<Uuid, R> {
    rows.into_iter().map(|row| (row.id(), row)).collect()
}

/// Returns 403 if the caller may change fewer of the rows than were locked.
fn require_changeable<R: Stored>(tx: &mut Tx<'_>, rows: Rows<'_>, locked: usize) -> Result<()> {
    let Some((action, may)) = change_rule::<R::Table>(tx, R::KIND) else { return Ok(()) };
    if rows.filter(&may).ids(tx.conn)?.len() < locked {
        return Err(tx.actor.forbidden(R::KIND.path(), action));
    }
    Ok(())
}

/// Implements `Stored`: `stored!(teams, Team)`, or `stored!(soft products, Product)` where deleted rows stay for a
/// while.
#[macro_export]
macro_rules! stored {
    ($table:ident, $row:ty) => {
        $crate::stored!(@ $table, $row, false);
    };
    (soft $table:ident, $row:ty) => {
        $crate::stored!(@ $table, $row, true);
    };
    (@ $table:ident, $row:ty, $soft:literal) => {
        $crate::table_row!($table, $row);
        impl $crate::db::table::Stored for $row {
            const SOFT_DELETED: bool = $soft;

            fn updated_at(&self) -> $crate::kernel::values::time::DateTime {
                self.updated_at
            }
        }
    };
}

/// Inserts rows and returns them. The insert of one row stays prepared; that of a batch does not.
#[macro_export]
macro_rules! insert_rows {
    ($tx:expr, $table:ident, $rows:expr, $row:ty) => {{
        let (mut rows, into) = ($rows, diesel::insert_into($table::table));
        match (rows.len(), rows.pop()) {
            (1, Some(one)) => into.values(one).returning(<$row>::as_returning()).get_results($tx.conn),
            (_, Some(last)) => {
                rows.push(last);
                into.values(rows).returning(<$row>::as_returning()).get_results($tx.conn)
            }
            (_, None) => Ok(Vec::new()),
        }
    }};
}

/// Marks locked rows as deleted and records events. `freed` is a unique column that is cleared for other records.
pub fn mark_deleted<R: Stored>(tx: &mut Tx<'_>, rows: &[R], freed: Option<&'static str>) -> Result<()> {
    let ids: Vec<Uuid> = rows.iter().map(Record::id).collect();
    let deleted = Rows::of(R::TABLE, tx.workspace()).with_ids(&ids);
    deleted.mark_deleted(tx.conn, tx.now, freed)?;
    for row in rows {
        tx.record(Event::deleted(row)?);
    }
    Ok(())
}

/// Deletes an entry; returns 409 if records refer to it.
pub fn delete_unreferenced<R: Stored>(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<()> {
    let row = R::lock(tx, id, expected)?;
    Rows::of(R::TABLE, tx.workspace()).with_id(id).delete(tx.conn).map_err(|error| match error {
        diesel::result::Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => {
            Error::new(Code::InUse, "other records refer to this entry; change them first, or rename the entry")
        }
        other => other.into(),
    })?;
    tx.record(Event::deleted(&row)?);
    Ok(())
}

/// A record that can be restored after a deletion.
pub trait Restorable: Stored {
    const CONSTRAINTS: ConstraintRules;

    /// Clears `deleted_at` of the rows and returns them.
    fn undelete(conn: &mut PgConnection, rows: &Rows<'_>, now: DateTime) -> QueryResult<Vec<Self>>;
}

/// Implements `Restorable`, with the `CONSTRAINTS` of the module: `restorable!(products, Product)`.
#[macro_export]
macro_rules! restorable {
    ($table:ident, $row:ty) => {
        impl $crate::db::table::Restorable for $row {
            const CONSTRAINTS: $crate::db::constraint::ConstraintRules = CONSTRAINTS;

            fn undelete(
                conn: &mut diesel::pg::PgConnection,
                rows: &$crate::db::rows::Rows<'_>,
                now: $crate::kernel::values::time::DateTime,
            ) -> diesel::result::QueryResult<Vec<Self>> {
                let cleared = $table::deleted_at.eq(None::<$crate::kernel::values::time::DateTime>);
                let version = ($table::version.eq($table::version + 1), $table::updated_at.eq(now));
                let update =
                    diesel::update($table::table.filter(rows.conditions::<$table::table>())).set((cleared, version));
                update.returning(Self::as_returning()).get_results(conn)
            }
        }
    };
}

/// Restores a record within 30 days, with the permission to delete. Unique members that were freed, such as e-mail
/// addresses, may be in use again; the constraint rules of the table handle that.
pub fn restore<R: Restorable>(tx: &mut Tx<'_>, id: Uuid) -> Result<R> {
    let since = tx.now.plus(-chrono::Duration::days(RESTORE_DAYS));
    let may = visibility_filter::<R::Table>(tx.actor, R::KIND, Action::Delete);
    let seen = R::visible_to(tx);
    let rows = Rows::of(R::TABLE, tx.workspace()).with_id(id).deleted_since(since).filter(&seen).filter(&may);
    let restored = R::undelete(tx.conn, &rows, tx.now).map_constraint(R::CONSTRAINTS)?;
    let row = restored.into_iter().next().ok_or_else(Error::not_found)?;
    tx.record(Event::changed("restored", &row, &row)?);
    Ok(row)
}

/// Loads one page of a plan: rows that the caller may see, included records, and the total if requested.
pub fn page<R: Stored>(tx: &mut Tx<'_>, plan: &Plan<R::Table>) -> Result<Page<R>> {
    let seen = R::visible_to(tx);
    page_of(tx, plan, &seen)
}

/// Like `page`, of the rows that match a condition.
pub fn page_of<R: TableRow>(tx: &mut Tx<'_>, plan: &Plan<R::Table>, seen: &On<R::Table, Cond>) -> Result<Page<R>> {
    let workspace = tx.workspace();
    let all = || Rows::of(R::TABLE, workspace).filter(&plan.soft_delete).filter(&plan.filter).filter(seen);
    let (mut data, best): (Vec<R>, usize) = plan.load(|part, seek, limit| {
        let rows = all().filter(part).filter(seek).order_by(&plan.order).limit(limit);
        Ok(R::load(tx.conn, &rows)?)
    })?;
    let mut page = plan.cut(&mut data, best)?;
    if plan.total {
        let counted = all().limit(TOTAL_MAX + 1).ids(tx.conn)?;
        set_total(&mut page, i64::try_from(counted.len()).unwrap_or(i64::MAX));
    }
    let included = refs::include(tx, &plan.include, &data)?;
    Ok(Page { data, included, page })
}

/// The number of days within which a deleted record can be restored.
pub const RESTORE_DAYS: i64 = 30;

/// The version in `If-Match`, if there is one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected(pub Option<i64>);

impl Expected {
    pub fn check(self, version: i64) -> Result<()> {
        match self.0 {
            Some(expected) if expected != version => Err(Error::new(
                Code::VersionConflict,
                format!("expected version {expected}, but the record has version {version}"),
            )
            .with(|problem| problem.current_version = Some(version))),
            _ => Ok(()),
        }
    }

    /// Requires a version, for changes where a blind write would undo the work of others.
    pub fn required(self) -> Result<Expected> {
        match self.0 {
            Some(_) => Ok(self),
            None => Err(Error::new(Code::PreconditionRequired, "send If-Match with the ETag of the record")),
        }
    }
}

const TOTAL_MAX: i64 = 10_000;

pub fn set_total(page: &mut PageInfo, count: i64) {
    page.total = Some(count.min(TOTAL_MAX));
    page.total_capped = count > TOTAL_MAX;
}
