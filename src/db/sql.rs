//! Hand-written SQL for reports and statements that diesel cannot express. Values are always binds.
use crate::kernel::fields::cond::{Cond, Found};
use crate::kernel::values::time::DateTime;
use chrono::NaiveDate;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::{Error, QueryResult};
use diesel::sql_types::{Array, BigInt, Date, Nullable, Text, Timestamptz, Untyped, Uuid as SqlUuid};
use std::sync::Arc;
use uuid::Uuid;

/// A statement with `:name` placeholders for values, conditions or fixed pieces of SQL.
#[derive(Clone, Debug)]
pub struct Statement {
    text: &'static str,
    parts: Vec<(&'static str, Part)>,
    prepared: bool,
}

#[derive(Clone, Debug)]
pub enum Part {
    Id(Uuid),
    MaybeId(Option<Uuid>),
    Ids(Vec<Uuid>),
    Text(String),
    MaybeText(Option<String>),
    Texts(Vec<String>),
    Int(i64),
    Date(NaiveDate),
    At(DateTime),
    MaybeAt(Option<DateTime>),
    Times(Vec<DateTime>),
    Cond(Cond),
    Sql(&'static str),
    /// The keys of a sort order, or a column.
    Fragment(Arc<dyn Found>),
    /// A statement with placeholders of its own.
    Nested(Box<Statement>),
}

impl Statement {
    pub fn new(text: &'static str) -> Statement {
        Statement { text, parts: Vec::new(), prepared: false }
    }

    /// For a statement with few different texts: the connection keeps it prepared.
    #[must_use]
    pub fn prepared(mut self) -> Statement {
        self.prepared = true;
        self
    }

    #[must_use]
    pub fn set(mut self, name: &'static str, part: Part) -> Statement {
        self.parts.push((name, part));
        self
    }

    /// Returns the rows of both statements.
    #[must_use]
    pub fn union_all(self, other: Statement) -> Statement {
        let (one, other) = (Part::Nested(Box::new(self)), Part::Nested(Box::new(other)));
        Statement::new(":one union all :other").set("one", one).set("other", other)
    }

    /// Splits the text into pieces of SQL and placeholder names. A name is `:` followed by letters or `_`; `::` is a
    /// cast.
    fn pieces(&self) -> Vec<(&'static str, Option<&'static str>)> {
        let (mut pieces, mut rest) = (Vec::new(), self.text);
        let mut from = 0;
        while let Some(at) = rest.get(from..).and_then(|r| r.find(':')).map(|at| at + from) {
            let (before, after) = (rest.get(..at).unwrap_or_default(), rest.get(at + 1..).unwrap_or_default());
            let length = after.find(|c: char| !(c.is_ascii_lowercase() || c == '_')).unwrap_or(after.len());
            if length == 0 || before.ends_with(':') {
                from = at + 1 + usize::from(after.starts_with(':'));
                continue;
            }
            pieces.push((before, after.get(..length)));
            rest = after.get(length..).unwrap_or_default();
            from = 0;
        }
        pieces.push((rest, None));
        pieces
    }
}

impl QueryFragment<Pg> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if !self.prepared {
            out.unsafe_to_cache_prepared();
        }
        for (text, name) in self.pieces() {
            out.push_sql(text);
            let Some(name) = name else { continue };
            let part = self.parts.iter().find(|(known, _)| *known == name).map(|(_, part)| part);
            match part.ok_or_else(|| Error::QueryBuilderError(format!(":{name} is not set").into()))? {
                Part::Id(v) => out.push_bind_param::<SqlUuid, _>(v)?,
                Part::MaybeId(v) => out.push_bind_param::<Nullable<SqlUuid>, _>(v)?,
                Part::Ids(v) => out.push_bind_param::<Array<SqlUuid>, _>(v)?,
                Part::Text(v) => out.push_bind_param::<Text, _>(v)?,
                Part::MaybeText(v) => out.push_bind_param::<Nullable<Text>, _>(v)?,
                Part::Texts(v) => out.push_bind_param::<Array<Text>, _>(v)?,
                Part::Int(v) => out.push_bind_param::<BigInt, _>(v)?,
                Part::Date(v) => out.push_bind_param::<Date, _>(v)?,
                Part::At(v) => out.push_bind_param::<Timestamptz, _>(v)?,
                Part::Times(v) => out.push_bind_param::<Array<Timestamptz>, _>(v)?,
                Part::MaybeAt(v) => out.push_bind_param::<Nullable<Timestamptz>, _>(v)?,
                Part::Cond(cond) => cond.walk_ast(out.reborrow())?,
                Part::Sql(sql) => out.push_sql(sql),
                Part::Fragment(fragment) => fragment.walk_ast(out.reborrow())?,
                Part::Nested(statement) => statement.walk_ast(out.reborrow())?,
            }
        }
        Ok(())
    }
}

