//! A change that changes nothing is no change: the row keeps its version and nothing is recorded. Whether anything differs is only known
//! once the database has written the row in its own form, so such a row is put back within the same transaction.
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::kernel::kind::{Kind, Record};
use diesel::prelude::*;
use serde_json::Value as Json;
use uuid::Uuid;

const PUT_BACK: &str = "update :table t set version = t.version - 1, updated_at = old.updated_at::timestamptz :activity \
    from unnest(:ids, :updated, :active) old (id, updated_at, active) where t.workspace_id = :workspace and t.id = old.id";

/// A workspace is its own tenant.
const PUT_BACK_WORKSPACE: &str = "update workspaces t set version = t.version - 1, updated_at = old.updated_at::timestamptz \
    from unnest(:ids, :updated) old (id, updated_at) where t.id = old.id";

/// Rows of one table that a change has left as they were.
#[derive(Debug, Default)]
pub struct Unchanged {
    ids: Vec<Uuid>,
    updated: Vec<String>,
    /// Of records that have a last activity, which a change by a person renews.
    active: Vec<String>,
}

impl Unchanged {
    /// `before` is the row as JSON: its instants are written to the millisecond, as the columns hold them.
    pub fn push(&mut self, id: Uuid, before: &Json) {
        let instant = |member: &str| before.get(member).and_then(Json::as_str).map(str::to_owned);
        self.ids.push(id);
        self.updated.push(instant("updated_at").unwrap_or_default());
        self.active.extend(instant("last_activity_at"));
    }

    /// Gives the rows, which the transaction has locked and changed once, their version and instants again.
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
