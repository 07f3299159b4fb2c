//! Statements on the rows of one table in one workspace. The conditions are set at run time, so that each row type
//! needs only one diesel query.
use crate::kernel::query::on::On;
use crate::kernel::values::time::DateTime;
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

/// A condition, or the keys of an order.
type Fragment<'a> = &'a dyn QueryFragment<Pg>;

#[derive(Clone, Copy)]
enum Which<'a> {
    All,
    One(Uuid),
    These(&'a [Uuid]),
}

#[derive(Clone, Copy)]
enum Deleted {
    Included,
    Excluded,
    /// Only rows that were deleted after an instant.
    Since(DateTime),
}

#[derive(Clone, Copy)]
enum Order<'a> {
    Any,
    ById,
    By(Fragment<'a>),
}

/// Rows of a table, in an order, locked or not.
pub struct Rows<'a> {
    table: &'static str,
    workspace: Uuid,
    deleted: Deleted,
    which: Which<'a>,
    conditions: Vec<Fragment<'a>>,
    order: Order<'a>,
    limit: Option<i64>,
    for_update: bool,
}

impl<'a> Rows<'a> {
    /// Starts with all rows of a workspace.
    pub fn of(table: &'static str, workspace: Uuid) -> Rows<'a> {
        let (deleted, which, order) = (Deleted::Included, Which::All, Order::Any);
        Rows { table, workspace, deleted, which, conditions: Vec::new(), order, limit: None, for_update: false }
    }

    /// Omits deleted rows.
    #[must_use]
    pub fn without_deleted(self) -> Rows<'a> {
        Rows { deleted: Deleted::Excluded, ..self }
    }

    #[must_use]
    pub fn deleted_since(self, instant: DateTime) -> Rows<'a> {
        Rows { deleted: Deleted::Since(instant), ..self }
    }

    #[must_use]
    pub fn with_id(self, id: Uuid) -> Rows<'a> {
        Rows { which: Which::One(id), ..self }
    }

    #[must_use]
    pub fn with_ids(self, ids: &'a [Uuid]) -> Rows<'a> {
        Rows { which: Which::These(ids), ..self }
    }

    #[must_use]
    pub fn filter(mut self, condition: Fragment<'a>) -> Rows<'a> {
        self.conditions.push(condition);
        self
    }

    #[must_use]
    pub fn order_by_id(self) -> Rows<'a> {
        Rows { order: Order::ById, ..self }
    }

    #[must_use]
    pub fn order_by(self, keys: Fragment<'a>) -> Rows<'a> {
        Rows { order: Order::By(keys), ..self }
    }

    #[must_use]
    pub fn limit(self, limit: i64) -> Rows<'a> {
        Rows { limit: Some(limit), ..self }
    }

    /// Locks the rows as strongly as an update of them does. Other transactions can still refer to the rows: `for update`
    /// would block them, and two records that get each other as a reference would deadlock.
    #[must_use]
    pub fn for_update(self) -> Rows<'a> {
        Rows { for_update: true, ..self }
    }

    /// Returns the query of the rows; `columns` is `select … from` the table.
    pub fn select<S>(&self, columns: S) -> Select<'_, S> {
        Select { columns, rows: self }
    }

    /// Returns only the conditions, for the `where` of an update.
    pub fn conditions<T>(&self) -> On<T, Conditions<'_>> {
        On::new(Conditions(self))
    }

    /// Loads the ids.
    pub fn ids(&self, conn: &mut PgConnection) -> QueryResult<Vec<Uuid>> {
        self.select(Ids(self.table)).load(conn)
    }

    /// Counts the rows.
    pub fn count(&self, conn: &mut PgConnection) -> QueryResult<i64> {
        self.select(Count(self.table)).get_result(conn)
    }

    /// Sets `deleted_at`; `freed` is a unique column that is cleared for other rows.
    pub fn mark_deleted(
        &self,
        conn: &mut PgConnection,
        now: DateTime,
        freed: Option<&'static str>,
    ) -> QueryResult<usize> {
        Change(self, Verb::MarkDeleted { now, freed }).execute(conn)
    }

    /// Deletes the rows.
    pub fn delete(&self, conn: &mut PgConnection) -> QueryResult<usize> {
        Change(self, Verb::Delete).execute(conn)
    }
}

impl Rows<'_> {
    fn walk_column(&self, out: &mut AstPass<'_, '_, Pg>, name: &str) -> QueryResult<()> {
        out.push_identifier(self.table)?;
        out.push_sql(".");
        out.push_identifier(name)
    }

    fn walk_conditions<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.walk_column(&mut out, "workspace_id")?;
        out.push_sql(" = ");
        out.push_bind_param::<SqlUuid, _>(&self.workspace)?;
        self.walk_deleted(out.reborrow())?;
        self.walk_ids(out.reborrow())?;
        for condition in &self.conditions {
            out.push_sql(" and (");
            condition.walk_ast(out.reborrow())?;
            out.push_sql(")");
        }
        Ok(())
    }

    fn walk_deleted<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if matches!(self.deleted, Deleted::Included) {
            return Ok(());
        }
        out.push_sql(" and ");
        self.walk_column(&mut out, "deleted_at")?;
        match &self.deleted {
            Deleted::Included => {}
            Deleted::Excluded => out.push_sql(" is null"),
            Deleted::Since(instant) => {
                out.push_sql(" > ");
                out.push_bind_param::<Timestamptz, _>(instant)?;
            }
        }
        Ok(())
    }

    fn walk_ids<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if matches!(self.which, Which::All) {
            return Ok(());
        }
        out.push_sql(" and ");
        self.walk_column(&mut out, "id")?;
        match &self.which {
            Which::All => {}
            Which::One(id) => {
                out.push_sql(" = ");
                out.push_bind_param::<SqlUuid, _>(id)?;
            }
            Which::These(ids) => {
                out.push_sql(" = any(");
                out.push_bind_param::<Array<SqlUuid>, _>(*ids)?;
                out.push_sql(")");
            }
        }
        Ok(())
    }

    fn walk_order<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if !matches!(self.order, Order::Any) {
            out.push_sql(" order by ");
        }
        match &self.order {
            Order::Any => Ok(()),
            Order::ById => self.walk_column(&mut out, "id"),
            Order::By(keys) => keys.walk_ast(out),
        }
    }
}

