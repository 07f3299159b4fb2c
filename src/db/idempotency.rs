//! `Idempotency-Key`: the key is claimed and its reply saved in the transaction of the change, so that a crash leaves
//! both or neither.
use crate::db::tx::Tx;
use crate::kernel::access::grants::HiddenFields;
use crate::kernel::answers::reply::{Head, Reply};
use crate::kernel::error::{Code, Error, Result};
use crate::schema::idempotency_keys as keys;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use std::collections::BTreeSet;
use uuid::Uuid;

/// The number of hours for which keys are kept.
pub const KEPT_HOURS: i64 = 24;

/// An idempotency key and its request.
#[derive(Clone, Debug)]
pub struct Claim {
    pub key: String,
    /// SHA-256 of method, path and body.
    pub hash: Vec<u8>,
    /// The user, or the API key.
    pub principal: Uuid,
    /// The response contains a secret, which is shown only once and not saved.
    pub secret: bool,
}

#[derive(Queryable)]
struct Saved {
    hash: Vec<u8>,
    status: i16,
    location: Option<String>,
    etag: Option<String>,
    body: Vec<u8>,
    erased: bool,
    hidden_fields: HiddenFields,
}

diesel::define_sql_function! { fn pg_try_advisory_xact_lock(key: BigInt) -> diesel::sql_types::Bool; }

/// Returns the saved reply of an earlier request, or none for the first one. Returns an error if the earlier request is
/// still running.
pub(in crate::db) fn claim(tx: &mut Tx<'_>, claim: &Claim) -> Result<Option<Reply>> {
    let lock = diesel::select(pg_try_advisory_xact_lock(lock_key(tx.workspace(), claim)));
    if !lock.get_result::<bool>(tx.conn)? {
        return Err(Error::new(
            Code::IdempotencyInProgress,
            "a request with this key is still running; try again in a second",
        ));
    }
    let since = tx.now.plus(-chrono::Duration::hours(KEPT_HOURS));
    let saved: Option<Saved> = keys::table
        .find((tx.workspace(), claim.principal, &claim.key))
        .filter(keys::created_at.gt(since))
        .select((
            keys::request_hash,
            keys::status,
            keys::location,
            keys::etag,
            keys::body,
            keys::erased,
            keys::hidden_fields,
        ))
        .first(tx.conn)
        .optional()?;
    let Some(saved) = saved else { return Ok(None) };
    if saved.hash != claim.hash {
        return Err(Error::new(Code::IdempotencyKeyReused, "this key was used for another method, path or body"));
    }
    if claim.secret {
        let place = saved.location.unwrap_or_default();
        let detail = format!(
            "{place} was created with this key, and its secret is not shown again; delete it and create another"
        );
        return Err(Error::new(Code::SecretShown, detail));
    }
    if saved.erased {
        let detail =
            "the request has been processed; its response is deleted, because it contained data of an erased person";
        return Err(Error::new(Code::AnswerErased, detail));
    }
    // The role may have come to hide a field that the stored response shows.
    if tx.actor.access.hidden_fields().iter().any(|hidden| !saved.hidden_fields.0.contains(hidden)) {
        let detail = "the request has been processed; its response shows fields that your role now hides";
        return Err(Error::new(Code::AnswerErased, detail));
    }
    let status = u16::try_from(saved.status).unwrap_or(200);
    let head = Head { etag: saved.etag, location: saved.location, replayed: true, ..Head::new(status) };
    Ok(Some(Reply { head, body: saved.body }))
}

pub(in crate::db) fn save(tx: &mut Tx<'_>, claim: &Claim, reply: &Reply) -> Result<()> {
    if reply.head.replayed {
        return Ok(());
    }
    let body = if claim.secret { &[][..] } else { &reply.body };
    let named = names(body);
    let hidden = HiddenFields(tx.actor.access.hidden_fields().to_vec());
    let saved = (
        keys::request_hash.eq(&claim.hash),
        keys::status.eq(i16::try_from(reply.head.status).unwrap_or(200)),
        keys::location.eq(&reply.head.location),
        keys::etag.eq(&reply.head.etag),
        (keys::body.eq(body), keys::names.eq(&named), keys::erased.eq(false)),
        keys::hidden_fields.eq(&hidden),
        keys::created_at.eq(tx.now),
    );
    // An existing row can only be an expired one.
    diesel::insert_into(keys::table)
        .values((
            keys::workspace_id.eq(tx.workspace()),
            keys::principal.eq(claim.principal),
            keys::key.eq(&claim.key),
            saved,
        ))
        .on_conflict((keys::workspace_id, keys::principal, keys::key))
        .do_update()
        .set(saved)
        .execute(tx.conn)?;
    Ok(())
}

/// Deletes the saved responses that mention records; a retry gets an error, because the change has been made.
pub fn forget(tx: &mut Tx<'_>, records: Vec<Uuid>) -> Result<()> {
    let since = tx.now.plus(-chrono::Duration::hours(KEPT_HOURS));
    let kept = keys::table.filter(keys::workspace_id.eq(tx.workspace())).filter(keys::created_at.gt(since));
    let records: Vec<Option<Uuid>> = records.into_iter().map(Some).collect();
    diesel::update(kept.filter(keys::names.overlaps_with(records)))
        .set((
            keys::body.eq(&[][..]),
            keys::etag.eq(None::<String>),
            keys::names.eq(Vec::<Uuid>::new()),
            keys::erased.eq(true),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Returns the ids in a response.
fn names(body: &[u8]) -> Vec<Uuid> {
    let words = body.split(|byte| *byte == b'"').filter(|word| word.len() == 36);
    let ids: BTreeSet<Uuid> = words.filter_map(|word| Uuid::try_parse_ascii(word).ok()).collect();
    ids.into_iter().collect()
}

/// Returns a 64-bit lock key for (workspace, principal, key).
fn lock_key(workspace: Uuid, claim: &Claim) -> i64 {
    use sha2::{Digest, Sha256};
    let digest =
        Sha256::new().chain_update(workspace).chain_update(claim.principal).chain_update(&claim.key).finalize();
    digest.iter().take(8).fold(0_i64, |key, byte| (key << 8) | i64::from(*byte))
}
