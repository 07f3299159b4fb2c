//! Sort order and keyset paging. Empty values sort last in both directions; the id is always the last key.
use crate::kernel::error::{Code, FieldError};
use crate::kernel::fields::field::FieldRef;
use crate::kernel::values::collation;
use crate::kernel::values::text_format::TextFormat;
use crate::kernel::values::typed::{Values, each_type};
use crate::kernel::values::value_type::ValueType;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::{pg::Pg, result::QueryResult};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value as Json, json};
use sha2::Sha256;
use std::sync::OnceLock;

/// A key of a sort order.
#[derive(Clone, Debug)]
pub struct Key {
    pub field: FieldRef,
    pub desc: bool,
    /// The collation of a plain text.
    pub collation: Option<&'static str>,
}

impl Key {
    /// Creates a key with the collation of a country.
    pub fn new(field: FieldRef, desc: bool, country: &str) -> Key {
        let words = field.value_type() == ValueType::Text && field.choices().is_empty();
        let of = || if field.text_format() == TextFormat::Number { collation::ROOT } else { collation::of(country) };
        Key { collation: words.then(of), field, desc }
    }

    /// Writes the column with its collation, so that paging compares by the same order.
    fn walk<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.field.column(out.reborrow())?;
        if let Some(collation) = self.collation {
            out.push_sql(" collate ");
            out.push_sql(collation);
        }
        Ok(())
    }
}

#[derive(Clone, Debug)]
pub struct Order(pub Vec<Key>);

/// The position after a row: the sort keys with the values of the last row. Without keys, the start of the list.
#[derive(Clone, Debug, Default)]
pub struct Seek(Vec<(Key, Option<Values>)>);

/// The current signing key, followed by former ones.
static SIGNING_KEYS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();

/// Derives the signing key from a secret.
pub fn signing_key(secret: &[u8]) -> Vec<u8> {
    [b"cursor:", secret].concat()
}

/// Sets the keys for signatures of cursors and for hashes of values that must be recognised but not read, once, at
/// start. The first key signs; signatures by any key are accepted.
pub fn sign_with(keys: Vec<Vec<u8>>) {
    SIGNING_KEYS.get_or_init(|| keys);
}

/// Returns the signature by the current key.
pub fn signature(payload: &[u8]) -> Vec<u8> {
    signatures(payload).into_iter().next().unwrap_or_default()
}

/// Returns the signatures by all keys: the first 12 bytes of an HMAC. They prevent clients from choosing arbitrary
/// positions.
pub fn signatures(payload: &[u8]) -> Vec<Vec<u8>> {
    // Without a secret, the process uses a random key of its own.
    let keys = SIGNING_KEYS.get_or_init(|| vec![uuid::Uuid::new_v4().as_bytes().to_vec()]);
    keys.iter().map(|key| signed_by(key, payload)).collect()
}

fn signed_by(key: &[u8], payload: &[u8]) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(payload);
    mac.finalize().into_bytes().iter().take(12).copied().collect()
}

/// Encodes base64url(signature, payload).
pub fn seal(payload: &Json) -> String {
    let payload = payload.to_string().into_bytes();
    BASE64.encode([signature(&payload), payload].concat())
}

pub fn unseal(cursor: &str) -> Result<Json, FieldError> {
    let invalid = || FieldError::parameter("cursor", Code::CursorInvalid, "is not a valid cursor");
    let bytes = BASE64.decode(cursor).map_err(|_| invalid())?;
    let (signed, payload) = bytes.split_at_checked(12).ok_or_else(invalid)?;
    if !signatures(payload).iter().any(|known| known == signed) {
        return Err(invalid());
    }
    serde_json::from_slice(payload).map_err(|_| invalid())
}

impl Order {
    /// Returns the members of a row that its cursor is made of.
    pub fn members(&self) -> Vec<&str> {
        self.0.iter().map(|key| key.field.member()).collect()
    }

    /// Returns the cursor for the rows after `row`. `mark` binds it to one workspace, filter and sort order.
    pub fn cursor(&self, row: &Json, mark: &str) -> String {
        let values: Vec<_> = self.0.iter().map(|key| key.field.of(row).unwrap_or(&Json::Null)).collect();
        seal(&json!([mark, values]))
    }

    pub fn seek(&self, cursor: &str, mark: &str) -> Result<Seek, FieldError> {
        let invalid = || FieldError::parameter("cursor", Code::CursorInvalid, "is not a valid cursor");
        let (its_mark, values): (String, Vec<Json>) = serde_json::from_value(unseal(cursor)?).map_err(|_| invalid())?;
        if its_mark != mark {
            return Err(FieldError::parameter(
                "cursor",
                Code::CursorMismatch,
                "belongs to a different filter or sort order",
            ));
        }
        if values.len() != self.0.len() {
            return Err(invalid());
        }
        let read = |(key, json): (&Key, &Json)| match Values::of_json(key.field.value_type(), Some(json)) {
            None if !(json.is_null() && key.field.nullable()) => Err(invalid()),
            value => Ok((key.clone(), value)),
        };
        self.0.iter().zip(&values).map(read).collect::<Result<_, _>>().map(Seek)
    }
}