/// The conditions of rows, without their order.
pub struct Conditions<'r>(&'r Rows<'r>);

impl QueryFragment<Pg> for Conditions<'_> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_conditions(out)
    }
}

/// `select … from … where … order by … limit … for no key update`.
pub struct Select<'r, S> {
    columns: S,
    rows: &'r Rows<'r>,
}

impl<S: QueryFragment<Pg>> QueryFragment<Pg> for Select<'_, S> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(" where ");
        self.rows.walk_conditions(out.reborrow())?;
        self.rows.walk_order(out.reborrow())?;
        if let Some(limit) = &self.rows.limit {
            out.push_sql(" limit ");
            out.push_bind_param::<BigInt, _>(limit)?;
        }
        if self.rows.for_update {
            out.push_sql(" for no key update");
        }
        Ok(())
    }
}

impl<S: Query> Query for Select<'_, S> {
    type SqlType = S::SqlType;
}

/// The type does not determine the text, so diesel looks the prepared statement up by its text.
impl<S> QueryId for Select<'_, S> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S> RunQueryDsl<PgConnection> for Select<'_, S> {}

/// `select id from` a table.
struct Ids(&'static str);

impl QueryFragment<Pg> for Ids {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("select ");
        out.push_identifier(self.0)?;
        out.push_sql(".");
        out.push_identifier("id")?;
        out.push_sql(" from ");
        out.push_identifier(self.0)
    }
}

impl Query for Ids {
    type SqlType = SqlUuid;
}

/// `select count(*) from` a table.
struct Count(&'static str);

impl QueryFragment<Pg> for Count {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("select count(*) from ");
        out.push_identifier(self.0)
    }
}

impl Query for Count {
    type SqlType = BigInt;
}

enum Verb {
    Delete,
    MarkDeleted { now: DateTime, freed: Option<&'static str> },
}

/// `delete from …`, or `update … set deleted_at = …`.
struct Change<'r>(&'r Rows<'r>, Verb);

impl QueryFragment<Pg> for Change<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Change(rows, verb) = self;
        out.push_sql(if matches!(verb, Verb::Delete) { "delete from " } else { "update " });
        out.push_identifier(rows.table)?;
        if let Verb::MarkDeleted { now, freed } = verb {
            out.push_sql(" set version = version + 1, deleted_at = ");
            out.push_bind_param::<Timestamptz, _>(now)?;
            if let Some(freed) = freed {
                out.push_sql(", ");
                out.push_identifier(freed)?;
                out.push_sql(" = null");
            }
        }
        out.push_sql(" where ");
        rows.walk_conditions(out)
    }
}

impl QueryId for Change<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<PgConnection> for Change<'_> {}

#[cfg(test)]
mod tests {
    use super::{Ids, Rows};
    use crate::kernel::values::time::DateTime;
    use diesel::debug_query;
    use diesel::pg::Pg;
    use uuid::Uuid;

    fn sql(rows: &Rows<'_>) -> String {
        let query = rows.select(Ids(rows.table));
        debug_query::<Pg, _>(&query).to_string().split(" -- binds").next().unwrap().to_owned()
    }

    #[test]
    fn a_statement_has_only_the_clauses_that_are_set() {
        let deals = || Rows::of("deals", Uuid::nil());
        let all = r#"select "deals"."id" from "deals" where "deals"."workspace_id" = $1"#;
        assert_eq!(sql(&deals()), all);
        let one = deals().without_deleted().with_id(Uuid::nil()).limit(1).for_update();
        let clauses = r#" and "deals"."deleted_at" is null and "deals"."id" = $2 limit $3 for no key update"#;
        assert_eq!(sql(&one), format!("{all}{clauses}"));
        let many = deals().with_ids(&[]).order_by_id();
        assert_eq!(sql(&many), format!(r#"{all} and "deals"."id" = any($2) order by "deals"."id""#));
    }

    #[test]
    fn conditions_do_not_affect_each_other() {
        let (since, either) = (DateTime::now(), diesel::dsl::sql::<diesel::sql_types::Bool>("a or b"));
        let rows = Rows::of("deals", Uuid::nil()).deleted_since(since).filter(&either);
        assert!(sql(&rows).ends_with(r#""deals"."deleted_at" > $2 and (a or b)"#), "{}", sql(&rows));
    }
}
