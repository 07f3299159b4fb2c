//! The tags of a record: a set of words, trimmed, without doubles, in the order given.
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::{Array, Nullable, Text};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Array<Nullable<Text>>)]
#[serde(from = "Vec<String>")]
pub struct Tags(pub Vec<String>);

impl From<Vec<String>> for Tags {
    fn from(words: Vec<String>) -> Tags {
        let mut tags: Vec<String> = Vec::with_capacity(words.len());
        for word in words {
            if !word.is_empty() && !tags.contains(&word) {
                tags.push(word);
            }
        }
        Tags(tags)
    }
}

impl ToSql<Array<Nullable<Text>>, Pg> for Tags {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Array<Nullable<Text>>, Pg>::to_sql(&self.0, &mut out.reborrow())
    }
}

impl FromSql<Array<Nullable<Text>>, Pg> for Tags {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Tags> {
        let words = <Vec<Option<String>> as FromSql<Array<Nullable<Text>>, Pg>>::from_sql(value)?;
        Ok(Tags(words.into_iter().flatten().collect()))
    }
}