/// Checks whether statements with this order are frequent enough to be kept prepared.
fn kept<'k>(keys: impl ExactSizeIterator<Item = &'k Key>) -> bool {
    keys.len() <= 2 && keys.into_iter().all(|key| matches!(key.field, FieldRef::Built(_)))
}

impl QueryFragment<Pg> for Order {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if !kept(self.0.iter()) {
            out.unsafe_to_cache_prepared();
        }
        for (n, key) in self.0.iter().enumerate() {
            out.push_sql(if n > 0 { ", " } else { "" });
            key.walk(out.reborrow())?;
            // An ascending order already sorts nulls last. On a column without nulls, the words would prevent the use
            // of its index.
            out.push_sql(match (key.desc, key.field.nullable()) {
                (false, _) => "",
                (true, false) => " desc",
                (true, true) => " desc nulls last",
            });
        }
        Ok(())
    }
}

impl QueryFragment<Pg> for Seek {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if !kept(self.0.iter().map(|(key, _)| key)) {
            out.unsafe_to_cache_prepared();
        }
        if self.0.is_empty() {
            out.push_sql("true");
            return Ok(());
        }
        after(&self.0, &mut out)
    }
}

/// Writes "this key is after, or it is equal and the rest is after", always in parentheses.
fn after<'b>(keys: &'b [(Key, Option<Values>)], out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    let Some(((key, value), rest)) = keys.split_first() else {
        out.push_sql("false");
        return Ok(());
    };
    let past = if key.desc { " < " } else { " > " };
    out.push_sql("(");
    match value {
        // Nulls sort last, so only other nulls can follow.
        None => {
            key.field.column(out.reborrow())?;
            out.push_sql(" is null and ");
            after(rest, out)?;
        }
        Some(value) if rest.is_empty() => compare(key, past, value, out)?,
        // `a <= x and (a < x or …)`: an index can start from the first part.
        Some(value) if !key.field.nullable() => {
            compare(key, if key.desc { " <= " } else { " >= " }, value, out)?;
            out.push_sql(" and (");
            compare(key, past, value, out)?;
            out.push_sql(" or ");
            after(rest, out)?;
            out.push_sql(")");
        }
        Some(value) => {
            compare(key, past, value, out)?;
            out.push_sql(" or ");
            key.field.column(out.reborrow())?;
            out.push_sql(" is null or (");
            compare(key, " = ", value, out)?;
            out.push_sql(" and ");
            after(rest, out)?;
            out.push_sql(")");
        }
    }
    out.push_sql(")");
    Ok(())
}

