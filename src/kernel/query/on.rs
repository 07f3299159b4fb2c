//! Use of run-time fragments in typed diesel queries: `On<T, X>` binds a fragment `X` (condition, seek, order) to the
//! table `T`.
//!
//! `.filter(&plan.filter)` works in plain, joined and grouped queries, in updates and deletes, without boxing. A query
//! in which the table `T` does not occur exactly once does not compile.
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

/// The SQL depends on the value, so the type cannot identify the statement; diesel looks it up by its text.
impl<T, X> QueryId for On<T, X> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T, X: QueryFragment<Pg>> QueryFragment<Pg> for On<T, X> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}
