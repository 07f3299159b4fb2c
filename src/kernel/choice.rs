//! Closed sets of words: one Rust enum, the same words in JSON, in the database and in the document.

/// Declares a closed set: `text_enum! { pub enum Rating { Hot = "hot", … } }`
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
        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|v| v.as_str() == text)
                    .ok_or_else(|| format!("{text} is not one of {}", Self::TEXTS.join(", ")))
            }
        }
        impl diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
                std::io::Write::write_all(out, self.as_str().as_bytes())?;
                Ok(diesel::serialize::IsNull::No)
            }
        }
        impl diesel::deserialize::FromSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                Ok(std::str::from_utf8(value.as_bytes())?.parse::<$name>()?)
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
