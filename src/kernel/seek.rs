//! Order and keyset paging. Empty values come last in both directions; the id is always the last key.
use crate::kernel::collation;
use crate::kernel::error::{Bad, Code};
use crate::kernel::field::{FieldRef, Values, each_type};
use crate::kernel::text_format::TextFormat;
use crate::kernel::value_type::ValueType;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::{pg::Pg, result::QueryResult};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value as Json, json};
use sha2::Sha256;
use std::sync::OnceLock;

/// One key of a sort.
#[derive(Clone, Debug)]
pub struct Key {
    pub field: FieldRef,
    pub desc: bool,
    /// Of a text that people read: the order of its letters.
    pub collation: Option<&'static str>,
}

impl Key {
    /// A key as people of a country sort it.
    pub fn new(field: FieldRef, desc: bool, country: &str) -> Key {
        let words = field.value_type() == ValueType::Text && field.choices().is_empty();
        let of = || if field.text_format() == TextFormat::Number { collation::ROOT } else { collation::of(country) };
        Key { collation: words.then(of), field, desc }
    }

    /// The column in the order of the key: what comes after a row is asked by the same order.
    fn walk<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.field.column(out.reborrow())?;
        if let Some(collation) = self.collation {
            out.push_sql(" collate ");
            out.push_sql(collation);
        }
        Ok(())
    }
}

#[derive(Debug)]
pub struct Order(pub Vec<Key>);

/// "After this row": the keys of the order with the values of the last row seen. No keys: from the start.
#[derive(Debug, Default)]
pub struct Seek(Vec<(Key, Option<Values>)>);

/// The key that signs, and after it those that have signed.
static SIGNING_KEYS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();

/// What a secret signs with.
pub fn signing_key(secret: &[u8]) -> Vec<u8> {
    [b"cursor:", secret].concat()
}

/// Sets the keys that sign cursors, and hash what must be recognised and not read, once, at start. The first signs; what any of
/// them has signed is recognised.
pub fn sign_with(keys: Vec<Vec<u8>>) {
    SIGNING_KEYS.get_or_init(|| keys);
}

/// The signature by the first key.
pub fn signature(payload: &[u8]) -> Vec<u8> {
    signatures(payload).into_iter().next().unwrap_or_default()
}

/// The signatures by every key: each the first 12 bytes of an HMAC, so that nobody can make the database seek to a place of their own
/// choice.
pub fn signatures(payload: &[u8]) -> Vec<Vec<u8>> {
    // A process that was given no secret signs for itself alone.
    let keys = SIGNING_KEYS.get_or_init(|| vec![uuid::Uuid::new_v4().as_bytes().to_vec()]);
    keys.iter().map(|key| signed_by(key, payload)).collect()
}

fn signed_by(key: &[u8], payload: &[u8]) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(payload);
    mac.finalize().into_bytes().iter().take(12).copied().collect()
}

/// base64url(signature, payload)
pub fn seal(payload: &Json) -> String {
    let payload = payload.to_string().into_bytes();
    BASE64.encode([signature(&payload), payload].concat())
}

pub fn unseal(cursor: &str) -> Result<Json, Bad> {
    let invalid = || Bad::parameter("cursor", Code::CursorInvalid, "is not a cursor of this API");
    let bytes = BASE64.decode(cursor).map_err(|_| invalid())?;
    let (signed, payload) = bytes.split_at_checked(12).ok_or_else(invalid)?;
    if !signatures(payload).iter().any(|known| known == signed) {
        return Err(invalid());
    }
    serde_json::from_slice(payload).map_err(|_| invalid())
}

impl Order {
    /// The cursor for the rows after `row`. `mark` ties it to one workspace, filter and sort.
    pub fn cursor(&self, row: &Json, mark: &str) -> String {
        let values: Vec<_> = self.0.iter().map(|key| key.field.of(row).unwrap_or(&Json::Null)).collect();
        seal(&json!([mark, values]))
    }

    pub fn seek(&self, cursor: &str, mark: &str) -> Result<Seek, Bad> {
        let invalid = || Bad::parameter("cursor", Code::CursorInvalid, "is not a cursor of this API");
        let (its_mark, values): (String, Vec<Json>) = serde_json::from_value(unseal(cursor)?).map_err(|_| invalid())?;
        if its_mark != mark {
            return Err(Bad::parameter("cursor", Code::CursorMismatch, "belongs to another filter or sort"));
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

/// Whether a statement with this order is asked often enough to be kept prepared.
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
            // Ascending is "nulls last" already. On a column that has no nulls the words would only hide its index.
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

/// Writes "this key is past, or it is equal and the rest is past", always within parentheses.
fn after<'b>(keys: &'b [(Key, Option<Values>)], out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    let Some(((key, value), rest)) = keys.split_first() else {
        out.push_sql("false");
        return Ok(());
    };
    let past = if key.desc { " < " } else { " > " };
    out.push_sql("(");
    match value {
        // Past the nulls there is nothing: stay among them.
        None => {
            key.field.column(out.reborrow())?;
            out.push_sql(" is null and ");
            after(rest, out)?;
        }
        Some(value) if rest.is_empty() => compare(key, past, value, out)?,
        // `a <= x and (a < x or …)`: the first half is what an index can start from.
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
