//! Deleted records in lists: hidden, unless somebody who may delete asks for them, to see what there was or to restore it.
use crate::kernel::actor::{Action, Actor};
use crate::kernel::asked::Asked;
use crate::kernel::error::Result;
use crate::kernel::field::{Field, Fields};
use crate::kernel::parameters::{parameter, schema};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::result::QueryResult;
use utoipa::openapi::path::Parameter;

pub(in crate::kernel) const DELETED_AT: &str = "deleted_at";
const INCLUDE: &str = "include_deleted";
const ONLY: &str = "only_deleted";

/// Whether deleted records are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernel) enum Deleted {
    Hidden,
    Among,
    Only,
}

/// `deleted_at is null` in SQL, or what was asked for instead. Records that are never deleted have no such column.
#[derive(Debug)]
pub struct Standing {
    deleted_at: Option<&'static Field>,
    deleted: Deleted,
}

impl QueryFragment<Pg> for Standing {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let ending = match self.deleted {
            Deleted::Hidden => " is null",
            Deleted::Only => " is not null",
            Deleted::Among => "",
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
    fn deleted_at(&self) -> Option<&'static Field> {
        self.all.iter().find(|field| field.name == DELETED_AT)
    }

    pub(in crate::kernel) fn standing(&'static self, deleted: Deleted) -> Standing {
        Standing { deleted_at: self.deleted_at(), deleted }
    }

    /// Takes the parameters out. Who may not delete has nothing to look for among what was deleted.
    pub(in crate::kernel) fn deleted(&'static self, asked: &mut Asked, actor: &Actor) -> Result<Deleted> {
        if self.deleted_at().is_none() {
            return Ok(Deleted::Hidden);
        }
        let among = asked.parsed(INCLUDE, "true or false")?.unwrap_or(false);
        let only = asked.parsed(ONLY, "true or false")?.unwrap_or(false);
        if among || only {
            actor.must_do(Action::Delete, self.kind.path())?;
        }
        Ok(match (among, only) {
            (_, true) => Deleted::Only,
            (true, false) => Deleted::Among,
            (false, false) => Deleted::Hidden,
        })
    }

    /// The parameters as the document has them.
    pub(in crate::kernel) fn deleted_parameters(&self) -> Vec<Parameter> {
        if self.deleted_at().is_none() {
            return Vec::new();
        }
        let one = |name: &str, meaning: &str| {
            parameter(name.into(), meaning.into(), schema(crate::kernel::field::Kind::Bool), None)
        };
        vec![
            one(INCLUDE, "Also records that were deleted; needs the right to delete."),
            one(ONLY, "Nothing but records that were deleted; needs the right to delete."),
        ]
    }
}
