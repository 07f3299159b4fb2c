//! Functions for tables whose rows belong to workspaces, generated with concrete types.

/// Defines `find`, `lock` and `in_workspace` for a table; for `soft` tables they omit rows with `deleted_at`.
#[macro_export]
macro_rules! owned {
    ($table:ident, $row:ty) => {
        $crate::owned!(@ $table, $row, $table::id.eq($table::id));
    };
    (soft $table:ident, $row:ty) => {
        $crate::owned!(@ $table, $row, $table::deleted_at.is_null());
    };
    (@ $table:ident, $row:ty, $visible:expr) => {
        #[diesel::dsl::auto_type(no_type_alias)]
        fn in_workspace(workspace: uuid::Uuid) -> _ {
            $table::table.filter($table::workspace_id.eq(workspace)).filter($visible)
        }

        /// Returns the condition on rows that the caller may see.
        fn visible_to(tx: &$crate::db::tx::Tx<'_>) -> $crate::kernel::on::On<$table::table, $crate::kernel::cond::Cond> {
            $crate::db::visibility::visibility_filter(tx.actor, <$row as $crate::kernel::kind::Record>::KIND, $crate::kernel::actor::Action::Read)
        }

        /// Returns the row, or 404 if it does not exist or the caller cannot see it.
        pub fn find(tx: &mut $crate::db::tx::Tx<'_>, id: uuid::Uuid) -> $crate::kernel::error::Result<$row> {
            let row = in_workspace(tx.workspace()).filter($table::id.eq(id)).filter(visible_to(tx)).select(<$row>::as_select());
            row.first(tx.conn).optional()?.ok_or_else($crate::kernel::error::Error::not_found)
        }

        /// Returns the rows that the caller may see.
        pub fn find_many(
            tx: &mut $crate::db::tx::Tx<'_>,
            ids: &[uuid::Uuid],
        ) -> $crate::kernel::error::Result<std::collections::HashMap<uuid::Uuid, $row>> {
            let rows = in_workspace(tx.workspace()).filter($table::id.eq_any(ids)).filter(visible_to(tx));
            let rows: Vec<$row> = rows.select(<$row>::as_select()).load(tx.conn)?;
            Ok(rows.into_iter().map(|row| (row.id, row)).collect())
        }

        /// Locks the rows in the order of their ids, which prevents deadlocks between transactions that lock many rows.
        /// Omits rows that do not exist or are not visible.
        pub fn lock_ids(tx: &mut $crate::db::tx::Tx<'_>, ids: &[uuid::Uuid]) -> $crate::kernel::error::Result<()> {
            let rows = in_workspace(tx.workspace()).filter($table::id.eq_any(ids)).filter(visible_to(tx)).order($table::id);
            rows.select($table::id).for_update().load::<uuid::Uuid>(tx.conn)?;
            Ok(())
        }

        /// Locks the rows in the order of their ids and returns them. Omits rows that do not exist or are not visible.
        pub fn lock_many(
            tx: &mut $crate::db::tx::Tx<'_>,
            ids: &[uuid::Uuid],
        ) -> $crate::kernel::error::Result<std::collections::HashMap<uuid::Uuid, $row>> {
            let rows = in_workspace(tx.workspace()).filter($table::id.eq_any(ids)).filter(visible_to(tx)).order($table::id);
            let rows: Vec<$row> = rows.select(<$row>::as_select()).for_update().load(tx.conn)?;
            if let Some((action, may)) = $crate::db::visibility::change_rule::<$table::table>(tx, <$row as $crate::kernel::kind::Record>::KIND) {
                let allowed = in_workspace(tx.workspace()).filter($table::id.eq_any(ids)).filter(&may).select($table::id);
                if allowed.load::<uuid::Uuid>(tx.conn)?.len() < rows.len() {
                    return Err(tx.actor.forbidden(<$row as $crate::kernel::kind::Record>::KIND.path(), action));
                }
            }
            rows.iter().for_each(|row| tx.advance_now(row.updated_at));
            Ok(rows.into_iter().map(|row| (row.id, row)).collect())
        }

        /// Locks the row and returns it. Returns 404 if it does not exist, 412 if it has another version than expected,
        /// and 403 if the caller sees it but may not change it.
        pub fn lock(
            tx: &mut $crate::db::tx::Tx<'_>,
            id: uuid::Uuid,
            expected: $crate::db::table::Expected,
        ) -> $crate::kernel::error::Result<$row> {
            let row = in_workspace(tx.workspace()).filter($table::id.eq(id)).filter(visible_to(tx)).select(<$row>::as_select());
            let row: $row =
                row.for_update().first(tx.conn).optional()?.ok_or_else($crate::kernel::error::Error::not_found)?;
            if let Some((action, may)) = $crate::db::visibility::change_rule::<$table::table>(tx, <$row as $crate::kernel::kind::Record>::KIND) {
                let allowed = in_workspace(tx.workspace()).filter($table::id.eq(id)).filter(&may).select($table::id);
                if allowed.first::<uuid::Uuid>(tx.conn).optional()?.is_none() {
                    return Err(tx.actor.forbidden(<$row as $crate::kernel::kind::Record>::KIND.path(), action));
                }
            }
            expected.check(row.version)?;
            tx.advance_now(row.updated_at);
            Ok(row)
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

/// Defines `delete` for a `soft` table, and `delete_many` for locked rows; `frees` clears a unique member for other
/// records, `then` runs a function afterwards.
#[macro_export]
macro_rules! removable {
    ($table:ident, $row:ty $(, frees $free:ident)? $(, then $after:ident)?) => {
        pub fn delete(
            tx: &mut $crate::db::tx::Tx<'_>,
            id: uuid::Uuid,
            expected: $crate::db::table::Expected,
        ) -> $crate::kernel::error::Result<()> {
            let row = lock(tx, id, expected)?;
            delete_many(tx, &[row])
        }

        pub fn delete_many(tx: &mut $crate::db::tx::Tx<'_>, rows: &[$row]) -> $crate::kernel::error::Result<()> {
            let ids = rows.iter().map(|row| row.id);
            diesel::update($table::table.filter($table::workspace_id.eq(tx.workspace())).filter($table::id.eq_any(ids)))
                .set((
                    $table::deleted_at.eq(tx.now),
                    $table::version.eq($table::version + 1),
                    $($table::$free.eq(None::<String>),)?
                ))
                .execute(tx.conn)?;
            $($after(tx, rows)?;)?
            for row in rows {
                tx.record($crate::db::events::Event::deleted(row)?);
            }
            Ok(())
        }
    };
}

/// Defines `restore` for a `soft` table, within 30 days and with the permission to delete. Unique members that were
/// freed, such as e-mail addresses, may be in use again; the constraint rules of the table handle that.
#[macro_export]
macro_rules! restorable {
    ($table:ident, $row:ty) => {
        $crate::restorable!($table, $row as restore);
    };
    ($table:ident, $row:ty as $name:ident) => {
        pub fn $name(tx: &mut $crate::db::tx::Tx<'_>, id: uuid::Uuid) -> $crate::kernel::error::Result<$row> {
            let since = tx.now.plus(-chrono::Duration::days($crate::db::table::RESTORE_DAYS));
            let kind = <$row as $crate::kernel::kind::Record>::KIND;
            let may = $crate::db::visibility::visibility_filter::<$table::table>(
                tx.actor,
                kind,
                $crate::kernel::actor::Action::Delete,
            );
            let gone = $table::table.filter($table::workspace_id.eq(tx.workspace())).filter($table::id.eq(id));
            let gone = gone.filter($table::deleted_at.gt(since)).filter(visible_to(tx)).filter(may);
            let row: Option<$row> = diesel::update(gone)
                .set((
                    $table::deleted_at.eq(None::<$crate::kernel::time::DateTime>),
                    $table::version.eq($table::version + 1),
                    $table::updated_at.eq(tx.now),
                ))
                .returning(<$row>::as_returning())
                .get_result(tx.conn)
                .optional()
                .map_constraint(CONSTRAINTS)?;
            let row = row.ok_or_else($crate::kernel::error::Error::not_found)?;
            tx.record($crate::db::events::Event::changed("restored", &row, &row)?);
            Ok(row)
        }
    };
}

/// Loads one page of a plan: rows, included records, and the total if requested. For a `soft` table, the plan decides
/// about deleted rows.
#[macro_export]
macro_rules! list {
    (soft $tx:expr, $table:ident, $row:ty, $plan:expr => $page:ident) => {{
        let (tx, plan) = ($tx, $plan);
        let in_workspace = |workspace| $table::table.filter($table::workspace_id.eq(workspace)).filter(&plan.soft_delete);
        $crate::list!(@ tx, plan, in_workspace, $table, $row, $page)
    }};
    ($tx:expr, $table:ident, $row:ty, $plan:expr => $page:ident) => {
        $crate::list!(@ $tx, $plan, in_workspace, $table, $row, $page)
    };
    (@ $tx:expr, $plan:expr, $in_workspace:expr, $table:ident, $row:ty, $page:ident) => {{
        let (tx, plan, in_workspace) = ($tx, $plan, $in_workspace);
        let seen = visible_to(tx);
        let (mut data, best): (Vec<$row>, usize) = plan.load(|part, seek, limit| {
            let rows = in_workspace(tx.workspace()).filter(&plan.filter).filter(&seen).filter(part).filter(seek);
            Ok(rows.order(&plan.order).limit(limit).select(<$row>::as_select()).load(tx.conn)?)
        })?;
        let mut page = plan.cut(&mut data, best)?;
        if plan.total {
            let capped = in_workspace(tx.workspace()).filter(&plan.filter).filter(&seen).select($table::id).limit(10_001);
            let ids: Vec<uuid::Uuid> = capped.load(tx.conn)?;
            $crate::db::table::set_total(&mut page, ids.len());
        }
        let included = $crate::db::refs::include(tx, &plan.include, &data)?;
        $page { data, included, page }
    }};
}

use crate::kernel::error::{Code, Error, Result};
use crate::kernel::query::PageInfo;

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

const TOTAL_MAX: usize = 10_000;

pub fn set_total(page: &mut PageInfo, count: usize) {
    page.total = i64::try_from(count.min(TOTAL_MAX)).ok();
    page.total_capped = count > TOTAL_MAX;
}
