//! The secret that a database is used with. Its fingerprint is kept there: a server that was started with another one does not start,
//! instead of ending every session and every second factor. With the one before beside it, everything is sealed anew.
use crate::db::sql::Statement;
use crate::db::tx::in_transaction;
use crate::identity::tokens::Keys;
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::seek::signing_key;
use crate::kernel::time::DateTime;
use crate::schema::{logins, server_secrets as s};
use diesel::prelude::*;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The secret in use, and those that it replaces.
#[derive(Clone, Debug)]
pub struct Secrets {
    pub current: String,
    pub previous: Vec<String>,
}

/// What stands in the database for a secret.
fn fingerprint(secret: &str) -> Vec<u8> {
    Sha256::new().chain_update(b"voronka fingerprint\0").chain_update(secret).finalize().to_vec()
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = s)]
struct Row {
    fingerprint: Vec<u8>,
    created_at: DateTime,
    sealed_key: Option<Vec<u8>>,
}

impl Secrets {
    /// Makes sure that the database is used with this secret, sealing everything anew if it was used with a previous one, and returns the
    /// keys that sign, the current first. Refused when the database is used with a secret that was not given.
    pub fn reconcile(&self, conn: &mut PgConnection) -> Result<Vec<Vec<u8>>> {
        in_transaction(conn, |conn| {
            one_at_a_time(conn)?;
            match self.in_use(conn)? {
                None => insert(conn, &self.current, DateTime::now())?,
                Some(known) if known == self.current => {}
                Some(previous) => replace(conn, &previous, &self.current)?,
            }
            self.signing_keys(conn)
        })
    }

    /// The secret that the database is used with, among those that were given; none of a new database.
    fn in_use(&self, conn: &mut PgConnection) -> Result<Option<String>> {
        let row: Option<Row> =
            s::table.filter(s::sealed_key.is_null()).select(Row::as_select()).first(conn).optional()?;
        let given = || std::iter::once(&self.current).chain(&self.previous);
        let Some(row) = row else { return self.before_fingerprints(conn) };
        let known = given().find(|secret| fingerprint(secret) == row.fingerprint).cloned();
        known.map(Some).ok_or_else(|| other_secret(&format!("since {}", row.created_at)))
    }

    /// A database that was used before fingerprints were kept: whatever opens what is sealed there.
    fn before_fingerprints(&self, conn: &mut PgConnection) -> Result<Option<String>> {
        let sealed: Vec<Vec<u8>> = logins::table
            .filter(logins::totp_secret.is_not_null())
            .select(logins::totp_secret.assume_not_null())
            .load(conn)?;
        let opens = |secret: &&String| {
            let keys = Keys::new(secret.as_bytes());
            sealed.iter().any(|sealed| keys.open(sealed).is_ok())
        };
        let found = std::iter::once(&self.current).chain(&self.previous).find(opens).cloned();
        match found {
            None if !sealed.is_empty() => Err(other_secret("before")),
            None => Ok(None),
            Some(secret) => {
                insert(conn, &secret, DateTime::now())?;
                Ok(Some(secret))
            }
        }
    }

    fn signing_keys(&self, conn: &mut PgConnection) -> Result<Vec<Vec<u8>>> {
        let keys = Keys::new(self.current.as_bytes());
        let given = std::iter::once(&self.current).chain(&self.previous);
        let mut signing: Vec<Vec<u8>> = given.map(|secret| signing_key(secret.as_bytes())).collect();
        let sealed: Vec<Option<Vec<u8>>> = s::table.select(s::sealed_key).load(conn)?;
        for sealed in sealed.into_iter().flatten() {
            let key = keys.open(&sealed)?;
            if !signing.contains(&key) {
                signing.push(key);
            }
        }
        Ok(signing)
    }
}

fn other_secret(when: &str) -> Error {
    Error::new(
        Code::SecretUnknown,
        format!(
            "the database was used with another VORONKA_SECRET {when}: with this one every session would end and no second factor could \
             be checked. Start with the secret of before. To change it, give the new one as VORONKA_SECRET and the one of before as \
             VORONKA_SECRET_PREVIOUS: everything is then sealed anew. If the secret of before is lost, run: voronka adopt-secret"
        ),
    )
}

/// Servers that start together settle it one after the other.
fn one_at_a_time(conn: &mut PgConnection) -> Result<()> {
    Statement::new("select pg_advisory_xact_lock(hashtext('server_secrets'))").execute(conn)?;
    Ok(())
}

fn insert(conn: &mut PgConnection, secret: &str, now: DateTime) -> Result<()> {
    diesel::delete(s::table.find(fingerprint(secret))).execute(conn)?;
    diesel::insert_into(s::table)
        .values((s::fingerprint.eq(fingerprint(secret)), s::created_at.eq(now)))
        .execute(conn)?;
    Ok(())
}

/// Seals with another secret what was sealed with the one before. What neither opens stays as it is.
fn replace(conn: &mut PgConnection, before: &str, secret: &str) -> Result<()> {
    let (old, new) = (Keys::new(before.as_bytes()), Keys::new(secret.as_bytes()));
    let factors: Vec<(Uuid, Vec<u8>)> = logins::table
        .filter(logins::totp_secret.is_not_null())
        .order(logins::id)
        .select((logins::id, logins::totp_secret.assume_not_null()))
        .for_update()
        .load(conn)?;
    for (login, sealed) in factors {
        let Ok(opened) = old.open(&sealed) else { continue };
        diesel::update(logins::table.find(login)).set(logins::totp_secret.eq(new.seal(&opened)?)).execute(conn)?;
    }
    let retired: Vec<Row> = s::table.filter(s::sealed_key.is_not_null()).select(Row::as_select()).load(conn)?;
    for Row { fingerprint, sealed_key, .. } in retired {
        let key = old.open(&sealed_key.unwrap_or_default())?;
        diesel::update(s::table.find(fingerprint)).set(s::sealed_key.eq(new.seal(&key)?)).execute(conn)?;
    }
    let key = new.seal(&signing_key(before.as_bytes()))?;
    diesel::update(s::table.find(fingerprint(before))).set(s::sealed_key.eq(key)).execute(conn)?;
    insert(conn, secret, DateTime::now())
}

/// Uses the database with this secret from now on, though the one before is lost.
pub fn adopt(conn: &mut PgConnection, secret: &str) -> Result<()> {
    in_transaction(conn, |conn| {
        one_at_a_time(conn)?;
        diesel::delete(s::table).execute(conn)?;
        insert(conn, secret, DateTime::now())
    })
}
