//! Passwords, hashed with argon2id (RFC 9106) on the blocking thread pool, so that hashing never delays the database.
use crate::identity::credentials::hashing_queue::{self, Waiter};
use crate::kernel::error::{Error, FieldCode, Result};
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use std::collections::HashSet;
use std::sync::OnceLock;

/// Selects the cheapest parameters. Set by tests, which sign in hundreds of times.
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

/// Common words and keyboard patterns, which attackers try first. Digits and punctuation after them are ignored.
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
/// Minimum length of a password without letters.
const DIGITS_MIN: usize = 12;

/// Hashes a new password, or refuses it if it is easy to guess (NIST SP 800-63B, 5.1.1.2).
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
        Some("must have at least 4 different characters")
    } else if is_own_address(&lower, &email.to_lowercase()) {
        Some("must not be your e-mail address or its first part")
    } else if lower.chars().all(|c| c.is_ascii_digit() || c.is_ascii_punctuation()) && lower.len() < DIGITS_MIN {
        Some("must have at least 12 characters if it contains no letters")
    } else if COMMON_PASSWORDS.contains(&stem) || COMMON_PASSWORDS.contains(&lower.as_str()) {
        Some("must not be a common password")
    } else {
        None
    }
}

/// Removes trailing digits and punctuation.
fn stem(text: &str) -> &str {
    text.trim_end_matches(|c: char| !c.is_alphabetic())
}

/// Checks whether the password is the address, its local part, or the local part with other trailing digits and
/// punctuation. A local part without letters matches only literally.
fn is_own_address(password: &str, email: &str) -> bool {
    let name = email.split('@').next().unwrap_or_default();
    let alike = !stem(name).is_empty() && stem(password) == stem(name);
    !name.is_empty() && (password == email || password == name || alike)
}

pub fn hash(password: &str) -> Result<String> {
    argon2().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(Error::internal)
}

/// Checks a password.
pub async fn verify(waiter: Waiter, password: String, known: Option<String>) -> Result<bool> {
    Ok(verify_any(waiter, password, vec![((), known)]).await?.is_some())
}

/// Returns the first candidate whose hash matches the password. Without candidates it verifies a dummy hash, so that
/// the response time does not reveal whether an account exists.
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

/// Runs the work on the blocking thread pool once a permit is free. The permit is held until the work is done, even if
/// the request was cancelled in the meantime.
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
    fn refuses_passwords_that_are_easy_to_guess() {
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

    #[test]
    fn compares_a_password_with_the_address() {
        let own = Some("must not be your e-mail address or its first part");
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

    #[test]
    fn errors_give_the_reason() {
        for (case, password, expected) in [
            ("three different characters", "abcabcabcabc", Some("must have at least 4 different characters")),
            ("four different characters", "abcdabcdabcd", None),
            (
                "digits, eleven of them",
                "80491277503",
                Some("must have at least 12 characters if it contains no letters"),
            ),
            ("digits, twelve of them", "804912775031", None),
            ("digits and signs", "8049-1277", Some("must have at least 12 characters if it contains no letters")),
            ("a common word", "Sunshine", Some("must not be a common password")),
            ("a common word with a year", "sunshine2026!", Some("must not be a common password")),
            ("a common word with blanks around", "  qwertyuiop  ", Some("must not be a common password")),
            ("a common word in the middle", "my-sunshine-9x", None),
            ("a common walk that ends with digits", "1q2w3e4r", Some("must not be a common password")),
            ("the address with capitals", "ANN@X.EXAMPLE", Some("must not be your e-mail address or its first part")),
        ] {
            assert_eq!(guessable(password, "ann@x.example"), expected, "{case}");
        }
    }
}
