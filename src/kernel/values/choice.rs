//! Closed sets of words: one Rust enum with the same words in JSON, in the database and in the OpenAPI document.
use diesel::deserialize;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output};
use std::io::Write;

/// An enum that is a text in JSON, in the database and in the document.
pub trait TextEnum: Copy + 'static {
    const ALL: &'static [Self];
    const TEXTS: &'static [&'static str];

    /// Returns the value of a text.
    fn parse(text: &str) -> Result<Self, String> {
        let found = Self::TEXTS.iter().position(|known| *known == text).and_then(|n| Self::ALL.get(n));
        found.copied().ok_or_else(|| format!("{text} is not one of {}", Self::TEXTS.join(", ")))
    }
}

/// Writes the text of an enum to a column.
pub fn text_to_sql(text: &str, out: &mut Output<'_, '_, Pg>) -> serialize::Result {
    out.write_all(text.as_bytes())?;
    Ok(IsNull::No)
}

/// Reads an enum from a column of texts.
pub fn text_from_sql<E: TextEnum>(value: &PgValue<'_>) -> deserialize::Result<E> {
    Ok(E::parse(std::str::from_utf8(value.as_bytes())?)?)
}

/// Declares an enum of texts: `text_enum! { pub enum Rating { Hot = "hot", … } }`.
#[macro_export]
macro_rules! text_enum {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident = $text:tt,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
            diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $text)] $variant),* }
        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),*];
            pub const TEXTS: &'static [&'static str] = &[$($text),*];
            pub const fn as_str(self) -> &'static str { match self { $($name::$variant => $text),* } }
        }
        $crate::text_enum_columns!($name);
    };
}

/// Implements `FromStr` and the conversions of a `text` column for an enum of texts.
#[macro_export]
macro_rules! text_enum_columns {
    ($name:ident) => {
        impl $crate::kernel::values::choice::TextEnum for $name {
            const ALL: &'static [$name] = $name::ALL;
            const TEXTS: &'static [&'static str] = $name::TEXTS;
        }
        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                $crate::kernel::values::choice::TextEnum::parse(text)
            }
        }
        impl diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
            ) -> diesel::serialize::Result {
                $crate::kernel::values::choice::text_to_sql(self.as_str(), out)
            }
        }
        impl diesel::deserialize::FromSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                $crate::kernel::values::choice::text_from_sql(&value)
            }
        }
    };
}

/// The closed set of a field's values.
#[derive(Clone, Copy, Debug)]
pub enum Choices {
    /// Any value is accepted.
    Any,
    Of(&'static [&'static str]),
    /// Known once the resources are.
    Listed(fn() -> Vec<&'static str>),
}

impl Choices {
    pub fn list(self) -> Vec<&'static str> {
        match self {
            Choices::Any => Vec::new(),
            Choices::Of(list) => list.to_vec(),
            Choices::Listed(list) => list(),
        }
    }
}

/// Returns the closed set of a pattern that consists of one: `^(open|won|lost)$`.
pub fn choices_of(pattern: &str) -> Option<Vec<String>> {
    let inner = pattern.strip_prefix("^(")?.strip_suffix(")$")?;
    let plain = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-:".contains(&b));
    let words: Vec<&str> = inner.split('|').collect();
    words.iter().all(|word| plain(word)).then(|| words.into_iter().map(str::to_owned).collect())
}

/// Stores a serializable type in a `jsonb` column.
#[macro_export]
macro_rules! jsonb {
    ($($name:ty),*) => {$(
        impl diesel::serialize::ToSql<diesel::sql_types::Jsonb, diesel::pg::Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
                std::io::Write::write_all(out, &[1])?; // the version of jsonb's wire format
                serde_json::to_writer(out, self)?;
                Ok(diesel::serialize::IsNull::No)
            }
        }
        impl diesel::deserialize::FromSql<diesel::sql_types::Jsonb, diesel::pg::Pg> for $name {
            fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                Ok(serde_json::from_slice(value.as_bytes().get(1..).unwrap_or_default())?)
            }
        }
    )*};
}