fn compare<'b>(key: &'b Key, op: &str, value: &'b Values, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    key.walk(out.reborrow())?;
    out.push_sql(op);
    each_type!(value, |list, Sql| list.iter().take(1).try_for_each(|one| out.push_bind_param::<Sql, _>(one)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::samples::{BOAT, refusal, sql};
    use crate::kernel::values::time::DateTime;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn key(name: &str) -> Key {
        let (name, desc) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
        let field = if name == "id" { FieldRef::Built(&BOAT.id) } else { BOAT.get(name).unwrap().into() };
        Key::new(field, desc, "EE")
    }

    fn order(names: &str) -> Order {
        Order(names.split(',').map(key).collect())
    }

    /// The values that a cursor of a row brings back.
    fn sought(order: &Order, row: &Json) -> Vec<Option<Values>> {
        let seek = order.seek(&order.cursor(row, "mark"), "mark").unwrap();
        seek.0.into_iter().map(|(_, value)| value).collect()
    }

    fn refused(order: &Order, cursor: &str) -> Option<String> {
        order.seek(cursor, "mark").err().map(|bad| refusal(&bad))
    }

    #[test]
    fn a_tampered_cursor_is_refused() {
        let order = order("length,id");
        let cursor = order.cursor(&json!({ "id": Uuid::nil(), "length": 7 }), "mark");
        let bytes = BASE64.decode(&cursor).unwrap();
        let invalid = Some("cursor cursor_invalid".to_owned());
        for place in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[place] ^= 1;
            assert_eq!(refused(&order, &BASE64.encode(bytes)), invalid, "byte {place} changed");
        }
        for (case, text) in [
            ("empty", String::new()),
            ("no base64", "~".to_owned()),
            ("base64 of another alphabet", format!("{cursor}==")),
            ("a signature alone", BASE64.encode(&bytes[..12])),
            ("half a signature", BASE64.encode(&bytes[..6])),
            ("without its end", BASE64.encode(&bytes[..bytes.len() - 1])),
            ("with another end", BASE64.encode([&bytes[..], b" "].concat())),
            ("signed by nobody", BASE64.encode([&[0; 12], &bytes[12..]].concat())),
        ] {
            assert_eq!(refused(&order, &text), invalid, "{case}");
        }
        assert_eq!(refused(&order, &cursor), None);
    }

    #[test]
    fn a_cursor_must_match_mark_and_keys() {
        let cursor = |values: Json| seal(&json!(["mark", values]));
        let order = order("length,sold_on,id");
        let (invalid, mismatch) = (Some("cursor cursor_invalid"), Some("cursor cursor_mismatch"));
        for (case, cursor, expected) in [
            ("its own", cursor(json!([7, "2026-01-31", Uuid::nil()])), None),
            ("a null among values that may be null", cursor(json!([7, null, Uuid::nil()])), None),
            ("a null among values that are never null", cursor(json!([null, null, Uuid::nil()])), invalid),
            ("a value of another type", cursor(json!([7, 8, Uuid::nil()])), invalid),
            ("too few values", cursor(json!([7, null])), invalid),
            ("too many values", cursor(json!([7, null, Uuid::nil(), 1])), invalid),
            ("another mark", seal(&json!(["other", [7, null, Uuid::nil()]])), mismatch),
            ("another mark and too few values", seal(&json!(["other", [7]])), mismatch),
            ("no list", seal(&json!({ "mark": [] })), invalid),
        ] {
            assert_eq!(refused(&order, &cursor).as_deref(), expected, "{case}");
        }
    }

    #[test]
    fn signatures_depend_on_key_and_payload() {
        let payload = b"payload";
        assert_eq!(signed_by(b"a", payload), signed_by(b"a", payload));
        assert_ne!(signed_by(b"a", payload), signed_by(b"b", payload));
        assert_ne!(signed_by(b"a", payload), signed_by(b"a", b"payloae"));
        assert_eq!(signed_by(b"a", payload).len(), 12);
        assert_eq!(signing_key(b"secret"), b"cursor:secret");
    }

    #[test]
    fn texts_have_the_collation_of_the_country() {
        assert_eq!(key("name").collation, Some("sort_et"));
        assert_eq!(Key::new(BOAT.get("name").unwrap().into(), false, "US").collation, Some(collation::ROOT));
        for name in ["hull", "length", "created_at", "id", "owner_id"] {
            assert_eq!(key(name).collation, None, "{name}");
        }
    }

    /// Behind a row: what is past it by the first key, or equal by that and past it by the next; nulls are past all values.
    #[test]
    fn seek_conditions_compare_key_by_key() {
        let row = json!({ "id": Uuid::nil(), "length": 7, "sold_on": "2026-01-31", "hull": null });
        let id = r#"("boats"."id" > $N)"#;
        for (case, keys, expected, binds) in [
            ("a key without nulls", "id", id.to_owned(), 1),
            (
                "two keys without nulls",
                "length,id",
                format!(r#"("boats"."length" >= $N and ("boats"."length" > $N or {id}))"#),
                3,
            ),
            (
                "descending",
                "-length,-id",
                r#"("boats"."length" <= $N and ("boats"."length" < $N or ("boats"."id" < $N)))"#.to_owned(),
                3,
            ),
            (
                "a key with nulls",
                "sold_on,id",
                format!(
                    r#"("boats"."sold_on" > $N or "boats"."sold_on" is null or ("boats"."sold_on" = $N and {id}))"#
                ),
                3,
            ),
            (
                "a key with nulls, descending",
                "-sold_on,id",
                format!(
                    r#"("boats"."sold_on" < $N or "boats"."sold_on" is null or ("boats"."sold_on" = $N and {id}))"#
                ),
                3,
            ),
            ("among the nulls", "hull,id", format!(r#"("boats"."hull" is null and {id})"#), 1),
        ] {
            let order = order(keys);
            let text = sql(&order.seek(&order.cursor(&row, ""), "").unwrap());
            let (text, _) = text.split_once(" -- ").unwrap();
            let numbered = (1..=binds).fold(expected, |text, n| text.replacen("$N", &format!("${n}"), 1));
            assert_eq!(text, numbered, "{case}");
        }
    }

    proptest! {
        #[test]
        fn a_cursor_round_trips_the_values_of_a_row(
            name in ".{0,20}",
            length in any::<i32>(),
            day in proptest::option::of(1..3_000_000_i32),
            millis in proptest::option::of(0..4_000_000_000_000_i64),
            id in any::<u128>(),
        ) {
            let day = day.and_then(chrono::NaiveDate::from_num_days_from_ce_opt);
            let at = millis.and_then(chrono::DateTime::from_timestamp_millis).map(DateTime::from);
            let id = Uuid::from_u128(id);
            let row = json!({ "id": id, "name": name, "length": length, "sold_on": day, "due_end": at });
            let expected = vec![
                Some(Values::Text(vec![name])),
                Some(Values::Int(vec![length.into()])),
                day.map(|day| Values::Date(vec![day])),
                at.map(|at| Values::Time(vec![at])),
                Some(Values::Uuid(vec![id])),
            ];
            prop_assert_eq!(sought(&order("name,length,sold_on,due_end,id"), &row), expected);
        }
    }
}
