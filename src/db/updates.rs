//! Updates many rows in different ways with few statements.
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::methods::LoadQuery;
use diesel::result::QueryResult;
use uuid::Uuid;

/// Locked rows, and the changes to all of them. No row is in two groups.
pub type Group<'a, R, C> = (Vec<&'a R>, &'a C);

/// Splits groups into single rows if the result of their changes depends on the previous values.
pub fn split_dependent<'a, R, C>(groups: &[Group<'a, R, C>], depends: impl Fn(&C) -> bool) -> Vec<Group<'a, R, C>> {
    let mut result = Vec::with_capacity(groups.len());
    for (rows, changes) in groups {
        if depends(changes) {
            result.extend(rows.iter().map(|row| (vec![*row], *changes)));
        } else {
            result.push((rows.clone(), *changes));
        }
    }
    result
}

/// Returns the ids that changes set on rows with another value, such as a new owner.
pub fn newly_referenced<R, C>(
    groups: &[Group<'_, R, C>],
    given: impl Fn(&C) -> Option<Uuid>,
    has: impl Fn(&R) -> Option<Uuid>,
) -> Vec<Option<Uuid>> {
    let other =
        |(rows, changes): &Group<'_, R, C>| given(changes).filter(|id| rows.iter().any(|row| has(row) != Some(*id)));
    groups.iter().map(other).collect()
}

/// Returns all rows, group by group.
pub fn rows_of<'a, R, C>(groups: &[Group<'a, R, C>]) -> Vec<&'a R> {
    groups.iter().flat_map(|(rows, _)| rows.iter().copied()).collect()
}

/// The maximum number of updates in one statement; more would only take longer to plan.
const COMBINED_MAX: usize = 100;

/// Executes updates of different rows, and returns the rows.
pub fn execute_combined<'q, S, R>(conn: &mut PgConnection, updates: Vec<S>) -> QueryResult<Vec<R>>
where
    CombinedUpdates<S>: LoadQuery<'q, PgConnection, R>,
{
    let mut rows = Vec::new();
    let mut updates = updates.into_iter().peekable();
    while updates.peek().is_some() {
        rows.extend(CombinedUpdates(updates.by_ref().take(COMBINED_MAX).collect()).get_results(conn)?);
    }
    Ok(rows)
}

/// Several `update … returning` on one table as one statement:
/// `with u0 as (…), u1 as (…) select * from u0 union all …`.
#[derive(Debug)]
pub struct CombinedUpdates<S>(Vec<S>);

impl<S: QueryFragment<Pg>> QueryFragment<Pg> for CombinedUpdates<S> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if let [one] = self.0.as_slice() {
            return one.walk_ast(out);
        }
        for (n, update) in self.0.iter().enumerate() {
            out.push_sql(if n == 0 { "with " } else { ", " });
            out.push_sql(&format!("u{n} as ("));
            update.walk_ast(out.reborrow())?;
            out.push_sql(")");
        }
        for n in 0..self.0.len() {
            out.push_sql(if n == 0 { " " } else { " union all " });
            out.push_sql(&format!("select * from u{n}"));
        }
        Ok(())
    }
}

impl<S: Query> Query for CombinedUpdates<S> {
    type SqlType = S::SqlType;
}

impl<S> QueryId for CombinedUpdates<S> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S> RunQueryDsl<PgConnection> for CombinedUpdates<S> {}
