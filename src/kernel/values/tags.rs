//! The tags of a record: a set of words, trimmed, without duplicates, in the given order. Words that differ only in
//! case or Unicode form are the same tag.
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::{Array, Nullable, Text};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use unicode_normalization::UnicodeNormalization;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// One tag, or one option of a custom field, in a body; as long as the name of a tag can be.
#[derive(Debug)]
pub struct Word;

impl PartialSchema for Word {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).max_length(Some(WORD_MAX)).into()
    }
}
impl ToSchema for Word {}

const WORD_MAX: usize = 200;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Array<Nullable<Text>>)]
#[serde(from = "Vec<String>")]
pub struct Tags(pub Vec<String>);

impl From<Vec<String>> for Tags {
    fn from(words: Vec<String>) -> Tags {
        let mut tags: Vec<String> = Vec::with_capacity(words.len());
        for word in words {
            if !word.is_empty() && !tags.iter().any(|known| key(known) == key(&word)) {
                tags.push(word);
            }
        }
        Tags(tags)
    }
}

/// Checks whether two lists have the same items in any order.
pub fn same_set<T: PartialEq>(one: &[T], other: &[T]) -> bool {
    one.len() == other.len()
        && one.iter().all(|item| other.contains(item))
        && other.iter().all(|item| one.contains(item))
}

/// Returns what all spellings of a tag have in common, like the SQL function `tag_key`.
pub fn key(word: &str) -> String {
    // Lower case first: the upper case of ß is SS, but that of ẞ is ẞ.
    word.nfkc().collect::<String>().to_lowercase().to_uppercase().to_lowercase().nfc().collect()
}

/// A change to the tags of a record: first the list is set, then tags are added, then removed.
#[derive(Clone, Copy, Debug, Default)]
pub struct TagChange<'c> {
    pub set: Option<&'c Tags>,
    pub add: Option<&'c Tags>,
    pub remove: Option<&'c Tags>,
}

impl TagChange<'_> {
    /// Checks whether the result depends on the current tags of the record.
    pub fn depends(&self) -> bool {
        self.add.is_some() || self.remove.is_some()
    }

    /// Returns the tags after the change; none if nothing changes them.
    pub fn of(&self, before: &Tags, spelling: &Spelling) -> Option<Tags> {
        if self.set.is_none() && !self.depends() {
            return None;
        }
        let nothing = Tags::default();
        let (set, add) = (self.set.unwrap_or(before), self.add.unwrap_or(&nothing));
        let mut tags = spelling.of(&Tags::from(set.0.iter().chain(&add.0).cloned().collect::<Vec<_>>()));
        let gone: Vec<String> = self.remove.unwrap_or(&nothing).0.iter().map(|word| key(word)).collect();
        tags.0.retain(|word| !gone.contains(&key(word)));
        Some(tags)
    }
}

/// Sets the tags of rows of a table. Tags are a set, so a row that has the same tags keeps their order.
#[macro_export]
macro_rules! set_tags {
    ($table:ident, $tags:expr) => {
        $tags.map(|tags: $crate::kernel::values::tags::Tags| {
            let same = $table::tags.contains(tags.clone()).and($table::tags.is_contained_by(tags.clone()));
            $table::tags.eq(diesel::dsl::case_when(same, $table::tags).otherwise(tags))
        })
    };
}

/// Returns the change to the tags from the members of an update.
#[macro_export]
macro_rules! tag_change {
    ($update:ident) => {
        impl $update {
            pub fn tag_change(&self) -> $crate::kernel::values::tags::TagChange<'_> {
                $crate::kernel::values::tags::TagChange {
                    set: self.tags.as_ref(),
                    add: self.tags_add.as_ref(),
                    remove: self.tags_remove.as_ref(),
                }
            }
        }
    };
}

/// The spelling of the tags of a workspace, by key.
#[derive(Debug, Default)]
pub struct Spelling(HashMap<String, String>);

impl Spelling {
    /// Adds a tag; its first spelling counts.
    pub fn note(&mut self, word: &str) {
        self.0.entry(key(word)).or_insert_with(|| word.to_owned());
    }