impl QueryId for Statement {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement {
    type SqlType = Untyped;
}

impl<C> diesel::RunQueryDsl<C> for Statement {}

diesel::define_sql_function! { fn lower(text: Nullable<Text>) -> Nullable<Text>; }

/// Declares a statement with constant SQL, so that diesel keeps it prepared:
/// `cached_sql!(Touch { id: Uuid => SqlUuid }, "update … where id = " [id SqlUuid])`.
#[macro_export]
macro_rules! cached_sql {
    ($name:ident { $($field:ident : $type:ty),* $(,)? } $($piece:tt)*) => {
        #[derive(Debug)]
        struct $name { $($field: $type),* }
        impl diesel::query_builder::QueryId for $name {
            type QueryId = $name;
            const HAS_STATIC_QUERY_ID: bool = true;
        }
        impl diesel::query_builder::QueryFragment<diesel::pg::Pg> for $name {
            fn walk_ast<'b>(&'b self, mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>) -> diesel::QueryResult<()> {
                $crate::cached_sql!(@ self out; $($piece)*);
                Ok(())
            }
        }
        impl<C> diesel::RunQueryDsl<C> for $name {}
    };
    (@ $self:ident $out:ident;) => {};
    (@ $self:ident $out:ident; [$field:ident $sql:ty] $($rest:tt)*) => {
        $out.push_bind_param::<$sql, _>(&$self.$field)?;
        $crate::cached_sql!(@ $self $out; $($rest)*);
    };
    (@ $self:ident $out:ident; $text:literal $($rest:tt)*) => {
        $out.push_sql($text);
        $crate::cached_sql!(@ $self $out; $($rest)*);
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::fields::cond::Op;
    use crate::kernel::samples::{BOAT, sql};
    use crate::kernel::values::typed::Values;
    use proptest::prelude::*;

    #[test]
    fn a_statement_is_split_at_its_placeholders() {
        for (text, expected) in [
            ("select 1", vec![("select 1", None)]),
            ("", vec![("", None)]),
            (":a", vec![("", Some("a")), ("", None)]),
            ("x = :a", vec![("x = ", Some("a")), ("", None)]),
            (
                "x = :a and y = :long_name.id",
                vec![("x = ", Some("a")), (" and y = ", Some("long_name")), (".id", None)],
            ),
            (":a:b", vec![("", Some("a")), ("", Some("b")), ("", None)]),
            ("now()::date", vec![("now()::date", None)]),
            (":a::text", vec![("", Some("a")), ("::text", None)]),
            ("x::int = :a", vec![("x::int = ", Some("a")), ("", None)]),
            ("'10:30' < :a", vec![("'10:30' < ", Some("a")), ("", None)]),
            ("a[1:2]", vec![("a[1:2]", None)]),
            (":a1", vec![("", Some("a")), ("1", None)]),
            ("ж: :a", vec![("ж: ", Some("a")), ("", None)]),
            ("the end:", vec![("the end:", None)]),
        ] {
            assert_eq!(Statement::new(text).pieces(), expected, "{text}");
        }
    }

    #[test]
    fn placeholders_are_replaced_by_binds() {
        let inner =
            Statement::new("(select :column from :table)").set("table", Part::Sql("boats")).set("column", Part::Int(3));
        let cond = Cond::Is(BOAT.get("length").unwrap().into(), Op::Gt, Values::Int(vec![7]));
        let statement = Statement::new("select :text, :none, :inner where :cond and x = :text and id = any(:ids)")
            .set("ids", Part::Ids(vec![Uuid::nil()]))
            .set("none", Part::MaybeText(None))
            .set("cond", Part::Cond(cond))
            .set("inner", Part::Nested(Box::new(inner)))
            .set("text", Part::Text("a".into()));
        let expected = "select $1, $2, (select $3 from boats) where (\"boats\".\"length\" > $4) and x = $5 and id = any($6) \
                        -- binds: [\"a\", None, 3, 7, \"a\", [00000000-0000-0000-0000-000000000000]]";
        assert_eq!(sql(&statement), expected);
    }

    #[test]
    fn an_unset_placeholder_is_an_error() {
        let statement = Statement::new("select :a, :b").set("a", Part::Int(1));
        let written = std::fmt::write(&mut String::new(), format_args!("{}", diesel::debug_query::<Pg, _>(&statement)));
        assert!(written.is_err(), "{statement:?}");
    }

    proptest! {
        /// Nothing of a statement is lost but the names, each after a colon.
        #[test]
        fn pieces_concatenate_to_the_statement(text in "[a_:1 ж]{0,24}") {
            let text: &'static str = text.leak();
            let pieces = Statement::new(text).pieces();
            let written: String = pieces
                .iter()
                .map(|(before, name)| format!("{before}{}", name.map_or_else(String::new, |name| format!(":{name}"))))
                .collect();
            prop_assert_eq!(written, text);
            for (_, name) in pieces {
                prop_assert_ne!(name, Some(""));
            }
        }
    }
}
