//! Deleted records in lists: hidden unless a caller with the permission to delete requests them.
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::Action;
use crate::kernel::error::Result;
use crate::kernel::fields::field::Field;
use crate::kernel::query::fields::Fields;
use crate::kernel::query::params::QueryParams;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::result::QueryResult;

pub(in crate::kernel) const DELETED_AT: &str = "deleted_at";
pub(in crate::kernel) const INCLUDE: &str = "include_deleted";
pub(in crate::kernel) const ONLY: &str = "only_deleted";

/// Which records a list contains by their deletion state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernel) enum DeletedFilter {
    Hidden,
    Included,
    Only,
}

impl DeletedFilter {
    /// Returns the name in the mark of a cursor. It must not change, because cursors stay valid after an update of the
    /// server.
    pub(in crate::kernel) const fn mark(self) -> &'static str {
        match self {
            DeletedFilter::Hidden => "Hidden",
            DeletedFilter::Included => "Among",
            DeletedFilter::Only => "Only",
        }
    }
}

/// The condition `deleted_at is null` or its replacement in SQL. Resources without soft delete have no such column.
#[derive(Debug)]
pub struct SoftDelete {
    deleted_at: Option<&'static Field>,
    deleted: DeletedFilter,
}

impl QueryFragment<Pg> for SoftDelete {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let ending = match self.deleted {
            DeletedFilter::Hidden => " is null",
            DeletedFilter::Only => " is not null",
            DeletedFilter::Included => "",
        };
        match self.deleted_at {
            Some(field) if !ending.is_empty() => {
                field.column.walk_ast(out.reborrow())?;
                out.push_sql(ending);
            }
            _ => out.push_sql("true"),
        }
        Ok(())
    }
}

impl<T> Fields<T> {
    pub(in crate::kernel) fn deleted_at(&self) -> Option<&'static Field> {
        self.all.iter().find(|field| field.name == DELETED_AT)
    }

    pub(in crate::kernel) fn soft_delete(&'static self, deleted: DeletedFilter) -> SoftDelete {
        SoftDelete { deleted_at: self.deleted_at(), deleted }
    }

    /// Removes the parameters and checks the permission to delete.
    pub(in crate::kernel) fn deleted_filter(
        &'static self,
        params: &mut QueryParams,
        actor: &Actor,
    ) -> Result<DeletedFilter> {
        if self.deleted_at().is_none() {
            return Ok(DeletedFilter::Hidden);
        }
        let included = params.parsed(INCLUDE, "true or false")?.unwrap_or(false);
        let only = params.parsed(ONLY, "true or false")?.unwrap_or(false);
        if included || only {
            actor.require_action(Action::Delete, self.kind.path())?;
        }
        Ok(match (included, only) {
            (_, true) => DeletedFilter::Only,
            (true, false) => DeletedFilter::Included,
            (false, false) => DeletedFilter::Hidden,
        })
    }
}
