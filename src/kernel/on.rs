//! The bridge to diesel: `On<T, X>` lets a run-time fragment `X` (condition, seek, order) stand in a typed query over `T`.
//!
//! `.filter(&plan.filter)` works on plain, joined and grouped queries, in updates and deletes; nothing is boxed. A query
//! in which table `T` does not appear exactly once does not compile.
use diesel::expression::{AppearsOnTable, Expression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::query_source::{AppearsInFromClause, Once};
use diesel::sql_types::{Bool, Nullable};
use diesel::{pg::Pg, result::QueryResult};
use std::marker::PhantomData;

#[derive(Debug)]
pub struct On<T, X>(X, PhantomData<fn() -> T>);

impl<T, X> On<T, X> {
    pub(crate) fn new(fragment: X) -> Self {
        On(fragment, PhantomData)
    }

    pub fn fragment(&self) -> &X {
        &self.0
    }

    pub fn into_fragment(self) -> X {
        self.0
    }
}

impl<T, X> Expression for On<T, X> {
    type SqlType = Nullable<Bool>;
}

impl<T, X, QS> AppearsOnTable<QS> for On<T, X> where QS: AppearsInFromClause<T, Count = Once> + ?Sized {}

impl<T, X, GroupBy> ValidGrouping<GroupBy> for On<T, X> {
    type IsAggregate = is_aggregate::No;
}

/// The text depends on the value, so the type cannot name the statement: diesel looks it up by its text.
impl<T, X> QueryId for On<T, X> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T, X: QueryFragment<Pg>> QueryFragment<Pg> for On<T, X> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}
