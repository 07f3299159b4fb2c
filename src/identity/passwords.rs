//! Passwords: argon2id (RFC 9106), on threads of their own so that hashing never holds up the database.
use crate::kernel::error::{Error, Result};
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use std::sync::OnceLock;
use tokio::sync::Semaphore;

/// Hashes that may be computed at once; each takes a core and 19 MiB.
static SLOTS: Semaphore = Semaphore::const_new(2);

/// Tests sign in hundreds of times; they ask for the cheapest parameters.
static CHEAP: OnceLock<()> = OnceLock::new();

pub fn make_cheap() {
    CHEAP.get_or_init(|| ());
}

fn argon2() -> Argon2<'static> {
    match CHEAP.get() {
        None => Argon2::default(),
        Some(()) => {
            let params = argon2::Params::new(argon2::Params::MIN_M_COST, 1, 1, None).unwrap_or_default();
            Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
        }
    }
}

pub async fn hash(password: String) -> Result<String> {
    aside(move || hash_now(&password)).await
}

pub fn hash_now(password: &str) -> Result<String> {
    argon2().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(Error::internal)
}

/// Compares in the same time whether there is a hash or not, so that the answer does not tell who has an account.
pub async fn verify(password: String, known: Option<String>) -> Result<bool> {
    static DUMMY: OnceLock<String> = OnceLock::new();
    aside(move || {
        let dummy = DUMMY.get_or_init(|| hash_now("nobody has this password").unwrap_or_default());
        let hash = PasswordHash::new(known.as_ref().unwrap_or(dummy)).map_err(Error::internal)?;
        Ok(argon2().verify_password(password.as_bytes(), &hash).is_ok() && known.is_some())
    })
    .await
}

async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let _slot = SLOTS.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}