    pub fn of(&self, tags: &Tags) -> Tags {
        let spelled = |word: &String| self.0.get(&key(word)).unwrap_or(word).clone();
        Tags(tags.0.iter().map(spelled).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_tag_have_one_key() {
        for (one, others) in [
            ("vip", ["VIP", "Vip", "ＶＩＰ"]),
            ("straße", ["STRASSE", "Strasse", "STRAẞE"]),
            ("caf\u{e9}", ["cafe\u{301}", "CAFÉ", "Cafe\u{301}"]),
            ("жук", ["ЖУК", "Жук", "жУК"]),
            ("ﬁrst", ["first", "FIRST", "First"]),
            ("ὀδυσσεύς", ["ὈΔΥΣΣΕΎΣ", "Ὀδυσσεύς", "ὀδυσσεύσ"]),
        ] {
            for other in others {
                assert_eq!(key(one), key(other), "{other}");
            }
        }
        assert_ne!(key("a"), key("á"));
        let tags = Tags::from(["VIP", "vip", "", "North"].map(str::to_owned).to_vec());
        assert_eq!(tags.0, ["VIP", "North"]);
    }

    #[test]
    fn a_change_sets_adds_and_removes() {
        let tags = |words: &[&str]| Tags(words.iter().map(|word| (*word).to_owned()).collect());
        let mut spelling = Spelling::default();
        spelling.note("VIP");
        let before = tags(&["north", "VIP"]);
        let (add, remove) = (tags(&["vip", "new"]), tags(&["NORTH", "none"]));
        let change = TagChange { set: None, add: Some(&add), remove: Some(&remove) };
        assert_eq!(change.of(&before, &spelling), Some(tags(&["VIP", "new"])));
        assert_eq!(
            TagChange { set: Some(&add), ..TagChange::default() }.of(&before, &spelling),
            Some(tags(&["VIP", "new"]))
        );
        assert_eq!(TagChange::default().of(&before, &spelling), None);
    }

    fn tags(words: &[&str]) -> Tags {
        Tags(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn a_change_is_made_in_order() {
        let before = tags(&["a", "b"]);
        let (set, add, remove) = (tags(&["c"]), tags(&["d", "b"]), tags(&["B", "c"]));
        for (case, set, add, remove, expected) in [
            ("nothing", None, None, None, None),
            ("set", Some(&set), None, None, Some(vec!["c"])),
            ("add", None, Some(&add), None, Some(vec!["a", "b", "d"])),
            ("take off", None, None, Some(&remove), Some(vec!["a"])),
            ("set and add", Some(&set), Some(&add), None, Some(vec!["c", "d", "b"])),
            ("set, add and take off", Some(&set), Some(&add), Some(&remove), Some(vec!["d"])),
        ] {
            let change = TagChange { set, add, remove };
            assert_eq!(change.of(&before, &Spelling::default()), expected.map(|words| tags(&words)), "{case}");
            assert_eq!(change.depends(), add.is_some() || remove.is_some(), "{case}");
        }
    }

    #[test]
    fn sets_are_the_same_in_any_order() {
        for (case, one, other, expected) in [
            ("nothing", vec![], vec![], true),
            ("the same", vec![1, 2], vec![1, 2], true),
            ("another order", vec![1, 2], vec![2, 1], true),
            ("one more", vec![1, 2], vec![1, 2, 3], false),
            ("another one", vec![1, 2], vec![1, 3], false),
            ("one of them twice", vec![1, 1], vec![1, 2], false),
            ("the other twice", vec![1, 2], vec![2, 2], false),
        ] {
            assert_eq!(same_set(&one, &other), expected, "{case}");
        }
    }

    #[test]
    fn the_first_spelling_wins() {
        let mut spelling = Spelling::default();
        spelling.note("VIP");
        spelling.note("vip");
        assert_eq!(spelling.of(&tags(&["Vip", "other"])), tags(&["VIP", "other"]));
    }

    #[test]
    fn duplicate_tags_in_json_are_dropped() {
        let read: Tags = serde_json::from_value(serde_json::json!(["b", "", "B", "a"])).unwrap();
        assert_eq!(read, tags(&["b", "a"]));
        assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::json!(["b", "a"]));
    }
}
