//! Handles updates without effect: the row keeps its version and no event is recorded. Only the database knows whether
//! a value differs after normalisation, so such a row is restored in the same transaction.
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::kernel::access::record::Record;
use crate::kernel::error::Result;
use crate::kernel::fields::kind::Kind;
use diesel::prelude::*;
use serde_json::Value as Json;
use uuid::Uuid;

const PUT_BACK: &str = "update :table t set version = t.version - 1, updated_at = old.updated_at::timestamptz :activity \
    from unnest(:ids, :updated, :active) old (id, updated_at, active) where t.workspace_id = :workspace and t.id = old.id";

/// The workspace table has no `workspace_id`.
const PUT_BACK_WORKSPACE: &str = "update workspaces t set version = t.version - 1, updated_at = old.updated_at::timestamptz \
    from unnest(:ids, :updated) old (id, updated_at) where t.id = old.id";

/// Rows of one table that an update has not changed.
#[derive(Debug, Default)]
pub struct Unchanged {
    ids: Vec<Uuid>,
    updated: Vec<String>,
    /// For records with a last activity, which a change by a user updates.
    active: Vec<String>,
}

impl Unchanged {
    /// Adds a row. `before` is the row as JSON, whose instants have the precision of the columns.
    pub fn push(&mut self, id: Uuid, before: &Json) {
        let instant = |member: &str| before.get(member).and_then(Json::as_str).map(str::to_owned);
        self.ids.push(id);
        self.updated.push(instant("updated_at").unwrap_or_default());
        self.active.extend(instant("last_activity_at"));
    }

    /// Restores the version and the times of the rows, which this transaction has locked and updated once.
    pub fn put_back<R: Record>(self, tx: &mut Tx<'_>) -> Result<()> {
        if self.ids.is_empty() {
            return Ok(());
        }
        let has_activity = self.active.len() == self.ids.len();
        let activity = if has_activity { ", last_activity_at = old.active::timestamptz" } else { "" };
        let statement = if R::KIND == Kind::WORKSPACE { PUT_BACK_WORKSPACE } else { PUT_BACK };
        let statement = Statement::new(statement)
            .set("table", Part::Sql(R::KIND.table()))
            .set("activity", Part::Sql(activity))
            .set("workspace", Part::Id(tx.workspace()))
            .set("ids", Part::Ids(self.ids))
            .set("updated", Part::Texts(self.updated))
            .set("active", Part::Texts(self.active));
        statement.execute(tx.conn)?;
        Ok(())
    }
}
