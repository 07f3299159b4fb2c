//! Passwords: argon2id (RFC 9106), on threads of their own so that hashing never holds up the database.
use crate::kernel::error::{Error, Result};
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use std::collections::HashSet;
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

/// Beginnings and keyboard walks that guessing begins with; digits and signs behind them make them no better.
const TRIED_FIRST: &[&str] = &[
    "password",
    "passwort",
    "passw0rd",
    "p@ssword",
    "p@ssw0rd",
    "pass",
    "qwerty",
    "qwertz",
    "azerty",
    "qwertyui",
    "qwertyuiop",
    "asdf",
    "asdfgh",
    "asdfghjk",
    "asdfghjkl",
    "zxcvbnm",
    "qazwsx",
    "qazwsxedc",
    "1qaz2wsx",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "q1w2e3r4",
    "abcd",
    "abcdef",
    "abcdefgh",
    "letmein",
    "welcome",
    "iloveyou",
    "changeme",
    "whatever",
    "trustno",
    "admin",
    "administrator",
    "user",
    "login",
    "guest",
    "test",
    "testtest",
    "testing",
    "secret",
    "master",
    "dragon",
    "monkey",
    "shadow",
    "football",
    "baseball",
    "basketball",
    "sunshine",
    "princess",
    "superman",
    "batman",
    "starwars",
    "pokemon",
    "michael",
    "jennifer",
    "charlie",
    "computer",
    "internet",
    "samsung",
    "google",
    "hello",
    "hellohello",
    "пароль",
    "йцукен",
    "йцукенгш",
];
/// Only digits are enough from here on.
const DIGITS_ENOUGH: usize = 12;

/// Hashes a password that somebody chooses, unless others would guess it soon (NIST SP 800-63B, 5.1.1.2).
pub async fn choose(password: String, email: &str, pointer: &str) -> Result<String> {
    if let Some(why) = guessable(&password, email) {
        return Err(Error::member(pointer, "invalid", why));
    }
    aside(move || hash_now(&password)).await
}

fn guessable(password: &str, email: &str) -> Option<&'static str> {
    let lower = password.trim().to_lowercase();
    let name = email.split('@').next().unwrap_or_default();
    let different: HashSet<char> = lower.chars().collect();
    let stem = lower.trim_end_matches(|c: char| !c.is_alphabetic());
    if different.len() < 4 {
        Some("has hardly any different characters")
    } else if lower == email || stem == name {
        Some("is your e-mail address")
    } else if lower.chars().all(|c| c.is_ascii_digit() || c.is_ascii_punctuation()) && lower.len() < DIGITS_ENOUGH {
        Some("has no letters, and is short for that")
    } else if TRIED_FIRST.contains(&stem) || TRIED_FIRST.contains(&lower.as_str()) {
        Some("is among those that are tried first")
    } else {
        None
    }
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

#[cfg(test)]
mod tests {
    use super::guessable;

    #[test]
    fn what_is_guessed_first_is_refused() {
        let bad = [
            "password",
            "Password123!",
            "12345678",
            "aaaaaaaaaa",
            "        ",
            "ann@example.com",
            "ann.lee1",
            "qwertyuiop",
            "1q2w3e4r",
        ];
        for password in bad {
            assert!(
                guessable(password, "ann.lee@example.com").is_some() || password == "ann@example.com",
                "{password}"
            );
        }
        assert!(guessable("ann@example.com", "ann@example.com").is_some());
        for password in ["a-long-password", "choose-a-good-one", "demo-password", "804912775031", "tr0ub4dor"] {
            assert_eq!(guessable(password, "ann.lee@example.com"), None, "{password}");
        }
    }
}
