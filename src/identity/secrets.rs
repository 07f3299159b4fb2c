//! The server secret. The database stores its fingerprint, so that a server with a different secret refuses to start
//! instead of invalidating all sessions and second factors. If the previous secret is also given, the server encrypts
//! the stored data again with the new one.
use crate::db::sql::Statement;
use crate::db::tx::in_transaction;
use crate::identity::tokens::Keys;
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::query::seek::signing_key;
use crate::kernel::values::time::DateTime;
use crate::schema::{logins, server_secrets as s};
use diesel::prelude::*;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The current secret and the previous ones.
#[derive(Clone, Debug)]
pub struct Secrets {
    pub current: String,
    pub previous: Vec<String>,
}

/// Returns the hash of a secret that the database stores.
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
    /// Checks that the database is used with the current secret, and encrypts its data again if it was used with a
    /// previous one. Returns the signing keys, the current one first. Fails if the secret of the database is not given.
    pub fn reconcile(&self, conn: &mut PgConnection) -> Result<Vec<Vec<u8>>> {
        in_transaction(conn, |conn| {
            lock(conn)?;
            match self.in_use(conn)? {
                None => insert(conn, &self.current, DateTime::now())?,
                Some(known) if known == self.current => {}
                Some(previous) => replace(conn, &previous, &self.current)?,
            }
            self.signing_keys(conn)
        })
    }

    /// Returns the given secret that the database is used with, or `None` for a new database.
    fn in_use(&self, conn: &mut PgConnection) -> Result<Option<String>> {
        let row: Option<Row> =
            s::table.filter(s::sealed_key.is_null()).select(Row::as_select()).first(conn).optional()?;
        let given = || std::iter::once(&self.current).chain(&self.previous);
        let Some(row) = row else { return self.before_fingerprints(conn) };
        let known = given().find(|secret| fingerprint(secret) == row.fingerprint).cloned();
        known.map(Some).ok_or_else(|| other_secret(&format!("since {}", row.created_at)))
    }

    /// Finds the secret of a database that has no fingerprint yet: the one that decrypts its data.
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
            "the database was used with another VORONKA_SECRET {when}. With this one, all sessions would end and \
             second factors could not be checked. Start the server with the previous secret. To change the secret, set \
             VORONKA_SECRET to the new one and VORONKA_SECRET_PREVIOUS to the previous one; the stored data is then \
             encrypted again. If the previous secret is lost, run: voronka adopt-secret"
        ),
    )
}

/// Takes a lock, so that servers that start at the same time reconcile one after another.
fn lock(conn: &mut PgConnection) -> Result<()> {
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

/// Decrypts the stored data with the previous secret and encrypts it with the new one. Second factors that the previous
/// secret cannot decrypt stay unchanged.
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

/// Makes this the secret of the database although the previous one is lost.
pub fn adopt(conn: &mut PgConnection, secret: &str) -> Result<()> {
    in_transaction(conn, |conn| {
        lock(conn)?;
        diesel::delete(s::table).execute(conn)?;
        insert(conn, secret, DateTime::now())
    })
}
