//! Passwords: argon2id (RFC 9106), on threads of their own so that hashing never holds up the database.
use crate::identity::hashing_queue::{self, Waiter};
use crate::kernel::error::{Error, FieldCode, Result};
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use std::collections::HashSet;
use std::sync::OnceLock;

/// Tests sign in hundreds of times; they ask for the cheapest parameters.
static CHEAP: OnceLock<()> = OnceLock::new();

pub fn use_cheap_hashing() {
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
const COMMON_PASSWORDS: &[&str] = &[
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
const DIGITS_MIN: usize = 12;

/// Hashes a password that somebody chooses, unless others would guess it soon (NIST SP 800-63B, 5.1.1.2).
pub async fn validate_and_hash(waiter: Waiter, password: String, email: &str, pointer: &str) -> Result<String> {
    if let Some(why) = guessable(&password, email) {
        return Err(Error::member(pointer, FieldCode::Invalid, why));
    }
    offload(waiter, move || hash(&password)).await
}

fn guessable(password: &str, email: &str) -> Option<&'static str> {
    let lower = password.trim().to_lowercase();
    let different: HashSet<char> = lower.chars().collect();
    let stem = stem(&lower);
    if different.len() < 4 {
        Some("has hardly any different characters")
    } else if is_own_address(&lower, &email.to_lowercase()) {
        Some("is your e-mail address")
    } else if lower.chars().all(|c| c.is_ascii_digit() || c.is_ascii_punctuation()) && lower.len() < DIGITS_MIN {
        Some("has no letters, and is short for that")
    } else if COMMON_PASSWORDS.contains(&stem) || COMMON_PASSWORDS.contains(&lower.as_str()) {
        Some("is among those that are tried first")
    } else {
        None
    }
}

/// Without the digits and signs at the end.
fn stem(text: &str) -> &str {
    text.trim_end_matches(|c: char| !c.is_alphabetic())
}

/// The address, or the name in it with other digits and signs behind it. Where there is no name, nothing is like it.
fn is_own_address(password: &str, email: &str) -> bool {
    let name = email.split('@').next().unwrap_or_default();
    let alike = !stem(name).is_empty() && stem(password) == stem(name);
    !name.is_empty() && (password == email || password == name || alike)
}

pub fn hash(password: &str) -> Result<String> {
    argon2().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(Error::internal)
}

/// Whether a password is right.
pub async fn verify(waiter: Waiter, password: String, known: Option<String>) -> Result<bool> {
    Ok(verify_any(waiter, password, vec![((), known)]).await?.is_some())
}

/// Whose password it is. Where nobody has one it takes as long as where somebody has, so that the answer does not tell who has an account.
pub async fn verify_any<T: Send + 'static>(
    waiter: Waiter,
    password: String,
    known: Vec<(T, Option<String>)>,
) -> Result<Option<T>> {
    static DUMMY: OnceLock<String> = OnceLock::new();
    offload(waiter, move || {
        let mut hashes = known.into_iter().filter_map(|(who, hash)| Some((who, hash?))).peekable();
        if hashes.peek().is_none() {
            matches_hash(&password, DUMMY.get_or_init(|| hash("nobody has this password").unwrap_or_default()))?;
        }
        for (who, hash) in hashes {
            if matches_hash(&password, &hash)? {
                return Ok(Some(who));
            }
        }
        Ok(None)
    })
    .await
}

fn matches_hash(password: &str, hash: &str) -> Result<bool> {
    let hash = PasswordHash::new(hash).map_err(Error::internal)?;
    Ok(argon2().verify_password(password.as_bytes(), &hash).is_ok())
}

/// On a thread that may be busy, when it is one's turn. The place is held until the work is done, also when nobody waits for it any more.
async fn offload<T: Send + 'static>(waiter: Waiter, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let permit = hashing_queue::acquire(waiter).await?;
    let work = move || {
        let _permit = permit;
        work()
    };
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
            "ann.lee@example.com",
            "ANN.LEE@example.com",
            "ann.lee1",
            "Ann.Lee2026!",
            "qwertyuiop",
            "1q2w3e4r",
        ];
        for password in bad {
            assert!(guessable(password, "Ann.Lee@example.com").is_some(), "{password}");
        }
        for password in ["a-long-password", "choose-a-good-one", "demo-password", "804912775031", "tr0ub4dor"] {
            assert_eq!(guessable(password, "ann.lee@example.com"), None, "{password}");
        }
    }

    /// Each password with each address: only an address of its own makes it bad.
    #[test]
    fn a_password_is_compared_with_the_address_and_with_nothing_else() {
        let own = Some("is your e-mail address");
        for (password, email, expected) in [
            ("804912775031", "", None),
            ("804912775031", "ann@example.com", None),
            ("804912775031", "@example.com", None),
            ("804912775031", "1234@example.com", None),
            ("804912775031", "804912775031@example.com", own),
            ("804912775031@example.com", "804912775031@example.com", own),
            ("ann1ee7.2026", "ann1ee7@example.com", own),
            ("ann1ee72026x", "ann1ee7@example.com", None),
            ("7-ann-sails", "ann@example.com", None),
        ] {
            assert_eq!(guessable(password, email), expected, "{password} of {email}");
        }
    }
}
