//! The entrance to a table whose rows belong to workspaces: the same functions everywhere, with concrete types.

/// `find`, `lock` and `mine` for a table; `soft` tables hide rows that have a `deleted_at`.
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
        fn mine(workspace: uuid::Uuid) -> _ {
            $table::table.filter($table::workspace_id.eq(workspace)).filter($visible)
        }

        /// The row, or 404.
        pub fn find(tx: &mut $crate::db::tx::Tx<'_>, id: uuid::Uuid) -> $crate::kernel::error::Result<$row> {
            let found = mine(tx.workspace()).filter($table::id.eq(id)).select(<$row>::as_select()).first(tx.conn).optional()?;
            found.ok_or_else($crate::kernel::error::Error::not_found)
        }

        /// The row, kept from others until the end of the transaction, or 404; 412 when it is not the version that was asked for.
        pub fn lock(
            tx: &mut $crate::db::tx::Tx<'_>,
            id: uuid::Uuid,
            expected: $crate::db::table::Expected,
        ) -> $crate::kernel::error::Result<$row> {
            let found =
                mine(tx.workspace()).filter($table::id.eq(id)).select(<$row>::as_select()).for_update().first(tx.conn).optional()?;
            let row = found.ok_or_else($crate::kernel::error::Error::not_found)?;
            expected.check(row.version)?;
            Ok(row)
        }
    };
}

/// One page by a plan: rows, their includes, and the total if it was asked for.
#[macro_export]
macro_rules! list {
    ($tx:expr, $table:ident, $row:ty, $plan:expr => $page:ident) => {{
        let (tx, plan) = ($tx, $plan);
        let mut data: Vec<$row> = mine(tx.workspace())
            .filter(&plan.filter)
            .filter(&plan.seek)
            .order(&plan.order)
            .limit(plan.limit + 1)
            .select(<$row>::as_select())
            .load(tx.conn)?;
        let mut page = plan.cut(&mut data)?;
        if plan.total {
            let capped = mine(tx.workspace()).filter(&plan.filter).select($table::id).limit(10_001);
            let ids: Vec<uuid::Uuid> = capped.load(tx.conn)?;
            $crate::db::table::set_total(&mut page, ids.len());
        }
        let included = $crate::db::refs::include(tx, &plan.include, &data)?;
        $page { data, included, page }
    }};
}

use crate::kernel::error::{Code, Error, Result};
use crate::kernel::query::PageInfo;

/// The version named by `If-Match`, if any.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected(pub Option<i64>);

impl Expected {
    pub fn check(self, version: i64) -> Result<()> {
        match self.0 {
            Some(expected) if expected != version => {
                Err(Error::new(Code::VersionConflict, format!("you read version {expected}, the record has {version}"))
                    .with(|problem| problem.current_version = Some(version)))
            }
            _ => Ok(()),
        }
    }

    /// For changes where a blind write would destroy the work of others.
    pub fn required(self) -> Result<Expected> {
        match self.0 {
            Some(_) => Ok(self),
            None => Err(Error::new(Code::PreconditionRequired, "send If-Match with the ETag that you read")),
        }
    }
}

const TOTAL_MAX: usize = 10_000;

pub fn set_total(page: &mut PageInfo, count: usize) {
    page.total = i64::try_from(count.min(TOTAL_MAX)).ok();
    page.total_capped = count > TOTAL_MAX;
}
